# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole moves between two directories of this machine, with the real playbooks."""

from __future__ import annotations

import os
import random
import re
import shutil
from pathlib import Path

import pytest

from tests.engines.local_site import FILES, LATER, PREFIX, LocalSite, play, run, write_inventory

TABLES = "select name from sqlite_master where type = 'table' order by name"


def lay_files(site: LocalSite, outside: Path) -> None:
    """Lay files that git does not hold: in the project, beside it in its checkout, and outside."""
    site.write({f"{PREFIX}/.env": "KEY=kept\nHOST=old\n", f"{PREFIX}/conf/deep/x.ini": "x=1\n", "beside.ini": "y=1\n"})
    (site.old / PREFIX / "conf").chmod(0o710)
    (site.old / PREFIX / "conf" / "link").symlink_to(site.old / "beside.ini")
    outside.mkdir()
    (outside / "enabled").symlink_to(site.old / PREFIX / ".env")
    (outside / "plain").write_text("z=1\n")
    site.variables = {
        "relocate_files": [".env", "conf", str(site.old / "beside.ini"), str(outside)],
        "relocate_env_files": [".env"],
        "relocate_env_overrides": {".env": {"HOST": "new"}},
    }


def see_files(site: LocalSite, outside: Path) -> None:
    """What belongs to the project lies where that is on new, and links lead there; the rest stays where it was."""
    new = site.new / PREFIX
    assert (new / ".env").read_text() == "KEY=kept\nHOST=new\n"
    assert (site.old / PREFIX / ".env").read_text() == "KEY=kept\nHOST=old\n"
    assert (new / "conf/deep/x.ini").read_text() == "x=1\n"
    assert (new / "conf").stat().st_mode & 0o777 == 0o710
    assert os.readlink(new / "conf/link") == str(site.new / "beside.ini")
    assert os.readlink(outside / "enabled") == str(new / ".env")
    assert ((site.new / "beside.ini").read_text(), (outside / "plain").read_text()) == ("y=1\n", "z=1\n")


@pytest.mark.drawn(5, of="local moves")
def test_code_older_than_its_database_then_the_same_command_without_it(tmp_path: Path) -> None:
    """What a failed run left, in a checkout whose project lies below its top, is gone on from.

    Beside: a database that was never migrated stays as it is, nobody has uploaded anything yet, and files that git does
    not hold move with a project that lies elsewhere on new, as its virtual environment does.
    """
    site = LocalSite(tmp_path)
    first = site.make()
    site.commit(LATER)
    site.manage("migrate", "--verbosity", "0")
    lay_files(site, tmp_path / "etc")
    site.variables["relocate_environment_path"] = str(tmp_path / "venvs" / "notes")
    (tmp_path / "venvs").mkdir()
    remote, older = site.elsewhere(first)  # which only the checkout on new can tell
    rc, said = site.play(relocate_revision=older, relocate_remote=str(remote))
    assert rc != 0
    assert "[unknown_migration] database default: 1 applied migrations are not in the code on this host" in said
    assert "notes.0002_colour" in said and "relocate_revision" in said
    # In full once, as the last word of the run: what failed, what serves, the downtime, and the next command.
    last = said.rpartition("TASK [")[2].partition("PLAY RECAP")[0]
    assert "[unknown_migration] database default" in last and "serves now: what served before" in last, said
    assert "downtime: none\n" in last and "again: ansible-playbook relocate.django.move -i " in last
    assert said.count(" Next: ") == last.count(" Next: ") == 1, said
    assert "Freeze the old site" not in said, "it was known before the freeze"
    assert not (site.new / PREFIX / "db.sqlite3").exists()
    rc, said = site.play(relocate_rehearse="none")
    assert rc == 0, said
    assert "MOVED; proven: rows, content, " in said and "but no request with the data" in said
    assert (tmp_path / "venvs/notes/bin/python").exists() and not (site.new / PREFIX / ".venv").exists()
    assert site.rows(site.new, "legacy.sqlite3", TABLES) == [("invoice",)]
    assert site.rows(site.new, "legacy.sqlite3", "select total from invoice") == [(7,), (8,)]
    assert ("django_migrations",) in site.rows(site.new, "db.sqlite3", TABLES)
    assert (site.new / PREFIX / "media").is_dir()
    # Settings that log into a directory which git does not hold.
    assert (site.new / PREFIX / "logs" / "sub").stat().st_mode & 0o7777 == 0o710
    assert (site.new / PREFIX / "logs" / "sub" / "site.log").exists()
    see_files(site, tmp_path / "etc")


