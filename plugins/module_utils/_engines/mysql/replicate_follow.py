# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process on old that writes down which rows change in a MariaDB database while the site serves.

It reads the binary log by a connection of its own, as a replica does, and takes keys out of it. Every few seconds it
asks for the rows that have these keys, in a snapshot that is no older than what it read of the log, and writes both
down. A key that was written again stands in a later file, with the row of then. So what new holds in the end is what
old held when the last key was written, whatever was there in between; and values travel as in every catch-up.

Nothing is left on the server: the log is not kept for this reader, and its connection ends with the process. The server
sees that when it next has something to send, which it does every fraction of a second.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import struct
import time
from dataclasses import dataclass
from typing import IO, Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines import following
from ansible_collections.relocate.django.plugins.module_utils._engines.following import END, MIB, PART, STATUS, Limits
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import replicate_file, replicate_sql
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import state as states
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.queries import Column, Table
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.replicate_events import (
    Followed,
    Key,
    Log,
    Position,
    Query,
    Rows,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.replicate_words import rewritten
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import Session, driver, ident
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import created

_DUMP = 0x12  # the command by which a replica asks for the log
_LOOK = 1.0  # seconds between two looks at limits and directory
_HEARTBEAT = 0.1  # seconds after which the server says that nothing is new
_PATIENCE = 30.0  # seconds without a word of the server; and for what is in the log to be in a snapshot
_ODD = 2.0  # seconds for the server to say that its log is as long as it is
_PAUSE = 0.01
_FETCH = 500  # rows held at a time
#: When what was gathered is written down: keys, and seconds after the first of them.
FILE_KEYS, FILE_SECONDS = 50000, 5.0


@dataclass(frozen=True)
class Start:
    """Says what is followed, from where.

    :param tables: those that are followed
    :param others: the names of all others
    """

    position: Position
    tables: Mapping[str, Followed]
    others: Sequence[str]
    folded: bool  # names of tables are the same in capitals

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Start:
        """Read what ``as_plain`` made."""
        tables = {str(name): Followed.from_plain(table) for name, table in plain["tables"].items()}
        return cls(Position(*plain["position"]), tables, list(plain["others"]), bool(plain["folded"]))


class Gathered:
    """Keys that were written and are not yet in a file, and the tables that are followed no longer."""

    def __init__(self, database: str, start: Start) -> None:
        self._database, self._others = database, set(start.others)
        self.log = Log(database, start.tables, start.position, start.folded)
        self.followed = set(start.tables)
        self.keys: Dict[str, Dict[Key, None]] = {}
        self.count = 0
        self.needed = start.position  # what a snapshot has to hold
        self.whole: List[str] = []
        self.since = 0.0

    def take(self, packet: bytes) -> None:
        """Take one event in. Raises ValueError for what ends the stream."""
        found = self.log.take(packet)
        if isinstance(found, Query):
            self._settle(rewritten(found, self._database))
        elif isinstance(found, Rows) and found.keys:
            self._add(found)

    def _add(self, found: Rows) -> None:
        several = self.keys.setdefault(found.table, {})
        before = len(several)
        several.update(dict.fromkeys(found.keys))
        self.since = self.since if self.count else time.monotonic()
        self.count += len(several) - before
        self.needed = self.log.position

    def _settle(self, table: Optional[str]) -> None:
        """A table was emptied or rewritten: no row tells of that, so that it will travel whole."""
        if table is None or table in self._others or table in self.whole:
            return
        if table not in self.followed:
            raise ValueError("a table changed that is not known: {0}".format(table))
        self.followed.discard(table)
        self.whole.append(table)
        self.log.leave(table)
        self.count -= len(self.keys.pop(table, {}))

    def taken(self) -> Dict[str, Dict[Key, None]]:
        """All keys, which are not kept any longer."""
        keys, self.keys, self.count = self.keys, {}, 0
        return keys

    def is_due(self) -> bool:
        """Tell whether it is time for a file."""
        return bool(self.count) and (self.count >= FILE_KEYS or time.monotonic() - self.since > FILE_SECONDS)


class Stream:
    """Writes the files of a stream, with rows as a session that is not the site's sees them."""

    def __init__(self, reader: Session, database: str, directory: str, start: Start, limits: Limits) -> None:
        self._limits, followed = limits, start.tables
        self._reader, self._database, self._directory = reader, database, directory
        self._targets = {name: self._target(table) for name, table in followed.items()}
        self.files, self.size = 0, 0
        self._columns: Dict[str, Tuple[Column, ...]] = {}

    def _target(self, table: Followed) -> replicate_sql.Target:
        place = "{0}.{1}".format(ident(self._database), ident(table.name))
        return replicate_sql.Target(place, tuple(column.name for column in table.key), ())

    def know(self, session: Session) -> None:
        """Learn what is the same for as long as tables are: their columns. Raises what the server says."""
        charsets = replicate_sql.charsets(session, self._database)
        tables = {table.name: table for table in states.list_tables(session, self._database)}
        for name, target in self._targets.items():
            self._columns[name] = _carried(tables[name]) if name in tables else ()
            own = tuple(charsets.get((name, column), "") for column in target.key)
            self._targets[name] = target._replace(charsets=own)

    def behind(self, at: Position) -> int:
        """Return how many bytes of the log are still to be read, about: what lies in files between is not known.

        Raises cannot_catch_up for a log that is shorter than what was read of it: a server goes on waiting then.
        """
        deadline = time.monotonic() + _ODD
        while True:
            now = replicate_sql.position(self._reader)
            if now >= at:
                return now.offset - (at.offset if at.file == now.file else 0)
            if time.monotonic() > deadline:
                raise RelocateError("cannot_catch_up", "the binary log was begun anew")
            time.sleep(_PAUSE)

    def write(self, keys: Mapping[str, Iterable[Key]], needed: Position) -> None:
        """Write a file of keys and their rows. Raises cannot_catch_up, query_failed, OSError."""
        self._open(needed)
        path = os.path.join(self._directory, PART)
        with created(path) as out:
            writer = replicate_file.Writer(out)
            for name in sorted(keys):
                self._table(writer, name, list(keys[name]))
            writer.end()
            out.flush()
            os.fsync(out.fileno())
        # After whatever goes wrong the process ends, and its sessions: one that still sends rows takes no COMMIT.
        self._reader.run("COMMIT")
        self.files += 1
        self.size += writer.size
        os.rename(path, os.path.join(self._directory, following.file_name(self.files)))

    def _open(self, needed: Position) -> None:
        """Open a snapshot that holds all up to a place: a transaction is in the log before all can see it."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            self._reader.begin_snapshot()
            if replicate_sql.position(self._reader) >= needed:
                return
            self._reader.run("COMMIT")
            if time.monotonic() > deadline:
                raise RelocateError("cannot_catch_up", "the server does not show what is in its binary log")
            time.sleep(_PAUSE)

    def _table(self, writer: replicate_file.Writer, name: str, keys: Sequence[Key]) -> None:
        target, columns = self._targets[name], self._columns[name]
        writer.head(replicate_file.Head(name, target.key, tuple(column.name for column in columns)))
        for key in keys:
            writer.key(key)
        self._check_size(self.size + writer.size)
        for condition in replicate_sql.conditions(target, keys):
            for row in self._reader.stream(replicate_sql.select_sql(target, columns, condition), _FETCH):
                writer.row(row)
                self._check_size(self.size + writer.size)

    def _check_size(self, size: int) -> None:
        """Raise cannot_catch_up where too much was written: rows of a file may be of any length."""
        if size > self._limits.size:
            form = "{0} MiB of changes were written down, more than the limit of {1} MiB"
            raise RelocateError("cannot_catch_up", form.format(size // MIB, self._limits.size // MIB))


def _carried(table: Table) -> Tuple[Column, ...]:
    return tuple(column for column in table.columns if not column.generated)


class Follower:
    """Follows the log from the moment of the first copy.

    :param log: a session that has asked for nothing yet
    :param file: the log's, by name
    """

    def __init__(self, log: Session, file: str, gathered: Gathered, stream: Stream, place: following.Place) -> None:
        self._log, self._file, self._gathered, self._stream = log, file, gathered, stream
        self._place = place

    def run(self, wanted: "Wanted") -> None:
        """Follow until asked to finish, or until it cannot go on; the directory then says which."""
        try:
            self._stream.know(self._log)
            if not self._follow(wanted):
                return
            self._flush()
            self._stream.behind(self._gathered.log.position)
            end = {"files": self._stream.files, "why": "", "whole": self._gathered.whole}
            self._place.say(END, dict(end, tables=sorted(self._gathered.followed)))
        except (RelocateError, OSError, ValueError, driver().Error) as exc:
            self._place.say_why(self._stream.files, exc)

    def _follow(self, wanted: "Wanted") -> bool:
        """Return True when all is read that was asked for, False when nobody wants it any more."""
        looked = 0.0
        target: Any = None
        for packet in packets(self._log, self._gathered.log.position, self._file):
            self._gathered.take(packet)
            if self._gathered.is_due():
                self._flush()
            now = time.monotonic()
            if now - looked > _LOOK:
                looked = now
                self._place.check()
                self._say()
            if not wanted.is_settled() and wanted.is_over():
                return False
            target = target or self._place.request()
            if target and self._gathered.log.position >= Position(*target):
                return True
        raise RelocateError("cannot_catch_up", "the server ended the binary log")

    def _flush(self) -> None:
        if self._gathered.count:
            needed = self._gathered.needed
            self._stream.write(self._gathered.taken(), needed)

    def _say(self) -> None:
        behind = self._stream.behind(self._gathered.log.position)
        now = {"files": self._stream.files, "bytes": self._stream.size, "kept": 0, "behind": behind}
        self._place.say(STATUS, now)


class Wanted:
    """Whether the copy whose changes are followed has been made: who makes it says so, or is gone without a word."""

    def __init__(self, go: IO[bytes]) -> None:
        self._go, self._settled = go, False

    def is_settled(self) -> bool:
        """Tell whether it has been made."""
        return self._settled

    def is_over(self) -> bool:
        """Tell whether it never will be."""
        if not select.select([self._go], [], [], 0)[0]:
            return False
        self._settled = self._go.read(1) == following.GO
        return not self._settled


def packets(session: Session, start: Position, file: str) -> Iterator[bytes]:
    """The events of the log from a place on, as the server sends them: forever, and something at least now and then."""
    session.run(
        "SET @master_binlog_checksum = @@global.binlog_checksum",
        "SET @mariadb_slave_capability = 4",  # it knows transaction ids
        "SET @master_heartbeat_period = {0:d}".format(int(_HEARTBEAT * 1e9)),
    )
    # Under a number of its own: a server ends the reader who came before under the same one.
    number = (1 << 31) + secrets.randbelow(1 << 31)
    payload = struct.pack("<IHI", start.offset, 0, number) + file.encode("ascii")
    return session.packets(_DUMP, payload, _PATIENCE)


def process(server: Server, directory: str, limits: Limits, tell: IO[bytes], go: IO[bytes]) -> None:
    """All that the process does, once it is on its own."""
    following.locked(directory)
    answer: Dict[str, Any] = {}
    with contextlib.ExitStack() as stack:
        try:
            log = stack.enter_context(server.admin())
            # In no database: what follows is no session of the site's.
            reader = stack.enter_context(server.raw(""))
        except RelocateError as exc:
            answer = {"refused": exc.msg}
        following.answered(tell, answer)
        line = go.readline()
        if "refused" in answer or not line.endswith(b"\n"):
            return
        plain = json.loads(line)
        start, database = Start.from_plain(plain), server.config.name
        place = following.Place(directory, limits)
        stream = Stream(reader, database, directory, start, limits)
        Follower(log, str(plain["file"]), Gathered(database, start), stream, place).run(Wanted(go))
