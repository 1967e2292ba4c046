# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""The values of a fixture's rows: how each engine's columns are read as plain JSON values, and written back.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions.

Values are those of the database, typed by the field's internal type (a foreign key: its target's), not what a custom
field's ``from_db_value`` makes of them, so that an encrypted or pickled value is carried bit by bit. Whatever drivers
change silently is selected as text: psycopg2 makes 9999-12-31 of infinity, mysqlclient makes NULL of 0000-00-00, and
Django's SQLite backend makes NULL of what it cannot parse.

================  =====================================================================================
kind              plain value (NULL is null)
================  =====================================================================================
int, bool, text   number, true or false, string
decimal           string with decimal_places digits after the point, "NaN"
float             number; "inf", "-inf" and "nan" as strings
datetime          "2026-11-20T19:30:00.123456Z" in UTC; without the Z when the project's times are naive
date, time        "2026-11-20", "19:30:00.000000"
duration          microseconds
binary            base64
uuid              "00000000-0000-4000-8000-000000000001"
json              {"json": value}: the JSON null is not NULL
native            the server's own text of a type that only one engine has
================  =====================================================================================
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import base64
import binascii
import datetime
import decimal
import json
import re
from typing import Any, Callable, Dict, List, Optional

Convert = Optional[Callable[[Any], Any]]

KINDS = {
    "AutoField": "int",
    "BigAutoField": "int",
    "SmallAutoField": "int",
    "IntegerField": "int",
    "BigIntegerField": "int",
    "SmallIntegerField": "int",
    "PositiveIntegerField": "int",
    "PositiveBigIntegerField": "int",
    "PositiveSmallIntegerField": "int",
    "BooleanField": "bool",
    "NullBooleanField": "bool",
    "CharField": "text",
    "TextField": "text",
    "SlugField": "text",
    "EmailField": "text",
    "URLField": "text",
    "FileField": "text",
    "ImageField": "text",
    "FilePathField": "text",
    "CommaSeparatedIntegerField": "text",
    "GenericIPAddressField": "text",
    "IPAddressField": "text",
    "CICharField": "text",
    "CITextField": "text",
    "CIEmailField": "text",
    "DecimalField": "decimal",
    "FloatField": "float",
    "DateField": "date",
    "DateTimeField": "datetime",
    "TimeField": "time",
    "DurationField": "duration",
    "BinaryField": "binary",
    "UUIDField": "uuid",
    "JSONField": "json",
}
_TIMESTAMP = re.compile(
    r"^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,6}))?\s*(Z|[+-]\d\d(?::?\d\d)?(?::?\d\d)?)?$"
)
_TIME = re.compile(r"^(\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,6}))?$")
_DATE = re.compile(r"^\d{4}-\d\d-\d\d$")
_ADDRESSES = ("GenericIPAddressField", "IPAddressField")
_UTC = datetime.timezone.utc
#: What one statement can turn into text, exactly, where an interval has neither months nor years.
_MICROSECONDS = (
    "CASE WHEN extract(year from {0}) <> 0 OR extract(month from {0}) <> 0 THEN {0}::text ELSE"
    " ((extract(day from {0})::bigint * 86400 + extract(hour from {0})::bigint * 3600"
    " + extract(minute from {0})::bigint * 60) * 1000000 + extract(microseconds from {0})::bigint)::text END"
)


def own_field(field: Any) -> Any:
    """The field that gives a column its type: a foreign key's is the one that it refers to, however far away."""
    while field.remote_field is not None and getattr(field, "target_field", None) is not None:
        field = field.target_field
    return field


def kind(field: Any) -> str:
    """The kind of a model field's column; ``native`` for what only one engine has."""
    return KINDS.get(own_field(field).get_internal_type(), "native")


def is_generated(field: Any) -> bool:
    """Whether the database computes the column."""
    return bool(getattr(field, "generated", False))


