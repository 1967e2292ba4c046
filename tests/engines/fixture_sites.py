# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Django projects on real database servers of this machine, opened as the modules open them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ansible_collections.relocate.django.plugins.module_utils._site import Site, SiteOptions, open_site
from tests.engines import mysql_server, postgresql_cluster
from tests.tools.collection import ROOT

AWKWARD = ROOT / "tests" / "sites" / "awkward"
ENGINES = ("sqlite", "postgresql", "mysql")
PASSWORD = "p4ss 'w\"o%rd"
QUOTED = PASSWORD.replace("'", "''")


class Servers:
    """One PostgreSQL and one MariaDB, each with an administrator that is reached over TCP."""

    def __init__(self) -> None:
        directory, program = postgresql_cluster.binaries(), mysql_server.program()
        if directory is None or program is None:
            missing = "no PostgreSQL or MariaDB server programs on this machine"
            if os.environ.get("RELOCATE_LAB_REQUIRED") == "1":
                pytest.fail(missing)
            pytest.skip(missing)
        self.postgresql, self.mysql = postgresql_cluster.Cluster(directory), mysql_server.MysqlServer()

    def start(self) -> None:
        """Start both."""
        self.postgresql.start()
        self.postgresql.psql(
            "postgres", f"CREATE ROLE mover SUPERUSER LOGIN PASSWORD '{PASSWORD.replace(chr(39), 2 * chr(39))}'"
        )
        self.mysql.start()
        self.mysql.sql(
            f"CREATE USER mover@'%' IDENTIFIED BY '{QUOTED}';"
            " GRANT ALL ON *.* TO mover@'%' WITH GRANT OPTION; SET GLOBAL log_bin_trust_function_creators = 1"
        )

    def stop(self) -> None:
        """Stop both."""
        self.postgresql.stop()
        self.mysql.remove()

    def login(self, engine: str) -> dict[str, Any]:
        """The options by which modules reach the administrator."""
        if engine == "sqlite":
            return dict.fromkeys(("login_user", "login_password", "login_host", "login_port", "login_unix_socket"))
        port = self.postgresql.port if engine == "postgresql" else self.mysql.port
        login = {"login_user": "mover", "login_password": PASSWORD, "login_host": "127.0.0.1", "login_port": port}
        return {**login, "login_unix_socket": None}

    def url(self, engine: str, name: str, directory: Path) -> str:
        """A database as DATABASE_URL has it."""
        if engine == "sqlite":
            return f"sqlite:///{directory / name}.sqlite3"
        scheme, port = ("postgres", self.postgresql.port) if engine == "postgresql" else ("mysql", self.mysql.port)
        options = "" if engine == "postgresql" else "?charset=utf8mb4"
        return f"{scheme}://{name}:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/{name}{options}"


class Project:
    """A checkout of a Django project with one database of its own."""

    def __init__(self, servers: Servers, engine: str, name: str, directory: Path, source: Path = AWKWARD) -> None:
        """Copy the project and make its blank database, as the database module would."""
        self.engine, self.path, self.name = engine, directory / name, name
        shutil.copytree(source, self.path, ignore=shutil.ignore_patterns("__pycache__", "var"))
        (self.path / "var").mkdir()
        self._servers, self._directory = servers, directory
        lines = {"SECRET_KEY": "not-a-secret", "DATABASE_URL": servers.url(engine, name, directory)}
        lines["ARCHIVE_URL"] = f"sqlite:///{directory / name}-archive.sqlite3"
        (self.path / ".env").write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
        self.make_blank()

    def make_blank(self) -> None:
        """Make the blank database; the awkward site has a table in a schema of its own."""
        with self.opened() as site:
            site.engines["default"].create_blank()
        if self.engine == "postgresql":
            self._servers.postgresql.psql(self.name, f"ALTER DATABASE {self.name} SET search_path = public, warehouse")

    @contextlib.contextmanager
    def opened(self) -> Iterator[Site]:
        """The site as modules see it."""
        work = self._directory / "work"
        work.mkdir(exist_ok=True)
        params = {
            **self._servers.login(self.engine),
            "path": str(self.path),
            "owner": None,
            "interpreter": sys.executable,
            "settings": None,
            "environment": {},
            "env_files": [],
            "allow_root": True,
            "aliases": ["default"],
            "jobs": 2,
            "compression": "zstd",
            "directory": str(work),
        }
        with open_site(SiteOptions.of(params)) as site:
            yield site

    def manage(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run manage.py."""
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        argv = [sys.executable, "manage.py", *args]
        return subprocess.run(argv, cwd=self.path, env=env, capture_output=True, text=True, check=False)

    def must(self, *args: str) -> str:
        """Run manage.py, which has to succeed."""
        result = self.manage(*args)
        assert result.returncode == 0, result.stderr[-3000:]
        return result.stdout

    def fill(self, rows: int) -> None:
        """Migrate and populate, as the awkward site does."""
        for alias in ("default", "archive"):
            self.must("migrate", "-v0", "--database", alias)
        self.must("populate", "--rows", str(rows))
