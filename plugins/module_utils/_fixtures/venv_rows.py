# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Tables of models as streams of plain rows, out of one transaction, in flat memory.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions. A row goes past every manager: it is asked of the table.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import array
import hashlib
import json
import sys
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_columns, venv_dialect, venv_values

#: How fingerprints are computed; only equal methods compare.
METHOD = "relocate-row-1"
#: Models whose rows migrate makes, with numbers that differ from one database to the next; in the order of references.
NUMBERED = ("contenttypes.ContentType", "auth.Permission")
_MODULO = 2**64
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_ASCII = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False)
_SORTED = json.JSONEncoder(ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False)
_UNREADABLE = (ValueError, TypeError, KeyError, IndexError, ArithmeticError, AttributeError)


#: Readers that only look at a value's type, which all values of a column can be asked for at once.
_BY_TYPE: Dict[Any, Set[type]] = {
    venv_values.read_int: {int, type(None)},
    venv_values.read_text: {str, type(None)},
}


class FixtureError(Exception):
    """The refusal of a fixture, or of a row for one; the host side turns it into a RelocateError."""

    def __init__(self, code: str, msg: str, hint: str = "", **details: Any) -> None:
        """Keep the parts."""
        super().__init__(msg)
        self.code, self.msg, self.hint, self.details = code, msg, hint, details


class Sum:
    """Count and fingerprint of rows in any order: a sum, since pairs of equal rows would cancel in an XOR."""

    def __init__(self, kinds: Iterable[str]) -> None:
        """Begin with nothing.

        :param kinds: of the columns; objects within JSON are equal in whatever order their keys are
        """
        self.rows, self._sum, self._sorts = 0, 0, "json" in set(kinds)

    def add(self, rows: Sequence[Any], lines: Sequence[bytes]) -> None:
        """Add plain rows.

        :param lines: the same rows as a fixture writes them, without the line's end
        """
        if self._sorts:
            lines = [_sorted_text(row).encode("ascii") for row in rows]
        blake2b = hashlib.blake2b
        digests = array.array("Q", b"".join([blake2b(line, digest_size=8).digest() for line in lines]))
        if sys.byteorder == "little":
            digests.byteswap()
        self._sum = (self._sum + sum(digests)) % _MODULO
        self.rows += len(lines)

    @property
    def fingerprint(self) -> str:
        """Decimal digits."""
        return str(self._sum)


class Table:
    """One model's own table as a fixture holds it."""

    def __init__(self, model: Any, connection: Any) -> None:
        """Look at the model's columns once."""
        self.model, self.connection = model, connection
        self.label, self.name = model._meta.label, model._meta.db_table
        self.quoted = connection.ops.quote_name(self.name)
        self.columns = venv_columns.columns_of(model, connection)
        self.arrange([column.name for column in self.columns])

    def arrange(self, names: Sequence[str]) -> None:
        """Put the columns into the order of a fixture: that of historical models is another one than the code's."""
        by_name = {column.name: column for column in self.columns}
        self.columns = [by_name[name] for name in names]
        pk = self.model._meta.pk
        places = {column.column: index for index, column in enumerate(self.columns)}
        # CompositePrimaryKey has columns instead of one.
        wanted = [pk.column] if pk.column is not None else list(getattr(pk, "columns", ()))
        #: The places of the columns that are the key; none where it is not among the columns.
        self.keys = [places[name] for name in wanted if name in places]
        self.key = self.keys[0] if self.keys else 0
        self._reads = [(index, column.read) for index, column in enumerate(self.columns) if column.read is not None]

    def fields(self) -> List[List[str]]:
        """Names and kinds, as a fixture tells them."""
        return [[column.name, column.kind] for column in self.columns]

    def sum(self) -> Sum:
        """A sum that its rows can be added to."""
        return Sum(column.kind for column in self.columns)

    def select(self) -> str:
        """The statement that gives every row."""
        return "SELECT {0} FROM {1}".format(", ".join(column.select for column in self.columns), self.quoted)

    def plain_rows(self, rows: Sequence[Sequence[Any]]) -> List[Sequence[Any]]:
        """Drivers' rows as plain values, column by column, which is twice as fast as row by row."""
        columns: List[Sequence[Any]] = list(zip(*rows))
        try:
            for index, read in self._reads:
                if read in _BY_TYPE and _BY_TYPE[read].issuperset(map(type, columns[index])):
                    continue
                columns[index] = [None if value is None else read(value) for value in columns[index]]
        except _UNREADABLE:
            return [self.plain(row) for row in rows]  # the row that is not readable is named
        return list(zip(*columns))

    def plain(self, row: Sequence[Any]) -> List[Any]:
        """A driver's row as plain values. Raises FixtureError naming the row and the column."""
        values = list(row)
        try:
            for index, read in self._reads:
                value = values[index]
                if value is not None:
                    values[index] = read(value)
        except _UNREADABLE:
            raise self._unreadable(row) from None
        return values

    def _unreadable(self, row: Sequence[Any]) -> FixtureError:
        for index, read in self._reads:
            try:
                if row[index] is not None:
                    read(row[index])
            except _UNREADABLE as error:
                column = self.columns[index]
                return FixtureError(
                    "value_unreadable",
                    "{0} {1}: {2} cannot be read as {3}: {4}".format(
                        self.label, self.pk_of(row), column.name, column.kind, _kind_of(error)
                    ),
                    "correct the row on old",
                    model=self.label,
                    pk=self.pk_of(row),
                    field=column.name,
                )
        return FixtureError("value_unreadable", "{0} {1} cannot be read".format(self.label, self.pk_of(row)))

    @property
    def composite(self) -> bool:
        """Tell whether the key is several columns."""
        return len(self.keys) > 1

    def key_of(self, row: Sequence[Any]) -> Any:
        """The row's key; a tuple where it is several columns."""
        return tuple([row[index] for index in self.keys]) if self.composite else row[self.key]

    def is_key(self) -> str:
        """The condition that holds for the row of a key, with a mark for each column."""
        quoted = [self.columns[index].quoted.replace("%", "%%") for index in self.keys or [self.key]]
        return " AND ".join("{0} = %s".format(name) for name in quoted)

    def key_parameters(self, key: Any) -> List[Any]:
        """What :meth:`is_key` takes."""
        parts = key if self.composite else [key]
        return [self.columns[index].parameter(part) for index, part in zip(self.keys or [self.key], parts)]

    def pk_of(self, row: Sequence[Any]) -> str:
        """The row's key for messages."""
        return key_text(self.key_of(row))[:80]


