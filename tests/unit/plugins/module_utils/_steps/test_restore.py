# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore: what is refused before any write, and what is loaded is compared."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import LIVE
from ansible_collections.relocate.django.plugins.module_utils._model import DumpFile, SequenceState
from ansible_collections.relocate.django.plugins.module_utils._record import record as record_record
from ansible_collections.relocate.django.plugins.module_utils._set import pins
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._steps import measured, proof, restore
from tests.unit.fakes import BLANK, LABEL, entry, fake_site, manifest, refused
from tests.unit.plugins.module_utils._set.filled import made
from tests.unit.plugins.module_utils._steps.engines import NEW, OLD, OLDER, engine
from tests.unit.records import given

# --- the plan


@pytest.mark.parametrize(
    ("done", "present", "begun", "todo", "ended"),
    [
        ((), True, (), "default other", ""),
        (("default",), True, (), "other", ""),
        (("default", "other"), True, (), "", ""),
        (("default", "other"), True, ("other",), "", "other"),  # swapped, and the run died before it could note so
        ((), True, ("other",), "default other", ""),  # begun and not swapped: loaded again
        (("default", "other"), False, ("other",), "default other", ""),  # a rehearsal loads all and ends nothing
    ],
)
def test_what_is_loaded(done: tuple[str, ...], present: bool, begun: tuple[str, ...], todo: str, ended: str) -> None:
    steps = [restore.Step(alias, "", False, entry(alias), alias in done) for alias in ("default", "other")]
    loaded, noted = restore.decide(steps, present, begun)
    assert (" ".join(step.alias for step in loaded), " ".join(noted)) == (todo, ended)


@pytest.mark.parametrize(
    ("todo", "ended", "brings", "changes"),
    [(0, (), False, False), (1, (), False, True), (0, ("other",), False, True), (0, (), True, True)],
)
def test_a_plan_tells_whether_anything_changes(todo: int, ended: tuple[str, ...], brings: bool, changes: bool) -> None:
    steps = (restore.Step("default", "", False, entry("default"), False),)[:todo]
    plan = restore.Plan(steps, ended, (), brings, given())
    assert (plan.changes, plan.restored) == (changes, ["default"][:todo] + list(ended))


@pytest.mark.parametrize(
    ("live", "restored", "replaced", "done"),
    [
        (None, {}, False, False),
        (BLANK, {}, False, False),
        (OLD, {"default": "digest"}, False, True),
        (OLD, {"default": "another"}, False, False),  # ours, of an earlier set
        (OLD, {"default": "migrating"}, False, False),  # a migration died
        (OLD, {}, True, False),
        (BLANK, {"default": "digest"}, False, False),  # the settings name another database now
        (None, {"default": "digest"}, False, False),
        (OLD, {"default": "digest"}, True, True),
    ],
)
def test_plan(live: Any, restored: dict[str, str], replaced: bool, done: bool) -> None:
    site = fake_site("/x", engine(databases={} if live is None else {LIVE: live}))
    (step,) = restore.steps_for(site, manifest(), "digest", given(restored=restored), replaced)
    assert (step.alias, step.done, step.entry) == ("default", done, manifest().databases["default"])


@pytest.mark.parametrize(
    ("one", "code", "text"),
    [
        (engine("other"), "unknown_alias", "holds no database other.*it holds: default"),
        (engine(name="sqlite"), "unsupported_engine", "default was fake on old and is sqlite on new.*same engine"),
        (
            engine(databases={LIVE: OLD}),
            "target_not_blank",
            "database default: target holds 2 tables.*set relocate_replace",
        ),
    ],
)
def test_plan_refuses(one: Any, code: str, text: str) -> None:
    with refused(code, text):
        restore.steps_for(fake_site("/x", one), manifest(), "digest", given(), False)
    assert one.calls == []


def test_an_empty_database_that_was_restored_is_done() -> None:
    recorded = manifest(databases={"default": entry(state=BLANK)})
    site = fake_site("/x", engine(databases={LIVE: BLANK}))
    assert restore.steps_for(site, recorded, "digest", given(restored={"default": "digest"}), False)[0].done


@pytest.mark.parametrize(
    ("chosen", "lacking"),
    [((), "analytics, logs"), (("default",), ""), (("default", "logs"), "logs")],
)
def test_no_database_of_the_set_is_passed_over(chosen: tuple[str, ...], lacking: str) -> None:
    recorded = manifest(databases={alias: entry(alias) for alias in ("logs", "default", "analytics")})
    site = fake_site("/x", engine())
    if not lacking:
        assert [step.alias for step in restore.steps_for(site, recorded, "digest", given(), False, chosen)] == [
            "default"
        ]
        return
    with refused("unknown_alias", f"or merge with another one: {lacking} Next: .*the others in relocate_aliases"):
        restore.steps_for(site, recorded, "digest", given(), False, chosen)


# --- load and prove


def test_load_and_prove(tmp_path: Path) -> None:
    one = engine(loads=OLD)
    found, rows, *_more = restore.load_and_prove(one, BackupSet(str(tmp_path / LABEL)), entry(state=OLD), OLD)
    assert found == OLD
    assert one.method == "fake-1"
    assert one.calls[0] == ("load", str(tmp_path / LABEL / "databases"), "default.fakedump")
    assert rows == [
        {"table": "public.a", "old": 1, "new": 1, "fingerprint": True},
        {"table": "public.b", "old": 3, "new": 3, "fingerprint": True},
    ]


BEHIND = dataclasses.replace(OLD, sequences=(SequenceState("s", 5, True, "t", "id", 9),))


def test_sequences_are_advanced_when_that_is_wished(tmp_path: Path) -> None:
    """Before the proof, which then expects them there; and a load that advanced nothing does not pass."""
    one = engine(loads=BEHIND)
    wanted = restore.expected(BEHIND, advance=True)
    found, *_more = restore.load_and_prove(one, BackupSet(str(tmp_path / LABEL)), entry(state=BEHIND), wanted)
    assert [call[0] for call in one.calls][:2] == ["load", "advance_sequences"]
    assert (found.sequences[0].last_value, proof.check_sequences("default", found)) == (9, None)
    assert one.context.notes == ["database default: sequence s was at 5, and table t holds 9: it is advanced to 9"]
    assert measured.database(BEHIND, found)["advanced"] == 1


def test_sequences_are_kept_by_default(tmp_path: Path) -> None:
    one = engine(loads=BEHIND)
    wanted = restore.expected(BEHIND, advance=False)
    found, *_more = restore.load_and_prove(one, BackupSet(str(tmp_path / LABEL)), entry(state=BEHIND), wanted)
    assert (found, "advance_sequences" in [call[0] for call in one.calls], one.context.notes) == (BEHIND, False, [])
    assert proof.check_sequences("default", found)


def test_other_data_is_dropped_and_told(tmp_path: Path) -> None:
    one = engine(loads=NEW, databases={LIVE: OLDER})
    with refused(
        "data_differs", "default differs.*table public.b: recorded 3 rows, found 4 rows.*nothing was made live"
    ) as at:
        restore.load_and_prove(one, BackupSet(str(tmp_path / LABEL)), entry(state=OLD), OLD)
    assert one.databases == {LIVE: OLDER}
    assert at.value.details == {"differences": ["table public.b: recorded 3 rows, found 4 rows"]}


@pytest.mark.parametrize("path", ["databases/../../../etc/passwd", "databases//etc/passwd", "databases/", "x"])
def test_a_dump_that_lies_elsewhere_is_not_loaded(tmp_path: Path, path: str) -> None:
    one = engine()
    with refused("path_refused", "leads out of the backup set"):
        restore.load_and_prove(one, BackupSet(str(tmp_path / LABEL)), entry(dump=DumpFile(path, "x")), OLD)
    assert one.calls == []


@pytest.mark.parametrize(("pinned", "sha256", "proven"), [(True, None, True), (False, "d", True), (False, None, False)])
def test_a_set_that_nothing_pins_proves_nothing(tmp_path: Path, pinned: bool, sha256: str | None, proven: bool) -> None:
    backup = made(tmp_path, LABEL)
    if not pinned:
        pins.forget(backup.path)
    source: Any = SimpleNamespace(backup=backup, manifest=manifest(), digest=backup.digest())
    kept = record_record.RecordFile.read(str(tmp_path), "shop")
    asked: Any = SimpleNamespace(state="rehearsed", manifest_sha256=sha256)
    loaded = restore.Plan((restore.Step("default", "", False, entry(), False),), (), (), False, given())
    restore._note_proven(asked, source, loaded, kept)
    assert (LABEL in kept.record.found_equal) == proven
