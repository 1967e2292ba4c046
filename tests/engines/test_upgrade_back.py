# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way back from an upgrade that migrations have left half way, on each engine's own server."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import (
    DISCARDED,
    INCOMING,
    LIVE,
    PREVIOUS,
    EngineContext,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.engine import MysqlEngine
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite.engine import SqliteEngine
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, Login
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from ansible_collections.relocate.django.plugins.module_utils._steps import upgrade_switch
from ansible_collections.relocate.django.plugins.module_utils._steps.proof import state_of
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user
from tests.engines import postgresql_cluster
from tests.engines.mysql_server import MysqlServer
from tests.unit.fakes import me
from tests.unit.plugins.module_utils._project.test_environments import word_of
from tests.unit.plugins.module_utils._project.test_other_code import seen
from tests.unit.plugins.module_utils._steps.test_upgrade_switch import World, without_built

TABLE = "create table note (id integer primary key, text varchar(9)); insert into note values (1, 'kept'), (2, 'too')"
#: What is done of a migration before it raises, statement by statement: MariaDB takes none of it back.
HALF = ["alter table note add column colour varchar(9)", "delete from note where id = 2", "create table half (id int)"]

Found = tuple[Any, Callable[[str], Any]]


@contextlib.contextmanager
def _postgresql(store: SecretStore, _path: Path) -> Iterator[Found]:
    with postgresql_cluster.running() as cluster:
        cluster.psql("postgres", "create role shop login password 'pw'")
        cluster.psql("postgres", "create database shop owner shop")
        make = postgresql_cluster.maker(cluster, store, "shop", "pw")
        yield make("shop"), lambda text: cluster.psql("shop", f"set role shop; {text}")


@contextlib.contextmanager
def _mysql(store: SecretStore, _path: Path) -> Iterator[Found]:
    server = MysqlServer()
    try:
        server.start()
        values = {"user": "shop", "password": "pw", "host": "127.0.0.1", "port": server.port}
        config = DatabaseConfig("default", "mysql", "django.db.backends.mysql", "shop", **values)  # type: ignore[arg-type]
        owner = lookup_user("nobody") if os.geteuid() == 0 else None
        admin = Login(user="root", unix_socket=server.socket)
        engine = MysqlEngine(config, EngineContext(store, owner=owner, admin=admin, compression="none"))
        engine.create_blank()
        yield engine, lambda text: server.sql(text, "shop")
    finally:
        server.remove()


@contextlib.contextmanager
def _sqlite(store: SecretStore, path: Path) -> Iterator[Found]:
    file = path / "db.sqlite3"

    def sql(text: str) -> None:
        with contextlib.closing(sqlite3.connect(file)) as connection:
            connection.executescript(text)

    config = DatabaseConfig("default", "sqlite", "django.db.backends.sqlite3", str(file))
    yield SqliteEngine(config, EngineContext(store, owner=me(), compression="none")), sql


SERVERS = {"postgresql": _postgresql, "mysql": _mysql, "sqlite": _sqlite}


@pytest.mark.parametrize("name", SERVERS)
def test_the_way_back(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for directory in (tmp_path, *tmp_path.parents):
        if str(directory).startswith("/tmp/"):
            with contextlib.suppress(OSError):
                directory.chmod(0o711)
    owner = lookup_user("nobody") if name == "mysql" and os.geteuid() == 0 else None
    with SecretStore(str(tmp_path / "secrets"), owner) as store, SERVERS[name](store, tmp_path) as (engine, sql):
        sql(TABLE)
        was = state_of(engine, LIVE, "")
        world = World(tmp_path / "site", monkeypatch) if (tmp_path / "site").mkdir() is None else None
        assert world is not None
        world.engines = {"default": engine}
        code = seen(world.top)
        world.upgrade("begun")
        dump = tmp_path / "dump"
        dump.mkdir()
        if owner:
            os.chown(dump, owner.uid, owner.gid)
        with engine.snapshot() as snapshot:
            made = snapshot.dump(str(dump))
        engine.load(str(dump), made, engine.describe())
        engine.swap()
        upgrade_switch.switched(world.options("switched"))
        for statement in HALF:
            sql(statement)
        assert state_of(engine, LIVE, was.method) != was and word_of(world.venv) == "second"
        found = world.back()
        assert found["put_back"] and found["notes"] == []
        assert state_of(engine, LIVE, was.method) == was
        assert [which for which in (INCOMING, PREVIOUS, DISCARDED) if engine.exists(which)] == []
        assert seen(world.top) == code and word_of(world.venv) == "first"
        assert without_built(world.back()) == {"changed": False, "put_back": False, "notes": []}
