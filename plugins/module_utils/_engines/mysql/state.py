# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a MySQL or MariaDB database: rows, fingerprints, next numbers, and everything with a name."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import grants, queries
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.queries import Column, Table
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import Session, ident, is_named
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import ask_side_by_side
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState, SequenceState, TableCount
from ansible_collections.relocate.django.plugins.module_utils._progress import BYTES, PROGRESS

#: Runs statements; returns all rows of all of them.
Ask = Callable[[Sequence[str]], List[Any]]
#: The same, telling how many are answered.
TellingAsk = Callable[[Sequence[str], Callable[[int], None]], List[Any]]
#: table -> its next AUTO_INCREMENT
NextNumbers = Mapping[str, int]
DIVIDED = 32 << 20  # bytes: smaller tables are counted by one session
#: Before it there is no text in quotes, which could say the same.
_NEXT = re.compile(r"\n\)(?: /\*![^\n']*?\*/)? ENGINE=[^\n']*?\bAUTO_INCREMENT=(\d+)")


class View:
    """Sessions that see one moment of one database, when they were opened while nobody could write."""

    def __init__(self, server: Server, database: str, sessions: int) -> None:
        self.database = database
        self._all: List[Session] = []
        try:
            for _number in range(max(1, sessions)):
                session = server.connect(database)
                self._all.append(session)
                session.begin_snapshot()
        except RelocateError:
            # Where the server has no room for more sessions, fewer do.
            if len(self._all) < 2:
                self.close()
                raise
            self._all.pop().close()
        self.main = self._all[0]

    @property
    def width(self) -> int:
        """Return how many statements run side by side."""
        return len(self._all)

    def close(self) -> None:
        """End every session."""
        for session in self._all:
            session.close()

    def ask(self, statements: Sequence[str], done: Callable[[int], None]) -> List[Any]:
        """All rows of all statements, which run side by side. Raises what the first failing one met."""
        return ask_side_by_side(self._all, statements, done)


def asked_of(session: Session) -> TellingAsk:
    """One statement after the other, of one session."""
    return lambda statements, _done: [row for sql in statements for row in session.rows(sql)]


def list_tables(session: Session, database: str) -> List[Table]:
    """Every table with rows of its own, by name."""
    columns: Dict[str, List[Column]] = {}
    for table, name, kind, nullable, auto, key, generated, period, invisible in session.rows(
        queries.COLUMNS.format(is_named("TABLE_SCHEMA", database))
    ):
        signs = (bool(nullable), bool(auto), bool(key), bool(generated), str(period), bool(invisible))
        columns.setdefault(str(table), []).append(Column(str(name), str(kind), *signs))
    return [
        Table(str(name), str(engine), int(size), tuple(columns.get(str(name), ())), kind == "SYSTEM VERSIONED")
        for name, engine, size, kind in session.rows(queries.TABLES.format(is_named("TABLE_SCHEMA", database)))
    ]


def statements_of(session: Session, tables: Sequence[Table]) -> Dict[str, str]:
    """The statement that makes each table."""
    return {table.name: str(session.rows("SHOW CREATE TABLE " + ident(table.name))[0][1]) for table in tables}


def next_numbers(statements: Mapping[str, str]) -> Dict[str, int]:
    """The next AUTO_INCREMENT of each table, as its statement tells; 1 where it does not."""
    found = {}
    for name, statement in statements.items():
        match = _NEXT.search(statement)
        found[name] = int(match.group(1)) if match else 1
    return found


def counts(
    ask: TellingAsk,
    tables: Sequence[Table],
    hashed: Callable[[Table], bool],
    pieces: int = 1,
    highest: Optional[Dict[str, int]] = None,
) -> List[TableCount]:
    """Rows of each table, and the fingerprint of each that is to be hashed.

    :param highest: is given the highest AUTO_INCREMENT of each table that has rows
    :param ask: runs statements and returns all their rows
    :param pieces: into how many ranges a big table is divided, since one session keeps one processor busy
    """
    rows: Dict[int, int] = {}
    sums: Dict[int, int] = {}
    statements, sizes = _counting(lambda asked: ask(asked, lambda count: None), tables, hashed, pieces)
    PROGRESS.expect(BYTES, sum(sizes))

    def tell(count: int) -> None:
        PROGRESS.add(sizes[count - 1])
        PROGRESS.say("{0} of {1} queries".format(count, len(sizes)))

    for number, some, value, most in ask(statements, tell):  # of a divided table there are several: sums add up
        if most is not None and highest is not None:
            name = tables[int(number)].name
            highest[name] = max(int(most), highest.get(name, int(most)))
        rows[int(number)] = rows.get(int(number), 0) + int(some)
        if value is not None:
            sums[int(number)] = sums.get(int(number), 0) + int(value)
    return [
        TableCount(tables[number].name, count, str(sums[number]) if number in sums else "")
        for number, count in rows.items()
    ]


def _ranges(ask: Ask, table: Table, pieces: int) -> List[str]:
    """The conditions that divide a table which is worth it."""
    key = queries.integer_key(table) if pieces > 1 and table.size > DIVIDED else ""
    if not key:
        return []
    low, high = ask(["SELECT MIN({0}), MAX({0}) FROM {1}".format(ident(key), table.place)])[0]
    return [] if low is None else queries.divided(key, int(low), int(high), pieces)


