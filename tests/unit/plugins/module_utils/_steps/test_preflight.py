# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every obstacle on old in one list, each with its code and what to do."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import LIVE
from ansible_collections.relocate.django.plugins.module_utils._host import facts as host_facts
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle
from ansible_collections.relocate.django.plugins.module_utils._steps import describe, needs, preflight
from tests.unit.fakes import ROOT_ONLY, FakeEngine, fake_site, nobody, reachable, state
from tests.unit.plugins.module_utils._steps.both_hosts import GIT, project, told

pytestmark = pytest.mark.slow

__all__ = ["project"]  # fixtures


@pytest.fixture(autouse=True)
def distributions(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is installed for the project; nothing."""
    plain: list[dict[str, Any]] = []
    monkeypatch.setattr(preflight.packages, "installed", lambda *_args: plain)
    return plain


def old_options(path: Path, **changes: Any) -> preflight.Options:
    base = {
        "allow_dirty": False,
        "allow_unapplied": False,
        "files": [],
        "files_ignored": [],
        "requirements": [],
        "revision": None,
        "command": [],
        "pip_extra": [],
        "pip_ignored": [],
        "units": [],
        "services_kept_running": [],
        "compression": "none",
        "engines": {},
        "excluded_models": [],
        "installs": False,
        "directory": str(path),
    }
    return preflight.Options.of({**base, **changes})


def test_files_that_models_keep_outside_media(project: Path, tmp_path: Path) -> None:
    """Their rows would arrive without them; a directory without files is none of anybody's business."""
    private, empty = tmp_path / "private", tmp_path / "empty"
    (private / "2026").mkdir(parents=True)
    (private / "2026" / "invoice.pdf").write_text("x")
    (empty / "2026").mkdir(parents=True)
    stores = [{"path": str(private), "field": "shop.Invoice.pdf"}, {"path": str(empty), "field": "shop.Note.scan"}]
    site = fake_site(project, FakeEngine(databases={LIVE: state()}), django={"file_stores": stores})
    (found,) = told(preflight.obstacles_on_old(site, old_options(project)))
    assert found[0] == "files_outside"
    assert found[2] == f"shop.Invoice.pdf keeps files in {private}, which is not below MEDIA_ROOT"
    for named in (str(private), str(tmp_path), f"{private}/"):
        assert preflight.obstacles_on_old(site, old_options(project, files_ignored=[named])) == []
    assert len(preflight.obstacles_on_old(site, old_options(project, files_ignored=[f"{private}/2026"]))) == 1
    assert preflight.obstacles_on_old(site, old_options(project, files=[str(private)])) == []
    site.facts["django"]["media_root"] = str(private / "2026")
    assert preflight.obstacles_on_old(site, old_options(project)) == [], "what is MEDIA within is carried as MEDIA"


@ROOT_ONLY
@pytest.mark.parametrize("hidden", ["private", "private/2026"])
def test_files_of_another_that_the_owner_cannot_see(project: Path, tmp_path: Path, hidden: str) -> None:
    """Uploads of www-data's in a directory of his own, and a project of another user's: they may be there."""
    top = reachable(tmp_path)
    private = top / "private"
    (private / "2026").mkdir(parents=True)
    (top / hidden).chmod(0o700)
    django = {"file_stores": [{"path": str(private), "field": "shop.Invoice.pdf"}]}
    site = fake_site(project, FakeEngine(databases={LIVE: state()}), django=django)
    assert preflight._files_outside(site, []) == [], "root sees that there is nothing"
    site.project.owner = nobody()
    assert [item.code for item in preflight._files_outside(site, [])] == ["files_outside"]
    django["file_stores"][0]["path"] = str(top / "gone")
    assert preflight._files_outside(site, []) == []


def test_files_behind_a_link_are_files(project: Path, tmp_path: Path) -> None:
    private, disk = tmp_path / "private", tmp_path / "disk"
    private.mkdir()
    disk.mkdir()
    (private / "uploads").symlink_to(disk)
    django = {"file_stores": [{"path": str(private), "field": "shop.Invoice.pdf"}]}
    site = fake_site(project, FakeEngine(databases={LIVE: state()}), django=django)
    assert [item.code for item in preflight._files_outside(site, [])] == ["files_outside"]
    site.facts["django"]["media_root"] = str(disk)
    assert preflight._files_outside(site, []) == [], "MEDIA travels"


def test_nothing_is_in_the_way(project: Path) -> None:
    site = fake_site(project, FakeEngine(databases={LIVE: state()}))
    assert preflight.obstacles_on_old(site, old_options(project)) == []


def test_a_revision_older_than_the_database(project: Path) -> None:
    """Told while nothing was done, where old's own repository holds the revision."""
    older = subprocess.run([*GIT, "-C", str(project), "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    (project / "shop" / "migrations").mkdir(parents=True)
    (project / "shop" / "migrations" / "0001_initial.py").write_text("")
    for words in (["add", "."], ["commit", "-q", "-m", "second"]):
        subprocess.run([*GIT, "-C", str(project), *words], check=True)
    site = fake_site(project, FakeEngine(databases={LIVE: state()}))
    applied = {"applied": ["shop.0001_initial"], "unapplied": [], "unknown": []}
    site.facts["migrations"] = {"aliases": {"default": applied}, "conflicts": {}}
    path = os.path.realpath(project / "shop" / "migrations" / "0001_initial.py")
    known = {"known": ["shop.0001_initial"], "replaced": {}, "apps": ["shop"], "files": {"shop.0001_initial": path}}
    site.facts["history"] = known
    assert preflight.obstacles_on_old(site, old_options(project)) == []
    (found,) = preflight.obstacles_on_old(site, old_options(project, revision=older.stdout.strip()))
    assert found.code == "unknown_migration" and "shop.0001_initial" in found.msg
    assert preflight.obstacles_on_old(site, old_options(project, revision="f" * 40)) == []


def test_packages_that_no_file_names(project: Path, distributions: list[dict[str, Any]]) -> None:
    """Told while old serves, and only where a file can tell."""
    names = ("Django", "gunicorn", "ipython")
    distributions += [
        {"name": name, "version": "1", "line": f"{name}==1", "needs": [], "system": False, "local": False}
        for name in names
    ]
    site = fake_site(project, FakeEngine(databases={LIVE: state()}))
    assert preflight.obstacles_on_old(site, old_options(project)) == []
    (project / "requirements.txt").write_text("Django\n")
    (found,) = preflight.obstacles_on_old(site, old_options(project))
    assert found.code == "packages_unlisted" and "gunicorn==1, ipython==1" in found.msg
    accepted = {"pip_extra": ["gunicorn"], "pip_ignored": ["ipython"]}
    assert preflight.obstacles_on_old(site, old_options(project, **accepted)) == []
    assert preflight.obstacles_on_old(site, old_options(project, command=["make", "install"])) == []


@ROOT_ONLY
def test_a_database_file_of_the_service_user(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be the project owner's on new, so that the service could not write it."""
    path = project / "db.sqlite3"
    path.write_text("x")
    engine = FakeEngine(databases={LIVE: state()}, is_file=True)
    monkeypatch.setattr(FakeEngine, "config", SimpleNamespace(name=str(path), alias="default"))
    site = fake_site(project, engine)
    assert preflight.obstacles_on_old(site, old_options(project)) == []
    os.chown(path, nobody().uid, -1)
    (found,) = preflight.obstacles_on_old(site, old_options(project))
    assert found.code == "right_missing" and f"the database {path} is nobody's" in found.msg
    assert "relocate_owner: nobody" in found.hint


def test_a_database_that_was_never_migrated_is_data(project: Path) -> None:
    """Migrations of apps that are not kept there are not missed there; a move leaves it as it is."""
    site = fake_site(project, FakeEngine("legacy", databases={LIVE: state()}))
    never = {"recorded": False, "applied": [], "unapplied": ["auth.0001"]}
    site.facts["migrations"] = {"aliases": {"legacy": never}, "conflicts": {}}
    assert preflight.obstacles_on_old(site, old_options(project)) == []
    never["applied"] = ["contenttypes.0001"]
    (found,) = told(preflight.obstacles_on_old(site, old_options(project)))
    assert found[:2] == ("unapplied_migrations", "legacy")


def test_a_database_without_models_keeps_its_engine(project: Path) -> None:
    """There can be no fixture of it, which a move would find out after the freeze."""
    site = fake_site(project, FakeEngine("legacy", databases={LIVE: state()}))
    site.facts["migrations"] = {"aliases": {"legacy": {"applied": [], "unapplied": ["a.1"]}}, "conflicts": {}}
    (found,) = preflight.obstacles_on_old(site, old_options(project, engines={"legacy": "mysql"}))
    assert (found.code, found.alias, "never been migrated" in found.msg) == ("unapplied_migrations", "legacy", True)
    assert "take the alias out of relocate_engines" in found.hint


def test_everything_at_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "manage.py").write_text("changed")
    for number in range(6):
        (project / f"new{number}").write_text("")
    subprocess.run([*GIT, "-C", str(project), "add", "."], check=True)
    monkeypatch.setattr(host_facts, "free_bytes", lambda _path: 3 << 20)
    monkeypatch.setattr(needs, "find_program", lambda _name: None)
    engines = [
        FakeEngine("default", obstacles=[Obstacle("client_too_old", "pg_dump 13", "install 15", "default")]),
        FakeEngine("other", fails={"query": 1}),
    ]
    site = fake_site(project, *engines, packages={"error": {"code": "probe_failed", "msg": "no pip", "hint": "look"}})
    site.facts["migrations"] = {
        "aliases": {
            "default": {"applied": ["auth.0001"], "unapplied": [f"shop.000{n}" for n in range(7)]},
            "unmoved": {"applied": [], "unapplied": ["x.0001"]},
        },
        "conflicts": {"shop": ["0002_a", "0002_b"]},
    }
    found = told(preflight.obstacles_on_old(site, old_options(project, files=["a", "b*"], compression="zstd")))
    needed = (200 + (64 << 20)) >> 20
    assert sorted(found) == sorted(
        [
            ("client_too_old", "default", "pg_dump 13", "install 15"),
            ("query_failed", "other", "other cannot query", "look at it"),
            ("probe_failed", "", "no pip", "look"),
            (
                "dirty_tree",
                "",
                "the checkout holds uncommitted changes: manage.py, new0, new1, new2, new3, ...",
                "commit them, or set relocate_allow_dirty: true to carry them as a patch",
            ),
            (
                "unapplied_migrations",
                "default",
                "7 migrations are not applied: shop.0000, shop.0001, shop.0002, shop.0003, shop.0004",
                "run manage.py migrate on old, or set relocate_allow_unapplied: true to apply them on new",
            ),
            (
                "migration_conflict",
                "",
                "conflicting migrations in shop: 0002_a, 0002_b",
                "merge them with manage.py makemigrations --merge",
            ),
            ("path_refused", "", f"not on this host: {project}/a, {project}/b*", "correct relocate_files"),
            ("program_missing", "", "git is not installed", "install git"),
            ("program_missing", "", "zstd is not installed", "install zstd"),
            (
                "disk_full",
                "",
                f"the backup set needs {needed} MB at {project}, 3 MB are free",
                "free space there, or set relocate_directory to another directory",
            ),
        ]
    )


def test_a_partial_clone_is_told_before_the_bundle_is_made(project: Path) -> None:
    subprocess.run([*GIT, "-C", str(project), "config", "remote.origin.promisor", "true"], check=True)
    found = preflight.obstacles_on_old(fake_site(project, FakeEngine(databases={LIVE: state()})), old_options(project))
    assert [item.code for item in found] == ["revision_refused"]
    assert found[0].msg == f"{project} is a partial clone: a bundle of it would be incomplete"


def test_what_is_allowed_is_no_obstacle(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "manage.py").write_text("changed")
    monkeypatch.setattr(needs, "find_program", lambda _name: None)
    site = fake_site(project, FakeEngine(databases={LIVE: state()}))
    site.facts["migrations"] = {"aliases": {"default": {"applied": ["auth.0001"], "unapplied": ["shop.0001"]}}}
    options = old_options(project, allow_dirty=True, allow_unapplied=True, installs=True)
    assert preflight.obstacles_on_old(site, options) == []


def test_no_checkout(tmp_path: Path) -> None:
    site = fake_site(tmp_path, FakeEngine(databases={LIVE: state()}))
    (found,) = preflight.obstacles_on_old(site, old_options(tmp_path))
    assert (found.code, bool(found.msg)) == ("not_a_checkout", True)
    assert describe.describe_site(site)["revision"] is None


def test_what_of_media_cannot_be_moved_is_in_the_way(project: Path) -> None:
    media = project / "media"
    media.mkdir()
    site = fake_site(project, FakeEngine(databases={LIVE: state()}))
    site.facts["django"]["media_root"] = str(media)
    assert preflight.media_obstacles(describe.describe_site(site)["media"]) == []
    (media / "uploads").symlink_to("/mnt/bigdisk/uploads")
    (found,) = preflight.media_obstacles(describe.describe_site(site)["media"])
    assert (found.code, found.msg) == (
        "media_skipped",
        "1 entries of MEDIA_ROOT cannot be moved: uploads: link leads out of MEDIA_ROOT",
    )
    assert "mount --bind" in found.hint
    assert "relocate_media_skip" in found.hint
    assert preflight.media_obstacles(describe.describe_site(site, ["uploads"])["media"]) == []


@ROOT_ONLY
def test_media_that_its_owner_cannot_read_is_in_the_way(project: Path) -> None:
    media = reachable(project) / "media"
    media.mkdir(0o700)
    site = fake_site(project, FakeEngine(databases={LIVE: state()}))
    site.project.owner = nobody()
    site.facts["django"]["media_root"] = str(media)
    (found,) = preflight.media_obstacles(describe._describe_media(site, []))
    assert found.code == "right_missing"
    assert found.msg.endswith("media cannot be read: Permission denied")
