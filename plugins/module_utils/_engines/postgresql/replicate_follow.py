# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process on old that writes down what changes in a database while the site serves.

It holds a *temporary* replication slot, which the server drops by itself as soon as this process, its connection or the
server is gone. So no slot can be forgotten, whatever happens to the controller, the run or the host. It ends by
itself when its directory is gone (whoever removes the set ends it), when too much has been written, when the server has
to keep too much, or when its time is over.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import time
from typing import IO, Any, Dict, Iterator, List, Optional

from ansible_collections.relocate.django.plugins.module_utils._engines import following
from ansible_collections.relocate.django.plugins.module_utils._engines.following import (
    END,
    MIB,
    PART,
    STATUS,
    Limits,
    file_name,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import replicate_sql, replicate_stream
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import (
    Session,
    driver,
    ident,
    literal,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import cannot_catch_up
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import created

_WAITS = 60  # seconds for transactions that are open when the slot is made
_PAUSE = 0.05  # seconds between two looks where nothing comes in
_LOOK = 1.0  # seconds between two looks at limits and directory
_FEEDBACK = 5.0
#: When a file of the stream is ended, so that it can travel: bytes, about, and seconds after it was begun.
FILE_SIZE, FILE_SECONDS = 8 * MIB, 5.0


#: By which the driver says how far the server has sent: psycopg2 2.8.6 and later.
_NEEDED = "wal_end"


def check_driver() -> None:
    """Raise library_missing for a driver that cannot follow."""
    version = driver().__version__
    if not hasattr(_extras().ReplicationCursor, _NEEDED):
        raise RelocateError(
            "library_missing",
            "psycopg2 {0} cannot follow a replication".format(version),
            "upgrade the package python3-psycopg2 to 2.8.6 or later, or set relocate_replicate: false",
        )


def _extras() -> Any:
    return importlib.import_module("psycopg2.extras")


class Replicating(Server):
    """The same server, by connections that speak the replication protocol."""

    def factory(self) -> Any:
        """See the base class."""
        return _extras().LogicalReplicationConnection


class Stream:
    """The files of a stream: whole transactions only get a final name."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._known: Dict[int, bytes] = {}  # what was last said of each table
        self._out: Optional[IO[bytes]] = None
        self._begun: List[bytes] = []  # of a transaction that has changed nothing yet
        self._since = 0.0
        self.files, self.size = 0, 0
        self.flushed = 0  # where in the log all that is on disk ends
        self.within = False  # a transaction

    def take(self, message: bytes) -> None:
        """Take one message in."""
        kind = message[:1]
        if kind == replicate_stream.BEGIN:
            self._begun, self.within = [message], True
        elif kind == replicate_stream.COMMIT:
            self.within = False
            if not self._begun:
                self._write(message)
                self._end_when_due()
            self._begun = []
            if self._out is None:
                self.flushed = replicate_stream.commit_end(message)
        elif kind == replicate_stream.RELATION:
            number, _relation = replicate_stream.relation_of(message)
            self._known[number] = message
            if self._out is not None:
                self._write(message)
        else:
            self._write(*self._begun, message)
            self._begun = []

    def _write(self, *several: bytes) -> None:
        if self._out is None:
            self._out = created(os.path.join(self._directory, PART))
            self._out.write(replicate_stream.MAGIC)
            self._since = time.monotonic()
            several = (*self._known.values(), *several)
        for message in several:
            self._out.write(replicate_stream.record(message))
            self.size += len(message) + 4

    def _end_when_due(self) -> None:
        out = self._out
        if out is not None and (out.tell() > FILE_SIZE or self.is_due()):
            self.end_file()

    @property
    def is_empty(self) -> bool:
        """Tell whether all that was taken in has its final name."""
        return self._out is None

    def is_due(self) -> bool:
        """Tell whether the open file has been so for long enough."""
        return self._out is not None and time.monotonic() - self._since > FILE_SECONDS

    def end_file(self) -> None:
        """Give the open file its name; call it between two transactions."""
        if self._out is None:
            return
        self._out.flush()
        os.fsync(self._out.fileno())
        self._out.close()
        self._out = None
        self.files += 1
        part = os.path.join(self._directory, PART)
        os.rename(part, os.path.join(self._directory, file_name(self.files)))


class Follower:
    """Follows the stream from the moment at which the slot is there.

    :param slot: its session, and what watches it by another one
    """

    def __init__(self, slot: Session, watch: Session, name: str, directory: str, limits: Limits) -> None:
        self._slot, self._watch, self._name = slot, watch, name
        self._place, self._limits = following.Place(directory, limits), limits
        self._stream = Stream(directory)
        self._target = 0

    def run(self) -> None:
        """Follow until asked to finish, or until it cannot go on; the directory then says which."""
        try:
            with self._slot.cursor() as cursor:
                cursor.start_replication(
                    slot_name=self._name,
                    decode=False,
                    options={"proto_version": "1", "publication_names": ident(self._name)},
                )
                self._follow(cursor)
            self._stream.end_file()
            self._place.say(END, {"files": self._stream.files, "why": ""})
        except (RelocateError, OSError, ValueError, driver().Error) as exc:
            self._place.say_why(self._stream.files, exc)

    def _follow(self, cursor: Any) -> None:
        looked = told = 0.0
        while True:
            message = cursor.read_message()
            now = time.monotonic()
            if message is not None:
                self._stream.take(message.payload)
            elif self._is_done(cursor.wal_end):
                return
            else:
                self._idle()
                select.select([cursor], [], [], _PAUSE)
            if now - looked > _LOOK:
                looked = now
                self._look(int(cursor.wal_end))
            if now - told > (_PAUSE if self._target else _FEEDBACK):
                told = now
                cursor.send_feedback(flush_lsn=self._stream.flushed, reply=True)

    def _idle(self) -> None:
        """Nothing waits to be read."""
        if self._stream.within:
            return
        if self._stream.is_due():
            self._stream.end_file()
        self._read_request()

    def _is_done(self, position: int) -> bool:
        return bool(self._target) and not self._stream.within and position >= self._target

    def _read_request(self) -> None:
        if not self._target:
            self._target = int(self._place.request() or 0)

    def _look(self, position: int) -> None:
        """Raise where following is to end; else say how far it is."""
        self._place.check()
        rows = self._watch.rows(replicate_sql.KEPT.format(literal(self._name)))
        if not rows or rows[0][0] is None:
            raise RelocateError("cannot_catch_up", "the server gave the slot up (max_slot_wal_keep_size)")
        kept, ahead = int(rows[0][0]), int(rows[0][1])
        if max(kept, self._stream.size) > self._limits.size:
            raise RelocateError(
                "cannot_catch_up",
                "{0} MiB of changes were written down and {1} MiB of WAL kept, more than the limit of {2} MiB".format(
                    self._stream.size // MIB, kept // MIB, self._limits.size // MIB
                ),
            )
        if not self._stream.within and self._stream.flushed < position and self._stream.is_empty:
            self._stream.flushed = position
        self._place.say(
            STATUS,
            {"files": self._stream.files, "bytes": self._stream.size, "kept": kept, "behind": max(0, ahead - position)},
        )


def _make_slot(slot: Session, name: str) -> str:
    """Make the slot; returns the snapshot of its moment, which lasts until the session's next command."""
    slot.run("SET lock_timeout = '{0}s'".format(_WAITS))
    try:
        rows = slot.rows("CREATE_REPLICATION_SLOT {0} TEMPORARY LOGICAL pgoutput EXPORT_SNAPSHOT".format(ident(name)))
    except RelocateError as exc:
        if exc.details.get("sqlstate") == "55P03":
            raise cannot_catch_up("a transaction has been open for more than {0} s".format(_WAITS)) from exc
        raise cannot_catch_up("no replication slot can be made: {0}".format(exc.msg)) from exc
    return str(rows[0][2])


def _process(server: Server, name: str, directory: str, limits: Limits, tell: IO[bytes], go: IO[bytes]) -> None:
    """All that the process does, once it is on its own."""
    following.locked(directory)
    replicating, answer = Replicating(server.config, server.context), {}  # type: Any, Dict[str, str]
    with contextlib.ExitStack() as stack:
        try:
            slot = stack.enter_context(replicating.admin(server.config.name))
            watch = stack.enter_context(server.admin())
            answer = {"snapshot": _make_slot(slot, name)}
        except RelocateError as exc:
            answer = {"refused": exc.msg, "code": exc.code}
        following.answered(tell, answer)
        if "snapshot" in answer and go.read(1):
            go.close()
            Follower(slot, watch, name, directory, limits).run()
    with contextlib.suppress(RelocateError):
        unpublish(server, name)


def unpublish(server: Server, name: str = "") -> None:
    """Drop a publication of ours, or all that are in the database."""
    with server.connect(server.config.name) as own:
        for (found,) in own.rows(replicate_sql.OURS):
            if name in ("", found):
                own.run("DROP PUBLICATION IF EXISTS " + ident(str(found)))


@contextlib.contextmanager
def begun(server: Server, name: str, directory: str, limits: Limits) -> Iterator[str]:
    """Begin the process; gives the snapshot of the slot's moment, and lets it follow when the block has ended well.

    Raises cannot_catch_up. Nothing is left then, nor when the block fails.
    """

    def work(tell: IO[bytes], go: IO[bytes]) -> None:
        _process(server, name, directory, limits, tell, go)

    with contextlib.ExitStack() as stack:
        process = stack.enter_context(following.begun(directory, work))
        yield str(process.answer["snapshot"])
