# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fills incoming and proves it: on a first copy that is there what changed since, else the whole dump."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, FrozenSet, List, NamedTuple, Optional, Sequence, Set

from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING, Engine
from ansible_collections.relocate.django.plugins.module_utils._engines.compare import fingerprinted, sequences_behind
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState
from ansible_collections.relocate.django.plugins.module_utils._progress import PROGRESS, ROWS
from ansible_collections.relocate.django.plugins.module_utils._record.record import RecordFile
from ansible_collections.relocate.django.plugins.module_utils._set import first_copy
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import DATABASES, DatabaseEntry
from ansible_collections.relocate.django.plugins.module_utils._site import Site
from ansible_collections.relocate.django.plugins.module_utils._steps import copies
from ansible_collections.relocate.django.plugins.module_utils._steps.proof import differs, state_of, table_rows


class Loaded(NamedTuple):
    """Tells what was proven to be in incoming."""

    state: DatabaseState
    tables: List[Dict[str, Any]]  # for the report
    unwritten: FrozenSet[str] = frozenset()  # tables whose content was not read again


def ready(backup: BackupSet, kept: RecordFile) -> Set[str]:
    """Return the aliases whose incoming is the first copy of this set, and forget that they are.

    Whatever happens to them next, a later run loads them anew.
    """
    digest = first_copy.digest(backup)
    found = {alias for alias, copied in kept.record.copied.items() if digest and copied == digest}
    if kept.record.copied:
        kept.write(replace(kept.record, copied={}))
    return found


def note(engines: Sequence[Engine], kept: RecordFile, digest: str) -> None:
    """Note which first copy incoming holds. Raises cannot_catch_up where nothing could be applied to it."""
    for engine in engines:
        engine.try_apply()
    kept.write(replace(kept.record, copied={engine.config.alias: digest for engine in engines}))


def drop(site: Site, kept: RecordFile, check_mode: bool) -> List[str]:
    """Drop the first copies that are in incoming; returns their aliases."""
    found = [alias for alias in kept.record.copied if alias in site.engines]
    if found and not check_mode:
        for alias in found:
            site.engines[alias].drop(INCOMING)
        kept.write(replace(kept.record, copied={}))
    return found


def caught_up(
    engine: Engine, backup: BackupSet, entry: DatabaseEntry, wanted: DatabaseState, proof: str
) -> Optional[Loaded]:
    """Apply a catch-up to the first copy that is in incoming, and prove it; None where the whole dump is to be loaded.

    A note says why then: nothing is known against the set, whose catch-up is tried again on what its dump holds.

    :param proof: with copies.CHANGED, the content of tables that it does not touch, which was compared when the first
        copy was loaded, is not read again
    """
    if not entry.catch_up or not engine.exists(INCOMING):
        return None
    try:
        with engine.context.stopwatch.step("catch-up"):
            if entry.changes:
                engine.replay(backup.content(entry.changes))
            touched = engine.apply(backup.content(entry.catch_up))
        left = frozenset(table.name for table in entry.state.tables if table.name not in touched)
        return _proven(engine, entry, wanted, engine.applies_bytes, left if proof == copies.CHANGED else frozenset())
    except RelocateError as exc:
        if exc.code not in ("cannot_catch_up", "data_differs"):
            raise
        engine.context.notes.append(copies.whole(engine, exc.msg))
        return None


def load_and_prove(engine: Engine, backup: BackupSet, entry: DatabaseEntry, wanted: DatabaseState) -> Loaded:
    """Load one dump into incoming, with its catch-up, and compare it. Incoming is gone when that fails.

    :param wanted: what must be in it: as recorded, but for sequences that are to be advanced
    Raises data_differs with every difference, and what the engine raises.
    """
    relative = entry.dump.path[len(DATABASES) + 1 :]
    backup.file(relative)  # refuses what leads out
    with engine.context.stopwatch.step("load"):
        PROGRESS.say(engine.config.alias)
        PROGRESS.expect(ROWS, sum(table.rows for table in entry.state.tables))
        engine.load(backup.content(DATABASES), replace(entry.dump, path=relative), entry.facts)
        if entry.catch_up:
            if entry.changes:
                engine.replay(backup.content(entry.changes))
            engine.apply(backup.content(entry.catch_up))
    return _proven(engine, entry, wanted, bool(entry.catch_up) and engine.applies_bytes)


def _proven(
    engine: Engine,
    entry: DatabaseEntry,
    wanted: DatabaseState,
    same_bytes: bool,
    unwritten: FrozenSet[str] = frozenset(),
) -> Loaded:
    """Compare incoming with what it must hold.

    :param same_bytes: whether it is known, by digest, to be the very file that was counted on old
    :param unwritten: tables of which only the rows are counted
    """
    if wanted != entry.state:
        engine.context.notes.extend(
            "database {0}: sequence {1} was at {2}, and table {3} holds {4}: it is advanced to {4}".format(
                engine.config.alias, item.name, item.last_value, item.table, item.column_max
            )
            for item in engine.advance_sequences(sequences_behind(entry.state))
        )
    with engine.context.stopwatch.step("count"):
        counted = state_of(engine, INCOMING, entry.state.method, not same_bytes, unwritten)
    known = {table.name: table.fingerprint for table in entry.state.tables if same_bytes or table.name in unwritten}
    state = fingerprinted(counted, known)
    if same_bytes:
        counted = state = replace(state, large_objects_fingerprint=entry.state.large_objects_fingerprint)
    differences = engine.differences(wanted, state)
    if differences:
        engine.drop(INCOMING)
        raise differs(engine.config.alias, differences)
    return Loaded(state, table_rows(entry.state, counted), frozenset() if same_bytes else unwritten)
