# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Fixtures on SQLite.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import decimal
from typing import Any, Callable, Dict, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_dialect
from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_values as values

#: A decimal is kept as a binary floating point number: that many digits come back.
_DIGITS = 15


class SQLiteBulk(venv_dialect.Bulk):
    """Prepared statements; indexes and triggers are made again afterwards."""

    def begin(self) -> None:
        """Foreign keys are checked at the end, all at once."""
        self.connection.disable_constraint_checking()

    def strip(self) -> None:
        """Drop indexes that no constraint needs, and triggers."""
        names = {table.name.strip('"') for table in self.tables}
        found = self.ask("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type IN ('index', 'trigger')")
        for kind, name, table, sql in found:
            if table in names and sql:
                self.run("DROP {0} {1}".format(kind.upper(), self.dialect.quote(name)))
                self._later.append(sql)

    def insert(self, table: Any, rows: Sequence[Sequence[Any]]) -> None:
        """Past Django's cursor, which rewrites each statement."""
        marks = ", ".join("?" * len(table.columns))
        sql = "INSERT INTO {0} ({1}) VALUES ({2})".format(table.quoted, self.columns(table), marks)
        with self.connection.wrap_database_errors:
            self.connection.connection.executemany(sql, self.written(table, rows))

    def end(self) -> None:
        """Checks are on again."""
        self.connection.enable_constraint_checking()


class SQLite(venv_dialect.Dialect):
    """A unary plus keeps Django's own converters away from what is really stored."""

    name, title = "sqlite", "SQLite"
    bulk = SQLiteBulk
    limits_lengths = False
    keeps_infinite_json = True
    decimal_digits = _DIGITS

    def select(self, column: Any) -> str:
        """As an expression."""
        return "+" + str(column.quoted)

    def decimal_reader(self, column: Any) -> Callable[[Any], str]:
        """Out of a floating point number."""
        read = super().decimal_reader(column)
        context = decimal.Context(prec=_DIGITS)

        def read_number(value: Any) -> str:
            return read(context.create_decimal_from_float(value) if isinstance(value, float) else value)

        return read_number

    def reader(self, column: Any) -> values.Convert:
        """A column may hold anything here."""
        if column.kind == "native":
            return _read_native
        return values.read_int if column.kind in ("int", "duration") else super().reader(column)

    def writer(self, column: Any) -> values.Convert:
        """As Django stores it."""
        writers: Dict[str, values.Convert] = {
            "bool": int,
            "float": values.write_float,
            "binary": values.write_binary,
            "uuid": values.without_hyphens,
            "json": values.write_json,
            "native": _write_native,
            "datetime": values.write_timestamp(self.zone, True),
            "time": lambda value: value[:8] if value.endswith(".000000") else value,
        }
        return writers.get(column.kind)

    def look_at(self, moment: str) -> str:
        """The moment is a copy's path, which is read instead."""
        if moment:
            self.connection.close()
            self.connection.settings_dict["NAME"] = moment
        return ""

    def beginning(self, snapshot: str) -> Sequence[venv_dialect.Statement]:
        """The first read fixes the moment."""
        return [("BEGIN", None), ("SELECT count(*) FROM sqlite_master", None)]

    def within_others(self) -> Set[str]:
        """Where virtual tables, such as full-text indexes, keep their rows."""
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
            found = cursor.fetchall()
        virtual = [name for name, sql in found if (sql or "").upper().startswith("CREATE VIRTUAL TABLE")]
        return {name for name, _sql in found if any(name.startswith(one + "_") for one in virtual)}

    @classmethod
    def integers(cls, internal: str) -> Tuple[int, int]:
        """Every one takes 8 bytes; Django adds a check to those that are positive."""
        return (0, venv_dialect.BIG[1]) if internal.startswith("Positive") else venv_dialect.BIG


def _read_native(value: Any) -> Any:
    """A value of a type that this file knows nothing of, bytes in words: geometries of SpatiaLite are such."""
    return {"blob": values.read_binary(value)} if isinstance(value, (bytes, memoryview)) else value


def _write_native(value: Any) -> Any:
    """The value again."""
    return values.write_binary(value["blob"]) if isinstance(value, dict) and set(value) == {"blob"} else value
