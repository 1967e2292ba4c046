# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""The contract between fixtures and a database engine: how its rows are read, written, and put into tables at once.

Looking to add an engine? Its folder holds one ``venv_dialect.py`` with one class that fills this contract; its engine
names that file as its ``dialect``. Nothing else in here knows one engine from another.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions. Plain values are those of ``venv_values``.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import decimal
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Set, Tuple, Type

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_values as values

CHUNK = 2000  # rows fetched at a time

Rows = Iterator[List[Tuple[Any, ...]]]
#: A statement with its parameters.
Statement = Tuple[str, Optional[List[Any]]]
#: The integer fields' limits on servers, as BaseDatabaseOperations.integer_field_ranges has them.
INTEGERS = {
    "SmallIntegerField": (-32768, 32767),
    "IntegerField": (-2147483648, 2147483647),
    "BigIntegerField": (-9223372036854775808, 9223372036854775807),
    "PositiveBigIntegerField": (0, 9223372036854775807),
    "PositiveSmallIntegerField": (0, 32767),
    "PositiveIntegerField": (0, 2147483647),
    "SmallAutoField": (-32768, 32767),
    "AutoField": (-2147483648, 2147483647),
    "BigAutoField": (-9223372036854775808, 9223372036854775807),
}
BIG = (-9223372036854775808, 9223372036854775807)
_CHOSEN: Dict[str, str] = {}


class Bulk:
    """One load into one database. ``begin`` comes before the transaction, ``strip`` and ``restore`` within it.

    Constraints and triggers are out of the way meanwhile. Everything happens inside the caller's transaction where the
    engine's DDL can; where it cannot, a load goes into a database of its own that a failure drops.
    """

    def __init__(self, dialect: "Dialect", tables: Sequence[Any]) -> None:
        """Take the tables that will be filled, as ``venv_rows.Table``."""
        self.dialect, self.connection, self.tables = dialect, dialect.connection, tables
        self._later: List[str] = []

    def begin(self) -> None:
        """Prepare the session, outside of any transaction."""

    def strip(self) -> None:
        """Put away what makes inserts slow, or makes rows of its own."""

    def insert(self, table: Any, rows: Sequence[Sequence[Any]]) -> None:
        """Insert plain rows."""
        raise NotImplementedError

    def clear(self, tables: Sequence[Any]) -> None:
        """Delete every row."""
        for table in tables:
            self.run("DELETE FROM " + table.quoted)

    def restore(self) -> None:
        """Put everything back; what the rows violate is an error of the database."""
        for statement in self._later:
            self.run(statement)

    def end(self) -> None:
        """Give the session back, outside of any transaction."""

    def run(self, sql: str, params: Any = None) -> None:
        """Run a statement."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params)

    def ask(self, sql: str, params: Any = None) -> List[Tuple[Any, ...]]:
        """The rows of a query."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params)
            return list(cursor.fetchall())

    @staticmethod
    def by_column(table: Any, rows: Sequence[Sequence[Any]]) -> List[Sequence[Any]]:
        """Return what the driver takes, column by column."""
        found: List[Sequence[Any]] = list(zip(*rows))
        for index, column in enumerate(table.columns):
            write = column.write
            if write is not None:
                found[index] = [None if value is None else write(value) for value in found[index]]
        return found

    @classmethod
    def written(cls, table: Any, rows: Sequence[Sequence[Any]]) -> List[Sequence[Any]]:
        """The rows as the driver takes them."""
        return list(zip(*cls.by_column(table, rows)))

    @staticmethod
    def columns(table: Any) -> str:
        """The names of the columns, quoted."""
        return ", ".join(column.quoted for column in table.columns)


