# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds what a database depends on outside itself: other databases, its own name, settings of its server.

Everything here is asked before a freeze, and goes into the facts that preflight on new, and a restore, look at.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import objects as stored
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.definers import definers_of
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import (
    Session,
    ident,
    is_named,
    literal,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.statement import EVENT, VIEW
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.text import (
    chains,
    naming,
    significant,
    tokens,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

#: Settings of a server by which the same data, or the same statement, gives another result.
SETTINGS = (
    "character_set_collations",
    "default_storage_engine",
    "default_week_format",
    "div_precision_increment",
    "event_scheduler",
    "explicit_defaults_for_timestamp",
    "ft_max_word_len",
    "ft_min_word_len",
    "group_concat_max_len",
    "innodb_ft_max_token_size",
    "innodb_ft_min_token_size",
    "innodb_strict_mode",
    "lc_time_names",
    "lower_case_table_names",
    "max_allowed_packet",
    "sql_mode",
    "sql_safe_updates",
    "system_time_zone",
    "time_zone",
    "transaction_isolation",
    "tx_isolation",
    "innodb_default_row_format",
    "innodb_large_prefix",
)
_KNOWN_TABLES = ("BASE TABLE", "VIEW", "SEQUENCE", "SYSTEM VERSIONED", "TEMPORARY", "TEMPORARY SEQUENCE")


def settings(session: Session) -> Dict[str, str]:
    """The server's own values of :data:`SETTINGS`, and whether it knows the names of time zones."""
    names = ", ".join(literal(name) for name in SETTINGS)
    found = {
        str(name).lower(): str(value)
        for name, value in session.rows("SHOW GLOBAL VARIABLES WHERE Variable_name IN ({0})".format(names))
    }
    known = session.value("SELECT CONVERT_TZ('2026-07-01 12:00:00', 'UTC', 'Europe/Berlin')")
    found["time_zone_names"] = "loaded" if known is not None else "missing"
    return found


def kinds(session: Session, database: str) -> List[str]:
    """Tables of kinds that this engine does not know."""
    known = ", ".join(map(literal, _KNOWN_TABLES))
    return [
        "{0} {1}".format(str(kind).lower(), name)
        for kind, name in session.rows(
            "SELECT TABLE_TYPE, TABLE_NAME FROM information_schema.TABLES WHERE {0}"
            " AND TABLE_TYPE NOT IN ({1}) ORDER BY 2".format(is_named("TABLE_SCHEMA", database), known)
        )
    ]


def survey(session: Session, database: str) -> Dict[str, Any]:
    """List what depends on something else, by how. Raises right_missing when ``session`` may not see a definition."""
    items = stored.read(session, database)
    names_itself = [
        "{0} {1}".format(item.kind, item.name)
        for item in items
        if item.kind != VIEW and naming(_body(item), database, item.sql_mode)
    ]
    events = [item.name for item in items if item.kind == EVENT and item.enabled == "ENABLE"]
    found: Dict[str, Any] = {
        "database": database,
        "names_itself": names_itself,
        "events": events,
        "elsewhere": _elsewhere(session, database, items),
        "undeclared": _undeclared(session, database),
        "rights": rights_of_others(session, database),
        "definers": definers_of(items),
    }
    return found


def _body(item: stored.StoredObject) -> str:
    """Return what runs: of a trigger that is without its own table, which is always in its own database."""
    parts = item.parts()
    return parts.rest


def _elsewhere(session: Session, database: str, items: Sequence[stored.StoredObject]) -> Dict[str, List[str]]:
    """Other databases -> what of this one uses them: views, definitions, and foreign keys."""
    there = {str(row[0]) for row in session.rows("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")}
    others = there - {database}
    found: Dict[str, Set[str]] = {}
    for item in items:
        for name in _databases(item, others):
            found.setdefault(name, set()).add("{0} {1}".format(item.kind, item.name))
    for table, key, name in session.rows(
        "SELECT TABLE_NAME, CONSTRAINT_NAME, UNIQUE_CONSTRAINT_SCHEMA FROM information_schema.REFERENTIAL_CONSTRAINTS"
        " WHERE {0} AND BINARY UNIQUE_CONSTRAINT_SCHEMA <> BINARY CONSTRAINT_SCHEMA".format(
            is_named("CONSTRAINT_SCHEMA", database)
        )
    ):
        found.setdefault(str(name), set()).add("foreign key {0}.{1}".format(table, key))
    return {name: sorted(users) for name, users in sorted(found.items()) if name.lower() not in _SYSTEM}


_INVALID_VIEW = 1356
_SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")


def _databases(item: stored.StoredObject, others: Set[str]) -> Set[str]:
    words = significant(tokens(item.parts().rest, item.sql_mode))
    return {words[first].name for first, end in chains(words) if end - first > 1 and words[first].name in others}


def _undeclared(session: Session, database: str) -> List[str]:
    """Functions that a server with a binary log takes only when it is told to trust their authors (error 1418)."""
    sql = (
        "SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE {0} AND ROUTINE_TYPE = 'FUNCTION'"
        " AND IS_DETERMINISTIC = 'NO' AND SQL_DATA_ACCESS NOT IN ('NO SQL', 'READS SQL DATA') ORDER BY 1"
    )
    return [str(row[0]) for row in session.rows(sql.format(is_named("ROUTINE_SCHEMA", database)))]


def rights_of_others(session: Session, database: str) -> Dict[str, List[str]]:
    """Accounts that have rights on this database or a part of it -> which. No set carries them."""
    where = is_named("TABLE_SCHEMA", database)
    escaped = is_named("TABLE_SCHEMA", database.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%"))
    rows: List[Tuple[Any, ...]] = []
    for column, view in (("''", "SCHEMA"), ("TABLE_NAME", "TABLE"), ("COLUMN_NAME", "COLUMN")):
        sql = "SELECT GRANTEE, PRIVILEGE_TYPE, {0} FROM information_schema.{1}_PRIVILEGES WHERE ({2})"
        rows += session.rows(sql.format(column, view, where + " OR " + escaped if view == "SCHEMA" else where))
    found: Dict[str, Set[str]] = {}
    for grantee, right, place in rows:
        found.setdefault(str(grantee), set()).add(str(right) + (" on " + str(place) if place else ""))
    return {name: sorted(rights) for name, rights in sorted(found.items())}


def broken_views(session: Session, database: str) -> List[str]:
    """Views over something that is gone, or that their definer may not read: no server makes them anew.

    They are prepared and not run.
    """
    views = session.rows(
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_TYPE = 'VIEW' AND {0} ORDER BY 1".format(
            is_named("TABLE_SCHEMA", database)
        )
    )
    return [str(row[0]) for row in views if _is_broken(session, database, str(row[0]))]


def _is_broken(session: Session, database: str, view: str) -> bool:
    sql = "SELECT 1 FROM {0}.{1}".format(ident(database), ident(view))
    try:
        session.run("PREPARE relocate FROM " + literal(sql), "DEALLOCATE PREPARE relocate")
    except RelocateError as exc:
        return exc.details.get("number") == _INVALID_VIEW
    return False


def numbered_by_sequence(session: Session, database: str) -> List[str]:
    """Columns whose default is a sequence of this database: its name is a part of it, and a swap changes the name."""
    if not session.flavor.mariadb:
        return []
    return [
        "{0}.{1}".format(table, column)
        for table, column, default in session.rows(
            "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_DEFAULT FROM information_schema.COLUMNS WHERE {0}"
            " AND COLUMN_DEFAULT LIKE '%(%' ORDER BY 1, 2".format(is_named("TABLE_SCHEMA", database))
        )
        if naming(str(default), database)
    ]


def versioned_by_transaction(session: Session, database: str) -> List[str]:
    """Tables whose history counts in transactions, which have other numbers on another server."""
    rows = session.rows(
        "SELECT TABLE_NAME FROM information_schema.COLUMNS WHERE {0} AND DATA_TYPE = 'bigint'"
        " AND GENERATION_EXPRESSION IN ('ROW START', 'ROW END')".format(is_named("TABLE_SCHEMA", database))
    )
    return sorted({str(name) for (name,) in rows})


def differing(old: Mapping[str, str], new: Mapping[str, str]) -> List[Tuple[str, str, str]]:
    """Settings that both servers have and whose values differ: (name, old, new)."""
    return [(name, old[name], new[name]) for name in sorted(old) if name in new and old[name] != new[name]]


#: Preflight refuses these where they matter.
_REFUSED = ("event_scheduler", "lower_case_table_names", "max_allowed_packet", "time_zone_names")


def sentences(session: Session, details: Mapping[str, Any]) -> List[str]:
    """List what differs from old without being an obstacle: settings of the server, and rights that no set carries."""
    found = [
        "{0} is {2!r} on this server and was {1!r}: where the site depends on it, add the line {0} = {1} below"
        " [mysqld]".format(name, old, new)
        for name, old, new in differing(dict(details.get("variables") or {}), settings(session))
        if name not in _REFUSED
    ]
    own = str(details.get("account") or "").replace("`", "'")
    for account, rights in sorted(dict(details.get("rights") or {}).items()):
        if account != own:
            found.append(
                "{0} had rights on old that are not carried ({1}): GRANT them here where they are needed".format(
                    account, ", ".join(rights[:5]) + (", ..." if len(rights) > 5 else "")
                )
            )
    return found
