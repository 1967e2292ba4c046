# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One moment of a PostgreSQL database: its dump, what is in it, and what changed since another one."""

from __future__ import annotations

import os
from typing import Any, Collection, Dict, Mapping, Optional
from urllib.parse import quote

from ansible_collections.relocate.django.plugins.module_utils._engines.base import (
    INCOMING,
    LIVE,
    OnSnapshot,
    Snapshot,
    removed_on_failure,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.compare import fingerprinted
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import (
    catchup_write,
    copying,
    privileged,
    programs,
    queries,
    replicate_old,
    unfinished,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import state as states
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState, DumpFile


class PostgresqlSnapshot(Snapshot):
    """An exported snapshot, alive as long as its sessions are."""

    #: True for a database that a load in place has not left yet, or has left blank: its content is another's
    blank = False
    _counts = True  # whether the tables that are there are those of the database that was asked for

    def __init__(self, server: Server, database: str, method: str, imported: str = "") -> None:
        self._server, self._database, self._method = server, database, method
        self._dumped: Optional[states.SequenceValues] = None
        self._view = states.View(server, database, server.context.jobs, imported)
        with removed_on_failure(self._view.close):
            # Asked now: while the dump runs, the same session may be counting.
            tables, room = self._view.main.rows(queries.LOCKS)[0]
            self._jobs = programs.dump_jobs(tables, room, server.context.jobs)
            self._hidden = self._view.main.rows(privileged.HIDDEN_MAPPINGS)
            self._rows = copying.estimated(self._view.main)

    def close(self) -> None:
        """Let go of the snapshot."""
        self._view.close()

    def dump(self, directory: str, on_snapshot: Optional[OnSnapshot] = None) -> DumpFile:
        """Write ``ALIAS.pgdump`` below the directory; call it before :meth:`state` when the database is in use.

        Raises RelocateError: program_missing, client_too_old, dump_failed.
        """
        self._refuse_blank()
        client = programs.choose_dump(programs.installed("pg_dump"), self._view.main.major)
        if on_snapshot is not None:
            on_snapshot(self._view.snapshot_id)
        self._server.context.notes.extend(
            "database {0}: role {1} is not shown the options of the user mapping of {2} on server {3}, so that they are"
            " not carried: set them on new".format(self._server.config.alias, self._server.role, user, name)
            for name, user in self._hidden
        )
        name = quote(self._server.config.alias, safe="") + ".pgdump"
        path = os.path.join(directory, name)
        with copying.watched(self._server, self._database, self._rows):
            programs.dump(self._server, client, self._database, self._view.snapshot_id, path, self._jobs)
        with removed_on_failure(lambda: programs.remove(self._server, path)):
            self._dumped = programs.sequence_values(self._server, programs.client_beside(client), path)
        return DumpFile(path=name, client=client.version, client_major=str(client.major))

    def has_tables(self) -> bool:
        """See :meth:`Snapshot.has_tables`."""
        return self._counts and bool(self._view.main.value(queries.TABLE_COUNT))

    def look(self, which: str) -> None:
        """Find out whether this is a blank database of a load in place."""
        main = self._view.main
        self.blank = bool(main.value(queries.FILLING)) if which == LIVE else which != INCOMING and self._server.in_place
        self._counts = not self.blank
        if self.blank and which == LIVE:
            with self._server.connect(self._database) as session:
                self._counts = not unfinished.is_loads_own(self._server, session)

    def _refuse_blank(self) -> None:
        if self.blank:
            raise RelocateError(
                "database_missing",
                "database {0} bears the mark of a load that has not ended".format(self._database),
                "run the move or restore that fills it again; " + unfinished.remedy(self._database),
            )

    def state(self, fingerprints: bool = True, counted: Collection[str] = ()) -> DatabaseState:
        """Count (and fingerprint) everything. Sequences, which obey no snapshot, are the dump's after a dump.

        Raises RelocateError: right_missing, query_failed, server_unreachable, and as :meth:`Snapshot.expect`.
        """
        self._refuse_blank()
        known: Dict[str, str] = {}
        if fingerprints and self._base is not None and self._copied is not None:
            known = catchup_write.unwritten(self._view, self._base, self._copied)
        found = states.read_state(self._view, self._method, fingerprints, self._dumped, {*counted, *known})
        return fingerprinted(found, known)

    def starting_point(self, copied: DatabaseState) -> Mapping[str, Any]:
        """See :meth:`Snapshot.starting_point`."""
        return catchup_write.starting_point(self._view, copied)

    def catch_up(self, directory: str, base: Mapping[str, Any], copied: DatabaseState, now: DatabaseState) -> str:
        """See :meth:`Snapshot.catch_up`."""
        return catchup_write.Catchup(self._view, base, copied, now, directory).write()


class FollowedSnapshot(PostgresqlSnapshot):
    """The moment at which a replication begins."""

    def __init__(self, server: Server, database: str, method: str, stream: replicate_old.Begun) -> None:
        super().__init__(server, database, method, stream.snapshot)
        self._replicated = stream.published.files

    def starting_point(self, copied: DatabaseState) -> Mapping[str, Any]:
        """See :meth:`Snapshot.starting_point`."""
        return {**super().starting_point(copied), "replicated": dict(self._replicated)}
