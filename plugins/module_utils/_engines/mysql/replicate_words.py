# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judges statements that stand in a binary log as text: which do nothing to a site's rows, which end a stream. Pure.

With ``binlog_format=ROW`` rows are never logged as text, so what is left are definitions. Whatever is not known to be
harmless ends the stream; nothing of it is ever run.
"""

from __future__ import annotations

import re
from typing import Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.replicate_events import Query

#: First words of what begins and ends transactions, and of what changes no row and no table.
_HARMLESS = frozenset(
    "begin start commit rollback savepoint release analyze optimize repair check flush set grant revoke kill".split()
)
#: What else may stand second: accounts, and sequences, which a catch-up tells of.
_OTHERS = frozenset("user role server sequence temporary".split())
_DEFINING = frozenset("create alter drop rename truncate install uninstall".split())
_COMMENT = re.compile(r"/\*(?!M?!).*?\*/|--[ \t][^\n]*|#[^\n]*", re.DOTALL)
_CONDITIONAL = re.compile(r"/\*M?!\d*|\*/")
_NAME = r"(`(?:[^`]|``)+`|\"(?:[^\"]|\"\")+\"|[\w$]+)"
_OF_A_TABLE = re.compile(
    r"(truncate(?:\s+table)?|alter\s+(?:(?:online|ignore)\s+)*table(?:\s+if\s+exists)?)\s+{0}(?:\s*\.\s*{0})?"
    r"(?=[\s;]|$)(.*)".format(_NAME),
    re.IGNORECASE | re.DOTALL,
)
#: What ALTER TABLE may do to a second table, or to the name of the first.
_TWO = re.compile(r"\b(exchange|rename|convert|union)\b", re.IGNORECASE)


def rewritten(query: Query, database: str) -> Optional[str]:
    """Return the table that a statement empties or rewrites; None for one that does nothing to our rows.

    Raises ValueError for one after which the stream cannot go on; the message names its first words alone.
    """
    raw, default = query.text.decode("utf-8", "replace"), query.database.decode("utf-8", "replace")
    text = " ".join(_CONDITIONAL.sub(" ", _COMMENT.sub(" ", raw)).split())
    words = [word.lower() for word in re.findall(r"\w+", text[:200])[:2]] + ["", ""]
    if _is_harmless(text, words[0], words[1]):
        return None
    if default.lower() != database.lower() and database.lower() not in raw.lower():
        return None
    return _target(text, default, database, " ".join(words[:2]).upper().strip())


def _is_harmless(text: str, first: str, second: str) -> bool:
    """Tell whether a statement changes no row and no table, whose ever. Raises ValueError for what may change any."""
    if not text or first in _HARMLESS or (first in _DEFINING and second in _OTHERS):
        return True
    if first == "xa":
        raise ValueError("a transaction of two phases (XA)")
    if first not in _DEFINING:
        raise ValueError("a statement was logged as text: {0} (binlog_format)".format(first.upper()))
    return False


def _target(text: str, default: str, database: str, words: str) -> Optional[str]:
    """The table of ours that a definition is about, None for another database's. Raises ValueError for all others."""
    ours = database.lower()
    where, table, rest = _table(text, default)
    if where.lower() == ours and table and not _TWO.search(rest):
        return table
    if where and where.lower() != ours and ours not in rest.lower():
        return None
    raise ValueError("a definition changed: {0}".format(words))


def _table(text: str, default: str) -> Tuple[str, str, str]:
    """Database, name and what follows of the one table of a statement; nothing for other statements."""
    found = _OF_A_TABLE.match(text)
    if not found:
        return "", "", ""
    first, second = (_unquoted(name) for name in found.group(2, 3))
    return (first, second, found.group(4)) if second else (default, first, found.group(4))


def _unquoted(name: Optional[str]) -> str:
    if not name or name[0] not in '`"':
        return name or ""
    return name[1:-1].replace(name[0] * 2, name[0])
