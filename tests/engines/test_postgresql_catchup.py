# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""First copy and catch-up against a real PostgreSQL: what is applied is the whole, or it is refused."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List, Set

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from ansible_collections.relocate.django.plugins.module_utils._engines import sql
from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING
from ansible_collections.relocate.django.plugins.module_utils._engines.compare import compare_states
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import (
    catchup_apply,
    catchup_sql,
    state,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.engine import PostgresqlEngine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState, Login
from ansible_collections.relocate.django.plugins.module_utils._modules import restore as restore_module
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from ansible_collections.relocate.django.plugins.module_utils._services import checks
from ansible_collections.relocate.django.plugins.module_utils._set import first_copy
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Prepared
from ansible_collections.relocate.django.plugins.module_utils._steps import copies, dumps
from tests.engines.catchup_workload import BEYOND, SCHEMA, WORKLOADS, Step
from tests.engines.postgresql_cluster import Cluster, Make, maker
from tests.unit.fakes import LABEL, fake_site, manifest, me, refused

psycopg2 = pytest.importorskip("psycopg2")
pytestmark = pytest.mark.drawn(2, of="catch-up")

USER = PASSWORD = "shop"
#: Workloads in a run: as many as fit in a minute of processor time. Before a release it is 500 (about six minutes).
EXAMPLES = int(os.environ.get("RELOCATE_CATCHUP_EXAMPLES", "25"))

#: A fingerprint that only a first copy has.
MARK = "of the first copy"
#: Rows of every table, sequence and filled view as text, by nothing of ours: "name hash".
ROWS = r"""
SELECT string_agg(format(
    $$SELECT %L || ' ' || md5(coalesce(string_agg(t::text, E'\n' ORDER BY t::text COLLATE "C"), ''))
      FROM ONLY %I.%I AS t$$, c.relname,
    n.nspname, c.relname), ' UNION ALL ' ORDER BY c.relname)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind = 'r'
"""
COUNTERS = "SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2"


def prepare(server: Cluster) -> None:
    server.psql("postgres", "ALTER SYSTEM SET max_prepared_transactions = 5")
    server.psql("postgres", "ALTER SYSTEM SET log_statement = 'none'")
    server.psql("postgres", "ALTER SYSTEM SET autovacuum = off")
    server.run(["pg_ctl", "-D", server.directory + "/data", "-w", "-l", server.directory + "/log", "restart"])
    server.psql("postgres", "CREATE ROLE shop LOGIN CREATEDB PASSWORD 'shop'")


def fresh(server: Cluster, name: str) -> None:
    server.psql("postgres", "CREATE DATABASE {0} OWNER shop".format(name))
    server.psql(name, SCHEMA)


def rows_of(server: Cluster, name: str) -> List[str]:
    """Every row of a database, told by queries that know nothing of fingerprints or transactions."""
    found = server.psql(name, server.psql(name, ROWS)) + server.psql(name, COUNTERS)
    return sorted(found.splitlines())


class Pair:
    """A live database, its first copy, and what a catch-up makes of that."""

    def __init__(self, server: Cluster, engine: PostgresqlEngine, work: Path) -> None:
        self.server, self.engine, self.work = server, engine, work
        self.base: Dict[str, Any] = {}
        self.copied = DatabaseState("")

    @property
    def live(self) -> str:
        return self.engine.config.name

    @property
    def incoming(self) -> str:
        return self.live + "__incoming"

    def copy(self) -> None:
        """The first copy, as a move makes it: dumped, loaded, compared."""
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        with self.engine.snapshot() as snapshot:
            dump = snapshot.dump(str(self.work))
            self.copied = snapshot.state()
            self.base = self.json(snapshot.starting_point(self.copied))
        self.engine.load(str(self.work), dump, self.engine.describe())
        assert not compare_states(self.copied, self.state(INCOMING))

    def clone(self) -> None:
        """The same, fast: the server copies its files."""
        self.engine.drop(INCOMING)
        self.server.psql("postgres", "CREATE DATABASE {0} OWNER shop TEMPLATE {1}".format(self.incoming, self.live))
        self.note()

    def note(self) -> None:
        """Start anew from what is there: incoming holds the same."""
        with self.engine.snapshot() as snapshot:
            self.copied = snapshot.state()
            self.base = self.json(snapshot.starting_point(self.copied))

    def json(self, value: Any) -> Dict[str, Any]:
        """As it comes out of a file."""
        found: Dict[str, Any] = json.loads(json.dumps(value))
        return found

    def state(self, which: str = "live") -> DatabaseState:
        with self.engine.snapshot(which) as snapshot:
            return snapshot.state()

    def write(self) -> "tuple[str, DatabaseState]":
        """Old's half, once it is frozen."""
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.work / "default.catchup")
        self.work.mkdir(exist_ok=True)
        with self.engine.snapshot() as snapshot:
            now = snapshot.state()
            return str(self.work / snapshot.catch_up(str(self.work), self.base, self.copied, now)), now

    def catch_up(self) -> List[str]:
        """Both halves; returns what differs by our own comparison, whether all is read or only what changed."""
        path, now = self.write()
        with self.engine.snapshot() as snapshot:
            snapshot.expect(self.base, self.copied)
            told = snapshot.state()
        touched = self.engine.apply(path)
        differences = [*compare_states(now, told), *self.engine.differences(now, self.state(INCOMING))]
        untouched = {table.name: table for table in now.tables if table.name not in touched}
        before = {table.name: table for table in self.copied.tables}
        return [str(item) for item in differences] + [name for name in untouched if untouched[name] != before[name]]

    def read(self) -> Set[str]:
        """Tell which tables are read whole where the first copy stands for those to which nothing was written."""
        with self.engine.snapshot() as snapshot:
            marked = tuple(dataclasses.replace(table, fingerprint=MARK) for table in self.copied.tables)
            snapshot.expect(self.base, dataclasses.replace(self.copied, tables=marked))
            return {table.name for table in snapshot.state().tables if table.fingerprint != MARK}

    def sql(self, text: str) -> None:
        self.server.psql(self.live, text)


