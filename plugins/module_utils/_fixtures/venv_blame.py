# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Finds the value for which a database refuses a row: servers often name neither column nor reason.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions. It is asked only about a row that was refused, so it may be slow.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

from typing import Any, Iterable, NamedTuple, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_dialect,
    venv_refusals,
    venv_scan_rules,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError, Table

_UNREADABLE = (ValueError, TypeError, AttributeError, KeyError, ArithmeticError)


class Blame(NamedTuple):
    """One value that its column does not take."""

    field: str
    kind: str
    why: str
    remedy: str


def blame(table: Table, values: Iterable[Tuple[int, Any]]) -> Optional[Blame]:
    """The first of these plain values that the table's column does not take; None when each seems to fit.

    :param values: by the place of the column
    """
    target = type(venv_dialect.of(table.connection))
    for index, value in values:
        column = table.columns[index]
        why = _why(column, value, target)
        if why:
            return Blame(column.name, column.kind, why, venv_refusals.remedy(column.kind))
    return None


def refusal(table: Table, place: Any, pk: str, values: Iterable[Tuple[int, Any]], why: str, hint: str) -> FixtureError:
    """Return what a row is refused for: the value at fault, or else the database's own words.

    :param place: of an object, or the number of a line
    :param values: that were written, by the place of the column
    :param why: the database's words
    :param hint: what to do where no value is found to be at fault
    """
    blamed = blame(table, values)
    details = {} if blamed is None else {"field": blamed.field, "kind": blamed.kind}
    return FixtureError(
        "fixture_invalid",
        "{0}: {1} {2}: {3}".format(
            "line {0}".format(place) if isinstance(place, int) else place,
            table.label,
            pk,
            why if blamed is None else "{0} {1}".format(blamed.field, blamed.why),
        ),
        hint if blamed is None else blamed.remedy,
        line=getattr(place, "line", place),
        model=table.label,
        pk=pk,
        **details,
    )


def _why(column: Any, value: Any, target: Any) -> str:
    if value is None:
        return "" if column.field.null else "is null, which the column does not take"
    try:
        for rule in venv_scan_rules.rules_of(column.kind, column.describe(), target):
            reason = rule(value)
            if reason is not None:
                return str(reason[1])
        if column.write is not None:
            column.write(value)
    except _UNREADABLE:
        return "is not {0}".format(venv_refusals.noun(column.kind))
    return "holds half of a pair of characters, which no text does" if _is_halved(value) else ""


def _is_halved(value: Any) -> bool:
    """Tell whether a text, or one within JSON, holds half of a pair of UTF-16."""
    if isinstance(value, dict):
        return any(_is_halved(item) for pair in value.items() for item in pair)
    if isinstance(value, list):
        return any(_is_halved(item) for item in value)
    return isinstance(value, str) and any("\ud800" <= one <= "\udfff" for one in value)
