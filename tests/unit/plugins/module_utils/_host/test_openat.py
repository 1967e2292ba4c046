# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose rights a file is touched with, given who can write on the way to it."""

from __future__ import annotations

import grp
import os
import struct
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._project import env_sources
from tests.unit.fakes import ROOT_ONLY, nobody, refused
from tests.unit.plugins.module_utils._host.places import DAEMON, made, top

__all__ = ["top"]  # fixtures


def written(path: Path, text: str = "A=1\n", uid: int = 0, mode: int = 0o600, gid: int = 0) -> Path:
    path.write_text(text)
    os.chown(path, uid, gid)
    path.chmod(mode)
    return path


def who(path: Path, follow: bool = False) -> tuple[str | None, bool]:
    with openat.parent(str(path), nobody(), follow) as (place, _name):
        return place.user.name if place.user else None, place.led


def empty_group() -> int:
    taken = {entry.gr_gid for entry in grp.getgrall()}
    return next(gid for gid in range(54000, 54100) if gid not in taken)


@ROOT_ONLY
def test_with_whose_rights(top: Path) -> None:
    made(top / "roots")
    made(top / "his", nobody().uid)
    made(top / "his" / "roots")
    made(top / "third", DAEMON)
    made(top / "open", mode=0o777)
    made(top / "sticky", mode=0o1777)
    made(top / "group", mode=0o775, gid=nobody().gid)
    made(top / "empty-group", mode=0o775, gid=empty_group())
    (top / "link").symlink_to("his")
    (top / "his" / "link").symlink_to(top / "roots")
    (top / "his-link").symlink_to("roots")
    os.chown(top / "his-link", nobody().uid, -1, follow_symlinks=False)
    assert {name: who(top / name / "file") for name in os.listdir(top)} == {
        "roots": (None, False),
        "his": ("nobody", False),
        "third": ("daemon", False),
        "open": ("nobody", False),
        "sticky": ("nobody", False),
        "group": ("nobody", False),
        "empty-group": (None, False),
        "link": ("nobody", False),  # root's own link
        "his-link": ("nobody", True),
    }
    assert who(top / "his" / "roots" / "file") == (None, False)
    assert who(top / "his" / "link" / "file") == ("nobody", True)
    assert who(top / "his" / "link" / ".." / "roots" / "file") == ("nobody", True)


@ROOT_ONLY
@pytest.mark.parametrize("name", ["his", "his/work", "his/roots/work", "his/none/yet", "link/work", "link2", "open/w"])
def test_a_work_directory_that_somebody_could_exchange(top: Path, name: str) -> None:
    """Its record would be his word, and what root writes there could go where he likes."""
    made(top / "his", nobody().uid)
    made(top / "his/work")
    made(top / "his/roots/work")
    made(top / "open", mode=0o777)
    made(top / "roots")
    (top / "link").symlink_to("his")
    (top / "link2").symlink_to("his/link3")
    (top / "his/link3").symlink_to(top / "roots")
    with refused("work_directory", "lies where users other than root can write"):
        openat.check_work(str(top / name))


@pytest.mark.parametrize("name", ["", ".", "relocate", "var/lib/relocate", "~nobody-of-this-name/x"])
def test_a_work_directory_without_a_beginning(name: str) -> None:
    with refused("work_directory", "is not an absolute path"):
        openat.check_work(name)


@ROOT_ONLY
def test_work_directories_that_are_roots(top: Path) -> None:
    made(top / "roots/work")
    made(top / "sticky", mode=0o1777)
    (top / "link").symlink_to("roots")
    for name in ("roots/work", "roots/not/yet", "link/work", "sticky/not-yet", ""):
        openat.check_work(str(top / name))
    openat.check_work("/var/lib/relocate")


@ROOT_ONLY
def test_an_access_list_lets_somebody_write(top: Path) -> None:
    made(top / "listed", mode=0o775)
    rows = [(0x01, 7, _NONE), (0x02, 7, nobody().uid), (0x04, 5, _NONE), (0x10, 7, _NONE), (0x20, 5, _NONE)]
    try:
        os.setxattr(top / "listed", "system.posix_acl_access", _acl(rows))
    except OSError:
        pytest.skip("this file system knows no access lists")
    (top / "listed" / "link").symlink_to("/etc")
    assert who(top / "listed" / "file") == ("nobody", False)
    assert who(top / "listed" / "link" / "hostname") == ("nobody", True)


_NONE = 0xFFFFFFFF


def _acl(rows: list[tuple[int, int, int]]) -> bytes:
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *row) for row in rows)


@ROOT_ONLY
def test_what_root_alone_can_write_within_a_sticky_directory_is_roots(top: Path) -> None:
    made(top / "sticky", mode=0o1777)
    made(top / "sticky" / "roots")
    assert who(top / "sticky" / "roots" / "file") == (None, False)
    made(top / "open", mode=0o777)
    (top / "open" / "link").symlink_to(top / "sticky" / "roots")  # root's link, yet anybody could exchange it
    assert who(top / "open" / "link" / "file") == ("nobody", True)


