# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proves a site before it is switched on: all that does not hold is told at once, in sentences for people."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.base import LIVE, Engine
from ansible_collections.relocate.django.plugins.module_utils._engines.compare import advanced
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.facts import machine_id
from ansible_collections.relocate.django.plugins.module_utils._media import inventory, owners, stores
from ansible_collections.relocate.django.plugins.module_utils._media.root import is_there
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState, SystemUser, state_from_plain
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Manifest
from ansible_collections.relocate.django.plugins.module_utils._site import Site, check_code
from ansible_collections.relocate.django.plugins.module_utils._steps import measured as steps_measured
from ansible_collections.relocate.django.plugins.module_utils._steps.chosen_set import SetOptions, Source
from ansible_collections.relocate.django.plugins.module_utils._steps.proof import check_sequences, state_of, table_rows
from ansible_collections.relocate.django.plugins.module_utils._steps.restore import check_aliases
from ansible_collections.relocate.django.plugins.module_utils._users import current_user

_ERRORS = ("error", "critical")  # levels of django.core.checks


@dataclass(frozen=True)
class Options(SetOptions):
    """Holds the options of the module ``verify``."""

    fingerprints: bool  # contents are compared, and not rows alone
    models: bool  # each model must see the rows of its table
    checks: bool  # Django's system check is run
    media: bool  # MEDIA must hold what was recorded
    frozen: bool  # on old: nobody may have written since the dump
    unused: bool  # on new: whether a site that was started and stopped took nothing in

    def topics(self) -> List[str]:
        """Return what the project is asked about itself."""
        if self.frozen or self.unused:
            return ["django"]
        return ["django", "history"] + (["counts"] if self.models else []) + (["checks"] if self.checks else [])


class Findings:
    """Collects what does not hold, and the promises of the report that this breaks."""

    def __init__(self) -> None:
        self.texts: List[str] = []
        self.broken: List[str] = []

    @contextlib.contextmanager
    def about(self, promise: str) -> Iterator[List[str]]:
        """Gives the list that takes findings about one promise."""
        found: List[str] = []
        yield found
        self.texts += found
        if found and promise not in self.broken:
            self.broken.append(promise)

    def not_proven(self, serves: bool) -> RelocateError:
        """The error of all that was found."""
        return RelocateError(
            "not_proven",
            "; ".join(self.texts[:10]) + ("; ..." if len(self.texts) > 10 else ""),
            "the site has served here since, so its data has moved on; run verify before the site serves"
            if serves
            else "fix what is listed, then run the same command again; where rows differ, move or restore once more",
            {"findings": self.texts, "broken": self.broken},
        )


def prove(site: Site, options: Options, source: Source, record: Record) -> Dict[str, Any]:
    """Hold a site against a set and against Django's own checks. Raises not_proven with all that does not hold."""
    check_aliases(source.manifest, site.engines, options.aliases)
    findings, measured = Findings(), {"databases": {}}  # type: Findings, Dict[str, Any]
    with findings.about("migrations") as found:
        found += code_findings(site, source.manifest)
    measured["migrations"] = True
    tables = {
        alias: _database(site, alias, expected_state(source.manifest, record, alias), options, findings, measured)
        for alias in site.engines
    }
    warned = ask_django(options, site, findings, measured)
    if options.media:
        pairs = stores_of(source.manifest, site)
        recorded = stores.on_disk(source.manifest.media, pairs)
        with site.stopwatch.step("media"), findings.about("media") as found:
            found += media(recorded, site.facts["django"], site.project.owner)
        measured["media"] = {key: recorded.get(key) for key in ("root", "files", "bytes", "skip")}
        measured["media"]["stores"] = [stores.measured(pair) for pair in pairs]
        site.notes.extend(stores.of_both(pair) for pair in pairs if pair.relation == stores.SAME)
    if findings.texts:
        raise findings.not_proven(serves=record.has_served())
    result = _result(site, options, source, measured)
    return {**result, "tables": tables, "warnings_of_check": warned, "proven": bool(tables)}


