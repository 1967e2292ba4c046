# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sites on two engines are copied while they serve, go on writing, and are moved with the real playbook."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.engines import local_site, mysql_server, postgresql_cluster
from tests.engines.local_site import FILES, PREFIX, LocalSite

SETTINGS = """
import os
DATABASES["default"] = {
    "ENGINE": "django.db.backends.postgresql", "NAME": os.environ.get("NAME", "shop"), "USER": "shop", "PASSWORD": "pw",
    "HOST": "127.0.0.1", "PORT": os.environ.get("DBPORT"),
}
"""
MARIADB = """
import os
import pymysql
pymysql.install_as_MySQLdb()
pymysql.version_info = (9, 9, 9, "final", 0)
DATABASES["default"] = {
    "ENGINE": "django.db.backends.mysql", "NAME": os.environ.get("NAME", "shop"), "USER": "shop", "PASSWORD": "pw",
    "HOST": "127.0.0.1", "PORT": os.environ.get("DBPORT"),
}
"""
LATER = (
    "set role shop; update notes_note set text = 'later' where id = 2; delete from notes_note where id = 3;"
    " insert into notes_note (text) values ('more')"
)


@pytest.fixture(name="cluster")
def _cluster() -> Iterator[postgresql_cluster.Cluster]:
    with postgresql_cluster.running() as cluster:
        cluster.psql("postgres", "create role shop login password 'pw'")
        cluster.psql("postgres", "create role boss superuser login password 'boss'")
        cluster.psql("postgres", "create database shop owner shop")
        yield cluster


def make(site: LocalSite, port: int, monkeypatch: pytest.MonkeyPatch, settings: str = SETTINGS) -> None:
    """Make the site, whose first database is on a server."""
    monkeypatch.setitem(local_site.FILES, f"{PREFIX}/settings.py", FILES[f"{PREFIX}/settings.py"] + settings)
    monkeypatch.setitem(local_site.FILES, ".gitignore", FILES[".gitignore"] + ".env\n")
    monkeypatch.setenv("DBPORT", str(port))
    site.make()
    (site.old / PREFIX / ".env").write_text(f"NAME=shop\nDBPORT={port}\n")
    site.variables.update(
        relocate_env_files=[".env"],
        relocate_files=[".env"],
        relocate_env_overrides={".env": {"NAME": "shop2"}},
        relocate_login={"user": "boss", "password": "boss", "host": "127.0.0.1", "port": port},
        relocate_first_copy="always",
    )


def once_copied(site: LocalSite, act: Callable[[], Any]) -> threading.Thread:
    """Do something between the copy and the freeze: as soon as new notes that it holds the copy."""

    def wait() -> None:
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            for path in (site.base / "new" / "work").glob("**/notes.json"):
                if json.loads(path.read_text() or "{}").get("copied"):
                    act()
                    return
            time.sleep(0.1)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def write_to_both(site: LocalSite, write: Callable[[], Any]) -> None:
    """Let the site go on writing, to tables and to what they are."""
    write()
    with contextlib.closing(sqlite3.connect(site.old / PREFIX / "legacy.sqlite3")) as connection, connection:
        connection.execute("alter table invoice add column paid integer default 1")
        connection.execute("insert into invoice (total) values (9)")


def move(site: LocalSite, write: Callable[[], Any]) -> str:
    """Move the site, which goes on writing to both of its databases until its freeze; both are caught up with."""
    thread = once_copied(site, lambda: write_to_both(site, write))
    rc, said = site.play()
    thread.join(timeout=5)
    assert rc == 0 and not thread.is_alive(), said[-9000:]
    invoices = "select * from invoice order by id"
    assert site.rows(site.new, "legacy.sqlite3", invoices) == [(1, 7, 1), (2, 8, 1), (3, 9, 1)]
    assert (site.new / PREFIX / "legacy.sqlite3").read_bytes() == (site.old / PREFIX / "legacy.sqlite3").read_bytes()
    assert "carried once more" not in said, said[-9000:]
    made = next((site.base / "new" / "work" / "sets" / "notes").glob("*/manifest.json"))
    entries = json.loads(made.read_text())["databases"]
    assert {alias: entry["catch_up"] for alias, entry in entries.items()} == {
        "default": "databases/default.catchup",
        "legacy": "databases/legacy.catchup",
    }
    assert not list((site.new / PREFIX).glob("*__*"))
    return " ".join(said.split())


