# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replication between two real MariaDB servers: what is on new in the end is what old holds, or it is refused."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, List

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from ansible_collections.relocate.django.plugins.module_utils._engines import following
from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING, LIVE
from ansible_collections.relocate.django.plugins.module_utils._engines.compare import compare_states
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import (
    catchup_apply,
    replicate_follow,
    replicate_sql,
    snapshot,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.engine import MysqlEngine
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.replicate_events import Position
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState, Login
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from ansible_collections.relocate.django.plugins.module_utils._services import checks
from ansible_collections.relocate.django.plugins.module_utils._set import first_copy
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Prepared
from ansible_collections.relocate.django.plugins.module_utils._steps import copies, dumps
from tests.engines import live_copy, mysql_server
from tests.engines.mysql_server import MysqlServer
from tests.engines.mysql_workload import SCHEMA, WORKLOADS
from tests.engines.test_mysql_catchup import OWNER, Pair, Writer, contents
from tests.engines.test_postgresql_catchup import restored
from tests.engines.test_postgresql_replication import until
from tests.unit.fakes import LABEL, fake_site, manifest, me

pymysql = pytest.importorskip("pymysql")
pytestmark = pytest.mark.drawn(3, of="replication on MariaDB")

NAMES = iter("rep_{0}".format(number) for number in range(1000))
READERS = "SELECT ID, STATE, TIME FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'"


@pytest.fixture(scope="module", name="servers")
def _servers() -> Iterator[tuple[MysqlServer, MysqlServer]]:
    if mysql_server.program() is None:
        if os.environ.get("RELOCATE_LAB_REQUIRED") == "1":
            pytest.fail("no MariaDB server program on this machine")
        pytest.skip("no MariaDB server program on this machine")
    old, new = MysqlServer(), MysqlServer()
    try:
        old.start("--skip-general-log", "--log-bin=" + old.directory + "/data/log", "--binlog-format=ROW")
        new.start("--skip-general-log")
        yield old, new
    finally:
        old.remove()
        new.remove()


class Two:
    """A database on old, its first copy on new, and the stream between them."""

    def __init__(
        self, servers: tuple[MysqlServer, MysqlServer], stores: tuple[SecretStore, SecretStore], work: Path, name: str
    ) -> None:
        self.old_server, self.new_server = servers
        self.name, self.work = name, work
        self.pairs = [Pair(server, store, work, name) for server, store in zip(servers, stores, strict=True)]
        self.old, self.new = (pair.engine for pair in self.pairs)
        self.stream, self.brought = work / "changes" / "default", work / "new" / "default"
        self.base: Any = {}
        self.copied = DatabaseState("")

    def copy(self, limit: int = 1 << 30, meanwhile: str = "INSERT INTO item (n) VALUES (4711)") -> None:
        """The first copy, loaded and compared while changes are followed."""
        self.pairs[0].fresh()
        self.stream.mkdir(parents=True)
        with self.old.follow(str(self.stream), limit) as opened:
            dump = opened.dump(str(self.work))
            self.sql(meanwhile)  # after the moment of the snapshot
            self.copied = opened.state()
            self.base = json.loads(json.dumps(opened.starting_point(self.copied)))
        self.new.load(str(self.work), dump, self.old.describe())
        self.new.try_apply()
        assert not compare_states(self.copied, self.held(self.new, INCOMING))

    def bring(self) -> None:
        """As rsync does."""
        live_copy.bring(self.stream, self.brought)

    def round(self) -> int:
        self.bring()
        return self.new.replay(str(self.brought))

    @staticmethod
    def held(engine: MysqlEngine, which: str = LIVE) -> DatabaseState:
        with engine.snapshot(which) as opened:
            return opened.state()

    def write(self) -> tuple[str, DatabaseState]:
        """Old's half of the window."""
        base = self.old.finish(str(self.stream), self.base)
        with self.old.snapshot() as opened:
            opened.expect(base)
            now = opened.state()
            return str(self.work / opened.catch_up(str(self.work), base, self.copied, now)), now

    def end(self) -> List[str]:
        """The window; returns what differs, by our own comparison and by an independent look."""
        path, now = self.write()
        self.round()
        self.new.apply(path)
        differences = [str(item) for item in self.new.differences(now, self.held(self.new, INCOMING))]
        old, new = contents(self.old_server, self.name), contents(self.new_server, self.name + "__incoming")
        return differences + ["{0} | {1}".format(*both) for both in zip(old, new, strict=True) if both[0] != both[1]]

    def sql(self, text: str) -> str:
        return self.old_server.sql("SET foreign_key_checks = 0; " + text, self.name)

    def wait_for_files(self, count: int = 1) -> None:
        def there() -> bool:
            assert self.old.followed(str(self.stream))["ended"] == ""
            return (self.stream / following.file_name(count)).exists()

        until(there, 15)

    def followers(self) -> List[int]:
        """The processes that hold the lock."""
        wanted = str(self.stream / following.LOCK)
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                with contextlib.suppress(OSError):
                    if any(os.readlink(handle) == wanted for handle in (entry / "fd").iterdir()):
                        found.append(int(entry.name))
        return found

    def nothing_left(self) -> None:
        """Nobody reads old's log any more, and no process follows."""
        until(lambda: not self.old_server.sql(READERS).strip(), 10)
        until(lambda: not self.followers(), 5)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicate_follow, "FILE_SECONDS", 0.2)


