# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs and disk space that a step needs on this host."""

from __future__ import annotations

from typing import List

from ansible_collections.relocate.django.plugins.module_utils._host import facts
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle
from ansible_collections.relocate.django.plugins.module_utils._process import find_program

_SLACK = 64 * 1024 * 1024  # bytes that must stay free whatever is written


#: What version control is run by, and the package that has it.
_VCS = {"git": ("git", "git"), "hg": ("hg", "mercurial"), "svn": ("svn", "subversion")}


def missing_programs(compression: str, installs: bool, vcs: str = "git") -> List[Obstacle]:
    """Return an obstacle for each program that this host lacks and no task installs.

    :param vcs: what holds the code: git, hg, svn, none
    """
    if installs:
        return []
    needed = [_VCS[vcs]] if vcs in _VCS else []
    needed += [("zstd", "zstd")] if compression == "zstd" else []
    return [
        Obstacle("program_missing", "{0} is not installed".format(name), "install {0}".format(package))
        for name, package in needed
        if find_program(name) is None
    ]


def missing_space(path: str, needed: int, what: str, option: str = "relocate_directory") -> List[Obstacle]:
    """Return an obstacle when the file system of ``path`` has less than ``needed`` bytes free.

    :param option: the variable that names the path
    """
    free = facts.free_bytes(path)
    if free >= needed + _SLACK:
        return []
    return [
        Obstacle(
            "disk_full",
            "{0} needs {1} MB at {2}, {3} MB are free".format(what, (needed + _SLACK) >> 20, path, free >> 20),
            "free space there, or set {0} to another directory".format(option),
        )
    ]
