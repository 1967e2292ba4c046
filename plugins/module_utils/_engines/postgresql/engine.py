# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL behind the engine contract.

The order of things is here; how each is done is in ``connect`` (ways in), ``programs``
(pg_dump, pg_restore), ``state`` and ``queries`` (counts), ``admin`` (roles,
databases, renames), ``facts`` and ``preflight``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any, ClassVar, Collection, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines import following
from ansible_collections.relocate.django.plugins.module_utils._engines.base import (
    INCOMING,
    LIVE,
    PREVIOUS,
    Engine,
    EngineContext,
    Snapshot,
    removed_on_failure,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.foreign import (
    PG_CUSTOM,
    PG_DIRECTORY,
    PG_PLAIN,
    PG_TAR,
    ForeignDump,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import (
    admin,
    catchup_apply,
    copying,
    described,
    extensions,
    facts,
    foreign,
    judged,
    place,
    programs,
    queries,
    replicate_apply,
    replicate_old,
    replicate_sql,
    settings,
    unfinished,
    venv_dialect,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import preflight as checks
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import state as states
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import (
    Session,
    derived_name,
    literal,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.snapshot import (
    FollowedSnapshot,
    PostgresqlSnapshot,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import (
    DatabaseConfig,
    DatabaseFacts,
    Difference,
    DumpFile,
    Obstacle,
    SequenceState,
)


class PostgresqlEngine(Engine):
    """A database on a PostgreSQL server, 11 or later."""

    name = "postgresql"
    dialect: ClassVar[ModuleType] = venv_dialect
    catches_up: ClassVar[bool] = True
    replicates: ClassVar[bool] = True
    adopts: ClassVar[Tuple[str, ...]] = (PG_PLAIN, PG_CUSTOM, PG_TAR, PG_DIRECTORY)

    def __init__(self, config: DatabaseConfig, context: EngineContext) -> None:
        super().__init__(config, context)
        self._server = Server(config, context)

    def _named(self, which: str) -> str:
        if not self.config.name:
            raise RelocateError(
                "bad_option",
                "the settings of {0} give no NAME (a service file is not followed)".format(self.config.alias),
                "set NAME, USER and HOST in the settings",
            )
        if which == LIVE or self._server.in_place:
            return self.config.name
        return derived_name(self.config.name, which)

    @property
    def in_place(self) -> bool:
        """See :attr:`Engine.in_place`."""
        return self._server.in_place

    def preflight(self, side: str, recorded: Optional[DatabaseFacts] = None) -> List[Obstacle]:
        """See :meth:`Engine.preflight`."""
        return checks.check_old(self._server) if side == "old" else checks.check_new(self._server, recorded)

    def describe(self) -> DatabaseFacts:
        """See :meth:`Engine.describe`. Raises login_failed, server_unreachable, right_missing, library_missing."""
        self._named(LIVE)
        return facts.describe(self._server)

    @contextlib.contextmanager
    def snapshot(self, which: str = LIVE) -> Iterator[Snapshot]:
        """See :meth:`Engine.snapshot`. Raises login_failed, database_missing, server_unreachable, server_too_old."""
        opened = PostgresqlSnapshot(self._server, self._named(which), self.method)
        try:
            opened.look(which)
            yield opened
        finally:
            opened.close()

    def judge(self, differences: Sequence[Difference]) -> Tuple[List[Difference], List[str]]:
        """See :meth:`Engine.judge`: a lost object, another column and a right of everybody's are refused."""
        refused, words = judged.Judgement(differences, self._server.acts_as).sort()
        notes = " ".join(self.context.notes)
        return refused, [item for item in words if not (item.startswith("setting ") and _second(item) in notes)]

    def create_blank(self, recorded: Optional[DatabaseFacts] = None) -> List[str]:
        """See :meth:`Engine.create_blank`. Raises login_failed, right_missing, locale_missing, query_failed."""
        name = self._named(LIVE)
        with self._server.admin() as session:
            made = admin.ensure_role(self._server, session)
            if self._server.in_place:
                place.refuse(self._server, session, recorded)
            if not admin.database_exists(session, name):
                admin.create_database(self._server, session, name, recorded)
                made.append("database " + name)
        return made

    def load(self, directory: str, dump: DumpFile, recorded: DatabaseFacts) -> None:
        """See :meth:`Engine.load`.

        Raises dump_truncated, load_failed, extension_missing, locale_missing, right_missing, server_too_old,
        client_too_old, program_missing.
        """
        path, incoming = os.path.join(directory, dump.path), self._named(INCOMING)
        with self._server.admin() as session:
            client = programs.choose_restore(
                programs.installed("pg_restore"), int(dump.client_major or 0), session.major
            )
            programs.check_complete(self._server, path)
            lines = replicate_sql.without_ours(programs.listing(self._server, client, path))
            self._make_room(session, incoming)
            with removed_on_failure(lambda: self.drop(INCOMING)), self._noted():
                with self.context.stopwatch.step("create incoming"):
                    admin.ensure_role(self._server, session)
                    fresh = self._fresh(session, incoming, recorded)
                    with fresh, self._server.admin(incoming) as inside:
                        schemas = extensions.create_extensions(self._server, inside, recorded)
                        extensions.allow_wrappers(self._server, session, inside, recorded)
                self._fill(client, path, programs.load_entries(lines, schemas), incoming)
                settings.apply_settings(self._server, session, incoming, recorded)
                admin.limit_connections(session, incoming, recorded)
                self.context.notes.extend(  # no role but a superuser's has brought one
                    "database {0}: {1} came with the set, and runs in every session, an administrator's too".format(
                        self.config.alias, name
                    )
                    for name in recorded.details.get("needs_superuser") or ()
                    if str(name).startswith("event trigger ")
                )
                with self.context.stopwatch.step("compare schema"):
                    one = described.Described(self._server, client, path, lines, recorded)
                    one.carry(incoming)
                    with self._analysed(incoming):
                        words = one.compare(incoming, session.major)
                self.context.notes.extend("database {0}: {1}".format(self.config.alias, item) for item in words)

    def apply(self, path: str) -> Collection[str]:
        """See :meth:`Engine.apply`."""
        return catchup_apply.apply(self._server, self._named(INCOMING), path)

    def try_apply(self) -> None:
        """See :meth:`Engine.try_apply`."""
        catchup_apply.try_apply(self._server, self._named(INCOMING))

    def check_replication(self) -> List[Obstacle]:
        """See :meth:`Engine.check_replication`."""
        return replicate_old.check(self._server)

    @contextlib.contextmanager
    def follow(self, stream: str, limit: int) -> Iterator[Snapshot]:
        """See :meth:`Engine.follow`."""
        limits = following.Limits(size=limit)
        with replicate_old.begun(self._server, stream, limits) as begun:
            opened = FollowedSnapshot(self._server, self._named(LIVE), self.method, begun)
            try:
                yield opened
            finally:
                opened.close()

    def followed(self, stream: str) -> Mapping[str, Any]:
        """See :meth:`Engine.followed`."""
        return following.status(stream)

    def finish(self, stream: str, base: Mapping[str, Any]) -> Mapping[str, Any]:
        """See :meth:`Engine.finish`."""
        return replicate_old.finish(self._server, stream, base)

    def replay(self, stream: str) -> int:
        """See :meth:`Engine.replay`."""
        return replicate_apply.replay(self._server, self._named(INCOMING), stream)

    def advance_sequences(self, behind: Sequence[SequenceState]) -> Sequence[SequenceState]:
        """See :meth:`Engine.advance_sequences`. Raises query_failed where a sequence cannot go so far."""
        with self._server.connect(self._named(INCOMING)) as session:
            for item in behind:
                session.run("SELECT setval({0}, {1:d})".format(literal(item.name), item.column_max or 0))
        return behind

    @contextlib.contextmanager
    def incoming(self, recorded: Optional[DatabaseFacts] = None) -> Iterator[DatabaseConfig]:
        """See :meth:`Engine.incoming`; live's extensions and settings come along.

        Raises locale_missing, right_missing, extension_missing, query_failed.
        """
        live = self.describe()
        model, name = recorded or (live if live.exists else None), self._named(INCOMING)
        with self._server.admin() as session:
            self._make_room(session, name)
            with removed_on_failure(lambda: self.drop(INCOMING)), self._noted():
                admin.ensure_role(self._server, session)
                with self._fresh(session, name, model):
                    if model is not None:
                        with self._server.admin(name) as inside:
                            extensions.create_extensions(self._server, inside, model)
                if model is not None:
                    settings.apply_settings(self._server, session, name, model)
                yield dataclasses.replace(self.config, name=name)
                with self._analysed(name):
                    pass

    def _make_room(self, session: Session, incoming: str) -> None:
        if self._server.in_place:
            place.begin(self._server, session)
        else:
            admin.drop_database(session, incoming)

    def _noted(self) -> "contextlib.AbstractContextManager[None]":
        """Write down in a database that is filled in place what of it is the load's."""
        return unfinished.noted(self._server) if self._server.in_place else contextlib.nullcontext()

    def _fresh(
        self, session: Session, incoming: str, recorded: Optional[DatabaseFacts]
    ) -> "contextlib.AbstractContextManager[None]":
        """Make incoming, for a block that makes extensions in it; one that is filled in place is there."""
        if self._server.in_place:
            return place.filling(self._server, session, recorded)
        return admin.closed_to_others(self._server, session, incoming, recorded)

    def examine(self, dump: ForeignDump) -> List[str]:
        """See :meth:`Engine.examine`."""
        return foreign.examine(self._server, dump)

    @contextlib.contextmanager
    def adopted(self, dump: ForeignDump) -> Iterator[DatabaseConfig]:
        """See :meth:`Engine.adopted`. Also raises superuser_refused, server_too_old, extension_missing."""
        with contextlib.ExitStack() as stack:
            session = stack.enter_context(self._server.anyone())
            stream, found = stack.enter_context(foreign.opened(self._server, session, dump))
            self.context.notes.extend(found.left.sentences(self.config.alias))
            config = stack.enter_context(self.incoming(foreign.model_of(self.describe(), found)))
            foreign.load(self._server, config.name, stream, dump.rewrapped, found)
            yield config

    @contextlib.contextmanager
    def reachable(self, which: str) -> Iterator[DatabaseConfig]:
        """See :meth:`Engine.reachable`."""
        yield dataclasses.replace(self.config, name=self._named(which))

    def _fill(self, client: programs.Client, path: str, entries: List[str], incoming: str) -> None:
        with self._server.admin(incoming) as session:
            extensions.allow_extension_rows(self._server, session, True)
            self.context.progress("loading into {0}".format(incoming))
            with copying.watched(self._server, incoming):
                programs.restore(self._server, client, incoming, path, entries, session.major)
            extensions.allow_extension_rows(self._server, session, False)

    @contextlib.contextmanager
    def _analysed(self, database: str) -> Iterator[None]:
        """Have the server make its statistics, and write the loaded rows to its files, while the block runs.

        Without statistics the first queries of the new site would be the slow ones; and the next DROP DATABASE waits
        until all is written.
        """
        self.context.progress("analysing {0}".format(database))
        with contextlib.ExitStack() as stack:
            sessions = [
                stack.enter_context(self._server.connect(database)) for _number in range(max(1, self.context.jobs))
            ]
            writer = stack.enter_context(self._server.admin())
            tables = [table.sql for table in states.list_tables(sessions[0])]
            shares = [tables[number :: len(sessions)] for number in range(len(sessions))]
            pool = stack.enter_context(ThreadPoolExecutor(max_workers=len(sessions) + 1))
            writing = pool.submit(writer.run, "CHECKPOINT")
            analysing = [pool.submit(_analyse_tables, *each) for each in zip(sessions, shares)]
            yield
            with self.context.stopwatch.step("analyse"):
                for each in analysing:
                    each.result()
                with contextlib.suppress(RelocateError):  # an administrator may lack the right, and the rows nothing
                    writing.result()

    def swap(self, from_name: str = INCOMING, displaced: str = PREVIOUS) -> None:
        """See :meth:`Engine.swap`; all renames are one transaction.

        Raises no_previous, database_missing, sessions_remain, right_missing or swap_failed.
        """
        if self._server.in_place:
            place.swapped(self._server, from_name, displaced)
            return
        live, source, target = self._named(LIVE), self._named(from_name), self._named(displaced)
        with self._server.admin() as session:
            if not admin.database_exists(session, source):
                raise RelocateError(
                    "no_previous" if from_name == PREVIOUS else "database_missing",
                    "there is no database {0} to put in the place of {1}".format(source, live),
                )
            if admin.database_exists(session, target):
                raise RelocateError(
                    "swap_failed",
                    "database {0} is there already, and is not overwritten".format(target),
                    "look at that database, then drop it",
                )
            renames = [(live, target)] if admin.database_exists(session, live) else []
            identity = admin.identity_of(session, source)
            try:
                admin.rename(session, renames + [(source, live)])
            except RelocateError:
                if not self._was_renamed(identity, live):
                    raise

    def _was_renamed(self, identity: admin.Identity, live: str) -> bool:
        """Ask whether the renamed database is live now, since only the server's answer may have been lost."""
        try:
            with self._server.admin() as session:
                return admin.has_become(session, identity, live)
        except RelocateError as exc:
            raise RelocateError(
                "server_unreachable",
                "it is not known whether database {0} was swapped: {1}".format(live, exc.msg),
                "run again when the server answers: the next run finds out",
            ) from None

    def drop(self, which: str) -> bool:
        """See :meth:`Engine.drop`. Raises right_missing, query_failed."""
        with self._server.admin() as session:
            if self._server.in_place:
                return place.drop(self._server, session, None if which == LIVE else which)
            return admin.drop_database(session, self._named(which))

    def removal(self, which: str) -> str:
        """See :meth:`Engine.removal`."""
        return admin.removal(self.config, self.context.admin, self._named(which))

    def sessions(self, terminate: bool = False) -> int:
        """See :meth:`Engine.sessions`. Raises sessions_remain, right_missing."""
        with self._server.anyone() as session:
            act = admin.end_sessions if terminate else admin.count_sessions
            return act(session, [self._named(LIVE)])

    def change_token(self) -> str:
        """See :meth:`Engine.change_token`. Raises login_failed, server_unreachable."""
        with self._server.connect(self._named(LIVE)) as session:
            return str(session.rows(queries.WRITES)[0][0])

    def exists(self, which: str) -> bool:
        """See :meth:`Engine.exists`. Raises login_failed, server_unreachable."""
        with self._server.anyone() as session:
            if which != LIVE and self._server.in_place:
                return place.is_marked(session, which)
            return admin.database_exists(session, self._named(which))


def _second(sentence: str) -> str:
    """The name in "setting NAME ...", as the load tells why it was not replayed."""
    return " {0} ".format(sentence.split(" ")[1])


def _analyse_tables(session: Session, tables: List[str]) -> None:
    """Analyse one after the other; none waits for the disk, as the swap will."""
    session.run("SET synchronous_commit = off")
    for table in tables:
        session.run("ANALYZE " + table)
