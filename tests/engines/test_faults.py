# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dumps and loads that are cut down in their midst, and disks that are full, with the real servers.

Each time: a named error, the database on old as it was, nothing half done that looks whole, no secret in what is said,
and the same call works afterwards. ``tests/faults.py`` says which fault is shown where.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING, LIVE, EngineContext
from ansible_collections.relocate.django.plugins.module_utils._engines.compare import compare_states
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.engine import MysqlEngine
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.engine import PostgresqlEngine
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite.engine import SqliteEngine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._media import archive
from ansible_collections.relocate.django.plugins.module_utils._model import (
    DatabaseConfig,
    DatabaseFacts,
    DatabaseState,
    DumpFile,
    Login,
)
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from ansible_collections.relocate.django.plugins.module_utils._transfer import rsync
from ansible_collections.relocate.django.plugins.module_utils._transfer.local import Copier
from tests.engines import mysql_server
from tests.engines.mysql_server import MysqlServer
from tests.engines.postgresql_cluster import Cluster, running
from tests.unit.fakes import ROOT_ONLY, reachable, refused

pymysql = pytest.importorskip("pymysql")
pytestmark = [ROOT_ONLY, pytest.mark.drawn(2, of="faults")]
PASSWORD = "c4n'ary é%:\\$#@1"
#: Rows that take a dump and a load half a second at least, on a fast machine.
ROWS = 100_000
#: A process of its own, as a module is: it does one thing with an engine, and says what came of it.
MODULE = """
import pickle, sys
from ansible_collections.relocate.django.plugins.module_utils._engines.base import EngineContext
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
with open(sys.argv[1], "rb") as stream:
    kind, config, admin, work, directory, dump, facts = pickle.load(stream)
try:
    with SecretStore(work) as store:
        engine = kind(config, EngineContext(store, admin=admin, jobs=2))
        if dump is None:
            with engine.snapshot() as snapshot:
                snapshot.dump(directory)
        else:
            engine.load(directory, dump, facts)
    print("done")
except RelocateError as exc:
    print(exc.code)
    print(exc)
"""


class Bench:
    """A database with many rows and what makes engines for it; ``given`` is a dump of it."""

    kind: Any = None
    dumps: tuple[str, ...] = ()
    loads: tuple[str, ...] = ()

    def __init__(self, base: Path) -> None:
        self.base = reachable(base)
        self.store = SecretStore(str(base / "work"))
        self.given = base / "given"
        self.dump: DumpFile
        self.truth: DatabaseState
        self.facts: DatabaseFacts
        self.admin = Login()

    def config(self, name: str) -> DatabaseConfig:
        raise NotImplementedError

    def end_sessions(self, load: bool) -> None:
        """Wait for the first session of a dump or of a load that is at work, and end it."""
        raise NotImplementedError

    def engine(self, name: str = "site") -> Any:
        return self.kind(self.config(name), EngineContext(self.store, admin=self.admin, jobs=2))

    def begin(self) -> None:
        """Dump once, whole."""
        self.store.__enter__()
        self.given.mkdir()
        with self.engine().snapshot() as snapshot:
            self.dump, self.truth = snapshot.dump(str(self.given)), snapshot.state()
        self.facts = self.engine().describe()

    def module(self, directory: Path, load: bool) -> subprocess.Popen[str]:
        """Begin a module that dumps into a directory, or loads the given dump."""
        given = (str(self.given), self.dump, self.facts) if load else (str(directory), None, None)
        target = self.config("copy" if load else "site")
        path = directory / "call"
        path.write_bytes(pickle.dumps((self.kind, target, self.admin, str(self.base / "work"), *given)))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        argv = [sys.executable, "-c", MODULE, str(path)]
        return subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def state(self, name: str, which: str = LIVE) -> DatabaseState:
        with self.engine(name).snapshot(which) as snapshot:
            state: DatabaseState = snapshot.state()
            return state

    def close(self) -> None:
        self.store.__exit__(None, None, None)


