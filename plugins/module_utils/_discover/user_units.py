# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The units of users' own managers (``systemctl --user``), out of their files: no such manager needs to run."""

from __future__ import annotations

import os
import pwd
import socket
from dataclasses import dataclass, replace
from typing import Dict, Iterator, List, Mapping, Optional, Set

from ansible_collections.relocate.django.plugins.module_utils._discover.budget import MOST_ITEMS
from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import UNITS, Starter
from ansible_collections.relocate.django.plugins.module_utils._discover.rights import as_user
from ansible_collections.relocate.django.plugins.module_utils._discover.unit_files import Specifiers, define
from ansible_collections.relocate.django.plugins.module_utils._discover.units import (
    of_definition,
    readable,
    variables_in,
)
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._services.groups import processes_of
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user

_OWN = (".config/systemd/user", ".local/share/systemd/user")  # the first counts before the second
_SUFFIXES = tuple("." + kind for kind in UNITS)
_WANTS = tuple("." + kind + suffix for kind in ("target", *UNITS) for suffix in (".wants", ".requires"))
_MOST_USERS = 1000
_MOST_NAMES = 2000  # of one directory
_GROUPS = "/user.slice/user-{0}.slice/user@{0}.service"


@dataclass(frozen=True)
class Place:
    """Names the directories of users' units; tests put their own in its place."""

    shared: str = "/etc/systemd/user"
    linger: str = "/var/lib/systemd/linger"


def read(files: Optional[ConfigFiles] = None, place: Place = Place()) -> List[Starter]:
    """Return the units of each user who has some, or whose manager starts with the host."""
    files = files or ConfigFiles()
    lingering = set(files.names(place.linger))
    found: List[Starter] = []
    for name in _users(lingering):
        user = lookup_user(name)
        if user is not None:
            found += of_user(user, place.shared, name in lingering, files)
    return found


def _users(lingering: Set[str]) -> Iterator[str]:
    """Give the names of users who may have units, each home once."""
    homes: Set[str] = set()
    for entry in pwd.getpwall()[:_MOST_USERS]:
        if entry.pw_name in lingering or (entry.pw_dir not in homes and _has_units(entry.pw_dir)):
            homes.add(entry.pw_dir)
            yield entry.pw_name


def _has_units(home: str) -> bool:
    return home.startswith("/") and any(os.path.isdir(os.path.join(home, part)) for part in _OWN)


def of_user(user: SystemUser, shared: str, lingers: bool, files: ConfigFiles) -> List[Starter]:
    """Return the units of one user: his own, and those that the administrator made for all."""
    files = as_user(user, files)
    tops = [os.path.join(user.home, part) for part in _OWN]
    tops.insert(1, shared)
    there = [os.path.join(top, name) for top in tops for name in files.names(top)[:_MOST_NAMES]]
    wanted = _wanted(there, files)
    own = _unit_files(there, files)
    instances = {name: own[template] for name in wanted for template in [_template(name)] if template in own}
    units = {**instances, **own}
    return _with_triggers(
        [
            _starter(
                name, [units[name], *_drop_ins(name, there, files)], user, units, files, lingers and name in wanted
            )
            for name in sorted(units)[:MOST_ITEMS]
            if "@." not in name
        ]
    )


def _template(name: str) -> str:
    """Return the template of an instance: ``x@.service`` of ``x@1.service``; "" for others."""
    prefix, at, rest = name.partition("@")
    return "{0}@.{1}".format(prefix, rest.rpartition(".")[2]) if at and not rest.startswith(".") else ""


def _unit_files(there: List[str], files: ConfigFiles) -> Dict[str, str]:
    """Return the file of each unit: the first directory's counts. Masked ones are left out."""
    found: Dict[str, str] = {}
    for path in there:
        if path.endswith(_SUFFIXES):
            found.setdefault(os.path.basename(path), path)
    return {name: path for name, path in found.items() if files.chain(path)[-1] != "/dev/null"}


def _wanted(there: List[str], files: ConfigFiles) -> Set[str]:
    """Return the names of units that a target or another unit wants: enabled ones."""
    return {name for path in there if path.endswith(_WANTS) for name in files.names(path)[:_MOST_NAMES]}


def _starter(
    name: str, parts: List[str], user: SystemUser, units: Mapping[str, str], files: ConfigFiles, at_boot: bool
) -> Starter:
    by_socket = name.rpartition(".")[0] + ".socket" in units
    texts = [files.text(part) or "" for part in parts]
    known = _specifiers(name, parts[0], user)
    defined = define(texts, known, lambda env_files: variables_in(env_files, files))
    made = of_definition(name, defined, user.home, by_socket)
    by = user.name if user.uid != 0 else ""
    return replace(
        made,
        unit=name,
        manager=user.name,
        user=by or made.user or user.name,  # nobody but root becomes another user
        by=by,
        env_files=readable(made.env_files, files),
        files=files.chains(path for path in [*parts, *defined.credentials] if files.text(path) is not None),
        runs=_runs(name, user.uid),
        at_boot=at_boot,
    )


def _drop_ins(name: str, there: List[str], files: ConfigFiles) -> List[str]:
    """Return the drop-ins of a unit, and of its template, in systemd's order: by their names."""
    found: Dict[str, str] = {}
    for owner in filter(None, (name, _template(name))):
        for top in there:
            if os.path.basename(top) == owner + ".d":
                for item in files.names(top):
                    found.setdefault(item, os.path.join(top, item))
    return [found[item] for item in sorted(found) if item.endswith(".conf")]


def _specifiers(name: str, path: str, user: SystemUser) -> Specifiers:
    places = {
        "t": "/run/user/{0}".format(user.uid),
        "U": str(user.uid),
        "S": user.home + "/.local/state",
        "C": user.home + "/.cache",
        "E": user.home + "/.config",
        "L": user.home + "/.local/state/log",
    }
    return Specifiers(name, user.name, user.home, socket.gethostname(), path, places)


def _runs(name: str, uid: int) -> bool:
    """Tell whether processes of a user's unit run."""
    top = _GROUPS.format(uid)
    return any(processes_of(top + below + name) for below in ("/app.slice/", "/"))


def _with_triggers(starters: List[Starter]) -> List[Starter]:
    """Say whether timers, sockets and paths are up: they have no processes, but their user's manager has.

    A job runs when its timer does.
    """
    up = [item for item in starters if item.kind != "service" and item.at_boot and _manager_runs(item.manager)]
    running = {name for item in up for name in (item.name, *item.starts)}
    return [replace(item, runs=item.runs or item.name in running) for item in starters]


def _manager_runs(name: str) -> bool:
    user = lookup_user(name)
    return user is not None and bool(processes_of(_GROUPS.format(user.uid) + "/init.scope"))
