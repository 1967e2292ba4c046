# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares two states of a database: tables, fingerprints, sequences, schema."""

from __future__ import annotations

import dataclasses
from typing import List, Mapping, Optional

from ansible_collections.relocate.django.plugins.module_utils._model import (
    DatabaseState,
    Difference,
    SequenceState,
    TableCount,
)


def compare_states(recorded: DatabaseState, found: DatabaseState) -> List[Difference]:
    """Every difference between what was recorded on old and what was found on new. Empty means proven equal."""
    differences: List[Difference] = []
    if recorded.method != found.method:
        return [Difference("fingerprint method", "", recorded.method, found.method)]
    differences += _compare_tables(recorded, found)
    differences += _compare_sequences(recorded, found)
    for kind in sorted(set(recorded.objects) | set(found.objects)):
        before, after = set(recorded.objects.get(kind, ())), set(found.objects.get(kind, ()))
        differences += [Difference(kind, name, "present", "absent") for name in sorted(before - after)]
        differences += [Difference(kind, name, "absent", "present") for name in sorted(after - before)]
    for what in ("large_objects", "large_objects_fingerprint", "unpopulated"):
        before_value, after_value = getattr(recorded, what), getattr(found, what)
        if before_value != after_value:
            differences.append(Difference(what, "", str(before_value), str(after_value)))
    return differences + compare_schemas(recorded.schema, found.schema)


def compare_schemas(recorded: Optional[Mapping[str, str]], found: Optional[Mapping[str, str]]) -> List[Difference]:
    """Every object or property that one side lacks or describes otherwise. Nothing is compared with None."""
    if recorded is None or found is None:
        return []
    return [
        Difference("schema of", name, recorded.get(name, "absent"), found.get(name, "absent"))
        for name in sorted(set(recorded) | set(found))
        if recorded.get(name) != found.get(name)
    ]


def _compare_tables(recorded: DatabaseState, found: DatabaseState) -> List[Difference]:
    before = {table.name: table for table in recorded.tables}
    after = {table.name: table for table in found.tables}
    differences = []
    for name in sorted(set(before) | set(after)):
        old, new = before.get(name), after.get(name)
        if old is None or new is None or old.rows != new.rows:
            differences.append(Difference("table", name, _rows(old), _rows(new)))
        elif old.fingerprint and new.fingerprint and old.fingerprint != new.fingerprint:
            differences.append(Difference("content of table", name, old.fingerprint, new.fingerprint))
    return differences


def _rows(table: Optional[TableCount]) -> str:
    return "absent" if table is None else "{0} rows".format(table.rows)


def _compare_sequences(recorded: DatabaseState, found: DatabaseState) -> List[Difference]:
    before = {item.name: item for item in recorded.sequences}
    after = {item.name: item for item in found.sequences}
    differences = []
    for name in sorted(set(before) | set(after)):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            differences.append(
                Difference("sequence", name, "present" if old else "absent", "present" if new else "absent")
            )
        elif (old.last_value, old.is_called) != (new.last_value, new.is_called):
            differences.append(Difference("sequence", name, _position(old), _position(new)))
    return differences


def _position(item: SequenceState) -> str:
    return str(item.last_value) + ("" if item.is_called else " (not used yet)")


def fingerprinted(state: DatabaseState, known: Mapping[str, str]) -> DatabaseState:
    """Give tables the fingerprints that are known of them, by name."""
    tables = tuple(
        dataclasses.replace(table, fingerprint=known.get(table.name, table.fingerprint)) for table in state.tables
    )
    return dataclasses.replace(state, tables=tables)


def sequences_behind(state: DatabaseState) -> List[SequenceState]:
    """The sequences whose next value is already in their table: the next insert would fail."""
    behind = []
    for item in state.sequences:
        if item.column_max is None:
            continue
        if item.last_value is None or item.last_value + item.is_called <= item.column_max:
            behind.append(item)
    return behind


def advanced(state: DatabaseState) -> DatabaseState:
    """The state once the sequences that are behind their columns stand at the columns' highest values."""
    behind = {item.name for item in sequences_behind(state)}
    sequences = tuple(
        dataclasses.replace(item, last_value=item.column_max, is_called=True) if item.name in behind else item
        for item in state.sequences
    )
    return dataclasses.replace(state, sequences=sequences)
