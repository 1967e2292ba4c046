# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""New's side of a catch-up: what changed since the first copy is applied to incoming.

A catch-up holds values, and no SQL: the statements are made here, and run as the settings' user. Triggers cannot sleep
on these servers, so that they are dropped before and made again after, as the swap does, and as a load makes them after
its rows. Foreign keys are not checked: what stays and what comes are parts of one consistent database.

Rows of tables with transactions change in one. Numberings, triggers and tables without transactions do not take part in
it. So whoever calls this takes a copy for spoiled from the first moment on, and loads another one where it fails.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any, Dict, FrozenSet, Iterator, List, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import objects as stored
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import replicate_apply, rows
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import state as states
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.catchup_sql import (
    CONTENTS,
    Change,
    Contents,
    rows_file,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.queries import Table
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import Session, ident
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.statement import TRIGGER
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import cannot_catch_up
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError


def read(path: str) -> Contents:
    """Return what a catch-up's directory says it holds. Raises cannot_catch_up for one that cannot be read."""
    try:
        with open(os.path.join(path, CONTENTS), encoding="utf-8") as stream:
            return Contents.from_plain(json.load(stream))
    except (OSError, KeyError, TypeError, ValueError, RecursionError, AttributeError) as exc:
        raise cannot_catch_up("{0} cannot be read".format(CONTENTS)) from exc


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Raise cannot_catch_up for whatever is refused in the block; not for a lost session, which nothing else helps."""
    try:
        yield
    except (RelocateError, OSError, UnicodeError) as exc:
        if isinstance(exc, RelocateError) and exc.details.get("session") == "lost":
            raise
        raise cannot_catch_up("it cannot be applied: {0}".format(getattr(exc, "msg", exc))) from exc


class Copy:
    """A first copy in incoming.

    :param own: a session of the settings' user, in that database
    :param admin: one of the administrator's
    """

    def __init__(self, own: Session, admin: Session, database: str) -> None:
        self._own, self._admin, self._database = own, admin, database

    @contextlib.contextmanager
    def without_triggers(self) -> Iterator[None]:
        """Drop all triggers while the block runs, and make them again in their order."""
        items = stored.read(self._admin, self._database, (TRIGGER,))
        stored.drop(self._admin, self._database, items)
        try:
            yield
        finally:
            stored.create(self._database, items, [self._own, self._admin])

    def replay(self, stream: str) -> int:
        """Take in the files of a stream that are not in; returns how many are then.

        Raises query_failed, cannot_catch_up, OSError.
        """
        if not replicate_apply.is_ahead(self._own, stream):
            return replicate_apply.replay(self._own, self._database, stream)
        with self.without_triggers():
            return replicate_apply.replay(self._own, self._database, stream)

    def apply(self, path: str, contents: Contents) -> FrozenSet[str]:
        """Apply a catch-up; returns the tables that a stream changed before. Raises query_failed, cannot_catch_up."""
        streamed = replicate_apply.settle(self._own, contents.follows)
        tables = {table.name: table for table in states.list_tables(self._own, self._database)}
        for change in contents.changes:
            if change.name not in tables or not _fits(change, tables[change.name]):
                raise cannot_catch_up("there is no such table {0}".format(change.name))
        places = list(enumerate(contents.changes))
        with contextlib.ExitStack() as stack:
            if places:
                stack.enter_context(self.without_triggers())
            with self._transaction():
                self._exchange(path, [one for one in places if tables[one[1].name].transactional], tables)
            # Servers that replicate by transaction ids take no mixture of both kinds in one.
            self._exchange(path, [one for one in places if not tables[one[1].name].transactional], tables)
        self._number(contents.numbers, tables)
        self._set_sequences(contents.sequences)
        replicate_apply.forget(self._own)
        return streamed

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """All that the block does, or nothing: a definition that is made next would commit the half of it."""
        self._own.run("START TRANSACTION")
        try:
            yield
            self._own.run("COMMIT")
        except BaseException:
            with contextlib.suppress(RelocateError):
                self._own.run("ROLLBACK")
            raise

    def _exchange(self, path: str, changes: Sequence[Tuple[int, Change]], tables: Dict[str, Table]) -> None:
        """Let rows go and take rows in; all that goes comes first, so that no unique key is in the way."""
        for _place, change in changes:
            for condition in change.conditions(tables[change.name]):
                self._own.run("DELETE FROM {0} WHERE {1}".format(ident(change.name), condition))
        for place, change in changes:
            if change.rows:
                self._insert(os.path.join(path, rows_file(place)), change, tables[change.name])

    def _insert(self, path: str, change: Change, table: Table) -> None:
        insert, count = rows.Insert(table, change.columns), 0
        with open(path, encoding="ascii") as stream:
            for line in stream:
                statement = insert.add(_values(line, change))
                count += 1
                if statement:
                    self._own.run(statement)
        last = insert.end()
        if last:
            self._own.run(last)
        if count != change.rows:
            raise cannot_catch_up("{0} rows were written and {1} read".format(change.rows, count))

    def _number(self, numbers: Sequence[Tuple[str, int]], tables: Dict[str, Table]) -> None:
        """Let each table go on with the number that old would give next."""
        numbered = [table for table in (tables.get(name) for name, _last in numbers) if table is not None]
        wanted = dict(numbers)
        following = states.next_numbers(states.statements_of(self._own, numbered))
        for table in numbered:
            column = next((item.name for item in table.columns if item.auto), "")
            if not column:
                raise cannot_catch_up("table {0} numbers no rows".format(table.name))
            highest = self._own.value("SELECT MAX({0}) FROM {1}".format(ident(column), ident(table.name)))
            if max(following[table.name] - 1, int(highest or 0)) != wanted[table.name]:
                self._own.run(
                    "ALTER TABLE {0} AUTO_INCREMENT = {1:d}".format(ident(table.name), wanted[table.name] + 1)
                )

    def _set_sequences(self, sequences: Sequence[Tuple[str, int, int]]) -> None:
        """Set MariaDB's own sequences. SETVAL, which a load calls, never goes back."""
        if not sequences:
            return
        for name, number, turn in sequences:
            if self._sequence(name) != (number, turn):
                self._own.run("SELECT SETVAL({0}, {1:d}, 0, {2:d})".format(ident(name), number, turn))
            if self._sequence(name) != (number, turn):
                self._own.run("ALTER SEQUENCE {0} RESTART {1:d}".format(ident(name), number))
                self._own.run("SELECT SETVAL({0}, {1:d}, 0, {2:d})".format(ident(name), number, turn))

    def _sequence(self, name: str) -> Tuple[int, int]:
        row = self._own.rows("SELECT next_not_cached_value, cycle_count FROM " + ident(name))[0]
        return int(row[0]), int(row[1])


def _fits(change: Change, table: Table) -> bool:
    """Tell whether a table has the columns of a change."""
    own = {column.name for column in table.columns if not column.generated}
    key = change.division.key if change.division is not None else ()
    return set(change.columns) <= own and set(key) <= {column.name for column in table.columns}


def _values(line: str, change: Change) -> List[Any]:
    """Read a row. Raises cannot_catch_up for anything else."""
    try:
        found = [bytes.fromhex(value[0]) if isinstance(value, list) else value for value in json.loads(line)]
    except (ValueError, TypeError, IndexError, RecursionError) as exc:
        raise cannot_catch_up("a row of table {0} cannot be read".format(change.name)) from exc
    if len(found) != max(1, len(change.columns)) or not all(
        isinstance(each, (str, bytes, type(None))) for each in found
    ):
        raise cannot_catch_up("a row of table {0} is not one".format(change.name))
    return found