def still(site: Site, options: Options, source: Source, record: Record) -> Dict[str, Any]:
    """On the old host: nobody wrote to the databases since they were dumped, whoever that could be."""
    check_aliases(source.manifest, site.engines, options.aliases)
    with site.stopwatch.step("count"):
        findings = written_since(site.engines, source.manifest, record, source.backup.label)
    if findings:
        raise RelocateError(
            "freeze_lost",
            "the old databases were written after they were dumped: " + "; ".join(findings[:10]),
            "find the process that still writes and is not listed in relocate_services: cron, a shell, another "
            "machine, an event of the server; stop it, then run again. If the project itself writes whenever Django "
            "loads it, and nobody needs those rows, set relocate_recheck: false",
            {"findings": findings},
        )
    result = _result(site, options, source, {"still": len(site.engines)})
    return {**result, "tables": {}, "warnings_of_check": [], "proven": False}


def _result(site: Site, options: Options, source: Source, measured: Mapping[str, Any]) -> Dict[str, Any]:
    return {
        "changed": False,
        "label": source.backup.label,
        "pinned": source.backup.pinned(options.manifest_sha256),
        "measured": measured,
        "notes": site.notes,
        "seconds": site.stopwatch.seconds(),
    }


def _database(
    site: Site,
    alias: str,
    expected: DatabaseState,
    options: Options,
    findings: Findings,
    measured: Dict[str, Any],
) -> List[Dict[str, Any]]:
    """Prove one database; returns the rows of both hosts for each table."""
    with site.stopwatch.step("count"), findings.about("rows") as found:
        state, rows = compare(site.engines[alias], expected, options.fingerprints, found)
    measured["databases"][alias] = steps_measured.database(expected, state)
    if options.models:
        with findings.about("models") as found:
            found += models_without_rows(alias, site.facts.get("counts", {}), state)
    return rows


def code_findings(site: Site, manifest: Manifest) -> List[str]:
    """Migrations of the set that the code on this host lacks: the first INSERT could fail."""
    try:
        check_code(site, manifest.code)
    except RelocateError as error:
        if error.code != "unknown_migration":
            raise
        return [error.msg]
    return []


def ask_django(options: Options, site: Site, findings: Findings, measured: Dict[str, Any]) -> List[str]:
    """Ask the project about itself on this host; returns the warnings of its check."""
    measured["settings"] = True  # they were imported to come here
    if options.models:
        measured["models"] = sum(len(item.get("models", {})) for item in site.facts.get("counts", {}).values())
    with findings.about("checks") as found:
        warned = checks(site.facts.get("checks", []), found)
    if options.checks:
        measured["checks"] = len(warned)
    return warned


def expected_state(manifest: Manifest, record: Record, alias: str) -> DatabaseState:
    """Return what must be in a database: the manifest's state, or the one noted after migrations were applied.

    Raises unknown_alias, and migration_failed when migrations were begun and did not end.
    """
    if record.migrations_unfinished():
        raise RelocateError(
            "migration_failed",
            "migrations were begun on this host and did not finish",
            "fix the migration, then run again: the database is rebuilt from the backup set",
        )
    migrated = record.migrated_state(alias)
    if migrated is not None:
        return state_from_plain(migrated)
    if alias not in manifest.databases:
        raise RelocateError("unknown_alias", "the backup set holds no database {0}".format(alias))
    # A restore makes nothing live whose sequences are behind: those that were are advanced.
    return advanced(manifest.databases[alias].state)


