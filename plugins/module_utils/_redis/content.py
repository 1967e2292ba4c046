# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what a value of Redis holds in one digest, which is the same on every version and in every order of hashing.

What DUMP gives depends on both, so that equal values may have other bytes there.
"""

from __future__ import annotations

import hashlib
from typing import Any, Iterable, Iterator, List, Mapping, Tuple

from ansible_collections.relocate.django.plugins.module_utils._redis import resp

#: How a value of each type is read whole; the type's letter is what our files know it by.
LETTERS: Mapping[bytes, bytes] = {
    b"string": b"s",
    b"list": b"l",
    b"set": b"e",
    b"hash": b"h",
    b"zset": b"z",
    b"stream": b"x",
}


def reading(letter: bytes, name: bytes) -> bytes:
    """Return the command that reads a value whole."""
    words: Mapping[bytes, Tuple[resp.Word, ...]] = {
        b"s": ("GET", name),
        b"l": ("LRANGE", name, 0, -1),
        b"e": ("SMEMBERS", name),
        b"h": ("HGETALL", name),
        b"z": ("ZRANGE", name, 0, -1, "WITHSCORES"),
        b"x": ("XRANGE", name, "-", "+"),
    }
    return resp.command(*words[letter])


def digest(letter: bytes, reply: Any) -> bytes:
    """Return the sha256 of what :func:`reading` was answered. Raises ValueError for what is no such answer."""
    if letter == b"s":
        if not isinstance(reply, bytes):
            raise ValueError("no value")
        return _of([reply])
    items = list(_items(letter, reply))
    return _of(sorted(items) if letter in (b"e", b"h") else items)


def _items(letter: bytes, reply: Any) -> Iterator[bytes]:
    """Give the items of a collection, each as one text."""
    if not isinstance(reply, list):
        raise ValueError("no collection")
    if letter in (b"l", b"e"):
        yield from (_checked(item) for item in reply)
    elif letter == b"x":
        yield from (_of(_flat(entry)) for entry in reply)
    else:
        for first, second in zip(reply[::2], reply[1::2]):
            # How a score is written depends on the version.
            other = repr(float(second)).encode("ascii") if letter == b"z" else _checked(second)
            yield _of([_checked(first), other])


def _flat(entry: Any) -> List[bytes]:
    """The id, the fields and the values of an entry of a stream."""
    if not isinstance(entry, list) or len(entry) != 2 or not isinstance(entry[1], list):
        raise ValueError("no entry")
    return [_checked(entry[0]), *(_checked(item) for item in entry[1])]


def _checked(item: Any) -> bytes:
    if not isinstance(item, bytes):
        raise ValueError("no text")
    return item


def _of(parts: Iterable[bytes]) -> bytes:
    """One digest of several texts, each with its length, so that no two lists of them look the same."""
    found = hashlib.sha256()
    for part in parts:
        found.update(b"%d:" % len(part))
        found.update(part)
    return found.digest()
