# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SQLite engine, on real files."""

from __future__ import annotations

import contextlib
import dataclasses
import grp
import os
import pwd
import sqlite3
import stat
import subprocess
import sys
import threading
from typing import Any, Dict, Iterator, List, Tuple

import pytest

from ansible_collections.relocate.django.plugins.module_utils import _process, _users
from ansible_collections.relocate.django.plugins.module_utils._engines.base import (
    DISCARDED,
    INCOMING,
    LIVE,
    PREVIOUS,
    EngineContext,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.compare import compare_states, sequences_behind
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite import content as sqlite_content
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite import engine as subject
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite import files, snapshot
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite.engine import SqliteEngine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import (
    DatabaseConfig,
    DatabaseFacts,
    DatabaseState,
    Directory,
    DumpFile,
)
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from tests.unit.fakes import reachable

pytestmark = pytest.mark.slow

SITE = """
CREATE TABLE author (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL);
CREATE TABLE book (id INTEGER PRIMARY KEY, author_id INTEGER REFERENCES author (id), title TEXT, price REAL, cover BLOB,
    upper_title TEXT GENERATED ALWAYS AS (upper(title)) VIRTUAL, twice REAL GENERATED ALWAYS AS (price * 2) STORED);
CREATE INDEX book_title ON book (title);
CREATE VIEW cheap AS SELECT * FROM book WHERE price < 5;
CREATE TRIGGER book_added AFTER INSERT ON book BEGIN SELECT 1; END;
"""


def run_sql(path: Any, script: str) -> None:
    with contextlib.closing(sqlite3.connect(str(path), timeout=60)) as connection:
        connection.executescript(script)
        connection.commit()


def make_site(path: Any, rows: int = 2000) -> None:
    run_sql(path, SITE)
    with contextlib.closing(sqlite3.connect(str(path))) as connection:
        connection.execute("INSERT INTO author VALUES (1, 'Astrid é')")
        connection.executemany(
            "INSERT INTO book (author_id, title, price, cover) VALUES (1, ?, ?, ?)",
            ((f"title {number}", number / 7, b"\0\xff" * (number % 9)) for number in range(rows)),
        )
        connection.commit()


def crashed_wal(path: Any, script: str) -> None:
    """Leave committed rows in -wal, as a killed writer does."""
    code = (
        "import os, sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('PRAGMA journal_mode = WAL'); c.execute('PRAGMA wal_autocheckpoint = 0')\n"
        "c.executescript(sys.argv[2]); os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path), script], check=True)


@contextlib.contextmanager
def held_open(path: Any, statements: str) -> Iterator[None]:
    """Another process that has the database open until the block ends."""
    code = (
        "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "for s in sys.argv[2].split(';'): c.execute(s).fetchall()\n"
        "print('ready', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path), statements], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield
        finally:
            process.stdin.close()


class Bench:
    """An engine over a database in tmp_path, and a directory for dumps."""

    def __init__(self, tmp_path: Any, secrets: SecretStore, compression: str) -> None:
        self.tmp_path, self.secrets, self.compression = tmp_path, secrets, compression
        self.dumps = tmp_path / "set"
        self.dumps.mkdir()
        self.live = tmp_path / "site" / "db.sqlite3"
        self.live.parent.mkdir()

    def engine(
        self, path: Any = None, alias: str = "default", owner: Any = None, orphans: Tuple[str, ...] = ()
    ) -> SqliteEngine:
        config = DatabaseConfig(alias, "sqlite", "django.db.backends.sqlite3", str(path or self.live))
        context = EngineContext(self.secrets, owner=owner, compression=self.compression, orphans=orphans)
        return SqliteEngine(config, context)

    def other(self) -> SqliteEngine:
        return self.engine(self.tmp_path / "new" / "db.sqlite3")

    def back_up(self) -> Tuple[DumpFile, DatabaseState, DatabaseFacts]:
        engine = self.engine()
        with engine.snapshot() as view:
            return view.dump(str(self.dumps)), view.state(), engine.describe()


@pytest.fixture(params=["zstd", "none"])
def bench(request: Any, tmp_path: Any) -> Iterator[Bench]:
    with SecretStore(str(tmp_path / "work")) as secrets:
        yield Bench(tmp_path, secrets, request.param)


@pytest.fixture
def plain(tmp_path: Any) -> Iterator[Bench]:
    with SecretStore(str(tmp_path / "work")) as secrets:
        yield Bench(tmp_path, secrets, "none")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: Any) -> None:
    monkeypatch.setattr(subject, "WAIT", 0.3)
    monkeypatch.setattr(sqlite_content, "WAIT", 0.3)


def state_of(engine: SqliteEngine, which: str = LIVE) -> DatabaseState:
    with engine.snapshot(which) as view:
        return view.state()


def fingerprint(bench: Bench, create: str, rows: List[Tuple[Any, ...]], name: str = "f.db") -> str:
    path = bench.tmp_path / name
    path.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(str(path))) as connection:
        connection.execute(create)
        for row in rows:
            connection.execute("INSERT INTO t VALUES ({0})".format(", ".join("?" * len(row))), row)
        connection.commit()
    return state_of(bench.engine(path)).tables[0].fingerprint


def refused(code: str) -> Any:
    class Matcher:
        def __enter__(self) -> Any:
            self.raises = pytest.raises(RelocateError)
            self.info = self.raises.__enter__()
            return self.info

        def __exit__(self, *exc: Any) -> Any:
            handled = self.raises.__exit__(*exc)
            assert self.info.value.code == code, str(self.info.value)
            return handled

    return Matcher()


# --- round trip ----------------------------------------------------------------------------------------------------


def test_move_round_trip(bench: Bench) -> None:
    make_site(bench.live)
    os.chmod(bench.live, 0o640)
    dump, state, facts = bench.back_up()
    assert dump.path == ("default.sqlite3.zst" if bench.compression == "zstd" else "default.sqlite3")
    assert sorted(os.listdir(bench.dumps)) == [dump.path]
    assert stat.S_IMODE(os.stat(bench.dumps / dump.path).st_mode) == 0o600

    new = bench.other()
    assert new.create_blank(facts) == ["directory " + str(bench.tmp_path / "new"), "database " + new.config.name]
    assert new.create_blank(facts) == []
    assert (new.describe().exists, new.describe().tables) == (True, 0)
    new.load(str(bench.dumps), dump, facts)
    assert compare_states(state, state_of(new, INCOMING)) == []
    assert new.describe().tables == 0
    new.swap()
    assert compare_states(state, state_of(new)) == []
    assert [new.exists(which) for which in (LIVE, INCOMING, PREVIOUS)] == [True, False, True]
    assert stat.S_IMODE(os.stat(new.config.name).st_mode) == 0o640
    new.swap(PREVIOUS, INCOMING)
    assert (new.describe().tables, new.exists(PREVIOUS)) == (0, False)
    assert compare_states(state, state_of(new, INCOMING)) == []


def test_state_lists_everything_once(plain: Bench) -> None:
    make_site(plain.live, rows=3)
    run_sql(plain.live, "CREATE VIRTUAL TABLE search USING fts5(body); INSERT INTO search VALUES ('word'); ANALYZE;")
    state = state_of(plain.engine())
    names = {table.name: table.rows for table in state.tables}
    assert names["author"] == 1 and names["book"] == 3 and "search" not in names and "search_content" in names
    assert not [name for name in names if name.startswith("sqlite_")]
    assert state.objects == {
        "index": ("book_title",), "trigger": ("book_added",), "view": ("cheap",), "virtual table": ("search",)
    }  # fmt: skip
    assert state.method == "sqlite-row-1"
    with plain.engine().snapshot() as view:
        bare = view.state(fingerprints=False)
        assert view.has_tables()
    assert {table.fingerprint for table in bare.tables} == {""} and bare.rows() == state.rows()


def test_sequences(plain: Bench) -> None:
    make_site(plain.live, rows=1)
    run_sql(plain.live, "INSERT INTO author VALUES (900, 'x'); DELETE FROM author WHERE id = 900")
    (found,) = state_of(plain.engine()).sequences
    assert (found.name, found.table, found.column, found.last_value) == ("author", "author", "id", 900)


@pytest.mark.parametrize("how", ["UPDATE sqlite_sequence SET seq = 0", "UPDATE author SET id = 900"])
def test_a_counter_behind_its_column_is_no_fault(plain: Bench, how: str) -> None:
    """SQLite goes on from the highest row where that is more."""
    make_site(plain.live, rows=1)
    run_sql(plain.live, how)
    state = state_of(plain.engine())
    assert sequences_behind(state) == []
    run_sql(plain.live, "INSERT INTO author (name) VALUES ('next')")


def test_facts(plain: Bench) -> None:
    make_site(plain.live, rows=1)
    run_sql(plain.live, "PRAGMA user_version = 7; PRAGMA application_id = 42; PRAGMA journal_mode = WAL")
    os.chmod(plain.live, 0o660)
    facts = plain.engine().describe()
    assert facts.server == "SQLite " + sqlite3.sqlite_version and facts.major == "3" and facts.version > 3030000
    assert (facts.tables, facts.encoding, facts.size_bytes) == (2, "UTF-8", os.path.getsize(plain.live))
    status = os.stat(plain.live.parent)
    names = pwd.getpwuid(status.st_uid).pw_name, grp.getgrgid(status.st_gid).gr_name
    assert facts.details.pop("server") == {"file": f"{plain.live.stat().st_dev}:{plain.live.stat().st_ino}"}
    above = facts.details.pop("directories")
    assert above[-1] == [str(plain.live.parent), stat.S_IMODE(status.st_mode), *names]
    assert [item[0] for item in above] == [str(item) for item in reversed(plain.live.parents)][1:]
    assert facts.details == {
        "journal_mode": "wal", "user_version": 7, "application_id": 42, "features": 3031000, "mode": "0660"
    }  # fmt: skip
    assert plain.engine(plain.live.parent / "none.db").describe().exists is False


@pytest.mark.parametrize(
    ("sql", "needed"),
    [
        ("CREATE TABLE t (a)", 0),
        ("CREATE TABLE t (strict TEXT, b DEFAULT ('STRICT'))", 0),
        ("CREATE TABLE t (a INT AS (1) STORED, b)", 3031000),
        ("CREATE TABLE t (a INT) STRICT", 3037000),
        ("CREATE TABLE t (a INT PRIMARY KEY) WITHOUT ROWID, strict", 3037000),
    ],
)
def test_features(plain: Bench, sql: str, needed: int) -> None:
    run_sql(plain.live, sql)
    assert plain.engine().describe().details["features"] == needed


# --- one view ------------------------------------------------------------------------------------------------------


def test_uncheckpointed_rows_arrive_and_old_stays_untouched(bench: Bench) -> None:
    make_site(bench.live, rows=10)
    crashed_wal(bench.live, "INSERT INTO author (name) VALUES ('in the wal')")
    before = {name: (bench.live.parent / name).read_bytes() for name in ("db.sqlite3", "db.sqlite3-wal")}
    assert before["db.sqlite3-wal"]
    dump, state, facts = bench.back_up()
    assert {table.name: table.rows for table in state.tables}["author"] == 2
    assert {name: (bench.live.parent / name).read_bytes() for name in before} == before
    new = bench.other()
    new.create_blank(facts)
    new.load(str(bench.dumps), dump, facts)
    new.swap()
    assert compare_states(state, state_of(new)) == []
    assert new.describe().details["journal_mode"] == "wal"


@pytest.mark.parametrize("clean_wal", [True, False])
def test_reading_leaves_no_trace(plain: Bench, clean_wal: bool) -> None:
    make_site(plain.live, rows=10)
    if clean_wal:
        run_sql(plain.live, "PRAGMA journal_mode = WAL")
    before = (plain.live.read_bytes(), os.stat(plain.live).st_mtime_ns)
    plain.back_up()
    state_of(plain.engine())
    assert plain.engine().preflight("old") == []
    assert (plain.live.read_bytes(), os.stat(plain.live).st_mtime_ns) == before
    assert os.listdir(plain.live.parent) == ["db.sqlite3"]


def test_a_mark_stays_until_something_is_written(plain: Bench) -> None:
    make_site(plain.live, rows=3)
    engine = plain.engine()
    before = engine.change_token()
    with engine.snapshot() as snapshot:
        snapshot.state()
    assert engine.change_token() == before
    for change in ("UPDATE book SET title = title WHERE id = 1", "DELETE FROM book WHERE id = 1"):
        run_sql(plain.live, change)
        after = engine.change_token()
        assert after != before, change
        before = after
    crashed_wal(plain.live, "DELETE FROM book WHERE id = 2")
    assert engine.change_token() != before


@pytest.mark.parametrize("state_first", [True, False])
def test_dump_and_state_are_one_moment(bench: Bench, state_first: bool) -> None:
    make_site(bench.live, rows=300)
    run_sql(bench.live, "PRAGMA journal_mode = WAL")
    stop, errors = threading.Event(), []  # type: Tuple[threading.Event, List[Exception]]

    def write() -> None:
        with contextlib.closing(sqlite3.connect(str(bench.live), timeout=30, isolation_level=None)) as connection:
            while not stop.is_set():
                try:
                    connection.execute("INSERT INTO author (name) VALUES ('later')")
                    connection.execute("UPDATE book SET price = price + 1 WHERE id % 7 = 0")
                except sqlite3.Error as exc:
                    errors.append(exc)
                stop.wait(0.001)  # else nobody else gets a turn

    writer = threading.Thread(target=write)
    writer.start()
    try:
        engine = bench.engine()
        with engine.snapshot() as view:
            early = view.state() if state_first else None
            run_sql(bench.live, "INSERT INTO author (name) VALUES ('after the view')")
            dump = view.dump(str(bench.dumps))
            late = view.state()
        assert early is None or early == late
    finally:
        stop.set()
        writer.join()
    assert errors == []
    new = bench.other()
    new.create_blank()
    new.load(str(bench.dumps), dump, engine.describe())
    assert compare_states(late, state_of(new, INCOMING)) == []
    assert compare_states(late, state_of(engine)) != []


def test_writers_go_on_after_the_dump(plain: Bench) -> None:
    make_site(plain.live, rows=10)  # rollback journal: a reader's lock would hold a writer up
    with plain.engine().snapshot() as view:
        view.dump(str(plain.dumps))
        run_sql(plain.live, "INSERT INTO author (name) VALUES ('during the count')")
        assert {table.name: table.rows for table in view.state().tables}["author"] == 1


# --- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tenth", range(10))
def test_truncated_dump_is_refused(bench: Bench, tenth: int) -> None:
    make_site(bench.live)
    dump, _state, facts = bench.back_up()
    path = bench.dumps / dump.path
    os.truncate(path, path.stat().st_size * tenth // 10)
    new = bench.other()
    new.create_blank()
    run_sql(new.config.name, "CREATE TABLE kept (a); INSERT INTO kept VALUES (1)")
    before = state_of(new)
    with refused("dump_truncated"):
        new.load(str(bench.dumps), dump, facts)
    assert state_of(new) == before
    assert os.listdir(bench.tmp_path / "new") == ["db.sqlite3"]


def test_lengthened_dump_is_refused(plain: Bench) -> None:
    make_site(plain.live, rows=10)
    dump, _state, facts = plain.back_up()
    with open(plain.dumps / dump.path, "ab") as stream:
        stream.write(b"\0" * 4096)
    with refused("dump_truncated"):
        plain.engine().load(str(plain.dumps), dump, facts)


def test_flipped_byte_shows_in_the_fingerprint(plain: Bench) -> None:
    make_site(plain.live)
    dump, state, facts = plain.back_up()
    content = bytearray((plain.dumps / dump.path).read_bytes())
    # A row of the table, not an entry of the index, which integrity_check would compare.
    content[content.rindex(b"Astrid")] ^= 1
    (plain.dumps / dump.path).write_bytes(content)
    plain.engine().load(str(plain.dumps), dump, facts)
    (difference,) = compare_states(state, state_of(plain.engine(), INCOMING))
    assert (difference.what, difference.name) == ("content of table", "author")


def test_broken_pages_are_refused(plain: Bench) -> None:
    make_site(plain.live)
    dump, _state, facts = plain.back_up()
    content = bytearray((plain.dumps / dump.path).read_bytes())
    content[8192:12288] = b"\xee" * 4096
    (plain.dumps / dump.path).write_bytes(content)
    with refused("load_failed"):
        plain.engine().load(str(plain.dumps), dump, facts)
    assert not plain.engine().exists(INCOMING)
    plain.live.write_bytes(content)
    os.remove(plain.dumps / dump.path)
    with refused("database_broken"), plain.engine().snapshot() as view:
        view.dump(str(plain.dumps))
    assert os.listdir(plain.dumps) == []


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (1, "table book: 1 row refers to missing rows of author (rowid 1)"),
        (3, "table book: 3 rows refer to missing rows of author (rowid 1, 2, 3)"),
    ],
)
def test_orphans_are_told_before_the_freeze_and_refused(bench: Bench, rows: int, text: str) -> None:
    make_site(bench.live, rows=5)
    run_sql(bench.live, f"UPDATE book SET author_id = 77 WHERE id <= {rows}")
    for obstacle in bench.engine().preflight("old"):
        assert (obstacle.code, obstacle.msg) == ("orphan_rows", text)
        assert ".recover" not in obstacle.hint
    with refused("orphan_rows") as info, bench.engine().snapshot() as view:
        view.dump(str(bench.dumps))
    assert text in info.value.msg
    assert os.listdir(bench.dumps) == []


