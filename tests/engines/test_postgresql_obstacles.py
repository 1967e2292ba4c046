# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a load would fail at is told before, with its name; and the hint is tried: it helps."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, List

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING
from ansible_collections.relocate.django.plugins.module_utils._engines.compare import advanced, sequences_behind
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import queries
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.engine import PostgresqlEngine
from tests.engines.postgresql_cluster import Cluster, Make
from tests.unit.fakes import reachable

pytest.importorskip("psycopg2")

USER, PASSWORD = "shop", "secret"


def prepare(server: Cluster) -> None:
    server.psql("postgres", "CREATE ROLE shop LOGIN PASSWORD 'secret'; CREATE ROLE plain LOGIN PASSWORD 'secret'")


@pytest.fixture(name="old")
def _old(cluster: Cluster) -> Iterator[Callable[[str], None]]:
    """A database ``old``; gives what runs SQL there as its owner."""
    cluster.psql("postgres", "CREATE DATABASE old OWNER shop")
    yield lambda sql: as_owner(cluster, "old", sql)
    for name in ("old", "new", "new__incoming"):
        cluster.psql("postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    cluster.psql("postgres", "ALTER ROLE shop NOBYPASSRLS; ALTER ROLE plain NOBYPASSRLS")


def as_owner(cluster: Cluster, database: str, sql: str) -> None:
    cluster.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", "SET ROLE shop; " + sql], {"PGDATABASE": database})


def moves(engine: PostgresqlEngine, new: PostgresqlEngine, directory: str) -> List[str]:
    with engine.snapshot() as snapshot:
        dump = snapshot.dump(directory)
        recorded, facts = snapshot.state(), engine.describe()
    assert new.preflight("new", facts) == []
    new.load(directory, dump, facts)
    with new.snapshot(INCOMING) as snapshot:
        assert new.differences(recorded, snapshot.state()) == []
    return new.context.notes


UNQUALIFIED = """
CREATE EXTENSION unaccent SCHEMA public;
CREATE FUNCTION public.plain(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT unaccent(t)';
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t VALUES (1, 'x');
"""


LOST = {
    "index public.i": "CREATE INDEX i ON t (plain(a))",
    "index public.j": "CREATE INDEX j ON t (id) WHERE plain(a) = 'x'",
    "constraint c of public.t": "ALTER TABLE t ADD CONSTRAINT c CHECK (plain(a) <> '')",
    "generated column g of public.t": "ALTER TABLE t ADD g text GENERATED ALWAYS AS (plain(a)) STORED",
    "materialized view public.m": "CREATE MATERIALIZED VIEW m AS SELECT plain(a) FROM t",
    "domain public.d in column b of public.t": (
        "CREATE DOMAIN d AS text CHECK (plain(VALUE) <> ''); ALTER TABLE t ADD b d DEFAULT 'z'"
    ),
}


def test_a_name_that_a_load_does_not_find(make: Make, old: Callable[[str], None], tmp_path: Any) -> None:
    old(UNQUALIFIED + ";".join(LOST.values()))
    engine = make("old")
    found = engine.preflight("old")
    assert {item.code for item in found} == {"query_failed"}
    assert sorted(item.msg.partition(" cannot be created on new")[0] for item in found) == sorted(LOST)
    assert all("unaccent" in item.msg for item in found)
    old(found[0].hint[found[0].hint.index("ALTER FUNCTION") :])
    assert engine.preflight("old") == []
    assert moves(engine, make("new"), str(tmp_path)) == []


def test_functions_that_find_everything_are_no_obstacle(make: Make, old: Callable[[str], None]) -> None:
    old(UNQUALIFIED.replace("SELECT unaccent(t)", "SELECT public.unaccent(t)") + "CREATE INDEX i ON t (plain(a))")
    old("CREATE FUNCTION nap() RETURNS int LANGUAGE sql AS 'SELECT 1 FROM pg_sleep(0)'")
    old("CREATE MATERIALIZED VIEW m AS SELECT nap() AS n, 1 / id AS x FROM t")
    assert make("old").preflight("old") == []


def test_sequences_behind_their_tables(make: Make, old: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    old('CREATE SCHEMA "S p"; CREATE TABLE "S p".t (id serial PRIMARY KEY); INSERT INTO "S p".t VALUES (41)')
    old("CREATE TABLE u (id serial); INSERT INTO u VALUES (900)")  # no index: a look reads the whole table
    small, *found = make("old").preflight("old")[::-1]
    assert [item.code for item in (small, *found)] == ["sequence_behind"] * 2
    assert small.msg.endswith("u_id_seq is at 1, table public.u holds 900")
    monkeypatch.setattr(queries, "SEQUENCES", queries.SEQUENCES.replace("64 * 1024 * 1024", "-1"))
    assert make("old").preflight("old") == found
    assert found[0].msg == 'sequence "S p".t_id_seq is at 1, table "S p".t holds 41'
    old(found[0].hint.partition(": ")[2].partition("; or ")[0])
    assert make("old").preflight("old") == []
    with make("old").snapshot() as snapshot:  # what is looked at after a load is what was looked at before
        assert sequences_behind(snapshot.state(fingerprints=False)) == []


def test_sequences_that_an_index_tells_of(
    make: Make, old: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "SEQUENCES", queries.SEQUENCES.replace("64 * 1024 * 1024", "-1"))
    old("CREATE TABLE p (id serial, at int, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)")
    old("CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9); INSERT INTO p VALUES (41, 1)")
    old("CREATE TABLE q (a int, id serial, PRIMARY KEY (a, id)); CREATE INDEX ON q (id) WHERE a > 0")
    old("CREATE INDEX ON q USING hash (id); INSERT INTO q VALUES (1, 42)")
    with make("old").snapshot() as snapshot:
        found = {item.name: item.column_max for item in snapshot.state(fingerprints=False).sequences}
    assert found == {"public.p_id_seq": 41, "public.q_id_seq": None}
    assert [item.msg.split()[1] for item in make("old").preflight("old")] == ["public.p_id_seq"]


def test_new_has_room_for_the_locks_of_what_is_loaded(make: Make, old: Callable[[str], None]) -> None:
    facts = dataclasses.replace(make("old").describe(), tables=100000)
    (found,) = make("new").preflight("new", facts)
    assert (found.code, found.msg.partition(",")[0]) == ("locks_lacking", "a dump locks 100000 tables")


def test_sequences_that_new_is_to_advance(make: Make, old: Callable[[str], None], tmp_path: Path) -> None:
    old('CREATE SCHEMA "S p"; CREATE TABLE "S p"."user" (id serial PRIMARY KEY); INSERT INTO "S p"."user" VALUES (41)')
    engine, new = make("old"), make("new")
    engine.context = dataclasses.replace(engine.context, advance_sequences=True)
    engine._server.context = engine.context
    assert engine.preflight("old") == []
    with engine.snapshot() as snapshot:
        dump, recorded, facts = snapshot.dump(str(tmp_path)), snapshot.state(), engine.describe()
    new.load(str(tmp_path), dump, facts)
    behind = sequences_behind(recorded)
    assert [item.name for item in new.advance_sequences(behind)] == ['"S p".user_id_seq']
    with new.snapshot(INCOMING) as snapshot:
        assert new.differences(advanced(recorded), snapshot.state()) == []
    with engine.snapshot() as snapshot:
        assert sequences_behind(snapshot.state()) == behind  # old is left as it was


def test_policies_that_bind_the_owner(cluster: Cluster, make: Make, old: Callable[[str], None], tmp_path: Any) -> None:
    cluster.psql("postgres", "ALTER ROLE shop BYPASSRLS")
    old("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2); CREATE POLICY p ON t USING (a = 1)")
    old("ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY")
    engine = make("old")
    assert engine.preflight("old") == []
    new = make("new", user="plain")
    found = new.preflight("new", engine.describe())
    assert [(item.code, "public.t" in item.msg) for item in found] == [("right_missing", True)]
    assert 'ALTER ROLE "plain" BYPASSRLS' in found[0].hint
    cluster.psql("postgres", 'ALTER ROLE "plain" BYPASSRLS')
    assert moves(engine, new, str(tmp_path)) == []


def test_tables_of_extensions_that_a_dump_reads(
    cluster: Cluster, make: Make, old: Callable[[str], None], tmp_path: Any
) -> None:
    """As cron.job is: in a schema of the extension's, with rows of the site's."""
    old("CREATE TABLE t (a int)")
    cluster.psql(
        "old",
        "CREATE EXTENSION citext; CREATE SCHEMA jobs; CREATE TABLE jobs.job (a int); ALTER EXTENSION citext ADD TABLE"
        " jobs.job; UPDATE pg_extension SET extconfig = ARRAY['jobs.job'::regclass::oid], extcondition = ARRAY['']"
        " WHERE extname = 'citext'",
    )
    found = make("old").preflight("old")
    assert [(item.code, "jobs.job" in item.msg) for item in found] == [("right_missing", True)]
    cluster.psql("old", "GRANT USAGE ON SCHEMA jobs TO shop; GRANT SELECT ON jobs.job TO shop")
    assert make("old").preflight("old") == []
    with make("old").snapshot() as snapshot:
        snapshot.dump(str(tmp_path))


def test_foreign_servers(cluster: Cluster, make: Make, old: Callable[[str], None], tmp_path: Any) -> None:
    cluster.psql("old", "CREATE EXTENSION postgres_fdw; GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO shop")
    old("CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'far.example.org')")
    old("CREATE USER MAPPING FOR shop SERVER far OPTIONS (user 'me', password 'hidden-word')")
    old("CREATE FOREIGN TABLE ft (a int) SERVER far")
    cluster.psql("old", "CREATE USER MAPPING FOR plain SERVER far OPTIONS (user 'x', password 'hidden-word')")
    engine, new = make("old"), make("new")
    facts = engine.describe()
    found = new.preflight("new", facts)
    assert [item.code for item in found] == ["right_missing", "right_missing"]
    wrapper = next(item for item in found if "may not create servers of foreign data wrapper postgres_fdw" in item.msg)
    cluster.psql("postgres", "CREATE DATABASE new")
    for statement in wrapper.hint.partition("): ")[2].split("; "):
        cluster.psql("new", statement)
    notes = moves(engine, new, str(tmp_path))
    assert notes == []
    assert ["options of the user mapping of plain on server far" in note for note in engine.context.notes] == [True]
    assert "hidden-word" not in repr((facts, engine.context.notes))
    shown = cluster.psql("new__incoming", "SELECT umoptions FROM pg_user_mappings WHERE usename = 'shop'")
    assert "hidden-word" in shown


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("CREATE FUNCTION lp() RETURNS int LANGUAGE sql LEAKPROOF AS 'SELECT 1'", "LEAKPROOF function public.lp"),
        ("CREATE PUBLICATION p FOR TABLES IN SCHEMA public", "publication p"),
        (
            "CREATE OPERATOR CLASS oc FOR TYPE int USING btree AS OPERATOR 1 <, FUNCTION 1 btint4cmp(int, int)",
            "operator class public.oc, operator family public.oc",
        ),
        ("CREATE CAST (int8 AS xid8) WITHOUT FUNCTION", "cast bigint as xid8"),
        ("CREATE SUBSCRIPTION s CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)", "subscription s"),
    ],
)
def test_what_takes_a_superuser(cluster: Cluster, make: Make, old: Callable[[str], None], sql: str, name: str) -> None:
    cluster.psql("old", sql)
    try:
        facts = make("old").describe()
        assert ", ".join(facts.details["needs_superuser"]) == name
        assert [item.code for item in make("new").preflight("new", facts)] == ["right_missing"]
    finally:
        if "SUBSCRIPTION" in sql:
            cluster.psql("old", "ALTER SUBSCRIPTION s SET (slot_name = NONE)")
            cluster.psql("old", "DROP SUBSCRIPTION s")


