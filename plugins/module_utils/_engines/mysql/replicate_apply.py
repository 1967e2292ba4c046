# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""New's side of a replication: the files of a stream are taken into incoming, each in one transaction.

Each key of a file goes, and the rows that are there come. A row that stands in the way of another one by a unique key
has been written since, and comes by a later file; so it makes way. How far incoming is stands in a table beside the
rows, so that a run that is killed neither repeats nor leaves out a file. What is in incoming in the end is compared as
ever.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Dict, FrozenSet, Iterator, List, Optional, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.following import file_name
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import replicate_file, replicate_sql, rows
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import state as states
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.queries import OURS, Table
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.replicate_events import Key
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import Session, ident, literal
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import cannot_catch_up
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

#: How many files of a stream are in, and which tables they changed.
_POSITION = OURS + "stream"


def _read(session: Session) -> Tuple[int, FrozenSet[str]]:
    """Return how many files were taken in, 0 for none ever, and the tables that they changed."""
    try:
        found = session.rows("SELECT files, tables FROM " + ident(_POSITION))
    except RelocateError as exc:
        if exc.details.get("number") == 1146:
            return 0, frozenset()
        raise
    return (int(found[0][0]), frozenset(map(str, json.loads(found[0][1])))) if found else (0, frozenset())


def is_ahead(session: Session, stream: str) -> bool:
    """Tell whether a stream has a file that is not in."""
    return os.path.exists(os.path.join(stream, file_name(_read(session)[0] + 1)))


def replay(session: Session, database: str, stream: str) -> int:
    """Take in what incoming lacks; returns how many files it has then. Triggers are to be gone meanwhile.

    Raises cannot_catch_up, query_failed, OSError.
    """
    done, touched = _read(session)
    if not is_ahead(session, stream):
        return done
    session.run(
        "CREATE TABLE IF NOT EXISTS {0} (id tinyint PRIMARY KEY, files int NOT NULL, tables longtext NOT NULL)"
        " CHARACTER SET utf8mb4 ENGINE=InnoDB".format(ident(_POSITION))
    )
    targets = _Targets(session, database)
    while os.path.exists(os.path.join(stream, file_name(done + 1))):
        done += 1
        with _transaction(session):
            touched |= _one_file(session, os.path.join(stream, file_name(done)), targets)
            session.run(
                "REPLACE INTO {0} VALUES (1, {1:d}, {2})".format(
                    ident(_POSITION), done, literal(json.dumps(sorted(touched)))
                )
            )
    return done


@contextlib.contextmanager
def _transaction(session: Session) -> Iterator[None]:
    session.run("START TRANSACTION")
    try:
        yield
        session.run("COMMIT")
    except BaseException:
        with contextlib.suppress(RelocateError):
            session.run("ROLLBACK")
        raise


class _Targets:
    """The tables of incoming, by name."""

    def __init__(self, session: Session, database: str) -> None:
        self._tables = {table.name: table for table in states.list_tables(session, database)}
        self._charsets = replicate_sql.charsets(session, database)

    def of(self, head: replicate_file.Head) -> Tuple[Table, replicate_sql.Target]:
        """Return the table of a file's head. Raises cannot_catch_up where there is none like it."""
        table = self._tables.get(head.table)
        own = {column.name for column in table.columns if not column.generated} if table else set()
        if table is None or not head.key or set(head.columns) != own or not set(head.key) <= own:
            raise cannot_catch_up("there is no such table {0}".format(head.table))
        charsets = tuple(self._charsets.get((table.name, name), "") for name in head.key)
        return table, replicate_sql.Target(ident(table.name), head.key, charsets)


def _one_file(session: Session, path: str, targets: _Targets) -> Set[str]:
    """Take one file in; returns the tables that it changes."""
    tables: Dict[str, _Taking] = {}
    taking: Optional[_Taking] = None
    try:
        with open(path, encoding="ascii") as stream:
            for item in replicate_file.read(stream):
                if isinstance(item, replicate_file.Head):
                    if taking is not None:
                        taking.end()
                    taking = tables.setdefault(item.table, _Taking(session, item, targets))
                elif taking is not None:
                    taking.take(item)
        if taking is not None:
            taking.end()
    except (ValueError, UnicodeError) as exc:
        raise cannot_catch_up("the stream cannot be applied: {0}".format(exc)) from exc
    return set(tables)


class _Taking:
    """Takes in what a file says of one table: all its keys stand before its rows."""

    def __init__(self, session: Session, head: replicate_file.Head, targets: _Targets) -> None:
        self._session, self._columns = session, len(head.columns)
        table, self._target = targets.of(head)
        self._insert = rows.Insert(table, head.columns, "REPLACE")
        self._keys: List[Key] = []

    def take(self, item: replicate_file.Item) -> None:
        """Take one key or row. Raises ValueError for one that does not fit."""
        if isinstance(item, replicate_file.Row):
            self._let_go()
            if len(item) != self._columns:
                raise ValueError("a row of {0} values".format(len(item)))
            self._run(self._insert.add(item))
        elif isinstance(item, tuple):
            if len(item) != len(self._target.key):
                raise ValueError("a key of {0} values".format(len(item)))
            self._keys.append(item)

    def _let_go(self) -> None:
        for condition in replicate_sql.conditions(self._target, self._keys):
            self._run("DELETE FROM {0} WHERE {1}".format(self._target.place, condition))
        self._keys = []

    def end(self) -> None:
        """Do what is left."""
        self._let_go()
        self._run(self._insert.end())

    def _run(self, statement: str) -> None:
        if statement:
            self._session.run(statement)


def settle(session: Session, files: int) -> FrozenSet[str]:
    """See that the stream on which a catch-up stands is in; returns the tables that it changed.

    Raises cannot_catch_up.
    """
    found, tables = _read(session)
    if found != files:
        raise cannot_catch_up("incoming holds part {0} of the stream, and part {1} is expected".format(found, files))
    return tables


def forget(session: Session) -> None:
    """Remove our table."""
    session.run("DROP TABLE IF EXISTS " + ident(_POSITION))
