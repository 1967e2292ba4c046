# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A checkout that serves gets another revision where it lies, and its own one back."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._project import other_code
from tests.unit.fakes import me

pytestmark = pytest.mark.slow

IDENTITY = ["-c", "user.name=t", "-c", "user.email=t@example.org"]


def git(top: Path, *words: str) -> str:
    argv = ["git", *IDENTITY, *words]
    return subprocess.run(argv, cwd=top, check=True, capture_output=True, text=True).stdout.strip()


def commit(top: Path, files: dict[str, str | None]) -> str:
    """Commit files; None removes one."""
    for name, text in files.items():
        if text is None:
            git(top, "rm", "-q", name)
        else:
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_text(text)
            git(top, "add", "--force", name)
    git(top, "commit", "-qm", "change")
    return git(top, "rev-parse", "HEAD")


@pytest.fixture(name="repository")
def _repository(tmp_path: Path) -> tuple[Path, str, str]:
    """A checkout on its branch with files that git does not hold, and a later commit that only its repository knows."""
    top = tmp_path / "shop"
    top.mkdir()
    git(top, "init", "-q", "-b", "main")
    before = commit(top, {".gitignore": ".env\nmedia/\n", "a.py": "1", "gone.py": "1", "d/x.py": "1"})
    git(top, "checkout", "-q", "--detach")
    after = commit(top, {"a.py": "2", "gone.py": None, "new/y.py": "2", "d/x.py": "2"})
    git(top, "checkout", "-q", "main")
    (top / ".env").write_text("KEY=1")
    (top / "media").mkdir()
    (top / "media/a.jpg").write_text("jpg")
    (top / "free.txt").write_text("free")
    return top, before, after


def seen(top: Path) -> dict[str, Any]:
    """Tell what is there."""
    paths = [path for path in sorted(top.rglob("*")) if not any(part in str(path) for part in ("/.git/", "/.venv"))]
    files = [path for path in paths if path.is_file()]
    found: dict[str, Any] = {str(path.relative_to(top)): path.read_text() for path in files}
    branch = subprocess.run(["git", "symbolic-ref", "-q", "HEAD"], cwd=top, check=False, capture_output=True, text=True)
    return {**found, "HEAD": git(top, "rev-parse", "HEAD"), "branch": branch.stdout, "status": git(top, "status", "-s")}


def test_there_and_back(repository: tuple[Path, str, str]) -> None:
    top, before, after = repository
    was = seen(top)
    assert other_code.switch(str(top), me(), after, {})
    now = seen(top)
    assert (now["HEAD"], now["a.py"], now["branch"]) == (after, "2", "")
    assert {name: now[name] for name in (".env", "media/a.jpg", "free.txt")} == {
        name: was[name] for name in (".env", "media/a.jpg", "free.txt")
    }
    assert other_code.put_back(str(top), me(), after, before, "main") and seen(top) == was
    assert not other_code.put_back(str(top), me(), after, before, "main") and seen(top) == was


@pytest.mark.parametrize("kill", ["some files", "the lock", "all files", "HEAD", "a file of the new code's in the way"])
def test_a_switch_that_was_killed_is_taken_back(repository: tuple[Path, str, str], kill: str) -> None:
    top, before, after = repository
    was = seen(top)
    if kill in ("some files", "the lock"):
        (top / "a.py").write_text("2")
        (top / "new").mkdir()
        (top / "new/y.py").write_text("2")
        (top / "gone.py").unlink()
        if kill == "the lock":
            (top / ".git/index.lock").write_text("")
    else:
        git(top, "checkout", "-q", "--detach", after)
        if kill == "all files":
            (top / ".git/HEAD").write_text("ref: refs/heads/main\n")
        elif kill != "HEAD":
            (top / "gone.py").write_text("written by the new code")
    other_code.put_back(str(top), me(), after, before, "main")
    assert seen(top) == was


def test_a_branch_that_moved_on_is_not_checked_out(repository: tuple[Path, str, str]) -> None:
    top, before, after = repository
    git(top, "update-ref", "refs/heads/main", after)
    git(top, "checkout", "-q", "--detach", after)
    other_code.put_back(str(top), me(), after, before, "main")
    assert (seen(top)["HEAD"], seen(top)["branch"], seen(top)["status"]) == (before, "", "?? free.txt")


@pytest.mark.parametrize(
    ("brings", "named"),
    [
        ({".env": "KEY=2"}, ".env"),
        ({"media/a.jpg": "2"}, "media/a.jpg"),
        ({"media/b.jpg": "2"}, ""),
        ({"free.txt": "2"}, "free.txt"),
        ({"free.txt/deeper/x": "2"}, "free.txt"),
        ({"gone.py": None, "gone.py/x": "2"}, ""),
        ({"a.py": "3"}, ""),
    ],
)
def test_a_file_that_git_does_not_hold_is_not_overwritten(
    repository: tuple[Path, str, str], tmp_path: Path, brings: dict[str, str | None], named: str
) -> None:
    """Git would say nothing about what it ignores."""
    top, before, _after = repository
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", str(top), str(other))
    later = commit(other, brings)
    other_code.bring(str(top), me(), later, str(other))
    if not named:
        other_code.refuse_overwritten(str(top), me(), before, later)
        return
    with pytest.raises(RelocateError) as caught:
        other_code.refuse_overwritten(str(top), me(), before, later)
    assert caught.value.code == "checkout_occupied" and caught.value.details == {"files": [named]}


def test_the_other_code_finds_what_git_does_not_hold(repository: tuple[Path, str, str], tmp_path: Path) -> None:
    top, _before, after = repository
    (top / "venv").mkdir()
    (top / "d/local.py").write_text("local")
    staged = Path(other_code.staged_path(str(top)))
    assert staged == tmp_path / ".shop.relocate-upgrade"
    git(tmp_path, "clone", "-q", str(top), str(staged))
    git(staged, "fetch", "-q", str(top), after)
    git(staged, "checkout", "-q", "--detach", after)
    made = other_code.link_rest(str(top), me(), str(staged), [str(top / "venv")])
    assert sorted(made) == [".env", "d/local.py", "free.txt", "media"]
    assert (staged / ".env").read_text() == "KEY=1" and (staged / "media/a.jpg").read_text() == "jpg"
    assert (staged / "a.py").read_text() == "2" and not (staged / "venv").exists()


def test_git_ignores_what_is_ours_once(repository: tuple[Path, str, str], tmp_path: Path) -> None:
    top, _before, _after = repository
    (top / "web").mkdir()
    (top / "web/.venv").symlink_to(tmp_path)
    (top / "web/.venv.relocate-before").mkdir()
    (top / "web/.venv.relocate-before/x").write_text("")
    assert "?? web/" in git(top, "status", "-s")
    paths = [str(top / "web/.venv"), str(top / "web/.venv.relocate-*"), "/srv/elsewhere"]
    for _twice in range(2):
        other_code.ignore(str(top), me(), paths)
    assert git(top, "status", "-s") == "?? free.txt"
    lines = (top / ".git/info/exclude").read_text().splitlines()
    assert lines[-2:] == ["/web/.venv", "/web/.venv.relocate-*"] and len(set(lines[-2:])) == lines.count(lines[-1]) + 1
    assert os.path.lexists(top / "web/.venv")
