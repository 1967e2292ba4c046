# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Loads a backup set's dumps, and proves that what was loaded is equal to the manifest.

All databases of a site are loaded and proven before the first is swapped; a swap that fails takes back those before it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.base import (
    INCOMING,
    Engine,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.compare import advanced, sequences_behind
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures.load import load_fixture
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState, Difference, Fixture
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import DATABASES, DatabaseEntry, Manifest
from ansible_collections.relocate.django.plugins.module_utils._site import Site
from ansible_collections.relocate.django.plugins.module_utils._steps import origin
from ansible_collections.relocate.django.plugins.module_utils._steps.proof import differs, state_of, table_rows
from ansible_collections.relocate.django.plugins.module_utils._steps.swap import Target


@dataclass(frozen=True)
class Step(Target):
    """The action that restore will take for one alias."""

    entry: DatabaseEntry
    done: bool  # live already came from this very set


def check_aliases(manifest: Manifest, engines: Mapping[str, Engine], chosen: Sequence[str]) -> None:
    """Refuse to pass over a database of the set. Raises unknown_alias naming all that new's settings lack or merge.

    :param chosen: the aliases that the user asked for; none means all
    """
    lacking = sorted(set(manifest.databases) - set(engines))
    if chosen:
        lacking = [alias for alias in lacking if alias in chosen]
    if lacking:
        raise RelocateError(
            "unknown_alias",
            "the backup set holds databases that the settings of new lack, or merge with another one: {0}".format(
                ", ".join(lacking)
            ),
            "give new the settings that name them (relocate_files, relocate_env_overrides),"
            " or list only the others in relocate_aliases",
        )


def plan(
    site: Site,
    manifest: Manifest,
    digest: str,
    record: Record,
    replace_live: bool,
    chosen: Sequence[str] = (),
    swaps: bool = True,
) -> List[Step]:
    """Plan what to do for each alias.

    :param swaps: whether live databases will be put aside; a rehearsal leaves them alone
    Raises unknown_alias, unsupported_engine, target_not_blank, previous_exists before any write.
    """
    entries = {alias: _entry_for(engine, manifest) for alias, engine in site.engines.items()}
    check_aliases(manifest, site.engines, chosen)
    steps = []
    for alias, entry in entries.items():
        engine = site.engines[alias]
        live, came_from = engine.describe(), origin.origin(engine, record)
        # An empty one, where the set holds tables, is another database than the one that was restored.
        done = live.exists and came_from == digest and (live.tables > 0 or not entry.state.tables)
        if swaps and not done:
            origin.displaced_name(engine, live, came_from, record, replace_live)
        steps.append(Step(alias, came_from, entry.facts.engine != engine.name, entry, done))
    return steps


def _entry_for(engine: Engine, manifest: Manifest) -> DatabaseEntry:
    alias = engine.config.alias
    entry = manifest.databases.get(alias)
    if entry is None:
        raise RelocateError(
            "unknown_alias",
            "the backup set holds no database {0}".format(alias),
            "it holds: {0}".format(", ".join(sorted(manifest.databases))),
        )
    if entry.facts.engine != engine.name:
        _fixture_of(engine, entry)
    return entry


#: What was proven to be in incoming, and its tables for the report.
Loaded = Tuple[DatabaseState, List[Dict[str, Any]]]


def expected(recorded: DatabaseState, advance: bool) -> DatabaseState:
    """Return the state that a database loaded from a set must have.

    :param advance: whether sequences that old left behind their columns are advanced on new
    """
    return advanced(recorded) if advance else recorded


def load_and_prove(engine: Engine, backup: BackupSet, entry: DatabaseEntry, wanted: DatabaseState) -> Loaded:
    """Load one dump into incoming and compare it. Raises data_differs with every difference; incoming is gone then.

    :param wanted: what must be in it: as recorded, but for sequences that are to be advanced
    """
    relative = entry.dump.path[len(DATABASES) + 1 :]
    backup.file(relative)  # refuses what leads out
    step = engine.context.stopwatch.step
    with step("load"):
        engine.load(backup.file(DATABASES), replace(entry.dump, path=relative), entry.facts)
    if wanted != entry.state:
        engine.context.notes.extend(
            "database {0}: sequence {1} was at {2}, and table {3} holds {4}: it is advanced to {4}".format(
                engine.config.alias, item.name, item.last_value, item.table, item.column_max
            )
            for item in engine.advance_sequences(sequences_behind(entry.state))
        )
    with step("count"):
        state = state_of(engine, INCOMING, entry.state.method)
    differences = engine.differences(wanted, state)
    if differences:
        engine.drop(INCOMING)
        raise differs(engine.config.alias, differences)
    return state, table_rows(entry.state, state)


def _fixture_of(engine: Engine, entry: DatabaseEntry) -> Fixture:
    """The form of a database that another engine takes. Raises unsupported_engine when the set holds none."""
    if entry.fixture is None:
        raise RelocateError(
            "unsupported_engine",
            "database {0} was {1} on old and is {2} on new, and the set holds no fixture of it".format(
                engine.config.alias, entry.facts.engine, engine.name
            ),
            "use the same engine in the settings of new, or back up with fixtures (relocate_fixtures)",
        )
    return entry.fixture


def convert_and_prove(site: Site, engine: Engine, backup: BackupSet, entry: DatabaseEntry) -> Loaded:
    """Load the set's fixture into incoming, of whatever engine, and compare every model with the manifest.

    Raises data_differs, and what :func:`load_fixture` raises; incoming is gone then.
    """
    fixture = _fixture_of(engine, entry)
    if fixture.left_out:
        names = ", ".join("{0} {1}".format(item["what"], item["name"]) for item in fixture.left_out)
        engine.context.notes.append(
            "database {0} was {1} and is {2}: not carried over: {3}".format(
                engine.config.alias, entry.facts.engine, engine.name, names
            )
        )
    loaded = load_fixture(site, engine, backup.file(fixture.path))
    counts = loaded["counts"]
    differences = [
        Difference("model", label, str(fixture.models.get(label)), str(counts.get(label)))
        for label in sorted(set(fixture.models) | set(counts))
        if fixture.models.get(label) != counts.get(label)
    ]
    if differences:
        engine.drop(INCOMING)
        raise differs(engine.config.alias, differences)
    with engine.context.stopwatch.step("count"):
        state = state_of(engine, INCOMING, "")
    return state, [
        {"table": label, "old": item["objects"], "new": item["objects"], "fingerprint": True}
        for label, item in sorted(counts.items())
    ]
