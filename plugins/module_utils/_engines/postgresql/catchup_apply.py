# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""New's side of a catch-up: what changed since the first copy is applied to incoming, in one transaction.

Triggers and foreign keys must sleep meanwhile, which a server does for whom an administrator lets. The statements
themselves run functions of the site's (checks, defaults, types), so they run in a session that the site's own role has
opened: nothing that is called in it can become the administrator. The setting comes with the login, for this role in
this database alone, and is taken back before anything else happens to the database.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import FrozenSet, Iterator, List, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import (
    catchup_sql,
    replicate_position,
    state,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.catchup_sql import (
    CHOSEN,
    CONTENTS,
    KEPT,
    Change,
    Contents,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.queries import Table
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import Session, ident, literal
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import cannot_catch_up
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

_SLEEP = "session_replication_role"
_AT_A_TIME = 100  # sequences in a statement


@contextlib.contextmanager
def asleep(server: Server, database: str) -> Iterator[Session]:
    """A session as the settings' user for which triggers, foreign keys and rules sleep.

    Raises cannot_catch_up where the administrator may not allow that; the block's error where it cannot be taken back.
    """
    place = "ALTER ROLE {0} IN DATABASE {1} ".format(ident(server.role), ident(database))
    with server.admin() as session:
        try:
            session.run(place + "SET {0} TO 'replica'".format(_SLEEP))
        except RelocateError as exc:
            raise cannot_catch_up("triggers cannot be put to sleep: {0}".format(exc.msg)) from exc
        try:
            with server.connect(database) as own:
                if own.value("SELECT current_setting({0})".format(literal(_SLEEP))) != "replica":
                    raise cannot_catch_up("triggers cannot be put to sleep")
                yield own
        finally:
            session.run(place + "RESET " + _SLEEP)


def read(path: str) -> Contents:
    """Return what a catch-up's directory says it holds. Raises cannot_catch_up for one that cannot be read."""
    try:
        with open(os.path.join(path, CONTENTS), encoding="utf-8") as stream:
            return Contents.from_plain(json.load(stream))
    except (OSError, KeyError, TypeError, ValueError, RecursionError) as exc:
        raise cannot_catch_up("{0} cannot be read".format(CONTENTS)) from exc


def apply(server: Server, database: str, path: str) -> FrozenSet[str]:
    """Apply a catch-up; returns the tables that it touched. Raises cannot_catch_up, with the database as it was."""
    contents = read(path)
    with _transaction(server, database) as session:
        streamed = replicate_position.settle(session, contents.follows)
        _all(session, path, contents)
    return streamed | frozenset(change.label for change in contents.changes if change.changes)


def try_apply(server: Server, database: str) -> None:
    """Apply nothing. Raises cannot_catch_up where nothing could be applied."""
    with _transaction(server, database):
        pass


@contextlib.contextmanager
def _transaction(server: Server, database: str) -> Iterator[Session]:
    with asleep(server, database) as session:
        try:
            session.run("BEGIN")
            session.run(
                "CREATE TEMPORARY TABLE {0} (b bigint) ON COMMIT DROP".format(CHOSEN),
                "CREATE TEMPORARY TABLE {0} (h bigint) ON COMMIT DROP".format(KEPT),
            )
            yield session
            session.run("COMMIT")
        except (RelocateError, OSError) as exc:
            if isinstance(exc, RelocateError) and exc.details.get("session") == "lost":
                raise
            raise cannot_catch_up("it cannot be applied: {0}".format(getattr(exc, "msg", exc))) from exc


def _all(session: Session, path: str, contents: Contents) -> None:
    tables = {(table.schema, table.name): table for table in state.list_tables(session)}
    for place, change in enumerate(contents.changes):
        table = tables.get((change.schema, change.name))
        if table is None or not set(change.key) <= {column.name for column in table.columns}:
            raise cannot_catch_up("there is no such table {0}".format(change.label))
        _delete(session, path, place, change, table, contents.method)
        if change.rows:
            sql = "COPY {0} ({1}) FROM STDIN".format(table.sql, ", ".join(map(ident, change.columns)))
            _copy(session, sql, os.path.join(path, catchup_sql.rows_file(place)), change.rows)
    for start in range(0, len(contents.sequences), _AT_A_TIME):
        session.run("SELECT " + ", ".join(map(_setval, contents.sequences[start : start + _AT_A_TIME])))
    for statement in refreshes(session, contents):
        session.run(statement)


def _setval(sequence: Tuple[str, str, int, bool]) -> str:
    schema, name, last, called = sequence
    relation = literal("{0}.{1}".format(ident(schema), ident(name)))
    return "setval({0}, {1:d}, {2})".format(relation, last, "true" if called else "false")


def _delete(session: Session, path: str, place: int, change: Change, table: Table, method: str) -> None:
    """Let go the rows that were changed or deleted."""
    if not change.key:
        session.run("DELETE FROM ONLY " + table.sql)
    elif change.chosen:
        session.run("DELETE FROM {0}".format(KEPT), "DELETE FROM {0}".format(CHOSEN))
        numbers = ",".join(str(int(number)) for number in change.chosen)
        session.run("INSERT INTO {0} SELECT unnest('{{{1}}}'::bigint[])".format(CHOSEN, numbers))
        if change.kept:
            _copy(
                session,
                "COPY {0} FROM STDIN".format(KEPT),
                os.path.join(path, catchup_sql.kept_file(place)),
                change.kept,
            )
        session.run("ANALYZE " + KEPT, "ANALYZE " + CHOSEN)
        hashed = catchup_sql.key_hash(table, change.key, method)
        session.run(catchup_sql.delete_sql(table, hashed, change.buckets))


def _copy(session: Session, sql: str, path: str, expected: int) -> None:
    with open(path, "rb") as stream:
        found = session.copy_in(sql, stream)
    if found != expected:
        raise cannot_catch_up("{0} rows were written and {1} read".format(expected, found))


def refreshes(session: Session, contents: Contents) -> List[str]:
    """The statements that fill materialized views, or empty them, as a load would; none where no row changed."""
    wanted = {(schema, name): filled for schema, name, filled in contents.views}
    found: List[Tuple[str, str, bool]] = session.rows(catchup_sql.VIEWS)
    changed = bool(contents.follows) or any(change.changes for change in contents.changes)
    statements = []
    for schema, name, filled in found:
        sql = "REFRESH MATERIALIZED VIEW {0}.{1}".format(ident(schema), ident(name))
        if wanted.get((schema, name)) and (changed or not filled):
            statements.append(sql)
        elif filled and not wanted.get((schema, name)):
            statements.append(sql + " WITH NO DATA")
    return statements
