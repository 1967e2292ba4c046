# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows that mysqldump does not carry: our own INSERT statements, in the same form, streamed.

Four kinds of tables are written so. With a FLOAT column: mysqldump prints six digits of its value and the rest is
lost. With a generated column, where MariaDB's client dumps from MySQL: it writes values that MySQL refuses (3105).
With an invisible column, where the client is the other product's: whether it names those columns is its own affair.
System-versioned ones: it leaves their former rows out.
Of many tables the small ones are written so, too.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import Any, Iterator, List, Optional, Sequence, Set

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.queries import LAST, Table
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import Session, ident, literal
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import files
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed, run
from ansible_collections.relocate.django.plugins.module_utils._together import Together
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

_STATEMENT = 1 << 20  # characters of one INSERT
_MANY, _SMALL = 300, 256 << 10  # tables; bytes, of which empty keys make up the most
_COMMIT = 64 << 20, 50  # characters, tables: of one transaction
_FETCH = 500  # rows held at a time
_HEAD = (
    "-- Rows of {0} tables, as mysqldump writes them\n"
    "SET NAMES utf8mb4;\nSET TIME_ZONE='+00:00';\nSET FOREIGN_KEY_CHECKS=0, UNIQUE_CHECKS=0;\n"
    "SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO', AUTOCOMMIT=0;\n"
)
#: Lets us say from when until when a row held; MariaDB 10.11 or later.
_HISTORY = "SET SESSION system_versioning_insert_history=1;\n"
_TAIL = "COMMIT;\n-- Dump completed\n"


def needed(table: Table, mariadb_client: bool, mariadb_server: bool) -> bool:
    """Tell whether the dump program would lose or spoil something of a table."""
    generated = any(column.generated for column in table.columns)
    single = any(column.kind == "float" for column in table.columns)
    invisible = any(column.invisible for column in table.columns)
    foreign = mariadb_client != mariadb_server
    return table.versioned or single or (generated and mariadb_client and foreign) or (invisible and foreign)


def small(tables: Sequence[Table]) -> Set[str]:
    """Names of tables that we write ourselves: the program looks up each among all, in the square of their number."""
    return {table.name for table in tables if table.size <= _SMALL} if len(tables) > _MANY else set()


def value_literal(value: Any) -> str:
    """A value, as the connection gives it without conversion, as an SQL literal."""
    if value is None:
        return "NULL"
    if isinstance(value, (bytes, bytearray)):
        return "0x" + value.hex() if value else "''"
    return literal(str(value))


def select_sql(table: Table) -> str:
    """All rows, every value exact; of system-versioned tables with the beginning and the end of each, in front."""
    columns = [
        "({0} + 0e0)".format(ident(column.name)) if column.kind == "float" else ident(column.name)
        for column in table.columns
        if not column.generated
    ]
    columns = [ident(name) for name in table.period] + columns if table.versioned else columns
    return "SELECT {0} FROM {1}".format(", ".join(columns) or "1", table.place)


class Insert:
    """INSERT statements of about a mebibyte for rows of some columns; with another word, others of the same form."""

    def __init__(self, table: Table, names: Sequence[str], word: str = "INSERT") -> None:
        self._head = "{0} INTO {1} ({2}) VALUES ".format(word, ident(table.name), ", ".join(map(ident, names)))
        self._empty = not names
        self._rows: List[str] = []
        self._size = 0

    def add(self, row: Sequence[Any]) -> str:
        """One more; gives a statement when it is full."""
        text = "()" if self._empty else "(" + ",".join(map(value_literal, row)) + ")"
        self._rows.append(text)
        self._size += len(text)
        return self.end() if self._size > _STATEMENT else ""

    def end(self) -> str:
        """The statement of what is left, if anything is."""
        rows, self._rows, self._size = self._rows, [], 0
        return self._head + ",".join(rows) + ";\n" if rows else ""


def inserts(session: Session, table: Table) -> Iterator[str]:
    """INSERT statements. A row that still holds is written without its end, which is not the same on every server."""
    names = [column.name for column in table.columns if not column.generated]
    start, end = table.period
    holding = Insert(table, [start, *names] if table.versioned else names)
    former = Insert(table, [start, end, *names])
    for row in session.stream(select_sql(table), _FETCH):
        if not table.versioned:
            text = holding.add(row)
        elif str(row[1]) >= LAST:
            text = holding.add([row[0], *row[2:]])
        else:
            text = former.add(row)
        if text:
            yield text
    yield from filter(None, (holding.end(), former.end()))


class Writing:
    """Writes tables into one file, in a transaction of its own that is open when the constructor returns."""

    def __init__(
        self,
        server: Server,
        database: str,
        tables: Sequence[Table],
        path: str,
        compress: Optional[str],
        together: Together,
    ) -> None:
        self.begun = threading.Event()
        self._session = server.raw(database)
        self._session.begin_snapshot()
        self.begun.set()
        self._tables, self._path, self._compress, self._user = tables, path, compress, server.context.owner
        self._together = together
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            with self._session:
                self._write()
        except BaseException as exc:  # raised again by who waits for all
            self._together.fail(exc)

    def _write(self) -> None:
        with acting_as(self._user):
            made = files.created(self._path)
        with made as out:
            if not self._compress:
                for text in self._texts():
                    out.write(text.encode("utf-8", "surrogateescape"))
                return
            with _compressor(Command([self._compress, "-q", "-1", "-c"], user=self._user), out) as sink:
                for text in self._texts():
                    sink.write(text.encode("utf-8", "surrogateescape"))

    def _texts(self) -> Iterator[str]:
        yield _HEAD.format(len(self._tables))
        if any(table.versioned for table in self._tables):
            yield _HISTORY
        size = 0
        for number, table in enumerate(self._tables, 1):
            yield "-- Dumping data for table {0}\n".format(ident(table.name).replace("\n", " "))
            for text in inserts(self._session, table):
                if self._together.ended:
                    raise RelocateError("dump_failed", "another part of the dump failed")
                yield text
                size += len(text)
                if size > _COMMIT[0]:
                    yield "COMMIT;\n"
                    size = 0
            if number % _COMMIT[1] == 0:
                yield "COMMIT;\n"
        yield _TAIL

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join()


@contextlib.contextmanager
def _compressor(command: Command, out: Any) -> Iterator[Any]:
    """A file to write to, whose content a program takes in and writes, compressed, to another."""
    reader, writer = os.pipe()
    done: List[Completed] = []
    with os.fdopen(reader, "rb") as source:
        thread = threading.Thread(target=lambda: done.append(run(command, stdin=source, stdout=out)), daemon=True)
        thread.start()
        try:
            with os.fdopen(writer, "wb", 1 << 20) as sink:
                yield sink
        finally:
            thread.join()
    if not done or done[0].rc != 0:
        raise OSError("the compressor failed: {0}".format(done[0].err if done else "it did not start"))