@pytest.fixture(name="pair")
def _pair(cluster: Cluster, make: Make, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Pair]:
    name = "t{0}".format(abs(hash(request.node.nodeid)) % 10**8)
    fresh(cluster, name)
    yield Pair(cluster, make(name), tmp_path / "set")
    for each in (name, name + "__incoming"):
        cluster.psql("postgres", "DROP DATABASE IF EXISTS {0} WITH (FORCE)".format(each))


def lost(pair: Pair) -> List[str]:
    """What differs by the independent look."""
    old, new = rows_of(pair.server, pair.live), rows_of(pair.server, pair.incoming)
    return sorted(set(old) ^ set(new))


class Writer:
    """A site at work: transactions that overlap, each in a session of its own."""

    def __init__(self, server: Cluster, name: str) -> None:
        self._server, self._name = server, name
        self._open: List[Any] = []

    def session(self) -> Any:
        found = psycopg2.connect(host=self._server.sockets, port=self._server.port, user="postgres", dbname=self._name)
        found.autocommit = True
        with found.cursor() as cursor:
            cursor.execute("SET lock_timeout = '5ms'; SET search_path TO public")
            cursor.execute("SET ROLE shop")
        return found

    def begin(self, step: Step) -> Callable[[], None]:
        """Start a transaction; what is returned ends it."""
        session = self.session()
        with session.cursor() as cursor:
            cursor.execute("BEGIN")
            for number, statement in enumerate(step.statements):
                cursor.execute("SAVEPOINT p{0}".format(number))
                try:
                    cursor.execute(statement)
                except psycopg2.Error:
                    cursor.execute("ROLLBACK TO p{0}".format(number))

        def end() -> None:
            with session.cursor() as cursor, contextlib.suppress(psycopg2.Error):
                cursor.execute("COMMIT" if step.kind == "done" else "ROLLBACK")
            session.close()

        return end

    def run(self, step: Step) -> None:
        """One step from its beginning to its end."""
        if step.kind != "alone":
            self.begin(step)()
            return
        session = self.session()
        with session.cursor() as cursor:
            cursor.execute("RESET ROLE")
            with contextlib.suppress(psycopg2.Error):
                cursor.execute(step.statements[0])
        session.close()


