# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks what must hold before a site is switched on. Each function returns findings: sentences for people."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.base import LIVE, Engine
from ansible_collections.relocate.django.plugins.module_utils._engines.compare import advanced
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._media import inventory, owners
from ansible_collections.relocate.django.plugins.module_utils._media.root import is_there
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState, SystemUser, state_from_plain
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Manifest
from ansible_collections.relocate.django.plugins.module_utils._steps.proof import check_sequences, state_of, table_rows
from ansible_collections.relocate.django.plugins.module_utils._users import current_user

_ERRORS = ("error", "critical")  # levels of django.core.checks


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
    unread = inventory.unmovable(recorded)
    if unread is not None:
        return [unread.msg]
    return [
        "MEDIA_ROOT holds {0} files, {1} bytes; recorded were {2} files, {3} bytes".format(
            found["files"], found["bytes"], recorded["files"], recorded["bytes"]
        )
        + (" (same size, other content or times)" if found["bytes"] == recorded["bytes"] else "")
    ]
