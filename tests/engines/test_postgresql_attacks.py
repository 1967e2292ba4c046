# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the owner of a database, or of a backup set, tries on PostgreSQL's administrator."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Tuple

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING, LIVE
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import extensions
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts, DumpFile
from tests.engines.postgresql_cluster import Cluster, Make

pytest.importorskip("psycopg2")

USER, PASSWORD = "mallory", "known"

#: Everything that a query of ours could find in a schema of the owner's, if it looked there: each makes him superuser.
TRAP = """
CREATE SCHEMA trap;
CREATE FUNCTION trap.win() RETURNS void LANGUAGE plpgsql AS $$BEGIN
    EXECUTE 'ALTER ROLE mallory SUPERUSER';
EXCEPTION WHEN insufficient_privilege THEN NULL;
END$$;
"""
TYPES = ("text", "name", "oid", "boolean", '"char"', "int4", "int8")


def traps() -> str:
    """Operators and functions that are found before pg_catalog's own."""
    made = [TRAP]
    for kind in TYPES:
        for name, symbol in (("eq", "="), ("ne", "<>")):
            made.append(
                f"CREATE FUNCTION trap.{name}({kind}, {kind}) RETURNS boolean LANGUAGE plpgsql AS"
                f" $$BEGIN PERFORM trap.win(); RETURN $1 OPERATOR(pg_catalog.{symbol}) $2; END$$;"
                f"CREATE OPERATOR trap.{symbol} (FUNCTION = trap.{name}, LEFTARG = {kind}, RIGHTARG = {kind});"
            )
    made.append(
        "CREATE FUNCTION trap.current_setting(text) RETURNS text LANGUAGE plpgsql AS"
        " $$BEGIN PERFORM trap.win(); RETURN pg_catalog.current_setting($1); END$$;"
    )
    return "".join(made)


def prepare(server: Cluster) -> None:
    server.psql("postgres", "CREATE ROLE mallory LOGIN PASSWORD 'known'; CREATE ROLE bystander")


@pytest.fixture(name="trapped")
def _trapped(cluster: Cluster) -> Iterator[str]:
    """A database whose owner waits for an administrator."""
    cluster.psql("postgres", "DROP DATABASE IF EXISTS trapped")
    cluster.psql("postgres", "CREATE DATABASE trapped OWNER mallory")
    cluster.psql("trapped", "SET ROLE mallory; " + traps())
    cluster.psql("trapped", "SET ROLE mallory; ALTER DATABASE trapped SET search_path = trap, pg_catalog")
    yield "trapped"
    cluster.psql("postgres", "ALTER ROLE mallory NOSUPERUSER")
    cluster.psql("postgres", "DROP DATABASE trapped WITH (FORCE)")


def is_superuser(cluster: Cluster) -> bool:
    return cluster.psql("postgres", "SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'").strip() == "t"


def test_the_trap_works_on_a_session_that_looks_there(cluster: Cluster, trapped: str) -> None:
    cluster.psql(trapped, "SELECT 1 FROM pg_settings WHERE name = 'x'::text")
    assert is_superuser(cluster)


def test_a_wrong_password_brings_no_administrator_into_the_trap(cluster: Cluster, trapped: str, make: Make) -> None:
    engine = make(trapped, password="wrong")
    assert engine.describe().exists
    assert not is_superuser(cluster)
    engine.preflight("new", engine.describe())
    engine.sessions(terminate=True)
    with engine._server.admin(trapped) as session:
        assert session.value("SHOW search_path") == "pg_catalog"
    assert not is_superuser(cluster)


def test_a_trigger_on_login_does_not_run_as_administrator(cluster: Cluster, trapped: str, make: Make) -> None:
    """A superuser made it, and its function is the owner's: what that does is up to him."""
    if int(cluster.psql("postgres", "SHOW server_version_num")) < 170000:
        pytest.skip("triggers on login came with PostgreSQL 17")
    cluster.psql(
        trapped,
        "CREATE FUNCTION public.greet() RETURNS event_trigger LANGUAGE plpgsql AS"
        " $$BEGIN PERFORM trap.win(); END$$; ALTER FUNCTION public.greet() OWNER TO mallory;"
        " CREATE EVENT TRIGGER greet ON login EXECUTE FUNCTION public.greet(); ALTER EVENT TRIGGER greet ENABLE ALWAYS",
    )
    engine = make(trapped, password="wrong")
    assert engine.describe().exists
    with engine._server.admin(trapped) as session:
        assert session.value("SHOW event_triggers") == "off"
    assert not is_superuser(cluster)
    cluster.psql(trapped, "SELECT 1")
    assert is_superuser(cluster)


