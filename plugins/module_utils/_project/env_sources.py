# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the files that give a project its variables: ``.env`` and its like, unit files, supervisor's, uWSGI's.

Project code gets to know the variables, so the files are read as the project's owner could read them. Only a file in a
directory that nobody but root can write is read as root, as systemd does. The same holds for a file that a unit file
names, when nobody but root can write that unit file; else it is read with the owner's rights.
"""

from __future__ import annotations

import contextlib
import fnmatch
import glob
import itertools
import os
import stat
from dataclasses import dataclass, field
from typing import Dict, Iterable, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import env_files, env_units
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

_LIMIT = 1024 * 1024  # bytes of a file
_MOST = 100  # files that a pattern brings


@dataclass(frozen=True)
class _Source:
    """A file's text, and whether nobody but root could have written it."""

    path: str
    text: str = field(repr=False)
    trusted: bool


def read_env_files(path: str, names: Iterable[str], owner: Optional[SystemUser] = None) -> Dict[str, str]:
    """The variables of files, later files winning; a unit file and the drop-ins that follow it are read as one.

    :param path: of the project; names are relative to it, and one beginning with "-" may be absent

    Raises bad_option for a file that is absent, not readable or not text, and for programs that disagree.
    """
    variables: Dict[str, str] = {}
    for unit, group in itertools.groupby(names, lambda name: env_units.unit_of(name.lstrip("-"))):
        sources = [item for item in (_read(path, name, owner) for name in group) if item is not None]
        if unit:
            variables.update(_of_unit(unit, sources, owner))
            continue
        for source in sources:
            variables.update(_of_file(source, path))
    return variables


def _of_file(source: _Source, project: str) -> Mapping[str, str]:
    if env_units.is_application(source.path, source.text):
        return env_units.of_application(source.text)
    if not env_units.is_programs(source.path, source.text):
        return env_files.parse(source.text)
    found = env_units.of_programs(source.path, source.text, project)
    if found.disputed:
        raise RelocateError(
            "bad_option",
            "the programs of {0} set {1} to different values".format(source.path, ", ".join(found.disputed)),
            "write the values that manage.py needs into an environment file, and name that one in relocate_env_files",
        )
    return found.variables


def _of_unit(unit: str, sources: Sequence[_Source], owner: Optional[SystemUser]) -> Mapping[str, str]:
    of_user = any("/systemd/user/" in source.path for source in sources)
    found = env_units.of_unit(unit, [source.text for source in sources], of_user)
    variables = dict(found.variables)
    # Whoever wrote the unit file chooses which files are read: unless that was root, with his own rights.
    # What a user's own systemd reads, it reads with his rights, whoever wrote it.
    trusted = not of_user and all(source.trusted for source in sources)
    with acting_as(None if trusted or os.geteuid() != 0 else owner):
        for name in found.files:
            for full in _matching(name, owner):
                source = _read("/", full, owner)
                variables.update(env_files.parse(source.text) if source is not None else {})
    return found.without_unset(variables)


def _matching(name: str, owner: Optional[SystemUser]) -> List[str]:
    """The files that EnvironmentFile= means: a pattern stands for any number of them, in one directory."""
    directory, pattern = os.path.split(name)
    if not glob.has_magic(pattern):
        return [name]
    with contextlib.suppress(OSError, RelocateError), openat.directory(directory.lstrip("-"), owner) as place:
        found = [item for item in place.names() if fnmatch.fnmatchcase(item, pattern) and not item.startswith(".")]
        return [os.path.join(directory, item) for item in found[:_MOST]]
    return []


def _read(path: str, name: str, owner: Optional[SystemUser]) -> Optional[_Source]:
    """One file; None when it is absent and may be. Raises bad_option."""
    optional, name = name.startswith("-"), name.lstrip("-")
    full = os.path.join(path, name)
    try:
        return _opened(full, owner)
    except FileNotFoundError as exc:
        if optional:
            return None
        raise _unreadable(full, exc.strerror or "") from None
    except OSError as exc:
        raise _unreadable(full, exc.strerror or "", owner) from None


def _opened(full: str, owner: Optional[SystemUser]) -> _Source:
    with openat.parent(full, owner, follow=True) as (place, name):
        handle = place.open(name)
        status = os.fstat(handle)
        trusted = place.user is None and status.st_uid == 0 and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        data = openat.read_limited(handle, _LIMIT)
    if data is None:
        raise _unreadable(full, "it is not a regular file of 1 MiB at most")
    try:
        return _Source(full, data.decode("utf-8"), trusted)
    except UnicodeDecodeError:
        raise _unreadable(full, "it is not UTF-8 text") from None  # the error holds the file's content


def _unreadable(full: str, reason: str, owner: Optional[SystemUser] = None) -> RelocateError:
    hint = "check the path, or begin it with - when the file may be absent"
    if owner is not None:
        hint = "let {0} read it, or keep it in a directory that only root can write, such as /etc".format(owner.name)
    return RelocateError("bad_option", "environment file {0} cannot be read: {1}".format(full, reason), hint)
