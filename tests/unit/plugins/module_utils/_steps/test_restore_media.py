# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""MEDIA out of a set: brought once, and never over what the site took in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._host import facts
from ansible_collections.relocate.django.plugins.module_utils._media import archive, inventory
from ansible_collections.relocate.django.plugins.module_utils._modules import restore as restore_module
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import text_of
from ansible_collections.relocate.django.plugins.module_utils._steps import restore_media
from tests.unit.fakes import (
    BLANK,
    LABEL,
    NEWER,
    ROOT_ONLY,
    FakeEngine,
    entry,
    fake_site,
    manifest,
    me,
    nobody,
    reachable,
    refused,
    state,
)
from tests.unit.plugins.module_utils._steps.world import restore_options
from tests.unit.records import note, noted

pytestmark = pytest.mark.slow


class Site:
    """A new host with one database, MEDIA_ROOT, and two sets that hold both."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(facts, "machine_id", lambda: "n3w")
        self.path, self.root = str(path), path / "media"
        self.engine = FakeEngine(databases={"live": BLANK}, place=("elsewhere", None))
        for label, rows in ((LABEL, 3), (NEWER, 4)):
            source = path / label
            (source / "sub").mkdir(parents=True)
            (source / "avatar.jpg").write_text(label)
            made = BackupSet.create(self.path, "shop", label, me())
            Path(made.file("databases/default.fakedump")).write_text("dump")
            with open(made.file("media.tar"), "wb") as out:
                archived = archive.archive(str(source), out, compression="none")
            found = dict(inventory.inventory(str(source)), root=str(source), stored="media.tar", archived=archived)
            config = dict(entry().config, name="another")
            made.finish(manifest(label, databases={"default": entry(state=state(rows), config=config)}, media=found))

    def run(self, label: str = LABEL, **options: Any) -> dict[str, Any]:
        self.engine.loads = state(3 if label == LABEL else 4)
        params = restore_options(self.path, label, **options)
        module: Any = SimpleNamespace(params=params, check_mode=options.get("check", False))
        django = {"version": "5.2", "python": "3.11.2", "media_root": str(self.root)}
        return restore_module.restore(module, fake_site(self.path, self.engine, django=django))

    def note(self, **changes: Any) -> None:
        note(self.path, **changes)

    @property
    def avatar(self) -> str:
        return (self.root / "avatar.jpg").read_text()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)


@pytest.mark.parametrize("flag", [None, "moved", "served"])
def test_a_rerun_leaves_what_the_users_replaced(site: Site, flag: str | None) -> None:
    assert site.run()["changed"] is True
    assert site.avatar == LABEL
    if flag:
        site.note(**{flag: {"label": LABEL}})
    (site.root / "avatar.jpg").write_text("mine")
    (site.root / "new.jpg").write_text("new")
    assert site.run()["changed"] is False
    assert site.avatar == "mine"
    assert sorted(item.name for item in site.root.iterdir()) == ["avatar.jpg", "new.jpg", "sub"]


def test_a_second_attempt_brings_it_again(site: Site) -> None:
    site.run()
    (site.root / "avatar.jpg").unlink()
    assert site.run(NEWER)["changed"] is True
    assert site.avatar == NEWER
    site.note(restored={"default": "migrating"})  # a migration failed: what it did to files is undone
    (site.root / "avatar.jpg").write_text("half")
    site.run(NEWER)
    assert site.avatar == NEWER


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"served": {"label": "l"}, "media_restored": "x"},
        {"media": {"path": "/x"}},
        {"media": {"path": "ROOT", "foreign": True}},
    ],
)
def test_files_of_another_origin_are_refused_before_any_write(site: Site, record: dict[str, Any]) -> None:
    site.root.mkdir()
    (site.root / "avatar.jpg").write_text("mine")
    if "ROOT" in str(record):
        record = {"media": {**record["media"], "path": str(site.root)}}
    site.note(**record)
    with refused("media_not_blank", "holds files .*Next: move them away.*relocate_replace.*relocate_media"):
        site.run()
    assert site.avatar == "mine"
    assert site.engine.databases == {"live": BLANK}
    assert site.engine.calls == []
    assert site.run(media=False)["changed"] is True
    assert site.avatar == "mine"
    site.run(replace=True)
    assert site.avatar == LABEL


def test_an_archive_that_would_be_refused_half_way_is_refused_before_any_write(site: Site) -> None:
    path = Path(BackupSet.find(site.path, "shop", LABEL).path) / "manifest.json"
    found = json.loads(path.read_text())
    found["media"]["archived"]["bytes"] = 3
    path.write_text(text_of(found))
    shutil.rmtree(Path(site.path) / "pins")
    with refused("path_refused", "avatar.jpg in the archive of MEDIA would exceed the 3 bytes that were recorded"):
        site.run()
    assert not site.root.exists()
    assert site.engine.databases == {"live": BLANK}
    assert site.engine.calls == []
    assert noted(site.path) == {}


@pytest.mark.parametrize("kind", ["absent", "empty", "kept by git", "ours"])
def test_where_it_is_brought_without_a_question(site: Site, kind: str) -> None:
    if kind != "absent":
        site.root.mkdir()
    if kind == "kept by git":
        (site.root / ".gitkeep").write_text("")
    if kind == "ours":  # a move copied it from host to host
        (site.root / "avatar.jpg").write_text("first pass")
        site.note(media={"path": str(site.root)})
    assert site.run(check=True)["changed"] is True
    assert site.run()["changed"] is True
    assert site.avatar == LABEL
    assert site.run()["changed"] is False


def test_a_kill_while_it_is_brought(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def half(*_args: Any) -> None:
        site.root.mkdir()
        (site.root / "avatar.jpg").write_text("half")
        raise Killed

    real = archive.extract
    monkeypatch.setattr(archive, "extract", half)
    with pytest.raises(Killed):
        site.run()
    monkeypatch.setattr(archive, "extract", real)
    assert site.engine.databases == {"live": BLANK}
    site.run()
    assert site.avatar == LABEL


@ROOT_ONLY
@pytest.mark.parametrize("name", ["", "private"])
def test_what_the_owner_cannot_look_into_is_not_empty(tmp_path: Path, name: str) -> None:
    """Uploads of the service's user, in directories of his own."""
    root = reachable(tmp_path) / "media"
    (root / "private").mkdir(parents=True)
    (root / "private" / "upload").write_text("mine")
    (root / name).chmod(0o700)
    assert not restore_media.is_empty(str(root), nobody())
    (root / "private" / "upload").unlink()
    (root / name).chmod(0o755)
    assert restore_media.is_empty(str(root), nobody())
