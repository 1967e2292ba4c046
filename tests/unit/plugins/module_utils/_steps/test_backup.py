# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making a set: what is refused, and what a backup that fails leaves."""

from __future__ import annotations

import contextlib
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import LIVE
from ansible_collections.relocate.django.plugins.module_utils._model import (
    CronLine,
    CronTable,
    Obstacle,
    SequenceState,
    Software,
)
from ansible_collections.relocate.django.plugins.module_utils._modules import backup as backup_module
from ansible_collections.relocate.django.plugins.module_utils._set import cron as set_cron
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._steps import backup as steps_backup
from ansible_collections.relocate.django.plugins.module_utils._steps import dumps, preflight, retain, store_media
from tests.unit.fakes import (
    LABEL,
    ROOT_ONLY,
    FakeEngine,
    fake_site,
    me,
    nobody,
    reachable,
    refused,
    state,
)
from tests.unit.plugins.module_utils._set.filled import made
from tests.unit.records import given

pytestmark = pytest.mark.slow

# --- dumps


@pytest.mark.parametrize("is_file", [False, True])
@pytest.mark.parametrize("frozen", [False, True])
def test_dump_all(tmp_path: Path, is_file: bool, frozen: bool) -> None:
    backup = made(tmp_path, LABEL, finished=False)
    engines = [
        FakeEngine(alias, {LIVE: state(rows)}, is_file=is_file) for alias, rows in (("default", 3), ("other", 5))
    ]
    site = fake_site(tmp_path, *engines)
    site.facts["migrations"]["aliases"] = {"default": {"applied": ["auth.0001_initial"], "unapplied": []}}
    found, tokens = dumps.dump_all(site, backup, frozen)
    assert set(tokens) == (set(found) if frozen else set())
    assert {alias: (item.dump.path, item.state.rows(), item.migrations) for alias, item in found.items()} == {
        "default": ("databases/default.fakedump", 4, ("auth.0001_initial",)),
        "other": ("databases/other.fakedump", 6, ()),
    }
    assert os.path.isfile(backup.file("databases/other.fakedump"))
    assert "s3cret-Canary" not in repr(found)
    if not frozen or is_file:  # sequences obey no snapshot: while somebody writes, the dump is first
        assert [call[0] for call in engines[0].calls] == ["mark"] * frozen + ["dump", "query"]


@pytest.mark.parametrize(
    ("fails", "code", "text"),
    [("dump", "dump_failed", "default cannot dump"), ("query", "query_failed", "default cannot query")],
)
def test_a_dump_or_a_count_that_fails(tmp_path: Path, fails: str, code: str, text: str) -> None:
    backup = made(tmp_path, LABEL, finished=False)
    engine = FakeEngine(databases={LIVE: state()}, fails={fails: 1})
    with refused(code, text):
        dumps.dump_all(fake_site(tmp_path, engine), backup, frozen=True)


@pytest.mark.parametrize(("busy", "fails"), [([], False), ([2, 1], False), ([3] * 99, True)])
def test_sessions_that_remain(monkeypatch: pytest.MonkeyPatch, busy: list[int], fails: bool) -> None:
    monkeypatch.setattr(dumps, "_PATIENCE", 0.05)
    monkeypatch.setattr(dumps.time, "sleep", lambda _seconds: None)
    if not fails:
        dumps.await_sessions(FakeEngine(busy=busy))  # type: ignore[arg-type]
        return
    monkeypatch.setattr(dumps, "_PATIENCE", -1)
    with refused("sessions_remain", "3 sessions still use database default.*add every unit that writes"):
        dumps.await_sessions(FakeEngine(busy=busy))  # type: ignore[arg-type]


