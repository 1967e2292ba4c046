# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets that a restore or a move still goes by, and those that a policy removes beside them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._record.keys import Begun, Event, Freeze, Grant, Marks
from ansible_collections.relocate.django.plugins.module_utils._record.record import (
    Record,
    RecordFile,
    read_record,
    update_record,
)
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.policy import Policy
from ansible_collections.relocate.django.plugins.module_utils._steps import retain
from tests.unit.fakes import manifest, me

LABELS = [f"202611{day:02d}T193000Z-1a2b3c4d5e6f" for day in range(1, 6)]


@pytest.mark.parametrize(
    ("record", "needed"),
    [
        (Record(), set()),
        (Record(begun={"default": Begun(digest="d")}), {"d"}),
        (Record(copied={"default": "d"}), {"d"}),
        (Record(restored={"default": "d", "other": "migrating"}, media_restored="begun"), {"d"}),
        (Record(restored={"default": "d"}, media_restored="e"), {"d", "e"}),
        (Record(restored={"default": "d"}, moved=Event(at=1)), set()),  # it has served: nothing goes back to it
        (Record(freeze=Freeze(label="l"), marks=Marks(label="m")), {"l", "m"}),
    ],
)
def test_what_is_needed(record: Record, needed: set[str]) -> None:
    assert retain.needed(record) == needed


def test_a_move_is_at_work_while_its_key_is_let_in() -> None:
    assert retain.is_moving(Record(grant=Grant(login="root")))
    assert not retain.is_moving(Record())


def made(directory: Path, number: int) -> BackupSet:
    found = BackupSet.create(str(directory), "shop", LABELS[number], me())
    label = LABELS[number]
    created = f"{label[:4]}-{label[4:6]}-{label[6:8]}T19:30:00+00:00"
    found.finish(replace(manifest(label), sequence=number + 1, created=created))
    return found


def test_sets_that_go_and_what_is_noted(tmp_path: Path) -> None:
    sets = [made(tmp_path, number) for number in range(5)]
    kept = RecordFile.read(str(tmp_path), "shop")
    retain.note_proven(kept, LABELS[1], sets[1].digest())
    update_record(str(tmp_path), "shop", lambda latest: replace(latest, copied={"default": sets[2].digest()}))
    assert retain.leaving(str(tmp_path), "shop", Policy(last=1)).labels == (LABELS[0], LABELS[3])
    assert read_record(str(tmp_path), "shop").set_times == {}, "a look notes nothing"
    assert retain.expire(str(tmp_path), "shop", Policy(), sets[4].made(), False) == ()
    assert retain.expire(str(tmp_path), "shop", Policy(last=1), sets[4].made(), False) == (LABELS[0], LABELS[3])
    assert BackupSet.labels(str(tmp_path), "shop") == [*LABELS[1:3], LABELS[4]]
    noted = read_record(str(tmp_path), "shop")
    assert sorted(noted.set_times) == LABELS[:3], "they may be kept elsewhere"
    assert list(noted.found_equal) == [LABELS[1]]


def test_a_proof_of_another_manifest_keeps_nothing(tmp_path: Path) -> None:
    sets = [made(tmp_path, number) for number in range(3)]
    kept = RecordFile.read(str(tmp_path), "shop")
    retain.note_proven(kept, LABELS[0], "of another manifest")
    assert retain.expire(str(tmp_path), "shop", Policy(last=1), sets[2].made(), False) == tuple(LABELS[:2])
    assert read_record(str(tmp_path), "shop").found_equal == {}, "it went with its set"
