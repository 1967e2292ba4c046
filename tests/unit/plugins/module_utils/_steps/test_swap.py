# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The swap: all or none, the way back, and a kill at every moment."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import DISCARDED, INCOMING, LIVE, PREVIOUS
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._steps import swap as steps_swap
from tests.unit.fakes import BLANK, refused
from tests.unit.plugins.module_utils._steps.engines import NEW, OLD, OLDER, engine

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
    ("databases", "aside", "left"),
    [
        ({LIVE: OLD, DISCARDED: OLDER}, DISCARDED, {LIVE: OLD}),
        ({LIVE: OLD, PREVIOUS: BLANK}, PREVIOUS, {LIVE: OLD}),
        ({LIVE: OLD, PREVIOUS: OLDER}, DISCARDED, {LIVE: OLD, PREVIOUS: OLDER}),
        ({}, PREVIOUS, {LIVE: BLANK}),  # so that the swap can be told, and taken back
    ],
)
def test_a_swap_is_prepared(databases: Any, aside: str, left: Any) -> None:
    one = engine("a", databases=dict(databases))
    steps_swap.prepare_swap(steps_swap.Swap(one, aside))
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
    ("databases", "aside", "left"),
    [
        ({LIVE: NEW}, PREVIOUS, {LIVE: NEW}),
        ({LIVE: NEW, PREVIOUS: BLANK}, PREVIOUS, {LIVE: NEW}),
        ({LIVE: NEW, PREVIOUS: OLD}, PREVIOUS, {LIVE: NEW, PREVIOUS: OLD}),
        ({LIVE: NEW, DISCARDED: OLD, PREVIOUS: OLDER}, DISCARDED, {LIVE: NEW, PREVIOUS: OLDER}),
        ({LIVE: NEW, DISCARDED: OLD, PREVIOUS: BLANK}, DISCARDED, {LIVE: NEW}),
    ],
)
def test_only_what_is_worthless_is_cleared_up(databases: Any, aside: str, left: Any) -> None:
    one = engine(databases=dict(databases))
    assert steps_swap.clear_up([steps_swap.Swap(one, aside)]) == []
    assert one.databases == left


def test_what_cannot_be_dropped_after_the_swap_is_told_and_no_failure() -> None:
    one = engine(databases={LIVE: NEW, DISCARDED: OLD}, fails={"drop": 1})
    (line,) = steps_swap.clear_up([steps_swap.Swap(one, DISCARDED)])
    assert line == "database default: the discarded one could not be dropped: default cannot drop"


def swapped(alias: str, **options: Any) -> Any:
    return engine(alias, databases={LIVE: NEW, PREVIOUS: OLD}, **options)


def go_back(engines: list[Any]) -> list[str]:
    return steps_swap.roll_back(engines, steps_swap.to_roll_back(engines, {}), lambda: None)


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
