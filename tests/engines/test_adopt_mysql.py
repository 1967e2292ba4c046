# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dumps of mysqldump that somebody else made, on a real MariaDB: what is taken, what is refused, what is left alone."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING, LIVE, EngineContext
from ansible_collections.relocate.django.plugins.module_utils._engines.foreign import MYSQL_SQL, ForeignDump
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.engine import MysqlEngine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, Login
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from tests.engines import mysql_server
from tests.engines.mysql_server import MysqlServer
from tests.engines.test_mysql import AWKWARD

pymysql = pytest.importorskip("pymysql")
PASSWORD = "a secret"


@pytest.fixture(name="server", scope="module")
def _server() -> Iterator[MysqlServer]:
    if mysql_server.program() is None:
        pytest.skip("no MariaDB server program on this machine")
    one = MysqlServer()
    try:
        one.start()
        for name in ("site", "live", "other"):
            one.sql(f"CREATE DATABASE {name}")
            one.sql(f"GRANT ALL ON {name}.* TO 'shop'@'localhost' IDENTIFIED BY '{PASSWORD}'")
        one.sql("CREATE TABLE kept (a int); INSERT INTO kept VALUES (1)", "live")
        one.sql("CREATE TABLE kept (a int); INSERT INTO kept VALUES (1)", "other")
        one.sql(AWKWARD, "site")
        one.sql("UPDATE odd SET f = 1.5 WHERE id = 1", "site")  # mysqldump writes six digits of a FLOAT
        yield one
    finally:
        one.remove()


@pytest.fixture(name="engines")
def _engines(server: MysqlServer, tmp_path: Path) -> Iterator[dict[str, MysqlEngine]]:
    admin = Login(user="root", unix_socket=server.socket)
    with SecretStore(str(tmp_path / "work")) as store:
        made = {}
        for name in ("site", "live"):
            config = DatabaseConfig(
                "default", "mysql", "django.db.backends.mysql", name, user="shop", host="127.0.0.1", port=server.port,
                password=PASSWORD,
            )  # fmt: skip
            made[name] = MysqlEngine(config, EngineContext(store, None, admin, jobs=2))
        yield made


def dumped(server: MysqlServer, path: Path, *more: str) -> Path:
    """Dump the site with the plain tool, as root."""
    program = shutil.which("mariadb-dump") or shutil.which("mysqldump") or "mysqldump"
    argv = [program, "--no-defaults", "-uroot", f"--socket={server.socket}", "--routines", "--events", *more]
    subprocess.run([*argv, f"--result-file={path}", *([] if "--databases" in more else ["site"])], check=True)
    return path


@contextlib.contextmanager
def foreign(path: Path) -> Iterator[ForeignDump]:
    """Open a dump as the module does."""
    with path.open("rb", buffering=0) as stream:
        yield ForeignDump(MYSQL_SQL, str(path), stream)


@pytest.mark.drawn(3)
@pytest.mark.parametrize("more", [[], ["--skip-extended-insert", "--hex-blob"], ["--databases", "site"]])
def test_a_dump_is_adopted(
    server: MysqlServer, engines: dict[str, MysqlEngine], tmp_path: Path, more: list[str]
) -> None:
    path, engine = dumped(server, tmp_path / "site.sql", *more), engines["live"]
    with engines["site"].snapshot(LIVE) as snapshot:
        wanted = snapshot.state()
    with foreign(path) as dump:
        assert engine.examine(dump)[0].startswith("made by MariaDB ")
        with engine.adopted(dump) as config:
            copy = MysqlEngine(config, engine.context)
            facts = copy.describe()
            with copy.snapshot(LIVE) as snapshot:
                ours, found = snapshot.dump(str(tmp_path)), snapshot.state()
        engine.drop(INCOMING)
    # The set's own dump of it loads under live's name, and holds the same.
    engine.load(str(tmp_path), ours, dataclasses.replace(facts, details={**facts.details, "database": "live"}))
    with engine.snapshot(INCOMING) as snapshot:
        assert engine.differences(found, snapshot.state()) == []
    engine.drop(INCOMING)
    assert {table.name: (table.rows, table.fingerprint) for table in found.tables} == {
        table.name: (table.rows, table.fingerprint) for table in wanted.tables
    }
    assert found.objects == wanted.objects
    assert server.sql("SELECT a FROM live.kept").strip() == "1"
    assert not [name for name in server.sql("SHOW DATABASES").split() if name.startswith("live_")]
    assert not server.sql("SELECT User FROM mysql.user WHERE User LIKE 'relocate%'").strip()
    notes = " ".join(engine.context.notes)
    assert "its definer was" in notes and "event runs is in the set, and rests" in notes


