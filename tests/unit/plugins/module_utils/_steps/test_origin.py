# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore may drop, and what never: second attempts, sites that have served, and a kill at every moment."""

from __future__ import annotations

import contextlib
import itertools
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import DISCARDED, INCOMING, LIVE, PREVIOUS
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import facts as host_facts
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState, Obstacle
from ansible_collections.relocate.django.plugins.module_utils._record import record as record_record
from ansible_collections.relocate.django.plugins.module_utils._services import checks
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._steps import origin
from ansible_collections.relocate.django.plugins.modules import database as database_module
from ansible_collections.relocate.django.plugins.modules import restore as restore_module
from tests.unit.fakes import BLANK, LABEL, NEWER, FakeEngine, entry, facts, fake_site, manifest, me, refused, state

#: What the databases hold: the user's own, what two sets hold, and what the site took in.
OWN, FIRST, SECOND, TAKEN_IN = state(10), state(11), state(12), state(13)


UPDATE = record_record.update_record


class Killed(BaseException):
    """As kill -9 does: nothing runs after it."""


class Clock:
    """Counts the writes; from the one at which the process is killed none has an effect any more."""

    def __init__(self, deadly: int = 0, after: bool = False) -> None:
        self.deadly, self.after, self.writes = deadly, after, 0

    def write(self, effect: Any) -> Any:
        self.writes += 1
        if self.deadly and (self.writes > self.deadly or (self.writes == self.deadly and not self.after)):
            raise Killed
        result = effect()
        if self.writes == self.deadly:
            raise Killed
        return result


class MortalEngine(FakeEngine):
    """An engine whose writes a clock counts."""

    clock = Clock()

    def load(self, *args: Any) -> None:
        self.clock.write(lambda: super(MortalEngine, self).load(*args))

    def swap(self, from_name: str = INCOMING, aside: str = PREVIOUS) -> None:
        self.clock.write(lambda: super(MortalEngine, self).swap(from_name, aside))

    def drop(self, which: str) -> bool:
        return bool(which in self.databases and self.clock.write(lambda: super(MortalEngine, self).drop(which)))

    def create_blank(self, recorded: Any = None) -> list[str]:
        return list(self.clock.write(lambda: super(MortalEngine, self).create_blank(recorded)))


