# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site of this machine gets another engine in place, and is restored from its set, with the real playbooks."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engines import local_site, postgresql_cluster
from tests.engines.local_site import FILES, PREFIX, LocalSite, play, write_inventory

#: The default database is where the env file says.
SETTINGS = """
import os
if os.environ.get("ENGINE") == "postgresql":
    DATABASES["default"] = {
        "ENGINE": "django.db.backends.postgresql", "NAME": "shop", "USER": "shop", "PASSWORD": "pw",
        "HOST": "127.0.0.1", "PORT": os.environ["PORT"],
    }
"""
ENGINES = {"relocate_engines": {"default": "postgresql"}, "relocate_env_overrides": {".env": {"ENGINE": "postgresql"}}}


@pytest.fixture(name="cluster")
def _cluster() -> Iterator[postgresql_cluster.Cluster]:
    with postgresql_cluster.running() as cluster:
        cluster.psql("postgres", "create role shop login password 'pw'")
        cluster.psql("postgres", "create role boss superuser login password 'boss'")
        yield cluster


def convert(site: LocalSite, **variables: Any) -> tuple[int, str]:
    """Convert the site where it runs: its host is old's, in the group new."""
    common = {**site.common(), "relocate_aliases": ["default"]}
    return play(write_inventory(site.base, common, {"new": {"here": site.host("old")}}), "convert", **variables)


@pytest.mark.drawn(5, of="local moves")
def test_a_conversion_that_fails_is_put_back_and_the_next_one_lasts(
    cluster: postgresql_cluster.Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(local_site.FILES, f"{PREFIX}/settings.py", FILES[f"{PREFIX}/settings.py"] + SETTINGS)
    monkeypatch.setitem(local_site.FILES, ".gitignore", FILES[".gitignore"] + ".env\n")
    site = LocalSite(tmp_path, {"relocate_env_files": [".env"], "relocate_files": [".env"]})
    site.make()
    env, before = site.old / PREFIX / ".env", f"ENGINE=sqlite\nPORT={cluster.port}\n"
    env.write_text(before)
    site.manage("shell", "--command", "from notes.models import Note; Note.objects.create(text='kept')")
    rc, said = convert(site)
    assert rc != 0 and "[bad_option] nothing says which database gets which engine" in said

    login = {"user": "boss", "password": "wrong", "host": "127.0.0.1", "port": cluster.port}
    rc, said = convert(site, **ENGINES, relocate_login=login)
    last = said.rpartition("Fail with what went wrong")[2]
    assert rc != 0 and re.search(r'"code": "(?:login_failed|database_missing)"', last), said
    assert "again, from the database that it had, which this run wrote nothing to" in said, said
    assert env.read_text() == before

    rc, said = convert(site, **ENGINES, relocate_login={**login, "password": "boss"})
    assert rc == 0 and "from postgresql now; proven: rows, content, " in said, said
    assert env.read_text() == before.replace("sqlite", "postgresql")
    assert cluster.psql("shop", "select text from notes_note").split() == ["kept"]
    rc, said = convert(site, **ENGINES, relocate_login={**login, "password": "boss"})
    assert rc == 0 and "changed=0 " in said and "Freeze the site" not in said, said


@pytest.mark.drawn(5, of="local moves")
def test_a_site_is_restored_from_its_set_and_left_alone_afterwards(tmp_path: Path) -> None:
    site = LocalSite(tmp_path)
    site.make()
    site.manage("shell", "--command", "from notes.models import Note; Note.objects.create(text='kept')")
    restore = write_inventory(tmp_path, site.common(), {"new": {"new-host": site.host("new")}})
    rc, said = play(restore, "restore")
    assert rc != 0 and '"code": "set_not_found"' in said, said
    rc, said = site.play("backup")
    assert rc == 0, said
    for name in ("sets", "pins"):
        shutil.copytree(tmp_path / "old/work" / name, tmp_path / "new/work" / name, dirs_exist_ok=True)
    restore = write_inventory(tmp_path, site.common(), {"new": {"new-host": site.host("new")}})
    silent = {"relocate_answers": [{"url": "http://127.0.0.1:1/"}], "relocate_answers_timeout": 1}
    rc, said = play(restore, "restore", **silent)
    last = said.rpartition("Compare what is here with the set")[2]
    assert rc != 0 and '"code": "site_silent"' in last and "Fail with what went wrong" in last, said
    rc, said = play(restore, "restore")
    assert rc == 0 and "its manifest is the pinned one" in said, said
    assert site.rows(site.new, "db.sqlite3", "select text from notes_note") == [("kept",)]
    rc, said = play(restore, "restore")
    assert rc == 0 and "it is left as it is" in said and "changed=0 " in said, said
