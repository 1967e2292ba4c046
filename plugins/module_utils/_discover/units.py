# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The units of the system's systemd: its states by one question, what they do out of their files."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from typing import Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import UNITS, Starter
from ansible_collections.relocate.django.plugins.module_utils._discover.rights import find_user, written_by
from ansible_collections.relocate.django.plugins.module_utils._discover.server_args import listens_of
from ansible_collections.relocate.django.plugins.module_utils._discover.unit_files import (
    Definition,
    Specifiers,
    define,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._project.env_files import parse as parse_variables
from ansible_collections.relocate.django.plugins.module_utils._services.systemd import Systemd
from ansible_collections.relocate.django.plugins.module_utils._services.unit import Unit

_PROPERTIES = ("DropInPaths", "SourcePath", "Requires", "Requisite", "BindsTo", "Wants", "Upholds")
_NEEDS = _PROPERTIES[2:]
#: Every unit needs these by itself.
_IMPLIED = frozenset(("sysinit.target", "basic.target", "shutdown.target"))
_IMPLIED_KINDS = (".slice", ".mount", ".swap", ".device", ".automount")
_OF_PACKAGES = ("/lib/systemd/", "/usr/lib/systemd/", "/run/systemd/generator")
_MADE = "/run/systemd/generator"
_LINKS = "/etc/systemd/system"  # where links to unit files lie that are elsewhere
_SCRIPTS = "/etc/init.d/"


def read(
    systemd: Optional[Systemd] = None, files: Optional[ConfigFiles] = None, more: Sequence[str] = ()
) -> List[Starter]:
    """Return every service, socket, timer and path; nothing where systemd does not run.

    :param more: names of further units, such as instances that were never loaded
    """
    files = files or ConfigFiles()
    try:
        every = (systemd or Systemd()).every(UNITS, _PROPERTIES, more)
    except RelocateError:
        return []
    up = {unit.name for unit, _found in every if unit.up}
    host = socket.gethostname()
    return [_starter(unit, found, up, host, files) for unit, found in every]


def _starter(unit: Unit, found: Mapping[str, str], up: Set[str], host: str, files: ConfigFiles) -> Starter:
    parts = [unit.fragment, *found.get("DropInPaths", "").split()]
    source = found.get("SourcePath", "")
    script = source if source.startswith(_SCRIPTS) else ""
    by = next(filter(None, map(files.writer, [*parts, script])), "")
    texts = [files.text(path) or "" for path in parts]
    known = Specifiers(unit.name, host=host, fragment=unit.fragment)
    own = written_by(by, files)
    defined = define(texts, known, lambda env_files: variables_in(env_files, own))
    named = " ".join(found.get(key, "") for key in _NEEDS).split()
    made = of_definition(unit.name, defined, by_socket=_any_ends(unit.triggered_by, ".socket"))
    return replace(
        made,
        unit=unit.name,
        env_files=readable(made.env_files, own) if by else made.env_files,
        files=_files(unit, [*parts, *_handed(defined, by, own), script], files),
        starts=unit.triggers or made.starts,
        needs=needed(named or made.needs),
        runs=unit.up or not up.isdisjoint(unit.triggered_by),
        at_boot=unit.enabled or _any_ends(unit.wanted_by, ".target"),
        packaged=_is_packaged(parts, script),
        by=by,
    )


def _handed(defined: Definition, by: str, own: ConfigFiles) -> Sequence[str]:
    """Return a unit's credentials; of one that a user can write, those that he may read."""
    return [path for path in defined.credentials if not by or own.text(path) is not None]


def _any_ends(names: Sequence[str], suffix: str) -> bool:
    return any(name.endswith(suffix) for name in names)


def of_definition(name: str, defined: Definition, home: str = "", by_socket: bool = False) -> Starter:
    """Return what a unit's files say of it.

    :param home: of the user who runs it; by default that of the user whom the unit names
    :param by_socket: a socket unit starts it, and hands its sockets over
    """
    handed = {"LISTEN_FDS": "1"} if by_socket else {}
    listens = listens_of(defined.commands, {**defined.variables, **handed}, defined.directory)
    return Starter(
        kind=name.rpartition(".")[2],
        name=name,
        commands=defined.commands,
        directory=(home or _home(defined.user)) if defined.directory == "~" else defined.directory,
        user=defined.user,
        group=defined.group,
        dynamic=defined.dynamic,
        made=defined.made,
        must=defined.must,
        env_files=defined.env_files,
        environment=defined.environment,
        starts=defined.starts,
        needs=needed(defined.needs),
        listens=tuple(dict.fromkeys((*defined.listens, *listens))),
    )


def variables_in(env_files: Sequence[str], files: ConfigFiles) -> Dict[str, str]:
    """Return the variables of env files as units name them: patterns are allowed, and what is absent has none."""
    found: Dict[str, str] = {}
    for name in env_files:
        for path in files.expand(name.lstrip("-")):
            found.update(parse_variables(files.text(path) or ""))
    return found


def readable(env_files: Sequence[str], files: ConfigFiles) -> Tuple[str, ...]:
    """Return the env files that a user may read who names them: later, some are read with root's rights."""
    return tuple(name for name in env_files if _may_read(files.expand(name.lstrip("-")), files))


def _may_read(paths: Sequence[str], files: ConfigFiles) -> bool:
    return bool(paths) and all(files.text(path) is not None for path in paths)


def _home(user: str) -> str:
    entry = find_user(user or "root")
    return entry.home if entry is not None else ""


def needed(names: Sequence[str]) -> Tuple[str, ...]:
    """Return what a unit needs, without what every unit does."""
    return tuple(dict.fromkeys(name for name in names if name not in _IMPLIED and not name.endswith(_IMPLIED_KINDS)))


def _files(unit: Unit, parts: Sequence[str], files: ConfigFiles) -> Tuple[str, ...]:
    """Return a unit's file, drop-ins, credentials, and the script that it was made of: links before their targets.

    What systemd makes anew at each start of the host defines nothing by itself.
    """
    link = os.path.join(_LINKS, os.path.basename(unit.fragment)) if unit.fragment else ""
    linked = (
        link != unit.fragment and os.path.islink(link) and os.path.realpath(link) == os.path.realpath(unit.fragment)
    )
    named = [path for path in [link if linked else "", *parts] if path and not path.startswith(_MADE)]
    return files.chains(path for path in named if files.exists(path))


def _is_packaged(parts: List[str], script: str) -> bool:
    """Tell whether a unit's files lie where packages put them. Scripts may be anybody's: ``starters.py`` asks."""
    return bool(parts[0]) and all(path.startswith(_OF_PACKAGES) for path in parts if path) and not script
