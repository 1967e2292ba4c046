# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A directory repository whose other users work meanwhile, and one whose host is not to be trusted."""

from __future__ import annotations

import gc
import os
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._module import answered, without_secrets
from ansible_collections.relocate.django.plugins.module_utils._modules.backup_info import MODULE
from ansible_collections.relocate.django.plugins.module_utils._process import Completed
from ansible_collections.relocate.django.plugins.module_utils._record.record import read_record
from ansible_collections.relocate.django.plugins.module_utils._repository import remote
from ansible_collections.relocate.django.plugins.module_utils._repository.access import Access
from ansible_collections.relocate.django.plugins.module_utils._repository.remote import Remote
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._steps import rehearse_kept, rehearse_requests, repository
from tests.unit.fakes import LABEL, NEWER, manifest, me, refused
from tests.unit.plugins.module_utils._set.filled import fill

pytestmark = pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not installed")


def given(top: Path) -> dict[str, Any]:
    return {"type": "directory", "address": str(top / "vault"), "create": True}


def opened(top: Path, host: str = "old", site: str = "shop") -> Remote:
    return Remote(Access.of(given(top)), str(top / host), site)


def asked(top: Path, host: str, **changes: Any) -> repository.Options:
    return replace(repository.Options(str(top / host), "shop", None, None, given(top)), **changes)


def made(top: Path, label: str = LABEL, site: str = "shop", text: bytes = b"") -> BackupSet:
    """Write a set on the old host."""
    found = BackupSet.create(str(top / "old"), site, label, me())
    fill(found)
    Path(found.file("code.bundle")).write_bytes(text or b"bundle")
    found.finish(replace(manifest(label), site=site))
    return found


def pushed(top: Path, label: str = LABEL) -> Path:
    """Push a set that is written for it; returns where it lies."""
    made(top, label)
    repository.push(asked(top, "old", label=label), False)
    return top / "vault" / "sets" / "shop" / label


def test_what_one_process_has_read_stays_as_it_was(tmp_path: Path) -> None:
    """Another one reads another site, and the same one; what was read goes with whoever read it."""
    home = pushed(tmp_path)
    first = opened(tmp_path)
    (one,) = first.sets("shop")
    assert opened(tmp_path, site="blog").sets("blog") == []
    (home / "manifest.json").rename(home / "kept")
    assert opened(tmp_path).sets("shop") == []
    assert first.manifest(one) == (home / "kept").read_bytes()
    first._see()
    with refused("set_not_found", "holds no set"):
        first.manifest(one)
    del first
    gc.collect()
    assert list((tmp_path / "old" / "cache" / "directory").iterdir()) == []


def test_an_upload_that_ended_meanwhile_is_no_broken_one(tmp_path: Path) -> None:
    home = pushed(tmp_path)
    (home / "manifest.json").rename(home / "kept")
    kept = opened(tmp_path)
    assert kept.sets("shop") == []
    (home / "kept").rename(home / "manifest.json")
    newer = made(tmp_path, NEWER)
    kept.push(newer.path, [], newer.made(), "old1")
    assert [one.label for one in opened(tmp_path).sets("shop")] == [LABEL, NEWER]
    (home / "manifest.json").unlink()
    later = made(tmp_path, "20261122T193000Z-1a2b3c4d5e6f")
    kept.push(later.path, [], later.made(), "old1")
    assert not home.exists(), "a broken one goes"


def test_a_set_that_another_host_removes_is_not_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, other = pushed(tmp_path), pushed(tmp_path, NEWER)
    bring = Remote._bring

    def slow(self: Remote, *words: Any) -> Completed:
        shutil.rmtree(home, ignore_errors=True)
        return bring(self, *words)

    monkeypatch.setattr(Remote, "_bring", slow)
    assert opened(tmp_path).check(1) == "1/1"
    (other / "code.bundle").write_bytes(b"Bundle")
    with refused("repository_damaged", "code.bundle"):
        opened(tmp_path).check(1)


def test_nothing_comes_but_what_the_manifest_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = pushed(tmp_path)
    (home / "more").write_bytes(b"x" * 100)
    kept, target = opened(tmp_path, "new"), tmp_path / "incoming"
    (one,) = kept.sets("shop")
    target.mkdir()
    kept.pull(one, str(target))
    assert (target / LABEL / "code.bundle").exists() and not (target / LABEL / "more").exists()
    shutil.rmtree(target)
    target.mkdir()
    (home / "code.bundle").write_bytes(b"x" * 1_000_000)
    kept.pull(one, str(target))
    assert not (target / LABEL / "code.bundle").exists(), "it is larger than any that the manifest lists"
    monkeypatch.setattr(os, "statvfs", lambda _path: SimpleNamespace(f_bavail=16 << 10, f_frsize=4096))
    with refused("disk_full", "no room"):
        kept.pull(one, str(target))


