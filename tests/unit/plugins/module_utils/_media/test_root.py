# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""MEDIA_ROOT comes out of project code: where it may lead, and what in it is somebody's."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._host import directories
from ansible_collections.relocate.django.plugins.module_utils._media import root
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Media
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as
from tests.unit.fakes import ROOT_ONLY, me, nobody, reachable, refused
from tests.unit.records import given

WORK = "/var/lib/relocate"
ROOT = SystemUser("root", 0, 0)
SHOP = SystemUser("shop", 1000, 1000)
GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]


@pytest.mark.parametrize("path", ["/", "/srv", "relative/x", "/srv/../x", "/our", "/our/sets/x", "/a/b\n"])
def test_directories_that_cannot_be_media(path: str) -> None:
    with refused("path_refused", "MEDIA_ROOT|overlap"):
        root.check_path(path, "/our/sets")


@pytest.mark.parametrize(
    "path",
    [
        *["/etc/systemd/system", "/usr/lib/x", "/lib/systemd/system", "/root/media", "/run/x", "/var/spool/cron"],
        # Where no distribution puts anything, and root's programs look all the same.
        *["/usr/local/lib/systemd/system", "/usr/local/lib/tmpfiles.d", "/usr/local/share/perl/5.36.0"],
        *["/usr/local/lib/x86_64-linux-gnu", "/usr/local/share/ca-certificates", "/var/lib/extensions/x"],
    ],
)
def test_directories_of_the_system_cannot_be_media(path: str, tmp_path: Path) -> None:
    (tmp_path / "media").symlink_to(path)
    for place in (path, str(tmp_path / "media"), str(tmp_path / "media" / "below")):
        with refused("path_refused", "lies in a directory of the system"):
            root.check_path(place, WORK, SHOP)


def test_directories_that_can_be_media() -> None:
    assert root.check_path("/srv/media/", WORK, SHOP) == "/srv/media"
    assert root.check_path("/usr/local/shop/media", WORK, SHOP)
    assert root.check_path("/root/shop/media", WORK, ROOT)


@pytest.mark.parametrize("name", ["", "/", ".", "..", "../x", "a/../.."])
def test_names_that_cannot_be_skipped(name: str) -> None:
    with refused("bad_option", "is not a name within MEDIA_ROOT"):
        root.check_skip([name])


# --- what is in it


OURS = {"path": "/srv/media"}


@pytest.mark.parametrize(
    ("record", "keep"),
    [
        ({"media": OURS}, False),
        ({"media": OURS, "moved": {"label": "l"}}, True),
        ({"media": OURS, "served": {"label": "l"}}, True),
        ({"media": {**OURS, "foreign": True}}, True),
    ],
)
def test_what_a_site_took_in_here_is_kept(record: dict[str, Any], keep: bool) -> None:
    claim = root.claim("/srv/media", me(), given(**record), False)
    assert claim.keep is keep
    assert claim.noted == Media("/srv/media", foreign=keep)


def test_files_of_others_are_refused_unless_they_may_be_kept_aside(tmp_path: Path) -> None:
    path = str(tmp_path)
    assert root.claim(path, me(), given(served={"label": "l"}), False) == root.Claim(Media(path), False)
    (tmp_path / "logo.png").write_text("theirs")
    with refused("path_refused", "held files before the move, such as logo.png: .*relocate_replace"):
        root.claim(path, me(), given(media=OURS), False)
    assert root.claim(path, me(), given(), True) == root.Claim(Media(path, foreign=True), True)
    assert root.claim(path, me(), given(), False, ["logo.png"]).keep is False


def test_what_the_checkout_brought_is_nobodys(tmp_path: Path) -> None:
    media = tmp_path / "media"
    (media / "empty" / "deeper").mkdir(parents=True)
    assert root.foreign(str(media), me()) == ""
    (media / ".gitkeep").touch()
    assert root.foreign(str(media), me()) == ".gitkeep"
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*GIT, "-C", str(tmp_path), *words], check=True)
    assert root.foreign(str(media), me()) == ""
    (media / "empty" / "link").symlink_to("x")
    assert root.foreign(str(media), me()) == "empty/link"
    assert root.foreign(str(tmp_path / "none"), me()) == ""


# --- making directories


@ROOT_ONLY
def test_a_directory_in_roots_is_made_for_the_owner(tmp_path: Path) -> None:
    path = reachable(tmp_path) / "a" / "media"
    assert root.make(str(path), nobody())
    assert not root.make(str(path), nobody())
    assert [(item.stat().st_uid, item.stat().st_mode & 0o777) for item in (path.parent, path)] == [
        (0, 0o755),
        (nobody().uid, 0o755),
    ]


