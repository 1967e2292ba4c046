# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The MySQL engine against a real MariaDB server of our own."""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import os
import re
import shutil
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import (
    DISCARDED,
    INCOMING,
    LIVE,
    PREVIOUS,
    EngineContext,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.compare import compare_states, sequences_behind
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import programs, queries, rows
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import session as session_module
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import state as states
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import swap as swapping
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.engine import MysqlEngine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import (
    DatabaseConfig,
    DatabaseFacts,
    DatabaseState,
    DumpFile,
    Login,
)
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore, forms
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._steps import dumps
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user
from tests.engines import mysql_server
from tests.engines.mysql_server import MysqlServer
from tests.unit.fakes import LABEL, fake_site, refused

pymysql = pytest.importorskip("pymysql")
#: How many backups are made under writers; 20 for a whole search.
BACKUPS = int(os.environ.get("RELOCATE_BACKUPS", "6"))
PASSWORD = "q'7Kx\"Zr w%25:v\\n$HOME#J@9t;[`Lm"
AWKWARD = r"""
SET NAMES utf8mb4; SET sql_mode = ''; SET foreign_key_checks = 0;
CREATE TABLE author (id bigint AUTO_INCREMENT PRIMARY KEY, name varchar(80) CHARACTER SET utf8mb4, boss bigint,
    book bigint, KEY (boss), CONSTRAINT a_boss FOREIGN KEY (boss) REFERENCES author (id),
    CONSTRAINT a_book FOREIGN KEY (book) REFERENCES book (id)) DEFAULT CHARSET=utf8mb4;
CREATE TABLE book (id bigint AUTO_INCREMENT PRIMARY KEY, title varchar(120) UNIQUE, author bigint,
    CONSTRAINT b_author FOREIGN KEY (author) REFERENCES author (id)) DEFAULT CHARSET=utf8mb4;
INSERT INTO author VALUES (1, 'Ä 😀 \\ '' " \n\r\t', NULL, NULL), (2, 'two', 1, 1), (3, 'three', 3, NULL);
INSERT INTO book VALUES (1, 'one', 1), (9, 'nine', 2);
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; INSERT INTO book VALUES (0, 'zero', 1); SET sql_mode = '';
INSERT INTO book VALUES (40, 'gone', 1); DELETE FROM book WHERE id = 40;
CREATE TABLE odd (id int AUTO_INCREMENT PRIMARY KEY, f float, d double, w int, g int AS (w * 2) STORED,
    v int AS (w + 1), b varbinary(20), bi bit(9), t text CHARACTER SET latin1, u3 varchar(9) CHARACTER SET utf8mb3,
    z datetime, j json, e enum('a', 'b'), s set('x', 'y'),
    n decimal(30, 10), p point, y year, ti time(6), m timestamp(6) NULL, l longblob);
INSERT INTO odd (f, d, w, b, bi, t, u3, z, j, e, s, n, p, y, ti, m, l) VALUES
    (1.1234567, 0.1 + 0.2, 3, 0x00ff275c0a, b'101010101', 'é', 'ü', '0000-00-00', '{"b": 1, "a": [1, 2]}', 'a', 'x,y',
     12345678901234567890.0123456789, point(1, 2), 2024, '-838:59:59.000000', '2024-02-29 12:00:00.123456', 0x00),
    (-0.0, 1.7976931348623157e308, 0, '', b'0', '', '', '2024-02-29 00:00:00', NULL, '', '', -1, NULL, 0, '00:00', NULL,
     REPEAT(0xff00, 70000));
INSERT INTO odd (id) VALUES (NULL);
CREATE TABLE `b``t 'q" x` (id int PRIMARY KEY, v varchar(5)); INSERT INTO `b``t 'q" x` VALUES (1, 'a');
CREATE TABLE isam (id int, v varchar(10)) ENGINE=MyISAM; INSERT INTO isam VALUES (1, 'a'), (1, 'a');
CREATE TABLE parted (id int PRIMARY KEY AUTO_INCREMENT, v int) PARTITION BY HASH (id) PARTITIONS 3;
INSERT INTO parted (v) VALUES (1), (2), (3);
CREATE TABLE empty_one (id int PRIMARY KEY AUTO_INCREMENT) AUTO_INCREMENT=77;
CREATE VIEW z_first AS SELECT id, title FROM book; CREATE VIEW a_second AS SELECT * FROM z_first;
CREATE FUNCTION gross(a int) RETURNS int DETERMINISTIC RETURN a * 119 / 100;
CREATE DEFINER='gho st'@'localhost' PROCEDURE report() SELECT count(*) /* kept */ FROM book;
CREATE TRIGGER t2 BEFORE INSERT ON author FOR EACH ROW SET NEW.name = CONCAT(NEW.name, '!');
CREATE TRIGGER t1 BEFORE INSERT ON author FOR EACH ROW FOLLOWS t2 SET NEW.name = UPPER(NEW.name);
CREATE EVENT runs ON SCHEDULE EVERY 1 SECOND DISABLE COMMENT 'it''s' DO UPDATE isam SET v = 'ran';
ALTER EVENT runs ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' ENABLE;
CREATE EVENT rests ON SCHEDULE EVERY 1 SECOND DISABLE DO DELETE FROM book;
"""


@pytest.fixture(scope="module")
def server() -> Iterator[MysqlServer]:
    if mysql_server.program() is None:
        if os.environ.get("RELOCATE_LAB_REQUIRED") == "1":
            pytest.fail("no MariaDB server program on this machine")
        pytest.skip("no MariaDB server program on this machine")
    one = MysqlServer()
    try:
        one.start()
        yield one
    finally:
        one.remove()


class Bench:
    """One database of its own, an engine for it, a directory for dumps."""

    def __init__(self, server: MysqlServer, store: SecretStore, directory: Path, name: str) -> None:
        self.server, self.name, self.directory = server, name, directory
        self.owner = lookup_user("nobody") if os.geteuid() == 0 else None
        admin = Login(user="root", unix_socket=server.socket)
        self.context = EngineContext(store, self.owner, admin, jobs=2)
        config = DatabaseConfig(
            "def ault", "mysql", "django.db.backends.mysql", name, user="u_" + name, host="127.0.0.1",
            port=server.port, password=PASSWORD,
        )  # fmt: skip
        self.engine = MysqlEngine(config, self.context)
        self.dumps = 0

    def sql(self, text: str, database: str | None = None) -> str:
        return self.server.sql(text, self.name if database is None else database)

    def dump(self) -> tuple[Path, DumpFile, DatabaseState]:
        self.dumps += 1
        target = self.directory / f"dump{self.dumps}"
        target.mkdir()
        if self.owner:
            os.chown(target, self.owner.uid, self.owner.gid)
        with self.engine.snapshot() as snapshot:
            made = snapshot.dump(str(target))
            return target, made, snapshot.state()

    def load(self, target: Path, made: DumpFile) -> None:
        self.engine.load(str(target), made, self.engine.describe())

    def state(self, which: str = LIVE) -> DatabaseState:
        with self.engine.snapshot(which) as snapshot:
            return snapshot.state()

    def databases(self) -> set[str]:
        return {name for name in self.server.sql("SHOW DATABASES").split("\n") if name.startswith(self.name)}

    def events(self, database: str) -> dict[str, str]:
        sql = f"SELECT EVENT_NAME, STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '{database}'"
        return {row.split("\t")[0]: row.split("\t")[1] for row in self.server.sql(sql).splitlines()}


NAMES = iter(f"db_{number}%" for number in range(1000))


@pytest.fixture
def blank(server: MysqlServer, tmp_path: Path) -> Iterator[Bench]:
    os.chmod(tmp_path, 0o711)
    for parent in tmp_path.parents:  # pytest's own directories are closed to the owner
        if str(parent).startswith("/tmp/"):
            with contextlib.suppress(OSError):
                os.chmod(parent, 0o711)
    owner = lookup_user("nobody") if os.geteuid() == 0 else None
    with SecretStore(str(tmp_path), owner) as store:
        bench = Bench(server, store, tmp_path, next(NAMES))
        bench.engine.create_blank()
        yield bench


@pytest.fixture
def awkward(blank: Bench) -> Bench:
    blank.sql(AWKWARD)
    return blank


def test_a_whole_round(awkward: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dump, load, equal; swap, equal; what was live is previous; back, equal."""
    monkeypatch.setattr(
        programs, "plan_parts",
        lambda tables, ranges, jobs: [programs.Part(f"rows-{n + 1:03d}", (t.name,), where)
                                      for n, (t, where) in enumerate((t, w) for t in tables
                                                                     for w in (ranges(t, 2) or [""]))],
    )  # fmt: skip
    engine = awkward.engine
    assert engine.preflight("old") == []
    target, made, recorded = awkward.dump()
    assert recorded.rows() == 3 + 3 + 3 + 1 + 2 + 3
    assert {item.name: item.last_value for item in recorded.sequences} == {
        "author.id": 3, "book.id": 40, "odd.id": 3, "parted.id": 3, "empty_one.id": 76,
    }  # fmt: skip
    assert {kind: len(recorded.objects[kind]) for kind in ("view", "trigger", "function", "procedure", "event")} == {
        "view": 2, "trigger": 2, "function": 1, "procedure": 1, "event": 2,
    }  # fmt: skip
    assert engine.preflight("new", engine.describe()) == []
    awkward.load(target, made)
    assert compare_states(recorded, awkward.state(INCOMING)) == []
    assert awkward.events(awkward.name + "__incoming") == {"runs": "DISABLED", "rests": "DISABLED"}
    assert any("gho st" in note and awkward.engine.config.user in note for note in awkward.context.notes)
    loaded = awkward.state(INCOMING)
    awkward.sql("INSERT INTO book (title) VALUES ('only in what was live')")
    before = awkward.state()
    engine.swap()
    assert awkward.state() == loaded
    assert (engine.exists(PREVIOUS), engine.exists(INCOMING)) == (True, False)
    assert awkward.events(awkward.name) == {"runs": "ENABLED", "rests": "DISABLED"}
    assert awkward.events(awkward.name + "__previous") == {"runs": "DISABLED", "rests": "DISABLED"}
    assert awkward.sql("CALL report()").strip() == "3"
    assert awkward.sql("SELECT gross(100), count(*) FROM a_second").split() == ["119", "3"]
    awkward.sql("INSERT INTO author (name) VALUES ('lower')")
    assert awkward.sql("SELECT name FROM author WHERE id > 3").strip() == "LOWER!"
    engine.swap(PREVIOUS, INCOMING)
    assert awkward.state() == before
    assert awkward.events(awkward.name) == {"runs": "ENABLED", "rests": "DISABLED"}
    assert engine.drop(INCOMING) and awkward.databases() == {awkward.name}


def test_a_swap_never_overwrites(awkward: Bench) -> None:
    target, made, _recorded = awkward.dump()
    awkward.load(target, made)
    awkward.engine.swap()
    awkward.load(target, made)
    before, previous = awkward.state(), awkward.state(PREVIOUS)
    with refused("swap_failed", "__previous exists"):
        awkward.engine.swap()
    assert (awkward.state(), awkward.state(PREVIOUS)) == (before, previous)
    awkward.engine.swap(INCOMING, DISCARDED)
    assert awkward.engine.exists(DISCARDED) and awkward.state(PREVIOUS) == previous


def test_a_swap_into_nothing(awkward: Bench) -> None:
    target, made, recorded = awkward.dump()
    awkward.load(target, made)
    awkward.engine.drop(LIVE)
    awkward.engine.swap()
    assert compare_states(recorded, awkward.state()) == []
    assert awkward.databases() == {awkward.name}


def test_definitions_that_fail_after_the_rename_take_the_swap_back(
    awkward: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, made, _recorded = awkward.dump()
    awkward.load(target, made)
    awkward.sql("INSERT INTO book (title) VALUES ('kept')")
    before, loaded = awkward.state(), awkward.state(INCOMING)

    def fails(self: swapping.Swap, name: str, items: Any) -> None:
        raise RelocateError("load_failed", "no more")

    with monkeypatch.context() as patch:
        patch.setattr(swapping.Swap, "_make", fails)
        with refused("swap_failed", "no more"):
            awkward.engine.swap()
    awkward.engine.drop(DISCARDED)  # settles what is left of it
    assert awkward.state() == before
    assert awkward.events(awkward.name) == {"runs": "ENABLED", "rests": "DISABLED"}
    assert awkward.state(INCOMING) == loaded
    assert not awkward.engine.exists(PREVIOUS)


class Killed(BaseException):
    """The process was killed here."""


STEPS = [(swapping.stored, "drop"), (swapping.Swap, "_rename"), (swapping.Swap, "define"), (swapping.Swap, "clear_up"),
         (swapping.Swap, "_make"), (swapping.Swap, "_park")]  # fmt: skip


@pytest.mark.drawn(3)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("place", "name"), STEPS, ids=[name for _place, name in STEPS])
def test_a_swap_that_was_killed_is_finished_or_taken_back(
    awkward: Bench, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, after: bool
) -> None:
    """At every step: what was live and what was loaded are both there, whole, and exists() tells which is which."""
    target, made, _recorded = awkward.dump()
    awkward.load(target, made)
    awkward.sql("INSERT INTO book (title) VALUES ('only in what was live')")
    live, loaded = awkward.state(), awkward.state(INCOMING)
    real: Callable[..., Any] = getattr(place, name)

    def dies(*args: Any) -> None:
        if after:
            real(*args)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(place, name, dies)
        with pytest.raises(Killed):
            awkward.engine.swap()
    made_it = awkward.engine.exists(PREVIOUS)
    awkward.engine.drop(DISCARDED)  # the next step of any kind goes on from there
    assert awkward.engine.exists(PREVIOUS) == made_it
    if made_it:
        assert awkward.state() == loaded
        assert awkward.state(PREVIOUS) == live
        awkward.engine.swap(PREVIOUS, INCOMING)
    assert awkward.state() == live
    assert awkward.events(awkward.name) == {"runs": "ENABLED", "rests": "DISABLED"}
    assert awkward.state(INCOMING) == loaded


def test_counts_and_dump_are_one_moment_whoever_writes(
    blank: Bench, record_property: Callable[[str, object], None]
) -> None:
    """Backups under writers, InnoDB and MyISAM: what is loaded elsewhere is what was counted, every time."""
    blank.sql(
        "CREATE TABLE a (id int AUTO_INCREMENT PRIMARY KEY, v varchar(40)) ENGINE=InnoDB;"
        "CREATE TABLE b (id int AUTO_INCREMENT PRIMARY KEY, v varchar(40)) ENGINE=InnoDB;"
        "CREATE TABLE m (id int AUTO_INCREMENT PRIMARY KEY, v varchar(40)) ENGINE=MyISAM;"
    )
    stop, written = threading.Event(), [0, 0]

    def write(number: int) -> None:
        connection = pymysql.connect(unix_socket=blank.server.socket, user="root", database=blank.name, autocommit=True)
        with connection, connection.cursor() as cursor:
            while not stop.is_set():
                for table in "abm":
                    cursor.execute(f"INSERT INTO {table} (v) VALUES (UUID())")
                cursor.execute("UPDATE a SET v = UUID() ORDER BY id DESC LIMIT 3")
                cursor.execute("DELETE FROM b ORDER BY id LIMIT 1" if written[number] % 3 == 0 else "DO 0")
                written[number] += 1

    threads = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    locks, sum_before = [], 0.0
    try:
        for _round in range(BACKUPS):
            target, made, recorded = blank.dump()
            total = blank.context.stopwatch.seconds()["lock"]  # what the report shows; it sums
            locks.append(total - sum_before)
            sum_before = total
            blank.load(target, made)
            assert compare_states(recorded, blank.state(INCOMING)) == []
            shutil.rmtree(target)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert min(written) > BACKUPS
    assert len(locks) == BACKUPS
    median = statistics.median(locks)
    record_property(f"median of the lock time of {BACKUPS} backups under writers, s", round(median, 3))
    print(f"\nlock time of {BACKUPS} backups under 2 writers: median {median:.3f} s, longest {max(locks):.3f} s")
    assert 0 < median < 2


def test_only_this_database_is_paused(awkward: Bench) -> None:
    awkward.server.sql("CREATE DATABASE IF NOT EXISTS neighbour; CREATE TABLE IF NOT EXISTS neighbour.n (id int)")
    with (
        awkward.engine._server.connect() as session,
        states.read_lock(session, awkward.name),
    ):
        awkward.server.sql("INSERT INTO neighbour.n VALUES (1)")
        with pytest.raises(RuntimeError, match="1205|Lock wait"):
            awkward.sql("SET lock_wait_timeout = 1; INSERT INTO book (title) VALUES ('paused')")
    awkward.sql("INSERT INTO book (title) VALUES ('again')")


def test_a_transaction_that_goes_on_is_an_error_and_leaves_nothing(
    awkward: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(session_module.PINS, "lock_wait_timeout", "1")
    connection = pymysql.connect(unix_socket=awkward.server.socket, user="root", database=awkward.name)
    with connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO book (title) VALUES ('open')")
        with refused("lock_timeout", "a transaction goes on"):
            awkward.dump()
        connection.rollback()
    assert os.listdir(awkward.directory / "dump1") == []


def test_without_the_right_to_lock_one_program_dumps_and_it_is_said(awkward: Bench) -> None:
    user = f"'{awkward.engine.config.user}'@'localhost'"
    pattern = awkward.name.replace("_", "\\_").replace("%", "\\%")
    awkward.server.sql(f"REVOKE LOCK TABLES ON `{pattern}`.* FROM {user}; FLUSH PRIVILEGES")
    config = dataclasses.replace(awkward.engine.config)
    context = dataclasses.replace(awkward.context, admin=Login(user=config.user, password=PASSWORD, host="127.0.0.1",
                                                              port=awkward.server.port), notes=[])  # fmt: skip
    awkward.sql("DROP PROCEDURE report")  # nobody but root is shown it
    awkward.sql("DROP FUNCTION gross")
    awkward.engine = MysqlEngine(config, context)
    target, made, _recorded = awkward.dump()
    assert any("writes could not be paused" in note for note in context.notes)
    assert len(glob.glob(str(target / made.path / "rows-0*"))) == 1


def cuts(data: bytes) -> list[int]:
    """Each tenth, and each end of a statement but the last."""
    ends = [place + 2 for place in range(len(data)) if data[place : place + 2] == b";\n"]
    return sorted({len(data) * tenth // 10 for tenth in range(10)} | set(ends))


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_a_truncated_dump_is_refused_before_anything_changes(awkward: Bench, compression: str) -> None:
    awkward.engine = MysqlEngine(awkward.engine.config, dataclasses.replace(awkward.context, compression=compression))
    target, made, before = awkward.dump()
    databases, tried = awkward.databases(), 0
    for path in sorted(glob.glob(str(target / made.path / "*"))):
        whole = Path(path).read_bytes()
        for cut in cuts(whole):
            Path(path).write_bytes(whole[:cut])
            with refused("dump_truncated", ""):
                awkward.load(target, made)
            assert awkward.databases() == databases
            tried += 1
        Path(path).unlink()
        with refused("dump_truncated", ""):
            awkward.load(target, made)
        Path(path).write_bytes(whole)
        if awkward.owner:
            os.chown(path, awkward.owner.uid, awkward.owner.gid)
    assert tried > 40
    assert awkward.state() == before
    awkward.load(target, made)


def test_only_the_exit_code_tells(awkward: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "mysqldump"
    fake.write_text("#!/bin/sh\necho '-- Dumping data for table'\necho '-- Dump completed'\nexit 2\n", encoding="ascii")
    fake.chmod(0o755)
    monkeypatch.setattr(programs, "dump_client", lambda _flavor: programs.Client(str(fake), "fake MariaDB", True))
    with refused("dump_failed", "exited 2"):
        awkward.dump()
    assert os.listdir(awkward.directory / "dump1") == []


def test_only_the_counts_tell(awkward: Bench) -> None:
    awkward.engine = MysqlEngine(awkward.engine.config, dataclasses.replace(awkward.context, compression="none"))
    target, made, recorded = awkward.dump()
    changed = 0
    for path in glob.glob(str(target / made.path / "*.sql")):
        text = Path(path).read_text(encoding="utf-8", errors="surrogateescape")
        text, count = re.subn(r",\s*\(9,'nine',2\)", "", text)
        changed += count
        Path(path).write_text(text, encoding="utf-8", errors="surrogateescape")
    assert changed == 1
    awkward.load(target, made)
    assert [item.name for item in compare_states(recorded, awkward.state(INCOMING))] == ["book"]


def endless(program: Path, marker: str) -> Path:
    """A dump program that never ends once it is asked for a part of the big table, except for one part that fails."""
    real = shutil.which("mariadb-dump") or shutil.which("mysqldump")
    program.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *--version*) exec {real} --version;; *"{marker}"*) echo "-- Dumping data for table x"; sleep 1;'
        ' echo "error: this part fails" >&2; exit 3;; esac\n'
        'echo "-- Dumping data for table x"\nsleep 300 & wait\n'
    )
    program.chmod(0o755)
    return program


def test_a_part_of_a_dump_that_fails_ends_the_others(
    awkward: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others would go on for five minutes; the message is of the one that failed."""
    program = endless(tmp_path / "mariadb-dump", "< 2")
    monkeypatch.setattr(programs, "dump_client", lambda flavor: programs.Client(str(program), "x", True))
    monkeypatch.setattr(
        programs, "plan_parts",
        lambda tables, ranges, jobs: [programs.Part("rows-001", ("author",), "`id` >= 2"),
                                      programs.Part("rows-002", ("author",), "`id` < 2")],
    )  # fmt: skip
    awkward.sql("DROP TABLE isam")  # it is dumped before the others, by itself
    began = time.monotonic()
    with refused("dump_failed", "this part fails"):
        awkward.dump()
    assert time.monotonic() - began < 100
    assert not list((awkward.directory / f"dump{awkward.dumps}").iterdir())


def test_a_part_of_a_load_that_fails_ends_the_others(
    awkward: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The big part comes first and would go on for five minutes; the error is of the one that failed."""
    target, made, _recorded = awkward.dump()
    files = sorted(target.glob(f"{made.path}/rows-*"))
    assert len(files) > 2
    started = []

    def argv(program: programs.Client, options: str, database: str) -> list[str]:
        started.append(database)
        if len(started) == 1:
            return ["/bin/sh", "-c", "sleep 300 & wait"]
        return ["/bin/sh", "-c", "sleep 1; echo 'ERROR 1: this part fails' >&2; exit 3"]

    monkeypatch.setattr(programs, "load_argv", argv)
    began = time.monotonic()
    with refused("load_failed", "this part fails"):
        awkward.load(target, made)
    assert time.monotonic() - began < 60
    assert len(started) == 2  # those that waited for their turn were not begun
    assert not awkward.engine.exists(INCOMING)


def test_a_big_table_is_counted_in_ranges(blank: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ranges' sums are the whole table's, with holes in its keys, negative ones, and rows outside of all bounds."""
    blank.sql(
        "CREATE TABLE a (id int AUTO_INCREMENT PRIMARY KEY, v varchar(9));"
        "INSERT INTO a (v) VALUES ('x'), ('x'), (NULL), ('y'); INSERT INTO a VALUES (-50, 'm'), (900, 'n'), (901, 'o');"
    )
    whole = blank.state().tables
    monkeypatch.setattr(states, "DIVIDED", 0)
    asked: list[str] = []
    count_sql = queries.count_sql
    monkeypatch.setattr(queries, "count_sql", lambda *args: asked.append(count_sql(*args)) or asked[-1])
    monkeypatch.setattr(queries, "batches", lambda tables: [[number] for number in range(len(tables))])
    assert blank.state().tables == whole
    assert [table.rows for table in whole] == [7]
    assert len(asked) == 4
    with blank.engine.snapshot() as snapshot:
        assert [table.rows for table in snapshot.state(fingerprints=False).tables] == [7]
    blank.sql("DELETE FROM a WHERE id = 1; UPDATE a SET v = 'z' WHERE id = 2")
    assert blank.state().tables != whole
    blank.sql("DELETE FROM a")
    assert [table.rows for table in blank.state().tables] == [0]


def test_a_sandbox_line_is_no_obstacle(awkward: Bench) -> None:
    awkward.engine = MysqlEngine(awkward.engine.config, dataclasses.replace(awkward.context, compression="none"))
    target, made, recorded = awkward.dump()
    for path in glob.glob(str(target / made.path / "rows-0*.sql")):
        text = Path(path).read_bytes()
        Path(path).write_bytes(b"/*M!999999\\- enable the sandbox mode */ \n" + text)
    awkward.load(target, made)
    assert compare_states(recorded, awkward.state(INCOMING)) == []


def test_the_password_shows_nowhere(server: MysqlServer, blank: Bench) -> None:
    """Command lines and environments while programs run, the server's logs, errors; options files are 0600."""
    blank.sql(
        "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT seq, REPEAT('x', 500) FROM seq_1_to_30000"
    )
    seen: set[str] = set()
    modes: set[int] = set()
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            for pid in filter(str.isdigit, os.listdir("/proc")):
                for kind in ("cmdline", "environ"):
                    with contextlib.suppress(OSError), open(f"/proc/{pid}/{kind}", "rb") as stream:
                        seen.add(stream.read().decode("utf-8", "replace"))
            for path in glob.glob(os.path.join(blank.context.secrets.path, "*.cnf")):
                with contextlib.suppress(OSError):
                    modes.add(os.stat(path).st_mode & 0o777)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        target, made, _recorded = blank.dump()
        blank.load(target, made)
    finally:
        stop.set()
        thread.join()
    wrong = dataclasses.replace(blank.engine.config, password=PASSWORD + "x")
    with pytest.raises(RelocateError) as error:
        MysqlEngine(wrong, blank.context).create_blank()
    text = "\n".join([*seen, server.log(), str(error.value), *blank.context.notes])
    assert "mariadb-dump" in text or "mysqldump" in text
    assert modes == {0o600}
    assert [form for form in forms(PASSWORD) if form in text] == []


def test_a_blank_database_and_its_user(server: MysqlServer, blank: Bench) -> None:
    user = blank.engine.config.user
    assert blank.engine.create_blank() == []
    look_alike = blank.name.replace("_", "x")
    server.sql(f"CREATE DATABASE `{look_alike}`; CREATE TABLE `{look_alike}`.t (id int)")
    assert blank.engine._server.connect(blank.name).value("SELECT DATABASE()") == blank.name
    with refused("right_missing", ""):
        blank.engine._server.connect(look_alike)
    hashed = server.sql(f"SELECT authentication_string FROM mysql.user WHERE User = '{user}'")
    wrong = MysqlEngine(dataclasses.replace(blank.engine.config, password="another"), blank.context)
    with refused("login_failed", "exists on the server"):
        wrong.create_blank()
    assert [item.code for item in wrong.preflight("new")] == ["login_failed"]
    assert server.sql(f"SELECT authentication_string FROM mysql.user WHERE User = '{user}'") == hashed
    with blank.engine.snapshot() as snapshot:
        assert not snapshot.has_tables()
    blank.sql("CREATE TABLE t (id int); INSERT INTO t VALUES (1)")
    with blank.engine.snapshot() as snapshot:
        assert snapshot.has_tables()
    assert blank.engine.create_blank() == [] and blank.sql("SELECT count(*) FROM t").strip() == "1"


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"name": "nobodys"}, "right_missing"), ({"password": "x"}, "login_failed"), ({"port": 1}, "server_unreachable")],
)
def test_what_keeps_a_snapshot_from_being_taken(awkward: Bench, changes: dict[str, Any], code: str) -> None:
    engine = MysqlEngine(dataclasses.replace(awkward.engine.config, **changes), awkward.context)
    with refused(code, ""), engine.snapshot() as snapshot:
        snapshot.state()


