# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""SQL of MySQL and MariaDB as tokens: strings, comments and quoted names are told apart from what the server reads.

Nothing here interprets a statement; it only never mistakes the inside of a string or a name for SQL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterable, Iterator, List, Sequence, Tuple

WORD, NAME, STRING, COMMENT, SPACE, OTHER = "word", "name", "string", "comment", "space", "other"

#: (kind, pattern). Names in double quotes, and strings without backslashes, depend on the SQL mode.
_PARTS = (
    (SPACE, r"\s+"),
    (COMMENT, r"/\*.*?(?:\*/|\Z)|\#[^\n]*|--(?=[\s\x00-\x1f]|\Z)[^\n]*"),
    (NAME, r"`(?:[^`]|``)*`"),
    (WORD, r"[0-9A-Za-z_$@\u0080-\U0010ffff]+"),
    (OTHER, r"."),
)
_ESCAPED = {"'": r"'(?:[^'\\]|\\.|'')*'", '"': r'"(?:[^"\\]|\\.|"")*"'}
_PLAIN = {"'": r"'(?:[^']|'')*'", '"': r'"(?:[^"]|"")*"'}


@dataclass(frozen=True)
class Token:
    """One piece of a statement, and where it is."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Return where the next token begins."""
        return self.start + len(self.text)

    @property
    def name(self) -> str:
        """Return the name without its quotes, or the word itself."""
        quote = self.text[:1]
        return self.text[1:-1].replace(quote * 2, quote) if self.kind == NAME else self.text

    def says(self, *words: str) -> bool:
        """Tell whether it is one of these words or signs, in any case."""
        return self.kind in (WORD, OTHER) and self.text.upper() in words


def tokens(statement: str, sql_mode: str = "") -> List[Token]:
    """All of a statement, as the server reads it in an SQL mode."""
    return [Token(kind, text, start) for kind, text, start in _scan(statement, sql_mode)]


def _scan(statement: str, sql_mode: str) -> Iterator[Tuple[str, str, int]]:
    modes = set(sql_mode.upper().split(","))
    strings = _PLAIN if "NO_BACKSLASH_ESCAPES" in modes else _ESCAPED
    # ORACLE and the other compatible modes hold ANSI_QUOTES; servers write it out beside them.
    double = (NAME, _PLAIN['"']) if {"ANSI_QUOTES", "ORACLE", "ANSI"} & modes else (STRING, strings['"'])
    groups = [(STRING, strings["'"]), double, *_PARTS]
    pattern = re.compile("|".join("(" + one + ")" for _kind, one in groups), re.DOTALL)
    for match in pattern.finditer(statement):
        yield groups[(match.lastindex or 1) - 1][0], match.group(), match.start()


def significant(found: Iterable[Token]) -> List[Token]:
    """Without blanks and comments. What a server runs inside of ``/*! */`` stays, so that nobody passes over it."""
    return [token for token in found if token.kind != SPACE and (token.kind != COMMENT or executable(token))]


def executable(token: Token) -> bool:
    """Tell whether it is a comment that some servers run."""
    return token.kind == COMMENT and token.text.startswith(("/*!", "/*M!"))


def chains(found: Sequence[Token]) -> Iterator[Tuple[int, int]]:
    """Names that are joined by dots, as (first, past the last) places in ``found``, which has no blanks."""
    place = 0
    while place < len(found):
        end = place + 1
        if _is_name(found[place]):
            while end + 1 < len(found) and found[end].text == "." and _is_name(found[end + 1]):
                end += 2
            yield place, end
        place = end


def _is_name(token: Token) -> bool:
    return token.kind in (NAME, WORD)


def naming(statement: str, database: str, sql_mode: str = "") -> bool:
    """Tell whether a statement names a database: before a dot, or anywhere in a text, which may be SQL too."""
    found = significant(tokens(statement, sql_mode))
    wanted = database.casefold()
    for first, end in chains(found):
        if end - first > 1 and found[first].name.casefold() == wanted:
            return True
    inside = re.compile(r"(?<![0-9A-Za-z_$])[`\"]?" + re.escape(database) + r"[`\"]?\s*\.", re.IGNORECASE)
    return any(inside.search(token.text) for token in found if token.kind == STRING or executable(token))


def requalified(view: str, source: str, target: str) -> str:
    """A view, as a server prints it, with the names of one database leading to another.

    ``source.x`` is a table of that database after FROM and JOIN, a function of it before a parenthesis, and else a
    column of a table with the same name, which stays. Three names in a row always begin with the database.
    """
    if source == target:
        return view
    found = significant(tokens(view))
    new = "`" + target.replace("`", "``") + "`"
    edits = []
    for first, end in chains(found):
        if found[first].kind == NAME and found[first].name == source and _begins_with_database(found, first, end):
            edits.append(found[first])
    for token in reversed(edits):
        view = view[: token.start] + new + view[token.end :]
    return view


def _begins_with_database(found: Sequence[Token], first: int, end: int) -> bool:
    """Tell whether the first of these names in a row can only be a database's."""
    length = (end - first + 1) // 2
    if length != 2:
        return length > 2
    is_called = end < len(found) and found[end].text == "("
    return is_called or _after_from(found, first)


def _after_from(found: Sequence[Token], place: int) -> bool:
    """Tell whether the name at a place is a table: it follows FROM of a SELECT, or JOIN, parentheses allowed."""
    before = place - 1
    while before >= 0 and found[before].text == "(":
        before -= 1
    if before < 0 or not found[before].says("FROM", "JOIN", "STRAIGHT_JOIN"):
        return False
    return found[before].says("JOIN", "STRAIGHT_JOIN") or _selects(found, before)


def _selects(found: Sequence[Token], place: int) -> bool:
    """Tell whether FROM belongs to a SELECT on its own level of parentheses, unlike the one of EXTRACT and TRIM."""
    depth = 0
    for token in reversed(found[:place]):
        if token.text == ")":
            depth += 1
        elif token.text == "(":
            depth -= 1
            if depth < 0:
                return False
        elif depth == 0 and token.says("SELECT"):
            return True
    return False
