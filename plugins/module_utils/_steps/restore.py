# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores a backup set: plans without a write, then loads, proves and swaps.

All databases of a site are loaded and proven before the first is swapped; a swap that fails takes back those before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Callable, Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING, LIVE, Engine, default_jobs
from ansible_collections.relocate.django.plugins.module_utils._engines.compare import advanced
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures.load import load_fixture
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState, Difference, Fixture
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record, RecordFile
from ansible_collections.relocate.django.plugins.module_utils._services import checks
from ansible_collections.relocate.django.plugins.module_utils._set import first_copy, retention
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.held import held
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import DatabaseEntry, Manifest
from ansible_collections.relocate.django.plugins.module_utils._site import Site
from ansible_collections.relocate.django.plugins.module_utils._steps import (
    carry,
    copies,
    measured,
    on_copy,
    origin,
    restore_media,
    retain,
    same_server,
    streams,
)
from ansible_collections.relocate.django.plugins.module_utils._steps.chosen_set import SetOptions, Source
from ansible_collections.relocate.django.plugins.module_utils._steps.on_copy import Loaded, load_and_prove
from ansible_collections.relocate.django.plugins.module_utils._steps.proof import (
    check_sequences,
    differs,
    state_of,
)
from ansible_collections.relocate.django.plugins.module_utils._steps.swap import (
    Swap,
    Target,
    clear_up,
    incoming_dropped_on_failure,
    leftovers,
    make_live,
    roll_back,
    to_roll_back,
)


@dataclass(frozen=True)
class Options(SetOptions):
    """Holds the options of the module ``restore``."""

    state: str  # present, copied, rehearsed, rolled_back
    sequences: str  # keep, advance
    replace: bool  # a live database that must be kept may be put aside
    verified: bool  # every file was held against the manifest in this run
    media: bool  # MEDIA that the set stores is brought
    services_kept_running: Sequence[str]  # units that may run meanwhile
    allow_same_host: bool  # the machine may be old's
    allow_same_database: bool  # the databases may be old's
    jobs: Optional[int]  # at a time; None: by the processors of this host
    neighbours: bool = True  # what servers beside the site held is brought too
    proof: str = copies.FULL  # full, changed: what is compared once more after a catch-up on a first copy

    @property
    def present(self) -> bool:
        """Tell whether databases are to become live; a rehearsal leaves all as it is."""
        return self.state == "present"

    def source(self) -> Source:
        """See the base class. For a first copy: what it holds, by its own digest."""
        if self.state != "copied":
            return super().source()
        backup = BackupSet.prepared(self.directory, self.site, self.label or "")
        return Source(backup, first_copy.read(backup, self.manifest_sha256), first_copy.digest(backup))

    @property
    def takes_media(self) -> bool:
        """Tell whether MEDIA is part of what is restored."""
        return self.present and self.media


@dataclass(frozen=True)
class Step(Target):
    """The action that restore will take for one alias."""

    entry: DatabaseEntry
    done: bool  # live already came from this very set


@dataclass(frozen=True)
class Plan:
    """What a restore is going to do."""

    todo: Tuple[Step, ...]  # databases to be loaded
    ended: Tuple[str, ...]  # swapped by a run that died before it could note so: nobody migrated or verified since
    leftovers: Tuple[Swap, ...]  # what such a run did not clear up
    brings: bool  # MEDIA is brought out of the set
    settled: Record  # the record once what earlier runs began and did not end is told for what it is
    neighbours: Tuple[carry.Load, ...] = ()  # what servers beside the site are filled with

    @property
    def changes(self) -> bool:
        """Whether anything is to be done."""
        return any((self.todo, self.ended, self.leftovers, self.brings, self.neighbours))

    @property
    def restored(self) -> List[str]:
        """The databases that come from the set in this run."""
        return [step.alias for step in self.todo] + list(self.ended)