def test_an_unknown_collation_is_named(awkward: Bench) -> None:
    target, made, _recorded = awkward.dump()
    path = target / made.path / "schema.json"
    path.write_text(
        path.read_text(encoding="ascii").replace("CHARSET=utf8mb4", "CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci")
    )
    with refused("collation_missing", "utf8mb4_0900_ai_ci"):
        awkward.load(target, dataclasses.replace(made, digest=""))
    assert awkward.databases() == {awkward.name}


def test_a_mark_stays_until_something_is_written(awkward: Bench) -> None:
    """Reading and a dump leave it as it is; each way to write does not. Times are told in whole seconds."""
    awkward.sql("CREATE TABLE marked (id INT PRIMARY KEY, name TEXT) ENGINE=InnoDB")
    awkward.sql("INSERT INTO marked VALUES (1, 'a'), (2, 'b')")
    before = awkward.engine.change_token()
    awkward.dump()
    assert awkward.engine.change_token() == before
    for change in (
        "INSERT INTO marked VALUES (3, 'c')",
        "UPDATE marked SET name = 'd' WHERE id = 1",
        "DELETE FROM marked WHERE id = 2",
    ):
        time.sleep(1.1)
        awkward.sql(change)
        after = awkward.engine.change_token()
        assert after != before, change
        before = after


