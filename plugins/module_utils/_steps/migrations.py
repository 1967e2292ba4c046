# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What migrations would stumble over half way, and what they took away."""

from __future__ import annotations

from typing import Collection, Dict, List

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState
from ansible_collections.relocate.django.plugins.module_utils._site import Site

_SHOWN = 10


def check(site: Site, check_missing: bool) -> None:
    """Refuse what migrate would stumble over half way. Raises migration_conflict, missing_migrations.

    Needs the topic ``migrations``.
    """
    conflicts, missing = site.facts["migrations"]["conflicts"], site.facts["migrations"]["missing"]
    if conflicts:
        raise RelocateError(
            "migration_conflict",
            "conflicting migrations in {0}".format(", ".join(sorted(conflicts))),
            "merge them with manage.py makemigrations --merge",
        )
    if check_missing and missing:
        raise RelocateError(
            "missing_migrations",
            "models have changes that no migration holds: {0}".format(", ".join(missing)),
            "run makemigrations and commit the result",
        )


def rows_lost(before: DatabaseState, after: DatabaseState) -> Dict[str, int]:
    """Return how many rows each table has lost; one that is gone has lost all of them."""
    now = {table.name: table.rows for table in after.tables}
    lost = {table.name: table.rows - now.get(table.name, 0) for table in before.tables}
    return {name: count for name, count in lost.items() if count > 0}


def refuse_lost(alias: str, lost: Dict[str, int], allowed: Collection[str]) -> None:
    """Raise rows_lost for tables that nobody allows to lose rows; ``*`` stands for all."""
    if "*" in allowed:
        return
    texts: List[str] = [
        "{0} ({1})".format(name, count) for name, count in sorted(lost.items()) if not _is_named(name, allowed)
    ]
    if texts:
        raise RelocateError(
            "rows_lost",
            "database {0}: migrations have taken rows away from: {1}{2}".format(
                alias, ", ".join(texts[:_SHOWN]), ", ..." if len(texts) > _SHOWN else ""
            ),
            "correct the migration; or name the tables in relocate_rows_lost when their rows are meant to go",
            {"rows": lost},
        )


def _is_named(name: str, allowed: Collection[str]) -> bool:
    """Tell whether a table is among those named, with its schema or without."""
    return name in allowed or name.rpartition(".")[2].strip('"') in allowed
