# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What backup_info says of sets that a restore has proven."""

from __future__ import annotations

import datetime
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.relocate.django.plugins.module_utils._module import answered, without_secrets
from ansible_collections.relocate.django.plugins.module_utils._modules.backup_info import MODULE
from ansible_collections.relocate.django.plugins.module_utils._record.record import RecordFile
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._steps import retain
from tests.unit.fakes import manifest, me

LABEL = "20261101T020000Z-1a2b3c4d5e6f"


def look(directory: Path, **given: Any) -> dict[str, Any]:
    return answered(MODULE, {"directory": str(directory), "site": "shop", **given}, False, without_secrets)


def test_the_newest_proven_set(tmp_path: Path) -> None:
    found = BackupSet.create(str(tmp_path), "shop", LABEL, me())
    now = datetime.datetime.fromtimestamp(time.time() - 7200, datetime.UTC)
    found.finish(replace(manifest(LABEL), sequence=1, created=now.isoformat()))
    assert look(tmp_path)["sets"][0]["found_equal"] == ""
    refused = look(tmp_path, max_age="36h")
    assert (refused["failed"], refused["code"]) == (True, "backup_too_old")
    assert refused["details"]["newest"] == LABEL
    assert "max_age" in look(tmp_path, max_age="soon")["msg"]

    retain.note_proven(RecordFile.read(str(tmp_path), "shop"), LABEL, found.digest())
    known = look(tmp_path, max_age="3h")
    assert known["sets"][0]["found_equal"].isdigit()
    assert known["age"]["proven"] == LABEL
    assert abs(known["age"]["seconds"] - 7200) < 60
    assert 'django_backup_sets{site="shop"} 1\n' in known["metrics"]
    assert look(tmp_path, max_age="1h")["code"] == "backup_too_old"
    assert "metrics" not in look(tmp_path)
    assert look(tmp_path, metrics=True)["metrics"] == known["metrics"]
