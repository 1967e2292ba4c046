# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads which libraries a program or an extension module links to, out of its ELF headers. Nothing of it is run.

``ldd`` starts the loader of the file that it looks at, for each file anew; this reads a few hundred bytes of it.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, List, Tuple

_DYNAMIC = 2  # type of a program header
_LOAD = 1
_NEEDED, _STRINGS = 1, 5  # tags of the dynamic section
_MOST = 4096  # headers, or entries
_NAMES = 1024 * 1024  # bytes of the table of names


class _Layout:
    """Says how numbers lie in a file: its word size and byte order."""

    def __init__(self, head: bytes) -> None:
        self.wide = head[4] == 2
        self.order = ">" if head[5] == 2 else "<"
        self.program = self.order + ("IIQQQQQQ" if self.wide else "IIIIIIII")
        self.entry = self.order + ("qQ" if self.wide else "iI")

    def headers(self, head: bytes) -> Tuple[int, int, int]:
        """Return where the program headers begin, the size of one, and their number."""
        start = struct.unpack_from(self.order + ("Q" if self.wide else "I"), head, 32 if self.wide else 28)[0]
        size, number = struct.unpack_from(self.order + "HH", head, 54 if self.wide else 42)
        return start, size, min(number, _MOST)

    def segment(self, data: bytes) -> Tuple[int, int, int, int]:
        """Return type, offset, address and size of one program header."""
        fields = struct.unpack_from(self.program, data)
        return (
            (fields[0], fields[2], fields[3], fields[5]) if self.wide else (fields[0], fields[1], fields[2], fields[4])
        )


def needed(stream: BinaryIO) -> List[str]:
    """Return the names of the libraries that a file links to; none for a file that is not of this format."""
    try:
        return _needed(stream)
    except (struct.error, OSError, ValueError, OverflowError, IndexError, MemoryError):
        return []


def _needed(stream: BinaryIO) -> List[str]:
    head = stream.read(64)
    if head[:4] != b"\x7fELF":
        return []
    layout = _Layout(head)
    segments = _segments(stream, layout, head)
    entries = [item for kind, *place in segments if kind == _DYNAMIC for item in _entries(stream, layout, place)]
    names = b"".join(_at_address(stream, segments, value) for tag, value in entries if tag == _STRINGS)
    return [_name(names, value) for tag, value in entries if tag == _NEEDED and value < len(names)]


def _segments(stream: BinaryIO, layout: _Layout, head: bytes) -> List[Tuple[int, int, int, int]]:
    start, size, number = layout.headers(head)
    stream.seek(start)
    table = stream.read(size * number)
    return [layout.segment(table[at : at + size]) for at in range(0, len(table) - size + 1, max(size, 1))]


def _entries(stream: BinaryIO, layout: _Layout, place: List[int]) -> List[Tuple[int, int]]:
    """The pairs of the dynamic section."""
    offset, _address, size = place
    each = struct.calcsize(layout.entry)
    stream.seek(offset)
    data = stream.read(min(size, _MOST * each))
    return [struct.unpack_from(layout.entry, data, at) for at in range(0, len(data) - each + 1, each)]


def _at_address(stream: BinaryIO, segments: List[Tuple[int, int, int, int]], address: int) -> bytes:
    for kind, offset, start, size in segments:
        if kind == _LOAD and start <= address < start + size:
            stream.seek(offset + address - start)
            return stream.read(min(size - (address - start), _NAMES))
    return b""


def _name(names: bytes, at: int) -> str:
    return names[at : names.find(b"\0", at)].decode("ascii", "replace")
