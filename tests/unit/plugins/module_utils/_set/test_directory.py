# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The backup set: what is written is read back, and nothing that was tampered with passes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._set import directory, pins
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Prepared, text_of
from tests.unit.fakes import LABEL, NEWER, ROOT_ONLY, entry, facts, manifest, me, nobody, refused
from tests.unit.plugins.module_utils._set.filled import DAT, FULL, ODD, complete, fill

__all__ = ["complete"]  # fixtures


@pytest.mark.parametrize("name", ["", "/etc/passwd", "..", "a/../../b", "a\0b"])
def test_a_path_that_leads_out(name: str) -> None:
    with refused("path_refused", "leads out of the backup set"):
        BackupSet("/x").file(name)


# --- writing and finding


def test_create_is_private_and_can_go_on(tmp_path: Path) -> None:
    for _turn in range(2):
        made = BackupSet.create(str(tmp_path), "shop", LABEL, me())
    modes = {name: stat.S_IMODE(os.stat(made.file(name)).st_mode) for name in ("databases", "files")}
    assert modes == {"databases": 0o700, "files": 0o700}
    assert stat.S_IMODE(os.stat(made.path).st_mode) == 0o711
    assert made.label == LABEL


@ROOT_ONLY
def test_dumps_belong_to_the_owner(tmp_path: Path) -> None:
    made = BackupSet.create(str(tmp_path), "shop", LABEL, nobody())
    assert [os.stat(made.file(name)).st_uid for name in ("databases", "files")] == [nobody().uid, 0]


def test_without_a_manifest_it_is_no_set(tmp_path: Path) -> None:
    assert BackupSet.labels(str(tmp_path), "shop") == []
    with refused("set_not_found", "there is no backup set of site shop below .*backup_info"):
        BackupSet.find(str(tmp_path), "shop")
    made = BackupSet.create(str(tmp_path), "shop", LABEL, me())
    fill(made)
    assert BackupSet.labels(str(tmp_path), "shop") == []
    with refused("set_not_found", "of site shop"):
        BackupSet.find(str(tmp_path), "shop")
    with refused("set_incomplete", "has no manifest: its backup did not finish.*back up again"):
        BackupSet.find(str(tmp_path), "shop", LABEL)
    with refused("set_incomplete", "has no manifest.*back up again"):
        made.read()
    with refused("set_not_found", f"there is no backup set {NEWER} below"):
        BackupSet.find(str(tmp_path), "shop", NEWER)


def test_the_newest_is_found(tmp_path: Path) -> None:
    for label in (NEWER, LABEL):
        BackupSet.create(str(tmp_path), "shop", label, me()).finish(manifest(label))
    (tmp_path / "sets" / "shop" / "other").mkdir()
    assert BackupSet.labels(str(tmp_path), "shop") == [LABEL, NEWER]
    assert BackupSet.find(str(tmp_path), "shop").label == NEWER
    assert BackupSet.find(str(tmp_path), "shop", LABEL).label == LABEL


def test_no_older_set_becomes_the_newest_by_a_spoilt_manifest(tmp_path: Path) -> None:
    for number, label in enumerate((LABEL, NEWER), 1):
        BackupSet.create(str(tmp_path), "shop", label, me()).finish(manifest(label, sequence=number))
    newest = BackupSet.find(str(tmp_path), "shop")
    path = Path(newest.file("manifest.json"))
    path.write_text(text_of(dict(json.loads(path.read_text()), sequence=0, created="2020-01-01T00:00:00+00:00")))
    assert BackupSet.find(str(tmp_path), "shop").label == NEWER
    with refused("manifest_edited", "is not the manifest"):
        newest.read()


def test_a_set_is_found_by_its_digest(tmp_path: Path) -> None:
    digests = [BackupSet.create(str(tmp_path), "shop", label, me()).finish(manifest(label)) for label in (LABEL, NEWER)]
    for label, digest in zip((LABEL, NEWER), digests, strict=True):
        assert BackupSet.find(str(tmp_path), "shop", sha256=digest).label == label
    with refused("set_not_found", "no backup set of site shop, whose manifest has that sha256, below"):
        BackupSet.find(str(tmp_path), "shop", sha256="0" * 64)


