# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds a pooler that gives a session to others after each transaction, as PgBouncer does with pool_mode transaction.

What is set in such a session reaches the site's own queries, its search_path among it, and what we rely on is lost. So
this is asked before anything is set.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from typing import Any, Callable, Iterator

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

_ASKED = "SELECT pg_catalog.pg_backend_pid()"
_PATIENCE = 10.0  # seconds; a pool of one session that holds it for its client never gives another one


def lends(connection: Any, again: Callable[[], Any]) -> bool:
    """Tell whether others get the server's session between two transactions of ours.

    Behind any pooler the server's process is another than the one that was named at the login. Where a session belongs
    to its client, a second client has one of its own, and the first keeps his.

    :param connection: the driver's, with which nothing was done yet
    :param again: opens another one like it
    """
    named = getattr(connection, "get_backend_pid", None)
    if named is None:
        return False
    _commit_each(connection)
    first = _ask(connection, _ASKED)
    if first == named():
        return False
    try:
        other = again()
    except Exception:  # no room for another one
        return False
    with contextlib.closing(other), _cut_off(other) as cut:
        try:
            _commit_each(other)
            _ask(other, "BEGIN")
            return bool(_ask(other, _ASKED) == first or _ask(connection, _ASKED) != first)
        except Exception:
            return not cut.is_set()  # refused: sessions are lent for a statement alone


def _commit_each(connection: Any) -> None:
    if getattr(connection, "autocommit", True) is False:
        connection.autocommit = True


def _ask(connection: Any, sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None


@contextlib.contextmanager
def _cut_off(connection: Any) -> Iterator[threading.Event]:
    """End a connection that gets no answer in the block; gives what tells whether it was ended."""
    was_cut = threading.Event()
    with socket.socket(fileno=os.dup(connection.fileno())) as same:

        def cut() -> None:
            was_cut.set()
            with contextlib.suppress(OSError):
                same.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(_PATIENCE, cut)
        timer.daemon = True
        timer.start()
        try:
            yield was_cut
        finally:
            timer.cancel()


def refused(role: str, database: str) -> RelocateError:
    """Return the error that names what to do."""
    return RelocateError(
        "pooler_between",
        "role {0} reaches database {1} through a pooler that gives a session to others after each transaction: what is"
        " set in it would change the site's own queries".format(role, database),
        "name HOST and PORT of the server itself in the settings, or let the pooler keep sessions for this database"
        " (pool_mode = session), for the time of the move",
    )
