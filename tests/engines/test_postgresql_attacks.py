# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the owner of a database, or of a backup set, tries on PostgreSQL's administrator."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Callable, Dict

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import EngineContext
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import PostgresqlEngine
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, Login
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from tests.engines.postgresql_cluster import Cluster, binaries

pytest.importorskip("psycopg2")

Make = Callable[..., PostgresqlEngine]

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


@pytest.fixture(scope="module", name="cluster")
def _cluster() -> Iterator[Cluster]:
    directory = binaries()
    if directory is None:
        if os.environ.get("RELOCATE_LAB_REQUIRED") == "1":
            pytest.fail("no PostgreSQL server programs (initdb) on this machine")
        pytest.skip("no PostgreSQL server programs (initdb) on this machine")
    server = Cluster(directory)
    try:
        server.start()
        server.psql("postgres", "CREATE ROLE mallory LOGIN PASSWORD 'known'; CREATE ROLE bystander")
        yield server
    finally:
        server.stop()


@pytest.fixture(name="make")
def _make(cluster: Cluster, tmp_path: Any) -> Iterator[Make]:
    with SecretStore(str(tmp_path / "work")) as store:

        def make(name: str, **fields: Any) -> PostgresqlEngine:
            values: Dict[str, Any] = {
                "user": "mallory", "password": "known", "host": "127.0.0.1", "port": cluster.port, **fields
            }  # fmt: skip
            config = DatabaseConfig("default", "postgresql", "", name, **values)
            login = Login(user="postgres", unix_socket=cluster.sockets, port=cluster.port)
            return PostgresqlEngine(config, EngineContext(store, admin=login))

        yield make


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
