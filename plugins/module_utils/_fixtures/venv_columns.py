# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""The columns of a model's table on each engine: how they are selected, read as plain values, and written back.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions. Plain values are those of ``venv_values``.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import binascii
import decimal
import re
from typing import Any, Callable, Dict, List

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_values as values

_ADDRESSES = ("GenericIPAddressField", "IPAddressField")
#: What one statement can turn into text, exactly, where an interval has neither months nor years.
_MICROSECONDS = (
    "CASE WHEN extract(year from {0}) <> 0 OR extract(month from {0}) <> 0 THEN {0}::text ELSE"
    " ((extract(day from {0})::bigint * 86400 + extract(hour from {0})::bigint * 3600"
    " + extract(minute from {0})::bigint * 60) * 1000000 + extract(microseconds from {0})::bigint)::text END"
)


class Column:
    """One column of a model's table: how to select it, read it and write it with a connection.

    ``read`` turns what the driver gives into the plain value, ``write`` the plain value into what the driver takes (on
    PostgreSQL: into COPY's text); None is for values that are the same. Neither is called with None.
    """

    def __init__(self, field: Any, connection: Any) -> None:
        """Look at the field once."""
        own = values.own_field(field)
        self.field, self.name, self.column = field, field.name, field.column
        self.internal, self.kind = own.get_internal_type(), values.kind(field)
        #: Whether only the field itself can put values into words: its own conversions, and types of one engine.
        self.needs_own_words = self.kind == "native" or not type(own).__module__.startswith("django.db.models")
        self.max_length = getattr(own, "max_length", None)
        self.max_digits = getattr(own, "max_digits", None)
        self.decimal_places = getattr(own, "decimal_places", None)
        self.db_type = field.db_type(connection) or ""
        self.quoted = str(connection.ops.quote_name(field.column))
        engine = {"postgresql": _PostgreSQL, "mysql": _MySQL, "sqlite": _SQLite}[connection.vendor](connection)
        self.select = engine.select(self)
        self.read: values.Convert = engine.reader(self)
        self.write: values.Convert = _checked(self.kind, engine.writer(self), connection.vendor)
        self._parameter = _PARAMETERS.get(self.kind) if connection.vendor == "postgresql" else self.write

    def parameter(self, value: Any) -> Any:
        """A plain value as a statement's parameter, which is not COPY's text."""
        return value if value is None or self._parameter is None else self._parameter(value)

    def describe(self) -> Dict[str, Any]:
        """Return what rules about values need to know."""
        return {
            "internal": self.internal,
            "max_length": self.max_length,
            "max_digits": self.max_digits,
            "decimal_places": self.decimal_places,
        }


def columns_of(model: Any, connection: Any) -> List[Column]:
    """The columns of a model's own table, generated ones left out."""
    fields = [field for field in model._meta.local_concrete_fields if not values.is_generated(field)]
    return [Column(field, connection) for field in fields]


#: What PostgreSQL does not make out of the plain value by itself.
_PARAMETERS: Dict[str, Callable[[Any], Any]] = {
    "duration": values.write_interval,
    "binary": values.write_binary,
    "json": values.write_json,
}
#: The plain forms of dates and times: servers take words such as "yesterday" too.
_PLAIN = {
    "date": re.compile(r"\d{4}-\d\d-\d\d\Z").match,
    "time": re.compile(r"\d\d:\d\d:\d\d\.\d{6}\Z").match,
    "datetime": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z?\Z").match,
}


def _checked(kind: str, write: values.Convert, vendor: str) -> values.Convert:
    """The writer of a kind, that refuses a date or time which is none with ValueError."""
    plain = _PLAIN.get(kind)
    if plain is None:
        return write

    def checked(value: Any) -> Any:
        if not plain(value) and not (vendor == "postgresql" and (value.endswith(("infinity", " BC")))):
            raise ValueError("not a " + kind)
        return value if write is None else write(value)

    return checked


class _Engine:
    """Gives readers and writers of one engine what they need of a connection."""

    def __init__(self, connection: Any) -> None:
        from django.conf import settings

        self.use_tz = bool(settings.USE_TZ)
        self.zone = (connection.timezone or values.UTC) if self.use_tz else None

    def select(self, column: Column) -> str:
        return column.quoted

    def reader(self, column: Column) -> values.Convert:
        raise NotImplementedError

    def writer(self, column: Column) -> values.Convert:
        raise NotImplementedError

    def decimal_reader(self, column: Column) -> Callable[[Any], str]:
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


