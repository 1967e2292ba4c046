# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replication between two real PostgreSQL servers: what is on new in the end is what old holds, or it is refused."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from ansible_collections.relocate.django.plugins.module_utils._engines import following
from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING
from ansible_collections.relocate.django.plugins.module_utils._engines.compare import compare_states
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import (
    catchup_apply,
    replicate_follow,
    replicate_sql,
    state,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.engine import PostgresqlEngine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState, Login
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from ansible_collections.relocate.django.plugins.module_utils._services import checks
from ansible_collections.relocate.django.plugins.module_utils._set import first_copy
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Prepared
from ansible_collections.relocate.django.plugins.module_utils._steps import copies, dumps
from tests.engines import live_copy
from tests.engines.catchup_workload import SCHEMA, WORKLOADS
from tests.engines.postgresql_cluster import Cluster, maker, running
from tests.engines.test_postgresql_catchup import Writer, restored, rows_of
from tests.unit.fakes import LABEL, fake_site, manifest, me

psycopg2 = pytest.importorskip("psycopg2")
pytestmark = pytest.mark.drawn(2, of="replication")

USER = PASSWORD = "shop"
FOLLOWED = "SELECT slot_name, temporary FROM pg_replication_slots"


def restart(server: Cluster) -> None:
    server.run(
        ["pg_ctl", "-D", server.directory + "/data", "-w", "-m", "fast", "-l", server.directory + "/log", "restart"]
    )


@pytest.fixture(scope="module", name="servers")
def _servers() -> Iterator[tuple[Cluster, Cluster]]:
    with running() as old, running() as new:
        old.psql("postgres", "ALTER SYSTEM SET wal_level = 'logical'")
        old.psql("postgres", "ALTER SYSTEM SET autovacuum = off")
        restart(old)
        for server in (old, new):
            server.psql("postgres", "ALTER SYSTEM SET log_statement = 'none'; ")
            server.psql("postgres", "SELECT pg_reload_conf()")
            server.psql("postgres", "CREATE ROLE shop LOGIN CREATEDB PASSWORD 'shop'")
        yield old, new


class Two:
    """A database on old, its first copy on new, and the stream between them."""

    def __init__(
        self, old: Cluster, new: Cluster, name: str, stores: "tuple[SecretStore, SecretStore]", work: Path
    ) -> None:
        self.old_server, self.new_server, self.name, self.work = old, new, name, work
        self.old: PostgresqlEngine = maker(old, stores[0], USER, PASSWORD)(name)
        self.new: PostgresqlEngine = maker(new, stores[1], USER, PASSWORD)(name)
        self.stream = work / "changes" / "default"  # on old
        self.brought = work / "new" / "default"
        self.base: Any = {}
        self.copied = DatabaseState("")

    def copy(self, limit: int = 1 << 30) -> None:
        """The first copy, loaded and compared while changes are followed."""
        self.stream.mkdir(parents=True)
        with self.old.follow(str(self.stream), limit) as snapshot:
            self.sql("INSERT INTO item (n) VALUES (4711)")  # after the moment of the snapshot
            dump = snapshot.dump(str(self.work))
            self.copied = snapshot.state()
            self.base = json.loads(json.dumps(snapshot.starting_point(self.copied)))
        self.new.load(str(self.work), dump, self.old.describe())
        assert not compare_states(self.copied, self.held(self.new, INCOMING))

    def bring(self) -> None:
        """As rsync does."""
        live_copy.bring(self.stream, self.brought)

    def round(self) -> int:
        self.bring()
        return self.new.replay(str(self.brought))

    @staticmethod
    def held(engine: PostgresqlEngine, which: str = "live") -> DatabaseState:
        with engine.snapshot(which) as snapshot:
            return snapshot.state()

    def write(self) -> "tuple[str, DatabaseState]":
        """Old's half of the window."""
        base = self.old.finish(str(self.stream), self.base)
        with self.old.snapshot() as snapshot:
            snapshot.expect(base)
            now = snapshot.state()
            return str(self.work / snapshot.catch_up(str(self.work), base, self.copied, now)), now

    def end(self) -> list[str]:
        """The window; returns what differs."""
        path, now = self.write()
        self.round()
        self.new.apply(path)
        return [str(item) for item in self.new.differences(now, self.held(self.new, INCOMING))]

    def sql(self, *several: str) -> None:
        for text in several:
            self.old_server.psql(self.name, "SET SESSION AUTHORIZATION shop; SET search_path TO public; " + text)

    def wait_for_files(self, count: int = 1) -> None:
        until((self.stream / following.file_name(count)).exists, 15)

    def nothing_left(self) -> None:
        """No slot, no publication, no sender; a slot that is temporary goes with its session."""
        until(lambda: not self.old_server.psql("postgres", FOLLOWED).strip(), 10)
        until(lambda: not self.old_server.psql(self.name, "SELECT pubname FROM pg_publication").strip(), 10)
        assert self.old_server.psql("postgres", "SELECT count(*) FROM pg_stat_replication").strip() == "0"


def until(found: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicate_follow, "FILE_SECONDS", 0.2)


@pytest.fixture(name="two")
def _two(servers: "tuple[Cluster, Cluster]", tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Two]:
    old, new = servers
    name = "r{0}".format(abs(hash(request.node.nodeid)) % 10**8)
    old.psql("postgres", "CREATE DATABASE {0} OWNER shop".format(name))
    old.psql(name, SCHEMA)
    work = tmp_path / "set"
    work.mkdir()
    with SecretStore(str(tmp_path / "a")) as first, SecretStore(str(tmp_path / "b")) as second:
        two = Two(old, new, name, (first, second), work)
        yield two
    shutil.rmtree(two.stream, ignore_errors=True)  # which ends what follows
    until(lambda: not old.psql("postgres", FOLLOWED).strip(), 10)
    for server in servers:
        for each in (name, name + "__incoming"):
            server.psql("postgres", "DROP DATABASE IF EXISTS {0} WITH (FORCE)".format(each))


#: What a site does: changed keys and values, deletes, an emptied table, long values that are left alone, NULL, quotes.
EVERYTHING = (
    "INSERT INTO item (n, feeling) SELECT g, NULL FROM generate_series(1, 3000) AS g",
    "UPDATE item SET id = DEFAULT, n = 7 WHERE id > 57 AND id < 70",
    "DELETE FROM item WHERE id BETWEEN 10 AND 12",
    "BEGIN; INSERT INTO item (n) VALUES (1); SAVEPOINT a; DELETE FROM item; ROLLBACK TO a; COMMIT",
    "BEGIN; DELETE FROM item; ROLLBACK",
    "DELETE FROM pair WHERE a = 1; INSERT INTO pair VALUES (1, 'b1', E'it''s \\\\ \\n \\t{{ 1 }} %s')",
    "UPDATE pair SET b = b || 'x' WHERE a = 2",
    "TRUNCATE loose; DELETE FROM line; INSERT INTO loose SELECT * FROM loose",
    "TRUNCATE event_high; INSERT INTO event_high SELECT * FROM event_high",
    "SELECT setval('free', 99)",
    "REFRESH MATERIALIZED VIEW summary",
)


def test_what_a_site_does_meanwhile_is_on_new(two: Two) -> None:
    two.copy()
    two.sql(*EVERYTHING)
    two.wait_for_files()
    first = two.round()
    two.sql("UPDATE item SET n = 12 WHERE id = 1")
    assert two.end() == []
    assert first >= 1
    two.nothing_left()
    # Nothing of ours is carried to new, and the table that says how far it was is gone.
    made = two.new_server.psql(
        two.name + "__incoming",
        "SELECT pubname FROM pg_publication UNION ALL SELECT nspname FROM pg_namespace WHERE nspname LIKE 'relocate%'",
    )
    assert made.strip() == ""
    assert sorted(os.listdir(two.stream)) == [
        following.file_name(number + 1) for number in range(len(os.listdir(two.stream)))
    ]


# --- how it ends


def test_a_kill_leaves_no_slot_and_the_first_copy_is_caught_up_with(two: Two) -> None:
    two.copy()
    two.sql("UPDATE item SET n = 1 WHERE id = 1")
    two.wait_for_files()
    assert two.round() >= 1
    os.kill(followers(two)[0], signal.SIGKILL)
    until(lambda: not two.old_server.psql("postgres", FOLLOWED).strip(), 5)
    two.sql("UPDATE item SET n = 2 WHERE id = 2")
    with pytest.raises(RelocateError, match="its process is gone") as caught:
        two.old.finish(str(two.stream), two.base)
    assert caught.value.code == "cannot_catch_up"
    two.nothing_left()
    # What old then writes tells all that changed since the first copy, and no copy that is further takes it.
    with two.old.snapshot() as snapshot:
        now = snapshot.state()
        path = str(two.work / snapshot.catch_up(str(two.work), two.base, two.copied, now))
    with pytest.raises(RelocateError, match="part 1 of the stream, and part 0 is expected"):
        two.new.apply(path)


def followers(two: Two) -> list[int]:
    """The processes that hold the lock."""
    wanted = str(two.stream / following.LOCK)
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if any(os.readlink(handle) == wanted for handle in (entry / "fd").iterdir()):
                    found.append(int(entry.name))
    return found


def test_a_set_that_is_removed_ends_it(two: Two) -> None:
    two.copy()
    shutil.rmtree(two.stream)
    two.nothing_left()


def test_a_server_that_stops_keeps_no_slot(two: Two) -> None:
    two.copy()
    restart(two.old_server)
    assert not two.old_server.psql("postgres", FOLLOWED).strip()
    until(lambda: two.old.followed(str(two.stream))["ended"], 10)
    with pytest.raises(RelocateError, match="the replication ended"):
        two.old.finish(str(two.stream), two.base)
    two.nothing_left()


@pytest.mark.drawn(2)
@pytest.mark.parametrize(
    "written", ["", "BEGIN; INSERT INTO loose SELECT md5(g::text), g FROM generate_series(1, 90000) AS g; "]
)
def test_at_the_limit_the_slot_is_dropped(two: Two, written: str) -> None:
    """What was written down counts, and what the server keeps, such as for a transaction that goes on and on."""
    two.copy(limit=2 << 20)
    if written:
        with open_transaction(two) as cursor:
            cursor.execute(written)
            two.nothing_left()
    else:
        two.sql("INSERT INTO item (code) SELECT repeat('x', 200) || g FROM generate_series(1, 20000) AS g")
        two.nothing_left()
    assert re.search("more than the limit of 2 MiB", two.old.followed(str(two.stream))["ended"])
    with pytest.raises(RelocateError, match="more than the limit"):
        two.old.finish(str(two.stream), two.base)


@contextlib.contextmanager
def open_transaction(two: Two) -> Iterator[Any]:
    session = psycopg2.connect(
        host="127.0.0.1",
        port=two.old_server.port,
        user=USER,
        password=PASSWORD,
        dbname=two.name,
        options="-c search_path=public",
    )
    try:
        with session.cursor() as cursor:
            yield cursor
    finally:
        session.close()


def test_a_transaction_that_stays_open_is_no_reason_to_wait_for_ever(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicate_follow, "_WAITS", 1)
    with open_transaction(two) as cursor:
        cursor.execute("UPDATE item SET n = 5 WHERE id = 5")
        with pytest.raises(RelocateError, match="a transaction has been open for more than 1 s"):
            two.copy()
    two.nothing_left()


def test_a_copy_that_fails_leaves_nothing(two: Two) -> None:
    two.stream.mkdir(parents=True)
    with pytest.raises(ZeroDivisionError), two.old.follow(str(two.stream), 1 << 30):
        assert two.old_server.psql("postgres", FOLLOWED).strip().endswith("|t")
        raise ZeroDivisionError
    two.nothing_left()


# --- what is carried how


def test_tables_without_an_identity_are_told_and_carried(two: Two) -> None:
    two.copy()
    told = next(note for note in two.old.context.notes if "no primary key" in note)
    for name in ("public.loose", "public.maybe", "public.later", "public.child", "public.fleeting"):
        assert name in told
    assert "public.item" not in told
    two.sql("UPDATE loose SET n = n + 1; DELETE FROM maybe; UPDATE later SET v = 5 WHERE id = 5")  # the site goes on
    two.sql("INSERT INTO fleeting VALUES (99, 'x')")
    assert two.old.sessions() == 0  # what follows is no session of the site's
    assert two.end() == []


def test_a_table_that_was_rewritten_goes_whole(two: Two) -> None:
    """A stream tells nothing of ALTER TABLE: a type and back again, and all values are others."""
    two.copy()
    two.sql("UPDATE event SET what = 'x' WHERE id = 3")
    two.sql("ALTER TABLE pair ALTER note TYPE int USING 7", "ALTER TABLE pair ALTER note TYPE text USING 'seven'")
    path, _now = two.write()
    contents = catchup_apply.read(path)
    assert [change.label for change in contents.changes if not change.key and change.rows] == ["public.pair"]
    two.round()
    # What a proof of changed tables alone reads once more on new: what the stream changed, too. A row came in during
    # the first copy, and a trigger told of it.
    assert set(two.new.apply(path)) == {"public.event_low", "public.pair", "public.item", "public.audit"}
    assert compare_states(two.held(two.old), two.held(two.new, INCOMING)) == []


def test_a_definition_that_changed_is_refused(two: Two) -> None:
    two.copy()
    two.sql("ALTER TABLE pair ADD COLUMN more int; UPDATE pair SET more = 1")
    with pytest.raises(RelocateError, match="the schema changed") as caught:
        two.write()
    assert caught.value.code == "cannot_catch_up"
    two.nothing_left()


def test_a_big_transaction_is_one_file_and_comes_once(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    two.copy()
    two.sql("INSERT INTO audit (what) SELECT repeat('w', 300) FROM generate_series(1, 40000)")  # 12 MB
    two.sql("INSERT INTO audit (what) VALUES ('last')")
    two.wait_for_files(1)
    assert two.round() >= 1
    # A run that is killed within a file, or after it, takes it in once more, or not again.
    two.sql("DELETE FROM audit WHERE id > 30000; INSERT INTO slot VALUES (99, '[900,901)')")
    path, now = two.write()
    two.bring()
    last = sorted(two.brought.iterdir())[-1]
    whole = last.read_bytes()
    last.write_bytes(whole[:-3])
    with pytest.raises(RelocateError, match="the file of changes is cut"):
        two.new.replay(str(two.brought))
    last.write_bytes(whole)
    count = two.new.replay(str(two.brought))
    assert two.new.replay(str(two.brought)) == count == len(list(two.brought.iterdir()))
    two.new.apply(path)
    assert two.new.differences(now, two.held(two.new, INCOMING)) == []


def test_a_stream_for_another_table_is_refused(two: Two) -> None:
    two.copy()
    two.new_server.psql(two.name + "__incoming", "ALTER TABLE pair RENAME b TO c")
    two.sql("DELETE FROM pair WHERE a = 1")
    two.wait_for_files()  # the first may end before what was deleted
    with pytest.raises(RelocateError, match="there is no such table public.pair"):
        until(lambda: two.round() < 0, 15)


def test_writes_never_stop_and_none_is_lost(two: Two) -> None:
    """A writer until the moment of the freeze: all that was acknowledged is on new."""
    acknowledged: list[int] = []
    stop = threading.Event()

    def write() -> None:
        with open_transaction(two) as cursor:
            cursor.connection.autocommit = True
            while not stop.is_set():
                cursor.execute("INSERT INTO audit (what) VALUES ('w') RETURNING id")
                acknowledged.append(cursor.fetchone()[0])

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
    found = two.new_server.psql(two.name + "__incoming", "SELECT id FROM audit").split()
    assert set(map(str, acknowledged)) <= set(found) and len(acknowledged) > 100


# --- what stands in the way


@pytest.mark.drawn(4)
@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("wal_level", "replica", "ALTER SYSTEM SET wal_level = 'logical'; then restart PostgreSQL"),
        ("max_replication_slots", "0", "ALTER SYSTEM SET max_replication_slots = 4; then restart PostgreSQL"),
        ("max_wal_senders", "0", "ALTER SYSTEM SET max_wal_senders = 4; then restart PostgreSQL"),
        (
            "max_slot_wal_keep_size",
            "'10MB'",
            "ALTER SYSTEM SET max_slot_wal_keep_size = '1GB'; SELECT pg_reload_conf()",
        ),
    ],
)
def test_a_server_that_is_not_ready_is_an_obstacle(two: Two, setting: str, value: str, said: str) -> None:
    assert two.old.check_replication() == []
    before = two.old_server.psql("postgres", "SHOW " + setting).strip()
    try:
        two.old_server.psql("postgres", "ALTER SYSTEM SET {0} = {1}".format(setting, value))
        restart(two.old_server)
        obstacles = two.old.check_replication()
        assert [obstacle.code for obstacle in obstacles] == ["replication_refused"]
        assert said in obstacles[0].hint and "relocate_replicate: false" in obstacles[0].hint
        with pytest.raises(RelocateError) as caught:
            two.copy()
        assert caught.value.code == "cannot_catch_up" and obstacles[0].msg in caught.value.msg
        shown = two.old_server.psql("postgres", "SHOW " + setting).strip()
        assert shown != before  # nothing is changed by us
    finally:
        two.old_server.psql("postgres", "ALTER SYSTEM SET {0} = '{1}'".format(setting, before))
        restart(two.old_server)


