# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One moment of a MySQL or MariaDB database: dumped and counted while others write to it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import threading
from typing import Any, Collection, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple
from urllib.parse import quote

from ansible_collections.relocate.django.plugins.module_utils._engines.base import (
    OnSnapshot,
    Snapshot,
    removed_on_failure,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import (
    admin,
    catchup_write,
    grants,
    programs,
    rows,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import objects as stored
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import preflight as checks
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import schema as schemas
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import state as states
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import statement as statements
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import swap as swapping
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.queries import Table
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import Session
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.stalled import Stalls
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import Findings, cannot_catch_up
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import files
from ansible_collections.relocate.django.plugins.module_utils._model import (
    DatabaseState,
    DumpFile,
    TableCount,
    as_plain,
)
from ansible_collections.relocate.django.plugins.module_utils._process import Command
from ansible_collections.relocate.django.plugins.module_utils._progress import BYTES, PROGRESS
from ansible_collections.relocate.django.plugins.module_utils._together import Together
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

_OWN = "rows-own"  # the part that no client program wrote


class MysqlSnapshot(Snapshot):
    """One moment of a database. It is held by the sessions that count and the programs that dump."""

    def __init__(self, server: Server, database: str) -> None:
        self._server, self._database = server, database
        self._opening = threading.Lock()
        self._view: Optional[states.View] = None
        self._tables: List[Table] = []
        self._statements: Dict[str, str] = {}
        self._sequences: List[states.OwnSequence] = []  # no snapshot holds for them: they are asked once
        self._digest = ""
        self._sums: Optional[catchup_write.Sums] = None
        self._named: Optional[Mapping[str, Tuple[str, ...]]] = None  # what had a name when the dump was begun
        self._paused = True  # nobody wrote while the sessions and programs were opened that see the moment
        self._highest: Dict[str, int] = {}  # AUTO_INCREMENT, by table
        self._counted: List[TableCount] = []  # tables that no snapshot holds for, counted while nobody could write

    def close(self) -> None:
        """Let go of the snapshot."""
        if self._view is not None:
            self._view.close()

    def _open(self) -> states.View:
        """The sessions that see the moment, and the tables of that moment."""
        with self._opening:
            if self._view is None:
                view = states.View(self._server, self._database, self._server.context.jobs)
                self._tables = states.list_tables(view.main, self._database)
                self._statements = states.statements_of(view.main, self._tables)
                self._sequences = states.own_sequences(view.main, self._database)
                self._view = view
            return self._view

    def has_tables(self) -> bool:
        """See :meth:`Snapshot.has_tables`; no moment need be held for that."""
        with self._server.connect(self._database) as session:
            return bool(states.list_tables(session, self._database))

    def dump(self, directory: str, on_snapshot: Optional[OnSnapshot] = None) -> DumpFile:
        """Write ``ALIAS.mysql`` below the directory; call it before :meth:`state` when the database is in use.

        Raises RelocateError: program_missing, dump_failed, lock_timeout, right_missing.
        """
        with contextlib.ExitStack() as stack:
            self._refuse_undumpable()
            name = quote(self._server.config.alias, safe="") + ".mysql"
            path = os.path.join(directory, name)
            with acting_as(self._server.context.owner):
                os.mkdir(path, 0o700)
            stack.enter_context(removed_on_failure(lambda: self._remove(path)))
            client = self._dump_into(path, on_snapshot)
        return DumpFile(path=name, client=client.version, client_major="", digest=self._digest)

    def _refuse_undumpable(self) -> None:
        """No set is written that could not be restored. Raises what preflight on old tells."""
        findings = Findings(self._server.config.alias)
        with self._server.connect(self._database) as session:
            checks.undumpable(session, self._database, findings)
        for first in findings.found[:1]:
            raise RelocateError(first.code, "; ".join(item.msg for item in findings.found), first.hint)

    def _remove(self, path: str) -> None:
        with acting_as(self._server.context.owner):
            shutil.rmtree(path, ignore_errors=True)

    def _dump_into(self, path: str, on_snapshot: Optional[OnSnapshot]) -> programs.Client:
        together = Together()
        with Stalls(lambda: self._server.connect(self._database), self._database, together) as stalls:
            return self._dump_beside(path, on_snapshot, together, stalls)

    def _dump_beside(
        self, path: str, on_snapshot: Optional[OnSnapshot], together: Together, stalls: Stalls
    ) -> programs.Client:
        # A session of its own: those of the view may be counting already, and the lock is not to wait for them.
        with together, self._server.connect(self._database) as session, self._lock() as locked:
            self._named = self._names(self._open())
            self._paused = locked
            self._noted()
            if on_snapshot is not None:
                on_snapshot("")
            client = programs.dump_client(session.flavor)
            options = self._server.options_file(client.mariadb)
            objects, charset = self._with_notes(self._objects()), admin.properties_of(session, self._database)
            # No snapshot holds for these: they are dumped and counted before anybody may write again.
            held = [table for table in self._tables if locked and not table.transactional]
            parts = _one_part("rows-000", held)
            self._finish(self._start(client, options, path, parts, together), together)
            self._counted = states.counts(states.asked_of(session), held, lambda _table: True, highest=self._highest)
            free = [table for table in self._tables if table not in held]
            own = _ours_to_write(free, locked, client, session)
            planned = self._plan(session, [table for table in free if table not in own], locked)
            running: List[Any] = [
                *self._start(client, options, path, planned, together),
                *self._write(path, own, together),
            ]
            planned += _one_part(_OWN, own)
            for one in running:
                one.begun.wait()
        stalls.paused = False
        with together:
            self._write_schema(path, objects, [*parts, *planned], charset)
        self._finish(running, together)
        return client

    def _noted(self) -> None:
        """The moment is there: whoever follows what comes after it begins now."""

    def _plan(self, session: Session, tables: Sequence[Table], locked: bool) -> List[programs.Part]:
        PROGRESS.expect(BYTES, sum(table.size for table in tables))
        if not locked:  # several programs would see several moments
            return _one_part("rows-001", tables)
        return programs.plan_parts(tables, programs.ranges_of(session), self._server.context.jobs)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[bool]:
        """Nobody writes while the snapshots of all sessions and programs are opened; whether that could be had."""
        reason = ""
        for way in (self._server.connect, self._server.admin):
            with contextlib.ExitStack() as stack:
                try:
                    session = stack.enter_context(way())
                    stack.enter_context(states.read_lock(session, self._database))
                except RelocateError as exc:
                    if exc.code != "right_missing":
                        raise
                    reason = exc.msg
                    continue
                with self._server.context.stopwatch.step("lock"):
                    yield True
                return
        self._server.context.notes.append(
            "database {0}: writes could not be paused ({1}); what is written meanwhile may be in the counts and not in"
            " the dump, or the other way round".format(self._server.config.alias, reason)
        )
        yield False

    def _with_notes(self, objects: List[stored.StoredObject]) -> List[stored.StoredObject]:
        """Say which events a later restore does not make."""
        for item in objects:
            if item.kind != statements.EVENT:
                continue
            moment, _word, kept = statements.event_end(item.parts().rest, item.sql_mode)
            if moment and not kept:
                self._server.context.notes.append(
                    "database {0}: event {1} does nothing after {2}: restored later it is not made".format(
                        self._server.config.alias, item.name, moment
                    )
                )
        return objects

    def _objects(self) -> List[stored.StoredObject]:
        """By the administrator where there is one: bodies of others' routines are not shown to everybody."""
        with self._server.anyone() as session:
            return swapping.parked(session, self._database)

    def _start(
        self, client: programs.Client, options: str, path: str, parts: Sequence[programs.Part], together: Together
    ) -> List[programs.Dumping]:
        context = self._server.context
        squeeze = programs.zstd() if context.compression == "zstd" else None
        suffix = ".sql.zst" if squeeze else ".sql"
        return [
            programs.Dumping(
                Command(programs.dump_argv(client, options, self._database, part), user=context.owner),
                os.path.join(path, part.name + suffix),
                squeeze,
                together,
            )
            for part in parts
        ]

    def _write(self, path: str, tables: Sequence[Table], together: Together) -> List[rows.Writing]:
        """Return what the dump program would spoil is written by us."""
        if not tables:
            return []
        squeeze = programs.zstd() if self._server.context.compression == "zstd" else None
        target = os.path.join(path, _OWN + (".sql.zst" if squeeze else ".sql"))
        return [rows.Writing(self._server, self._database, tables, target, squeeze, together)]

    def _finish(self, running: Sequence[Any], together: Together) -> None:
        """Wait for all. Raises what failed first; the others were ended then."""
        for one in running:
            one.join()
        if isinstance(together.cause, programs.ProgramError):
            hint = "fix what the message names; the database was not changed"
            raise programs.failed(self._server, "dump_failed", "no backup written", together.cause.done, hint) from None
        if together.cause is not None:
            raise together.cause

    def _write_schema(
        self,
        path: str,
        objects: Sequence[stored.StoredObject],
        parts: Sequence[programs.Part],
        charset: Tuple[str, str, str],
    ) -> None:
        suffix = ".sql.zst" if self._server.context.compression == "zstd" else ".sql"
        plain = {
            "format": stored.FORMAT,
            "database": self._database,
            "charset": charset[0],
            "collation": charset[1],
            "comment": charset[2],
            "account": self._account(),
            "tables": self._statements,
            "sequences": as_plain(self._sequences),
            "versioned": [table.name for table in self._tables if table.versioned],
            "objects": as_plain(objects),
            "parts": [dict(as_plain(part), file=part.name + suffix) for part in parts],
        }
        data = (json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=True) + "\n").encode("ascii")
        # Of what we wrote, not of what lies there: the file is the owner's until the dump has ended.
        self._digest = hashlib.sha256(data).hexdigest()
        target = os.path.join(path, stored.SCHEMA)
        with acting_as(self._server.context.owner):
            made = files.created(target)
        with made as stream:
            stream.write(data)

    def _account(self) -> str:
        with self._server.connect() as own:
            return admin.own_account(own)

    def state(self, fingerprints: bool = True, counted: Collection[str] = ()) -> DatabaseState:
        """Count (and fingerprint) everything. Raises RelocateError: right_missing, query_failed, server_unreachable."""
        view = self._open()
        counts = self._counts(view, fingerprints, counted)
        numbers = states.next_numbers(self._statements)
        numbered = states.sequences(self._tables, numbers, self._highest, self._sequences)
        with self._server.anyone() as eyes:
            named = self._refuse_changed(states.objects(view.main, eyes, self._database))
            hidden = named.get(grants.HIDDEN, ())
            note, notes = grants.sentence(self._server.config.alias, hidden), self._server.context.notes
            notes.extend([note] if hidden and note not in notes else [])
            schema = None if hidden else self._schema(view, eyes)
        return states.assemble(counts, numbered, named, schema)

    def _counts(self, view: states.View, fingerprints: bool, counted: Collection[str]) -> List[TableCount]:
        """Count all tables: what was read already is not read again."""
        known = {item.name: item for item in self._counted}
        if self._base is not None and fingerprints:  # read once for both: what buckets sum up to is the whole
            self._sums = catchup_write.expected(view, self._tables, self._base)
            self._highest.update(self._sums.highest)
            known.update({item.name: item for item in self._sums.counts()})
        rest = [table for table in self._tables if table.name not in known]

        def hashed(table: Table) -> bool:
            return fingerprints and table.name not in counted

        return [*known.values(), *states.counts(view.ask, rest, hashed, _pieces(view), self._highest)]

    def _names(self, view: states.View) -> Mapping[str, Tuple[str, ...]]:
        with self._server.anyone() as eyes:
            return states.objects(view.main, eyes, self._database)

    def _refuse_changed(self, named: Dict[str, Tuple[str, ...]]) -> Dict[str, Tuple[str, ...]]:
        """No snapshot holds for what has a name: what was made or dropped since is in the state, and not in the dump.

        Raises dump_failed.
        """
        before, now = (
            {(kind, name) for kind, names in (found or {}).items() for name in names} for found in (self._named, named)
        )
        changed = sorted(before ^ now) if self._named is not None else []
        if changed:
            raise RelocateError(
                "dump_failed",
                "{0} {1}{2} was made, changed or dropped while the backup was made; no backup written".format(
                    *changed[0], " and {0} more".format(len(changed) - 1) if changed[1:] else ""
                ),
                "let what changes tables end first, such as migrate; then run this again",
            )
        return named

    def starting_point(self, copied: DatabaseState) -> Mapping[str, Any]:
        """See :meth:`Snapshot.starting_point`."""
        if not self._paused:
            raise cannot_catch_up("writes could not be paused when the copy was begun")
        return catchup_write.starting_point(self._open(), self._tables, copied)

    def catch_up(self, directory: str, base: Mapping[str, Any], copied: DatabaseState, now: DatabaseState) -> str:
        """See :meth:`Snapshot.catch_up`."""
        view = self._open()
        sums = self._sums or catchup_write.expected(view, self._tables, base)
        moment = self._tables, self._sequences, sums
        return catchup_write.Catchup(self._server, view, *moment, base, copied, now).write(directory)

    def _schema(self, view: states.View, eyes: Session) -> Optional[Dict[str, str]]:
        try:
            objects = swapping.parked(eyes, self._database)
        except RelocateError as exc:
            if exc.code != "right_missing":
                raise
            return None  # nobody here is shown everything
        return schemas.describe(view.main, self._database, self._statements, self._sequences, objects)


def _pieces(view: states.View) -> int:
    """More ranges of a table than sessions: keys are seldom spread evenly."""
    return 2 * view.width if view.width > 1 else 1


def _one_part(name: str, tables: Sequence[Table]) -> List[programs.Part]:
    """One program's share; none without tables."""
    return [programs.Part(name, tuple(table.name for table in tables))] if tables else []


def _ours_to_write(tables: Sequence[Table], locked: bool, client: programs.Client, session: Session) -> List[Table]:
    """Tables that we write ourselves: small ones, for which no program need start, and what programs do not keep."""
    small = rows.small(tables) if locked else set()
    theirs = client.mariadb, session.flavor.mariadb
    return [table for table in tables if table.name in small or rows.needed(table, *theirs)]
