# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task is watched without it noticing."""

from __future__ import annotations

import threading
import time

import pytest

from ansible_collections.relocate.django.plugins.plugin_utils import _watch
from ansible_collections.relocate.django.plugins.plugin_utils._watch import Watch

pytestmark = pytest.mark.slow

ANSWER = '{"step": "backup", "parts": [{"name": "dump", "unit": "bytes", "done": 5, "total": 10, "seconds": 1}]}'


LIFE = _watch.FIRST, _watch.EVERY, _watch.PATIENCE


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in life, a tenth of the time."""
    for name, seconds in (("FIRST", 0.3), ("EVERY", 0.4), ("PATIENCE", 0.1)):
        monkeypatch.setattr(_watch, name, seconds)


def test_no_two_lines_are_more_than_five_seconds_apart() -> None:
    first, every, patience = LIFE
    assert first == 3.0 and every + patience <= 5.0


def test_a_short_task_asks_nobody_shows_nothing_and_takes_no_time() -> None:
    asked: list[int] = []
    shown: list[str] = []
    began = time.monotonic()
    for _number in range(200):
        watch = Watch("old1", "backup", lambda: asked.append(1) or ANSWER, shown.append)  # type: ignore[func-returns-value]
        with watch:
            watch.begin()
        watch.summarise((), False)
    assert (time.monotonic() - began) / 200 < 0.005
    time.sleep(0.6)
    assert (asked, shown) == ([], [])
    assert threading.active_count() < 50  # none of them waits on


def test_a_long_task_is_shown_until_it_ends_and_never_after() -> None:
    shown: list[str] = []
    watch = Watch("old1", "batch", lambda: ANSWER, shown.append)
    with watch:
        watch.begin()
        time.sleep(1.0)
    count = len(shown)
    assert count == 2
    assert all(line.startswith("old1: backup: dump 50 %, 5 of 10 bytes (") for line in shown)
    time.sleep(0.6)
    assert len(shown) == count
    watch.summarise((), True)
    assert shown[-1] == "old1: batch: failed after 2 s"


def test_a_host_that_does_not_answer_is_shown_all_the_same_and_keeps_nobody_waiting() -> None:
    shown: list[str] = []
    hangs = threading.Event()
    asked: list[int] = []

    def ask() -> str:
        asked.append(1)
        hangs.wait(20)
        return ANSWER

    watch = Watch("old1", "backup", ask, shown.append)
    with watch:
        watch.begin()
        time.sleep(1.35)
        ended = time.monotonic()
    assert time.monotonic() - ended < 0.1
    assert len(shown) >= 2 and set(shown) <= {
        "old1: backup: at work (0 s so far)",
        "old1: backup: at work (1 s so far)",
    }
    assert asked == [1]  # not a second question beside the first
    watch.settle(0.1)
    hangs.set()
    watch.settle(5)
    count = len(shown)
    time.sleep(0.5)
    assert len(shown) == count


def test_errors_of_the_question_are_nobodys_matter_and_end_it() -> None:
    shown: list[str] = []
    asked: list[int] = []

    def ask() -> str:
        asked.append(1)
        raise OSError("no route")

    with pytest.raises(KeyError), Watch("old1", "backup", ask, shown.append) as watch:
        watch.begin()
        time.sleep(2.1)
        raise KeyError("of the task itself")
    assert len(asked) == 3  # then it is left alone, and the lines go on
    assert len(shown) >= 4 and all("at work" in line for line in shown)


def test_an_answer_is_forgotten_when_no_other_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_watch, "_FRESH", 0.5)
    shown: list[str] = []
    answers = iter([ANSWER])
    with Watch("old1", "batch", lambda: next(answers, "nothing"), shown.append) as watch:
        watch.begin()
        time.sleep(1.3)
    assert "dump" in shown[0] and "at work" in shown[-1]
