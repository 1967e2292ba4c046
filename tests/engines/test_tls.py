# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that take TLS alone, and settings that name the file of their authority: dump, load and proof go by it."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING, EngineContext
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.engine import MysqlEngine
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.engine import PostgresqlEngine
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, Login
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from tests.engines import mysql_server, postgresql_cluster
from tests.unit.fakes import reachable


@pytest.fixture(scope="module", name="certificates")
def _certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, another one, and a certificate for 127.0.0.1 that the first has signed."""
    place = reachable(tmp_path_factory.mktemp("tls"))
    text = "subjectAltName = IP:127.0.0.1, DNS:localhost\n"
    (place / "names").write_text(text)

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=place, check=True, capture_output=True)

    for name in ("ca", "other"):
        made = ("-keyout", f"{name}.key", "-out", f"{name}.pem")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", *made)
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=db", "-keyout", "db.key", "-out", "db.csr")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
    openssl("x509", "-req", "-in", "db.csr", "-out", "db.pem", *signed)
    return place


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Iterator[SecretStore]:
    with SecretStore(str(tmp_path / "work")) as store:
        yield store


def moves(old: Any, new: Any, directory: Path) -> None:
    """Dump, make, load, prove and swap."""
    directory.mkdir()
    with old.snapshot() as snapshot:
        dump = snapshot.dump(str(directory))
        recorded, facts = snapshot.state(), old.describe()
    assert new.preflight("new", facts) == []
    new.create_blank(facts)
    new.load(str(directory), dump, facts)
    with new.snapshot(INCOMING) as snapshot:
        assert new.differences(recorded, snapshot.state()) == []
    new.swap()
    assert sum(table.rows or 0 for table in recorded.tables) == 2


def test_postgresql(certificates: Path, store: SecretStore, tmp_path: Path) -> None:
    with postgresql_cluster.running() as cluster:
        data = Path(cluster.directory, "data")
        for name in ("db.pem", "db.key"):
            shutil.copy(certificates / name, data)
            (data / name).chmod(0o600)
            if cluster.user:
                shutil.chown(data / name, cluster.user)
        cluster.psql(
            "postgres", "CREATE ROLE shop LOGIN PASSWORD 'secret'; CREATE ROLE boss LOGIN CREATEDB PASSWORD 's'"
        )
        cluster.psql("postgres", "GRANT shop TO boss")
        cluster.psql("postgres", "CREATE DATABASE site OWNER shop")
        cluster.psql("site", "SET ROLE shop; CREATE TABLE public.t (n int); INSERT INTO public.t VALUES (1), (2)")
        for name, value in (("ssl_cert_file", "db.pem"), ("ssl_key_file", "db.key"), ("ssl", "on")):
            cluster.psql("postgres", f"ALTER SYSTEM SET {name} = '{value}'")
        access = "local all postgres trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n"
        (data / "pg_hba.conf").write_text(access)
        cluster.psql("postgres", "SELECT pg_reload_conf()")

        def made(name: str, authority: str = "ca.pem") -> PostgresqlEngine:
            options = {"sslmode": "verify-full", "sslrootcert": authority}
            config = DatabaseConfig("default", "postgresql", "x", name, "shop", "127.0.0.1", cluster.port, options)
            config = dataclasses.replace(config, password="secret")
            login = Login(user="boss", password="s", host="127.0.0.1", port=cluster.port)
            return PostgresqlEngine(config, EngineContext(store, admin=login, project=str(certificates)))

        moves(made("site"), made("new"), tmp_path / "dump")
        logged = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND usename = 'shop'"
        with made("new")._server.connect("new"):
            assert cluster.psql("postgres", logged).strip() == "1"
        for wrong in ("other.pem", "missing.pem"):
            [item] = made("site", wrong).preflight("old")
            assert (item.code, "sslrootcert" in item.hint) == ("server_unreachable", True), item


def test_mariadb(certificates: Path, store: SecretStore, tmp_path: Path) -> None:
    if mysql_server.program() is None:
        pytest.skip("no MariaDB server on this machine")
    server = mysql_server.MysqlServer()
    for name in ("db.pem", "db.key"):
        shutil.copy(certificates / name, server.directory)
        shutil.chown(Path(server.directory, name), server.user)
    try:
        server.start(*(f"--ssl-{word}={server.directory}/db.{end}" for word, end in (("cert", "pem"), ("key", "key"))))
        server.sql("CREATE USER shop@'%' IDENTIFIED BY 'secret' REQUIRE SSL; CREATE DATABASE site")
        server.sql("GRANT ALL ON `site%`.* TO shop@'%'; GRANT ALL ON `new%`.* TO shop@'%'")
        server.sql("CREATE TABLE t (n int PRIMARY KEY); INSERT INTO t VALUES (1), (2)", "site")

        def made(name: str, authority: str = "ca.pem") -> MysqlEngine:
            options = {"ssl": {"ca": authority}}
            config = DatabaseConfig("default", "mysql", "x", name, "shop", "127.0.0.1", server.port, options)
            config = dataclasses.replace(config, password="secret")
            login = Login(user="root", unix_socket=server.socket)
            return MysqlEngine(config, EngineContext(store, admin=login, project=str(certificates)))

        moves(made("site"), made("new"), tmp_path / "dump")
        for wrong in ("other.pem", "missing.pem"):
            [item] = made("site", wrong).preflight("old")
            assert (item.code, "ca" in item.hint) == ("server_unreachable", True), item
    finally:
        server.remove()
