# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of our own: written at once, and through nobody's link."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._host import files
from tests.unit.fakes import ROOT_ONLY
from tests.unit.plugins.module_utils._host.places import top

__all__ = ["top"]  # fixtures


def test_write_atomically_replaces_links_instead_of_following_them(tmp_path: Path) -> None:
    victim, target = tmp_path / "victim", tmp_path / "target"
    victim.write_text("keep")
    target.symlink_to(victim)
    (tmp_path / "target.new").symlink_to(victim)
    files.write_atomically(str(target), "é\n")
    assert victim.read_text() == "keep"
    assert (target.is_symlink(), target.read_text(), stat.S_IMODE(target.stat().st_mode)) == (False, "é\n", 0o600)
    assert sorted(os.listdir(tmp_path)) == ["target", "victim"]


@pytest.mark.parametrize("plant", [os.symlink, os.link])
def test_write_atomically_refuses_what_is_put_in_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant: Callable[[str, str], None]
) -> None:
    """Between the removal of a leftover and the new file somebody may be quicker: neither link is written through."""
    victim, target = tmp_path / "victim", tmp_path / "target"
    victim.write_text("keep")
    real = os.unlink

    def raced(path: str, **how: Any) -> None:
        with contextlib.suppress(FileNotFoundError):
            real(path, **how)
        if str(path).endswith(".new") and not os.path.lexists(path):
            plant(str(victim), str(path))

    monkeypatch.setattr(files.os, "unlink", raced)
    with pytest.raises(FileExistsError):
        files.write_atomically(str(target), "new")
    assert (victim.read_text(), target.exists()) == ("keep", False)


@pytest.mark.parametrize("planted", ["link", "dangling link", "file", "second name"])
def test_what_is_planted_while_a_file_is_written_is_neither_followed_nor_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted: str
) -> None:
    """Between the removal of a leftover and the opening: what is there then was put there by somebody."""
    victim, target, temporary = tmp_path / "victim", tmp_path / "target", tmp_path / "target.new"
    victim.write_text("keep")
    target.write_text("before")
    real = os.unlink

    def unlink(path: str, **kwargs: int) -> None:
        try:
            real(path, **kwargs)
        finally:
            if "link" in planted:
                temporary.symlink_to(victim if planted == "link" else tmp_path / "made")
            elif planted == "file":
                temporary.write_text("theirs")
            else:
                os.link(victim, temporary)

    monkeypatch.setattr(os, "unlink", unlink)
    with pytest.raises(FileExistsError):
        files.write_atomically(str(target), "new")
    assert (victim.read_text(), target.read_text()) == ("keep", "before")
    assert not (tmp_path / "made").exists()
    assert planted != "file" or temporary.read_text() == "theirs"


def test_a_replacement_that_fails_leaves_the_old_file_alone(tmp_path: Path) -> None:
    target, done = tmp_path / "target", []
    target.write_text("before")
    with pytest.raises(KeyError), files.replaced(str(target), before=lambda: done.append(1)) as stream:
        stream.write(b"half")
        raise KeyError
    assert (target.read_text(), os.listdir(tmp_path), done) == ("before", ["target"], [])
    with files.replaced(str(target), str(tmp_path / "own"), lambda: done.append(target.read_text())) as stream:
        stream.write(b"after")
        assert (tmp_path / "own").exists()
    assert (target.read_text(), os.listdir(tmp_path), done) == ("after", ["target"], ["before"])


def test_a_new_file_has_the_mode_that_was_asked_for(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        files.created(str(tmp_path / "new"), 0o644).close()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o644
    with pytest.raises(FileExistsError):
        files.created(str(tmp_path / "new"))


@ROOT_ONLY
def test_a_directory_after_two_slashes(top: Path) -> None:
    """Two slashes at the front are kept by os.path: there is no single one to arrive at."""
    files.make_directory("/" + str(top / "work"), 0o700)
    assert (top / "work").is_dir()