@pytest.fixture(name="busy")  # once for all examples, and what it replaces is back for other tests
def _busy(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    work = tmp_path_factory.mktemp("busy")
    fresh(cluster, "busy")
    with SecretStore(str(work / "secrets")) as store:
        pair = Pair(cluster, maker(cluster, store, USER, PASSWORD)("busy"), work / "set")
        pair.copy()
        with pytest.MonkeyPatch.context() as patch:
            # Nothing in a workload is a definition, and to describe them all takes longer than all the rest.
            patch.setattr(state, "_schema", lambda _view: {})
            patch.setattr(state, "_objects", lambda _session: {})
            pair.note()
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
    before, after = workload
    writer = Writer(busy.server, busy.live)
    open_ones = [writer.begin(step) for step in before]
    busy.note()  # while they are at work
    for number, step in enumerate(after):
        if open_ones and number % 2:
            open_ones.pop()()
        writer.run(step)
    for end in open_ones:
        end()
    try:
        different = busy.catch_up()
    except RelocateError as exc:
        assert exc.code == "cannot_catch_up" and "rows changed" in exc.msg, exc.msg  # nothing else is a reason here
        busy.clone()
        return
    assert lost(busy) == []
    assert different == []


# --- one thing at a time

EVERYTHING = """
SET search_path TO public;
UPDATE item SET id = DEFAULT, n = 7 WHERE id > 57;
DELETE FROM item WHERE id BETWEEN 10 AND 12;
BEGIN; TRUNCATE event_high; COPY event_high FROM PROGRAM 'seq 60 70 | sed "s/.*/&\\t&\\tfrozen/"' (FREEZE); COMMIT;
VACUUM FULL item;
VACUUM (FREEZE) pair;
DELETE FROM pair WHERE a = 1; INSERT INTO pair VALUES (1, 'b1', 'again');
TRUNCATE loose; DELETE FROM line;
SELECT setval('free', 99);
REFRESH MATERIALIZED VIEW summary;
"""


def test_a_copy_that_was_loaded_is_caught_up_with(pair: Pair) -> None:
    pair.copy()
    for statement in EVERYTHING.strip().split(";\n"):
        for each in statement.split("; ") if not statement.startswith("BEGIN") else [statement]:
            pair.sql("SET search_path TO public; " + each if "VACUUM" not in each else each)
    assert pair.catch_up() == [] and lost(pair) == []
    # What a load does is done: views show the rows, and triggers did not tell of rows that came this way.
    shown = "SELECT feeling, n FROM {0} ORDER BY 1"
    assert pair.server.psql(pair.incoming, shown.format("summary")) == pair.server.psql(
        pair.live, shown.format("(SELECT feeling, count(*) AS n FROM item GROUP BY 1) AS x")
    )
    assert pair.server.psql("postgres", "SELECT count(*) FROM pg_db_role_setting").strip() == "0"


def test_nothing_changed_is_nothing_to_carry(pair: Pair) -> None:
    pair.clone()
    path, _now = pair.write()
    changes = catchup_apply.read(path).changes
    assert [(one.rows, one.chosen) for one in changes] == [(0, ())] * len(changes)
    assert os.listdir(path) == [catchup_sql.CONTENTS] and pair.catch_up() == []


def test_only_tables_that_were_written_to_are_read(pair: Pair) -> None:
    """Deleted rows, changed ones, and ones that were exchanged for as many others; not what moved rows about.

    Tables without a key are read always.
    """
    pair.clone()
    always = {"public.child", "public.loose", "public.maybe"}
    assert pair.read() == always
    for statement in ("VACUUM FULL public.pair", "VACUUM (FREEZE) public.pair", "ANALYZE", "REINDEX TABLE public.pair"):
        pair.sql(statement)
    pair.sql("BEGIN; UPDATE public.pair SET note = note; ROLLBACK")
    assert pair.read() == always
    for statement, tables in (
        ("DELETE FROM public.line WHERE ctid = (SELECT min(ctid) FROM public.line)", {"public.line"}),
        # A trigger notes who did it.
        ("UPDATE public.item SET n = n WHERE id = (SELECT min(id) FROM public.item)", {"public.item", "public.audit"}),
        ("DELETE FROM public.pair WHERE a = 1; INSERT INTO public.pair SELECT 1, 'x', 'z'", {"public.pair"}),
    ):
        pair.sql(statement)
        assert pair.read() - always == tables
        pair.note()


def test_of_another_server_nothing_is_believed(pair: Pair) -> None:
    pair.clone()
    pair.base["place"] = ["another", *pair.base["place"][1:]]
    with refused("cannot_catch_up", "on another server"):
        pair.read()


def test_one_changed_row_carries_one_row(pair: Pair) -> None:
    pair.sql("INSERT INTO item (n) SELECT g FROM generate_series(1, 5000) AS g")
    pair.clone()
    pair.sql("UPDATE item SET n = -1 WHERE id = 777; TRUNCATE audit")
    path, _now = pair.write()
    change = next(one for one in catchup_apply.read(path).changes if one.name == "item")
    assert change.rows == 1 and len(change.chosen) == 1 and change.kept < 100
    assert pair.catch_up() == [] and lost(pair) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE shares SET k = -k WHERE v = 0",
        "UPDATE padded SET v = v::text || ' ' WHERE id = 3",
        "UPDATE padded SET f = -f",
    ],
)
def test_what_a_fingerprint_takes_for_equal_is_carried(pair: Pair, statement: str) -> None:
    pair.clone()
    pair.sql(statement)
    assert pair.state().tables == pair.copied.tables
    assert pair.catch_up() == [] and lost(pair) == []


