# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Views, triggers, routines and events: read as statements, made again in another database, dropped.

They cannot be renamed from one database to another: a table with a trigger refuses to move (error 1435) and a view
stays behind. So they travel as their own statements, in a dump as well as in a swap.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines._mysql_session import Session, ident, literal
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

VIEW, TRIGGER, FUNCTION, PROCEDURE, EVENT = "view", "trigger", "function", "procedure", "event"
#: Functions come first, since views may call them; what runs by itself comes last.
ORDER = (FUNCTION, PROCEDURE, VIEW, TRIGGER, EVENT)
_DEFINER = re.compile(r"\bDEFINER\s*=\s*(`(?:[^`]|``)*`@`(?:[^`]|``)*`|\S+@\S+|\S+)\s+", re.IGNORECASE)
_STATUS = re.compile(r"\b(ENABLE|DISABLE ON SLAVE|DISABLE ON REPLICA|DISABLE)\b(?=(?:\s+COMMENT\s|\s+DO\s))")


@dataclass(frozen=True)
class StoredObject:
    """One view, trigger, routine or event."""

    kind: str
    name: str
    statement: str  # CREATE ..., names of its own database unqualified
    definer: str = ""  # user@host as the server writes it
    sql_mode: str = ""
    charset: str = ""
    collation: str = ""
    enabled: str = ""  # of events: ENABLE, DISABLE, ...
    time_zone: str = ""  # of events: what their times are in


def read(session: Session, database: str) -> List[StoredObject]:
    """Everything of a database that is no table, in the order in which it can be made. Raises right_missing."""
    session.use(database)
    names = _names(session, database)
    return [_show(session, database, kind, name) for kind in ORDER for name in names[kind]]


def _names(session: Session, database: str) -> Dict[str, List[str]]:
    where = literal(database)
    queries = {
        VIEW: "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_TYPE = 'VIEW' AND TABLE_SCHEMA = " + where,
        # In the order in which the server runs those of one table and moment.
        TRIGGER: "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = " + where
        + " ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER",
        FUNCTION: _routines("FUNCTION", where),
        PROCEDURE: _routines("PROCEDURE", where),
        EVENT: "SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = " + where,
    }  # fmt: skip
    return {
        kind: [str(row[0]) for row in session.rows(sql + ("" if kind == TRIGGER else " ORDER BY 1"))]
        for kind, sql in queries.items()
    }


def _routines(kind: str, where: str) -> str:
    return (
        "SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = '{0}' AND ROUTINE_SCHEMA = {1}"
    ).format(kind, where)


#: Where ``SHOW CREATE`` puts statement, sql_mode, character set and collation of the connection that made it.
_COLUMNS: Dict[str, Tuple[int, Optional[int], int, int]] = {
    VIEW: (1, None, 2, 3),
    TRIGGER: (2, 1, 3, 4),
    FUNCTION: (2, 1, 3, 4),
    PROCEDURE: (2, 1, 3, 4),
    EVENT: (3, 1, 4, 5),
}


def _show(session: Session, database: str, kind: str, name: str) -> StoredObject:
    row = session.rows("SHOW CREATE {0} {1}".format(kind.upper(), ident(name)))[0]
    statement, mode, charset, collation = _COLUMNS[kind]
    if row[statement] is None:
        raise RelocateError(
            "right_missing",
            "the definition of {0} {1} is not shown to this user".format(kind, name),
            "back up as the administrator (become, or login_user), or let the user SHOW_ROUTINE",
        )
    text = unqualified(str(row[statement]), database)
    match = _DEFINER.search(text)
    status = _STATUS.search(text) if kind == EVENT else None
    return StoredObject(
        kind=kind,
        name=name,
        statement=text,
        definer=match.group(1) if match else "",
        sql_mode=str(row[mode] or "") if mode is not None else "",
        charset=str(row[charset] or ""),
        collation=str(row[collation] or ""),
        enabled=status.group(1) if status else "",
        time_zone=str(row[2] or "") if kind == EVENT else "",
    )


def unqualified(statement: str, database: str) -> str:
    """A statement whose names do not lead to the database that it was read from.

    Only the form in which servers print names is touched; a text literal that looks the same is left alone.
    """
    prefix = ident(database) + "."
    parts = re.split(r"('(?:[^'\\]|\\.|'')*')", statement, flags=re.DOTALL)
    return "".join(part if part.startswith("'") else part.replace(prefix, "") for part in parts)


