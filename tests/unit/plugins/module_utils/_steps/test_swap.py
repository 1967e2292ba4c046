# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The swap: all or none, the way back, and a kill at every moment."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import DISCARDED, INCOMING, LIVE, PREVIOUS
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState
from ansible_collections.relocate.django.plugins.module_utils._steps import origin
from ansible_collections.relocate.django.plugins.module_utils._steps import swap as steps_swap
from tests.unit.fakes import BLANK, LABEL, NEWER, refused, state
from tests.unit.plugins.module_utils._steps.engines import NEW, OLD, OLDER, engine
from tests.unit.plugins.module_utils._steps.world import FIRST, OWN, SECOND, TAKEN_IN, Clock, Killed, World, world
from tests.unit.records import given

pytestmark = pytest.mark.slow

__all__ = ["world"]  # fixtures


# --- the swap: all or none


def loaded(alias: str, **options: Any) -> Any:
    return engine(alias, databases={LIVE: OLD, INCOMING: NEW}, **options)


def swap_all(engines: list[Any]) -> None:
    steps_swap.swap_all([steps_swap.Swap(one, PREVIOUS) for one in engines])


def test_swap_all() -> None:
    engines = [loaded("a"), loaded("b")]
    swap_all(engines)
    assert [one.databases for one in engines] == [{LIVE: NEW, PREVIOUS: OLD}] * 2


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_swap_that_fails_takes_back_those_before_it(failing: int) -> None:
    engines = [loaded(alias, fails={"swap": 1} if number == failing else {}) for number, alias in enumerate("abc")]
    with refused("swap_failed", f"{'abc'[failing]} cannot swap Next: look at it"):
        swap_all(engines)
    assert [one.databases for one in engines] == [{LIVE: OLD, INCOMING: NEW}] * 3


def test_an_interrupt_takes_back_too(monkeypatch: pytest.MonkeyPatch) -> None:
    engines = [loaded("a"), loaded("b")]

    def interrupted(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engines[1], "swap", interrupted)
    with pytest.raises(KeyboardInterrupt):
        swap_all(engines)
    assert engines[0].databases == {LIVE: OLD, INCOMING: NEW}


def test_a_swap_that_cannot_be_taken_back_is_told() -> None:
    engines = [loaded("a"), loaded("b", fails={"swap": 2}), loaded("c", fails={"swap": 1})]
    text = "c cannot swap.*may be swapped and could not be taken back: b Next: run again"
    with refused("swap_failed", text):
        swap_all(engines)
    assert engines[0].databases == {LIVE: OLD, INCOMING: NEW}
    assert engines[1].databases == {LIVE: NEW, PREVIOUS: OLD}


def test_a_swap_that_was_made_although_it_failed_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    engines = [loaded("a"), loaded("b")]
    swap = engines[1].swap

    def lost(*args: str) -> None:
        swap(*args)
        if args == (INCOMING, PREVIOUS):
            raise RelocateError("server_unreachable", "the answer is lost")

    monkeypatch.setattr(engines[1], "swap", lost)
    with refused("server_unreachable", "the answer is lost"):
        swap_all(engines)
    assert [one.databases for one in engines] == [{LIVE: OLD, INCOMING: NEW}] * 2


def test_what_stands_in_the_way_is_not_taken_for_a_swap() -> None:
    one = engine("a", databases={LIVE: OLD, INCOMING: NEW, PREVIOUS: OLDER})
    with refused("swap_failed", "database a: there is a previous one already"):
        steps_swap.prepare_swap(steps_swap.Swap(one, PREVIOUS))
    with refused("swap_failed", "previous exists"):
        swap_all([one])
    assert one.databases == {LIVE: OLD, INCOMING: NEW, PREVIOUS: OLDER}


@pytest.mark.parametrize(
    ("databases", "displaced", "left"),
    [
        ({LIVE: OLD, DISCARDED: OLDER}, DISCARDED, {LIVE: OLD}),
        ({LIVE: OLD, PREVIOUS: BLANK}, PREVIOUS, {LIVE: OLD}),
        ({LIVE: OLD, PREVIOUS: OLDER}, DISCARDED, {LIVE: OLD, PREVIOUS: OLDER}),
        ({}, PREVIOUS, {LIVE: BLANK}),  # so that the swap can be told, and taken back
    ],
)
def test_a_swap_is_prepared(databases: Any, displaced: str, left: Any) -> None:
    one = engine("a", databases=dict(databases))
    steps_swap.prepare_swap(steps_swap.Swap(one, displaced))
    assert one.databases == left


