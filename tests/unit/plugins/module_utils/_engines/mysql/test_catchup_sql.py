# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How tables are divided into buckets, and what a catch-up's file may say."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Optional, Tuple

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import catchup_sql
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.catchup_sql import (
    Change,
    Contents,
    Division,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.queries import METHOD, Column, Table
from ansible_collections.relocate.django.plugins.module_utils._model import as_plain

ID = Column("id", "bigint", False, True, True)
TABLE = Table("item", "InnoDB", 1, (ID, Column("note", "varchar", True), Column("g", "int", True, generated=True)))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], []),
        ([0, 1, 7, 8, 4096], [1, 1, 1, 2, 1024]),
        ([10**9], [1 << 18]),
        ([10**9] * 4, [1 << 18] * 4),
        ([10**9] * 5 + [4], [1 << 17] * 5 + [1]),
    ],
)
def test_buckets_are_small_and_their_number_has_a_limit(rows: Any, expected: Any) -> None:
    assert catchup_sql.buckets_for(rows) == expected


def test_of_several_keys_the_primary_or_the_narrowest_that_fits_is_taken() -> None:
    rows = [
        ("both", "PRIMARY", "b", 0), ("both", "PRIMARY", "a", 0), ("both", "code", "code", 0),
        ("unique", "three", "x", 0), ("unique", "three", "y", 0), ("unique", "one", "n", 1), ("unique", "two", "z", 0),
        ("maybe", "n", "n", 1), ("part", "p", "a", 0), ("part", "p", "b", 1),
    ]  # fmt: skip
    assert catchup_sql.keys_of(rows) == {"both": ("b", "a"), "unique": ("z",)}


@pytest.mark.parametrize(
    ("key", "span", "expected"),
    [
        (("id",), (1, 800), Division(("id",), 4, 1, 200)),
        (("id",), (-3, 4), Division(("id",), 4, -3, 2)),
        (("id",), (7, 7), Division(("id",), 4, 7, 1)),
        (("id",), ("1", "18446744073709551615"), Division(("id",), 4)),
        (("id",), (1, 10**9), Division(("id",), 4)),
        (("id",), (None, None), Division(("id",), 4)),
        (("note",), (1, 800), Division(("note",), 4)),
        ((), (1, 800), Division((), 4)),
    ],
)
def test_only_numbers_that_lie_close_are_divided_into_ranges(key: Any, span: Any, expected: Division) -> None:
    assert catchup_sql.divided(TABLE, key, 4, 1000, span) == expected


