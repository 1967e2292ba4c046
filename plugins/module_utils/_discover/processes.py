# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads where the processes of each unit run, by the kernel: a start script may go anywhere before that."""

from __future__ import annotations

import os
from typing import Dict, Iterator, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover import listening

Unit = Tuple[str, str]  # its name, and the user whose own systemd runs it


def places(proc: str = "/proc") -> Dict[Unit, Set[str]]:
    """Return where each unit's processes run, and their programs. Needs root to see those of others.

    :param proc: where the kernel tells it; tests put their own in its place
    """
    found: Dict[Unit, Set[str]] = {}
    for number in listening.processes(proc):
        directory = os.path.join(proc, number)
        unit = listening.owner_of(listening.text_of(directory + "/cgroup"))
        if unit[0]:
            found.setdefault(unit, set()).update(_links(directory))
    return found


def _links(directory: str) -> Iterator[str]:
    for name in ("cwd", "exe"):
        try:
            path = os.readlink(os.path.join(directory, name))
        except OSError:
            continue
        if path.startswith("/") and not path.endswith(" (deleted)"):
            yield path