@pytest.mark.drawn(5, of="local moves")
def test_three_pairs_in_one_run_land_each_on_its_own_host(tmp_path: Path) -> None:
    """In whatever order the inventory names them, and the same command again changes nothing."""
    base = tmp_path / "1"
    sites = {number: LocalSite(tmp_path / number) for number in ("1", "2", "3")}
    base.mkdir()
    sites["1"].make()
    for number in ("2", "3"):
        shutil.copytree(base, sites[number].base, symlinks=True)
    for number, site in sites.items():
        site.commit({f"{PREFIX}/notes/whose.py": f"SITE = {number}\n"})
        code = f"from notes.models import Note; [Note.objects.create(text='of {number}') for _ in range({number})]"
        site.manage("shell", "--command", code)
    shuffle = random.Random(os.environ.get("RELOCATE_SEED", "pairs")).sample
    groups = {
        side: {f"{side}{number}": sites[number].host(side) for number in shuffle(sorted(sites), 3)}
        for side in shuffle(["old", "new"], 2)
    }
    inventory = write_inventory(
        tmp_path, {**sites["1"].common(), "relocate_reports": str(tmp_path / "reports")}, groups
    )
    rc, said = play(inventory, "move")
    assert rc == 0, said
    assert said.count(": MOVED; proven: rows, content, ") == len(sites), said
    for number, site in sites.items():
        assert f"old{number} -> new{number}: MOVED; " in said
        rows = site.rows(site.new, "db.sqlite3", "select text from notes_note")
        assert rows == [(f"of {number}",)] * int(number)
        assert (site.new / PREFIX / "notes/whose.py").read_text() == f"SITE = {number}\n"
    rc, said = play(inventory, "move")
    recap = dict(re.findall(r"(?m)^(new\d) +:.* changed=(\d+) .* failed=0 ", said))
    assert (rc, recap) == (0, {f"new{number}": "0" for number in sites}), said


def see_moved(site: LocalSite, said: str) -> None:
    """The databases arrived, and so did the code, with its modes and without what is none."""
    assert "MOVED; proven: rows, content, " in said, said
    assert site.rows(site.new, "legacy.sqlite3", "select total from invoice") == [(7,), (8,)]
    new = site.new / PREFIX
    assert (new / "notes/models.py").read_text() == FILES[f"{PREFIX}/notes/models.py"]
    assert (new / "notes/-run.sh").stat().st_mode & 0o700 == 0o700
    assert (new / ".env").read_text() == "HOST=new\n"
    assert not (new / "beside.txt").exists()


def make_other(site: LocalSite, vcs: str) -> None:
    """Make a site whose code git does not hold."""
    site.make()
    shutil.rmtree(site.old / ".git")
    site.write({f"{PREFIX}/notes/-run.sh": "#!/bin/sh\n", f"{PREFIX}/.env": "HOST=old\n"})
    (site.old / PREFIX / "notes/-run.sh").chmod(0o750)
    site.variables = {
        "relocate_vcs": vcs,
        "relocate_files": [".env"],
        "relocate_files_ignored": ["beside.txt"],
        "relocate_env_overrides": {".env": {"HOST": "new"}},
    }


@pytest.mark.drawn(5, of="local moves")
def test_a_site_without_version_control(tmp_path: Path) -> None:
    """Its tree travels as an archive, whose digest is its revision; the same command again changes nothing."""
    site = LocalSite(tmp_path)
    make_other(site, "none")
    site.write({f"{PREFIX}/beside.txt": "x\n"})
    rc, said = site.play()
    assert rc == 0, said
    see_moved(site, said)
    assert re.search(r"code without version control: sha256:[0-9a-f]{64}, 7 files", said), said
    rc, said = site.play()
    assert rc == 0 and re.search(r"(?m)^new-host +:.* changed=0 .* failed=0 ", said), said