def test_media_that_a_manifest_has_elsewhere_is_refused(tmp_path: Path) -> None:
    made = BackupSet.create(str(tmp_path), "shop", LABEL, me())
    media = {"stored": "/etc/passwd", "digest": "0", "archived": {"files": 1, "bytes": 1}}
    made.finish(manifest(media=media))
    with refused("file_unlisted", "file /etc/passwd of .*: is not in its manifest"):
        made.verify(made.read())


def test_one_file_of_a_set_is_held_against_its_manifest(complete: tuple[BackupSet, str], tmp_path: Path) -> None:
    made, _digest = complete
    assert made.check_file(DAT) == made.file(DAT)
    found = BackupSet.around(made.file(DAT))
    assert found is not None and found.path == made.path
    assert BackupSet.around(str(tmp_path / "fixture.jsonl")) is None
    Path(made.file(DAT)).write_bytes(b"rowz\n" * 100)
    with refused("file_differs", "1.dat of .*sha256 differs"):
        found.check_file(DAT)
    Path(made.file("new")).write_text("")
    with refused("file_unlisted", "file new of .*: is not in its manifest"):
        found.check_file("new")
    os.unlink(made.file("code.bundle"))
    with refused("file_missing", "code.bundle"):
        found.check_file("code.bundle")
    os.unlink(made.file("manifest.json"))
    assert BackupSet.around(made.file(DAT)) is None
    assert BackupSet(made.path).check_file("new") == made.file("new"), "before there is a manifest, nothing tells"


def test_finish_lists_every_file(complete: tuple[BackupSet, str]) -> None:
    made, digest = complete
    assert made.digest() == digest == hashlib.sha256(Path(made.file("manifest.json")).read_bytes()).hexdigest()
    found = made.read(digest)
    assert replace(found, files=()) == FULL
    listed = {item.path: (item.size, item.sha256) for item in found.files}
    assert listed["databases/default.fakedump/1.dat"] == (500, hashlib.sha256(b"rows\n" * 100).hexdigest())
    assert set(listed) == {
        "code.bundle",
        "databases/default.fakedump/1.dat",
        "databases/default.fakedump/toc",
        "files/caf\udce9",
    }
    assert made.verify(found) == 500 + 17 + 6
    assert stat.S_IMODE(os.stat(made.file("manifest.json")).st_mode) == 0o600


def test_a_manifest_that_could_not_be_read_is_never_written(tmp_path: Path) -> None:
    made = BackupSet.create(str(tmp_path), "shop", LABEL, me())
    fill(made)
    odd: Any = replace(facts(), system_id=None)
    with refused("manifest_invalid", "databases.default.facts.system_id"):
        made.finish(manifest(LABEL, databases={"default": replace(entry(), facts=odd)}))
    assert not os.path.lexists(made.file("manifest.json"))
    assert BackupSet.labels(str(tmp_path), "shop") == []


def test_discard(complete: tuple[BackupSet, str], monkeypatch: pytest.MonkeyPatch) -> None:
    made, _digest = complete
    seen: list[bool] = []
    real = directory.remove_tree
    monkeypatch.setattr(
        directory, "remove_tree", lambda path: (seen.append(os.path.exists(made.file("manifest.json"))), real(path))
    )
    made.discard()
    assert (seen, os.path.exists(made.path)) == ([False], False)


# --- reading what was tampered with


def test_an_edited_manifest(complete: tuple[BackupSet, str]) -> None:
    made, digest = complete
    path = Path(made.file("manifest.json"))
    plain = json.loads(path.read_text().replace('"rows": 3', '"rows": 4'))
    path.write_text(text_of(plain))  # with a checksum that fits: whoever edits on purpose knows of it
    for pin in (digest, None):
        with refused("manifest_edited", "manifest.json is not the manifest that was written.*transfer the set again"):
            made.read(pin)
    pins.forget(made.path)
    with refused("manifest_edited", "manifest.json is not the manifest"):
        made.read(digest)
    assert made.pinned() == "not pinned"
    assert made.read().databases["default"].state.rows() == 5  # nobody knew better


