# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collects what a module measured in this run, for the report: nothing else may be called proven."""

from __future__ import annotations

from typing import Any, Collection, Dict, Mapping, Sequence, Set

from ansible_collections.relocate.django.plugins.module_utils._engines.compare import sequences_behind
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState


def database(recorded: DatabaseState, found: DatabaseState, unwritten: Collection[str] = frozenset()) -> Dict[str, Any]:
    """Return what of a database was compared, by two states that were found equal.

    :param unwritten: tables whose content was compared while old served, and not again
    :returns: tables, rows, contents (tables whose fingerprints were compared), counted (names of the others), unwritten
        (how many of these are so for that reason alone), sequences, advanced (those that old had left behind their
        columns), schema (objects and properties that were compared; None when they were not)
    """
    both_hashed = _hashed(recorded) & _hashed(found)
    hashed = both_hashed - set(unwritten)
    both = recorded.schema is not None and found.schema is not None
    return {
        "tables": len(found.tables),
        "rows": found.rows(),
        "contents": len(hashed),
        "counted": sorted({table.name for table in found.tables} - hashed),
        "unwritten": len(both_hashed) - len(hashed),
        "sequences": len(found.sequences),
        "advanced": len(sequences_behind(recorded)),
        "schema": len(found.schema or ()) if both else None,
    }


def _hashed(state: DatabaseState) -> Set[str]:
    """The tables of a state that have a fingerprint."""
    return {table.name for table in state.tables if table.fingerprint}


def fixture(rows: Sequence[Mapping[str, Any]], found: DatabaseState) -> Dict[str, Any]:
    """Return what was compared of a database that came out of a fixture: every model, and no schema.

    :param rows: the models, as the report lists them
    """
    return {
        "tables": len(rows),
        "rows": sum(int(row["new"] or 0) for row in rows),
        "contents": len(rows),
        "counted": [],
        "sequences": len(found.sequences),
        "schema": None,
    }
