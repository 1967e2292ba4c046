# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changed in a file since it was copied: which blocks of it, and the form in which they travel.

A database is a file here, and a file is bytes: nothing is known of pages, tables or the version of SQLite. The first
copy is noted as the digests of its blocks. The blocks that have another digest later are all that it takes to make the
later file out of the copy. What is made has a digest of its own, which tells that it is that file, byte for byte.

Pure: no file is opened here. What is read is never held whole, and the list of digests has a bound.
"""

from __future__ import annotations

import base64
import json
import struct
from array import array
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import IO, Any, Dict, Iterator, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.sql import cannot_catch_up
from ansible_collections.relocate.django.plugins.module_utils._progress import PROGRESS

FORMAT = 1
#: Bytes of a block: as many as most pages have, and more where the file would have more blocks than a list should.
SMALLEST, MOST = 4096, 1 << 20
#: Above this share of all bytes the whole way is as fast, and above so many it matters.
SHARE, FEW = 0.5, 4 * 1024 * 1024

_DIGEST = 16  # bytes of a block's
_CHUNK = 1024 * 1024  # bytes that are read at a time
_LARGEST = 1 << 30  # bytes of a block that anybody could mean
_LINE = 1024  # bytes of the line that says what comes
_NUMBER = struct.Struct(">Q")


def block_size(size: int) -> int:
    """Return in blocks of how many bytes, a power of two, a file of ``size`` bytes is noted."""
    block = SMALLEST
    while block * MOST < size:
        block *= 2
    return block


def digest_of(data: Any) -> bytes:
    """The digest of one block."""
    return blake2b(data, digest_size=_DIGEST).digest()


def blocks_in(size: int, block: int) -> int:
    """Count the blocks of a file; the last may be a short one."""
    return -(-size // block)


def blocks_of(stream: IO[bytes], size: int, block: int) -> Iterator[memoryview]:
    """Give the first ``size`` bytes of a stream, block by block. Raises cannot_catch_up when it holds less."""
    left = size
    while left:
        data = stream.read(min(left, max(block, _CHUNK)))
        left -= len(data)
        PROGRESS.add(len(data))
        if not data or (left and len(data) % block):
            raise cannot_catch_up("the file ends {0} bytes early".format(left))
        view = memoryview(data)
        for start in range(0, len(data), block):
            yield view[start : start + block]


def digests(stream: IO[bytes], size: int, block: int) -> bytes:
    """The digests of all blocks, one after the other. Raises as :func:`blocks_of`."""
    found = bytearray()
    for data in blocks_of(stream, size, block):
        found += digest_of(data)
    return bytes(found)


class Whole:
    """The digest of a whole file: of its size and of the digests of its blocks, which are added in their order."""

    def __init__(self, size: int, block: int) -> None:
        self._made = blake2b("{0} {1}\n".format(size, block).encode("ascii"), digest_size=32)

    def add(self, several: bytes) -> None:
        """Add digests of blocks."""
        self._made.update(several)

    def text(self) -> str:
        """Return it in hexadecimal."""
        return self._made.hexdigest()


def whole(size: int, block: int, several: bytes) -> str:
    """The digest of a file by those of all its blocks."""
    made = Whole(size, block)
    made.add(several)
    return made.text()


@dataclass(frozen=True)
class Noted:
    """A file as its first copy has it.

    :param size: in bytes
    :param digests: of its blocks
    """

    size: int
    block: int
    digests: bytes

    @classmethod
    def of(cls, stream: IO[bytes], size: int) -> Noted:
        """Read a file. Raises as :func:`blocks_of`."""
        return cls(size, block_size(size), digests(stream, size, block_size(size)))

    def plain(self) -> Dict[str, Any]:
        """Return it as JSON can carry it."""
        text = base64.b64encode(self.digests).decode("ascii")
        return {"format": FORMAT, "size": self.size, "block": self.block, "digests": text}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Noted:
        """Read what :meth:`plain` made. Raises cannot_catch_up for anything else."""
        try:
            size, block = int(plain["size"]), int(plain["block"])
            found = base64.b64decode(plain["digests"], validate=True)
            if plain["format"] == FORMAT and _is_block(block) and len(found) == _DIGEST * blocks_in(size, block):
                return cls(size, block, found)
        except (KeyError, TypeError, ValueError):
            pass
        raise cannot_catch_up("the first copy was made by another version")


def _is_block(block: int) -> bool:
    return SMALLEST <= block <= _LARGEST and not block & (block - 1)


@dataclass(frozen=True)
class Contents:
    """What a catch-up says of itself, in its first line.

    :param base_size: of the copy, in bytes
    :param base: the digest of the copy
    :param size: of what is made of it, in bytes
    :param result: the digest of that
    :param count: how many blocks follow
    """

    block: int
    base_size: int
    base: str
    size: int
    result: str
    count: int
    format: int = FORMAT

    def line(self) -> bytes:
        """Return the first line."""
        return (json.dumps(asdict(self), sort_keys=True) + "\n").encode("ascii")

    @classmethod
    def read(cls, stream: IO[bytes]) -> Contents:
        """Read the first line. Raises cannot_catch_up for one that cannot be read."""
        line = stream.readline(_LINE)
        try:
            found = cls(**json.loads(line.decode("ascii")))
            if line.endswith(b"\n") and found.is_possible():
                return found
        except (TypeError, ValueError, RecursionError):
            pass
        raise cannot_catch_up("the catch-up cannot be read")

    def is_possible(self) -> bool:
        """Tell whether all of it has the right type, and fits together."""
        numbers = (self.block, self.base_size, self.size, self.count, self.format)
        if any(isinstance(number, bool) or not isinstance(number, int) or number < 0 for number in numbers):
            return False
        if not all(isinstance(text, str) and len(text) == 64 for text in (self.base, self.result)):
            return False
        return self.format == FORMAT and _is_block(self.block) and self.count <= blocks_in(self.size, self.block)

    def length(self, number: int) -> int:
        """How many bytes a block of the result has; 0 for one that it has not."""
        return max(0, min(self.block, self.size - number * self.block))


@dataclass(frozen=True)
class Changes:
    """What changed in a file since its first copy.

    :param size: of the file now, in bytes
    :param now: digests of all its blocks
    :param numbers: of the blocks that are others, or were not there, in their order
    """

    noted: Noted
    size: int
    now: bytes
    numbers: Sequence[int]

    @classmethod
    def since(cls, noted: Noted, stream: IO[bytes], size: int) -> Changes:
        """Read a file. Raises as :func:`blocks_of`, and where the whole file travels as fast."""
        now, before, numbers = digests(stream, size, noted.block), noted.digests, array("Q")
        for number, start in enumerate(range(0, len(now), _DIGEST)):
            if now[start : start + _DIGEST] != before[start : start + _DIGEST]:
                numbers.append(number)
        moving = min(size, len(numbers) * noted.block)
        if moving > max(FEW, SHARE * size):
            raise cannot_catch_up("{0} of {1} bytes changed".format(moving, size))
        return cls(noted, size, now, numbers)

    def write(self, target: IO[bytes], stream: IO[bytes]) -> None:
        """Write them: what they are, then each block after its number.

        :param stream: the file
        Raises cannot_catch_up when somebody wrote to it meanwhile.
        """
        block, noted = self.noted.block, self.noted
        base, result = whole(noted.size, block, noted.digests), whole(self.size, block, self.now)
        contents = Contents(block, noted.size, base, self.size, result, len(self.numbers))
        target.write(contents.line())
        for number in self.numbers:
            stream.seek(number * block)
            data = stream.read(contents.length(number))
            if digest_of(data) != self.now[number * _DIGEST : (number + 1) * _DIGEST]:
                raise cannot_catch_up("the database changed while it was read")
            target.write(_NUMBER.pack(number))
            target.write(data)


def _brought(changes: IO[bytes], contents: Contents) -> Iterator[Tuple[int, bytes]]:
    """Give the blocks that follow the first line. Raises cannot_catch_up when they are not as it says."""
    last = -1
    for _each in range(contents.count):
        head = changes.read(_NUMBER.size)
        number = _NUMBER.unpack(head)[0] if len(head) == _NUMBER.size else -1
        data = changes.read(contents.length(number)) if number > last else b""
        if not data or len(data) != contents.length(number):
            raise cannot_catch_up("the catch-up is cut off, or its blocks are out of order")
        last = number
        yield number, data
    if changes.read(1):
        raise cannot_catch_up("the catch-up holds more than it says")


class _Result:
    """What is made: written in large pieces, and its digest."""

    def __init__(self, target: IO[bytes], contents: Contents) -> None:
        self._target, self._pending = target, bytearray()
        self.digest = Whole(contents.size, contents.block)

    def add(self, data: Any, digest: bytes) -> None:
        """Add a block."""
        self.digest.add(digest)
        self._pending += data
        if len(self._pending) >= _CHUNK:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        self._target.write(self._pending)
        self._pending = bytearray()


def apply(changes: IO[bytes], copy: IO[bytes], copy_size: int, target: IO[bytes]) -> None:
    """Make the later file out of the first copy and what changed.

    :param changes: what :meth:`Changes.write` wrote, open at its beginning
    :param copy: of whose bytes none is believed before all are read
    :param copy_size: in bytes
    :param target: what must not be used when this fails
    Raises cannot_catch_up.
    """
    contents = Contents.read(changes)
    if copy_size != contents.base_size:
        raise cannot_catch_up("the first copy has {0} of {1} bytes".format(copy_size, contents.base_size))
    base, result = Whole(contents.base_size, contents.block), _Result(target, contents)
    old, new = blocks_of(copy, contents.base_size, contents.block), _brought(changes, contents)
    following = next(new, None)
    for number in range(blocks_in(max(contents.base_size, contents.size), contents.block)):
        data: Optional[Any] = next(old, None)
        digest = b"" if data is None else digest_of(data)
        base.add(digest)
        if following is not None and following[0] == number:
            data, digest, following = following[1], digest_of(following[1]), next(new, None)
        if not contents.length(number):
            continue  # the file became shorter
        if data is None:
            raise cannot_catch_up("the catch-up lacks block {0}".format(number))
        result.add(data, digest)
    result.flush()
    if base.text() != contents.base:
        raise cannot_catch_up("the first copy is not what it was when it was made")
    if result.digest.text() != contents.result:
        raise cannot_catch_up("the first copy and what changed do not make what the frozen database holds")
