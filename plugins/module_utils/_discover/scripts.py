# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks into the scripts that starters run: ``gunicorn_start`` and its like name the project, not the unit."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import Dict, Iterator, List, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._discover.rights import files_of
from ansible_collections.relocate.django.plugins.module_utils._discover.server_args import listens_of
from ansible_collections.relocate.django.plugins.module_utils._discover.shell import (
    Script,
    Words,
    absolute,
    is_script,
    parse,
    unwrapped,
)

#: Programs of packages; scripts of sites lie elsewhere.
_OF_SYSTEM = ("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/lib/", "/usr/lib/", "/usr/share/", "/dev/", "/proc/")
_OWN_PLACE = re.compile(
    r'\$\(\s*dirname\s+(?:--\s+)?"?(?:\$0|\$\{0\}|\$BASH_SOURCE|\$\{BASH_SOURCE(?:\[0\])?\})"?\s*\)'
    r"|\$\{0%/\*\}|\$\{BASH_SOURCE%/\*\}"
)
_LOOKED_AT = 8  # words of a command among which a script may be, behind sudo, flock and others
_MOST_SCRIPTS = 20  # that one starter runs, and scripts that these run
_MOST_COMMANDS = 200


def followed(starter: Starter, files: ConfigFiles) -> Starter:
    """Return a starter with the commands of its scripts added to its own, where a shell runs them."""
    if starter.packaged or not starter.commands:
        return starter
    files = files_of(starter, files)
    commands: List[Words] = list(starter.commands)
    environment: Dict[str, str] = dict(starter.environment)
    directory, paths = starter.directory, []
    for path, script in _scripts(starter.commands, starter.directory, environment, files, set()):
        paths.append(path)
        commands += script.commands
        environment.update(script.environment)
        directory = directory or script.directory
    if not paths:
        return starter
    listens = listens_of(commands[len(starter.commands) :], environment, directory)
    return replace(
        starter,
        commands=tuple(dict.fromkeys(commands[:_MOST_COMMANDS])),
        directory=directory,
        environment=environment,
        files=tuple(dict.fromkeys((*starter.files, *files.chains(paths)))),
        listens=tuple(dict.fromkeys((*starter.listens, *listens))),
    )


def _scripts(
    commands: Tuple[Words, ...], directory: str, environment: Dict[str, str], files: ConfigFiles, seen: Set[str]
) -> Iterator[Tuple[str, Script]]:
    """Give the scripts that some commands run, and those that these run, each once."""
    for path in _paths(commands, directory, environment):
        if path in seen or len(seen) >= _MOST_SCRIPTS:
            continue
        seen.add(path)
        text = files.text(path) or ""
        if is_script(text):
            place = os.path.dirname(path).replace("\\", r"\\")
            script = parse(_OWN_PLACE.sub(place, text), directory, environment)
            yield path, script
            yield from _scripts(tuple(script.commands), script.directory, environment, files, seen)


def _paths(commands: Tuple[Words, ...], directory: str, environment: Dict[str, str]) -> Iterator[str]:
    """Give what among the words of commands may be a script of a site's."""
    for command in commands[:_MOST_COMMANDS]:
        inner = unwrapped(command, directory, environment)
        for words in inner.commands:
            for word in absolute(words, inner.directory)[:_LOOKED_AT]:
                if word.startswith("/") and not word.startswith(_OF_SYSTEM):
                    yield word
