# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts between layers: round trips, what is public, and every difference between two states."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils import _model
from ansible_collections.relocate.django.plugins.module_utils._engines import compare
from ansible_collections.relocate.django.plugins.module_utils._model import (
    DatabaseConfig,
    Login,
    SequenceState,
    TableCount,
)
from tests.unit.fakes import BLANK, facts, state

SECRET = "s3cret Canary'é"


def test_passwords_are_in_neither_repr_nor_public() -> None:
    config = DatabaseConfig("default", "postgresql", "b", "n", "u", options={"passfile": SECRET}, password=SECRET)
    assert SECRET not in repr(replace(config, options={}))
    assert SECRET not in json.dumps(config.public(), ensure_ascii=False)
    assert config.public()["has_password"] is True
    assert replace(config, password="").public()["has_password"] is False
    assert SECRET not in repr(Login("postgres", password=SECRET))


@pytest.mark.parametrize(
    ("login", "given"),
    [
        (Login(), False),
        (Login(database="postgres"), False),
        (Login(user="a"), True),
        (Login(host="h"), True),
        (Login(port=1), True),
        (Login(unix_socket="/s"), True),
        (Login(password="p"), True),
    ],
)
def test_login_given(login: Login, given: bool) -> None:
    assert login.given is given


@pytest.mark.parametrize("value", [state(), BLANK, state(sequences=(), objects={}, unpopulated=("public.m",))])
def test_states_travel_as_json(value: _model.DatabaseState) -> None:
    assert _model.state_from_plain(json.loads(json.dumps(_model.as_plain(value)))) == value


def test_facts_travel_as_json() -> None:
    assert _model.facts_from_plain(json.loads(json.dumps(_model.as_plain(facts())))) == facts()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda plain: plain.pop("tables"),
        lambda plain: plain.update(tables=[{"name": "a"}]),
        lambda plain: plain.update(sequences=[{"nonsense": 1}]),
        lambda plain: plain.update(tables=3),
    ],
)
def test_a_wrong_shape_is_told(spoil: Any) -> None:
    plain = json.loads(json.dumps(_model.as_plain(state())))
    spoil(plain)
    with pytest.raises((KeyError, TypeError)):
        _model.state_from_plain(plain)


def test_as_plain_takes_what_json_takes() -> None:
    assert _model.as_plain({1: (TableCount("a", 1), {"x"}), "b": None}) == {
        "1": [{"name": "a", "rows": 1, "fingerprint": "", "kind": "table"}, ["x"]],
        "b": None,
    }
    assert _model.as_plain(TableCount) is TableCount  # a class is no value


def test_dataclasses_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        state().method = "x"  # type: ignore[misc]


def test_rows() -> None:
    assert (state(5).rows(), BLANK.rows()) == (6, 0)


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


def test_a_brief_tells_definitions_apart_and_shows_nothing_of_them() -> None:
    assert _model.brief("a") == _model.brief("a") != _model.brief("b")
    assert SECRET not in _model.brief(SECRET)
    assert _model.brief("\udcff")  # bytes of another encoding


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
