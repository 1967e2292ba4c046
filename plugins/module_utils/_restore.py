# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore, verify, swap: a dump becomes the live database only after everything in it was found equal to the manifest.

All databases of a site are loaded and proven before the first is swapped; a swap that fails takes back those before it.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils import _host, _media
from ansible_collections.relocate.django.plugins.module_utils._backup_set import (
    DATABASES,
    BackupSet,
    DatabaseEntry,
    Manifest,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING, PREVIOUS, Engine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import (
    DatabaseState,
    Difference,
    compare_states,
    sequences_behind,
)
from ansible_collections.relocate.django.plugins.module_utils._secrets import make_directory
from ansible_collections.relocate.django.plugins.module_utils._site import Site

#: The record's key that says which set each live database came from.
RESTORED = "restored"
#: In the place of that set's digest: a swap was begun, and nobody noted its end.
BEGUN = "begun"


@dataclass(frozen=True)
class Step:
    """What restore will do with one alias."""

    alias: str
    entry: DatabaseEntry
    done: bool  # live already came from this very set


def refuse_old_host(manifest: Manifest, engines: Mapping[str, Engine], allow_same_host: bool) -> None:
    """Destructive steps run only where old's databases are not. Raises same_host."""
    if manifest.host["machine_id"] == _host.machine_id() and not allow_same_host:
        raise RelocateError(
            "same_host",
            "refusing: this is the OLD host, {0}".format(manifest.host["name"]),
            "correct the inventory; allow_same_host restores in place on purpose",
        )
    for alias, engine in engines.items():
        entry = manifest.databases.get(alias)
        if entry is None or allow_same_host:
            continue
        facts = engine.describe()
        same_server = facts.system_id and facts.system_id == entry.facts.system_id
        if same_server and engine.config.name == entry.config["name"]:
            raise RelocateError(
                "same_host",
                "refusing: database {0} is the OLD one, on the same server".format(alias),
                "give the new site another database (relocate_env_overrides), or leave the alias out",
            )


def plan(site: Site, manifest: Manifest, digest: str, record: Mapping[str, Any], replace_live: bool) -> List[Step]:
    """What is to be done per alias. Raises unknown_alias, unsupported_engine, target_not_blank before any write."""
    restored = record.get(RESTORED, {})
    steps = []
    for alias, engine in site.engines.items():
        entry = manifest.databases.get(alias)
        if entry is None:
            raise RelocateError(
                "unknown_alias",
                "the backup set holds no database {0}".format(alias),
                "it holds: {0}".format(", ".join(sorted(manifest.databases))),
            )
        if entry.facts.engine != engine.name:
            raise RelocateError(
                "unsupported_engine",
                "database {0} was {1} on old and is {2} on new".format(alias, entry.facts.engine, engine.name),
                "use the same engine in the settings of new",
            )
        live = engine.describe()
        # An empty one, where the set holds tables, is another database than the one that was restored.
        done = live.exists and restored.get(alias) == digest and (live.tables > 0 or not entry.state.tables)
        if live.tables and not done and alias not in restored and not replace_live:
            raise RelocateError(
                "target_not_blank",
                "database {0}: target holds {1} tables".format(alias, live.tables),
                "empty it, or set replace to keep it aside as previous",
            )
        steps.append(Step(alias, entry, done))
    return steps


def load_and_prove(
    engine: Engine, backup: BackupSet, entry: DatabaseEntry
) -> Tuple[DatabaseState, List[Dict[str, Any]]]:
    """Load one dump into incoming and compare it. Raises data_differs with every difference; incoming is gone then."""
    relative = entry.dump.path[len(DATABASES) + 1 :]
    backup.file(relative)  # refuses what leads out
    step = engine.context.stopwatch.step
    with step("load"):
        engine.load(backup.file(DATABASES), replace(entry.dump, path=relative), entry.facts)
    with step("count"):
        state = state_of(engine, INCOMING, entry.state.method)
    differences = compare_states(entry.state, state)
    if differences:
        engine.drop(INCOMING)
        raise differs(engine.config.alias, differences)
    return state, table_rows(entry.state, state)


def restore_media(site: Site, backup: BackupSet, manifest: Manifest, check_mode: bool) -> bool:
    """Bring MEDIA_ROOT back from the set, unless it holds the same already; returns whether anything was to be done."""
    stored, root = str(manifest.media.get("stored") or ""), str(site.facts["django"].get("media_root") or "")
    if not stored or not root:
        return False
    if os.path.isdir(root) and _media.inventory(root)["digest"] == manifest.media["digest"]:
        return False
    if not check_mode:
        if not os.path.isdir(root):  # one that is there may be a group's to write
            make_directory(root, 0o755, site.project.owner)
        with open(backup.file(stored), "rb") as stream:
            compression = "zstd" if stored.endswith(".zst") else "none"
            _media.extract(stream, root, site.project.owner, manifest.media["archived"]["bytes"], compression)
    return True


def state_of(engine: Engine, which: str, method: str, fingerprints: bool = True) -> DatabaseState:
    """Count a database by the method that the manifest recorded."""
    engine.method = method
    with engine.snapshot(which) as snapshot:
        return snapshot.state(fingerprints=fingerprints)


def differs(alias: str, differences: Sequence[Difference]) -> RelocateError:
    """The error that names what differs: the first ten in the text, all in the details."""
    shown = "; ".join(str(item) for item in differences[:10])
    return RelocateError(
        "data_differs",
        "database {0} differs from the backup set: {1}{2}".format(
            alias, shown, "; ..." if len(differences) > 10 else ""
        ),
        "the set is untouched: find out who changed the data, then run again",
        {"differences": [str(item) for item in differences]},
    )


def table_rows(recorded: DatabaseState, found: DatabaseState) -> List[Dict[str, Any]]:
    """Table by table, old and new, for the report."""
    after = {table.name: table for table in found.tables}
    return [
        {
            "table": table.name,
            "old": table.rows,
            "new": after[table.name].rows if table.name in after else None,
            "fingerprint": bool(table.fingerprint)
            and table.name in after
            and after[table.name].fingerprint == table.fingerprint,
        }
        for table in recorded.tables
    ]


def swap_all(engines: Sequence[Engine]) -> None:
    """Swap every incoming in, or none: those already swapped are taken back when one fails."""
    _swap(engines, INCOMING, PREVIOUS)


def _swap(engines: Sequence[Engine], chosen: str, aside: str) -> None:
    swapped: List[Engine] = []
    try:
        for engine in engines:
            engine.swap(chosen, aside)
            swapped.append(engine)
    except BaseException as exc:
        stuck = []
        for engine in reversed(swapped):
            try:
                engine.swap(aside, chosen)
            except Exception:
                stuck.append(engine.config.alias)
        if stuck:
            raise RelocateError(
                "swap_failed",
                "{0}; these databases are swapped and could not be taken back: {1}".format(
                    exc if isinstance(exc, RelocateError) else type(exc).__name__, ", ".join(stuck)
                ),
                "run restore with state rolled_back and aliases set to them",
            ) from exc
        raise


@contextlib.contextmanager
def incoming_dropped_on_failure(engines: Sequence[Engine]) -> Iterator[None]:
    """Leave no half-made incoming database behind."""
    try:
        yield
    except BaseException:
        for engine in engines:
            with contextlib.suppress(Exception):
                engine.drop(INCOMING)
        raise


def drop_blank_previous(engine: Engine) -> bool:
    """Drop what the swap put aside when it held nothing; a database with content is kept for the way back."""
    if not engine.exists(PREVIOUS):
        return False
    with engine.snapshot(PREVIOUS) as snapshot:
        blank = not snapshot.state(fingerprints=False).tables
    return engine.drop(PREVIOUS) if blank else False


def roll_back(engines: Sequence[Engine]) -> List[str]:
    """Put every previous database back, or none. What was live is dropped."""
    require_previous(engines)
    _swap(engines, PREVIOUS, INCOMING)
    for engine in engines:
        engine.drop(INCOMING)
    return [engine.config.alias for engine in engines]


def require_previous(engines: Sequence[Engine]) -> None:
    """Raises no_previous naming every database that has none to go back to."""
    missing = [engine.config.alias for engine in engines if not engine.exists(PREVIOUS)]
    if missing:
        raise RelocateError(
            "no_previous",
            "there is no previous database of: {0}".format(", ".join(missing)),
            "restore an older backup set instead",
        )


def check_sequences(alias: str, state: DatabaseState) -> Optional[RelocateError]:
    """The error for sequences behind their tables, or None."""
    behind = sequences_behind(state)
    if not behind:
        return None
    return RelocateError(
        "sequence_behind",
        "; ".join(
            "database {0}: sequence {1} is at {2}, table {3} holds {4}".format(
                alias, item.name, item.last_value, item.table, item.column_max
            )
            for item in behind
        ),
        "run sqlsequencereset for these tables on old, then run again",
    )
