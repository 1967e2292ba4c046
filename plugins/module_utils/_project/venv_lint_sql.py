# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Reads SQL that a migration writes itself, for rows that it takes away and indexes that it builds.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
"""

import re
from typing import Any, Iterator, List, Set, Tuple

_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_BODIES = re.compile(r"(\$\w*\$).*?\1", re.DOTALL)  # of functions, which run later if at all
_STRINGS = re.compile(r"'(?:[^']|'')*'")
_NAME = r"((?:[\w.$@]|\"[^\"]*\"|`[^`]*`|\[[^\]]*\]|\{\w*\}|%s)+)"
_TABLE = re.compile(r"\bDROP\s+(?:FOREIGN\s+)?TABLE\s+(?:IF\s+EXISTS\s+)?" + _NAME, re.I)
_SCHEMA = re.compile(r"\bDROP\s+(?:SCHEMA|DATABASE)\s+(?:IF\s+EXISTS\s+)?" + _NAME, re.I)
_ALTER = re.compile(r"\bALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?" + _NAME + r"\s+(.*)", re.I | re.DOTALL)
_NOT_A_COLUMN = r"(?!CONSTRAINT|INDEX|KEY|PRIMARY|FOREIGN|CHECK|PARTITION|DEFAULT|NOT|IDENTITY|EXPRESSION)"
_COLUMN = re.compile(r"\bDROP\s+(?:COLUMN\s+)?(?:IF\s+EXISTS\s+)?" + _NOT_A_COLUMN + _NAME, re.I)
_EMPTIED = re.compile(r"^\s*TRUNCATE\s+(?:TABLE\s+)?(?:ONLY\s+)?" + _NAME, re.I)
_DELETED = re.compile(r"^\s*DELETE\s+FROM\s+" + _NAME + r"\s*$", re.I)
_MADE = re.compile(r"\bCREATE\s+(?:\w+\s+)*?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?" + _NAME, re.I)
_INDEX = re.compile(r"^\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s+(?!CONCURRENTLY)[^(]*?\bON\s+(?:ONLY\s+)?" + _NAME, re.I)


def losses(texts: Any) -> List[str]:
    """Return a sentence for each thing that SQL takes away with its rows: of one text, a list, or RunSQL's pairs."""
    return sorted(set(_losses(texts)))


def indexed(texts: Any) -> Set[str]:
    """The tables on which SQL builds an index while nobody can write to them."""
    return {_plain(found.group(1)) for statement in statements(texts) for found in [_INDEX.match(statement)] if found}


def _losses(texts: Any) -> Iterator[str]:
    made: Set[str] = set()
    for statement in statements(texts):
        made |= {_plain(name) for name in _MADE.findall(statement)}
        for kind, name in _taken(statement):
            table = name.partition(" ")[0]
            if table not in made:
                yield "SQL {0} {1} with {2}".format(kind, name, "its values" if " " in name else "its rows")


def _taken(statement: str) -> Iterator[Tuple[str, str]]:
    for name in _TABLE.findall(statement) + _SCHEMA.findall(statement):
        yield "drops", _plain(name)
    altered = _ALTER.search(statement)
    if altered:
        for column in _COLUMN.findall(altered.group(2)):
            yield "drops", "{0} (column {1})".format(_plain(altered.group(1)), _plain(column))
    for pattern in (_EMPTIED, _DELETED):
        found = pattern.match(statement)
        if found:
            yield "empties", _plain(found.group(1))


def _plain(name: str) -> str:
    return re.sub(r"[\"`\[\]]", "", name).lower()


def statements(texts: Any) -> Iterator[str]:
    """Single statements without comments, strings and bodies of functions; of texts, and of pairs with parameters."""
    for item in [texts] if isinstance(texts, str) else texts or ():
        text = item if isinstance(item, str) else item[0] if item else ""
        bare = _STRINGS.sub("''", _BODIES.sub("''", _COMMENTS.sub(" ", str(text))))
        for statement in bare.split(";"):
            if statement.strip():
                yield statement