def test_rights_are_obstacles(two: Two) -> None:
    two.old_server.psql(
        "postgres", "REVOKE CREATE ON DATABASE {0} FROM shop; ALTER DATABASE {0} OWNER TO postgres".format(two.name)
    )
    login = Login(user="shop", password="shop", host="127.0.0.1", port=two.old_server.port)
    mere = maker(two.old_server, two.old.context.secrets, USER, PASSWORD)(two.name, admin=login)
    assert [(one.code, one.hint.partition(";")[0]) for one in mere.check_replication()] == [
        ("right_missing", 'as a superuser on old: GRANT CREATE ON DATABASE "{0}" TO "shop"'.format(two.name)),
        ("right_missing", 'as a superuser on old: ALTER ROLE "shop" REPLICATION'),
    ]


def test_a_driver_that_is_too_old_is_an_obstacle(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicate_follow, "_NEEDED", "what_no_driver_has")
    assert [one.code for one in two.old.check_replication()] == ["library_missing"]


def test_a_trigger_that_never_sleeps_is_an_obstacle(two: Two) -> None:
    two.old_server.psql(two.name, "ALTER TABLE item ENABLE ALWAYS TRIGGER tell")
    assert [one.msg for one in two.old.check_replication()] == [
        "tell on public.item runs always (ENABLE ALWAYS or ENABLE REPLICA)"
    ]