def test_the_hint_on_orphans_works(plain: Bench) -> None:
    """Each way of it: list them as it says, delete them, or take them along by name."""
    make_site(plain.live, rows=5)
    run_sql(plain.live, "UPDATE book SET author_id = 77 WHERE id <= 2")
    hint = plain.engine().preflight("old")[0].hint
    assert f"sqlite3 '{plain.live}' 'PRAGMA foreign_key_check'" in hint
    with contextlib.closing(sqlite3.connect(str(plain.live))) as connection:
        listed = connection.execute("PRAGMA foreign_key_check").fetchall()
    assert [row[:3] for row in listed] == [("book", 1, "author"), ("book", 2, "author")]
    assert "relocate_orphans: [book]" in hint
    accepting = plain.engine(orphans=("book",))
    assert accepting.preflight("old") == []
    with accepting.snapshot() as view:
        dump, state, facts = view.dump(str(plain.dumps)), view.state(), accepting.describe()
    plain.other().create_blank(facts)
    plain.other().load(str(plain.dumps), dump, facts)  # no option is needed here: the rows are proven equal
    assert compare_states(state, state_of(plain.other(), INCOMING)) == []
    run_sql(plain.live, "DELETE FROM book WHERE rowid IN (1, 2)")
    assert plain.engine().preflight("old") == []


