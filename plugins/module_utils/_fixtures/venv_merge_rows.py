# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Rows of a fixture beside those that are there: compared, given keys, told one by one, read back.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions. What both forms of a fixture need to be merged.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

from typing import Any, Dict, List, Sequence

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_dialect, venv_rows, venv_values
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError, Table
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_shapes import UnresolvedError

INSERTED, UPDATED, LEFT = "inserted", "updated", "left"
DELETED = "deleted"  # what an object is no longer related to
BATCH = 500  # rows compared by one query: SQLite takes no more than 999 parameters
_CONTENT_TYPE = venv_rows.NUMBERED[0]
_REPORTED = 10000  # rows told one by one


class Report:
    """Counts what became of each row."""

    def __init__(self) -> None:
        self.counts: Dict[str, Dict[str, int]] = {}
        self.rows: List[Dict[str, Any]] = []
        self.untold = 0

    def add(self, label: str, key: Any, action: str, fields: Sequence[str] = ()) -> Dict[str, Any]:
        """Count a row, and tell it while there is room; returns what is told."""
        self.counts.setdefault(label, {INSERTED: 0, UPDATED: 0, LEFT: 0, DELETED: 0})[action] += 1
        row = {"model": label, "pk": venv_rows.key_text(key), "action": action, "fields": list(fields)}
        if len(self.rows) < _REPORTED:
            self.rows.append(row)
        else:
            self.untold += 1
        return row

    def add_field(self, row: Dict[str, Any], field: str) -> None:
        """Tell of one more field that was changed of a row, which may have been called left."""
        if row["action"] == LEFT:
            row["action"] = UPDATED
            self.counts[row["model"]][LEFT] -= 1
            self.counts[row["model"]][UPDATED] += 1
        if row["action"] == UPDATED:
            row["fields"].append(field)


def existing(table: Table, keys: Sequence[Any]) -> Dict[Any, Sequence[Any]]:
    """The rows that are there, by key, as plain values."""
    found: Dict[Any, Sequence[Any]] = {}
    step = BATCH // (len(table.keys) or 1)
    for start in range(0, len(keys), step):
        for rows in venv_rows.stream(table, keys[start : start + step], True):
            for row in table.plain_rows(rows):
                found[table.key_of(row)] = row
    return found


def changed(table: Table, before: Sequence[Any], values: Dict[int, Any]) -> Dict[int, Any]:
    """Return which of the values are others than in the row that is there.

    :param values: by the place of the column
    """
    columns = table.columns
    return {
        index: value
        for index, value in values.items()
        if (columns[index].kind == "json" and differs(table, index, before[index], value))
        or (columns[index].kind != "json" and before[index] != value)
    }


def differs(table: Table, index: int, one: Any, other: Any) -> bool:
    """Tell whether two plain values are not the same: to Python 1 is True, also within JSON."""
    if table.columns[index].kind == "json" and one is not None and other is not None:
        return venv_values.dumps_json(one) != venv_values.dumps_json(other)
    return bool(one != other)


def prove(table: Table, given: Dict[Any, Dict[int, Any]]) -> None:
    """Read back what was written. Raises FixtureError: a server may cut, round or clip without an error.

    :param given: by key what was written, by the place of the column; nothing for rows that were left
    """
    written = {key: values for key, values in given.items() if values}
    there = existing(table, list(written))
    for key, values in written.items():
        row = there.get(key)
        wrong = values if row is None else changed(table, row, values)
        if wrong:
            raise FixtureError(
                "data_differs",
                "{0} {1}: the database returns another value in {2}".format(
                    table.label,
                    venv_rows.key_text(key),
                    "the row" if row is None else ", ".join(table.columns[index].name for index in wrong),
                ),
                "look at the table's triggers, and at the column's type",
            )


class Numbers:
    """Maps numbers of the fixture to the database's, for content types and permissions."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._known: Dict[str, Dict[Any, Any]] = {}
        self._last: Dict[str, int] = {}

    def learn(self, label: str, number: Any, fields: Dict[str, Any]) -> Any:
        """The database's own number of a content type or permission; None when it has no such."""
        from django.apps import apps
        from django.db.models import QuerySet

        wanted = {"codename": fields.get("codename"), "content_type_id": fields.get("content_type")}
        if label == _CONTENT_TYPE:
            wanted = {"app_label": fields.get("app_label"), "model": fields.get("model")}
        found = QuerySet(model=apps.get_model(label), using=self._connection.alias).filter(**wanted)
        here = found.values_list("pk", flat=True).first()
        if here is not None and number is not None:
            self._known.setdefault(label, {})[number] = here
        return here

    def fresh(self, table: Table, number: Any) -> int:
        """A number for one that the database does not have; several may be asked for before the first is written."""
        last = self._last.get(table.label)
        here = last + 1 if last is not None else free_number(self._connection, table)
        if not venv_dialect.of(self._connection).reserves_numbers:
            self._last[table.label] = here
        self._known.setdefault(table.label, {})[number] = here
        return here

    def of(self, label: str, field: str, number: Any) -> Any:
        """Translate a number of the fixture. Raises UnresolvedError when the fixture has not given it (yet)."""
        known = self._known.get(label, {})
        if number not in known:
            raise UnresolvedError(field, label, number)
        return known[number]


def free_number(connection: Any, table: Table, taken: int = 0) -> int:
    """A key that no row has.

    :param taken: how many were taken that are in no row yet
    """
    free = venv_dialect.of(connection).next_number(table)
    if free is not None:
        return free
    key = table.columns[table.key].quoted
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max({0}), 0) + 1 + {2} FROM {1}".format(key, table.quoted, taken))
        return int(cursor.fetchone()[0])
