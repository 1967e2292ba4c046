# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Puts many rows into tables, by the fastest way of each engine; constraints and triggers are out of the way meanwhile.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions. Everything happens inside the caller's transaction where the engine's DDL can; MySQL
commits at each DDL statement, so there a load goes into a database of its own that a failure drops.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import io
from typing import Any, Callable, Dict, List, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_rows
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import Table


def _columns_of(table: Table, rows: Sequence[Sequence[Any]]) -> List[Sequence[Any]]:
    """Return what the driver takes, column by column."""
    found: List[Sequence[Any]] = list(zip(*rows))
    for index, column in enumerate(table.columns):
        write = column.write
        if write is not None:
            found[index] = [None if value is None else write(value) for value in found[index]]
    return found


class Bulk:
    """One load into one database. ``begin`` comes before the transaction, ``strip`` and ``restore`` within it."""

    def __init__(self, connection: Any, tables: Sequence[Table]) -> None:
        """Take the tables that will be filled."""
        self.connection, self.tables = connection, tables
        self._later: List[str] = []

    def begin(self) -> None:
        """Prepare the session, outside of any transaction."""

    def strip(self) -> None:
        """Put away what makes inserts slow, or makes rows of its own."""

    def clear(self, tables: Sequence[Table]) -> None:
        """Delete every row."""
        for table in tables:
            self._run("DELETE FROM " + table.quoted)

    def insert(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        """Insert plain rows."""
        raise NotImplementedError

    def restore(self) -> None:
        """Put everything back; what the rows violate is an error of the database."""
        for statement in self._later:
            self._run(statement)

    def end(self) -> None:
        """Give the session back, outside of any transaction."""

    def _run(self, sql: str, params: Any = None) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params)

    def _ask(self, sql: str, params: Any = None) -> List[Tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params)
            return list(cursor.fetchall())

    @staticmethod
    def written(table: Table, rows: Sequence[Sequence[Any]]) -> List[Sequence[Any]]:
        """The rows as the driver takes them."""
        return list(zip(*_columns_of(table, rows)))

    @staticmethod
    def columns(table: Table) -> str:
        """The names of the columns, quoted."""
        return ", ".join(column.quoted for column in table.columns)