def test_the_dump_of_a_frozen_site_waits_for_its_last_sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a session writes after the dump would be lost: nothing is marked or dumped before all of them are gone."""
    engine = FakeEngine(databases={LIVE: state()}, busy=[2, 1])
    seen: list[str] = []
    monkeypatch.setattr(dumps.time, "sleep", lambda _seconds: seen.append(repr(engine.calls)))
    dumps.dump_all(fake_site(tmp_path, engine), made(tmp_path, LABEL, finished=False), frozen=True)
    assert seen == ["[]", "[]"]
    assert engine.calls[0] == ("mark",)


def test_a_session_that_stays_keeps_a_frozen_site_from_being_dumped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dumps, "_PATIENCE", -1)
    engine = FakeEngine(databases={LIVE: state()}, busy=[3] * 9)
    with refused("sessions_remain", "3 sessions still use database default"):
        dumps.dump_all(fake_site(tmp_path, engine), made(tmp_path, LABEL, finished=False), frozen=True)
    assert engine.calls == []
    dumps.dump_all(fake_site(tmp_path, engine), made(tmp_path, LABEL, finished=False), frozen=False)
    assert ("mark",) not in engine.calls, "a site that serves has sessions"


# --- a whole set of a real checkout


#: What the site uses of its host's system.
USED = Software("dpkg", {"nginx": "nginx"}, ("poppler-utils",))


@pytest.fixture(autouse=True)
def distributions(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed for the project, which has no interpreter here."""
    monkeypatch.setattr(steps_backup.environment_of.packages, "installed", lambda *_args: [])
    monkeypatch.setattr(steps_backup.software, "_looked", lambda _site: USED)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    path.mkdir()
    (path / "manage.py").write_text("")
    (path / ".gitignore").write_text(".env\n")
    (path / ".env").write_text("SECRET_KEY=s3cret-Canary\n")
    git = ["git", "-C", str(path), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], check=True)
    return path


def test_a_dirty_tree(checkout: Path) -> None:
    site = fake_site(checkout)
    clean = steps_backup.revision_of(site, allow_dirty=False)
    assert len(clean.commit) == 40
    (checkout / "manage.py").write_text("changed")
    with refused(
        "dirty_tree", "uncommitted changes: manage.py.*set relocate_allow_dirty: true to carry them as a patch"
    ):
        steps_backup.revision_of(site, allow_dirty=False)
    assert steps_backup.revision_of(site, allow_dirty=True).dirty


@pytest.mark.parametrize("dirty", [False, True])
def test_a_whole_set(tmp_path: Path, checkout: Path, dirty: bool) -> None:
    if dirty:
        (checkout / "manage.py").write_text("changed")
    site = fake_site(checkout, FakeEngine(databases={LIVE: state()}))
    revision = steps_backup.revision_of(site, allow_dirty=True)
    label = steps_backup.label_for(revision)
    assert label.endswith(revision.commit[:12])
    backup = BackupSet.create(str(tmp_path / "work"), "shop", label, me())
    for _turn in range(2):  # a second one, after the freeze, is as good
        steps_backup.prepare(site, backup, revision, [".env"])
    assert (
        BackupSet.prepared(str(tmp_path / "work"), "shop", label).read_prepared().unversioned[0].path.endswith(".env")
    )
    assert backup.read_environment()["freeze"] == ["Django==5.2"]
    databases, _tokens = dumps.dump_all(site, backup, frozen=True)
    written = steps_backup.compose(
        site,
        backup,
        revision,
        "shop",
        [".env"],
        databases,
        store_media.media_of(site, backup, True, "zstd"),
    )
    digest = backup.finish(written)
    found = backup.read(digest)
    backup.verify(found)
    assert found.code["commit"] == revision.commit
    assert found.code["patch"] == ("code.patch" if dirty else "")
    assert os.path.exists(backup.file("code.patch")) is dirty
    assert Path(backup.file("code.bundle")).read_bytes().startswith(b"# v2 git bundle") or os.path.getsize(
        backup.file("code.bundle")
    )
    assert "s3cret-Canary" not in Path(backup.file("manifest.json")).read_text()
    assert (found.media, found.databases["default"].state) == ({}, state())
    assert found.databases["default"].dump.digest == "d1"  # what a load checks


def test_no_fixture_of_a_database_without_models(tmp_path: Path) -> None:
    """A fixture of the others is wanted, and another program's database is no reason to have no set."""
    site = fake_site(tmp_path, FakeEngine("legacy", databases={LIVE: state()}))
    site.facts["migrations"] = {"aliases": {"legacy": {"applied": [], "unapplied": ["a.1"]}}, "conflicts": {}}
    entries, _tokens = dumps.dump_all(site, made(tmp_path, LABEL, finished=False), False, fixtures=True)
    assert entries["legacy"].fixture is None and entries["legacy"].state == state()
    assert site.notes == ["database legacy has never been migrated: the set holds its dump, and no fixture"]


