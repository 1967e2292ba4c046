# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever a schema holds is carried or named: kinds and properties one by one, and schemas made at random."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator
from typing import Any, Callable, List, Set, Tuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING
from ansible_collections.relocate.django.plugins.module_utils._engines.compare import compare_states
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.catalogue import described_sql
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.engine import PostgresqlEngine
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.whole import catalogued_schema
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import Login
from tests.engines.postgresql_cluster import Cluster, Make
from tests.engines.schema_generator import schemas
from tests.unit.fakes import reachable

pytest.importorskip("psycopg2")

#: How many schemas are made at random: 200 for the whole search, fewer by default. A failure names its seed.
SCHEMAS = int(os.environ.get("RELOCATE_SCHEMAS", "20"))
A_DATABASE = 20

USER, PASSWORD = "shop", "p"

#: (kind or property, how the site's role makes it). Each is made in the schema ``s`` or has a name of its own.
OWN: Tuple[Tuple[str, str], ...] = (
    ("schema", "CREATE SCHEMA s"),
    ("comment on a schema", "COMMENT ON SCHEMA s IS 'of the site'"),
    ("right on a schema", "GRANT USAGE ON SCHEMA s TO bob"),
    ("enum", "CREATE TYPE s.mood AS ENUM ('sad', 'o;k', 'ha''ppy')"),
    ("comment on a type", "COMMENT ON TYPE s.mood IS 'about a mood'"),
    ("right taken from everybody on a type", "REVOKE USAGE ON TYPE s.mood FROM PUBLIC"),
    ("domain", "CREATE DOMAIN s.price AS numeric(10, 2) DEFAULT 1 NOT NULL CONSTRAINT positive CHECK (VALUE > 0)"),
    ("composite type", "CREATE TYPE s.pair AS (a int, b text COLLATE \"C\")"),
    ("range type", "CREATE TYPE s.span AS RANGE (subtype = float8)"),
    ("collation", "CREATE COLLATION s.folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"),
    ("function in SQL", "CREATE FUNCTION s.one(a int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1'"),
    ("function with a body", "CREATE FUNCTION s.body(a int) RETURNS int BEGIN ATOMIC SELECT 1; SELECT a AS y; END"),
    ("SECURITY DEFINER", "CREATE FUNCTION s.definer() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'"),
    ("REVOKE EXECUTE FROM PUBLIC", "REVOKE EXECUTE ON FUNCTION s.definer() FROM PUBLIC"),
    ("GRANT EXECUTE with grant option", "GRANT EXECUTE ON FUNCTION s.definer() TO bob WITH GRANT OPTION"),
    ("settings of a function", "ALTER FUNCTION s.one(int) SET work_mem = '7MB'"),
    ("cost and parallel", "ALTER FUNCTION s.one(int) COST 77 PARALLEL SAFE"),
    ("set-returning function", ("CREATE FUNCTION s.many() RETURNS TABLE (a int, b text) ROWS 7 LANGUAGE sql AS"
     " $x$SELECT 1, '-- Name: x; Type: ACL; Schema: s; Owner: me'$x$")),
    ("procedure", "CREATE PROCEDURE s.act(INOUT a int) LANGUAGE plpgsql AS $$BEGIN a := 1; END$$"),
    ("aggregate", "CREATE AGGREGATE s.total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0')"),
    ("operator", "CREATE OPERATOR s.=== (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int)"),
    ("cast", "CREATE CAST (s.pair AS text) WITH INOUT AS ASSIGNMENT"),
    ("table", ("CREATE TABLE s.t (id bigint GENERATED ALWAYS AS IDENTITY (START 7 INCREMENT 3) PRIMARY KEY, a text"
     " DEFAULT 'x;y', b s.mood, c s.price, \"d \"\"; d\" int, e text COLLATE s.folded, f int NOT NULL DEFAULT 1)")),
    ("generated column", "ALTER TABLE s.t ADD g int GENERATED ALWAYS AS (f * 2) STORED"),
    ("storage of a column", "ALTER TABLE s.t ALTER a SET STORAGE EXTERNAL"),
    ("compression of a column", "ALTER TABLE s.t ALTER e SET COMPRESSION pglz"),
    ("statistics target", "ALTER TABLE s.t ALTER a SET STATISTICS 77"),
    ("options of a column", "ALTER TABLE s.t ALTER a SET (n_distinct = 5)"),
    ("fillfactor", "ALTER TABLE s.t SET (fillfactor = 70)"),
    ("autovacuum option", "ALTER TABLE s.t SET (autovacuum_enabled = false)"),
    ("replica identity", "ALTER TABLE s.t REPLICA IDENTITY FULL"),
    ("comment on a table", "COMMENT ON TABLE s.t IS 'it''s -- Name: x; Type: y'"),
    ("comment on a column", "COMMENT ON COLUMN s.t.a IS 'a; b'"),
    ("CHECK", "ALTER TABLE s.t ADD CONSTRAINT ch CHECK (f > 0) NO INHERIT"),
    ("CHECK NOT VALID", "ALTER TABLE s.t ADD CONSTRAINT nv CHECK (f < 100) NOT VALID"),
    ("UNIQUE NULLS NOT DISTINCT", "ALTER TABLE s.t ADD CONSTRAINT un UNIQUE NULLS NOT DISTINCT (f)"),
    ("UNIQUE DEFERRABLE", "ALTER TABLE s.t ADD CONSTRAINT ud UNIQUE (a) DEFERRABLE INITIALLY DEFERRED"),
    ("comment on a constraint", "COMMENT ON CONSTRAINT ch ON s.t IS 'checks'"),
    ("unlogged table", "CREATE UNLOGGED TABLE s.ul (a int)"),
    ("foreign key", "CREATE TABLE s.r (t_id bigint REFERENCES s.t ON DELETE SET NULL ON UPDATE CASCADE)"),
    ("exclusion", "CREATE TABLE s.x (p int4range, EXCLUDE USING gist (p WITH &&))"),
    ("inheritance", "CREATE TABLE s.child (z int) INHERITS (s.r)"),
    ("typed table", "CREATE TABLE s.typed OF s.pair (PRIMARY KEY (a))"),
    ("partitions by range", ("CREATE TABLE s.pr (at date, n int) PARTITION BY RANGE (at);"
     " CREATE TABLE s.pr1 PARTITION OF s.pr FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');"
     " CREATE TABLE s.prd PARTITION OF s.pr DEFAULT")),
    ("partitions by hash and list", ("CREATE TABLE s.ph (a int, b text) PARTITION BY LIST (b);"
     " CREATE TABLE s.ph1 PARTITION OF s.ph FOR VALUES IN ('x', NULL) PARTITION BY HASH (a);"
     " CREATE TABLE s.ph10 PARTITION OF s.ph1 FOR VALUES WITH (MODULUS 1, REMAINDER 0)")),
    ("index on partitions", "CREATE INDEX pri ON s.pr (n)"),
    ("index with an expression", "CREATE INDEX ie ON s.t (lower(a) DESC NULLS LAST) INCLUDE (f)"),
    ("partial index", "CREATE INDEX ip ON s.t USING hash (f) WHERE f > 5"),
    ("statistics of an expression",
     "CREATE INDEX ist ON s.t ((f + 1)); ALTER INDEX s.ist ALTER COLUMN 1 SET STATISTICS 9"),
    ("CLUSTER ON", "ALTER TABLE s.t CLUSTER ON ie"),
    ("comment on an index", "COMMENT ON INDEX s.ie IS 'fast'"),
    ("extended statistics",
     "CREATE STATISTICS s.st (ndistinct, mcv) ON a, f FROM s.t; ALTER STATISTICS s.st SET STATISTICS 7"),
    ("sequence", "CREATE SEQUENCE s.q AS smallint INCREMENT -2 MINVALUE -50 MAXVALUE 9 START 5 CACHE 3 CYCLE"),
    ("sequence owned by a column", "CREATE SEQUENCE s.qo OWNED BY s.r.t_id"),
    ("right on a sequence", "GRANT USAGE ON SEQUENCE s.q TO bob"),
    ("view", "CREATE VIEW s.v WITH (security_barrier) AS SELECT a, f FROM s.t WHERE f > 1 WITH LOCAL CHECK OPTION"),
    ("security invoker view", "CREATE VIEW s.vi WITH (security_invoker) AS SELECT 1 AS x"),
    ("default of a view's column", "ALTER VIEW s.v ALTER a SET DEFAULT 'seen'"),
    ("recursive view", "CREATE VIEW s.rv AS WITH RECURSIVE r (n) AS (VALUES (1) UNION ALL SELECT n FROM r) TABLE r"),
    ("materialized view", "CREATE MATERIALIZED VIEW s.mv AS SELECT f, count(*) AS n FROM s.t GROUP BY f"),
    ("index of a materialized view", "CREATE UNIQUE INDEX mvi ON s.mv (f)"),
    ("materialized view without data", "CREATE MATERIALIZED VIEW s.me AS SELECT 1 AS x WITH NO DATA"),
    ("trigger function", "CREATE FUNCTION s.tg() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$"),
    ("trigger", ("CREATE TRIGGER tg BEFORE UPDATE OF a ON s.t FOR EACH ROW WHEN (OLD.a IS DISTINCT FROM NEW.a)"
     " EXECUTE FUNCTION s.tg('arg')")),
    ("transition tables",
     "CREATE TRIGGER tt AFTER INSERT ON s.t REFERENCING NEW TABLE AS fresh EXECUTE FUNCTION s.tg()"),
    ("constraint trigger",
     "CREATE CONSTRAINT TRIGGER ct AFTER INSERT ON s.t DEFERRABLE FOR EACH ROW EXECUTE FUNCTION s.tg()"),
    ("disabled trigger", "ALTER TABLE s.t DISABLE TRIGGER tg"),
    ("replica trigger", "ALTER TABLE s.t ENABLE ALWAYS TRIGGER tt"),
    ("rule", "CREATE RULE quiet AS ON DELETE TO s.ul DO INSTEAD NOTHING"),
    ("row-level security", "ALTER TABLE s.r ENABLE ROW LEVEL SECURITY"),
    ("policy", "CREATE POLICY p ON s.r AS RESTRICTIVE FOR SELECT TO bob USING (t_id > 0)"),
    ("text search dictionary", "CREATE TEXT SEARCH DICTIONARY s.d (TEMPLATE = simple, STOPWORDS = english)"),
    ("text search configuration", ("CREATE TEXT SEARCH CONFIGURATION s.c (COPY = simple);"
     " ALTER TEXT SEARCH CONFIGURATION s.c ALTER MAPPING FOR word WITH s.d")),
    ("conversion", "CREATE CONVERSION s.conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8"),
    ("right on a table", "GRANT SELECT, INSERT ON s.t TO bob"),
    ("right on a column", "GRANT UPDATE (a) ON s.t TO bob"),
    ("right of everybody", "GRANT SELECT ON s.v TO PUBLIC"),
    ("the owner's right taken away", "REVOKE DELETE ON s.t FROM shop"),
    ("default privileges", "ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO bob"),
    ("default privileges taken away", "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC"),
    ("trusted extension", "CREATE EXTENSION citext SCHEMA s"),
    ("comment on the database", "COMMENT ON DATABASE {db} IS 'the shop''s'"),
    ("right on the database", "GRANT TEMPORARY ON DATABASE {db} TO bob"),
    ("right on the database taken away", "REVOKE CONNECT ON DATABASE {db} FROM PUBLIC"),
    ("comment on public", "COMMENT ON SCHEMA public IS 'everybody''s'"),
    ("right on public", "REVOKE USAGE ON SCHEMA public FROM PUBLIC"),
    ("publication", "CREATE PUBLICATION pub FOR TABLE s.t (id, f) WHERE (f > 1) WITH (publish = 'insert')"),
    ("setting of the database", "ALTER DATABASE {db} SET timezone TO 'Europe/Berlin'"),
    ("setting of the owner", "ALTER ROLE shop SET lock_timeout TO '9s'"),
    ("large object", "SELECT lo_from_bytea(4242, 'x')"),
    ("right on a large object", "GRANT SELECT ON LARGE OBJECT 4242 TO bob"),
    ("names with everything in them", "CREATE TABLE s.\"t \"\" ; -- '\\ $$ é\" (\"c \"\" ; -- '\\ $$\" int)"),
    ("right on such a name", "GRANT SELECT ON s.\"t \"\" ; -- '\\ $$ é\" TO \"b \"\" TO; bob\""),
)  # fmt: skip

