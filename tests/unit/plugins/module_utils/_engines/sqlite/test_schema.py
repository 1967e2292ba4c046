# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every kind of object and property that a SQLite file holds arrives, and is named when it does not."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, seed, settings
from hypothesis import strategies as st

from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING, LIVE, EngineContext
from ansible_collections.relocate.django.plugins.module_utils._engines.compare import compare_states
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite.engine import SqliteEngine
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, DatabaseState
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore

pytestmark = pytest.mark.slow

#: Schemas of the search; CI takes a few with a fixed seed, RELOCATE_SCHEMAS=200 takes the full number.
SCHEMAS, SEED = int(os.environ.get("RELOCATE_SCHEMAS", "25")), int(os.environ.get("RELOCATE_SCHEMA_SEED", "9"))
BASE = "CREATE TABLE base (id INTEGER PRIMARY KEY, a TEXT, b INTEGER); INSERT INTO base VALUES (1, 'x', 2);"
#: Name, how it is made, and the nearest thing that is not the same.
KINDS: list[tuple[str, str, str]] = [
    ("table", "CREATE TABLE k1 (a)", ""),
    ("column type", "CREATE TABLE k2 (a VARCHAR(10))", "CREATE TABLE k2 (a VARCHAR(11))"),
    ("column order", "CREATE TABLE k3 (a, b)", "CREATE TABLE k3 (b, a)"),
    ("NOT NULL", "CREATE TABLE k4 (a NOT NULL)", "CREATE TABLE k4 (a)"),
    ("NOT NULL ON CONFLICT", "CREATE TABLE k5 (a NOT NULL ON CONFLICT IGNORE)", "CREATE TABLE k5 (a NOT NULL)"),
    ("DEFAULT constant", "CREATE TABLE k6 (a DEFAULT 1)", "CREATE TABLE k6 (a DEFAULT 2)"),
    ("DEFAULT expression", "CREATE TABLE k7 (a DEFAULT (1 + 1))", "CREATE TABLE k7 (a DEFAULT (1 + 2))"),
    ("DEFAULT CURRENT_TIMESTAMP", "CREATE TABLE k8 (a DEFAULT CURRENT_TIMESTAMP)", "CREATE TABLE k8 (a)"),
    ("column COLLATE", "CREATE TABLE k9 (a COLLATE NOCASE)", "CREATE TABLE k9 (a COLLATE RTRIM)"),
    ("column CHECK", "CREATE TABLE k10 (a CHECK (a > 0))", "CREATE TABLE k10 (a CHECK (a >= 0))"),
    ("table CHECK", "CREATE TABLE k11 (a, b, CHECK (a > b))", "CREATE TABLE k11 (a, b)"),
    ("constraint name", "CREATE TABLE k12 (a, CONSTRAINT one CHECK (a))", "CREATE TABLE k12 (a, CHECK (a))"),
    ("column UNIQUE", "CREATE TABLE k13 (a UNIQUE)", "CREATE TABLE k13 (a)"),
    ("table UNIQUE", "CREATE TABLE k14 (a, b, UNIQUE (a, b))", "CREATE TABLE k14 (a, b, UNIQUE (b, a))"),
    ("UNIQUE ON CONFLICT", "CREATE TABLE k15 (a UNIQUE ON CONFLICT REPLACE)", "CREATE TABLE k15 (a UNIQUE)"),
    ("rowid key", "CREATE TABLE k16 (a INTEGER PRIMARY KEY)", "CREATE TABLE k16 (a INT PRIMARY KEY)"),
    ("key DESC", "CREATE TABLE k17 (a INTEGER PRIMARY KEY DESC)", "CREATE TABLE k17 (a INTEGER PRIMARY KEY)"),
    ("key of two", "CREATE TABLE k18 (a, b, PRIMARY KEY (a, b))", "CREATE TABLE k18 (a, b, PRIMARY KEY (b, a))"),
    (
        "AUTOINCREMENT",
        "CREATE TABLE k19 (a INTEGER PRIMARY KEY AUTOINCREMENT)",
        "CREATE TABLE k19 (a INTEGER PRIMARY KEY)",
    ),
    (
        "counter of AUTOINCREMENT",
        "CREATE TABLE k20 (a INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO k20 VALUES (900); DELETE FROM k20",
        "CREATE TABLE k20 (a INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO k20 VALUES (901); DELETE FROM k20",
    ),
    (
        "counter without its table",
        "CREATE TABLE s21 (a INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO sqlite_sequence VALUES ('gone', 7)",
        "CREATE TABLE s21 (a INTEGER PRIMARY KEY AUTOINCREMENT)",
    ),
    ("WITHOUT ROWID", "CREATE TABLE k22 (a PRIMARY KEY) WITHOUT ROWID", "CREATE TABLE k22 (a PRIMARY KEY)"),
    ("generated VIRTUAL", "CREATE TABLE k23 (a, b AS (a + 1))", "CREATE TABLE k23 (a, b AS (a + 2))"),
    ("generated STORED", "CREATE TABLE k24 (a, b AS (a + 1) STORED)", "CREATE TABLE k24 (a, b AS (a + 1) VIRTUAL)"),
    ("foreign key", "CREATE TABLE k25 (a REFERENCES base)", "CREATE TABLE k25 (a)"),
    ("ON DELETE", "CREATE TABLE k26 (a REFERENCES base ON DELETE CASCADE)", "CREATE TABLE k26 (a REFERENCES base)"),
    ("ON UPDATE", "CREATE TABLE k27 (a REFERENCES base ON UPDATE SET NULL)", "CREATE TABLE k27 (a REFERENCES base)"),
    (
        "DEFERRABLE",
        "CREATE TABLE k28 (a REFERENCES base DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TABLE k28 (a REFERENCES base)",
    ),
    (
        "foreign key to a column",
        "CREATE TABLE k29 (u UNIQUE, r REFERENCES k29 (u))",
        "CREATE TABLE k29 (u UNIQUE, r REFERENCES base (id))",
    ),
    ("foreign key to no table", "CREATE TABLE k30 (a REFERENCES nowhere)", "CREATE TABLE k30 (a REFERENCES elsewhere)"),
    ("index", "CREATE INDEX k31 ON base (a)", ""),
    ("index order", "CREATE INDEX k32 ON base (a, b)", "CREATE INDEX k32 ON base (b, a)"),
    ("index DESC", "CREATE INDEX k33 ON base (a DESC)", "CREATE INDEX k33 ON base (a)"),
    ("index COLLATE", "CREATE INDEX k34 ON base (a COLLATE NOCASE)", "CREATE INDEX k34 ON base (a)"),
    ("unique index", "CREATE UNIQUE INDEX k35 ON base (a)", "CREATE INDEX k35 ON base (a)"),
    ("partial index", "CREATE INDEX k36 ON base (a) WHERE b > 1", "CREATE INDEX k36 ON base (a) WHERE b > 2"),
    ("expression index", "CREATE INDEX k37 ON base (lower(a))", "CREATE INDEX k37 ON base (upper(a))"),
    ("view", "CREATE VIEW k38 AS SELECT a FROM base", "CREATE VIEW k38 AS SELECT b FROM base"),
    ("view columns", "CREATE VIEW k39 (x) AS SELECT a FROM base", "CREATE VIEW k39 (y) AS SELECT a FROM base"),
    ("view over nothing", "CREATE VIEW k40 AS SELECT * FROM nowhere", "CREATE VIEW k40 AS SELECT * FROM elsewhere"),
    (
        "view of views",
        "CREATE VIEW v41 AS SELECT a FROM base; CREATE VIEW k41 AS SELECT * FROM v41",
        "CREATE VIEW v41 AS SELECT a FROM base; CREATE VIEW k41 AS SELECT a FROM v41",
    ),
    (
        "recursive view",
        "CREATE VIEW k42 AS WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 3) SELECT i FROM n",
        "CREATE VIEW k42 AS WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 4) SELECT i FROM n",
    ),
    (
        "trigger BEFORE",
        "CREATE TRIGGER k43 BEFORE INSERT ON base BEGIN SELECT 1; END",
        "CREATE TRIGGER k43 AFTER INSERT ON base BEGIN SELECT 1; END",
    ),
    (
        "trigger AFTER",
        "CREATE TRIGGER k44 AFTER DELETE ON base BEGIN SELECT 1; END",
        "CREATE TRIGGER k44 AFTER DELETE ON base BEGIN SELECT 2; END",
    ),
    (
        "trigger UPDATE OF",
        "CREATE TRIGGER k45 AFTER UPDATE OF a ON base BEGIN SELECT 1; END",
        "CREATE TRIGGER k45 AFTER UPDATE OF b ON base BEGIN SELECT 1; END",
    ),
    (
        "trigger WHEN",
        "CREATE TRIGGER k46 AFTER UPDATE ON base WHEN new.b > 1 BEGIN SELECT 1; END",
        "CREATE TRIGGER k46 AFTER UPDATE ON base BEGIN SELECT 1; END",
    ),
    (
        "trigger INSTEAD OF",
        "CREATE VIEW v47 AS SELECT a FROM base; CREATE TRIGGER k47 INSTEAD OF INSERT ON v47 BEGIN SELECT 1; END",
        "CREATE VIEW v47 AS SELECT a FROM base",
    ),
    (
        "trigger RAISE",
        "CREATE TRIGGER k48 BEFORE DELETE ON base WHEN old.id < 0 BEGIN SELECT raise(ABORT, 'no'); END",
        "CREATE TRIGGER k48 BEFORE DELETE ON base WHEN old.id < 0 BEGIN SELECT raise(IGNORE); END",
    ),
    ("full text search 5", "CREATE VIRTUAL TABLE k49 USING fts5 (a, b)", "CREATE VIRTUAL TABLE k49 USING fts5 (a)"),
    (
        "tokenizer",
        "CREATE VIRTUAL TABLE k50 USING fts5 (a, tokenize = 'porter ascii')",
        "CREATE VIRTUAL TABLE k50 USING fts5 (a)",
    ),
    (
        "external content",
        "CREATE VIRTUAL TABLE k51 USING fts5 (a, content = 'base', content_rowid = 'id')",
        "CREATE VIRTUAL TABLE k51 USING fts5 (a, content = '')",
    ),
    (
        "words in a full text index",
        "CREATE VIRTUAL TABLE k52 USING fts5 (a); INSERT INTO k52 VALUES ('one')",
        "CREATE VIRTUAL TABLE k52 USING fts5 (a); INSERT INTO k52 VALUES ('two')",
    ),
    ("full text search 4", "CREATE VIRTUAL TABLE k53 USING fts4 (a)", "CREATE VIRTUAL TABLE k53 USING fts3 (a)"),
    (
        "r-tree",
        "CREATE VIRTUAL TABLE k54 USING rtree (id, x0, x1)",
        "CREATE VIRTUAL TABLE k54 USING rtree (id, y0, y1)",
    ),
    (
        "boxes in an r-tree",
        "CREATE VIRTUAL TABLE k55 USING rtree (id, x0, x1); INSERT INTO k55 VALUES (1, 2, 3)",
        "CREATE VIRTUAL TABLE k55 USING rtree (id, x0, x1); INSERT INTO k55 VALUES (1, 2, 4)",
    ),
    ("comment in a definition", "CREATE TABLE k56 (a /* one */)", "CREATE TABLE k56 (a /* two */)"),
    ("quoted names", 'CREATE TABLE "k57 ""x"" [y]" ("a b", "ä")', 'CREATE TABLE "k57 ""x"" [y]" ("a b", "a")'),
    ("letter case of names", "CREATE TABLE k58 (Abc)", "CREATE TABLE k58 (abc)"),
    ("rows", "CREATE TABLE k59 (a); INSERT INTO k59 VALUES (1)", "CREATE TABLE k59 (a); INSERT INTO k59 VALUES ('1')"),
    ("statistics", "ANALYZE base", ""),
    ("user_version", "PRAGMA user_version = 42", "PRAGMA user_version = 43"),
    ("application_id", "PRAGMA application_id = 1234", "PRAGMA application_id = 1235"),
    (
        "column added later",
        "CREATE TABLE k63 (a); INSERT INTO k63 VALUES (1); ALTER TABLE k63 ADD COLUMN b DEFAULT 5",
        "CREATE TABLE k63 (a); INSERT INTO k63 VALUES (1); ALTER TABLE k63 ADD COLUMN b DEFAULT 6",
    ),
    ("column dropped", "CREATE TABLE k64 (a, b); ALTER TABLE k64 DROP COLUMN b", "CREATE TABLE k64 (a, b)"),
]
if sqlite3.sqlite_version_info >= (3, 37):
    KINDS.append(("STRICT", "CREATE TABLE k65 (a INT) STRICT", "CREATE TABLE k65 (a INT)"))