@pytest.mark.drawn(5, of="local moves")
def test_what_changed_since_the_copy_is_there(
    cluster: postgresql_cluster.Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = LocalSite(tmp_path)
    make(site, cluster.port, monkeypatch)
    cluster.psql("shop", "insert into notes_note (text) select 'note ' || i from generate_series(1, 5) as i")
    cluster.psql("shop", "alter table notes_note owner to shop")
    site.variables["relocate_proof"] = "changed"
    said = move(site, lambda: cluster.psql("shop", LATER))
    assert "NOT asked: all of content (" in said and "not written to since the first copy: by count only)" in said
    rows = "select id, text from notes_note order by id"
    assert cluster.psql("shop2", rows) == cluster.psql("shop", rows) and "later" in cluster.psql("shop2", rows)
    left = "select datname from pg_database where datname like 'shop%' order by 1"
    assert cluster.psql("postgres", left).split() == ["shop", "shop2"]
    assert cluster.psql("postgres", "select count(*) from pg_db_role_setting").strip() == "0"


@pytest.mark.drawn(5, of="local moves")
def test_what_changed_since_the_copy_is_replicated(
    cluster: postgresql_cluster.Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = LocalSite(tmp_path)
    make(site, cluster.port, monkeypatch)
    site.variables["relocate_replicate"] = True
    del site.variables["relocate_first_copy"]
    cluster.psql("shop", "insert into notes_note (text) select 'note ' || i from generate_series(1, 5) as i")
    cluster.psql("shop", "alter table notes_note owner to shop; create table shop_log (n int);")
    cluster.psql("shop", "alter table shop_log owner to shop; alter database shop owner to shop")
    site.variables["relocate_old_login"] = site.variables["relocate_login"]
    # What old's server lacks is an obstacle while old serves, with what to type; it is not changed for the user.
    rc, said = site.play()
    assert rc != 0 and "ALTER SYSTEM SET wal_level = 'logical'; then restart PostgreSQL" in said, said[-9000:]
    assert cluster.psql("postgres", "show wal_level").strip() == "replica"
    cluster.psql("postgres", "alter system set wal_level = 'logical'")
    cluster.run(["pg_ctl", "-D", cluster.directory + "/data", "-w", "-l", cluster.directory + "/log", "restart"])
    move(site, lambda: cluster.psql("shop", LATER + "; insert into shop_log values (1)"))
    for rows in ("select id, text from notes_note order by id", "select * from shop_log"):
        assert cluster.psql("shop2", rows) == cluster.psql("shop", rows)
    assert "later" in cluster.psql("shop2", "select text from notes_note")
    made = next((site.base / "new" / "work" / "sets" / "notes").glob("*/manifest.json"))
    manifest = json.loads(made.read_text())
    assert {alias: entry["changes"] for alias, entry in manifest["databases"].items()} == {
        "default": "changes/default",
        "legacy": "",
    }
    assert [item["path"] for item in manifest["files"] if item["path"].startswith("changes/")]
    left = "select slot_name from pg_replication_slots union all select pubname from pg_publication"
    assert [cluster.psql(name, left).strip() for name in ("shop", "shop2")] == ["", ""]
    assert cluster.psql("shop2", "select nspname from pg_namespace where nspname like 'relocate%'").strip() == ""


@pytest.mark.drawn(5, of="local moves")
def test_what_changed_in_mariadb_since_the_copy_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if mysql_server.program() is None:
        pytest.skip("no MariaDB server program on this machine")
    server = mysql_server.MysqlServer()
    try:
        server.start()
        server.sql(
            "create database shop; create user shop@localhost identified by 'pw'; grant all on shop.* to shop@localhost"
            "; create user boss@localhost identified by 'boss'; grant all on *.* to boss@localhost with grant option"
        )
        site = LocalSite(tmp_path)
        make(site, server.port, monkeypatch, MARIADB)
        server.sql("insert into notes_note (text) select concat('note ', seq) from seq_1_to_5", "shop")
        server.sql(
            "create table told (what text); create definer = shop@localhost trigger tells after insert on notes_note"
            " for each row insert into told values (new.text)",
            "shop",
        )
        later = LATER.replace("set role shop; ", "")
        move(site, lambda: server.sql(later, "shop"))
        rows = "select id, text from notes_note order by id; select * from told"
        assert server.sql(rows, "shop2") == server.sql(rows, "shop") and "later" in server.sql(rows, "shop2")
        assert (
            server.sql("select trigger_name from information_schema.triggers where trigger_schema = 'shop2'")
            == "tells\n"
        )
        names = [name for name in server.sql("show databases").split() if "shop" in name or "relocate" in name]
        assert names == ["shop", "shop2"]
    finally:
        server.remove()
