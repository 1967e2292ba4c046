# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control groups: the kernel's word on which processes belong to a unit, whatever its manager says."""

from __future__ import annotations

import glob
import os
from typing import Iterator, List, Set

_TOPS = ("/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified")


def processes_of(group: str) -> int:
    """Return how many processes a control group holds, with those below it."""
    return max(len({pid for path in _lists(top + group) for pid in _pids(path)}) for top in _TOPS) if _is(group) else 0


def stray(group: str, path: str) -> List[int]:
    """Return the processes below a control group that belong to no service, and run in a directory or out of it.

    :param group: of a user's own systemd; its manager itself is not counted
    :param path: the project's directory
    """
    lists = [name for top in _TOPS for name in _lists(top + group)] if _is(group) else []
    pids = {pid for name in lists if not _is_of_service(name[name.index(group) + len(group) :]) for pid in _pids(name)}
    return sorted(int(pid) for pid in pids if any(_is_below(place, path) for place in _places(pid)))


def _is(group: str) -> bool:
    return group not in ("", "/")


def _lists(top: str) -> Set[str]:
    return {top + "/cgroup.procs", *glob.glob(glob.escape(top) + "/**/cgroup.procs", recursive=True)}


def _pids(path: str) -> List[str]:
    try:
        with open(path, encoding="ascii") as stream:
            return stream.read().split()
    except OSError:
        return []


def _is_of_service(below: str) -> bool:
    """Tell whether a group below a manager's own is a service's, or the manager itself."""
    parts = below.split("/")
    return "init.scope" in parts or any(part.endswith(".service") for part in parts)


def _places(pid: str) -> Iterator[str]:
    for name in ("cwd", "exe"):
        try:
            yield os.readlink("/proc/{0}/{1}".format(pid, name))
        except OSError:
            continue


def _is_below(place: str, path: str) -> bool:
    real = os.path.realpath(path)
    return place == real or place.startswith(real.rstrip("/") + "/")
