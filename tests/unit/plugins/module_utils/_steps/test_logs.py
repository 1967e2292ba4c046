# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories that LOGGING writes into: which of them new lacks, which are made and which are told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._model import Directory
from ansible_collections.relocate.django.plugins.module_utils._set.relocation import between
from ansible_collections.relocate.django.plugins.module_utils._steps import logs
from tests.unit.fakes import me, refused


@pytest.mark.parametrize("junk", [None, "x", {}, 7, [None, 7, "relative/x", "/x", "/a/../b/x", ["/a/x"]]])
def test_what_a_set_says_may_be_anything(junk: Any) -> None:
    assert logs.directories({"log_files": junk}) == []


def test_where_logs_are_here(tmp_path: Path) -> None:
    new = str(tmp_path / "repo" / "src")
    (tmp_path / "repo" / "there").mkdir(parents=True)
    names = ["/old/repo/src/logs/a.log", "/old/repo/src/logs/b.log", "/old/repo/there/c.log", "/old/repo/top/d.log"]
    names += ["/nowhere/shop/e.log", str(tmp_path / "f.log")]
    relocation = between("/old/repo/src", new, "src")
    within, elsewhere = logs.missing({"log_files": names}, relocation, new, "src")
    assert within == [new + "/logs", str(tmp_path / "repo" / "top")]
    assert elsewhere == ["/nowhere/shop"]
    (told,) = logs.obstacles(elsewhere, "app")
    assert told.code == "directory_missing"
    assert told.hint == "make it here: install -d -m 0750 -o app -g app /nowhere/shop"
    with refused("directory_missing", "LOGGING of the settings writes into /nowhere/shop"):
        logs.refuse(elsewhere, "app")
    logs.refuse([], "app")


def test_they_are_as_they_were_on_old(tmp_path: Path) -> None:
    first, second = tmp_path / "logs", tmp_path / "more" / "deep"
    group = Path("/").group()
    logs.make([str(first), str(second)], me(), [Directory(str(first), 0o2710, me().name, group)])
    assert first.stat().st_mode & 0o7777 == (0o2710 if os.geteuid() == 0 else first.stat().st_mode & 0o7777)
    assert second.stat().st_mode & 0o7777 == 0o750