@contextlib.contextmanager
def paired(servers: tuple[MysqlServer, MysqlServer], path: Path) -> Iterator[Two]:
    for parent in [path, *path.parents]:  # pytest's own directories are closed to the owner
        if str(parent).startswith("/tmp/"):
            os.chmod(parent, 0o711)
    name = next(NAMES)
    with SecretStore(str(path / "a"), OWNER) as first, SecretStore(str(path / "b"), OWNER) as second:
        two = Two(servers, (first, second), path / "set", name)
        for pair in two.pairs:
            pair.engine.create_blank()
        servers[0].sql(SCHEMA, name)
        try:
            yield two
        finally:
            shutil.rmtree(two.stream, ignore_errors=True)  # which ends what follows
            two.nothing_left()
            for server in servers:
                for each in ("", "__incoming", "__previous", "__discarded"):
                    server.sql("DROP DATABASE IF EXISTS " + name + each)


@pytest.fixture(name="two")
def _two(servers: tuple[MysqlServer, MysqlServer], tmp_path: Path) -> Iterator[Two]:
    with paired(servers, tmp_path) as two:
        yield two


#: What a site does: changed keys and values, deletes, long values, NULL, quotes, rows that make way for each other.
EVERYTHING = """
INSERT INTO item (code, n, f, u) SELECT CONCAT('m', seq), seq, seq / 7, UUID() FROM seq_1_to_3000;
UPDATE item SET id = id + 10000, n = 7 WHERE id > 57 AND id < 70; DELETE FROM item WHERE id BETWEEN 10 AND 12;
BEGIN; INSERT INTO item (code) VALUES ('gone'); SAVEPOINT a; DELETE FROM item; ROLLBACK TO a; COMMIT;
BEGIN; DELETE FROM item; ROLLBACK;
UPDATE item SET code = CASE id WHEN 20 THEN NULL WHEN 21 THEN 'c20' END WHERE id IN (20, 21);
UPDATE item SET t = 'é', l = REPEAT(0xff, 70000), j = '{"b":  1}', f = -0.1, z = '0000-00-00', p = NULL WHERE id = 5;
UPDATE pair SET b = UPPER(b), note = 'it''s \\\\ \\n {{ 1 }} %s' WHERE a = 2; DELETE FROM pair WHERE a = 1;
UPDATE named SET k = UPPER(k); DELETE FROM raw WHERE v < 5; UPDATE raw SET k = 0x00000000 WHERE v = 10;
UPDATE signs SET id = 100 WHERE id = -29; UPDATE sparse SET id = id - 1 ORDER BY id; UPDATE aria SET v = 'z';
UPDATE `o``t"h e'r` SET `i d` = UPPER(`i d`), `s``v` = NULL WHERE `s``v` < 9; DELETE FROM isam WHERE id < 5;
UPDATE event SET at = 100 - at WHERE at < 20; SELECT NEXTVAL(free), NEXTVAL(turns); ALTER SEQUENCE free RESTART 12;
SET foreign_key_checks = 1; DELETE FROM item WHERE id = 3; UPDATE item SET id = 90000 WHERE id = 4;
UPDATE by_uuid SET v = 2 WHERE v = 1; DELETE FROM by_uuid WHERE v = 3; INSERT INTO by_uuid VALUES (UUID(), 4);
UPDATE by_day SET d = d + INTERVAL 1 YEAR WHERE n < 9; DELETE FROM by_day WHERE n > 12;
"""
KEYS = """
CREATE TABLE by_uuid (k uuid PRIMARY KEY, v int); CREATE TABLE by_day (d date, n int, PRIMARY KEY (d, n));
INSERT INTO by_uuid SELECT UUID(), seq FROM seq_1_to_20;
INSERT INTO by_uuid VALUES ('0190163d-8694-739b-aea5-966c26f8ad91', 1), ('ffffffff-ffff-4fff-bfff-ffffffffffff', 3);
INSERT INTO by_day SELECT '2024-02-29', seq FROM seq_1_to_20;
"""


