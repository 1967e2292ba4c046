# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom another host may make the owner of a project here."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import owner

REAL = owner._may_become_root
USERS = {
    "root": (0, "root", ["root"]),
    "toor": (0, "", []),
    "backup": (34, "backup", ["backup"]),
    "www-data": (33, "", ["www-data"]),
    "postgres": (105, "PostgreSQL administrator", ["postgres"]),
    "shop": (998, "relocate.django", ["shop"]),
    "forged": (997, "x,relocate.django", ["forged"]),
    "made": (996, "relocate.django", ["made", "docker"]),
    "app": (1001, "An app", ["app"]),
    "admin": (1000, "", ["users", "sudo"]),
    "wheeler": (1002, "", ["wheel"]),
    "dock": (1003, "", ["docker"]),
    "nobody": (65534, "nobody", ["nogroup"]),
    "deploy": (1004, "", ["deploy"]),
}


@pytest.fixture(autouse=True)
def users(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a host of which the users are known."""
    names = sorted({name for _uid, _gecos, groups in USERS.values() for name in groups})

    def by_name(name: str) -> Any:
        uid, gecos, _groups = USERS[name]
        return pwd.struct_passwd((name, "x", uid, 1, gecos, "/home/" + name, "/bin/sh"))

    monkeypatch.setattr(owner.pwd, "getpwnam", by_name)
    monkeypatch.setattr(os, "getgrouplist", lambda name, _gid: [names.index(item) for item in USERS[name][2]])
    monkeypatch.setattr(owner.grp, "getgrgid", lambda gid: grp.struct_group((names[gid], "x", gid, [])))
    monkeypatch.setattr(owner, "_last_of_system", lambda: 999)
    monkeypatch.setattr(owner, "_may_become_root", lambda name: name in ("deploy", "ubuntu"))


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("app", {}, ""),
        ("shop", {}, ""),  # made by an earlier run
        ("www-data", {"wanted": "www-data"}, ""),
        ("admin", {"wanted": "admin"}, ""),
        ("root", {"allow_root": True}, ""),
        ("root", {"allow_root": True, "wanted": "root"}, ""),
        ("root", {}, "root is root here Next: set relocate_allow_root"),
        ("root", {"wanted": "root"}, "root is root here"),
        ("toor", {}, "toor is root here"),
        ("www-data", {}, r"www-data is a user of the system \(uid 33\) .* Next: set relocate_owner: www-data if you"),
        ("backup", {}, "backup is a member of backup on this host"),
        ("postgres", {}, "postgres is a member of postgres"),
        ("forged", {}, "a user of the system"),
        ("made", {}, "a member of docker"),
        ("admin", {}, "admin is a member of sudo on this host, and project code would run as him"),
        ("wheeler", {}, "a member of wheel"),
        ("dock", {}, "a member of docker"),
        ("deploy", {}, "deploy is named in the rules of sudo or doas on this host, and project code would run as him"),
        ("deploy", {"wanted": "deploy"}, ""),
        ("nobody", {}, "a user of the system"),
        ("postgres", {"wanted": "app"}, "the project belongs to postgres there, and relocate_owner is app"),
        ("app", {"wanted": "shop"}, "relocate_owner is shop"),
    ],
)
def test_users_that_are_there(name: str, options: dict[str, Any], text: str) -> None:
    if not text:
        assert owner.check_owner(name, **options) is True
        return
    with pytest.raises(RelocateError, match=text) as caught:
        owner.check_owner(name, **options)
    assert caught.value.code == "owner_refused"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-rf",
        "a b",
        "a\nb",
        "a:b",
        "../x",
        "x" * 33,
        "{{ x }}",
        "a\x1b",
        "1000",
        "root ",
        "é",
        "a$(id)",
        "%sudo",
        "#0",
    ],
)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(RelocateError, match="is no name of a user Next: set relocate_owner") as caught:
        owner.check_owner(name, wanted=name)
    assert (caught.value.code, "\x1b" in caught.value.msg, "\n" in caught.value.msg) == ("owner_refused", False, False)


@pytest.mark.parametrize(
    ("home", "text"),
    [
        ("", ""),
        ("/home/fresh", ""),
        ("/srv/fresh/", ""),
        ("/var/lib/fresh", ""),
        ("/nonexistent", ""),
        ("/etc/systemd/system/cron.service.d", "lies in a directory of the system"),
        ("/etc", "lies in a directory of the system"),
        ("/root/.ssh", "lies in a directory of the system"),
        ("/var/spool/cron/crontabs", "lies in a directory of the system"),
        ("/srv/../etc/x", "no path as home"),
        ("srv/x", "no path as home"),
        ("/srv/\x1b", "no path as home"),
    ],
)
def test_the_home_of_a_user_that_is_made(home: str, text: str) -> None:
    if not text:
        assert owner.check_owner("fresh", home=home) is False
        return
    with pytest.raises(RelocateError, match=text + ".*create the user on new yourself") as caught:
        owner.check_owner("fresh", home=home)
    assert caught.value.code == "owner_refused"


def test_a_link_to_a_system_directory_is_no_home(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    with pytest.raises(RelocateError, match="directory of the system"):
        owner.check_owner("fresh", home=str(tmp_path / "link" / "x"))


@pytest.mark.parametrize(("text", "last"), [("SYS_UID_MAX\t\t499\n", 499), ("#SYS_UID_MAX 1\n", 999), ("", 999)])
def test_the_last_user_of_the_system(text: str, last: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    (tmp_path / "login.defs").write_text("# x\n" + text)
    assert owner._last_of_system(str(tmp_path / "login.defs")) == last
    assert owner._last_of_system(str(tmp_path / "none")) == 999


def test_one_who_is_not_there_yet_and_may_become_root() -> None:
    """The user of an image was removed, and his rule was not."""
    with pytest.raises(RelocateError, match="ubuntu is not a user of this host, but may become root once he is"):
        owner.check_owner("ubuntu")
    assert owner.check_owner("ubuntu", wanted="ubuntu") is False


SUDOERS = """# app ALL=(ALL) ALL
Defaults:app !requiretty
%sudo ALL=(ALL:ALL) ALL  # not app
root, first\tALL=(ALL) ALL
User_Alias ADMINS = second, \\
    third : OTHERS = fourth
ADMINS ALL=(app) NOPASSWD: /usr/bin/app
fifth ALL=NOPASSWD: /bin/systemctl restart x
"""
DOAS = """permit nopass sixth as root
deny app
permit :wheel
"""


def test_who_is_named_in_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner.grp, "getgrnam", lambda _name: None)
    (tmp_path / "sudoers").write_text(SUDOERS)
    (tmp_path / "doas.conf").write_text(DOAS)
    rules = [str(tmp_path / "sudoers*"), str(tmp_path / "doas.conf"), str(tmp_path / "none")]
    found = ("first", "second", "third", "fourth", "fifth", "sixth")
    others = ("app", "sudo", "irs", "wheel", "apple")
    assert [name for name in found + others if REAL(name, rules)] == list(found)


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ("%deploy ALL=(ALL) NOPASSWD: ALL", ["deploy"]),
        ("%docker ALL=(ALL) ALL", ["made", "dock"]),
        ("root, %users ALL=(ALL) ALL", ["admin"]),
        ("#1001 ALL=(ALL) ALL # app", ["app"]),
        ("User_Alias A = #1001, #1004", ["app", "deploy"]),
        ("%#3 ALL=(ALL) ALL", ["made", "dock"]),  # by the fixture's numbers of groups
        ('"deploy" ALL=(ALL) ALL', ["deploy"]),
        ('"%deploy" ALL=(ALL) ALL', ["deploy"]),
        ("%fresh ALL=(ALL) ALL", ["fresh"]),  # who is made gets a group of his name
        ("%there ALL=(ALL) ALL", []),  # but not one that is there already
        ("#deploy ALL=(ALL) ALL", []),
        ("# 1001 ALL=(ALL) ALL", []),
        ("#10010 ALL=(ALL) ALL", []),
        ("x ALL=(#1001) /bin/app", []),
    ],
)
def test_groups_and_numbers_in_rules(
    rule: str, named: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = ["there"]
    monkeypatch.setattr(owner.grp, "getgrnam", lambda name: known.index(name) if name in known else {}[name])
    (tmp_path / "sudoers").write_text(rule + "\n")
    names = ["app", "made", "dock", "admin", "deploy", "fresh", "there"]
    assert [name for name in names if REAL(name, [str(tmp_path / "sudoers")])] == named


def test_groups_in_rules_of_doas(tmp_path: Path) -> None:
    (tmp_path / "doas.conf").write_text("permit nopass :docker as root\ndeny :deploy\n")
    assert [name for name in USERS if REAL(name, [str(tmp_path / "doas.conf")])] == ["made", "dock"]
