# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site of this machine gets another revision in place, and the way back, with the real playbooks."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engines import postgresql_cluster
from tests.engines.local_site import FILES, LATER, PREFIX, LocalSite, play, run, write_inventory
from tests.engines.mysql_server import MysqlServer

GIT = ["git", "rev-parse"]


class Upgrades:
    """A site, and what its upgrades are run with."""

    def __init__(self, base: Path, **variables: Any) -> None:
        self.site = LocalSite(base, dict(variables))
        self.first = self.site.make()
        self.branch = run("git", "symbolic-ref", "HEAD", cwd=self.site.old).stdout
        self.add("kept")

    def add(self, text: str) -> None:
        """Write a row as the site does."""
        code = f"from notes.models import Note; Note.objects.create(text='{text}')"
        self.site.manage("shell", "--command", code)

    def offer(self, files: dict[str, str], again: bool = False) -> str:
        """Make a revision that only a remote has; returns it."""
        remote = self.site.base / "remote"
        if again:
            run("git", "checkout", "--quiet", self.first, cwd=remote)
        else:
            run("git", "clone", "--quiet", self.site.old, remote, cwd=self.site.base)
        for name, text in files.items():
            (remote / name).parent.mkdir(parents=True, exist_ok=True)
            (remote / name).write_text(text, encoding="utf-8")
        run("git", "add", "--all", cwd=remote)
        done = run("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "later", cwd=remote)
        assert done.returncode == 0, done.stderr
        return run(*GIT, "HEAD", cwd=remote).stdout.strip()

    def run(self, playbook: str = "upgrade", *options: str, **variables: Any) -> tuple[int, str]:
        """Run a playbook on the one host that the site has."""
        common = {**self.site.common(), "relocate_remote": str(self.site.base / "remote")}
        inventory = write_inventory(self.site.base, common, {"new": {"here": self.site.host("old")}})
        return play(inventory, playbook, *options, **variables)

    def state(self) -> dict[str, Any]:
        """Tell code, environment, files that git does not hold, and rows."""
        top, project = self.site.old, self.site.old / PREFIX
        found: dict[str, Any] = {
            "head": run(*GIT, "HEAD", cwd=top).stdout.strip(),
            "branch": run("git", "symbolic-ref", "HEAD", cwd=top).stdout,
            "changes": run("git", "status", "--porcelain", cwd=top).stdout,
            "venv": os.readlink(project / ".venv") if (project / ".venv").is_symlink() else "directory",
            "python": run(project / ".venv/bin/python", "-c", "import django; print(1)", cwd=project).stdout,
            "beside": sorted(path.name for path in (*top.parent.iterdir(), *project.glob(".venv*"))),
        }
        for name in ("db.sqlite3", "legacy.sqlite3"):
            dump = run("sqlite3", project / name, ".dump", cwd=top).stdout
            found[name] = hashlib.sha256(dump.encode()).hexdigest()
        found["databases"] = sorted(path.name for path in project.glob("*.sqlite3*"))
        return found


#: A row that the new code wants.
GREEN = "from notes.models import Note; Note.objects.create(text='{}', colour='green')"


@pytest.mark.drawn(2, of="local moves")
def test_an_upgrade_and_the_way_back(tmp_path: Path) -> None:
    upgrades = Upgrades(tmp_path, relocate_files=[".env"])
    site = upgrades.site
    (site.old / PREFIX / ".env").write_text("KEY=kept\n")
    (site.old / PREFIX / "media").mkdir()
    (site.old / PREFIX / "media/a.txt").write_text("kept")
    before = upgrades.state()
    later = upgrades.offer(LATER)
    rc, said = upgrades.run("upgrade", "--check", relocate_revision=later)
    assert rc == 0 and f"would be upgraded from {upgrades.first} to {later}" in said, said
    assert upgrades.state() == before and not (site.base / "old/work/sets").exists()

    rc, said = upgrades.run(relocate_revision=later)
    assert rc == 0 and f"upgraded from {upgrades.first} to {later}; proven: rows, content" in said, said
    assert "migrations: notes.0002_colour" in said and "migrated on the copy: notes.0002_colour of default" in said
    after = upgrades.state()
    assert after["head"] == later and after["changes"].count("??") == before["changes"].count("??") + 2  # previous ones
    assert (site.old / PREFIX / ".env").read_text() == "KEY=kept\n"
    assert (site.old / PREFIX / "media/a.txt").read_text() == "kept"
    assert site.rows(site.old, "db.sqlite3", "select text, colour from notes_note") == [("kept", "x")]
    rc, said = upgrades.run(relocate_revision=later)
    assert rc == 0 and "there is nothing to do" in said and "changed=0 " in said, said

    site.manage("shell", "--command", GREEN.format("since"))
    serving = upgrades.state()
    rc, said = upgrades.run("rollback")
    assert rc != 0 and '"code": "rows_written"' in said and upgrades.state() == serving, said
    rc, said = upgrades.run("rollback", relocate_rollback_saves=True)
    assert rc == 0 and f"rolled back from {later} to {upgrades.first}; what was written since is in set " in said, said
    assert {**upgrades.state(), "beside": []} == {**before, "beside": []}
    assert [name for name in upgrades.state()["beside"] if "relocate" in name] == []
    rc, said = upgrades.run("rollback")
    assert rc == 0 and "changed=0 " in said, said


#: A migration that does harm, in place of the one of LATER.
HARM = """
import time
from django.db import migrations, models
def harm(apps, editor):
    {code}
class Migration(migrations.Migration):
    dependencies = [("notes", "0001_initial")]
    operations = [
        migrations.AddField("Note", "colour", models.CharField(max_length=9, default="x"), False),
        migrations.RunPython(harm, migrations.RunPython.noop),
    ]
"""
SETTINGS = f"{PREFIX}/settings.py"
#: A page that fails with the data.
BROKEN_PAGE = """
from django.urls import path
from notes.models import Note
urlpatterns = [path("", lambda request: Note.objects.get().no_such_attribute)]
"""
MIGRATION = f"{PREFIX}/notes/migrations/0002_colour.py"
#: What an upgrade meets, what else it is run with, and what it says.
FAILS: dict[str, tuple[dict[str, str], dict[str, Any], str]] = {
    "raises": (
        {**LATER, MIGRATION: HARM.format(code="raise ValueError('harm')")},
        {"relocate_rehearse": "none"},
        "migration_failed",
    ),
    "loses rows": (
        {**LATER, MIGRATION: HARM.format(code="apps.get_model('notes', 'Note').objects.all().delete()")},
        {"relocate_rehearse": "none", "relocate_lint_ignore": ["notes.0002_colour"]},
        "rows_lost",
    ),
    "never ends": (
        {**LATER, MIGRATION: HARM.format(code="time.sleep(3600)")},
        {"relocate_rehearse": "none", "relocate_migrate_timeout": 10},
        "timed_out",
    ),
    "does not answer": (
        LATER,
        {
            "relocate_rehearse": "none",
            "relocate_answers": [{"url": "http://127.0.0.1:1/"}],
            "relocate_answers_timeout": 1,
        },
        "site_silent",
    ),
    # Before anything stops:
    "would raise": ({**LATER, MIGRATION: HARM.format(code="raise ValueError('harm')")}, {}, "migration_failed"),
    "would never end": (
        {**LATER, MIGRATION: HARM.format(code="time.sleep(3600)")},
        {"relocate_migrate_timeout": 10},
        "timed_out",
    ),
    "answers 500": (
        {**LATER, f"{PREFIX}/urls.py": BROKEN_PAGE, SETTINGS: FILES[SETTINGS] + 'ROOT_URLCONF = "urls"\n'},
        {"relocate_answers": [{"url": "http://127.0.0.1:1/"}], "relocate_answers_timeout": 1},
        "request_fails",
    ),
    "lacks a migration": ({name: LATER[name] for name in LATER if "models" in name}, {}, "missing_migrations"),
    "is in the way": ({**LATER, f"{PREFIX}/media/a.txt": "other"}, {}, "checkout_occupied"),
}
SERVES = ("lacks a migration", "is in the way", "would raise", "would never end", "answers 500")


@pytest.mark.drawn(6, of="local moves")
@pytest.mark.parametrize("name", FAILS)
def test_what_fails_leaves_code_environment_and_databases_as_they_were(name: str, tmp_path: Path) -> None:
    files, variables, code = FAILS[name]
    upgrades = Upgrades(tmp_path)
    (upgrades.site.old / PREFIX / "media").mkdir()
    (upgrades.site.old / PREFIX / "media/a.txt").write_text("kept")
    before = upgrades.state()
    rc, said = upgrades.run(relocate_revision=upgrades.offer(files), **variables)
    last = said.rpartition("TASK [")[2]
    assert rc != 0 and f'"code": "{code}"' in last, said
    told = "was not stopped" if name in SERVES else "with the code, the packages and the databases that it had"
    assert told in last, said
    assert upgrades.state() == {**before, "beside": sorted([*before["beside"], "work"])}
    assert (upgrades.site.old / PREFIX / "media/a.txt").read_text() == "kept"
    upgrades.add("again")


#: The default database is a server's.
ON_SERVER = """
import pymysql
pymysql.version_info = (2, 2, 1, "final", 0)
pymysql.install_as_MySQLdb()
DATABASES["default"] = {{
    "ENGINE": "django.db.backends.{engine}", "NAME": "shop", "USER": "shop", "PASSWORD": "pw",
    "HOST": "127.0.0.1", "PORT": "{port}",
}}
"""


@pytest.fixture(name="server", params=["postgresql", "mysql"])
def _server(request: pytest.FixtureRequest) -> Iterator[tuple[str, int, Callable[[str], str]]]:
    """Give an engine with the port of a server of its own, and what runs SQL in the site's database there."""
    if request.param == "postgresql":
        with postgresql_cluster.running() as cluster:
            cluster.psql("postgres", "create role shop login password 'pw'")
            cluster.psql("postgres", "create role boss superuser login password 'boss'")
            cluster.psql("postgres", "create database shop owner shop")
            yield request.param, cluster.port, lambda text: cluster.psql("shop", text)
        return
    server = MysqlServer()
    try:
        server.start()
        for user, password in (("shop", "pw"), ("boss", "boss")):
            server.sql(f"CREATE USER '{user}'@'127.0.0.1' IDENTIFIED BY '{password}'")
        server.sql("CREATE DATABASE shop CHARACTER SET utf8mb4; GRANT ALL ON shop.* TO 'shop'@'127.0.0.1'")
        server.sql("GRANT ALL ON *.* TO 'boss'@'127.0.0.1' WITH GRANT OPTION")
        yield request.param, server.port, lambda text: server.sql(text, "shop")
    finally:
        server.remove()


@pytest.mark.drawn(2, of="local moves")
def test_a_migration_that_fails_half_way_on_a_server_and_one_that_does_not(
    server: tuple[str, int, Callable[[str], str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MariaDB keeps what a failed migration has done by then: the copy is thrown away."""
    engine, port, sql = server
    monkeypatch.setitem(FILES, SETTINGS, FILES[SETTINGS] + ON_SERVER.format(engine=engine, port=port))
    login = {"user": "boss", "password": "boss", "host": "127.0.0.1", "port": port}
    upgrades = Upgrades(tmp_path, relocate_login=login, relocate_old_login=login)
    before, rows = upgrades.state(), sql("select * from notes_note")
    failing = upgrades.offer({**LATER, MIGRATION: HARM.format(code="raise ValueError('harm')")})
    rc, said = upgrades.run(relocate_revision=failing, relocate_rehearse="none")
    assert rc != 0 and '"code": "migration_failed"' in said.rpartition("TASK [")[2], said
    assert "with the code, the packages and the databases that it had" in said
    assert upgrades.state() == {**before, "beside": sorted([*before["beside"], "work"])}
    assert sql("select * from notes_note") == rows and "kept" in rows
    upgrades.add("again")

    good = upgrades.offer(LATER, again=True)
    rc, said = upgrades.run(relocate_revision=good)
    assert rc == 0 and f"upgraded from {upgrades.first} to {good}; proven: rows, content" in said, said
    assert sql("select concat(text, '-', colour) from notes_note order by id").split() == ["kept-x", "again-x"]
    rc, said = upgrades.run("rollback")
    assert rc == 0 and f"rolled back from {good} to {upgrades.first}" in said, said
    assert sql("select text from notes_note order by id").split() == ["kept", "again"]
    assert upgrades.state() == {**before, "beside": sorted([*before["beside"], "work"])}