def test_what_a_site_does_meanwhile_is_on_new(two: Two) -> None:
    two.sql(KEYS)
    two.copy()
    two.sql(EVERYTHING)
    two.wait_for_files()
    first = two.round()
    two.sql("UPDATE item SET n = 12 WHERE id = 1")
    assert two.old.sessions() == 0  # what follows is no session of the site's
    assert two.end() == []
    assert first >= 1
    two.nothing_left()
    told = next(note for note in two.old.context.notes if "are not replicated" in note)
    assert told.partition("downtime: ")[2] == "aria, history, isam, line, loose, maybe"
    # Nothing else was left to find: a table that is followed is no part of the catch-up.
    carried = {change.name for change in catchup_apply.read(str(two.work / "default.catchup")).changes}
    assert carried == {"aria", "isam", "line"}
    assert "__relocate_stream" not in two.new_server.sql("SHOW TABLES", two.name + "__incoming")


def test_writes_never_stop_and_none_is_lost(two: Two) -> None:
    """A writer until the moment of the freeze: all that was acknowledged is on new."""
    acknowledged: List[int] = []
    stop = threading.Event()

    def write() -> None:
        session = pymysql.connect(unix_socket=two.old_server.socket, user="root", database=two.name, autocommit=True)
        with session.cursor() as cursor:
            while not stop.is_set():
                cursor.execute("INSERT INTO audit (what) VALUES ('w')")
                acknowledged.append(cursor.lastrowid)
                cursor.execute("UPDATE audit SET item = %s WHERE id = %s", (len(acknowledged), acknowledged[0]))
        session.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        two.copy()
        two.wait_for_files()
        assert two.round() >= 1
        time.sleep(1)
    finally:
        stop.set()
        writer.join()
    assert two.end() == []
    found = two.new_server.sql("SELECT id FROM audit", two.name + "__incoming").split()
    assert set(map(str, acknowledged)) <= set(found) and len(acknowledged) > 100


# --- how it ends


def refused(two: Two, why: str) -> None:
    """Neither half goes on: old says why, and what it then writes is for no copy that is further."""
    until(lambda: two.old.followed(str(two.stream))["ended"] or not two.followers(), 20)
    with pytest.raises(RelocateError, match=why) as caught:
        two.old.finish(str(two.stream), two.base)
    assert caught.value.code == "cannot_catch_up"
    two.nothing_left()


def killed(two: Two) -> None:
    os.kill(two.followers()[0], signal.SIGKILL)


def cut_off(two: Two) -> None:
    """As a server that stops."""
    two.old_server.sql("KILL " + two.old_server.sql(READERS).split()[0])


def begun_anew(two: Two) -> None:
    two.old_server.sql("RESET MASTER")


def written(text: str) -> "Callable[[Two], None]":
    def write(two: Two) -> None:
        two.sql(text.format(two.name))

    return write


XA = "XA START 'a'; UPDATE item SET n = 88 WHERE id = 8; XA END 'a'; XA PREPARE 'a'; XA COMMIT 'a'"
MANY = "INSERT INTO item (code, t) SELECT CONCAT('x', seq), REPEAT('t', 3000) FROM seq_1_to_1000"


