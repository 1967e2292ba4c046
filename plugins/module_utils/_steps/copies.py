# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""First copies of databases, made while the site serves, and their catch-ups, made once it is frozen.

Wherever a catch-up cannot be made or applied, the whole way is taken, and a note says why. What is proven is the same
on both ways: all of incoming is compared with all of what old held when it was frozen.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import replace
from typing import Any, Callable, Dict, Mapping, Optional, Protocol, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.base import Engine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts, DatabaseState, DumpFile
from ansible_collections.relocate.django.plugins.module_utils._set import first_copy
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import DATABASES, DatabaseEntry, Manifest
from ansible_collections.relocate.django.plugins.module_utils._site import Site
from ansible_collections.relocate.django.plugins.module_utils._steps import streams
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

#: A first copy's entry in the manifest, and what a catch-up on it starts from.
Copy = Tuple[DatabaseEntry, Mapping[str, Any]]
_NONE = "no first copy was made: "
NEVER, AUTO, ALWAYS = "never", "auto", "always"
#: What is compared in the downtime: all that tables hold, or that of tables which changed since the first copy.
FULL, CHANGED = "full", "changed"
#: With AUTO smaller databases go the whole way, which takes them a second or two: bytes, all of them together.
_WORTH = 100 * 1000 * 1000


def entry(
    site: Site,
    engine: Engine,
    facts: DatabaseFacts,
    dump: DumpFile,
    state: DatabaseState,
    catch_up: str = "",
    changes: str = "",
) -> DatabaseEntry:
    """The manifest's entry of one database.

    :param dump: its path is relative to the set, as those of catch-up and stream are
    """
    applied = tuple(site.facts["migrations"]["aliases"].get(engine.config.alias, {}).get("applied", ()))
    return DatabaseEntry(engine.config.public(), dump, facts, state, applied, None, catch_up, changes)


class Asked(streams.Asked, Protocol):
    """Says of a first copy what the options of a backup do."""

    @property
    def first_copy(self) -> str:
        """Say when one is made: NEVER, AUTO, ALWAYS."""

    @property
    def fixtures(self) -> bool:
        """Tell whether fixtures are written, which only a whole dump's snapshot gives."""


def prepare(
    site: Site, backup: BackupSet, asked: Asked, composed: Callable[[Mapping[str, DatabaseEntry]], Manifest]
) -> Dict[str, Any]:
    """Dump the databases while the site serves, where that is asked for and of use.

    :param composed: makes a manifest
    :returns: ``first_copy``, its digest or "", and ``notes``, which say why there is none
    """
    why = _why_not(site, asked) if asked.first_copy != NEVER else ""
    if asked.first_copy == NEVER or why:
        # Whoever leaves it to us need not be told.
        return {"first_copy": "", "notes": [_NONE + why] if asked.first_copy == ALWAYS else []}
    try:
        entries, bases = make(site, backup, asked)
    except RelocateError as exc:
        discard(site, backup)
        if exc.code != "cannot_catch_up":
            raise
        return {"first_copy": "", "notes": [_NONE + exc.msg]}
    return {"first_copy": first_copy.write(backup, composed(entries), bases), "notes": site.notes}


def _why_not(site: Site, asked: Asked) -> str:
    """Say why there is nothing to gain by a first copy, or ""."""
    unable = sorted(alias for alias, engine in site.engines.items() if not engine.catches_up)
    if asked.fixtures or unable:
        return "fixtures are written" if asked.fixtures else "for {0} none is known".format(", ".join(unable))
    small = asked.first_copy == AUTO and sum(one.describe().size_bytes for one in site.engines.values()) < _WORTH
    return "the databases are small" if small else ""


def make(site: Site, backup: BackupSet, asked: streams.Asked) -> Tuple[Dict[str, DatabaseEntry], Dict[str, Any]]:
    """Dump every database while the site serves; returns the manifest's entries, and what catch-ups start from.

    Raises cannot_catch_up where one of them needs the whole way anyhow, and what the engines raise.
    """
    entries, bases = {}, {}
    for alias, engine in site.engines.items():
        facts = engine.describe()
        with contextlib.ExitStack() as stack:
            snapshot, changes = streams.opened(stack, engine, backup, asked)
            with site.stopwatch.step("dump"):
                dump = snapshot.dump(backup.file(DATABASES))
            with site.stopwatch.step("count"):
                state = snapshot.state()
                bases[alias] = snapshot.starting_point(state)
        moved = replace(dump, path=DATABASES + "/" + dump.path)
        entries[alias] = entry(site, engine, facts, moved, state, changes=changes)
    return entries, bases


def discard(site: Site, backup: BackupSet) -> None:
    """Remove the dumps of a first copy, and end its streams."""
    streams.discard(backup)
    with acting_as(site.project.owner):
        names = os.listdir(backup.file(DATABASES))
    for name in names:
        _remove(site, backup, DATABASES + "/" + name)


def _remove(site: Site, backup: BackupSet, relative: str) -> None:
    """Remove a dump: a directory, or a file."""
    path = backup.file(relative)
    with acting_as(site.project.owner):
        shutil.rmtree(path, ignore_errors=True)
        with contextlib.suppress(OSError):  # gone; what stays makes the next dump say so
            os.unlink(path)


def forget(site: Site, backup: BackupSet, copy: Optional[Copy]) -> None:
    """Remove the dump of a first copy, if there is one, since another one takes its place."""
    if copy is not None:
        if copy[0].changes:
            streams.discard(backup, copy[0].changes)
        _remove(site, backup, copy[0].dump.path)


def of(backup: BackupSet) -> Dict[str, Copy]:
    """The databases of a set's first copy, by alias; none without one."""
    bases = first_copy.bases(backup)
    if not bases:
        return {}
    return {
        alias: (found, bases[alias]) for alias, found in first_copy.read(backup).databases.items() if alias in bases
    }


def catch_up(
    site: Site, engine: Engine, backup: BackupSet, copy: Optional[Copy], proof: str = FULL
) -> Optional[DatabaseEntry]:
    """Write what changed since the first copy; None where there is none, or only a whole dump tells all.

    The dump of the first copy is removed then, since another one takes its place.

    :param proof: with CHANGED, tables to which nothing was written keep the fingerprints of the first copy
    """
    if copy is None:
        return None
    copied, noted = copy
    with site.stopwatch.step("catch-up"):
        base, changes = streams.finished(engine, backup, copied, noted)
    try:
        facts = engine.describe()
        with engine.snapshot() as snapshot:
            snapshot.expect(base, copied.state if proof == CHANGED else None)
            with site.stopwatch.step("count"):
                state = snapshot.state()
            with site.stopwatch.step("catch-up"):
                path = snapshot.catch_up(backup.file(DATABASES), base, copied.state, state)
    except RelocateError as exc:
        if exc.code != "cannot_catch_up":
            raise
        site.notes.append(whole(engine, exc.msg))
        forget(site, backup, copy)
        return None
    return entry(site, engine, facts, copied.dump, state, DATABASES + "/" + path, changes)


def whole(engine: Engine, why: str) -> str:
    """The sentence that says why the whole way was taken."""
    return "database {0}: all of it was carried once more in the downtime: {1}".format(engine.config.alias, why)
