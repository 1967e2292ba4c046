# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site's database of many kinds of tables, and what a busy site does to it between a first copy and its freeze."""

from __future__ import annotations

from typing import List, NamedTuple, Tuple

from hypothesis import strategies as st

SCHEMA = r"""
CREATE EXTENSION citext;
SET ROLE shop;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN word AS text CHECK (VALUE <> '');
CREATE TABLE item (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code citext UNIQUE, n numeric, tags text[], data jsonb,
    raw json, doc xml, picture bytea, period int8range, feeling mood DEFAULT 'ok', ratio float8,
    low text GENERATED ALWAYS AS (lower(code::text)) STORED, "of ""it" bigint REFERENCES item (id) DEFERRABLE
);
CREATE TABLE pair (a int, b word, note text, PRIMARY KEY (b, a));
CREATE TABLE audit (id bigserial PRIMARY KEY, what text, item_id bigint);
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.audit (what, item_id) VALUES (TG_OP, coalesce(NEW.id, OLD.id)); RETURN NULL;
END$$;
CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON item FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TABLE line (id int PRIMARY KEY, item_id bigint REFERENCES item (id) ON DELETE CASCADE, b int, h int);
CREATE TABLE loose (w text, n int);
CREATE TABLE maybe (n int UNIQUE, w text);
CREATE TABLE event (id int, at int NOT NULL, what text, PRIMARY KEY (at, id)) PARTITION BY RANGE (at);
CREATE TABLE event_low PARTITION OF event FOR VALUES FROM (0) TO (50);
CREATE TABLE event_high PARTITION OF event DEFAULT;
CREATE TABLE parent (id int PRIMARY KEY, a text); CREATE TABLE child (b int) INHERITS (parent);
CREATE TABLE slot (id int PRIMARY KEY, during int4range, EXCLUDE USING gist (during WITH &&));
CREATE UNLOGGED TABLE fleeting (id int PRIMARY KEY, v text);
CREATE TABLE folded (k citext PRIMARY KEY, v int);
CREATE TABLE shares (k float8 PRIMARY KEY, v int);
CREATE TABLE padded (id int PRIMARY KEY, v bpchar, f real);
CREATE TABLE "Ot her" ("i d" uuid PRIMARY KEY, v varchar(20));
ALTER TABLE slot CLUSTER ON slot_pkey;
CREATE RULE quiet AS ON DELETE TO loose WHERE old.n < 0 DO INSTEAD NOTHING;
CREATE TABLE later (id int UNIQUE DEFERRABLE INITIALLY DEFERRED NOT NULL, v int);
CREATE SEQUENCE free;
CREATE TABLE sealed (id int PRIMARY KEY, v int); ALTER TABLE sealed ENABLE ROW LEVEL SECURITY;
CREATE MATERIALIZED VIEW summary AS SELECT feeling, count(*) AS n FROM item GROUP BY 1;
CREATE MATERIALIZED VIEW twice AS SELECT sum(n) AS n FROM summary;
CREATE MATERIALIZED VIEW empty AS SELECT 1 AS x WITH NO DATA;
INSERT INTO item (code, n) SELECT 'c' || i, i FROM generate_series(1, 60) AS i;
INSERT INTO pair SELECT i % 7, 'b' || i, 'x' FROM generate_series(1, 40) AS i;
INSERT INTO line SELECT i, i FROM generate_series(1, 40) AS i;
INSERT INTO loose SELECT 'w' || i % 5, i FROM generate_series(1, 20) AS i;
INSERT INTO event SELECT i, i FROM generate_series(1, 99) AS i;
INSERT INTO parent SELECT i FROM generate_series(1, 9) AS i; INSERT INTO child SELECT i FROM generate_series(1, 9) AS i;
INSERT INTO fleeting SELECT i, 'f' FROM generate_series(1, 30) AS i;
INSERT INTO slot SELECT i, int4range(i * 3, i * 3 + 2) FROM generate_series(1, 20) AS i;
INSERT INTO folded SELECT 'Key' || i, i FROM generate_series(1, 20) AS i;
INSERT INTO shares SELECT i / 3.0, i FROM generate_series(0, 20) AS i;
INSERT INTO padded SELECT i, 'p', 0 FROM generate_series(1, 20) AS i;
INSERT INTO later SELECT i, i FROM generate_series(1, 20) AS i;
INSERT INTO sealed SELECT i, i FROM generate_series(1, 20) AS i;
INSERT INTO "Ot her" SELECT md5(i::text)::uuid, i FROM generate_series(1, 20) AS i;
"""

