# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept for the window is root's alone, for one run, once, and for minutes."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._record import kept
from ansible_collections.relocate.django.plugins.module_utils._record.lease import Lease
from tests.unit.fakes import ROOT_ONLY

pytestmark = ROOT_ONLY
ANSWERS = {"of": "x", "known": {"databases": [{"password": "c4n%ry 'é"}]}}


@pytest.fixture(autouse=True)
def _base(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kept, "BASE", str(tmp_path / "run"))


def test_it_is_there_once_and_for_its_run_alone() -> None:
    kept.keep("/d", "shop", "mine", ANSWERS)
    path = kept.path_of("/d", "shop")
    status = os.stat(path)
    assert (stat.S_IMODE(status.st_mode), status.st_uid) == (0o600, 0)
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o711
    assert kept.take("/d", "blog", "mine") == kept.take("/e", "shop", "mine") == {}
    assert kept.take("/d", "shop", "mine") == ANSWERS
    assert not os.path.exists(path) and kept.take("/d", "shop", "mine") == {}


def test_it_is_there_until_every_step_has_read_it() -> None:
    kept.keep("/d", "shop", "mine", ANSWERS, steps=4)
    assert kept.take("/d", "shop", "mine") == ANSWERS
    assert stat.S_IMODE(os.stat(kept.path_of("/d", "shop")).st_mode) == 0o600
    assert kept.take("/d", "shop", "mine", steps=2) == ANSWERS
    assert kept.take("/d", "shop", "mine") == ANSWERS
    assert kept.take("/d", "shop", "mine") == {} and not os.path.exists(kept.path_of("/d", "shop"))


@pytest.mark.parametrize("run", ["another", ""])
def test_that_of_another_run_is_gone(run: str) -> None:
    kept.keep("/d", "shop", "mine", ANSWERS)
    assert kept.take("/d", "shop", run) == {}
    assert os.path.exists(kept.path_of("/d", "shop")) is (run == "")


@pytest.mark.parametrize("later", [kept.LIMIT + 1, -1000])
def test_what_is_old_or_of_before_the_last_start_is_nothing(monkeypatch: pytest.MonkeyPatch, later: float) -> None:
    kept.keep("/d", "shop", "mine", ANSWERS)
    now = kept._now() + later
    monkeypatch.setattr(kept, "_now", lambda: now)
    assert kept.take("/d", "shop", "mine") == {}


@pytest.mark.parametrize("wrong", ["link", "mode", "owner", "text"])
def test_a_file_that_is_not_roots_alone_or_not_whole_is_not_read(wrong: str, tmp_path: Path) -> None:
    kept.keep("/d", "shop", "mine", ANSWERS)
    path = kept.path_of("/d", "shop")
    if wrong == "link":
        os.rename(path, tmp_path / "x")
        os.symlink(tmp_path / "x", path)
    elif wrong == "text":
        with open(path, "w", encoding="utf-8") as stream:
            stream.write("{")
    elif wrong == "mode":
        os.chmod(path, 0o640)
    else:
        os.chown(path, 65534, -1)
    assert kept.take("/d", "shop", "mine") == {}


def test_a_run_that_gives_the_site_back_leaves_nothing(tmp_path: Path) -> None:
    directory = str(tmp_path / "work")
    kept.keep(directory, "shop", "mine", ANSWERS)
    with Lease(directory, "shop", "mine") as lease:
        assert os.path.exists(kept.path_of(directory, "shop"))
        lease.release()
    assert not os.path.exists(kept.path_of(directory, "shop"))


def test_who_is_not_root_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    kept.keep("/d", "shop", "mine", ANSWERS)
    assert not os.path.exists(kept.path_of("/d", "shop")) and kept.take("/d", "shop", "mine") == {}
