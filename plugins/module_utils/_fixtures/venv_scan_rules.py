# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Finds, value by value, what another database engine would not store.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
Values are the plain ones of a fixture's rows (``venv_values``). A rule gives the reason why the target refuses a value,
or would change it silently; None means that it arrives as it is. No reason tells the value itself: it may be private.
"""

import math
from typing import Any, Callable, Dict, List, Optional, Tuple, Type

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_dialect

#: The dialect of the new engine.
Target = Type[venv_dialect.Dialect]
#: A reason's code and its text.
Reason = Tuple[str, str]
Rule = Callable[[Any], Optional[Reason]]
#: What a rule needs to know of a column, see :func:`rules_of`.
Column = Dict[str, Any]

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


def _nul(target: Target) -> Reason:
    return "nul", "holds a NUL character, which {0} does not store".format(target.title)


def rules_of(kind: str, column: Column, target: Target) -> List[Rule]:
    """The rules for one column.

    :param kind: what ``venv_values`` calls its type
    :param column: ``internal`` (Django's internal type), ``max_length``, ``max_digits``, ``decimal_places``; None where
        there is none
    :param target: the dialect of the new engine
    """
    make = _MAKERS.get(kind)
    return make(column, target) if make is not None else []


def engine_bound(kind: str) -> bool:
    """Tell whether only the engine that has such a column takes its values."""
    return kind in ("native", "hstore") or kind.startswith(("array", "range"))


def _text_rules(column: Column, target: Target) -> List[Rule]:
    made: List[Rule] = []
    max_length = column.get("max_length")
    if max_length and target.limits_lengths:

        def fits(value: Any) -> Optional[Reason]:
            if len(value) <= max_length:
                return None
            return "over_long", "has {0} characters, the column takes {1}".format(len(value), max_length)

        made.append(fits)
    if not target.keeps_nul:
        made.append(lambda value: _nul(target) if "\0" in value else None)
    return made


def _integer_rules(column: Column, target: Target) -> List[Rule]:
    return [_range_rule(target.integers(column.get("internal") or ""), "numbers")]


def _duration_rules(column: Column, target: Target) -> List[Rule]:
    return [_range_rule(venv_dialect.BIG, "microseconds")]


def _range_rule(limits: Tuple[int, int], what: str) -> Rule:
    low, high = limits

    def within(value: Any) -> Optional[Reason]:
        if isinstance(value, int) and not low <= value <= high:
            return "out_of_range", "is beyond the {0} that the column takes ({1} to {2})".format(what, low, high)
        return None

    return within


def _decimal_rules(column: Column, target: Target) -> List[Rule]:
    """A decimal is a text: digits with a point, or a word for what is no number."""

    def number(value: Any) -> Optional[Reason]:
        if str(value).lstrip("-")[:1].isdigit():
            return None
        return "not_finite", "is {0}, which {1} does not store".format(value, target.name)

    found = [] if target.keeps_infinite else [number]
    if target.decimal_digits is not None:
        return [*found, _digits_rule(target.decimal_digits, target.title)]
    return [*found, _places_rule(column.get("max_digits"), column.get("decimal_places"))]


def _halves(value: Any) -> Tuple[str, str]:
    """The digits before the point and after it, without zeros that say nothing; none for what is no number."""
    whole, _dot, fraction = str(value).lstrip("-").partition(".")
    return (whole.lstrip("0"), fraction.rstrip("0")) if whole[:1].isdigit() else ("", "")


def _digits_rule(limit: int, engine: str) -> Rule:
    def kept(value: Any) -> Optional[Reason]:
        digits = len("".join(_halves(value)).strip("0"))
        if digits <= limit:
            return None
        return "too_precise", "has {0} digits, {1} keeps {2}".format(digits, engine, limit)

    return kept


def _places_rule(max_digits: Optional[int], places: Optional[int]) -> Rule:
    def exact(value: Any) -> Optional[Reason]:
        whole, fraction = _halves(value)
        if max_digits is not None and places is not None and len(whole) > max_digits - places:
            text = "has {0} digits before the point, the column takes {1}"
            return "out_of_range", text.format(len(whole), max_digits - places)
        if places is not None and len(fraction) > places:
            return "too_precise", "has {0} decimal places, the column takes {1}".format(len(fraction), places)
        return None

    return exact


def _float_rules(column: Column, target: Target) -> List[Rule]:
    return [] if target.keeps_infinite else [_finite]


def _finite(value: Any) -> Optional[Reason]:
    if isinstance(value, str) or (isinstance(value, float) and not math.isfinite(value)):
        return "not_finite", "is not a finite number"
    return None


def _year_rules(column: Column, target: Target) -> List[Rule]:
    first = target.first_year
    if not first:
        return []

    def supported(value: Any) -> Optional[Reason]:
        if value[:4] < first:
            return "year_out_of_range", "is before the year {0}, the first that {1} supports".format(
                first, target.title
            )
        return None

    return [supported]


def _json_rules(column: Column, target: Target) -> List[Rule]:
    def storable(value: Any) -> Optional[Reason]:
        pending = [value["json"]]
        while pending:
            item = pending.pop()
            if isinstance(item, dict):
                pending.extend(item.keys())
                pending.extend(item.values())
            elif isinstance(item, list):
                pending.extend(item)
            elif isinstance(item, float) and not math.isfinite(item) and not target.keeps_infinite_json:
                return "not_finite", "holds NaN or infinity, which is no JSON"
            elif isinstance(item, str) and "\0" in item and not target.keeps_nul:
                return _nul(target)
        return None

    return [storable]


#: By what ``venv_values`` calls a column's type; other kinds arrive as they are.
_MAKERS: Dict[str, Callable[[Column, Target], List[Rule]]] = {
    "text": _text_rules,
    "int": _integer_rules,
    "decimal": _decimal_rules,
    "float": _float_rules,
    "json": _json_rules,
    "date": _year_rules,
    "datetime": _year_rules,
    "duration": _duration_rules,
}


def folded(value: Any) -> Any:
    """Return what a unique key of MySQL's usual collations goes by: neither case, nor accents, nor trailing spaces."""
    import unicodedata

    if not isinstance(value, str):
        return value
    parts = unicodedata.normalize("NFKD", value.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part)).rstrip(" ")
