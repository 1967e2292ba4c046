# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fields that a fixture gives, against those of its table."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_load
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError


@dataclasses.dataclass
class Column:
    """What a table tells of one."""

    name: str
    kind: str


class Table:
    """A table of two columns, which notes the order that it is given."""

    columns = (Column("id", "int"), Column("name", "text"))

    def __init__(self) -> None:
        self.order: list[str] = []

    def arrange(self, names: list[str]) -> None:
        self.order = list(names)


@dataclasses.dataclass
class Section:
    """The head of one model's rows."""

    fields: list[list[str]]
    label: str = "shop.Tag"
    line: int = 2


def test_the_order_of_the_fixture() -> None:
    table = Table()
    venv_load.match_fields(table, Section([["name", "text"], ["id", "int"]]))  # type: ignore[arg-type]
    assert table.order == ["name", "id"]


@pytest.mark.parametrize(
    ("fields", "code", "text"),
    [
        ([["id", "int"], ["nome", "text"]], "unknown_field", "line 2: shop.Tag has no field nome"),
        ([["id", "int"]], "fixture_invalid", "line 2: shop.Tag lacks the field name"),
        ([["id", "int"], ["name", "text"], ["id", "int"]], "fixture_invalid", "lacks the field that is there twice"),
        (
            [["name", "json"], ["id", "text"]],
            "fixture_invalid",
            "has a field of another kind: name is json, here text, id is text, here int",
        ),
        ([["x", "int"], ["id", "text"]], "unknown_field", "has no field x"),
    ],
)
def test_fields_that_are_not_the_tables(fields: list[list[str]], code: str, text: str) -> None:
    table = Table()
    with pytest.raises(FixtureError) as caught:
        venv_load.match_fields(table, Section(fields))  # type: ignore[arg-type]
    assert (caught.value.code, caught.value.details) == (code, {"line": 2})
    assert str(caught.value).endswith(text) and table.order == []
