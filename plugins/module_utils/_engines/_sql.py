# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the engines with a server have in common: sessions, questions that run side by side, and obstacles found."""

from __future__ import annotations

import abc
import contextlib
import queue
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, Callable, List, Protocol, Sequence, Tuple, TypeVar

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle

S = TypeVar("S", bound="SqlSession")


class SqlSession(abc.ABC):
    """A connection in autocommit mode; close it, or use it as a context."""

    def __init__(self, connection: Any, scrub: Callable[[str], str]) -> None:
        self._connection, self._scrub = connection, scrub

    def __enter__(self: S) -> S:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the session; never raises."""
        with contextlib.suppress(Exception):
            self._connection.close()

    @abc.abstractmethod
    def rows(self, sql: str) -> List[Tuple[Any, ...]]:
        """Run one statement; its rows, if it has any. Raises query_failed, right_missing or server_unreachable."""

    def value(self, sql: str) -> Any:
        """The first column of the first row, or None. Raises as :meth:`rows`."""
        rows = self.rows(sql)
        return rows[0][0] if rows else None

    def run(self, *statements: str) -> None:
        """Run statements one after the other. Raises as :meth:`rows`."""
        for statement in statements:
            self.rows(statement)


class Asks(Protocol):
    """What answers a statement."""

    def rows(self, sql: str) -> List[Tuple[Any, ...]]:
        """Run one statement; its rows."""


def ask_side_by_side(
    sessions: Sequence[Asks], statements: Sequence[str], done: Callable[[int], None] = lambda count: None
) -> List[Any]:
    """All rows of all statements, each answered by a session that is free. Raises what the first failing one met.

    :param done: told how many statements are answered
    """
    free: "queue.Queue[Asks]" = queue.Queue()
    for session in sessions:
        free.put(session)

    def answer(sql: str) -> List[Tuple[Any, ...]]:
        session = free.get()
        try:
            return session.rows(sql)
        finally:
            free.put(session)

    rows: List[Any] = []
    with ThreadPoolExecutor(max_workers=len(sessions)) as pool:
        futures = [pool.submit(answer, sql) for sql in statements]
        try:
            for count, future in enumerate(as_completed(futures), 1):
                rows += future.result()
                done(count)
        except BaseException:
            for future in futures:
                future.cancel()
            raise
    return rows


class Findings:
    """Obstacles of one alias, as they are found."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.found: List[Obstacle] = []

    def add(self, code: str, msg: str, hint: str = "") -> None:
        """Note one."""
        self.found.append(Obstacle(code, msg, hint, self.alias))

    def error(self, exc: RelocateError) -> None:
        """Note what a refusal says."""
        self.add(exc.code, exc.msg, exc.hint)

    def collect(self, check: Callable[[], Any]) -> Any:
        """Run a check; what it refuses is noted, and None returned."""
        try:
            return check()
        except RelocateError as exc:
            self.error(exc)
            return None
