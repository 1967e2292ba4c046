# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The applications of uWSGI: one file for each, named by a unit's command, by Debian's scripts, or by an emperor."""

from __future__ import annotations

import os
import re
from typing import Dict, Iterator, List, Mapping, Sequence, Tuple

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
from ansible_collections.relocate.django.plugins.module_utils._discover.ini import Section, sections
from ansible_collections.relocate.django.plugins.module_utils._discover.rights import files_of, written_by
from ansible_collections.relocate.django.plugins.module_utils._discover.server_args import (
    UWSGI_OPTIONS,
    resolved,
    uwsgi_address,
)
from ansible_collections.relocate.django.plugins.module_utils._discover.shell import Words, split

_PROGRAMS = ("uwsgi", "uwsgi-core", "uwsgi_python3", "uwsgi_python39", "uwsgi_python311")
_SUFFIXES = (".ini", ".yaml", ".yml", ".json", ".xml")
_TYPES = tuple("--" + suffix[1:] for suffix in _SUFFIXES)
_EMPERORS = (
    ("/etc/uwsgi-emperor/emperor.ini", ("uwsgi-emperor.service",)),
    ("/etc/uwsgi/emperor.ini", ("uwsgi.service", "emperor.uwsgi.service", "uwsgi-emperor.service")),
    ("/etc/uwsgi.ini", ("uwsgi.service",)),
)
#: Debian's: where its script takes applications from, and what it gives to each.
_DEBIAN = "/etc/uwsgi/apps-enabled"
_DEBIAN_DEFAULTS = "/usr/share/uwsgi/conf/default.ini"
_DEBIAN_UNITS = ("uwsgi.service",)
_PLACEHOLDER = re.compile(r"%(?:\(([\w.-]+)\)|([a-zA-Z]))|\$\((\w+)\)")
#: Options that say where the project and its environment are: these become words of the command.
_TOLD = "chdir chdir2 module wsgi wsgi-file file mount home virtualenv venv pyhome pythonpath python-path pp".split()
_ATTACHED = ("attach-daemon", "attach-daemon2", "smart-attach-daemon", "legion-attach-daemon", "mule")
_DEPTH = 3  # of files that include others


def read(starters: Sequence[Starter], files: ConfigFiles) -> List[Starter]:
    """Return every application that a file defines."""
    found: List[Starter] = []
    named = set()
    for daemon in daemons(starters, *_PROGRAMS):
        own = files_of(daemon.starter, files)
        for path in map(daemon.path, _named(daemon)):
            if not daemon.starter.by:
                named.add(path)
            found += _of_file(path, daemon, own)
        found += _vassals(daemon.path(daemon.value("--emperor")), daemon, own)
    for path, units in _EMPERORS:
        if path not in named:
            found += _of_file(path, by_name(starters, *units), files)
    debian = by_name(starters, *_DEBIAN_UNITS)
    for path in _applications(_DEBIAN, files):
        if path not in named:
            own = written_by(files.writer(path), files)
            found.append(_application(path, debian, own, _debian_values(path, own)))
    return each_once(found)


def _named(daemon: Daemon) -> Iterator[str]:
    """Give the configuration files among the words of a command."""
    for at, word in enumerate(daemon.arguments):
        option, equals, value = word.partition("=")
        if option in _TYPES:
            yield value if equals else "".join(daemon.arguments[at + 1 : at + 2])
        elif word.endswith(_SUFFIXES) and not word.startswith("-"):
            yield word


def _of_file(path: str, daemon: Daemon, files: ConfigFiles) -> List[Starter]:
    """Return the application of a file, or, when it makes an emperor, those that this one rules."""
    path = path.partition(":")[0]
    if not path or files.text(path) is None:
        return []
    files = written_by(files.writer(path), files)
    options = _options(path, daemon.starter.environment, files)
    found: List[Starter] = []
    for top in options.values.get("emperor", []):
        found += _vassals(os.path.normpath(os.path.join(os.path.dirname(path), top)), daemon, files)
    return found if "emperor" in options.values else [_application(path, daemon, files, options)]


def _applications(top: str, files: ConfigFiles) -> List[str]:
    return [os.path.join(top, name) for name in files.names(top) if name.endswith(_SUFFIXES)][:MOST_ITEMS]


def _vassals(top: str, daemon: Daemon, files: ConfigFiles) -> List[Starter]:
    """Return the applications of an emperor: of a directory, or of a pattern."""
    if not top:
        return []
    paths = files.expand(top)[:MOST_ITEMS] if any(char in top for char in "*?[") else _applications(top, files)
    readers = [(path, written_by(files.writer(path), files)) for path in paths]
    return [
        _application(path, daemon, own, _options(path, daemon.starter.environment, own))
        for path, own in readers
        if own.text(path) is not None
    ]