def bucket(division: Division, number: int) -> int:
    """What the expression of a division gives for a number, worked out by hand."""
    assert division.low is not None
    if number < division.low:
        return 0
    return min((number - division.low) // division.width + 1, division.last)


def fits(condition: str, number: int) -> bool:
    text = re.sub(r"`id`", str(number), condition).replace("AND", "and").replace("OR", "or").replace("TRUE", "True")
    return bool(eval(text))  # of our own making


@pytest.mark.parametrize(
    "division", [Division(("id",), 7, 10, 3), Division(("id",), 1, -4, 1), Division(("id",), 2, 0, 5)]
)
def test_a_row_fits_the_condition_of_its_bucket_alone(division: Division) -> None:
    for first in range(division.last + 1):
        for last in range(first, division.last + 1):
            (condition,) = division.conditions(TABLE, [(first, last)])
            for number in range(-20, 50):
                assert fits(condition, number) == (first <= bucket(division, number) <= last), (condition, number)


def test_many_ranges_are_several_conditions_and_many_numbers_too() -> None:
    division = Division(("id",), 1 << 18, 1, 4)
    runs = [(number * 2, number * 2) for number in range(1, 401)]
    assert [condition.count(" OR ") for condition in division.conditions(TABLE, runs)] == [199, 199]
    hashed = Division(("id",), 1 << 18)
    assert [condition.count(",") for condition in hashed.conditions(TABLE, [(0, 59999)])] == [49999 + 1, 9999 + 1]
    assert hashed.conditions(TABLE, [(0, (1 << 18) - 1)]) == ["TRUE"]
    assert hashed.conditions(TABLE, [(3, 4)]) == ["(CRC32(CONCAT_WS(_binary'#', `id`)) & 262143) IN (3,4)"]


def test_a_table_without_a_key_is_divided_by_all_that_its_rows_hold() -> None:
    expression = Division((), 8).expression(TABLE)
    assert "`note`" in expression and "`id`" in expression and "`g`" not in expression


@pytest.mark.parametrize(
    ("division", "count"),
    [(Division(("id",), 1 << 10, 5, 3), 4), (Division(("id",), 200, 5, 3), 4), (Division(("id",), 700, 5, 3), 5)],
)
def test_pieces_hold_every_row_once_and_no_part_of_a_group(division: Division, count: int) -> None:
    pieces = division.pieces(TABLE, count)
    assert len(pieces) == count
    groups: Dict[int, int] = {}
    for number in range(-10, 5 + division.buckets * division.width + 20):
        held = [place for place, piece in enumerate(pieces) if fits(piece, number)]
        assert len(held) == 1
        assert groups.setdefault(bucket(division, number) // 64, held[0]) == held[0]


def test_what_cannot_be_divided_is_one_piece() -> None:
    for division, count in (
        (Division(("id",), 1 << 10), 4),
        (Division(("id",), 100, 1, 1), 4),
        (Division(("id",), 1 << 10, 1, 1), 1),
    ):
        assert division.pieces(TABLE, count) == ["TRUE"]


def group(**buckets: Tuple[int, int]) -> catchup_sql.Group:
    found = {int(name[1:]): value for name, value in buckets.items()}
    text = ",".join("{0}:{1}:{2}".format(number, *value) for number, value in sorted(found.items()))
    return text, sum(count for count, _sum in found.values()), sum(value for _count, value in found.values())


def test_buckets_that_came_went_or_changed_are_touched() -> None:
    before = {0: group(b1=(2, 50), b2=(1, 7), b3=(4, 9)), 1: group(b64=(1, 1)), 2: group(b130=(1, 1))}
    now = {0: group(b1=(2, 50), b2=(1, 8), b4=(5, 9)), 1: group(b64=(1, 1)), 3: group(b200=(6, 2))}
    assert catchup_sql.touched(before, now) == {2: 1, 3: 0, 4: 5, 130: 0, 200: 6}
    assert catchup_sql.touched(before, before) == {} == catchup_sql.touched({}, {})
    # Two rows more with the sum of one: the count tells.
    assert catchup_sql.touched({0: group(b1=(1, 5))}, {0: group(b1=(2, 5))}) == {1: 2}


@pytest.mark.parametrize("text", ["1:2:50", "1:2:50,2:1", "x", "", "1:2:50,2:1:7,3:0:0x"])
def test_sums_that_are_cut_are_told(text: str) -> None:
    whole = group(b1=(2, 50), b2=(1, 7))
    with pytest.raises(ValueError):
        catchup_sql.touched({0: (text, *whole[1:])}, {0: group(b1=(2, 50))})


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [([], []), ([3], [(3, 3)]), ([5, 1, 2, 3, 7, 6], [(1, 3), (5, 7)]), ([0, 2], [(0, 0), (2, 2)])],
)
def test_numbers_that_follow_are_joined(numbers: Any, expected: Any) -> None:
    assert catchup_sql.runs_of(numbers) == expected


def plain(division: Optional[Division] = None, runs: Any = (), **other: Any) -> Dict[str, Any]:
    contents = Contents(METHOD, (Change("item", ("id",), 3, division, runs),), (("item", 9),), (("free", 3, 0),))
    found = dict(json.loads(json.dumps(as_plain(contents))), format=catchup_sql.FORMAT)
    found.update(other)
    return found


def test_contents_are_read_as_they_were_written() -> None:
    for division, runs in (
        (None, ()),
        (Division(("id",), 4), ((0, 1), (3, 3))),
        (Division(("id",), 4, 1, 2), ((5, 5),)),
    ):
        found = Contents.from_plain(plain(division, runs))
        assert found.changes[0] == Change("item", ("id",), 3, division, runs)
        assert found.numbers == (("item", 9),) and found.sequences == (("free", 3, 0),)


@pytest.mark.parametrize(
    "spoiled",
    [
        plain(format=0),
        plain(method="other"),
        plain(numbers=[["item", "1; DROP TABLE x"]]),
        plain(sequences=[["free", 1]]),
        plain(changes=[{"name": "item"}]),
        plain(None, ((0, 0),)),
        plain(Division(("id",), 4), ((0, 4),)),
        plain(Division(("id",), 4, 1, 1), ((0, 6),)),
        plain(Division(("id",), 4), ((1, 0),)),
        plain(Division(("id",), 4), ((-1, 0),)),
        plain(Division(("id",), 4), ((2, 3), (3, 3))),
        plain(Division(("id",), 1 << 40), ((0, 1 << 39),)),
        plain(Division(("id",), 0), ()),
        plain(Division(("id",), 4, 1, 0), ()),
        plain(Division(("id", "b"), 4, 1, 1), ()),
    ],
)
def test_contents_of_another_form_are_refused(spoiled: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Contents.from_plain(spoiled)