class _PostgreSQL(_Engine):
    """Everything that a driver could change comes as text; rows go in as COPY's text."""

    def select(self, column: Column) -> str:
        name = column.quoted
        if column.kind in ("date", "datetime", "time", "uuid", "json", "native", "decimal"):
            return name + "::text"
        if column.kind == "duration":
            return _MICROSECONDS.format(name)
        # An enumeration or a domain under a CharField, citext, inet: all are their text.
        return name + "::text" if column.kind == "text" else name

    def reader(self, column: Column) -> values.Convert:
        readers: Dict[str, values.Convert] = {
            "float": values.read_float,
            "decimal": self.decimal_reader(column),
            "duration": int,
            "binary": values.read_binary,
            "json": values.read_json,
            "datetime": self.timestamp_reader(),
            "time": values.read_time,
            "date": values.infinite_or(values.read_date),
        }
        if column.internal in _ADDRESSES:
            return values.read_address
        return readers.get(column.kind)

    def timestamp_reader(self) -> Callable[[Any], str]:
        if self.use_tz:
            return values.infinite_or(values.read_timestamp(values.UTC))
        read = values.read_timestamp(None)
        return values.infinite_or(lambda text: read(re.sub(r"[+-]\d\d(:\d\d)*$", "", text)))

    def writer(self, column: Column) -> values.Convert:
        writers: Dict[str, values.Convert] = {
            "int": str,
            "bool": lambda value: "t" if value else "f",
            "float": repr,
            "duration": values.write_interval,
            "binary": lambda value: "\\\\x" + binascii.b2a_hex(values.write_binary(value)).decode("ascii"),
            "json": lambda value: values.escaped(values.write_json(value)),
            "text": values.escaped,
            "native": values.escaped,
        }
        if column.kind == "float":
            return lambda value: value if isinstance(value, str) else repr(value)
        return writers.get(column.kind)


class _MySQL(_Engine):
    """Times and decimals come as text: drivers make NULL or a string of dates that are none."""

    def select(self, column: Column) -> str:
        if column.kind in ("date", "datetime", "time", "decimal", "json"):
            return "CAST({0} AS CHAR)".format(column.quoted)
        return column.quoted

    def reader(self, column: Column) -> values.Convert:
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

    def writer(self, column: Column) -> values.Convert:
        writers: Dict[str, values.Convert] = {
            "float": values.write_float,
            "binary": values.write_binary,
            "json": values.write_json,
            "datetime": values.write_timestamp(self.zone, False),
        }
        if column.kind == "uuid" and "char(32)" in column.db_type:
            return values.without_hyphens
        return writers.get(column.kind)


class _SQLite(_Engine):
    """A unary plus keeps Django's own converters away from what is really stored."""

    def select(self, column: Column) -> str:
        return "+" + column.quoted

    def decimal_reader(self, column: Column) -> Callable[[Any], str]:
        read = super().decimal_reader(column)
        context = decimal.Context(prec=15)

        def read_number(value: Any) -> str:
            return read(context.create_decimal_from_float(value) if isinstance(value, float) else value)

        return read_number

    def reader(self, column: Column) -> values.Convert:
        readers: Dict[str, values.Convert] = {
            "int": values.read_int,
            "bool": values.read_bool,
            "float": values.read_float,
            "decimal": self.decimal_reader(column),
            "binary": values.read_binary,
            "uuid": values.read_uuid,
            "json": values.read_json,
            "date": values.read_date,
            "time": values.read_time,
            "datetime": values.read_timestamp(self.zone),
            "duration": values.read_int,
            "text": values.read_text,
        }
        return readers.get(column.kind)

    def writer(self, column: Column) -> values.Convert:
        writers: Dict[str, values.Convert] = {
            "bool": int,
            "float": values.write_float,
            "binary": values.write_binary,
            "uuid": values.without_hyphens,
            "json": values.write_json,
            "datetime": values.write_timestamp(self.zone, True),
            "time": lambda value: value[:8] if value.endswith(".000000") else value,
        }
        return writers.get(column.kind)
