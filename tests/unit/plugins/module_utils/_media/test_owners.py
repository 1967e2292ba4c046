# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is the service user's on old is his on new; and nobody gets what was never his."""

from __future__ import annotations

import grp
import json
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._media import inventory as media_inventory
from ansible_collections.relocate.django.plugins.module_utils._media import owners
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user
from tests.unit.fakes import ROOT_ONLY, me, nobody, reachable, refused

NONE: dict[str, Any] = {"places": {}, "digest": "", "users": [], "groups": [], "more": 0}


def service() -> SystemUser:
    """Return a user who is neither root nor nobody."""
    found = lookup_user("daemon")
    assert found is not None
    return found


def tree(top: Path, owner: SystemUser, app: SystemUser) -> Path:
    """MEDIA of the owner, in which the service has filled two directories."""
    files = {
        "logo.png": owner,
        "uploads/2026/a.jpg": app,
        "uploads/2026/b.jpg": owner,
        "empty/x": owner,
        "né/\udcff": app,
    }
    for name, user in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name.encode("utf-8", "replace").decode())
        os.chown(path, user.uid, user.gid)
    for name, user, mode in (
        ("", owner, 0o755),
        ("uploads", app, 0o2775),
        ("uploads/2026", app, 0o2775),
        ("empty", owner, 0o750),
        ("né", app, 0o755),
    ):
        os.chown(top / name, user.uid, user.gid)
        os.chmod(top / name, mode)
    os.chmod(top / "uploads/2026/a.jpg", 0o640)
    return top


def copy(source: Path, target: Path, owner: SystemUser) -> Path:
    """What rsync makes of it as the owner: all of it is his, without the group's bit on directories."""
    target.mkdir()
    for above, directories, files in os.walk(source):
        there = target / os.path.relpath(above, source)
        for name in directories:
            (there / name).mkdir()
        for name in files:
            (there / name).write_bytes((Path(above) / name).read_bytes())
            os.chmod(there / name, os.stat(Path(above) / name).st_mode & 0o777)
            os.utime(there / name, ns=(1, os.stat(Path(above) / name).st_mtime_ns))
            os.chown(there / name, owner.uid, owner.gid)
        os.chown(there, owner.uid, owner.gid)
    return target


def inventory(path: Path, owner: SystemUser) -> dict[str, Any]:
    return media_inventory.inventory(str(path), owner, (), True)


@ROOT_ONLY
def test_owners_groups_and_modes_are_those_of_old(tmp_path: Path) -> None:
    reachable(tmp_path)
    owner, app = nobody(), service()
    old = inventory(tree(tmp_path / "old", owner, app), owner)
    rights = json.loads(json.dumps(old["rights"]))  # as a manifest carries it
    assert rights["users"] == ["daemon"] and rights["more"] == 0
    assert rights["places"]["uploads"] == ["daemon", "daemon", 0o2775]
    assert "uploads/2026" not in rights["places"], "only changes are noted"
    new = copy(tmp_path / "old", tmp_path / "new", owner)
    before = inventory(new, owner)
    assert before["digest"] == old["digest"]
    (said,) = owners.differs(rights, before["rights"], owner)
    assert "uploads (recorded daemon:daemon 2775, found like its directory)" in said
    given = owners.numbers(rights, owner)
    assert owners.give(str(new), owner, rights) > 0 and given == [app.uid]
    assert owners.differs(rights, inventory(new, owner)["rights"], owner) == []
    status = (new / "uploads" / "2026" / "a.jpg").stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (app.uid, app.gid, 0o640)
    assert (new / "uploads").stat().st_mode & 0o7777 == 0o2775
    assert owners.give(str(new), owner, rights) == 0, "once more changes nothing"
    # The copy can go on where it left off.
    assert owners.take_back(str(new), owner, given) > 0
    assert all(path.lstat().st_uid == owner.uid for path in [new, *new.rglob("*")])
    owners.give(str(new), owner, rights)
    assert owners.differs(rights, inventory(new, owner)["rights"], owner) == []


@ROOT_ONLY
def test_a_mode_alone_is_a_difference(tmp_path: Path) -> None:
    owner = nobody()
    old = inventory(tree(reachable(tmp_path) / "old", owner, owner), owner)
    new = copy(tmp_path / "old", tmp_path / "new", owner)
    owners.give(str(new), owner, old["rights"])
    assert owners.differs(old["rights"], inventory(new, owner)["rights"], owner) == []
    os.chmod(new / "uploads" / "2026" / "a.jpg", 0o600)
    assert owners.differs(old["rights"], inventory(new, owner)["rights"], owner) == [
        "owner, group or mode of files in MEDIA_ROOT differ"
    ]


@ROOT_ONLY
def test_what_is_not_the_owners_stays_whose_it_is(tmp_path: Path) -> None:
    """Hard links, links and somebody else's files: a set that names them gets nobody anything."""
    owner, app = nobody(), service()
    new, secret = reachable(tmp_path) / "new", tmp_path / "secret"
    new.mkdir()
    secret.write_text("root's")
    os.link(secret, new / "hard")
    (new / "soft").symlink_to(secret)
    shared = new / "shared"
    shared.write_text("x")
    os.chown(shared, owner.uid, owner.gid)
    os.link(shared, tmp_path / "elsewhere")
    os.chown(new, owner.uid, owner.gid)
    rights = {**NONE, "places": {"": ["daemon", "daemon", 0o755]}, "users": ["daemon"]}
    assert owners.give(str(new), owner, rights) == 1
    assert secret.stat().st_uid == 0 and shared.stat().st_uid == owner.uid and new.stat().st_uid == app.uid
    assert owners.take_back(str(new), owner, [app.uid, 0]) == 1
    assert secret.stat().st_uid == 0


