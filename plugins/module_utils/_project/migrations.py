# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Has the project's code migrate copies of its databases, as its owner, by running ``venv_migrations``."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any, Callable, List, Mapping, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import Command, run
from ansible_collections.relocate.django.plugins.module_utils._progress import PROGRESS
from ansible_collections.relocate.django.plugins.module_utils._project import (
    inside,
    replies,
    requested,
    venv_migrations,
)
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project
from ansible_collections.relocate.django.plugins.module_utils._project.requested import Database
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore

#: In the order in which they import each other; the last one's main is run.
PARTS = (*requested.PARTS, venv_migrations)
_FILE, _PLACE = "migrations.py", "migrating"
_MOST = 10000  # lines that are kept
_LONGEST = 1000  # characters of a text


@dataclass(frozen=True)
class Applied:
    """A migration of one database, and the seconds that it took."""

    alias: str
    name: str  # app.name
    seconds: float


@dataclass
class Tried:
    """Tells what became of the copies. ``failed`` is the error's last lines; ``at`` the migration that was at work."""

    applied: List[Applied] = field(default_factory=list)
    failed: List[str] = field(default_factory=list)
    at: str = ""
    alias: str = ""
    refusal: str = ""  # what a rehearsal does not let a migration do, which it failed for
    late: bool = False  # the time was over
    whole: bool = False
    notes: List[str] = field(default_factory=list)


def migrate_copies(
    project: Project, secrets: SecretStore, databases: Mapping[str, Database], ports: Sequence[int], limit: float
) -> Tried:
    """Apply what is not applied to these databases.

    :param secrets: the run's entered store: the program lies in it, and its temporary files
    :param databases: by alias; the project reaches no others meanwhile
    :param ports: of database servers
    :param limit: seconds for all

    Raises RelocateError: probe_failed for lines of another form, program_missing, right_missing.
    """
    marker = inside.new_marker()
    lines: List[str] = []
    path = secrets.write(_FILE, inside.program(PARTS).decode("ascii"))
    request = {
        "marker": marker,
        "manage": project.manage_path,
        "settings": project.settings,
        "databases": {alias: vars(found) for alias, found in databases.items()},
        "aliases": list(databases),
        "writes": [found.name for found in databases.values() if found.engine == "sqlite"],
        "ports": list(ports),
        "place": os.path.join(secrets.path, _PLACE),
    }
    command = Command(
        [project.interpreter, path], project.owner, project.environment(), project.directory, umask=0o077, family=True
    )

    def keep(line: str) -> None:
        if line.startswith(marker) and len(lines) < _MOST:
            lines.append(line)
            PROGRESS.say("migrating")

    late = False
    try:
        run(command, (json.dumps(request, ensure_ascii=True) + "\n").encode("ascii"), timeout=limit, on_line=keep)
    except RelocateError as error:
        if error.code != "timed_out":
            raise
        late = True
    found = read(project, marker, lines)
    found.late = late
    return found


def read(project: Project, marker: str, lines: Sequence[str]) -> Tried:
    """Read what the program told; secrets of the project are taken out. Raises probe_failed."""
    tried = Tried()
    for line in lines:
        try:
            told = replies.checked(replies.unpacked(line[len(marker) :].encode("ascii", "replace")), replies.MIGRATED)
        except ValueError as exc:
            raise inside.strange(project, exc) from None
        _add(tried, told, sorted(set(told["secrets"]) | set(project.env_secrets())))
    return tried


def _add(tried: Tried, told: Mapping[str, Any], secrets: Sequence[str]) -> None:
    def clean(text: str) -> str:
        return inside.scrubbed(text[: 4 * _LONGEST], secrets)[:_LONGEST]

    for kind, add in (("begun", _begun), ("broken", _broken), ("applied", _applied)):
        if told.get(kind):
            add(tried, told[kind], clean)
    if told.get("ended"):
        tried.whole, tried.notes = True, [clean(note) for note in told.get("notes") or ()]


def _begun(tried: Tried, told: Mapping[str, Any], clean: Callable[[str], str]) -> None:
    tried.at, tried.alias = clean(told["name"]), clean(told["alias"])


def _broken(tried: Tried, told: Mapping[str, Any], clean: Callable[[str], str]) -> None:
    _begun(tried, told, clean)
    tried.failed = [clean(text) for text in (told["failed"]["lines"] or ["it gave no reason"])[-6:]]
    tried.refusal = clean(told["refusal"])


def _applied(tried: Tried, told: Mapping[str, Any], clean: Callable[[str], str]) -> None:
    tried.applied.append(Applied(clean(told["alias"]), clean(told["name"]), told["seconds"]))
    tried.at = tried.alias = ""
