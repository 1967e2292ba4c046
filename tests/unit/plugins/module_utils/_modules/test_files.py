# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories that LOGGING writes into are made before Django is started on new."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ansible_collections.relocate.django.plugins.module_utils._model import Directory
from ansible_collections.relocate.django.plugins.module_utils._modules import files
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Prepared
from tests.unit.fakes import me

LABEL = "20261120T193000Z-1a2b3c4d5e6f"


def test_directories_that_logging_writes_into(tmp_path: Path) -> None:
    """In the checkout and elsewhere. What cannot be made is told: the settings of new may log to another place."""
    logs, group = tmp_path / "var" / "log", tmp_path.group()
    logs.mkdir(parents=True)
    names = [f"{tmp_path}/app/logs/a.log", f"{logs}/app/a.log", "/etc/relocate-no-such-app/a.log"]
    django = {"path": f"{tmp_path}/app", "log_files": names}
    recorded = (Directory(f"{logs}/app", 0o2710, me().name, group),)
    made = BackupSet.create(str(tmp_path / "sets"), "shop", LABEL, None)
    made.note_prepared(Prepared({"commit": "1a2b3c4d5e6f" + "0" * 28}, django, {"name": me().name}, (), recorded))
    warned: list[str] = []

    def run(check_mode: bool = False) -> tuple[bool, list[str]]:
        params = {"site": "shop", "directory": str(tmp_path / "sets"), "path": f"{tmp_path}/app", "old_path": None}
        params.update({"owner": me().name, "label": LABEL, "files": [], "overrides": {}})
        del warned[:]
        module: Any = SimpleNamespace(params=params, check_mode=check_mode, warn=warned.append)
        result = files.work_on(module)
        return result["changed"], result["made"]

    (tmp_path / "app").mkdir()
    both = [f"{tmp_path}/app/logs", f"{logs}/app"]
    assert run(check_mode=True) == (True, both)
    assert not (logs / "app").exists()
    assert run() == (True, both)
    assert (logs / "app").stat().st_mode & 0o7777 == 0o2710
    assert run() == (False, [])
    assert len(warned) == 1 and "/etc/relocate-no-such-app" in warned[0] and "directory of the system" in warned[0]
    assert not Path("/etc/relocate-no-such-app").exists()
