# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A move of a database of very many tables against the plain tools, on database servers of this machine.

``python benchmarks/tables.py --tables 1000 --tables 10000 --engine postgresql``: each table has a key of its own, a
second index, a foreign key to the one before it and ten rows. By hand is ``pg_dump -Fd -j2`` and ``pg_restore -j2``,
``mysqldump`` and ``mysql``; nobody counts or compares a schema by hand. What counts is how figures grow with the number
of tables, and the ratios.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "build" / "collections"))

from ansible_collections.relocate.django.plugins.module_utils._engines.base import (
    DISCARDED,
    INCOMING,
    Engine,
    EngineContext,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.engine import MysqlEngine
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.engine import PostgresqlEngine
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, Login
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from tests.engines.mysql_server import MysqlServer
from tests.engines.postgresql_cluster import Cluster, binaries

ENGINES = ("postgresql", "mysql")
SITE = "site"
#: By hand the foreign keys of a dump are checked as they come, so each table refers to one that is there.
COLUMNS = "id {key} PRIMARY KEY, before_id {whole} REFERENCES t{before} (id), name varchar(40) NOT NULL, n int NOT NULL"
ROWS = 10
Result = TypeVar("Result")


class Bench:
    """A database of many tables on a server of its own, and how each side is moved by hand."""

    def __init__(self, engine: Callable[[str], Engine], by_hand: Callable[[Path], dict[str, list[str]]]) -> None:
        self.engine, self.by_hand = engine, by_hand


def statements(tables: int, key: str, whole: str, comma: str) -> Iterator[str]:
    """The site's schema and rows."""
    for number in range(tables):
        columns = COLUMNS.format(key=key, whole=whole, before=max(0, number - 1))
        if number == 0:
            columns = columns.replace(" REFERENCES t0 (id)", "")
        yield f"CREATE TABLE t{number} ({columns}){comma};\nCREATE INDEX i{number} ON t{number} (n);\n"
        rows = ", ".join(f"(NULL, 'row {row} of {number}', {row * 7})" for row in range(ROWS))
        yield f"INSERT INTO t{number} (before_id, name, n) VALUES {rows};\n"


@contextlib.contextmanager
def postgresql(tables: int, store: SecretStore) -> Iterator[Bench]:
    """A PostgreSQL server with room for the locks that a dump of so many tables takes, by hand too."""
    cluster = Cluster(str(binaries()))
    cluster.start()
    try:
        for setting in (f"max_locks_per_transaction = {max(64, tables // 25)}", "log_statement = 'none'"):
            cluster.psql("postgres", f"ALTER SYSTEM SET {setting}")
        cluster.run(["pg_ctl", "-D", f"{cluster.directory}/data", "-w", "-l", f"{cluster.directory}/log", "restart"])
        for number in (1, 2):
            cluster.psql("postgres", f"CREATE ROLE {SITE}{number} LOGIN PASSWORD 'x'")
        cluster.psql("postgres", f"CREATE DATABASE {SITE}1 OWNER {SITE}1")
        env = {**os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(cluster.port), "PGPASSWORD": "x"}
        made = "".join(statements(tables, "serial", "int", ""))
        subprocess.run(
            ["psql", "-Xq", "-U", f"{SITE}1", f"{SITE}1"], input=made, text=True, env=env, check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        os.environ.update({name: env[name] for name in ("PGHOST", "PGPORT", "PGPASSWORD")})

        def engine(name: str) -> Engine:
            config = DatabaseConfig(
                "default", "postgresql", "django.db.backends.postgresql", name, user=name, password="x",
                host="127.0.0.1", port=cluster.port,
            )  # fmt: skip
            login = Login(user="postgres", unix_socket=cluster.sockets, port=cluster.port)
            return PostgresqlEngine(config, EngineContext(store, admin=login))

        def by_hand(directory: Path) -> dict[str, list[str]]:
            cluster.psql("postgres", f"DROP DATABASE IF EXISTS {SITE}2")
            cluster.psql("postgres", f"CREATE DATABASE {SITE}2 OWNER {SITE}2")
            dump, user = str(directory / "plain"), ["-U", f"{SITE}1"]
            return {
                "dump": ["pg_dump", "-Fd", "-j2", "-Z1", *user, "-f", dump, f"{SITE}1"],
                "load": ["pg_restore", "-j2", "--no-owner", "-U", f"{SITE}2", "-d", f"{SITE}2", dump],
            }

        yield Bench(engine, by_hand)
    finally:
        cluster.stop()


@contextlib.contextmanager
def mysql(tables: int, store: SecretStore) -> Iterator[Bench]:
    """A MariaDB server that holds so many tables open."""
    server = MysqlServer()
    try:
        server.start("--skip-log-bin", "--innodb-buffer-pool-size=1G")
        server.sql("SET GLOBAL general_log = 0")
        for number in (1, 2):
            name = f"{SITE}{number}"
            server.sql(f"CREATE USER {name}@'%' IDENTIFIED BY 'x'; GRANT ALL ON {name}.* TO {name}@'%'")
        server.sql(f"CREATE DATABASE {SITE}1 CHARACTER SET utf8mb4")
        server.sql("".join(statements(tables, "int AUTO_INCREMENT", "int", " ENGINE=InnoDB")), f"{SITE}1")

        def engine(name: str) -> Engine:
            config = DatabaseConfig(
                "default", "mysql", "django.db.backends.mysql", name, user=name, password="x", host="127.0.0.1",
                port=server.port,
            )  # fmt: skip
            return MysqlEngine(config, EngineContext(store, admin=Login(user="root", unix_socket=server.socket)))

        def by_hand(directory: Path) -> dict[str, list[str]]:
            server.sql(f"DROP DATABASE IF EXISTS {SITE}2; CREATE DATABASE {SITE}2 CHARACTER SET utf8mb4")
            login = f"-uroot --socket={server.socket}"
            dump = directory / "plain.sql"
            return {
                "dump": ["sh", "-c", f"mysqldump {login} --single-transaction --routines {SITE}1 >{dump}"],
                "load": ["sh", "-c", f"mysql {login} {SITE}2 <{dump}"],
            }

        yield Bench(engine, by_hand)
    finally:
        server.remove()


def timed(figures: dict[str, float], what: str, call: Callable[[], Result]) -> Result:
    """Note the seconds of a call, and give what it returned."""
    begun = time.monotonic()
    result = call()
    figures[what] = time.monotonic() - begun
    return result


def ours(bench: Bench, directory: Path, figures: dict[str, float]) -> None:
    """Move as the modules do, to another name on the same server."""
    old, new = bench.engine(f"{SITE}1"), bench.engine(f"{SITE}2")
    facts = timed(figures, "facts of old", old.describe)
    obstacles = old.preflight("old")
    if obstacles:
        raise SystemExit(f"preflight: {obstacles[0].code}: {obstacles[0].msg}")
    with old.snapshot() as snapshot:
        dump = timed(figures, "dump", lambda: snapshot.dump(str(directory)))
        before = timed(figures, "count, content, schema of old", snapshot.state)
    new.create_blank(facts)
    timed(figures, "load", lambda: new.load(str(directory), dump, facts))
    with new.snapshot(INCOMING) as snapshot:
        found = timed(figures, "the same of new", snapshot.state)
    refused = new.differences(before, found)
    if refused:
        raise SystemExit(f"the data differs: {refused[0]}")
    timed(figures, "swap", lambda: new.swap(displaced=DISCARDED))
    timed(figures, "drop of the blank one", lambda: new.drop(DISCARDED))
    new.drop("live")


def plain(bench: Bench, directory: Path, figures: dict[str, float]) -> None:
    """Move by hand."""
    for what, argv in bench.by_hand(directory).items():
        timed(figures, f"{what} by hand", lambda argv=argv: subprocess.run(argv, check=True))  # type: ignore[misc]


def main() -> int:
    """Print a table for each engine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, action="append", help="how many; may be repeated (100, 1000)")
    parser.add_argument("--engine", choices=ENGINES, action="append")
    arguments = parser.parse_args()
    for name in arguments.engine or ENGINES:
        make = {"postgresql": postgresql, "mysql": mysql}[name]
        for tables in arguments.tables or (100, 1000):
            figures: dict[str, float] = {}
            with tempfile.TemporaryDirectory(dir="/var/tmp") as base, SecretStore(f"{base}/work") as store:
                Path(base, "set").mkdir()
                with make(tables, store) as bench:
                    ours(bench, Path(base, "set"), figures)
                    plain(bench, Path(base), figures)
            hand = figures["dump by hand"] + figures["load by hand"]
            whole = sum(seconds for what, seconds in figures.items() if not what.endswith("by hand"))
            print(f"{name}, {tables} tables", flush=True)
            for what, seconds in figures.items():
                print(f"   {what:32} {seconds:8.1f} s {1000 * seconds / tables:8.2f} ms a table", flush=True)
            print(f"   ours, with all proofs, over by hand: {whole / hand:.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
