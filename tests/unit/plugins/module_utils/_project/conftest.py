# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real git repositories and a real small Django project.

As root, git and the project's code run as an unprivileged user, as they do on servers; without, as oneself.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._users import current_user, lookup_user

MANAGE = """
import os, sys
if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site1.settings")
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)
"""
SETTINGS = """
import os
print("settings print things")
SECRET_KEY = os.environ.get("SECRET_KEY", "only-for-tests-0123456789")
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
MEDIA_ROOT = "media"
USE_TZ = True
"""
MODELS = """
from django.db import models
class Shown(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(shown=True)
class Item(models.Model):
    name = models.CharField(max_length=20)
    shown = models.BooleanField(default=True)
    objects = Shown()
class Newer(Item):
    class Meta:
        proxy = True
class Foreign(models.Model):
    class Meta:
        managed = False
        db_table = "elsewhere"
"""
MIGRATION = """
from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = []
    operations = [
        migrations.CreateModel("Item", fields=[
            ("id", models.AutoField(primary_key=True, auto_created=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(max_length=20)),
            ("shown", models.BooleanField(default=True)),
        ]),
        migrations.CreateModel("Newer", fields=[], bases=("shop.item",), options={"proxy": True, "indexes": [],
            "constraints": []}),
        migrations.CreateModel("Foreign", fields=[
            ("id", models.AutoField(primary_key=True, auto_created=True, serialize=False, verbose_name="ID")),
        ], options={"managed": False, "db_table": "elsewhere"}),
    ]
"""


@pytest.fixture(scope="session")
def owner() -> SystemUser:
    """The user who owns projects: nobody where the tests run as root."""
    found = lookup_user("nobody") if os.geteuid() == 0 else current_user()
    assert found is not None
    return found


@pytest.fixture
def home(owner: SystemUser) -> Iterator[Path]:
    """A directory that the owner owns and can reach; pytest's own are closed to others."""
    path = Path(tempfile.mkdtemp(prefix="relocate-test-", dir="/tmp"))
    path.chmod(0o755)
    os.chown(path, owner.uid, owner.gid)
    yield path
    shutil.rmtree(path)


def give(path: Path, owner: SystemUser) -> None:
    """Hand a tree to the owner."""
    os.chown(path, owner.uid, owner.gid, follow_symlinks=False)
    for entry in path.rglob("*"):
        os.chown(entry, owner.uid, owner.gid, follow_symlinks=False)


def as_owner(owner: SystemUser, *argv: str, cwd: Path) -> str:
    """Run a program of the test as the owner."""
    switch = {"user": owner.uid, "group": owner.gid, "extra_groups": []} if os.geteuid() == 0 else {}
    env = {"PATH": os.environ["PATH"], "HOME": str(cwd), "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    for role in ("AUTHOR", "COMMITTER"):
        env.update({f"GIT_{role}_NAME": "T", f"GIT_{role}_EMAIL": "t@example.org"})
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False, umask=0o022, **switch)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    return str(done.stdout).strip()


def digest(path: Path) -> str:
    """Everything below a directory: names, modes, times, content. What must not change on old."""
    total = hashlib.sha256()
    for entry in sorted([path, *path.rglob("*")]):
        status = entry.lstat()
        content = entry.read_bytes() if entry.is_file() and not entry.is_symlink() else b""
        total.update(
            repr((str(entry), status.st_mode, status.st_mtime_ns, content)).encode("utf-8", "backslashreplace")
        )
    return total.hexdigest()


@dataclass
class Repository:
    """A checkout with some commits."""

    path: Path
    owner: SystemUser

    def git(self, *args: str) -> str:
        return as_owner(self.owner, "git", "-c", "protocol.file.allow=always", *args, cwd=self.path)

    def write(self, name: str, text: str | bytes) -> None:
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
        give(self.path, self.owner)

    def commit(self, name: str = "file", text: str | bytes = "text\n") -> str:
        self.write(name, text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "change " + name)
        return self.git("rev-parse", "HEAD")


@pytest.fixture(scope="session")
def three_commits(owner: SystemUser) -> Iterator[Repository]:
    """What each test's checkout is a copy of."""
    base = Path(tempfile.mkdtemp(prefix="relocate-repository-", dir="/tmp"))
    base.chmod(0o755)
    made = Repository(base / "old", owner)
    made.path.mkdir()
    give(made.path, owner)
    made.git("init", "-q", "-b", "main")
    for number in range(3):
        made.commit("manage.py", f"# {number}\n")
    yield made
    shutil.rmtree(base)


@pytest.fixture
def repository(home: Path, owner: SystemUser, three_commits: Repository) -> Repository:
    """Three commits on main, no remote."""
    made = Repository(home / "old", owner)
    shutil.copytree(three_commits.path, made.path, symlinks=True)
    give(made.path, owner)
    made.git("update-index", "-q", "--refresh")  # git knows files by what a copy has otherwise
    return made


@pytest.fixture(scope="session")
def python(owner: SystemUser) -> Iterator[str]:
    """A virtual environment with Django that the owner can start, on the first Python that the owner can reach."""
    spec = importlib.util.find_spec("django")
    if spec is None or spec.origin is None:
        pytest.skip("Django is not installed beside pytest")
    base = Path(tempfile.mkdtemp(prefix="relocate-venv-", dir="/tmp"))
    base.chmod(0o755)
    for candidate in (os.path.realpath(sys.executable), "/usr/bin/python3"):
        made = subprocess.run([candidate, "-m", "venv", "--without-pip", "--clear", base / "venv"], check=False)
        for packages in base.glob("venv/lib/python*/site-packages"):
            (packages / "django-of-the-tests.pth").write_text(f"{Path(spec.origin).parent.parent}\n")
        found = str(base / "venv" / "bin" / "python")
        if made.returncode == 0 and starts(found, owner):
            yield found
            break
    else:
        shutil.rmtree(base)
        pytest.skip(f"{owner.name} can start no Python with Django")
    shutil.rmtree(base)


def starts(python: str, owner: SystemUser) -> bool:
    """Tell whether the owner can start an interpreter with Django."""
    switch = {"user": owner.uid, "group": owner.gid, "extra_groups": []} if os.geteuid() == 0 else {}
    try:
        done = subprocess.run([python, "-c", "import django"], capture_output=True, check=False, cwd="/", **switch)  # type: ignore[call-overload]
    except PermissionError:
        return False
    return bool(done.returncode == 0)


@pytest.fixture
def site(home: Path, owner: SystemUser) -> Path:
    """A Django project with one app, owned by the owner; its database is not there yet."""
    path = home / "site"
    files = {
        "manage.py": MANAGE,
        "site1/__init__.py": "",
        "site1/settings.py": SETTINGS,
        "shop/__init__.py": "",
        "shop/models.py": MODELS,
        "shop/migrations/__init__.py": "",
        "shop/migrations/0001_initial.py": MIGRATION,
    }
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    give(path, owner)
    return path
