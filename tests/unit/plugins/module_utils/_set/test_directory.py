# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The backup set: what is written is read back, and nothing that was tampered with passes."""

from __future__ import annotations

import datetime
import errno
import hashlib
import json
import mmap
import os
import re
import stat
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._set import directory, pins, retention, seal
from ansible_collections.relocate.django.plugins.module_utils._set import label as set_label
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import (
    Manifest,
    Prepared,
    UnversionedFile,
    as_text,
    from_text,
    text_of,
)
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as
from tests.unit.fakes import (
    BLANK,
    LABEL,
    NEWER,
    ROOT_ONLY,
    entry,
    facts,
    manifest,
    me,
    nobody,
    reachable,
    refused,
)

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
        _set("created", "yesterday"),
        _set("created", "2026-11-20T19:30:00"),
        _set("sequence", True),
        _set("sequence", "1"),
        _set("host", "machine_id", 5),
        _set("owner", "name", ["root"]),
        _set("owner", "uid", "0"),
        _set("code", "commit", None),
        _set("media", "files", "many"),
        _set("host", "name", {}),
        _set("media", "rights", {"users": []}),
        _set("media", "rights", {"users": [], "groups": [], "digest": "", "more": 0, "places": {"": ["a", "b"]}}),
        _set("media", "archived", {"bytes": "1"}),
        _set("django", "media_root", 3),
        _set("databases", "default", "config", "name", None),
        _set("databases", "default", "config", "port", 1.5),
        _set("databases", "default", "dump", "path", "code.bundle"),
        _set("databases", "default", "dump", "path", "/etc/passwd"),
        _set("databases", "default", "state", "tables", 0, "rows", "1"),
        _set("databases", "default", "state", "tables", 0, "rows", 1.0),
        _set("databases", "default", "state", "large_objects", None),
        _set("databases", "default", "facts", "version", "150001"),
        _set("databases", "default", "facts", "extensions", "citext", 1),
        _set("databases", "default", "migrations", [1]),
        _set("unversioned", 0, "mode", "0640"),
    ],
)
def test_a_manifest_that_lacks_something(spoil: Callable[[Any], None]) -> None:
    plain = json.loads(as_text(FULL))
    spoil(plain)
    with refused("manifest_invalid", r"m.json lacks what a manifest holds \(.*take another set"):
        from_text(text_of(plain), "m.json")
    with refused("manifest_edited", "m.json is not the manifest that was written: its checksum differs"):
        from_text(json.dumps(plain), "m.json")


# --- names


