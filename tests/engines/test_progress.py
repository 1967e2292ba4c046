# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far real modules say that they are, while they work on a site of this machine."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path

from tests.engines.local_site import PREFIX, LocalSite, play

LEFT = Path("/run/relocate/progress")
PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - relocate.django.build:
        directory: {work}
        site: notes
        path: {path}
        interpreter: {python}
        owner: {owner}
        allow_root: true
        commands: ["true", "sleep 9"]
"""


def remaining(found: set[Path], patience: float = 60) -> set[Path]:
    """Return which of these files stay: those of modules that other tests run beside this one go with them."""
    deadline = time.monotonic() + patience
    while found and time.monotonic() < deadline:
        time.sleep(0.2)
        found = {path for path in found if path.exists()}
    return found


def test_a_build_that_takes_long(tmp_path: Path) -> None:
    site = LocalSite(tmp_path)
    site.make()
    before = set(LEFT.iterdir()) if LEFT.is_dir() else set()
    path = site.old / PREFIX
    python = path / ".venv" / "bin" / "python"
    text = PLAY.format(work=tmp_path / "work", path=path, python=python, owner=path.owner())
    (tmp_path / "build.yml").write_text(text)
    inventory = tmp_path / "hosts.json"
    inventory.write_text(
        json.dumps(
            {"all": {"hosts": {"new1": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}}}}
        )
    )
    rc, said = play(inventory, str(tmp_path / "build.yml"))
    assert rc == 0, said[-3000:]
    assert re.search(r"(?m)^new1: notes: build: command 2 of 2 \(\d+ s so far\)$", said), said
    assert re.search(r"(?m)^new1: notes: build: took 1?\d s: command 2 of 2 9 s$", said), said
    if os.geteuid() == 0:
        assert not remaining(set(LEFT.iterdir()) - before), "nothing is left"
