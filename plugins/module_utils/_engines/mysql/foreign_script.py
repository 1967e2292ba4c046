# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads SQL of mysqldump and mariadb-dump statement by statement, as their client does; nothing of it is run here.

Of the client's own commands only DELIMITER is known. What a server runs inside of ``/*! */`` is read as SQL: whoever
judges a statement sees all that any server would run.
"""

from __future__ import annotations

import re
from typing import Iterator, List, NamedTuple

from ansible_collections.relocate.django.plugins.module_utils._engines.foreign import refused
from ansible_collections.relocate.django.plugins.module_utils._engines.foreign_reader import Reader

_HEAD = 8192  # bytes in which the words lie that tell what a statement does
#: Where newer clients of MariaDB forbid commands of a shell: for clients that know it.
_SANDBOX = re.compile(rb"/\*M?!999999\\- [^\n]*\n")
_BLANK = re.compile(rb"\s+|--(?=[\s\0-\x1f]|\Z)[^\n]*(?:\n|\Z)|#[^\n]*(?:\n|\Z)")
_STRINGS = {
    b"'": re.compile(rb"'(?:[^'\\]|\\.|'')*'", re.DOTALL),
    b'"': re.compile(rb'"(?:[^"\\]|\\.|"")*"', re.DOTALL),
    b"`": re.compile(rb"`(?:[^`]|``)*`"),
}
_DELIMITER = re.compile(rb"DELIMITER[ \t]+(\S+)[ \t]*\r?(?:\n|\Z)", re.IGNORECASE)
_OPENS = re.compile(rb"/\*M?!\d*")
_PIECES = re.compile(
    rb"/\*M?!\d*|\*/|/\*.*?\*/|'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`(?:[^`]|``)*`|[^/*'\"`]+|.", re.DOTALL
)
_WORDS = re.compile(rb"\s+|(?P<word>[A-Za-z_@][\w$@.]*|`(?:[^`]|``)*`|.)", re.DOTALL)
_SHOWN = re.compile(r"^[A-Z]{1,20}$")


class Statement(NamedTuple):
    """One statement, without what ends it and the comments before it."""

    text: bytes
    line: int

    def flat(self, most: int = 0) -> bytes:
        """Return it with all that some server would run, and without comments.

        :param most: bytes of it that are looked at; all by default
        """
        found = []
        for match in _PIECES.finditer(self.text[:most] if most else self.text):
            piece = match.group()
            if piece.startswith(b"/*") or piece == b"*/":
                piece = b" "
            found.append(piece)
        return b"".join(found).strip()

    def words(self, count: int) -> List[str]:
        """Return the first words and signs in capitals; quoted names as they are."""
        found: List[str] = []
        for match in _WORDS.finditer(self.flat(_HEAD)):
            word = match.group("word")
            if word is not None:
                text = word.decode("utf-8", "replace")
                found.append(text if text.startswith("`") else text.upper())
            if len(found) == count:
                break
        return found

    @property
    def where(self) -> str:
        """Say which one it is, by its line and its first word if that is one: the rest may be a value."""
        first = next(iter(self.words(1)), "")
        return "line {0} of the dump ({1})".format(self.line, first if _SHOWN.match(first) else "no word of SQL")


class Script(Reader):
    """A script of mysqldump or mariadb-dump."""

    AHEAD = 8
    _delimiter = b";"

    def statements(self) -> Iterator[Statement]:
        """Give each statement, in its order."""
        while len(self._data) < 256 and self._more():
            pass
        first = _SANDBOX.match(self._data)
        if first:
            self._advance(first.end())
        while self._skip_blank():
            if self._takes_delimiter():
                continue
            line = self._line
            end = self._end_of_statement()
            text = self._data[self._at : end].rstrip()
            self._advance(end + len(self._delimiter))
            if text:
                yield Statement(text, line)

    def _skip_blank(self) -> bool:
        """Go to what is neither blank nor a comment that no server runs. False at the end of the script."""
        while True:
            while len(self._data) - self._at < 16 and self._more():
                pass
            match = _BLANK.match(self._data, self._at)
            if match:
                if match.end() < len(self._data) or not self._more():
                    self._advance(match.end())
            elif self._data.startswith(b"/*", self._at) and not _OPENS.match(self._data, self._at):
                self._advance(self._at + self._find(0, b"*/") + 2)
            else:
                return self._at < len(self._data)

    def _takes_delimiter(self) -> bool:
        if self._data[self._at : self._at + 9].upper() != b"DELIMITER":
            return False
        while self._data.find(b"\n", self._at) < 0 and self._more():
            pass
        match = _DELIMITER.match(self._data, self._at)
        if match is None:
            return False
        self._delimiter = match.group(1)
        self._advance(match.end())
        return True

    def _end_of_statement(self) -> int:
        """Return where what ends it is. ``place`` counts from its beginning: memory moves meanwhile."""
        special = re.compile(rb"['\"`\\]|#|--(?=[\s\0-\x1f])|/\*M?!\d*|/\*|" + re.escape(self._delimiter))
        place = 0
        while True:
            found, sign = self._next(special, place)
            if sign == self._delimiter:
                return self._at + found
            if sign == b"\\":
                raise refused(self._where(), "holds a command of the client")
            place = self._behind(found, sign)

    def _behind(self, place: int, sign: bytes) -> int:
        if sign in _STRINGS:
            return self._quoted(place, _STRINGS[sign])
        if sign in (b"#", b"--"):
            return self._find(place, b"\n") + 1
        if sign == b"/*":
            return self._find(place, b"*/") + 2
        return place + len(sign)
