# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of a backup set that holds the keys of one database of Redis: written, and read back, key by key.

A head, one record for each key, and at the end how many there were, so that a file that was cut tells so.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import IO, Iterator

from ansible_collections.relocate.django.plugins.module_utils._redis.content import LETTERS
from ansible_collections.relocate.django.plugins.module_utils._redis.resp import LARGE

_HEAD = b"relocate.django keys of redis 1\n"
_KEY = struct.Struct(">1sqIQ32s")  # letter of its type, when it expires, lengths of name and value, digest
_END = struct.Struct(">1sQ")
_LAST = b"."
#: Stands for a key that does not expire.
NEVER = -1


@dataclass(frozen=True)
class Key:
    """One key: what DUMP gave, and the digest of what it holds."""

    letter: bytes  # of its type
    name: bytes
    value: bytes
    digest: bytes
    expires: int = NEVER  # in milliseconds since 1970


def write_head(stream: IO[bytes]) -> None:
    """Begin a file."""
    stream.write(_HEAD)


def write(stream: IO[bytes], key: Key) -> None:
    """Add a key."""
    stream.write(_KEY.pack(key.letter, key.expires, len(key.name), len(key.value), key.digest))
    stream.write(key.name)
    stream.write(key.value)


def write_end(stream: IO[bytes], count: int) -> None:
    """End a file."""
    stream.write(_END.pack(_LAST, count))


def read(stream: IO[bytes]) -> Iterator[Key]:
    """Give the keys of a file. Raises ValueError for what is none, or was cut."""
    if stream.read(len(_HEAD)) != _HEAD:
        raise ValueError("no file of keys")
    count = 0
    while True:
        letter = _exactly(stream, 1)
        if letter == _LAST:
            if _END.unpack(letter + _exactly(stream, _END.size - 1))[1] != count or stream.read(1):
                raise ValueError("another number of keys")
            return
        yield _key(stream, letter)
        count += 1


def _key(stream: IO[bytes], letter: bytes) -> Key:
    _letter, expires, name, value, digest = _KEY.unpack(letter + _exactly(stream, _KEY.size - 1))
    if letter not in LETTERS.values() or expires < NEVER or name > LARGE or value > LARGE:
        raise ValueError("no key")
    return Key(letter, _exactly(stream, name), _exactly(stream, value), digest, expires)


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise ValueError("the file ends too early")
    return data
