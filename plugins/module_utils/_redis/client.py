# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Talks to one database number of a Redis server: connects as the project's owner, logs in, asks.

Where the server is and how to log in the project's settings say, which anybody may have written. So the connection is
made with the owner's rights, and a certificate is read with them.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import stat
import time
from dataclasses import dataclass, field
from typing import Iterator, List, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._redis import resp
from ansible_collections.relocate.django.plugins.module_utils._redis.resp import Refusal, Replies, Reply, Word
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

_CERTIFICATES = 1024 * 1024  # bytes of a file of them
_NUMBERS = 65536  # databases of a server
_CHECK_HINT = "see that the server runs and that the settings log in to it"


@dataclass(frozen=True)
class Login:
    """How the settings log in."""

    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    verify: bool = True  # the server's certificate
    ca: str = ""  # a file of certificates; "" for the system's


@dataclass(frozen=True)
class Database:
    """One database number of a server."""

    host: str = ""
    port: int = 6379
    path: str = ""  # of a socket, in place of host and port
    number: int = 0
    login: Login = field(default_factory=Login)

    @property
    def place(self) -> str:
        """Say which one it is, as an address without credentials: the name that an inventory knows it by."""
        if self.path:
            return "unix://{0}?db={1}".format(self.path, self.number)
        host = "[{0}]".format(self.host) if ":" in self.host else self.host
        return "redis://{0}:{1}/{2}".format(host or "localhost", self.port, self.number)


class Client:
    """Asks over a connection that is logged in.

    :param seconds: for each answer
    :param deadline: by ``time.monotonic``, for all of them; None for no end
    """

    def __init__(
        self, link: socket.socket, place: str, seconds: float, deadline: Optional[float] = None, limit: int = resp.SMALL
    ) -> None:
        self._link, self._place, self._seconds, self._deadline = link, place, seconds, deadline
        self._replies = Replies(self._receive, limit)

    def _receive(self, size: int) -> bytes:
        self._link.settimeout(self._left())
        return self._link.recv(size)

    def _left(self) -> float:
        if self._deadline is None:
            return self._seconds
        left = min(self._seconds, self._deadline - time.monotonic())
        if left <= 0:
            raise socket.timeout("timed out")
        return left

    def ask_all(self, commands: Sequence[bytes]) -> List[Reply]:
        """Send commands together and return their replies, refusals among them. Raises neighbour_failed."""
        try:
            self._link.settimeout(self._left())
            self._link.sendall(b"".join(commands))
            return [self._replies.read() for _command in commands]
        except socket.timeout:
            raise self.failed("did not answer in time") from None
        except (OSError, ValueError, EOFError) as exc:
            raise self.failed("broke off: {0}".format(getattr(exc, "strerror", None) or exc or "no answer")) from None

    def ask(self, verb: str, *words: Word) -> Reply:
        """Send one command. Raises neighbour_failed, for a refusal too."""
        reply = self.ask_all([resp.command(verb, *words)])[0]
        if isinstance(reply, Refusal):
            raise self.failed("refused {0}: {1}".format(verb, reply.code))
        return reply

    def number(self, verb: str, *words: Word) -> int:
        """Send a command that a number answers. Raises neighbour_failed."""
        reply = self.ask(verb, *words)
        if not isinstance(reply, int):
            raise self.failed("answered {0} with no number".format(verb))
        return reply

    def failed(self, what: str, hint: str = _CHECK_HINT) -> RelocateError:
        """Return the error for what the server did."""
        return RelocateError("neighbour_failed", "{0} {1}".format(self._place, what), hint)


@contextlib.contextmanager
def connected(
    database: Database,
    owner: Optional[SystemUser],
    seconds: float = 3.0,
    in_all: Optional[float] = None,
    limit: int = resp.SMALL,
) -> Iterator[Client]:
    """Connect to a database, log in and select it.

    :param owner: with whose rights; None for those of this process
    :param seconds: for each answer; ``in_all`` for all together
    :param limit: bytes of one value
    Raises neighbour_failed.
    """
    deadline = None if in_all is None else time.monotonic() + in_all
    try:
        link = _open(database, owner, seconds)
    except (OSError, ValueError, OverflowError) as exc:
        what = "cannot be reached: {0}".format(getattr(exc, "strerror", None) or type(exc).__name__)
        raise RelocateError("neighbour_failed", "{0} {1}".format(database.place, what), _CHECK_HINT) from None
    with contextlib.closing(link):
        client = Client(link, database.place, seconds, deadline, limit)
        _log_in(client, database)
        yield client


def _log_in(client: Client, database: Database) -> None:
    login = database.login
    if login.password:
        client.ask("AUTH", *([login.user] if login.user else []), login.password)
    if not 0 <= database.number < _NUMBERS:
        raise client.failed("has no such database")
    if database.number:
        client.ask("SELECT", database.number)


def _open(database: Database, owner: Optional[SystemUser], seconds: float) -> socket.socket:
    context = _context(database.login, owner) if database.login.tls and not database.path else None
    with acting_as(owner):  # the server of a socket sees who connects, and so does a firewall
        if database.path:
            link = socket.socket(socket.AF_UNIX)
            try:
                link.settimeout(seconds)
                link.connect(database.path)
            except BaseException:
                link.close()
                raise
            return link
        link = socket.create_connection((database.host or "localhost", database.port), seconds)
    if context is None:
        return link
    try:
        return context.wrap_socket(link)
    except BaseException:
        link.close()
        raise


def _context(login: Login, owner: Optional[SystemUser]) -> ssl.SSLContext:
    """As redis-py makes it: the certificate is checked, the name in it is not. The server is one of this host."""
    known = _certificates(login.ca, owner) if login.ca and login.verify else None
    context = ssl.create_default_context(cadata=known)
    context.check_hostname = False
    if not login.verify:
        context.verify_mode = ssl.CERT_NONE
    return context


def _certificates(path: str, owner: Optional[SystemUser]) -> str:
    """Return the text of a file of certificates, of bearable size. Raises OSError, ValueError."""
    with acting_as(owner):
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError("no file")
        return stream.read(_CERTIFICATES).decode("ascii", "replace")
