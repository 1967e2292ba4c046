# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories that handlers of the settings' LOGGING write into: where one is missing Django does not even start.

Git seldom holds them. Those in the checkout are made as they were on old; others are the administrator's to make.
"""

from __future__ import annotations

import os
from typing import Any, List, Mapping, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import directories as host_directories
from ansible_collections.relocate.django.plugins.module_utils._host.openat import Rights
from ansible_collections.relocate.django.plugins.module_utils._host.parents import rights_of
from ansible_collections.relocate.django.plugins.module_utils._model import Directory, Obstacle, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.module_utils._project import vcs
from ansible_collections.relocate.django.plugins.module_utils._set.relocation import Relocation


def directories(django: Mapping[str, Any]) -> List[str]:
    """Where the settings log to on old, by the probe's words or a set's, of which each may be anything."""
    names = django.get("log_files")
    found = {os.path.dirname(name) for name in names if isinstance(name, str)} if isinstance(names, list) else set()
    return sorted(path for path in found if os.path.isabs(path) and os.path.normpath(path) == path and path != "/")


def missing(
    django: Mapping[str, Any], relocation: Relocation, path: str, prefix: str = ""
) -> Tuple[List[str], List[str]]:
    """Those that this host lacks: in the checkout, and elsewhere.

    :param path: the project's directory on this host
    :param prefix: where in its repository the project lies
    """
    top = vcs.top_of(path, prefix).rstrip("/") + "/"
    lacking = [here for here in map(relocation.path, directories(django)) if not os.path.isdir(here)]
    within = [here for here in lacking if here.startswith(top)]
    return within, [here for here in lacking if here not in within]


def obstacles(lacking: Sequence[str], owner: str) -> List[Obstacle]:
    """Tell of directories outside of the checkout."""
    return [
        Obstacle(
            "directory_missing",
            "LOGGING of the settings writes into {0}, which is not on this host: Django would not start".format(
                printable(here)
            ),
            "make it here: install -d -m 0750 -o {0} -g {0} {1}".format(owner, printable(here)),
        )
        for here in lacking
    ]


def refuse(lacking: Sequence[str], owner: str) -> None:
    """Raise directory_missing for the first of :func:`obstacles`."""
    for found in obstacles(lacking, owner):
        raise RelocateError(found.code, found.msg, found.hint)


def make(paths: Sequence[str], owner: SystemUser, recorded: Sequence[Directory]) -> None:
    """Make directories in the checkout, as they were on old, else the owner's. Raises what make_directories raises."""
    for path in paths:
        host_directories.make_directories(path, owner, rights_of(recorded, Rights(owner.uid, owner.gid, 0o750)))