def key_text(key: Any) -> str:
    """A key in words; one of several columns as JSON's list, as the option primary_keys takes it."""
    return json.dumps(list(key), ensure_ascii=False, default=str) if isinstance(key, (list, tuple)) else str(key)


def _kind_of(error: Exception) -> str:
    """Return why a value was not read, without the value itself, which errors of the standard library repeat."""
    text = str(error)
    known = text.startswith(("not a", "day is", "month must", "year", "hour must", "minute must", "second must"))
    return text.split(":", maxsplit=1)[0] if known else type(error).__name__


def _quick(encoder: json.JSONEncoder) -> Callable[[Any], str]:
    """Return what the encoder's own encode does, without making its C part anew for each row."""
    words = json.encoder.encode_basestring_ascii if encoder.ensure_ascii else json.encoder.encode_basestring
    try:
        make: Any = json.encoder.c_make_encoder  # type: ignore[attr-defined]
        parts = make(None, encoder.default, words, None, ":", ",", encoder.sort_keys, False, False)
        if "".join(parts(["x", {"y": None}], 0)) == '["x",{"y":null}]':
            return lambda row: "".join(parts(row, 0))
    except (AttributeError, TypeError):  # another Python than CPython, or a version that does it in another way
        pass
    return encoder.encode


_text = _quick(_ENCODER)
_sorted_text = _quick(_SORTED)


def encode(row: Any) -> bytes:
    """A plain row as one line of a fixture, without the line's end."""
    text = _text(row)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair, as JSON may hold one
        return _ASCII.encode(row).encode("ascii")


def lines_of(table: Table, rows: Sequence[Sequence[Any]], total: Sum) -> List[bytes]:
    """Drivers' rows as lines of a fixture, added to a sum."""
    plain = table.plain_rows(rows)
    lines = [encode(row) for row in plain]
    total.add(plain, lines)
    return lines


# --- which tables ---


def models_of(alias: str) -> List[Any]:
    """Every model that has a table of its own in this alias, through tables of many-to-many relations included."""
    from django.apps import apps
    from django.db import connections, router

    names = table_kinds(connections[alias])
    found, seen = [], set()
    for model in apps.get_models(include_auto_created=True):
        meta = model._meta
        if meta.proxy or meta.swapped or not router.allow_migrate_model(alias, model):
            continue
        if has_table(names, model) and meta.db_table not in seen:
            seen.add(meta.db_table)
            found.append(model)
    return found


def table_kinds(connection: Any) -> Dict[str, str]:
    """Every table and view that the connection finds without naming a schema: name -> t, p (partitioned) or v."""
    with connection.cursor() as cursor:
        return {item.name: item.type for item in connection.introspection.get_table_list(cursor)}


def has_table(kinds: Dict[str, str], model: Any) -> bool:
    """Tell whether a model's table is there; one that names its schema is taken to be.

    :param kinds: of :func:`table_kinds`
    """
    name = model._meta.db_table
    return '"."' in name or kinds.get(name.strip('"')) in ("t", "p")


def words_for(model: Any) -> Set[str]:
    """Return what a model may be called by in a list of what is taken or left out: app, model and table.

    A many-to-many's through table is called by the model that declares it too.
    """
    meta = model._meta
    owner = (meta.auto_created or model)._meta
    return {meta.label_lower, owner.label_lower, owner.app_label, meta.db_table.lower()}


def without(models: Sequence[Any], names: Sequence[str]) -> List[Any]:
    """The models but for those that are left behind on purpose."""
    gone = {name.lower() for name in names}
    return [model for model in models if not gone & words_for(model)]


