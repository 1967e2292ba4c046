# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What backup_info says of sets that a restore has proven."""

from __future__ import annotations

import datetime
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._age import age
from ansible_collections.relocate.django.plugins.module_utils._age.opener import OPENER
from ansible_collections.relocate.django.plugins.module_utils._module import answered, without_secrets
from ansible_collections.relocate.django.plugins.module_utils._modules.backup_info import MODULE, see_opens
from ansible_collections.relocate.django.plugins.module_utils._process import require_program
from ansible_collections.relocate.django.plugins.module_utils._record.record import RecordFile
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._steps import retain
from tests.unit.fakes import NEWER, manifest, me, refused
from tests.unit.plugins.module_utils._set.filled import fill, made

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


RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
PROGRAM = Path(shutil.which("age") or "/nowhere")


@pytest.mark.skipif(not PROGRAM.exists(), reason="age is not installed")
def test_an_identity_is_tried_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path, LABEL)
    assert "failed" not in look(tmp_path, opens=True), "whoever gets it can read it"
    keys = []
    for name in ("mine", "other"):
        done = subprocess.run(["age-keygen", "-o", tmp_path / name], capture_output=True, text=True, check=True)
        keys.append(((tmp_path / name).read_text(), done.stderr.split()[-1]))
    newer = BackupSet.create(str(tmp_path), "shop", NEWER, me())
    fill(newer)
    newer.finish(manifest(NEWER, sequence=2, recipients=(keys[0][1],)))
    assert "failed" not in look(tmp_path), "listing needs none"
    assert "failed" not in look(tmp_path, opens=True, age_identity=keys[0][0])
    for given, code in ((None, "set_encrypted"), (keys[1][0], "identity_wrong"), ("/nowhere", "identity_unusable")):
        assert look(tmp_path, opens=True, age_identity=given)["code"] == code
    assert look(tmp_path, opens=True, label=LABEL).get("code") is None
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(age, "_program", lambda: require_program("/nowhere/age"))
    assert look(tmp_path, opens=True)["code"] == "set_encrypted"
    found = look(tmp_path, opens=True, age_identity=keys[1][0])
    assert "failed" not in found and "once age is installed" in found["warnings"][0]


def test_a_set_that_is_not_here_yet_needs_an_identity_too() -> None:
    row = {"label": LABEL, "path": "", "recipients": [RECIPIENT]}
    with refused("set_encrypted", "nothing opens it"):
        see_opens([row])
    with OPENER.given("AGE-SECRET-KEY-1X"):
        assert "once it is on this host" in see_opens([row])[0]
    assert see_opens([]) == [] == see_opens([{**row, "recipients": []}])