def test_broken_pages_are_told_before_the_freeze(plain: Bench) -> None:
    make_site(plain.live)
    content = bytearray(plain.live.read_bytes())
    content[8192:12288] = b"\xee" * 4096
    plain.live.write_bytes(content)
    found = plain.engine().preflight("old")
    assert [item.code for item in found] == ["database_broken"]


def test_functions_of_the_application(bench: Bench) -> None:
    """Django registers REGEXP and others on its connections; the checks must do without."""
    with contextlib.closing(sqlite3.connect(str(bench.live))) as connection:
        connection.create_function("REGEXP", 2, lambda pattern, text: True, deterministic=True)
        connection.create_function("MD5", 1, lambda text: "hash", deterministic=True)
        connection.create_collation("german", lambda a, b: (a > b) - (a < b))
        connection.executescript(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT CHECK (a REGEXP 'x'), b TEXT AS (MD5(a)) VIRTUAL);"
            "CREATE INDEX i ON t (a COLLATE german); INSERT INTO t (a) VALUES ('x'), ('y');"
        )
        connection.commit()
    dump, state, facts = bench.back_up()
    assert state.tables[0].rows == 2 and state.tables[0].fingerprint
    bench.engine().load(str(bench.dumps), dump, facts)
    assert compare_states(state, state_of(bench.engine(), INCOMING)) == []


