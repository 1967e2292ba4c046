# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""MySQL and MariaDB behind the engine contract; a database is what these servers also call a schema.

The order of things is here; how each is done is in ``_mysql_connect`` (ways in), ``_mysql_programs`` (the client
programs, for rows), ``_mysql_objects`` (views, triggers, routines, events), ``_mysql_state`` and ``_mysql_queries``
(counts), ``_mysql_admin`` (users, databases), ``_mysql_swap``, ``_mysql_facts`` and ``_mysql_preflight``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import threading
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple
from urllib.parse import quote

from ansible_collections.relocate.django.plugins.module_utils._engines import _mysql_admin as admin
from ansible_collections.relocate.django.plugins.module_utils._engines import _mysql_facts as facts
from ansible_collections.relocate.django.plugins.module_utils._engines import _mysql_objects as stored
from ansible_collections.relocate.django.plugins.module_utils._engines import _mysql_preflight as checks
from ansible_collections.relocate.django.plugins.module_utils._engines import _mysql_programs as programs
from ansible_collections.relocate.django.plugins.module_utils._engines import _mysql_queries as queries
from ansible_collections.relocate.django.plugins.module_utils._engines import _mysql_rows as rows
from ansible_collections.relocate.django.plugins.module_utils._engines import _mysql_state as states
from ansible_collections.relocate.django.plugins.module_utils._engines import _mysql_swap as swapping
from ansible_collections.relocate.django.plugins.module_utils._engines._mysql_connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines._mysql_queries import Table
from ansible_collections.relocate.django.plugins.module_utils._engines._mysql_session import Session, ident
from ansible_collections.relocate.django.plugins.module_utils._engines.base import (
    DISCARDED,
    INCOMING,
    LIVE,
    PREVIOUS,
    Beside,
    Engine,
    EngineContext,
    Snapshot,
    removed_on_failure,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import (
    DatabaseConfig,
    DatabaseFacts,
    DatabaseState,
    DumpFile,
    Obstacle,
    TableCount,
    as_plain,
)
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Together, acting_as

SCHEMA = "schema.json"
_FORMAT = 1
_OWN = "rows-own"  # the part that no client program wrote


class MysqlSnapshot(Snapshot):
    """One moment of a database. It is held by the sessions that count and the programs that dump."""

    def __init__(self, server: Server, database: str) -> None:
        self._server, self._database = server, database
        self._opening = threading.Lock()
        self._view: Optional[states.View] = None
        self._tables: List[Table] = []
        self._statements: Dict[str, str] = {}
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
                self._view = view
            return self._view

    def dump(self, directory: str, beside: Optional[Beside] = None) -> DumpFile:
        """Write ``ALIAS.mysql`` below the directory; call it before :meth:`state` when the database is in use.

        Raises RelocateError: program_missing, dump_failed, lock_timeout, right_missing.
        """
        with contextlib.ExitStack() as stack:
            name = quote(self._server.config.alias, safe="") + ".mysql"
            path = os.path.join(directory, name)
            with acting_as(self._server.context.owner):
                os.mkdir(path, 0o700)
            stack.enter_context(removed_on_failure(lambda: self._remove(path)))
            client = self._dump_into(path, beside)
        return DumpFile(path=name, client=client.version, client_major="")

    def _remove(self, path: str) -> None:
        with acting_as(self._server.context.owner):
            shutil.rmtree(path, ignore_errors=True)

    def _dump_into(self, path: str, beside: Optional[Beside]) -> programs.Client:
        # A session of its own: those of the view may be counting already, and the lock is not to wait for them.
        with self._server.connect(self._database) as session, Together() as together, self._lock() as locked:
            self._open()
            if beside is not None:
                beside("")
            client = programs.dump_client(session.flavor)
            options = self._server.options_file(client.mariadb)
            objects, charset = self._objects(), admin.charset_of(session, self._database)
            # No snapshot holds for these: they are dumped and counted before anybody may write again.
            held = [table for table in self._tables if not table.transactional] if locked else []
            parts = [programs.Part("rows-000", tuple(table.name for table in held))] if held else []
            self._finish(self._start(client, options, path, parts, together), together)
            self._counted = states.counts(states.asked_of(session), held, True)
            free = [table for table in self._tables if table not in held]
            own = [table for table in free if rows.needed(table, client.mariadb, session.flavor.mariadb)]
            planned = self._plan(session, [table for table in free if table not in own], locked)
            running: List[Any] = [
                *self._start(client, options, path, planned, together),
                *self._write(path, own, together),
            ]
            planned += [programs.Part(_OWN, tuple(table.name for table in own))] if own else []
            for one in running:
                one.begun.wait()
        with together:
            self._write_schema(path, objects, [*parts, *planned], charset)
        self._finish(running, together)
        return client

    def _plan(self, session: Session, tables: Sequence[Table], locked: bool) -> List[programs.Part]:
        if not locked:  # several programs would see several moments
            return [programs.Part("rows-001", tuple(table.name for table in tables))] if tables else []
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

    def _objects(self) -> List[stored.StoredObject]:
        """By the administrator where there is one: bodies of others' routines are not shown to everybody."""
        with self._server.anyone() as session:
            return stored.read(session, self._database)

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
        """What the dump program would spoil is written by us."""
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
            hint = "see the message; the database was not changed"
            raise programs.failed(self._server, "dump_failed", "no backup written", together.cause.done, hint) from None
        if together.cause is not None:
            raise together.cause

    def _write_schema(
        self,
        path: str,
        objects: Sequence[stored.StoredObject],
        parts: Sequence[programs.Part],
        charset: Tuple[str, str],
    ) -> None:
        suffix = ".sql.zst" if self._server.context.compression == "zstd" else ".sql"
        plain = {
            "format": _FORMAT,
            "database": self._database,
            "charset": charset[0],
            "collation": charset[1],
            "tables": self._statements,
            "objects": as_plain(objects),
            "parts": [dict(as_plain(part), file=part.name + suffix) for part in parts],
        }
        text = json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=True) + "\n"
        with acting_as(self._server.context.owner):
            handle = os.open(os.path.join(path, SCHEMA), os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(text)

    def state(self, fingerprints: bool = True) -> DatabaseState:
        """Count (and fingerprint) everything. Raises RelocateError: right_missing, query_failed, server_unreachable."""
        view = self._open()
        counted = {item.name: item for item in self._counted}
        rest = [table for table in self._tables if table.name not in counted]
        counts = [*counted.values(), *states.counts(view.ask, rest, fingerprints, _pieces(view))]
        numbers = states.next_numbers(self._statements)
        return states.assemble(
            counts, states.sequences(view, self._tables, numbers), states.objects(view.main, self._database)
        )


class MysqlEngine(Engine):
    """A database on a MariaDB (10.3 or later) or MySQL (8.0 or later) server."""

    name = "mysql"

    def __init__(self, config: DatabaseConfig, context: EngineContext) -> None:
        super().__init__(config, context)
        self._server = Server(config, context)

    def _named(self, which: str) -> str:
        if not self.config.name:
            raise RelocateError(
                "bad_option", "the settings of {0} give no NAME".format(self.config.alias), "set NAME in the settings"
            )
        return self.config.name if which == LIVE else admin.derived_name(self.config.name, which)

    def preflight(self, side: str, recorded: Optional[DatabaseFacts] = None) -> List[Obstacle]:
        """See :meth:`Engine.preflight`."""
        return checks.check_old(self._server) if side == "old" else checks.check_new(self._server, recorded)

    def describe(self) -> DatabaseFacts:
        """See :meth:`Engine.describe`. Raises login_failed, server_unreachable, right_missing, library_missing."""
        self._named(LIVE)
        return facts.describe(self._server)

    @contextlib.contextmanager
    def snapshot(self, which: str = LIVE) -> Iterator[Snapshot]:
        """See :meth:`Engine.snapshot`. Raises login_failed, database_missing, server_unreachable."""
        if self.method not in ("", queries.METHOD):
            raise RelocateError(
                "format_unknown", "fingerprint method {0} is not known".format(self.method), "upgrade relocate.django"
            )
        opened = MysqlSnapshot(self._server, self._named(which))
        with self._reachable(which):
            try:
                yield opened
            finally:
                opened.close()

    @contextlib.contextmanager
    def _reachable(self, *which: str) -> Iterator[None]:
        """Let the settings' user, whose right is on live only, into others for as long as the block takes.

        Views are asked for their definer's rights when others are made of them.
        """
        names = [self._named(one) for one in which if one != LIVE]
        if not names:
            yield
            return
        with self._server.admin() as session:
            for name in names:
                admin.grant(self._server, session, name)
        try:
            yield
        finally:
            with contextlib.suppress(RelocateError), self._server.admin() as session:
                for name in names:
                    admin.grant(self._server, session, name, give=False)

    def create_blank(self, recorded: Optional[DatabaseFacts] = None) -> List[str]:
        """See :meth:`Engine.create_blank`. Raises right_missing, collation_missing, login_failed, query_failed."""
        name = self._named(LIVE)
        with self._server.admin() as session:
            made = admin.ensure_user(self._server, session)
            if not admin.database_exists(session, name):
                admin.create_database(session, name, *admin.collation_of(recorded))
                made.append("database " + name)
            made += admin.ensure_rights(self._server, session, name)
        return made

    def load(self, directory: str, dump: DumpFile, recorded: DatabaseFacts) -> None:
        """See :meth:`Engine.load`.

        Raises dump_truncated, load_failed, collation_missing, right_missing, program_missing, disk_full.
        """
        path, incoming = os.path.join(directory, dump.path), self._named(INCOMING)
        schema = self._read_schema(path)
        files = [os.path.join(path, str(part["file"])) for part in schema["parts"]]
        programs.check_complete(files, self.context.owner, self.context.jobs)
        with self._server.admin() as session:
            self._recover(session)
            client = programs.load_client(session.flavor)
            admin.drop_database(session, incoming)
            with removed_on_failure(lambda: self.drop(INCOMING)):
                admin.ensure_user(self._server, session)
                admin.create_database(session, incoming, schema["charset"], schema["collation"])
                with self._reachable(INCOMING):
                    self._fill(client, incoming, schema, files)
                    self._add_objects(session, incoming, stored.from_plain(schema["objects"]))

    @contextlib.contextmanager
    def incoming(self, recorded: Optional[DatabaseFacts] = None) -> Iterator[DatabaseConfig]:
        """See :meth:`Engine.incoming`; what the block defines rests until the swap. Raises right_missing."""
        name = self._named(INCOMING)
        with self._server.admin() as session:
            self._recover(session)
            live = self._named(LIVE)
            charset = ("", "")
            if recorded is not None:
                charset = admin.collation_of(recorded)
            elif admin.database_exists(session, live):
                charset = admin.charset_of(session, live)
            admin.drop_database(session, name)
            with removed_on_failure(lambda: self.drop(INCOMING)):
                admin.ensure_user(self._server, session)
                admin.create_database(session, name, *charset)
                with self._reachable(INCOMING):
                    yield dataclasses.replace(self.config, name=name)
                    self._analyse(name, admin.tables_of(session, name))
                items = stored.read(session, name)
                stored.drop(session, name, items)
                swapping.park(session, name, items)

    def _analyse(self, database: str, tables: Iterable[str]) -> None:
        with self.context.stopwatch.step("analyse"), self._server.connect(database) as session:
            names = [ident(name) for name in tables]
            for start in range(0, len(names), 50):
                session.rows("ANALYZE TABLE " + ", ".join(names[start : start + 50]))

    def _read_schema(self, path: str) -> Dict[str, Any]:
        try:
            with acting_as(self.context.owner), open(os.path.join(path, SCHEMA), encoding="ascii") as stream:
                schema: Dict[str, Any] = json.load(stream)
            known = schema["format"] == _FORMAT and bool(schema["charset"]) and isinstance(schema["tables"], dict)
            files = [str(part["file"]) for part in schema["parts"]]
            stored.from_plain(schema["objects"])
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise RelocateError(
                "dump_truncated", "the dump's {0} cannot be read".format(SCHEMA), "take the set from another copy"
            ) from exc
        if not known or any(os.path.basename(file) != file for file in files):
            raise RelocateError(
                "format_unknown", "the dump's {0} is not of a known format".format(SCHEMA), "upgrade relocate.django"
            )
        return schema

    def _fill(self, client: programs.Client, incoming: str, schema: Mapping[str, Any], files: Sequence[str]) -> None:
        with self._server.connect(incoming) as session:
            for name, statement in schema["tables"].items():
                try:
                    session.run(str(statement))
                except RelocateError as exc:
                    raise _table_error(name, exc) from None
        options = self._server.options_file(client.mariadb)
        sizes = [int(part.get("size", 0)) for part in schema["parts"]]
        largest = [file for _size, file in sorted(zip(sizes, files), reverse=True)]
        self.context.progress("loading {0} files into {1}".format(len(files), incoming))
        programs.load(self._server, client, options, incoming, largest)
        self._analyse(incoming, schema["tables"])

    def _add_objects(self, session: Session, incoming: str, items: Sequence[stored.StoredObject]) -> None:
        """Views, triggers, routines and events, which may be other accounts': the administrator makes them."""
        with self._server.connect() as own:
            account = admin.own_account(own)
        settled = stored.settle_definers(items, stored.definers_here(session), account, self.context.notes.append)
        swapping.park(session, incoming, settled)

    def swap(self, from_name: str = INCOMING, aside: str = PREVIOUS) -> None:
        """See :meth:`Engine.swap`; all tables are renamed in one statement.

        Raises no_previous, database_missing, sessions_remain, right_missing or swap_failed.
        """
        live, source, target = self._named(LIVE), self._named(from_name), self._named(aside)
        with self._server.admin() as session:
            self._recover(session)
            if not swapping.holds(session, source):
                code = "no_previous" if from_name == PREVIOUS else "database_missing"
                raise RelocateError(code, "there is no database {0}".format(source), "restore a backup set first")
            admin.end_sessions(session, [live, source])
            try:
                with self._reachable(from_name, aside):
                    swapping.swap(session, live, source, target)
            except RelocateError as exc:
                if exc.code != "server_unreachable":
                    raise
                self._settle(target, exc)

    def _settle(self, aside: str, lost: RelocateError) -> None:
        """The session was lost during a swap: ask again what became of it. Raises swap_failed when it was not made."""
        try:
            with self._server.admin() as session:
                self._recover(session)
                made = swapping.holds(session, aside)
        except RelocateError as exc:
            raise RelocateError(
                "swap_failed", "it is not known whether the swap was made: " + lost.msg, exc.hint or lost.hint
            ) from None
        if not made:
            raise RelocateError("swap_failed", "the swap was not made: " + lost.msg, lost.hint)

    def _recover(self, session: Session) -> None:
        """Finish or take back a swap that was killed on its way."""
        beside = (PREVIOUS, INCOMING, DISCARDED)
        left = [name for name in map(self._named, beside) if swapping.interrupted(session, name)]
        if left:
            with self._reachable(*beside):
                self.context.notes.extend(swapping.recover(session, left))

    def drop(self, which: str) -> bool:
        """See :meth:`Engine.drop`. Raises right_missing, query_failed."""
        with self._server.admin() as session:
            self._recover(session)  # what a killed swap keeps there may be needed for live
            return admin.drop_database(session, self._named(which))

    def sessions(self, terminate: bool = False) -> int:
        """See :meth:`Engine.sessions`. Raises sessions_remain, right_missing."""
        with self._server.anyone() as session:
            act = admin.end_sessions if terminate else admin.count_sessions
            return act(session, [self._named(LIVE)])

    def exists(self, which: str) -> bool:
        """See :meth:`Engine.exists`. Raises login_failed, server_unreachable."""
        with self._server.anyone() as session:
            known = admin.database_exists if which == LIVE else swapping.holds
            return known(session, self._named(which))


def _pieces(view: states.View) -> int:
    """More ranges of a table than sessions: keys are seldom spread evenly."""
    return 2 * view.width if view.width > 1 else 1


def _table_error(name: str, exc: RelocateError) -> RelocateError:
    number = exc.details.get("number")
    code = "collation_missing" if number in (1115, 1273, 1253) else "load_failed"
    code = exc.code if exc.code in ("right_missing", "server_unreachable") else code
    hint = "change the collation on old, or upgrade the server" if code == "collation_missing" else exc.hint
    return RelocateError(code, "table {0}: {1}".format(name, exc.msg), hint)