def test_sessions_are_counted_and_ended(awkward: Bench) -> None:
    connection = pymysql.connect(unix_socket=awkward.server.socket, user="root", database=awkward.name)
    assert awkward.engine.sessions() == 1
    assert awkward.engine.sessions(terminate=True) >= 1
    assert awkward.engine.sessions() == 0
    with contextlib.suppress(pymysql.MySQLError):
        connection.close()


def test_a_server_that_dies_during_the_load(server: MysqlServer, awkward: Bench) -> None:
    """Last, since the server is another afterwards: live is whole, and the next load works."""
    awkward.sql("DROP TABLE isam")  # MyISAM does not outlive a crash
    awkward.sql(
        "CREATE TABLE big (id int PRIMARY KEY, v text);INSERT INTO big SELECT seq, REPEAT('y', 900) FROM seq_1_to_60000"
    )
    target, made, recorded = awkward.dump()
    timer = threading.Timer(0.35, lambda: server.stop(kill=True))
    timer.start()
    with pytest.raises(RelocateError):
        for _attempt in range(20):
            awkward.load(target, made)
    timer.join()
    Path(server.socket).unlink(missing_ok=True)
    server.start()
    assert awkward.state() == recorded
    awkward.load(target, made)
    assert compare_states(recorded, awkward.state(INCOMING)) == []