def decide(steps: Sequence[Step], present: bool, begun: Collection[str]) -> Tuple[Tuple[Step, ...], Tuple[str, ...]]:
    """Which databases are loaded, and which an earlier run swapped without noting it. A rehearsal loads all.

    :param begun: aliases of swaps whose end nobody noted
    """
    todo = tuple(step for step in steps if not step.done or not present)
    ended = tuple(step.alias for step in steps if step.done and present and step.alias in begun)
    return todo, ended


def plan(site: Site, options: Options, source: Source, record: Record) -> Plan:
    """Look at the site, the set and the record; nothing is written.

    Raises same_host, same_database, site_running, media_not_blank, as :func:`steps_for`, and what opening a set raises.
    """
    source.backup.check_opens()
    same_server.refuse_old_host(source.manifest, site.engines, options.allow_same_host, options.allow_same_database)
    settled = origin.settled(site.engines, record)
    steps = steps_for(site, source.manifest, source.digest, settled, options.replace, options.aliases, options.present)
    todo, ended = decide(steps, options.present, record.begun)
    done = [step.alias for step in steps if step.done and options.present]
    brings = options.takes_media and restore_media.wanted(
        site, source.manifest, source.digest, settled, bool(todo), options.replace
    )
    takes = options.present and options.neighbours
    fills = carry.plan(site, source.manifest, source.digest, settled, bool(todo), takes)
    if options.present and any((todo, brings, fills)):
        refuse_running(site.project.path, options.services_kept_running)
    left = tuple(swap for alias in done for swap in leftovers(site.engines[alias]))
    return Plan(todo, ended, left, brings, settled, fills)


def refuse_running(path: str, kept_running: Sequence[str]) -> None:
    """Refuse while the site runs: what it writes meanwhile would be lost, and it would serve unproven data."""
    for found in checks.running(path, kept_running):
        raise RelocateError(found.code, found.msg, found.hint)


@dataclass
class Measured:
    """What was loaded and proven, by alias, and what could not be cleared up afterwards."""

    tables: Dict[str, Any] = field(default_factory=dict)
    measured: Dict[str, Any] = field(default_factory=dict)
    states: Dict[str, DatabaseState] = field(default_factory=dict)
    failures: List[str] = field(default_factory=list)
    followed: Dict[str, Any] = field(default_factory=dict)  # how far streams of changes were taken in, by alias


def apply(
    site: Site,
    options: Options,
    source: Source,
    kept: RecordFile,
    planned: Plan,
    look: Callable[[], None] = lambda: None,
) -> Measured:
    """Carry the plan out: verify the set, load and prove all, bring MEDIA, swap all.

    :param look: called by a rehearsal while all that it loaded is there
    """
    if not options.verified and options.state != "copied":  # what it holds is compared; no manifest lists its files yet
        with site.stopwatch.step("hash"):
            source.backup.verify(source.manifest, options.jobs or default_jobs())
    if planned.brings:
        with site.stopwatch.step("media"):
            restore_media.check(site, source.backup, source.manifest)
    retention.take_back(options.directory, options.site)
    if options.present:
        kept.write(planned.settled)
        clear_up(planned.leftovers)
    result = Measured()
    if any((planned.todo, planned.brings, planned.neighbours)):
        engines = [site.engines[step.alias] for step in planned.todo]
        dumps = source.backup.lent_dumps(site.project.owner)
        with held(source.backup.path), dumps, incoming_dropped_on_failure(engines):
            _load_all(site, options, source, planned, result, kept)
            _note_proven(options, source, planned, kept)
            if options.present:
                with carry.filled(site, planned.neighbours, source.backup, source.digest, kept):
                    _go_live(site, options, source, kept, planned, result)
            elif options.state == "copied":
                on_copy.note(engines, kept, source.digest)
            else:
                _look_and_drop(engines, look)
    _note_media(options, source, kept)
    return result