class PostgreSQL(Bulk):
    """COPY; foreign keys and indexes that no constraint needs are made again afterwards, triggers are off meanwhile."""

    def strip(self) -> None:
        """Drop foreign keys among the tables, and indexes; disable the users' triggers."""
        quoted = [table.quoted for table in self.tables]
        self._oids = [row[0] for row in self._ask("SELECT unnest(%s::text[])::regclass::oid::bigint", [quoted])]
        constraints = self._ask(
            "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE contype = 'f' AND conparentid = 0 AND (conrelid = ANY(%s::oid[]) OR confrelid = ANY(%s::oid[]))"
            " ORDER BY 1, 2",
            [self._oids, self._oids],
        )
        indexes = self._ask(
            "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i"
            " JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = ANY(%s::oid[]) AND NOT i.indisprimary"
            " AND c.relkind = 'i' AND NOT c.relispartition"
            " AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid) ORDER BY 1",
            [self._oids],
        )
        for index, definition in indexes:
            self._run("DROP INDEX " + index)
            self._later.append(definition)
        for table, name, definition in constraints:
            self._run("ALTER TABLE {0} DROP CONSTRAINT {1}".format(table, name))
            self._later.append("ALTER TABLE {0} ADD CONSTRAINT {1} {2}".format(table, name, definition))
        for name in quoted:
            self._run("ALTER TABLE {0} DISABLE TRIGGER USER".format(name))
            self._later.append("ALTER TABLE {0} ENABLE TRIGGER USER".format(name))

    def clear(self, tables: Sequence[Table]) -> None:
        """All at once, which leaves no dead rows."""
        if tables:
            self._run("TRUNCATE " + ", ".join(table.quoted for table in tables))

    def insert(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        """One COPY, in its text form, which both drivers take as it is."""
        columns = [["\\N" if value is None else value for value in values] for values in _columns_of(table, rows)]
        data = ("\n".join(map("\t".join, zip(*columns))) + "\n").encode("utf-8")
        sql = "COPY {0} ({1}) FROM STDIN".format(table.quoted, self.columns(table))
        with self.connection.wrap_database_errors, self.connection.cursor() as cursor:
            raw = cursor.cursor
            if hasattr(raw, "copy_expert"):  # psycopg2
                raw.copy_expert(sql, io.BytesIO(data))
                return
            with raw.copy(sql) as copy:
                copy.write(data)

    def restore(self) -> None:
        """As for every engine; statistics too, since the next thing that runs is a migration or the site."""
        super().restore()
        self._run("SET CONSTRAINTS ALL IMMEDIATE")


class MySQL(Bulk):
    """Statements of many rows each; triggers are dropped and made again, checks are off for the session."""

    def begin(self) -> None:
        """Checks are made at the end, by one query for each foreign key."""
        self._run("SET SESSION foreign_key_checks = 0")
        mode = self._ask("SELECT @@SESSION.sql_mode")[0][0]
        self._run("SET SESSION sql_mode = %s", [",".join(filter(None, [mode, "NO_AUTO_VALUE_ON_ZERO"]))])

    def strip(self) -> None:
        """Drop the triggers of the tables."""
        names = {table.name for table in self.tables}
        for name, table in self._ask(
            "SELECT trigger_name, event_object_table FROM information_schema.triggers"
            " WHERE trigger_schema = DATABASE() ORDER BY event_object_table, action_timing, action_order"
        ):
            if table in names:
                quoted = venv_rows.quote(self.connection, name)
                self._later.append(self._ask("SHOW CREATE TRIGGER " + quoted)[0][2])
                self._run("DROP TRIGGER " + quoted)

    def insert(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        """Drivers make one statement of many rows, as large as they think fit."""
        marks = ", ".join(["%s"] * len(table.columns))
        sql = "INSERT INTO {0} ({1}) VALUES ({2})".format(
            table.quoted.replace("%", "%%"), self.columns(table).replace("%", "%%"), marks
        )
        with self.connection.cursor() as cursor:
            cursor.executemany(sql, self.written(table, rows))

    def end(self) -> None:
        """Checks are on again."""
        self._run("SET SESSION foreign_key_checks = 1")


class SQLite(Bulk):
    """Prepared statements; indexes and triggers are made again afterwards."""

    def begin(self) -> None:
        """Foreign keys are checked at the end, all at once."""
        self.connection.disable_constraint_checking()

    def strip(self) -> None:
        """Drop indexes that no constraint needs, and triggers."""
        names = {table.name.strip('"') for table in self.tables}
        found = self._ask("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type IN ('index', 'trigger')")
        for kind, name, table, sql in found:
            if table in names and sql:
                self._run("DROP {0} {1}".format(kind.upper(), venv_rows.quote(self.connection, name)))
                self._later.append(sql)

    def insert(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        """Past Django's cursor, which rewrites each statement."""
        marks = ", ".join("?" * len(table.columns))
        sql = "INSERT INTO {0} ({1}) VALUES ({2})".format(table.quoted, self.columns(table), marks)
        with self.connection.wrap_database_errors:
            self.connection.connection.executemany(sql, self.written(table, rows))

    def end(self) -> None:
        """Checks are on again."""
        self.connection.enable_constraint_checking()


ENGINES: Dict[str, Any] = {"postgresql": PostgreSQL, "mysql": MySQL, "sqlite": SQLite}


def open_bulk(connection: Any, tables: Sequence[Table]) -> Bulk:
    """The way of the connection's engine."""
    kind: Callable[[Any, Sequence[Table]], Bulk] = ENGINES[connection.vendor]
    return kind(connection, tables)
