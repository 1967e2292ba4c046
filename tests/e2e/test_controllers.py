# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The move with every supported ansible-core, and with the oldest hosts (acceptance 6)."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.moving import Move, changed, prepare, still
from tests.lab.lab import Lab
from tests.sites.provision import provisioned
from tests.sites.spec import AWKWARD_SHOP, SHOP
from tests.tools.collection import ROOT


def controller(version: str) -> Path:
    """The virtual environment of an ansible-core; made by `make controllers`."""
    path = ROOT / "build" / f"venv-{version}"
    if not (path / "bin" / "ansible-playbook").exists():
        reason = f"no ansible-core {version} here: run `make controllers`"
        if os.environ.get("RELOCATE_LAB_REQUIRED") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return path


@pytest.mark.parametrize("version", ["2.18", "2.20", "2.21"])
def test_the_move_with_another_ansible_core(lab: Lab, tmp_path: Path, version: str) -> None:
    """All other tests use 2.19."""
    move = prepare(lab, tmp_path)
    move.venv = controller(version)
    told = subprocess.run(
        [str(move.venv / "bin" / "ansible"), "--version"], capture_output=True, text=True, check=True
    ).stdout
    assert f"core {version}" in told
    result = move.run()
    assert result.rc == 0, result.stdout[-5000:] + result.stderr[-2000:]
    assert "DEPRECATION" not in result.stdout + result.stderr
    assert still(move.new, SHOP) == still(move.old, SHOP)
    again = move.run()
    assert again.rc == 0 and set(changed(again).values()) == {0}


def test_from_bullseye(lab: Lab, tmp_path: Path) -> None:
    """An old server as they are: Python 3.9, PostgreSQL 13, Django 4.2, awkward names."""
    site = dataclasses.replace(AWKWARD_SHOP)
    if "old" in lab.hosts:
        lab.remove("old")
    old = provisioned(lab, site, suite="bullseye")
    move = Move(lab, old, lab.host("new", fresh=True), site, tmp_path)
    move.new.run(["rm", "-f", "/etc/nginx/sites-enabled/default"])
    result = move.run()
    assert result.rc == 0, result.stdout[-5000:]
    assert still(move.new, site) == still(old, site)