class Dialect:
    """One engine's words, on one connection. What raises NotImplementedError is to be given."""

    #: the engine's word, as that of its class on the host
    name = ""
    #: the engine as messages name it
    title = ""
    #: what names are quoted with
    mark = '"'
    #: how a load puts rows into tables
    bulk: Type[Bulk] = Bulk
    #: True when putting constraints back proves that every reference points somewhere
    proves_references = False
    #: True when a number that :meth:`next_number` gave is given to nobody else
    reserves_numbers = False
    #: how dates and times end that have no plain form and that the engine keeps
    odd_dates: Tuple[str, ...] = ()

    # What the engine does not take, as ``venv_scan_rules`` asks before a database gets it as its new engine.
    #: False when a text may be longer than its field's max_length
    limits_lengths = True
    #: whether texts may hold a NUL character
    keeps_nul = True
    #: whether numbers may be infinite, or none; and those within JSON
    keeps_infinite = False
    keeps_infinite_json = False
    #: Whether plain values of geometries are known; else the lossless form refuses them.
    words_for_geometries = True
    #: how many digits of a decimal come back; None for those of its field
    decimal_digits: Optional[int] = None
    #: the first year of a date; "" when it keeps all that Python has
    first_year = ""
    #: True when unique keys compare texts without case, accents and trailing spaces
    folds_keys = False

    def __init__(self, connection: Any) -> None:
        """Take a connection of Django's."""
        from django.conf import settings

        self.connection = connection
        self.use_tz = bool(settings.USE_TZ)
        self.zone = (connection.timezone or values.UTC) if self.use_tz else None

    # --- columns: see venv_columns.Column ---

    def select(self, column: Any) -> str:
        """How a column is selected, so that no driver changes what is stored."""
        return str(column.quoted)

    def reader(self, column: Any) -> values.Convert:
        """What turns a driver's value into the plain one; None where it is the same. It is not called with None.

        As it is here for drivers that know numbers, texts and bytes, and nothing more.
        """
        readers: Dict[str, values.Convert] = {
            "bool": values.read_bool,
            "float": values.read_float,
            "decimal": self.decimal_reader(column),
            "binary": values.read_binary,
            "uuid": values.read_uuid,
            "json": values.read_json,
            "date": values.read_date,
            "time": values.read_time,
            "datetime": values.read_timestamp(self.zone),
            "text": values.read_text,
        }
        return readers.get(column.kind)

    def writer(self, column: Any) -> values.Convert:
        """What turns a plain value into what the bulk's insert takes; None where it is the same."""
        raise NotImplementedError

    def parameter(self, column: Any) -> values.Convert:
        """What turns a plain value into a statement's parameter."""
        convert: values.Convert = column.write
        return convert

    def decimal_reader(self, column: Any) -> Callable[[Any], str]:
        """Decimals with the places of their field, whatever the engine left of them."""
        quantum = None if column.decimal_places is None else decimal.Decimal(1).scaleb(-column.decimal_places)
        wide = decimal.Context(prec=max(column.max_digits or 0, 400))

        def read(value: Any) -> str:
            number = value if isinstance(value, decimal.Decimal) else decimal.Decimal(str(value))
            if not number.is_finite():
                return str(number)
            if not number:
                number = abs(number)  # no server keeps a negative zero, SQLite does
            if quantum is not None:
                number = number.quantize(quantum, context=wide)
            return "{0:f}".format(number)

        return read

    # --- sessions ---

    def pin(self) -> None:
        """Set whatever changes how the server writes values, the same on both sides."""

    def look_at(self, moment: str) -> str:
        """Prepare to see the moment of the engine's own dump, before anything is asked; returns the snapshot's name.

        :param moment: what the engine on the host said of it (``OnSnapshot``)
        """
        return moment

    def beginning(self, snapshot: str) -> Sequence[Statement]:
        """The statements of a transaction that sees one moment until the connection is closed."""
        raise NotImplementedError

    def stream(self, sql: str, params: List[Any]) -> Rows:
        """The rows of a query, many at a time, in flat memory."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params or None)
            while True:
                rows = cursor.fetchmany(CHUNK)
                if not rows:
                    break
                yield rows

    # --- what is there ---

    def quote(self, name: str) -> str:
        """A name that no model has to have: Django's own quote_name does not double the quotes within one."""
        return self.mark + name.replace(self.mark, self.mark * 2) + self.mark

    def quote_relation(self, name: str) -> str:
        """A table as :meth:`elsewhere` or Django's introspection names it."""
        return self.quote(name)

    def called(self, table: str) -> Set[str]:
        """Return how introspection and :meth:`elsewhere` call a model's table.

        :param table: as the model names it, in quotes or not
        """
        return {table.strip(self.mark)}

    def within_others(self) -> Set[str]:
        """Tables that are a part of others, such as partitions."""
        return set()

    def elsewhere(self) -> List[Dict[str, str]]:
        """What and name of tables and views that no model finds without naming their schema."""
        return []

    # --- keys ---

    def check_now(self) -> None:
        """Have the database check what it puts off until the end of a transaction."""

    def reset_sequences(self, tables: Sequence[Any]) -> None:
        """Put every sequence behind the highest key, where it does not follow by itself."""

    def raise_sequences(self, tables: Sequence[Any]) -> None:
        """The same, but never back: other sessions may have taken numbers that are in no row yet."""

    def next_number(self, table: Any) -> Optional[int]:
        """A key that no row of a table has, where the engine keeps count; None where the highest one does."""
        return None

    # --- rules of the new engine ---

    @classmethod
    def integers(cls, internal: str) -> Tuple[int, int]:
        """The lowest and the highest number that a column takes, by Django's internal type of its field."""
        return INTEGERS.get(internal, BIG)


def named(name: str) -> Type[Dialect]:
    """The dialect of an engine. Only those are known whose file was sent along."""
    kinds: List[Type[Dialect]] = Dialect.__subclasses__()
    return next(kind for kind in kinds if kind.name == name)


def choose(alias: str, name: str) -> None:
    """Say which engine serves an alias: the host knows, since one Django backend may stand on another."""
    _CHOSEN[alias] = named(name).name


def of(connection: Any) -> Dialect:
    """The dialect of a connection, whose alias has been chosen for."""
    return named(_CHOSEN[connection.alias])(connection)
