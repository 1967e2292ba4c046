# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a site's lines of cron out of the tables of old, and says which of them a move cannot carry, and why."""

from __future__ import annotations

import os
from typing import Dict, List, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover import cron
from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._discover.places import Place
from ansible_collections.relocate.django.plugins.module_utils._discover.sites import FoundSite
from ansible_collections.relocate.django.plugins.module_utils._model import CronLine, CronTable
from ansible_collections.relocate.django.plugins.module_utils._services import crontab
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user

#: The value of relocate_cron by which the lines go along.
CARRY = "carry"
_ROOT = "root"


def of_site(site: Optional[FoundSite], files: ConfigFiles, cron_option: str) -> List[CronTable]:
    """Return the tables whose lines go along; none when nothing serves the project, or they are to stay."""
    return of_place(site.place, files)[0] if site is not None and cron_option == CARRY else []


def of_place(place: Place, files: ConfigFiles) -> Tuple[List[CronTable], List[str]]:
    """Return the tables with their lines that run the project, and in words each that cannot go along."""
    tables: Dict[str, List[CronLine]] = {}
    refused: List[str] = []
    known = _users(place)
    for item in place.pointing:
        if item.kind == "cron":
            name, line, why = _line(item, known, files)
            if line is None:
                refused.append("{0} ({1})".format(item.name, why))
            else:
                tables.setdefault(name, []).append(line)
    return [CronTable(name, tuple(lines)) for name, lines in tables.items()], refused


def _users(place: Place) -> Set[str]:
    """Return whose crontabs are the site's: root's, the owner's, and those of the users that its units run as.

    Somebody of the same name on new may be another person, who would then run what this one wrote.
    """
    return {_ROOT, place.owner, *(item.user for item in place.starters if not item.by)} - {""}


def _line(item: Starter, known: Set[str], files: ConfigFiles) -> Tuple[str, Optional[CronLine], str]:
    """Return the table and the line, or why there is none."""
    path, owner, line = cron.line_of(item, files)
    if line is None:
        return path, None, "a script: make it a line of /etc/cron.d"
    user = owner or line.user or _ROOT
    why = _why_not_of_user(owner, known) if owner else _why_not_of_system(path, files)
    why = why or _why_not_of_line(user, line.text)
    return owner or path, None if why else CronLine(user, line.text, line.assignments), why


def _why_not_of_user(owner: str, known: Set[str]) -> str:
    return "" if owner in known else "{0} neither owns the project nor is a user of its units".format(owner)


def _why_not_of_line(user: str, text: str) -> str:
    if lookup_user(user) is None:
        return "there is no user {0}".format(user)
    return "it holds NUL" if "\0" in text else ""


def _why_not_of_system(path: str, files: ConfigFiles) -> str:
    if not crontab.SYSTEM_TABLE.match(path):
        return "not every cron reads a table of that name"
    if os.path.islink(path):
        return "a link: put the file itself there"
    writer = files.writer(path)
    return "{0} can write it".format(writer) if writer else ""


def users_of(tables: Sequence[CronTable]) -> Tuple[str, ...]:
    """Return whom the lines run as."""
    return tuple(sorted({line.user for table in tables for line in table.lines}))
