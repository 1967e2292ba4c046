# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares what is in a database with what the backup set recorded."""

from __future__ import annotations

from typing import Any, Collection, Dict, List, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._engines.base import (
    Engine,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.compare import sequences_behind
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState, Difference


def state_of(
    engine: Engine, which: str, method: str, fingerprints: bool = True, counted: Collection[str] = ()
) -> DatabaseState:
    """Count a database by the method that the manifest recorded.

    :param counted: tables that get no fingerprint
    """
    engine.method = method
    with engine.snapshot(which) as snapshot:
        return snapshot.state(fingerprints=fingerprints, counted=counted)


def differs(alias: str, differences: Sequence[Difference]) -> RelocateError:
    """The error that names what differs: the first ten in the text, all in the details."""
    shown = "; ".join(str(item) for item in differences[:10])
    return RelocateError(
        "data_differs",
        "database {0} differs from the backup set: {1}{2}".format(
            alias, shown, "; ..." if len(differences) > 10 else ""
        ),
        "nothing was made live. Run again; if the same differs again, this server stores the named definition or rows "
        "in another form",
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
        "run manage.py sqlsequencereset for these tables on old, then run again; or set relocate_sequences: advance to "
        "advance them on new",
    )