class World:
    """A new host: two databases, the record, and two backup sets."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch, **databases: DatabaseState) -> None:
        self.path, self.monkeypatch = str(path), monkeypatch
        other_server = replace(facts(), system_id="server-2")
        self.engines = [
            MortalEngine(alias, databases=dict(databases), facts=other_server) for alias in ("default", "other")
        ]
        self.warned: list[str] = []
        monkeypatch.setattr(host_facts, "machine_id", lambda: "n3w")
        monkeypatch.setattr(
            record_record,
            "update_record",
            lambda *args: self.clock.write(lambda: UPDATE(*args)),  # type: ignore[arg-type]
        )
        self.clock = Clock()
        for label, held in ((LABEL, FIRST), (NEWER, SECOND)):
            made = BackupSet.create(self.path, "shop", label, me())
            for one in self.engines:
                Path(made.file(f"databases/{one.alias}.fakedump")).write_text("dump")
            entries = {one.alias: entry(one.alias, state=held) for one in self.engines}
            made.finish(manifest(label, databases=entries))

    @property
    def record(self) -> dict[str, Any]:
        return record_record.read_record(self.path, "shop")

    def note(self, **changes: Any) -> None:
        UPDATE(self.path, "shop", changes)

    def run(self, label: str = LABEL, clock: Clock | None = None, **options: Any) -> dict[str, Any]:
        self.clock = MortalEngine.clock = clock or Clock()
        for one in self.engines:
            one.loads = FIRST if label == LABEL else SECOND
            one.calls.clear()
        params = {
            "directory": self.path,
            "site": "shop",
            "label": label,
            "manifest_sha256": None,
            "state": "present",
            "sequences": "keep",
            "allow_same_host": False,
            "allow_same_database": False,
            "replace": False,
            "aliases": [],
            "media": True,
            "services_left": [],
            "verified": False,
            "jobs": 1,
            "confirm": "shop",
            "which": "previous",
            **options,
        }
        module: Any = SimpleNamespace(params=params, check_mode=False, warn=self.warned.append)
        site = fake_site(self.path, *self.engines)
        if params["state"] == "absent":
            return {one.alias: database_module.drop(module, one) for one in self.engines}
        work = restore_module.roll_back if params["state"] == "rolled_back" else restore_module.restore
        return work(module, site)

    def holds(self, **databases: DatabaseState) -> None:
        assert [one.databases for one in self.engines] == [databases] * 2
        assert "begun" not in self.record


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda **databases: World(tmp_path, monkeypatch, **databases)


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
    assert new.run(services_left=["shop"])["changed"]
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
    new.run(NEWER)  # nor is it precious
    new.holds(live=SECOND, previous=OWN)


@pytest.mark.parametrize("converted", [None, {"tables": []}])
def test_a_conversion_leaves_the_site_where_it_serves(converted: Any) -> None:
    """Put back, it goes on with what it took in; an undo after that must still know that it served."""
    record = {"moved": {"label": "l"}, "begun": {"default": {"converted": converted, "place": "p"}}}
    changes = origin.made_live(record, {"default": "d"})
    assert changes["moved"] == ({"label": "l"} if converted else None)
    assert changes["places"] == {"default": "p"}


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


def test_nobody_goes_back_to_a_blank_database(world: Any) -> None:
    """A run that was killed before it cleared up has left what was live at first: nothing."""
    new = world(live=BLANK)
    new.run()
    for one in new.engines:
        one.databases[PREVIOUS] = BLANK
    with refused("no_previous", "no previous database of: default, other Next: restore an older"):
        new.run(state="rolled_back")
    assert new.engines[0].databases == {LIVE: FIRST, PREVIOUS: BLANK}
    assert new.run()["changed"] is True  # the next run of the same set clears it up
    new.holds(live=FIRST)
    assert new.run()["changed"] is False


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


def test_a_database_that_was_written_to_while_the_dump_was_loaded_is_kept(world: Any) -> None:
    new = world(live=BLANK)
    load = new.engines[1].load

    def meanwhile(*args: Any) -> None:
        load(*args)
        new.engines[1].databases[LIVE] = OWN

    new.engines[1].load = meanwhile
    with refused("target_not_blank", "database other: target holds 2 tables"):
        new.run()
    assert [one.databases for one in new.engines] == [{LIVE: BLANK}, {LIVE: OWN}]


def test_a_drop_that_fails_after_the_swap_is_a_warning(world: Any) -> None:
    new = world(live=BLANK)
    new.run()
    new.engines[0].fails = {"drop": 1}
    assert new.run(NEWER)["changed"] is True
    assert new.engines[0].databases == {LIVE: SECOND, DISCARDED: FIRST}
    assert new.warned == ["database default: the discarded one could not be dropped: default cannot drop"]
    new.engines[0].fails = {}
    new.run(LABEL)
    new.holds(live=FIRST)


# --- a kill at every moment


BEFORE: dict[str, tuple[dict[str, DatabaseState], dict[str, Any]]] = {
    "blank": ({LIVE: BLANK}, {}),
    "nothing": ({}, {}),
    "an earlier attempt": ({LIVE: state(9)}, {"restored": {"default": "x", "other": "x"}}),
    "an earlier attempt over their own": (
        {LIVE: state(9), PREVIOUS: OWN},
        {"restored": {"default": "x", "other": "x"}},
    ),
    "their own": ({LIVE: OWN}, {}),
    "what it took in": ({LIVE: OWN}, {"restored": {"default": "x", "other": "x"}, "served": {"label": "l"}}),
    "blank beside their own": ({LIVE: BLANK, PREVIOUS: OWN}, {}),
}


@pytest.mark.parametrize("again", [LABEL, NEWER])
@pytest.mark.parametrize("before", list(BEFORE))
def test_a_kill_at_every_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, again: str) -> None:
    """The next run needs no other option than the first, and nothing but what is worthless is ever gone."""
    there, record = BEFORE[before]
    precious = OWN in there.values()
    for moment, after in ((number // 2, bool(number % 2)) for number in itertools.count(2)):
        path = tmp_path / f"{moment}{after}"
        path.mkdir()
        new = World(path, monkeypatch, **there)
        new.note(**record)
        options = {"replace": there.get(LIVE) == OWN}
        clock = Clock(moment, after)
        with contextlib.suppress(Killed):
            new.run(LABEL, clock, **options)
        if clock.writes < moment:
            break
        for one in new.engines:
            assert not precious or OWN in one.databases.values(), (moment, after, one.databases)
        result = new.run(again, **options)
        held = FIRST if again == LABEL else SECOND
        expected = {LIVE: held, **({PREVIOUS: OWN} if precious else {})}
        for one in new.engines:
            assert one.databases == expected, (moment, after)
        assert "begun" not in new.record
        assert "served" not in new.record
        assert set(new.record["restored"]) == {"default", "other"}
        # Who died before it could tell has not migrated and verified either.
        died_before_its_end = clock.writes == moment and not (again == LABEL and _was_told(new, result))
        assert result["changed"] is True or not died_before_its_end
        assert new.run(again)["changed"] is False
    assert moment > 5


def _was_told(new: World, result: dict[str, Any]) -> bool:
    """Whether the record already said that all came from the first set when the second run began."""
    return result["restored"] == [] and not any(call[0] == "swap" for one in new.engines for call in one.calls)


def test_what_somebody_wrote_after_a_kill_is_precious(world: Any) -> None:
    new = world(live=BLANK)
    new.run()
    for moment in range(1, 20):
        with contextlib.suppress(Killed):
            new.run(NEWER, Clock(moment, after=True))
        if new.engines[0].databases[LIVE] == SECOND:
            break
    assert new.engines[0].databases == {LIVE: SECOND, DISCARDED: FIRST}
    new.engines[0].databases[LIVE] = TAKEN_IN
    with refused("target_not_blank", "database default: target holds 2 tables"):
        new.run(NEWER)
    new.run(NEWER, replace=True)
    assert new.engines[0].databases == {LIVE: SECOND, PREVIOUS: TAKEN_IN}
    assert new.engines[1].databases == {LIVE: SECOND}


@pytest.mark.parametrize("after", [False, True])
def test_a_kill_while_going_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    for moment in range(1, 9):
        path = tmp_path / str(moment)
        path.mkdir()
        new = World(path, monkeypatch, live=OWN)
        new.run(replace=True)
        clock = Clock(moment, after)
        with contextlib.suppress(Killed):
            new.run(clock=clock, state="rolled_back")
        assert [OWN in one.databases.values() for one in new.engines] == [True, True]
        for one in new.engines:
            if one.databases[LIVE] == OWN:  # and no later run takes it for an earlier attempt
                record = new.record
                with refused("target_not_blank", "target holds"):
                    origin.aside_for(one, one.describe(), origin.origin(one, record), record, False)  # type: ignore[arg-type]
        # The same command goes on from there, whichever of the two had been put back.
        with contextlib.suppress(RelocateError):
            assert new.run(state="rolled_back")["restored"] == ["default", "other"]
        assert [one.databases[LIVE] for one in new.engines] == [OWN, OWN], (moment, after)
        assert all(PREVIOUS not in one.databases for one in new.engines), (moment, after)
        assert "rolling" not in new.record
    assert clock.writes < 9


def test_an_earlier_way_back_is_not_taken_for_this_one(world: Any) -> None:
    new = world(live=OWN)
    new.run(replace=True)
    for one in new.engines:
        one.fails = {"swap": 1}
    with refused("swap_failed", "cannot swap"):
        new.run(state="rolled_back")
    assert new.run(state="absent")["default"] == ["previous database of default"]
    for one in new.engines:
        one.fails = {}
    with refused("no_previous", "no previous database of: default, other"):
        new.run(state="rolled_back")
    new.holds(live=FIRST)


# --- the record


def test_equal_states_have_equal_digests() -> None:
    assert origin.state_digest(state(3)) == origin.state_digest(state(3))
    assert len({origin.state_digest(item) for item in (state(3), state(4), state(3, "x"), BLANK)}) == 4


def test_a_schema_that_is_shown_otherwise_leaves_the_origin_certain() -> None:
    """A run that died in its swap may be followed by one to which the server shows less, or after a connection."""
    for later in (None, {"table a": "x", "property journal_mode": "wal"}):
        proven = replace(FIRST, schema={"table a": "x"})
        engine = FakeEngine(databases={LIVE: replace(FIRST, schema=later), PREVIOUS: OWN})
        record = {"begun": {"default": origin.begun_entry("digest", PREVIOUS, proven)}}
        assert origin.origin(engine, record) == "digest"


def test_the_record_of_a_swap_holds_no_data(world: Any) -> None:
    noted = origin.begun_entry("digest", PREVIOUS, FIRST, "x:y:1:z")
    assert noted == {
        "digest": "digest",
        "aside": PREVIOUS,
        "method": "fake-1",
        "state": origin.state_digest(FIRST),
        "place": "x:y:1:z",
    }
    assert os.path.isdir(world().path)