def test_a_database_of_a_like_name_is_another(blank: Bench) -> None:
    """To the collation of the catalogue db, DB and ďb are one: neither sessions nor objects are mixed up."""
    blank.sql("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE `ť` (id int PRIMARY KEY, v int UNIQUE)")
    recorded = blank.state()
    assert recorded.objects["index"] == ("t.PRIMARY (id) unique", "ť.PRIMARY (id) unique", "ť.v (v) unique")
    for number, twin in enumerate((blank.name.upper(), blank.name.replace("d", "ď"))):
        blank.server.sql(
            f"CREATE DATABASE `{twin}`; USE `{twin}`; CREATE TABLE t{number} (id int PRIMARY KEY, CHECK (id > 0));"
            f"CREATE TRIGGER g{number} BEFORE INSERT ON t{number} FOR EACH ROW SET @a = 1;"
            f"CREATE VIEW v{number} AS SELECT 1;"
            f"CREATE EVENT e{number} ON SCHEDULE EVERY 1 DAY DO DO 0; CREATE PROCEDURE p{number}() SELECT 1"
        )
        assert blank.engine.preflight("old") == []
        assert compare_states(recorded, blank.state()) == []
        with blank.engine._server.admin(twin) as session:
            assert blank.engine.sessions(terminate=True) == 0
            assert session.value("SELECT DATABASE()") == twin
        assert blank.engine.describe().details["definers"] == {}


