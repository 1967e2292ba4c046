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

import base64
import binascii
import datetime
import json
import re
from typing import Any, Callable, Dict, Optional

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
UTC = datetime.timezone.utc


def own_field(field: Any) -> Any:
    """The field that gives a column its type: a foreign key's is the one that it refers to, however far away."""
    while field.remote_field is not None and getattr(field, "target_field", None) is not None:
        field = field.target_field
    return field


def kind(field: Any) -> str:
    """The kind of a model field's column; ``native`` for what only one engine has."""
    return KINDS.get(own_field(field).get_internal_type(), "native")


def is_generated(field: Any) -> bool:
    """Tell whether the database computes the column."""
    return bool(getattr(field, "generated", False))


def read_float(value: Any) -> Any:
    """A number, or a word for what JSON has no number for."""
    value = float(value)
    return value if value - value == 0 else repr(value)


def write_float(value: Any) -> float:
    """The number again."""
    return float(value)


def dumps_json(value: Any) -> str:
    """JSON text whose equality is the values' equality."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def read_json(value: Any) -> Dict[str, Any]:
    """JSON's own null is not the absence of a value."""
    return {"json": json.loads(value) if isinstance(value, (str, bytes, bytearray)) else value}


def write_json(value: Any) -> str:
    """The text that Django itself would have stored."""
    return json.dumps(value["json"])


def read_binary(value: Any) -> str:
    """Base64."""
    return binascii.b2a_base64(bytes(value), newline=False).decode("ascii")


def write_binary(value: str) -> bytes:
    """The bytes again. Raises ValueError."""
    return base64.b64decode(value.encode("ascii"), validate=True)


def read_uuid(value: Any) -> str:
    """With hyphens, in small letters. Raises ValueError."""
    text = str(value).lower()
    if len(text) == 32:
        text = "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
    if len(text) != 36:
        raise ValueError("not a UUID")
    return text


def read_text(value: Any) -> str:
    """A text and nothing else, which SQLite does not see to. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


def read_date(text: Any) -> str:
    """A day of the calendar. Raises ValueError for what is none, such as MySQL's 0000-00-00."""
    if not _DATE.match(text):
        raise ValueError("not a date")
    datetime.date(int(text[:4]), int(text[5:7]), int(text[8:]))
    return str(text)


def read_time(text: Any) -> str:
    """With six digits after the point. Raises ValueError."""
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
    as_it_is, mark = plain_utc or zone is None, "" if zone is None else "Z"
    in_utc = ((None,) if plain_utc else ()) + ("Z", "+00", "+00:00", "+0000")

    def read(text: Any) -> str:
        # The common case first: what Django writes. The calendar is asked all the same.
        if as_it_is and len(text) == 26 and text[20:].isdigit() and text[19] == ".":
            _check_calendar(text)
            return "{0}T{1}{2}".format(text[:10], text[11:], mark)
        found = _TIMESTAMP.match(text)
        if not found:
            raise ValueError("not a date and time")
        day, clock, fraction, offset = found.groups()
        clock += ":00" if len(clock) == 5 else ""
        moment = "{0}T{1}.{2}".format(day, clock, (fraction or "").ljust(6, "0"))
        _check_calendar(moment)
        if zone is None:
            return moment
        if offset in in_utc:
            return moment + "Z"
        return _to_utc(moment, offset, zone)

    return read


def _to_utc(moment: str, offset: Optional[str], zone: Any) -> str:
    naive = datetime.datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S.%f")
    aware = naive.replace(tzinfo=_offset(offset)) if offset else _localize(naive, zone)
    return aware.astimezone(UTC).replace(tzinfo=None).isoformat("T", "microseconds") + "Z"


def _spelled_out(text: str) -> datetime.datetime:
    return datetime.datetime(
        int(text[:4]), int(text[5:7]), int(text[8:10]), int(text[11:13]), int(text[14:16]), int(text[17:19])
    )


#: Raises ValueError for what is no moment of the calendar. Python 3.6 has no quick way.
_check_calendar: Callable[[str], datetime.datetime] = getattr(datetime.datetime, "fromisoformat", _spelled_out)


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
            aware = datetime.datetime.strptime(value[:26], "%Y-%m-%dT%H:%M:%S.%f").replace(tzinfo=UTC)
            text = aware.astimezone(zone).replace(tzinfo=None).isoformat(" ", "microseconds")
        return text[:19] if to_text and text.endswith(".000000") else text

    return write


def infinite_or(read: Callable[[Any], str]) -> Callable[[Any], str]:
    """A reader that passes on what only PostgreSQL has: infinity, and years before Christ."""

    def guarded(text: Any) -> str:
        if text in ("infinity", "-infinity") or text.endswith(" BC"):
            return str(text)  # no other engine takes it, and neither does Python
        return read(text)

    return guarded


def read_address(value: Any) -> str:
    """Without the length of the network, which is that of one host."""
    text = str(value)
    return text.rpartition("/")[0] if text.endswith("/128" if ":" in text else "/32") else text


def write_interval(value: int) -> str:
    """Days and microseconds, as the drivers split a timedelta."""
    days, rest = divmod(value, 86400000000)
    return "{0} days {1} microseconds".format(days, rest)


def escaped(text: str) -> str:
    """A text as COPY takes it."""
    if "\\" in text or "\t" in text or "\n" in text or "\r" in text:
        return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return text


def read_bool(value: Any) -> bool:
    """SQLite and MySQL hold numbers. Raises ValueError for others than 0 and 1."""
    if value in (0, 1):
        return bool(value)
    raise ValueError("not a boolean")


def read_int(value: Any) -> int:
    """A whole number, which SQLite does not see to. Raises ValueError."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("not an integer")
    return value


def without_hyphens(value: str) -> str:
    """A UUID as engines without such a type keep it."""
    return value.replace("-", "")
