# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories that LOGGING writes into: which of them new lacks, which are made and which are told."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._model import Directory
from ansible_collections.relocate.django.plugins.module_utils._set.relocation import between
from ansible_collections.relocate.django.plugins.module_utils._steps import logs
from tests.unit.fakes import ROOT_ONLY, me, nobody, reachable, refused


@pytest.mark.parametrize("junk", [None, "x", {}, 7, [None, 7, "relative/x", "/x", "/a/../b/x", ["/a/x"]]])
def test_what_a_set_says_may_be_anything(junk: Any) -> None:
    assert logs.directories({"log_files": junk}) == []


def test_where_logs_are_here(tmp_path: Path) -> None:
    new = str(tmp_path / "repo" / "src")
    (tmp_path / "repo" / "there").mkdir(parents=True)
    names = ["/old/repo/src/logs/a.log", "/old/repo/src/logs/b.log", "/old/repo/there/c.log", "/old/repo/top/d.log"]
    names += ["/nowhere/shop/e.log", str(tmp_path / "f.log")]
    relocation = between("/old/repo/src", new, "src")
    within, elsewhere = logs.missing({"log_files": names}, relocation, new, "src")
    assert within == [new + "/logs", str(tmp_path / "repo" / "top")]
    assert elsewhere == ["/nowhere/shop"]


def test_what_can_be_made_is_no_obstacle(tmp_path: Path) -> None:
    """Neither one whose owner comes with the checkout, nor one of a user who is made, nor another user's."""
    group = Path("/").group()
    lacking = ["/var/log/relocate-no-such-app", "/srv/relocate-no-such-app/logs"]
    assert logs.obstacles(lacking, me().name, []) == []
    assert logs.obstacles(lacking, "no-such-owner", []) == []
    of_owner = [Directory(path, 0o750, "no-such-owner", "no-such-owner") for path in lacking]
    assert logs.obstacles(lacking, "no-such-owner", of_owner) == []
    of_unit = [Directory(path, 0o2750, "no-such-www", group) for path in lacking]
    assert logs.obstacles(lacking, me().name, of_unit, ["no-such-www"]) == []


@pytest.mark.parametrize(
    ("user", "group", "why", "hint"),
    [
        (
            "no-such-www",
            "root",
            "the user no-such-www on old",
            "useradd --system no-such-www; or add the unit that runs as",
        ),
        ("root", "no-such-adm", "the group no-such-adm on old", "groupadd --system no-such-adm"),
        ("1234", "root", "the user 1234 on old", "on old, give /var/log/relocate-x to the user that the site runs as"),
    ],
)
def test_one_that_belongs_to_whom_this_host_lacks(user: str, group: str, why: str, hint: str) -> None:
    """As root's or the project owner's, the site's program could not open its log once old is stopped."""
    path = "/var/log/relocate-x"
    (told,) = logs.obstacles([path], me().name, [Directory(path, 0o750, user, group)])
    assert told.code == "directory_missing" and why in told.msg and hint in told.hint


def test_one_in_a_directory_of_the_system() -> None:
    (told,) = logs.obstacles(["/etc/relocate-x"], me().name, [Directory("/etc/relocate-x", 0o750, me().name, "root")])
    assert told.code == "directory_missing" and "directory of the system" in told.msg
    assert f"make it on new: install -d -m 0750 -o {me().name} -g root /etc/relocate-x;" in told.hint
    (told,) = logs.obstacles(["/etc/relocate-x"], "no-such-owner", [])
    command = "useradd --system --comment relocate.django no-such-owner && install -d -m 0750 -o no-such-owner"
    assert command in told.hint, "such a user is taken for the owner"


@ROOT_ONLY
def test_elsewhere_they_are_whose_they_were_on_old(tmp_path: Path) -> None:
    """The site may run as another user than the project's owner; his directories hold further ones of his."""
    top = reachable(tmp_path)
    path, plain = str(top / "app" / "web"), str(top / "plain")
    group = Path("/").group()
    recorded = [Directory(str(top / "app"), 0o755, "daemon", group), Directory(path, 0o2710, "daemon", group)]
    assert logs.obstacles([path, plain], "nobody", recorded) == []
    logs.make_elsewhere([path, plain], nobody(), recorded)
    assert (Path(path).owner(), Path(path).group(), Path(path).stat().st_mode & 0o7777) == ("daemon", group, 0o2710)
    assert (Path(plain).owner(), Path(plain).stat().st_mode & 0o7777) == (nobody().name, 0o750)


@ROOT_ONLY
def test_in_a_third_users_directory_nothing_is_made(tmp_path: Path) -> None:
    his = reachable(tmp_path) / "his"
    his.mkdir()
    os.chown(his, pwd.getpwnam("daemon").pw_uid, 0)
    (told,) = logs.obstacles([f"{his}/logs"], nobody().name, [])
    assert "belongs neither to root nor to" in told.msg
    with refused("path_refused", "belongs neither to root nor to"):
        logs.make_elsewhere([f"{his}/logs"], nobody(), [])
    assert not (his / "logs").exists()


def test_logs_of_a_project_that_a_link_leads_to(tmp_path: Path) -> None:
    """Settings resolve their own path; a release of old is not there on new."""
    release = tmp_path / "releases" / "7" / "src"
    release.mkdir(parents=True)
    (tmp_path / "current").symlink_to("releases/7")
    top = os.path.realpath(tmp_path)
    names = [f"{top}/releases/7/src/logs/a.log", f"{top}/releases/7/b/b.log", f"{top}/releases/6/c.log", "/v/d.log"]
    found = logs.by_project({"log_files": names, "version": "5"}, str(tmp_path / "current" / "src"), "src")
    assert found["version"] == "5"
    current = tmp_path / "current"
    assert found["log_files"] == [f"{current}/src/logs/a.log", f"{current}/b/b.log", names[2], names[3]]
    assert logs.by_project({"log_files": 7}, str(current)) == {"log_files": 7}


def test_they_are_as_they_were_on_old(tmp_path: Path) -> None:
    first, second = tmp_path / "logs", tmp_path / "more" / "deep"
    group = Path("/").group()
    logs.make([str(first), str(second)], me(), [Directory(str(first), 0o2710, me().name, group)])
    assert first.stat().st_mode & 0o7777 == (0o2710 if os.geteuid() == 0 else first.stat().st_mode & 0o7777)
    assert second.stat().st_mode & 0o7777 == 0o750
