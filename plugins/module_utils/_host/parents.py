# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories above what is moved: whose they are on old, so that those that new lacks become the same.

A directory that is there on new is left as it is.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import stat
from typing import Any, Callable, Dict, Iterable, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import directories as host_directories
from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._host.openat import Rights
from ansible_collections.relocate.django.plugins.module_utils._model import Directory, SystemUser

_KEPT = 0o3777  # of a mode: no directory needs to be setuid


def record(paths: Iterable[str], owner: Optional[SystemUser]) -> Tuple[Directory, ...]:
    """Directories as they are here, and all above them; those that are not there are left out.

    :param paths: absolute
    :param owner: of the project, with whose rights links of his are followed
    """
    found: Dict[str, Directory] = {}
    for path in paths:
        path = os.path.normpath(path)
        while path != "/" and path not in found:
            with contextlib.suppress(OSError, RelocateError), openat.directory(path, owner) as place:
                found[path] = _described(path, os.fstat(place.handle))
            path = os.path.dirname(path)
    return tuple(found[path] for path in sorted(found))


def _described(path: str, status: os.stat_result) -> Directory:
    return Directory(
        path,
        stat.S_IMODE(status.st_mode) & _KEPT,
        _name(pwd.getpwuid, status.st_uid),
        _name(grp.getgrgid, status.st_gid),
    )


def _name(lookup: Any, number: int) -> str:
    try:
        return str(lookup(number)[0])
    except KeyError:
        return str(number)


def rights_of(directories: Sequence[Directory], otherwise: Rights) -> Callable[[str], Rights]:
    """Return whose a directory is to be on this host, by its path.

    :param otherwise: for one that was not recorded

    The function that is returned raises owner_missing and path_refused, before its directory is made.
    """
    known = {directory.path: directory for directory in directories}

    def rights(path: str) -> Rights:
        return _here(known[path]) if path in known else otherwise

    return rights


def _here(directory: Directory) -> Rights:
    """On this host. Who is not here loses nothing, unless a group had rights that others have not."""
    mode = directory.mode & _KEPT
    try:
        uid = pwd.getpwnam(directory.owner).pw_uid
    except KeyError:
        uid = 0
    try:
        gid = grp.getgrnam(directory.group).gr_gid
    except KeyError as exc:
        gid = 0
        if (mode >> 3) & 7 & ~mode:
            raise RelocateError(
                "owner_missing",
                "{0} belongs to the group {1} on old, which is not on this host".format(
                    directory.path, directory.group
                ),
                "make the group first (groupadd --system {0}), or the directory".format(directory.group),
            ) from exc
    if uid != 0 or mode & stat.S_IWOTH or (mode & stat.S_IWGRP and gid != 0):
        _check_system(directory)
    return Rights(uid, gid, mode)


def _check_system(directory: Directory) -> None:
    """Refuse to open a system directory, such as that of units, to anybody but root on old's word."""
    try:
        host_directories.refuse_system(directory.path, "it")
    except RelocateError as exc:
        raise RelocateError(
            "path_refused",
            "{0} can be written by {1}:{2} on old; in a system directory only root's are created".format(
                directory.path, directory.owner, directory.group
            ),
            "make {0} on this host first, with the owner that it needs".format(directory.path),
        ) from exc
