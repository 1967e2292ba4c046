# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""First copy and catch-up against a real MariaDB: what is applied is the whole, or it is refused."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List, Optional

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from ansible_collections.relocate.django.plugins.module_utils._engines import sql
from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING, LIVE, EngineContext
from ansible_collections.relocate.django.plugins.module_utils._engines.compare import compare_states
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import (
    catchup_apply,
    catchup_sql,
    snapshot,
    state,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.engine import MysqlEngine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import (
    DatabaseConfig,
    DatabaseState,
    Login,
    SystemUser,
)
from ansible_collections.relocate.django.plugins.module_utils._modules import restore as restore_module
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from ansible_collections.relocate.django.plugins.module_utils._services import checks
from ansible_collections.relocate.django.plugins.module_utils._set import first_copy
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Prepared
from ansible_collections.relocate.django.plugins.module_utils._steps import copies, dumps
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user
from tests.engines import mysql_server
from tests.engines.mysql_server import MysqlServer
from tests.engines.mysql_workload import BEYOND, SCHEMA, WORKLOADS, Step
from tests.unit.fakes import LABEL, fake_site, manifest, me

pymysql = pytest.importorskip("pymysql")
pytestmark = pytest.mark.drawn(2, of="catch-up on MariaDB")

#: Workloads in a run. Before a release it is 500.
EXAMPLES = int(os.environ.get("RELOCATE_CATCHUP_EXAMPLES", "15"))
#: The project's: not root, as on a host.
OWNER = lookup_user("nobody") if os.geteuid() == 0 else None
NAMES = iter("cu_{0}".format(number) for number in range(1000))


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[MysqlServer]:
    if mysql_server.program() is None:
        if os.environ.get("RELOCATE_LAB_REQUIRED") == "1":
            pytest.fail("no MariaDB server program on this machine")
        pytest.skip("no MariaDB server program on this machine")
    one = MysqlServer()
    try:
        one.start("--skip-general-log")
        yield one
    finally:
        one.remove()


class Pair:
    """A live database, its first copy, and what a catch-up makes of that."""

    def __init__(self, server: MysqlServer, store: SecretStore, work: Path, live: str) -> None:
        self.server, self.live, self.work, self._store = server, live, work, store
        self.engine = self.engine_of(live)
        self.base: Dict[str, Any] = {}
        self.copied = DatabaseState("")

    def engine_of(
        self, name: str, admin: Optional[Login] = None, jobs: int = 2, owner: Optional[SystemUser] = OWNER
    ) -> MysqlEngine:
        login = admin or Login(user="root", unix_socket=self.server.socket)
        config = DatabaseConfig(
            "default", "mysql", "django.db.backends.mysql", name, user="u_" + self.live, host="127.0.0.1",
            port=self.server.port, password="pw",
        )  # fmt: skip
        return MysqlEngine(config, EngineContext(self._store, owner, login, jobs=jobs))

    @property
    def incoming(self) -> str:
        return self.live + "__incoming"

    def fresh(self) -> None:
        """Make the set's directory, which is the owner's."""
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        if self.engine.context.owner:
            os.chown(self.work, self.engine.context.owner.uid, self.engine.context.owner.gid)

    def copy(self) -> None:
        """The first copy, as a move makes it: dumped, loaded, compared, tried."""
        self.fresh()
        with self.engine.snapshot() as opened:
            dump = opened.dump(str(self.work))
            self.copied = opened.state()
            self.base = self.json(opened.starting_point(self.copied))
        self.engine.load(str(self.work), dump, self.engine.describe())
        self.engine.try_apply()
        assert not compare_states(self.copied, self.state(INCOMING))

    def note(self) -> None:
        """Start anew from what is there: incoming holds the same."""
        with self.engine.snapshot() as opened:
            self.copied = opened.state()
            self.base = self.json(opened.starting_point(self.copied))

    def json(self, value: Any) -> Dict[str, Any]:
        """As it comes out of a file."""
        found: Dict[str, Any] = json.loads(json.dumps(value))
        return found

    def state(self, which: str = LIVE) -> DatabaseState:
        with self.engine.snapshot(which) as opened:
            return opened.state()

    def write(self) -> "tuple[str, DatabaseState]":
        """Old's half, once it is frozen."""
        self.fresh()
        with self.engine.snapshot() as opened:
            opened.expect(self.base)
            now = opened.state()
            return str(self.work / opened.catch_up(str(self.work), self.base, self.copied, now)), now

    def catch_up(self) -> List[str]:
        """Both halves; returns what differs by our own comparison."""
        path, now = self.write()
        touched = self.engine.apply(path)
        whole, untouched = self.state(INCOMING), {table.name for table in now.tables} - set(touched)
        with self.engine.snapshot(INCOMING) as opened:
            some = opened.state(counted=untouched)
        for read, table in zip(some.tables, whole.tables, strict=True):
            assert read == (dataclasses.replace(table, fingerprint="") if table.name in untouched else table)
        before = {table.name: table for table in self.copied.tables}
        different = [table.name for table in now.tables if table.name in untouched and table != before[table.name]]
        return [str(item) for item in self.engine.differences(now, whole)] + different

    def change(self, name: str) -> catchup_sql.Change:
        """What the catch-up that was written does to a table."""
        changes = catchup_apply.read(str(self.work / "default.catchup")).changes
        return next(one for one in changes if one.name == name)

    def sql(self, text: str) -> str:
        return self.server.sql("SET foreign_key_checks = 0; " + text, self.live)


def contents(server: MysqlServer, name: str) -> List[str]:
    """Every row, numbering and trigger of a database, told by nothing of ours: the server's own sums, and its words."""
    tables = server.sql(
        "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{0}'"
        " AND TABLE_TYPE <> 'VIEW'"
        " AND TABLE_NAME NOT LIKE '\\_\\_relocate%' ORDER BY 1".format(name)
    )
    found = []
    for line in tables.splitlines():
        table, kind = line.replace("\\\\", "\\").split("\t")
        quoted = "`" + table.replace("`", "``") + "`"
        if kind == "SEQUENCE":
            found.append("SELECT next_not_cached_value, cycle_count, '{0}' FROM {0}".format(table))
        else:
            found += ["CHECKSUM TABLE " + quoted, "SHOW CREATE TABLE " + quoted, "SELECT COUNT(*) FROM " + quoted]
    found.append(
        "SELECT TRIGGER_NAME, ACTION_ORDER, ACTION_STATEMENT, SQL_MODE FROM information_schema.TRIGGERS"
        " WHERE TRIGGER_SCHEMA = '{0}' ORDER BY 1".format(name)
    )
    return server.sql(";\n".join(found), name).replace(name + ".", "").splitlines()


def lost(pair: Pair) -> List[str]:
    """What differs by the independent look."""
    old, new = contents(pair.server, pair.live), contents(pair.server, pair.incoming)
    assert len(old) > 50
    return ["{0} | {1}".format(*both) for both in zip_longest(old, new) if both[0] != both[1]]


@contextlib.contextmanager
def paired(server: MysqlServer, work: Path) -> Iterator[Pair]:
    for parent in [work, *work.parents]:  # pytest's own directories are closed to the owner
        if str(parent).startswith("/tmp/"):
            os.chmod(parent, 0o711)
    with SecretStore(str(work), OWNER) as store:
        pair = Pair(server, store, work / "set", next(NAMES))
        pair.engine.create_blank()
        server.sql(SCHEMA, pair.live)
        yield pair
        for name in (pair.live, pair.incoming):
            server.sql("DROP DATABASE IF EXISTS " + name)


@pytest.fixture(name="pair")
def _pair(server: MysqlServer, tmp_path: Path) -> Iterator[Pair]:
    with paired(server, tmp_path) as pair:
        yield pair


@pytest.fixture(scope="module", name="still")
def _still(server: MysqlServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """One that is copied once, for tests that change what they need and leave incoming as it is."""
    with paired(server, tmp_path_factory.mktemp("still")) as pair:
        pair.copy()
        yield pair


class Writer:
    """A site at work: transactions that overlap, each in a session of its own."""

    def __init__(self, server: MysqlServer, name: str) -> None:
        self._server, self._name = server, name

    def session(self) -> Any:
        found = pymysql.connect(unix_socket=self._server.socket, user="root", database=self._name, autocommit=True)
        with found.cursor() as cursor:
            cursor.execute(
                "SET innodb_lock_wait_timeout = 0, lock_wait_timeout = 0, sql_mode = '', @@time_zone = '+03:00'"
            )
        return found

    def begin(self, step: Step) -> Callable[[], None]:
        """Start a transaction; what is returned ends it."""
        session = self.session()
        with session.cursor() as cursor:
            if step.kind != "alone":
                cursor.execute("BEGIN")
            for statement in (each for several in step.statements for each in several.split("; ")):
                with contextlib.suppress(pymysql.MySQLError):
                    cursor.execute(statement)

        def end() -> None:
            with session.cursor() as cursor, contextlib.suppress(pymysql.MySQLError):
                cursor.execute("COMMIT" if step.kind == "done" else "ROLLBACK")
            session.close()

        return end


@pytest.fixture(name="busy")  # once for all examples, and what it replaces is back for other tests
def _busy(server: MysqlServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with paired(server, tmp_path_factory.mktemp("busy")) as pair:
        pair.copy()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(snapshot.MysqlSnapshot, "_schema", lambda *_args: {})  # nothing in a workload is a definition
            yield pair


@pytest.mark.drawn(1)  # always
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(workload=WORKLOADS)
def test_whatever_happens_the_catch_up_is_whole(workload: Any, busy: Pair) -> None:
    writer = Writer(busy.server, busy.live)
    open_ones: List[Callable[[], None]] = []
    busy.note()
    for number, step in enumerate(workload):
        if open_ones and number % 2:
            open_ones.pop()()
        end = writer.begin(step)
        open_ones.append(end) if step.late else end()
    for end in open_ones:
        end()
    different = busy.catch_up()
    assert lost(busy) == []
    assert different == []


# --- one thing at a time

EVERYTHING = """
UPDATE item SET id = id + 100, n = 7 WHERE id > 57; DELETE FROM item WHERE id BETWEEN 10 AND 12;
INSERT INTO item (code) VALUES ('gone'); DELETE FROM item WHERE code = 'gone';
TRUNCATE line; DELETE FROM loose; INSERT INTO loose VALUES ('x', 1, 0.3), ('x', 1, 0.3), (NULL, NULL, -0.0);
DELETE FROM audit; ALTER TABLE audit AUTO_INCREMENT = 700;
UPDATE pair SET b = UPPER(b); UPDATE named SET k = UPPER(k); DELETE FROM raw WHERE v < 5; TRUNCATE tiny;
UPDATE signs SET id = 100 WHERE id = -29; UPDATE sparse SET id = id - 1 ORDER BY id; UPDATE aria SET v = 'z';
UPDATE `o``t"h e'r` SET `i d` = UPPER(`i d`), `s``v` = NULL WHERE `s``v` < 9; TRUNCATE isam;
UPDATE event SET at = 100 - at WHERE at < 20; SELECT NEXTVAL(free), NEXTVAL(turns); ALTER SEQUENCE free RESTART 12;
SELECT SETVAL(turns, 3, 1, 4);
"""


def definers(pair: Pair) -> str:
    form = "SELECT TRIGGER_NAME, DEFINER FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = '{0}' ORDER BY 1"
    return pair.server.sql(form.format(pair.incoming))


def test_a_copy_that_was_loaded_is_caught_up_with(pair: Pair) -> None:
    pair.copy()
    before = definers(pair)
    pair.sql(EVERYTHING)
    path, now = pair.write()
    whole = {change.name for change in catchup_apply.read(path).changes if change.division is None}
    assert whole == {"isam", "aria"}
    pair.engine.apply(path)
    assert pair.engine.differences(now, pair.state(INCOMING)) == [] and lost(pair) == []
    assert definers(pair) == before and before.count("\n") == 4
    # The numbers go on where old's would.
    for name in (pair.live, pair.incoming):
        pair.server.sql("INSERT INTO audit (what) VALUES ('next'); INSERT INTO isam (v) VALUES ('next')", name)
    assert lost(pair) == []


@pytest.mark.parametrize("jobs", [1, 3])
def test_what_is_written_while_the_copy_is_made_is_caught(pair: Pair, jobs: int) -> None:
    """Sums and dump are of the same moment, however busy the site is then."""
    pair.engine = pair.engine_of(pair.live, jobs=jobs)
    pair.sql("INSERT INTO loose SELECT 'many', seq, seq FROM seq_1_to_3000")
    ended = threading.Event()

    def write() -> None:
        session = Writer(pair.server, pair.live).session()
        with session.cursor() as cursor:
            cursor.execute("SET innodb_lock_wait_timeout = 20, lock_wait_timeout = 20")
            for number in range(100000):
                if ended.is_set():
                    break
                with contextlib.suppress(pymysql.MySQLError):
                    cursor.execute("UPDATE item SET n = n + 1, code = NULL WHERE id = {0}".format(number % 60))
                    cursor.execute("INSERT INTO pair VALUES ({0}, 'w', '')".format(number))
                    cursor.execute("DELETE FROM loose WHERE n = {0}".format(number))
                    cursor.execute("INSERT INTO isam (v) VALUES ('w')")
                time.sleep(0.003)
        session.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        pair.copy()
    finally:
        ended.set()
        thread.join()
    assert pair.state() != pair.copied
    assert pair.catch_up() == [] and lost(pair) == []


def test_nothing_changed_is_nothing_to_carry(still: Pair) -> None:
    still.note()
    path, _now = still.write()
    assert catchup_apply.read(path).changes == () and os.listdir(path) == [catchup_sql.CONTENTS]


def test_one_changed_row_carries_a_handful(still: Pair) -> None:
    still.sql(
        "INSERT INTO line (item) SELECT NULL FROM seq_1_to_5000; INSERT INTO named SELECT CONCAT('m', seq), seq"
        " FROM seq_1000_to_6000; INSERT INTO loose SELECT seq, 77, 0 FROM seq_1_to_5000"
    )
    still.note()
    still.sql(
        "UPDATE line SET b = 9 WHERE id = 777; INSERT INTO line (item) VALUES (1);"
        " UPDATE named SET v = -1 WHERE v = 1777; UPDATE loose SET n = -1 WHERE w = '1777'"
    )
    still.write()
    for name, most in (("line", 7), ("named", 40), ("loose", 80)):
        change = still.change(name)
        assert change.division and change.division.buckets >= 1024 and 0 < change.rows < most, change


@pytest.mark.parametrize("statement", BEYOND)
def test_what_rows_do_not_tell_is_refused(still: Pair, statement: str) -> None:
    still.note()
    still.sql(statement)
    with pytest.raises(RelocateError, match="schema changed|which is system-versioned, changed") as caught:
        still.write()
    assert caught.value.code == "cannot_catch_up" and not list(still.work.iterdir())


def test_too_many_changed_rows_are_refused(still: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    still.note()
    still.sql("UPDATE item SET n = -5")
    monkeypatch.setattr(sql, "SHARE", 0.0001)
    monkeypatch.setattr(sql, "FEW", 10)
    with pytest.raises(RelocateError, match="of [0-9]+ rows changed"):
        still.write()


def test_a_table_of_another_engine_is_refused_once_it_changed(still: Pair) -> None:
    still.sql("CREATE TABLE gathered (id int) ENGINE=MyISAM")
    still.sql("CREATE TABLE collected (id int) ENGINE=MRG_MyISAM UNION=(gathered)")
    still.note()
    still.sql("INSERT INTO gathered VALUES (1)")
    with pytest.raises(RelocateError, match="table collected, which is of engine MRG_MyISAM, changed"):
        still.write()
    still.sql("DROP TABLE collected, gathered")


def test_writes_that_could_not_be_paused_are_refused(still: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_args: Any) -> Any:
        raise RelocateError("right_missing", "no LOCK TABLES")

    monkeypatch.setattr(state, "read_lock", refused)
    still.fresh()
    with still.engine.snapshot() as opened:
        opened.dump(str(still.work))
        with pytest.raises(RelocateError, match="writes could not be paused"):
            opened.starting_point(opened.state())


def test_rows_that_are_not_those_that_were_counted_are_refused(still: Pair) -> None:
    with still.engine.snapshot() as opened:
        counted = opened.state()
        tables = tuple(replace(one, rows=one.rows + (one.name == "pair")) for one in counted.tables)
        with pytest.raises(RelocateError, match="table pair was written to while it was read"):
            opened.starting_point(replace(counted, tables=tables))


def test_a_first_copy_of_another_version_is_refused(still: Pair) -> None:
    still.note()
    still.base["format"] = 0
    with pytest.raises(RelocateError, match="another version"):
        still.write()


def test_counting_for_a_catch_up_gives_what_counting_does(still: Pair) -> None:
    still.note()
    with still.engine.snapshot() as opened:
        opened.expect(still.base)
        found = opened.state()
    assert found == still.copied == still.state()


@pytest.mark.parametrize(
    "spoiled", [{}, {"division": {"key": [], "buckets": 0, "low": None, "width": 1}}, {"division": 7}]
)
def test_a_starting_point_that_cannot_be_read_is_refused(still: Pair, spoiled: Any) -> None:
    still.note()
    still.base["tables"]["pair"] = spoiled
    with pytest.raises(RelocateError, match="noted cannot be read"):
        still.write()


def test_sums_that_are_cut_are_refused(still: Pair) -> None:
    still.note()
    still.sql("UPDATE signs SET v = v + 1")
    sums = still.base["tables"]["signs"]["sums"]
    sums[0][1] = sums[0][1].partition(",")[0]
    with pytest.raises(RelocateError, match="sums of table signs are not whole"):
        still.write()


# --- new's side


@pytest.fixture(name="changed")
def _changed(pair: Pair) -> str:
    """A catch-up of rows that are new, gone and another one, on a copy that is there."""
    pair.copy()
    pair.sql(
        "INSERT INTO pair VALUES (99, 'n', ''); DELETE FROM pair WHERE b = 'b9'; UPDATE item SET n = 55 WHERE id = 5"
    )
    return pair.write()[0]


def test_what_cannot_be_applied_leaves_incoming_as_it_was(pair: Pair, changed: str) -> None:
    before = contents(pair.server, pair.incoming)
    file = Path(changed, catchup_sql.CONTENTS)
    text = file.read_text()
    spoiled = {
        "cannot be read": [
            "",
            "{}",
            "[]",
            text.replace('"format": 1', '"format": 2'),
            text.replace("my-sha2", "x"),
            text.replace('"runs": [[', '"runs": [[9999999, 99999999], ['),
        ],
        "no such table": [
            text.replace('"name": "item"', '"name": "its"'),
            text.replace('"note"', '"no"'),
            text.replace('"key": ["b"', '"key": ["x"'),
        ],
        "rows were written": [text.replace('"rows": ', '"rows": 1')],
    }
    for message, texts in spoiled.items():
        for each in texts:
            assert each != text
            file.write_text(each)
            with pytest.raises(RelocateError, match=message) as caught:
                pair.engine.apply(changed)
            assert caught.value.code == "cannot_catch_up"
    file.write_text(text)
    last = sorted(Path(changed).glob("*.rows"))[-1]
    lines = last.read_bytes()
    columns = lines.count(b"\n")
    for rows in (lines[:-5], b"[]\n", b"7\n", b"[{}]\n" * columns, b"\xff\n", b'["\\ud800", "a", 1]\n', b"[[]]\n"):
        last.write_bytes(rows)
        with pytest.raises(RelocateError) as caught:
            pair.engine.apply(changed)
        assert caught.value.code == "cannot_catch_up"
    last.unlink()
    with pytest.raises(RelocateError, match="No such file"):
        pair.engine.apply(changed)
    assert contents(pair.server, pair.incoming) == before
    last.write_bytes(lines)
    pair.engine.apply(changed)
    assert lost(pair) == []


def test_values_are_no_statements(pair: Pair) -> None:
    pair.copy()
    session = Writer(pair.server, pair.live).session()
    with session.cursor() as cursor:
        for text in ("'); DROP TABLE item; -- ", "\\", "\\'", "\0", "'", "\\0'\\", "\x1a\n\r\t\b%_", "😀ü"):
            cursor.execute("INSERT INTO pair VALUES (5, %s, %s)", (text, text))
            cursor.execute("INSERT INTO raw VALUES (%s, %s)", (text.encode()[:4], text.encode()))
    session.close()
    assert pair.catch_up() == [] and lost(pair) == []


def test_whoever_may_not_let_the_user_in_is_refused(still: Pair) -> None:
    login = Login(user="u_" + still.live, password="pw", host="127.0.0.1", port=still.server.port)
    with pytest.raises(RelocateError, match="it cannot be applied") as caught:
        still.engine_of(still.live, login).try_apply()
    assert caught.value.code == "cannot_catch_up"


def test_an_incoming_that_somebody_changed_is_told_by_the_comparison(pair: Pair, changed: str) -> None:
    now = pair.state()
    pair.server.sql("DELETE FROM line WHERE id = 3; DROP TRIGGER told", pair.incoming)
    pair.engine.apply(changed)
    found = [str(one) for one in pair.engine.differences(now, pair.state(INCOMING))]
    assert "table line: recorded 40 rows, found 39 rows" in found and any("trigger" in one for one in found), found


# --- the tests above would see it


@pytest.mark.parametrize("left_out", ["buckets", "deletes", "numbers"])
def test_what_is_left_out_is_seen(pair: Pair, left_out: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pair.copy()
    pair.sql("DELETE FROM pair WHERE a = 2; TRUNCATE tiny")
    if left_out == "buckets":
        monkeypatch.setattr(catchup_sql, "touched", lambda _before, _now: {})
    path, now = pair.write()
    if left_out == "deletes":
        monkeypatch.setattr(catchup_sql.Change, "conditions", lambda *_args: [])
    elif left_out == "numbers":
        monkeypatch.setattr(catchup_apply.Copy, "_number", lambda *_args: None)
    with contextlib.suppress(RelocateError):  # rows that should have gone may be in the way
        pair.engine.apply(path)
    assert pair.engine.differences(now, pair.state(INCOMING)) != [] and lost(pair) != []


# --- from host to host


def restored(new: Any, wanted: str, digest: str) -> Dict[str, Any]:
    params: Dict[str, Any] = {"directory": new.project.path, "site": "shop", "label": LABEL, "manifest_sha256": digest}
    params.update(state=wanted, sequences="keep", allow_same_host=False, allow_same_database=False, replace=False)
    params.update(aliases=[], media=False, services_kept_running=[], verified=True, jobs=1)
    module: Any = SimpleNamespace(params=params, check_mode=False, warn=lambda _line: None)
    return restore_module.restore(module, new)


@pytest.mark.parametrize("spoiled", ["", "incoming changed", "killed", "incoming gone"])
def test_a_set_of_two_parts_is_restored(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoiled: str
) -> None:
    """Old copies while it serves and adds what changed; new needs the whole dump only where its copy is spoiled."""
    monkeypatch.setattr(checks, "running", lambda *_args: [])
    name = pair.live + "_new"
    old = fake_site(tmp_path / "old", pair.engine_of(pair.live, owner=None))
    new = fake_site(tmp_path / "new", pair.engine_of(name, owner=None))
    made = BackupSet.create(old.project.path, "shop", LABEL, me())
    made.note_prepared(Prepared({"commit": "1" * 40}, {}, {"name": "shop"}, ()))
    asked: Any = SimpleNamespace(first_copy=copies.ALWAYS, fixtures=False, replicate=False)
    copied = copies.prepare(old, made, asked, lambda found: manifest(LABEL, databases=dict(found)))
    target = tmp_path / "new" / "sets" / "shop" / LABEL
    shutil.copytree(made.path, target)
    new_engine = new.engines["default"]
    try:
        assert restored(new, "copied", copied["first_copy"])["restored"] == ["default"]
        assert new_engine.exists(INCOMING) and not new_engine.exists(LIVE)
        pair.sql("UPDATE item SET n = 55 WHERE id = 5; DELETE FROM sparse WHERE v = 3; SELECT SETVAL(free, 88)")
        entries, _tokens = dumps.dump_all(old, made, frozen=True)
        assert entries["default"].catch_up == "databases/default.catchup"
        first_copy.forget_bases(made)
        digest = made.finish(manifest(LABEL, databases=entries))
        shutil.copytree(made.path, target, dirs_exist_ok=True)
        (target / first_copy.BASES).unlink()
        if spoiled == "incoming changed":
            pair.server.sql("DELETE FROM line WHERE id = 3", name + "__incoming")
        elif spoiled == "incoming gone":
            new_engine.drop(INCOMING)
        elif spoiled == "killed":  # after rows came, before triggers are back
            with monkeypatch.context() as patch:
                patch.setattr(catchup_apply.stored, "create", lambda *_args: sys.exit(9))
                with pytest.raises(SystemExit):
                    restored(new, "present", digest)
        result = restored(new, "present", digest)
        assert result["restored"] == ["default"]
        assert ["carried once more" in note for note in new_engine.context.notes if "once more" in note] == (
            [True] if spoiled == "incoming changed" else []
        )
        assert contents(pair.server, name) == contents(pair.server, pair.live)
        assert not new_engine.exists(INCOMING)
    finally:
        for which in ("", "__incoming", "__discarded", "__previous"):
            pair.server.sql("DROP DATABASE IF EXISTS `{0}{1}`".format(name, which))
