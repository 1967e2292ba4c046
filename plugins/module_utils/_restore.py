# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore, verify, swap: a dump becomes the live database only after everything in it was found equal to the manifest.

All databases of a site are loaded and proven before the first is swapped; a swap that fails takes back those before it.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils import _restored
from ansible_collections.relocate.django.plugins.module_utils._backup_set import (
    DATABASES,
    BackupSet,
    DatabaseEntry,
    Manifest,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.base import (
    DISCARDED,
    INCOMING,
    LIVE,
    PREVIOUS,
    Engine,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures.load import load_fixture
from ansible_collections.relocate.django.plugins.module_utils._model import (
    DatabaseState,
    Difference,
    Fixture,
    advanced,
    sequences_behind,
)
from ansible_collections.relocate.django.plugins.module_utils._site import Site


@dataclass(frozen=True)
class Target:
    """A database that a proven incoming one takes the place of."""

    alias: str
    came_from: str  # the digest of the set that live came from, or "" for any other database
    converts: bool  # incoming came out of a fixture, so that no set tells its state


@dataclass(frozen=True)
class Step(Target):
    """What restore will do with one alias."""

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
            " or leave them out on purpose by naming the others in relocate_aliases",
        )


def plan(
    site: Site,
    manifest: Manifest,
    digest: str,
    record: Mapping[str, Any],
    replace_live: bool,
    chosen: Sequence[str] = (),
    swaps: bool = True,
) -> List[Step]:
    """What is to be done per alias.

    :param swaps: whether live databases will be put aside; a rehearsal leaves them alone
    Raises unknown_alias, unsupported_engine, target_not_blank, previous_exists before any write.
    """
    entries = {alias: _entry_for(engine, manifest) for alias, engine in site.engines.items()}
    check_aliases(manifest, site.engines, chosen)
    steps = []
    for alias, entry in entries.items():
        engine = site.engines[alias]
        live, came_from = engine.describe(), _restored.origin(engine, record)
        # An empty one, where the set holds tables, is another database than the one that was restored.
        done = live.exists and came_from == digest and (live.tables > 0 or not entry.state.tables)
        if swaps and not done:
            _restored.aside_for(engine, live, came_from, record, replace_live)
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
    """What must be in a database that was loaded from a set.

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
        "nothing was made live. Run again; when the same differs again, it is what this server makes of the definition "
        "or the rows that are named",
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


@dataclass(frozen=True)
class Swap:
    """One database of a swap: the one that becomes live, and what the live one becomes."""

    engine: Engine
    aside: str
    chosen: str = INCOMING

    def make(self) -> None:
        """Swap. Raises what the engine raises."""
        self.engine.swap(self.chosen, self.aside)

    def take_back(self) -> None:
        """Undo it, if it was made."""
        if self.engine.exists(self.aside) and not self.engine.exists(self.chosen):
            self.engine.swap(self.aside, self.chosen)


def prepare_swap(swap: Swap) -> None:
    """See that the swap can be told from no swap, and be taken back: a live one is there, and none that is put aside.

    Raises swap_failed.
    """
    engine = swap.engine
    engine.drop(DISCARDED)
    drop_blank(engine, swap.aside)
    if engine.exists(swap.aside):
        raise RelocateError(
            "swap_failed",
            "database {0}: there is a {1} one already".format(engine.config.alias, swap.aside),
            "look at it, then run again",
        )
    if not engine.exists(LIVE):
        engine.create_blank()


def swap_all(swaps: Sequence[Swap]) -> None:
    """Make every swap, or none: those made are taken back when one fails. Each must have been prepared."""
    tried: List[Swap] = []
    try:
        for swap in swaps:
            tried.append(swap)
            swap.make()
    except BaseException as exc:
        stuck = []
        for swap in reversed(tried):
            try:
                swap.take_back()
            except Exception:
                stuck.append(swap.engine.config.alias)
        if stuck:
            raise RelocateError(
                "swap_failed",
                "{0}; these databases may be swapped and could not be taken back: {1}".format(
                    exc if isinstance(exc, RelocateError) else type(exc).__name__, ", ".join(stuck)
                ),
                "run again: it finds out which database is which",
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


def drop_blank(engine: Engine, which: str) -> bool:
    """Drop what a swap put aside when it held nothing; a database with content is kept for the way back."""
    return engine.drop(which) if engine.exists(which) and _restored.is_blank(engine, which) else False


def clear_up(swaps: Sequence[Swap]) -> List[str]:
    """Drop what the swaps put aside and nobody needs; returns what could not be dropped, which is no failure."""
    left = []
    for swap in swaps:
        try:
            if swap.aside == DISCARDED:
                swap.engine.drop(DISCARDED)
            drop_blank(swap.engine, PREVIOUS)  # whoever put it there: nobody goes back to nothing
        except RelocateError as exc:
            left.append(
                "database {0}: the {1} one could not be dropped: {2}".format(
                    swap.engine.config.alias, swap.aside, exc.msg
                )
            )
    return left


def leftovers(engine: Engine) -> List[Swap]:
    """What a run that died between its swap and its end did not clear up any more: discarded, and a blank previous."""
    found = [Swap(engine, DISCARDED)] if engine.exists(DISCARDED) else []
    if engine.exists(PREVIOUS) and not _restored.holds_something(engine, PREVIOUS):
        found.append(Swap(engine, PREVIOUS))
    return found


def to_roll_back(engines: Sequence[Engine], record: Mapping[str, Any]) -> List[Engine]:
    """The databases whose previous ones are to be put back: all, but for those that a killed run did put back.

    Raises no_previous.
    """
    begun = record.get(_restored.ROLLING, ())
    todo = [
        engine
        for engine in engines
        if engine.exists(PREVIOUS) or engine.config.alias not in begun or not engine.exists(DISCARDED)
    ]
    require_previous(todo)
    return todo


def roll_back(engines: Sequence[Engine], todo: Sequence[Engine], swapped: Callable[[], None]) -> List[str]:
    """Put every previous database back, or none. What was live is dropped; returns what could not be.

    :param todo: what :func:`to_roll_back` said
    :param swapped: is called once all of them are back
    """
    swaps = [Swap(engine, DISCARDED, PREVIOUS) for engine in todo]
    for swap in swaps:
        prepare_swap(swap)
    swap_all(swaps)
    swapped()
    return clear_up([Swap(engine, DISCARDED) for engine in engines])


def make_live(
    site: Site,
    todo: Sequence[Target],
    states: Mapping[str, DatabaseState],
    digest: str,
    record: _restored.Record,
    replace_live: bool,
) -> List[str]:
    """Swap every incoming in, or none, so that the next run can tell what a kill at any moment left.

    :param states: what was proven to be in each incoming
    :returns: what could not be cleared up afterwards
    Raises as :func:`_restored.aside_for` and swap_failed.
    """
    swaps, begun = [], dict(record.data.get(_restored.BEGUN, {}))
    for step in todo:
        engine = site.engines[step.alias]
        # Asked again: since the plan was made, somebody may have written.
        aside = _restored.aside_for(engine, engine.describe(), step.came_from, record.data, replace_live)
        begun[step.alias] = _restored.begun_entry(
            digest, aside, states[step.alias], _restored.place_of(engine), step.converts
        )
        swaps.append(Swap(engine, aside))
    for swap in swaps:
        prepare_swap(swap)
    record.note({_restored.BEGUN: begun})
    with site.stopwatch.step("swap"):
        swap_all(swaps)
    record.note(_restored.made_live(record.data, {step.alias: digest for step in todo}))
    with site.stopwatch.step("clear up"):
        return clear_up(swaps)


def require_previous(engines: Sequence[Engine]) -> None:
    """Raises no_previous naming every database that has none to go back to; a blank one is none."""
    missing = [
        engine.config.alias
        for engine in engines
        if not engine.exists(PREVIOUS) or not _restored.holds_something(engine, PREVIOUS)
    ]
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
        "run sqlsequencereset for these tables on old, then run again; or set relocate_sequences: advance (sequences:"
        " advance), to have them advanced on new",
    )