def test_a_manifest_cut_at_each_tenth(complete: tuple[BackupSet, str]) -> None:
    made, digest = complete
    path = Path(made.file("manifest.json"))
    whole = path.read_bytes()
    for tenth in range(10):
        path.write_bytes(whole[: len(whole) * tenth // 10])
        pins.write(made.path, digest)
        for pin in (digest, None):
            with refused("manifest_edited", "is not the manifest"):
                made.read(pin)
        pins.forget(made.path)
        with refused("manifest_invalid", "manifest.json is not a manifest"):
            made.read()


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\0" * 100])
def test_a_manifest_of_garbage(complete: tuple[BackupSet, str], content: bytes) -> None:
    made, digest = complete
    Path(made.file("manifest.json")).write_bytes(content)
    for pin in (digest, None):
        with refused("manifest_edited", "is not the manifest"):
            made.read(pin)
    pins.forget(made.path)
    with refused("manifest_invalid", "is not a manifest"):
        made.read()


def test_a_manifest_of_another_set(tmp_path: Path) -> None:
    made = BackupSet.create(str(tmp_path), "shop", NEWER, me())
    made.finish(manifest(LABEL))
    with refused("manifest_invalid", f"the manifest in .*{NEWER} is of {LABEL}.*use another backup set"):
        made.read()


def test_a_manifest_that_is_a_link(complete: tuple[BackupSet, str], tmp_path: Path) -> None:
    made, digest = complete
    os.rename(made.file("manifest.json"), tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", made.file("manifest.json"))
    with refused("path_refused", "manifest.json is not a plain file.*use another backup set"):
        made.read(digest)


@pytest.mark.parametrize(
    ("spoil", "code", "text"),
    [
        (
            lambda path: (path / DAT).unlink(),
            "file_missing",
            f"file {DAT} of {LABEL}: is missing.*transfer the set again",
        ),
        (lambda path: (path / "code.bundle").unlink(), "file_missing", "file code.bundle of"),
        (lambda path: (path / "new").write_text(""), "file_unlisted", f"file new of {LABEL}: is not in its manifest"),
        (lambda path: (path / "databases/.x").write_text(""), "file_unlisted", r"file databases/\.x of"),
        (
            lambda path: (path / DAT).write_bytes(b"rowz\n" + b"rows\n" * 99),
            "file_differs",
            f"{DAT} of .*sha256 differs",
        ),
        (lambda path: (path / DAT).write_bytes(b"rows\n" * 101), "file_differs", f"{DAT} of .*holds 505 of 500 bytes"),
        (lambda path: (path / "code.bundle").write_bytes(b"b"), "file_differs", "code.bundle of .*holds 1 of 6 bytes"),
        (lambda path: (path / "link").symlink_to("code.bundle"), "path_refused", "link is neither file nor directory"),
        (lambda path: (path / "files/d").symlink_to("/etc"), "path_refused", "files/d is neither file nor directory"),
        (lambda path: os.mkfifo(path / "pipe"), "path_refused", "pipe is neither file nor directory.*remove it"),
        (
            lambda path: ((path / DAT).rename(path / "../moved"), (path / DAT).symlink_to("../../../moved")),
            "path_refused",
            "1.dat is neither file nor directory",
        ),
        (lambda path: ((path / DAT).unlink(), (path / DAT).mkdir()), "file_missing", f"file {DAT} of"),
    ],
)
def test_files_that_do_not_agree(
    complete: tuple[BackupSet, str], spoil: Callable[[Path], object], code: str, text: str
) -> None:
    made, digest = complete
    found = made.read(digest)
    spoil(Path(made.path))
    with refused(code, text):
        made.verify(found)


def test_a_dump_cut_at_each_tenth(complete: tuple[BackupSet, str]) -> None:
    made, digest = complete
    found = made.read(digest)
    for tenth in range(10):
        Path(made.file(DAT)).write_bytes((b"rows\n" * 100)[: 50 * tenth])
        with refused("dump_truncated", f"{DAT} of {LABEL}: holds {50 * tenth} of 500 bytes.*transfer the set again"):
            made.verify(found)


def test_each_flipped_byte(complete: tuple[BackupSet, str]) -> None:
    made, digest = complete
    found = made.read(digest)
    for position in range(17):
        content = bytearray(b"table of contents")
        content[position] ^= 1
        Path(made.file("databases/default.fakedump/toc")).write_bytes(content)
        with refused("file_differs", "toc of .*sha256 differs.*use another"):
            made.verify(found)


@pytest.mark.parametrize("path", ["../outside", "/etc/hostname", "a/../../b"])
def test_a_listed_path_that_leads_out_is_never_opened(complete: tuple[BackupSet, str], path: str) -> None:
    made, digest = complete
    found = made.read(digest)
    listed = tuple(replace(item, path=path) if item.path == "code.bundle" else item for item in found.files)
    with refused("file_missing", f"file {re.escape(path)} of"):
        made.verify(replace(found, files=listed))


# --- what is known before the freeze

PREPARED = Prepared({"commit": "1a"}, {"version": "5.2"}, {"name": "shop"}, (ODD,))


def test_prepared(tmp_path: Path) -> None:
    with refused("set_not_found", f"there is no set {LABEL} below .*transfer it"):
        BackupSet.prepared(str(tmp_path), "shop", LABEL)
    made = BackupSet.create(str(tmp_path), "shop", LABEL, me())
    made.note_prepared(PREPARED)
    found = BackupSet.prepared(str(tmp_path), "shop", LABEL)
    assert found.read_prepared() == PREPARED
    made.finish(FULL)
    assert found.read_prepared() == Prepared(FULL.code, FULL.django, FULL.owner, FULL.unversioned, (), FULL.software)


def test_what_was_prepared_before_software_was_recorded(tmp_path: Path) -> None:
    made = BackupSet.create(str(tmp_path), "shop", LABEL, me())
    made.note_prepared(replace(PREPARED, software=FULL.software))
    assert made.read_prepared().software == FULL.software
    plain = json.loads(Path(made.file("prepared.json")).read_text())
    del plain["software"]
    Path(made.file("prepared.json")).write_text(json.dumps(plain))
    assert made.read_prepared() == PREPARED


@pytest.mark.parametrize("text", ["", "[]", "null", "3", "{}", '{"unversioned": [{}]}', '{"unversioned": []}', "é"])
def test_a_broken_prepared_file(tmp_path: Path, text: str) -> None:
    made = BackupSet.create(str(tmp_path), "shop", LABEL, me())
    Path(made.file("prepared.json")).write_text(text)
    with refused("manifest_invalid", "prepared.json cannot be read.*transfer the set again"):
        made.read_prepared()


def test_environment(tmp_path: Path) -> None:
    made = BackupSet.create(str(tmp_path), "shop", LABEL, me())
    with refused("manifest_invalid", "environment.json cannot be read.*transfer the set again"):
        made.read_environment()
    Path(made.file("environment.json")).write_text('{"python": "3.11"}')
    assert made.read_environment() == {"python": "3.11"}


def test_an_owner_of_another_host_does_not_matter_to_who_is_not_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "chown", lambda *_args: pytest.fail("chown"))
    monkeypatch.setattr(os, "geteuid", lambda: os.stat(tmp_path).st_uid + 1000)
    monkeypatch.setattr(directory, "make_directory", lambda path, _mode, *_user: os.makedirs(path, exist_ok=True))
    assert BackupSet.create(str(tmp_path), "shop", LABEL, SystemUser("x", 5, 5)).label == LABEL