#: What must be set before the first table: each makes a database of its own.
FILES: list[tuple[str, str, str]] = [
    ("page size", "PRAGMA page_size = 8192", "PRAGMA page_size = 4096"),
    ("encoding", "PRAGMA encoding = 'UTF-16le'", "PRAGMA encoding = 'UTF-16be'"),
    ("auto_vacuum FULL", "PRAGMA auto_vacuum = FULL", "PRAGMA auto_vacuum = NONE"),
    ("auto_vacuum INCREMENTAL", "PRAGMA auto_vacuum = INCREMENTAL", "PRAGMA auto_vacuum = FULL"),
    ("journal_mode", "PRAGMA journal_mode = WAL", "PRAGMA journal_mode = DELETE"),
]
#: A connection of the site may change these by itself: named in the report, and no reason to refuse.
NAMED = {"journal_mode", "statistics"}


class Bench:
    """Databases in one directory."""

    def __init__(self, path: Path, secrets: SecretStore) -> None:
        self.path, self.secrets, self.number = path, secrets, 0

    def engine(self, name: str) -> SqliteEngine:
        config = DatabaseConfig("default", "sqlite", "django.db.backends.sqlite3", str(self.path / name / "db.sqlite3"))
        return SqliteEngine(config, EngineContext(self.secrets, compression="none"))

    def make(self, script: str) -> SqliteEngine:
        """A database of its own."""
        self.number += 1
        place = self.path / str(self.number)
        place.mkdir()
        with contextlib.closing(sqlite3.connect(str(place / "db.sqlite3"), isolation_level=None)) as connection:
            connection.executescript(script)
        return self.engine(str(self.number))

    def moved(self, old: SqliteEngine) -> tuple[DatabaseState, DatabaseState, SqliteEngine]:
        """Old's state in its own snapshot, and that of what was loaded out of the dump."""
        self.number += 1
        (self.path / f"set{self.number}").mkdir()
        with old.snapshot() as view:
            before = view.state()
        with old.snapshot() as view:
            dump, copied, facts = view.dump(str(self.path / f"set{self.number}")), view.state(), old.describe()
        assert before == copied, "the state of the dump is the one of the live database"
        new = self.engine(f"new{self.number}")
        new.create_blank(facts)
        new.load(str(self.path / f"set{self.number}"), dump, facts)
        return before, state_of(new, INCOMING), new


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with SecretStore(str(tmp_path)) as secrets:
        yield Bench(tmp_path, secrets)


