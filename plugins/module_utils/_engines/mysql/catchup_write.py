# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Old's side of a catch-up: what one starts from, noted with the first copy, and what changed since, once frozen."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from typing import IO, Any, Dict, Iterator, List, Mapping, Sequence, Set, Tuple
from urllib.parse import quote

from ansible_collections.relocate.django.plugins.module_utils._engines.base import removed_on_failure
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import catchup_sql, queries, rows
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import state as states
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.catchup_sql import (
    Change,
    Contents,
    Division,
    Group,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.queries import Table
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import Session
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import (
    cannot_catch_up,
    check_objects,
    check_share,
)
from ansible_collections.relocate.django.plugins.module_utils._host.files import created
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState, TableCount, as_plain
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

_FETCH = 500  # rows held at a time
#: Divided tables and the conditions by which each is read, piece by piece.
Divided = Sequence[Tuple[Table, Division]]
#: By group, what is in its buckets.
Found = Dict[int, Group]


def starting_point(view: states.View, tables: Sequence[Table], copied: DatabaseState) -> Dict[str, Any]:
    """Return what a catch-up on this moment starts from, as JSON can carry it.

    :param tables: all of the view's
    :param copied: all that is there at this moment
    Raises cannot_catch_up.
    """
    counted = {item.name: item for item in copied.tables}
    divided = _divisions(view, [table for table in tables if _is_divided(table)], counted)
    sums = Sums(view, divided)
    sums.check(counted)
    return {
        "format": catchup_sql.FORMAT,
        "tables": {
            table.name: {
                "division": as_plain(division),
                "sums": [[number, *group] for number, group in sorted(sums.found[table.name].items())],
            }
            for table, division in divided
        },
    }


def _is_divided(table: Table) -> bool:
    """Tell whether rows of a table can travel without the others: a snapshot holds for it, and no former rows do."""
    return table.transactional and not table.versioned


def _divisions(view: states.View, tables: Sequence[Table], counted: Mapping[str, TableCount]) -> Divided:
    keys = catchup_sql.keys_of(view.main.rows(catchup_sql.keys_sql(view.database)))
    buckets = catchup_sql.buckets_for([counted[table.name].rows for table in tables])
    spans: Dict[int, Tuple[Any, Any]] = {}
    numbered = [number for number, table in enumerate(tables) if queries.integer_key(table)]
    statements = [catchup_sql.span_sql(tables[number], number) for number in numbered]
    for number, low, high in view.ask(_in_batches(statements), _untold):
        spans[int(number)] = (low, high)
    return [
        (
            table,
            catchup_sql.divided(
                table,
                keys.get(table.name, ()),
                buckets[number],
                counted[table.name].rows,
                spans.get(number, (None, None)),
            ),
        )
        for number, table in enumerate(tables)
    ]


def _untold(_count: int) -> None:
    """Nobody is told how far it is."""


def _in_batches(statements: Sequence[str], size: int = 25) -> List[str]:
    """Small questions together: with thousands of tables, each alone would take longer than its answer."""
    return [" UNION ALL ".join(statements[start : start + size]) for start in range(0, len(statements), size)]


class Sums:
    """The sums of divided tables, as they are in a view.

    :param divided: the tables
    """

    def __init__(self, view: states.View, divided: Divided) -> None:
        self.divisions = {table.name: division for table, division in divided}
        self.found: Dict[str, Found] = {name: {} for name in self.divisions}
        self.highest: Dict[str, int] = {}  # AUTO_INCREMENT, by table
        for number, group, text, count, total, most in view.ask(_statements(divided, view.width), _untold):
            name = divided[int(number)][0].name
            self.found[name][int(group)] = (str(text), int(count), int(total))
            if most is not None:
                self.highest[name] = max(int(most), self.highest.get(name, int(most)))

    def counts(self) -> List[TableCount]:
        """Rows and fingerprint of each table: what all of its buckets sum up to."""
        return [
            TableCount(
                name,
                sum(count for _text, count, _total in groups.values()),
                str(sum(total for _text, _count, total in groups.values())),
            )
            for name, groups in self.found.items()
        ]

    def check(self, counted: Mapping[str, TableCount]) -> None:
        """Raise cannot_catch_up where they are not those of the counted rows."""
        for item in self.counts():
            if item != counted[item.name]:
                raise cannot_catch_up("table {0} was written to while it was read".format(item.name))


def _statements(divided: Divided, width: int) -> List[str]:
    big: List[str] = []
    small: List[str] = []
    for number, (table, division) in enumerate(divided):
        pieces = division.pieces(table, 2 * width if width > 1 and table.size > states.DIVIDED else 1)
        statements = [catchup_sql.sums_sql(table, number, division, condition) for condition in pieces]
        (big if len(pieces) > 1 or table.size > queries.SMALL else small).extend(statements)
    return [*big, *_in_batches(small)]


def expected(view: states.View, tables: Sequence[Table], base: Mapping[str, Any]) -> Sums:
    """The sums that a catch-up will ask for, of all tables that can still be divided as they were.

    Raises cannot_catch_up for a starting point that cannot be read.
    """
    noted = base["tables"] if base.get("format") == catchup_sql.FORMAT else {}
    told = _followed(base) | _whole(base)
    try:
        divided = [
            (table, Division.from_plain(noted[table.name]["division"]))
            for table in tables
            if table.name in noted and table.name not in told and _is_divided(table)
        ]
    except (KeyError, TypeError, ValueError) as exc:
        raise cannot_catch_up("what the first copy noted cannot be read") from exc
    return Sums(view, [one for one in divided if set(one[1].key) <= {column.name for column in one[0].columns}])


def _followed(base: Mapping[str, Any]) -> Set[str]:
    """Tables of which a stream tells all."""
    return set(map(str, base.get("followed", {}).get("tables", ())))


def _whole(base: Mapping[str, Any]) -> Set[str]:
    """Tables of which a stream told for a while, so that incoming holds neither what it was copied with nor all."""
    return set(map(str, base.get("followed", {}).get("whole", ())))


class Catchup:
    """Writes what changed since a first copy: everything that says whether it can be done comes first.

    :param tables: all of the view's
    :param sequences: MariaDB's own, as they are now
    :param sums: those of :func:`expected`
    :param base: what :func:`starting_point` said
    :param copied: all that was there then
    :param now: all that is there in the view, which nobody can change any more
    """

    def __init__(
        self,
        server: Server,
        view: states.View,
        tables: Sequence[Table],
        sequences: Sequence[states.OwnSequence],
        sums: Sums,
        base: Mapping[str, Any],
        copied: DatabaseState,
        now: DatabaseState,
    ) -> None:
        self._server, self._view, self._sequences, self._sums = server, view, sequences, sums
        self._base, self._copied, self._now = base, copied, now
        before = {item.name: item for item in copied.tables}
        self._counted = {item.name: item for item in now.tables}
        self._followed, self._whole = _followed(base), _whole(base)
        changed = [table for table in tables if before.get(table.name) != self._counted[table.name]]
        self._numbered = {table.name for table in changed} | self._followed | self._whole
        self._changed = [
            table
            for table in tables
            if table.name in self._whole or (table in changed and table.name not in self._followed)
        ]

    def write(self, directory: str) -> str:
        """Write it below a directory; returns its relative path. Raises cannot_catch_up, and leaves nothing then."""
        if self._base.get("format") != catchup_sql.FORMAT:
            raise cannot_catch_up("the first copy was made by another version")
        check_objects(self._copied, self._now)
        changes = self._plan()
        check_share(sum(change.rows for change in changes), self._now.rows())
        owner, name = self._server.context.owner, quote(self._server.config.alias, safe="") + ".catchup"
        path = os.path.join(directory, name)

        def remove() -> None:
            with acting_as(owner):
                shutil.rmtree(path, ignore_errors=True)

        with acting_as(owner):
            os.mkdir(path, 0o700)
        with removed_on_failure(remove):
            self._fill(path, changes)
        return name

    def _plan(self) -> List[Change]:
        """Find the buckets that changed, without reading rows out."""
        self._sums.check(self._counted)
        return [self._change(table) for table in self._changed]

    def _change(self, table: Table) -> Change:
        columns = tuple(column.name for column in table.columns if not column.generated)
        division = self._sums.divisions.get(table.name)
        if division is None:  # all rows go, and come
            if table.name not in self._whole:
                _check_whole(table)
            return Change(table.name, columns, self._counted[table.name].rows)
        before = {
            int(number): (str(text), int(count), int(total))
            for number, text, count, total in self._base["tables"][table.name]["sums"]
        }
        try:
            chosen = catchup_sql.touched(before, self._sums.found[table.name])
        except ValueError as exc:
            raise cannot_catch_up("the sums of table {0} are not whole".format(table.name)) from exc
        return Change(table.name, columns, sum(chosen.values()), division, tuple(catchup_sql.runs_of(chosen)))

    def _fill(self, path: str, changes: Sequence[Change]) -> None:
        with self._server.raw(self._view.database) as session:
            session.begin_snapshot()
            for place, (table, change) in enumerate(zip(self._changed, changes)):
                if change.rows:
                    with self._new(path, catchup_sql.rows_file(place)) as stream:
                        _write(session, table, change, stream)
        follows = int(self._base.get("followed", {}).get("files", 0))
        contents = Contents(self._now.method, tuple(changes), self._numbers(), self._own_sequences(), follows)
        with self._new(path, catchup_sql.CONTENTS) as stream:
            stream.write(json.dumps(dict(as_plain(contents), format=catchup_sql.FORMAT)).encode("ascii"))

    @contextlib.contextmanager
    def _new(self, path: str, name: str) -> Iterator[IO[bytes]]:
        with acting_as(self._server.context.owner):
            made = created(os.path.join(path, name))
        with made as stream:
            yield stream

    def _numbers(self) -> Tuple[Tuple[str, int], ...]:
        """Where the numbering stands of each table whose rows, or whose numbering, may not be as it was."""
        before = set(self._copied.sequences)
        return tuple(
            (item.table, item.last_value or 0)
            for item in self._now.sequences
            if item.table and (item not in before or item.table in self._numbered)
        )

    def _own_sequences(self) -> Tuple[Tuple[str, int, int], ...]:
        return tuple((item.name, item.next, item.round) for item in self._sequences)


def _check_whole(table: Table) -> None:
    """Raise cannot_catch_up for a table whose rows cannot be exchanged as a whole."""
    if table.versioned or table.engine.lower() not in catchup_sql.WHOLE:
        kind = "system-versioned" if table.versioned else "of engine {0}".format(table.engine or "unknown")
        raise cannot_catch_up("table {0}, which is {1}, changed".format(table.name, kind))


def _write(session: Session, table: Table, change: Change, stream: IO[bytes]) -> None:
    """One row a line, each value exact: text as it is, bytes in a list of their own, as hexadecimal digits."""
    count = 0
    for condition in change.conditions(table):
        try:
            for row in session.stream("{0} WHERE {1}".format(rows.select_sql(table), condition), _FETCH):
                values = [[value.hex()] if isinstance(value, (bytes, bytearray)) else value for value in row]
                stream.write(json.dumps(values).encode("ascii") + b"\n")
                count += 1
        except UnicodeError as exc:
            raise cannot_catch_up("table {0} holds text that is not of its character set".format(table.name)) from exc
    if count != change.rows:
        raise cannot_catch_up("{0} rows were counted and {1} read".format(change.rows, count))
