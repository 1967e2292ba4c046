# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control groups: who is in one, and who of a user's own systemd is in no service."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._services import groups

TOP = "/user.slice/user@1.service"


def fill(base: Path, **pids: int) -> None:
    for name, pid in pids.items():
        place = Path(f"{base}{TOP}/{name.replace('__', '/').replace('_', '.')}")
        place.mkdir(parents=True)
        (place / "cgroup.procs").write_text(f"{pid}\n" if pid else "")


@pytest.mark.parametrize("group", ["/no/such/group", "/", ""])
def test_nobody_is_in_no_group(group: str) -> None:
    assert groups.processes_of(group) == 0
    assert groups.stray(group, "/") == []


def test_processes_of_a_group_and_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_TOPS", (str(tmp_path),))
    fill(tmp_path, app_slice__web_service=7, app_slice__web_service__sub=8, app_slice__b_service=9)
    assert groups.processes_of(TOP + "/app.slice/web.service") == 2
    assert groups.processes_of(TOP) == 3


@pytest.mark.parametrize(
    ("group", "stray"),
    [
        ("app_slice__run_scope", True),
        ("app_slice", True),
        ("app_slice__web_service", False),
        ("app_slice__web_service__sub_scope", False),
        ("init_scope", False),
    ],
)
def test_processes_of_no_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: str, stray: bool) -> None:
    monkeypatch.setattr(groups, "_TOPS", (str(tmp_path),))
    fill(tmp_path, **{group: os.getpid()})
    assert groups.stray(TOP, os.getcwd()) == ([os.getpid()] if stray else [])
    assert groups.stray(TOP, "/srv/nobody/works/here") == []
