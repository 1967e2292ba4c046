# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Ansible inventory of a lab's hosts."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from .host import Host


def write_inventory(path: Path, hosts: Sequence[Host], variables: Mapping[str, object] | None = None) -> Path:
    """Write an inventory.yml with one group per name (old, old2 and old-shop are all of group ``old``).

    A host is called NAME.lab there, since Ansible warns of a host named like a group. ``variables`` go to all hosts.
    Returns ``path``.
    """
    groups: dict[str, dict[str, dict[str, dict[str, object]]]] = {}
    for host in hosts:
        group = re.split(r"[-\d]", host.name, maxsplit=1)[0]
        groups.setdefault(group, {"hosts": {}})["hosts"][f"{host.name}.lab"] = _variables(host)
    inventory = {"all": {"vars": dict(variables or {}), "children": groups}}
    # JSON is YAML: one format for people and programs, without a library.
    path.write_text(json.dumps(inventory, indent=2) + "\n")
    return path


def _variables(host: Host) -> dict[str, object]:
    return {
        "ansible_host": host.address,
        "ansible_user": "admin",
        "ansible_become": True,
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_private_key_file": str(host.key),
        "ansible_ssh_common_args": shlex.join(host.ssh_options()),
    }
