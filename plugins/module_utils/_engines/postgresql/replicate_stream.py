# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stream of changes that PostgreSQL's own plugin ``pgoutput`` writes (protocol version 1), kept in files.

A file holds whole transactions in the order in which they were committed, and begins with all that was said of tables
before, so that each can be read by itself. It is messages as they came, each with its length before it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import IO, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

MAGIC = b"relocate.django pgoutput 1\n"
_LENGTH = struct.Struct(">I")
#: No row is longer: the server sends none.
_LONGEST = 1 << 30

BEGIN, COMMIT, RELATION, INSERT, UPDATE, DELETE, TRUNCATE = b"B", b"C", b"R", b"I", b"U", b"D", b"T"
#: What says nothing about rows: origins, types, messages of a site's own.
_PASSED = (b"O", b"Y", b"M")


class Unchanged:
    """A long value that an UPDATE left alone, and that is not sent."""


UNCHANGED = Unchanged()


@dataclass(frozen=True)
class Relation:
    """A table, as the stream names it."""

    schema: str
    name: str
    columns: Tuple[str, ...]
    key: Tuple[str, ...]  # that tell its rows apart


class Change(NamedTuple):
    """One row that was written or is gone, or a table that was emptied.

    ``old`` are the key's values before, where they were others; ``new`` all that there is now.
    """

    kind: bytes
    relation: Relation
    new: Mapping[str, object] = {}
    old: Mapping[str, object] = {}


def record(message: bytes) -> bytes:
    """A message as it stands in a file."""
    return _LENGTH.pack(len(message)) + message


def commit_end(message: bytes) -> int:
    """Return where in the log a transaction ends, by its message COMMIT."""
    return int(struct.unpack_from(">Q", message, 10)[0])


def messages(stream: IO[bytes]) -> Iterator[bytes]:
    """All messages of a file. Raises ValueError for one that is cut or no such file."""
    if stream.read(len(MAGIC)) != MAGIC:
        raise ValueError("not a file of changes")
    while True:
        head = stream.read(_LENGTH.size)
        if not head:
            return
        size = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else _LONGEST + 1
        message = stream.read(size) if size <= _LONGEST else b""
        if len(message) != size:
            raise ValueError("the file of changes is cut")
        yield message


class _Reader:
    """Reads one message from its front to its end."""

    def __init__(self, message: bytes) -> None:
        self._message, self._at = message, 1

    def take(self, form: str) -> int:
        found = struct.unpack_from(">" + form, self._message, self._at)[0]
        self._at += struct.calcsize(">" + form)
        return int.from_bytes(found, "big") if isinstance(found, bytes) else int(found)

    def letter(self) -> bytes:
        self._at += 1
        return self._message[self._at - 1 : self._at]

    def text(self) -> str:
        end = self._message.index(b"\0", self._at)
        found, self._at = self._message[self._at : end].decode("utf-8"), end + 1
        return found

    def part(self, size: int) -> bytes:
        found = self._message[self._at : self._at + size]
        if len(found) != size:
            raise ValueError("a message is cut")
        self._at += size
        return found

    @property
    def more(self) -> bool:
        return self._at < len(self._message)


def relation_of(message: bytes) -> Tuple[int, Relation]:
    """A message RELATION: its number, and what it says."""
    reader = _Reader(message)
    number, schema, name, identity = reader.take("I"), reader.text(), reader.text(), reader.letter()
    columns: List[str] = []
    key: List[str] = []
    for _column in range(reader.take("H")):
        is_key, column = reader.take("B") & 1, reader.text()
        reader.part(8)  # type and modifier
        columns.append(column)
        key += [column] if is_key else []
    # With FULL all columns are said to be the key, and nothing finds a row fast: such tables are not published.
    return number, Relation(schema or "pg_catalog", name, tuple(columns), () if identity == b"f" else tuple(key))


def _row(reader: _Reader, relation: Relation, only: Optional[Tuple[str, ...]] = None) -> Dict[str, object]:
    count = reader.take("H")
    if count != len(relation.columns):
        raise ValueError("a row has {0} columns of {1}".format(count, len(relation.columns)))
    found: Dict[str, object] = {}
    for column in relation.columns:
        kind = reader.letter()
        value: object = UNCHANGED if kind == b"u" else None
        if kind == b"t":
            value = reader.part(reader.take("I"))
        elif kind not in (b"u", b"n"):
            raise ValueError("a value of kind {0!r}".format(kind))
        if only is None or column in only:
            found[column] = value
    return found


class Decoder:
    """Turns messages into changes; remembers what was said of tables."""

    def __init__(self) -> None:
        self._relations: Dict[int, Relation] = {}

    def changes(self, message: bytes) -> List[Change]:
        """Return what one message changes. Raises ValueError for what cannot be read."""
        try:
            return self._changes(message)
        except (struct.error, IndexError, KeyError, UnicodeDecodeError) as exc:
            raise ValueError("a message cannot be read") from exc

    def _changes(self, message: bytes) -> List[Change]:
        kind = message[:1]
        if kind in (BEGIN, COMMIT) or kind in _PASSED:
            return []
        if kind == RELATION:
            number, relation = relation_of(message)
            self._relations[number] = relation
            return []
        reader = _Reader(message)
        if kind == TRUNCATE:
            count, _options = reader.take("I"), reader.letter()
            return [Change(TRUNCATE, self._relations[reader.take("I")]) for _table in range(count)]
        if kind in (INSERT, UPDATE, DELETE):
            return [self._row_change(kind, reader, self._relations[reader.take("I")])]
        raise ValueError("a message of kind {0!r}".format(kind))

    @staticmethod
    def _row_change(kind: bytes, reader: _Reader, relation: Relation) -> Change:
        part, old = reader.letter(), {}
        if part in (b"K", b"O"):
            old = _row(reader, relation, relation.key)
            if kind == DELETE:
                return Change(kind, relation, {}, old)
            part = reader.letter()
        if part != b"N" or kind == DELETE:
            raise ValueError("a row of kind {0!r}".format(part))
        return Change(kind, relation, _row(reader, relation), old)
