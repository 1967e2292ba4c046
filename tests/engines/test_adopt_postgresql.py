# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dumps of pg_dump that somebody else made, on a real server: what is taken, what is refused, what is left behind."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING, LIVE
from ansible_collections.relocate.django.plugins.module_utils._engines.foreign import (
    PG_CUSTOM,
    PG_DIRECTORY,
    PG_PLAIN,
    PG_TAR,
    ForeignDump,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.engine import PostgresqlEngine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from tests.engines.postgresql_cluster import Cluster, Make
from tests.engines.test_postgresql import SITE

psycopg2 = pytest.importorskip("psycopg2")

USER, PASSWORD = "shop", "a secret"
KINDS = {PG_PLAIN: "plain", PG_CUSTOM: "custom", PG_TAR: "tar", PG_DIRECTORY: "directory"}


def prepare(server: Cluster) -> None:
    server.psql("postgres", f"CREATE ROLE shop LOGIN PASSWORD '{PASSWORD}'")
    server.psql("postgres", "CREATE ROLE reader")
    server.psql("postgres", "CREATE ROLE other LOGIN PASSWORD 'x'")
    server.psql("postgres", "CREATE DATABASE site OWNER shop")
    server.psql("postgres", "CREATE DATABASE live OWNER shop")
    server.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", SITE], {"PGDATABASE": "site"})
    # As a managed server's dump: another owner, rights of others, an extension's.
    server.psql("site", "ALTER TABLE word OWNER TO other; GRANT SELECT ON word TO reader, shop")
    server.psql("live", "CREATE TABLE kept (a int); INSERT INTO kept VALUES (1); ALTER TABLE kept OWNER TO shop")


def dumped(cluster: Cluster, directory: Path, kind: str, *more: str) -> Path:
    """Dump the site with the plain tool."""
    os.chmod(directory, 0o777)
    for parent in directory.parents:
        with contextlib.suppress(PermissionError):
            parent.chmod(parent.stat().st_mode | 0o055)
    path = directory / f"dump-{kind}"
    cluster.run(["pg_dump", f"--format={KINDS[kind]}", f"--file={path}", *more], {"PGDATABASE": "site"})
    subprocess.run(["chmod", "-R", "a+rX", str(path)], check=True)
    return path


@contextlib.contextmanager
def foreign(kind: str, path: Path) -> Iterator[ForeignDump]:
    """Open a dump as the module does."""
    scratch = path.parent / "scratch"
    scratch.mkdir(mode=0o777, exist_ok=True)
    opened = path / "toc.dat" if path.is_dir() else path
    with opened.open("rb", buffering=0) as stream:
        yield ForeignDump(kind, str(path), stream, scratch=str(scratch))


@pytest.mark.drawn(2)
@pytest.mark.parametrize("kind", KINDS)
def test_each_form_is_adopted(make: Make, cluster: Cluster, tmp_path: Path, kind: str) -> None:
    engine, model = make("live"), make("site")
    path = dumped(cluster, tmp_path, kind)
    with model.snapshot(LIVE) as snapshot:
        wanted = snapshot.state()
    with foreign(kind, path) as dump:
        assert engine.examine(dump)[0].startswith("made by pg_dump ")
        with engine.adopted(dump) as config:
            copy = PostgresqlEngine(config, engine.context)
            facts = copy.describe()
            with copy.snapshot(LIVE) as snapshot:
                ours, found = snapshot.dump(str(tmp_path)), snapshot.state()
        engine.drop(INCOMING)
    assert "citext" in facts.extensions
    # The set's own dump of it loads, and holds the same.
    engine.load(str(tmp_path), ours, facts)
    with engine.snapshot(INCOMING) as snapshot:
        assert engine.differences(found, snapshot.state()) == []
    engine.drop(INCOMING)
    assert {table.name: (table.rows, table.fingerprint) for table in found.tables} == {
        table.name: (table.rows, table.fingerprint) for table in wanted.tables
    }
    assert (found.large_objects, found.objects) == (wanted.large_objects, wanted.objects)
    assert [(item.name, item.last_value) for item in found.sequences] == [
        (item.name, item.last_value) for item in wanted.sequences
    ]
    assert cluster.psql("live", "SELECT a FROM kept").strip() == "1"
    assert any("left out" in note and "rights" in note for note in engine.context.notes)


@pytest.mark.drawn(3)
@pytest.mark.parametrize("kind", [PG_CUSTOM, PG_TAR, PG_DIRECTORY])
def test_an_archive_that_was_cut_anywhere_is_refused(make: Make, cluster: Cluster, tmp_path: Path, kind: str) -> None:
    engine, path = make("live"), dumped(cluster, tmp_path, kind)
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    draw = random.Random(kind)
    for _time in range(20):
        cut = draw.choice([file for file in files if file.stat().st_size > 30])
        whole = cut.read_bytes()
        cut.write_bytes(whole[: draw.randrange(len(whole) - 20)])
        with foreign(kind, path) as dump, pytest.raises(RelocateError) as refusal, engine.adopted(dump):
            pass
        assert refusal.value.code == "dump_truncated", (cut, refusal.value)
        cut.write_bytes(whole)
    assert not engine.exists(INCOMING)


EVIL = {
    "a shell": r"\! touch /tmp/evil",
    "a program": "COPY word FROM PROGRAM 'id';",
    "a file": "COPY word FROM '/etc/passwd';",
    "out": "COPY word TO PROGRAM 'id';",
    "another database": "\\connect live\nDROP TABLE kept;\n\\connect third",
    "a drop": "DROP DATABASE live;\nDROP DATABASE site;",
    "a role": "ALTER ROLE shop SUPERUSER;",
    "a password": "ALTER USER shop PASSWORD 'x';",
    "do": "DO $$ BEGIN END $$;",
    "a call": "SELECT pg_catalog.pg_read_file('/etc/passwd');",
    "a call in a call": "SELECT pg_catalog.setval('a', (SELECT 1));",
    "a setting": "SET session_replication_role = 'replica';",
    "a command in a statement": "SELECT 1 \\gexec\n;",
    "a catalogue": "UPDATE pg_catalog.pg_class SET relname = 'x';",
    "a tablespace": "CREATE TABLESPACE t LOCATION '/tmp';",
    "a system": "ALTER SYSTEM SET port = 1;",
}


@pytest.mark.drawn(4)
@pytest.mark.parametrize("name", EVIL)
def test_what_leads_out_is_refused_before_anything_is_made(
    make: Make, cluster: Cluster, tmp_path: Path, name: str
) -> None:
    engine, path = make("live"), tmp_path / "evil.sql"
    path.write_text(f"CREATE TABLE t (a int);\nINSERT INTO t VALUES (1);\n{EVIL[name]}\n")
    with foreign(PG_PLAIN, path) as dump, pytest.raises(RelocateError) as refusal, engine.adopted(dump):
        pass
    assert refusal.value.code == "dump_refused", refusal.value
    assert not engine.exists(INCOMING)
    assert "/etc" not in str(refusal.value), "what the dump holds is not shown"


def test_what_a_function_does_outside_is_taken_back(make: Make, cluster: Cluster, tmp_path: Path) -> None:
    engine, path = make("live"), tmp_path / "evil.sql"
    path.write_text(
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN\n"
        "EXECUTE 'ALTER ROLE shop SET search_path TO evil'; RETURN 1; END $$;\n"
        "CREATE TABLE t (a int DEFAULT f());\nINSERT INTO t VALUES (DEFAULT);\n"
    )
    with foreign(PG_PLAIN, path) as dump, pytest.raises(RelocateError) as refusal, engine.adopted(dump):
        pass
    assert refusal.value.code == "dump_refused", refusal.value
    assert not cluster.psql(
        "postgres", "SELECT setconfig FROM pg_db_role_setting WHERE setconfig::text ~ 'evil'"
    ).strip()
    assert not engine.exists(INCOMING)


def test_a_superuser_loads_nobodys_dump(make: Make, cluster: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "d.sql"
    path.write_text("CREATE TABLE t (a int);\n")
    engine = make("live")
    cluster.psql("postgres", "ALTER ROLE shop SUPERUSER")
    try:
        with foreign(PG_PLAIN, path) as dump, pytest.raises(RelocateError) as refusal, engine.adopted(dump):
            pass
    finally:
        cluster.psql("postgres", "ALTER ROLE shop NOSUPERUSER")
    assert refusal.value.code == "superuser_refused"