@pytest.mark.parametrize("path", ["/etc/passwd", "../other.sqlite3", "a/../../b.sqlite3"])
def test_dump_outside_the_set_is_refused(plain: Bench, path: str) -> None:
    with refused("path_refused"):
        plain.engine().load(str(plain.dumps), DumpFile(path, ""), plain.engine().describe())


def test_an_earlier_dump_is_not_overwritten(bench: Bench) -> None:
    make_site(bench.live, rows=1)
    dump, _state, _facts = bench.back_up()
    before = (bench.dumps / dump.path).read_bytes()
    with refused("path_refused"):
        bench.back_up()
    assert (bench.dumps / dump.path).read_bytes() == before


def test_planted_link_is_not_followed(bench: Bench) -> None:
    make_site(bench.live, rows=1)
    os.symlink("/nonexistent/target", bench.dumps / "default.sqlite3")
    with refused("path_refused"):
        bench.back_up()


def test_failing_zstd(tmp_path: Any, monkeypatch: Any) -> None:
    with SecretStore(str(tmp_path / "work")) as secrets:
        bench = Bench(tmp_path, secrets, "zstd")
        make_site(bench.live, rows=1)
        for message, code in ((b"zstd: boom", "dump_failed"), (b"Write error : No space left on device", "disk_full")):
            done = _process.Completed((), 70, b"", message)
            monkeypatch.setattr(files, "run", lambda *_args, done=done, **_kw: done)
            with refused(code):
                bench.back_up()
            assert os.listdir(bench.dumps) == []


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("default", "default"), ("a/b", "a%2Fb"), ("..", "%2E."), (".", "%2E"), ("ü ~", "%C3%BC%20%7E"),
        ("a.b-c_D", "a.b-c_D"),
    ],
)  # fmt: skip
def test_alias_as_file_name(alias: str, name: str) -> None:
    assert snapshot._file_name(alias) == name + ".sqlite3"


