# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values as engines hold them, as fixtures hold them, and back: tables."""

from __future__ import annotations

import datetime
import zoneinfo
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_rows,
    venv_values,
    venv_write_objects,
)

UTC = datetime.UTC
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")

TIMESTAMPS = [
    ("2026-11-20 19:30:00.123456", UTC, "2026-11-20T19:30:00.123456Z"),
    ("2026-11-20 19:30:00", UTC, "2026-11-20T19:30:00.000000Z"),
    ("2026-11-20T19:30:00.5", UTC, "2026-11-20T19:30:00.500000Z"),
    ("2026-11-20 19:30:00.035+00", UTC, "2026-11-20T19:30:00.035000Z"),
    ("2026-11-20 19:30:00+01", UTC, "2026-11-20T18:30:00.000000Z"),
    ("2026-11-20 19:30:00-03:30", UTC, "2026-11-20T23:00:00.000000Z"),
    ("2026-11-20 19:30:00+00:00", UTC, "2026-11-20T19:30:00.000000Z"),
    ("2026-11-20 19:30:00.123456", BERLIN, "2026-11-20T18:30:00.123456Z"),
    ("2026-07-01 19:30:00", BERLIN, "2026-07-01T17:30:00.000000Z"),
    ("2026-11-20 19:30:00.123456", None, "2026-11-20T19:30:00.123456"),
    ("2026-11-20 19:30:00+01", None, "2026-11-20T19:30:00.000000"),
    ("0001-01-01 00:00:00", UTC, "0001-01-01T00:00:00.000000Z"),
]
NO_TIMESTAMPS = [
    "0000-00-00 00:00:00",
    "0000-00-00 00:00:00.000000",
    "2026-02-30 00:00:00.000000",
    "2026-11-20 25:00:00",
    "yesterday",
    "",
    "infinity",
]


@pytest.mark.parametrize(("text", "zone", "plain"), TIMESTAMPS)
def test_timestamps_are_read(text: str, zone: Any, plain: str) -> None:
    assert venv_values.read_timestamp(zone)(text) == plain


@pytest.mark.parametrize("text", NO_TIMESTAMPS)
@pytest.mark.parametrize("zone", [UTC, None])
def test_what_is_no_timestamp(text: str, zone: Any) -> None:
    with pytest.raises(ValueError, match=r"not a date|must be|out of range|day"):
        venv_values.read_timestamp(zone)(text)


@pytest.mark.parametrize(
    ("plain", "zone", "to_text", "stored"),
    [
        ("2026-11-20T19:30:00.123456Z", UTC, True, "2026-11-20 19:30:00.123456"),
        ("2026-11-20T19:30:00.000000Z", UTC, True, "2026-11-20 19:30:00"),
        ("2026-11-20T19:30:00.000000Z", UTC, False, "2026-11-20 19:30:00.000000"),
        ("2026-11-20T18:30:00.000000Z", BERLIN, True, "2026-11-20 19:30:00"),
        ("2026-11-20T19:30:00.500000", None, True, "2026-11-20 19:30:00.500000"),
    ],
)
def test_timestamps_are_written_as_django_stores_them(plain: str, zone: Any, to_text: bool, stored: str) -> None:
    assert venv_values.write_timestamp(zone, to_text)(plain) == stored
    assert venv_values.read_timestamp(zone)(stored) == plain


@pytest.mark.parametrize(
    ("text", "copied"),
    [("plain", "plain"), ("a\tb\nc\rd", "a\\tb\\nc\\rd"), ("back\\slash", "back\\\\slash"), ("\\N", "\\\\N"), ("", "")],
)
def test_texts_for_copy(text: str, copied: str) -> None:
    assert venv_values.escaped(text) == copied


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [(0, "0 00:00:00.000000"), (90061000001, "1 01:01:01.000001"), (-1, "-1 23:59:59.999999")],
)
def test_durations_for_django(microseconds: int, text: str) -> None:
    assert venv_write_objects.duration_text(microseconds) == text


def test_sums_ignore_the_order_of_rows_and_of_json_keys_and_nothing_else() -> None:
    def total(kinds: tuple[str, ...], *rows: list[Any]) -> str:
        found = venv_rows.Sum(kinds)
        found.add(rows, [venv_rows.encode(row) for row in rows])
        return found.fingerprint

    assert total(("int",), [1], [2]) == total(("int",), [2], [1])
    assert total(("int",), [1], [1]) != total(("int",))  # an XOR would take them for nothing
    one, other = [{"json": {"a": 1, "b": 2}}], [{"json": {"b": 2, "a": 1}}]
    assert total(("json",), one) == total(("json",), other)
    assert total(("json",), [{"json": None}]) != total(("json",), [None])
    assert total(("text",), ["é"]) != total(("text",), ["e"])


def test_half_a_surrogate_pair_is_carried() -> None:
    assert venv_rows.encode([{"json": "\ud800"}]) == b'[{"json":"\\ud800"}]'
    assert venv_rows.encode(["\U0001f433"]) == '["\U0001f433"]'.encode()