def _options(path: str, environment: Mapping[str, str], files: ConfigFiles, depth: int = 0) -> Section:
    """Return the options of a file, and of those that it includes, without placeholders."""
    found = Section("uwsgi")
    for section in _read(path, files):
        for key, values in list(section.values.items())[:MOST_ITEMS]:
            for value in values[:MOST_ITEMS]:
                value = _plain(value, path, found, environment)
                found.add(key, value)
                if key in ("ini", "include", "inherit") and depth < _DEPTH:
                    other = os.path.normpath(os.path.join(os.path.dirname(path), value))
                    _merge(found, _options(other, environment, files, depth + 1))
    return found


def _merge(found: Section, other: Section) -> None:
    for key, values in other.values.items():
        for value in values:
            found.add(key, value)


def _read(path: str, files: ConfigFiles) -> List[Section]:
    text = files.text(path) or ""
    if path.endswith((".yaml", ".yml")):
        return [section for section in _yaml(text) if section.name == "uwsgi"]
    return [section for section in sections(text, "=", goes_on=False) if section.name == "uwsgi"]


def _yaml(text: str) -> Iterator[Section]:
    """Read YAML as uWSGI does by itself: sections at the margin, keys below them, ``- key: value`` too."""
    section = Section("")
    for line in text.splitlines():
        key, colon, value = line.strip().lstrip("- ").partition(":")
        if not colon or line.lstrip().startswith("#"):
            continue
        if not line[0].isspace():
            yield section
            section = Section(key)
        else:
            section.add(key.strip(), value.strip().strip("'\""))
    yield section


def _plain(value: str, path: str, before: Section, environment: Mapping[str, str]) -> str:
    """Replace ``%n``, ``%d`` and others, ``%(option)`` and ``$(VARIABLE)``; unknown ones stay."""
    name = os.path.basename(path)
    base, _sep, extension = name.rpartition(".")
    directory = os.path.dirname(path)
    letters = {"n": base, "N": name, "s": name, "e": extension, "d": directory + "/", "p": path, "P": path}
    letters["c"] = os.path.basename(directory)

    def known(match: "re.Match[str]") -> str:
        option, letter, variable = match.groups()
        if option is not None:
            return before.get(option.lower(), match.group(0))
        if variable is not None:
            return environment.get(variable, match.group(0))
        return letters.get(letter, match.group(0))

    return Budget(MOST_OF_COMMAND).substitute(_PLACEHOLDER, known, value)


def _application(path: str, daemon: Daemon, files: ConfigFiles, options: Section) -> Starter:
    made = Starter(
        kind="uwsgi",
        name=os.path.basename(path).rpartition(".")[0],
        commands=_commands(path, options),
        directory=options.get("chdir") or options.get("chdir2") or os.path.dirname(path),
        user=options.get("uid"),
        group=options.get("gid"),
        files=files.chain(path),
        environment=_environment(options.values.get("env", [])),
        listens=_listens(os.path.dirname(path), options),
        by=files.writer(path),
    )
    return daemon.owns(made)


def _all(options: Section, keys: Sequence[str]) -> List[Tuple[str, str]]:
    return [(key, value) for key in keys for value in options.values.get(key, [])]


def _commands(path: str, options: Section) -> Tuple[Words, ...]:
    """Return what a file is as a command line, and the programs that it attaches."""
    chosen = [word for key, value in _all(options, _TOLD) for word in ("--" + key, value)]
    attached = [split(value) for _key, value in _all(options, _ATTACHED)]
    return (("uwsgi", "--ini", path, *chosen), *filter(None, attached))


def _listens(directory: str, options: Section) -> Tuple[str, ...]:
    found = [resolved(uwsgi_address(value), directory) for _key, value in _all(options, UWSGI_OPTIONS)]
    return tuple(dict.fromkeys(item for item in found if item and "%" not in item))


def _environment(values: Sequence[str]) -> Dict[str, str]:
    pairs = [value.partition("=") for value in values]
    return {name.strip(): value for name, equals, value in pairs if equals}


def _debian_values(path: str, files: ConfigFiles) -> Section:
    """Return the options of an application with those that Debian's script gives to each one."""
    name = os.path.basename(path).rpartition(".")[0]
    own = _options(path, {}, files)
    known = Section("uwsgi", {"deb-confname": [name], "deb-confnamespace": ["app"]})
    for section in _read(_DEBIAN_DEFAULTS, files):
        for key, values in section.values.items():
            if key in UWSGI_OPTIONS or key not in own.values:
                for value in values:
                    own.add(key, _plain(value, path, known, {}))
    return own
