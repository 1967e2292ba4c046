# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks a server how many rows pg_dump and pg_restore have copied: they say nothing within a table.

Only where somebody asks for progress, and only for what is worth a session of its own. Servers before 14 do not know.
"""

from __future__ import annotations

import contextlib
from typing import Dict, Iterator, Mapping, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import Session
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._progress import PROGRESS, ROWS, Amount

_SINCE = 14
_LEAST = 200_000  # rows, of which a copy takes a second
_ROWS = """
SELECT c.oid::bigint, c.reltuples::bigint FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.reltuples > 0 AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
"""
_COPIED = """
SELECT pid, relid::bigint, tuples_processed FROM pg_catalog.pg_stat_progress_copy
WHERE datname = pg_catalog.current_database()
"""


def estimated(session: Session) -> Dict[int, int]:
    """Return the rows of each table by the server's statistics; nothing when nobody asks for progress."""
    if not PROGRESS.is_heard or session.major < _SINCE:
        return {}
    return {int(table): int(rows) for table, rows in session.rows(_ROWS)}


class Copied:
    """Sums the rows of all copies that a session has seen.

    :param rows: of a whole table, as far as that is known: what a copy has reached when it ends is seldom seen
    """

    def __init__(self, session: Session, rows: Optional[Mapping[int, int]] = None) -> None:
        self._session, self._rows = session, rows or {}
        self._seen: Dict[Tuple[int, int], int] = {}

    def __call__(self) -> Amount:
        """Ask once. Raises as :meth:`Session.rows`."""
        now = {(int(pid), int(table)): int(rows or 0) for pid, table, rows in self._session.rows(_COPIED)}
        for copy in self._seen:
            if copy not in now:
                self._seen[copy] = max(self._seen[copy], self._rows.get(copy[1], 0))
        self._seen.update(now)
        return Amount(sum(self._seen.values()))


@contextlib.contextmanager
def watched(server: Server, database: str, rows: Optional[Mapping[int, int]] = None) -> Iterator[None]:
    """Let a server tell how many rows have been copied in a database while the block works.

    :param rows: of each table, by its number; None where the caller of the engine said how many are expected
    """
    if rows:
        PROGRESS.expect(ROWS, sum(rows.values()))
    if PROGRESS.expected(ROWS) < _LEAST:
        yield
        return
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(RelocateError):  # the server has no room for one more session: the copy goes on untold
            session = stack.enter_context(server.connect(database))
            session.run("SET statement_timeout = 1000")  # ms: the end of the copy waits for a question that goes on
            if session.major >= _SINCE:
                stack.enter_context(PROGRESS.measured(Copied(session, rows), ROWS, remote=True))
        yield
