# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values as Django's formats write them, read as plain values: tables."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import uuid
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_words


@dataclasses.dataclass
class Column:
    """What a parser looks at."""

    kind: str
    decimal_places: int | None = 2
    internal: str = ""
    limits: tuple[int, int] = (-(2**31), 2**31 - 1)


KEY = "00000000-0000-4000-8000-000000000001"
READ: list[tuple[str, Any, Any]] = [
    ("int", 3, 3),
    ("int", "3", 3),
    ("int", 3.0, 3),
    ("bool", True, True),
    ("bool", "False", False),
    ("bool", "1", True),
    ("text", "x", "x"),
    ("text", 7, "7"),
    ("float", "1.5", 1.5),
    ("float", float("inf"), "inf"),
    ("decimal", "1.5", "1.50"),
    ("decimal", 1.5, "1.50"),
    ("decimal", decimal.Decimal("1.50"), "1.50"),
    ("decimal", "-0.00", "0.00"),
    ("decimal", "NaN", "NaN"),
    ("date", "2026-11-20", "2026-11-20"),
    ("date", datetime.date(2026, 11, 20), "2026-11-20"),
    ("time", "12:30", "12:30:00.000000"),
    ("time", datetime.time(12, 30, 1, 5), "12:30:01.000005"),
    ("binary", "aGk=", "aGk="),
    ("binary", b"hi", "aGk="),
    ("uuid", KEY.replace("-", ""), KEY),
    ("uuid", uuid.UUID(KEY), KEY),
    ("json", {"a": [1, None]}, {"json": {"a": [1, None]}}),
]
REFUSED: list[tuple[str, Any]] = [
    ("int", "x"),
    ("int", 1.5),
    ("int", True),
    ("int", 2**31),
    ("int", "-99999999999999999999"),
    ("int", float("nan")),
    ("bool", "maybe"),
    ("bool", 2),
    ("text", [1]),
    ("text", True),
    ("float", True),
    ("float", "x"),
    ("decimal", "1.505"),
    ("decimal", 12345678901234567.89),
    ("decimal", "x"),
    ("date", "2026-02-30"),
    ("date", datetime.datetime(2026, 1, 1)),
    ("time", 750),
    ("time", "25:00"),
    ("binary", "***"),
    ("uuid", "x"),
    ("json", float("nan")),
    ("json", {1: "a", "b": 2}),
]


@pytest.mark.parametrize(("kind", "value", "plain"), READ)
def test_what_is_read(kind: str, value: Any, plain: Any) -> None:
    assert venv_words.parser(Column(kind), False)(value) == plain  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "value"), REFUSED)
def test_what_is_refused(kind: str, value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        venv_words.parser(Column(kind), False)(value)  # type: ignore[arg-type]


def test_json_within_a_text() -> None:
    assert venv_words.parser(Column("json"), True)('{"a": 1}') == {"json": {"a": 1}}  # type: ignore[arg-type]