# --- fingerprints --------------------------------------------------------------------------------------------------


def test_every_type_has_its_own_fingerprint(plain: Bench) -> None:
    values = [
        "1",
        1,
        1.0,
        b"1",
        None,
        "",
        b"",
        0,
        "a\0b",
        "a",
        "a\0",
        0.1 + 0.2,
        0.3,
        2**53,
        2**53 + 1,
        1e16,
        "é",
        "e\u0301",
    ]
    found = [fingerprint(plain, "CREATE TABLE t (a)", [(value,)]) for value in values]
    assert len(set(found)) == len(values)


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        ([(1, 2), (3, 4)], [(3, 4), (1, 2)], True),
        ([(1, 2)], [(2, 1)], False),
        ([("a", "bc")], [("ab", "c")], False),
        ([(5, 5), (5, 5)], [(6, 6), (6, 6)], False),  # pairs cancel under XOR
        ([(5, 5), (5, 5)], [(5, 5)], False),
        ([(None, 1)], [(1, None)], False),
    ],
)
def test_order_does_not_matter_content_does(plain: Bench, left: Any, right: Any, equal: bool) -> None:
    create = "CREATE TABLE t (a, b)"
    assert (fingerprint(plain, create, left) == fingerprint(plain, create, right)) is equal


def test_golden_fingerprint(plain: Bench) -> None:
    """The same number on every Python: old and new differ in theirs. Holds what repr() and marshal may vary in."""
    row = (1, -(2**63), 2**40, 1.5, float("inf"), "\U0001fae8 \U0001cc00 \x85", b"\0\xff", None, "x" * 300)
    assert fingerprint(plain, "CREATE TABLE t (a, b, c, d, e, f, g, h, i)", [row, row]) == GOLDEN


GOLDEN = "13354597162999672062"


def test_text_that_is_not_utf8(bench: Bench) -> None:
    with contextlib.closing(sqlite3.connect(str(bench.live))) as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.execute("INSERT INTO t VALUES (CAST(x'ff00fe' AS TEXT)), ('fine')")
        connection.commit()
    dump, state, facts = bench.back_up()
    bench.engine().load(str(bench.dumps), dump, facts)
    assert compare_states(state, state_of(bench.engine(), INCOMING)) == []
    run_sql(bench.live, "UPDATE t SET a = CAST(x'ff00fd' AS TEXT) WHERE a <> 'fine'")
    assert compare_states(state, state_of(bench.engine())) != []
    run_sql(bench.live, "UPDATE t SET a = x'ff00fe' WHERE a <> 'fine'")
    assert compare_states(state, state_of(bench.engine())) != []


def test_generated_columns_count(plain: Bench) -> None:
    first = fingerprint(plain, "CREATE TABLE t (a, b AS (a * 2) VIRTUAL)", [(1,)])
    assert first != fingerprint(plain, "CREATE TABLE t (a, b AS (a * 3) VIRTUAL)", [(1,)])
    assert first == fingerprint(plain, "CREATE TABLE t (a, b AS (a * 2) STORED)", [(1,)])


def test_names_that_need_quotes(bench: Bench) -> None:
    path = bench.live.parent / "a b?c#d%20.db"
    run_sql(
        path,
        'CREATE TABLE "se""lect" ("or""der" INTEGER PRIMARY KEY AUTOINCREMENT, "a b");'
        'INSERT INTO "se""lect" VALUES (4, 5)',
    )
    state = state_of(bench.engine(path))
    assert [(table.name, table.rows) for table in state.tables] == [('se"lect', 1)]
    assert state.sequences[0].column == 'or"der'
    with bench.engine(path).snapshot() as view:
        view.dump(str(bench.dumps))


