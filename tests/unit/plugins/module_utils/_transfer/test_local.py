# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A transfer within one machine: the same requests as rsync gets, with the same outcome."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._media import inventory
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._transfer import fetch as transfer_fetch
from ansible_collections.relocate.django.plugins.module_utils._transfer import rsync
from ansible_collections.relocate.django.plugins.module_utils._transfer.local import Copier
from ansible_collections.relocate.django.plugins.module_utils._users import current_user
from tests.unit.fakes import LABEL, ROOT_ONLY, manifest, nobody, reachable, refused


@pytest.fixture
def source(tmp_path: Path) -> tuple[BackupSet, str]:
    backup = BackupSet.create(str(tmp_path / "old"), "shop", LABEL, current_user())
    for name in ("code.bundle", "databases/default.sqlite3.zst", "files/0001"):
        Path(backup.file(name)).write_bytes(name.encode() * 1000)
    return backup, backup.finish(manifest())


def bring(source: BackupSet, target: Path, sha256: str) -> tuple[BackupSet, rsync.Moved]:
    backup = BackupSet.create(str(target), "shop", LABEL, current_user())
    return backup, transfer_fetch.bring_set(Copier({"set": source.path}).fetch, backup, sha256, 1)


def test_a_set_is_brought_and_verified(source: tuple[BackupSet, str], tmp_path: Path) -> None:
    backup, moved = bring(source[0], tmp_path / "new", "")
    assert (moved.files, BackupSet.labels(str(tmp_path / "new"), "shop")) == (3, [])
    backup, moved = bring(source[0], tmp_path / "new", source[1])
    assert moved.files == 1, "the manifest only"
    assert backup.digest() == source[1]
    backup.verify(backup.read(source[1]))


def test_a_damaged_file_is_brought_again(source: tuple[BackupSet, str], tmp_path: Path) -> None:
    backup, _moved = bring(source[0], tmp_path / "new", source[1])
    path = Path(backup.file("code.bundle"))
    status = path.stat()
    path.write_bytes(b"X" + path.read_bytes()[1:])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    bring(source[0], tmp_path / "new", source[1])
    assert path.read_bytes() == Path(source[0].file("code.bundle")).read_bytes()


def test_what_differs_on_the_old_side_is_no_set(source: tuple[BackupSet, str], tmp_path: Path) -> None:
    Path(source[0].file("code.bundle")).write_bytes(b"other")
    with refused("file_differs", "code.bundle"):
        bring(source[0], tmp_path / "new", source[1])
    assert BackupSet.labels(str(tmp_path / "new"), "shop") == []
    with refused("manifest_edited", "not the manifest that was written"):
        bring(source[0], tmp_path / "other", "0" * 64)
    assert BackupSet.labels(str(tmp_path / "other"), "shop") == []


def test_a_file_too_many_goes(source: tuple[BackupSet, str], tmp_path: Path) -> None:
    backup, _moved = bring(source[0], tmp_path / "new", "")
    Path(backup.file("databases/left.over")).touch()
    backup, moved = bring(source[0], tmp_path / "new", source[1])
    assert moved.deleted == 1


def test_media(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    (old / "a").mkdir(parents=True)
    new.mkdir()
    for name in (b"caf\xe9", b"b"):
        with open(os.path.join(os.fsencode(old / "a"), name), "wb") as stream:
            stream.write(name)
    (old / "link").symlink_to("a/b")
    (old / "out").symlink_to("/etc")
    fetch = Copier({"media": str(old)}).fetch
    moved = fetch(rsync.media_request(str(new)))
    assert (moved.files, moved.anything) == (2, True)
    assert inventory.inventory(str(new))["digest"] == inventory.inventory(str(old), skip=["out"])["digest"]
    assert not os.path.lexists(new / "out")
    assert not fetch(rsync.media_request(str(new), delete=True)).anything
    (old / "a" / "b").unlink()
    assert fetch(rsync.media_request(str(new))).anything is False
    moved = fetch(rsync.media_request(str(new), delete=True))
    assert (moved.deleted, os.path.exists(new / "a" / "b")) == (1, False)
    (new / "link").unlink()
    (new / "link").mkdir()
    fetch(rsync.media_request(str(new)))
    assert os.readlink(new / "link") == "a/b"


def test_an_old_side_that_is_not_there(tmp_path: Path) -> None:
    with refused("file_missing", "not there"):
        Copier({"set": str(tmp_path / "none")}).fetch(rsync.set_request(str(tmp_path)))


def test_a_file_that_was_rewritten_within_its_second_is_brought(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    fetch = Copier({"media": str(old)}).fetch
    (old / "a").write_text("one")
    os.utime(old / "a", ns=(10**18, 10**18))
    fetch(rsync.media_request(str(new)))
    (old / "a").write_text("two")
    os.utime(old / "a", ns=(10**18 + 1000, 10**18 + 1000))
    assert fetch(rsync.media_request(str(new), delete=True)).files == 1
    assert (new / "a").read_text() == "two"


def test_what_would_be_lost_is_put_aside(tmp_path: Path) -> None:
    old, new, displaced = (tmp_path / name for name in ("old", "new", "aside"))
    for path in (old / "d", new / "d" / "deep", new / "file", displaced):
        path.mkdir(parents=True)
    for name in ("changed", "d/added", "file"):
        (old / name).write_text("old")
    for name in ("changed", "d/taken", "d/deep/taken", "file/taken", "skipped"):
        (new / name).write_text("new")
    (new / "link").symlink_to("changed")
    fetch, skip = Copier({"media": str(old)}).fetch, ["skipped"]
    fetch(rsync.media_request(str(new), skip=skip, displaced=str(displaced)))
    assert (new / "d" / "added").read_text() == "old"
    assert (new / "changed").read_text() == "new", "the first pass leaves alone what is there"
    assert list(displaced.iterdir()) == []
    (old / "d" / "added").write_text("changed between the passes")
    fetch(rsync.media_request(str(new), True, None, skip, str(displaced)))
    kept = {str(item.relative_to(displaced)) for item in displaced.rglob("*") if not item.is_dir()}
    assert kept == {"changed", "d/taken", "d/deep/taken", "d/added", "file/taken", "link"}
    assert (displaced / "changed").read_text() == (displaced / "d" / "deep" / "taken").read_text() == "new"
    assert os.readlink(displaced / "link") == "changed"
    assert sorted(os.listdir(new)) == ["changed", "d", "file", "skipped"]
    assert (new / "changed").read_text() == (new / "file").read_text() == "old"
    assert not (new / "d" / "deep").exists()


@ROOT_ONLY
def test_media_is_read_and_written_as_its_owner(tmp_path: Path) -> None:
    old, new = reachable(tmp_path) / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    (old / "a").touch()
    fetch = Copier({"media": str(old)}).fetch
    with refused("transfer_failed", "copying failed: Permission denied"):
        fetch(rsync.media_request(str(new), user=nobody()))
    assert list(new.iterdir()) == []
    os.chown(new, nobody().uid, nobody().gid)
    assert fetch(rsync.media_request(str(new), user=nobody())).files == 1
    assert (new / "a").stat().st_uid == nobody().uid
    (old / "b").touch(0o600)
    with refused("transfer_failed", "Permission denied .*old/b"):
        fetch(rsync.media_request(str(new), user=nobody()))
    assert not (new / "b").exists()