def _note_proven(options: Options, source: Source, planned: Plan, kept: RecordFile) -> None:
    """Note a set of which every database was loaded out of its dump; not a first copy, nor one that nothing pins."""
    known = not source.backup.unpinned(options.manifest_sha256)
    loaded = {step.alias for step in planned.todo if not step.converts}
    if known and options.state != "copied" and loaded == set(source.manifest.databases):
        retain.note_proven(kept, source.backup.label, source.digest)


def _note_media(options: Options, source: Source, kept: RecordFile) -> None:
    stored = options.takes_media and source.manifest.media.get("stored")
    if stored and kept.record.media_restored != source.digest:
        kept.write(replace(kept.record, media_restored=source.digest))


def _load_all(site: Site, options: Options, source: Source, planned: Plan, result: Measured, kept: RecordFile) -> None:
    """Load every database into incoming and prove it."""
    copied = on_copy.ready(source.backup, kept)
    for step in planned.todo:
        engine, alias = site.engines[step.alias], step.alias
        if engine.in_place:
            _empty(engine, step, kept, options)
        if step.converts:
            loaded = convert_and_prove(site, engine, source.backup, step.entry)
            result.measured[alias] = measured.fixture(loaded.tables, loaded.state)
        else:
            if alias in copied and options.state == "copied":
                with site.stopwatch.step("catch-up"):
                    followed = streams.follow(engine, source.backup, step.entry)
                if followed is not None:
                    result.followed[alias] = followed
                    continue
            wanted = expected(step.entry.state, options.sequences == "advance")
            found = None
            if alias in copied:
                found = on_copy.caught_up(engine, source.backup, step.entry, wanted, options.proof)
            loaded = found or load_and_prove(engine, source.backup, step.entry, wanted)
            result.measured[alias] = measured.database(step.entry.state, loaded.state, loaded.unwritten)
        behind = check_sequences(alias, loaded.state)
        if behind:
            raise behind
        result.tables[alias], result.states[alias] = loaded.tables, loaded.state


def _empty(engine: Engine, step: Step, kept: RecordFile, options: Options) -> None:
    """Drop what an earlier attempt left live, where a load fills that very database. The record says so first."""
    if options.state != "rehearsed" and step.came_from and not kept.record.has_served_with(step.alias):
        kept.write(origin.forgotten(kept.record, [step.alias]))
        engine.drop(LIVE)


def _look_and_drop(engines: Sequence[Engine], look: Callable[[], None]) -> None:
    """End a rehearsal, which drops what it loaded."""
    look()
    for engine in engines:
        engine.drop(INCOMING)


def _go_live(site: Site, options: Options, source: Source, kept: RecordFile, planned: Plan, result: Measured) -> None:
    """Bring MEDIA and swap all."""
    if planned.brings:
        with site.stopwatch.step("media"):
            restore_media.bring(site, source.backup, source.manifest, kept)
    if planned.todo:
        result.failures = make_live(site, planned.todo, result.states, source.digest, kept, options.replace)


def back(site: Site, kept: RecordFile, check_mode: bool) -> List[str]:
    """Go back to the previous databases; the record says so first: a run that dies must not leave them droppable.

    :returns: what could not be cleared up afterwards
    Raises no_previous.
    """
    todo = to_roll_back(list(site.engines.values()), kept.record)
    if check_mode:
        return []
    forgotten = origin.forgotten(kept.record, site.engines)
    kept.write(replace(forgotten, migrated=None, rolling=tuple(sorted(site.engines))))
    return roll_back(list(site.engines.values()), todo, lambda: kept.write(replace(kept.record, rolling=())))


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


def steps_for(
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


def expected(recorded: DatabaseState, advance: bool) -> DatabaseState:
    """Return the state that a database loaded from a set must have.

    :param advance: whether sequences that old left behind their columns are advanced on new
    """
    return advanced(recorded) if advance else recorded


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
    loaded = load_fixture(site, engine, backup.content(fixture.path))
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
    rows = [
        {"table": label, "old": item["objects"], "new": item["objects"], "fingerprint": True}
        for label, item in sorted(counts.items())
    ]
    return Loaded(state, rows)
