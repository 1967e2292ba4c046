# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two passes of MEDIA, on one machine: what is refused before anything is written, and what is kept aside."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._media import inventory
from ansible_collections.relocate.django.plugins.module_utils._modules import transfer
from ansible_collections.relocate.django.plugins.module_utils._steps import fetch_media, verify
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user
from tests.unit.fakes import LABEL, ROOT_ONLY, me, nobody, reachable, refused
from tests.unit.records import note, noted

GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]


class Bench:
    """Both sides of one machine."""

    def __init__(self, base: Path, owner: str) -> None:
        self.old, self.new, self.work, self.owner = base / "old", base / "site" / "media", str(base / "work"), owner
        self.old.mkdir()
        self.new.parent.mkdir()
        (self.old / "photo.jpg").write_text("old")

    @property
    def displaced(self) -> Path:
        return Path(f"{self.new}__previous-{LABEL}")

    def fetch(self, **more: Any) -> dict[str, Any]:
        params = {
            "site": "shop",
            "directory": self.work,
            "method": "local",
            "source_directory": None,
            "media_source": str(self.old),
            "media": str(self.new),
            "owner": self.owner,
            "group": None,
            "label": LABEL,
            "manifest_sha256": None,
            "delete": False,
            "replace": False,
            "skip": [],
            "state": "fetched",
            "what": "media",
            "host": [],
            "port": 22,
            "host_keys": [],
            "login": "root",
            "compress": [],
            **more,
        }
        return transfer.work_on(SimpleNamespace(params=params, check_mode=params.pop("check_mode", False)))  # type: ignore[arg-type]

    def passes(self, **more: Any) -> dict[str, Any]:
        self.fetch(**more)
        return self.fetch(delete=True, **more)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, me().name)


def test_a_first_move_and_its_rerun_put_nothing_aside(bench: Bench) -> None:
    (bench.new / "empty").mkdir(parents=True)
    assert bench.passes()["previous"] == ""
    result = bench.passes()
    assert (result["changed"], result["previous"]) == (False, "")
    assert [item.name for item in bench.new.parent.iterdir()] == ["media"]
    assert [item.name for item in bench.new.iterdir()] == ["photo.jpg"]


@ROOT_ONLY
def test_what_is_the_services_on_old_is_his_on_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen from the project's owner, who copies: a rerun goes on although the files are no longer his."""
    owner, app = nobody(), lookup_user("daemon")
    assert app is not None
    bench = Bench(reachable(tmp_path), owner.name)
    for path in (bench.old, bench.old / "photo.jpg"):
        os.chown(path, app.uid, app.gid)
    os.chown(bench.new.parent, owner.uid, owner.gid)
    rights = inventory.inventory(str(bench.old), owner)["rights"]
    monkeypatch.setattr(fetch_media, "recorded_media", lambda _params: {"rights": rights})
    for turn in range(2):
        bench.passes()
        assert {path.stat().st_uid for path in (bench.new, *bench.new.iterdir())} == {app.uid}
        assert noted(bench.work)["media"] == {"path": str(bench.new), "given": [app.uid]}
        (bench.old / f"more{turn}.jpg").write_text("uploaded since")
        os.chown(bench.old / f"more{turn}.jpg", app.uid, app.gid)
    assert sorted(path.name for path in bench.new.iterdir()) == ["more0.jpg", "photo.jpg"]
    recorded = {**inventory.inventory(str(bench.new), owner, (), True), "root": str(bench.new)}
    assert verify.media(recorded, {"media_root": str(bench.new)}, owner) == []
    os.chown(bench.new / "photo.jpg", 0, 0)
    (found,) = verify.media(recorded, {"media_root": str(bench.new)}, owner)
    assert found.startswith("owner, group or mode of files in MEDIA_ROOT differ: photo.jpg (recorded like")


@ROOT_ONLY
def test_a_last_pass_of_several_owners_is_unchanged_the_second_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing changes hands once more, not even for a moment; what is new or another's again does."""
    owner, app = nobody(), lookup_user("daemon")
    assert app is not None
    bench = Bench(reachable(tmp_path), owner.name)
    (bench.old / "private").mkdir()
    (bench.old / "private" / "scan.pdf").write_text("scan")
    for path in (bench.old / "private", bench.old / "private" / "scan.pdf"):
        os.chown(path, app.uid, app.gid)
    for path in (bench.old, bench.old / "photo.jpg", bench.new.parent):
        os.chown(path, owner.uid, owner.gid)
    recorded = inventory.inventory(str(bench.old), owner, (), True)
    monkeypatch.setattr(fetch_media, "recorded_media", lambda _params: recorded)
    assert bench.passes()["changed"] is True
    held = {path: path.stat() for path in [bench.new, *bench.new.rglob("*")]}
    assert bench.fetch(delete=True)["changed"] is False
    assert {path: path.stat() for path in [bench.new, *bench.new.rglob("*")]} == held, "ctime tells each chown"
    os.chown(bench.new / "private" / "scan.pdf", owner.uid, owner.gid)  # a run that was killed amid giving
    assert bench.fetch(delete=True)["changed"] is True
    assert (bench.new / "private" / "scan.pdf").stat().st_uid == app.uid
    (bench.old / "photo.jpg").write_text("another")
    (bench.old / "private" / "scan.pdf").unlink()
    result = bench.fetch(delete=True)
    assert (result["changed"], result["files"], result["deleted"]) == (True, 1, 1)
    assert {path.name: path.stat().st_uid for path in bench.new.rglob("*")} == {
        "photo.jpg": owner.uid,
        "private": app.uid,
    }


