# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rehearsal of a set makes of its migrations, of a full disk, and of a repository."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import facts
from ansible_collections.relocate.django.plugins.module_utils._project import migrations, replies
from ansible_collections.relocate.django.plugins.module_utils._project.migrations import Applied, Tried
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._steps import (
    rehearse_kept,
    rehearse_requests,
    rehearse_set,
    repository,
)
from ansible_collections.relocate.django.plugins.module_utils._steps.same_server import Place


def tried(*told: dict[str, Any]) -> Tried:
    """Give what is made of the program's lines."""
    found = Tried()
    for line in told:
        migrations._add(found, replies.checked({"secrets": ["hush"], **line}, replies.MIGRATED), ["hush"])
    return found


VAULT = {"type": "restic", "address": "/vault", "password_file": "/password"}
BEGUN = {"begun": {"alias": "default", "name": "shop.0002"}}
APPLIED = {"applied": {"alias": "default", "name": "shop.0002", "seconds": 1.5}}


def broken(text: str, refusal: str = "") -> dict[str, Any]:
    failed = {"stage": "migrate", "types": ["x"], "lines": ["/srv/0002.py, line 3, in fill", text]}
    return {"broken": {"alias": "default", "name": "shop.0002", "failed": failed, "refusal": refusal}}


def test_migrations_that_are_applied_are_told_with_their_seconds() -> None:
    found = tried(BEGUN, APPLIED, {"ended": True, "notes": ["1 mail went to hush"]})
    assert found.applied == [Applied("default", "shop.0002", 1.5)]
    assert found.whole and found.at == "" and "hush" not in found.notes[0]
    assert rehearse_set.judge_migrations(found, [], 60) == ([], [])


def test_a_migration_that_raises_is_an_obstacle() -> None:
    [one], notes = rehearse_set.judge_migrations(tried(BEGUN, broken("ValueError: row 7 of hush")), [], 60)
    assert (one.code, notes) == ("migration_failed", [])
    assert one.msg.startswith("migration shop.0002 of database default fails on a copy: ValueError: row 7 of ")
    assert "/srv/0002.py, line 3" in one.msg and "hush" not in one.msg


def test_a_migration_that_never_ends_is_an_obstacle() -> None:
    found = tried(BEGUN)
    found.late = True
    [one], _notes = rehearse_set.judge_migrations(found, [], 60)
    assert one.code == "timed_out" and "migration shop.0002 of database default did not end within 60 s" in one.msg


@pytest.mark.parametrize(
    ("line", "parked", "said"),
    [
        (broken("RefusedError: no", "connect to 127.0.0.1:25"), [], "it wants to connect to 127.0.0.1:25"),
        (broken("ProgrammingError: no view v"), ["default"], "gets its views at the swap only"),
    ],
)
def test_what_a_rehearsal_does_not_let_is_a_note(line: dict[str, Any], parked: list[str], said: str) -> None:
    found, [note] = rehearse_set.judge_migrations(tried(BEGUN, line), parked, 60)
    assert found == [] and said in note
    if parked:
        assert len(rehearse_set.judge_migrations(tried(BEGUN, line), [], 60)[0]) == 1


def test_a_program_that_says_nothing_has_not_migrated() -> None:
    [one], _notes = rehearse_set.judge_migrations(Tried(), [], 60)
    assert "it gave no answer" in one.msg


def engine(name: str, place: Place) -> Any:
    return SimpleNamespace(name=name, config=SimpleNamespace(name=place.name), place=place)


def test_there_must_be_room_on_each_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Databases on one disk need it together; where a server lies elsewhere nobody can tell."""
    monkeypatch.setattr(rehearse_set, "place_here", lambda one, _machine: one.place)
    monkeypatch.setattr(facts, "free_bytes", lambda _path: 300 << 20)
    engines = {
        "default": engine("postgresql", Place("shop", signs={"data_directory": str(tmp_path)})),
        "other": engine("sqlite", Place(str(tmp_path / "db.sqlite3"))),
        "away": engine("mysql", Place("shop", host="db.example", signs={"data_directory": str(tmp_path)})),
        "unknown": engine("mysql", Place("shop")),
    }
    sizes = SimpleNamespace(facts=SimpleNamespace(size_bytes=100 << 20))
    manifest: Any = SimpleNamespace(databases=dict.fromkeys(engines, sizes))
    assert rehearse_set.missing_room(engines, manifest) == []
    monkeypatch.setattr(facts, "free_bytes", lambda _path: 250 << 20)
    [one] = rehearse_set.missing_room(engines, manifest)
    assert one.code == "disk_full" and "the copy of the databases needs 264 MB" in one.msg
    site: Any = SimpleNamespace(engines=engines)
    with pytest.raises(RelocateError, match="needs 264 MB.*250 MB are free") as raised:
        rehearse_set.refuse(site, manifest, Record())
    assert raised.value.code == "disk_full"


def test_the_copies_of_a_move_stay() -> None:
    with pytest.raises(RelocateError, match="a move has copied the databases") as raised:
        rehearse_set.refuse(SimpleNamespace(), SimpleNamespace(), Record(copied={"default": "d"}))  # type: ignore[arg-type]
    assert raised.value.code == "locked"


@pytest.mark.parametrize("brought", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_a_set_out_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, brought: bool, fails: bool) -> None:
    """The repository is told, and what was brought for this goes again, also when it cannot be loaded."""
    told: list[str] = []
    pulled = {"label": "L", "manifest_sha256": "d", "changed": brought, "set": str(tmp_path), "notes": ["a lock"]}
    monkeypatch.setattr(repository, "pull", lambda *_words: pulled)
    monkeypatch.setattr(repository, "note", lambda asked, _check: {"notes": told.append(asked.label) or ["told"]})
    monkeypatch.setattr(BackupSet, "discard", lambda one: told.append("removed " + one.path))

    def ask(options: Any, _found: Any) -> rehearse_requests.Outcome:
        assert (options.label, options.manifest_sha256) == ("L", None), "the digest is the repository's own"
        if fails:
            raise RelocateError("data_differs", "no", "")
        return rehearse_requests.Outcome("L")

    monkeypatch.setattr(rehearse_requests, "ask", ask)
    kept = repository.Options("/d", "shop", None, None, VAULT, "pulled", 0, {}, 0)
    given: dict[str, Any] = dict.fromkeys(rehearse_requests.Options.__dataclass_fields__)
    options = rehearse_requests.Options(**given)
    if fails:
        with pytest.raises(RelocateError, match="no"):
            rehearse_kept.prove(options, kept, [])
    else:
        assert rehearse_kept.prove(options, kept, []).notes == ["a lock", "told"]
    assert told == ["L"] + [f"removed {tmp_path}"] * brought