class Column:
    """One column of a model's table: how to select it, read it and write it with a connection.

    ``read`` turns what the driver gives into the plain value, ``write`` the plain value into what the driver takes (on
    PostgreSQL: into COPY's text); None is for values that are the same. Neither is called with None.
    """

    def __init__(self, field: Any, connection: Any) -> None:
        """Look at the field once."""
        own = own_field(field)
        self.field, self.name, self.column = field, field.name, field.column
        self.internal, self.kind = own.get_internal_type(), kind(field)
        self.max_length = getattr(own, "max_length", None)
        self.max_digits = getattr(own, "max_digits", None)
        self.decimal_places = getattr(own, "decimal_places", None)
        self.db_type = field.db_type(connection) or ""
        self.quoted = str(connection.ops.quote_name(field.column))
        engine = {"postgresql": _PostgreSQL, "mysql": _MySQL, "sqlite": _SQLite}[connection.vendor](connection)
        self.select = engine.select(self)
        self.read: Convert = engine.reader(self)
        self.write: Convert = _checked(self.kind, engine.writer(self), connection.vendor)

    def describe(self) -> Dict[str, Any]:
        """What rules about values need to know."""
        return {
            "internal": self.internal,
            "max_length": self.max_length,
            "max_digits": self.max_digits,
            "decimal_places": self.decimal_places,
        }


def columns_of(model: Any, connection: Any) -> List[Column]:
    """The columns of a model's own table, generated ones left out."""
    fields = [field for field in model._meta.local_concrete_fields if not is_generated(field)]
    return [Column(field, connection) for field in fields]


# --- what all engines share ---


#: The plain forms of dates and times: servers take words such as "yesterday" too.
_PLAIN = {
    "date": re.compile(r"\d{4}-\d\d-\d\d\Z").match,
    "time": re.compile(r"\d\d:\d\d:\d\d\.\d{6}\Z").match,
    "datetime": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z?\Z").match,
}


def _checked(kind: str, write: Convert, vendor: str) -> Convert:
    """The writer of a kind, that refuses a date or time which is none with ValueError."""
    plain = _PLAIN.get(kind)
    if plain is None:
        return write

    def checked(value: Any) -> Any:
        if not plain(value) and not (vendor == "postgresql" and (value.endswith(("infinity", " BC")))):
            raise ValueError("not a " + kind)
        return value if write is None else write(value)

    return checked


def _float(value: Any) -> Any:
    value = float(value)
    return value if value - value == 0 else repr(value)


def _from_float(value: Any) -> float:
    return float(value)


