# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The backup set: what is written is read back, and nothing that was tampered with passes."""

from __future__ import annotations

import datetime
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

from ansible_collections.relocate.django.plugins.module_utils import _backup_set
from ansible_collections.relocate.django.plugins.module_utils._backup_set import (
    BackupSet,
    Manifest,
    Prepared,
    UnversionedFile,
    as_text,
    from_text,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from tests.unit.fakes import BLANK, LABEL, NEWER, ROOT_ONLY, entry, facts, manifest, me, nobody, refused

ODD = UnversionedFile("/srv/caf\udce9/.env", "files/0000", 0o640, "shop", "www-data")
FULL = manifest(
    databases={
        "default": entry(),
        "a 'quoted\" ☃": replace(entry("x"), state=BLANK, migrations=(), facts=replace(facts(), settings=())),
    },
    media={"files": 2, "bytes": 10},
    unversioned=(ODD, UnversionedFile("/l", "", 0o777, "1234", "1234", "../target")),
)


def fill(made: BackupSet) -> None:
    os.makedirs(made.file("databases/default.fakedump"))
    Path(made.file("databases/default.fakedump/toc")).write_bytes(b"table of contents")
    Path(made.file("databases/default.fakedump/1.dat")).write_bytes(b"rows\n" * 100)
    Path(made.file("code.bundle")).write_bytes(b"bundle")
    Path(os.fsdecode(os.fsencode(made.path) + b"/files/caf\xe9")).write_bytes(b"")


@pytest.fixture
def complete(tmp_path: Path) -> tuple[BackupSet, str]:
    made = BackupSet.create(str(tmp_path), "shop", LABEL, me())
    fill(made)
    return made, made.finish(FULL)


# --- manifest and text


@pytest.mark.parametrize("value", [manifest(), FULL, manifest(databases={})])
def test_round_trip(value: Manifest) -> None:
    text = as_text(value)
    assert text.isascii()
    assert from_text(text) == value
    assert as_text(from_text(text)) == text
    assert "s3cret-Canary" not in text


def test_every_cut_is_noticed() -> None:
    text = as_text(FULL)
    for tenth in range(10):
        with refused("manifest_invalid", "set/manifest.json is not a manifest.*take another set"):
            from_text(text[: len(text) * tenth // 10], "set/manifest.json")


@pytest.mark.parametrize("text", ["", "null", "3", "[]", '"x"', "{}", "{", "\udcff", '{"format": 1} {}'])
def test_what_is_no_manifest(text: str) -> None:
    with refused("manifest_invalid", "is not a manifest.*take another set"):
        from_text(text)


@pytest.mark.parametrize("version", [2, 99, 0, "1", None, [1]])
def test_another_format(version: Any) -> None:
    plain = dict(json.loads(as_text(FULL)), format=version)
    with refused(
        "format_unknown", f"has format {re.escape(str(version))}, this version reads 1 Next: upgrade relocate"
    ):
        from_text(json.dumps(plain))


def _set(*path: Any) -> Callable[[Any], None]:
    def spoil(plain: Any) -> None:
        for key in path[:-2]:
            plain = plain[key]
        plain[path[-2]] = path[-1]

    return spoil


def _drop(*path: Any) -> Callable[[Any], None]:
    def spoil(plain: Any) -> None:
        for key in path[:-1]:
            plain = plain[key]
        del plain[path[-1]]

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        _drop("databases"),
        _drop("files"),
        _drop("host"),
        _drop("label"),
        _drop("databases", "default", "dump"),
        _drop("databases", "default", "state", "tables"),
        _drop("databases", "default", "state", "tables", 0, "rows"),
        _drop("databases", "default", "facts", "engine"),
        _drop("databases", "default", "migrations"),
        _set("databases", []),
        _set("databases", "default", None),
        _set("databases", "default", "state", "objects", []),
        _set("unversioned", 0, "nonsense", 1),
        _set("unversioned", [3]),
        _set("files", {"a": 1}),
        _set("files", None),
        _set("surplus", 1),
    ],
)
def test_a_manifest_that_lacks_something(spoil: Callable[[Any], None]) -> None:
    plain = json.loads(as_text(FULL))
    spoil(plain)
    with refused("manifest_invalid", r"m.json lacks what a manifest holds \(.*take another set"):
        from_text(json.dumps(plain), "m.json")


# --- names


def test_labels_sort_by_time_whatever_the_zone() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=5))
    assert _backup_set.make_label("1a2b3c4d5e6f7890", datetime.datetime(2026, 11, 21, 0, 30, tzinfo=zone)) == LABEL
    none = _backup_set.make_label("", datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    assert _backup_set.check_label(none) == "20260101T000000Z-000000000000"


@pytest.mark.parametrize(
    "label", ["", "..", "x", LABEL + "\n", LABEL + "/..", "../" + LABEL, LABEL.upper(), LABEL[:-1]]
)
def test_what_is_no_label(tmp_path: Path, label: str) -> None:
    with refused("path_refused", "is not a label.*use one that backup_info lists"):
        BackupSet.create(str(tmp_path), "shop", label, me())
    if label:
        with refused("path_refused", "is not a label"):
            BackupSet.find(str(tmp_path), "shop", label)


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


@ROOT_ONLY
def test_dumps_at_rest_are_roots(tmp_path: Path) -> None:
    """The site's user reads them while they are loaded, and can neither keep them nor lay a trap."""
    elsewhere = tmp_path / "elsewhere"
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

    private = ["700", "700", "600", "600"]
    assert owners() == [(0, 0, mode) for mode in private]
    with refused("load_failed", "broken"), made.lent_dumps(nobody()):
        assert owners() == [(nobody().uid, nobody().gid, mode) for mode in private]
        (top / "link").symlink_to(elsewhere)
        os.link(elsewhere, top / "second")
        raise RelocateError("load_failed", "broken")
    assert owners() == [(0, 0, mode) for mode in private]
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o644
    with made.lent_dumps(nobody()):
        assert elsewhere.stat().st_uid == 0


def test_without_a_manifest_it_is_no_set(tmp_path: Path) -> None:
    assert BackupSet.labels(str(tmp_path), "shop") == []
    with refused("set_not_found", "there is no backup set of site shop below .*backup_info"):
        BackupSet.find(str(tmp_path), "shop")
    made = BackupSet.create(str(tmp_path), "shop", LABEL, me())
    fill(made)
    assert BackupSet.labels(str(tmp_path), "shop") == []
    with refused("set_not_found", "of site shop"):
        BackupSet.find(str(tmp_path), "shop")
    with refused("set_incomplete", "has no manifest: its backup did not end.*back up again"):
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


def test_discard(complete: tuple[BackupSet, str], monkeypatch: pytest.MonkeyPatch) -> None:
    made, _digest = complete
    seen: list[bool] = []
    real = _backup_set.shutil.rmtree
    monkeypatch.setattr(
        _backup_set.shutil, "rmtree", lambda path: (seen.append(os.path.exists(made.file("manifest.json"))), real(path))
    )
    made.discard()
    assert (seen, os.path.exists(made.path)) == ([False], False)


# --- reading what was tampered with


def test_an_edited_manifest(complete: tuple[BackupSet, str]) -> None:
    made, digest = complete
    path = Path(made.file("manifest.json"))
    path.write_text(path.read_text().replace('"rows": 3', '"rows": 4'))
    with refused("manifest_edited", "manifest.json is not the manifest that was written.*transfer the set again"):
        made.read(digest)
    assert made.read().databases["default"].state.rows() == 5  # nobody knew better


def test_a_manifest_cut_at_each_tenth(complete: tuple[BackupSet, str]) -> None:
    made, digest = complete
    path = Path(made.file("manifest.json"))
    whole = path.read_bytes()
    for tenth in range(10):
        path.write_bytes(whole[: len(whole) * tenth // 10])
        with refused("manifest_edited", "is not the manifest"):
            made.read(digest)
        with refused("manifest_invalid", "manifest.json is not a manifest"):
            made.read()


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\0" * 100])
def test_a_manifest_of_garbage(complete: tuple[BackupSet, str], content: bytes) -> None:
    made, digest = complete
    Path(made.file("manifest.json")).write_bytes(content)
    with refused("manifest_invalid", "is not a manifest"):
        made.read()
    with refused("manifest_edited", "is not the manifest"):
        made.read(digest)


def test_a_manifest_of_another_set(tmp_path: Path) -> None:
    made = BackupSet.create(str(tmp_path), "shop", NEWER, me())
    made.finish(manifest(LABEL))
    with refused("manifest_invalid", f"the manifest in .*{NEWER} is of {LABEL}.*take another set"):
        made.read()


def test_a_manifest_that_is_a_link(complete: tuple[BackupSet, str], tmp_path: Path) -> None:
    made, digest = complete
    os.rename(made.file("manifest.json"), tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", made.file("manifest.json"))
    with refused("path_refused", "manifest.json is not a plain file.*take another set"):
        made.read(digest)


DAT = "databases/default.fakedump/1.dat"


@pytest.mark.parametrize(
    ("spoil", "code", "text"),
    [
        (lambda path: (path / DAT).unlink(), "file_missing", f"file {DAT} of {LABEL} is missing.*transfer again"),
        (lambda path: (path / "code.bundle").unlink(), "file_missing", "file code.bundle of"),
        (lambda path: (path / "new").write_text(""), "file_unlisted", f"file new of {LABEL} is not in its manifest"),
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
        with refused("file_differs", "toc of .*sha256 differs.*take another"):
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
    assert found.read_prepared() == Prepared(FULL.code, FULL.django, FULL.owner, FULL.unversioned)


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
    monkeypatch.setattr(_backup_set, "make_directory", lambda path, _mode, *_user: os.makedirs(path, exist_ok=True))
    assert BackupSet.create(str(tmp_path), "shop", LABEL, SystemUser("x", 5, 5)).label == LABEL
