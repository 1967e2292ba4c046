# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""First copy and catch-up of real SQLite files: what is made on new is old's file, byte for byte, or it is refused."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List, Optional, Tuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING, EngineContext
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite import catchup_apply, catchup_delta
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite import snapshot as snapshot_module
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite.engine import SqliteEngine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, DatabaseState, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._modules import restore as restore_module
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from ansible_collections.relocate.django.plugins.module_utils._services import checks
from ansible_collections.relocate.django.plugins.module_utils._set import first_copy
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Prepared
from ansible_collections.relocate.django.plugins.module_utils._steps import copies, dumps
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user
from tests.unit.fakes import LABEL, fake_site, manifest, me, reachable, refused

#: Workloads in a run. Before a release it is 500.
EXAMPLES = int(os.environ.get("RELOCATE_CATCHUP_EXAMPLES", "25"))

SCHEMA = """
CREATE TABLE item (id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT UNIQUE, n REAL, picture BLOB);
CREATE TABLE line (id INTEGER PRIMARY KEY, item_id INTEGER REFERENCES item (id) DEFERRABLE INITIALLY DEFERRED, w TEXT);
CREATE TABLE pair (a INTEGER, b TEXT, note TEXT, PRIMARY KEY (b, a)) WITHOUT ROWID;
CREATE TABLE loose (w, n);
CREATE VIRTUAL TABLE words USING fts5 (body);
CREATE INDEX line_w ON line (w DESC) WHERE w IS NOT NULL;
CREATE TABLE audit (what TEXT);
CREATE TRIGGER tell AFTER DELETE ON item BEGIN INSERT INTO audit VALUES ('gone ' || old.id); END;
WITH RECURSIVE i (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 300)
    INSERT INTO item (code, n, picture) SELECT 'c' || n, n / 3.0, zeroblob(n * 7 % 900) FROM i;
INSERT INTO line SELECT id, id, 'w' || id FROM item WHERE id < 100;
INSERT INTO pair SELECT id % 7, 'b' || id, NULL FROM item WHERE id < 80;
INSERT INTO loose SELECT code, n FROM item WHERE id < 50;
INSERT INTO words SELECT 'the word ' || code FROM item WHERE id < 50;
"""

#: What one statement of a busy site may be; {a} and {b} are small numbers. What fails changes nothing.
STATEMENTS = (
    "INSERT INTO item (code, n) VALUES ('C' || {a}, {b})",
    "INSERT INTO item (code, picture) SELECT 'n' || {a} || id, randomblob({b} * 50) FROM item WHERE id < {b}",
    "INSERT OR REPLACE INTO item (id, code) VALUES ({a}, 'r{b}')",
    "UPDATE item SET id = id + 5000 WHERE id = {a} AND id NOT IN (SELECT item_id FROM line)",
    "UPDATE item SET code = upper(code), picture = zeroblob({b} * 100) WHERE id % 9 = {b} % 9",
    "DELETE FROM item WHERE id BETWEEN 200 AND 200 + {a}",
    "UPDATE pair SET a = a + {a}, b = b || '+' WHERE a = {b} % 7",
    "DELETE FROM pair WHERE a = {a} % 7",
    "DELETE FROM line WHERE id > {a}",
    "DELETE FROM loose",
    "INSERT INTO loose SELECT 'l{a}', id FROM item",
    "UPDATE loose SET rowid = rowid + 10000 WHERE rowid = {b}",
    "INSERT INTO words VALUES ('again {a} {b}')",
    "DELETE FROM words WHERE rowid = {a}",
    "INSERT INTO words (words) VALUES ('optimize')",
    "UPDATE sqlite_sequence SET seq = seq + {a}",
    "CREATE TABLE made{a} (id INTEGER PRIMARY KEY, v TEXT DEFAULT '{b}') STRICT",
    "DROP TABLE IF EXISTS made{a}",
    "ALTER TABLE loose ADD COLUMN more{a} DEFAULT {b}",
    "ALTER TABLE loose RENAME COLUMN w TO w{a}",
    "DROP INDEX IF EXISTS line_w",
    "CREATE INDEX IF NOT EXISTS item_n ON item (n)",
    "CREATE VIEW IF NOT EXISTS seen AS SELECT {a} AS x",
    "DROP TRIGGER IF EXISTS tell",
    "PRAGMA user_version = {a}",
    "PRAGMA application_id = {b}",
)
#: What a person does; each by itself.
MAINTENANCE = (
    "VACUUM",
    "PRAGMA page_size = 1024; VACUUM",
    "PRAGMA auto_vacuum = FULL; VACUUM",
    "PRAGMA incremental_vacuum",
    "PRAGMA journal_mode = WAL",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA journal_mode = PERSIST",
    "PRAGMA journal_mode = TRUNCATE",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "ANALYZE",
    "REINDEX",
    "DELETE FROM item; DELETE FROM line; VACUUM",
)
_NUMBERS = st.integers(0, 60)


