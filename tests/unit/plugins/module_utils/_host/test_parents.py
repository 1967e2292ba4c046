# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories above what is moved: how they are recorded, and what they become on another host."""

from __future__ import annotations

import grp
import os
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._host import parents
from ansible_collections.relocate.django.plugins.module_utils._host.openat import Rights
from ansible_collections.relocate.django.plugins.module_utils._model import Directory
from tests.unit.fakes import ROOT_ONLY, me, nobody, reachable, refused

OTHERWISE = Rights(12, 13, 0o700)
GROUP = grp.getgrgid(nobody().gid).gr_name


def here(*directories: Directory, path: str = "/srv/a") -> Rights:
    return parents.rights_of(directories, OTHERWISE)(path)


def test_each_directory_above_is_recorded(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    below.chmod(0o750)
    (tmp_path / "link").symlink_to("a")
    found = {item.path: item for item in parents.record([f"{below}/", f"{tmp_path}/link/b", "/no/such"], me())}
    wanted = [below, tmp_path / "link" / "b"]
    assert [found[str(path)].mode for path in wanted] == [0o750, 0o750]
    assert list(found) == sorted({str(each) for path in wanted for each in [path, *path.parents]} - {"/"})
    assert {found[str(path)].owner for path in wanted} == {me().name}


@ROOT_ONLY
def test_what_a_link_of_the_owners_hides_is_not_recorded(tmp_path: Path) -> None:
    his, hidden = reachable(tmp_path) / "his", tmp_path / "roots" / "deep"
    his.mkdir()
    os.chown(his, nobody().uid, -1)
    hidden.mkdir(parents=True)
    hidden.parent.chmod(0o700)
    (his / "link").symlink_to(hidden)
    recorded = [item.path for item in parents.record([str(his / "link")], nobody())]
    assert recorded[-1] == str(his)


def test_a_directory_that_was_not_recorded() -> None:
    assert here(Directory("/srv", 0o755, "root", "root")) == OTHERWISE


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        (("root", GROUP, 0o750), (0, nobody().gid, 0o750)),
        (("nobody", GROUP, 0o6770), (nobody().uid, nobody().gid, 0o2770)),
        (("root", "root", 0o1777), (0, 0, 0o1777)),
        (("gone", "root", 0o755), (0, 0, 0o755)),
        (("54321", "gone", 0o755), (0, 0, 0o755)),
        (("gone", "gone", 0o700), (0, 0, 0o700)),
    ],
)
def test_whose_a_directory_becomes(recorded: tuple[str, str, int], expected: tuple[int, int, int]) -> None:
    owner, group, mode = recorded
    assert here(Directory("/srv/a", mode, owner, group)) == Rights(*expected)


@pytest.mark.parametrize("mode", [0o750, 0o775, 0o2770, 0o711 | 0o040])
def test_a_group_that_is_missing_and_had_rights_of_its_own(mode: int) -> None:
    with refused("owner_missing", "/srv/a belongs to the group gone on old.*make the group first"):
        here(Directory("/srv/a", mode, "root", "gone"))


@pytest.mark.parametrize("recorded", [("nobody", "root", 0o755), ("root", "root", 0o757), ("root", GROUP, 0o775)])
def test_the_systems_directories_are_nobodys_but_roots(recorded: tuple[str, str, int]) -> None:
    """What an old host says of them would give its user a place for a unit's drop-in."""
    path = "/etc/systemd/system/shop.service.d"
    with refused("path_refused", "in a system directory only root's are created.*make /etc/systemd"):
        here(Directory(path, recorded[2], recorded[0], recorded[1]), path=path)
    assert here(Directory("/etc/shop", 0o750, "root", GROUP), path="/etc/shop") == Rights(0, nobody().gid, 0o750)


@pytest.mark.parametrize("fields", [(1, 0o755, "a", "b"), ("/a", "0755", "a", "b"), ("/a", 0o755, None, "b")])
def test_a_directory_of_wrong_types(fields: tuple[object, ...]) -> None:
    with pytest.raises(TypeError):
        Directory(*fields)  # type: ignore[arg-type]