def test_what_a_killed_run_left_is_removed_by_the_next(two: Two) -> None:
    two.sql("CREATE PUBLICATION {0}dead FOR TABLE item".format(replicate_sql.PREFIX))
    two.sql("CREATE PUBLICATION theirs FOR TABLE item")
    two.copy()
    assert two.end() == []
    assert two.old_server.psql(two.name, "SELECT pubname FROM pg_publication").split() == ["theirs"]


# --- from host to host


class Move:
    """What the steps of a move do with a stream, on both hosts."""

    def __init__(self, two: Two, path: Path, limit: int) -> None:
        self.two = two
        self.old, self.new = fake_site(path / "old", two.old), fake_site(path / "new", two.new)
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


CARRIED = "all of it was carried once more"


@pytest.mark.drawn(2)
@pytest.mark.parametrize(
    ("happens", "told", "whole"),
    [
        ("", "", False),
        ("killed", "its process is gone", True),
        ("limit", "more than the limit of 2 MiB", False),
        ("defined", "the schema changed", False),
    ],
)
def test_a_set_with_a_stream_is_restored(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, happens: str, told: str, whole: bool
) -> None:
    """Where it ends early what changed is found another way, and where new could see that, without another load."""
    monkeypatch.setattr(checks, "running", lambda *_args: [])
    move = Move(two, tmp_path, 2 if happens == "limit" else 4096)
    try:
        assert move.follow()["followed"] == {}  # the load
        two.sql("UPDATE item SET n = 5 WHERE id = 5; DELETE FROM loose WHERE n = 3")
        two.wait_for_files()
        assert move.follow()["followed"]["default"]["parts"] >= 1
        if happens == "killed":
            os.kill(followers(two)[0], signal.SIGKILL)
            until(lambda: not followers(two), 5)
        elif happens == "limit":
            two.sql("INSERT INTO audit (what) SELECT repeat('x', 300) FROM generate_series(1, 9000) AS g")
            until((two.stream / following.END).exists, 20)
            assert move.follow()["followed"] == {}  # the load, once more
        elif happens == "defined":
            two.sql("CREATE TABLE more (id int PRIMARY KEY)")
        two.sql("UPDATE item SET n = 6 WHERE id = 6; DELETE FROM slot WHERE id = 3; SELECT setval('free', 8)")
        assert move.window()["restored"] == ["default"]
        assert rows_of(two.old_server, two.name) == rows_of(two.new_server, two.name)
        notes = " ".join([*two.old.context.notes, *move.old.notes])
        assert told in notes and any(CARRIED in note for note in two.new.context.notes) == whole
        assert (CARRIED in notes) == (happens == "defined")
        assert os.path.isdir(move.target / "changes" / "default") == (happens == "")
        two.nothing_left()
    finally:
        for which in ("__previous", "__discarded"):
            two.new_server.psql("postgres", "DROP DATABASE IF EXISTS {0}{1}".format(two.name, which))


