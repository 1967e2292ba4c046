# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The watchers of circus, as circusd reads its configuration."""

from __future__ import annotations

import fnmatch
import itertools
import os
import re
from typing import Dict, Iterator, List, Mapping, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.bound import tcp
from ansible_collections.relocate.django.plugins.module_utils._discover.budget import (
    MOST_ITEMS,
    MOST_OF_COMMAND,
    Budget,
)
from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.daemons import (
    Daemon,
    by_name,
    daemons,
    each_once,
)
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._discover.ini import Section, is_true, sections
from ansible_collections.relocate.django.plugins.module_utils._discover.rights import files_of, written_by
from ansible_collections.relocate.django.plugins.module_utils._discover.server_args import listens_of
from ansible_collections.relocate.django.plugins.module_utils._discover.shell import expanded, split

_UNITS = ("circus.service", "circusd.service")
_USUAL = ("/etc/circus/circusd.ini", "/etc/circus/circus.ini", "/etc/circus.ini")
_VARIABLE = re.compile(r"(?:\$\(|\(\()circus\.(env|sockets)\.([\w-]+)(?:\)\)?)")

#: Each section, and the file that it stands in.
_Parts = List[Tuple[str, Section]]


def read(starters: Sequence[Starter], files: ConfigFiles) -> List[Starter]:
    """Return the watchers of each circusd that something starts, else of the usual configuration."""
    found: List[Starter] = []
    for daemon in daemons(starters, "circusd"):
        for word in daemon.arguments:
            if word.endswith((".ini", ".conf")):
                found += _watchers(daemon.path(word), daemon, files_of(daemon.starter, files))
    if all(one.by for one in found):
        for path in _USUAL:
            found += _watchers(path, by_name(starters, *_UNITS), files)
    return each_once(found)


def _watchers(path: str, daemon: Daemon, files: ConfigFiles) -> List[Starter]:
    files = written_by(files.writer(path), files)
    parts = list(itertools.islice(_parts(path, files, 0), MOST_ITEMS))
    return [
        _watcher(section.name[8:].strip(), section, where, parts, daemon, files)
        for where, section in parts
        if section.name.startswith("watcher:")
    ]


def _parts(path: str, files: ConfigFiles, depth: int) -> Iterator[Tuple[str, Section]]:
    """Give the sections of a file and of those that it includes."""
    for section in sections(files.text(path) or ""):
        yield path, section
        if section.name == "circus" and depth == 0:
            patterns = " ".join(section.values.get("include", [])).split()
            patterns += [item + "/*.ini" for item in " ".join(section.values.get("include_dir", [])).split()]
            for pattern in patterns:
                for included in files.expand(os.path.normpath(os.path.join(os.path.dirname(path), pattern))):
                    yield from _parts(included, files, depth + 1)


def _environment(name: str, parts: _Parts, given: Mapping[str, str]) -> Dict[str, str]:
    """Return the variables of ``[env]`` and of each ``[env:a,b*]`` that fits a watcher."""
    found: Dict[str, str] = {}
    known = dict(given)
    for _path, section in parts:
        kind, _sep, patterns = section.name.partition(":")
        if kind == "env" and any(
            fnmatch.fnmatchcase(name, item.strip()) for item in (patterns or "*").split(",") if item.count("*") < 3
        ):
            for key, value in section.written.items():
                found[key] = known[key] = expanded(value, known, Budget(MOST_OF_COMMAND))
    return found


def _watcher(name: str, section: Section, path: str, parts: _Parts, daemon: Daemon, files: ConfigFiles) -> Starter:
    by = files.writer(parts[0][0]) or files.writer(path)
    # What a user adds to root's configuration says nothing of the others' programs.
    parts = [(where, part) for where, part in parts if files.writer(where) in ("", by)]
    environment = _environment(name, parts, daemon.starter.environment)
    known = {"env." + key.lower(): value for key, value in {**daemon.starter.environment, **environment}.items()}

    def value(key: str) -> str:
        return Budget(MOST_OF_COMMAND).substitute(
            _VARIABLE,
            lambda match: known.get("{0}.{1}".format(match.group(1), match.group(2).lower()), match.group(0)),
            section.get(key),
        )

    command = split(value("cmd") + " " + value("args"))
    directory = value("working_dir")
    sockets = [_socket(other) for _path, other in parts if _uses(section, other)]
    made = Starter(
        kind="circus",
        name=name,
        commands=(command,) if command else (),
        directory=directory,
        user=value("uid"),
        group=value("gid"),
        files=files.chain(path),
        environment=environment,
        listens=tuple(dict.fromkeys([*filter(None, sockets), *listens_of([command], environment, directory)])),
        by=by,
    )
    return daemon.owns(made, is_true(section.get("autostart", "true")))


def _uses(section: Section, other: Section) -> bool:
    """Tell whether a watcher is handed a socket: its command names it."""
    if not other.name.startswith("socket:"):
        return False
    mark = "circus.sockets.{0})".format(other.name[7:].strip().lower())
    return mark in (section.get("cmd") + " " + section.get("args")).lower()


def _socket(section: Section) -> str:
    path = section.get("path")
    return "unix:" + path if path else tcp(section.get("host", "localhost"), section.get("port", "8080"))
