# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads where the processes of each unit run, by the kernel: a start script may go anywhere before that."""

from __future__ import annotations

import os
from typing import Dict, Iterator, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.listening import owner_of
from ansible_collections.relocate.django.plugins.module_utils._discover.texts import is_number

Unit = Tuple[str, str]  # its name, and the user whose own systemd runs it


def places(proc: str = "/proc") -> Dict[Unit, Set[str]]:
    """Return where each unit's processes run, and their programs. Needs root to see those of others.

    :param proc: where the kernel tells it; tests put their own in its place
    """
    found: Dict[Unit, Set[str]] = {}
    for directory in _processes(proc):
        unit = owner_of(_text(directory + "/cgroup"))
        if unit[0]:
            found.setdefault(unit, set()).update(_links(directory))
    return found


def _processes(proc: str) -> Iterator[str]:
    try:
        names = os.listdir(proc)
    except OSError:
        return
    for name in names:
        if is_number(name):
            yield os.path.join(proc, name)


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read(64 * 1024)
    except OSError:
        return ""  # it has ended


def _links(directory: str) -> Iterator[str]:
    for name in ("cwd", "exe"):
        try:
            path = os.readlink(os.path.join(directory, name))
        except OSError:
            continue
        if path.startswith("/") and not path.endswith(" (deleted)"):
            yield path
