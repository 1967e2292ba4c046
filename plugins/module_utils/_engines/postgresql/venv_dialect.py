# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Fixtures on PostgreSQL: everything that a driver could change comes as text, and rows go in as COPY's text.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import binascii
import io
import re
from typing import Any, Callable, Dict, List, Optional, Sequence, Set

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_dialect
from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_values as values

_ADDRESSES = ("GenericIPAddressField", "IPAddressField")
_CURSOR = "relocate_rows"
#: What one statement can turn into text, exactly, where an interval has neither months nor years.
_MICROSECONDS = (
    "CASE WHEN extract(year from {0}) <> 0 OR extract(month from {0}) <> 0 THEN {0}::text ELSE"
    " ((extract(day from {0})::bigint * 86400 + extract(hour from {0})::bigint * 3600"
    " + extract(minute from {0})::bigint * 60) * 1000000 + extract(microseconds from {0})::bigint)::text END"
)
#: What the server does not make out of the plain value by itself.
_PARAMETERS: Dict[str, Callable[[Any], Any]] = {
    "duration": values.write_interval,
    "binary": values.write_binary,
    "json": values.write_json,
}
_WITHIN = "SELECT relname FROM pg_class WHERE relispartition AND relkind IN ('r', 'p', 'f')"
#: Relations that no model finds without naming their schema; partitions go with their table.
_ELSEWHERE = (
    "SELECT n.nspname || '.' || c.relname, c.relkind"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND n.nspname !~ '^pg_'"
    " AND n.nspname <> 'information_schema' AND (c.relkind = 'm' OR NOT pg_table_is_visible(c.oid)) ORDER BY 1"
)
_CALLED = (
    "SELECT n.nspname || '.' || c.relname, CASE WHEN pg_table_is_visible(c.oid) THEN c.relname END"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(%s)"
)
_KINDS = {"r": "table", "p": "table", "v": "view", "m": "materialized view", "f": "foreign table"}
_OIDS = "SELECT unnest(%s::text[])::regclass::oid::bigint"
_FOREIGN_KEYS = (
    "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE contype = 'f' AND conparentid = 0 AND (conrelid = ANY(%s::oid[]) OR confrelid = ANY(%s::oid[]))"
    " ORDER BY 1, 2"
)
_INDEXES = (
    "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i"
    " JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = ANY(%s::oid[]) AND NOT i.indisprimary"
    " AND c.relkind = 'i' AND NOT c.relispartition"
    " AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid) ORDER BY 1"
)
#: Django's own sequence_reset_sql does not quote a table's name.
_RESET = (
    "SELECT setval(s, greatest(coalesce(m, 1), 1), m IS NOT NULL AND m > 0) FROM"
    " (SELECT pg_get_serial_sequence(%s, %s) AS s, (SELECT max({0}) FROM {1}) AS m) q WHERE s IS NOT NULL"
)
_RAISE = "SELECT setval(%s, m) FROM (SELECT max({0}) AS m FROM {1}) q, (SELECT last_value AS l FROM {2}) s WHERE m >= l"


class PostgreSQLBulk(venv_dialect.Bulk):
    """COPY; foreign keys and indexes that no constraint needs are made again afterwards, triggers are off meanwhile."""

    def strip(self) -> None:
        """Drop foreign keys among the tables, and indexes; disable the users' triggers."""
        quoted = [table.quoted for table in self.tables]
        oids = [row[0] for row in self.ask(_OIDS, [quoted])]
        constraints = self.ask(_FOREIGN_KEYS, [oids, oids])
        for index, definition in self.ask(_INDEXES, [oids]):
            self.run("DROP INDEX " + index)
            self._later.append(definition)
        for table, name, definition in constraints:
            self.run("ALTER TABLE {0} DROP CONSTRAINT {1}".format(table, name))
            self._later.append("ALTER TABLE {0} ADD CONSTRAINT {1} {2}".format(table, name, definition))
        for name in quoted:
            self.run("ALTER TABLE {0} DISABLE TRIGGER USER".format(name))
            self._later.append("ALTER TABLE {0} ENABLE TRIGGER USER".format(name))

    def clear(self, tables: Sequence[Any]) -> None:
        """All at once, which leaves no dead rows."""
        if tables:
            self.run("TRUNCATE " + ", ".join(table.quoted for table in tables))

    def insert(self, table: Any, rows: Sequence[Sequence[Any]]) -> None:
        """One COPY, in its text form, which both drivers take as it is."""
        columns = [["\\N" if value is None else value for value in found] for found in self.by_column(table, rows)]
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
        """Put everything back, and have it checked at once."""
        super().restore()
        self.dialect.check_now()


