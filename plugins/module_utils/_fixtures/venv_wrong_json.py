# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Says what is wrong with JSON: whether it was cut off, and if not, where the fault is and what to write instead.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
"""

import json
import re
from typing import Any, Iterator, Optional, Tuple

_WORDS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")
_ESCAPE = 6  # characters of the longest one
#: What people write in place of JSON, by how it begins at the fault.
_INSTEAD = (
    (re.compile(r"//|/\*|#"), "remove the comment: JSON has none"),
    (re.compile(r"[}\]]"), "remove the comma before the bracket"),
    (re.compile(r"'"), "write names and texts in double quotes"),
    (re.compile(r"(True|False|None|undefined)\b"), "write true, false or null"),
    (re.compile(r"[A-Za-z_]\w*\s*:"), "write the name in double quotes"),
    (re.compile(r"[\[{]"), "put a comma between two values"),
)
_BY_MESSAGE = (
    ("Invalid control character", "write \\t for a tab within a text, \\n for the end of a line"),
    ("Invalid \\escape", "write \\\\ for a backslash within a text"),
    ("Invalid \\u", "write four hexadecimal digits after \\u"),
    ("Unterminated string", "close the text with a double quote"),
    ("Expecting ',' delimiter", 'put a comma between two values; a quote within a text is written \\"'),
    ("Expecting ':' delimiter", "put a colon between a name and its value"),
    ("Illegal trailing comma", "remove the comma before the bracket"),
)
#: How a number goes on that has no end yet.
_UNFINISHED = re.compile(r"(-|\.|\.?[eE][+-]?)\Z")
_MORE_DIGITS = re.compile(r"-?\d{1000,}")


def is_cut_off(error: json.JSONDecodeError, text: str) -> bool:
    """Tell whether a text ends before its value does: what was read so far could still be the beginning of JSON.

    :param text: all that there is
    """
    rest = text[error.pos :].strip()
    if not rest or error.msg.startswith("Unterminated string"):
        return True
    if error.msg.startswith("Invalid \\"):
        return len(rest) < _ESCAPE
    return bool(_UNFINISHED.match(rest)) or any(word.startswith(rest) for word in _WORDS)


def remedy(error: json.JSONDecodeError, text: str) -> str:
    """Return what to write instead."""
    for beginning, instead in _BY_MESSAGE[:4]:
        if error.msg.startswith(beginning):
            return instead
    rest = text[error.pos : error.pos + 100].lstrip()
    for pattern, instead in _INSTEAD:
        if pattern.match(rest):
            return instead
    found = [instead for beginning, instead in _BY_MESSAGE if error.msg.startswith(beginning)]
    return found[0] if found else "write a value of JSON there"


def place_of(error: json.JSONDecodeError, text: str, at: int, line: int) -> str:
    """Line and column of the fault.

    :param at: where in the text the object begins
    :param line: the line that the object begins at
    """
    beginning = text.rfind("\n", 0, error.pos) + 1
    return "line {0}, column {1}".format(line + text.count("\n", at, error.pos), error.pos - beginning + 1)


class _Long(str):
    """The digits of a number that Python does not read."""


def long_number(text: str, at: int) -> Tuple[str, str, int]:
    """The model and the field of an object with a number that is too long for Python, and how many digits it has.

    :param at: where in the text the object begins
    """
    decoder = json.JSONDecoder(parse_int=lambda digits: _Long(digits) if _MORE_DIGITS.match(digits) else 0)
    try:
        item = decoder.raw_decode(text, at)[0]
    except (ValueError, RecursionError):
        return "", "", 0
    model = item.get("model") if isinstance(item, dict) else ""
    for path, found in _numbers(item, ""):
        return (model if isinstance(model, str) else ""), path, len(found)
    return "", "", 0


def _numbers(value: Any, path: str, depth: int = 0) -> Iterator[Tuple[str, _Long]]:
    """Each long number, with the names that lead to it."""
    if isinstance(value, _Long):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _numbers(inner, name if depth < 2 else "{0}.{1}".format(path, name), depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _numbers(inner, path, depth + 1)


def beginning(text: str) -> Optional[str]:
    """Say what a file begins with that is no list of objects, and what to do; None for what may be one."""
    if text.startswith("{"):
        return "put the objects into one list, [ and ] around them and commas between, or set format to jsonl"
    if text.startswith("<"):
        return "set format to xml, if the file is"
    if text.startswith(("- ", "---")):
        return "set format to yaml, if the file is"
    return None
