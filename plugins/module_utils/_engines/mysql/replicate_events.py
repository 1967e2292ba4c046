# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads MariaDB's binary log, as the server sends it to a replica: which keys of which tables were written. Pure.

Rows themselves are not taken out of it: they are asked for by their keys. So of a row the key alone has to be
understood, and of all columns before it how long they are. A key too many does no harm, a missing one does: whatever
cannot be read raises ValueError.
"""

from __future__ import annotations

import struct
import uuid
import zlib
from dataclasses import dataclass
from typing import Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

#: Of a number; of text and bytes, as they are kept; of a date or a UUID, as an SQL text.
Value = Union[int, bytes, str]
Key = Tuple[Value, ...]

QUERY, ROTATE, LOAD, TABLE_MAP, HEARTBEAT = 2, 4, (17, 18), 19, 27
_WRITE, _UPDATE, _DELETE = (23, 30), (24, 31), (25, 32)
_ROWS = (*_WRITE, *_UPDATE, *_DELETE)
#: What tells nothing of rows: the end of the server, variables of statements, formats, commits, notes, ids.
_PASSED = (3, 5, 13, 14, 15, 16, 28, 29, 160, 161, 162, 163, 164)
_HEADER = struct.Struct("<IBIIIH")
_NO_TABLE = 0xFFFFFF  # of an event that ends a statement, and has no rows
_ARTIFICIAL = 0x20  # made by the server as it sends: it stands nowhere in the log

_NUMBERS = {"tinyint": 1, "smallint": 2, "mediumint": 3, "int": 4, "bigint": 8}
_BYTES = ("char", "varchar", "binary", "varbinary")
#: Kinds of columns whose values can be read.
KINDS = (*_NUMBERS, *_BYTES, "date", "uuid")


class Position(NamedTuple):
    """A place in the log: the number of its file, and how far into that."""

    file: int
    offset: int


def position_of(file: str, offset: int) -> Position:
    """Read a place as servers tell it. Raises ValueError."""
    return Position(int(file.rpartition(".")[2]), int(offset))


@dataclass(frozen=True)
class KeyColumn:
    """A column of a key.

    :param place: among all columns, from 0
    :param kind: as information_schema says it
    :param length: bytes, of a column of fixed bytes
    """

    name: str
    place: int
    kind: str
    unsigned: bool = False
    length: int = 0


@dataclass(frozen=True)
class Followed:
    """A table that is followed: how many columns it has, and its key."""

    name: str
    columns: int
    key: Tuple[KeyColumn, ...]

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Followed:
        """Read what ``as_plain`` made."""
        return cls(plain["name"], plain["columns"], tuple(KeyColumn(**column) for column in plain["key"]))


class Query(NamedTuple):
    """A statement that was logged as text."""

    database: bytes
    text: bytes


class Rows(NamedTuple):
    """Keys of rows that were written, of a table that is followed."""

    table: str
    keys: List[Key]


class _Type(NamedTuple):
    code: int
    meta: int  # in the byte order of its own


#: code of a type -> bytes that describe it in a table's map
_META = {4: 1, 5: 1, 15: 2, 16: 2, 17: 1, 18: 1, 19: 1, 140: 1, 141: 2, 246: 2, 247: 2, 248: 2}
_META.update({249: 1, 250: 1, 251: 1, 252: 1, 253: 2, 254: 2, 255: 1})
_FIXED = {1: 1, 2: 2, 3: 4, 6: 0, 7: 4, 8: 8, 9: 3, 10: 3, 11: 3, 12: 8, 13: 1, 14: 3}
_FRACTIONS = {17: 4, 18: 5, 19: 3}  # of temporal types that have some
_DIGITS = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)  # bytes of so many decimal digits
_BLOBS = (140, 249, 250, 251, 252, 255)
_KNOWN = {*_FIXED, *_META}


class Log:
    """Turns events into what they say, and knows how far it is.

    :param database: as tables are in the log
    :param tables: those that are followed, by name
    :param start: where the log is read from
    """

    def __init__(self, database: str, tables: Mapping[str, Followed], start: Position, folded: bool = False) -> None:
        self._database, self._folded = database, folded
        self._tables = {self._fold(name): table for name, table in tables.items()}
        self._maps: Dict[int, Optional[Tuple[Followed, Sequence[_Type]]]] = {}
        self.position = start

    def _fold(self, name: str) -> str:
        return name.lower() if self._folded else name

    def leave(self, table: str) -> None:
        """Follow a table no longer."""
        self._tables.pop(self._fold(table), None)

    def take(self, packet: bytes) -> Union[Query, Rows, None]:
        """Take one event in. Raises ValueError for what cannot be followed."""
        try:
            return self._take(packet)
        except (struct.error, IndexError, KeyError, UnicodeDecodeError, OverflowError) as exc:
            raise ValueError("an event of the binary log cannot be read") from exc

    def _take(self, packet: bytes) -> Union[Query, Rows, None]:
        if packet[:1] != b"\0":
            raise ValueError("the server ended the binary log")
        _time, kind, _server, size, end, flags = _HEADER.unpack_from(packet, 1)
        if size != len(packet) - 1:
            raise ValueError("an event of the binary log is cut")
        body = _unsealed(packet)[1 + _HEADER.size :]
        if kind == ROTATE:
            self._turn(position_of(body[8:].decode("ascii"), struct.unpack_from("<Q", body)[0]))
            return None
        found = self._said(kind, body)
        if end and not flags & _ARTIFICIAL:
            self._move(end)
        return found

    def _turn(self, begin: Position) -> None:
        if begin < self.position:
            raise ValueError("the binary log was begun anew")
        self.position = begin

    def _move(self, end: int) -> None:
        if end < self.position.offset:
            raise ValueError("a file of the binary log is longer than 4 GiB")
        self.position = Position(self.position.file, end)

    def _said(self, kind: int, body: bytes) -> Union[Query, Rows, None]:
        if kind in _ROWS:
            return self._rows(kind, body)
        if kind == TABLE_MAP:
            self._map(body)
        elif kind == QUERY:
            return _query(body)
        elif kind in LOAD:
            return Query(b"", b"LOAD DATA")
        elif kind != HEARTBEAT and kind not in _PASSED:
            raise ValueError("an event of kind {0} in the binary log".format(kind))
        return None

    def _map(self, body: bytes) -> None:
        reader = _Reader(body)
        number = reader.number(6)
        reader.skip(2)
        database, table = reader.name(), reader.name()
        self._maps[number] = None
        if self._fold(database) != self._fold(self._database):
            return
        followed = self._tables.get(self._fold(table))
        if followed is None:
            return
        types = reader.types(reader.length())
        if len(types) != followed.columns:
            raise ValueError("table {0} has {1} columns of {2}".format(table, len(types), followed.columns))
        self._maps[number] = followed, types

    def _rows(self, kind: int, body: bytes) -> Optional[Rows]:
        reader = _Reader(body)
        number = reader.number(6)
        reader.skip(2)
        if kind >= 30:  # the second version has room for more
            reader.skip(reader.number(2) - 2)
        known = None if number == _NO_TABLE else self._maps[number]
        if known is None or self._fold(known[0].name) not in self._tables:
            return None
        table, types = known
        images = _images(reader, table, len(types), 2 if kind in _UPDATE else 1)
        keys: List[Key] = []
        while reader.more:
            for image in images:
                keys += _keys(table, reader.row(types, image))
        return Rows(table.name, keys)


def _images(reader: _Reader, table: Followed, columns: int, count: int) -> List[List[bool]]:
    """Which columns are there of each row: before and after, of an UPDATE."""
    if reader.length() != columns:
        raise ValueError("a row of table {0} has other columns".format(table.name))
    images = [reader.bits(columns) for _image in range(count)]
    for image in images:
        if not all(image[column.place] for column in table.key):
            raise ValueError("a row of table {0} came without its key (binlog_row_image)".format(table.name))
    return images


def _unsealed(packet: bytes) -> bytes:
    """An event without its checksum. Not all that a server sends has one, whatever it says of its log."""
    sealed = len(packet) > _HEADER.size + 4 and packet[-4:] == struct.pack("<I", zlib.crc32(packet[1:-4]))
    return packet[:-4] if sealed else packet


def _query(body: bytes) -> Query:
    length, status = body[8], struct.unpack_from("<H", body, 11)[0]
    begin = 13 + status
    return Query(body[begin : begin + length], body[begin + length + 1 :])


def _keys(table: Followed, row: Sequence[Optional[bytes]]) -> Iterator[Key]:
    """The key of a row; of a kind that servers keep in two ways, both of what it may mean."""
    values = [_value(column, row[column.place]) for column in table.key]
    yield tuple(each[0] for each in values)
    if any(len(each) > 1 for each in values):
        yield tuple(each[-1] for each in values)


def _value(column: KeyColumn, value: Optional[bytes]) -> List[Value]:
    if value is None:
        raise ValueError("a key that is NULL in column {0}".format(column.name))
    if column.kind in _NUMBERS:
        if len(value) != _NUMBERS[column.kind]:
            raise ValueError("a number of {0} bytes".format(len(value)))
        return [int.from_bytes(value, "little", signed=not column.unsigned)]
    if column.kind == "date":
        number = int.from_bytes(value, "little")
        return ["{0:04d}-{1:02d}-{2:02d}".format(number >> 9, number >> 5 & 15, number & 31)]
    if column.kind == "binary":
        return [value.ljust(column.length, b"\0")]
    if column.kind == "uuid":
        return _uuids(value.ljust(16, b"\0"))
    return [value]


def _uuids(value: bytes) -> List[Value]:
    """MariaDB keeps the parts of a UUID in turned order, so that those of one host lie together; not of newer kinds."""
    turned = value[12:16] + value[10:12] + value[8:10] + value[6:8] + value[0:6]
    return [str(uuid.UUID(bytes=turned)), str(uuid.UUID(bytes=value))]


class _Reader:
    """Reads an event from its front to its end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def more(self) -> bool:
        return self._at < len(self._data)

    def skip(self, count: int) -> bytes:
        found = self._data[self._at : self._at + count]
        if count < 0 or len(found) != count:
            raise ValueError("an event of the binary log is cut")
        self._at += count
        return found

    def number(self, size: int) -> int:
        return int.from_bytes(self.skip(size), "little")

    def length(self) -> int:
        """A number of one byte, or longer where that says so."""
        first = self.number(1)
        return first if first < 251 else self.number({252: 2, 253: 3, 254: 8}[first])

    def name(self) -> str:
        found = self.skip(self.number(1)).decode("utf-8")
        self.skip(1)
        return found

    def bits(self, count: int) -> List[bool]:
        found = self.number((count + 7) // 8)
        return [bool(found >> place & 1) for place in range(count)]

    def types(self, count: int) -> List[_Type]:
        codes, described = list(self.skip(count)), _Reader(self.skip(self.length()))
        for code in codes:
            if code not in _KNOWN:
                raise ValueError("a column of type {0} in the binary log".format(code))
        return [_Type(code, described.number(_META.get(code, 0))) for code in codes]

    def row(self, types: Sequence[_Type], image: Sequence[bool]) -> List[Optional[bytes]]:
        """The values of a row, as they are kept; None for NULL and for what is not in this image."""
        present = sum(image)
        nulls = iter(self.bits(present))
        return [self._one(kind, next(nulls)) if there else None for kind, there in zip(types, image)]

    def _one(self, kind: _Type, null: bool) -> Optional[bytes]:
        return None if null else self.value(kind)

    def value(self, kind: _Type) -> bytes:
        code, low, high = kind.code, kind.meta & 255, kind.meta >> 8
        if code in _FIXED:
            return self.skip(_FIXED[code])
        if code in (4, 5):
            return self.skip(low)
        if code in _BLOBS:
            return self.skip(self.number(low))
        if code in _FRACTIONS:
            return self.skip(_FRACTIONS[code] + (low + 1) // 2)
        if code in (15, 141, 253):
            return self.skip(self.number(1 if kind.meta < 256 else 2))
        if code == 246:
            return self.skip(_decimal(low, high))
        if code == 16:
            return self.skip((low + 7) // 8 + high)
        return self._text(low, high)

    def _text(self, real: int, size: int) -> bytes:
        """A CHAR, an ENUM or a SET: which, and two bits of its length, are in one byte."""
        if real & 0x30 != 0x30:
            size, real = size | ((real & 0x30) ^ 0x30) << 4, real | 0x30
        if real in (247, 248):
            return self.skip(size)
        return self.skip(self.number(1 if size < 256 else 2))


def _decimal(precision: int, scale: int) -> int:
    return sum(digits // 9 * 4 + _DIGITS[digits % 9] for digits in (precision - scale, scale))


def together(found: Iterable[Key]) -> List[Key]:
    """Every key once, in the order of their first one."""
    return list(dict.fromkeys(found))