def state_of(engine: SqliteEngine, which: str = LIVE) -> DatabaseState:
    with engine.snapshot(which) as view:
        return view.state()


def as_plain_tools_see_it(engine: SqliteEngine, suffix: str = "") -> tuple[Any, ...]:
    """``.dump`` of the sqlite3 shell, and the PRAGMAs that last: nothing of our own reading."""
    with contextlib.closing(sqlite3.connect(engine.config.name + suffix)) as connection:
        pragmas = "application_id auto_vacuum encoding journal_mode page_size user_version".split()
        values = [connection.execute("PRAGMA " + name).fetchone()[0] for name in pragmas]
        objects = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2, 3").fetchall()
        tables = [name for kind, name, _table, sql in objects if kind == "table"]
        quoted = [name.replace('"', '""') for name in tables]
        return values, objects, [connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in quoted]


def test_there_are_sixty_kinds() -> None:
    assert len({name for name, _one, _other in KINDS + FILES}) == len(KINDS + FILES) >= 60


@pytest.mark.parametrize(
    "first", [one for _name, one, _other in FILES] + [""], ids=[*(item[0] for item in FILES), "plain"]
)
def test_every_kind_arrives(bench: Bench, first: str) -> None:
    scripts = sorted((one for _name, one, _other in KINDS), key=lambda sql: "ALTER" not in sql)  # else views stop it
    old = bench.make(";".join([first, BASE, *scripts]))
    seen = as_plain_tools_see_it(old)
    before, after, new = bench.moved(old)
    assert before.schema is not None and len(before.schema) > 100
    assert compare_states(before, after) == []
    assert as_plain_tools_see_it(new, "__incoming") == seen == as_plain_tools_see_it(old)


