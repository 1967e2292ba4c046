# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later


"""Fixtures on the toy: what Django's backend keeps in memory is SQLite's, with its types."""

# mypy: disable-error-code="import-untyped,import-not-found"

from typing import Any, Dict, Sequence

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_dialect
from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_values as values


class JsondirBulk(venv_dialect.Bulk):
    """Plain statements."""

    def begin(self) -> None:
        """References are checked at the end."""
        self.connection.disable_constraint_checking()

    def insert(self, table: Any, rows: Sequence[Sequence[Any]]) -> None:
        """Many rows by one prepared statement."""
        marks = ", ".join("?" * len(table.columns))
        sql = "INSERT INTO {0} ({1}) VALUES ({2})".format(table.quoted, self.columns(table), marks)
        self.connection.connection.executemany(sql, self.written(table, rows))

    def end(self) -> None:
        """Checks are on again."""
        self.connection.enable_constraint_checking()


class Jsondir(venv_dialect.Dialect):
    """The toy's words."""

    name, title = "jsondir", "Jsondir"
    bulk = JsondirBulk

    def select(self, column: Any) -> str:
        """As an expression, past Django's converters."""
        return "+" + str(column.quoted)

    def writer(self, column: Any) -> values.Convert:
        """As Django stores it."""
        writers: Dict[str, values.Convert] = {
            "bool": int,
            "binary": values.write_binary,
            "uuid": values.without_hyphens,
            "json": values.write_json,
            "datetime": values.write_timestamp(self.zone, True),
        }
        return writers.get(column.kind)

    def look_at(self, moment: str) -> str:
        """The moment is a copy's directory."""
        if moment:
            self.connection.close()
            self.connection.settings_dict["NAME"] = moment
        return ""

    def beginning(self, snapshot: str) -> Sequence[venv_dialect.Statement]:
        """Nobody else sees what is in memory."""
        return [("BEGIN", None)]