def test_labels_sort_by_time_whatever_the_zone() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=5))
    assert set_label.make_label("1a2b3c4d5e6f7890", datetime.datetime(2026, 11, 21, 0, 30, tzinfo=zone)) == LABEL
    none = set_label.make_label("", datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    assert set_label.check_label(none) == "20260101T000000Z-000000000000"


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
def test_dumps_that_a_killed_run_lent_are_taken_back(tmp_path: Path) -> None:
    made = BackupSet.create(str(reachable(tmp_path)), "shop", LABEL, me())
    fill(made)
    made.finish(FULL)
    dump = Path(made.file("databases/default.fakedump/toc"))
    lending = made.lent_dumps(nobody())
    lending.__enter__()
    with acting_as(nobody()):
        assert dump.read_bytes()
    retention.take_back(str(tmp_path), "shop")
    with acting_as(nobody()), pytest.raises(PermissionError):
        dump.read_bytes()
    made.verify(made.read())


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


AT = "202611{:02d}T193000Z-1a2b3c4d5e6f"


@pytest.mark.parametrize(
    ("made", "order"),
    [
        # host, sequence, day by its clock; the order is of days in the labels
        ([("a", 1, 1), ("a", 2, 2), ("a", 3, 3)], [1, 2, 3]),
        ([("a", 2, 1), ("a", 1, 2)], [2, 1]),  # the clock was set back
        ([("a", 1, 1), ("a", 2, 28), ("a", 3, 4)], [1, 28, 4]),  # it jumped, and was corrected
        ([("a", 7, 1), ("b", 1, 2)], [1, 2]),  # another host counts for itself
        ([("a", 1, 1), ("a", 2, 28), ("a", 3, 4), ("b", 1, 5)], [1, 28, 4, 5]),  # its jump does not reach the others
        ([("a", 1, 3), ("b", 1, 1), ("b", 2, 4), ("a", 2, 5)], [1, 3, 4, 5]),
        ([("a", 0, 2), ("a", 0, 1)], [1, 2]),  # without numbers time is all there is
    ],
)
def test_the_newest_is_told_by_number_and_time_not_by_name(
    tmp_path: Path, made: list[tuple[str, int, int]], order: list[int]
) -> None:
    for host, number, day in made:
        label = AT.format(day)
        created = f"2026-11-{day:02d}T19:30:00+00:00"
        BackupSet.create(str(tmp_path), "shop", label, me()).finish(
            manifest(label, host={"name": host, "machine_id": host}, sequence=number, created=created)
        )
    assert BackupSet.labels(str(tmp_path), "shop") == [AT.format(day) for day in order]
    assert BackupSet.find(str(tmp_path), "shop").label == AT.format(order[-1])
    assert BackupSet.next_sequence(str(tmp_path), "shop") == max(number for _host, number, _day in made) + 1
    assert BackupSet.next_sequence(str(tmp_path), "shop", 40) == 41


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


# --- pins


def test_a_pin_lies_beside_the_sets_and_is_roots(complete: tuple[BackupSet, str], tmp_path: Path) -> None:
    made, digest = complete
    pin = tmp_path / "pins" / "shop" / (LABEL + ".sha256")
    assert pin.read_text() == f"{digest}  manifest.json\n"
    checked = subprocess.run(["sha256sum", "--check", "--quiet", str(pin)], cwd=made.path, check=False)
    assert checked.returncode == 0
    assert [stat.S_IMODE(path.stat().st_mode) for path in (pin, pin.parent, pin.parent.parent)] == [0o600, 0o700, 0o700]
    assert (made.pinned(), made.pinned(digest)) == ("file", "option")
    made.discard()
    assert not pin.exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda pin: pin.write_text("0" * 63 + "  manifest.json\n"),
        lambda pin: pin.write_text(""),
        lambda pin: pin.write_text(pin.read_text() * 2),
        lambda pin: pin.chmod(0o666),
        lambda pin: (pin.rename(pin.with_suffix(".x")), pin.symlink_to(pin.with_suffix(".x"))),
        lambda pin: (pin.unlink(), os.mkfifo(pin, 0o600)),
    ],
)
def test_what_is_no_pin_is_refused(complete: tuple[BackupSet, str], spoil: Callable[[Path], object]) -> None:
    made, _digest = complete
    spoil(Path(pins.path_of(made.path)))
    with refused("path_refused", "is not a pin.*look at it, then remove it"):
        made.read()


def test_what_a_transfer_proved_is_pinned(complete: tuple[BackupSet, str]) -> None:
    made, digest = complete
    pins.forget(made.path)
    assert made.pinned() == "not pinned"
    made.pin(digest)
    assert (made.pinned(), made.read().label) == ("file", LABEL)


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
    with refused("path_refused", "1.dat is no plain file, or has a second name"):
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
    real = directory.shutil.rmtree
    monkeypatch.setattr(
        directory.shutil, "rmtree", lambda path: (seen.append(os.path.exists(made.file("manifest.json"))), real(path))
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
    monkeypatch.setattr(directory, "make_directory", lambda path, _mode, *_user: os.makedirs(path, exist_ok=True))
    assert BackupSet.create(str(tmp_path), "shop", LABEL, SystemUser("x", 5, 5)).label == LABEL


def test_a_manifest_that_is_nested_too_deeply_is_refused_like_any_other() -> None:
    """Written out for its checksum it is deeper than it was when it was read."""
    for depth in range(800, 1100):
        text = '{"format": 1, "checksum": "x", "a": ' + "[" * depth + "]" * depth + "}"
        with pytest.raises(RelocateError) as caught:
            from_text(text)
        assert caught.value.code in ("manifest_edited", "manifest_invalid")
