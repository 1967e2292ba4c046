# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts between layers: round trips, and what is public."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils import _model
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, Login, TableCount
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


def test_a_brief_tells_definitions_apart_and_shows_nothing_of_them() -> None:
    assert _model.brief("a") == _model.brief("a") != _model.brief("b")
    assert SECRET not in _model.brief(SECRET)
    assert _model.brief("\udcff")  # bytes of another encoding
