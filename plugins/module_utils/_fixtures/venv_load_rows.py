# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Rows of a fixture of Django's own formats on their way into their tables, counted for the proof.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

from typing import Any, Dict, List, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_dialect,
    venv_load,
    venv_rows,
    venv_shapes,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_objects import Place
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError, Table

_NATURAL = "dump it again with --natural-foreign"


class Rows:
    """Rows that wait until there are enough of a table to be written at once."""

    def __init__(self, connection: Any, bulk: venv_dialect.Bulk) -> None:
        """Begin with nothing."""
        #: By model: objects, and their fingerprint unless only the project can read them.
        self.counts: Dict[str, Dict[str, Any]] = {}
        self._connection, self._bulk = connection, bulk
        self._sums: Dict[str, Any] = {}
        self._waiting: Dict[str, Tuple[Table, Any, List[Tuple[Any, List[Any]]]]] = {}

    def _put(self, table: Table, place: Place, row: List[Any], shape: Any, counted: bool = True) -> None:
        own = shape is not None and shape.own_words
        _table, _own, rows = self._waiting.setdefault(table.label, (table, own, []))
        rows.append((place, row))
        if counted and own:
            self.counts[table.label]["objects"] += 1
        elif counted:
            self._count(table, [row])
        if len(rows) >= venv_dialect.CHUNK:
            self._write(table.label)

    def _count(self, table: Table, rows: List[List[Any]]) -> None:
        if table.label in self._sums:
            self._sums[table.label].add(rows, [venv_rows.encode(row) for row in rows])
        else:
            self.counts[table.label]["objects"] += len(rows)

    def flush(self) -> bool:
        """Write what was read; returns whether there was anything."""
        labels = [label for label, (_table, _own, rows) in self._waiting.items() if rows]
        for label in labels:
            self._write(label)
        return bool(labels)

    def _write(self, label: str) -> None:
        table, own, rows = self._waiting.pop(label)
        venv_load.insert(self._connection, self._as_objects if own else self._bulk.insert, table, rows)

    def _as_objects(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        """By Django's own statement, for fields that know best how they are stored; no signal is sent."""
        from django.db.models import QuerySet

        fields = [column.field for column in table.columns]
        made = [table.model(**{field.attname: value for field, value in zip(fields, row)}) for row in rows]
        size = max(self._connection.ops.bulk_batch_size(fields, made), 1)
        for start in range(0, len(made), size):
            QuerySet(model=table.model, using=self._connection.alias)._insert(
                made[start : start + size], fields=fields, using=self._connection.alias, raw=True
            )


def check_numbers(by_number: Dict[str, Tuple[Place, str]], without_key: Set[str], there: Set[str]) -> None:
    """Refuse keys that the fixture cannot stand for. Raises FixtureError.

    :param by_number: by model, where and by which field one is first referred to by its key
    :param without_key: models whose objects get new keys
    :param there: models that the fixture holds
    """
    for target, (place, name) in by_number.items():
        hint = _NATURAL
        if target in without_key:
            why = "{0} refers to {1} by key, but in the fixture those have none".format(name, target)
            hint = "dump it again without --natural-primary, or with --natural-foreign where that is lacking"
        elif target in venv_rows.NUMBERED and target not in there:
            why = venv_shapes.BY_NUMBER.format(name, target)
        else:
            continue
        raise FixtureError("fixture_invalid", "{0}: {1}".format(place, why), hint, line=place.line)
