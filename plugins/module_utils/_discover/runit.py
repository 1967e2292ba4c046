# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services of runit and its kin: directories with a script ``run``."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import Dict, List, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.budget import MOST_ITEMS
from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.daemons import (
    Daemon,
    by_name,
    daemons,
    each_once,
)
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._discover.rights import files_of, written_by
from ansible_collections.relocate.django.plugins.module_utils._discover.server_args import listens_of
from ansible_collections.relocate.django.plugins.module_utils._discover.shell import Words, absolute, parse

_UNITS = ("runit.service", "svscan.service", "daemontools.service")
_WATCHED = ("/etc/service", "/service", "/var/service", "/etc/runit/runsvdir/default")
_KEPT = "/etc/sv"
#: Programs that change what a command runs as, and their options that take a value.
_WRAPPERS = {
    "chpst": "-u -U -e -/ -C -n -l -L -m -d -o -p -f -c -t -r",
    "setuidgid": "",
    "s6-setuidgid": "",
    "envdir": "",
    "s6-envdir": "",
    "softlimit": "-a -c -d -f -l -m -o -p -r -s -t",
    "s6-softlimit": "-a -c -d -f -l -m -o -p -r -s -t",
    "setsid": "",
    "nice": "-n",
    "env": "-u",
}


@dataclass
class _Run:
    """Keeps what wrappers say of a command."""

    words: Words
    user: str = ""
    group: str = ""
    env_directories: List[str] = field(default_factory=list)
    environment: Dict[str, str] = field(default_factory=dict)


def read(starters: Sequence[Starter], files: ConfigFiles) -> List[Starter]:
    """Return every service that is watched, or kept to be so."""
    found: List[Starter] = []
    seen = set()
    for top, daemon in _places(starters):
        own = files_of(daemon.starter, files)
        for name in own.names(top)[:MOST_ITEMS]:
            path = os.path.join(top, name, "run")
            real = os.path.realpath(path)
            if real not in seen and own.text(path) is not None:
                seen.add(real)
                found.append(_service(name, os.path.join(top, name), daemon, own, top != _KEPT))
    return each_once(found)


def _places(starters: Sequence[Starter]) -> List[Tuple[str, Daemon]]:
    """Return the directories that are watched, and who watches them; then the one of services that may be."""
    places = []
    for daemon in daemons(starters, "runsvdir", "svscan", "s6-svscan"):
        places += [(word, daemon) for word in daemon.arguments if word.startswith("/")]
    usual = by_name(starters, *_UNITS)
    places += [(top, usual) for top in (*_WATCHED, _KEPT)]
    return sorted(places, key=lambda place: bool(place[1].starter.by))  # who comes second finds it taken


def _service(name: str, directory: str, daemon: Daemon, files: ConfigFiles, watched: bool) -> Starter:
    path = os.path.join(directory, "run")
    by = files.writer(path)
    files = written_by(by, files)
    script = parse(files.text(path) or "", directory)
    runs = [unwrapped(words) for words in script.commands] or [_Run(())]
    commands = [absolute(run.words, script.directory) for run in runs]
    variables = _variables(runs[-1], script.directory, files)
    values = {os.path.basename(item): value for item, value in variables.items()}
    environment = {**script.environment, **runs[-1].environment, **values}
    made = Starter(
        kind="runit",
        name=name,
        commands=tuple(filter(None, commands)),
        directory="" if script.directory == directory else script.directory,
        user=runs[-1].user,
        group=runs[-1].group,
        files=(*files.chain(directory)[:-1], *files.chains([path, *variables])),
        environment=environment,
        listens=listens_of(commands, environment, script.directory),
        by=by,
    )
    owned = daemon.owns(made, watched and not files.exists(os.path.join(directory, "down")))
    state = files.text(os.path.join(directory, "supervise", "stat")) or ""
    return replace(owned, runs=state.startswith("run")) if state else owned


def _variables(run: _Run, directory: str, files: ConfigFiles) -> Dict[str, str]:
    """Return the first lines of files that are a variable each."""
    tops = [os.path.normpath(os.path.join(directory, top)) for top in run.env_directories]
    paths = [path for top in tops for path in files.expand(top + "/*")][:MOST_ITEMS]
    texts = {path: files.text(path) for path in paths}
    return {path: text.partition("\n")[0] for path, text in texts.items() if text is not None}


def unwrapped(words: Words) -> _Run:
    """Return the command within ``chpst -u shop:www -e ./env gunicorn ...``, and what that says of it."""
    run = _Run(words)
    while run.words and os.path.basename(run.words[0]) in _WRAPPERS:
        name, rest = os.path.basename(run.words[0]), list(run.words[1:])
        while rest and (rest[0].startswith("-") or (name == "env" and "=" in rest[0])):
            rest = _option(run, name, rest)
        run.words = tuple(_argument(run, name, rest))
    return run


def _argument(run: _Run, name: str, words: List[str]) -> List[str]:
    """Take what a wrapper needs before the command: a user, or a directory of variables."""
    if name.endswith("setuidgid"):
        _take_user(run, "".join(words[:1]))
    elif name.endswith("envdir"):
        run.env_directories += words[:1]
    else:
        return words
    return words[1:]


def _option(run: _Run, name: str, words: List[str]) -> List[str]:
    """Take one option, and its value, in the next word or in its own."""
    option, value, rest = words[0][:2], words[0][2:], words[1:]
    if not option.startswith("-"):
        key, _sep, given = words[0].partition("=")
        run.environment[key] = given
        return rest
    if option not in _WRAPPERS[name].split():
        return rest
    if not value and rest:
        value, rest = rest[0], rest[1:]
    if name == "chpst" and option == "-u":
        _take_user(run, value)
    elif name == "chpst" and option == "-e":
        run.env_directories.append(value)
    return rest


def _take_user(run: _Run, value: str) -> None:
    user, _sep, groups = value.lstrip(":").partition(":")
    run.user, run.group = user, groups.partition(":")[0]