def test_a_set_that_is_discarded_ends_its_stream(two: Two, tmp_path: Path) -> None:
    move = Move(two, tmp_path, 4096)
    assert followers(two)
    move.made.discard_unfinished()
    assert not os.path.exists(move.made.path)
    two.nothing_left()
    until(lambda: not followers(two), 5)


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
    before, after = workload
    for number, step in enumerate([*before, *after]):
        writer.run(step)
        if number == len(before):
            two.round()
    try:
        different = two.end()
    except RelocateError as exc:
        assert exc.code == "cannot_catch_up" and "rows changed" in exc.msg, exc.msg  # nothing else is a reason here
        return
    assert different == []
    old, new = rows_of(two.old_server, two.name), rows_of(two.new_server, two.name + "__incoming")
    assert sorted(set(old) ^ set(new)) == []


@pytest.fixture(name="busy")
def _busy(two: Two, monkeypatch: pytest.MonkeyPatch) -> "tuple[Two, Callable[[], None]]":
    monkeypatch.setattr(state, "_schema", lambda _view: {})
    monkeypatch.setattr(state, "_objects", lambda _session: {})

    def again() -> None:
        """The next example begins with what the last one left on old."""
        for each in (two.stream, two.work):
            shutil.rmtree(each, ignore_errors=True)
        two.work.mkdir()
        two.copy()

    return two, again
