# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of cron in a set: written, read back, and held against the manifest once there is one."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._model import CronLine, CronTable
from ansible_collections.relocate.django.plugins.module_utils._set import cron
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from tests.unit.fakes import LABEL, me, refused
from tests.unit.plugins.module_utils._set.filled import complete

__all__ = ["complete"]  # fixtures
TABLES = (
    CronTable("/etc/cron.d/shop", (CronLine("shop", "* * * * * shop /srv/\u00e9\udcff", ("A=canary",)),)),
    CronTable("shop", (CronLine("shop", "@daily x"), CronLine("shop", "@reboot y", ("A=1", "B=2")))),
)


def test_there_and_back(tmp_path: Path) -> None:
    assert cron.of_label(str(tmp_path), "shop", LABEL) == () == cron.of_label(str(tmp_path), "shop", "")
    made = BackupSet.create(str(tmp_path), "shop", LABEL, me())
    cron.write(made, [])
    assert cron.read(made) == () and not os.path.exists(made.file(cron.CRON))
    cron.write(made, TABLES)
    assert stat.S_IMODE(os.stat(made.file(cron.CRON)).st_mode) == 0o600
    assert cron.of_label(str(tmp_path), "shop", LABEL) == TABLES
    assert "canary" not in repr(cron.read(made))


@pytest.mark.parametrize(
    "plain",
    [
        {},
        ["x"],
        [{"name": "shop"}],
        [{"name": "shop", "lines": [{"user": "shop", "text": 5, "assignments": []}]}],
        [{"name": "shop", "lines": [{"user": "shop", "text": "x", "assignments": [], "more": 1}]}],
        [{"name": ["shop"], "lines": []}],
    ],
)
def test_another_form(tmp_path: Path, plain: Any) -> None:
    made = BackupSet.create(str(tmp_path), "shop", LABEL, me())
    Path(made.file(cron.CRON)).write_text(json.dumps(plain), encoding="ascii")
    with refused("manifest_invalid", "cron.json cannot be read"):
        cron.read(made)


def test_a_file_that_the_manifest_does_not_list(complete: tuple[BackupSet, str]) -> None:
    made, _digest = complete
    cron.write(made, TABLES)
    with refused("file_unlisted", "cron.json"):
        cron.read(made)
