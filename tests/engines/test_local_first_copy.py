# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site on PostgreSQL and SQLite is copied while it serves, goes on writing, and is moved with the real playbook."""

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

from tests.engines import local_site, postgresql_cluster
from tests.engines.local_site import FILES, PREFIX, LocalSite

SETTINGS = """
import os
DATABASES["default"] = {
    "ENGINE": "django.db.backends.postgresql", "NAME": os.environ.get("NAME", "shop"), "USER": "shop", "PASSWORD": "pw",
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


def make(site: LocalSite, cluster: postgresql_cluster.Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the site, with five notes."""
    monkeypatch.setitem(local_site.FILES, f"{PREFIX}/settings.py", FILES[f"{PREFIX}/settings.py"] + SETTINGS)
    monkeypatch.setitem(local_site.FILES, ".gitignore", FILES[".gitignore"] + ".env\n")
    monkeypatch.setenv("DBPORT", str(cluster.port))
    site.make()
    (site.old / PREFIX / ".env").write_text(f"NAME=shop\nDBPORT={cluster.port}\n")
    cluster.psql("shop", "insert into notes_note (text) select 'note ' || i from generate_series(1, 5) as i")
    cluster.psql("shop", "alter table notes_note owner to shop")
    site.variables.update(
        relocate_env_files=[".env"],
        relocate_files=[".env"],
        relocate_env_overrides={".env": {"NAME": "shop2"}},
        relocate_login={"user": "boss", "password": "boss", "host": "127.0.0.1", "port": cluster.port},
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


def write_to_both(site: LocalSite, cluster: postgresql_cluster.Cluster) -> None:
    """Let the site go on writing, to tables and to what they are."""
    cluster.psql("shop", LATER)
    with contextlib.closing(sqlite3.connect(site.old / PREFIX / "legacy.sqlite3")) as connection, connection:
        connection.execute("alter table invoice add column paid integer default 1")
        connection.execute("insert into invoice (total) values (9)")


def test_what_changed_since_the_copy_is_there(
    cluster: postgresql_cluster.Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = LocalSite(tmp_path)
    make(site, cluster, monkeypatch)
    thread = once_copied(site, lambda: write_to_both(site, cluster))
    rc, said = site.play()
    thread.join(timeout=5)
    assert rc == 0 and not thread.is_alive(), said[-9000:]
    rows = "select id, text from notes_note order by id"
    assert cluster.psql("shop2", rows) == cluster.psql("shop", rows) and "later" in cluster.psql("shop2", rows)
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
    left = "select datname from pg_database where datname like 'shop%' order by 1"
    assert cluster.psql("postgres", left).split() == ["shop", "shop2"]
    assert cluster.psql("postgres", "select count(*) from pg_db_role_setting").strip() == "0"
