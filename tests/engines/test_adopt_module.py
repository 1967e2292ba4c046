# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""backup_adopt as a playbook runs it, on a small site with SQLite, and what becomes of the set that it makes."""

from __future__ import annotations

import contextlib
import gzip
import os
import sqlite3
import tarfile
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._module import answered
from ansible_collections.relocate.django.plugins.module_utils._modules import backup, backup_adopt, restore
from ansible_collections.relocate.django.plugins.module_utils._record.record import read_record
from tests.engines.local_site import PREFIX, LocalSite

MODULES = {module.__name__.rpartition(".")[2]: module.MODULE for module in (backup, backup_adopt, restore)}


def text_of(database: Path) -> str:
    """What sqlite3 prints of a database."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return "PRAGMA foreign_keys=OFF;\n" + "\n".join(connection.iterdump()) + "\n"


class Site:
    """A site, and tasks that are run on it."""

    def __init__(self, base: Path) -> None:
        self.base, self.site = base, LocalSite(base)
        self.revision = self.site.make()
        self.project = self.site.old / PREFIX
        self.site.manage(
            "shell", "-c", "from notes.models import Note; [Note(text=f'n{i} ä').save() for i in range(9)]"
        )
        self.work = base / "work"
        self.work.mkdir()
        self.default, self.legacy = self.project / "db.sqlite3", self.project / "legacy.sqlite3"

    def task(self, module: str, check: bool = False, **options: Any) -> dict[str, Any]:
        """Run one task; returns its result, failed or not."""
        common = {
            "site": "notes",
            "directory": str(self.work),
            "path": str(self.project),
            "allow_root": os.geteuid() == 0,
        }
        return answered(MODULES[module], {**common, **options}, check, lambda _params, _spec: {})

    def live(self) -> tuple[bytes, bytes]:
        """What the live databases hold."""
        return self.default.read_bytes(), self.legacy.read_bytes()

    def left(self) -> list[str]:
        """What of scratch databases lies beside the live ones."""
        return [path.name for path in self.project.iterdir() if "__incoming" in path.name]


@pytest.fixture(name="site", scope="module")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("adopt"))


def test_a_set_is_made_proven_and_restored(site: Site, tmp_path: Path) -> None:
    """A gzipped text and a file with its -wal, MEDIA in a tar: the set holds them, and a restore brings them."""
    dump, copied, media = tmp_path / "db.sql.gz", tmp_path / "legacy.sqlite3", tmp_path / "media.tar"
    dump.write_bytes(gzip.compress(text_of(site.default).encode()))
    with contextlib.closing(sqlite3.connect(copied)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript("create table invoice (id integer primary key, total integer)")
        connection.execute("insert into invoice (total) values (1), (2), (3)")
        connection.commit()
        for suffix in ("", "-wal"):  # as a copy of a running site has them
            (tmp_path / ("taken" + suffix)).write_bytes((tmp_path / ("legacy.sqlite3" + suffix)).read_bytes())
    folder = tmp_path / "media"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    with tarfile.open(media, "w") as archive:
        archive.add(folder, "media")
    before = site.live()
    dumps = {"default": str(dump), "legacy": str(tmp_path / "taken")}
    seen = site.task("backup_adopt", check=True, dumps=dumps, media=str(media))
    assert not seen.get("failed"), seen
    assert seen["kinds"] == {"default": "sqlite_sql", "legacy": "sqlite_file"}
    assert not list(site.work.glob("sets/*/*")), "check mode writes nothing"
    made = site.task("backup_adopt", dumps=dumps, media=str(media), revision=site.revision[:9])
    assert not made.get("failed"), made
    assert (made["rows"]["legacy"], made["media"]["files"]) == (3, 1)
    assert (site.live(), site.left()) == (before, [])
    assert read_record(str(site.work), "notes").found_equal[made["label"]].digest == made["manifest_sha256"], "proven"
    restored = site.task("restore", label=made["label"], replace=True, allow_same_host=True, allow_same_database=True)
    assert not restored.get("failed"), restored
    with contextlib.closing(sqlite3.connect(site.legacy)) as connection:
        assert connection.execute("select count(*) from invoice").fetchone() == (3,)
    assert "9" in site.site.manage("shell", "-c", "from notes.models import Note; print(Note.objects.count())")


def refused(site: Site, dumps: dict[str, Any], **more: Any) -> str:
    """The code that a dump is refused with, while nothing is changed or left behind."""
    before, sets = site.live(), sorted(site.work.glob("sets/*/*"))
    found = site.task("backup_adopt", dumps=dumps, **more)
    assert found.get("failed"), found
    assert (site.live(), site.left(), sorted(site.work.glob("sets/*/*"))) == (before, [], sets)
    return str(found["code"])


def test_what_does_not_fit_leaves_nothing(site: Site, tmp_path: Path) -> None:
    good, legacy = tmp_path / "db.sql", str(site.legacy)
    text = text_of(site.default)
    good.write_text(text)
    older, newer, evil = tmp_path / "older.sql", tmp_path / "newer.sql", tmp_path / "evil.sql"
    older.write_text(text.replace("'notes','0001_initial'", "'notes','0000_gone'"))
    newer.write_text(text.replace('CREATE TABLE "notes_note"', 'CREATE TABLE "other"').replace("notes_note", "other"))
    evil.write_text(text.replace("COMMIT;", f"ATTACH '{site.legacy}' AS live;\nCOMMIT;"))
    ours = {"default": str(good), "legacy": legacy}
    assert refused(site, {"default": str(good)}) == "bad_option"
    assert refused(site, ours, revision="0" * 40) == "revision_refused"
    assert refused(site, {**ours, "default": str(older)}) == "unknown_migration"
    assert refused(site, {**ours, "default": str(newer)}) == "table_missing"
    assert refused(site, {**ours, "default": str(evil)}) == "dump_refused"


def test_a_fixture_is_adopted(site: Site, tmp_path: Path) -> None:
    fixture = tmp_path / "all.json"
    fixture.write_text(site.site.manage("dumpdata", "notes"))
    made = site.task("backup_adopt", dumps={"default": str(fixture)}, aliases=["default"])
    assert not made.get("failed"), made
    assert made["kinds"] == {"default": "fixture"}
    assert made["rows"]["default"] >= 9
    assert any("does not tell" in note for note in made["notes"])
    assert site.task("backup", state="absent", label=made["label"])["changed"]
