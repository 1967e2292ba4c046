# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore may drop, and what never: second attempts, and sites that have served."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import LIVE, PREVIOUS
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Begun, Event
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record
from ansible_collections.relocate.django.plugins.module_utils._services import checks
from ansible_collections.relocate.django.plugins.module_utils._steps import origin
from tests.unit.fakes import BLANK, LABEL, NEWER, FakeEngine, refused, state
from tests.unit.plugins.module_utils._steps.world import FIRST, OWN, SECOND, TAKEN_IN, world
from tests.unit.records import given

pytestmark = pytest.mark.slow

__all__ = ["world"]  # fixtures


# --- one attempt after the other


def test_a_second_attempt_keeps_what_the_first_put_aside(world: Any) -> None:
    new = world(live=OWN)
    with refused("target_not_blank", "database default: target holds 2 tables Next: .*relocate_replace"):
        new.run()
    new.holds(live=OWN)
    assert new.run(replace=True)["restored"] == ["default", "other"]
    new.holds(live=FIRST, previous=OWN)
    new.run(NEWER)  # without any option: the first attempt's is worth nothing
    new.holds(live=SECOND, previous=OWN)
    new.run(LABEL, replace=True)
    new.holds(live=FIRST, previous=OWN)
    assert new.run(LABEL)["changed"] is False
    assert new.run(LABEL, state="rolled_back")["restored"] == ["default", "other"]
    new.holds(live=OWN)
    with refused("target_not_blank", "target holds 2 tables"):  # what is live again is the user's own
        new.run()