@ROOT_ONLY
@pytest.mark.parametrize("owner", [None, "root"])
def test_nobody_can_follow_a_link_for_root(top: Path, owner: str | None) -> None:
    made(top / "his", nobody().uid)
    (top / "his" / "link").symlink_to("/etc")
    user = openat.lookup_user(owner) if owner else None
    text = "link is a link that users other than root can change"
    with refused("path_refused", text), openat.directory(str(top / "his" / "link"), user):
        pass


def test_errors_are_the_systems(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    user = nobody()
    for path, kind in (("none/x", FileNotFoundError), ("file/x", NotADirectoryError), ("loop/x", OSError)):
        with pytest.raises(kind), openat.parent(str(tmp_path / path), user):
            pass
    with openat.directory(str(tmp_path), user) as place:
        for name in ("", ".", "..", "a/b"):
            with pytest.raises(OSError, match="Invalid argument"):
                place.open(name)
        (tmp_path / "link").symlink_to("file")
        with pytest.raises(OSError, match="symbolic link"):
            place.open("link")


# --- environment files: project code gets to know what is in them


def read(top: Path, name: str) -> dict[str, str]:
    return env_sources.read_env_files(str(top / "app"), [name], nobody())


@ROOT_ONLY
@pytest.mark.parametrize("kind", ["link", "directory", "hard link", "third"])
def test_an_env_file_that_the_owner_may_not_read(top: Path, kind: str) -> None:
    """Else root's own file, told by project code, is the owner's to read."""
    app, secret = made(top / "app", nobody().uid), written(made(top / "root", mode=0o700) / "other.env", "KEY=canary\n")
    if kind == "link":
        (app / ".env").symlink_to(secret)
    elif kind == "directory":
        (app / "conf").symlink_to(secret.parent)
    elif kind == "hard link":
        os.link(secret, app / ".env")
    else:
        os.rename(written(top / "third.env", "KEY=canary\n", DAEMON), app / ".env")
    name = "conf/other.env" if kind == "directory" else ".env"
    with refused("bad_option", r"cannot be read: Permission denied.*let nobody read it, or keep it in .* such as /etc"):
        read(top, name)


@ROOT_ONLY
def test_env_files_that_root_may_read_for_the_project(top: Path) -> None:
    app = made(top / "app", nobody().uid)
    etc = made(top / "etc", mode=0o750)
    written(etc / "app.env", "FROM=root\n")
    (top / "roots-link").symlink_to("etc")
    written(app / ".env", "FROM=app\n", nobody().uid)
    written(made(app / "shared", nobody().uid) / "s.env", "FROM=shared\n", 0, 0o640, nobody().gid)
    (app / "current.env").symlink_to("shared/s.env")
    (app / "current").symlink_to(app / "shared")
    written(etc / "readable.env", "FROM=readable\n", mode=0o644)
    (app / "out.env").symlink_to("/etc/hostname")  # he may read it himself
    assert read(top, str(etc / "app.env")) == {"FROM": "root"}
    assert read(top, str(top / "roots-link" / "app.env")) == {"FROM": "root"}
    assert read(top, ".env") == {"FROM": "app"}
    assert read(top, "current.env") == read(top, "current/s.env") == {"FROM": "shared"}
    assert read(top, "out.env") == {}
    assert read(top, "-none.env") == {}
    with refused("bad_option", "No such file.*begin it with -"):
        read(top, "none.env")


@ROOT_ONLY
@pytest.mark.parametrize("whose", ["root's unit", "the owner's unit", "root's, open to others"])
def test_a_unit_file_leads_root_only_where_root_wrote_it(top: Path, whose: str) -> None:
    """Else the owner has root read another site's secrets to him, by a unit file of his own."""
    etc = made(top / "etc", mode=0o755)
    secret = written(etc / "other.env", "KEY=canary\n")
    text = f"[Service]\nEnvironment=OWN=1 KEY=none\nEnvironmentFile={secret}\n"
    unit = written(etc / "shop.service", text, nobody().uid if whose == "the owner's unit" else 0, 0o644)
    if whose == "root's, open to others":
        unit.chmod(0o666)
    made(top / "app", nobody().uid)
    if whose == "root's unit":
        assert read(top, str(unit)) == {"OWN": "1", "KEY": "canary"}
        return
    with refused("bad_option", r"other.env cannot be read: Permission denied"):
        read(top, str(unit))
    secret.chmod(0o644)
    assert read(top, str(unit)) == {"OWN": "1", "KEY": "canary"}  # he may read that himself
    assert os.geteuid() == 0


@ROOT_ONLY
def test_an_env_file_that_is_exchanged_while_it_is_read(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app, secret = made(top / "app", nobody().uid), written(top / "other.env", "KEY=canary\n")
    written(app / ".env", "A=1\n", nobody().uid)
    real = os.open

    def opened(path: str, flags: int, *args: int, **kwargs: int) -> int:
        if path in (".env", str(app / ".env")):
            (app / ".env").unlink()
            (app / ".env").symlink_to(secret)
        return real(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, "open", opened)
    with refused("bad_option", "cannot be read"):
        read(top, ".env")


def test_a_fifo_is_no_env_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".env")
    with refused("bad_option", "it is not a regular file of 1 MiB at most"):
        env_sources.read_env_files(str(tmp_path), [".env"], nobody() if os.geteuid() else None)
