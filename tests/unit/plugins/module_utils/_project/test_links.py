# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The project's owner exchanges a file for a link at the worst moment, while root works beside him."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._project import checkout as checkout_file
from ansible_collections.relocate.django.plugins.module_utils._project import revision, vcs
from tests.unit.fakes import ROOT_ONLY, refused

from .conftest import Repository
from .test_vcs import bundled

pytestmark = [ROOT_ONLY, pytest.mark.slow]


@pytest.fixture
def victim() -> Iterator[Path]:
    """A file of root's that the owner may neither read nor write."""
    directory = Path(tempfile.mkdtemp(prefix="relocate-victim-", dir="/tmp"))
    path = directory / "profile.sh"
    path.write_text("echo root's own\n")
    path.chmod(0o600)
    yield path
    status = path.stat()
    assert (status.st_uid, status.st_gid, path.read_text()) == (0, 0, "echo root's own\n")
    shutil.rmtree(directory)


def plant(link: Path, target: Path) -> None:
    """What the owner of a directory can do in it."""
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def at(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, act: Callable[[], None], after: bool = False) -> None:
    """Do something once, right before or after a function is called."""
    real, pending = getattr(module, name), [act]

    def hooked(*args: Any, **kwargs: Any) -> Any:
        if pending and not after:
            pending.pop()()
        result = real(*args, **kwargs)
        if pending:
            pending.pop()()
        return result

    monkeypatch.setattr(module, name, hooked)


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The temporary directories that the owner was given."""
    made: list[Path] = []
    real = tempfile.mkdtemp

    def note(*args: Any, **kwargs: Any) -> str:
        made.append(Path(real(*args, **kwargs)))
        return str(made[-1])

    monkeypatch.setattr(revision.tempfile, "mkdtemp", note)
    return made


@pytest.mark.parametrize("moment", ["utime", "copyfile", "copyfileobj"])
def test_the_copy_of_the_index_becomes_a_link(
    repository: Repository, victim: Path, temporary: list[Path], monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    repository.write("manage.py", "changed\n")
    module = os if moment == "utime" else shutil
    at(monkeypatch, module, moment, lambda: plant(temporary[-1] / "index", victim), after=moment != "utime")
    try:
        vcs.patch(str(repository.path), repository.owner)
    except RelocateError as exc:  # git, as the owner, cannot read it either
        assert "index" in str(exc)
    assert not [path for path in temporary if path.exists()]


def test_a_link_waits_where_the_index_is_copied_to(
    repository: Repository, victim: Path, temporary: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.write("manage.py", "changed\n")
    for name in ("copyfile", "copyfileobj"):
        at(monkeypatch, shutil, name, lambda: plant(temporary[-1] / "index", victim))
    at(monkeypatch, os, "fchown", lambda: None)
    real = revision.Git.out

    def out(self: Any, *args: str) -> str:
        if "--git-path" in args:  # the directory is the owner's by now
            plant(temporary[-1] / "index", victim)
        return real(self, *args)

    monkeypatch.setattr(revision.Git, "out", out)
    with refused("checkout_failed", "index"):
        vcs.patch(str(repository.path), repository.owner)


def test_the_index_becomes_a_link_to_a_file_that_the_owner_may_not_read(
    repository: Repository, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.write("manage.py", "changed\n")
    index = repository.path / ".git" / "index"
    hidden = victim.with_name("index")
    shutil.copyfile(index, hidden)
    hidden.chmod(0o600)
    at(monkeypatch, revision.tempfile, "mkdtemp", lambda: plant(index, hidden))
    with refused("checkout_failed", "git's index .* cannot be copied: Permission denied.*let the project's owner"):
        vcs.patch(str(repository.path), repository.owner)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_copy_of_the_bundle_becomes_a_link(
    repository: Repository,
    home: Path,
    victim: Path,
    temporary: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    commit, bundle = repository.git("rev-parse", "HEAD"), bundled(repository)
    for name in ("copyfile", "copyfileobj"):
        at(
            monkeypatch,
            checkout_file.shutil,
            name,
            lambda: plant(temporary[-1] / "code.bundle", victim),
            after=moment == "after",
        )
    with refused("revision_not_found", "bundle did not give"):
        vcs.checkout(str(home / "new"), repository.owner, commit, vcs.Source(bundle=str(bundle)))
    assert not [path for path in temporary if path.exists()]
