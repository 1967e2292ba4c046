# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes back what Windows did to a text, where that is certain; else refuses it with the command that makes it right.

PowerShell's ``>`` reads what a program writes in the console's code page, and writes UTF-16 with a mark and CR LF. Of
ASCII nothing is lost by that. Other characters may have been read as what they are not, and a wrong guess would change
values without a word. So a marked file with any of them is refused, and so is one whose characters are what UTF-8 looks
like in such a code page.
"""

from __future__ import annotations

import codecs
from typing import IO, Iterator

from ansible_collections.relocate.django.plugins.module_utils._adopt.kinds import Mark
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

_BLOCK = 1 << 20
#: Code pages of consoles, in which UTF-8 may have been read.
_PAGES = (
    "cp437 cp720 cp737 cp775 cp850 cp852 cp855 cp857 cp858 cp860 cp861 cp862 cp863 cp864 cp865 cp866 cp869 cp874"
    " cp932 cp936 cp949 cp950 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258"
).split()
_HINT = (
    "let the dump program write its file itself: pg_dump --file=FILE, mysqldump --result-file=FILE; where only an"
    " editor saved it so: iconv -f {0} -t UTF-8 OLD > NEW, and look at a text with accents"
)


def is_rewrapped(stream: IO[bytes], mark: Mark) -> bool:
    """Tell whether every line of a text ends with CR LF, as Windows writes them. Reads it to its end."""
    if mark.encoding.startswith(("utf-16", "utf-32")):
        return True
    stream.seek(0)
    ends = pairs = 0
    last = b""
    for block in iter(lambda: stream.read(_BLOCK), b""):
        ends += block.count(b"\n")
        pairs += block.count(b"\r\n") + (last == b"\r" and block.startswith(b"\n"))
        if pairs < ends and ends:
            return False
        last = block[-1:]
    return ends > 0


def restored(stream: IO[bytes], mark: Mark) -> Iterator[bytes]:
    """Give a text as its program wrote it: UTF-8 with lines that end with LF. Raises dump_encoding.

    :param stream: a text of which :func:`is_rewrapped` is true, or that has a mark
    """
    stream.seek(len(mark.mark))
    decoder = codecs.getincrementaldecoder(mark.encoding or "utf-8")()
    pages, held = _Pages(), b""
    for block in iter(lambda: stream.read(_BLOCK), b""):
        held += _ascii(decoder, block, False) if mark.encoding else block
        whole = held[: held.rfind(b"\n") + 1]
        held = held[len(whole) :]
        pages.look(whole)
        yield whole.replace(b"\r\n", b"\n")
    held += _ascii(decoder, b"", True) if mark.encoding else b""
    pages.look(held)
    pages.check()
    yield held


def _ascii(decoder: codecs.IncrementalDecoder, block: bytes, final: bool) -> bytes:
    """Raises dump_encoding for any other character."""
    try:
        return decoder.decode(block, final).encode("ascii")
    except UnicodeDecodeError:
        raise RelocateError("dump_encoding", "the dump is not UTF-16, as it began", _HINT.format("UTF-16")) from None
    except UnicodeEncodeError:
        raise RelocateError(
            "dump_encoding",
            "Windows has re-encoded the dump, and it holds other characters than ASCII: which they were is not certain",
            _HINT.format("UTF-16"),
        ) from None


class _Pages:
    """Code pages in which all characters of a text may be UTF-8 that was read wrongly."""

    def __init__(self) -> None:
        self._left, self._is_seen = list(_PAGES), False

    def look(self, lines: bytes) -> None:
        """Strike out each page in which a line cannot have been read so."""
        if not self._left or _is_ascii(lines):
            return
        for line in lines.split(b"\n"):
            if self._left and not _is_ascii(line):
                self._is_seen = True
                self._left = [page for page in self._left if _may_be_read_in(page, line)]

    def check(self) -> None:
        """Raises dump_encoding where a page is left."""
        if self._is_seen and self._left:
            raise RelocateError(
                "dump_encoding",
                "the dump's characters look like UTF-8 that was read in the code page {0}".format(self._left[0]),
                _HINT.format("UTF-8"),
            )


def _is_ascii(data: bytes) -> bool:
    return not data or max(data) < 128


def _may_be_read_in(page: str, line: bytes) -> bool:
    """Tell whether a line may be UTF-8 that was read in a code page, and written as UTF-8."""
    try:
        line.decode("utf-8").encode(page).decode("utf-8")
    except (UnicodeError, LookupError):
        return False
    return True