@pytest.mark.drawn(3)
@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (killed, "its process is gone"),
        (cut_off, "the server ended the session"),
        (begun_anew, "could not find next log|was begun anew"),
        (written("SET binlog_format = STATEMENT; UPDATE item SET n = 3"), "logged as text: UPDATE"),
        (written("SET binlog_format = STATEMENT; USE mysql; UPDATE {0}.item SET n = 3"), "logged as text: UPDATE"),
        (written(XA), "two phases"),
        (written("CREATE TABLE made (id int)"), "a definition changed: CREATE TABLE"),
        (written("ALTER TABLE pair RENAME TO other; ALTER TABLE other RENAME TO pair"), "definition changed: ALTER"),
        (written("SET binlog_row_image = MINIMAL; UPDATE named SET v = 9"), "without its key"),
        (written(MANY), "more than the limit of 2 MiB"),
    ],
)
def test_it_ends_early_and_says_why(two: Two, happens: "Callable[[Two], None]", why: str) -> None:
    two.copy(limit=2 << 20)
    two.sql("UPDATE item SET n = 11 WHERE id = 1")
    two.wait_for_files()
    assert two.round() >= 1
    happens(two)
    refused(two, why)
    two.sql("DROP TABLE IF EXISTS made")
    with two.old.snapshot() as opened:
        now = opened.state()
        path = str(two.work / opened.catch_up(str(two.work), two.base, two.copied, now))
    with pytest.raises(RelocateError, match="part [1-9][0-9]* of the stream, and part 0 is expected"):
        two.new.apply(path)


