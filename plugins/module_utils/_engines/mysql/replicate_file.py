# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a stream: keys that were written, and the rows that have them now. Values, and no SQL.

A line is JSON: an object that names a table, a list that begins with ``-`` for a key, one that begins with ``+`` for a
row, and a number of lines at the end, without which the file is cut.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import IO, Any, Dict, Iterator, List, Sequence, Tuple, Union

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.replicate_events import Key

FORMAT = 1
_GONE, _ROW = "-", "+"
_KINDS: Dict[str, Tuple[type, ...]] = {_ROW: (str, bytes, type(None)), _GONE: (int, str, bytes)}


@dataclass(frozen=True)
class Head:
    """Begins a table: the columns of its keys, and those of its rows."""

    table: str
    key: Tuple[str, ...]
    columns: Tuple[str, ...]


class Row(List[Any]):
    """Values of a row: text, bytes or NULL."""


Item = Union[Head, Key, Row]


class Writer:
    """Writes one file."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out, self._lines, self.size = out, 0, 0

    def head(self, head: Head) -> None:
        """Begin a table."""
        self._line({"format": FORMAT, "table": head.table, "key": head.key, "columns": head.columns})

    def key(self, key: Key) -> None:
        """A key that was written."""
        self._line([_GONE, *map(_plain, key)])

    def row(self, row: Sequence[Any]) -> None:
        """A row that is there."""
        self._line([_ROW, *map(_plain, row)])

    def end(self) -> None:
        """Write what tells that the file is whole."""
        self._line(self._lines)

    def _line(self, what: Any) -> None:
        text = json.dumps(what, separators=(",", ":")).encode("ascii") + b"\n"
        self._out.write(text)
        self._lines += 1
        self.size += len(text)


def _plain(value: Any) -> Any:
    return [value.hex()] if isinstance(value, (bytes, bytearray)) else value


def read(lines: IO[str]) -> Iterator[Item]:
    """What a file says, in its order. Raises ValueError for one that is cut, or no such file."""
    begun = False
    for count, line in enumerate(lines):
        try:
            item = _item(json.loads(line))
        except (TypeError, KeyError, AttributeError, IndexError, RecursionError) as exc:
            raise ValueError("no line of a file of changes") from exc
        if isinstance(item, int):
            if item != count or next(lines, ""):
                raise ValueError("the file of changes is not whole")
            return
        begun = begun or isinstance(item, Head)
        if not begun:
            raise ValueError("rows of no table")
        yield item
    raise ValueError("the file of changes is cut")


def _item(plain: Any) -> Union[Item, int]:
    if isinstance(plain, int) and not isinstance(plain, bool):
        return plain
    if isinstance(plain, dict):
        if plain["format"] != FORMAT:
            raise ValueError("the file of changes was written by another version")
        return Head(str(plain["table"]), tuple(map(str, plain["key"])), tuple(map(str, plain["columns"])))
    values = [_value(value, plain[0]) for value in plain[1:]]
    return Row(values) if plain[0] == _ROW else tuple(values)


def _value(plain: Any, kind: str) -> Any:
    value = bytes.fromhex(plain[0]) if isinstance(plain, list) else plain
    if isinstance(value, bool) or not isinstance(value, _KINDS[kind]):
        raise TypeError
    return value
