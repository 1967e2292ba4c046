# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a proven backup set of dumps that other tools made.

Each dump is loaded into a scratch database beside the live one, which is looked at, counted and dumped as a backup does
with a live one. The set is an ordinary one then; what it holds is loaded once more, out of the set, and compared. The
live databases and MEDIA are not touched.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass, field, replace
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._adopt import opened
from ansible_collections.relocate.django.plugins.module_utils._adopt.opened import Looked
from ansible_collections.relocate.django.plugins.module_utils._engines.base import (
    INCOMING,
    Engine,
    default_jobs,
    removed_on_failure,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.foreign import ENGINES, FIXTURE, NAMES, joined
from ansible_collections.relocate.django.plugins.module_utils._engines.registry import open_engine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import load
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, DatabaseFacts, Revision
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._progress import PROGRESS
from ansible_collections.relocate.django.plugins.module_utils._project import history
from ansible_collections.relocate.django.plugins.module_utils._record.record import (
    RecordFile,
    read_record,
    update_record,
)
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.held import held
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import DATABASES, DatabaseEntry
from ansible_collections.relocate.django.plugins.module_utils._site import Site, never_migrated
from ansible_collections.relocate.django.plugins.module_utils._steps import (
    adopt_media,
    backup,
    dumps,
    on_copy,
    retain,
)
from ansible_collections.relocate.django.plugins.module_utils._steps.needs import missing_space
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

#: What the project is asked about itself.
TOPICS = backup.TOPICS
_SCRATCH = DATABASES + "/scratch"
_UNKNOWN = (
    "database {0}: a dump does not tell whether tables or rows were left out when it was made; every model of the code"
    " has its table"
)
_FIXTURE_UNKNOWN = (
    "database {0}: a fixture does not tell whether models or rows were left out when it was made, and holds nothing of"
    " tables without a model"
)


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds the options of the module ``backup_adopt``."""

    directory: str  # ours
    site: str
    dumps: Mapping[str, Any]  # alias -> the path of its dump
    media: Optional[str]  # the folder or archive with MEDIA
    media_skip: Sequence[str]  # patterns of what of MEDIA is left out
    revision: Optional[str]  # of the code that the dumps belong to; None: the one that is checked out
    files: Sequence[str]  # files besides git's that are carried
    allow_dirty: bool  # uncommitted changes are carried as a patch
    compression: str  # zstd, none
    jobs: Optional[int]  # at a time; None: by the processors of this host


@dataclass(frozen=True)
class Plan:
    """What is going to be made of what."""

    label: str
    revision: Revision
    looked: Mapping[str, Looked]
    media: Optional[adopt_media.Looked]
    notes: List[str] = field(default_factory=list)


def plan(site: Site, options: Options, check_mode: bool) -> Plan:
    """Look at every dump, as far as that needs no write.

    Raises unknown_alias, bad_option, revision_refused, dirty_tree, dump_unknown, dump_of_another, dump_truncated,
    disk_full, and what the engines raise.
    """
    _check_aliases(site, options)
    revision = _revision(site, options)
    looked = {alias: _look(site.engines[alias], str(options.dumps[alias])) for alias in site.engines}
    media = adopt_media.look(site, options.media) if options.media else None
    _check_space(options.directory, [one.needed for one in looked.values()] + [media.needed if media else 0])
    notes: List[str] = []
    for alias, engine in site.engines.items():
        if looked[alias].kind != FIXTURE and check_mode:
            notes += _examined(engine, looked[alias])
    return Plan(backup.label_for(revision), revision, looked, media, notes)


def _check_aliases(site: Site, options: Options) -> None:
    unknown = sorted(set(options.dumps) - set(site.engines))
    if unknown:
        raise RelocateError(
            "unknown_alias",
            "the settings have no database {0}".format(joined(unknown)),
            "they have: {0}".format(", ".join(sorted(site.engines))),
        )
    lacking = sorted(set(site.engines) - set(options.dumps))
    if lacking:
        raise RelocateError(
            "bad_option",
            "no dump is given for database {0}".format(joined(lacking)),
            "add it to dumps, or list in aliases only the databases that the set is to hold",
        )


def _revision(site: Site, options: Options) -> Revision:
    """Return what is checked out, which must be what the dumps belong to. Raises revision_refused, dirty_tree."""
    revision = backup.revision_of(site, options.allow_dirty)
    wanted = (options.revision or "").lower()
    if wanted and not (len(wanted) >= 7 and revision.commit.startswith(wanted)):
        raise RelocateError(
            "revision_refused",
            "the project is at {0}, and the dumps belong to {1}".format(revision.commit, options.revision),
            "check that revision out beside the site: git worktree add DIRECTORY {0}; that directory is the path of"
            " this task then, with the interpreter of the site".format(options.revision),
        )
    return revision


def _look(engine: Engine, path: str) -> Looked:
    if not os.path.isabs(path):
        raise RelocateError("bad_option", "the path {0} of a dump is not absolute".format(path), "correct dumps")
    found = opened.look(path, engine.context.owner)
    if found.kind == FIXTURE or found.kind in engine.adopts:
        return found
    raise RelocateError(
        "dump_of_another",
        "{0} is a {1}, and the settings of {2} name {3}".format(
            path, NAMES[found.kind], engine.config.alias, engine.name
        ),
        "adopt it with settings that name {0} (environment), then convert it: relocate_engines in a move, or a"
        " fixture".format(ENGINES[found.kind]),
    )


def _check_space(directory: str, needed: Sequence[int]) -> None:
    for found in missing_space(directory, sum(needed), "what the dumps are unpacked to"):
        raise RelocateError(found.code, found.msg, found.hint)


def _examined(engine: Engine, looked: Looked) -> List[str]:
    """Let the engine look at a dump that can be read as it lies."""
    with opened.as_it_is(looked, engine.context.owner) as dump:
        if dump is None:
            return [
                "database {0}: {1} must be unpacked or written anew first, so that its statements were not looked"
                " at".format(engine.config.alias, looked.path)
            ]
        return ["database {0}: {1}".format(engine.config.alias, text) for text in engine.examine(dump)]


def apply(site: Site, options: Options, planned: Plan) -> Dict[str, Any]:
    """Make the set and prove it; what fails leaves nothing of it, and no scratch database."""
    kept = RecordFile.read(options.directory, options.site)
    if kept.record.copied:  # what a move has prepared in its incoming is loaded anew then
        kept.write(replace(kept.record, copied={}))
    made = BackupSet.create(options.directory, options.site, planned.label, site.project.owner)
    with removed_on_failure(made.discard):
        with site.stopwatch.step("code and files"):
            backup.prepare(site, made, planned.revision, options.files)
        entries = {alias: _adopt(site, engine, made, planned) for alias, engine in site.engines.items()}
        media = adopt_media.store(site, made, planned.media, options.media_skip, options.compression)
        digest = _finish(site, options, made, planned, entries, media)
        with site.stopwatch.step("prove"):
            _prove(site, made, entries)
        retain.note_proven(RecordFile.read(options.directory, options.site), made.label, digest)
    return {
        "set": made.path,
        "manifest_sha256": digest,
        "bytes": made.size(),
        "rows": {alias: entry.state.rows() for alias, entry in entries.items()},
        "media": dict(media),
        "notes": list(dict.fromkeys(site.notes)),
        "seconds": site.stopwatch.seconds(),
    }


def _adopt(site: Site, engine: Engine, made: BackupSet, planned: Plan) -> DatabaseEntry:
    """Load one dump beside live, and dump what it holds into the set; the scratch database is gone then."""
    alias, looked = engine.config.alias, planned.looked[engine.config.alias]
    scratch = made.file(_SCRATCH)
    with acting_as(site.project.owner):  # he owns the directory above
        os.mkdir(scratch, 0o700)
    try:
        with _filled(site, engine, looked, scratch) as config:
            _check_fit(site, engine, config, looked)
            copy = open_engine(config, engine.context)
            entry = dumps.dump_one(site, copy, made, frozen=True)
    finally:
        with contextlib.suppress(RelocateError):
            engine.drop(INCOMING)
        with acting_as(site.project.owner):
            shutil.rmtree(scratch, ignore_errors=True)
    site.notes.append((_FIXTURE_UNKNOWN if looked.kind == FIXTURE else _UNKNOWN).format(alias))
    applied = tuple(site.facts["migrations"]["aliases"][alias]["applied"])
    return replace(entry, config=engine.config.public(), migrations=applied, facts=_of_live(entry.facts, engine))


def _of_live(facts: DatabaseFacts, engine: Engine) -> DatabaseFacts:
    """The facts of a scratch database, which bears live's name wherever it will be restored."""
    if "database" not in facts.details:
        return facts
    return replace(facts, details={**facts.details, "database": engine.config.name})


@contextlib.contextmanager
def _filled(site: Site, engine: Engine, looked: Looked, scratch: str) -> Iterator[DatabaseConfig]:
    """Have incoming filled out of the dump while the block runs."""
    PROGRESS.say(engine.config.alias)
    if looked.kind == FIXTURE:
        loaded = load.load_fixture(site, engine, looked.path, forward=False)
        left = sorted({*loaded.get("excluded", {}), *loaded.get("ignored", {})})
        if left:
            site.notes.append("database {0}: not taken: {1}".format(engine.config.alias, ", ".join(left)))
        with engine.reachable(INCOMING) as config:
            yield config
        return
    with contextlib.ExitStack() as stack:
        with site.stopwatch.step("load"):
            dump = stack.enter_context(opened.ready(looked, engine.context.owner, scratch))
            config = stack.enter_context(engine.adopted(dump))
        yield config


def _check_fit(site: Site, engine: Engine, config: DatabaseConfig, looked: Looked) -> None:
    """Refuse code that does not fit the dump; what the set records of migrations is what the dump holds.

    Raises unknown_migration, unapplied_migrations, table_missing.
    """
    alias = engine.config.alias
    found = load.fitting(site, engine, config.name)
    aliases = site.facts["migrations"]["aliases"]
    known = dict(aliases.get(alias, {}), applied=found["applied"], unknown=found["unknown"], exists=True)
    aliases[alias] = dict(known, recorded=found["recorded"], unapplied=found["unapplied"])
    if never_migrated(site, alias):
        site.notes.append("database {0} has never been migrated: no code was held against it".format(alias))
        return
    recorded = history.record({"aliases": {alias: aliases[alias]}}, site.facts["history"])
    site.notes.extend(history.check(recorded, site.facts["history"]))
    hint = "check out what the site ran when {0} was made: that directory is the path of this task then".format(
        looked.path
    )
    if found["unknown"]:
        raise RelocateError(
            "unknown_migration",
            "the code lacks migrations that {0} holds as applied: {1}".format(looked.path, joined(found["unknown"])),
            hint,
        )
    if found["unapplied"]:
        raise RelocateError(
            "unapplied_migrations",
            "the code has migrations that {0} lacks: {1}".format(looked.path, joined(found["unapplied"])),
            hint,
        )
    if found["lacking"]:
        raise RelocateError(
            "table_missing",
            "{0} has no table for models of the code: {1}".format(looked.path, joined(found["lacking"])),
            "dump all tables; {0}".format(hint),
        )


def _finish(
    site: Site,
    options: Options,
    made: BackupSet,
    planned: Plan,
    entries: Mapping[str, DatabaseEntry],
    media: Mapping[str, Any],
) -> str:
    """Write the manifest; returns its digest."""
    noted = read_record(options.directory, options.site).sequence
    number = BackupSet.next_sequence(options.directory, options.site, noted)
    with site.stopwatch.step("hash"):
        manifest = backup.compose(site, made, planned.revision, options.site, options.files, entries, media, number)
        digest = made.finish(manifest, options.jobs or default_jobs())
    update_record(options.directory, options.site, lambda latest: replace(latest, sequence=number))
    return digest


def _prove(site: Site, made: BackupSet, entries: Mapping[str, DatabaseEntry]) -> None:
    """Load every database out of the set, compare it, and drop it again. Raises data_differs."""
    with held(made.path), made.lent_dumps(site.project.owner):
        for alias, entry in entries.items():
            engine = site.engines[alias]
            try:
                on_copy.load_and_prove(engine, made, entry, entry.state)
            finally:
                with contextlib.suppress(RelocateError):
                    engine.drop(INCOMING)
