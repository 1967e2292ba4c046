# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every difference between two states, and sequences that are behind."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils import _model
from ansible_collections.relocate.django.plugins.module_utils._engines import compare
from ansible_collections.relocate.django.plugins.module_utils._model import SequenceState, TableCount
from tests.unit.fakes import state

SEQUENCE = SequenceState("public.b_id_seq", 9, True, "public.b", "id", 9)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (state(), []),
        (state(tables=tuple(reversed(state().tables))), []),
        (state(4), ["table public.b: recorded 3 rows, found 4 rows"]),
        (state(0, "0"), ["table public.b: recorded 3 rows, found 0 rows"]),
        (state(fingerprint="78"), ["content of table public.b: recorded 77, found 78"]),
        (state(fingerprint=""), []),  # not asked for
        (state(tables=state().tables[:1]), ["table public.b: recorded 3 rows, found absent"]),
        (state(tables=(*state().tables, TableCount("c", 0))), ["table c: recorded absent, found 0 rows"]),
        (state(method="fake-2"), ["fingerprint method : recorded fake-1, found fake-2"]),
        (state(sequences=()), ["sequence public.b_id_seq: recorded present, found absent"]),
        (
            state(sequences=(SEQUENCE, SequenceState("s", 1))),
            ["sequence s: recorded absent, found present"],
        ),
        (state(sequences=(replace(SEQUENCE, last_value=5),)), ["sequence public.b_id_seq: recorded 9, found 5"]),
        (
            state(sequences=(replace(SEQUENCE, is_called=False),)),
            ["sequence public.b_id_seq: recorded 9, found 9 (not used yet)"],
        ),
        (state(sequences=(replace(SEQUENCE, column_max=3),)), []),  # its table tells
        (
            state(objects={"view": ("public.w",), "trigger": ("t on b",)}),
            ["view public.v: recorded present, found absent", "view public.w: recorded absent, found present"],
        ),
        (state(objects={"view": ("public.v",)}), ["trigger t on b: recorded present, found absent"]),
        (state(large_objects=0), ["large_objects : recorded 1, found 0"]),
        (state(large_objects_fingerprint="6"), ["large_objects_fingerprint : recorded 5, found 6"]),
        (state(unpopulated=("m",)), ["unpopulated : recorded (), found ('m',)"]),
    ],
)
def test_compare_states(found: _model.DatabaseState, expected: list[str]) -> None:
    assert [str(item) for item in compare.compare_states(state(), found)] == expected


@pytest.mark.parametrize(
    ("last", "called", "highest", "behind"),
    [
        (9, True, 9, False),
        (10, True, 9, False),
        (8, True, 9, True),
        (9, False, 9, True),  # the next value is 9 itself
        (10, False, 9, False),
        (None, True, 9, True),
        (None, True, None, False),
        (1, False, None, False),
    ],
)
def test_sequences_behind(last: int | None, called: bool, highest: int | None, behind: bool) -> None:
    sequence = SequenceState("s", last, called, "t", "id", highest)
    assert compare.sequences_behind(state(sequences=(sequence,))) == ([sequence] if behind else [])


@pytest.mark.parametrize(
    ("recorded", "found", "expected"),
    [
        (None, {"view v": "x"}, []),  # an older set: nothing was asked
        ({"view v": "x"}, None, []),
        ({}, {}, []),
        ({"view v": "x"}, {"view v": "x"}, []),
        ({"view v": "x"}, {"view v": "y"}, ["schema of view v: recorded x, found y"]),
        ({"view v": "x"}, {}, ["schema of view v: recorded x, found absent"]),
        ({}, {"rule r": "x"}, ["schema of rule r: recorded absent, found x"]),
    ],
)
def test_every_difference_of_the_schema_is_named(recorded: Any, found: Any, expected: list[str]) -> None:
    before, after = replace(state(), schema=recorded), replace(state(), schema=found)
    assert [str(item) for item in compare.compare_states(before, after)] == expected
    assert _model.state_from_plain(json.loads(json.dumps(_model.as_plain(before)))) == before


def test_advanced_is_what_was_behind() -> None:
    rows = [("a", 8, True, 9), ("b", 9, False, 9), ("c", None, True, 9), ("d", 10, True, 9), ("e", 1, False, None)]
    before = state(
        sequences=tuple(SequenceState(name, last, called, "t", "id", top) for name, last, called, top in rows)
    )
    after = compare.advanced(before)
    assert [(item.name, item.last_value, item.is_called) for item in after.sequences] == [
        ("a", 9, True), ("b", 9, True), ("c", 9, True), ("d", 10, True), ("e", 1, False),
    ]  # fmt: skip
    assert compare.sequences_behind(after) == []
    assert compare.advanced(after) == after
