# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Django backend whose database is a directory of JSON files: read at the connect, written at each commit."""

import base64
import json
import os

from django.db.backends.sqlite3 import base

_OBJECTS = (
    "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL AND substr(name, 1, 7) <> 'sqlite_'"
)
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"


class DatabaseWrapper(base.DatabaseWrapper):
    """SQLite's, in memory, with another place for what it holds."""

    def get_new_connection(self, conn_params):
        self._directory = str(conn_params["database"])
        connection = super().get_new_connection({**conn_params, "database": ":memory:"})
        self._read(connection)
        return connection

    def _read(self, connection):
        if not os.path.exists(os.path.join(self._directory, "schema.json")):
            return
        connection.execute("PRAGMA foreign_keys = OFF")
        schema = self._load("schema")
        for _kind, _name, _table, sql in sorted(schema, key=lambda item: item[0] != "table"):
            connection.execute(sql)
        for name in [*(item[1] for item in schema if item[0] == "table"), "sqlite_sequence"]:
            for row in self._load(name):
                plain = [base64.b64decode(value["b64"]) if isinstance(value, dict) else value for value in row]
                marks = ", ".join("?" * len(plain))
                connection.execute('INSERT INTO "{0}" VALUES ({1})'.format(name, marks), plain)
        if connection.in_transaction:
            connection.execute("COMMIT")
        connection.execute("PRAGMA foreign_keys = ON")

    def _load(self, name):
        try:
            with open(os.path.join(self._directory, name + ".json"), encoding="utf-8") as stream:
                return json.load(stream)
        except FileNotFoundError:
            return []

    def _commit(self):
        super()._commit()
        self._write()

    def _close(self):
        if self.connection is not None and not self.connection.in_transaction:
            self._write()
        super()._close()

    def _write(self):
        if self.connection is None:
            return
        connection, plain = self.connection, base.Database.Connection.execute
        found = {"schema": [list(row) for row in plain(connection, _OBJECTS)]}
        for (name,) in list(plain(connection, _TABLES)):
            # A unary plus keeps Django's converters away.
            columns = ", ".join('+"{0}"'.format(row[1]) for row in plain(connection, f"PRAGMA table_info('{name}')"))
            rows = plain(connection, 'SELECT {0} FROM "{1}"'.format(columns, name))
            found[name] = [
                [{"b64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value for value in row]
                for row in rows
            ]
        os.makedirs(self._directory, exist_ok=True)
        for name, content in found.items():
            text, path = json.dumps(content), os.path.join(self._directory, name + ".json")
            if not os.path.exists(path) or self._load(name) != content:
                with open(path, "w", encoding="utf-8") as stream:
                    stream.write(text)
