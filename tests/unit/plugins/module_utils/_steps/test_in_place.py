# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Loads into live itself, where nobody may create a database beside it: what is emptied for one, and what never."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import LIVE
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from tests.unit.fakes import BLANK, LABEL, NEWER, refused
from tests.unit.plugins.module_utils._steps.world import FIRST, OWN, SECOND, MortalEngine, world

__all__ = ["world"]  # fixtures


class InPlace(MortalEngine):
    """Fills live itself; what is not blank it refuses, whatever the caller thinks of it."""

    def load(self, *args: Any) -> None:
        if self.databases[LIVE].tables:
            raise RelocateError("target_not_blank", f"{self.alias} holds something")
        super().load(*args)

    def drop(self, which: str) -> bool:
        if which != LIVE:
            return super().drop(which)
        self.calls.append(("drop", LIVE))
        self.databases[LIVE] = BLANK
        return True


@pytest.fixture(name="placed")
def _placed(world: Any) -> Any:
    def placed(**databases: Any) -> Any:
        new = world(**databases)
        for one in new.engines:
            one.__class__, one.in_place = InPlace, True
        return new

    return placed


def emptied(new: Any) -> bool:
    return any(("drop", LIVE) in one.calls for one in new.engines)


@pytest.mark.parametrize("replace", [False, True])
def test_what_came_from_no_set_is_refused_and_never_emptied(placed: Any, replace: bool) -> None:
    """With relocate_replace too: nothing can be kept aside."""
    new = placed(live=OWN)
    with refused("target_not_blank", "holds 2 tables Next: empty it: the login of new may not create databases"):
        new.run(replace=replace)
    new.holds(live=OWN)
    assert not emptied(new)
    with refused("target_not_blank", "holds something"):
        new.run(state="rehearsed")
    new.holds(live=OWN)
    assert not emptied(new)


def test_what_an_attempt_left_is_emptied_for_the_next_one(placed: Any) -> None:
    new = placed(live=BLANK)
    assert new.run()["restored"] == ["default", "other"]
    new.holds(live=FIRST)
    assert not emptied(new)
    assert new.run(LABEL)["changed"] is False
    with refused("target_not_blank", "holds something"):  # a rehearsal leaves all as it is
        new.run(NEWER, state="rehearsed")
    new.holds(live=FIRST)
    assert new.run(NEWER)["restored"] == ["default", "other"]
    new.holds(live=SECOND)
    assert emptied(new)


def test_what_the_site_served_with_is_kept(placed: Any) -> None:
    new = placed(live=BLANK)
    new.run()
    new.note(served={"label": LABEL})
    with refused("target_not_blank", "the site has served with it here Next: empty it"):
        new.run(NEWER, replace=True)
    new.holds(live=FIRST)
    assert not emptied(new)


def test_the_record_forgets_what_is_emptied_before_that_is_done(placed: Any) -> None:
    """A load that fails then leaves a blank database, and a record that calls it that."""
    new = placed(live=BLANK)
    new.run()
    for one in new.engines:
        one.fails = {"load": 1}
    with refused("load_failed", "cannot load"):
        new.run(NEWER)
    assert new.engines[0].databases == {LIVE: BLANK}
    assert "default" not in new.record.get("restored", {})
    for one in new.engines:
        one.fails = {}
    assert new.run(NEWER)["restored"] == ["default", "other"]
    new.holds(live=SECOND)