def test_a_log_that_is_purged_ends_it(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever begins where nothing is left any more is told so."""
    first = two.old_server.sql("SHOW BINARY LOGS").split()[0]
    two.old_server.sql("FLUSH BINARY LOGS; INSERT INTO {0}.audit (what) VALUES ('x')".format(two.name))
    until(
        lambda: (
            two.old_server.sql("PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY; SHOW BINARY LOGS").split()[0] != first
        ),
        10,
    )
    monkeypatch.setattr(replicate_sql, "place", lambda _session: (first, Position(1, 4)))
    two.copy()
    monkeypatch.undo()
    refused(two, "Could not find first log file name")


@pytest.mark.drawn(2)
@pytest.mark.parametrize("how", ["removed", "failed"])
def test_a_set_that_goes_ends_it(two: Two, how: str) -> None:
    if how == "removed":
        two.copy()
        shutil.rmtree(two.stream)
    else:
        two.stream.mkdir(parents=True)
        two.work.chmod(0o755)
        with pytest.raises(ZeroDivisionError), two.old.follow(str(two.stream), 1 << 30):
            assert two.followers()
            raise ZeroDivisionError
    two.nothing_left()


# --- what is carried how


def test_a_table_that_was_emptied_or_rewritten_goes_whole(two: Two) -> None:
    two.copy()
    two.sql("UPDATE pair SET note = 'n'; UPDATE tiny SET v = 3 WHERE id = 2")
    two.wait_for_files()
    assert two.round() >= 1
    two.sql("TRUNCATE pair; INSERT INTO pair VALUES (1, 'b', 'c')")
    two.sql("ALTER TABLE tiny MODIFY v bigint; UPDATE tiny SET v = 5; ALTER TABLE tiny MODIFY v int; FLUSH TABLES")
    two.sql("OPTIMIZE TABLE item; ANALYZE TABLE item; ALTER TABLE isam FORCE; TRUNCATE line; DELETE FROM loose")
    two.sql("CREATE TEMPORARY TABLE passing (id int); DROP TEMPORARY TABLE passing; UPDATE item SET n = 4 WHERE id = 4")
    path, _now = two.write()
    whole = {change.name for change in catchup_apply.read(path).changes if not change.division}
    assert whole == {"pair", "tiny"}
    two.round()
    # What a proof of changed tables alone reads once more on new: what the stream changed, too.
    assert set(two.new.apply(path)) == {"audit", "item", "line", "loose", "pair", "tiny"}
    assert compare_states(two.held(two.old), two.held(two.new, INCOMING)) == []


def test_a_definition_that_changed_is_refused(two: Two) -> None:
    two.copy()
    two.sql("ALTER TABLE pair ADD COLUMN more int; UPDATE pair SET more = 1")
    with pytest.raises(RelocateError, match="the schema changed") as caught:
        two.write()
    assert caught.value.code == "cannot_catch_up"


def test_a_file_comes_once_and_whole(two: Two) -> None:
    two.copy()
    two.sql("INSERT INTO audit (what) VALUES ('one')")
    two.wait_for_files()
    two.sql("DELETE FROM audit WHERE id > 70; UPDATE event SET what = 'é' WHERE id = 3")
    path, now = two.write()
    two.bring()
    last = sorted(two.brought.iterdir())[-1]
    text = last.read_bytes()
    last.write_bytes(b"".join(text.splitlines(keepends=True)[:-1]))
    with pytest.raises(RelocateError, match="the file of changes is cut"):
        two.new.replay(str(two.brought))
    last.write_bytes(text)
    count = two.new.replay(str(two.brought))
    assert two.new.replay(str(two.brought)) == count == len(list(two.brought.iterdir()))
    two.new.apply(path)
    assert two.new.differences(now, two.held(two.new, INCOMING)) == []


# --- what stands in the way


@pytest.mark.drawn(2)
@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("binlog_format", "MIXED", "SET GLOBAL binlog_format = 'ROW'"),
        ("binlog_row_image", "MINIMAL", "SET GLOBAL binlog_row_image = 'FULL'"),
        ("log_bin_compress", "ON", "SET GLOBAL log_bin_compress = OFF"),
    ],
)
def test_a_server_that_is_not_ready_is_an_obstacle(two: Two, setting: str, value: str, said: str) -> None:
    assert two.old.check_replication() == []
    shown = "SHOW GLOBAL VARIABLES LIKE '{0}'".format(setting)
    before = two.old_server.sql(shown).split()[1]
    try:
        two.old_server.sql("SET GLOBAL {0} = '{1}'".format(setting, value))
        obstacles = two.old.check_replication()
        assert [obstacle.code for obstacle in obstacles] == ["replication_refused"]
        assert said in obstacles[0].hint and "relocate_replicate: false" in obstacles[0].hint
        two.stream.mkdir(parents=True)
        with (
            pytest.raises(RelocateError, match="cannot|needs|compresses") as caught,
            two.old.follow(str(two.stream), 1),
        ):
            pass
        assert caught.value.code == "cannot_catch_up"
        assert two.old_server.sql(shown).split()[1] == value != before  # nothing is changed by us
    finally:
        two.old_server.sql("SET GLOBAL {0} = '{1}'".format(setting, before))


def test_no_log_and_no_rights_are_obstacles(two: Two) -> None:
    found = {obstacle.msg: obstacle.hint for obstacle in two.new.check_replication()}
    assert "restart MariaDB" in found["the server writes no binary log"]
    two.old_server.sql("CREATE USER IF NOT EXISTS mere IDENTIFIED BY 'pw'; GRANT SELECT, BINLOG MONITOR ON *.* TO mere")
    login = Login(user="mere", password="pw", host="127.0.0.1", port=two.old_server.port)
    mere = two.pairs[0].engine_of(two.name, admin=login)
    assert [(one.code, one.hint.partition(";")[0]) for one in mere.check_replication()] == [
        ("right_missing", "as an administrator on old: GRANT REPLICATION SLAVE ON *.* TO 'mere'@'%'")
    ]
    two.old_server.sql("GRANT REPLICATION SLAVE ON *.* TO mere")
    assert mere.check_replication() == []


# --- from host to host


class Move:
    """What the steps of a move do with a stream, on both hosts."""

    def __init__(self, two: Two, path: Path, limit: int) -> None:
        self.two = two
        engines = [pair.engine_of(two.name, owner=None) for pair in two.pairs]
        self.old, self.new = (fake_site(path / name, one) for name, one in zip(("old", "new"), engines, strict=True))
        self.made = BackupSet.create(self.old.project.path, "shop", LABEL, me())
        self.made.note_prepared(Prepared({"commit": "1" * 40}, {}, {"name": "shop"}, ()))
        two.stream = Path(self.made.file("changes/default"))
        asked: Any = SimpleNamespace(first_copy=copies.ALWAYS, fixtures=False, replicate=True, replicate_limit=limit)
        self.copied = copies.prepare(self.old, self.made, asked, lambda found: manifest(LABEL, databases=dict(found)))
        self.target = path / "new" / "sets" / "shop" / LABEL

    def bring(self) -> None:
        live_copy.bring(self.made.path, self.target)
        (self.target / first_copy.BASES).unlink(missing_ok=True)

    def follow(self) -> dict[str, Any]:
        self.bring()
        return restored(self.new, "copied", self.copied["first_copy"])

    def window(self) -> dict[str, Any]:
        entries, _tokens = dumps.dump_all(self.old, self.made, frozen=True)
        first_copy.forget_bases(self.made)
        digest = self.made.finish(manifest(LABEL, databases=entries))
        self.bring()
        return restored(self.new, "present", digest)


@pytest.mark.drawn(2)
@pytest.mark.parametrize(
    ("happens", "told"),
    [
        ("", ""),
        ("killed", "its process is gone"),
        ("limit", "more than the limit of 2 MiB"),
        ("defined", "a definition changed"),
    ],
)
def test_a_set_with_a_stream_is_restored(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, happens: str, told: str
) -> None:
    """Where it ends early what changed is found another way, and where new could see that, without another load."""
    monkeypatch.setattr(checks, "running", lambda *_args: [])
    two.new_server.sql("DROP DATABASE " + two.name)
    move = Move(two, tmp_path, 2 if happens == "limit" else 4096)
    assert move.follow()["followed"] == {}  # the load
    two.sql("UPDATE item SET n = 55 WHERE id = 5; DELETE FROM loose WHERE n = 3")
    two.wait_for_files()
    assert move.follow()["followed"]["default"]["parts"] >= 1
    if happens == "killed":
        os.kill(two.followers()[0], signal.SIGKILL)
        until(lambda: not two.followers(), 5)
    elif happens:
        two.sql(MANY if happens == "limit" else "CREATE TABLE more (id int PRIMARY KEY)")
        until((two.stream / following.END).exists, 20)
        assert move.follow()["followed"] == {}  # the load, once more
    two.sql("UPDATE item SET n = 66 WHERE id = 6; DELETE FROM sparse WHERE v = 3; SELECT SETVAL(free, 88)")
    assert move.window()["restored"] == ["default"]
    assert contents(two.new_server, two.name) == contents(two.old_server, two.name)
    notes = " ".join([*move.old.engines["default"].context.notes, *move.old.notes])
    assert told in notes
    whole = any("all of it was carried once more" in note for note in move.new.engines["default"].context.notes)
    assert whole == (happens == "killed")  # new had taken a part in, and nobody had seen the end
    assert os.path.isdir(move.target / "changes" / "default") == (happens == "")


# --- whatever happens


@settings(
    max_examples=int(os.environ.get("RELOCATE_REPLICATION_EXAMPLES", "4")),
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(workload=WORKLOADS)
def test_whatever_happens_new_holds_it(workload: Any, busy: "tuple[Two, Callable[[], None]]") -> None:
    two, again = busy
    again()
    writer = Writer(two.old_server, two.name)
    open_ones: "List[Callable[[], None]]" = []
    for number, step in enumerate(workload):
        if open_ones and number % 2:
            open_ones.pop()()
        end = writer.begin(step)
        open_ones.append(end) if step.late else end()
        if number == len(workload) // 2:
            two.round()
    for end in open_ones:
        end()
    assert two.end() == []


@pytest.fixture(name="busy")
def _busy(two: Two) -> "Iterator[tuple[Two, Callable[[], None]]]":
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot.MysqlSnapshot, "_schema", lambda *_args: {})  # nothing in a workload is a definition

        def again() -> None:
            """The next example begins with what the last one left on old."""
            shutil.rmtree(two.stream, ignore_errors=True)
            two.copy()

        yield two, again