HEAD = "-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB\n/*!40103 SET TIME_ZONE='+00:00' */;\n"
ROWS = "CREATE TABLE t (a int);\nINSERT INTO t VALUES (1);\n"
EVIL = {
    "use": "USE other;\nDROP TABLE kept;\nUSE third;",
    "drop": "DROP DATABASE live;\nDROP DATABASE other;",
    "qualified": "INSERT INTO other.kept VALUES (2);",
    "hidden": "/*!50003 INSERT INTO other.kept VALUES (2) */;",
    "shell": "\\! touch /tmp/evil",
    "source": "source /etc/passwd;",
    "system": "system id;",
    "file": "LOAD DATA INFILE '/etc/passwd' INTO TABLE t;",
    "out": "SELECT * FROM t INTO OUTFILE '/tmp/evil';",
    "user": "CREATE USER x;",
    "grant": "GRANT ALL ON *.* TO x;",
    "password": "SET PASSWORD = 'x'; DELETE FROM t;",
    "update": "UPDATE t SET a = 2;",
    "query": "CREATE TABLE u (a int) SELECT * FROM other.kept;",
    "elsewhere": "CREATE TABLE u (a int) ENGINE=FEDERATED CONNECTION='mysql://a@b/c/d';",
    "union": "CREATE TABLE u (a int) ENGINE=MRG_MYISAM UNION=(other.kept);",
    "two in one": "DELIMITER ;;\nINSERT INTO t VALUES (2); CREATE TABLE u (a int);;\n",
    "install": "INSTALL SONAME 'ha_connect';",
    "charset": "SET NAMES sjis;",
}


@pytest.mark.drawn(5)
@pytest.mark.parametrize("name", EVIL)
def test_what_leads_out_is_refused(
    engines: dict[str, MysqlEngine], server: MysqlServer, tmp_path: Path, name: str
) -> None:
    engine, path = engines["live"], tmp_path / "evil.sql"
    path.write_text(HEAD + ROWS + EVIL[name] + "\n")
    with foreign(path) as dump, pytest.raises(RelocateError) as refusal, engine.adopted(dump):
        pass
    assert refusal.value.code == ("load_failed" if name == "two in one" else "dump_refused"), refusal.value
    assert not engine.exists(INCOMING)
    assert server.sql("SELECT (SELECT COUNT(*) FROM live.kept), (SELECT COUNT(*) FROM other.kept)").split() == [
        "1",
        "1",
    ]
    assert "/etc" not in str(refusal.value) and not os.path.exists("/tmp/evil")


def test_rows_that_call_reach_nothing(engines: dict[str, MysqlEngine], server: MysqlServer, tmp_path: Path) -> None:
    """The account of the load has no right on another database, whatever an expression asks for."""
    engine, path = engines["live"], tmp_path / "evil.sql"
    path.write_text(HEAD + ROWS + "INSERT INTO t VALUES ((SELECT a FROM other.kept));\n")
    with foreign(path) as dump, pytest.raises(RelocateError) as refusal, engine.adopted(dump):
        pass
    assert refusal.value.code == "load_failed"
    assert not engine.exists(INCOMING)
