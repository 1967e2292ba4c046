# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Finds, value by value, what another database engine would not store.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
Values are the plain ones of a fixture's rows (``venv_values``). A rule gives the reason why the target refuses a value,
or would change it silently; None means that it arrives as it is. No reason tells the value itself: it may be private.
"""

import math
from typing import Any, Callable, Dict, List, Optional, Tuple

#: A reason's code and its text.
Reason = Tuple[str, str]
Rule = Callable[[Any], Optional[Reason]]

#: What to do about each kind of finding.
REMEDIES = {
    "over_long": "shorten the value on old, or enlarge the field's max_length with a migration",
    "nul": "remove the NUL character on old",
    "out_of_range": "correct the value on old, or give the model a wider field with a migration",
    "too_precise": "round the value on old, or enlarge decimal_places and max_digits with a migration",
    "not_finite": "replace NaN and infinity on old, for instance by NULL",
    "year_out_of_range": "correct the date on old",
    "unreadable": "correct the value on old: Django cannot read it as what the field is",
    "collision": "make the values differ in more than case, accents or trailing spaces",
    "dangling": "delete the row on old, or the reference in it",
    "unsupported_type": "give the model a field that both engines have, with a migration",
    "too_big": "raise max_allowed_packet on the new server, or shorten the value",
    "no_model": "make a model for the table, or name it in relocate_excluded_models when it may stay behind",
}

#: The integer fields' limits on servers, as BaseDatabaseOperations.integer_field_ranges has them.
_INTEGERS = {
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
_MYSQL_UNSIGNED = {
    "PositiveSmallIntegerField": (0, 65535),
    "PositiveIntegerField": (0, 4294967295),
    "PositiveBigIntegerField": (0, 18446744073709551615),
}
_BIG = (-9223372036854775808, 9223372036854775807)
#: SQLite keeps a decimal as a binary floating point number: that many digits come back.
_SQLITE_DIGITS = 15
_NUL = ("nul", "holds a NUL character, which PostgreSQL does not store")


def rules_of(kind: str, column: Dict[str, Any], target: str) -> List[Rule]:
    """The rules for one column.

    :param kind: what ``venv_values`` calls its type
    :param column: ``internal`` (Django's internal type), ``max_length``, ``max_digits``, ``decimal_places``; None where
        there is none
    :param target: the new engine: postgresql, mysql or sqlite
    """
    made: List[Rule] = []
    if kind == "text":
        made += _text_rules(column.get("max_length"), target)
    elif kind == "int":
        made.append(_integer_rule(column.get("internal") or "", target))
    elif kind == "decimal":
        made.append(_decimal_rule(column.get("max_digits"), column.get("decimal_places"), target))
    elif kind == "float" and target != "postgresql":
        made.append(_finite)
    elif kind == "json":
        made.append(_json_rule(target))
    elif kind in ("date", "datetime") and target == "mysql":
        made.append(_mysql_year)
    elif kind == "duration":
        made.append(_range_rule(_BIG, "microseconds"))
    return made


def engine_bound(kind: str) -> bool:
    """Tell whether only the engine that has such a column takes its values."""
    return kind in ("native", "hstore") or kind.startswith(("array", "range"))


def _text_rules(max_length: Optional[int], target: str) -> List[Rule]:
    made: List[Rule] = []
    if max_length and target != "sqlite":

        def fits(value: Any) -> Optional[Reason]:
            if len(value) <= max_length:
                return None
            return "over_long", "has {0} characters, the column takes {1}".format(len(value), max_length)

        made.append(fits)
    if target == "postgresql":
        made.append(lambda value: _NUL if "\0" in value else None)
    return made


def _range_rule(limits: Tuple[int, int], what: str) -> Rule:
    low, high = limits

    def within(value: Any) -> Optional[Reason]:
        if isinstance(value, int) and not low <= value <= high:
            return "out_of_range", "is beyond the {0} that the column takes ({1} to {2})".format(what, low, high)
        return None

    return within


def _integer_rule(internal: str, target: str) -> Rule:
    if target == "sqlite":
        return _range_rule((0, _BIG[1]) if internal.startswith("Positive") else _BIG, "numbers")
    limits = _INTEGERS.get(internal, _BIG)
    if target == "mysql":
        limits = _MYSQL_UNSIGNED.get(internal, limits)
    return _range_rule(limits, "numbers")


def _decimal_rule(max_digits: Optional[int], places: Optional[int], target: str) -> Rule:
    def exact(value: Any) -> Optional[Reason]:
        body = str(value).lstrip("-")
        if not body[:1].isdigit():
            return (
                ("not_finite", "is {0}, which {1} does not store".format(value, target))
                if target != "postgresql"
                else None
            )
        whole, _dot, fraction = body.partition(".")
        fraction = fraction.rstrip("0") if target == "sqlite" else fraction
        whole = whole.lstrip("0")
        if target == "sqlite":
            digits = len((whole + fraction).lstrip("0").rstrip("0"))
            if digits > _SQLITE_DIGITS:
                return "too_precise", "has {0} digits, SQLite keeps {1}".format(digits, _SQLITE_DIGITS)
            return None
        if max_digits is not None and places is not None and len(whole) > max_digits - places:
            return "out_of_range", "has {0} digits before the point, the column takes {1}".format(
                len(whole), max_digits - places
            )
        if places is not None and len(fraction.rstrip("0")) > places:
            return "too_precise", "has {0} decimal places, the column takes {1}".format(
                len(fraction.rstrip("0")), places
            )
        return None

    return exact


def _finite(value: Any) -> Optional[Reason]:
    if isinstance(value, str) or (isinstance(value, float) and not math.isfinite(value)):
        return "not_finite", "is not a finite number"
    return None


def _mysql_year(value: Any) -> Optional[Reason]:
    if value[:4] < "1000":
        return "year_out_of_range", "is before the year 1000, the first that MySQL supports"
    return None


def _json_rule(target: str) -> Rule:
    def storable(value: Any) -> Optional[Reason]:
        pending = [value["json"]]
        while pending:
            item = pending.pop()
            if isinstance(item, dict):
                pending.extend(item.keys())
                pending.extend(item.values())
            elif isinstance(item, list):
                pending.extend(item)
            elif isinstance(item, float) and not math.isfinite(item) and target != "sqlite":
                return "not_finite", "holds NaN or infinity, which is no JSON"
            elif isinstance(item, str) and "\0" in item and target == "postgresql":
                return _NUL
        return None

    return storable


def folded(value: Any) -> Any:
    """Return what a unique key of MySQL's usual collations goes by: neither case, nor accents, nor trailing spaces."""
    import unicodedata

    if not isinstance(value, str):
        return value
    parts = unicodedata.normalize("NFKD", value.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part)).rstrip(" ")
