# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ends a dump that others wait for: a change of a table, and behind it every page that needs that table.

The sessions of a dump hold the definition of each table that they have read. A change of one waits for them; whatever
asks for the table after that waits for the change, the programs of the dump among it, which have no limit for that. So
both would wait for ever, and the site with them.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Callable, Dict, Optional, Type

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import Session, is_named
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._together import Together

_LOOK = 1.0  # seconds between two looks
_PATIENCE = 5  # looks in a row at which one and the same session waits
_WAITING = "SELECT id, LEFT(info, 60) FROM information_schema.processlist WHERE state LIKE 'Waiting for%metadata lock'"


class Stalls:
    """Looks for sessions that wait for a definition while the block runs, and ends the dump for them.

    :param connect: opens a session by which the waiting ones are seen: those of the same account at least
    :param together: the programs of the dump
    """

    def __init__(self, connect: Callable[[], Session], database: str, together: Together) -> None:
        self._connect, self._database, self._together = connect, database, together
        #: Whether only who reads is looked at: as long as writes are paused, writers wait, and rightly.
        self.paused = True
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Stalls:
        self._thread.start()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            with self._connect() as session:
                self._look(session)
        except RelocateError:
            return  # the dump tells by itself what became of the server

    def _look(self, session: Session) -> None:
        seen: Dict[str, int] = {}
        while not self._stop.wait(_LOOK):
            waiting = self._waiting(session)
            seen = {number: seen.get(number, 0) + 1 for number in waiting}
            late = [number for number, times in seen.items() if times >= _PATIENCE]
            if late:
                self._together.fail(refusal(waiting[late[0]], len(late)))
                return

    def _waiting(self, session: Session) -> Dict[str, str]:
        query = "{0} AND {1}".format(_WAITING, is_named("db", self._database))
        found = {str(number): str(text or "") for number, text in session.rows(query)}
        return {number: text for number, text in found.items() if not self.paused or _reads(text)}


def _reads(statement: str) -> bool:
    return statement.lstrip("( ").upper().startswith("SELECT")


def refusal(statement: str, count: int) -> RelocateError:
    """Return what is told of a dump that was ended.

    :param statement: the beginning of what one of the sessions waits with; its first word is shown, and no value
    :param count: of the sessions that wait
    """
    verb = (statement.split() or ["statement"])[0].upper()
    return RelocateError(
        "lock_timeout",
        "a table is being changed while it is dumped; {0} session{1} (one with {2}) waited {3} s for the dump, which"
        " was ended: no backup written".format(count, "" if count == 1 else "s", verb, int(_LOOK * _PATIENCE)),
        "let what changes tables end first, such as migrate or OPTIMIZE TABLE; then run this again",
    )
