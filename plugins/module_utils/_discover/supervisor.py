# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs of supervisor, as supervisord reads its configuration."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Mapping, Sequence, Set, Tuple

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
from ansible_collections.relocate.django.plugins.module_utils._discover.server_args import bound, listens_of
from ansible_collections.relocate.django.plugins.module_utils._discover.shell import split

_UNITS = ("supervisor.service", "supervisord.service")
_USUAL = ("/etc/supervisord.conf", "/etc/supervisor/supervisord.conf")
_PROGRAM = re.compile(r"(program|fcgi-program|eventlistener):\s*(.+)")
_EXPANSION = re.compile(r"%(?:%|\((\w+)\)(0?[0-9]*)([sd]))")
_DIGITS = re.compile(r"[0-9]{1,6}\Z")
_MOST_PROCESSES = 64


@dataclass(frozen=True)
class _Main:
    """Keeps what holds for all programs of one supervisord."""

    daemon: Daemon
    writer: str
    user: str
    environment: Mapping[str, str] = field(repr=False)
    budget: Budget = field(default_factory=Budget)


def read(starters: Sequence[Starter], files: ConfigFiles) -> List[Starter]:
    """Return the programs of each supervisord that something starts, else of the usual configuration."""
    found: List[Starter] = []
    read_ones: Set[str] = set()
    for daemon in daemons(starters, "supervisord"):
        own = files_of(daemon.starter, files)
        path = next((path for path in _candidates(daemon) if own.text(path) is not None), "")
        programs = _programs(path, daemon, own)
        found += programs
        if not daemon.starter.by:
            read_ones.update(file for one in programs for file in one.files)
    for path in _USUAL:
        if not read_ones & set(files.chain(path)):
            found += _programs(path, by_name(starters, *_UNITS), files)
    return each_once(found)


def _candidates(daemon: Daemon) -> List[str]:
    named = daemon.value("-c", "--configuration")
    if named:
        return [daemon.path(named)]
    return [path for path in (daemon.path("supervisord.conf"), daemon.path("etc/supervisord.conf")) if path] + [*_USUAL]


def _programs(path: str, daemon: Daemon, files: ConfigFiles) -> List[Starter]:
    """Return the programs of one configuration, with the files that it includes."""
    text = files.text(path)
    if text is None:
        return []
    files = written_by(files.writer(path), files)
    found = _sections(path, text)
    base = {"here": os.path.dirname(path), **_variables(daemon.starter.environment)}
    for included in list(_included(found, path, base, files)):
        found += _sections(included, files.text(included) or "")
    main = _main(found, daemon, base, files)
    programs = [(_PROGRAM.match(section.name), section, where) for where, section in found]
    known = [(match, section, where) for match, section, where in programs if match]
    return [_program(match, section, where, main, files) for match, section, where in known[:MOST_ITEMS]]


def _main(found: Sequence[Tuple[str, Section]], daemon: Daemon, base: Mapping[str, str], files: ConfigFiles) -> _Main:
    writer = files.writer(found[0][0]) if found else ""
    # What a user adds to root's configuration says nothing of the others' programs.
    every = [item for where, item in found if item.name == "supervisord" and files.writer(where) == writer]
    environment: Dict[str, str] = {}
    for section in every:
        environment.update(assignments(expanded(section.get("environment"), base)))
    return _Main(daemon, writer, every[-1].get("user") if every else "", environment)


def _sections(path: str, text: str) -> List[Tuple[str, Section]]:
    return [(path, section) for section in sections(text, comments=True)]


def _included(
    found: Sequence[Tuple[str, Section]], path: str, base: Mapping[str, str], files: ConfigFiles
) -> Iterator[str]:
    for _path, section in found:
        if section.name == "include":
            for pattern in expanded(section.get("files"), base).split():
                yield from files.expand(os.path.normpath(os.path.join(os.path.dirname(path), pattern)))


def _variables(environment: Mapping[str, str]) -> Dict[str, str]:
    return {"ENV_" + name: value for name, value in environment.items()}


def _program(match: "re.Match[str]", section: Section, path: str, main: _Main, files: ConfigFiles) -> Starter:
    kind, name = match.groups()
    known = {
        "here": os.path.dirname(path),
        "program_name": name,
        "group_name": name,
        "numprocs": section.get("numprocs", "1"),
        **_variables({**main.daemon.starter.environment, **main.environment}),
    }
    numbers = _numbers(section, main.budget)
    environment = {
        **main.environment,
        **assignments(expanded(section.get("environment"), {**known, "process_num": str(numbers[0])})),
    }
    directory = expanded(section.get("directory"), known)
    commands: List[Tuple[str, ...]] = []
    listens: List[str] = []
    for number in numbers:
        numbered = {**known, "process_num": str(number)}
        command = split(expanded(section.get("command"), numbered))
        commands += [command] if command else []
        listens += listens_of([command], environment, directory)
        if kind == "fcgi-program":
            listens.append(bound(expanded(section.get("socket"), numbered)))
    made = Starter(
        kind="supervisor",
        name=name,
        commands=tuple(dict.fromkeys(commands)),
        directory=directory,
        user=section.get("user") or main.user,
        files=files.chain(path),
        environment=environment,
        listens=tuple(dict.fromkeys(item for item in listens if item)),
        by=main.writer or files.writer(path),
    )
    return main.daemon.owns(made, is_true(section.get("autostart", "true")))


def _numbers(section: Section, budget: Budget) -> range:
    """Return the numbers of a program's processes; of one alone, when they are all the same or too many."""
    start = _number(section.get("numprocs_start"), 0)
    wanted = max(1, min(_MOST_PROCESSES, _number(section.get("numprocs"), 1)))
    text = section.get("command") + section.get("socket")
    return range(start, start + (wanted if "process_num" in text and budget.allows(text * wanted) else 1))


def _number(text: str, otherwise: int) -> int:
    return int(text) if _DIGITS.match(text) else otherwise


def expanded(text: str, known: Mapping[str, str]) -> str:
    """Replace ``%(name)s`` and ``%(number)02d``; unknown ones stay."""

    def value(match: "re.Match[str]") -> str:
        name, width, kind = match.groups()
        if name is None:
            return "%"
        found = known.get(name)
        if found is None or (kind == "d" and not _DIGITS.match(found)):
            return match.group(0)
        return "%{0}d".format(width[:3]) % int(found) if kind == "d" and width else found

    return Budget(MOST_OF_COMMAND).substitute(_EXPANSION, value, text)


def assignments(text: str) -> Dict[str, str]:
    """Return the variables of ``KEY="value",OTHER=value``; what is no assignment is passed over."""
    lexer = shlex.shlex(text, posix=False)
    lexer.wordchars += "/.+-():"
    try:
        tokens = list(lexer)
    except ValueError:
        return {}
    found: Dict[str, str] = {}
    for at in range(0, len(tokens) - 2, 4):
        if tokens[at + 1] == "=":
            found[tokens[at]] = tokens[at + 2].strip("'\"")
    return found
