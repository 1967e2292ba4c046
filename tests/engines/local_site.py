# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small site in a directory of this machine, and the playbooks that move it to another directory.

Its project lies in a subdirectory of its checkout. Nothing is installed: Django is the one beside pytest.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.tools import packed
from tests.tools.collection import COLLECTIONS

GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
PREFIX = "web/src"
FILES = {
    ".gitignore": "*.sqlite3\n/web/src/logs/\n/web/src/media/\n.venv/\n__pycache__/\n",
    f"{PREFIX}/manage.py": """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
""",
    f"{PREFIX}/settings.py": """
from pathlib import Path
BASE = Path(__file__).resolve().parent
SECRET_KEY = "only-for-tests"
INSTALLED_APPS = ["django.contrib.contenttypes", "notes"]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE / "db.sqlite3"},
    "legacy": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE / "legacy.sqlite3"},
}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
MEDIA_ROOT = BASE / "media"
LOGGING = {
    "version": 1,
    "handlers": {"file": {"class": "logging.FileHandler", "filename": BASE / "logs" / "sub" / "site.log"}},
    "root": {"handlers": ["file"]},
}
""",
    f"{PREFIX}/notes/__init__.py": "",
    f"{PREFIX}/notes/models.py": """
from django.db import models
class Note(models.Model):
    text = models.CharField(max_length=50)
""",
    f"{PREFIX}/notes/migrations/__init__.py": "",
    f"{PREFIX}/notes/migrations/0001_initial.py": """
from django.db import migrations, models
class Migration(migrations.Migration):
    operations = [migrations.CreateModel("Note", [
        ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
        ("text", models.CharField(max_length=50)),
    ])]
""",
}
#: A later revision: the column may not be NULL, so code that does not know it cannot insert.
LATER = {
    f"{PREFIX}/notes/models.py": FILES[f"{PREFIX}/notes/models.py"] + "    colour = models.CharField(max_length=9)\n",
    f"{PREFIX}/notes/migrations/0002_colour.py": """
from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [("notes", "0001_initial")]
    operations = [migrations.AddField("Note", "colour", models.CharField(max_length=9, default="x"), False)]
""",
}