# --- the module: no set that could not be restored, and nothing of one that failed


def params_of(directory: Path, **changes: Any) -> dict[str, Any]:
    """Give the options of the module as a role gives them."""
    lists = ("files", "files_ignored", "media_skip", "excluded_models")
    lists += ("requirements", "command", "pip_extra", "pip_ignored")
    given = {"directory": str(directory), "site": "shop", "label": "", "state": "present", "media": False, "jobs": 1}
    given.update(dict.fromkeys(("frozen", "fixtures", "checked", "allow_dirty", "allow_unapplied"), False))
    given.update(
        {name: [] for name in lists},
        keep=0,
        retention={},
        repository={},
        compression="none",
        sequences="keep",
        cron="refuse",
    )
    return {**given, **changes}


def options_of(directory: Path, **changes: Any) -> steps_backup.Options:
    return steps_backup.Options.of(params_of(directory, **changes))


def make(directory: Path, site: Any, **changes: Any) -> dict[str, Any]:
    params = params_of(directory, **changes)
    module: Any = SimpleNamespace(params=params, check_mode=False, warn=lambda _line: None)
    return backup_module.make(module, site, steps_backup.Options.of(params))


@pytest.mark.parametrize(
    ("begun", "frozen", "label", "asked"),
    [
        (("prepared.json", "environment.json"), True, LABEL, False),
        (("prepared.json", "environment.json"), False, LABEL, True),  # one that was broken off may be days old
        (("prepared.json",), True, LABEL, True),
        ((), True, LABEL, True),
        (("prepared.json", "environment.json"), True, None, True),
    ],
)
def test_what_is_installed_is_not_asked_again_in_the_downtime(
    tmp_path: Path, begun: tuple[str, ...], frozen: bool, label: str | None, asked: bool
) -> None:
    backup = made(tmp_path, LABEL, finished=False)
    for name in begun:
        Path(backup.file(name)).write_text("{}")
    found = options_of(tmp_path, frozen=frozen, label=label).topics
    assert ("packages" in found) is asked
    assert set(found) | {"packages"} == set(steps_backup.TOPICS)


