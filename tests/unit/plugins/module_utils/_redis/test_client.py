# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server may do that is no Redis, or no honest one."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._redis import client
from ansible_collections.relocate.django.plugins.module_utils._redis.client import Database, Login, connected
from ansible_collections.relocate.django.plugins.module_utils._redis.held import held


@contextmanager
def serving(path: Path, play: Callable[[socket.socket], None]) -> Iterator[Database]:
    """Accept one connection and play a part on it."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(1)

        def run() -> None:
            link, _peer = server.accept()
            with link:
                try:
                    play(link)
                except OSError:
                    pass

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield Database(path=str(path))


def trickle(link: socket.socket) -> None:
    """Send a byte of a long line every now and then."""
    for _number in range(100):
        link.sendall(b"+")
        time.sleep(0.05)


def one_key_then(reply: bytes) -> Callable[[socket.socket], None]:
    """Answer DBSIZE, then something else."""

    def play(link: socket.socket) -> None:
        link.recv(4096)
        link.sendall(b":1\r\n")
        while link.recv(4096):
            link.sendall(reply)

    return play


def answering(reply: bytes) -> Callable[[socket.socket], None]:
    """Give one answer, whatever was asked."""

    def play(link: socket.socket) -> None:
        link.recv(4096)
        link.sendall(reply)

    return play


def look(database: Database) -> None:
    """Ask what a database holds, for a short time."""
    with connected(database, None, seconds=0.3, in_all=0.6) as found:
        held(found, queues=True)


@pytest.mark.parametrize(
    ("play", "why"),
    [
        (lambda link: time.sleep(1), "did not answer in time"),
        (trickle, "did not answer in time"),
        (lambda link: link.close(), "broke off"),
        (answering(b"SSH-2.0-OpenSSH_9.2\r\n"), "broke off: no reply of Redis"),
        (answering(b"-canary is no password\r\n"), "refused DBSIZE: ERR"),
        (answering(b"$1\r\n1\r\n"), "answered DBSIZE with no number"),
        (one_key_then(b":1\r\n"), "answered SCAN in an unknown form"),
        (one_key_then(b"*2\r\n$1\r\n0\r\n*1\r\n:4\r\n"), "answered SCAN in an unknown form"),
        (one_key_then(b"*2\r\n$1\r\n5\r\n*0\r\n"), "did not answer in time"),
    ],
)
def test_odd_servers(tmp_path: Path, play: Callable[[socket.socket], None], why: str) -> None:
    began = time.monotonic()
    with pytest.raises(RelocateError) as caught, serving(tmp_path / "s", play) as database:
        look(database)
    assert caught.value.code == "neighbour_failed" and why in caught.value.msg
    assert "canary" not in caught.value.msg and time.monotonic() - began < 5


def test_a_certificate_that_is_none(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent", Path("/dev/zero")):
        database = Database("127.0.0.1", 1, login=Login(tls=True, ca=str(path)))
        with pytest.raises(RelocateError, match="cannot be reached"), connected(database, None):
            pass


@pytest.mark.parametrize(
    ("database", "place"),
    [
        (Database(), "redis://localhost:6379/0"),
        (Database("::1", 7000, number=3, login=Login("u", "canary")), "redis://[::1]:7000/3"),
        (Database(path="/run/redis.sock", number=2), "unix:///run/redis.sock?db=2"),
    ],
)
def test_places(database: Database, place: str) -> None:
    assert database.place == place
    assert "canary" not in repr(database)


def test_certificates_are_checked_unless_the_settings_say_otherwise() -> None:
    found = [client._context(Login(tls=True, verify=verify), None).verify_mode for verify in (True, False)]
    assert [mode.name for mode in found] == ["CERT_REQUIRED", "CERT_NONE"]