def put_into(site: LocalSite, vcs: str) -> None:
    """Let a version control hold a site's code, whose settings would run a program at each turn."""
    ignored = FILES[".gitignore"].replace("/web/src/", "web/src/") + f"{PREFIX}/.env\n{PREFIX}/beside.txt\n"
    site.write({f"{PREFIX}/beside.txt": "x\n"})
    (site.old / ".gitignore").unlink()
    if vcs == "hg":
        site.write({".hgignore": "syntax: glob\n" + ignored})
        commands = [["hg", "init"], ["hg", "commit", "--quiet", "--addremove", "--message", "change", "--user", "t"]]
    elif vcs == "svn":
        url = f"file://{site.base}/repository/trunk"
        names = ["manage.py", "settings.py", "notes/__init__.py", "notes/models.py", "notes/-run.sh"]
        names += ["notes/migrations/__init__.py", "notes/migrations/0001_initial.py"]
        commands = [["svnadmin", "create", str(site.base / "repository")], ["svn", "mkdir", "-q", "-m", "x", url]]
        commands += [["svn", "checkout", "-q", "--force", url, "."]]
        commands += [["svn", "add", "-q", "--parents", *(f"{PREFIX}/{name}" for name in names)]]
        commands += [["svn", "commit", "-q", "-m", "change"], ["svn", "update", "-q"]]
    for words in commands if vcs != "none" else []:
        done = run(*words, cwd=site.old)
        assert done.returncode == 0, done.stderr
    if vcs == "hg":
        site.write({".hg/hgrc": f"[hooks]\npre-bundle = touch {site.base}/ran\npre-log = touch {site.base}/ran\n"})


def held_by(vcs: str, checkout: Path) -> str:
    """Return the revision of a checkout, as its version control tells it."""
    hg = ["hg", "--config", "hooks.pre-log=", "log", "-r", ".", "-T", "{node}"]
    words = {"hg": hg, "svn": ["svn", "info", "--show-item", "revision"]}
    return run(*words[vcs], cwd=checkout).stdout.strip() if vcs in words else ""


@pytest.mark.drawn(5, of="local moves")
@pytest.mark.parametrize("vcs", ["hg", "svn"])
def test_a_site_of_another_version_control(vcs: str, tmp_path: Path) -> None:
    """Its own revision is on new, as a checkout of its own, and no hook of its settings runs."""
    site = LocalSite(tmp_path)
    make_other(site, vcs)
    put_into(site, vcs)
    rc, said = site.play()
    assert rc == 0, said
    see_moved(site, said)
    assert held_by(vcs, site.new) == held_by(vcs, site.old) != ""
    assert not (tmp_path / "ran").exists()
    rc, said = site.play()
    assert rc == 0 and re.search(r"(?m)^new-host +:.* changed=0 .* failed=0 ", said), said


@pytest.mark.drawn(5, of="local moves")
@pytest.mark.parametrize("vcs", ["hg", "svn", "none"])
def test_a_set_of_code_that_git_does_not_hold(vcs: str, tmp_path: Path) -> None:
    """Backed up, then restored where neither old nor the repository of its code is there any more."""
    site = LocalSite(tmp_path, {})
    make_other(site, vcs)
    put_into(site, vcs)
    site.variables["relocate_repository"] = {"address": str(tmp_path / "vault"), "create": True}
    rc, said = site.play("backup")
    assert rc == 0, said
    revision = held_by(vcs, site.old)
    for name in ("old", "repository"):
        shutil.rmtree(tmp_path / name, ignore_errors=True)
    rc, said = site.play("restore")
    assert rc == 0, said
    assert site.rows(site.new, "legacy.sqlite3", "select total from invoice") == [(7,), (8,)]
    new = site.new / PREFIX
    assert (new / "notes/models.py").read_text() == FILES[f"{PREFIX}/notes/models.py"]
    assert (new / "notes/-run.sh").stat().st_mode & 0o700 == 0o700
    assert not (new / "beside.txt").exists() and held_by(vcs, site.new) == revision
    assert not (tmp_path / "ran").exists()


#: Settings whose middleware is in no package of new: old serves no request, so nobody has noticed.
BROKEN = """
MIDDLEWARE = ["whitenoise_of_nowhere.middleware.WhiteNoiseMiddleware"]
"""


@pytest.mark.drawn(4, of="local rehearsals")
def test_a_rehearsal_ends_before_the_freeze(tmp_path: Path) -> None:
    """What would fail at the first request is refused before anything is dumped."""
    site = LocalSite(tmp_path)
    site.make()
    name = f"{PREFIX}/settings.py"
    whole = (site.old / name).read_text()
    site.commit({name: whole + BROKEN})
    rc, said = site.play()
    assert rc == 2 and "FAILED before the freeze; the old site was not stopped" in said, said[-3000:]
    assert "MIDDLEWARE fails on new: ModuleNotFoundError: No module named 'whitenoise_of_nowhere'" in said
    assert list((site.base / "new" / "work" / "sets").glob("*/*")) == []
