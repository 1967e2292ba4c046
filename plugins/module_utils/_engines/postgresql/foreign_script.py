# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads SQL as psql does, statement by statement, and the rows between them; nothing of it is run here.

Memory holds one statement, or a mebibyte of rows. Commands of psql itself, which begin with a backslash, are told as
such: whoever reads says what becomes of them.
"""

from __future__ import annotations

import re
from typing import Iterator, List, NamedTuple

from ansible_collections.relocate.django.plugins.module_utils._engines.foreign import refused, truncated
from ansible_collections.relocate.django.plugins.module_utils._engines.foreign_reader import Reader

_SPECIAL = re.compile(rb"""['"$;()\\]|--|/\*""")
_SPECIAL_OR_WORD = re.compile(rb"""['"$;()\\]|--|/\*|(?<![\w$\x80-\xff])(?:BEGIN|CASE|END)(?![\w$\x80-\xff])""", re.I)
_PLAIN = re.compile(rb"'(?:[^']|'')*'")
_ESCAPED = re.compile(rb"'(?:[^'\\]|\\.|'')*'", re.DOTALL)
_QUOTED = re.compile(rb'"(?:[^"]|"")*"')
_TAG = re.compile(rb"\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$")
_IN_NAME = re.compile(rb"[\w$\x80-\xff]")
_BLANK = re.compile(rb"\s+|--[^\n]*(?:\n|\Z)")
_MAKES_ROUTINE = re.compile(rb"CREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE)\s", re.I)
_WORDS = re.compile(rb"""\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/|(?P<word>[A-Za-z_][\w$]*|"(?:[^"]|"")*"|.)""", re.DOTALL)
_SHOWN = re.compile(r"^[A-Z]{1,20}$")
_HEAD = 8192  # bytes in which the words lie that tell what a statement does


class Statement(NamedTuple):
    """One statement, without its semicolon and the comments before it; or a line with a command of psql."""

    text: bytes
    line: int
    is_command: bool = False

    def words(self, count: int) -> List[str]:
        """Return the first words and signs in capitals, without comments; quoted names as they are."""
        found: List[str] = []
        for match in _WORDS.finditer(self.text[:_HEAD]):
            word = match.group("word")
            if word is not None:
                text = word.decode("utf-8", "replace")
                found.append(text if text.startswith('"') else text.upper())
            if len(found) == count:
                break
        return found

    @property
    def where(self) -> str:
        """Say which one it is, by its line and its first word if that is one: the rest may be a value."""
        first = next(iter(self.words(1)), "")
        return "line {0} of the dump ({1})".format(self.line, first if _SHOWN.match(first) else "no word of SQL")


class Script(Reader):
    """A script of pg_dump, with the rows of each COPY."""

    def statements(self) -> Iterator[Statement]:
        """Give each statement. Whoever is given a COPY ... FROM stdin reads :meth:`rows` before the next one."""
        while self._skip_blank():
            line = self._line
            if self._data.startswith(b"\\", self._at):
                yield Statement(self._take_line(), line, True)
                continue
            end = self._end_of_statement()
            text = self._data[self._at : end].rstrip()
            self._advance(end + 1)
            if text:
                yield Statement(text, line)

    def _skip_blank(self) -> bool:
        """Go to what is neither blank nor a comment. False at the end of the script."""
        while True:
            match = _BLANK.match(self._data, self._at)
            if match:
                if match.end() < len(self._data) or not self._more():
                    self._advance(match.end())
            elif len(self._data) - self._at < 2 and self._more():
                continue
            elif self._data.startswith(b"/*", self._at):
                self._advance(self._behind_comment(0))
            else:
                return self._at < len(self._data)

    def _take_line(self) -> bytes:
        """Take the rest of a line, but for its end."""
        while True:
            end = self._data.find(b"\n", self._at)
            if end >= 0 or not self._more():
                break
        end = end if end >= 0 else len(self._data)
        text = self._data[self._at : end].strip()
        self._advance(end)
        return text

    def _end_of_statement(self) -> int:
        """Return where the semicolon is. ``place`` counts from the statement's beginning: memory moves meanwhile."""
        while len(self._data) - self._at < _HEAD and self._more():
            pass
        pattern = _SPECIAL_OR_WORD if _MAKES_ROUTINE.match(self._data, self._at) else _SPECIAL
        place, level = 0, _Level()
        while True:
            found, sign = self._next(pattern, place)
            if sign == b";" and level.is_outermost:
                return self._at + found
            if sign == b"\\":
                raise refused(self._where(), "holds a command of psql")
            level.pass_by(sign.upper())
            place = self._behind(found, sign)

    def _behind(self, place: int, sign: bytes) -> int:
        """Return where what begins at a place ends: a quoted text, a comment, or a sign or word of its own."""
        start = self._at + place
        if sign == b"'":
            escaped = place > 0 and self._data[start - 1 : start] in (b"e", b"E") and not self._in_name(place - 2)
            return self._quoted(place, _ESCAPED if escaped else _PLAIN)
        if sign == b'"':
            return self._quoted(place, _QUOTED)
        if sign == b"$":
            return self._behind_dollar(place)
        if sign == b"--":
            return self._find(place, b"\n") + 1
        if sign == b"/*":
            return self._behind_comment(place) - self._at
        return place + len(sign)

    def _in_name(self, place: int) -> bool:
        return place >= 0 and bool(_IN_NAME.match(self._data, self._at + place))

    def _behind_dollar(self, place: int) -> int:
        if self._in_name(place - 1):
            return place + 1
        while len(self._data) - self._at - place < 200 and self._more():
            pass
        tag = _TAG.match(self._data, self._at + place)
        if tag is None:
            return place + 1
        word = tag.group()
        return self._find(place + len(word), word) + len(word)

    def _behind_comment(self, place: int) -> int:
        """Return where in memory a comment ends; one with a star may hold others."""
        depth = 0
        while True:
            opens, closes = self._data.find(b"/*", self._at + place), self._data.find(b"*/", self._at + place)
            if closes < 0:
                if not self._more():
                    raise truncated("it ends within a comment")
                continue
            is_opened = 0 <= opens < closes
            depth += 1 if is_opened else -1
            place = (opens if is_opened else closes) + 2 - self._at
            if depth == 0:
                return self._at + place

    def rows(self) -> Rows:
        """Give the rows that follow a COPY, up to their end mark, as a file."""
        self._take_line()  # what is behind the semicolon
        self._advance(min(self._at + 1, len(self._data)))
        return Rows(self)

    def next_rows(self) -> bytes:
        """Return some whole lines of rows; b"" once the end mark has been read. Raises dump_truncated without one."""
        while True:
            if self._takes_end_mark():
                return b""
            mark = self._data.find(b"\n\\.", self._at)
            last = (mark if mark >= 0 else self._data.rfind(b"\n", self._at)) + 1
            if last > self._at:
                found = self._data[self._at : last]
                self._advance(last)
                return found
            if not self._more():
                raise truncated("it ends within rows, at line {0}".format(self._line))

    def _takes_end_mark(self) -> bool:
        """Go behind the line that ends rows, if it is the next one."""
        while self._data.startswith(b"\\.", self._at) and self._data.find(b"\n", self._at) < 0 and self._more():
            pass
        end = self._data.find(b"\n", self._at)
        end = end if end >= 0 else len(self._data)
        if self._data[self._at : self._at + 2] != b"\\." or self._data[self._at : end].rstrip(b"\r") != b"\\.":
            return False
        self._advance(end)
        return True


class _Level:
    """Counts the brackets, and the blocks of a routine, within which a semicolon ends nothing."""

    def __init__(self) -> None:
        self._brackets = self._blocks = 0

    @property
    def is_outermost(self) -> bool:
        """Tell whether a semicolon ends the statement here."""
        return self._brackets <= 0 and self._blocks <= 0

    def pass_by(self, sign: bytes) -> None:
        """Take one sign or word into account, as psql does."""
        self._brackets += (sign == b"(") - (sign == b")")
        if self._brackets:
            return
        if sign == b"BEGIN" or (sign == b"CASE" and self._blocks):
            self._blocks += 1
        elif sign == b"END" and self._blocks:
            self._blocks -= 1


class Rows:
    """The rows of one COPY, as the driver reads a file."""

    def __init__(self, script: Script) -> None:
        self._script, self._left, self._at, self._is_done = script, b"", 0, False

    def read(self, size: int = -1) -> bytes:
        """Return some bytes; b"" at the end."""
        if self._at >= len(self._left) and not self._is_done:
            self._left, self._at = self._script.next_rows(), 0
            self._is_done = not self._left
        start, self._at = self._at, len(self._left) if size < 0 else self._at + size
        return self._left[start : self._at]

    def readline(self, size: int = -1) -> bytes:
        """Not used by COPY; the driver asks whether it is there."""
        return self.read(size)

    def skip(self) -> int:
        """Read to the end; returns how many rows there are."""
        count = 0
        for part in iter(self.read, b""):
            count += part.count(b"\n")
        return count
