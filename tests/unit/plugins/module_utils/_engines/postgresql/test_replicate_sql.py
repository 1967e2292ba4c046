# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in the way of a replication, and what of it is ours."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import replicate_sql
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.replicate_sql import (
    is_ours,
    name_of,
    publication_sql,
    sorted_out,
    unfit,
    without_ours,
)

READY = ("logical", 10, 2, 10, 1, False, -1)


@pytest.mark.parametrize(
    ("number", "value", "said"),
    [
        (0, "replica", ["wal_level of the server is replica, and replication needs logical"]),
        (2, 10, ["max_replication_slots is 10, and all of them are in use"]),
        (4, 10, ["max_wal_senders is 10, and all of them are in use"]),
        (5, True, ["the server is a standby"]),
        (6, 0, ["max_slot_wal_keep_size is 0 MB: the server would give up the slot of a busy site"]),
        (6, 1024, []),
        (6, None, []),  # before 13
        (0, "logical", []),
    ],
)
def test_what_stands_in_the_way(number: int, value: Any, said: list[str]) -> None:
    row = list(READY)
    row[number] = value
    found = unfit(row)
    assert [what for what, _hint in found] == said
    assert all("set relocate_replicate: false" in hint for _what, hint in found)


def test_all_of_it_is_told_at_once() -> None:
    assert len(unfit(("minimal", 1, 1, 1, 1, True, 1))) == 5


def test_tables_are_sorted_by_how_they_are_carried() -> None:
    found = sorted_out([("public", "a", 11, True, True), ("public", "B", 12, False, True), ("x", "c", 13, True, False)])
    assert found.tables == (("public", "a"),) and found.files == {"public.a": 11}
    assert found.without == ('public."B"',) and found.others == ("x.c",)
    assert publication_sql("p", [("x", 'y"z')]) == 'CREATE PUBLICATION "p" FOR TABLE ONLY "x"."y""z"'


def test_what_is_ours_is_no_part_of_the_site() -> None:
    ours = name_of("/somewhere")
    assert ours == name_of("/somewhere") != name_of("/elsewhere") and len(ours) < 64
    for label in ("publication ", "owner of publication ", "publication relation public.t in publication "):
        assert is_ours(label + ours) and not is_ours(label + "theirs")
    assert not is_ours("table public.publication")
    entries = [
        "231; 6104 16390 PUBLICATION - {0} shop",
        "232; 6106 16391 PUBLICATION TABLE public {0} item shop",
        "233; 1259 16391 TABLE public publication shop",
        "234; 6104 16390 PUBLICATION - theirs shop",
    ]
    assert without_ours([line.format(ours) for line in entries]) == entries[2:]
    assert replicate_sql.SCHEMA.startswith(replicate_sql.PREFIX)