class Postgresql(Bench):
    """Rows in a PostgreSQL server of its own."""

    kind = PostgresqlEngine
    dumps, loads = ("pg_dump",), ("pg_restore",)

    def __init__(self, base: Path, server: Cluster) -> None:
        super().__init__(base)
        self.server = server
        self.admin = Login(user="postgres", unix_socket=server.sockets, port=server.port)
        quoted = PASSWORD.replace("'", "''")
        server.psql("postgres", f"CREATE ROLE shop LOGIN PASSWORD '{quoted}'")
        server.psql("postgres", "CREATE DATABASE site OWNER shop")
        rows = f"SELECT i AS id, repeat(md5(i::text), 8) AS v FROM generate_series(1, {ROWS}) AS i"
        server.psql("site", f"SET ROLE shop; CREATE TABLE item AS {rows}; ALTER TABLE item ADD PRIMARY KEY (id)")

    def config(self, name: str) -> DatabaseConfig:
        more: dict[str, Any] = {"user": "shop", "password": PASSWORD, "host": "127.0.0.1", "port": self.server.port}
        return DatabaseConfig("default", "postgresql", "django.db.backends.postgresql", name, **more)

    def end_sessions(self, load: bool) -> None:
        sql = """DO $$ BEGIN FOR turn IN 1..10000 LOOP
            PERFORM pg_stat_clear_snapshot();
            PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = '{}' AND state = 'active' AND query ~ '^COPY';
            IF FOUND THEN RETURN; END IF;
            PERFORM pg_sleep(0.001);
        END LOOP; RAISE 'nobody came'; END $$"""
        self.server.psql("postgres", sql.format("copy__incoming" if load else "site"))


class Mysql(Bench):
    """Rows in a MariaDB server of its own."""

    kind = MysqlEngine
    dumps, loads = ("mariadb-dump", "mysqldump"), ("mariadb", "mysql")

    def __init__(self, base: Path, server: MysqlServer) -> None:
        super().__init__(base)
        self.server = server
        self.admin = Login(user="root", unix_socket=server.socket)
        self.engine().create_blank()
        rows = f"SELECT seq AS id, repeat(md5(seq), 8) AS v FROM seq_1_to_{ROWS}"
        server.sql(f"CREATE TABLE item (id int PRIMARY KEY, v varchar(300)) {rows}", "site")

    def config(self, name: str) -> DatabaseConfig:
        more: dict[str, Any] = {"user": "shop", "password": PASSWORD, "host": "127.0.0.1", "port": self.server.port}
        return DatabaseConfig("default", "mysql", "django.db.backends.mysql", name, **more)

    def end_sessions(self, load: bool) -> None:
        what = "INFO LIKE 'INSERT INTO `item`%'" if load else "INFO LIKE 'SELECT %`item`%' AND INFO NOT LIKE '%(%'"
        sql = f"SELECT ID FROM information_schema.PROCESSLIST WHERE {what} AND COMMAND = 'Query'"
        with pymysql.connect(unix_socket=self.server.socket, user="root") as connection, connection.cursor() as cursor:
            until(lambda: cursor.execute(sql))
            for (number,) in cursor.fetchall():
                cursor.execute(f"KILL {number}")


class Sqlite(Bench):
    """Rows in a file."""

    kind = SqliteEngine
    dumps = loads = ("zstd",)

    def __init__(self, base: Path) -> None:
        super().__init__(base)
        (base / "copy").mkdir()
        with contextlib.closing(sqlite3.connect(base / "site")) as connection, connection:
            connection.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, v TEXT)")
            rows = ((number, os.urandom(160).hex()) for number in range(ROWS))
            connection.executemany("INSERT INTO item VALUES (?, ?)", rows)

    def config(self, name: str) -> DatabaseConfig:
        path = self.base / (name if name == "site" else "copy/db.sqlite3")
        return DatabaseConfig("default", "sqlite", "django.db.backends.sqlite3", str(path))


@contextlib.contextmanager
def small_disk(path: Path, megabytes: int) -> Iterator[None]:
    """A disk of its own at a directory."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "small", str(path)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def _bench(kind: str, base: Path, stack: contextlib.ExitStack) -> Bench:
    if kind == "sqlite":
        return Sqlite(base)
    if kind == "postgresql":
        return Postgresql(base, stack.enter_context(running()))
    if mysql_server.program() is None:
        pytest.skip("no MariaDB server program on this machine")
    server = MysqlServer()
    data = Path(server.directory, "data")
    data.mkdir()
    stack.callback(shutil.rmtree, server.directory, ignore_errors=True)
    stack.enter_context(small_disk(data, 900))
    stack.callback(server.stop, kill=True)
    for path in (data, server.directory):
        shutil.chown(path, server.user)
    server.install()
    server.start()
    return Mysql(base, server)


@pytest.fixture(name="bench", scope="module", params=["postgresql", "mysql", "sqlite"])
def _one(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One engine after the other."""
    with contextlib.ExitStack() as stack:
        bench = _bench(request.param, tmp_path_factory.mktemp(request.param), stack)
        bench.begin()
        stack.callback(bench.close)
        yield bench