@pytest.fixture
def plain_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A project without an environment of its own: what its packages are is tested elsewhere."""
    monkeypatch.setattr(preflight, "_refuse_unnamed", lambda _site, _params: None)


LOST = Obstacle("unsupported_object", "sequence s is one that no dump carries", "drop it", "default")


@pytest.mark.usefixtures("plain_checks")
@pytest.mark.parametrize(
    ("obstacles", "code", "text"),
    [
        ([LOST], "unsupported_object", "no backup written: database default: sequence s is one.* Next: drop it"),
        (
            [LOST, Obstacle("right_missing", "no right", "grant it")],
            "obstacles",
            r"1\. \[unsupported_object\] database default: .*Next: drop it; 2\. \[right_missing\] no right",
        ),
    ],
)
def test_no_set_is_written_that_could_not_be_restored(
    tmp_path: Path, checkout: Path, obstacles: list[Any], code: str, text: str
) -> None:
    engine = FakeEngine(databases={LIVE: state()}, obstacles=obstacles)
    with refused(code, text):
        make(tmp_path / "work", fake_site(checkout, engine))
    assert not (tmp_path / "work").exists()
    assert [call for call in engine.calls if call[0] == "dump"] == []
    done = make(tmp_path / "work", fake_site(checkout, engine), checked=True)  # as a move does, after its preflight
    assert BackupSet.labels(str(tmp_path / "work"), "shop") == [done["label"]]


@pytest.mark.usefixtures("plain_checks")
def test_what_is_beside_the_databases_is_looked_at_too(tmp_path: Path, checkout: Path) -> None:
    site = fake_site(checkout, FakeEngine(databases={LIVE: state()}))
    site.facts["migrations"]["aliases"] = {"default": {"applied": ["a.1"], "unapplied": ["a.2"]}}
    with refused("unapplied_migrations", "1 migrations are not applied: a.2"):
        make(tmp_path / "work", site)
    assert make(tmp_path / "work", site, allow_unapplied=True)["changed"]


@pytest.mark.usefixtures("plain_checks")
@pytest.mark.parametrize("cron", ["carry", "leave"])
def test_lines_of_cron_are_read_before_the_freeze(
    tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch, cron: str
) -> None:
    tables, looked = [CronTable("shop", (CronLine("shop", "@daily SECRET=canary x"),))], []  # type: ignore[var-annotated]
    monkeypatch.setattr(steps_backup, "Host", SimpleNamespace(read=lambda: SimpleNamespace(files=None)))
    monkeypatch.setattr(steps_backup.unnamed, "find", lambda _host, path: looked.append(path))
    monkeypatch.setattr(steps_backup.cron_lines, "of_site", lambda *_what: tables)
    work, site = tmp_path / "work", fake_site(checkout, FakeEngine(databases={LIVE: state()}))
    label = make(work, site, cron=cron, state="prepared")["label"]
    monkeypatch.setattr(steps_backup.cron_lines, "of_site", lambda *_what: [])
    monkeypatch.setattr(steps_backup.software, "_looked", lambda _site: pytest.fail("that is downtime"))
    found = make(work, site, cron=cron, label=label, frozen=True)
    assert BackupSet.find(str(work), "shop", label).read().software == USED
    assert set_cron.of_label(str(work), "shop", label) == (tuple(tables) if cron == "carry" else ())
    assert looked == ([str(checkout)] if cron == "carry" else [])
    assert "canary" not in str(found) and "canary" not in (work / "sets/shop" / label / "manifest.json").read_text()


@pytest.mark.usefixtures("plain_checks")
def test_a_sequence_that_a_restore_would_refuse(tmp_path: Path, checkout: Path) -> None:
    behind = state(sequences=(SequenceState("s", 5, True, "t", "id", 9),))
    with refused("sequence_behind", "sequence s is at 5, table t holds 9"):
        make(tmp_path / "work", fake_site(checkout, FakeEngine(databases={LIVE: behind})))
    assert os.listdir(tmp_path / "work" / "sets" / "shop") == []
    site = fake_site(checkout, FakeEngine(databases={LIVE: behind}))
    assert make(tmp_path / "work", site, sequences="advance")["changed"]


def test_a_sequence_that_preflight_did_not_look_at(tmp_path: Path, checkout: Path) -> None:
    """In a move transfer and load are saved, in the window; another engine has no use for it."""
    behind = state(sequences=(SequenceState("s", 5, True, "t", "id", 9),))
    site = fake_site(checkout, FakeEngine(databases={LIVE: behind}))
    with refused("sequence_behind", "sequence s is at 5, table t holds 9"):
        make(tmp_path / "work", site, checked=True, frozen=True)
    assert make(tmp_path / "work", site, checked=True, frozen=True, sequences="advance")["changed"]


@pytest.mark.usefixtures("plain_checks")
@pytest.mark.parametrize("fails", ["dump", "query"])
def test_a_backup_that_fails_leaves_nothing(tmp_path: Path, checkout: Path, fails: str) -> None:
    engine = FakeEngine(databases={LIVE: state()}, fails={fails: 2 if fails == "query" else 1})
    with refused(f"{fails}_failed", f"default cannot {fails}"):
        make(tmp_path / "work", fake_site(checkout, engine))
    assert os.listdir(tmp_path / "work" / "sets" / "shop") == []


@pytest.mark.usefixtures("plain_checks")
def test_what_fails_after_the_manifest_takes_no_set_away(
    tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(retain, "expire", fails)
    with pytest.raises(OSError, match="No space"):
        make(tmp_path / "work", fake_site(checkout, FakeEngine(databases={LIVE: state()})))
    assert len(BackupSet.labels(str(tmp_path / "work"), "shop")) == 1


@pytest.mark.usefixtures("plain_checks")
def test_sets_are_numbered_whatever_the_clock_says(
    tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = []
    for day in (20, 28, 21):  # it jumped, and was corrected
        label = f"202611{day}T193000Z-"
        monkeypatch.setattr(steps_backup, "label_for", lambda revision, label=label: label + revision.commit[:12])
        labels.append(make(tmp_path / "work", fake_site(checkout, FakeEngine(databases={LIVE: state()})))["label"])
    assert BackupSet.labels(str(tmp_path / "work"), "shop") == labels
    assert BackupSet.find(str(tmp_path / "work"), "shop").read().sequence == 3


@pytest.mark.parametrize("finished", [True, False])
def test_absent_removes_what_has_no_manifest_too(tmp_path: Path, finished: bool) -> None:
    made(tmp_path, LABEL, finished)
    options = options_of(tmp_path, state="absent", label=LABEL)
    assert steps_backup.remove(options, True) == {"changed": True, "label": LABEL}
    assert (tmp_path / "sets" / "shop" / LABEL).is_dir()
    assert steps_backup.remove(options, False)["changed"]
    assert os.listdir(tmp_path / "sets" / "shop") == []
    assert not finished or os.listdir(tmp_path / "pins" / "shop") == []
    assert not steps_backup.remove(options, False)["changed"]
    with refused("path_refused", "is not a label"):
        steps_backup.remove(replace(options, label=".."), False)


# --- MEDIA


def site_with(media: Path, checkout: Path) -> Any:
    site = fake_site(checkout, FakeEngine(databases={LIVE: state()}))
    site.facts["django"]["media_root"] = str(media)
    return site


def test_media_is_not_stored_in_part(tmp_path: Path, checkout: Path) -> None:
    media, backup = tmp_path / "media", BackupSet.create(str(tmp_path / "work"), "shop", LABEL, me())
    media.mkdir()
    (media / "a").touch()
    (media / "uploads").symlink_to("/mnt/bigdisk/uploads")
    site, before = site_with(media, checkout), sorted(os.listdir(backup.path))
    for work in (
        lambda: store_media.check_media(site, []),
        lambda: store_media.media_of(site, backup, True, "none"),
    ):
        with refused("media_skipped", "1 entries .* cannot be moved: uploads: link leads out of MEDIA_ROOT"):
            work()
    assert sorted(os.listdir(backup.path)) == before
    store_media.check_media(site, ["uploads"])
    found = store_media.media_of(site, backup, True, "none", ["uploads"])
    assert (found["stored"], found["skip"], found["archived"]["files"]) == ("media.tar", ["uploads"], 1)
    assert store_media.media_of(site, backup, False, "none")["skipped"] == 1, "for verify to notice"


@ROOT_ONLY
def test_media_that_cannot_be_read_is_told_to_verify(tmp_path: Path, checkout: Path) -> None:
    media, backup = reachable(tmp_path) / "media", BackupSet.create(str(tmp_path / "work"), "shop", LABEL, me())
    media.mkdir(0o700)
    site = site_with(media, checkout)
    site.project.owner = nobody()
    with refused("right_missing", "media cannot be read"):
        store_media.media_of(site, backup, True, "none")
    found = store_media.media_of(site, backup, False, "none")
    assert "cannot be read" in found["unread"]
    assert found["stored"] == ""


@pytest.mark.parametrize(
    ("record", "fails"),
    [
        ({}, False),
        ({"retired": {"label": "l", "at": 10}}, True),
        ({"retired": {"label": "l", "at": 10}, "freeze": {"earlier": {}}}, False),  # a move of the old data
        ({"retired": {"label": "l", "at": 10}, "moved": {"label": "m", "at": 20}}, False),  # it has come back
        ({"retired": {"label": "l", "at": 10}, "moved": {"label": "k", "at": 5}}, True),
        ({"retired": {"label": "l", "at": 11}, "moved": {"label": "l", "at": 10}}, False),  # old and new are one
    ],
)
def test_a_host_that_no_longer_serves_is_not_backed_up(record: Any, fails: bool) -> None:
    with refused("old_retired", "retired here by set l") if fails else contextlib.nullcontext():
        retain.refuse_retired(given(**record))
