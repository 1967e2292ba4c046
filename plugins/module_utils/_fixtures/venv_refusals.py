# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Says why a fixture's object is refused: which model and field, what it holds, and what to write instead.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
Values are not repeated: they may be private.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import difflib
import math
from typing import Any, Dict, Iterable, List, Optional

from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_objects import Place, invalid
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError, key_text

#: What each kind is called, and how a fixture writes it.
_KINDS = {
    "int": ("an integer", "write a whole number, such as 12"),
    "bool": ("a boolean", "write true or false"),
    "text": ("a text", 'write a text, in quotes: "..."'),
    "float": ("a number", "write a number, such as 1.5"),
    "decimal": ("a number", 'write a number as a text, such as "12.50", with no more digits than the field keeps'),
    "date": ("a date", 'write a date as "2026-11-20"'),
    "time": ("a time", 'write a time as "19:30:00"'),
    "datetime": ("a date and time", 'write a date and time as "2026-11-20T19:30:00Z"'),
    "duration": ("a duration", 'write days and a time, such as "1 02:03:04.5"'),
    "binary": ("base64", "write the bytes in base64"),
    "uuid": ("a UUID", 'write a UUID, such as "00000000-0000-4000-8000-000000000001"'),
    "json": ("JSON", "write a value of JSON, which has neither NaN nor infinity"),
}
_OTHER = ("a value of this field", "write what dumpdata writes of this field")
#: How the messages begin that parsers of ours give.
_OURS = ("not ", "more ", "a ", "beyond ")


def noun(kind: str) -> str:
    """Say what belongs into a column.

    :param kind: as ``venv_values`` names it
    """
    return _KINDS.get(kind, _OTHER)[0]


def remedy(kind: str) -> str:
    """Say what to write into a column."""
    return _KINDS.get(kind, _OTHER)[1]


def given(value: Any) -> str:
    """Say what a value of a fixture is, without the value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "infinity"
    if isinstance(value, float):
        return "a number with a fraction" if value != int(value) else "a number"
    if isinstance(value, str):
        return "a text" if value.strip() else "an empty text"
    names = {int: "a number", list: "a list", tuple: "a list", dict: "an object", type(None): "null"}
    return names.get(type(value), "a value of the type {0}".format(type(value).__name__))


def wrong_value(place: Place, model: str, pk: Any, field: str, kind: str, value: Any, error: Exception) -> FixtureError:
    """Return what an object is refused for that holds a value that its field does not take.

    :param kind: of the field, as ``venv_values`` names it
    :param error: what the parser raised; its text is ours, or left out
    """
    text = str(error)
    why = text if isinstance(error, ValueError) and text.startswith(_OURS) else "not {0}".format(noun(kind))
    return invalid(
        place,
        "{0} {1}: {2} holds {3}: {4}".format(model, shown(pk), field, given(value), why),
        remedy(kind),
        model=model,
        pk=shown(pk),
        field=field,
        kind=kind,
    )


def wrong_list(place: Place, model: str, pk: Any, field: str, value: Any) -> FixtureError:
    """Return what an object is refused for whose related objects are no list, or not all keys."""
    what = "a list with what is no key" if isinstance(value, list) else "{0}: not a list".format(given(value))
    return invalid(
        place,
        "{0} {1}: {2} holds {3}".format(model, shown(pk), field, what),
        'write a list of keys, such as [1, 2], or of natural keys, such as [["a"], ["b"]]',
        model=model,
        pk=shown(pk),
        field=field,
        kind="list",
    )


def wrong_key(place: Place, model: str, pk: Any, names: List[str]) -> FixtureError:
    """Return what an object is refused for whose key is not one of several columns.

    :param names: of the columns
    """
    return invalid(
        place,
        "{0}: the key holds {1}: not a list of {2}".format(model, given(pk), ", ".join(names)),
        "write the key as a list of {0} values, [{1}]".format(len(names), ", ".join(names)),
        model=model,
        field="pk",
        kind="list",
    )


def missing_field(place: Place, model: str, pk: Any, field: str, kind: str) -> FixtureError:
    """Return what an object is refused for that leaves out a field which has to be there."""
    return invalid(
        place,
        "{0} {1} lacks the field {2}".format(model, shown(pk), field),
        "add it to the object's fields ({0}), or dump it again".format(remedy(kind)),
        model=model,
        pk=shown(pk),
        field=field,
        kind=kind,
    )


def unknown_field(place: Place, model: str, pk: Any, field: str, why: str, hint: str) -> FixtureError:
    """Return what an object is refused for that gives a field which its model has not."""
    details: Dict[str, Any] = {"model": model, "pk": shown(pk), "field": field}
    return FixtureError(
        "unknown_field",
        "{0}: {1} {2} {3}".format(place, model, shown(pk), why),
        hint,
        line=place.line,
        object=place.number,
        **details,
    )


def unknown_model(place: Place, name: str, labels: Iterable[str]) -> FixtureError:
    """Return what an object is refused for whose model is not there.

    :param labels: of those that are there
    """
    known = list(labels)
    same = [label for label in known if label.partition(".")[2].lower() == name.rpartition(".")[2].lower()]
    meant = same[0] if len(same) == 1 else nearest(name, known)
    hint = "check out the revision that the fixture was made with, or set state to its migrations"
    return FixtureError(
        "unknown_model",
        "{0}: the code has no model {1} at this state".format(place, shown(name)),
        "write {0}, or {1}".format(meant.lower(), hint) if meant else hint,
        line=place.line,
        object=place.number,
        model=name,
    )


def two_keys(place: Place, model: str, pk: Any, field: str) -> FixtureError:
    """Return what an object is refused for that gives two keys: Django takes that of the fields without a word."""
    return invalid(
        place,
        "{0} {1} has another key in its field {2}".format(model, shown(pk), field),
        "leave one of the two out",
        model=model,
        pk=shown(pk),
        field=field,
    )


def shown(pk: Any) -> str:
    """A key for messages; one that is not given shows as nothing at all would."""
    return "(without a key)" if pk is None else ascii(pk)[:80] if not _is_plain(pk) else key_text(pk)[:80]


def _is_plain(pk: Any) -> bool:
    return not isinstance(pk, str) or (pk.isprintable() and not any("\ud800" <= one <= "\udfff" for one in pk))


def nearest(name: str, known: Iterable[str]) -> Optional[str]:
    """The name that was meant, perhaps; None when none is near."""
    by_small = {one.lower(): one for one in known}
    found = difflib.get_close_matches(name.lower(), list(by_small), 1, 0.75)
    return by_small[found[0]] if found else None