#: What one statement of a busy site may be; {a} and {b} are small numbers. What fails changes nothing.
STATEMENTS = (
    (
        "INSERT INTO item (code, n, tags, data, raw, doc, picture, period)"
        " VALUES ('C' || {a}, {b}.50, ARRAY['x', NULL, {q}],"
        " '{{\"k\": 1.0}}', '{{\"b\":  1}}', '<a>&amp;</a>', '\\x00ff', int8range({a}, NULL))"
    ),
    (
        "INSERT INTO item (code, ratio, feeling) SELECT 'n' || g, g / 3.0, 'happy'"
        " FROM generate_series({a}, {a} + {b}) AS g ON CONFLICT DO NOTHING"
    ),
    (
        "INSERT INTO item (id, n) OVERRIDING SYSTEM VALUE VALUES ({a} + 1000, 'NaN')"
        " ON CONFLICT (id) DO UPDATE SET n = 1.10"
    ),
    "UPDATE item SET n = n * 1.0, tags = tags || {q} WHERE id % 10 = {b} % 10",
    "UPDATE item SET code = upper(code::text) WHERE id = {a}",
    'UPDATE item SET "of ""it" = {b} WHERE id = {a}',
    "DELETE FROM item WHERE id = {a}",
    "DELETE FROM item WHERE id BETWEEN {a} AND {a} + {b}",
    "UPDATE pair SET a = a + {a}, b = b || '+' WHERE a = {b} % 7",
    "UPDATE pair SET b = {q} WHERE a = {b} % 7",
    "DELETE FROM pair WHERE a = {a} % 7",
    "INSERT INTO pair VALUES ({a}, {q}, NULL) ON CONFLICT DO NOTHING",
    "DELETE FROM line WHERE id = {a}",
    "INSERT INTO line SELECT {a} + 100, max(id), 1, 2 FROM item",
    "INSERT INTO loose VALUES ({q}, {b}), ({q}, {b})",
    "DELETE FROM loose WHERE n = {b}",
    "INSERT INTO maybe VALUES (NULL, 'a'), ({a}, 'b')",
    "UPDATE maybe SET n = NULL",
    "UPDATE event SET at = (at + {a}) % 100 WHERE id = {b}",
    "DELETE FROM event WHERE at = {a}",
    "INSERT INTO event VALUES ({a} + 200, {b} * 3, {q})",
    "UPDATE parent SET a = {q} WHERE id = {b}",
    "DELETE FROM ONLY parent WHERE id = {a} % 10",
    "DELETE FROM child WHERE id = {a} % 10",
    "INSERT INTO parent (id) VALUES ({a} + 50)",
    "DELETE FROM slot WHERE id = {a} % 20",
    "UPDATE slot SET during = int4range({a} * 7 + 100, {a} * 7 + 103) WHERE id = {b} % 20",
    "INSERT INTO slot VALUES ({a} + 30, int4range({b} * 5, {b} * 5 + 1))",
    "UPDATE fleeting SET v = v || 'x' WHERE id > {a}",
    "TRUNCATE fleeting",
    "TRUNCATE line",
    "TRUNCATE event_low",
    "TRUNCATE audit RESTART IDENTITY",
    "TRUNCATE pair; COPY pair FROM PROGRAM 'true'",
    "UPDATE folded SET k = upper(k::text) WHERE v = {b} % 20",
    "DELETE FROM folded WHERE v = {a} % 20",
    "UPDATE shares SET k = -k WHERE v = {b} % 20",
    "UPDATE padded SET v = v::text || ' ', f = -f WHERE id = {b} % 20",
    "UPDATE later SET id = {b} + 1 - id WHERE id <= {b}",
    'DELETE FROM "Ot her" WHERE v::int > {a}; INSERT INTO "Ot her" VALUES (md5({q})::uuid, \'v\')',
    "DELETE FROM sealed WHERE id = {a} % 20; INSERT INTO sealed VALUES ({a} % 20, {b})",
    "UPDATE sealed SET id = id + 40, v = v + {a} WHERE id = {b} % 20",
    "SELECT nextval('free')",
    "SELECT setval('free', {a} + 1, false)",
    "ALTER SEQUENCE item_id_seq RESTART WITH 5000",
    "REFRESH MATERIALIZED VIEW summary",
    "SAVEPOINT s; INSERT INTO line SELECT {a} + 300, min(id) FROM item; ROLLBACK TO s; DELETE FROM line WHERE id = {b}",
    "SAVEPOINT s; UPDATE item SET n = {a} WHERE id = {b}; RELEASE s; SAVEPOINT t; DELETE FROM loose WHERE n < {a} % 5",
    "TRUNCATE loose; INSERT INTO loose SELECT 'l', g FROM generate_series(1, {a}) AS g",
    "CREATE TEMPORARY TABLE t AS SELECT 1",
    "SELECT id FROM item WHERE id < {a} FOR UPDATE",
)
#: What an administrator or autovacuum does; each by itself.
MAINTENANCE = (
    "VACUUM (FREEZE) item",
    "VACUUM FULL item",
    "CLUSTER slot",
    "VACUUM (FREEZE) audit",
    "REINDEX TABLE pair",
    "ANALYZE",
    "VACUUM FULL pair",
    "CHECKPOINT",
)
#: What a catch-up cannot carry, and therefore refuses.
BEYOND = (
    "ALTER TABLE loose ADD COLUMN more{a} int DEFAULT {b}",
    "CREATE INDEX ON item (n)",
    "CREATE TABLE made{a} (id int)",
    "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'm{a}'",
    "GRANT SELECT ON item TO PUBLIC; COMMENT ON TABLE item IS {q}",
    "SELECT lo_from_bytea(0, '\\x{a:02d}')",
    "CREATE OR REPLACE VIEW seen AS SELECT {a} AS x",
    "ALTER TABLE item ALTER n SET DEFAULT {a}",
)


