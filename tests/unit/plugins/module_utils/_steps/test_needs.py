# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The space that a step needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._host import facts as host_facts
from tests.unit.fakes import FakeEngine
from tests.unit.plugins.module_utils._steps.both_hosts import engine, on_new, told_of_old

__all__ = ["engine"]  # fixtures


def test_space_on_new(tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_facts, "free_bytes", lambda _path: 1 << 20)
    found = on_new(tmp_path, told_of_old(media={"bytes": 1 << 30}))
    assert [(item[0], item[2]) for item in found] == [
        ("disk_full", f"the backup set needs 64 MB at {tmp_path}, 1 MB are free"),
        ("disk_full", f"MEDIA and the project needs 1088 MB at {tmp_path}/app, 1 MB are free"),
    ]
