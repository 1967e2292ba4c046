# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is hashed is what stays: whose the files of a set are, who may read them, and who kept a handle."""

from __future__ import annotations

import errno
import hashlib
import mmap
import os
import re
import shlex
import shutil
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import make_directory
from ansible_collections.relocate.django.plugins.module_utils._set import seal
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as
from tests.unit.fakes import LABEL, ROOT_ONLY, manifest, me, nobody, reachable, refused
from tests.unit.plugins.module_utils._set.filled import DAT, FULL, complete, fill
from tests.unit.sources import ROOT

__all__ = ["complete"]  # fixtures


@ROOT_ONLY
def test_dumps_at_rest_are_roots(tmp_path: Path) -> None:
    """The site's user reads them while they are loaded, and can neither write to them nor lay a trap."""
    elsewhere = reachable(tmp_path) / "elsewhere"
    elsewhere.write_text("not ours")
    elsewhere.chmod(0o644)
    made = BackupSet.create(str(tmp_path), "shop", LABEL, nobody())
    top = Path(made.file("databases"))
    for name in ("a.pgdump/toc.dat", "b.sqlite3.zst"):
        (top / name).parent.mkdir(exist_ok=True)
        (top / name).write_text("dump")
    paths = [top, *sorted(top.rglob("*"))]
    for path in paths:
        os.chown(path, nobody().uid, nobody().gid)
        path.chmod(0o777)
    made.finish(manifest())

    def owners() -> list[tuple[int, int, str]]:
        stats = [path.stat() for path in paths]
        return [(item.st_uid, item.st_gid, f"{stat.S_IMODE(item.st_mode):o}") for item in stats]

    at_rest = [(0, 0, mode) for mode in ("700", "700", "600", "600")]
    assert owners() == at_rest
    with refused("load_failed", "broken"), made.lent_dumps(nobody()):
        assert {(uid, gid) for uid, gid, _mode in owners()} == {(0, 0)}
        with acting_as(nobody()):
            assert (top / "a.pgdump" / "toc.dat").read_text() == "dump"
            for attempt in (
                lambda: (top / "b.sqlite3.zst").write_text("other"),
                lambda: (top / "b.sqlite3.zst").chmod(0o666),
                (top / "b.sqlite3.zst").unlink,
                lambda: (top / "a.pgdump").rename(top / "c"),
                lambda: (top / "link").symlink_to(elsewhere),
            ):
                with pytest.raises(PermissionError):
                    attempt()
        os.link(elsewhere, top / "second")
        raise RelocateError("load_failed", "broken")
    assert owners() == at_rest
    with acting_as(nobody()), pytest.raises(PermissionError):
        (top / "a.pgdump" / "toc.dat").read_text()
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o644
    with made.lent_dumps(nobody()):
        assert elsewhere.stat().st_uid == 0


@ROOT_ONLY
@pytest.mark.parametrize("name", ["", "databases", "databases/default.dump", "manifest.json", "files/0000"])
@pytest.mark.parametrize("how", ["owner", "mode"])
def test_a_set_that_somebody_could_change_after_it_was_verified(
    complete: tuple[BackupSet, str], name: str, how: str
) -> None:
    made, _digest = complete
    path = Path(made.path) / name
    if not path.exists():
        path.write_text("x")
    if how == "owner":
        os.chown(path, nobody().uid, -1)
    else:
        path.chmod(0o777 if path.is_dir() else 0o666)
    with refused("path_refused", "can be changed by somebody else than root.*chown -R root:root"):
        made.verify(made.read())


# --- writers that keep a handle


@pytest.mark.parametrize("how", ["handle", "mapping"])
def test_a_handle_that_was_kept_does_not_reach_what_was_hashed(tmp_path: Path, how: str) -> None:
    made = BackupSet.create(str(tmp_path), "shop", LABEL, me())
    fill(made)
    path = Path(made.file(DAT))
    with open(path, "r+b", buffering=0) as kept, mmap.mmap(kept.fileno(), 0) as mapping:
        if how == "mapping":
            kept.close()
        made.finish(FULL)
        if how == "mapping":
            mapping[:4] = b"evil"
            mapping.flush()
        else:
            kept.write(b"evil")
    assert path.read_bytes() == b"rows\n" * 100
    made.verify(made.read())


def test_a_file_that_nobody_writes_to_is_not_copied(complete: tuple[BackupSet, str]) -> None:
    made, _digest = complete
    path = made.file(DAT)
    before = os.stat(path).st_ino
    with seal.leases():
        assert seal.sealed(path) == (500, hashlib.sha256(b"rows\n" * 100).hexdigest())
    assert os.stat(path).st_ino == before