def test_a_role_that_is_assumed(cluster: Cluster, make: Make, tmp_path: Any) -> None:
    """Django says SET ROLE after the login: what the site made belongs to that role, and so it does on new."""
    cluster.psql("postgres", 'CREATE ROLE "app owner"; GRANT "app owner" TO shop')
    cluster.psql("postgres", 'CREATE DATABASE assumed OWNER "app owner"')
    cluster.psql("assumed", 'SET ROLE "app owner"; CREATE TABLE t (id serial PRIMARY KEY); GRANT SELECT ON t TO plain')
    engine = make("assumed", options={"assume_role": "app owner"})
    new = make("new", options={"assume_role": "app owner"})
    try:
        assert engine.preflight("old") == []
        assert moves(engine, new, str(tmp_path)) == []
        owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
        assert cluster.psql("new__incoming", owners).strip() == "app owner"
        assert new.create_blank() == ["database new"]
        # Any role could be named in the settings: only a new one is given to the site.
        other = make("other", user="plain", options={"assume_role": "app owner"})
        found = other.preflight("new", engine.describe())
        assert "role plain may not assume role app owner" in found[0].msg
        cluster.psql("postgres", found[0].hint.partition("then ")[2])
        assert other.preflight("new", engine.describe()) == []
        assert make("other", options={"assume_role": "fresh"}).create_blank() == ["role fresh", "database other"]
    finally:
        for name in ("assumed", "new", "new__incoming", "other"):
            cluster.psql("postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        cluster.psql("postgres", 'DROP ROLE "app owner"; DROP ROLE IF EXISTS fresh')


LOADER = """
import pickle, sys
from ansible_collections.relocate.django.plugins.module_utils._engines.base import EngineContext
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import programs
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.engine import PostgresqlEngine
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
programs._SMALL = 0  # a small dump has one job
with open(sys.argv[1], "rb") as stream:
    config, admin, directory, dump, facts = pickle.load(stream)
with SecretStore(directory + "/store") as store:
    PostgresqlEngine(config, EngineContext(store, admin=admin)).load(directory, dump, facts)
"""


def test_a_killed_load_leaves_nobody_who_works_on(
    cluster: Cluster, make: Make, old: Callable[[str], None], tmp_path: Path
) -> None:
    """Neither the workers of pg_restore, which nobody tells that their leader is gone, nor what serves them."""
    old("CREATE TABLE t (a int); CREATE TABLE u (a int); INSERT INTO t SELECT generate_series(1, 100)")
    old(
        "CREATE FUNCTION nap(a int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
        " $$BEGIN IF current_database() <> 'old' THEN PERFORM pg_sleep(0.3); END IF; RETURN a; END$$"
    )
    old("CREATE INDEX slow ON t (nap(a))")
    engine, new = make("old"), make("new")
    with engine.snapshot() as snapshot:
        dump, facts = snapshot.dump(str(tmp_path)), engine.describe()
    reachable(tmp_path)
    (tmp_path / "given").write_bytes(pickle.dumps((new.config, new.context.admin, str(tmp_path), dump, facts)))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    working = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'new__incoming' AND query LIKE 'CREATE INDEX%'"

    def workers() -> List[str]:
        lines = [_command_line(path) for path in Path("/proc").glob("[0-9]*/cmdline")]
        return [line for line in lines if "pg_restore" in line and str(tmp_path) in line]

    with subprocess.Popen([sys.executable, "-c", LOADER, str(tmp_path / "given")], env=environment) as module:
        until(lambda: cluster.psql("postgres", working).strip() == "1")
        assert len(workers()) > 1
        module.kill()
    until(lambda: not workers(), 1)
    if int(cluster.psql("postgres", "SHOW server_version_num")) >= 140000:
        until(lambda: cluster.psql("postgres", working).strip() == "0", 3)
    assert new.drop(INCOMING)


def _command_line(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_bytes().decode("utf-8", "replace").replace("\0", " ")
    return ""


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