LIMITED = "SELECT, INSERT, UPDATE, DELETE, LOCK TABLES, CREATE, DROP, REFERENCES, INDEX, ALTER, SHOW VIEW"


def test_what_a_user_is_not_shown_is_neither_missed_nor_called_proven(
    awkward: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a server elsewhere with no administrator, a user without TRIGGER sees no trigger; others see it."""
    awkward.sql("DROP VIEW a_second, z_first; DROP FUNCTION gross; DROP PROCEDURE report")
    whole = awkward.state()
    user, pattern = f"'{awkward.engine.config.user}'@'localhost'", awkward.name.replace("_", r"\_").replace("%", r"\%")
    awkward.server.sql(f"REVOKE ALL ON `{pattern}`.* FROM {user}; GRANT {LIMITED} ON `{pattern}`.* TO {user}")

    def nobody(*_some: Any) -> Any:
        raise RelocateError("right_missing", "no administrator")

    alone = MysqlEngine(awkward.engine.config, dataclasses.replace(awkward.context, admin=Login(), notes=[]))
    for way in ("by_root", "by_creator"):
        monkeypatch.setattr(alone._server, way, nobody)
    with alone.snapshot() as snapshot:
        partly = snapshot.state()
    assert partly.schema is None and "trigger" not in partly.objects and whole.schema is not None
    assert set(partly.objects["hidden"]) == {"trigger", "event", "function", "procedure", "package", "package body"}
    assert [note for note in alone.context.notes if "not shown every" in note and "trigger" in note]
    for one, other in ((whole, partly), (partly, whole), (partly, partly)):
        assert awkward.engine.differences(one, other) == []
    assert awkward.engine.differences(whole, awkward.state()) == []  # the administrator is shown everything
    awkward.sql("INSERT INTO empty_one VALUES ()")
    assert awkward.engine.differences(partly, awkward.state()) != []


@pytest.fixture
def heir(blank: Bench) -> Iterator[str]:
    """An account that may do no more than the settings' user."""
    name, pattern = "heir_of_" + blank.name[:4], blank.name.replace("_", r"\_").replace("%", r"\%")
    blank.server.sql(f"CREATE USER '{name}'@'%'; GRANT ALL ON `{pattern}`.* TO '{name}'@'%'")
    yield name
    blank.server.sql(f"DROP USER '{name}'@'%'")


OF_ROOT = """
CREATE TABLE t (a int); CREATE VIEW z_v AS SELECT a FROM t; CREATE VIEW a_v AS SELECT a FROM z_v;
CREATE PROCEDURE p() SELECT 'DEFINER=`root`@`localhost`'; CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @x = 1;
CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' DO DO 0;
CREATE EVENT once ON SCHEDULE AT '2037-01-01 00:00:00' DO DO 0;
"""


def definers_of(bench: Bench) -> set[str]:
    return set(
        bench.server.sql(
            "SELECT DEFINER FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = '{0}'"
            " UNION ALL SELECT DEFINER FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = '{0}'"
            " UNION ALL SELECT DEFINER FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '{0}'"
            " UNION ALL SELECT DEFINER FROM information_schema.VIEWS WHERE TABLE_SCHEMA = '{0}'".format(bench.name)
        ).split()
    )


def test_named_accounts_become_definers(blank: Bench, heir: str) -> None:
    blank.sql(OF_ROOT)
    target, made, recorded = blank.dump()
    assert blank.engine.describe().details["definers"] == {
        "`root`@`localhost`": ["event e", "event once", "procedure p", "trigger g", "view a_v", "view z_v"]
    }
    context = dataclasses.replace(blank.context, definers={"root@localhost": heir + "@%"})
    engine = MysqlEngine(blank.engine.config, context)
    assert engine.preflight("new", engine.describe()) == []
    engine.load(str(target), made, engine.describe())
    engine.swap(INCOMING, PREVIOUS)
    engine.swap(PREVIOUS, DISCARDED)
    engine.swap(DISCARDED, PREVIOUS)  # to and fro: they stay
    assert definers_of(blank) == {heir + "@%"}
    assert engine.differences(recorded, blank.state()) == []
    assert blank.events(blank.name) == {"e": "ENABLED", "once": "ENABLED"}
    assert len([note for note in context.notes if heir in note and "takes its place" in note]) == 6
    # The right on databases beside live was lent.
    grants = blank.server.sql(f"SHOW GRANTS FOR '{heir}'@'%'")
    assert "incoming" not in grants and "discarded" not in grants and "previous" not in grants


@pytest.mark.parametrize(
    ("definers", "code", "told"),
    [
        ({"root@localhost": "nobody@%"}, "bad_option", "does not know"),
        ({"*": "HEIR@%"}, "bad_option", "may do more than the settings' user: PROCESS on *.*"),
        ({"root@localhost": "HEIR"}, "bad_option", "is no account"),
    ],
)
def test_accounts_that_cannot_become_definers_are_told_before_a_freeze(
    blank: Bench, heir: str, definers: dict[str, str], code: str, told: str
) -> None:
    blank.sql(OF_ROOT)
    blank.server.sql(f"GRANT PROCESS ON *.* TO '{heir}'@'%'")
    target, made, _recorded = blank.dump()
    option = {key: value.replace("HEIR", heir) for key, value in definers.items()}
    engine = MysqlEngine(blank.engine.config, dataclasses.replace(blank.context, definers=option))
    facts = engine.describe()
    found = engine.preflight("new", facts)
    assert [(item.code, told in item.msg) for item in found] == [(code, True)]
    with refused(code, told):
        engine.load(str(target), made, facts)
    assert blank.databases() == {blank.name}
    assert blank.server.sql("SELECT COUNT(*) FROM mysql.user WHERE User = 'nobody'").strip() == "0"


def test_every_table_written_by_us_is_equal(awkward: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the small ones are where there are many."""
    monkeypatch.setattr(rows, "_MANY", 0)
    monkeypatch.setattr(rows, "_COMMIT", (100, 2))
    target, made, recorded = awkward.dump()
    assert sorted(path.name.split(".")[0] for path in (target / made.path).glob("rows-*")) == ["rows-000", "rows-own"]
    awkward.load(target, made)
    assert awkward.engine.differences(recorded, awkward.state(INCOMING)) == []


def test_views_of_another_account_that_is_live_are_put_aside_too(blank: Bench, heir: str) -> None:
    """A view over a view asks for the rights of the account that made the latter, also where it lies aside."""
    blank.sql("CREATE TABLE t (a int)")
    target, made, _recorded = blank.dump()
    blank.load(target, made)
    for view, table in (("z_v", "t"), ("a_v", "z_v")):
        blank.sql(f"CREATE DEFINER='{heir}'@'%' VIEW {view} AS SELECT a FROM {table}")
    before = blank.state()
    blank.engine.swap()
    blank.engine.swap(PREVIOUS, DISCARDED)
    assert blank.engine.differences(before, blank.state()) == []
    assert definers_of(blank) == {heir + "@%"}


def test_a_definition_that_was_exchanged_is_refused(awkward: Bench) -> None:
    """What the backup step keeps of a dump is enough for a load to see it."""
    owner = awkward.owner or lookup_user("root")
    assert owner is not None
    backup = BackupSet.create(str(awkward.directory / "sets"), "shop", LABEL, owner)
    (entry,) = dumps.dump_all(fake_site(awkward.directory, awkward.engine), backup, frozen=True)[0].values()
    made = dataclasses.replace(entry.dump, path=entry.dump.path.partition("/")[2])
    path = Path(backup.file(entry.dump.path)) / "schema.json"
    data = path.read_text(encoding="ascii")
    path.write_text(data.replace("119", "120"), encoding="ascii")
    with refused("dump_truncated", "is not what was written"):
        awkward.engine.load(backup.file("databases"), made, entry.facts)
    path.write_text(data, encoding="ascii")
    awkward.engine.load(backup.file("databases"), made, entry.facts)


def test_a_number_behind_its_column_is_no_difference(blank: Bench) -> None:
    """An UPDATE of a key, a full type, numbers by group: what is loaded goes on behind the highest one."""
    blank.sql(
        "CREATE TABLE moved (id int AUTO_INCREMENT PRIMARY KEY) ENGINE=InnoDB; INSERT INTO moved VALUES (1);"
        "UPDATE moved SET id = 900;"
        "CREATE TABLE full (id tinyint AUTO_INCREMENT PRIMARY KEY); INSERT INTO full VALUES (126), (127);"
        "CREATE TABLE grouped (a int, id int AUTO_INCREMENT, PRIMARY KEY (a, id)) ENGINE=MyISAM;"
        "INSERT INTO grouped VALUES (1, 7), (2, 1);"
    )
    target, made, recorded = blank.dump()
    assert sequences_behind(recorded) == []
    blank.load(target, made)
    assert blank.engine.differences(recorded, blank.state(INCOMING)) == []
    blank.engine.swap()
    blank.sql("INSERT INTO moved VALUES (NULL)")
    assert blank.sql("SELECT MAX(id) FROM moved").strip() == "901"


SITE = """
    CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1);
    CREATE VIEW v AS SELECT a FROM t; CREATE DEFINER='gone'@'%' VIEW w AS SELECT a FROM v;
    CREATE FUNCTION f() RETURNS int DETERMINISTIC RETURN 1;
    CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET NEW.a = NEW.a + 1;
    CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO SET @x = 1;
"""


def limited(bench: Bench, *grants: str) -> MysqlEngine:
    """An engine whose administrator may do no more than this; ``HERE`` is every database of the account."""
    account = f"'a_{bench.name}'@'%'"
    bench.server.sql(f"CREATE OR REPLACE USER {account} IDENTIFIED BY 'adm'")
    here = bench.name.replace("_", "\\_").replace("%", "\\%") + "%"
    for grant in grants:
        place = grant.replace("HERE", f"`{here}`.*").replace("JOURNAL", r"`\_\_relocate\_%`.*")
        bench.server.sql(
            f"GRANT {place.replace(' WITH', f' TO {account} WITH')}" + ("" if " WITH" in place else f" TO {account}")
        )
    login = Login(user=f"a_{bench.name}", password="adm", host="127.0.0.1", port=bench.server.port)
    return MysqlEngine(bench.engine.config, dataclasses.replace(bench.context, admin=login))


HERE, JOURNAL = "ALL ON HERE WITH GRANT OPTION", "ALL ON JOURNAL"


def told(bench: Bench) -> DatabaseFacts:
    """Facts of an old server that lets nothing long in, so that nobody must raise max_allowed_packet."""
    facts = bench.engine.describe()
    return dataclasses.replace(facts, details={**facts.details, "max_allowed_packet": 4 << 20})


RIGHTS = (HERE, JOURNAL, "SET USER ON *.*", "SELECT ON mysql.proc")


def test_an_administrator_of_some_databases_is_enough(blank: Bench) -> None:
    """He is not shown who is on the server, and sees no account of others."""
    blank.sql(SITE)
    engine = limited(blank, *RIGHTS)
    target, made, recorded = blank.dump()
    facts = told(blank)
    assert engine.preflight("new", facts) == []
    for _turn in range(2):  # the second replaces what has views and triggers
        engine.load(str(target), made, facts)
        engine.swap()
        assert engine.differences(recorded, blank.state()) == []
        engine.drop(PREVIOUS)
    assert blank.events(blank.name) == {"e": "ENABLED"}


#: What Amazon RDS gives a MariaDB server's administrator, as far as a move is concerned: neither SUPER nor SET USER.
MANAGED = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES,"
    " CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, EVENT,"
    " CREATE USER, TRIGGER ON *.* WITH GRANT OPTION"
)


def test_an_administrator_of_a_managed_server(blank: Bench) -> None:
    """He defines nothing for others: the settings' user is the login then, who is let into what a load makes."""
    blank.sql(SITE)
    target, made, recorded = blank.dump()
    facts, config = told(blank), blank.engine.config
    (found,) = limited(blank, MANAGED).preflight("new", facts)
    assert (found.code, "set relocate_login to the settings' user" in found.hint) == ("right_missing", True)
    name = blank.name.replace("_", r"\_").replace("%", r"\%")
    for place in (rf"`{name}\_\_%`", r"`\_\_relocate\_%`"):
        blank.server.sql(f"GRANT ALL ON {place}.* TO '{config.user}'@'localhost'")
    login = Login(user=config.user, password=PASSWORD, host="127.0.0.1", port=blank.server.port)
    engine = MysqlEngine(config, dataclasses.replace(blank.context, admin=login))
    assert engine.preflight("new", facts) == []
    blank.engine.drop(LIVE)  # old's, whose routines are root's
    blank.engine.create_blank(facts)
    engine.load(str(target), made, facts)
    engine.swap()
    assert engine.differences(recorded, blank.state()) == []
    assert engine.drop(PREVIOUS)


@pytest.mark.parametrize(
    ("missing", "hint"),
    [
        (HERE, "GRANT ALL PRIVILEGES ON `db"),
        (JOURNAL, r"GRANT ALL PRIVILEGES ON `\_\_relocate\_%`.* TO `a_db"),
        ("SET USER ON *.*", "GRANT SET USER ON *.* TO `a_db"),
        ("SELECT ON mysql.proc", "GRANT SELECT ON mysql.proc TO `a_db"),
    ],
)
def test_what_an_administrator_lacks_is_told_before_a_freeze(blank: Bench, missing: str, hint: str) -> None:
    blank.sql(SITE)
    engine = limited(blank, *[right for right in RIGHTS if right != missing])
    found = engine.preflight("new", told(blank))
    assert [(item.code, hint in item.hint) for item in found] == [("right_missing", True)]
    blank.server.sql("CREATE ROLE IF NOT EXISTS may_more")
    blank.server.sql(f"GRANT may_more TO 'a_{blank.name}'@'%'")
    assert engine.preflight("new", told(blank)) == []  # it may be what the role gives


def test_a_right_that_is_missing_at_the_swap_leaves_live_whole(blank: Bench) -> None:
    blank.sql(SITE)
    target, made, _recorded = blank.dump()
    blank.load(target, made)
    live, loaded = blank.state(), blank.state(INCOMING)
    engine = limited(blank, HERE, JOURNAL, "SELECT ON mysql.proc")
    with refused("right_missing", "the swap was not made: .* may not create what belongs to another"):
        engine.swap()
    assert (blank.state(), blank.state(INCOMING)) == (live, loaded)
    assert blank.databases() == {blank.name, blank.name + "__incoming"}
    assert "__relocate" not in blank.server.sql("SHOW DATABASES")


def test_a_server_that_wants_primary_keys(blank: Bench) -> None:
    """As managed ones do; clusters moreover refuse CREATE TABLE ... SELECT."""
    blank.sql(SITE)
    target, made, recorded = blank.dump()
    start = len(blank.server.log())
    blank.server.sql("SET GLOBAL innodb_force_primary_key = ON")
    try:
        blank.load(target, made)
        blank.engine.swap()
    finally:
        blank.server.sql("SET GLOBAL innodb_force_primary_key = OFF")
    assert blank.engine.differences(recorded, blank.state()) == []
    assert not re.search(r"CREATE TABLE [^\n]*\bSELECT\b", blank.server.log()[start:])


def test_a_binary_log_and_an_administrator_without_super(tmp_path: Path, blank: Bench) -> None:
    """Triggers and functions: told before a freeze, and live keeps its own."""
    blank.sql(SITE)
    target, made, recorded = blank.dump()
    facts = told(blank)
    other = MysqlServer()
    try:
        other.start("--log-bin=" + other.directory + "/binlog", "--server-id=1")
        config = dataclasses.replace(blank.engine.config, port=other.port)
        admin = Login(user="root", unix_socket=other.socket)
        there = Bench(other, blank.context.secrets, tmp_path, blank.name)
        there.engine = MysqlEngine(config, dataclasses.replace(blank.context, admin=admin))
        there.engine.create_blank()
        engine = limited(there, *RIGHTS)
        (found,) = engine.preflight("new", facts)
        assert (found.code, "trigger r" in found.msg, "log_bin_trust" in found.hint) == ("setting_differs", True, True)
        with refused("right_missing", "SUPER"):
            engine.load(str(target), made, facts)
        there.load(target, made)
        there.engine.swap()
        there.engine.drop(PREVIOUS)
        there.load(target, made)
        before = there.state()
        with refused("right_missing", "the swap was not made: .*SUPER"):
            engine.swap()
        assert there.state() == before and there.engine.differences(recorded, before) == []
        other.sql("SET GLOBAL log_bin_trust_function_creators = ON")
        assert engine.preflight("new", facts) == []
        engine.swap()
        assert there.engine.differences(recorded, there.state()) == []
    finally:
        other.remove()
