# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes names that somebody else chose fit for a terminal: a table may be called like a line of our own report."""

from __future__ import annotations

import unicodedata
from typing import Any

#: Control and format characters (escapes, bidirectional overrides, invisible ones), separators of lines, surrogates.
_UNFIT = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})
#: Format characters that words of some languages are spelt with, and that change nothing else.
_SPELLING = frozenset("\u200c\u200d")
#: What stands before each line of a text that is not ours, after the first.
MARK = "| "


def printable(value: Any) -> str:
    """Return a name or a value as one line; what a terminal or a reader could be misled by is written out."""
    text = value if isinstance(value, str) else str(value)
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def printable_lines(value: Any) -> str:
    """Return a message of several lines: each but the first is marked, so that none looks like a line of ours."""
    first, *others = str(value).replace("\r\n", "\n").split("\n")
    lines = [printable(line) for line in others]
    return "\n".join([printable(first)] + [line if line.startswith(MARK) else MARK + line for line in lines])


def _shown(character: str) -> str:
    if character in _SPELLING or unicodedata.category(character) not in _UNFIT:
        return character
    return character.encode("unicode_escape").decode("ascii")
