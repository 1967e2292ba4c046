# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes a SQLite database that somebody else copied, or the text of ``sqlite3 DATABASE .dump``.

Both are a stranger's. Of a text, only what ``.dump`` writes is run, and SQLite itself is told to refuse whatever leads
out of the one file.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sqlite3
import struct
from typing import IO, Iterator, List, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.foreign import (
    LONGEST,
    SQLITE_FILE,
    ForeignDump,
    refused,
    truncated,
    unsure_line_ends,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite.content import connect, settle
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite.files import (
    check_whole,
    owned,
    processes_with,
    sync,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import created
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._progress import BYTES, PROGRESS, Amount

_HEADER, _FRAME, _WAL_HEADER = 100, 24, 32  # bytes
_FIRST = frozenset("ANALYZE BEGIN COMMIT CREATE DELETE INSERT PRAGMA".split())
_UNKNOWN_WAL = (
    "database {0}: the file is in WAL mode, and no -wal lies beside it: whether the site had written more than it holds"
    " cannot be known"
)


def examine(dump: ForeignDump, alias: str) -> List[str]:
    """Look at a dump without writing; returns sentences for the result. Raises dump_truncated, dump_refused."""
    if dump.kind != SQLITE_FILE:
        tables = sum(1 for text, _line in _statements(dump) if text[:12].upper() == "CREATE TABLE")
        if not tables:
            raise refused("the dump", "makes no table")
        return []
    header = _header(dump.stream)
    _check_sides(dump, header)
    if not dump.sides:
        _check_size(dump.stream, header)
    return [_UNKNOWN_WAL.format(alias)] if header[18] == 2 and "-wal" not in dump.sides else []


def _header(stream: IO[bytes]) -> bytes:
    stream.seek(0)
    header = stream.read(_HEADER)
    if len(header) < _HEADER:
        raise truncated("it holds no whole header of a SQLite database")
    return header


def _page_size(header: bytes) -> int:
    size = int(struct.unpack(">H", header[16:18])[0])
    return 65536 if size == 1 else size


def _check_size(stream: IO[bytes], header: bytes) -> None:
    wanted = _page_size(header) * int(struct.unpack(">I", header[28:32])[0])
    size = stream.seek(0, io.SEEK_END)
    if wanted != size:
        raise truncated("it holds {0} of {1} bytes".format(size, wanted))


def _check_sides(dump: ForeignDump, header: bytes) -> None:
    """A -wal ends with a whole page, unless it was cut; what is cut off between two pages nothing tells."""
    wal = dump.sides.get("-wal")
    size = wal.seek(0, io.SEEK_END) if wal is not None else 0
    if size and (size - _WAL_HEADER) % (_FRAME + _page_size(header)):
        raise truncated("its -wal ends within a page")


def take(dump: ForeignDump, path: str, owner: Optional[SystemUser], mode: int) -> None:
    """Copy a database with what lies beside it, and bring all of it into one file.

    Raises sessions_remain, dump_truncated, database_broken, disk_full.
    """
    if processes_with(dump.path):
        raise RelocateError(
            "sessions_remain",
            "{0} is open in other processes: a copy of it need not be whole".format(dump.path),
            'stop them, or make a copy with: sqlite3 DATABASE ".backup FILE"',
        )
    streams = [("", dump.stream), *dump.sides.items()]
    for suffix, stream in streams:
        stream.seek(0)
        with owned(owner, "load_failed"):
            made = created(path + suffix, mode)
        with made:
            shutil.copyfileobj(stream, made, 1 << 20)
    with owned(owner, "load_failed"):
        settle(path)
        check_whole(path)
        sync(path)


def _statements(dump: ForeignDump) -> Iterator[Tuple[str, int]]:
    """Give each statement of a text, and its line. Raises dump_truncated, dump_refused, dump_encoding."""
    last = ""
    for statement, begun in _whole_ones(dump):
        if dump.rewrapped and "\n" in statement and statement[:6].upper() == "INSERT":
            raise unsure_line_ends("line {0} of the dump".format(begun))
        _judge(statement, begun)
        yield statement, begun
        last = statement
    if last.upper() != "COMMIT;":
        raise truncated("it does not end with COMMIT")


def _whole_ones(dump: ForeignDump) -> Iterator[Tuple[str, int]]:
    dump.stream.seek(0)
    text, begun = "", 0
    lines = io.BufferedReader(io.FileIO(os.dup(dump.stream.fileno())), 1 << 20)
    for number, raw in enumerate(iter(lambda: lines.readline(LONGEST), b""), 1):
        begun = begun or number
        text += _decoded(raw, number)
        if len(text) > LONGEST:
            raise refused("line {0} of the dump".format(begun), "begins what is too long for a statement")
        if ";" in text[-3:] and sqlite3.complete_statement(text):
            yield text.strip(), begun
            text, begun = "", 0
    if text.strip():
        raise truncated("it ends within a statement")


def _decoded(raw: bytes, number: int) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise RelocateError(
            "dump_encoding",
            "line {0} of the dump is not UTF-8".format(number),
            "give the database itself instead of its .dump",
        ) from None
    if "\0" in text:
        raise refused("line {0} of the dump".format(number), "holds a zero byte")
    return text


def _judge(statement: str, line: int) -> None:
    first = statement.split(None, 1)[0].upper().rstrip(";")
    where = "line {0} of the dump".format(line)
    if first == "ROLLBACK":
        raise refused(where, "says that sqlite3 found the database broken", "give the database itself, or .recover it")
    if first == "PRAGMA" and statement.replace(" ", "").lower() not in ("pragmaforeign_keys=off;",):
        raise refused(where, "sets what no dump of plain tables sets", "give the database itself instead of its .dump")
    if first not in _FIRST:
        raise refused(where, "is none that .dump writes", "give the database itself instead of its text")


def run(dump: ForeignDump, path: str, owner: Optional[SystemUser]) -> None:
    """Run a text in a blank database, in its own transaction. Raises load_failed, dump_refused, and as above."""
    size = dump.stream.seek(0, io.SEEK_END)
    with owned(owner, "load_failed"), contextlib.closing(connect(path)) as connection:
        connection.set_authorizer(_allow)
        with PROGRESS.measured(lambda: Amount(dump.stream.tell(), size), BYTES):
            for statement, line in _statements(dump):
                try:
                    connection.execute(statement)
                except sqlite3.DatabaseError as exc:
                    where = "line {0} of the dump".format(line)
                    if "not authorized" in str(exc) or "prohibited" in str(exc):
                        raise refused(where, "reaches out of its database") from None
                    raise RelocateError("load_failed", "{0}: {1}".format(where, exc)) from None


def _allow(
    action: int, first: Optional[str], second: Optional[str], _database: Optional[str], _by: Optional[str]
) -> int:
    """Tell SQLite what a dump may do."""
    denied = {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_CREATE_VTABLE, sqlite3.SQLITE_DROP_VTABLE}
    if action in denied or (action == sqlite3.SQLITE_FUNCTION and second == "load_extension"):
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_PRAGMA and (first or "").lower() != "foreign_keys":
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK
