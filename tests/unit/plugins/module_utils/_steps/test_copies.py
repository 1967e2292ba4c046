# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""First copies and catch-ups: what goes into a set, and what is said where the whole way is taken."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import LIVE
from ansible_collections.relocate.django.plugins.module_utils._set import first_copy
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._steps import copies, dumps
from tests.unit.fakes import LABEL, FakeEngine, fake_site, manifest, me
from tests.unit.plugins.module_utils._steps.engines import NEW, OLD


def asked(first: str = copies.ALWAYS, fixtures: bool = False) -> Any:
    return SimpleNamespace(first_copy=first, fixtures=fixtures, replicate=False, replicate_limit=4096)


class Old:
    """A site with one database, and the set that is begun."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.engine = FakeEngine(**{"catches_up": True, "databases": {LIVE: OLD}, **options})
        self.site = fake_site(path, self.engine)
        self.set = BackupSet.create(str(path), "shop", LABEL, me())

    def copy(self, one: Any = None) -> dict[str, Any]:
        return copies.prepare(self.site, self.set, one or asked(), lambda found: manifest(LABEL, databases=dict(found)))

    def dumps(self) -> list[str]:
        return sorted(os.listdir(self.set.file("databases")))


def test_a_first_copy_is_noted_with_its_digest(tmp_path: Path) -> None:
    old = Old(tmp_path)
    result = old.copy()
    assert result == {"first_copy": first_copy.digest(old.set), "notes": []} and result["first_copy"]
    assert first_copy.read(old.set, result["first_copy"]).databases["default"].state == OLD
    assert first_copy.bases(old.set) == {"default": {"rows": OLD.rows()}} and old.dumps() == ["default.fakedump"]


@pytest.mark.parametrize(
    ("options", "one", "notes"),
    [
        ({}, asked(first=copies.NEVER), []),
        ({"catches_up": False}, asked(first=copies.AUTO), []),
        ({}, asked(first=copies.AUTO), []),
        ({}, asked(fixtures=True), ["no first copy was made: fixtures are written"]),
        ({"catches_up": False}, asked(), ["no first copy was made: for default none is known"]),
    ],
)
def test_no_first_copy_costs_nothing(tmp_path: Path, options: Any, one: Any, notes: list[str]) -> None:
    old = Old(tmp_path, **options)
    assert old.copy(one) == {"first_copy": "", "notes": notes}
    assert old.engine.calls == [] and first_copy.digest(old.set) == ""


def test_a_copy_that_nothing_can_follow_is_removed(tmp_path: Path) -> None:
    old = Old(tmp_path, fails={"cannot_start": 1})
    assert old.copy()["notes"] == ["no first copy was made: nothing to start from"]
    assert first_copy.digest(old.set) == "" and copies.of(old.set) == {} and old.dumps() == []


def test_the_frozen_site_adds_what_changed(tmp_path: Path) -> None:
    old = Old(tmp_path)
    old.copy()
    old.engine.databases[LIVE] = NEW
    entries, tokens = dumps.dump_all(old.site, old.set, frozen=True)
    entry = entries["default"]
    assert (entry.catch_up, entry.dump.path, entry.state) == (
        "databases/default.catchup",
        "databases/default.fakedump",
        NEW,
    )
    assert tokens and [call[0] for call in old.engine.calls].count("dump") == 1


@pytest.mark.parametrize(("proof", "known"), [(copies.FULL, None), (copies.CHANGED, OLD)])
def test_what_the_copy_held_stands_for_what_nobody_wrote_to(tmp_path: Path, proof: str, known: Any) -> None:
    old = Old(tmp_path)
    old.copy()
    dumps.dump_all(old.site, old.set, frozen=True, proof=proof)
    assert ("expect", known) in old.engine.calls


def test_only_a_frozen_site_has_a_catch_up(tmp_path: Path) -> None:
    old = Old(tmp_path)
    old.copy()
    assert not dumps.dump_all(old.site, old.set, frozen=False)[0]["default"].catch_up


def test_the_whole_way_is_taken_and_said_why(tmp_path: Path) -> None:
    old = Old(tmp_path, fails={"cannot_catch_up": 1})
    old.copy()
    entry = dumps.dump_all(old.site, old.set, frozen=True)[0]["default"]
    assert not entry.catch_up and [call[0] for call in old.engine.calls].count("dump") == 2
    assert old.site.notes == ["database default: all of it was carried once more in the downtime: the schema changed"]


@pytest.mark.parametrize("is_directory", [True, False])
def test_the_dump_of_the_copy_makes_room_for_the_next(tmp_path: Path, is_directory: bool) -> None:
    old = Old(tmp_path, fails={"cannot_catch_up": 1})
    old.copy()
    there = Path(old.set.file("databases/default.fakedump"))
    if is_directory:
        there.unlink()
        there.mkdir()
        (there / "toc.dat").write_text("dump")
    assert copies.catch_up(old.site, old.engine, old.set, copies.of(old.set)["default"]) is None and old.dumps() == []


def test_another_failure_is_no_reason_to_go_on(tmp_path: Path) -> None:
    old = Old(tmp_path, fails={"catch_up": 1})
    old.copy()
    with pytest.raises(Exception, match="cannot catch_up"):
        dumps.dump_all(old.site, old.set, frozen=True)


def test_large_databases_are_copied_first(tmp_path: Path) -> None:
    old = Old(tmp_path)
    old.engine.facts = replace(old.engine.facts, size_bytes=100_000_000)
    assert old.copy(asked(first=copies.AUTO))["first_copy"]