def with_definer(item: StoredObject, definer: str) -> StoredObject:
    """The same object, owned by another account; without one it is whoever makes it."""
    clause = "DEFINER={0} ".format(definer) if definer else ""
    return replace(item, definer=definer, statement=_DEFINER.sub(lambda _match: clause, item.statement, count=1))


def disabled(item: StoredObject) -> StoredObject:
    """An event that does not run: nothing may happen by itself in a database that is not live."""
    if item.kind != EVENT:
        return item
    return replace(item, statement=_STATUS.sub("DISABLE", item.statement, count=1))


def as_recorded(item: StoredObject) -> StoredObject:
    """The inverse of :func:`disabled`."""
    if item.kind != EVENT or not item.enabled:
        return item
    return replace(item, statement=_STATUS.sub(item.enabled, item.statement, count=1))


def create(session: Session, database: str, items: Sequence[StoredObject]) -> None:
    """Make objects in a database. Views that need each other are tried until all are there.

    Raises load_failed or right_missing naming the object.
    """
    session.use(database)
    try:
        for kind in ORDER:
            _create_all(session, [item for item in items if item.kind == kind])
    finally:
        session.pin()


def _create_all(session: Session, items: Sequence[StoredObject]) -> None:
    pending = list(items)
    while pending:
        left: List[StoredObject] = []
        error: Optional[RelocateError] = None
        for item in pending:
            try:
                _create_one(session, item)
            except RelocateError as exc:
                left, error = [*left, item], _named(exc, item)
        if error is not None and len(left) == len(pending):
            raise error
        pending = left


def _create_one(session: Session, item: StoredObject) -> None:
    mode = item.sql_mode
    if session.flavor.mariadb is False:
        # Modes that MySQL 8 has given up, which a definition from elsewhere may still name.
        mode = ",".join(word for word in mode.split(",") if word not in _GONE)
    if item.charset and item.collation:
        session.run(
            "SET NAMES {0}".format(item.charset), "SET SESSION collation_connection = {0}".format(item.collation)
        )
    session.run("SET SESSION time_zone = " + literal(item.time_zone or "+00:00"))
    session.run("SET SESSION sql_mode = " + literal(mode), item.statement)


_GONE = {
    "NO_AUTO_CREATE_USER", "NO_FIELD_OPTIONS", "NO_KEY_OPTIONS", "NO_TABLE_OPTIONS", "DB2", "MAXDB", "MSSQL", "ORACLE",
    "MYSQL323", "MYSQL40", "POSTGRESQL", "EMPTY_STRING_IS_NULL", "SIMULTANEOUS_ASSIGNMENT", "TIME_ROUND_FRACTIONAL",
}  # fmt: skip


def _named(exc: RelocateError, item: StoredObject) -> RelocateError:
    code = exc.code if exc.code in ("right_missing", "server_unreachable") else "load_failed"
    return RelocateError(code, "{0} {1}: {2}".format(item.kind, item.name, exc.msg), exc.hint, exc.details)


def drop(session: Session, database: str, items: Sequence[StoredObject]) -> None:
    """Drop objects of a database, as far as they are there."""
    for item in reversed(list(items)):
        session.run("DROP {0} IF EXISTS {1}.{2}".format(item.kind.upper(), ident(database), ident(item.name)))


def definers_here(session: Session) -> Set[str]:
    """Every account of the server, as definers are written. Raises right_missing."""
    return {account(str(user), str(host)) for user, host in session.rows("SELECT User, Host FROM mysql.user")}


def account(user: str, host: str) -> str:
    """A user as servers write a definer."""
    return ident(user) + "@" + ident(host)


def settle_definers(
    items: Sequence[StoredObject], known: Set[str], own: str, tell: Callable[[str], None]
) -> List[StoredObject]:
    """Give objects whose definer this server does not know to the settings' user, and say so."""
    found = []
    for item in items:
        if not item.definer or item.definer in known:
            found.append(item)
            continue
        tell("{0} {1}: definer {2} is not on this server, {3} takes its place".format(
            item.kind, item.name, item.definer, own
        ))  # fmt: skip
        found.append(with_definer(item, own))
    return found


def from_plain(plain: Sequence[Mapping[str, Any]]) -> List[StoredObject]:
    """Objects out of a dump's JSON. Raises TypeError on a wrong shape."""
    return [StoredObject(**item) for item in plain]
