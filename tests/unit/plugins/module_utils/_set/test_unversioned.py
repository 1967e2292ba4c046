# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that git does not hold, on old: listed and captured."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._set import placement, unversioned
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import UnversionedFile
from tests.unit.fakes import ROOT_ONLY, me, nobody, refused
from tests.unit.plugins.module_utils._set.beside_git import CANARY, backup, shared

__all__ = ["backup", "shared"]  # fixtures


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with files of every kind."""
    path = tmp_path / "app"
    (path / "conf/deep").mkdir(parents=True)
    for name, mode in ((".env", 0o640), ("conf/a.py", 0o600), ("conf/deep/b.bin", 0o444), ("conf/.hidden", 0o644)):
        (path / name).write_bytes(b"NAME=" + name.encode() + b"\xff\n")
        (path / name).chmod(mode)
    (path / "conf/link").symlink_to("../.env")
    (path / "conf/dirlink").symlink_to("deep")
    (path / "current").symlink_to("conf")
    (path / "dangling").symlink_to("/no/such")
    Path(os.fsdecode(os.fsencode(path) + b"/caf\xe9.env")).write_text("A=1\n")
    return path


# --- the list


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([".env"], [".env"]),
        (["./conf/../.env", ".env"], [".env"]),
        (["conf/*.py"], ["conf/a.py"]),
        (["conf"], ["conf/.hidden", "conf/a.py", "conf/deep/b.bin", "conf/dirlink", "conf/link"]),
        (["conf/"], ["conf/.hidden", "conf/a.py", "conf/deep/b.bin", "conf/dirlink", "conf/link"]),
        (["current", "dangling"], ["current", "dangling"]),
        (["*.env"], ["caf\udce9.env"]),
        (["c?nf/deep"], ["conf/deep/b.bin"]),
        ([], []),
    ],
)
def test_expand(project: Path, entries: list[str], expected: list[str]) -> None:
    assert unversioned.expand(entries, str(project)) == [f"{project}/{name}" for name in expected]


def test_expand_takes_absolute_paths_and_names_that_look_like_patterns(project: Path) -> None:
    odd = project / "conf [1]"
    odd.mkdir()
    (odd / "x*.env").write_text("")
    assert unversioned.expand([str(odd / "x*.env"), "/etc/hosts"], str(odd)) == sorted(
        [str(odd / "x*.env"), "/etc/hosts"]
    )
    assert unversioned.expand(["x*.env"], str(odd)) == [str(odd / "x*.env")]


def test_everything_that_is_missing_is_named_at_once(project: Path) -> None:
    with refused("path_refused", r"not on this host: .*/one, .*/\*\.two Next: correct relocate_files") as at:
        unversioned.expand(["one", ".env", "*.two"], str(project))
    assert at.value.details == {"missing": [f"{project}/one", f"{project}/*.two"]}


@pytest.mark.parametrize("path", ["..", "../x", "conf/../../x", ".", ""])
def test_a_relative_path_that_climbs_out(project: Path, path: str) -> None:
    with refused("path_refused", "leads out of the project.*write an absolute path in relocate_files"):
        unversioned.expand([path], str(project))


# --- capture


def test_capture(project: Path, backup: BackupSet) -> None:
    entries = unversioned.capture(backup, [".env", "conf", "dangling", "caf*"], str(project))
    assert unversioned.capture(backup, [".env", "conf", "dangling", "caf*"], str(project)) == entries  # again
    kept = {os.path.relpath(item.path, project): item for item in entries}
    assert {name: (item.mode, item.link) for name, item in kept.items()} == {
        ".env": (0o640, ""),
        "caf\udce9.env": (0o644, ""),
        "conf/.hidden": (0o644, ""),
        "conf/a.py": (0o600, ""),
        "conf/deep/b.bin": (0o444, ""),
        "conf/dirlink": (0o777, "deep"),
        "conf/link": (0o777, "../.env"),
        "dangling": (0o777, "/no/such"),
    }
    assert all(item.owner == me().name for item in entries)
    stored = {name: item.stored for name, item in kept.items() if not item.link}
    assert sorted(os.listdir(backup.file("files"))) == sorted(os.path.basename(item) for item in stored.values())
    for name, where in stored.items():
        assert Path(backup.file(where)).read_bytes() == Path(project / name).read_bytes()
        assert stat.S_IMODE(os.stat(backup.file(where)).st_mode) == 0o600
    assert not any(item.stored for item in entries if item.link)


@ROOT_ONLY
def test_capture_notes_owners_that_have_no_name(project: Path, backup: BackupSet) -> None:
    os.chown(project / ".env", 54321, 54322)
    (entry,) = unversioned.capture(backup, [".env"], str(project))
    assert (entry.owner, entry.group) == ("54321", "54322")


@pytest.mark.parametrize("kind", ["fifo", "socket", "big", "link"])
def test_only_regular_files_of_a_sane_size(
    project: Path, backup: BackupSet, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project / "odd"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        monkeypatch.chdir(project)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("odd")
    elif kind == "big":
        with open(path, "wb") as stream:
            stream.truncate(64 * 1024 * 1024 + 1)
    else:
        path.symlink_to(".env")
    with refused("path_refused", "odd is not a regular file of 64 MiB at most.*leave it out of relocate_files"):
        unversioned.read_plain(str(path))
    if kind != "link":
        with refused("path_refused", "odd is not a regular file"):
            unversioned.capture(backup, ["odd"], str(project))


@pytest.fixture
def secret(shared: Path) -> Iterator[Path]:
    """A directory of root's with a file, outside of the owner's."""
    path = shared.with_name(shared.name + "-root") / "shadow"
    path.parent.mkdir(mode=0o755)
    path.write_text(CANARY)
    path.chmod(0o600)
    yield path
    subprocess.run(["rm", "-rf", str(path.parent)], check=True)


def his(path: Path, text: str = "A=1\n", mode: int = 0o644) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    for each in (path, path.parent):
        os.chown(each, nobody().uid, nobody().gid)
    return path


@ROOT_ONLY
@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_directory_that_becomes_a_link_while_it_is_captured(
    shared: Path, secret: Path, backup: BackupSet, turn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root's own file was stored as the owner's, readable by all, when it happened after the last look."""
    his(shared / "conf" / "shadow")
    real, turns = os.lstat, list(range(turn))

    def lstat(path: object, **kwargs: int) -> os.stat_result:
        found = real(path, **kwargs)  # type: ignore[call-overload]
        if turns and os.path.basename(str(path)) == "shadow":
            turns.pop()
            if not turns:
                uid = os.geteuid()
                os.seteuid(0)
                os.rename(shared / "conf", shared / "was")
                (shared / "conf").symlink_to(secret.parent)
                os.seteuid(uid)
        return found

    monkeypatch.setattr(os, "lstat", lstat)
    entries: tuple[UnversionedFile, ...] = ()
    with contextlib.suppress(RelocateError):
        entries = unversioned.capture(backup, ["conf/shadow"], str(shared), nobody())
    assert not turns
    assert CANARY not in [Path(backup.file(item.stored)).read_text() for item in entries]


