# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible packs of a module to send it to a host, shared by all runs of one state of the collection.

To pack our modules takes about as long as the rest of a run, since each brings a hundred files that Ansible parses.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from tests.tools.collection import ROOT

#: Ansible's settings for every run of a test.
SETTINGS = Path(__file__).with_name("ansible.cfg")
PLUGINS = Path("ansible_collections", "relocate", "django", "plugins")


def environment(venv: Path, collections: Path) -> dict[str, str]:
    """Give the variables with which ansible-playbook of a virtual environment uses what others have packed."""
    return {
        "ANSIBLE_CONFIG": str(SETTINGS),
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "packed",
        "RELOCATE_PACKED": str(ROOT / "build" / "packed" / _digest(venv, collections)),
    }


@functools.cache
def _digest(venv: Path, collections: Path) -> str:
    """Give a name that changes with any plugin, and with the version of Ansible that packs."""
    cores = sorted(path.name for path in venv.glob("lib/python*/site-packages/ansible_core-*.dist-info"))
    digest = hashlib.sha256(repr((str(venv.resolve()), cores)).encode())
    for path in sorted((collections / PLUGINS).rglob("*.py")):
        digest.update(f"{path.relative_to(collections)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]
