# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far the work has come: parts, amounts, what tells them."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils import _process
from ansible_collections.relocate.django.plugins.module_utils._process import Command, pipeline, run
from ansible_collections.relocate.django.plugins.module_utils._progress import (
    BYTES,
    PACKAGES,
    ROWS,
    Amount,
    Gauge,
    Progress,
)
from ansible_collections.relocate.django.plugins.module_utils._stopwatch import Stopwatch


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def parts(progress: Progress) -> list[tuple[Any, ...]]:
    return [(one["name"], one["unit"], one["done"], one["total"]) for one in progress.told()["parts"]]


def test_only_the_innermost_parts_are_told_and_those_that_are_counted_come_first() -> None:
    progress = Progress()
    watch = Stopwatch(progress=progress)
    progress.step = "backup"
    with watch.step("dump"):
        assert parts(progress) == [("dump", "", 0, 0)]
        with progress.part("copy"):
            assert parts(progress) == [("copy", "", 0, 0)]
            with progress.part("copy of the copy"):
                progress.add(5)
            assert parts(progress) == [("copy", "", 0, 0)]

    def beside(part_of: threading.Event, end: threading.Event) -> None:
        with progress.part("count"):
            progress.expect(ROWS, 10)
            progress.add(4, ROWS)
            part_of.set()
            end.wait(10)

    begun, end = threading.Event(), threading.Event()
    with progress.part("dump"):
        thread = threading.Thread(target=beside, args=(begun, end))
        thread.start()
        begun.wait(10)
        assert parts(progress) == [("count", ROWS, 4, 10), ("dump", "", 0, 0)]
        progress.say("default")  # of the part of this thread, not of the newest
        told = {one["name"]: one["item"] for one in progress.told()["parts"]}
        assert told == {"count": "", "dump": "default"}
        end.set()
        thread.join()
    assert progress.told() == {"step": "backup", "parts": []}


def test_a_total_counts_in_its_own_unit_and_is_never_less_than_what_is_done() -> None:
    progress = Progress()
    with progress.part("load"):
        progress.expect(ROWS, 100)
        progress.expect(BYTES, 7)
        progress.add(3, BYTES)
        assert parts(progress) == [("load", BYTES, 3, 7)]
        progress.add(6, BYTES)
        assert parts(progress) == [("load", BYTES, 9, 9)]
    with progress.part("load"):
        progress.add(3, PACKAGES)
        assert parts(progress) == [("load", PACKAGES, 3, 0)]


def test_a_program_is_followed_by_its_place_in_the_file_that_it_reads(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 1_000_000)
    reads = "import sys, time; sys.stdin.buffer.raw.read(400000); time.sleep(1.2); sys.stdin.buffer.read()"
    seen: list[Any] = []
    with progress_of_process() as progress, progress.part("load"), source.open("rb") as stream:
        thread = threading.Thread(target=lambda: seen.extend(looks(progress, 0.9)))
        thread.start()
        run(Command([sys.executable, "-c", reads]), stdin=stream)
        thread.join()
        assert parts(progress) == [("load", BYTES, 1_000_000, 0)]  # it is known no more of how much
    assert ("load", BYTES, 400_000, 1_000_000) in seen


def looks(progress: Progress, seconds: float) -> list[Any]:
    found, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        found += parts(progress)
        time.sleep(0.02)
    return found


class progress_of_process:  # noqa: N801  a context, as a function would be
    """Let what starts programs tell another Progress."""

    def __enter__(self) -> Progress:
        self._patch = pytest.MonkeyPatch()
        progress = Progress()
        self._patch.setattr(_process, "PROGRESS", progress)
        return progress

    def __exit__(self, *_error: object) -> None:
        self._patch.undo()


def test_a_pipeline_is_followed_by_what_passes_or_by_what_it_writes(tmp_path: Path) -> None:
    writes = Command([sys.executable, "-c", "print('y' * 99)"])
    for watch in (None, lambda head: True):
        with progress_of_process() as progress, progress.part("dump"), (tmp_path / "out").open("wb") as out:
            pipeline([writes, Command(["cat"])], stdout=out, watch=watch)
            assert parts(progress) == [("dump", BYTES, 100, 0)]