# --- swap, drop, sessions ------------------------------------------------------------------------------------------


def two_databases(bench: Bench) -> SqliteEngine:
    run_sql(bench.live, "CREATE TABLE live (a)")
    run_sql(str(bench.live) + "__incoming", "CREATE TABLE incoming (a)")
    return bench.engine()


def first_table(engine: SqliteEngine, which: str) -> str:
    return state_of(engine, which).tables[0].name


def test_swap_into_an_empty_place(plain: Bench) -> None:
    engine = two_databases(plain)
    engine.drop(LIVE)
    engine.swap()
    assert first_table(engine, LIVE) == "incoming" and not engine.exists(PREVIOUS)


@pytest.mark.parametrize("displaced", [PREVIOUS, DISCARDED])
def test_swap_overwrites_nothing(plain: Bench, displaced: str) -> None:
    engine = two_databases(plain)
    run_sql(str(plain.live) + "__" + displaced, "CREATE TABLE earlier (a)")
    with refused("swap_failed"):
        engine.swap(INCOMING, displaced)
    assert [first_table(engine, which) for which in (LIVE, INCOMING, displaced)] == ["live", "incoming", "earlier"]
    with refused("swap_failed"):
        engine.swap(displaced, INCOMING)
    assert [first_table(engine, which) for which in (LIVE, INCOMING, displaced)] == ["live", "incoming", "earlier"]
    engine.drop(displaced)
    engine.swap(INCOMING, displaced)
    assert [first_table(engine, which) for which in (LIVE, displaced)] == ["incoming", "live"]


def test_a_swap_that_was_killed_between_its_two_renames(plain: Bench) -> None:
    """Live has two names then: the second is no database of its own, and not in the way."""
    engine = two_databases(plain)
    kept = str(plain.live) + "__previous"
    os.link(plain.live, kept)
    assert not engine.exists(PREVIOUS)
    engine.swap()
    assert [first_table(engine, which) for which in (LIVE, PREVIOUS)] == ["incoming", "live"]


def test_an_exchange_never_overwrites(plain: Bench) -> None:
    engine = two_databases(plain)
    kept = str(plain.live) + "__previous"
    run_sql(kept, "CREATE TABLE earlier (a)")
    with pytest.raises(FileExistsError):
        files.exchange(str(plain.live) + "__incoming", str(plain.live), kept)
    assert [first_table(engine, which) for which in (LIVE, INCOMING, PREVIOUS)] == ["live", "incoming", "earlier"]


def test_swap_checkpoints_first(plain: Bench) -> None:
    engine = two_databases(plain)
    crashed_wal(plain.live, "INSERT INTO live VALUES (1)")
    assert os.path.getsize(str(plain.live) + "-wal")
    engine.swap()
    assert sorted(os.listdir(plain.live.parent)) == ["db.sqlite3", "db.sqlite3__previous"]
    assert first_table(engine, LIVE) == "incoming"
    assert state_of(engine, PREVIOUS).tables[0].rows == 1


def test_swap_removes_a_persistent_journal(plain: Bench) -> None:
    engine = two_databases(plain)
    run_sql(plain.live, "PRAGMA journal_mode = PERSIST; INSERT INTO live VALUES (1)")
    assert os.path.exists(str(plain.live) + "-journal")
    engine.swap()
    assert sorted(os.listdir(plain.live.parent)) == ["db.sqlite3", "db.sqlite3__previous"]


def test_a_stale_wal_without_database_is_refused(plain: Bench) -> None:
    engine = two_databases(plain)
    plain.live.unlink()
    with open(str(plain.live) + "-wal", "wb") as stream:
        stream.write(b"frames of another database")
    with refused("sessions_remain"):
        engine.swap()
    assert engine.exists(INCOMING) and not engine.exists(LIVE)


SESSIONS: Dict[str, str] = {
    "idle": "SELECT 1 FROM sqlite_master",
    "idle in WAL mode": "PRAGMA journal_mode=WAL;INSERT INTO live VALUES (1)",
    "reading": "BEGIN;SELECT 1 FROM sqlite_master",
    "writing": "BEGIN IMMEDIATE;INSERT INTO live VALUES (1)",
}


@pytest.mark.parametrize("statements", SESSIONS.values(), ids=list(SESSIONS))
@pytest.mark.parametrize("proc_is_hidden", [False, True])
def test_swap_is_refused_while_in_use(plain: Bench, monkeypatch: Any, statements: str, proc_is_hidden: bool) -> None:
    engine = two_databases(plain)
    if proc_is_hidden:  # locks alone must do, where they can
        if statements == SESSIONS["idle"]:
            pytest.skip("an idle connection without WAL holds no lock")
        monkeypatch.setattr(subject, "processes_with", lambda *_paths: set())
    with held_open(plain.live, statements):
        assert proc_is_hidden or engine.sessions() == 1
        with refused("sessions_remain"):
            engine.swap()
        assert engine.exists(LIVE) and engine.exists(INCOMING) and not engine.exists(PREVIOUS)
    assert engine.sessions(terminate=True) == 0
    engine.swap()
    assert first_table(engine, LIVE) == "incoming"