def sequences(
    tables: Sequence[Table], numbers: NextNumbers, highest: Mapping[str, int], own: Sequence[OwnSequence]
) -> Tuple[SequenceState, ...]:
    """Return where the numbering of each table stands, in the words of sequences; and MariaDB's own ones.

    A number is never behind its column: a server that loads rows goes on behind the highest one. On old it may be, by
    an UPDATE of a key or where a small type is full, and nothing that is loaded could be equal to that.
    """
    found = [SequenceState(name=item.name, last_value=item.next, is_called=False) for item in own]
    for table in tables:
        column = next((item.name for item in table.columns if item.auto), "")
        if not column:
            continue
        found.append(
            SequenceState(
                name="{0}.{1}".format(table.name, column),
                last_value=max(numbers.get(table.name, 1) - 1, highest.get(table.name, 0)),
                table=table.name,
                column=column,
            )
        )
    return tuple(found)


def _counting(
    ask: Ask, tables: Sequence[Table], hashed: Callable[[Table], bool], pieces: int
) -> Tuple[List[str], List[int]]:
    """Make the statements that count: small tables together, a big one alone, in ranges where it can be divided.

    :returns: and how many bytes each of them is about
    """
    statements: List[str] = []
    sizes: List[int] = []
    for group in queries.batches(tables):
        where = _ranges(ask, tables[group[0]], pieces) if len(group) == 1 else []
        sizes += [sum(tables[number].size for number in group) // max(1, len(where))] * max(1, len(where))
        if where:
            first = tables[group[0]]
            statements += [queries.count_sql(first, group[0], hashed(first), one) for one in where]
        else:
            several = (queries.count_sql(tables[number], number, hashed(tables[number])) for number in group)
            statements.append(" UNION ALL ".join(several))
    return statements, sizes


def objects(session: Session, eyes: Session, database: str) -> Dict[str, Tuple[str, ...]]:
    """Everything with a name, by kind; and under ``hidden`` the kinds that are not shown, which are left out.

    Columns are those of tables; tables of ours are passed over.

    :param session: reads tables, as the settings' user, who dumps them
    :param eyes: reads what is no table, as who is shown most
    """
    found: Dict[str, List[str]] = {}
    for kind, name in _tables_and_parts(session, database):
        found.setdefault(kind, []).append(name)
    hidden = grants.hidden(eyes, database)
    for sql in queries.catalogue_sql(queries.PROGRAMS, database):
        for kind, _table, name in eyes.rows(sql):
            if kind not in hidden:
                found.setdefault(str(kind), []).append(str(name))
    found.update({grants.HIDDEN: list(hidden)} if hidden else {})
    return {kind: tuple(sorted(names)) for kind, names in sorted(found.items())}


def _tables_and_parts(session: Session, database: str) -> Iterator[Tuple[str, str]]:
    """Give kind and name of tables and of what belongs to them; no columns of views, and nothing of ours."""
    tables: Set[str] = set()
    for sql in queries.catalogue_sql(queries.TABLES_AND_PARTS, database):
        for kind, table, name in session.rows(sql):
            if kind == "table":
                tables.add(str(table))
            of_a_view = kind == "column" and str(table) not in tables
            if not of_a_view and not str(table).startswith(queries.OURS):
                yield str(kind), str(name)


def assemble(
    counted: Sequence[TableCount],
    numbered: Sequence[SequenceState],
    named: Mapping[str, Tuple[str, ...]],
    schema: Optional[Mapping[str, str]],
) -> DatabaseState:
    """The state out of its parts."""
    return DatabaseState(
        method=queries.METHOD,
        tables=tuple(sorted(counted, key=lambda item: item.name)),
        sequences=tuple(numbered),
        objects=dict(named),
        schema=schema,
    )


@dataclass(frozen=True)
class OwnSequence:
    """A sequence of MariaDB's: how it is made, and what it gives next."""

    name: str
    statement: str
    next: int
    round: int  # how often it has begun again


def own_sequences(session: Session, database: str) -> List[OwnSequence]:
    """MariaDB's sequences, by name."""
    found = []
    for (name,) in session.rows(
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_TYPE = 'SEQUENCE' AND {0} ORDER BY 1".format(
            is_named("TABLE_SCHEMA", database)
        )
    ):
        place = "{0}.{1}".format(ident(database), ident(str(name)))
        statement = str(session.rows("SHOW CREATE SEQUENCE " + place)[0][1])
        row = session.rows("SELECT next_not_cached_value, cycle_count FROM " + place)[0]
        found.append(OwnSequence(str(name), statement, int(row[0]), int(row[1])))
    return found


@contextlib.contextmanager
def read_lock(session: Session, database: str) -> Iterator[None]:
    """Let nobody write to a database's tables for as long as the block takes.

    ``LOCK TABLES`` on all of them does what ``FLUSH TABLES WITH READ LOCK`` does for the whole server, without its
    right, without stopping other sites, and without waiting for their queries. Raises right_missing, or lock_timeout
    where a transaction goes on.
    """
    session.use(database)
    names = _table_names(session, database)
    for _attempt in range(5):
        try:
            if names:
                session.run("LOCK TABLES " + ", ".join(ident(name) + " READ" for name in names))
        except RelocateError as exc:
            if exc.details.get("number") == 1205:
                raise RelocateError(
                    "lock_timeout",
                    "writes to database {0} could not be paused within 30 s: a transaction goes on".format(database),
                    "end it (SHOW PROCESSLIST), or back up at a quieter time",
                ) from None
            raise
        found = _table_names(session, database)
        if found == names:
            break
        session.run("UNLOCK TABLES")  # a table came or went meanwhile
        names = found
    try:
        yield
    finally:
        with contextlib.suppress(RelocateError):
            session.run("UNLOCK TABLES")


def _table_names(session: Session, database: str) -> List[str]:
    return [str(row[0]) for row in session.rows(queries.TABLES.format(is_named("TABLE_SCHEMA", database)))]