def test_an_event_trigger_that_came_with_a_set_is_named(cluster: Cluster, make: Make, tmp_path: Any) -> None:
    cluster.psql("postgres", "CREATE DATABASE watched OWNER mallory")
    cluster.psql(
        "watched",
        "CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN END$$;"
        " CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION watch()",
    )
    engine, new = make("watched"), make("watcher")
    try:
        with engine.snapshot() as snapshot:
            dump, facts = snapshot.dump(str(tmp_path)), engine.describe()
        assert any("event trigger watch" in item.msg for item in new.preflight("new", facts))
        cluster.psql("postgres", "ALTER ROLE mallory SUPERUSER")
        assert not any("event trigger watch" in item.msg for item in new.preflight("new", facts))
        new.load(str(tmp_path), dump, facts)
        assert [note for note in new.context.notes if "event trigger watch came with the set" in note]
    finally:
        cluster.psql("postgres", "ALTER ROLE mallory NOSUPERUSER")
        for name in ("watched", "watcher__incoming"):
            cluster.psql("postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(name="taken")
def _taken(cluster: Cluster, make: Make, tmp_path: Any) -> Iterator[Tuple[str, DumpFile, DatabaseFacts]]:
    """A dump of a small database; what is made of it is called ``placed``."""
    cluster.psql("postgres", "DROP DATABASE IF EXISTS small")
    cluster.psql("postgres", "CREATE DATABASE small OWNER mallory")
    cluster.psql("small", "SET ROLE mallory; CREATE TABLE t (a int)")
    engine = make("small")
    with engine.snapshot() as snapshot:
        yield str(tmp_path), snapshot.dump(str(tmp_path)), engine.describe()
    for name in ("small", "placed", "placed__incoming"):
        cluster.psql("postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    cluster.psql("postgres", "ALTER ROLE mallory RESET ALL")


Taken = Tuple[str, DumpFile, DatabaseFacts]


def test_settings_for_superusers_are_not_replayed(cluster: Cluster, make: Make, taken: Taken) -> None:
    """A set says what it likes: what the role could not set itself is left out, and named."""
    directory, dump, facts = taken
    edited = dataclasses.replace(
        facts,
        settings=(
            "owner: work_mem=5MB",
            "owner: session_preload_libraries=/home/mallory/evil",
            "owner here: role=postgres",
            "session_preload_libraries=/home/mallory/evil",
            "plperl.on_plperlu_init=evil",
            "auto_explain.log_min_duration=0",
            "log_statement=all",
            "no_such_setting=1",
            "app.colour=blue",
        ),
    )
    engine = make("placed")
    assert engine.preflight("new", edited) == []
    engine.load(directory, dump, edited)
    found = cluster.psql("postgres", "SELECT unnest(setconfig) FROM pg_db_role_setting ORDER BY 1").split()
    assert found == ["app.colour=blue", "work_mem=5MB"]
    notes = " ".join(engine.context.notes)
    for name in ("session_preload_libraries", "role", "plperl.on_plperlu_init", "auto_explain.", "log_statement"):
        assert "database setting " + name in notes
    assert "no_such_setting is unknown" in notes


def test_a_setting_that_new_refuses_is_told_before(make: Make, taken: Taken) -> None:
    _directory, _dump, facts = taken
    edited = dataclasses.replace(facts, settings=("default_tablespace=fast_disks", "work_mem=1MB"))
    found = make("placed").preflight("new", edited)
    assert [item.code for item in found] == ["query_failed"]
    assert "default_tablespace" in found[0].msg
    assert "RESET default_tablespace" in found[0].hint


def test_untrusted_extensions_take_an_administrators_word(cluster: Cluster, make: Make, taken: Taken) -> None:
    directory, dump, facts = taken
    names = ("citext", "dblink", "earthdistance")
    wanted = dataclasses.replace(
        facts, extensions=dict.fromkeys(names, "1"), extension_schemas=dict.fromkeys(names, "public")
    )
    engine = make("placed")
    found = engine.preflight("new", wanted)
    assert [(item.code, item.msg.split()[1]) for item in found] == [("right_missing", "dblink")]
    with pytest.raises(RelocateError) as caught:
        engine.load(directory, dump, wanted)
    assert (caught.value.code, "dblink" in caught.value.msg) == ("right_missing", True)
    assert not engine.exists(INCOMING)
    # What the hint says helps.
    cluster.psql("postgres", "CREATE DATABASE placed")
    assert 'CREATE DATABASE "placed"; then in the database placed: CREATE EXTENSION "dblink"' in found[0].hint
    cluster.psql("placed", 'CREATE EXTENSION "dblink"')
    assert engine.preflight("new", wanted) == []
    engine.load(directory, dump, wanted)
    made = cluster.psql("placed__incoming", "SELECT extname FROM pg_extension ORDER BY 1").split()
    assert made == ["citext", "cube", "dblink", "earthdistance", "plpgsql"]
    assert engine.exists(LIVE)


def test_nobody_is_in_while_extensions_are_made(
    cluster: Cluster, make: Make, taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scripts of extensions run as a superuser: the owner must not be there to plant what they would find."""
    directory, dump, facts = taken
    met = []
    real = extensions.create_extensions

    def watched(*args: Any) -> Any:
        with pytest.raises(RelocateError) as caught:
            make("placed__incoming")._server.connect("placed__incoming")
        met.append(caught.value.msg)
        return real(*args)

    monkeypatch.setattr(extensions, "create_extensions", watched)
    engine = make("placed")
    engine.load(directory, dump, facts)
    assert "too many connections" in met[0]
    with engine.incoming(facts):
        make("placed__incoming")._server.connect("placed__incoming").close()
    assert len(met) == 2