class Step(NamedTuple):
    """One thing that happens: statements of one transaction, and how it goes on."""

    statements: Tuple[str, ...]
    kind: str  # open (before the copy; ends after it), done, undone, alone, beyond


_NUMBERS = st.integers(0, 60)


def _text(template: str, a: int, b: int) -> str:
    return template.format(a=a, b=b, q="E'q\\t\\\\{0}é'".format(a))


def _statements(templates: Tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.builds(_text, st.sampled_from(templates), _NUMBERS, _NUMBERS)


#: What waits for nobody, and lets nobody wait: a dump would, for a TRUNCATE that has not ended.
_PATIENT = tuple(text for text in STATEMENTS if "TRUNCATE" not in text)


def _steps(templates: Tuple[str, ...], *kinds: str) -> st.SearchStrategy[Step]:
    several = st.lists(_statements(templates), min_size=1, max_size=4).map(tuple)
    return st.builds(Step, several, st.sampled_from(kinds))


#: Transactions that the copy does not see to the end, and steps after it.
WORKLOADS: st.SearchStrategy[Tuple[List[Step], List[Step]]] = st.tuples(
    st.lists(_steps(_PATIENT, "done", "done", "undone"), max_size=2),
    st.lists(
        st.one_of(
            _steps(STATEMENTS, "done", "done", "done", "undone"),
            _steps(STATEMENTS, "done", "undone"),
            st.builds(lambda one: Step((one,), "alone"), _statements(MAINTENANCE)),
        ),
        min_size=1,
        max_size=5,
    ),
)
