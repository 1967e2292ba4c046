# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Dict, List, Tuple

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.compare import compare_schemas
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.judged import Judgement
from ansible_collections.relocate.django.plugins.module_utils._model import Difference

SAME = {"server": "PostgreSQL 15"}


def judged(old: Dict[str, str], new: Dict[str, str], majors: Tuple[str, str] = ("15", "15")) -> Tuple[List[str], str]:
    """Names of what is refused, and all that is told."""
    sides = [{"server": "PostgreSQL " + major, **side} for major, side in zip(majors, (old, new), strict=True)]
    refused, words = Judgement(compare_schemas(*sides), "shop").sort()
    return [item.name for item in refused], "; ".join(words)


@pytest.mark.parametrize("majors", [("15", "15"), ("13", "17")])
@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ({"table t": "column a: integer NOT NULL"}, {"table t": "column a: integer"}, "table t, column a"),
        ({"table t": "column a: integer"}, {"table t": "column a: bigint"}, "table t, column a"),
        ({"table t": "column a: integer\ncolumn b: text"}, {"table t": "column a: integer"}, "table t, column b"),
        ({"rights on function f()": "owner: EXECUTE"}, {}, "rights on function f()"),
        (
            {"rights on table t": "owner: SELECT"},
            {"rights on table t": "PUBLIC: SELECT; owner: SELECT"},
            "rights on table t",
        ),
        ({"rights on database": "owner: CONNECT"}, {}, "rights on database"),
        ({"rights on type m": "owner: USAGE"}, {}, "rights on type m"),
        ({"rights on procedure p()": "owner: EXECUTE"}, {}, "rights on procedure p()"),
        ({}, {"rights on schema s": "PUBLIC: USAGE; owner: CREATE, USAGE"}, "rights on schema s"),
    ],
)
def test_a_loss_is_refused(majors: Tuple[str, str], old: Dict[str, str], new: Dict[str, str], name: str) -> None:
    assert judged(old, new, majors) == ([name], "")


def test_an_object_that_is_gone() -> None:
    assert judged({"operator ===(int,int)": "x"}, {}) == (["operator ===(int,int)"], "")
    refused, words = judged({"operator ===(int,int)": "x"}, {}, ("13", "17"))  # which may only call it otherwise
    assert refused == [] and "operator ===(int,int) is not on new" in words


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ({"comment on table t": "a"}, {}, "comment on table t is not on new"),
        ({"comment on table t": "a"}, {"comment on table t": "b"}, "comment on table t is another one on new"),
        ({}, {"index i": "a"}, "index i is on new, and was not on old"),
        ({"owner of table t": "role bob", "owner of view v": "role bob"}, {}, "t, view v belonged to role bob and now"),
        ({"rights on table t": "owner: SELECT; role bob: SELECT"}, {}, "rights of role bob on old that are not on new"),
        ({"rights on f": "owner: X"}, {"rights on f": "owner: X; role bob: X"}, "of role bob on new that were not on"),
        ({"rights on table t": "owner: SELECT"}, {}, ""),
        ({"function f()": "procost: 7"}, {"function f()": "procost: 100"}, "procost is 100, and was 7"),
        ({"table t": "default of a: 1"}, {"table t": ""}, "table t on new: default of a is not there, and was 1"),
        ({"extension x": "extversion: 1"}, {"extension x": "extversion: 2"}, "extversion is 2, and was 1"),
        ({"setting a here": "x"}, {}, "setting a here is not on new"),
        (
            {"table t": "column a: integer\ncolumn b: text"},
            {"table t": "column b: text\ncolumn a: integer"},
            "table t has its columns in another order",
        ),
        (
            {"table constraint c on t": "definition: CHECK (((a)::text = ANY ((ARRAY['x'::varchar])::text[])))"},
            {"table constraint c on t": "definition: CHECK (((a)::text = ANY (ARRAY[('x'::varchar)::text])))"},
            "",
        ),
    ],
)
def test_what_is_no_loss_is_told(old: Dict[str, str], new: Dict[str, str], words: str) -> None:
    refused, found = judged(old, new)
    assert refused == []
    assert words in found and bool(words) == bool(found)


def test_a_right_that_a_newer_server_brings() -> None:
    sides: List[Dict[str, str]] = [
        {"rights on table t": "owner: SELECT; role bob: SELECT"},
        {"rights on table t": "owner: MAINTAIN, SELECT; role bob: MAINTAIN, SELECT"},
    ]
    assert judged(sides[0], sides[1], ("15", "17")) == ([], "")
    assert "MAINTAIN on table t" in judged(sides[1], sides[0], ("17", "17"))[1]


def test_much_is_cut() -> None:
    words = judged({"comment on table t{0}".format(n): "a" for n in range(40)}, {})[1]
    assert "and 30 more differences of the schema" in words


def test_other_differences_are_left_alone() -> None:
    item = Difference("table", "t", "1 rows", "2 rows")
    assert Judgement([item], "shop").sort() == ([item], [])


@pytest.mark.parametrize(
    "name",
    [
        "schema public",
        "owner of schema public",
        "schema information_schema",
        "schema pg_temp_3",
        "schema pg_toast_temp_12",
        "table pg_toast_temp_3.pg_toast_16450",
        "index pg_toast_temp_3.pg_toast_16450_index",
        "table pg_temp_3.t",
        "table constraint c on pg_temp_3.t",
        "function pg_catalog.f(pg_catalog.int4)",
        "table information_schema.t",
        "table constraint c on pg_catalog.t",
        "operator 7 (a, b) of pg_catalog.integer_ops USING btree",
    ],
)
def test_what_no_dump_brings_is_not_missed_from_a_set_that_lists_it(name: str) -> None:
    assert judged({name: ""}, {}) == ([], "")


def test_an_index_that_was_not_built_to_its_end_is_not_missed() -> None:
    assert judged({"index i": "definition: x\nmarks: invalid"}, {}) == ([], "")
    assert judged({"index i": "definition: x\nmarks: clustered"}, {})[0] == ["index i"]


@pytest.mark.parametrize(
    "name",
    [
        "schema publicity",
        "table public.t",
        "function public.f(pg_catalog.int4)",
        "cast (s.pair AS pg_catalog.text)",
        "cast (pg_catalog.int4 AS s.pair)",
        "transform for pg_catalog.int4 on language x",
        "table public.pg_temp",
    ],
)
def test_whatever_else_it_lists_is(name: str) -> None:
    assert judged({name: ""}, {})[0] == [name]


def test_what_new_gives_everybody_in_public_is_told_where_old_says_nothing() -> None:
    """Before 15, everybody may create there; a list of old's own, which leaves everybody out, is another matter."""
    name, rights = "rights on schema public", "PUBLIC: CREATE, USAGE; owner: CREATE, USAGE"
    assert judged({}, {name: rights}) == (
        [],
        "rights of PUBLIC on new that were not on old: CREATE, USAGE on schema public",
    )
    assert judged({name: "owner: CREATE, USAGE; role bob: USAGE"}, {name: rights})[0] == [name]
