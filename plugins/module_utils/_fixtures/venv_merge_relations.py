# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Makes the lists of related objects those of a fixture, as loaddata does, for many objects by one query.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

from typing import Any, Dict, List, NamedTuple, Sequence

from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_dialect,
    venv_load,
    venv_merge_rows,
    venv_shapes,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_merge_rows import (
    BATCH,
    DELETED,
    INSERTED,
    LEFT,
    Report,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_objects import Place


class Listed(NamedTuple):
    """The related objects of one object, as the fixture lists them."""

    place: Place
    key: Any
    targets: Sequence[Any]


class Relations:
    """Lists on their way; those of one relation are compared many at a time."""

    def __init__(self, connection: Any, bulk: venv_dialect.Bulk, report: Report) -> None:
        """Begin with none."""
        self._connection, self._bulk, self._report = connection, bulk, report
        self._relations: Dict[str, venv_shapes.Relation] = {}
        self._waiting: Dict[str, Dict[Any, Listed]] = {}

    def add(self, relation: venv_shapes.Relation, listed: Listed) -> bool:
        """Take a list; returns whether the relation's should be written now."""
        label, source = relation.table.label, relation.parse_source(listed.key)
        waiting = self._waiting.setdefault(label, {})
        if source in waiting:
            self.write(label)  # the same object once more: what is there then is the first one's
            waiting = self._waiting[label] = {}
        self._relations[label] = relation
        waiting[source] = listed
        # What is listed on one side is to be on both, and keys in the project's own words compare with themselves only.
        alone = relation.symmetrical or relation.table.columns[relation.source].kind == "native"
        return alone or len(waiting) >= BATCH

    def write_all(self) -> None:
        """Write what waits."""
        for label in list(self._waiting):
            self.write(label)

    def write(self, label: str) -> None:
        """Write the lists of one relation.

        :param label: of the model of its rows
        """
        waiting = self._waiting.pop(label, {})
        if not waiting:
            return
        relation = self._relations[label]
        there = _related(relation, list(waiting))
        rows: venv_load.Rows = []
        for source, listed in waiting.items():
            # One that waits alone need not be found by the key that the database gives.
            before = there.get(source, {}) if len(waiting) > 1 else next(iter(there.values()), {})
            self._relate(relation, source, listed, before, rows)
            self._part(relation, source, listed, before)
        if rows:
            venv_load.insert(self._connection, self._bulk.insert, relation.table, rows)

    def _relate(
        self,
        relation: venv_shapes.Relation,
        source: Any,
        listed: Listed,
        before: Dict[Any, Any],
        rows: venv_load.Rows,
    ) -> None:
        for target in listed.targets:
            if target in before:
                self._tell(relation, listed.key, target, LEFT)
                continue
            rows.append((listed.place, self._pair(relation, source, target, len(rows))))
            self._tell(relation, listed.key, target, INSERTED)
            if relation.symmetrical and target != source and source not in _targets(relation, target):
                rows.append((listed.place, self._pair(relation, target, source, len(rows))))
                self._tell(relation, target, listed.key, INSERTED)

    def _pair(self, relation: venv_shapes.Relation, source: Any, target: Any, taken: int) -> List[Any]:
        """A row that relates one object to another, of a number that no row has."""
        row = [venv_merge_rows.free_number(self._connection, relation.table, taken)] * len(relation.table.columns)
        row[relation.source], row[relation.target] = source, target
        return row

    def _part(self, relation: venv_shapes.Relation, source: Any, listed: Listed, before: Dict[Any, Any]) -> None:
        """Delete the rows of what is not listed."""
        wanted = set(listed.targets)
        surplus = {target: number for target, number in before.items() if target not in wanted}
        if relation.symmetrical:
            for target in list(surplus):
                mirrored = _targets(relation, target).get(source)
                if mirrored is not None and target != source:
                    surplus[(target, listed.key)] = mirrored
        table = relation.table
        sql = "DELETE FROM {0} WHERE {1}".format(table.quoted.replace("%", "%%"), table.is_key())
        for target, number in surplus.items():
            with self._connection.cursor() as cursor:
                cursor.execute(sql, table.key_parameters(number))
            self._tell(relation, listed.key, target, DELETED)

    def _tell(self, relation: venv_shapes.Relation, source: Any, target: Any, action: str) -> None:
        self._report.add(relation.table.label, "{0} {1}".format(source, target), action)


def _targets(relation: venv_shapes.Relation, key: Any) -> Dict[Any, Any]:
    """The related keys of one object, with the numbers of the rows that say so."""
    return next(iter(_related(relation, [key]).values()), {})


def _related(relation: venv_shapes.Relation, sources: Sequence[Any]) -> Dict[Any, Dict[Any, Any]]:
    """The related keys of some objects by theirs, with the numbers of the rows that say so."""
    table = relation.table
    column = table.columns[relation.source]
    sql = "{0} WHERE {1} IN ({2})".format(
        table.select().replace("%", "%%"), column.quoted.replace("%", "%%"), ", ".join(["%s"] * len(sources))
    )
    found: Dict[Any, Dict[Any, Any]] = {}
    with table.connection.cursor() as cursor:
        cursor.execute(sql, [column.parameter(key) for key in sources])
        for row in table.plain_rows(cursor.fetchall()):
            found.setdefault(row[relation.source], {})[row[relation.target]] = row[table.key]
    return found
