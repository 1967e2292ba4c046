# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines of cron: of the system's tables and of users', and the scripts of ``/etc/cron.daily`` and its kin."""

from __future__ import annotations

import itertools
import os
import re
import stat
from dataclasses import dataclass, field, replace
from typing import Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.budget import MOST_ITEMS, MOST_OF_COMMAND
from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._discover.rights import find_user
from ansible_collections.relocate.django.plugins.module_utils._discover.server_args import listens_of
from ansible_collections.relocate.django.plugins.module_utils._discover.shell import parse
from ansible_collections.relocate.django.plugins.module_utils._discover.texts import is_number

_TABLE = "/etc/crontab"
_MORE_TABLES = "/etc/cron.d"
_SPOOLS = ("/var/spool/cron/crontabs", "/var/spool/cron/tabs", "/var/spool/cron")
_ANACRON = "/etc/anacrontab"
_SCRIPTS = tuple("/etc/cron." + period for period in ("hourly", "daily", "weekly", "monthly", "yearly"))
_UNITS = frozenset(("cron.service", "crond.service", "cronie.service", "cron.target"))

_ASSIGNMENT = re.compile(r"""\s*(?:"([^"]+)"|'([^']+)'|([^\s=*@]+))\s*=\s*(.*)""")
_SCHEDULE = re.compile(r"\s*-?(?:@[a-z_]+|\S+\s+\S+\s+\S+\s+\S+\s+\S+)\s+(?P<rest>\S.*)")
_ANACRON_LINE = re.compile(r"\s*(?:@[a-z]+|\d+)\s+\d+\s+\S+\s+(?P<rest>\S.*)")
_USER = re.compile(r"(\S+)\s+(\S.*)")
#: Names that Debian's cron and run-parts take; others leave out what package managers and editors put aside.
_DEBIAN_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")
_ASIDE = re.compile(r"^[.#]|(?:~|,|\.rpm(?:save|orig|new)|\.swp|\.cfsaved)\Z")


@dataclass(frozen=True)
class Line:
    """One line of a table that runs something."""

    number: int
    user: str
    at_boot: bool
    command: str = field(repr=False)  # until its input, which follows a percent sign
    environment: Mapping[str, str] = field(repr=False)
    text: str = field(repr=False)  # as it stands there
    assignments: Tuple[str, ...] = field(repr=False)  # the lines above it that set its environment, as they stand there


def lines(text: str, with_user: bool, pattern: "re.Pattern[str]" = _SCHEDULE) -> Iterator[Line]:
    """Give the lines of a table that run something.

    :param with_user: each line names its user, as those of the system do
    """
    environment: Mapping[str, str] = {}  # the lines share it: it is not changed, but another one made
    assignments: Mapping[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):  # as cron does: other line breaks are part of a command
        if line.lstrip().startswith("#"):
            continue
        assigned = _ASSIGNMENT.match(line)
        match = pattern.match(line)
        if assigned:
            name = next(filter(None, assigned.groups()[:3]), "")
            if name in environment or len(environment) < MOST_ITEMS:
                environment = {**environment, name: _unquoted(assigned.group(4).strip())}
                assignments = {**assignments, name: line}
        elif match:
            user, command = _split_user(match.group("rest")) if with_user else ("", match.group("rest"))
            if command:
                at_boot, above = line.lstrip().startswith("@reboot"), tuple(assignments.values())
                yield Line(number, user, at_boot, _command(command), environment, line, above)


def _split_user(text: str) -> Tuple[str, str]:
    match = _USER.match(text)
    return (match.group(1).partition(":")[0], match.group(2)) if match else ("", "")


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def _command(text: str) -> str:
    """Return a command without its input: the first percent sign that is not escaped begins it."""
    pieces = re.split(r"(?<!\\)%", text, maxsplit=1)
    return pieces[0][:MOST_OF_COMMAND].replace("\\%", "%").strip()


def read(starters: Sequence[Starter], files: ConfigFiles) -> List[Starter]:
    """Return every line and script that cron runs.

    :param starters: the units, which tell whether cron runs
    """
    debian = files.exists("/etc/debian_version")
    found = _anacron(files)
    for path in [_TABLE, *_below([_MORE_TABLES], files, debian)]:
        found += _table(path, files)
    for path in _below(_SPOOLS, files, False):
        found += _table(path, files, os.path.basename(path))
    for path in _below(_SCRIPTS, files, debian):
        found += _script(path, files)
    runs = not starters or any(one.name in _UNITS and one.runs for one in starters)
    return [replace(one, runs=runs) for one in found]


def line_of(starter: Starter, files: ConfigFiles) -> Tuple[str, str, Optional[Line]]:
    """Return where a starter of cron stands: the table's path, whose crontab it is, and the line.

    The user is "" for tables of the system; the line is None for a script.
    """
    path, _colon, number = starter.name.rpartition(":")
    if not is_number(number):
        return starter.name, "", None
    owner = os.path.basename(path) if os.path.dirname(path) in _SPOOLS else ""
    system = path == _TABLE or os.path.dirname(path) == _MORE_TABLES
    found = lines(files.text(path) or "", system, _ANACRON_LINE if path == _ANACRON else _SCHEDULE)
    return path, owner, next((line for line in found if line.number == int(number)), None)


def _script(path: str, files: ConfigFiles) -> List[Starter]:
    made = Starter("cron", path, commands=((path,),), user="root", files=files.chain(path), by=files.writer(path))
    return [made] if _may_run(path) else []


def _below(tops: Sequence[str], files: ConfigFiles, debian: bool) -> List[str]:
    paths = [(os.path.join(top, name), name) for top in tops for name in files.names(top)]
    return [path for path, name in paths if not _ASIDE.search(name) and (not debian or _DEBIAN_NAME.match(name))]


def _may_run(path: str) -> bool:
    """Tell whether a script is executable, as run-parts asks."""
    try:
        status = os.stat(path)
    except OSError:
        return True
    return stat.S_ISREG(status.st_mode) and bool(status.st_mode & 0o111)


def _table(path: str, files: ConfigFiles, owner: str = "") -> List[Starter]:
    """Return the lines of a table; of a user's, when it is named by him. Cron passes over those of no user."""
    text = files.text(path)
    if text is None or (owner and find_user(owner) is None):
        return []
    entry = find_user(owner)
    by = owner if entry is not None and entry.uid != 0 else files.writer(path)
    return [
        replace(_starter(line, path, owner or line.user, files), by=by)
        for line in itertools.islice(lines(text, not owner), MOST_ITEMS)
    ]


def _anacron(files: ConfigFiles) -> List[Starter]:
    text = files.text(_ANACRON) or ""
    by = files.writer(_ANACRON)
    return [replace(_starter(line, _ANACRON, "root", files), by=by) for line in lines(text, False, _ANACRON_LINE)]


def _starter(line: Line, path: str, user: str, files: ConfigFiles) -> Starter:
    home = _home(user, line.environment)
    script = parse(line.command, home, line.environment)
    commands = tuple(script.commands) or ((line.command,),)
    environment = {**line.environment, **script.environment}
    return Starter(
        kind="cron",
        name="{0}:{1}".format(path, line.number),
        commands=commands,
        directory=script.directory if script.directory != home else "",
        user=user,
        files=files.chain(path),
        environment=environment,
        listens=listens_of(commands, environment, script.directory),
        at_boot=line.at_boot,
    )


def _home(user: str, environment: Mapping[str, str]) -> str:
    """Return where cron runs the commands of a user."""
    entry = find_user(user)
    home = environment.get("HOME", "") or (entry.home if entry is not None else "")
    return home if home.startswith("/") else ""