def dumps_json(value: Any) -> str:
    """JSON text whose equality is the values' equality."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _read_json(value: Any) -> Dict[str, Any]:
    return {"json": json.loads(value) if isinstance(value, (str, bytes, bytearray)) else value}


def _write_json(value: Any) -> str:
    return json.dumps(value["json"])  # the text that Django itself would have stored


def _read_binary(value: Any) -> str:
    return binascii.b2a_base64(bytes(value), newline=False).decode("ascii")


def _write_binary(value: str) -> bytes:
    return base64.b64decode(value.encode("ascii"), validate=True)


def _read_uuid(value: Any) -> str:
    text = str(value).lower()
    if len(text) == 32:
        text = "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
    if len(text) != 36:
        raise ValueError("not a UUID")
    return text


def _read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


def _read_date(text: Any) -> str:
    if not _DATE.match(text):
        raise ValueError("not a date")
    datetime.date(int(text[:4]), int(text[5:7]), int(text[8:]))
    return str(text)


def _read_time(text: Any) -> str:
    found = _TIME.match(text)
    if not found:
        raise ValueError("not a time")
    clock = found.group(1) + (":00" if len(found.group(1)) == 5 else "")
    datetime.time(int(clock[:2]), int(clock[3:5]), int(clock[6:]))
    return "{0}.{1}".format(clock, (found.group(2) or "").ljust(6, "0"))


def read_timestamp(zone: Any) -> Callable[[Any], str]:
    """A reader of a timestamp's text.

    :param zone: the time zone of texts without one, when the project's times are aware; None leaves them naive
    """
    plain_utc = zone is not None and zone.utcoffset(None) == datetime.timedelta(0)

    def read(text: Any) -> str:
        # The common case first: what Django writes. The calendar is asked all the same.
        if len(text) == 26 and text[20:].isdigit() and text[19] == "." and (plain_utc or zone is None):
            _check_calendar(text)
            return "{0}T{1}{2}".format(text[:10], text[11:], "Z" if zone is not None else "")
        found = _TIMESTAMP.match(text)
        if not found:
            raise ValueError("not a date and time")
        day, clock, fraction, offset = found.groups()
        clock += ":00" if len(clock) == 5 else ""
        moment = "{0}T{1}.{2}".format(day, clock, (fraction or "").ljust(6, "0"))
        _check_calendar(moment)
        if zone is None:
            return moment
        if (offset is None and plain_utc) or offset in ("Z", "+00", "+00:00", "+0000"):
            return moment + "Z"
        naive = datetime.datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S.%f")
        aware = naive.replace(tzinfo=_offset(offset)) if offset else _localize(naive, zone)
        return aware.astimezone(_UTC).replace(tzinfo=None).isoformat("T", "microseconds") + "Z"

    return read


def _check_calendar(text: str) -> None:
    datetime.datetime(
        int(text[:4]), int(text[5:7]), int(text[8:10]), int(text[11:13]), int(text[14:16]), int(text[17:19])
    )


def _offset(text: str) -> datetime.timezone:
    digits = text[1:].replace(":", "").ljust(6, "0")
    delta = datetime.timedelta(hours=int(digits[:2]), minutes=int(digits[2:4]), seconds=int(digits[4:6]))
    return datetime.timezone(-delta if text[0] == "-" else delta)


def _localize(naive: datetime.datetime, zone: Any) -> datetime.datetime:
    localize = getattr(zone, "localize", None)  # a pytz zone of an old Django
    return localize(naive) if localize is not None else naive.replace(tzinfo=zone)


def write_timestamp(zone: Any, to_text: bool) -> Callable[[str], str]:
    """A writer for engines that keep no time zone: the text that Django itself would have stored.

    :param zone: the connection's time zone; None when the project's times are naive
    :param to_text: SQLite compares texts, so zero microseconds must be left out as Django does
    """
    plain_utc = zone is not None and zone.utcoffset(None) == datetime.timedelta(0)

    def write(value: str) -> str:
        text = value[:10] + " " + value[11:26]
        if zone is not None and not plain_utc:
            aware = datetime.datetime.strptime(value[:26], "%Y-%m-%dT%H:%M:%S.%f").replace(tzinfo=_UTC)
            text = aware.astimezone(zone).replace(tzinfo=None).isoformat(" ", "microseconds")
        return text[:19] if to_text and text.endswith(".000000") else text

    return write


class _Engine:
    """What readers and writers of one engine need of a connection."""

    def __init__(self, connection: Any) -> None:
        from django.conf import settings

        self.use_tz = bool(settings.USE_TZ)
        self.zone = (connection.timezone or _UTC) if self.use_tz else None

    def select(self, column: Column) -> str:
        return column.quoted

    def reader(self, column: Column) -> Convert:
        raise NotImplementedError

    def writer(self, column: Column) -> Convert:
        raise NotImplementedError

    def decimal_reader(self, column: Column) -> Callable[[Any], str]:
        quantum = None if column.decimal_places is None else decimal.Decimal(1).scaleb(-column.decimal_places)
        wide = decimal.Context(prec=max(column.max_digits or 0, 400))

        def read(value: Any) -> str:
            number = value if isinstance(value, decimal.Decimal) else decimal.Decimal(str(value))
            if not number.is_finite():
                return str(number)
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

    def reader(self, column: Column) -> Convert:
        readers: Dict[str, Convert] = {
            "float": _float,
            "decimal": self.decimal_reader(column),
            "duration": int,
            "binary": _read_binary,
            "json": _read_json,
            "datetime": self.timestamp_reader(),
            "time": _read_time,
            "date": _infinite_or(_read_date),
        }
        if column.internal in _ADDRESSES:
            return _read_address
        return readers.get(column.kind)

    def timestamp_reader(self) -> Callable[[Any], str]:
        if self.use_tz:
            return _infinite_or(read_timestamp(_UTC))
        read = read_timestamp(None)
        return _infinite_or(lambda text: read(re.sub(r"[+-]\d\d(:\d\d)*$", "", text)))

    def writer(self, column: Column) -> Convert:
        writers: Dict[str, Convert] = {
            "int": str,
            "bool": lambda value: "t" if value else "f",
            "float": repr,
            "duration": _write_interval,
            "binary": lambda value: "\\\\x" + binascii.b2a_hex(_write_binary(value)).decode("ascii"),
            "json": lambda value: escaped(_write_json(value)),
            "text": escaped,
            "native": escaped,
        }
        if column.kind == "float":
            return lambda value: value if isinstance(value, str) else repr(value)
        return writers.get(column.kind)


def _infinite_or(read: Callable[[Any], str]) -> Callable[[Any], str]:
    def guarded(text: Any) -> str:
        if text in ("infinity", "-infinity") or text.endswith(" BC"):
            return str(text)  # no other engine takes it, and neither does Python
        return read(text)

    return guarded


def _read_address(value: Any) -> str:
    text = str(value)
    return text.rpartition("/")[0] if text.endswith("/128" if ":" in text else "/32") else text


def _write_interval(value: int) -> str:
    days, rest = divmod(value, 86400000000)
    return "{0} days {1} microseconds".format(days, rest)


def escaped(text: str) -> str:
    """A text as COPY takes it."""
    if "\\" in text or "\t" in text or "\n" in text or "\r" in text:
        return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return text


class _MySQL(_Engine):
    """Times and decimals come as text: drivers make NULL or a string of dates that are none."""

    def select(self, column: Column) -> str:
        if column.kind in ("date", "datetime", "time", "decimal", "json"):
            return "CAST({0} AS CHAR)".format(column.quoted)
        return column.quoted

    def reader(self, column: Column) -> Convert:
        readers: Dict[str, Convert] = {
            "bool": _read_bool,
            "float": _float,
            "decimal": self.decimal_reader(column),
            "binary": _read_binary,
            "uuid": _read_uuid,
            "json": _read_json,
            "date": _read_date,
            "time": _read_time,
            "datetime": read_timestamp(self.zone),
            "text": _read_text,
        }
        return readers.get(column.kind)

    def writer(self, column: Column) -> Convert:
        writers: Dict[str, Convert] = {
            "float": _from_float,
            "binary": _write_binary,
            "json": _write_json,
            "datetime": write_timestamp(self.zone, False),
        }
        if column.kind == "uuid" and "char(32)" in column.db_type:
            return _without_hyphens
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

    def reader(self, column: Column) -> Convert:
        readers: Dict[str, Convert] = {
            "int": _read_int,
            "bool": _read_bool,
            "float": _float,
            "decimal": self.decimal_reader(column),
            "binary": _read_binary,
            "uuid": _read_uuid,
            "json": _read_json,
            "date": _read_date,
            "time": _read_time,
            "datetime": read_timestamp(self.zone),
            "duration": _read_int,
            "text": _read_text,
        }
        return readers.get(column.kind)

    def writer(self, column: Column) -> Convert:
        writers: Dict[str, Convert] = {
            "bool": int,
            "float": _from_float,
            "binary": _write_binary,
            "uuid": _without_hyphens,
            "json": _write_json,
            "datetime": write_timestamp(self.zone, True),
            "time": lambda value: value[:8] if value.endswith(".000000") else value,
        }
        return writers.get(column.kind)


def _read_bool(value: Any) -> bool:
    if value in (0, 1):
        return bool(value)
    raise ValueError("not a boolean")


def _read_int(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("not an integer")
    return value


def _without_hyphens(value: str) -> str:
    return value.replace("-", "")
