# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The awkward site as a git repository of its own: the same files give the same commit ids on every machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.lab.host import Host
from tests.lab.services import publish_repository

SITES = Path(__file__).resolve().parent
_MODEL = "    slug = models.SlugField(max_length=80, unique=True)\n"
_FIELD = '    colour = models.CharField(max_length=20, default="blue")\n'


class Revisions(dict[str, str]):
    """Full commit ids by name.

    `v1`, `v2`, `v3` are tags, `main` is what servers run (v3), `next` adds a migration, `raises` one that fails.
    """


def git(directory: Path, *argv: str, second: int = 0) -> str:
    """Run git without anybody's configuration, at a fixed time; give its output."""
    date = f"2026-01-01T12:00:{second:02}+00:00"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "Awkward Team",
        "GIT_AUTHOR_EMAIL": "team@example.org",
        "GIT_COMMITTER_NAME": "Awkward Team",
        "GIT_COMMITTER_EMAIL": "team@example.org",
        "GIT_AUTHOR_DATE": date,
        "GIT_COMMITTER_DATE": date,
    }
    command = ["git", "-c", "init.defaultBranch=main", "-c", "safe.directory=*", "-C", str(directory), *argv]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def build_repository(target: Path) -> Revisions:
    """Make the repository in an empty directory: three commits on main, two branches."""
    shutil.copytree(SITES / "awkward", target, dirs_exist_ok=True, ignore=_ignore)
    git(target, "init", "--quiet")
    revisions = Revisions()
    for number in (1, 2, 3):
        revisions[f"v{number}"] = _commit(target, str(number), f"Version {number}", number)
        git(target, "tag", f"v{number}")
    revisions["main"] = revisions["v3"]
    for number, branch in enumerate(("next", "raises"), 4):
        git(target, "checkout", "--quiet", "-b", branch, "main")
        shutil.copytree(SITES / "branches" / branch, target, dirs_exist_ok=True, ignore=_ignore)
        models = target / "shop" / "models.py"
        models.write_text(models.read_text("utf-8").replace(_MODEL, _MODEL + _FIELD), "utf-8")
        revisions[branch] = _commit(target, str(number), f"Branch {branch}", number)
    git(target, "checkout", "--quiet", "main")
    return revisions


def publish(host: Host) -> Revisions:
    """Serve the repository from the git host, unless it is there with these very revisions."""
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory, "awkward")
        source.mkdir()
        revisions = build_repository(source)
        there = host.run("git -C /srv/git/awkward.git show-ref --head || true", user="git").stdout
        if f"{revisions['main']} HEAD" not in there or not all(value in there for value in revisions.values()):
            publish_repository(host, "awkward", source)
    return revisions


def _commit(target: Path, version: str, message: str, second: int) -> str:
    (target / "VERSION").write_text(f"{version}\n")
    # The executable bit is all of a mode that git keeps; a checkout of this repository may have lost it.
    git(target, "add", "--all")
    git(target, "update-index", "--chmod=+x", "manage.py")
    git(target, "commit", "--quiet", "-m", message, second=second)
    return git(target, "rev-parse", "HEAD")


def _ignore(directory: str, names: list[str]) -> set[str]:
    return {name for name in names if name in ("__pycache__", "var", ".env", ".venv")}
