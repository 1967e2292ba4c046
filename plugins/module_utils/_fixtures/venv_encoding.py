# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Gives a fixture as UTF-8, however it came: UTF-16 is read where that is certain, anything else is named.

Windows' editors and PowerShell write UTF-16, marks of the byte order, and lines that end with CR and LF. Bytes that are
not UTF-8 are refused with the line and the command that re-encodes the file: which single-byte encoding they are is a
guess, and a wrong one would change texts without a word.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
"""

import codecs
import io
import re
from typing import Any, BinaryIO, Dict, List, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_objects import at_line
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError

_BLOCK = 1 << 16  # bytes
_MOST = 10000  # lines before a fixture that are looked at
_LONG = 1 << 20  # bytes of such a line
#: Marks of the byte order; that of UTF-32 begins as that of UTF-16 does.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF8, ""),
)
#: How a fixture's first line begins, by its format.
_BEGINNINGS = {
    "json": re.compile(rb"\s*\[\s*(\{|\]|\Z)"),
    "jsonl": re.compile(rb"\s*\{\s*\"(model|pk|fields|relocate_fixture)\"\s*:"),
    "lines": re.compile(rb"\{\"relocate_fixture\""),
    "xml": re.compile(rb"\s*<(\?xml|django-objects)\b"),
    "yaml": re.compile(rb"(- \S|---\s|\[\s*(\]|\{))"),
}
#: Bytes that are letters and signs in Windows' encoding of western Europe, and control characters in ISO-8859-1.
_WINDOWS = re.compile(rb"[\x80-\x9f]")


class _Pieces(io.RawIOBase):
    """A file made of what a function gives, piece by piece."""

    def __init__(self, first: bytes, stream: BinaryIO) -> None:
        """Begin with what was read already."""
        super().__init__()
        self._first, self._stream = first, stream

    def readable(self) -> bool:
        """It is."""
        return True

    def _more(self) -> bytes:
        return self._stream.read(_BLOCK)

    def readinto(self, buffer: Any) -> int:
        """Give the next piece, as much as fits."""
        if not self._first:
            self._first = self._more()
        piece, self._first = self._first[: len(buffer)], self._first[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


class _Recoded(_Pieces):
    """UTF-16 or UTF-32 as UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        """Begin behind the mark."""
        super().__init__(b"", stream)
        self._name = encoding
        self._decode = codecs.getincrementaldecoder(encoding)().decode
        self._ended, self._line = False, 1

    def _more(self) -> bytes:
        while not self._ended:
            block = self._stream.read(_BLOCK)
            self._ended = not block
            try:
                text = self._decode(block, self._ended)
            except UnicodeDecodeError:
                raise at_line(self._line, "this is not {0}, as the file began".format(self._name)) from None
            if text:
                self._line += text.count("\n")
                return text.encode("utf-8", "surrogatepass")
        return b""


class _WithoutReturns(_Pieces):
    """Lines that end with LF alone: the lossless form is hashed line by line."""

    def _more(self) -> bytes:
        block = self._stream.read(_BLOCK)
        while block.endswith(b"\r"):
            more = self._stream.read(_BLOCK)
            if not more:
                break
            block += more
        return block.replace(b"\r\n", b"\n")


def as_utf8(stream: Any, form: str, skip_leading: bool) -> Tuple[Any, List[str]]:
    """The fixture as UTF-8 without a mark, and notes on what was done to it. Raises FixtureError.

    :param stream: that can be peeked into
    :param form: its format
    :param skip_leading: whether lines before the fixture are left out
    """
    notes: List[str] = []
    encoding, mark = _encoding(stream, form)
    if mark:
        stream.read(len(mark))
    if encoding:
        notes.append("the fixture is {0}, read as such".format(encoding))
        stream = io.BufferedReader(_Recoded(stream, encoding), _BLOCK)
    if skip_leading:
        stream, skipped = _behind(stream, form)
        if skipped:
            notes.append("{0} lines before the fixture were left out".format(skipped))
    return stream, notes


def without_returns(stream: Any) -> Any:
    """The lossless form with lines that end with LF alone, as its first line tells."""
    first = stream.readline()
    if first.endswith(b"\r\n"):
        return io.BufferedReader(_WithoutReturns(first[:-2] + b"\n", stream), _BLOCK)
    return io.BufferedReader(_Pieces(first, stream), _BLOCK)


def _encoding(stream: Any, form: str) -> Tuple[str, bytes]:
    """The encoding where it is not UTF-8, and the mark that the file begins with."""
    first = stream.peek(4)[:4]
    if form == "xml":
        return "", b""  # its own parser knows, and a declaration may say so
    for mark, encoding in _MARKS:
        if first.startswith(mark):
            return encoding, mark
    # All formats begin with ASCII characters, so zeros tell. (RFC 4627, section 3)
    zeros = tuple(byte == 0 for byte in bytearray(first[:4]))
    return _ZEROS.get(zeros, ""), b""


_ZEROS: Dict[Tuple[bool, ...], str] = {
    (False, True, False, True): "utf-16-le",
    (True, False, True, False): "utf-16-be",
    (False, True, True, True): "utf-32-le",
    (True, True, True, False): "utf-32-be",
}


def _behind(stream: Any, form: str) -> Tuple[Any, int]:
    """The stream from the fixture's first line on, and how many lines were before it. Raises FixtureError."""
    begins = _BEGINNINGS[form]
    for number in range(_MOST):
        line = stream.readline(_LONG)
        if not line:
            break
        if begins.match(line):
            return io.BufferedReader(_Pieces(line, stream), _BLOCK), number
    raise FixtureError(
        "fixture_invalid",
        "no line begins as {0} does, so nothing tells where the fixture begins".format(form),
        "remove what is before the fixture, or correct format",
    )


def not_utf8(data: bytes, line: int, before: str) -> FixtureError:
    """Return what a fixture is refused for whose bytes are not UTF-8.

    :param data: bytes that include the first that is wrong
    :param line: of the first of them
    :param before: what comes before the line in the message, such as the object
    """
    at = _first_wrong(data)
    name = "CP1252" if _WINDOWS.search(data) else "ISO-8859-1"
    where = line + data.count(b"\n", 0, at or 0)
    return FixtureError(
        "fixture_invalid",
        "{0}line {1}: this is not UTF-8 (byte 0x{2:02x}); it may be {3}".format(
            before, where, bytearray(data)[at or 0], name
        ),
        "re-encode it: iconv -f {0} -t UTF-8 OLD > NEW, and look at a text with accents".format(name),
        line=where,
        encoding=name,
    )


def _first_wrong(data: bytes) -> Optional[int]:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return None