@ROOT_ONLY
@pytest.mark.parametrize("listed", ["conf/shadow", "conf/*", "conf", "*/shadow"])
def test_a_link_of_the_owners_leads_no_further_than_he_may_go(
    shared: Path, secret: Path, backup: BackupSet, listed: str
) -> None:
    (shared / "conf").symlink_to(secret.parent)
    if listed == "conf":
        (entry,) = unversioned.capture(backup, [listed], str(shared), nobody())
        assert (entry.link, entry.stored) == (str(secret.parent), "")
        return
    with refused("path_refused", "shadow cannot be read: Permission denied.*let the project's owner read it"):
        unversioned.capture(backup, [listed], str(shared), nobody())
    secret.parent.chmod(0o711)
    if "*" in listed and listed != "*/shadow":
        with refused("path_refused", "conf cannot be read: Permission denied"):
            unversioned.expand([listed], str(shared), nobody())


@ROOT_ONLY
def test_a_file_that_only_root_may_read_stays_so(shared: Path, backup: BackupSet, secret: Path) -> None:
    """As systemd reads it: it lies in the owner's directory, and has no name elsewhere."""
    (shared / "root.env").write_text(CANARY)
    (shared / "root.env").chmod(0o600)
    (entry,) = unversioned.capture(backup, ["root.env"], str(shared), nobody())
    assert (entry.owner, entry.mode, Path(backup.file(entry.stored)).read_text()) == ("root", 0o600, CANARY)
    (there,) = placement.plan(backup, [entry], ["root.env"], {}, str(shared))
    assert not placement.differs(there, nobody())
    os.link(secret, shared / "hard.env")
    with refused("path_refused", "hard.env cannot be read: Permission denied"):
        unversioned.capture(backup, ["hard.env"], str(shared), nobody())


def test_a_link_and_what_lies_behind_it(tmp_path: Path) -> None:
    """New refuses such a set; told on old, before anything is stopped, with what to name in its place."""
    (tmp_path / "app").mkdir()
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "local.py").write_text("")
    (tmp_path / "app" / "config").symlink_to("../shared")
    project, real = str(tmp_path / "app"), f"{os.path.realpath(tmp_path)}/shared/local.py"
    with refused("path_refused", "app/config/local.py lies behind the link .*/app/config, and.*lists both") as caught:
        unversioned.expand(["config", "config/local.py"], project, me())
    assert caught.value.hint == f"name {real} in relocate_files in place of {project}/config/local.py"
    assert unversioned.expand(["config", real], project, me()) == [f"{project}/config", real]
    assert unversioned.expand(["config/local.py"], project, me()) == [f"{project}/config/local.py"]