def choose(models: Sequence[Any], wanted: Sequence[str], excluded: Sequence[str]) -> List[Any]:
    """The models of these apps, models and tables.

    Raises FixtureError for a name that is neither an app nor a model of this alias.
    """
    _check_names(models, list(wanted) + list(excluded))
    keep = {name.lower() for name in wanted}
    return [model for model in without(models, excluded) if not keep or keep & words_for(model)]


def _check_names(models: Sequence[Any], names: Sequence[str]) -> None:
    from django.apps import apps

    known = {config.label for config in apps.get_app_configs()}.union(*map(words_for, models))
    unknown = sorted(name for name in names if name.lower() not in known)
    if unknown:
        raise FixtureError(
            "unknown_model",
            "neither an app nor a model with a table in this database: {0}".format(", ".join(unknown)),
            "write apps by label, models as app.Model",
        )


def left_out(connection: Any, tables: Sequence[Table]) -> List[Dict[str, str]]:
    """List what the database holds and a fixture of these tables does not, without tables within other tables."""
    from django.db.migrations.recorder import MigrationRecorder

    dialect = venv_dialect.of(connection)
    mine = {MigrationRecorder.Migration._meta.db_table}.union(*(dialect.called(table.name) for table in tables))
    within = dialect.within_others()
    found = [
        {"what": "view" if kind == "v" else "table", "name": name}
        for name, kind in sorted(table_kinds(connection).items())
        if name not in mine and name not in within
    ]
    found += [item for item in dialect.elsewhere() if item["name"] not in mine]
    return found + [{"what": "generated column", "name": name} for name in _generated(tables)]


def _generated(tables: Sequence[Table]) -> List[str]:
    fields = [(table.label, field) for table in tables for field in table.model._meta.local_concrete_fields]
    return ["{0}.{1}".format(label, field.name) for label, field in fields if venv_values.is_generated(field)]


# --- one transaction ---


def begin(connection: Any, snapshot: str = "") -> None:
    """Begin a transaction that sees one moment until the connection is closed.

    :param snapshot: what another session gave its own moment to be joined by, where the engine has such
    """
    dialect = venv_dialect.of(connection)
    connection.ensure_connection()
    dialect.pin()
    with connection.cursor() as cursor:
        for sql, params in dialect.beginning(snapshot):
            cursor.execute(sql, params)


def stream(table: Table, keys: Optional[Sequence[Any]] = None, plain: bool = False) -> venv_dialect.Rows:
    """Drivers' rows, many at a time, in the order of the key so that two dumps of the same rows are the same.

    :param keys: of the rows that are wanted; None for all
    :param plain: whether the keys are plain values; else they are in words, as the option primary_keys has them
    """
    sql = table.select()
    params: List[Any] = []
    if keys is not None:
        if not keys:
            return iter(())
        where, params = among(table, keys, plain)
        sql = "{0} WHERE {1}".format(sql.replace("%", "%%"), where)
    if table.keys:
        order = ", ".join(table.columns[index].quoted for index in table.keys)
        sql += " ORDER BY {0}".format(order.replace("%", "%%") if params else order)
    return venv_dialect.of(table.connection).stream(sql, params)


def among(table: Table, keys: Sequence[Any], plain: bool = False) -> Tuple[str, List[Any]]:
    """The condition that a row has one of these keys, with its parameters. Raises FixtureError for what is no key."""
    params = [part for key in keys for part in (table.key_parameters(key) if plain else _prepared(table, key))]
    if table.composite:
        return " OR ".join(["({0})".format(table.is_key())] * len(keys)), params
    name = table.connection.ops.quote_name(table.model._meta.pk.column).replace("%", "%%")
    return "{0} IN ({1})".format(name, ", ".join(["%s"] * len(keys))), params


def _parameter(field: Any, part: Any, connection: Any) -> Any:
    """A key's value as a parameter: Django refuses to look for the number 0 on MySQL, where a row may have it."""
    value = field.to_python(part)
    if field.get_internal_type().endswith("AutoField"):
        return field.get_prep_value(value)
    return field.get_db_prep_value(value, connection)


def _prepared(table: Table, key: Any) -> List[Any]:
    """A key as parameters. Raises FixtureError for one that is none.

    :param key: plain, or in words as the option primary_keys has it
    """
    from django.core.exceptions import ValidationError

    pk = table.model._meta.pk
    try:
        parts = json.loads(key) if table.composite and isinstance(key, str) else key
        fields = list(pk.fields) if table.composite else [pk]
        parts = parts if table.composite else [parts]
        if not isinstance(parts, (list, tuple)) or len(parts) != len(fields):
            raise ValueError("not a key")
        return [_parameter(field, part, table.connection) for field, part in zip(fields, parts)]
    except (ValidationError,) + _UNREADABLE:
        form = "a list of {0}, such as [1, 2]".format(", ".join(pk.field_names)) if table.composite else "one value"
        raise FixtureError(
            "bad_option",
            "{0} has no key {1}".format(table.label, key_text(key)[:80]),
            "write each primary key as {0}".format(form),
        ) from None
