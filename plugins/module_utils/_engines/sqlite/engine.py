# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""SQLite: a database is a file beside which SQLite keeps others (-wal, -shm, -journal) that belong to its content.

So a file is never copied and never renamed while it has any: copies come from the backup API, renames follow a
checkpoint. Everything that touches the file acts as the project's owner, since a -shm made by root locks the site out.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import sqlite3
import time
from types import ModuleType
from typing import ClassVar, Collection, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.base import (
    DISCARDED,
    INCOMING,
    LIVE,
    PREVIOUS,
    Engine,
    Snapshot,
    missing_programs,
    removed_on_failure,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.foreign import (
    SQLITE_FILE,
    SQLITE_SQL,
    ForeignDump,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite import (
    catchup_apply,
    foreign,
    venv_dialect,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite.content import (
    FINISHED_COPY,
    WAIT,
    check_pages,
    connect,
    needed_version,
    open_view,
    settle,
    stored_tables,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite.files import (
    DIRECTORIES,
    check_whole,
    exchange,
    file_size,
    is_second_name,
    make_directories,
    match_rights,
    owned,
    processes_with,
    refusal,
    refuse_missing,
    removal,
    remove_database,
    sync,
    token_of,
    zstd,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite.schema import (
    refuse_orphans,
    sorted_out,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite.snapshot import SqliteSnapshot
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import created
from ansible_collections.relocate.django.plugins.module_utils._host.parents import record
from ansible_collections.relocate.django.plugins.module_utils._model import (
    DatabaseConfig,
    DatabaseFacts,
    Difference,
    DumpFile,
    Obstacle,
)
from ansible_collections.relocate.django.plugins.module_utils._process import find_program
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

_QUICK = 64 * 1024 * 1024  # bytes whose check no writer notices
_SUFFIXES = {LIVE: "", INCOMING: "__incoming", PREVIOUS: "__previous", DISCARDED: "__discarded"}


class SqliteEngine(Engine):
    """A SQLite file, at the absolute path that the settings name."""

    name = "sqlite"
    dialect: ClassVar[ModuleType] = venv_dialect
    is_file = True
    catches_up: ClassVar[bool] = True
    applies_bytes: ClassVar[bool] = True
    adopts: ClassVar[Tuple[str, ...]] = (SQLITE_FILE, SQLITE_SQL)

    def _path(self, which: str) -> str:
        # A link in the settings' path is followed: the swap must replace the file, on its own file system.
        with acting_as(self.context.owner):
            return os.path.realpath(self.config.name) + _SUFFIXES[which]

    def _mode(self, recorded: Optional[DatabaseFacts]) -> int:
        """The permissions a new file gets: live's, else those it had on old, else the owner's alone."""
        with contextlib.suppress(FileNotFoundError):
            return os.stat(self._path(LIVE)).st_mode & 0o666
        try:
            return int(str(recorded.details["mode"]), 8) & 0o664 | 0o600 if recorded else 0o600
        except (KeyError, ValueError):
            return 0o600

    def preflight(self, side: str, recorded: Optional[DatabaseFacts] = None) -> List[Obstacle]:
        """The base class's. Orphans are looked for on old; pages are where no writer waits for that, or not long."""
        names = ["zstd"] if self.context.compression == "zstd" else []
        found = missing_programs(names, find_program, "zstd")
        try:
            if side == "old":
                with self.snapshot(LIVE):
                    pass
                self._check_live()
            else:
                self._refuse_target(recorded)
        except RelocateError as exc:
            found.append(Obstacle(exc.code, exc.msg, exc.hint, self.config.alias))
        return found

    def _check_live(self) -> None:
        path = self._path(LIVE)
        with owned(self.context.owner, "query_failed"), contextlib.closing(open_view(path)) as connection:
            connection.execute("ROLLBACK")  # each statement for itself: a writer must not wait for all of them
            refuse_orphans(connection, self.context, path)
            journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
            if journal == "wal" or file_size(path) < _QUICK:
                check_pages(connection)

    def judge(self, differences: Sequence[Difference]) -> Tuple[List[Difference], List[str]]:
        """See :meth:`Engine.judge`."""
        return sorted_out(differences)

    def _refuse_target(self, recorded: Optional[DatabaseFacts]) -> None:
        needed = int(recorded.details.get("features", 0)) if recorded else 0
        if needed > _library_version():
            raise RelocateError(
                "server_too_old",
                "the schema needs SQLite {0}.{1}, this host has {2}".format(
                    needed // 1000000, needed // 1000 % 1000, sqlite3.sqlite_version
                ),
                "use a host whose Python comes with a newer SQLite",
            )
        directory = os.path.dirname(self._path(LIVE))
        refuse_missing(directory, self.context.owner)
        with acting_as(self.context.owner):  # a missing directory is made by the checkout, or by create_blank
            if os.path.isdir(directory) and not os.access(directory, os.W_OK | os.X_OK, effective_ids=True):
                raise refusal("right_missing", "{0} is not writable by the project's owner".format(directory))

    def describe(self) -> DatabaseFacts:
        """The base class's; raises query_failed or database_broken."""
        facts = DatabaseFacts(
            engine=self.name,
            server="SQLite " + sqlite3.sqlite_version,
            version=_library_version(),
            major="3",
            exists=self.exists(LIVE),
        )
        if not facts.exists:
            return facts
        path = self._path(LIVE)
        with owned(self.context.owner, "query_failed"), contextlib.closing(open_view(path)) as connection:
            pragmas = ("encoding", "journal_mode", "user_version", "application_id")
            details = {name: connection.execute("PRAGMA " + name).fetchone()[0] for name in pragmas}
            details["features"] = needed_version(connection)
            above = record([os.path.dirname(self.config.name)], self.context.owner)
            details[DIRECTORIES] = [list(dataclasses.astuple(item)) for item in above]
            status = os.stat(path)
            details["mode"] = "{0:04o}".format(status.st_mode & 0o777)
            # Two names may be one file: by a link, or a directory that is mounted twice.
            details["server"] = {"file": "{0}:{1}".format(status.st_dev, status.st_ino)}
            return dataclasses.replace(
                facts,
                tables=len(stored_tables(connection)),
                size_bytes=file_size(path) + file_size(path + "-wal"),
                encoding=details.pop("encoding"),
                details=details,
            )

    @contextlib.contextmanager
    def snapshot(self, which: str = LIVE) -> Iterator[Snapshot]:
        """The base class's; raises database_missing, right_missing, database_broken or query_failed."""
        path = self._path(which)
        with owned(self.context.owner, "query_failed"):
            try:
                os.stat(path)
            except FileNotFoundError:
                raise RelocateError(
                    "database_missing", "there is no {0}".format(path), "check NAME in the settings"
                ) from None
            if not os.access(path, os.R_OK, effective_ids=True):
                raise refusal("right_missing", "{0} is not readable by the project's owner".format(path))
        view = SqliteSnapshot(path, self.config.alias, self.context)
        try:
            yield view
        finally:
            view.close()

    def create_blank(self, recorded: Optional[DatabaseFacts] = None) -> List[str]:
        """The base class's: an empty file is a blank database. Raises right_missing or disk_full."""
        if self.exists(LIVE):
            return []
        path = self._path(LIVE)
        with owned(None, "query_failed"):
            made = ["directory " + name for name in make_directories(self.config.name, self.context.owner, recorded)]
        with owned(self.context.owner, "query_failed"):
            created(path, self._mode(recorded)).close()
        return made + ["database " + path]

    def load(self, directory: str, dump: DumpFile, recorded: DatabaseFacts) -> None:
        """The base class's; also raises path_refused, disk_full and right_missing."""
        if os.path.isabs(dump.path) or ".." in dump.path.split("/"):
            raise RelocateError("path_refused", "the dump's path leaves the set", "make the backup set again")
        incoming = self._path(INCOMING)
        self.drop(INCOMING)
        with removed_on_failure(lambda: self.drop(INCOMING)):
            self._unpack(os.path.join(directory, dump.path), incoming)
            with owned(self.context.owner, "load_failed"):
                check_whole(incoming)
                os.chmod(incoming, self._mode(recorded))
                self._check_loaded(incoming)

    def apply(self, path: str) -> Collection[str]:
        """See :meth:`Engine.apply`. No table need be named: of all it is proven that they are what old holds."""
        catchup_apply.apply(self._path(INCOMING), path, self.context.owner)
        return ()

    def try_apply(self) -> None:
        """See :meth:`Engine.try_apply`."""
        catchup_apply.try_apply(self._path(INCOMING), self.context.owner)

    @contextlib.contextmanager
    def incoming(self, recorded: Optional[DatabaseFacts] = None) -> Iterator[DatabaseConfig]:
        """The base class's: a file beside live's. Raises right_missing or disk_full."""
        path = self._path(INCOMING)
        self.drop(INCOMING)
        with removed_on_failure(lambda: self.drop(INCOMING)):
            with owned(None, "query_failed"):
                make_directories(self.config.name, self.context.owner, recorded)
            with owned(self.context.owner, "query_failed"):
                created(path, self._mode(recorded)).close()
            yield dataclasses.replace(self.config, name=path)
            with owned(self.context.owner, "load_failed"):
                self._check_loaded(path, made_here=True)
                sync(path)

    def examine(self, dump: ForeignDump) -> List[str]:
        """See :meth:`Engine.examine`."""
        return foreign.examine(dump, self.config.alias)

    @contextlib.contextmanager
    def adopted(self, dump: ForeignDump) -> Iterator[DatabaseConfig]:
        """See :meth:`Engine.adopted`. Also raises sessions_remain, disk_full."""
        self.context.notes.extend(foreign.examine(dump, self.config.alias))
        if dump.kind == SQLITE_SQL:
            with contextlib.ExitStack() as stack:
                config = stack.enter_context(self.incoming())
                foreign.run(dump, config.name, self.context.owner)
                yield config
            return
        path = self._path(INCOMING)
        self.drop(INCOMING)
        with removed_on_failure(lambda: self.drop(INCOMING)):
            foreign.take(dump, path, self.context.owner, self._mode(None))
            with owned(self.context.owner, "load_failed"):
                self._check_loaded(path, made_here=True)
            yield dataclasses.replace(self.config, name=path)

    @contextlib.contextmanager
    def reachable(self, which: str) -> Iterator[DatabaseConfig]:
        """See :meth:`Engine.reachable`."""
        yield dataclasses.replace(self.config, name=self._path(which))

    def _unpack(self, source: str, target: str) -> None:
        if source.endswith(".zst"):
            zstd(["-d"], source, target, self.context, "dump_truncated")
            return
        with owned(self.context.owner, "load_failed"):
            with open(source, "rb") as reader, created(target) as writer:
                shutil.copyfileobj(reader, writer, 1024 * 1024)
            sync(target)

    def _check_loaded(self, path: str, made_here: bool = False) -> None:
        """Raises load_failed. Orphans of a dump were accepted by name when it was made; its rows are compared."""
        try:
            with contextlib.closing(connect(path, FINISHED_COPY)) as connection:
                check_pages(connection)
                if made_here:
                    refuse_orphans(connection, self.context, path)
        except (sqlite3.Error, RelocateError) as exc:
            raise refusal("load_failed", "the dump holds a broken database: {0}".format(exc.args[0])) from exc

    def swap(self, from_name: str = INCOMING, displaced: str = PREVIOUS) -> None:
        """The base class's; raises sessions_remain, swap_failed or, without a previous one, no_previous."""
        source, live, kept = self._path(from_name), self._path(LIVE), self._path(displaced)
        if not self.exists(from_name):
            code = "no_previous" if from_name == PREVIOUS else "swap_failed"
            raise RelocateError(code, "there is no {0}".format(source), "load a backup set first")
        if self.exists(displaced):
            raise RelocateError(
                "swap_failed", "{0} is there already, and is not overwritten".format(kept), "check it, then remove it"
            )
        self.sessions(terminate=True)
        with owned(self.context.owner, "swap_failed"):
            settle(source)
            settle(live)
            if os.path.exists(live):
                match_rights(source, live)
                if is_second_name(kept, live):  # left by a run that died in the exchange
                    os.unlink(kept)
                exchange(source, live, kept)
            else:
                os.replace(source, live)
            with contextlib.suppress(OSError):  # done is done: some file systems cannot sync a directory
                sync(os.path.dirname(live))

    def drop(self, which: str) -> bool:
        """The base class's; raises right_missing or query_failed."""
        path = self._path(which)
        with owned(self.context.owner, "query_failed"):
            if which == INCOMING:
                catchup_apply.forget(path)
            return remove_database(path)

    def removal(self, which: str) -> str:
        """See :meth:`Engine.removal`."""
        return removal(self._path(which))

    def exists(self, which: str) -> bool:
        """The base class's."""
        path, live = self._path(which), self._path(LIVE)
        with acting_as(self.context.owner):
            return os.path.isfile(path) and (which == LIVE or not is_second_name(path, live))

    def change_token(self) -> str:
        """See :meth:`Engine.change_token`."""
        path = self._path(LIVE)
        with acting_as(self.context.owner):
            return token_of(path)

    def sessions(self, terminate: bool = False) -> int:
        """Other processes that hold the file open, as far as this process may look.

        They belong to the site or to a person, so ``terminate`` only waits for them; raises sessions_remain.
        """
        path, deadline = self._path(LIVE), time.monotonic() + WAIT
        while True:
            count = len(processes_with(path, path + "-wal"))
            if not count or not terminate:
                return count
            if time.monotonic() >= deadline:
                raise refusal("sessions_remain", "{0} is open in other processes: {1}".format(path, count))
            time.sleep(0.1)


def _library_version() -> int:
    major, minor, patch = sqlite3.sqlite_version_info[:3]
    return major * 1000000 + minor * 1000 + patch