def children(pid: int) -> list[int]:
    """All processes below one."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        found = [
            int(child) for each in Path(f"/proc/{pid}/task").glob("*/children") for child in each.read_text().split()
        ]
    return [*found, *(deeper for child in found for deeper in children(child))]


#: Words of a program that only tells something, or reads a dump.
ASKING = {"--version", "--list", "--file=-"}


def at_work(pid: int, names: tuple[str, ...]) -> list[int]:
    """The processes below one that run one of these programs."""
    found = []
    for child in children(pid):
        with contextlib.suppress(OSError):
            program, *words = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")
            found += [child] if os.path.basename(program) in names and not ASKING & set(words) else []
    return found


def until(holds: Callable[[], Any], seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return found


@pytest.mark.parametrize("way", ["module", "child", "session"])
@pytest.mark.parametrize("load", [False, True], ids=["dump", "load"])
def test_cut_down_in_its_midst(bench: Bench, tmp_path: Path, load: bool, way: str) -> None:
    """Kill -9 of the module and of the program that it runs, and the server ends the sessions of that program."""
    if way != "module" and bench.kind is SqliteEngine:
        pytest.skip("no server; what becomes of zstd its own tests show")
    reachable(tmp_path)
    names = bench.loads if load else bench.dumps
    ending = threading.Thread(target=bench.end_sessions, args=(load,))
    if way == "session":
        ending.start()
    with bench.module(tmp_path, load) as module:
        below = until(lambda: at_work(module.pid, names))
        every = children(module.pid)
        if way == "module":
            module.kill()
        elif way == "child":
            os.kill(below[-1], 9)
        else:
            ending.join()
        said = module.communicate(timeout=60)[0]
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in every), 5)
    if way == "module":
        assert said == ""
    else:
        assert said.split("\n")[0] == ("load_failed" if load else "dump_failed") and " Next: " in said
        # Whatever was written until then is gone.
        assert load or sorted(os.listdir(tmp_path)) == ["call"]
        assert not load or not bench.engine("copy").exists(INCOMING)
    assert PASSWORD not in said and PASSWORD[-8:] not in said
    assert bench.state("site") == bench.truth
    assert not bench.engine("copy").exists(LIVE)
    goes_on(bench, tmp_path / "again", load)


def goes_on(bench: Bench, directory: Path, load: bool) -> None:
    """The same call, once more, is whole."""
    engine = bench.engine("copy" if load else "site")
    if load:
        engine.load(str(bench.given), bench.dump, bench.facts)
        assert compare_states(bench.truth, bench.state("copy", INCOMING)) == []
        assert engine.drop(INCOMING)
        return
    directory.mkdir()
    with engine.snapshot() as snapshot:
        assert dataclasses.replace(snapshot.dump(str(directory))).path == bench.dump.path
    sizes = [sum(item.stat().st_size for item in top.rglob("*") if item.is_file()) for top in (directory, bench.given)]
    assert abs(sizes[0] - sizes[1]) < sizes[1] // 10


def test_no_room_for_a_dump(bench: Bench, tmp_path: Path) -> None:
    """On old's disk."""
    small = reachable(tmp_path) / "small"
    small.mkdir()
    with small_disk(small, 1):
        with refused("disk_full", "free (disk )?space"), bench.engine().snapshot() as snapshot:
            snapshot.dump(str(small))
        assert os.listdir(small) == []
    assert bench.state("site") == bench.truth
    goes_on(bench, tmp_path / "again", load=False)


def test_no_room_for_a_file_database(bench: Bench) -> None:
    """Where new's settings say."""
    if bench.kind is not SqliteEngine:
        pytest.skip("its files are the server's")
    with small_disk(bench.base / "copy", 8):
        with refused("disk_full", "free disk space"):
            bench.engine("copy").load(str(bench.given), bench.dump, bench.facts)
        assert os.listdir(bench.base / "copy") == []
    goes_on(bench, bench.base / "unused", load=True)


def test_no_room_in_the_data_directory_of_postgresql(bench: Bench, tmp_path: Path) -> None:
    """Of new: the load ends, what it made is gone, and the server serves on."""
    if not isinstance(bench, Postgresql):
        pytest.skip("another server")
    small = reachable(tmp_path) / "small"
    small.mkdir()
    psql = bench.server.psql
    with small_disk(small, 24):
        shutil.chown(small, bench.server.user)
        small.chmod(0o700)
        psql("postgres", f"CREATE TABLESPACE small LOCATION '{small}'")
        psql("postgres", "ALTER DATABASE template0 SET TABLESPACE small")
        try:
            with refused("disk_full", "No space left on device.*free space there") as caught:
                bench.engine("copy").load(str(bench.given), bench.dump, bench.facts)
            assert PASSWORD not in str(caught.value)
            assert not bench.engine("copy").exists(INCOMING) and not bench.engine("copy").exists(LIVE)
            assert bench.state("site") == bench.truth
        finally:
            psql("postgres", "ALTER DATABASE template0 SET TABLESPACE pg_default")
            psql("postgres", "DROP TABLESPACE small")
    goes_on(bench, tmp_path, load=True)


