# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a catch-up asks, and what follows from the answers."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.catchup_sql import (
    FORMAT,
    Change,
    Contents,
    Sums,
    buckets_for,
    delete_sql,
    is_changed,
    key_hash,
    touched,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.queries import RECORD, Column, Table
from ansible_collections.relocate.django.plugins.module_utils._model import as_plain

TABLE = Table("public", "odd", "table", 1, (Column("h", "pg_catalog", "int8"), Column("k", "public", "citext", "b")))


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({}, {}, []),
        ({1: (2, 10), 5: (1, 7)}, {1: (2, 10), 5: (1, 7)}, []),
        ({1: (2, 10), 5: (1, 7)}, {1: (2, 10)}, [5]),
        ({1: (2, 10), 5: (1, 7)}, {1: (1, 4)}, [1, 5]),
        ({1: (2, 10)}, {1: (2, 11)}, [1]),  # as many rows, and others
        ({1: (2, 10)}, {1: (3, 10)}, None),
        ({}, {1: (1, 0)}, None),
    ],
)
def test_buckets_that_lost_rows(before: Sums, now: Sums, expected: Optional[List[int]]) -> None:
    assert touched(before, now) == expected


@pytest.mark.parametrize(("rows", "expected"), [(0, 1), (31, 1), (32, 2), (1000, 32), (10**7, 1 << 16)])
def test_buckets_are_a_power_of_two(rows: int, expected: int) -> None:
    assert buckets_for(rows) == expected


def test_the_horizon_is_compared_as_the_server_counts() -> None:
    assert "age('7'::xid)" in is_changed((3 << 32) + 7)


def test_no_column_is_mistaken_for_one_of_ours() -> None:
    hashed = key_hash(TABLE, ["h", "k"], RECORD)
    assert hashed == 'hashint8extended(hash_record_extended(ROW("h", "k"::text COLLATE "C"), 0), 0)'
    # The table is read by itself, and what is compared has another name.
    assert '(SELECT ctid AS i, {0} AS h FROM ONLY "public"."odd" OFFSET 0) AS q'.format(hashed) in delete_sql(
        TABLE, hashed, 8
    )


CONTENTS = Contents(
    RECORD,
    (Change("public", "odd", ("h", "k"), 3, ("h",), 8, (1, 5), 4), Change("public", "bare", ("a",), 0)),
    (("public", "s", 5, True),),
    (("public", "v", False),),
)


def plain() -> Dict[str, Any]:
    found: Dict[str, Any] = json.loads(json.dumps(dict(as_plain(CONTENTS), format=FORMAT)))
    return found


def test_what_is_written_is_read() -> None:
    assert Contents.from_plain(plain()) == CONTENTS


@pytest.mark.parametrize(
    "wrong", [{"format": 2}, {"changes": [{}]}, {"sequences": [["a", "b", "c", True]]}, {"views": 3}, {"method": None}]
)
def test_what_is_something_else_is_refused(wrong: Dict[str, Any]) -> None:
    if wrong == {"method": None}:
        found = plain()
        del found["method"]
    else:
        found = {**plain(), **wrong}
    with pytest.raises((KeyError, TypeError, ValueError)):
        Contents.from_plain(found)