#: What is not the site's own, and the words by which it is named after a load.
OTHERS: Tuple[Tuple[str, str, str], ...] = (
    ("a right of a role that new lacks", "GRANT SELECT ON s.t TO gone", "rights of roles that new lacks.*gone"),
    ("a right that another granted", "SET ROLE bob; GRANT EXECUTE ON FUNCTION s.definer() TO carol",
     r"definer\(\).*carol.*granted by bob"),
    ("another owner", "CREATE TABLE s.bobs (a int); ALTER TABLE s.bobs OWNER TO bob; GRANT ALL ON s.bobs TO shop",
     r"table s\.bobs.* belonged to role bob"),
    ("a right taken on an extension's function",
     "REVOKE EXECUTE ON FUNCTION s.citext_eq(s.citext, s.citext) FROM PUBLIC", ""),
    ("a setting of another role", "ALTER ROLE bob IN DATABASE {db} SET work_mem = '9MB'", "ALTER ROLE bob IN DATABASE"),
    ("the limit of connections", "ALTER DATABASE {db} CONNECTION LIMIT 77", ""),
)  # fmt: skip


def prepare(server: Cluster) -> None:
    server.psql(
        "postgres",
        "CREATE ROLE shop LOGIN PASSWORD 'p'; CREATE ROLE other LOGIN PASSWORD 'p'; CREATE ROLE bob;"
        ' CREATE ROLE carol; CREATE ROLE gone; CREATE ROLE "b "" TO; bob"',
    )


