# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes commands and reads replies of Redis' protocol (RESP2), within limits. Pure, but for the bytes it asks for.

Whoever answers may be anybody: each length is held against a limit before anything of that length is read.
"""

from __future__ import annotations

import re
from typing import Any, Callable, List, Union

Word = Union[bytes, str, int]
#: A reply: bytes, int, None, a list of replies, or a Refusal.
Reply = Any

_LINE = 64 * 1024  # bytes of a line, such as an error
_ITEMS = 5_000_000  # of a list
_DEPTH = 8
_CHUNK = 64 * 1024
#: Bytes of a value, when only names and numbers are asked for.
SMALL = 4 * 1024 * 1024
#: Redis' own limit for a value, with room for what DUMP adds to it.
LARGE = 544 * 1024 * 1024
_CODE = re.compile(r"^[A-Z]{2,20}\Z")
_NUMBER = re.compile(rb"^-?\d{1,19}\Z")


class Refusal:
    """An error that Redis answered. Only its first word is kept: the rest may repeat what it was sent."""

    def __init__(self, line: bytes) -> None:
        word = line.split(b" ", 1)[0].decode("ascii", "replace")
        self.code = word if _CODE.match(word) else "ERR"


def command(*words: Word) -> bytes:
    """Return a command as it is sent; words may hold any bytes."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word if isinstance(word, bytes) else str(word).encode("utf-8", "surrogateescape")
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


class Replies:
    """Reads one reply after the other.

    :param receive: gives up to so many bytes, and none at the end
    :param limit: bytes of a value at most
    """

    def __init__(self, receive: Callable[[int], bytes], limit: int = SMALL) -> None:
        self._receive, self._limit, self._held = receive, limit, bytearray()

    def read(self, depth: int = 0) -> Reply:
        """Return the next reply. Raises ValueError for what is none, EOFError where the answer ends too early."""
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest
        if kind == b"-":
            return Refusal(rest)
        if not _NUMBER.match(rest):
            raise ValueError("no reply of Redis")
        number = int(rest)
        if kind == b":":
            return number
        if kind == b"$":
            return None if number == -1 else self._value(number)
        if kind == b"*":
            return None if number == -1 else self._list(number, depth)
        raise ValueError("no reply of Redis")

    def _value(self, size: int) -> bytes:
        if not 0 <= size <= self._limit:
            raise ValueError("a value of {0} bytes".format(size))
        data = self._exactly(size + 2)
        if data[-2:] != b"\r\n":
            raise ValueError("no reply of Redis")
        return data[:-2]

    def _list(self, count: int, depth: int) -> List[Reply]:
        if not 0 <= count <= _ITEMS or depth >= _DEPTH:
            raise ValueError("a list of {0} items".format(count))
        return [self.read(depth + 1) for _number in range(count)]

    def _line(self) -> bytes:
        while True:
            end = self._held.find(b"\r\n")
            if end >= 0:
                line = bytes(self._held[:end])
                del self._held[: end + 2]
                return line
            if len(self._held) > _LINE:
                raise ValueError("no reply of Redis")
            self._more(_CHUNK)

    def _exactly(self, size: int) -> bytes:
        while len(self._held) < size:
            self._more(max(_CHUNK, min(size - len(self._held), 1024 * 1024)))
        data = bytes(self._held[:size])
        del self._held[:size]
        return data

    def _more(self, size: int) -> None:
        data = self._receive(size)
        if not data:
            raise EOFError
        self._held += data
