# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real checkouts for tests."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser

#: Names that a program might take for something else.
NAMES = {"manage.py": "1\n", "app/-rf": "2\n", "app/né @2.py": "3\n", "app/deep/x.py": "4\n"}


def run(owner: SystemUser, *argv: str, cwd: Path, **more: str) -> str:
    """Run a program of the test as the owner; returns what it printed."""
    switch = {"user": owner.uid, "group": owner.gid, "extra_groups": []} if os.geteuid() == 0 else {}
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "HGRCPATH": "", "HGPLAIN": "1"}
    env.update(more)
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, check=False, umask=0o022, **switch)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    return str(done.stdout.decode("utf-8", "surrogateescape")).strip()


def give(path: Path, owner: SystemUser) -> None:
    """Hand a tree to the owner."""
    for entry in [path, *path.rglob("*")]:
        os.chown(entry, owner.uid, owner.gid, follow_symlinks=False)


def write(top: Path, owner: SystemUser, files: dict[str, str]) -> None:
    """Write files of the owner's."""
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    give(top, owner)


@dataclass
class Hg:
    """A repository of Mercurial."""

    path: Path
    owner: SystemUser

    @classmethod
    def make(cls, path: Path, owner: SystemUser) -> Hg:
        """Make one with one changeset."""
        write(path, owner, NAMES)
        made = cls(path, owner)
        made.hg("init", ".")
        made.commit({})
        return made

    def hg(self, *words: str) -> str:
        """Run Mercurial."""
        return run(self.owner, "hg", *words, cwd=self.path)

    def commit(self, files: dict[str, str]) -> str:
        """Commit files; returns the node."""
        write(self.path, self.owner, files)
        self.hg("commit", "--quiet", "--addremove", "--message", "change", "--user", "t")
        return self.hg("log", "-r", ".", "-T", "{node}")


@dataclass
class Svn:
    """A repository of Subversion, and a working copy of its trunk."""

    path: Path
    owner: SystemUser

    @property
    def url(self) -> str:
        """Return the address of the trunk."""
        return f"file://{self.path.parent}/repository/trunk"

    @classmethod
    def make(cls, path: Path, owner: SystemUser) -> Svn:
        """Make one with one revision, beside the working copy."""
        run(owner, "svnadmin", "create", "repository", cwd=path.parent)
        made = cls(path, owner)
        run(owner, "svn", "mkdir", "-q", "-m", "begin it", made.url, cwd=path.parent)
        run(owner, "svn", "checkout", "-q", made.url, str(path), cwd=path.parent)
        made.commit(NAMES)
        return made

    def svn(self, *words: str) -> str:
        """Run Subversion."""
        return run(self.owner, "svn", *words, cwd=self.path)

    def commit(self, files: dict[str, str]) -> str:
        """Commit files; returns address and number of the revision."""
        write(self.path, self.owner, files)
        self.svn("add", "-q", "--force", ".")
        self.svn("commit", "-q", "-m", "a change")
        self.svn("update", "-q")
        return f"{self.url}@{self.svn('info', '--show-item', 'revision')}"