@ROOT_ONLY
def test_nobody_elses_home_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """His files, given to her as on old, would be her keys when she first logs in."""
    users = {"alice": SystemUser("alice", 4321, 4321)}
    monkeypatch.setattr(directories, "lookup_user", users.get)
    with refused("path_refused", "it is, or lies in, the home of alice"):
        root.make("/home/alice/.ssh", SHOP)
    assert not os.path.lexists("/home/alice")
    for path, top, below in [("/a/b", "/a/", True), ("/a", "/a", True), ("/ab", "/a", False), ("/a", "/", False)]:
        assert directories._below(path, top) is below


@ROOT_ONLY
def test_in_the_owners_directory_root_makes_nothing(tmp_path: Path) -> None:
    os.chown(reachable(tmp_path), nobody().uid, nobody().gid)
    assert root.make(str(tmp_path / "a" / "media"), nobody())
    assert {(tmp_path / name).stat().st_uid for name in ("a", "a/media")} == {nobody().uid}


@ROOT_ONLY
@pytest.mark.parametrize("target", ["/etc", "third"])
def test_nothing_is_made_where_a_link_leads_to(tmp_path: Path, target: str) -> None:
    home, third = reachable(tmp_path) / "home", tmp_path / "third"
    home.mkdir()
    third.mkdir()
    os.chown(home, nobody().uid, nobody().gid)
    os.chown(third, 12345, 12345)
    (home / "link").symlink_to(tmp_path / target if target == "third" else target)
    with refused("path_refused", "directory of the system|cannot be made: Permission denied"):
        root.make(str(home / "link" / "relocate-test"), nobody())
    assert not os.path.lexists(home / "link" / "relocate-test")


@ROOT_ONLY
def test_nothing_is_made_in_the_directory_of_a_third(tmp_path: Path) -> None:
    third = reachable(tmp_path) / "third"
    third.mkdir()
    os.chown(third, 1, 1)
    with refused("path_refused", "cannot be made: the directory above it belongs neither to root nor to nobody"):
        root.make(str(third / "media"), nobody())
    assert os.listdir(third) == []


@ROOT_ONLY
def test_a_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = reachable(tmp_path) / "media"
    path.mkdir()
    with refused("path_refused", "is not a directory that nobody may write to"):
        root.make(str(path), nobody())
    assert path.stat().st_uid == 0
    os.chown(path, 0, nobody().gid)
    path.chmod(0o775)
    assert not root.make(str(path), nobody())


@ROOT_ONLY
def test_the_directory_beside_media(tmp_path: Path) -> None:
    media = reachable(tmp_path) / "media"
    root.make(str(media), nobody())
    (tmp_path / "link").symlink_to(media)
    displaced = root.make_displaced(str(tmp_path / "link"), "label", nobody())
    assert displaced == str(media) + "__previous-label"
    status = os.stat(displaced)
    assert (status.st_uid, status.st_mode & 0o777) == (nobody().uid, 0o700)
    assert root.drop_empty(displaced, nobody()) == ""
    assert not os.path.exists(displaced)
    root.make_displaced(str(media), "label", nobody())
    Path(displaced, "x").touch()
    assert root.drop_empty(displaced, nobody()) == displaced
    assert root.drop_empty("", nobody()) == ""
    Path(str(media) + "__previous").symlink_to("/etc")
    with refused("path_refused", "is in the way"):
        root.make_displaced(str(media), "", nobody())


# --- the group


@ROOT_ONLY
def test_only_files_of_the_owner_change_their_group(tmp_path: Path) -> None:
    media = tmp_path / "media"
    (media / "a").mkdir(parents=True)
    for name in ("his", "a/his", "roots", "skipped"):
        (media / name).touch()
    (media / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "outside").touch()
    for name in ("", "his", "a", "a/his", "skipped"):
        os.chown(media / name, 12345, 12345)
    os.chown(tmp_path / "outside", 12345, 12345)
    owner = SystemUser("shop", 12345, 12345)
    assert root.regroup(str(media), owner, 54321, ["skipped"]) == 4
    assert root.regroup(str(media), owner, 54321, ["skipped"]) == 0
    groups = {name: (media / name).stat().st_gid for name in ("", "his", "a", "a/his", "roots", "skipped")}
    assert groups == {"": 54321, "his": 54321, "a": 54321, "a/his": 54321, "roots": 0, "skipped": 12345}
    assert (tmp_path / "outside").stat().st_gid == 12345


@ROOT_ONLY
def test_a_directory_that_cannot_be_looked_at_is_no_lack(tmp_path: Path) -> None:
    """Such as a FUSE mount of its owner's, which root may not enter: MEDIA would be left behind without a word."""
    shut = reachable(tmp_path) / "shut"
    (shut / "media").mkdir(parents=True)
    (shut / "file").write_text("")
    shut.chmod(0o700)
    with acting_as(nobody()):
        assert root.is_there(f"{shut}/media")
    assert root.is_there(f"{shut}/media")
    assert (
        not root.is_there(f"{shut}/none") and not root.is_there(f"{shut}/file") and not root.is_there(f"{shut}/file/x")
    )