def test_no_room_in_the_data_directory_of_mariadb(bench: Bench, tmp_path: Path) -> None:
    """Of new: as above, where the server's own words are that a table is full."""
    if not isinstance(bench, Mysql):
        pytest.skip("another server")
    data = os.statvfs(Path(bench.server.directory, "data"))
    ballast = Path(bench.server.directory, "data", "ballast")
    with open(ballast, "wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, data.f_bavail * data.f_frsize - (12 << 20))
    try:
        with refused("disk_full", "The table 'item' is full.*free space there") as caught:
            bench.engine("copy").load(str(bench.given), bench.dump, bench.facts)
        assert PASSWORD not in str(caught.value)
        assert not bench.engine("copy").exists(INCOMING) and not bench.engine("copy").exists(LIVE)
    finally:
        ballast.unlink()
    assert bench.state("site") == bench.truth
    goes_on(bench, tmp_path, load=True)


def tree(top: Path) -> Path:
    """Uploads of three megabytes."""
    (top / "a").mkdir(parents=True)
    for number in range(6):
        (top / "a" / str(number)).write_bytes(os.urandom(500_000))
    return top


@pytest.mark.parametrize("way", ["copied", "out of a set"])
def test_no_room_for_media(tmp_path: Path, way: str) -> None:
    """On new; with room it goes on from there, and no half file is left under its name."""
    old, new = tree(reachable(tmp_path) / "old"), tmp_path / "new"
    new.mkdir()
    with open(tmp_path / "media.tar.zst", "wb") as out:
        archive.archive(str(old), out)

    def bring() -> None:
        if way == "copied":
            Copier({"media": str(old)}).fetch(rsync.media_request(str(new)))
        else:
            with open(tmp_path / "media.tar.zst", "rb") as stream:
                archive.extract(stream, str(new))

    def sums(top: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (top / "a").iterdir()}

    with small_disk(new, 2), refused("disk_full", "free space"):
        try:
            bring()
        finally:
            brought = sums(new)
    assert 0 < len(brought) < 6
    brought.pop(".relocate-new", None)  # no name of a file of the site
    assert brought.items() <= sums(old).items()
    bring()
    assert sums(new) == sums(old)


def test_tables_are_changed_while_a_dump_is_made(bench: Bench, tmp_path: Path) -> None:
    """It holds what was counted, or it is refused: never something in between."""
    stop, changes = threading.Event(), []

    def change() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            for sql in (
                f"CREATE TABLE t{number} (id int)",
                f"ALTER TABLE t{number} ADD COLUMN v int",
                f"DROP TABLE t{number}",
            ):
                with contextlib.suppress(PermissionError):  # no program starts while another thread acts as the owner
                    changes.append(alter(bench, sql))
                stop.wait(0.002)

    whole = 0
    thread = threading.Thread(target=change)
    thread.start()
    try:
        until(lambda: len(changes) > 3)
        for attempt in range(2):
            directory = reachable(tmp_path) / str(attempt)
            directory.mkdir()
            dump = None
            try:
                with bench.engine().snapshot() as snapshot:
                    dump = snapshot.dump(str(directory))
                    counted = snapshot.state()
            except RelocateError as exc:
                assert exc.code in ("dump_failed", "query_failed", "lock_timeout") and exc.hint
                assert dump is not None or os.listdir(directory) == []
                continue
            engine = bench.engine("copy")
            engine.load(str(directory), dump, bench.facts)
            assert engine.differences(counted, bench.state("copy", INCOMING)) == []
            assert engine.drop(INCOMING)
            whole += 1
    finally:
        stop.set()
        thread.join()
    print(f"{whole} of 2 dumps went through while {len(changes)} statements changed tables")
    for table in {line.split()[2] for line in changes if line}:
        alter(bench, f"DROP TABLE IF EXISTS {table}")
    assert bench.state("site") == bench.truth


def alter(bench: Bench, sql: str) -> str:
    """Change tables of the site; the statement, unless it was refused."""
    try:
        if isinstance(bench, Postgresql):
            bench.server.psql("site", "SET ROLE shop; " + sql)
        elif isinstance(bench, Mysql):
            bench.server.sql(sql, "site")
        else:
            with contextlib.closing(sqlite3.connect(bench.base / "site", timeout=5)) as connection, connection:
                connection.execute(sql)
    except (RuntimeError, sqlite3.Error):
        return ""
    return sql
