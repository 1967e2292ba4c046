# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Empties a database, or makes it anew, for development; what serves and what nobody saved is not touched unasked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.base import DISCARDED, INCOMING, LIVE, Engine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import load
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState, as_plain
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._process import last_lines
from ansible_collections.relocate.django.plugins.module_utils._project import probe
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Migrated
from ansible_collections.relocate.django.plugins.module_utils._record.record import (
    MIGRATIONS_APPLIED,
    Record,
    RecordFile,
)
from ansible_collections.relocate.django.plugins.module_utils._services import checks
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._site import Site, engine_of
from ansible_collections.relocate.django.plugins.module_utils._steps import fixture_files, origin, swap
from ansible_collections.relocate.django.plugins.module_utils._steps.proof import state_of

#: What may be accepted: that something uses the database, that no proven set holds what is in it.
SERVING, UNSAVED = "serving", "unsaved"
FLUSHED, RESET = "flushed", "reset"
#: Rows that migrate and flush make by themselves.
_MADE_AGAIN = ("django_migrations", "django_content_type", "auth_permission")
_SHOWN = 10


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds the options of the module ``reset``."""

    directory: str  # ours
    site: str
    alias: str
    state: str  # flushed: rows go; reset: the database is made anew
    src: Sequence[str]  # the fixture to load into the new one
    format: Optional[str]
    confirm: str  # the site's name once more
    accept: Sequence[str]  # SERVING, UNSAVED


@dataclass(frozen=True)
class Outcome:
    """Holds what a reset does or did: rows that go, by table, and what the result says besides."""

    changed: bool
    rows: Mapping[str, int]
    told: Mapping[str, Any]
    failures: Tuple[str, ...] = ()

    def diff(self, alias: str) -> Dict[str, str]:
        """Return the tables before and after."""
        if not self.changed:
            return {"before": "", "after": ""}
        lines = ["{0}: {1}: {2} rows\n".format(alias, name, count) for name, count in sorted(self.rows.items())]
        return {"before": "".join(lines), "after": ""}


def check_options(options: Options) -> None:
    """Refuse what is not said twice, or said in vain. Raises bad_option, file_missing."""
    if options.confirm != options.site:
        raise RelocateError(
            "bad_option",
            "this takes the data out of database {0}".format(options.alias),
            "set confirm to the site's name",
        )
    if options.src and options.state != RESET:
        raise RelocateError("bad_option", "src is for state: reset only", "leave out src, or use state: reset")
    if options.src:
        fixture_files.check_there(options.src)


def work(site: Site, options: Options, check_mode: bool) -> Outcome:
    """Do it, unless in check mode. Raises site_running, sessions_remain, data_unsaved, reset_failed."""
    engine = engine_of(site, options.alias)
    kept = RecordFile.read(options.directory, options.site)
    record = origin.settled(site.engines, kept.record)
    files = fixture_files.find(site, options.src, options.format or "") if options.src else None
    rows, exists = _rows(engine)
    lost = {name: count for name, count in rows.items() if _bare(name) not in _MADE_AGAIN}
    if options.state == FLUSHED and not lost:
        return Outcome(False, {}, {})
    if SERVING not in options.accept:
        refuse_serving(site, engine, record, exists)
    refuse_unsaved(engine, options, record, lost)
    told: Dict[str, Any] = {}
    failures: List[str] = []
    if not check_mode:
        kept.write(record)
        told, failures = (_flush if options.state == FLUSHED else _make_anew)(site, engine, kept, files)
    return Outcome(True, rows, told, tuple(failures))


def _rows(engine: Engine) -> Tuple[Dict[str, int], bool]:
    """Return how many rows each table holds that holds some, and whether there is a database."""
    live = engine.describe()
    if not (live.exists and live.tables):
        return {}, bool(live.exists)
    return {table.name: table.rows for table in state_of(engine, LIVE, "").tables if table.rows}, True


def refuse_serving(site: Site, engine: Engine, record: Record, exists: bool) -> None:
    """Refuse a database that something uses. Raises site_running, sessions_remain."""
    running = checks.running(site.project.path)
    if running:
        raise RelocateError("site_running", running[0].msg, "stop it; or say it twice, with accept: [serving]")
    if record.has_served() and not record.retired:
        raise RelocateError(
            "site_running",
            "database {0} is that of a site which a move or a restore has started on this host".format(
                engine.config.alias
            ),
            "reset a copy for development; or say it twice, with accept: [serving]",
        )
    sessions = engine.sessions() if exists else 0
    if sessions:
        raise RelocateError(
            "sessions_remain",
            "database {0} is in use: {1} others are connected to it, or have it open".format(
                engine.config.alias, sessions
            ),
            "stop runserver, shells and workers; or say it twice, with accept: [serving]",
        )


def refuse_unsaved(engine: Engine, options: Options, record: Record, lost: Mapping[str, int]) -> None:
    """Refuse to lose rows that no set holds which was restored and found equal. Raises data_unsaved."""
    if not lost or UNSAVED in options.accept:
        return
    if any(_holds(engine, options, label, one.digest) for label, one in record.found_equal.items()):
        return
    named = ["{0} ({1})".format(name, count) for name, count in sorted(lost.items())]
    raise RelocateError(
        "data_unsaved",
        "database {0}: no set that a restore found equal holds what is in it now: {1}{2}".format(
            options.alias, ", ".join(named[:_SHOWN]), ", ..." if len(named) > _SHOWN else ""
        ),
        "make a set and rehearse it (relocate.django.backup, then the playbook rehearse); or say it twice, with"
        " accept: [unsaved]",
        {"rows": dict(lost)},
    )


def _holds(engine: Engine, options: Options, label: str, digest: str) -> bool:
    """Tell whether a set that was proven holds what the database holds now; one that is gone does not."""
    try:
        one = BackupSet.find(options.directory, options.site, label)
        if one.digest() != digest:
            return False
        entry = one.read().databases.get(options.alias)
        if entry is None:
            return False
        found = state_of(engine, LIVE, entry.state.method)
        return not engine.differences(entry.state, found)
    except RelocateError:
        return False


def _flush(
    site: Site, engine: Engine, kept: RecordFile, _files: Optional[fixture_files.Files]
) -> Tuple[Dict[str, Any], List[str]]:
    """Have Django delete every row and make what it makes after migrate. Raises reset_failed."""
    alias = engine.config.alias
    kept.write(_forgotten(kept.record, alias))
    with site.stopwatch.step("flush"):
        done = probe.run_manage(site.project, ["flush", "--noinput", "--no-color", "--database", alias])
    if done.rc != 0:
        text = probe.scrubbed(last_lines(done.err, 3), probe.secrets_of(site.project))
        raise RelocateError(
            "reset_failed",
            "flush failed on {0} (exit {1}): {2}".format(alias, done.rc, text),
            "apply all migrations first, or use state: reset",
        )
    kept.write(_noted(kept.record, alias, state_of(engine, LIVE, "", True)))
    return {}, []


def _make_anew(
    site: Site, engine: Engine, kept: RecordFile, files: Optional[fixture_files.Files]
) -> Tuple[Dict[str, Any], List[str]]:
    """Make a new database beside live, migrate it, load the fixture, and drop the one that it takes the place of."""
    alias = engine.config.alias
    with swap.incoming_dropped_on_failure([engine]):
        if files is None:
            made = load.make_fresh(site, engine)
            told: Dict[str, Any] = {"migrated": made["migrations"], "objects": {}}
        else:
            made = load.load_fixture(site, engine, files.given)
            counts = {label: item["objects"] for label, item in made["counts"].items()}
            told = {"migrated": [*made["header"]["migrations"], *made["migrated"]], "objects": counts}
        state = state_of(engine, INCOMING, "", True)
        one = swap.Swap(engine, DISCARDED)
        swap.prepare_swap(one)
        # Said first: what is live from here on came out of no set.
        kept.write(_forgotten(kept.record, alias))
        with site.stopwatch.step("swap"):
            swap.swap_all([one])
    kept.write(_noted(kept.record, alias, state))
    failed = made.get("handlers_failed")
    if failed:
        site.notes.append("post_migrate handlers failed: {0}".format(", ".join(failed)))
    return told, swap.clear_up([one])


def _forgotten(record: Record, alias: str) -> Record:
    return origin.forgotten(record, [alias])


def _noted(record: Record, alias: str, state: DatabaseState) -> Record:
    """The record once a database holds this, as after migrations: so verify knows what must be there."""
    known = record.migrated.states if record.migrated else {}
    return replace(record, migrated=Migrated(MIGRATIONS_APPLIED, {**known, alias: as_plain(state)}))


def _bare(name: str) -> str:
    """A table's name without its schema."""
    return name.rpartition(".")[2].strip('"`')
