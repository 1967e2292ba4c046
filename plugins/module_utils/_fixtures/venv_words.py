# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Values as Django's own fixture formats write them, read as the plain values of ``venv_values``.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions. JSON gives numbers and texts, YAML dates too, XML nothing but texts: all are taken
wherever Django takes them, but what Django would change without a word (a text in a number, digits that a column does
not keep) is a ValueError.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import datetime
import decimal
import json
import uuid
from typing import Any, Callable, Dict

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_values as values
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_columns import Column

Parse = Callable[[Any], Any]
_EXACT = 15  # digits that a float keeps, whichever they are
_WIDE = decimal.Context(prec=400)
_MICROSECOND = datetime.timedelta(microseconds=1)
_TRUE, _FALSE = ("t", "true", "1"), ("f", "false", "0")


def parser(column: Column, texts_only: bool) -> Parse:
    """Return how a column's values are read, None left out. What it returns raises ValueError, or TypeError.

    :param texts_only: whether the format has nothing but texts, so that JSON is within one
    """
    if column.kind == "decimal":
        return _decimal(column)
    if column.kind == "int":
        return _int_within(*column.limits)
    if column.kind == "datetime":
        return _timestamp()
    if column.kind == "json":
        return _json_in_text if texts_only else _json
    if column.internal in ("GenericIPAddressField", "IPAddressField"):
        to_python = checked(values.own_field(column.field).to_python)
        return lambda value: str(to_python(value))
    return _PARSERS[column.kind]


def checked(to_python: Parse) -> Parse:
    """A field's own reader, whose ValidationError is no ValueError."""
    from django.core.exceptions import ValidationError

    def parse(value: Any) -> Any:
        try:
            return to_python(value)
        except ValidationError:
            raise ValueError("not a value of this field") from None

    return parse


def _int(value: Any) -> int:
    if isinstance(value, bool):
        raise ValueError("not an integer")
    if isinstance(value, float) and not value.is_integer():
        raise ValueError("not an integer")
    return int(value)


def _int_within(low: int, high: int) -> Parse:
    """A whole number that the column takes: not every server says which column does not."""

    def parse(value: Any) -> int:
        number = _int(value)
        if not low <= number <= high:
            raise ValueError("beyond what the column takes, {0} to {1}".format(low, high))
        return number

    return parse


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError("not a boolean")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, list, dict, tuple, bytes)):
        raise ValueError("not a text")
    return str(getattr(value, "text", value))  # a number that YAML made out of a text without quotes


def _float(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("not a number")
    return values.read_float(value)


def _decimal(column: Column) -> Parse:
    quantum = None if column.decimal_places is None else decimal.Decimal(1).scaleb(-column.decimal_places)

    def parse(value: Any) -> str:
        if isinstance(value, bool):
            raise ValueError("not a number")
        if isinstance(value, float) and len(repr(value).partition("e")[0].replace(".", "").strip("-0")) > _EXACT:
            raise ValueError("a number of more digits than a float keeps: it has to be a text")
        try:
            number = decimal.Decimal(repr(value) if isinstance(value, float) else str(value).strip())
        except decimal.InvalidOperation:
            raise ValueError("not a number") from None
        if not number.is_finite():
            return str(number)
        if not number:
            number = abs(number)  # no server keeps a negative zero
        if quantum is None:
            return "{0:f}".format(number)
        kept = number.quantize(quantum, context=_WIDE)
        if kept != number:
            raise ValueError("more digits than the column keeps")
        return "{0:f}".format(kept)

    return parse


def _date(value: Any) -> str:
    if isinstance(value, datetime.datetime):
        raise ValueError("not a date")
    if isinstance(value, datetime.date):
        return value.isoformat()
    return values.read_date(str(value).strip())


def _time(value: Any) -> str:
    if isinstance(value, datetime.time):
        value = value.isoformat()
    if isinstance(value, (int, float)):  # YAML 1.1 reads 12:30 without quotes as a number of base 60
        value = getattr(value, "text", value)
    return values.read_time(str(value).strip())


def _timestamp() -> Parse:
    from django.conf import settings
    from django.utils import timezone

    aware = bool(settings.USE_TZ)
    zone = timezone.get_default_timezone() if aware else None
    read = values.read_timestamp(zone)

    def parse(value: Any) -> str:
        if isinstance(value, datetime.datetime):
            value = value.isoformat(" ", "microseconds")
        elif isinstance(value, datetime.date):
            value = value.isoformat()
        text = str(value).strip()
        if len(text) == 10:
            text += " 00:00:00"
        if not aware and (text.endswith("Z") or text[19:].replace("-", "+").count("+")):
            raise ValueError("a time zone, where the project's times have none")
        return read(text)

    return parse


def _duration(value: Any) -> int:
    from django.utils.dateparse import parse_duration

    found = value if isinstance(value, datetime.timedelta) else parse_duration(str(value).strip())
    if found is None:
        raise ValueError("not a duration")
    return int(found // _MICROSECOND)


def _binary(value: Any) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return values.read_binary(value)
    return values.read_binary(values.write_binary("".join(str(value).split())))


def _uuid(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(uuid.UUID(int=value))
    return str(value if isinstance(value, uuid.UUID) else uuid.UUID(str(value).strip()))


def _json(value: Any) -> Dict[str, Any]:
    """Return the value as JSON can hold it: YAML has dates and other keys, Python NaN. Raises ValueError, TypeError."""
    json.dumps(value, allow_nan=False, sort_keys=True)
    return {"json": value}


def _json_in_text(value: Any) -> Dict[str, Any]:
    return _json(json.loads(value))


_PARSERS: Dict[str, Parse] = {
    "bool": _bool,
    "text": _text,
    "float": _float,
    "date": _date,
    "time": _time,
    "duration": _duration,
    "binary": _binary,
    "uuid": _uuid,
}
