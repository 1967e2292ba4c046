# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file in which a module tells how far it is."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._host import progress_file
from ansible_collections.relocate.django.plugins.module_utils._progress import BYTES, Progress
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as
from tests.unit.fakes import ROOT_ONLY, nobody

TOKEN = "0123456789abcdef" * 2


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(progress_file, "place", lambda directory: directory + "/progress")
    monkeypatch.setattr(progress_file, "_EVERY", 0.05)
    return tmp_path / "work" / "progress"


def awaited(path: Path, done: int) -> dict[str, Any]:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        found: dict[str, Any] = json.loads(path.read_text())
        if found["parts"] and found["parts"][0]["done"] == done:
            return found
        time.sleep(0.02)
    raise AssertionError(path.read_text())


def test_it_is_there_while_the_work_goes_on_and_nobody_else_reads_it(place: Path) -> None:
    progress = Progress()
    progress.step = "backup"
    with progress_file.telling(str(place.parent), TOKEN, progress) as ended:
        assert progress.is_heard
        path = place / TOKEN
        assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(place.stat().st_mode) == 0o700
        with progress.part("dump"):
            progress.add(5)
            found = awaited(path, 5)
            assert (found["step"], found["parts"][0]["unit"]) == ("backup", BYTES)
            progress.add(2)
            awaited(path, 7)
            assert path.stat().st_size == progress_file.SIZE
    assert os.listdir(place) == []
    assert ended == []  # it was short


@ROOT_ONLY
def test_it_is_written_while_the_process_acts_as_somebody_else(place: Path) -> None:
    place.parent.parent.chmod(0o700)
    progress = Progress()
    with progress_file.telling(str(place.parent), TOKEN, progress), progress.part("copy"):
        with acting_as(nobody()):
            progress.add(5)
            time.sleep(0.5)
        assert json.loads((place / TOKEN).read_text())["parts"][0]["done"] == 5


def test_a_long_task_returns_its_parts(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_file, "_SHORTEST", 0.0)
    progress = Progress()
    monkeypatch.setattr("ansible_collections.relocate.django.plugins.module_utils._progress._SHORTEST", 0.0)
    with progress_file.telling(str(place.parent), TOKEN, progress) as ended, progress.part("dump"):
        pass
    assert [one["name"] for one in ended] == ["dump"]


@pytest.mark.parametrize("token", ["", "../../etc/x", "x" * 32, TOKEN + "\n", TOKEN.upper(), TOKEN[:-1]])
def test_nothing_is_written_for_anything_else(place: Path, token: str) -> None:
    progress = Progress()
    with progress_file.telling(str(place.parent), token, progress):
        assert not place.exists() and not progress.is_heard


def test_the_work_goes_on_where_it_cannot_be_written(place: Path) -> None:
    place.parent.mkdir()
    place.symlink_to("/etc")
    with progress_file.telling(str(place.parent), TOKEN, Progress()):
        worked = True
    assert worked and not Path("/etc", TOKEN).exists()


def test_what_a_killed_process_left_is_removed(place: Path) -> None:
    place.mkdir(parents=True)
    old, young = place / ("f" * 32), place / ("e" * 32)
    for path in (old, young):
        path.write_text("{}")
    os.utime(old, (1, 1))
    with progress_file.telling(str(place.parent), TOKEN, Progress()):
        assert sorted(path.name for path in place.iterdir()) == sorted([TOKEN, young.name])


def test_a_record_that_is_too_long_is_not_written(place: Path) -> None:
    class Long(Progress):
        def told(self) -> dict[str, Any]:
            return {"step": "x" * 5000, "parts": []}

    with progress_file.telling(str(place.parent), TOKEN, Long()):
        assert (place / TOKEN).read_bytes() == b""


def test_where_it_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert progress_file.place("/home/app/work") == "/home/app/work/progress"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert progress_file.place("/var/lib/relocate") == "/run/relocate/progress"
    monkeypatch.setattr(os.path, "isdir", lambda path: False)
    assert progress_file.place("/var/lib/relocate") == "/var/lib/relocate/progress"