@ROOT_ONLY
def test_no_file_comes_by_the_rights_of_a_group(tmp_path: Path) -> None:
    """Whatever bits the owner has set meanwhile, and whatever a set says."""
    owner, group = nobody(), grp.getgrgid(service().gid).gr_name
    new = reachable(tmp_path) / "new"
    new.mkdir()
    program = new / "program"
    program.write_text("#!/bin/sh\n")
    os.chown(program, owner.uid, owner.gid)
    os.chmod(program, 0o6755)
    os.chown(new, owner.uid, owner.gid)
    rights = {**NONE, "places": {"": ["", group, 0o777], "program": ["", group, 0o6777]}, "groups": [group]}
    owners.give(str(new), owner, rights)
    assert program.stat().st_mode & 0o7000 == 0 and program.stat().st_gid == service().gid
    for name in ("root", "no-such-group"):
        with refused("media_owners", f"groups that are not on this host: {name}"):
            owners.give(str(new), owner, {**rights, "groups": [name]})


@pytest.mark.parametrize(
    ("changes", "made", "text"),
    [
        ({"users": ["no-such-user"]}, (), "no-such-user, who is not on this host.*useradd"),
        ({"users": ["no-such-user"]}, ("no-such-user",), ""),
        ({"users": ["a1", "b2"]}, (), "a1, b2, who are not"),
        ({"users": ["1234"]}, (), "users without a name: 1234.*chown"),
        ({"users": ["root"]}, (), "root, who is not"),
        ({"users": ["no\nbody"]}, (), "without a name"),
        ({"groups": ["no-such-group"]}, (), "groups that are not on this host: no-such-group.*groupadd"),
        ({"groups": ["no-such-group"]}, ("no-such-group",), ""),
        ({"more": 3}, (), "more than 2000 places.*chown -R"),
        ({}, (), ""),
    ],
)
def test_who_is_needed_on_new(changes: dict[str, Any], made: Any, text: str) -> None:
    found = owners.obstacles({**NONE, **changes}, made, "shop")
    if os.geteuid() == 0 or text:
        assert bool(found) == bool(text)
    if text and not made:
        with refused("media_owners", text):
            owners.check({**NONE, **changes}, SystemUser("shop", os.geteuid(), os.getegid()))
    assert owners.obstacles({}, (), "shop") == []


def test_every_obstacle_is_told_in_its_order() -> None:
    found = owners.obstacles({**NONE, "users": ["gone", "12"], "groups": ["none", "gone"]}, (), "shop")
    assert [item.msg.split("MEDIA_ROOT holds files of ")[1].split(":")[0] for item in found] == [
        "users without a name", "gone, who is not on this host", "groups that are not on this host",
    ]  # fmt: skip
    assert found[2].msg.endswith("none, gone")


@pytest.mark.parametrize(
    ("uid", "changes", "refused_at"),
    [
        (0, {"users": ["daemon"], "groups": ["daemon"]}, False),
        (1000, {"users": ["daemon"]}, True),
        (1000, {"groups": ["daemon"]}, True),
        (1000, {"groups": ["users"]}, False),
        (1000, {}, False),
    ],
)
def test_only_root_gives_files_to_others(
    monkeypatch: pytest.MonkeyPatch, uid: int, changes: dict[str, Any], refused_at: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setattr(os, "getgroups", lambda: [grp.getgrnam("users").gr_gid])
    found = owners.obstacles({**NONE, **changes}, (), "shop")
    assert [item.msg.endswith("only root can give files away") for item in found] == [True] * refused_at


def test_the_owner_here_may_be_the_service_there() -> None:
    rights = {**NONE, "users": [me().name], "digest": "1"}
    assert owners.obstacles(rights, (), me().name) == []
    assert owners.differs(rights, {**NONE, "digest": "2"}, me()) == []


def test_too_many_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owners, "_MOST", 2)
    for number in range(4):
        (tmp_path / str(number)).mkdir(mode=0o700 + number)
    assert media_inventory.inventory(str(tmp_path), me())["rights"]["more"] >= 1


def test_an_unprivileged_copy_gets_its_modes(tmp_path: Path) -> None:
    (tmp_path / "old" / "a").mkdir(parents=True)
    (tmp_path / "new" / "a").mkdir(parents=True)
    os.chmod(tmp_path / "old", 0o775)
    os.chmod(tmp_path / "old" / "a", 0o750)
    rights = media_inventory.inventory(str(tmp_path / "old"), me())["rights"]
    assert rights["users"] == [] and pwd.getpwuid(os.geteuid()).pw_name == me().name
    owners.give(str(tmp_path / "new"), me(), rights)
    assert media_inventory.inventory(str(tmp_path / "new"), me())["rights"] == rights


@ROOT_ONLY
def test_nothing_is_taken_back_where_a_link_of_the_owners_leads(tmp_path: Path) -> None:
    """Else who owns the project makes another user's files his own."""
    third = 1  # a user of every system
    his, theirs = reachable(tmp_path) / "his", tmp_path / "theirs"
    for path, uid in ((his, nobody().uid), (theirs, third)):
        path.mkdir()
        os.chown(path, uid, uid)
    (theirs / "file").write_text("x")
    os.chown(theirs / "file", third, third)
    (his / "media").symlink_to(theirs)
    assert owners.take_back(str(his / "media"), nobody(), [third]) == 0
    assert {(theirs / name).stat().st_uid for name in ("", "file")} == {third}
