# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A throw-away PostgreSQL cluster for the engine's tests: unix socket by peer, loopback by SCRAM, nothing shared."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Dict, List, Optional

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import EngineContext
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.engine import PostgresqlEngine
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, Login
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore

#: Gives an engine for a database of this name; further words are fields of its settings, or ``admin``, a Login.
Make = Callable[..., PostgresqlEngine]


def binaries() -> Optional[str]:
    """Where the newest installed server's programs are, or None."""
    found = sorted(
        glob.glob("/usr/lib/postgresql/*/bin/initdb") + glob.glob("/usr/pgsql-*/bin/initdb"),
        key=lambda path: [int(part) for part in path.replace("-", "/").split("/") if part.isdigit()],
    )
    path = found[-1] if found else shutil.which("initdb")
    return os.path.dirname(path) if path else None


class Cluster:
    """A running server. As root it belongs to the system user postgres, or nobody."""

    def __init__(self, bin_directory: str) -> None:
        self.bin = bin_directory
        self.user: Optional[str] = None
        if os.geteuid() == 0:
            names = {entry.pw_name for entry in pwd.getpwall()}
            self.user = "postgres" if "postgres" in names else "nobody"
        self.directory = tempfile.mkdtemp(prefix="relocate-pg-", dir="/tmp")
        os.chmod(self.directory, 0o755)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.sockets = os.path.join(self.directory, "s")
        os.mkdir(self.sockets)
        if self.user:
            for path in (self.directory, self.sockets):
                shutil.chown(path, self.user)

    def run(self, argv: List[str], env: Optional[Dict[str, str]] = None) -> str:
        """Run one of the server's own programs as its user; returns its output."""
        argv = [os.path.join(self.bin, argv[0]), *argv[1:]]
        drop: Dict[str, Any] = (
            {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []} if self.user else {}
        )
        base = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PGHOST": self.sockets, "PGPORT": str(self.port)}
        done = subprocess.run(
            argv, env={**base, **(env or {})}, cwd="/", capture_output=True, text=True, check=False, **drop
        )
        if done.returncode:
            raise RuntimeError("{0}: {1}{2}".format(argv[0], done.stdout, done.stderr))
        return str(done.stdout)

    def start(self) -> None:
        """Make and start the server; the superuser is ``postgres``."""
        data = os.path.join(self.directory, "data")
        self.run(
            ["initdb", "-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
            + ["--auth-local=trust", "--auth-host=scram-sha-256"]
        )
        with open(os.path.join(data, "postgresql.conf"), "a", encoding="utf-8") as stream:
            stream.write(
                "port = {0}\nunix_socket_directories = '{1}'\nlisten_addresses = '127.0.0.1'\n"
                "max_wal_size = '4GB'\nlog_statement = 'all'\nfsync = off\nfull_page_writes = off\n".format(
                    self.port, self.sockets
                )
            )
        # Only postgres gets in by the socket without a password, as peer authentication would have it.
        with open(os.path.join(data, "pg_hba.conf"), "w", encoding="utf-8") as stream:
            stream.write(
                "local all postgres trust\nlocal all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\n"
            )
        self.run(["pg_ctl", "-D", data, "-w", "-l", os.path.join(self.directory, "log"), "start"])

    def stop(self) -> None:
        """Stop the server and remove it."""
        try:
            self.run(["pg_ctl", "-D", os.path.join(self.directory, "data"), "-w", "-m", "immediate", "stop"])
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

    def log(self) -> str:
        """What the server has logged."""
        with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as stream:
            return stream.read()

    def psql(self, database: str, sql: str) -> str:
        """Run SQL as the superuser; returns unaligned tuples."""
        return self.run(["psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql], {"PGDATABASE": database})


@contextmanager
def running() -> Iterator[Cluster]:
    """A server for a block; skips the test where there are no programs of one, and fails it in the lab."""
    directory = binaries()
    if directory is None:
        if os.environ.get("RELOCATE_LAB_REQUIRED") == "1":
            pytest.fail("no PostgreSQL server programs (initdb) on this machine")
        pytest.skip("no PostgreSQL server programs (initdb) on this machine")
    server = Cluster(directory)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def maker(cluster: Cluster, store: SecretStore, user: str, password: str) -> Make:
    """What makes engines for databases of the cluster, whose settings name this user."""

    def make(name: str = "site", admin: Optional[Login] = None, **fields: Any) -> PostgresqlEngine:
        values: Dict[str, Any] = {"user": user, "password": password, "host": "127.0.0.1", "port": cluster.port}
        config = DatabaseConfig("default", "postgresql", "django.db.backends.postgresql", name, **{**values, **fields})
        login = Login(user="postgres", unix_socket=cluster.sockets, port=cluster.port)
        return PostgresqlEngine(config, EngineContext(store, admin=login if admin is None else admin))

    return make
