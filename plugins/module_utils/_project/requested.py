# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks the project's code for pages, in its own interpreter as its owner, by running ``venv_requests``."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterable, List, Mapping, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import Command, run
from ansible_collections.relocate.django.plugins.module_utils._project import (
    answers,
    inside,
    replies,
    venv_requests,
    venv_still,
)
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore

#: In the order in which they import each other; the last one's main is run.
PARTS = (*answers.PARTS, venv_still, venv_requests)
_MOST = 200  # lines that are kept: the project may write some of its own
_LONGEST = 1000  # characters of a text
_FILE = "requests.py"
_PLACE = "place"


@dataclass(frozen=True)
class Database:
    """The database that an alias is read from meanwhile."""

    engine: str
    name: str


@dataclass(frozen=True)
class Page:
    """One request: a path of a host, and what is expected; status 0 for anything but a failure.

    A host of "" is the name that the site is usually asked by.
    """

    path: str
    host: str
    scheme: str = "http"
    status: int = 0
    contains: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    title: str = ""  # of old's answer; "" when that is not known
    by_old: bool = False  # what is expected is what old answered


@dataclass(frozen=True)
class Limits:
    """Holds how long requests may take, in seconds, and the ports of databases that they may use."""

    each: float = 5.0
    all: float = 30.0
    ports: Tuple[int, ...] = ()


@dataclass
class Asked:
    """Holds what came back. ``failed`` says why nothing was asked; ``whole`` is False when time ran out."""

    pages: List[Dict[str, Any]] = field(default_factory=list)
    failed: str = ""
    whole: bool = False
    notes: List[str] = field(default_factory=list)


def ask(
    project: Project,
    secrets: SecretStore,
    databases: Mapping[str, Database],
    pages: Sequence[Page],
    limits: Limits,
) -> Asked:
    """Put the application through these requests, and those for the pages that each site has.

    :param secrets: the run's entered store: the program lies in it, and its temporary files
    :param databases: by alias; the others are not read

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
        "questions": [dict(vars(page), headers=dict(page.headers)) for page in pages],
        "ports": list(limits.ports),
        "seconds": limits.each,
        "place": os.path.join(secrets.path, _PLACE),
    }
    command = Command(
        [project.interpreter, path], project.owner, project.environment(), project.directory, umask=0o077, family=True
    )
    stdin = (json.dumps(request, ensure_ascii=True) + "\n").encode("ascii")  # headers may hold a password

    def keep(line: str) -> None:
        if line.startswith(marker) and len(lines) < _MOST:
            lines.append(line)

    try:
        run(command, stdin, timeout=limits.all, on_line=keep)
    except RelocateError as error:
        if error.code != "timed_out":
            raise
    return read(project, marker, lines)


def read(project: Project, marker: str, lines: Iterable[str]) -> Asked:
    """Read what the program told, line by line; secrets of the project are taken out. Raises probe_failed."""
    asked = Asked()
    for line in lines:
        if not line.startswith(marker):
            continue
        try:
            told = replies.checked(replies.unpacked(line[len(marker) :].encode("ascii", "replace")), replies.REQUESTED)
        except ValueError as exc:
            raise inside.strange(project, exc) from None
        _add(asked, told, sorted(set(told["secrets"]) | set(project.env_secrets())))
    if not asked.pages and not asked.whole and not asked.failed:
        asked.failed = "it gave no answer"
    return asked


def _add(asked: Asked, told: Mapping[str, Any], secrets: Sequence[str]) -> None:
    def clean(text: str) -> str:
        return inside.scrubbed(text[: 4 * _LONGEST], secrets)[:_LONGEST]

    if told.get("failed"):
        asked.failed = clean((told["failed"]["lines"] or ["it gave no reason"])[-1])
    elif told.get("ended"):
        asked.whole, asked.notes = True, [clean(note) for note in told.get("notes") or ()]
    elif told.get("page"):
        asked.pages.append(_cleaned(told["page"], clean))


def _cleaned(page: Mapping[str, Any], clean: Callable[[str], str]) -> Dict[str, Any]:
    texts = {key: clean(page[key]) for key in ("path", "host", "title", "location", "refusal", "old_title")}
    error = page["error"]
    if error:
        error = dict(error, lines=[clean(text) for text in error["lines"]])
    return {**page, **texts, "refused": [clean(text) for text in page["refused"]], "error": error}
