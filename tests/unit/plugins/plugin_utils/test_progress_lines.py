# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people read of progress, whatever a host says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.plugin_utils import _progress_lines as lines
from ansible_collections.relocate.django.plugins.plugin_utils._progress_lines import Part

DUMP = Part("dump", "default", "bytes", 270_000_000, 600_000_000, 9.0)
COUNT = Part("count", "3 of 14 tables", "rows", 1_234_567, 0, 4.0)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((DUMP,), "dump 45 %, 270 of 600 MB, 30 MB/s, 11 s left, default"),
        ((COUNT,), "count, 1,234,567 rows, 308,642 rows/s, 3 of 14 tables"),
        ((DUMP, COUNT), "dump 45 %, 270 of 600 MB, 30 MB/s, 11 s left, default; count, 1,234,567 rows, "),
        ((), "at work"),
        ((Part("compare schema", "", "bytes", 2_400, 0, 5.0),), "compare schema (12 s so far)"),
        ((Part("git", "", "", 0, 0, 5.0),), "git"),
        ((Part("dump", "", "bytes", 5, 10, 1.0),), "dump 50 %, 5 of 10 bytes"),  # too early for a rate
        ((Part("dump", "", "bytes", 0, 10, 5.0),), "dump 0 %, 0 of 10 bytes"),
        ((Part("load", "", "rows", 10, 10, 5.0),), "load 99 %, 10 of 10 rows, 2 rows/s"),  # it has not ended
        ((Part("load", "", "bytes", 1, 10**15, 9.0),), "load 0 %, 0.0 of 1000 TB, 0 bytes/s"),  # no forecast of years
        ((Part("load", "", "bytes", 10**9, 4 * 10**12, 100.0),), "load 0 %, 0.0 of 4 TB, 10 MB/s, 111 h 5 min left"),
    ],
)
def test_a_line_says_part_percent_rate_and_what_is_left(parts: tuple[Part, ...], words: str) -> None:
    found = lines.line("old1", "backup", parts, 12.4)
    assert found.startswith("old1: backup: " + words) and found.endswith(" (12 s so far)")


def test_the_line_at_the_end() -> None:
    ended = (
        Part("dump", "", "bytes", 600_000_000, 600_000_000, 20.0, "backup"),
        Part("count", "", "", 0, 0, 4.2, "backup"),
    )
    assert lines.summary("old1", "backup", ended, 25.4, False) == (
        "old1: backup: took 25 s: dump 20 s (600 MB, 30 MB/s), count 4 s"
    )
    little = Part("compare schema", "", "bytes", 2_400, 0, 1.0, "backup")
    assert lines.summary("old1", "backup", (little,), 3.0, False) == "old1: backup: took 3 s: compare schema 1 s"
    two = (*ended, Part("hash", "", "", 0, 0, 70.0, "verify"))
    assert lines.summary("old1", "a, b", two, 3725, True).endswith(
        "failed after 1 h 2 min: backup dump 20 s (600 MB, 30 MB/s), backup count 4 s, verify hash 1 min 10 s"
    )
    assert lines.summary("old1", "services", (), 3.4, False) == "old1: services: took 3 s"


HOSTILE = [
    None,
    5,
    "",
    "no json",
    "[1]",
    "{",
    "{" * 5000,
    '{"step": ' + "[" * 2000,
    '{"parts": {"a": 1}}',
    '{"parts": [[], 5, null, "x", {"name": {"a": 1}, "done": "many", "total": -5, "seconds": 1e999}]}',
    json.dumps({"step": "{{ lookup('pipe', 'x') }}", "parts": [{"name": "a\x1b[2J\nok: [old1]", "item": "\u202e\r"}]}),
    json.dumps({"step": "s" * 4000, "parts": []}),
    json.dumps({"parts": [{"name": "n" * 500, "item": "i" * 500}] * 9}),
    json.dumps({"parts": [{"unit": "\x1b]0;x\x07", "done": 10**30, "total": True, "seconds": -1}]}),
    json.dumps({"parts": [{"unit": "bytes", "done": 5, "total": 2, "seconds": "nan"}]}),
    json.dumps({"parts": [{"unit": "rows", "done": 2**62, "total": 2**62, "seconds": 1e-9}]}),
]


@pytest.mark.parametrize("answer", HOSTILE)
def test_whatever_a_host_says_is_one_printable_line_of_bearable_length(answer: Any) -> None:
    told = lines.told(answer)
    parts = told.parts if told else ()
    for found in (
        lines.line("old1", (told and told.step) or "backup", parts, 5.0),
        lines.summary("old1", "backup", parts, 5.0, False),
    ):
        assert found == printable(found) and "\n" not in found
        assert len(found) < 900, found


@pytest.mark.parametrize("value", [None, 5, "x", {"a": 1}, [None, 5, {"name": 1}], [{"seconds": float("inf")}] * 99])
def test_parts_of_a_result_are_typed_too(value: Any) -> None:
    found = lines.parts_of(value)
    assert len(found) <= 8 and all(isinstance(part.seconds, float) for part in found)


def test_the_answer_is_the_last_line_that_is_an_object() -> None:
    found = lines.told('Welcome to old1\n{"step": "a"}\n{"step": "b", "parts": [{"name": "dump"}]}   \n')
    assert found is not None and (found.step, [part.name for part in found.parts]) == ("b", ["dump"])


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (-5, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (3599, "59 min 59 s"), (4800, "1 h 20 min")],
)
def test_durations(seconds: float, words: str) -> None:
    assert lines.duration(seconds) == words


@pytest.mark.parametrize(
    ("done", "unit", "total", "words"),
    [
        (999, "bytes", 0, "999 bytes"),
        (1_500, "bytes", 0, "1.5 kB"),
        (15_000, "bytes", 2_000_000, "0.0 of 2 MB"),
        (9_900_000_000, "bytes", 0, "9.9 GB"),
        (12, "packages", 40, "12 of 40 packages"),
        (1_000, "rows", 0, "1,000 rows"),
    ],
)
def test_amounts(done: int, unit: str, total: int, words: str) -> None:
    assert lines.amount(done, unit, total) == words