def _statements(templates: Tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.builds(lambda text, a, b: text.format(a=a, b=b), st.sampled_from(templates), _NUMBERS, _NUMBERS)


_STEPS = st.tuples(
    st.sampled_from(["done", "done", "undone", "killed", "killed at work"]),
    st.lists(_statements(STATEMENTS), min_size=1, max_size=4),
)
_ALONE = st.builds(lambda one: ("alone", [one]), st.sampled_from(MAINTENANCE))
#: How the file is made, and what happens between copy and freeze.
WORKLOADS = st.tuples(
    st.sampled_from([512, 1024, 4096, 4096, 65536]),
    st.sampled_from(["NONE", "NONE", "FULL", "INCREMENTAL"]),
    st.sampled_from(["DELETE", "WAL"]),
    st.lists(st.one_of(_STEPS, _STEPS, _ALONE), min_size=1, max_size=4),
)


def execute(connection: sqlite3.Connection, statements: str) -> None:
    """Run statements one by one; what fails changes nothing."""
    for statement in statements.split(";\n" if "CREATE TRIGGER" in statements else "; "):
        with contextlib.suppress(sqlite3.Error):
            connection.execute(statement)


def database(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def make(path: Path, page_size: int = 4096, auto_vacuum: str = "NONE", journal: str = "DELETE") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(database(path)) as connection:
        connection.execute(f"PRAGMA page_size = {page_size}")
        connection.execute(f"PRAGMA auto_vacuum = {auto_vacuum}")
        connection.executescript(SCHEMA)
        connection.execute(f"PRAGMA journal_mode = {journal}")


def run(path: Path, kind: str, statements: List[str]) -> None:
    """One step of a site: a transaction that ends well or not at all, or whose process is killed."""
    with contextlib.closing(database(path)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA cache_size = 1")  # what is written is in the file before it is committed
        if kind != "alone":
            connection.execute("BEGIN")
        for statement in statements:
            execute(connection, statement)
        if kind in ("done", "killed") and connection.in_transaction:
            connection.execute("COMMIT")
        if kind.startswith("killed"):
            files = {name: name.read_bytes() for name in path.parent.iterdir() if not name.name.endswith("-shm")}
    if kind.startswith("killed"):  # what a process leaves that could not close anything
        shutil.rmtree(path.parent)
        path.parent.mkdir()
        for name, content in files.items():
            name.write_bytes(content)


class Pair:
    """A database on old, its first copy on new, and what a catch-up makes of that."""

    def __init__(
        self, work: Path, store: SecretStore, compression: str = "none", owner: Optional[SystemUser] = None
    ) -> None:
        self.work, self.set = work, work / "set"
        self.old, self.new = (
            SqliteEngine(
                DatabaseConfig("default", "sqlite", "django.db.backends.sqlite3", str(work / side / "db.sqlite3")),
                EngineContext(store, owner=owner, compression=compression),
            )
            for side in ("old", "new")
        )
        (work / "new").mkdir()
        self.set.mkdir()
        self.base: Dict[str, Any] = {}
        self.copied = DatabaseState("")

    @property
    def live(self) -> Path:
        return Path(self.old.config.name)

    @property
    def incoming(self) -> Path:
        return Path(self.new.config.name + "__incoming")

    def copy(self) -> None:
        """The first copy, as a move makes it: dumped, loaded, compared."""
        for path in self.set.iterdir():
            path.unlink()
        with self.old.snapshot() as snapshot:
            dump = snapshot.dump(str(self.set))
            self.copied = snapshot.state()
            self.base = json.loads(json.dumps(snapshot.starting_point(self.copied)))
        self.new.load(str(self.set), dump, self.old.describe())
        assert self.new.differences(self.copied, self.state()) == []
        self.new.try_apply()

    def state(self) -> DatabaseState:
        with self.new.snapshot(INCOMING) as snapshot:
            return snapshot.state()

    def write(self) -> Tuple[str, DatabaseState]:
        """Old's half, once it is frozen."""
        with self.old.snapshot() as snapshot:
            now = snapshot.state()
            return str(self.set / snapshot.catch_up(str(self.set), self.base, self.copied, now)), now

    def catch_up(self) -> List[str]:
        """Both halves; returns what differs by our own comparison."""
        path, now = self.write()
        self.new.apply(path)
        return [str(item) for item in self.new.differences(now, self.state())]

    def sql(self, text: str) -> None:
        with contextlib.closing(database(self.live)) as connection:
            connection.executescript(text)

    def wanted(self) -> bytes:
        """What old's file holds, by nothing of ours: SQLite's own copy of it where some of it is beside it."""
        wal = Path(str(self.live) + "-wal")
        if not wal.exists() or not wal.stat().st_size:
            return self.live.read_bytes()
        path = self.work / "wanted"
        path.unlink(missing_ok=True)
        with contextlib.closing(database(self.live)) as source, contextlib.closing(database(path)) as target:
            source.backup(target)
        return path.read_bytes()

    def beside(self) -> List[str]:
        """The files beside new's copy, and in the set."""
        return sorted(os.listdir(self.incoming.parent)) + sorted(os.listdir(self.set))


@pytest.fixture(name="store", scope="module")
def _store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretStore]:
    with SecretStore(str(tmp_path_factory.mktemp("secrets") / "work")) as store:
        yield store


@pytest.fixture(name="pair")
def _pair(tmp_path: Path, store: SecretStore) -> Pair:
    pair = Pair(tmp_path, store)
    make(pair.live)
    pair.copy()
    return pair


@pytest.fixture(name="outcomes", scope="module")
def _outcomes() -> Iterator[List[str]]:
    found: List[str] = []
    yield found
    assert {"equal", "refused"} <= set(found), found  # both were tried


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(workload=WORKLOADS)
def test_whatever_happens_the_catch_up_is_whole(
    workload: Any, store: SecretStore, outcomes: List[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    page_size, auto_vacuum, journal, steps = workload
    pair = Pair(tmp_path_factory.mktemp("busy"), store)
    make(pair.live, page_size, auto_vacuum, journal)
    pair.copy()
    for kind, statements in steps:
        run(pair.live, kind, statements)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catchup_delta, "FEW", 100_000)  # more would be no reason in a file of this size
        try:
            different = pair.catch_up()
        except RelocateError as exc:
            assert exc.code == "cannot_catch_up" and "bytes changed" in exc.msg, exc.msg  # nothing else is a reason
            outcomes.append("refused")
            return
    assert pair.incoming.read_bytes() == pair.wanted() and different == []
    outcomes.append("equal")


# --- one thing at a time


@pytest.mark.parametrize(
    "text",
    [
        "",
        "INSERT INTO item (code) VALUES ('one')",
        "UPDATE item SET id = id + 1000 WHERE id > 250",
        "DELETE FROM item WHERE id > 150",
        "DELETE FROM loose; DELETE FROM pair",
        "ALTER TABLE loose ADD COLUMN more; CREATE TABLE made (id); DROP TABLE audit; DROP TRIGGER tell",
        "CREATE VIRTUAL TABLE others USING fts5 (body); INSERT INTO others VALUES ('x')",
        "UPDATE sqlite_sequence SET seq = 99999",
        "DELETE FROM item WHERE id < 280 AND id > 100; VACUUM",
        "PRAGMA page_size = 65536; VACUUM",
        "PRAGMA auto_vacuum = FULL; VACUUM; DELETE FROM item WHERE id > 100",
        "PRAGMA journal_mode = WAL; UPDATE item SET n = 5",
        "PRAGMA user_version = 7; PRAGMA application_id = 8; ANALYZE",
        "INSERT INTO item (code, picture) VALUES ('large', zeroblob(1000000))",
    ],
)
def test_what_changed_is_carried(pair: Pair, text: str) -> None:
    pair.sql(text)
    assert pair.catch_up() == [] and pair.incoming.read_bytes() == pair.live.read_bytes()
    assert pair.beside() == ["db.sqlite3__incoming", "default.catchup", "default.sqlite3"]


def test_one_changed_row_carries_a_page_or_two(pair: Pair) -> None:
    pair.sql("INSERT INTO item (code, picture) SELECT 'more' || id, randomblob(4000) FROM item")
    pair.copy()
    pair.sql("UPDATE line SET w = NULL WHERE id = 77")
    path, _now = pair.write()
    assert os.path.getsize(path) < 5 * 4096 < 40 * 4096 < pair.live.stat().st_size


def test_nothing_on_old_is_altered(pair: Pair) -> None:
    pair.sql("UPDATE item SET n = 5")
    before, token = sorted(os.listdir(pair.live.parent)), pair.old.change_token()
    pair.write()
    assert (sorted(os.listdir(pair.live.parent)), pair.old.change_token()) == (before, token)


@pytest.mark.parametrize("kind", ["killed", "killed at work"])
def test_what_is_beside_the_file_is_carried(pair: Pair, kind: str) -> None:
    pair.sql("PRAGMA journal_mode = WAL")
    run(pair.live, kind, ["UPDATE item SET n = 4711 WHERE id = 5", "DELETE FROM line"])
    size = os.path.getsize(f"{pair.live}-wal")
    assert pair.catch_up() == [] and os.path.getsize(f"{pair.live}-wal") == size > 0
    assert pair.incoming.read_bytes() == pair.wanted()
    with contextlib.closing(database(pair.incoming)) as connection:
        found = connection.execute("SELECT n FROM item WHERE id = 5").fetchone()[0]
    assert (found == 4711) == (kind == "killed")
    assert sorted(os.listdir(pair.set)) == ["default.catchup", "default.sqlite3"]


def test_a_writer_that_was_killed_is_undone_first(pair: Pair) -> None:
    run(pair.live, "killed at work", ["UPDATE item SET code = code || 'x', picture = zeroblob(900)"])
    assert os.path.getsize(f"{pair.live}-journal")
    assert pair.catch_up() == [] and pair.incoming.read_bytes() == pair.live.read_bytes()


def test_a_file_that_is_larger_than_its_pages_is_read_by_sqlite(pair: Pair) -> None:
    with pair.live.open("ab") as stream:
        stream.write(b"\0" * 4096)
    pair.sql("BEGIN; UPDATE item SET n = 3; ROLLBACK")
    assert pair.catch_up() == [] and len(pair.incoming.read_bytes()) + 4096 == pair.live.stat().st_size


@pytest.mark.parametrize(
    "text", ["VACUUM", "PRAGMA page_size = 512; VACUUM", "UPDATE item SET picture = randomblob(999)"]
)
def test_too_much_is_refused(pair: Pair, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(catchup_delta, "FEW", 10_000)
    pair.sql("DELETE FROM item WHERE id < 50 AND id > 5; " + text)
    with refused("cannot_catch_up", "[0-9]+ of [0-9]+ bytes changed"):
        pair.write()
    assert os.listdir(pair.set) == ["default.sqlite3"]


def test_what_a_dump_would_refuse_is_refused(pair: Pair) -> None:
    pair.sql("DELETE FROM item WHERE id = 7")
    with refused("orphan_rows", "line: 1 row refers to missing rows"):
        pair.write()
    assert os.listdir(pair.set) == ["default.sqlite3"]


def test_a_page_that_broke_since_is_refused(pair: Pair) -> None:
    with contextlib.closing(database(pair.live)) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'line_w'").fetchone()[0]
    content = bytearray(pair.live.read_bytes())
    content[(page - 1) * 4096 + 100 : page * 4096] = b"\xaa" * 3996
    pair.live.write_bytes(content)
    with refused("database_broken", "integrity_check"):
        pair.write()
    assert os.listdir(pair.set) == ["default.sqlite3"]


def test_there_is_nothing_to_start_from_without_a_dump(pair: Pair) -> None:
    with pair.old.snapshot() as snapshot, refused("cannot_catch_up", "nothing was dumped"):
        snapshot.starting_point(snapshot.state())


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_what_is_noted_is_the_dump(tmp_path: Path, store: SecretStore, compression: str) -> None:
    pair = Pair(tmp_path, store, compression)
    make(pair.live, journal="WAL")
    pair.copy()
    content = pair.incoming.read_bytes()
    digests = b"".join(catchup_delta.digest_of(content[i : i + 4096]) for i in range(0, len(content), 4096))
    assert catchup_delta.Noted.from_plain(pair.base) == catchup_delta.Noted(len(content), 4096, digests)


@pytest.mark.parametrize("when", ["while it is counted", "while it is read"])
def test_who_writes_meanwhile_is_seen(pair: Pair, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    """To read a database's file by hand lets go of its locks: a writer that nobody named would get through."""
    code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('DELETE FROM loose'); c.commit()"

    def late() -> None:
        subprocess.run([sys.executable, "-c", code, str(pair.live)], check=True)

    with pair.old.snapshot() as snapshot:
        now = snapshot.state()
        if when == "while it is counted":
            late()
        else:
            monkeypatch.setattr(snapshot_module, "check_pages", lambda _view: late())
        with refused("cannot_catch_up", "changed while it was read"):
            snapshot.catch_up(str(pair.set), pair.base, pair.copied, now)
    assert os.listdir(pair.set) == ["default.sqlite3"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")
def test_both_sides_act_as_the_owner(tmp_path: Path) -> None:
    owner = lookup_user("nobody")
    assert owner is not None
    with SecretStore(str(reachable(tmp_path) / "work"), owner) as store:
        pair = Pair(tmp_path, store, "zstd", owner)
        make(pair.live, journal="WAL")
        run(pair.live, "killed", ["UPDATE item SET n = 5"])
        made = BackupSet.create(str(tmp_path / "sets"), "shop", LABEL, owner)
        pair.set = Path(made.file("databases"))
        for path in [pair.live.parent, pair.incoming.parent, *pair.live.parent.iterdir()]:
            os.chown(path, owner.uid, owner.gid)
        pair.copy()
        path, _now = pair.write()
        assert os.stat(path).st_uid == owner.uid
        with made.lent_dumps(owner):  # as root's, which he may read
            assert os.stat(path).st_uid == 0
            pair.new.apply(path)
        assert {each.stat().st_uid for each in pair.live.parent.iterdir()} == {owner.uid}
        assert [each.stat().st_uid for each in pair.incoming.parent.iterdir()] == [owner.uid]
        assert pair.incoming.read_bytes() == pair.wanted() and os.geteuid() == 0


# --- new's side


def changed(pair: Pair) -> str:
    """A catch-up of a row that is new, one that is gone and one that is another one."""
    pair.sql(
        "INSERT INTO pair VALUES (99, 'n', ''); DELETE FROM pair WHERE b = 'b9'; UPDATE item SET n = 5 WHERE id = 5"
    )
    return pair.write()[0]


def spoil(path: Path, place: int = 5000) -> None:
    """Flip a bit."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda pair: spoil(pair.incoming), "not what it was when it was made"),
        (lambda pair: spoil(pair.incoming, -1), "not what it was when it was made"),
        (lambda pair: os.truncate(pair.incoming, 4096), "has 4096 of"),
        (lambda pair: pair.incoming.unlink(), "No such file"),
        (lambda pair: spoil(pair.set / "default.catchup", -1), "do not make what the frozen database holds"),
        (lambda pair: os.truncate(pair.set / "default.catchup", 6000), "cut off"),
        (lambda pair: os.truncate(pair.set / "default.catchup", 0), "cannot be read"),
        (lambda pair: (pair.set / "default.catchup").unlink(), "No such file"),
    ],
)
def test_what_was_spoiled_is_refused_and_nothing_else_is_done(pair: Pair, act: Any, said: str) -> None:
    path = changed(pair)
    act(pair)
    before = pair.incoming.read_bytes() if pair.incoming.exists() else None, pair.beside()
    with refused("cannot_catch_up", said):
        pair.new.apply(path)
    assert (pair.incoming.read_bytes() if pair.incoming.exists() else None, pair.beside()) == before


def test_somebody_who_wrote_to_the_copy_is_told(pair: Pair) -> None:
    path = changed(pair)
    with contextlib.closing(database(pair.incoming)) as connection:
        connection.execute("UPDATE loose SET n = 1 WHERE rowid = 1")
    with refused("cannot_catch_up", "not what it was when it was made"):
        pair.new.apply(path)


def test_what_lies_beside_the_copy_does_not_get_into_the_new_file(pair: Pair) -> None:
    pair.sql("PRAGMA journal_mode = WAL")
    pair.copy()
    path, now = changed(pair), pair.write()[1]
    aside = pair.work / "aside"
    shutil.copytree(pair.incoming.parent, aside)
    run(aside / pair.incoming.name, "killed", ["DELETE FROM line"])
    shutil.copy(aside / (pair.incoming.name + "-wal"), pair.incoming.parent)
    pair.new.apply(path)
    assert pair.new.differences(now, pair.state()) == [] and pair.incoming.read_bytes() == pair.live.read_bytes()


def test_the_new_file_has_the_rights_of_the_copy(pair: Pair) -> None:
    path = changed(pair)
    pair.incoming.chmod(0o640)
    pair.new.apply(path)
    assert pair.incoming.stat().st_mode & 0o777 == 0o640


def in_child(act: Callable[[], None]) -> int:
    """Run in a process of its own; returns how it ended: an exit code, or minus a signal."""
    child = os.fork()
    if not child:
        try:
            act()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize(("place", "name"), [(os, "fsync"), (os, "replace"), (catchup_apply, "match_rights")])
def test_an_apply_that_is_killed_can_be_repeated(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, place: Any, name: str
) -> None:
    path, before = changed(pair), pair.incoming.read_bytes()

    def die(*_args: Any, **_more: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def act() -> None:
        monkeypatch.setattr(place, name, die)
        pair.new.apply(path)

    assert in_child(act) == -signal.SIGKILL
    assert pair.incoming.read_bytes() == before and f"{pair.incoming.name}{catchup_apply.MAKING}" in pair.beside()
    pair.new.apply(path)
    assert pair.incoming.read_bytes() == pair.live.read_bytes()
    assert pair.beside() == ["db.sqlite3__incoming", "default.catchup", "default.sqlite3"]


def test_what_an_apply_left_is_dropped_with_the_copy(pair: Pair) -> None:
    Path(f"{pair.incoming}{catchup_apply.MAKING}").write_text("left")
    assert pair.new.drop(INCOMING) and os.listdir(pair.incoming.parent) == []


def test_a_full_disk_leaves_the_copy_as_it_was(pair: Pair) -> None:
    path, before = changed(pair), pair.incoming.read_bytes()

    def act() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) - 1, len(before) - 1))
        with refused("cannot_catch_up", "File too large"):
            pair.new.apply(path)

    assert in_child(act) == 0
    assert pair.incoming.read_bytes() == before and pair.beside()[0] == "db.sqlite3__incoming" != pair.beside()[1]


def test_too_little_room_is_told_before_the_freeze(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _path: SimpleNamespace(f_bavail=1, f_frsize=4096))
    with refused("cannot_catch_up", "4096 bytes are free beside .*, which has [0-9]+"):
        pair.new.try_apply()


def test_a_directory_that_takes_no_file_is_told_before_the_freeze(pair: Pair) -> None:
    shutil.rmtree(pair.incoming.parent)
    with refused("cannot_catch_up", "it cannot be applied: .*No such file"):
        pair.new.try_apply()


def test_a_large_file_takes_little_memory(pair: Pair) -> None:
    pair.sql("INSERT INTO item (code, picture) VALUES ('large', zeroblob(60000000))")
    pair.copy()
    pair.sql("UPDATE line SET w = 'x'")
    tracemalloc.start()
    try:
        with pair.old.snapshot() as snapshot:
            snapshot.catch_up(str(pair.set), pair.base, pair.copied, pair.copied)
        pair.new.apply(str(pair.set / "default.catchup"))
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
    assert pair.incoming.read_bytes() == pair.live.read_bytes()


# --- from host to host


def restored(new: Any, state: str, digest: str) -> Dict[str, Any]:
    params: Dict[str, Any] = {"directory": new.project.path, "site": "shop", "label": LABEL, "manifest_sha256": digest}
    params.update(state=state, sequences="keep", allow_same_host=False, allow_same_database=False, replace=False)
    params.update(aliases=[], media=False, services_kept_running=[], verified=True, jobs=1)
    module: Any = SimpleNamespace(params=params, check_mode=False, warn=lambda _line: None)
    return restore_module.restore(module, new)


@pytest.mark.parametrize("compression", ["none", "zstd"])
@pytest.mark.parametrize("spoiled", ["", "incoming changed", "incoming gone", "too much changed"])
def test_a_set_of_two_parts_is_restored(
    tmp_path: Path, store: SecretStore, monkeypatch: pytest.MonkeyPatch, spoiled: str, compression: str
) -> None:
    """Old copies while it serves and adds what changed; new needs the whole dump only where its copy is spoiled."""
    monkeypatch.setattr(checks, "running", lambda *_args: [])
    pair = Pair(tmp_path, store, compression)
    make(pair.live, journal="WAL")
    old, new = fake_site(tmp_path / "old_site", pair.old), fake_site(tmp_path / "new_site", pair.new)
    made = BackupSet.create(old.project.path, "shop", LABEL, me())
    made.note_prepared(Prepared({"commit": "1" * 40}, {}, {"name": "shop"}, ()))
    asked: Any = SimpleNamespace(first_copy=copies.ALWAYS, fixtures=False, replicate=False)
    copied = copies.prepare(old, made, asked, lambda found: manifest(LABEL, databases=dict(found)))
    target = tmp_path / "new_site" / "sets" / "shop" / LABEL
    shutil.copytree(made.path, target)
    assert restored(new, "copied", copied["first_copy"])["restored"] == ["default"]
    assert pair.incoming.exists() and not pair.new.exists("live")
    pair.sql("UPDATE item SET n = 5 WHERE id = 5; CREATE TABLE made (id); DELETE FROM pair")
    if spoiled == "too much changed":
        monkeypatch.setattr(catchup_delta, "FEW", 0)
        monkeypatch.setattr(catchup_delta, "SHARE", 0)
    entries, _tokens = dumps.dump_all(old, made, frozen=True)
    assert entries["default"].catch_up == ("" if spoiled == "too much changed" else "databases/default.catchup")
    first_copy.forget_bases(made)
    digest = made.finish(manifest(LABEL, databases=entries))
    shutil.rmtree(target / "databases")
    shutil.copytree(made.path, target, dirs_exist_ok=True)
    (target / first_copy.BASES).unlink()
    if spoiled == "incoming changed":
        spoil(pair.incoming)
    elif spoiled == "incoming gone":
        pair.new.drop(INCOMING)
    assert restored(new, "present", digest)["restored"] == ["default"]
    notes = pair.old.context.notes + pair.new.context.notes + old.notes
    assert ["carried once more" in note for note in notes] == (
        [True] if spoiled in ("incoming changed", "too much changed") else []
    )
    assert Path(pair.new.config.name).read_bytes()[100:] == pair.wanted()[100:]
    assert not pair.new.exists(INCOMING)
