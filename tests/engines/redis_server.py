# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A throw-away Redis server on a socket in a directory of the test's own; it writes nothing to disk."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ansible_collections.relocate.django.plugins.module_utils._redis.client import Client, Database, Login, connected


def program() -> str | None:
    """The server's program, or None."""
    return shutil.which("redis-server") or shutil.which("valkey-server")


@contextlib.contextmanager
def running(*extra: str) -> Iterator[Database]:
    """Start a server and give its database number 0."""
    with tempfile.TemporaryDirectory(prefix="relocate-redis-", dir="/tmp") as home:
        path = str(Path(home) / "redis.sock")
        argv = [program() or "redis-server", "--port", "0", "--unixsocket", path, "--unixsocketperm", "777"]
        argv += ["--save", "", "--appendonly", "no", "--dir", home, *extra]
        Path(home).chmod(0o755)
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as process:
            try:
                deadline = time.monotonic() + 20
                while not Path(path).exists():
                    assert process.poll() is None and time.monotonic() < deadline, "the server did not start"
                    time.sleep(0.02)
                yield Database(path=path)
            finally:
                process.terminate()
                process.wait(20)


def numbered(server: Database, number: int, password: str = "", user: str = "") -> Database:
    """Give another database number of a server."""
    return replace(server, number=number, login=Login(user, password))


@contextlib.contextmanager
def client(database: Database) -> Iterator[Client]:
    """Connect as this user."""
    with connected(database, None) as found:
        yield found