def test_where_there_are_no_leases_everything_is_copied(
    complete: tuple[BackupSet, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _digest = complete
    monkeypatch.setattr(seal, "_lease", lambda _handle, _kind: False)
    before = os.stat(made.file(DAT)).st_ino
    assert seal.sealed(made.file(DAT)) == (500, hashlib.sha256(b"rows\n" * 100).hexdigest())
    assert os.stat(made.file(DAT)).st_ino != before
    assert sorted(os.listdir(made.file("databases/default.fakedump"))) == ["1.dat", "toc"]


def test_a_writer_that_comes_while_a_file_is_hashed(
    complete: tuple[BackupSet, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was past the kernel's check of rights already, when the file was given to root: the lease tells of him."""
    made, _digest = complete
    path, real, late = made.file(DAT), seal.hashed, []

    def hashed(handle: int, target: int = -1) -> tuple[int, str]:
        found = real(handle, target)
        if not late:
            late.append(threading.Thread(target=lambda: late.append(open(path, "r+b", buffering=0))))  # noqa: SIM115
            late[0].start()
            late[0].join(0.5)  # the kernel makes it wait for us
        return found

    monkeypatch.setattr(seal, "hashed", hashed)
    before = os.stat(path).st_ino
    with seal.leases():
        found = seal.sealed(path)
    late[0].join()
    with late[1] as stream:
        stream.write(b"evil")
    assert os.stat(path).st_ino != before
    assert found == (500, hashlib.sha256(Path(path).read_bytes()).hexdigest())


def test_a_dump_with_a_second_name_is_refused(tmp_path: Path) -> None:
    made = BackupSet.create(str(tmp_path), "shop", LABEL, me())
    fill(made)
    os.link(made.file(DAT), tmp_path / "second")
    with refused("path_refused", "1.dat is not a plain file, or has a second name .hard link."):
        made.finish(FULL)
    assert not os.path.exists(made.file("manifest.json"))


@ROOT_ONLY
@pytest.mark.parametrize("alone", [True, False])
def test_lending_where_there_are_no_access_lists(
    complete: tuple[BackupSet, str], monkeypatch: pytest.MonkeyPatch, alone: bool
) -> None:
    made, _digest = complete

    def refuse(*_args: object) -> None:
        raise OSError(errno.ENOTSUP, "no")

    monkeypatch.setattr(seal.os, "setxattr", refuse)
    monkeypatch.setattr(seal, "_alone", lambda _user: alone)
    path = made.file("databases/default.fakedump/toc")
    if not alone:
        with refused("work_directory", "no access lists, and the group of nobody has other.*relocate_directory"):
            made.lent_dumps(nobody()).__enter__()
    else:
        with made.lent_dumps(nobody()):
            found = os.stat(path)
            assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (0, nobody().gid, 0o640)
    assert (os.stat(path).st_gid, stat.S_IMODE(os.stat(path).st_mode)) == (0, 0o600)


@ROOT_ONLY
def test_the_documented_way_of_a_set_through_a_copy_that_a_user_holds(
    complete: tuple[BackupSet, str], tmp_path: Path
) -> None:
    """The command lines of docs/playbooks.md, from directory to directory."""
    text = (ROOT / "docs" / "playbooks.md").read_text()
    (out,) = re.findall(r"(?m)^ +(rsync .*old.example.org.*)$", text)
    (made,) = re.findall(r"(?m)^ +ssh root@new.example.org (install .*)$", text)
    (back,) = re.findall(r"(?m)^ +(rsync .*new.example.org.*)$", text)
    copies, new = reachable(tmp_path) / "copies", tmp_path / "new"
    copies.mkdir()
    new.mkdir()
    shutil.copytree(os.path.dirname(os.path.dirname(complete[0].path)), tmp_path / "old")
    subprocess.run(["chown", "-R", "nobody", tmp_path / "old", copies], check=True)
    places = {
        "root@old.example.org:/var/lib/relocate/sets": str(tmp_path / "old"), "root@new.example.org:": "",
        "/var/lib/relocate": str(new), "/srv/backups": str(copies), "LABEL": LABEL,
    }  # fmt: skip
    for command, user in ((out, "nobody"), (made, None), (back, None)):
        for name, path in places.items():
            command = command.replace(name, path)
        subprocess.run(shlex.split(command), user=user, check=True)
        subprocess.run(["chmod", "-R", "g+w", copies], check=True)  # as some umasks have it
    assert (copies / "shop" / LABEL).owner() == nobody().name
    found = BackupSet.find(str(new), "shop")
    found.verify(found.read())
    assert (new / "sets" / "shop" / LABEL).stat().st_mode & 0o7777 == 0o711, "the databases' client reaches its dump"
    make_directory(f"{new}/sets/shop/other")
