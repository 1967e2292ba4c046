# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dumps and counts the databases of a backup set, each out of one snapshot, and with its fixture when asked for."""

from __future__ import annotations

import concurrent.futures
import contextlib
import time
from dataclasses import replace
from typing import Dict, Iterator, Optional, Sequence, Tuple
from urllib.parse import quote

from ansible_collections.relocate.django.plugins.module_utils._engines.base import Engine, OnSnapshot, Snapshot
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures.dump import ParallelFixture, parallel_fixture
from ansible_collections.relocate.django.plugins.module_utils._host.files import make_directory
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts, DatabaseState, DumpFile
from ansible_collections.relocate.django.plugins.module_utils._progress import PROGRESS
from ansible_collections.relocate.django.plugins.module_utils._set.directory import FIXTURES, BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import DATABASES, DatabaseEntry
from ansible_collections.relocate.django.plugins.module_utils._site import Site, never_migrated
from ansible_collections.relocate.django.plugins.module_utils._steps import copies

#: Seconds for the sessions of a frozen site to go away by themselves.
_PATIENCE = 10.0


def dump_all(
    site: Site,
    backup: BackupSet,
    frozen: bool,
    fixtures: bool = False,
    excluded_models: Sequence[str] = (),
    proof: str = copies.FULL,
) -> Tuple[Dict[str, DatabaseEntry], Dict[str, str]]:
    """Dump and count every database, each out of one snapshot; returns the manifest's entries, and change tokens.

    The tokens of a frozen site's databases are read before their snapshots, so a later write changes them.

    :param frozen: the site has been stopped: sessions that remain are waited for, then refused
    :param fixtures: whether each is written as a fixture too, out of the same snapshot
    :param excluded_models: models that fixtures leave out on purpose
    :param proof: as :func:`copies.catch_up` takes it
    Raises sessions_remain, and what the engines raise.
    """
    entries, tokens = {}, {}
    copied = copies.of(backup)
    for alias, engine in site.engines.items():
        if frozen:
            await_sessions(engine)
            tokens[alias] = engine.change_token()
        wanted = fixtures and not _has_no_models(site, alias)
        with _parallel_fixture(site, engine, backup, wanted, excluded_models) as parallel:
            copy = copied.get(alias)
            if parallel or not frozen:
                copies.forget(site, backup, copy)
                copy = None
            found = copies.catch_up(site, engine, backup, copy, proof)
            entry = found or dump_one(site, engine, backup, frozen, parallel.begin if parallel else None)
            entries[alias] = replace(entry, fixture=parallel.finish()) if parallel else entry
    return entries, tokens


def _has_no_models(site: Site, alias: str) -> bool:
    """Tell whether a database is data of another program, of which the code's models can make no fixture; notes it."""
    if not never_migrated(site, alias):
        return False
    site.notes.append("database {0} has never been migrated: the set holds its dump, and no fixture".format(alias))
    return True


@contextlib.contextmanager
def _parallel_fixture(
    site: Site, engine: Engine, backup: BackupSet, wanted: bool, excluded_models: Sequence[str]
) -> Iterator[Optional[ParallelFixture]]:
    if not wanted:
        yield None
        return
    name = "{0}/{1}.jsonl{2}".format(
        FIXTURES, quote(engine.config.alias, safe=""), ".zst" if engine.context.compression == "zstd" else ""
    )
    make_directory(backup.file(FIXTURES), 0o700)
    with parallel_fixture(site, engine, backup.file(name), name, excluded_models) as parallel:
        yield parallel


def await_sessions(engine: Engine) -> None:
    """Wait until nobody else uses the database. Raises sessions_remain: somebody could still write."""
    deadline = time.monotonic() + _PATIENCE
    while engine.sessions():
        if time.monotonic() > deadline:
            raise RelocateError(
                "sessions_remain",
                "{0} sessions still use database {1}".format(engine.sessions(), engine.config.alias),
                "add every unit that writes to relocate_services",
            )
        time.sleep(0.05)


def dump_one(
    site: Site, engine: Engine, backup: BackupSet, frozen: bool, on_snapshot: Optional[OnSnapshot] = None
) -> DatabaseEntry:
    """Dump and count one database; returns the manifest's entry. Raises what the engine raises."""
    facts, step = engine.describe(), site.stopwatch.step

    def dump_it(snapshot: Snapshot) -> DumpFile:
        with step("dump"):
            PROGRESS.say(engine.config.alias)
            return snapshot.dump(backup.file(DATABASES), on_snapshot)

    def count_it(snapshot: Snapshot) -> DatabaseState:
        with step("count"):
            PROGRESS.say(engine.config.alias)
            return snapshot.state(fingerprints=True)

    if engine.is_file:
        with engine.snapshot() as snapshot:
            return _entry(site, engine, facts, dump_it(snapshot), count_it(snapshot))
    with engine.snapshot() as snapshot, concurrent.futures.ThreadPoolExecutor(1) as pool:
        # Side by side when nobody writes: the dump waits for its programs, the counts for the server. Sequences obey
        # no snapshot, so while somebody writes the dump comes first and the state tells what is in it.
        pending: "concurrent.futures.Future[DumpFile]" = pool.submit(dump_it, snapshot)
        if not frozen:
            pending.result()
        try:
            state = count_it(snapshot)
        finally:
            dump = pending.result()
    return _entry(site, engine, facts, dump, state)


def _entry(site: Site, engine: Engine, facts: DatabaseFacts, dump: DumpFile, state: DatabaseState) -> DatabaseEntry:
    return copies.entry(site, engine, facts, replace(dump, path=DATABASES + "/" + dump.path), state)
