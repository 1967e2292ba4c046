# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep a copy of the working tree at build/collections/ansible_collections/relocate/django.

Python, ansible-playbook and ansible-test find a collection only below such a path, and the last one wants it real:
no symbolic link. Copied is what git tracks or would track; only files that changed are written.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / "build" / "collections"
COPY = COLLECTIONS / "ansible_collections" / "relocate" / "django"


def wanted() -> set[str]:
    """Relative paths of the files that belong to the collection."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    # A clone of somebody else's, as in a container, is fine: its hooks are not run by ls-files.
    environment = {**os.environ, "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory"}
    environment["GIT_CONFIG_VALUE_0"] = "*"
    listed = subprocess.run(command, check=True, capture_output=True, env=environment).stdout
    names = (os.fsdecode(name) for name in listed.split(b"\0") if name)
    return {name for name in names if os.path.isfile(ROOT / name)}


def same(source: Path, target: Path) -> bool:
    """Whether the copy of one file is up to date, mode included."""
    try:
        modes = source.lstat().st_mode, target.lstat().st_mode
        return modes[0] == modes[1] and not source.is_symlink() and filecmp.cmp(source, target, shallow=True)
    except FileNotFoundError:
        return False


def own_repository() -> None:
    """Make the copy a git repository that ignores what is not published, with no commit.

    ansible-test, ansible-lint and antsibull-docs take the files of the repository around them: ours ignores build/, and
    holds sites for tests to move.
    """
    exclude = COPY / ".git" / "info" / "exclude"
    if not exclude.exists():
        subprocess.run(["git", "init", "--quiet", "--template=", str(COPY)], check=True)
        exclude.parent.mkdir(exist_ok=True)
    # Read without a YAML library: this runs before there is one.
    lines = (ROOT / "galaxy.yml").read_text(encoding="utf-8").partition("\nbuild_ignore:\n")[2].splitlines()
    left_out = [line.strip().removeprefix("- ").strip('"') for line in lines if line.startswith("  - ")]
    text = "".join(f"{path}\n" for path in left_out)
    if not exclude.exists() or exclude.read_text(encoding="utf-8") != text:
        exclude.write_text(text, encoding="utf-8")


def sync() -> int:
    """Bring the copy up to date; returns how many files changed."""
    COPY.mkdir(parents=True, exist_ok=True)
    own_repository()
    names, changed = wanted(), 0
    for name in sorted(names):
        source, target = ROOT / name, COPY / name
        if same(source, target):
            continue
        changed += 1
        target.parent.mkdir(parents=True, exist_ok=True)
        # In one step, since other processes may be importing from the copy.
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        shutil.copy2(source, temporary, follow_symlinks=False)
        os.replace(temporary, target)
    for top, _directories, files in os.walk(COPY, topdown=False):
        # What the tools leave of their own in the copy is none of ours: tests/output, .ansible.
        inside = os.path.relpath(top, COPY)
        if inside.split(os.sep)[0] in (".ansible", ".git") or inside.startswith(os.path.join("tests", "output")):
            continue
        for name in files:
            if os.path.normpath(os.path.join(inside, name)) not in names and not name.endswith(".pyc"):
                os.unlink(os.path.join(top, name))
                changed += 1
        if not any(name != "__pycache__" for name in os.listdir(top)) and inside != ".":
            shutil.rmtree(top)
    return changed


if __name__ == "__main__":
    sync()
    sys.exit(0)
