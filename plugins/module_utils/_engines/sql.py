# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shares code of the engines with a server: sessions, parallel queries, and obstacles found."""

from __future__ import annotations

import abc
import contextlib
import os
import queue
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, Callable, Generic, List, Optional, Protocol, Sequence, Set, Tuple, TypeVar

from ansible_collections.relocate.django.plugins.module_utils._engines.base import EngineContext
from ansible_collections.relocate.django.plugins.module_utils._engines.compare import compare_schemas
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import (
    DatabaseConfig,
    DatabaseState,
    Login,
    Obstacle,
)
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user

S = TypeVar("S", bound="SqlSession")


_THIS_MACHINE = ("", "localhost", "127.0.0.1", "::1")


def keep_password(login: Login, host: str, port: Optional[int], usual: int, server: str) -> None:
    """Refuse to send the administrator's password where project code says.

    HOST and PORT come out of the project's settings, and before the checkout from the old host: they could name a
    server of their owner's, which asks for the password in clear. It goes where the user says, or to this machine's
    own server at its usual place.

    :param host: of the settings, or the path of the socket that they lead to
    :param port: of the settings
    :param usual: the port at which such servers listen
    :param server: the system user whom the server runs as
    Raises bad_option.
    """
    if not login.password or login.host or login.unix_socket:
        return
    if made_by(host, server) if host.startswith("/") else host in _THIS_MACHINE and port in (None, usual, login.port):
        return
    raise RelocateError(
        "bad_option",
        "the administrator's password is given without an address, and the settings lead to {0}, which may be"
        " anybody's server".format(host or "port {0}".format(port)),
        "add host (and port) or unix_socket to the password in relocate_login, for old in"
        " relocate_old_login; or login_host of the module",
    )


def made_by(path: str, server: str) -> bool:
    """Tell whether a socket is there, and root, this process's user or the server's made it."""
    user = lookup_user(server)
    try:
        return os.stat(path).st_uid in {0, os.geteuid()} | ({user.uid} if user else set())
    except OSError:
        return False


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


def session_lost(msg: str) -> RelocateError:
    """The error of a session that the server has ended: it was there a moment ago, so no other way in helps."""
    return RelocateError("server_unreachable", msg, "see the server's log", {"session": "lost"})


#: Not the settings' user is refused, so their password would be the wrong place to look at.
_WRONG_LOGIN = "check user and password in relocate_login, for old in relocate_old_login (modules: login_user, ...)"


class Logins(abc.ABC, Generic[S]):
    """Every way in to one server, for whoever acts as its administrator."""

    config: DatabaseConfig
    context: EngineContext

    @abc.abstractmethod
    def by_login(self, database: str) -> S:
        """As ``login_*`` say."""

    @abc.abstractmethod
    def by_root(self, database: str) -> S:
        """As the server's own administrator, whom this host's root is let in as. Raises right_missing."""

    @abc.abstractmethod
    def by_creator(self, database: str) -> S:
        """As the settings' user, when he may create databases. Raises right_missing."""

    @abc.abstractmethod
    def by_settings(self) -> S:
        """As the settings' user, in whatever database lets him in."""

    @abc.abstractmethod
    def more_ways(self) -> str:
        """What else would help, for the hint."""

    def admin(self, database: str = "") -> S:
        """A session that may create databases: ``login_*``, else the local administrator, else the settings' user.

        :param database: where to; by default to none that is renamed or dropped
        Raises right_missing when there is none, server_unreachable when nobody is answered, or what ``login_*`` met.
        """
        if self.context.admin.given:
            try:
                return self.by_login(database)
            except RelocateError as exc:
                hint = _WRONG_LOGIN if exc.code == "login_failed" else exc.hint
                raise RelocateError(exc.code, exc.msg, hint, exc.details) from None
        reason = ""
        for way, by_us in ((self.by_root, True), (self.by_creator, False)):
            try:
                return way(database)
            except RelocateError as exc:
                # Whom the server itself does not answer lacks no right. Root may look for it in another place.
                if exc.details.get("session") == "lost" or (exc.code == "server_unreachable" and not by_us):
                    raise
                reason = reason or exc.msg
        raise RelocateError(
            "right_missing",
            "nobody here may create databases on the server of {0}: {1}".format(self.config.alias, reason),
            "run with become on the database server's own host, " + self.more_ways(),
        )

    def anyone(self) -> S:
        """A session for questions about the server: the administrator's, else the settings' user's. Raises as both."""
        try:
            return self.admin()
        except RelocateError as exc:
            if self.context.admin.given or exc.code != "right_missing":
                raise
        return self.by_settings()


def cannot_catch_up(why: str) -> RelocateError:
    """The error of what changed since a first copy and cannot be carried alone: the whole way is taken then."""
    return RelocateError("cannot_catch_up", why, "set relocate_first_copy: never to carry all of it in the downtime")


#: Above this share of all rows the whole way is as fast, and above so many rows it matters.
SHARE, FEW = 0.5, 10000


def check_share(moving: int, everything: int) -> None:
    """Raise cannot_catch_up where too many of all rows would travel."""
    if moving > max(FEW, SHARE * everything):
        raise cannot_catch_up("{0} of {1} rows changed".format(moving, everything))


def check_objects(copied: DatabaseState, now: DatabaseState) -> None:
    """Raise cannot_catch_up where more than rows has changed since the first copy, or nobody knows."""
    if copied.schema is None or now.schema is None or copied.method != now.method:
        raise cannot_catch_up("nothing says whether the schema is the same")
    changed = [str(item.name) for item in compare_schemas(copied.schema, now.schema)]
    changed += sorted(_names(copied) ^ _names(now))
    if changed:
        raise cannot_catch_up("the schema changed: {0}".format(", ".join(changed[:5])))


def _names(found: DatabaseState) -> Set[str]:
    names = {"{0} {1}".format(kind, name) for kind, several in found.objects.items() for name in several}
    return names | {item.name for item in found.tables} | {item.name for item in found.sequences}


class Asks(Protocol):
    """Anything that answers a statement."""

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