class PostgreSQL(venv_dialect.Dialect):
    """Both drivers, psycopg2 and psycopg."""

    name, title = "postgresql", "PostgreSQL"
    bulk = PostgreSQLBulk
    proves_references = True
    reserves_numbers = True
    odd_dates = ("infinity", " BC")
    keeps_nul = False
    keeps_infinite = True

    def select(self, column: Any) -> str:
        """As text, but for what every driver gives as it is."""
        name = str(column.quoted)
        if column.kind in ("date", "datetime", "time", "uuid", "json", "native", "decimal"):
            return name + "::text"
        if column.kind == "duration":
            return _MICROSECONDS.format(name)
        # An enumeration or a domain under a CharField, citext, inet: all are their text.
        return name + "::text" if column.kind == "text" else name

    def reader(self, column: Any) -> values.Convert:
        """Out of the server's own text."""
        readers: Dict[str, values.Convert] = {
            "float": values.read_float,
            "decimal": self.decimal_reader(column),
            "duration": int,
            "binary": values.read_binary,
            "json": values.read_json,
            "datetime": self._timestamp_reader(),
            "time": values.read_time,
            "date": values.infinite_or(values.read_date),
        }
        if column.internal in _ADDRESSES:
            return values.read_address
        return readers.get(column.kind)

    def _timestamp_reader(self) -> Callable[[Any], str]:
        if self.use_tz:
            return values.infinite_or(values.read_timestamp(values.UTC))
        read = values.read_timestamp(None)
        return values.infinite_or(lambda text: read(re.sub(r"[+-]\d\d(:\d\d)*$", "", text)))

    def writer(self, column: Any) -> values.Convert:
        """COPY's text."""
        writers: Dict[str, values.Convert] = {
            "int": str,
            "bool": lambda value: "t" if value else "f",
            "float": lambda value: value if isinstance(value, str) else repr(value),
            "duration": values.write_interval,
            "binary": lambda value: "\\\\x" + binascii.b2a_hex(values.write_binary(value)).decode("ascii"),
            "json": lambda value: values.escaped(values.write_json(value)),
            "text": values.escaped,
            "native": values.escaped,
        }
        return writers.get(column.kind)

    def parameter(self, column: Any) -> values.Convert:
        """Not COPY's text."""
        return _PARAMETERS.get(column.kind)

    def pin(self) -> None:
        """Time zone, and how dates and numbers look."""
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT set_config('TimeZone', %s, false)", [self.connection.timezone_name])
            cursor.execute("SET datestyle = 'ISO, YMD'")
            cursor.execute("SET extra_float_digits = 1")

    def beginning(self, snapshot: str) -> Sequence[venv_dialect.Statement]:
        """In a snapshot that another session exported, it sees that one's moment."""
        joined: List[venv_dialect.Statement] = [("SET TRANSACTION SNAPSHOT %s", [snapshot])] if snapshot else []
        return [("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", None), *joined, ("SELECT 1", None)]

    def stream(self, sql: str, params: List[Any]) -> venv_dialect.Rows:
        """A cursor of the server's own: both drivers would fetch everything else."""
        with self.connection.cursor() as cursor:
            cursor.execute("DECLARE {0} NO SCROLL CURSOR FOR {1}".format(_CURSOR, sql), params or None)
            while True:
                cursor.execute("FETCH FORWARD {0} FROM {1}".format(venv_dialect.CHUNK, _CURSOR))
                rows = cursor.fetchall()
                if not rows:
                    break
                yield rows
            cursor.execute("CLOSE {0}".format(_CURSOR))

    def quote_relation(self, name: str) -> str:
        """With its schema, when it has one."""
        return ".".join(self.quote(part) for part in name.split(".", 1))

    def called(self, table: str) -> Set[str]:
        """With its schema, when it names one; without too, where the search path finds it."""
        names = super().called(table)
        if '"."' in table:
            with self.connection.cursor() as cursor:
                cursor.execute(_CALLED, ['"{0}"'.format(table.strip('"'))])
                names |= {name for row in cursor.fetchall() for name in row if name}
        return names

    def within_others(self) -> Set[str]:
        """Partitions."""
        with self.connection.cursor() as cursor:
            cursor.execute(_WITHIN)
            return {name for (name,) in cursor.fetchall()}

    def elsewhere(self) -> List[Dict[str, str]]:
        """In other schemas."""
        with self.connection.cursor() as cursor:
            cursor.execute(_ELSEWHERE)
            return [{"what": _KINDS[str(kind)], "name": name} for name, kind in cursor.fetchall()]

    def check_now(self) -> None:
        """Foreign keys of Django's are deferred."""
        with self.connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    def reset_sequences(self, tables: Sequence[Any]) -> None:
        """Of every column that counts by one."""
        for table in tables:
            for column in table.columns:
                if _counts(column):
                    with self.connection.cursor() as cursor:
                        cursor.execute(_RESET.format(*_escaped(column, table)), [table.quoted, column.column])

    def raise_sequences(self, tables: Sequence[Any]) -> None:
        """Of the keys."""
        for table in tables:
            column = table.columns[table.key]
            sequence = self._sequence(table) if _counts(column) else None
            if sequence:
                with self.connection.cursor() as cursor:
                    cursor.execute(_RAISE.format(*_escaped(column, table), sequence), [sequence])

    def next_number(self, table: Any) -> Optional[int]:
        """The sequence's next, past rows that were inserted with keys of their own."""
        key, name = _escaped(table.columns[table.key], table)
        sequence = self._sequence(table)
        with self.connection.cursor() as cursor:
            while sequence:
                cursor.execute("SELECT nextval(%s)", [sequence])
                free = int(cursor.fetchone()[0])
                cursor.execute("SELECT 1 FROM {0} WHERE {1} = %s".format(name, key), [free])
                if cursor.fetchone() is None:
                    return free
                cursor.execute("SELECT setval(%s, (SELECT max({0}) FROM {1}))".format(key, name), [sequence])
        return None

    def _sequence(self, table: Any) -> Optional[str]:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [table.quoted, table.columns[table.key].column])
            found: Optional[str] = cursor.fetchone()[0]
        return found


def _counts(column: Any) -> bool:
    """Whether a column's numbers come out of a sequence of its own."""
    return bool(column.internal.endswith("AutoField") and column.field.remote_field is None)


def _escaped(column: Any, table: Any) -> List[str]:
    """Quoted names within a statement that has parameters."""
    return [column.quoted.replace("%", "%%"), table.quoted.replace("%", "%%")]
