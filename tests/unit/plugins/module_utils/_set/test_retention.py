# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets that go: old ones, those that were not finished, and what never goes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._set import retention
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as
from tests.unit.fakes import LABEL, NEWER, ROOT_ONLY, manifest, me, nobody, reachable
from tests.unit.plugins.module_utils._set.filled import FULL, fill, made

LABELS = [f"202611{day:02d}T193000Z-1a2b3c4d5e6f" for day in range(1, 6)]


@pytest.mark.parametrize(
    ("keep", "this", "gone"),
    [
        (0, "", []),
        (-1, "", []),
        (1, "", LABELS[:4]),
        (3, "", LABELS[:2]),
        (5, "", []),
        (9, "", []),
        (2, LABELS[4], LABELS[:3]),
        (1, LABELS[4], LABELS[:4]),
        (1, LABELS[0], LABELS[1:]),  # the clock was set back: this run's set looks oldest, and stays
        (5, LABELS[0], []),
    ],
)
def test_expire(tmp_path: Path, keep: int, this: str, gone: list[str]) -> None:
    for label in LABELS:
        made(tmp_path, label)
    unfinished = made(tmp_path, NEWER, finished=False)
    assert list(retention.expire(str(tmp_path), "shop", keep, this)) == gone
    assert BackupSet.labels(str(tmp_path), "shop") == [label for label in LABELS if label not in gone]
    assert os.path.isdir(unfinished.path)


def test_sets_without_media_do_not_push_out_those_with_it(tmp_path: Path) -> None:
    stored = {"stored": "media.tar.zst", "digest": "0", "archived": {"files": 0, "bytes": 0}}
    for label in LABELS[:2]:
        BackupSet.create(str(tmp_path), "shop", label, me()).finish(manifest(label, media=stored))
    for label in LABELS[2:]:  # those of moves
        made(tmp_path, label)
    assert retention.expire(str(tmp_path), "shop", 1, LABELS[4]) == (LABELS[0], *LABELS[2:4])
    unreadable = made(tmp_path, NEWER)
    Path(unreadable.file("manifest.json")).write_text('{"format": 99}')
    assert retention.expire(str(tmp_path), "shop", 1) == ()
    assert BackupSet.labels(str(tmp_path), "shop") == [LABELS[1], LABELS[4], NEWER]


def test_expire_where_there_is_nothing(tmp_path: Path) -> None:
    assert retention.expire(str(tmp_path), "shop", 3) == ()


def test_clear_unfinished(tmp_path: Path) -> None:
    assert retention.clear_unfinished(str(tmp_path), "shop", LABEL) == []
    home = tmp_path / "sets" / "shop"
    made(tmp_path, LABELS[0])
    made(tmp_path, LABELS[1], finished=False)
    made(tmp_path, LABEL, finished=False)
    (home / "of the user").mkdir()
    (home / LABELS[2]).symlink_to(home / "of the user")
    (home / LABELS[3]).write_text("a file")
    assert retention.clear_unfinished(str(tmp_path), "shop", LABEL) == [LABELS[1]]
    assert sorted(os.listdir(home)) == sorted([LABELS[0], LABELS[2], LABELS[3], LABEL, "of the user"])


@ROOT_ONLY
def test_dumps_that_a_killed_run_lent_are_taken_back(tmp_path: Path) -> None:
    made = BackupSet.create(str(reachable(tmp_path)), "shop", LABEL, me())
    fill(made)
    made.finish(FULL)
    dump = Path(made.file("databases/default.fakedump/toc"))
    lending = made.lent_dumps(nobody())
    lending.__enter__()
    with acting_as(nobody()):
        assert dump.read_bytes()
    retention.take_back(str(tmp_path), "shop")
    with acting_as(nobody()), pytest.raises(PermissionError):
        dump.read_bytes()
    made.verify(made.read())
