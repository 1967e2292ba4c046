# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes equal what PostgreSQL prints in several forms for one meaning. Pure: text in, text out."""

from __future__ import annotations

import re
from typing import List, Sequence

_TOKEN = re.compile(
    r"(?P<text>[eE]?'(?:[^']|'')*')|(?P<name>\"(?:[^\"]|\"\")*\")|(?P<cast>::)|(?P<word>[\w$]+)|(?P<space>\s+)|(?P<sign>.)",
    re.DOTALL,
)
_PLAIN = re.compile(r'^"[a-z_][a-z0-9_$]*"$')


def plain_names(text: str) -> str:
    """A text with names quoted only where every major quotes them: what is a keyword differs between majors."""
    return "".join(
        part.group()[1:-1] if part.group("name") and _PLAIN.match(part.group()) else part.group()
        for part in _TOKEN.finditer(text)
    )


def alike(text: str, qualified: bool = True) -> str:
    """A definition without what a server writes in one way or another for the same meaning.

    The casts and brackets that a parser adds: what was ``a IN ('x', 'y')`` is printed with other casts once its own
    text was read again. FUNCTION instead of PROCEDURE in a trigger, since 12.

    :param qualified: False leaves out what names are qualified with: 16 and later do for columns, where only one table
        is read
    """
    found: List[str] = []
    parts = _significant(plain_names(text))
    place = 0
    while place < len(parts):
        part = parts[place]
        if part.group("cast"):
            place = _behind_type(parts, place + 1)
            continue
        word = part.group()
        if not qualified and found and _is_dot_behind_word(parts, place):
            found.pop()  # what qualifies the next word
        elif word == "PROCEDURE" and found[-1:] == ["EXECUTE"]:
            found.append("FUNCTION")
        elif word not in "()":
            found.append(word)
        place += 1
    return " ".join(found)


def _significant(text: str) -> List["re.Match[str]"]:
    return [part for part in _TOKEN.finditer(text) if not part.group("space")]


def _is_dot_behind_word(parts: Sequence["re.Match[str]"], place: int) -> bool:
    return parts[place].group() == "." and bool(parts[place - 1].group("word"))


_TYPE_WORDS = frozenset("varying precision with without time zone".split())


def _behind_type(parts: Sequence["re.Match[str]"], place: int) -> int:
    """The place behind the type that a cast names: words and dots, a modifier in brackets, [] for arrays."""
    texts = [part.group() for part in parts]
    place += 1
    while place < len(texts):
        if texts[place] in _TYPE_WORDS:
            place += 1
        elif texts[place] == "." or (texts[place] == "[" and texts[place + 1 : place + 2] == ["]"]):
            place += 2
        elif texts[place] == "(" and re.match(r"^\(\d+(,\d+)?\)", "".join(texts[place : place + 5])):
            place += texts[place:].index(")") + 1
        else:
            break
    return place