def run(*argv: str | Path, cwd: Path, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a program and return what it printed."""
    words = [str(word) for word in argv]
    return subprocess.run(words, cwd=cwd, text=True, capture_output=True, check=False, stdin=subprocess.DEVNULL, **more)


def write_inventory(base: Path, common: dict[str, Any], groups: dict[str, dict[str, Any]]) -> Path:
    """Write an inventory: group -> host -> its variables, in that order."""
    children = {name: {"hosts": hosts} for name, hosts in groups.items()}
    path = base / "inventory.json"
    path.write_text(json.dumps({"all": {"vars": common, "children": children}}), encoding="utf-8")
    return path


def play(
    inventory: Path, playbook: str, *options: str, collections: Path = COLLECTIONS, **variables: Any
) -> tuple[int, str]:
    """Run a playbook, of the collection or a file; returns its exit code and all that it printed."""
    env = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=str(collections), ANSIBLE_NOCOLOR="1")
    env.update(packed.environment(Path(sys.prefix), collections))
    program = Path(sys.executable).parent / "ansible-playbook"
    name = playbook if playbook.endswith(".yml") else f"relocate.django.{playbook}"
    argv = [program, name, "-i", inventory, "-e", json.dumps(variables), *options]
    done = run(*argv, cwd=inventory.parent, env=env)
    return done.returncode, done.stdout + done.stderr


@dataclass
class LocalSite:
    """Both sides of a move on one machine."""

    base: Path
    variables: dict[str, Any] = field(default_factory=dict)
    collections: Path = COLLECTIONS

    @property
    def old(self) -> Path:
        """The checkout on old."""
        return self.base / "old" / "repo"

    @property
    def new(self) -> Path:
        """The checkout on new."""
        return self.base / "new" / "repo"

    @property
    def python(self) -> Path:
        """The interpreter of old."""
        return self.old / PREFIX / ".venv" / "bin" / "python"

    def write(self, files: dict[str, str]) -> None:
        """Write files of old."""
        for name, text in files.items():
            path = self.old / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def commit(self, files: dict[str, str]) -> str:
        """Commit files on old; returns the revision."""
        self.write(files)
        for words in (["add", "--all"], ["commit", "--quiet", "--message", "change"]):
            done = run(*GIT, *words, cwd=self.old)
            assert done.returncode == 0, done.stderr
        return run(*GIT, "rev-parse", "HEAD", cwd=self.old).stdout.strip()

    def elsewhere(self, revision: str) -> tuple[Path, str]:
        """Make a repository that holds a later commit upon a revision, one that old does not have; and that commit."""
        remote = self.base / "remote"
        commands: list[list[str | Path]] = [["clone", "--quiet", self.old, remote], ["checkout", "--quiet", revision]]
        commands += [["commit", "--quiet", "--allow-empty", "--message", "elsewhere"], ["rev-parse", "HEAD"]]
        for number, words in enumerate(commands):
            done = run(*GIT, *words, cwd=remote if number else self.base)
            assert done.returncode == 0, done.stderr
        return remote, done.stdout.strip()

    def manage(self, *words: str) -> str:
        """Run manage.py on old."""
        done = run(self.python, "manage.py", *words, cwd=self.old / PREFIX)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def make(self) -> str:
        """Make the site with one revision, migrated; returns the revision."""
        self.old.mkdir(parents=True)
        run(*GIT, "init", "--quiet", cwd=self.old)
        first = self.commit(FILES)
        run(sys.executable, "-m", "venv", "--without-pip", self.python.parent.parent, cwd=self.base)
        done = run(self.python, "-c", self.see_django(), cwd=self.base)
        assert done.returncode == 0, done.stderr
        logs = self.old / PREFIX / "logs" / "sub"
        logs.mkdir(parents=True)
        logs.chmod(0o710)
        self.manage("migrate", "--verbosity", "0")
        with contextlib.closing(sqlite3.connect(self.old / PREFIX / "legacy.sqlite3")) as connection, connection:
            connection.execute("create table invoice (id integer primary key, total integer)")
            connection.execute("insert into invoice (total) values (7), (8)")
        return first

    def see_django(self) -> str:
        """Let an interpreter see the Django that is beside pytest."""
        spec = importlib.util.find_spec("django")
        assert spec is not None and spec.origin is not None
        place = str(Path(spec.origin).parent.parent)
        return (
            "import os, site; "
            f"open(os.path.join(site.getsitepackages()[0], 'tests.pth'), 'w').write({place!r} + chr(10))"
        )

    def common(self) -> dict[str, Any]:
        """Give the variables of both hosts."""
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "relocate_site": "notes",
            "relocate_become": False,
            "relocate_install": False,
            "relocate_allow_same_host": True,
            "relocate_allow_unfrozen": True,
            "relocate_allow_root": os.geteuid() == 0,
            "relocate_compression": "none",
            "relocate_python": sys.executable,
            "relocate_command": ["python", "-c", self.see_django()],
            "relocate_reports": str(self.base / "reports"),
            **self.variables,
        }

    def host(self, side: str) -> dict[str, str]:
        """Give the variables of one host, which is a directory."""
        repo = {"old": self.old, "new": self.new}[side]
        return {"relocate_path": str(repo / PREFIX), "relocate_directory": str(self.base / side / "work")}

    def inventory(self) -> Path:
        """Write the inventory: two hosts that are two directories."""
        groups = {side: {f"{side}-host": self.host(side)} for side in ("old", "new")}
        return write_inventory(self.base, self.common(), groups)

    def play(self, playbook: str = "move", *options: str, **variables: Any) -> tuple[int, str]:
        """Run a playbook; returns its exit code and all that it printed."""
        return play(self.inventory(), playbook, *options, collections=self.collections, **variables)

    def rows(self, side: Path, database: str, statement: str) -> list[Any]:
        """What a query tells of a database."""
        with contextlib.closing(sqlite3.connect(side / PREFIX / database)) as connection:
            return connection.execute(statement).fetchall()
