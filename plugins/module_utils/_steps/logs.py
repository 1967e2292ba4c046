# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories that handlers of the settings' LOGGING write into: where one is missing Django does not even start.

Git seldom holds them: they are made as they were on old.
"""

from __future__ import annotations

import grp
import os
import pwd
from dataclasses import replace
from typing import Any, Callable, Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import directories as host_directories
from ansible_collections.relocate.django.plugins.module_utils._host.openat import Rights
from ansible_collections.relocate.django.plugins.module_utils._host.owner import MADE_BY_US
from ansible_collections.relocate.django.plugins.module_utils._host.parents import rights_of
from ansible_collections.relocate.django.plugins.module_utils._media import owners
from ansible_collections.relocate.django.plugins.module_utils._model import Directory, Obstacle, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.module_utils._project import vcs
from ansible_collections.relocate.django.plugins.module_utils._set.relocation import Relocation, between
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user

_WHAT = "a directory of LOGGING"


def directories(django: Mapping[str, Any]) -> List[str]:
    """Return where the settings log to on old, by the probe's words or a set's, of which each may be anything."""
    names = django.get("log_files")
    found = {os.path.dirname(name) for name in names if isinstance(name, str)} if isinstance(names, list) else set()
    return sorted(path for path in found if os.path.isabs(path) and os.path.normpath(path) == path and path != "/")


def by_project(django: Mapping[str, Any], path: str, prefix: str = "") -> Dict[str, Any]:
    """The probe's words with the logs of a project that a link leads to where the user says that the project is.

    Settings often name where it really lies, such as the release that ``current`` leads to: on new that is not there.

    :param path: the project's directory on this host
    """
    names = django.get("log_files")
    if not isinstance(names, list):
        return dict(django)
    named = between(os.path.realpath(path), path, prefix)
    return dict(django, log_files=[named.path(name) if isinstance(name, str) else name for name in names])


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


def obstacles(
    lacking: Sequence[str],
    owner: str,
    recorded: Sequence[Directory],
    made: Collection[str] = (),
) -> List[Obstacle]:
    """Tell of directories outside of the checkout that cannot be made as they were on old.

    :param owner: of the project
    :param recorded: how they and those above them were on old, with the paths of this host
    :param made: users whom an earlier step makes
    """
    known = {item.path: item for item in recorded}
    there = [_made_by_then(item, {owner, *made}) for item in recorded]
    found = []
    for here in lacking:
        item = known.get(here) or Directory(here, 0o750, owner, owner)
        refused = _strangers(item, {owner, *made}) or _refusal(item, owner, there)
        if refused:
            msg = "LOGGING of the settings writes into {0}, which is not on this host, and it is not made: {1}"
            found.append(Obstacle("directory_missing", msg.format(printable(here), refused[0]), refused[1]))
    return found


def _strangers(item: Directory, made: Collection[str]) -> Optional[Tuple[str, str]]:
    """Return why nobody on this host could be given a directory, and what helps: the site could not write it."""
    for name, lookup, what, command in (
        (item.owner, pwd.getpwnam, "user", "useradd"),
        (item.group, grp.getgrnam, "group", "groupadd"),
    ):
        if name in made or _is_here(lookup, name):
            continue
        reason = "it belongs to the {0} {1} on old, which is not on this host".format(what, printable(name))
        if not owners.NAME.match(name):
            return reason, "on old, give {0} to the user that the site runs as".format(printable(item.path))
        hint = "create the {0} on new: {1} --system {2}".format(what, command, name)
        if what == "user":
            hint += "; or add the unit that runs as this user to relocate_services, and the move creates it"
        return reason, hint
    return None


def _is_here(lookup: Callable[[str], Any], name: str) -> bool:
    try:
        lookup(name)
    except KeyError:
        return False
    return True


def _made_by_then(item: Directory, made: Collection[str]) -> Directory:
    """For a look before it: who is made later cannot be looked up yet."""
    user = "root" if item.owner in made and not _is_here(pwd.getpwnam, item.owner) else item.owner
    group = "root" if item.group in made and not _is_here(grp.getgrnam, item.group) else item.group
    return replace(item, owner=user, group=group)


def _refusal(item: Directory, owner: str, recorded: Sequence[Directory]) -> Optional[Tuple[str, str]]:
    """Return why a directory cannot be made, and what helps."""
    user = lookup_user(owner)
    try:
        host_directories.check_for_owner(item.path, user, _rights(recorded, item.path, user), _WHAT)
    except RelocateError as error:
        why = error.msg
    except OSError as exc:
        why = exc.strerror or str(exc)
    else:
        return None
    hint = (
        "make it on new: {0}install -d -m {1:04o} -o {2} -g {3} {4}; where the settings of new log elsewhere, an empty"
    )
    first = (
        ""
        if _is_here(pwd.getpwnam, item.owner)
        else "useradd --system --comment {0} {1} && ".format(MADE_BY_US, item.owner)
    )
    return why, (hint + " one does").format(first, item.mode, item.owner, item.group, printable(item.path))


def _rights(recorded: Sequence[Directory], path: str, owner: Optional[SystemUser]) -> Callable[[str], Rights]:
    """As on old; what nothing is known of is the owner's if LOGGING names it, else root's."""
    above = rights_of(recorded, Rights(0, 0))
    known = {item.path for item in recorded}

    def rights(each: str) -> Rights:
        if each == path and each not in known and owner is not None:
            return Rights(owner.uid, owner.gid, 0o750)
        return above(each)

    return rights


def make(paths: Sequence[str], owner: SystemUser, recorded: Sequence[Directory]) -> None:
    """Make directories in the checkout, as they were on old, else the owner's. Raises what make_directories raises."""
    for path in paths:
        host_directories.make_directories(path, owner, rights_of(recorded, Rights(owner.uid, owner.gid, 0o750)))


def make_elsewhere(paths: Sequence[str], owner: SystemUser, recorded: Sequence[Directory]) -> None:
    """Make directories outside of the checkout, as they were on old. Raises what make_for_owner raises."""
    for path in paths:
        host_directories.make_for_owner(path, owner, _rights(recorded, path, owner), _WHAT)
