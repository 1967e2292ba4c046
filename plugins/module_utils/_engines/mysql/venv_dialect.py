# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Fixtures on MySQL and MariaDB: times and decimals come as text, since drivers make NULL or a string of odd dates.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import importlib
from typing import Any, Dict, List, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_dialect
from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_values as values

_UNSIGNED = {
    "PositiveSmallIntegerField": (0, 65535),
    "PositiveIntegerField": (0, 4294967295),
    "PositiveBigIntegerField": (0, 18446744073709551615),
}
_TRIGGERS = (
    "SELECT trigger_name, event_object_table FROM information_schema.triggers"
    " WHERE trigger_schema = DATABASE() ORDER BY event_object_table, action_timing, action_order"
)


class MySQLBulk(venv_dialect.Bulk):
    """Statements of many rows each; triggers are dropped and made again, checks are off for the session."""

    def begin(self) -> None:
        """Checks are made at the end, by one query for each foreign key."""
        self.run("SET SESSION foreign_key_checks = 0")
        mode = self.ask("SELECT @@SESSION.sql_mode")[0][0]
        self.run("SET SESSION sql_mode = %s", [",".join(filter(None, [mode, "NO_AUTO_VALUE_ON_ZERO"]))])

    def strip(self) -> None:
        """Drop the triggers of the tables."""
        names = {table.name for table in self.tables}
        for name, table in self.ask(_TRIGGERS):
            if table in names:
                quoted = self.dialect.quote(name)
                self._later.append(self.ask("SHOW CREATE TRIGGER " + quoted)[0][2])
                self.run("DROP TRIGGER " + quoted)

    def insert(self, table: Any, rows: Sequence[Sequence[Any]]) -> None:
        """Drivers make one statement of many rows, as large as they think fit."""
        marks = ", ".join(["%s"] * len(table.columns))
        sql = "INSERT INTO {0} ({1}) VALUES ({2})".format(
            table.quoted.replace("%", "%%"), self.columns(table).replace("%", "%%"), marks
        )
        with self.connection.cursor() as cursor:
            cursor.executemany(sql, self.written(table, rows))

    def end(self) -> None:
        """Checks are on again."""
        self.run("SET SESSION foreign_key_checks = 1")


class MySQL(venv_dialect.Dialect):
    """MySQL and MariaDB, with mysqlclient or PyMySQL."""

    name, title = "mysql", "MySQL"
    words_for_geometries = False
    mark = "`"
    bulk = MySQLBulk
    first_year = "1000"
    folds_keys = True

    def select(self, column: Any) -> str:
        """As text, where drivers have a mind of their own."""
        if column.kind in ("date", "datetime", "time", "decimal", "json"):
            return "CAST({0} AS CHAR)".format(column.quoted)
        return str(column.quoted)

    def writer(self, column: Any) -> values.Convert:
        """A parameter of a statement."""
        writers: Dict[str, values.Convert] = {
            "float": values.write_float,
            "binary": values.write_binary,
            "json": values.write_json,
            "datetime": values.write_timestamp(self.zone, False),
        }
        if column.kind == "uuid" and "char(32)" in column.db_type:
            return values.without_hyphens
        return writers.get(column.kind)

    def beginning(self, snapshot: str) -> Sequence[venv_dialect.Statement]:
        """Nobody writes while the engine's own dump begins, so both see one moment."""
        return [
            ("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", None),
            ("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", None),
        ]

    def stream(self, sql: str, params: List[Any]) -> venv_dialect.Rows:
        """The driver's cursor that does not fetch everything."""
        driver = importlib.import_module(self.connection.Database.__name__ + ".cursors")
        cursor = self.connection.connection.cursor(driver.SSCursor)
        try:
            cursor.execute(sql, params or None)
            while True:
                rows = cursor.fetchmany(venv_dialect.CHUNK)
                if not rows:
                    break
                yield list(rows)
        finally:
            cursor.close()

    @classmethod
    def integers(cls, internal: str) -> Tuple[int, int]:
        """Positive fields are unsigned here."""
        return _UNSIGNED.get(internal) or super().integers(internal)
