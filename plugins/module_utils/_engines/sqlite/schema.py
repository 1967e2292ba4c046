# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole schema of a SQLite database, as SQLite stores it: objects, properties that last, counters."""

from __future__ import annotations

import sqlite3
from typing import Any, Dict, List, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.base import EngineContext
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite.content import lenient_text, orphans
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import Difference, brief

#: What the header of the file holds and a PRAGMA tells. foreign_keys, synchronous and the like are a connection's own.
_PRAGMAS = ("application_id", "auto_vacuum", "encoding", "page_size", "user_version")
#: What a connection of the site may change by itself at any time, by its settings or by ``PRAGMA optimize``: no loss.
_OWN = ("property journal_mode", "statistics ", "table sqlite_stat")
_HEADER = 100


def whole_schema(connection: sqlite3.Connection, path: str) -> Dict[str, str]:
    """Every object with its definition, every lasting property, every counter and statistic: "kind name" -> text.

    :param path: the database's file: how it is journalled is written there, and no immutable connection tells it
    """
    connection.text_factory = lenient_text
    try:
        found = dict(_objects(connection))
        for name in _PRAGMAS:
            found["property " + name] = str(connection.execute("PRAGMA " + name).fetchone()[0])
        found.update(_counters(connection, found))
    finally:
        connection.text_factory = str
    found.update(_header(path))
    return found


def _objects(connection: sqlite3.Connection) -> List[Tuple[str, str]]:
    """Every row of sqlite_schema, those that SQLite made by itself too, such as shadow tables and automatic indexes."""
    rows = connection.execute("SELECT type, name, tbl_name, sql, rootpage FROM sqlite_master").fetchall()
    listed = []
    for kind, name, table, sql, rootpage in rows:
        if kind == "table" and not rootpage:
            kind = "virtual table"
        listed.append(("{0} {1}".format(kind, name), brief("{0}\0{1}".format(table, sql or ""))))
    return listed


def _counters(connection: sqlite3.Connection, objects: Dict[str, str]) -> Dict[str, str]:
    found: Dict[str, str] = {}
    if "table sqlite_sequence" in objects:
        rows = connection.execute("SELECT name, seq FROM sqlite_sequence ORDER BY name, seq").fetchall()
        for name in sorted({str(row[0]) for row in rows}):
            found["counter " + name] = ", ".join(str(seq) for table, seq in rows if str(table) == name)
    for table in ("sqlite_stat1", "sqlite_stat4"):
        if "table " + table in objects:
            rows = connection.execute("SELECT * FROM " + table).fetchall()
            found["statistics " + table] = brief(repr(sorted(repr(row) for row in rows)))
    return found


def _header(path: str) -> Dict[str, str]:
    with open(path, "rb") as stream:
        header = stream.read(_HEADER)
    if len(header) < _HEADER:
        return {}  # an empty file is a blank database
    return {
        "property journal_mode": "wal" if header[18] == 2 else "rollback",
        "property reserved_bytes": str(header[20]),
    }


def sorted_out(differences: Sequence[Difference]) -> Tuple[List[Difference], List[str]]:
    """Differences that are a loss, and sentences on those that a connection of the site may have made."""
    own = [item for item in differences if item.what == "schema of" and item.name.startswith(_OWN)]
    return [item for item in differences if item not in own], [str(item) for item in own]


def orphans_text(found: Dict[str, List[Tuple[Any, ...]]]) -> str:
    """Describe the rows that refer to missing rows, by table."""
    return "; ".join(
        "table {0}: {1} {2} to missing rows of {3}{4}".format(
            table,
            len(rows),
            "row refers" if len(rows) == 1 else "rows refer",
            ", ".join(sorted({str(row[2]) for row in rows})),
            _rowids(rows),
        )
        for table, rows in sorted(found.items())
    )


def _rowids(rows: Sequence[Tuple[Any, ...]]) -> str:
    known = sorted({row[1] for row in rows if isinstance(row[1], int)})
    shown = ", ".join(str(number) for number in known[:5]) + (", ..." if len(known) > 5 else "")
    return " (rowid {0})".format(shown) if known else ""


def orphans_hint(tables: Sequence[str], name: str) -> str:
    """Return the hint that works: look at the rows, fix them by hand, or take them along as they are."""
    quoted = name.replace("'", "'\\''")
    return (
        "list them with: sqlite3 '{0}' 'PRAGMA foreign_key_check' (table, rowid, parent); correct or delete these rows "
        "on old; or set relocate_orphans: [{1}] to take them along as they are, since the old site works with them"
    ).format(quoted, ", ".join(tables))


def refuse_orphans(connection: sqlite3.Connection, context: EngineContext, path: str) -> None:
    """Raise orphan_rows, naming the rows, unless the user accepts them by their table's name."""
    found = orphans(connection, context.orphans)
    if found:
        raise RelocateError("orphan_rows", orphans_text(found), orphans_hint(sorted(found), path))