def test_a_site_that_runs_is_stopped_by_its_user_first(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    new = world(live=BLANK)
    up = [Obstacle("site_running", "shop.service runs here", "stop it")]
    monkeypatch.setattr(checks, "running", lambda path, left: [] if "shop" in left else up)
    with refused("site_running", "shop.service runs here Next: stop it"):
        new.run()
    new.holds(live=BLANK)
    assert new.run(services_kept_running=["shop"])["changed"]
    assert new.run()["changed"] is False, "it may run when there is nothing to do"


def test_a_copy_is_known_by_its_place_too(world: Any) -> None:
    """Settings that were put back name a database that came out of no set, as after a conversion that failed."""
    new = world(live=BLANK)
    new.run()
    for one in new.engines:
        one.place = ("another.example.org", 5432)
        one.databases = {LIVE: OWN}
    with refused("target_not_blank", "target holds 2 tables Next"):
        new.run(NEWER)
    new.holds(live=OWN)


def test_what_replaces_a_site_that_serves_is_proven_again(world: Any) -> None:
    """A run that ended before its proof must not be taken for one that ended well."""
    new = world(live=OWN)
    new.note(moved={"label": "earlier"})
    assert new.run(replace=True)["served"] is False
    assert "moved" not in new.record
    assert new.run()["served"] is False
    new.run(NEWER)  # nor must it be kept
    new.holds(live=SECOND, previous=OWN)


@pytest.mark.parametrize("converted", [None, {"tables": []}])
def test_a_conversion_leaves_the_site_where_it_serves(converted: Any) -> None:
    """Put back, it goes on with what it took in; an undo after that must still know that it served."""
    record = given(moved={"label": "l"}, begun={"default": {"converted": converted, "place": "p"}})
    changes = origin.made_live(record, {"default": "d"})
    assert changes.moved == (Event("l") if converted else None)
    assert changes.places == {"default": "p"}


@pytest.mark.parametrize("there", [{}, {"live": BLANK}, {"live": BLANK, "previous": BLANK}])
def test_attempts_into_blank_databases_leave_nothing_aside(world: Any, there: Any) -> None:
    new = world(**there)
    for label, held in ((LABEL, FIRST), (NEWER, SECOND), (LABEL, FIRST)):
        assert new.run(label)["changed"] is True
        assert {LIVE: held}.items() <= new.engines[0].databases.items()
        new.holds(live=held)
        assert new.run(label)["changed"] is False
        with refused("no_previous", "no previous database of: default, other"):
            new.run(state="rolled_back")
    new.holds(live=FIRST)


@pytest.mark.parametrize("flag", ["moved", "served"])
def test_what_the_site_took_in_is_kept(world: Any, flag: str) -> None:
    new = world(live=BLANK)
    new.run()
    new.note(**{flag: {"label": LABEL}})
    for one in new.engines:
        one.databases[LIVE] = TAKEN_IN
    assert new.run()["changed"] is False  # a rerun of the same set
    with refused("target_not_blank", "and the site has served with it here Next: .*relocate_replace"):
        new.run(NEWER)
    new.holds(live=TAKEN_IN)
    new.run(NEWER, replace=True)
    new.holds(live=SECOND, previous=TAKEN_IN)
    assert "served" not in new.record
    if flag == "served":
        new.run(LABEL)  # that attempt failed later on: the next needs no option
        new.holds(live=FIRST, previous=TAKEN_IN)
    new.note(served={"label": NEWER})
    before = new.record
    with refused(
        "previous_exists",
        "database default holds data, .*remove it on this host: remove previous; or go back.*state rolled_back",
    ):
        new.run(NEWER if flag == "served" else LABEL, replace=True)
    assert new.record == before
    assert all(call[0] == "query" for one in new.engines for call in one.calls)
    assert new.run(state="absent")["default"] == ["previous database of default"]
    new.run(NEWER if flag == "served" else LABEL, replace=True)
    assert [sorted(one.databases) for one in new.engines] == [[LIVE, PREVIOUS]] * 2


def test_served_is_kept_for_what_was_not_restored_since(world: Any) -> None:
    new = world(live=BLANK)
    new.run()
    new.note(served={"label": LABEL})
    others, new.engines = new.engines, new.engines[:1]
    new.run(NEWER, replace=True, aliases=["default"])
    assert (new.record.get("served"), new.record["served_with"]) == (None, ["other"])
    new.engines = others
    with refused("target_not_blank", "database other: target holds 2 tables, and the site has served"):
        new.run(NEWER)
    assert new.run(NEWER, replace=True)["restored"] == ["other"]
    assert "served_with" not in new.record
    assert others[1].databases == {LIVE: SECOND, PREVIOUS: FIRST}


def test_dropping_all_makes_the_next_database_somebody_elses(world: Any) -> None:
    new = world(live=BLANK)
    new.run()
    new.run(state="absent", which="all")
    assert [one.databases for one in new.engines] == [{}, {}]
    for one in new.engines:
        one.databases[LIVE] = OWN
    with refused("target_not_blank", "target holds 2 tables"):
        new.run()


# --- the record


def test_equal_states_have_equal_digests() -> None:
    assert origin.state_digest(state(3)) == origin.state_digest(state(3))
    assert len({origin.state_digest(item) for item in (state(3), state(4), state(3, "x"), BLANK)}) == 4


def test_a_schema_that_is_shown_otherwise_leaves_the_origin_certain() -> None:
    """A run that died in its swap may be followed by one to which the server shows less, or after a connection."""
    for later in (None, {"table a": "x", "property journal_mode": "wal"}):
        proven = replace(FIRST, schema={"table a": "x"})
        engine = FakeEngine(databases={LIVE: replace(FIRST, schema=later), PREVIOUS: OWN})
        record = Record(begun={"default": origin.begun_entry("digest", PREVIOUS, proven)})
        assert origin.origin(engine, record) == "digest"


def test_the_record_of_a_swap_holds_no_data(world: Any) -> None:
    noted = origin.begun_entry("digest", PREVIOUS, FIRST, "x:y:1:z")
    assert noted == Begun("digest", PREVIOUS, "fake-1", origin.state_digest(FIRST), "x:y:1:z")
    assert os.path.isdir(world().path)
