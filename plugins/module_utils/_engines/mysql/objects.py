# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Views, triggers, routines, packages and events: read as statements, made again in another database, dropped.

They cannot be renamed from one database to another: a table with a trigger refuses to move (error 1435) and a view
stays behind. So they travel as their own statements, in a dump as well as in a swap.

A view is read by the server when it is made, so its names are led to the database in which it is made. All others are
kept as their authors wrote them: what they name is the database of the settings, before a swap and after it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import statement as statements
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import (
    Session,
    ident,
    is_named,
    literal,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.statement import (
    EVENT,
    FUNCTION,
    PACKAGE,
    PACKAGE_BODY,
    PROCEDURE,
    TRIGGER,
    VIEW,
    Parts,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

#: Where a dump keeps its objects, and in what form.
SCHEMA, FORMAT = "schema.json", 2
#: Functions come first, since views may call them; what runs by itself comes last.
ORDER = (PACKAGE, PACKAGE_BODY, FUNCTION, PROCEDURE, VIEW, TRIGGER, EVENT)


@dataclass(frozen=True)
class StoredObject:
    """One view, trigger, routine, package or event."""

    kind: str
    name: str
    statement: str  # CREATE ..., as the server prints it
    definer: str = ""  # `user`@`host`
    sql_mode: str = ""
    charset: str = ""
    collation: str = ""
    enabled: str = ""  # of events: ENABLE, DISABLE, ...
    time_zone: str = ""  # of events: what their times are in
    database: str = ""  # where it was read
    database_collation: str = ""  # that the database had when it was made: of texts in it that name none

    def parts(self) -> Parts:
        """Its statement taken apart. Raises dump_refused when that is not what it is said to be."""
        return statements.take_apart(self.kind, self.name, self.statement, self.sql_mode, self.database)


def read(session: Session, database: str, kinds: Sequence[str] = ORDER) -> List[StoredObject]:
    """Everything of a database that is no table, in the order in which it can be made. Raises right_missing.

    :param kinds: of which kinds, in that order
    """
    session.use(database)
    names = _names(session, database)
    return [_show(session, database, kind, name) for kind in kinds for name in names[kind]]


def _names(session: Session, database: str) -> Dict[str, List[str]]:
    found: Dict[str, List[str]] = {kind: [] for kind in ORDER}
    # Triggers in the order in which the server runs those of one table and moment.
    for kind, name in [
        *session.rows(
            "SELECT 'view', TABLE_NAME FROM information_schema.TABLES WHERE TABLE_TYPE = 'VIEW' AND "
            + is_named("TABLE_SCHEMA", database)
            + " ORDER BY 2"
        ),
        *session.rows(
            "SELECT 'trigger', TRIGGER_NAME FROM information_schema.TRIGGERS WHERE "
            + is_named("TRIGGER_SCHEMA", database)
            + " ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER"
        ),
        *session.rows(
            "SELECT LOWER(ROUTINE_TYPE), ROUTINE_NAME FROM information_schema.ROUTINES WHERE "
            + is_named("ROUTINE_SCHEMA", database)
            + " ORDER BY 1, 2"
        ),
        *session.rows(
            "SELECT 'event', EVENT_NAME FROM information_schema.EVENTS WHERE "
            + is_named("EVENT_SCHEMA", database)
            + " ORDER BY 2"
        ),
    ]:
        if str(kind) not in found:
            raise RelocateError(
                "unsupported_object",
                "{0} {1} is of a kind that no dump carries".format(kind, name),
                "drop it if nothing uses it, or leave its alias out of relocate_aliases",
            )
        found[str(kind)].append(str(name))
    return found


#: Where ``SHOW CREATE`` puts statement, sql_mode, character set and collation of the connection that made it.
_COLUMNS: Dict[str, Tuple[int, Optional[int], int, int]] = {
    VIEW: (1, None, 2, 3),
    TRIGGER: (2, 1, 3, 4),
    FUNCTION: (2, 1, 3, 4),
    PROCEDURE: (2, 1, 3, 4),
    PACKAGE: (2, 1, 3, 4),
    PACKAGE_BODY: (2, 1, 3, 4),
    EVENT: (3, 1, 4, 5),
}


def _cell(value: Any) -> str:
    return str(value or "")


def _show(session: Session, database: str, kind: str, name: str) -> StoredObject:
    row = session.rows("SHOW CREATE {0} {1}".format(kind.upper(), ident(name)))[0]
    place, mode, charset, collation = _COLUMNS[kind]
    if row[place] is None:
        raise RelocateError(
            "right_missing",
            "this user may not see the definition of {0} {1}".format(kind, name),
            "back up as the administrator (become, or relocate_old_login), or GRANT SHOW_ROUTINE to the user",
        )
    found = StoredObject(
        kind=kind,
        name=name,
        statement=str(row[place]),
        sql_mode="" if mode is None else _cell(row[mode]),
        charset=_cell(row[charset]),
        collation=_cell(row[collation]),
        time_zone=_cell(row[2]) if kind == EVENT else "",
        database=database,
        database_collation=_cell(row[collation + 1]) if kind != VIEW else "",
    )
    parts = found.parts()
    enabled = statements.event_state(parts.rest, found.sql_mode)[0] if kind == EVENT else ""
    return replace(found, definer=parts.definer, enabled=enabled)


def with_definer(item: StoredObject, definer: str) -> StoredObject:
    """The same object, owned by another account; without one it is whoever makes it."""
    return replace(item, definer=definer)


def disabled(item: StoredObject) -> StoredObject:
    """An event that does not run: nothing may happen by itself in a database that is not live."""
    return replace(item, enabled="DISABLE") if item.kind == EVENT and item.enabled else item


def statement_of(item: StoredObject, database: str) -> str:
    """Return what makes an object in a database. Raises dump_refused, see :func:`take_apart`."""
    parts = item.parts()
    if item.kind == VIEW and item.database:
        parts = replace(parts, rest=statements.view_in(parts.rest, item.database, database))
    if item.kind == EVENT and item.enabled:
        if item.enabled not in statements.STATES:
            raise RelocateError(
                "dump_refused", "event {0} is of an unknown state".format(item.name), "use another backup set"
            )
        parts = replace(parts, rest=statements.event_state(parts.rest, item.sql_mode, item.enabled)[1])
    return statements.put_together(item.kind, parts, database, item.definer)


def create(database: str, items: Sequence[StoredObject], makers: Sequence[Session]) -> None:
    """Make objects in a database. Views that need each other are tried until all are there.

    :param makers: the first one makes them; the next is asked where it lacks a right. Events only the first makes,
        since the server works out their times by expressions with the rights of who makes them; the last one then
        gives them to another definer
    Raises load_failed, dump_refused or right_missing naming the object.
    """
    for maker in makers:
        maker.use(database)
    usual = _collation(makers[0], database) if any(item.database_collation for item in items) else ""
    try:
        for kind in ORDER:
            _create_all(makers, database, [item for item in items if item.kind == kind])
    finally:
        for maker in makers:
            maker.pin()
        if usual:
            _collate(makers[0], database, usual)


def _create_all(makers: Sequence[Session], database: str, items: Sequence[StoredObject]) -> None:
    pending = list(items)
    while pending:
        left: List[StoredObject] = []
        error: Optional[RelocateError] = None
        for item in pending:
            try:
                _create_one(makers, database, item)
            except RelocateError as exc:
                left, error = [*left, item], _named(exc, item)
        if error is not None and len(left) == len(pending):
            raise error
        pending = left


def _create_one(makers: Sequence[Session], database: str, item: StoredObject) -> None:
    statement = statement_of(item, database)
    if item.database_collation:
        _collate(makers[0], database, item.database_collation)
    if item.kind == EVENT:
        _create_event(makers, database, item)
        return
    for number, maker in enumerate(makers, 1):
        try:
            _run(maker, item, statement)
        except RelocateError as exc:
            if exc.code != "right_missing" or number == len(makers):
                raise
        else:
            return


def _create_event(makers: Sequence[Session], database: str, item: StoredObject) -> None:
    try:
        _run(makers[0], item, statement_of(item, database))
    except RelocateError as exc:
        if exc.code != "right_missing" or len(makers) == 1 or not item.definer:
            raise
        _run(makers[0], item, statement_of(with_definer(item, ""), database))
        state = item.enabled if item.enabled in statements.STATES else "DISABLE"
        given = "ALTER DEFINER={0} EVENT {1}.{2} {3}".format(item.definer, ident(database), ident(item.name), state)
        try:
            _run(makers[-1], item, given)
        except RelocateError as gone:  # its last time has passed: the server has dropped it at once
            if gone.details.get("number") != _NO_SUCH_EVENT:
                raise


_NO_SUCH_EVENT = 1539


def _collation(session: Session, database: str) -> str:
    return str(
        session.value(
            "SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE " + is_named("SCHEMA_NAME", database)
        )
    )


def _collate(session: Session, database: str, collation: str) -> None:
    if _collation(session, database) != collation:
        session.run("ALTER DATABASE {0} COLLATE {1}".format(ident(database), statements.plain(collation, "collation")))


def _run(session: Session, item: StoredObject, statement: str) -> None:
    mode = item.sql_mode
    if session.flavor.mariadb is False:
        # Modes that MySQL 8 has given up, which a definition from elsewhere may still name.
        mode = ",".join(word for word in mode.split(",") if word not in _GONE)
    codec = "utf-8"
    if item.charset and item.collation:
        codec = statements.codec_of(item.charset)
        session.run(
            "SET NAMES {0}".format(statements.plain(item.charset, "character set")),
            "SET SESSION collation_connection = {0}".format(statements.plain(item.collation, "collation")),
        )
    session.run("SET SESSION time_zone = " + literal(item.time_zone or "+00:00"))
    session.run("SET SESSION sql_mode = " + literal(mode))
    try:
        text = statement.encode(codec, "surrogateescape")
    except UnicodeError:
        raise RelocateError(
            "load_failed",
            "its text has letters that its own character set {0} lacks".format(item.charset),
            "create it again on old over a connection that uses utf8mb4",
        ) from None
    session.send(text)


_GONE = {
    "NO_AUTO_CREATE_USER",
    "NO_FIELD_OPTIONS",
    "NO_KEY_OPTIONS",
    "NO_TABLE_OPTIONS",
    "DB2",
    "MAXDB",
    "MSSQL",
    "ORACLE",
    "MYSQL323",
    "MYSQL40",
    "POSTGRESQL",
    "EMPTY_STRING_IS_NULL",
    "SIMULTANEOUS_ASSIGNMENT",
    "TIME_ROUND_FRACTIONAL",
}


def _named(exc: RelocateError, item: StoredObject) -> RelocateError:
    code = exc.code if exc.code in ("right_missing", "server_unreachable", "dump_refused") else "load_failed"
    return RelocateError(code, "{0} {1}: {2}".format(item.kind, item.name, exc.msg), exc.hint, exc.details)


def drop(session: Session, database: str, items: Sequence[StoredObject]) -> None:
    """Drop objects of a database, as far as they are there. A package's body goes with it."""
    packages = [item for item in items if item.kind == PACKAGE]
    if packages:  # a word of this SQL mode only
        session.run("SET SESSION sql_mode = 'ORACLE'")
        for item in packages:
            session.run("DROP PACKAGE IF EXISTS {0}.{1}".format(ident(database), ident(item.name)))
        session.pin()
    for item in reversed([item for item in items if item.kind not in (PACKAGE, PACKAGE_BODY)]):
        session.run("DROP {0} IF EXISTS {1}.{2}".format(item.kind.upper(), ident(database), ident(item.name)))


def account(user: str, host: str) -> str:
    """A user as servers write a definer."""
    return ident(user) + "@" + ident(host)


def from_plain(plain: Sequence[Mapping[str, Any]]) -> List[StoredObject]:
    """Objects out of a dump's JSON. Raises TypeError on a wrong shape, dump_refused for a statement that is another."""
    found = [StoredObject(**{key: _text(value) for key, value in item.items()}) for item in plain]
    for item in found:
        if item.kind not in ORDER:
            raise RelocateError(
                "dump_refused", "the dump holds a {0!r}".format(item.kind[:40]), "use another backup set"
            )
        statement_of(item, "x")
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value