@pytest.fixture(name="fresh")
def _fresh(cluster: Cluster) -> Iterator[Callable[[str], str]]:
    names: List[str] = []

    def fresh(name: str) -> str:
        names.extend((name, name + "__incoming"))
        cluster.psql("postgres", f"CREATE DATABASE {name} OWNER shop")
        return name

    yield fresh
    for name in names:
        cluster.psql("postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    cluster.psql("postgres", "ALTER ROLE shop RESET ALL; ALTER ROLE bob RESET ALL")


def run_as(cluster: Cluster, database: str, role: str, sql: str) -> None:
    cluster.run(
        ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", f"SET ROLE {role}; {sql}"], {"PGDATABASE": database}
    )


def plain(cluster: Cluster, database: str) -> Set[str]:
    """A database as plain tools see it: the statements of pg_dump --schema-only, by no code of ours."""
    text = cluster.run(["pg_dump", "--schema-only", "--create"], {"PGDATABASE": database})
    text = re.sub(r"^(\\|SET |SELECT pg_catalog.set_config|--).*$", "", text, flags=re.M)
    text = re.sub(r"^RESET SESSION AUTHORIZATION;$", "", text, flags=re.M)
    text = re.sub(r"DATABASE " + database + r"\b", "DATABASE x", text)
    return {" ".join(part.split()) for part in re.split(r";$", text, flags=re.M)} - {""}


def moved(engine: PostgresqlEngine, new: PostgresqlEngine, directory: str) -> List[str]:
    """Dump, load, compare; returns what was noted."""
    os.makedirs(directory, exist_ok=True)
    with engine.snapshot() as snapshot:
        dump = snapshot.dump(directory)
        recorded, facts = snapshot.state(), engine.describe()
    new.load(directory, dump, facts)
    with new.snapshot(INCOMING) as snapshot:
        found = snapshot.state()
    assert recorded.schema and found.schema and recorded.schema.keys() == found.schema.keys()
    assert new.differences(recorded, found) == []
    return new.context.notes


def test_a_site_of_its_own_arrives_whole(
    cluster: Cluster, make: Make, fresh: Callable[[str], str], tmp_path: Any
) -> None:
    assert len({kind for kind, _sql in OWN} | {kind for kind, _sql, _words in OTHERS}) >= 60
    old = fresh("own")
    for _kind, sql in OWN:
        run_as(cluster, old, "shop", sql.replace("{db}", old))
    assert make("arrived").preflight("new", make(old).describe()) == []
    notes = moved(make(old), make(fresh("arrived")), str(tmp_path))
    assert notes == [], [notes, sorted(plain(cluster, old) ^ plain(cluster, "arrived__incoming"))]
    assert plain(cluster, "arrived__incoming") == plain(cluster, old)
    rights = "SELECT lomacl::text FROM pg_largeobject_metadata WHERE oid = 4242"
    assert cluster.psql("arrived__incoming", rights) == cluster.psql(old, rights)


def test_what_is_not_the_sites_own_is_carried_or_named(
    cluster: Cluster, make: Make, fresh: Callable[[str], str], tmp_path: Any
) -> None:
    old = fresh("mixed")
    for _kind, sql in OWN:
        run_as(cluster, old, "shop", sql.replace("{db}", old))
    for _kind, sql, _words in OTHERS:
        cluster.psql(old, sql.replace("{db}", old))
    engine, new = make(old), make(fresh("named"))
    with engine.snapshot() as snapshot:
        dump, facts = snapshot.dump(str(tmp_path)), engine.describe()
    before = plain(cluster, old)
    run_as(cluster, old, "postgres", "DROP OWNED BY gone; DROP ROLE gone")
    try:
        new.load(str(tmp_path), dump, facts)
    finally:
        cluster.psql("postgres", "CREATE ROLE gone")
    notes = new.context.notes
    for kind, _sql, words in OTHERS:
        assert not words or any(re.search(words, note) for note in notes), (kind, notes)
    silent = [
        statement
        for statement in before - plain(cluster, "named__incoming")
        if not any(
            word in statement and any(word in note for note in notes) for word in ("gone", "carol", "bobs", "bob IN")
        )
    ]
    assert silent == []


def test_a_site_under_another_role(cluster: Cluster, make: Make, fresh: Callable[[str], str], tmp_path: Any) -> None:
    """The settings of new may name another role: the rights of old's become its."""
    old = fresh("renamed")
    for _kind, sql in OWN:
        run_as(cluster, old, "shop", sql.replace("{db}", old))
    fresh("elsewhere")
    assert moved(make(old), make("elsewhere", user="other"), str(tmp_path)) == []
    found = {statement.replace("shop", "other") for statement in plain(cluster, old)}
    assert {s.replace("the other''s", "the shop''s") for s in found} == plain(cluster, "elsewhere__incoming")
    cluster.psql("postgres", "ALTER ROLE other RESET ALL")


def test_a_right_that_comes_back_ends_the_load(
    cluster: Cluster, make: Make, fresh: Callable[[str], str], tmp_path: Any
) -> None:
    """A trusted extension's function belongs to a superuser: an administrator who is none cannot close it again."""
    old = fresh("closed")
    run_as(cluster, old, "shop", "CREATE EXTENSION citext")
    cluster.psql(old, "REVOKE EXECUTE ON FUNCTION citext_eq(citext, citext) FROM PUBLIC")
    cluster.psql("postgres", "ALTER ROLE shop CREATEDB")
    new = make(fresh("opened"))
    object.__setattr__(new.context, "admin", Login())
    try:
        with pytest.raises(RelocateError) as caught:
            moved(make(old), new, str(tmp_path))
    finally:
        cluster.psql("postgres", "ALTER ROLE shop NOCREATEDB")
    assert caught.value.code == "load_failed"
    assert "REVOKE ALL ON FUNCTION public.citext_eq(public.citext, public.citext) FROM PUBLIC" in caught.value.msg
    assert not new.exists(INCOMING)


#: Made on the loaded database, and what is said of it then: refused, or told.
CHANGES: Tuple[Tuple[str, str, str], ...] = (
    ("ALTER TABLE s.t ALTER f DROP NOT NULL", "refused", "table s.t, column f"),
    ("ALTER TABLE s.ul ALTER a TYPE bigint", "refused", "table s.ul, column a"),
    ("GRANT EXECUTE ON FUNCTION s.definer() TO PUBLIC", "refused", "rights on function s.definer()"),
    ("GRANT CONNECT ON DATABASE {db} TO PUBLIC", "refused", "rights on database"),
    ("GRANT USAGE ON TYPE s.mood TO PUBLIC", "refused", "rights on type s.mood"),
    ("DROP OPERATOR s.=== (int, int)", "refused", "operator s.===(integer,integer)"),
    ("DROP CAST (s.pair AS text)", "refused", "cast (s.pair AS pg_catalog.text)"),
    ("DROP CONVERSION s.conv", "refused", "conversion s.conv"),
    ("DROP PUBLICATION pub", "refused", "publication pub"),
    ("COMMENT ON SCHEMA s IS NULL", "told", "comment on schema s is not on new"),
    ("COMMENT ON DATABASE {db} IS 'x'", "told", "comment on database is another one on new"),
    ("ALTER FUNCTION s.one(int) RESET ALL", "told", "function s.one(integer) on new: proconfig is not there"),
    ("ALTER FUNCTION s.definer() SECURITY INVOKER", "told", "prosecdef is not there, and was yes"),
    ("CREATE OR REPLACE FUNCTION s.one(a int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2'", "told",
     "function s.one(integer) on new: source is"),
    ("CREATE OR REPLACE VIEW s.vi WITH (security_invoker) AS SELECT 2 AS x", "told", "view s.vi on new: definition is"),
    ("ALTER VIEW s.vi RESET (security_invoker)", "told", "reloptions is not there, and was security_invoker=true"),
    ("ALTER POLICY p ON s.r USING (true)", "told", "policy p on s.r on new: using is"),
    ("ALTER POLICY p ON s.r TO PUBLIC", "told", "policy p on s.r on new: roles is PUBLIC"),
    ("ALTER TABLE s.t ALTER a DROP DEFAULT", "told", "default of a is not there, and was 'x;y'"),
    ("ALTER TABLE s.t ALTER a SET STORAGE PLAIN", "told", "more of a is storage p"),
    ("ALTER TABLE s.t REPLICA IDENTITY DEFAULT", "told", "replica identity is not there"),
    ("ALTER TABLE s.t SET WITHOUT CLUSTER", "told", "index s.ie on new: marks is not there"),
    ("ALTER TABLE s.t ENABLE TRIGGER tg", "told", "trigger tg on s.t on new: tgenabled is not there, and was D"),
    ("ALTER TABLE s.r DISABLE ROW LEVEL SECURITY", "told", "relrowsecurity is not there, and was yes"),
    ("ALTER TABLE s.t DROP CONSTRAINT ch; ALTER TABLE s.t ADD CONSTRAINT ch CHECK (f > 1)", "told",
     "table constraint ch on s.t on new: definition is CHECK ((f > 1))"),
    ("ALTER SEQUENCE s.q CACHE 9", "told", "sequence s.q on new: sequence is"),
    ("ALTER SEQUENCE s.qo OWNED BY NONE", "told", "owned by is not there"),
    ("ALTER TEXT SEARCH CONFIGURATION s.c DROP MAPPING FOR word", "told", "mapping is"),
    ("ALTER DATABASE {db} SET timezone TO 'UTC'", "told", "setting TimeZone here is another one on new"),
    ("REVOKE SELECT ON s.t FROM bob", "told", "rights of role bob on old that are not on new: SELECT on table s.t"),
    ("GRANT DELETE ON s.t TO bob", "told", "rights of role bob on new that were not on old: DELETE on table s.t"),
    ("GRANT UPDATE (f) ON s.t TO bob", "told", "UPDATE on column f of table s.t"),
    ("ALTER TYPE s.mood RENAME VALUE 'sad' TO 'so'", "told", "type s.mood on new: labels is 'so'"),
    ("ALTER TABLE s.t SET (fillfactor = 71)", "told", "fillfactor=71"),
    ("CREATE AGGREGATE s.second(int) (SFUNC = int4pl, STYPE = int)", "told", "aggregate s.second(integer) is on new"),
)  # fmt: skip


def test_each_change_of_a_loaded_database_is_refused_or_told(
    cluster: Cluster, make: Make, fresh: Callable[[str], str], tmp_path: Any
) -> None:
    """Each is made in a transaction of its own and taken back: what the proof says depends on it alone."""
    old = fresh("sound")
    for _kind, sql in OWN:
        run_as(cluster, old, "shop", sql.replace("{db}", old))
    engine = make(old)
    with engine.snapshot() as snapshot:
        recorded = snapshot.state(fingerprints=False)
    with engine._server.connect(old) as session:
        assert session.value("SHOW jit") == "off"  # seconds for each question, where there are thousands of tables
        for sql, fate, words in CHANGES:
            session.run("BEGIN", *sql.replace("{db}", old).split("; "))
            found = dataclasses.replace(recorded, schema=catalogued_schema(session, lambda all: [
                row for one in all for row in session.rows(one)]))  # fmt: skip
            session.run("ROLLBACK")
            refused, told = engine.judge(compare_states(recorded, found))
            texts = [item.name for item in refused] if fate == "refused" else told
            assert any(words in text for text in texts) and bool(refused) == (fate == "refused"), (sql, refused, told)


def test_definitions_that_change_by_being_read_again(
    cluster: Cluster, make: Make, fresh: Callable[[str], str], tmp_path: Any
) -> None:
    """What a server prints of ``IN`` over varchar is printed with other casts once it was loaded: no difference."""
    old = fresh("reread")
    run_as(cluster, old, "shop", "CREATE TABLE t (a varchar(9) CHECK (a IN ('x', 'y')), dropped int, b int)")
    run_as(cluster, old, "shop", "CREATE VIEW v AS SELECT t.a FROM t WHERE t.a IN ('x', 'y')")
    run_as(cluster, old, "shop", "ALTER TABLE t DROP dropped; CREATE STATISTICS st ON a, b FROM t")
    run_as(cluster, old, "shop", "CREATE INDEX i ON t (b) WHERE a IN ('x', 'z')")
    assert moved(make(old), make("again"), str(tmp_path)) == []
    assert plain(cluster, "again__incoming") != plain(cluster, old)
    cluster.psql("postgres", "DROP DATABASE again__incoming")


#: What ordinary databases hold after years, and no dump brings.
NOBODYS: Tuple[Tuple[str, str], ...] = (
    ("public made anew",
     "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO shop, PUBLIC"),
    ("a table in public", "SET ROLE shop; CREATE TABLE public.t (id serial PRIMARY KEY, a int CHECK (a > 0))"),
    ("something in pg_catalog", "CREATE FUNCTION pg_catalog.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
    ("a trigger function there", ("CREATE FUNCTION information_schema.tg() RETURNS trigger LANGUAGE plpgsql AS"
     " $$BEGIN RETURN NEW; END$$; COMMENT ON FUNCTION information_schema.tg() IS 'x'")),
    ("a table there", ("SET allow_system_table_mods TO on; CREATE TABLE information_schema.mine (a serial PRIMARY KEY);"
     " CREATE RULE r AS ON DELETE TO information_schema.mine DO INSTEAD NOTHING;"
     " CREATE TABLE pg_catalog.mine (a int UNIQUE CHECK (a > 0))")),
)  # fmt: skip

#: What the sessions of a site hold meanwhile.
PASSING = """
CREATE TEMPORARY TABLE passing (id serial PRIMARY KEY, a text, b int CHECK (b > 0)); INSERT INTO passing VALUES (1);
CREATE TEMPORARY VIEW seen AS SELECT a FROM passing; CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TYPE pg_temp.mood AS ENUM ('sad'); CREATE RULE r AS ON DELETE TO passing DO INSTEAD NOTHING;
CREATE STATISTICS pg_temp.st ON a, b FROM passing; COMMENT ON TABLE passing IS 'x'
"""


def test_what_no_dump_brings_is_not_expected(
    cluster: Cluster, make: Make, fresh: Callable[[str], str], tmp_path: Any
) -> None:
    """Neither by the set nor, where an earlier release made the set, by what is compared with it."""
    old = fresh("years")
    for _kind, sql in NOBODYS:
        cluster.psql(old, sql)
    engine, new = make(old), make(fresh("later"))
    with engine._server.connect(old) as session:
        session.run(*PASSING.strip().split(";\n"))
        assert moved(engine, new, str(tmp_path)) == []
        with engine.snapshot() as snapshot:
            recorded = snapshot.state().schema or {}
    assert [name for name in recorded if "pg_temp" in name or "mine" in name] == []


#: What a database gathers that people have changed for years.
YEARS = """
CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA public; CREATE EXTENSION hstore SCHEMA ext; CREATE SCHEMA y;
CREATE DOMAIN y.email AS public.citext CHECK (VALUE ~ '@'); CREATE DOMAIN y.work_email AS y.email NOT NULL;
CREATE TABLE y.person (id serial PRIMARY KEY, mail y.work_email UNIQUE, gone int, data ext.hstore, n varchar(9));
ALTER TABLE y.person DROP gone; ALTER TABLE y.person ADD late int DEFAULT 1 NOT NULL CHECK (late IN (1, 2));
ALTER TABLE y.person RENAME TO human; ALTER TABLE y.human RENAME id TO pk; ALTER SEQUENCE y.person_id_seq RENAME TO q;
ALTER TABLE y.human RENAME CONSTRAINT person_pkey TO "Human pk"; CREATE INDEX ON y.human USING gin (data);
CREATE VIEW y.all_humans AS SELECT * FROM y.human; ALTER TABLE y.human ADD later text;
CREATE TABLE y.was_serial (id serial PRIMARY KEY); ALTER TABLE y.was_serial ALTER id DROP DEFAULT;
DROP SEQUENCE y.was_serial_id_seq; ALTER TABLE y.was_serial ALTER id ADD GENERATED BY DEFAULT AS IDENTITY;
CREATE TABLE y.log (at int NOT NULL, a text, who int REFERENCES y.human) PARTITION BY RANGE (at);
CREATE TABLE y.log_old (a text, who int, dead int, at int NOT NULL); ALTER TABLE y.log_old DROP dead;
CREATE INDEX by_a_old ON y.log_old (a); CREATE INDEX own ON y.log_old (at DESC);
CREATE INDEX by_a ON y.log (a); ALTER TABLE y.log ATTACH PARTITION y.log_old FOR VALUES FROM (0) TO (10);
CREATE TABLE y.log_new PARTITION OF y.log FOR VALUES FROM (10) TO (20); ALTER TABLE y.log_new ADD PRIMARY KEY (at);
CREATE FUNCTION y.touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE TRIGGER touch BEFORE UPDATE ON y.log FOR EACH ROW EXECUTE FUNCTION y.touch();
CREATE TABLE y.log_gone PARTITION OF y.log FOR VALUES FROM (20) TO (30); ALTER TABLE y.log DETACH PARTITION y.log_gone;
CREATE INDEX lonely ON ONLY y.log (who); CREATE UNLOGGED TABLE y.cache (k text PRIMARY KEY, v bytea);
CREATE TABLE y.doubled (a int); INSERT INTO y.doubled VALUES (1), (1);
CREATE FUNCTION y.depends() RETURNS int LANGUAGE sql AS 'SELECT 1';
ALTER FUNCTION y.depends() DEPENDS ON EXTENSION citext;
CREATE TABLE y.parent (a int CHECK (a > 0), b text DEFAULT 'x'); CREATE TABLE y.kid (c int, b text) INHERITS (y.parent);
ALTER TABLE y.kid NO INHERIT y.parent; ALTER TABLE y.kid INHERIT y.parent; ALTER TABLE y.parent DROP b;
CREATE TABLE y.tree (id int PRIMARY KEY, up int REFERENCES y.tree DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE y.tree ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON y.tree USING (id = current_setting('a.b')::int);
CREATE PUBLICATION cdc FOR TABLE y.tree; CREATE SEQUENCE y.free;
ALTER TABLE y.tree ALTER id SET DEFAULT nextval('y.free')
"""


def test_a_database_that_was_changed_for_years(
    cluster: Cluster, make: Make, fresh: Callable[[str], str], tmp_path: Any
) -> None:
    """And what the move left of it is moved again."""
    old = fresh("changed")
    run_as(cluster, old, "shop", YEARS)
    with pytest.raises(RuntimeError):  # what is left is an invalid index, which no dump holds
        cluster.psql(old, "CREATE UNIQUE INDEX CONCURRENTLY left_over ON y.doubled (a)")
    cluster.psql(old, f"ALTER DATABASE {old} SET search_path TO '$user', y, public")
    first = make(fresh("moved"))
    assert moved(make(old), first, str(tmp_path / "1")) == []
    first.swap()
    assert moved(first, make(fresh("again")), str(tmp_path / "2")) == []


def test_what_is_read_of_a_schema(cluster: Cluster, make: Make, fresh: Callable[[str], str]) -> None:
    """No secrets in clear; and no question deparses all views, which locks all that they read from."""
    old = fresh("read")
    for _kind, sql in OWN:
        run_as(cluster, old, "shop", sql.replace("{db}", old))
    run_as(cluster, old, "shop", "CREATE TRIGGER hook AFTER INSERT ON s.t EXECUTE FUNCTION s.tg('Bearer canary')")
    cluster.psql(old, "ALTER FUNCTION s.tg() SET app.key = 'canary'")
    engine = make(old)
    with engine.snapshot() as snapshot:
        assert snapshot.has_tables()
        schema = snapshot.state(fingerprints=False).schema or {}
    assert "trigger hook on s.t" in schema and "canary" not in str(schema)
    assert "proconfig: " in schema["function s.tg()"]
    with make(fresh("blank")).snapshot() as snapshot:
        assert not snapshot.has_tables()
    with engine._server.connect(old) as session:
        session.run("BEGIN")
        rules = session.rows(described_sql("pg_rewrite", [], session.major)[0])
        locked = session.value("SELECT count(*) FROM pg_locks WHERE relation >= 16384 AND pid = pg_backend_pid()")
    assert sum(1 for _oid, _lines, text in rules if text) == 1 < len(rules)
    assert locked <= 1


def test_a_database_without_its_public_schema(
    cluster: Cluster, make: Make, fresh: Callable[[str], str], tmp_path: Any
) -> None:
    """What a new database gives everybody in public is taken away where old gave nothing; where it cannot be, told."""
    old = fresh("bare")
    cluster.psql(old, "DROP SCHEMA public")
    run_as(cluster, old, "postgres", "CREATE SCHEMA s AUTHORIZATION shop; SET ROLE shop; CREATE TABLE s.t (a int)")
    engine, new = make(old), make(fresh("closed"))
    with engine.snapshot() as snapshot:
        dump, recorded, facts = snapshot.dump(str(tmp_path)), snapshot.state(), engine.describe()
    assert facts.details["everybodys_in_public"] == []
    usage = "SELECT has_schema_privilege('bob', 'public', 'USAGE')"
    for which in (facts, dataclasses.replace(facts, details={})):  # as an earlier release describes it
        new.load(str(tmp_path), dump, which)
        with new.snapshot(INCOMING) as snapshot:
            assert new.differences(recorded, snapshot.state()) == []
        assert cluster.psql("closed__incoming", usage).strip() == ("f" if which is facts else "t")
    assert any("rights of PUBLIC on new that were not on old: USAGE on schema public" in n for n in new.context.notes)


@given(st.tuples(*(schemas(number) for number in range(A_DATABASE))))
@settings(
    max_examples=max(1, SCHEMAS // A_DATABASE),
    deadline=None,
    database=None,
    derandomize="RELOCATE_SCHEMAS" not in os.environ,
    phases=(Phase.generate,),  # to make an example smaller would take a load for each step
    suppress_health_check=list(HealthCheck),
)
def test_schemas_made_at_random(
    cluster: Cluster, make: Make, tmp_path_factory: pytest.TempPathFactory, made: Tuple[List[str], ...]
) -> None:
    directory = tmp_path_factory.mktemp("random")
    cluster.psql("postgres", "CREATE DATABASE random OWNER shop")
    try:
        script = directory / "schema.sql"
        script.write_text("SET ROLE shop;" + "".join(line + ";" for lines in made for line in lines), "utf-8")
        os.chmod(script, 0o644)
        reachable(directory)
        cluster.run(
            ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(script)],
            {"PGDATABASE": "random", "PGCLIENTENCODING": "UTF8"},
        )
        notes = moved(make("random"), make("made"), str(directory))
        assert notes == []
        assert plain(cluster, "made__incoming") == plain(cluster, "random")
    finally:
        for name in ("random", "made__incoming"):
            cluster.psql("postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