def compare(
    engine: Engine, expected: DatabaseState, fingerprints: bool, findings: List[str]
) -> Tuple[DatabaseState, List[Dict[str, Any]]]:
    """Count the live database again; differences and sequences that are behind are added to the findings."""
    found = state_of(engine, LIVE, expected.method, fingerprints)
    if not fingerprints:
        # Not computed, so not compared; counts are.
        expected = replace(expected, large_objects_fingerprint=found.large_objects_fingerprint)
    alias = engine.config.alias
    findings += ["database {0}: {1}".format(alias, item) for item in engine.differences(expected, found)]
    behind = check_sequences(alias, found)
    if behind:
        findings.append(behind.msg)
    return found, table_rows(expected, found)


def written_since(engines: Mapping[str, Engine], manifest: Manifest, record: Record, label: str) -> List[str]:
    """Return what was written into a frozen site's databases after they were dumped for this set.

    Those that bear no sign of it are not counted again: counting is downtime.
    """
    findings: List[str] = []
    for alias, engine in engines.items():
        if record.mark_of(alias, label) != engine.change_token():
            found = state_of(engine, LIVE, manifest.databases[alias].state.method, True)
            findings += [
                "database {0}: {1}".format(alias, item)
                for item in engine.differences(manifest.databases[alias].state, found)
            ]
    return findings


def models_without_rows(alias: str, counts: Mapping[str, Any], state: DatabaseState) -> List[str]:
    """Models that do not see the rows of their table: another database, schema or search_path than was proven."""
    rows = {table.name: table.rows for table in state.tables}
    findings = []
    for label, item in sorted(counts.get(alias, {}).get("models", {}).items()):
        table = str(item.get("table", ""))
        candidates = [rows[name] for name in (table, "public." + table, 'public."{0}"'.format(table)) if name in rows]
        if candidates and item.get("rows") not in candidates:
            findings.append(
                "database {0}: model {1} sees {2} rows, its table holds {3}".format(
                    alias, label, item.get("rows"), candidates[0]
                )
            )
    return findings


def checks(items: Sequence[Mapping[str, Any]], findings: List[str]) -> List[str]:
    """Errors of the system check become findings; warnings are returned."""
    warned = []
    for item in items:
        text = "{0}: {1}".format(item.get("id") or "check", item.get("msg", ""))
        if item["level"].lower() in _ERRORS:
            findings.append(text)
        else:
            warned.append(text)
    return warned


def stores_of(manifest: Manifest, site: Site) -> List[stores.Pair]:
    """Return which files lie in object storage, where the set was made or here."""
    one_machine = manifest.host.get("machine_id") == machine_id()
    return stores.pairs(stores.of_facts(manifest.django), stores.of_facts(site.facts["django"]), one_machine)


def media(recorded: Mapping[str, Any], django: Mapping[str, Any], owner: Optional[SystemUser] = None) -> List[str]:
    """MEDIA_ROOT must hold the files that were recorded."""
    if not recorded:
        return []
    if recorded.get("unread"):
        return ["MEDIA_ROOT could not be read on old: {0}".format(recorded["unread"])]
    root = str(django.get("media_root") or "")
    if not root or not is_there(root):
        return ["MEDIA_ROOT {0} is missing, {1} files were recorded".format(root, recorded["files"])]
    rights = recorded.get("rights") or {}
    given_away = bool(rights.get("users")) and os.geteuid() == 0
    found = inventory.inventory(root, owner, recorded.get("skip", ()), given_away)
    if found["digest"] == recorded["digest"]:
        return owners.differs(rights, found["rights"], owner or current_user())
    return [_other_media(found, recorded)]


def _other_media(found: Mapping[str, Any], recorded: Mapping[str, Any]) -> str:
    """Say how MEDIA differs from what was recorded."""
    unread = inventory.unmovable(recorded)
    if unread is not None:
        return unread.msg
    text = "MEDIA_ROOT holds {0} files, {1} bytes; recorded were {2} files, {3} bytes".format(
        found["files"], found["bytes"], recorded["files"], recorded["bytes"]
    )
    return text + (" (same size, other content or times)" if found["bytes"] == recorded["bytes"] else "")
