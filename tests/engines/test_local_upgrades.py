# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site of this machine gets another revision in place, and the way back, with the real playbooks."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from tests.engines.local_site import FILES, LATER, PREFIX, LocalSite, play, run, write_inventory

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


@pytest.mark.drawn(3, of="local upgrades")
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
    # Before anything stops:
    "answers 500": (
        {**LATER, f"{PREFIX}/urls.py": BROKEN_PAGE, SETTINGS: FILES[SETTINGS] + 'ROOT_URLCONF = "urls"\n'},
        {"relocate_answers": [{"url": "http://127.0.0.1:1/"}], "relocate_answers_timeout": 1},
        "request_fails",
    ),
}
SERVES = ("answers 500",)


@pytest.mark.drawn(3, of="local upgrades")
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