@pytest.mark.parametrize("statement", BEYOND)
def test_what_rows_do_not_tell_is_refused(pair: Pair, statement: str) -> None:
    pair.clone()
    pair.sql("SET ROLE shop; SET search_path TO public; " + statement.format(a=1, b=2, q="'it is'"))
    with pytest.raises(RelocateError, match="schema changed|large objects changed") as caught:
        pair.write()
    assert caught.value.code == "cannot_catch_up" and not list(pair.work.iterdir())


def test_a_large_object_that_was_written_to_is_refused(pair: Pair) -> None:
    pair.sql("SET ROLE shop; SELECT lo_from_bytea(4711, 'abc')")
    pair.clone()
    pair.sql("SELECT lo_put(4711, 0, 'x')")
    with pytest.raises(RelocateError, match="large objects changed"):
        pair.write()


def test_too_many_changed_rows_are_refused(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    pair.clone()
    pair.sql("UPDATE item SET n = 0")
    monkeypatch.setattr(sql, "SHARE", 0.05)
    monkeypatch.setattr(sql, "FEW", 10)
    with pytest.raises(RelocateError, match="of [0-9]+ rows changed"):
        pair.write()


def test_a_prepared_transaction_is_refused_while_it_waits(pair: Pair) -> None:
    prepare_one = "BEGIN; UPDATE public.item SET n = 5 WHERE id = 5; PREPARE TRANSACTION 'one'"
    pair.clone()
    pair.sql(prepare_one)
    try:
        for again in (pair.note, pair.write):
            with pytest.raises(RelocateError, match="1 prepared transactions wait"):
                again()
    finally:
        pair.sql("COMMIT PREPARED 'one'")
    assert pair.catch_up() == [] and lost(pair) == []


def test_numbers_that_may_have_wrapped_are_refused(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    pair.clone()
    pair.sql("UPDATE item SET n = 5 WHERE id = 5")
    monkeypatch.setattr(catchup_sql, "FARTHEST", 1)
    with pytest.raises(RelocateError, match="too many transactions"):
        pair.write()


def test_a_server_that_counts_anew_is_refused(pair: Pair) -> None:
    pair.clone()
    pair.base["horizon"] += 1 << 20  # as if the server had been set back to before the copy
    with pytest.raises(RelocateError, match="too many transactions"):
        pair.write()


def test_another_database_of_that_name_is_refused(pair: Pair) -> None:
    pair.clone()
    pair.server.psql("postgres", "ALTER DATABASE {0} RENAME TO gone".format(pair.live))
    try:
        pair.server.psql("postgres", "CREATE DATABASE {0} OWNER shop TEMPLATE gone".format(pair.live))
        with pytest.raises(RelocateError, match="another one"):
            pair.write()
    finally:
        pair.server.psql("postgres", "DROP DATABASE gone")


@pytest.mark.parametrize("state_of_trigger", ["ALWAYS", "REPLICA"])
def test_a_trigger_that_never_sleeps_is_refused(pair: Pair, state_of_trigger: str) -> None:
    pair.sql("ALTER TABLE item ENABLE {0} TRIGGER tell".format(state_of_trigger))
    pair.clone()
    pair.sql("UPDATE item SET n = 5 WHERE id = 5")
    with pytest.raises(RelocateError, match="tell on public.item runs always"):
        pair.write()


def test_rows_in_a_table_of_an_extension_are_seen(pair: Pair) -> None:
    pair.sql(
        "CREATE TABLE kept (v text); ALTER EXTENSION citext ADD TABLE kept; GRANT SELECT ON kept TO shop;"
        " UPDATE pg_extension SET extconfig = ARRAY['kept'::regclass::oid], extcondition = '{\"\"}'"
        " WHERE extname = 'citext'"
    )
    pair.clone()
    pair.sql("INSERT INTO kept VALUES ('x')")
    with pytest.raises(RelocateError, match="tables of extensions"):
        pair.write()


# --- new's side


def changed(pair: Pair) -> str:
    """A catch-up of a row that is new, one that is gone and one that is another one."""
    pair.clone()
    pair.sql(
        "INSERT INTO pair VALUES (99, 'n', ''); DELETE FROM pair WHERE b = 'b9'; UPDATE item SET n = 5 WHERE id = 5"
    )
    return pair.write()[0]


def test_functions_of_the_site_run_with_its_rights_alone(pair: Pair) -> None:
    # RESET ROLE and its kin give back what a session logged in with: it must be the site's own role.
    pair.sql(
        "CREATE FUNCTION climb(v int) RETURNS bool LANGUAGE plpgsql AS $$BEGIN"
        " RETURN session_user = 'shop' AND current_user = 'shop'; END$$;"
        " CREATE TABLE trap (id int PRIMARY KEY CHECK (climb(id))); ALTER TABLE trap OWNER TO shop"
    )
    pair.clone()
    pair.sql("SET SESSION AUTHORIZATION shop; INSERT INTO public.trap VALUES (1)")
    assert pair.catch_up() == [] and lost(pair) == []


def test_what_fails_leaves_incoming_as_it_was_and_no_setting(pair: Pair) -> None:
    path = changed(pair)
    before = rows_of(pair.server, pair.incoming)
    for file in Path(path).glob("*.rows"):
        file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(RelocateError) as caught:
        pair.engine.apply(path)
    assert caught.value.code == "cannot_catch_up" and rows_of(pair.server, pair.incoming) == before
    assert pair.server.psql("postgres", "SELECT count(*) FROM pg_db_role_setting").strip() == "0"


def test_an_unreadable_catch_up_is_refused(pair: Pair) -> None:
    path = changed(pair)
    contents = Path(path, catchup_sql.CONTENTS)
    for text in ("", "{}", contents.read_text().replace('"format": 1', '"format": 2')):
        contents.write_text(text)
        with pytest.raises(RelocateError, match="cannot be read"):
            pair.engine.apply(path)


def test_whoever_may_not_let_triggers_sleep_is_refused(pair: Pair, make: Make) -> None:
    path = changed(pair)
    login = Login(user="shop", password="shop", host="127.0.0.1", port=pair.server.port)
    mere = make(pair.live, admin=login)
    for act in (mere.try_apply, lambda: mere.apply(path)):
        with pytest.raises(RelocateError, match="triggers cannot be put to sleep"):
            act()
    pair.engine.try_apply()


def test_an_incoming_that_somebody_changed_is_told_by_the_comparison(pair: Pair) -> None:
    path, now = changed(pair), pair.state()
    pair.server.psql(pair.incoming, "DELETE FROM line WHERE id = 3")
    pair.engine.apply(path)
    assert [str(one) for one in pair.engine.differences(now, pair.state(INCOMING))] == [
        "table public.line: recorded 40 rows, found 39 rows"
    ]


# --- the tests above would see it


def overlapping(pair: Pair) -> List[str]:
    """One transaction at work while the copy is made: its number is the horizon."""
    pair.clone()
    session = Writer(pair.server, pair.live).session()
    with session.cursor() as cursor:
        cursor.execute("BEGIN; UPDATE pair SET note = 'late' WHERE a = 2")
        pair.note()
        cursor.execute("COMMIT")
    session.close()
    different = pair.catch_up()
    assert bool(different) == bool(lost(pair))
    return different


def test_a_transaction_that_ends_after_the_copy_is_caught(pair: Pair) -> None:
    assert overlapping(pair) == []


def test_a_horizon_that_is_one_too_high_is_seen(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    right = catchup_sql.is_changed
    monkeypatch.setattr(catchup_sql, "is_changed", lambda horizon: right(horizon + 1))
    assert overlapping(pair) != []


def test_deletes_that_are_left_out_are_seen(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catchup_sql, "touched", lambda _before, _now: [])
    pair.clone()
    pair.sql("DELETE FROM pair WHERE a = 2")
    assert pair.catch_up() != [] and lost(pair) != []


# --- from host to host


def restored(new: Any, state: str, digest: str) -> Dict[str, Any]:
    params: Dict[str, Any] = {"directory": new.project.path, "site": "shop", "label": LABEL, "manifest_sha256": digest}
    params.update(state=state, sequences="keep", allow_same_host=False, allow_same_database=False, replace=False)
    params.update(aliases=[], media=False, services_kept_running=[], verified=True, jobs=1)
    module: Any = SimpleNamespace(params=params, check_mode=False, warn=lambda _line: None)
    return restore_module.restore(module, new)


@pytest.mark.parametrize("spoiled", ["", "incoming changed", "incoming gone"])
def test_a_set_of_two_parts_is_restored(
    pair: Pair, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoiled: str
) -> None:
    """Old copies while it serves and adds what changed; new needs the whole dump only where its copy is spoiled."""
    monkeypatch.setattr(checks, "running", lambda *_args: [])
    old, new = fake_site(tmp_path / "old", pair.engine), fake_site(tmp_path / "new", make(pair.live + "_new"))
    made = BackupSet.create(old.project.path, "shop", LABEL, me())
    made.note_prepared(Prepared({"commit": "1" * 40}, {}, {"name": "shop"}, ()))
    asked: Any = SimpleNamespace(first_copy=copies.ALWAYS, fixtures=False, replicate=False)
    copied = copies.prepare(old, made, asked, lambda found: manifest(LABEL, databases=dict(found)))
    target = tmp_path / "new" / "sets" / "shop" / LABEL
    shutil.copytree(made.path, target)
    new_engine = new.engines["default"]
    try:
        assert restored(new, "copied", copied["first_copy"])["restored"] == ["default"]
        assert new_engine.exists(INCOMING) and not new_engine.exists("live")
        pair.sql("UPDATE item SET n = 5 WHERE id = 5; DELETE FROM slot WHERE id = 3; SELECT setval('free', 8)")
        entries, _tokens = dumps.dump_all(old, made, frozen=True)
        assert entries["default"].catch_up == "databases/default.catchup"
        first_copy.forget_bases(made)
        digest = made.finish(manifest(LABEL, databases=entries))
        shutil.copytree(made.path, target, dirs_exist_ok=True)
        (target / first_copy.BASES).unlink()
        if spoiled == "incoming changed":
            pair.server.psql(new_engine.config.name + "__incoming", "DELETE FROM line WHERE id = 3")
        elif spoiled:
            new_engine.drop(INCOMING)
        result = restored(new, "present", digest)
        assert result["restored"] == ["default"]
        assert ["carried once more" in note for note in new_engine.context.notes] == (
            [True] if spoiled == "incoming changed" else []
        )
        assert rows_of(pair.server, new_engine.config.name) == rows_of(pair.server, pair.live)
        assert not new_engine.exists(INCOMING)
    finally:
        for which in ("", "__incoming", "__discarded", "__previous"):
            pair.server.psql("postgres", "DROP DATABASE IF EXISTS {0}{1}".format(new_engine.config.name, which))