@pytest.mark.parametrize("links_work", [True, False])
def test_failed_swap_puts_live_back(plain: Bench, monkeypatch: Any, links_work: bool) -> None:
    engine = two_databases(plain)
    real = os.replace

    def fail(source: str, target: str) -> None:
        if source.endswith("__incoming"):
            raise OSError(5, "Input/output error", source)
        real(source, target)

    def no_links(*_args: Any, **_kwargs: Any) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(subject.os, "replace", fail)
    if not links_work:
        monkeypatch.setattr(subject.os, "link", no_links)
    with refused("swap_failed"):
        engine.swap()
    assert first_table(engine, LIVE) == "live" and engine.exists(INCOMING) and not engine.exists(PREVIOUS)
    monkeypatch.setattr(subject.os, "replace", real)
    engine.swap()
    assert (first_table(engine, LIVE), first_table(engine, PREVIOUS)) == ("incoming", "live")


@pytest.mark.parametrize(("args", "code"), [((), "swap_failed"), ((PREVIOUS, INCOMING), "no_previous")])
def test_nothing_to_swap(plain: Bench, args: Any, code: str) -> None:
    run_sql(plain.live, "CREATE TABLE live (a)")
    with refused(code):
        plain.engine().swap(*args)


def test_swap_follows_a_link(plain: Bench) -> None:
    two_databases(plain)
    link = plain.tmp_path / "link.sqlite3"
    link.symlink_to(plain.live)
    engine = plain.engine(link)
    engine.swap()
    assert link.is_symlink() and first_table(engine, LIVE) == "incoming"


def test_drop_takes_the_side_files(plain: Bench) -> None:
    engine = two_databases(plain)
    crashed_wal(plain.live, "INSERT INTO live VALUES (1)")
    assert engine.drop(LIVE) is True
    assert engine.drop(LIVE) is False
    assert os.listdir(plain.live.parent) == ["db.sqlite3__incoming"]


def test_load_replaces_a_leftover(plain: Bench) -> None:
    make_site(plain.live, rows=5)
    dump, state, facts = plain.back_up()
    run_sql(str(plain.live) + "__incoming", "CREATE TABLE leftover (a)")
    crashed_wal(str(plain.live) + "__incoming", "INSERT INTO leftover VALUES (1)")
    plain.engine().load(str(plain.dumps), dump, facts)
    assert compare_states(state, state_of(plain.engine(), INCOMING)) == []


# --- preflight, owner ----------------------------------------------------------------------------------------------


def test_preflight_old(bench: Bench) -> None:
    assert [item.code for item in bench.engine().preflight("old")] == ["database_missing"]
    bench.live.write_bytes(b"not a database at all, but long enough to hold a header" * 9)
    (found,) = bench.engine().preflight("old")
    assert (found.code, found.alias) == ("database_broken", "default")
    bench.live.unlink()
    make_site(bench.live, rows=1)
    assert bench.engine().preflight("old") == []


def test_preflight_new(plain: Bench) -> None:
    facts = plain.engine().describe()
    assert plain.other().preflight("new", facts) == []  # the directory is made by the checkout
    recent = DatabaseFacts("sqlite", "SQLite 9.1", 9001000, "9", details={"features": 9001000})
    (found,) = plain.engine().preflight("new", recent)
    assert found.code == "server_too_old" and "needs SQLite 9.1" in found.msg


