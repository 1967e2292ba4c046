# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples that users copy: their playbooks are read by Ansible, their variables by our own check."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.relocate.django.plugins.plugin_utils import _inventory_checks
from tests.tools.collection import COLLECTIONS, COPY

PLAY = """- hosts: old:new
  gather_facts: false
  become: false
  roles:
    - role: relocate.django.common
  tasks:
    - relocate.django.inventory:
"""


def run(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), *arguments],
        env={**kept, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": str(repository / "home")},
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The infrastructure repository, as somebody copied it out of what we publish and installed the collection."""
    shutil.copytree(COPY / "examples" / "infrastructure", tmp_path / "infrastructure")
    (tmp_path / "infrastructure" / "collections").symlink_to(COLLECTIONS)
    return tmp_path / "infrastructure"


def test_an_infrastructure_repository(repository: Path) -> None:
    done = run(repository, "backup.yml", "--syntax-check")
    assert (done.returncode, done.stderr) == (0, "")
    (repository / "look.yml").write_text(PLAY)
    done = run(repository, "look.yml")
    assert done.returncode == 0, done.stdout
    site = repository / "group_vars" / "all" / "site.yml"
    site.write_text(site.read_text().replace("relocate_reload: [nginx.service]", "relocate_reload: {a: b}"))
    done = run(repository, "look.yml")
    assert done.returncode == 2 and "relocate_reload" in done.stdout


def test_variables_of_examples_are_ours() -> None:
    found = {}
    for path in (COPY / "examples").rglob("*_vars/**/*.yml"):
        found.update(yaml.safe_load(path.read_text()))
    assert "relocate_path" in found
    assert _inventory_checks.obstacles(found, [], found["relocate_answers"], []) == []
