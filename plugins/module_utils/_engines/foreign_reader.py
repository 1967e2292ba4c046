# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a script of SQL that somebody else made, piece by piece; what its signs mean is each engine's.

Memory holds one statement, or a mebibyte of what is longer.
"""

from __future__ import annotations

from typing import IO, Pattern, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.foreign import (
    LONGEST,
    refused,
    truncated,
    unsure_line_ends,
)

_BLOCK = 1 << 20


class Reader:
    """A script that is read once. A place counts from where a statement begins: memory moves meanwhile.

    :param rewrapped: line ends within quotes are not certain: a value that has one is refused
    """

    #: Bytes behind a sign that must be there before it is certain which sign it is.
    AHEAD = 0

    def __init__(self, stream: IO[bytes], rewrapped: bool = False) -> None:
        self._stream, self._rewrapped = stream, rewrapped
        self._data, self._at, self._line, self._ended = b"", 0, 1, False

    def _more(self) -> bool:
        """Have more of it in memory, at least as much again as is needed still. False at the end."""
        if self._ended:
            return False
        kept = self._data[self._at :]
        if len(kept) > LONGEST:
            raise refused("line {0} of the dump".format(self._line), "begins what is too long for a statement")
        more = self._stream.read(max(_BLOCK, len(kept)))
        if not more:  # what was found in memory stays where it is
            self._ended = True
            return False
        self._data, self._at = kept + more, 0
        return True

    def _advance(self, to: int) -> None:
        self._line += self._data.count(b"\n", self._at, to)
        self._at = to

    def _where(self) -> str:
        return "the statement at line {0} of the dump".format(self._line)

    def _next(self, pattern: Pattern[bytes], place: int) -> Tuple[int, bytes]:
        """Return the next sign that means something, and its place."""
        while True:
            match = pattern.search(self._data, self._at + place)
            if match and (match.end() + self.AHEAD < len(self._data) or self._ended):
                return match.start() - self._at, match.group()
            if not self._more() and match is None:
                raise truncated("it ends within the statement that begins at line {0}".format(self._line))

    def _quoted(self, place: int, pattern: Pattern[bytes]) -> int:
        """Return where a quoted text ends."""
        while True:
            match = pattern.match(self._data, self._at + place)
            if match and (match.end() < len(self._data) or self._ended):
                break
            if not self._more() and not match:
                raise truncated("it ends within quotes, in the statement at line {0}".format(self._line))
        if self._rewrapped and b"\n" in match.group():
            raise unsure_line_ends(self._where())
        return match.end() - self._at

    def _find(self, place: int, what: bytes) -> int:
        while True:
            found = self._data.find(what, self._at + place)
            if found >= 0:
                return found - self._at
            if not self._more():
                raise truncated("it ends within the statement that begins at line {0}".format(self._line))