@pytest.mark.parametrize(("name", "one", "other"), KINDS + FILES, ids=[item[0] for item in KINDS + FILES])
def test_no_difference_is_silent(bench: Bench, name: str, one: str, other: str) -> None:
    """The nearest thing that is not the same is a difference by name; what a connection may do by itself is told."""
    first, second = (
        bench.make(";".join([sql, BASE] if (name, one, other) in FILES else [BASE, sql])) for sql in (one, other)
    )
    differences = compare_states(state_of(first), state_of(second))
    assert differences, name
    refused, told = first.judge(differences)
    assert (not refused and told) if name in NAMED else refused


NAMES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=12).filter(
    lambda name: not name.lower().startswith("sqlite_")
)
TYPES = st.sampled_from(["", "INT", "TEXT", "BLOB", "REAL", "NUMERIC", "VARCHAR(3)", "DECIMAL(9, 2)"])
RULES = st.sampled_from(["", "NOT NULL", "UNIQUE", "DEFAULT 'x''y'", "DEFAULT (1 + 2)", "COLLATE NOCASE", "CHECK (1)"])
VALUES = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text(max_size=5), st.binary(max_size=5)
)


def quoted(name: str) -> str:
    return '"{0}"'.format(name.replace('"', '""'))


@st.composite
def schemas(draw: Any) -> list[tuple[str, tuple[Any, ...]]]:
    """Statements of a random schema with rows in it."""
    statements: list[tuple[str, tuple[Any, ...]]] = []
    for table in draw(st.lists(NAMES, min_size=1, max_size=4, unique_by=str.lower)):
        columns = draw(
            st.lists(st.tuples(NAMES, TYPES, RULES), min_size=1, max_size=5, unique_by=lambda c: c[0].lower())
        )
        parts = [" ".join([quoted(column), kind, rule]) for column, kind, rule in columns]
        tail = draw(st.sampled_from(["", "", " STRICT" if sqlite3.sqlite_version_info >= (3, 37) else ""]))
        statements.append((f"CREATE TABLE {quoted(table)} ({', '.join(parts)}){tail}", ()))
        marks = ", ".join("?" * len(columns))
        for row in draw(st.lists(st.tuples(*[VALUES] * len(columns)), max_size=3)):
            statements.append((f"INSERT INTO {quoted(table)} VALUES ({marks})", row))
        column = quoted(draw(st.sampled_from(columns))[0])
        extra = quoted(draw(NAMES))
        statements.append(
            (
                draw(
                    st.sampled_from(
                        [
                            f"CREATE INDEX {extra} ON {quoted(table)} ({column} DESC) WHERE {column} IS NOT NULL",
                            f"CREATE VIEW {extra} AS SELECT {column} FROM {quoted(table)}",
                            f"CREATE TRIGGER {extra} AFTER DELETE ON {quoted(table)} BEGIN SELECT old.{column}; END",
                            f"CREATE VIRTUAL TABLE {extra} USING fts5 (a)",
                        ]
                    )
                ),
                (),
            )
        )
    return statements


@seed(SEED)
@settings(max_examples=SCHEMAS, deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(statements=schemas())
def test_random_schemas_arrive(tmp_path_factory: pytest.TempPathFactory, statements: list[Any]) -> None:
    path = tmp_path_factory.mktemp("schema")
    with SecretStore(str(path)) as secrets:
        bench = Bench(path, secrets)
        old = bench.make("")
        made = 0
        with contextlib.closing(sqlite3.connect(old.config.name, isolation_level=None)) as connection:
            for statement, row in statements:
                with contextlib.suppress(sqlite3.Error):  # what SQLite itself refuses
                    connection.execute(statement, row)
                    made += 1
        assume(made)
        seen = as_plain_tools_see_it(old)
        before, after, new = bench.moved(old)
        assert compare_states(before, after) == []
        assert as_plain_tools_see_it(new, "__incoming") == seen