def test_a_program_that_sends_more_than_it_listed_is_ended(tmp_path: Path) -> None:
    pushed(tmp_path)
    commands: list[Any] = []

    def runner(command: Any, **_more: Any) -> Completed:
        commands.append(list(command.argv))
        return Completed(tuple(command.argv), 0)

    kept = opened(tmp_path)
    kept._run = runner
    with refused("repository_missing", ""):
        kept.sets("shop")
    assert ["--dry-run" in argv for argv in commands] == [True, False]
    assert commands[1][:3] == [shutil.which("prlimit"), f"--fsize={16 << 20}", "--"]


@pytest.mark.parametrize(
    "line", ["Number of files: 300,001 (reg: 1, dir: 300,000)", "Total transferred file size: 600,000,000 bytes"]
)
def test_a_host_that_lists_too_much_is_refused(tmp_path: Path, line: str) -> None:
    kept = opened(tmp_path)
    kept._run = lambda command, **_more: Completed(tuple(command.argv), 0, f"\n{line}\n".encode())
    with refused("repository_failed", "lists .* of manifests for the site"):
        kept.sets("shop")


def test_a_manifest_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    home = pushed(tmp_path)
    manifest_of = home / "manifest.json"
    manifest_of.write_bytes(manifest_of.read_bytes() + b" " * (16 << 20))
    assert opened(tmp_path, "new").sets("shop") == []


def _exchange(home: Path, top: Path) -> None:
    """Put another set of the same name there, with a manifest that fits."""
    other = made(top / "attacker", text=b"evil")
    shutil.rmtree(home)
    shutil.copytree(other.path, home)


def _listed(top: Path, host: str) -> dict[str, Any]:
    asked_for = {"directory": str(top / host), "site": "shop", "repository": given(top)}
    return answered(MODULE, asked_for, False, without_secrets)


def test_what_this_host_pushed_it_knows_again(tmp_path: Path) -> None:
    home = pushed(tmp_path)
    BackupSet.find(str(tmp_path / "old"), "shop").discard()
    pulled = repository.pull(asked(tmp_path, "old"), False)
    assert BackupSet(pulled["set"]).pinned() == "file"
    assert read_record(str(tmp_path / "old"), "shop").pushed == {LABEL: pulled["manifest_sha256"]}
    BackupSet(pulled["set"]).discard()
    assert [_listed(tmp_path, host)["sets"][0]["pinned"] for host in ("old", "new")] == ["file", "not pinned"]
    _exchange(home, tmp_path)
    for look in (lambda options: repository.pull(options, False), repository.look):
        with refused("manifest_edited", "is not the one that was written"):
            look(asked(tmp_path, "old"))
    assert BackupSet.labels(str(tmp_path / "old"), "shop") == []


@pytest.mark.parametrize("gives", [True, False])
def test_a_set_is_rehearsed_by_no_word_of_its_own_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gives: bool
) -> None:
    pushed(tmp_path)
    digest = repository.pull(asked(tmp_path, "other"), True)["manifest_sha256"] if gives else None
    seen: list[tuple[Any, str]] = []

    def ask(options: Any, _found: Any) -> rehearse_requests.Outcome:
        backup = BackupSet.find(str(tmp_path / "new"), "shop", options.label, options.manifest_sha256)
        seen.append((options.manifest_sha256, backup.pinned(options.manifest_sha256)))
        raise RelocateError("data_differs", "no")

    monkeypatch.setattr(rehearse_requests, "ask", ask)
    fields: dict[str, Any] = dict.fromkeys(rehearse_requests.Options.__dataclass_fields__)
    options = rehearse_requests.Options(**{**fields, "manifest_sha256": digest})
    with refused("data_differs", "no"):
        rehearse_kept.prove(options, asked(tmp_path, "new", manifest_sha256=digest), [])
    assert seen == [(digest, "option" if gives else "not pinned")]
    assert BackupSet.labels(str(tmp_path / "new"), "shop") == []


def test_the_room_is_looked_at_where_it_is_needed(tmp_path: Path) -> None:
    remote._check_room(str(tmp_path), 0)
    with refused("disk_full", "no room for"):
        remote._check_room(str(tmp_path), 1 << 60)
