# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Merges the lossless form of a fixture: rows of tables, content types and permissions renumbered.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions. ``venv_merge`` is the way in.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

from typing import Any, Callable, Dict, List, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_blame,
    venv_chosen,
    venv_dialect,
    venv_lines,
    venv_load,
    venv_merge_rows,
    venv_rows,
    venv_shapes,
    venv_spool,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_merge_rows import (
    INSERTED,
    LEFT,
    UPDATED,
    Numbers,
    Report,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError, Table
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_shapes import UnresolvedError

Say = Callable[[str], None]

_WHOLE = "dump content types and permissions as well, or with natural keys"


def merge_lines(
    connection: Any,
    bulk: venv_dialect.Bulk,
    registry: Any,
    lines: venv_lines.Lines,
    chosen: venv_chosen.Chosen,
    migrations: List[str],
    report: Report,
    say: Say,
) -> List[Table]:
    """Merge; returns the tables that were touched. Raises FixtureError."""
    other = sorted(set(lines.header["migrations"]) ^ set(migrations))
    if other:
        raise FixtureError(
            "unknown_migration",
            "the fixture was made at other migrations than the database has: {0}".format(", ".join(other[:5])),
            "dump and merge at the same revision of the code",
        )
    venv_load.check_time_zones(lines.header)
    labels = [label for label in lines.header["models"] if not chosen.leaves(label.lower())]
    tables = venv_load.tables_of(connection, registry, labels)
    merging, tell = _Merging(connection, bulk, report), venv_load.progress(say)
    for section in lines.sections():
        table = tables.get(section.label)
        if table is None:
            chosen.count(section.label, section.passed())
            continue
        venv_load.match_fields(table, section)
        for rows in section.chunks():
            merging.take(table, rows)
            tell(section.label, rows[-1][0])
    return list(tables.values())


class _Merging:
    """Rows of tables on their way to rows that may be there."""

    def __init__(self, connection: Any, bulk: venv_dialect.Bulk, report: Report) -> None:
        self._connection, self._bulk, self._report = connection, bulk, report
        self._numbers = Numbers(connection)

    def take(self, table: Table, rows: venv_load.Rows) -> None:
        """Merge a chunk of one table's rows."""
        if self._is_renumbered(table):
            rows = [(line, self._renumbered(table, line, list(row))) for line, row in rows]
        if table.model._meta.auto_created:
            self._take_pairs(table, rows)
            return
        there = venv_merge_rows.existing(table, [table.key_of(row) for _line, row in rows])
        fresh: venv_load.Rows = []
        written: Dict[Any, Dict[int, Any]] = {}
        for line, row in rows:
            key = table.key_of(row)
            changed = dict(enumerate(row))
            if key in there:
                changed = self._compare(table, line, key, there[key], changed)
            else:
                fresh.append((line, row))
                self._report.add(table.label, key, INSERTED)
            written[key] = changed
        if fresh:
            venv_load.insert(self._connection, self._bulk.insert, table, fresh)
        venv_merge_rows.prove(table, written)

    def _compare(self, table: Table, line: int, key: Any, before: Any, values: Dict[int, Any]) -> Dict[int, Any]:
        """Write what of a row differs from the one that is there, and return it."""
        changed = venv_merge_rows.changed(table, before, values)
        if changed:
            self._update(table, line, key, changed)
        names = [table.columns[index].name for index in changed]
        self._report.add(table.label, key, UPDATED if changed else LEFT, names)
        return changed

    @staticmethod
    def _is_renumbered(table: Table) -> bool:
        """Tell whether rows of a table have, or refer to, numbers that each database gives anew."""
        remotes = [column.field.remote_field for column in table.columns]
        targets = {remote.model._meta.label for remote in remotes if remote is not None}
        return bool((targets | {table.label}) & set(venv_rows.NUMBERED))

    def _update(self, table: Table, line: int, key: Any, changed: Dict[int, Any]) -> None:
        from django.db import Error, transaction

        try:
            with transaction.atomic(using=self._connection.alias):
                venv_spool.update(self._connection, table, key, changed)
        except (Error,) + venv_shapes.UNREADABLE as error:
            text, pk = venv_load.words(error), venv_rows.key_text(key)
            raise venv_blame.refusal(table, line, pk, changed.items(), text, "correct the row") from None

    def _renumbered(self, table: Table, line: int, row: List[Any]) -> List[Any]:
        """A row with the database's own content types and permissions."""
        for index, column in enumerate(table.columns):
            remote = column.field.remote_field
            target = remote.model._meta.label if remote is not None else ""
            if target in venv_rows.NUMBERED and row[index] is not None:
                try:
                    row[index] = self._numbers.of(target, column.name, row[index])
                except UnresolvedError:
                    raise FixtureError(
                        "fixture_invalid",
                        "line {0}: {1}: {2} refers to {3} by number, which is another one in each database".format(
                            line, table.label, column.name, target
                        ),
                        _WHOLE,
                        line=line,
                    ) from None
        if table.label in venv_rows.NUMBERED:
            named = {column.name: value for column, value in zip(table.columns, row)}
            number = row[table.key]
            here = self._numbers.learn(table.label, number, named)
            row[table.key] = self._numbers.fresh(table, number) if here is None else here
        return row

    def _take_pairs(self, table: Table, rows: venv_load.Rows) -> None:
        """Rows of a many-to-many relation: their own numbers say nothing, only what is related counts."""
        pair = [index for index in range(len(table.columns)) if index != table.key]
        there = self._pairs_there(table, pair, list(dict.fromkeys(row[pair[0]] for _line, row in rows)))
        fresh: venv_load.Rows = []
        for line, row in rows:
            both = tuple(row[index] for index in pair)
            action = LEFT if both in there else INSERTED
            self._report.add(table.label, " ".join(map(str, both)), action)
            if action == INSERTED:
                row[table.key] = venv_merge_rows.free_number(self._connection, table, len(fresh))
                fresh.append((line, row))
        if fresh:
            venv_load.insert(self._connection, self._bulk.insert, table, fresh)

    def _pairs_there(self, table: Table, pair: Sequence[int], sources: Sequence[Any]) -> Set[Tuple[Any, ...]]:
        """What the database relates these sources to.

        :param pair: the places of the two columns, that of the source first
        """
        first = table.columns[pair[0]]
        there: Set[Tuple[Any, ...]] = set()
        for start in range(0, len(sources), venv_merge_rows.BATCH):
            some = sources[start : start + venv_merge_rows.BATCH]
            marks = ", ".join(["%s"] * len(some))
            sql = "{0} WHERE {1} IN ({2})".format(
                table.select().replace("%", "%%"), first.quoted.replace("%", "%%"), marks
            )
            with self._connection.cursor() as cursor:
                cursor.execute(sql, [first.parameter(value) for value in some])
                there.update(tuple(table.plain(row)[index] for index in pair) for row in cursor.fetchall())
        return there