def test_preflight_misses_zstd(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(subject, "find_program", lambda _name: None)
    with SecretStore(str(tmp_path / "work")) as secrets:
        found = Bench(tmp_path, secrets, "zstd").engine().preflight("new")
    assert [item.code for item in found] == ["program_missing"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")
def test_everything_belongs_to_the_owner(tmp_path: Any) -> None:
    owner = _users.lookup_user("nobody")
    assert owner is not None
    for parent in (tmp_path, *tmp_path.parents):
        if str(parent).startswith("/tmp/"):
            os.chmod(parent, 0o755)
    with SecretStore(str(tmp_path / "work"), owner) as secrets:
        bench = Bench(tmp_path, secrets, "zstd")
        for directory in (bench.dumps, bench.live.parent):
            os.chown(directory, owner.uid, owner.gid)
        make_site(bench.live, rows=5)
        os.chown(bench.live, owner.uid, owner.gid)
        crashed_wal(bench.live, "INSERT INTO author (name) VALUES ('x')")
        for name in os.listdir(bench.live.parent):
            os.chown(bench.live.parent / name, owner.uid, owner.gid)
        engine = bench.engine(owner=owner)
        with engine.snapshot() as view:
            state, dump = view.state(), view.dump(str(bench.dumps))
            assert os.geteuid() == 0
        new = bench.engine(tmp_path / "new" / "deep" / "db.sqlite3", owner=owner)
        new.create_blank(engine.describe())
        new.load(str(bench.dumps), dump, engine.describe())
        new.swap()
        assert compare_states(state, state_of(new)) == []
        seen = [tmp_path / "new", tmp_path / "new" / "deep", bench.dumps / dump.path]
        seen += list((tmp_path / "new" / "deep").iterdir()) + list(bench.live.parent.iterdir())
        assert {os.stat(path).st_uid for path in seen} == {owner.uid}
        assert os.geteuid() == 0

        os.chmod(bench.live, 0o000)
        assert [item.code for item in engine.preflight("old")] == ["right_missing"]
        os.chown(bench.live.parent, 0, 0)
        assert [item.code for item in engine.preflight("new")] == ["right_missing"]


# --- directories


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")
@pytest.mark.parametrize("place", ["/etc/systemd/system/relocate-test.service.d", "/run/relocate-test", "link"])
def test_no_directory_is_made_in_the_systems(tmp_path: Any, place: str) -> None:
    """Root made it and gave it to the owner: a drop-in of his then ran as root."""
    owner = _users.lookup_user("nobody")
    assert owner is not None
    top = reachable(tmp_path)
    if place == "link":
        (top / "his").mkdir()
        os.chown(top / "his", owner.uid, owner.gid)
        (top / "his" / "link").symlink_to("/etc/systemd/system")
        place = str(top / "his" / "link" / "relocate-test.service.d")
    with SecretStore(str(tmp_path / "work"), owner) as secrets:
        engine = Bench(tmp_path, secrets, "none").engine(place + "/site/db.sqlite3", owner=owner)
        told = [item.code for item in engine.preflight("new")]
        assert told == ["path_refused"]
        for act in (engine.create_blank, lambda: engine.incoming().__enter__()):
            with pytest.raises(RelocateError) as caught:
                act()
            assert caught.value.code == "path_refused", caught.value
            assert "NAME of a SQLite database" in caught.value.msg
    assert not os.path.lexists(os.path.realpath(place))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")
def test_no_directory_of_roots_is_given_away_behind_a_link(tmp_path: Any) -> None:
    owner = _users.lookup_user("nobody")
    assert owner is not None
    top = reachable(tmp_path)
    for name, uid in (("his", owner.uid), ("roots", 0)):
        (top / name).mkdir(mode=0o755)
        os.chown(top / name, uid, 0)
    (top / "his" / "link").symlink_to(top / "roots")
    with SecretStore(str(tmp_path / "work"), owner) as secrets:
        engine = Bench(tmp_path, secrets, "none").engine(top / "his/link/new/db.sqlite3", owner=owner)
        with pytest.raises(RelocateError) as caught:
            engine.create_blank()
        assert caught.value.code == "right_missing"
    assert os.listdir(top / "roots") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give directories away")
def test_directories_become_what_they_were_on_old(tmp_path: Any) -> None:
    owner = _users.lookup_user("nobody")
    assert owner is not None
    top, group = reachable(tmp_path), grp.getgrgid(owner.gid).gr_name
    known = [[str(top / "a"), 0o750, "root", group], [str(top / "a" / "b"), 0o2770, "nobody", group]]
    facts = DatabaseFacts("sqlite", "SQLite 3", 3040000, "3", details={"directories": known})
    with SecretStore(str(tmp_path / "work"), owner) as secrets:
        Bench(tmp_path, secrets, "none").engine(top / "a/b/db.sqlite3", owner=owner).create_blank(facts)
    seen = [os.stat(top / name) for name in ("a", "a/b")]
    assert [(s.st_uid, s.st_gid, stat.S_IMODE(s.st_mode)) for s in seen] == [
        (0, owner.gid, 0o750),
        (owner.uid, owner.gid, 0o2770),
    ]
    # The project lies elsewhere on new: what both paths end with is as it was.
    os.mkdir(top / "elsewhere")
    files.make_directories(str(top / "elsewhere" / "b" / "db.sqlite3"), owner, facts)
    below = os.stat(top / "elsewhere" / "b")
    assert (below.st_uid, below.st_gid, stat.S_IMODE(below.st_mode)) == (owner.uid, owner.gid, 0o2770)
    broken = dataclasses.replace(facts, details={"directories": [[1, "x", None], "abc"]})
    assert files.make_directories(str(top / "c" / "db"), owner, broken) == [str(top / "c")]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/srv/a/data/sub", {"/srv": 1, "/srv/a": 2, "/srv/a/data": 3, "/srv/a/data/sub": 4}),
        ("/srv/b/data/sub", {"/srv": 1, "/srv/b": 2, "/srv/b/data": 3, "/srv/b/data/sub": 4}),
        ("/opt/x/b/data/sub", {"/srv": 1, "/opt/x/b": 2, "/opt/x/b/data": 3, "/opt/x/b/data/sub": 4}),
        ("/srv/a/other", {"/srv": 1, "/srv/a": 2, "/srv/a/data": 3, "/srv/a/other": 4}),
    ],
)
def test_where_directories_of_old_are_here(path: str, found: dict[str, int]) -> None:
    known = [
        Directory(name, mode, "a", "a")
        for name, mode in (("/srv", 1), ("/srv/a", 2), ("/srv/a/data", 3), ("/srv/a/data/sub", 4))
    ]
    assert {item.path: item.mode for item in files._where_they_are_here(known, path)} == found
    assert files._where_they_are_here([], path) == []