@pytest.mark.parametrize("failing", [False, True])
def test_incoming_is_dropped_when_something_failed(failing: bool) -> None:
    engines = [loaded("a", fails={"drop": 1}), loaded("b"), engine("c", databases={LIVE: OLD})]
    if not failing:
        with steps_swap.incoming_dropped_on_failure(engines):
            pass
        assert INCOMING in engines[1].databases
        return
    with refused("load_failed", "the cause"), steps_swap.incoming_dropped_on_failure(engines):
        raise RelocateError("load_failed", "the cause")
    assert [INCOMING in one.databases for one in engines] == [True, False, False]  # the first could not


# --- what was put aside


@pytest.mark.parametrize(
    ("databases", "displaced", "left"),
    [
        ({LIVE: NEW}, PREVIOUS, {LIVE: NEW}),
        ({LIVE: NEW, PREVIOUS: BLANK}, PREVIOUS, {LIVE: NEW}),
        ({LIVE: NEW, PREVIOUS: OLD}, PREVIOUS, {LIVE: NEW, PREVIOUS: OLD}),
        ({LIVE: NEW, DISCARDED: OLD, PREVIOUS: OLDER}, DISCARDED, {LIVE: NEW, PREVIOUS: OLDER}),
        ({LIVE: NEW, DISCARDED: OLD, PREVIOUS: BLANK}, DISCARDED, {LIVE: NEW}),
    ],
)
def test_only_what_is_disposable_is_cleared_up(databases: Any, displaced: str, left: Any) -> None:
    one = engine(databases=dict(databases))
    assert steps_swap.clear_up([steps_swap.Swap(one, displaced)]) == []
    assert one.databases == left


def test_whether_a_database_is_blank_is_asked_without_counting_its_rows() -> None:
    """The site waits meanwhile."""
    one = engine(databases={LIVE: NEW, PREVIOUS: OLD, DISCARDED: BLANK})
    plain = one.snapshot

    @contextlib.contextmanager
    def uncounted(which: str) -> Iterator[Any]:
        with plain(which) as snapshot:
            del snapshot.state
            yield snapshot

    one.snapshot = uncounted
    assert [origin.is_blank(one, which) for which in (PREVIOUS, DISCARDED)] == [False, True]


def test_what_cannot_be_dropped_after_the_swap_is_told_and_no_failure() -> None:
    one = engine(databases={LIVE: NEW, DISCARDED: OLD}, fails={"drop": 1})
    (line,) = steps_swap.clear_up([steps_swap.Swap(one, DISCARDED)])
    assert line == "database default: the discarded one could not be dropped: default cannot drop"


def swapped(alias: str, **options: Any) -> Any:
    return engine(alias, databases={LIVE: NEW, PREVIOUS: OLD}, **options)


def go_back(engines: list[Any]) -> list[str]:
    return steps_swap.roll_back(engines, steps_swap.to_roll_back(engines, given()), lambda: None)


def test_roll_back() -> None:
    engines = [swapped("a"), swapped("b")]
    assert go_back(engines) == []
    assert [one.databases for one in engines] == [{LIVE: OLD}] * 2


def test_roll_back_is_refused_when_one_has_no_previous() -> None:
    engines = [swapped("a"), engine("b", databases={LIVE: NEW}), engine("c")]
    with refused("no_previous", "no previous database of: b, c Next: restore an older backup set instead"):
        go_back(engines)
    assert [call for one in engines for call in one.calls] == [("query", PREVIOUS)]


def test_roll_back_of_all_or_none() -> None:
    engines = [swapped("a"), swapped("b", fails={"swap": 1})]
    with refused("swap_failed", "b cannot swap"):
        go_back(engines)
    assert [one.databases for one in engines] == [{LIVE: NEW, PREVIOUS: OLD}] * 2


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
    """The next run needs no other option than the first, and nothing but what is disposable is ever gone."""
    there, record = BEFORE[before]
    must_keep = OWN in there.values()
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
            assert not must_keep or OWN in one.databases.values(), (moment, after, one.databases)
        result = new.run(again, **options)
        held = FIRST if again == LABEL else SECOND
        expected = {LIVE: held, **({PREVIOUS: OWN} if must_keep else {})}
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


def test_what_somebody_wrote_after_a_kill_is_kept(world: Any) -> None:
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
                record = given(**new.record)
                with refused("target_not_blank", "target holds"):
                    origin.displaced_name(one, one.describe(), origin.origin(one, record), record, False)  # type: ignore[arg-type]
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