def test_a_media_root_that_is_not_there_yet_is_no_error(bench: Bench) -> None:
    """Nobody has uploaded anything; what is uploaded between the passes is copied."""
    (bench.old / "photo.jpg").unlink()
    bench.old.rmdir()
    assert [bench.fetch(delete=last)["files"] for last in (False, True)] == [0, 0]
    assert list(bench.new.iterdir()) == []
    bench.old.mkdir()
    (bench.old / "first.jpg").write_text("first")
    assert bench.fetch(delete=True)["files"] == 1
    assert (bench.new / "first.jpg").read_text() == "first"


def test_a_media_root_that_leads_nowhere_is_told(bench: Bench) -> None:
    (bench.old / "photo.jpg").unlink()
    bench.old.rmdir()
    bench.old.symlink_to("/nowhere/at/all")
    with refused("path_refused", "is a link to /nowhere"):
        bench.fetch()


@pytest.mark.parametrize("key", ["moved", "served"])
def test_what_new_took_in_survives_an_undo_and_another_move(bench: Bench, key: str) -> None:
    bench.passes()
    note(bench.work, **{key: {"label": "earlier"}})
    (bench.new / "upload.jpg").write_text("taken in by new")
    (bench.new / "photo.jpg").write_text("replaced on new")
    first = bench.fetch()
    assert first["previous"] == ""
    assert (bench.new / "photo.jpg").read_text() == "replaced on new"
    last = bench.fetch(delete=True)
    assert last["previous"] == str(bench.displaced)
    assert (bench.displaced / "upload.jpg").read_text() == "taken in by new"
    assert (bench.displaced / "photo.jpg").read_text() == "replaced on new"
    assert {item.name: item.read_text() for item in bench.new.iterdir()} == {"photo.jpg": "old"}
    assert bench.displaced.stat().st_mode & 0o777 == 0o700


def test_files_of_others_are_refused_in_the_first_pass(bench: Bench) -> None:
    bench.new.mkdir()
    (bench.new / "photo.jpg").write_text("theirs")
    for check_mode in (True, False):
        with refused("path_refused", "held files before the move, such as photo.jpg"):
            bench.fetch(check_mode=check_mode)
    assert (bench.new / "photo.jpg").read_text() == "theirs"
    assert noted(bench.work) == {}


def test_with_replace_files_of_others_are_kept_aside(bench: Bench) -> None:
    bench.new.mkdir()
    for name in ("photo.jpg", "other.jpg"):
        (bench.new / name).write_text("theirs")
    assert bench.passes(replace=True)["previous"] == str(bench.displaced)
    assert {item.name: item.read_text() for item in bench.displaced.iterdir()} == {
        "photo.jpg": "theirs",
        "other.jpg": "theirs",
    }
    assert noted(bench.work)["media"] == {"path": str(bench.new)}


def test_a_run_that_ended_between_the_passes_forgets_nobodys_files(bench: Bench) -> None:
    bench.new.mkdir()
    (bench.new / "other.jpg").write_text("theirs")
    bench.fetch(replace=True)
    assert bench.fetch(delete=True)["previous"] == str(bench.displaced)
    assert (bench.displaced / "other.jpg").read_text() == "theirs"


def test_what_the_checkout_brought_is_no_content(bench: Bench) -> None:
    bench.new.mkdir()
    (bench.new / ".gitkeep").touch()
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*GIT, "-C", str(bench.new.parent), *words], check=True)
    assert bench.passes()["previous"] == ""
    assert [item.name for item in bench.new.iterdir()] == ["photo.jpg"]


def test_what_is_skipped_stays_on_both_sides(bench: Bench) -> None:
    (bench.old / "uploads").symlink_to("/etc")
    bench.new.mkdir()
    (bench.new / "uploads").mkdir()
    (bench.new / "uploads" / "x").touch()
    bench.passes(skip=["uploads"])
    assert (bench.new / "uploads" / "x").exists()
    assert not (bench.new / "uploads").is_symlink()


@ROOT_ONLY
def test_a_hostile_media_root_gets_nothing_of_roots(tmp_path: Path) -> None:
    owner = nobody()
    bench = Bench(reachable(tmp_path), owner.name)
    os.chown(bench.new.parent, owner.uid, owner.gid)
    victim = tmp_path / "victim"
    victim.mkdir()
    bench.new.symlink_to(victim)
    with refused("path_refused", "is a link to .*victim, which is not a directory that nobody may write to"):
        bench.fetch()
    assert list(victim.iterdir()) == []
    with refused("path_refused", "lies in a directory of the system"):
        bench.fetch(media="/etc/systemd/system")
    bench.new.unlink()
    (tmp_path / "secret").mkdir(0o700)
    (tmp_path / "source").symlink_to(tmp_path / "secret")
    with refused("path_refused", "is a link to .*secret"):
        bench.fetch(media_source=str(tmp_path / "source"))
    assert not bench.new.exists()
    with refused("right_missing", "secret cannot be read: Permission denied"):
        bench.fetch(media_source=str(tmp_path / "secret"))
    bench.fetch(group="daemon")
    assert {item.lstat().st_uid for item in [bench.new, *bench.new.iterdir()]} == {owner.uid}
    assert {item.lstat().st_gid for item in [bench.new, *bench.new.iterdir()]} == {1}
