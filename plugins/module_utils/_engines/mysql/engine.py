# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""MySQL and MariaDB behind the engine contract; a database is what these servers also call a schema.

The order of things is here; how each is done is in ``connect`` (ways in), ``programs`` (the client
programs, for rows), ``objects`` (views, triggers, routines, events), ``snapshot`` (dumps),
``state`` and ``queries`` (counts), ``admin`` (users, databases), ``swap``, ``facts``
and ``preflight``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import os
from types import ModuleType
from typing import Any, ClassVar, Collection, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines import following
from ansible_collections.relocate.django.plugins.module_utils._engines.base import (
    DISCARDED,
    INCOMING,
    LIVE,
    PREVIOUS,
    Engine,
    EngineContext,
    Snapshot,
    removed_on_failure,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.foreign import MYSQL_SQL, ForeignDump
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import (
    admin,
    catchup_apply,
    defaults,
    definers,
    facts,
    foreign,
    grants,
    loader,
    programs,
    queries,
    replicate_old,
    rights,
    survey,
    venv_dialect,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import load as loading
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import objects as stored
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import preflight as checks
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import schema as schemas
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import swap as swapping
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import Session, ident
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.snapshot import MysqlSnapshot
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import (
    DatabaseConfig,
    DatabaseFacts,
    DatabaseState,
    Difference,
    DumpFile,
    Obstacle,
)


class MysqlEngine(Engine):
    """A database on a MariaDB (10.3 or later) or MySQL (8.0 or later) server."""

    name = "mysql"
    dialect: ClassVar[ModuleType] = venv_dialect
    catches_up: ClassVar[bool] = True
    replicates: ClassVar[bool] = True
    adopts: ClassVar[Tuple[str, ...]] = (MYSQL_SQL,)

    def __init__(self, config: DatabaseConfig, context: EngineContext) -> None:
        super().__init__(defaults.resolved(config, context.owner), context)
        self._server = Server(self.config, context)

    def _named(self, which: str) -> str:
        if not self.config.name:
            raise RelocateError(
                "bad_option", "the settings of {0} give no NAME".format(self.config.alias), "set NAME in the settings"
            )
        if self.config.name.startswith(rights.RESERVED):
            raise RelocateError(
                "bad_option",
                "the settings of {0} name a database that relocate.django reserves: {1}".format(
                    self.config.alias, self.config.name
                ),
                "choose a NAME that does not begin with " + rights.RESERVED,
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

        Views are asked for their definer's rights when others are made of them, so that definers of views, and those
        whom the inventory names, are let in too.
        """
        names = [self._named(one) for one in which if one != LIVE]
        if not names:
            yield
            return
        with self._server.admin() as session:
            owners = definers.of_views(session, [self._named(LIVE), *names])
            heirs = definers.existing(session, {*owners, *definers.chosen(self.context.definers).accounts})
            for name in names:
                admin.grant(self._server, session, name)
                for heir in heirs:
                    with contextlib.suppress(RelocateError):  # who makes the view tells what it lacks
                        admin.grant_to(session, name, heir)
        try:
            yield
        finally:
            with contextlib.suppress(RelocateError), self._server.admin() as session:
                for name in names:
                    for heir in heirs:
                        with contextlib.suppress(RelocateError):  # the settings' user may be one of them
                            admin.grant_to(session, name, heir, give=False)
                    with contextlib.suppress(RelocateError):
                        admin.grant(self._server, session, name, give=False)

    def create_blank(self, recorded: Optional[DatabaseFacts] = None) -> List[str]:
        """See :meth:`Engine.create_blank`. Raises right_missing, collation_missing, login_failed."""
        name = self._named(LIVE)
        loading.check_name(name, None if recorded is None else facts.received(recorded))
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
        schema = loading.read_schema(path, dump.digest)
        loading.check_name(self._named(LIVE), facts.received(recorded))
        files = [os.path.join(path, str(part["file"])) for part in schema.parts]
        programs.check_complete(files, self.context.owner, self.context.jobs)
        with self._server.admin() as session:
            self._recover(session)
            for text in survey.sentences(session, recorded.details):
                self.context.notes.append("database {0}: {1}".format(self.config.alias, text))
            client = programs.load_client(session.flavor)
            admin.drop_database(session, incoming)
            with removed_on_failure(lambda: self.drop(INCOMING)):
                admin.ensure_user(self._server, session)
                admin.create_database(session, incoming, schema.charset, schema.collation, schema.comment)
                with self._reachable(INCOMING), loading.room_for_rows(session):
                    with loader.account(self._server, session, incoming) as login:
                        loading.fill(self._server, client, incoming, schema, files, login)
                    loader.refuse_more_than_rows(session, incoming, schema)
                    self._analyse(incoming, schema.tables)
                    self._add_objects(session, incoming, schema)

    def apply(self, path: str) -> Collection[str]:
        """See :meth:`Engine.apply`."""
        contents = catchup_apply.read(path)
        changed = [change.name for change in contents.changes]
        with self._copy_opened() as copy:
            changed = sorted({*changed, *copy.apply(path, contents)})
            self._analyse(self._named(INCOMING), changed)
        return changed

    def try_apply(self) -> None:
        """See :meth:`Engine.try_apply`."""
        with self._copy_opened() as copy, copy.without_triggers():
            pass

    def check_replication(self) -> List[Obstacle]:
        """See :meth:`Engine.check_replication`."""
        return replicate_old.check(self._server)

    @contextlib.contextmanager
    def follow(self, stream: str, limit: int) -> Iterator[Snapshot]:
        """See :meth:`Engine.follow`."""
        self._named(LIVE)
        with replicate_old.begun(self._server, stream, following.Limits(size=limit)) as opened:
            yield opened

    def followed(self, stream: str) -> Mapping[str, Any]:
        """See :meth:`Engine.followed`."""
        return following.status(stream)

    def finish(self, stream: str, base: Mapping[str, Any]) -> Mapping[str, Any]:
        """See :meth:`Engine.finish`."""
        return replicate_old.finish(self._server, stream, base)

    def replay(self, stream: str) -> int:
        """See :meth:`Engine.replay`."""
        with self._copy_opened() as copy:
            return copy.replay(stream)

    @contextlib.contextmanager
    def _copy_opened(self) -> Iterator[catchup_apply.Copy]:
        """Open the first copy in incoming for changes. Raises cannot_catch_up for whatever is refused in the block."""
        name = self._named(INCOMING)
        with contextlib.ExitStack() as stack:
            stack.enter_context(catchup_apply.refusals())
            session = stack.enter_context(self._server.admin())
            stack.enter_context(self._reachable(INCOMING))
            stack.enter_context(loading.room_for_rows(session))
            own = stack.enter_context(self._server.connect(name))
            yield catchup_apply.Copy(own, session, name)

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

    def examine(self, dump: ForeignDump) -> List[str]:
        """See :meth:`Engine.examine`."""
        return foreign.sentences(foreign.survey(dump.stream, dump.rewrapped), self.config.alias)

    @contextlib.contextmanager
    def adopted(self, dump: ForeignDump) -> Iterator[DatabaseConfig]:
        """See :meth:`Engine.adopted`. Also raises collation_missing, right_missing."""
        found = foreign.survey(dump.stream, dump.rewrapped)
        self.context.notes.extend(found.left.sentences(self.config.alias))
        with contextlib.ExitStack() as stack:
            config = stack.enter_context(self.incoming())
            with self._server.admin() as session:
                foreign.load(self._server, session, config.name, dump, found)
            yield config

    @contextlib.contextmanager
    def reachable(self, which: str) -> Iterator[DatabaseConfig]:
        """See :meth:`Engine.reachable`."""
        with self._reachable(which):
            yield dataclasses.replace(self.config, name=self._named(which))

    def _analyse(self, database: str, tables: Iterable[str]) -> None:
        with self.context.stopwatch.step("analyse"), self._server.connect(database) as session:
            names = [ident(name) for name in tables]
            for start in range(0, len(names), 50):
                session.rows("ANALYZE TABLE " + ", ".join(names[start : start + 50]))

    def _add_objects(self, session: Session, incoming: str, schema: loading.Schema) -> None:
        """Views, triggers, routines and events, by the settings' user; by the administrator where he may not."""
        with self._server.connect(incoming) as own:
            account, wanted = admin.own_account(own), definers.chosen(self.context.definers)
            used, owners = {item.definer for item in schema.objects}, (account, schema.account)
            for refusal in definers.refusals(session, wanted, owners, self._named(LIVE), used):
                raise refusal
            settled = definers.settle(schema.objects, account, schema.account, wanted, self.context.notes.append)
            swapping.park(session, incoming, settled, [own, session])

    def differences(self, recorded: DatabaseState, found: DatabaseState) -> List[Difference]:
        """See :meth:`Engine.differences`. What only one of two readers is shown is not compared."""
        return super().differences(*grants.seen_by_both(recorded, found))

    def judge(self, differences: Sequence[Difference]) -> Tuple[List[Difference], List[str]]:
        """See :meth:`Engine.judge`."""
        return schemas.judge(differences, datetime.datetime.now(datetime.timezone.utc))

    def swap(self, from_name: str = INCOMING, displaced: str = PREVIOUS) -> None:
        """See :meth:`Engine.swap`; all tables are renamed in one statement.

        Raises no_previous, database_missing, sessions_remain, right_missing or swap_failed.
        """
        live, source, target = self._named(LIVE), self._named(from_name), self._named(displaced)
        with self._server.admin() as session:
            self._recover(session)
            if not swapping.holds(session, source):
                code = "no_previous" if from_name == PREVIOUS else "database_missing"
                raise RelocateError(code, "there is no database {0}".format(source), "restore a backup set first")
            admin.end_sessions(session, [live, source])
            try:
                with self._reachable(from_name, displaced):
                    swapping.swap(session, live, source, target)
            except RelocateError as exc:
                if exc.code != "server_unreachable":
                    raise
                self._settle(target, exc)

    def _settle(self, displaced: str, lost: RelocateError) -> None:
        """The session was lost during a swap: ask again what became of it. Raises swap_failed when it was not made."""
        try:
            with self._server.admin() as session:
                self._recover(session)
                made = swapping.holds(session, displaced)
        except RelocateError as exc:
            raise RelocateError(
                "swap_failed", "it is not known whether the swap was made: " + lost.msg, exc.hint or lost.hint
            ) from None
        if not made:
            raise RelocateError("swap_failed", "the swap was not made: " + lost.msg, lost.hint)

    def _recover(self, session: Session) -> None:
        """Finish or take back a swap that was killed on its way."""
        names = (PREVIOUS, INCOMING, DISCARDED)
        unfinished = [name for name in map(self._named, names) if swapping.interrupted(session, name)]
        if unfinished:
            with self._reachable(*names):
                self.context.notes.extend(swapping.recover(session, unfinished))

    def drop(self, which: str) -> bool:
        """See :meth:`Engine.drop`. Raises right_missing, query_failed."""
        with self._server.admin() as session:
            self._recover(session)  # what a killed swap keeps there may be needed for live
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
            if not session.flavor.mariadb:
                session.rows("SET SESSION information_schema_stats_expiry = 0")
            found = session.rows(queries.WRITES)
        return hashlib.sha256(repr(found).encode("utf-8")).hexdigest()

    def exists(self, which: str) -> bool:
        """See :meth:`Engine.exists`. Raises login_failed, server_unreachable."""
        with self._server.anyone() as session:
            known = admin.database_exists if which == LIVE else swapping.holds
            return known(session, self._named(which))
