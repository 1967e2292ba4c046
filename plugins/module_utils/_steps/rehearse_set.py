# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rehearsal of a set needs beside that of a move: room for the copies, and a judgement of their migrations."""

from __future__ import annotations

import os
from typing import Dict, List, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.base import Engine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import facts
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle
from ansible_collections.relocate.django.plugins.module_utils._project.migrations import Tried
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Manifest
from ansible_collections.relocate.django.plugins.module_utils._site import Site
from ansible_collections.relocate.django.plugins.module_utils._steps.needs import missing_space
from ansible_collections.relocate.django.plugins.module_utils._steps.same_server import place_here

_HINT = "fix the migration; the site's own databases were left alone"
_ERRORS_OF_DATABASES = ("ProgrammingError:", "OperationalError:")


def refuse(site: Site, manifest: Manifest, record: Record) -> None:
    """Refuse before anything is written. Raises locked, disk_full.

    What a move has copied lies where the copies of a rehearsal would.
    """
    if record.copied:
        raise RelocateError(
            "locked",
            "a move has copied the databases to this host already, to where those of a rehearsal would lie",
            "end that move, or run it again; then rehearse",
        )
    for found in missing_room(site.engines, manifest):
        raise RelocateError(found.code, found.msg, "free space there, or rehearse on another host")


def missing_room(engines: Dict[str, Engine], manifest: Manifest) -> List[Obstacle]:
    """Return an obstacle for each file system of this host that has no room for its copies."""
    needed: Dict[int, Tuple[str, int]] = {}
    for alias, engine in engines.items():
        entry, path = manifest.databases.get(alias), _directory_of(engine)
        if entry is not None and path:
            device = os.stat(path).st_dev
            _path, others = needed.get(device, (path, 0))
            needed[device] = path, others + entry.facts.size_bytes
    return [found for path, size in needed.values() for found in missing_space(path, size, "the copy of the databases")]


def _directory_of(engine: Engine) -> str:
    """Return where a database lies on this host; "" when that is another one, or not known."""
    place = place_here(engine, facts.machine_id())
    if engine.name == "sqlite":
        path = os.path.dirname(os.path.realpath(engine.config.name))
    elif place.local:
        path = str(place.signs.get("data_directory") or "")
    else:
        path = ""
    return path if path and os.path.isdir(path) else ""


def judge_migrations(tried: Tried, parked: Sequence[str], limit: float) -> Tuple[List[Obstacle], List[str]]:
    """Sort what became of the copies into obstacles and notes.

    :param parked: databases that get their views at the swap only, so a migration may miss them
    """
    what = "migration {0} of database {1}".format(tried.at, tried.alias) if tried.at else "migrate"
    if tried.late:
        text = "{0} did not end within {1:.0f} s on a copy".format(what, limit)
        return [Obstacle("timed_out", text, _HINT)], []
    if tried.whole:
        return [], []
    last = (tried.failed or ["it gave no answer"])[-1]
    if tried.refusal:
        return [], ["{0} could not be judged: it wants to {1}, which a rehearsal does not let it".format(
            what, tried.refusal)]  # fmt: skip
    if tried.alias in parked and last.startswith(_ERRORS_OF_DATABASES):
        return [], ["{0} could not be judged: the database gets its views at the swap only: {1}".format(what, last)]
    lines = "\n      ".join(tried.failed)
    return [Obstacle("migration_failed", "{0} fails on a copy: {1}\n      {2}".format(what, last, lines), _HINT)], []
