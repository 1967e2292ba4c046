# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One consistent view of a SQLite file, and the copy that is made of it."""

from __future__ import annotations

import os
import sqlite3
import urllib.parse
from typing import IO, Any, Collection, Mapping, Optional

from ansible_collections.relocate.django.plugins.module_utils._engines.base import (
    EngineContext,
    OnSnapshot,
    Snapshot,
    removed_on_failure,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import cannot_catch_up
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite.catchup_delta import Changes, Noted
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite.content import (
    FINISHED_COPY,
    all_pages,
    bytes_of,
    check_pages,
    connect,
    copy_database,
    count_table,
    objects,
    open_view,
    sequences,
    stored_tables,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite.files import (
    owned,
    remove_database,
    sync,
    token_of,
    zstd,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite.schema import refuse_orphans, whole_schema
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import replaced
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState, DumpFile
from ansible_collections.relocate.django.plugins.module_utils._progress import BYTES, PROGRESS

METHOD = "sqlite-row-1"


class SqliteSnapshot(Snapshot):
    """A read transaction; once dumped, the copy takes its place so that the site's writers need not wait."""

    def __init__(self, path: str, alias: str, context: EngineContext) -> None:
        self._alias, self._context, self._live = alias, context, path
        self._copy: Optional[IO[bytes]] = None  # once dumped
        with owned(context.owner, "query_failed"):
            self._connection = open_view(path)
            self._token = token_of(path)

    def close(self) -> None:
        """End the view."""
        with owned(self._context.owner, "query_failed"):
            self._connection.close()
            if self._copy is not None:
                self._copy.close()

    def dump(self, directory: str, on_snapshot: Optional[OnSnapshot] = None) -> DumpFile:
        """The base class's; also raises database_broken, since such a dump would be refused at its load."""
        name = _file_name(self._alias)
        path = os.path.join(directory, name)
        self._context.progress("{0}: copying".format(self._alias))
        with owned(self._context.owner, "dump_failed"):
            if os.path.lexists(path) or os.path.lexists(path + ".zst"):  # not ours: must outlive a failure
                raise RelocateError("path_refused", "{0} is there already".format(path), "choose another directory")
            with removed_on_failure(lambda: self._forget(path)):
                self._replace_view(path)
                self._copy = open(path, "rb")  # noqa: SIM115  # closed with the view; it may lose its name before
                if on_snapshot is not None:
                    on_snapshot(path)
        if self._context.compression == "none":
            return DumpFile(name, "SQLite " + sqlite3.sqlite_version, "3")
        try:
            with removed_on_failure(lambda: self._forget(path + ".zst")):
                zstd(["-T0", "-3"], path, path + ".zst", self._context, "dump_failed")
        finally:
            self._forget(path)  # the open connection keeps reading it; its space is freed at the close
        return DumpFile(name + ".zst", "SQLite " + sqlite3.sqlite_version, "3")

    def _replace_view(self, path: str) -> None:
        with PROGRESS.part("copy"):
            copy_database(self._connection, path)  # out of the transaction that is open: the same view
        sync(path)
        copied = connect(path, FINISHED_COPY)
        try:
            copied.execute("SELECT 1 FROM sqlite_master").fetchone()
            self._connection.close()
        finally:
            self._connection = copied
        check_pages(copied)
        refuse_orphans(copied, self._context, self._live)

    def _forget(self, path: str) -> None:
        with owned(self._context.owner, "dump_failed"):
            remove_database(path)

    def has_tables(self) -> bool:
        """The base class's; raises query_failed or database_broken."""
        with owned(self._context.owner, "query_failed"):
            return bool(stored_tables(self._connection))

    def state(self, fingerprints: bool = True, counted: Collection[str] = ()) -> DatabaseState:
        """The base class's; raises query_failed or database_broken."""
        with owned(self._context.owner, "query_failed"):
            tables = stored_tables(self._connection)
            counts = []
            for number, table in enumerate(tables, 1):
                self._context.progress("{0} of {1} tables".format(number, len(tables)))
                counts.append(count_table(self._connection, table, fingerprints and table not in counted))
            numbers, named = sequences(self._connection, tables), objects(self._connection)
            schema = whole_schema(self._connection, self._live)
            return DatabaseState(METHOD, tuple(counts), tuple(numbers), named, schema=schema)

    def starting_point(self, copied: DatabaseState) -> Mapping[str, Any]:
        """See :meth:`Snapshot.starting_point`: the digests of the dump's blocks."""
        if self._copy is None:
            raise cannot_catch_up("nothing was dumped")
        with owned(self._context.owner, "dump_failed"):
            size = self._copy.seek(0, os.SEEK_END)
            self._copy.seek(0)
            PROGRESS.expect(BYTES, size)
            return Noted.of(self._copy, size).plain()

    def catch_up(self, directory: str, base: Mapping[str, Any], copied: DatabaseState, now: DatabaseState) -> str:
        """See :meth:`Snapshot.catch_up`. As a dump, it raises database_broken and orphan_rows."""
        noted, path = Noted.from_plain(base), os.path.join(directory, _quoted(self._alias) + ".catchup")
        with owned(self._context.owner, "dump_failed"):
            view, size = self._connection, bytes_of(self._connection)
            PROGRESS.expect(BYTES, size)
            with all_pages(view, self._live, path + ".now") as stream:
                changes = Changes.since(noted, stream, size)
                check_pages(view)
                refuse_orphans(view, self._context, self._live)
                with replaced(path) as target:
                    changes.write(target, stream)
                    if token_of(self._live) != self._token:  # what was counted may be other rows than what was read
                        raise cannot_catch_up("the database changed while it was read")
        return os.path.basename(path)


def _quoted(alias: str) -> str:
    """An alias may be any text: quote all that is special in a path, and a dot that would hide the file."""
    quoted = urllib.parse.quote(alias, safe="", errors="surrogatepass").replace("~", "%7E")
    return "%2E" + quoted[1:] if quoted.startswith(".") else quoted


def _file_name(alias: str) -> str:
    return _quoted(alias) + ".sqlite3"