def test_what_a_program_prints_tells_how_far_it_is() -> None:
    with progress_of_process() as progress, progress.part("packages"):
        run(Command(["printf", "a\\na\\nb\\n"]), measure=(PACKAGES, lambda text: Amount(text.count(b"a"), 5, "got")))
        assert parts(progress) == [("packages", PACKAGES, 2, 0)]


def test_files_that_programs_open_are_no_measure_where_the_work_has_its_own(tmp_path: Path) -> None:
    progress = Progress()
    (tmp_path / "file").write_bytes(b"12345")
    with progress.part("hash"), (tmp_path / "file").open("rb") as stream:
        progress.add(70)
        with progress.following(stream):
            stream.read()
            assert parts(progress) == [("hash", BYTES, 70, 0)]
    assert parts(progress) == []


@pytest.mark.parametrize("stream", [None, 99_999, -1, "pipe", b"bytes"])
def test_what_is_no_plain_file_is_not_followed(stream: Any) -> None:
    progress, handles = Progress(), list(os.pipe())
    before = len(os.listdir("/proc/self/fd"))
    with progress.part("x"), progress.following(handles[0] if stream == "pipe" else stream, None):
        assert parts(progress) == [("x", "", 0, 0)]
    assert len(os.listdir("/proc/self/fd")) == before
    for handle in handles:
        os.close(handle)


def test_a_gauge_that_fails_or_that_asks_a_server_does_not_trouble_the_work() -> None:
    progress, asked = Progress(), []

    def failing() -> Amount:
        raise OSError("gone")

    def remote() -> Amount:
        asked.append(1)
        return Amount(len(asked) * 10)

    with progress.part("dump"):
        with progress.measured(failing):
            assert parts(progress) == [("dump", BYTES, 0, 0)]
        with progress.measured(remote, ROWS, remote=True):
            assert parts(progress) == [("dump", ROWS, 10, 0)]
        assert asked == [1]  # not once more at the end, for which the work would wait
        assert parts(progress) == [("dump", ROWS, 10, 0)]


def test_a_hanging_gauge_does_not_keep_the_work_from_ending() -> None:
    progress, hangs = Progress(), threading.Event()

    def hanging() -> Amount:
        hangs.set()
        time.sleep(5)
        return Amount(1)

    gauge: Gauge = hanging
    began = time.monotonic()
    with progress.part("load"), progress.measured(gauge, ROWS, remote=True):
        threading.Thread(target=progress.told, daemon=True).start()
        assert hangs.wait(5)
    assert time.monotonic() - began < 3


def test_what_took_a_second_is_remembered_and_a_number_that_a_server_guessed_is_not() -> None:
    clock = Clock()
    progress = Progress(clock)
    progress.step = "backup"
    for seconds in (2, 0.5, 1):
        with progress.part("dump"):
            progress.add(10)
            clock.now += seconds
    with progress.part("short"):
        clock.now += 0.9
    with progress.part("load"), progress.measured(lambda: Amount(5), ROWS, remote=True):
        clock.now += 3
        progress.told()
    with progress.part("outer"), progress.part("inner"):
        clock.now += 2
    found = [(one["step"], one["name"], one["unit"], one["done"], one["seconds"]) for one in progress.ended()]
    assert found == [
        ("backup", "dump", BYTES, 30, 3.5),
        ("backup", "load", "", 0, 3.0),
        ("backup", "inner", "", 0, 2.0),
    ]
    for number in range(40):
        with progress.part(str(number)):
            clock.now += 10 + number
    assert [one["name"] for one in progress.ended()] == [str(number) for number in range(28, 40)]


def test_names_are_short_and_nothing_is_told_of_what_nobody_began() -> None:
    progress = Progress()
    progress.add(5)
    progress.say("x")
    progress.expect(BYTES, 5)
    with progress.measured(lambda: Amount(1)), progress.part("n" * 500):
        progress.say("i" * 500)
        (one,) = progress.told()["parts"]
        assert (len(one["name"]), len(one["item"])) == (60, 60)
    assert progress.told() == {"step": "", "parts": []}


def test_a_gauge_may_cost_something_only_when_somebody_asks() -> None:
    progress = Progress()
    with progress.part("load"):
        progress.expect(ROWS, 100)
        assert progress.expected(ROWS) == 0
        progress.is_heard = True
        assert (progress.expected(ROWS), progress.expected(BYTES)) == (100, 0)
