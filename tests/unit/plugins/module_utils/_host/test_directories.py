# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories that are made for somebody."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._host import directories
from ansible_collections.relocate.django.plugins.module_utils._host.openat import Rights
from tests.unit.fakes import ROOT_ONLY, nobody, refused
from tests.unit.plugins.module_utils._host.places import DAEMON, made, top

__all__ = ["top"]  # fixtures


@ROOT_ONLY
def test_each_directory_is_given_to_whom_it_is_to_belong(top: Path) -> None:
    path = str(top / "a" / "b")
    wanted = {str(top / "a"): Rights(0, nobody().gid, 0o750), path: Rights(nobody().uid, -1, 0o2770)}
    assert directories.make_directories(path, nobody(), lambda each: wanted[each]) == list(wanted)
    found = {each: os.stat(each) for each in wanted}
    assert [(s.st_uid, s.st_gid, stat.S_IMODE(s.st_mode)) for s in found.values()] == [
        (0, nobody().gid, 0o750),
        (nobody().uid, 0, 0o2770),
    ]
    assert directories.make_directories(path, nobody(), lambda each: wanted[each]) == []


@ROOT_ONLY
def test_a_new_directory_that_is_exchanged_is_not_given_away(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    his, victim = made(top / "his", nobody().uid), made(top / "victim", DAEMON)
    real = os.mkdir

    def mkdir(name: str, mode: int, **kwargs: int) -> None:
        real(name, mode, **kwargs)
        os.seteuid(0)
        os.rename(victim, his / "new")  # at best, for the attacker
        os.seteuid(nobody().uid)

    monkeypatch.setattr(os, "mkdir", mkdir)
    with pytest.raises(OSError, match="somebody exchanged it"):
        directories.make_directories(str(his / "new"), nobody(), lambda _each: Rights(nobody().uid, -1, 0o777))
    assert (his / "new").stat().st_uid == DAEMON


@pytest.mark.parametrize("path", ["", "data/x", "./x"])
def test_a_path_without_a_beginning(path: str) -> None:
    with refused("path_refused", "is not an absolute path"):
        directories.make_directories(path, None, lambda _each: Rights())


@ROOT_ONLY
def test_an_owner_has_his_checkout_in_the_home_of_another(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory of his is no home that root would make; a directory of root's there could become one."""
    his, roots = made(top / "site", nobody().uid), made(top / "roots")
    asked = []
    monkeypatch.setattr(directories, "_refuse_home", lambda path, *_rest: asked.append(path))
    for above in (his, roots):
        directories.make_for_owner(str(above / "media"), nobody(), lambda _each: Rights(nobody().uid), "MEDIA")
    assert asked == [str(roots / "media")]
    assert (his / "media").stat().st_uid == nobody().uid
