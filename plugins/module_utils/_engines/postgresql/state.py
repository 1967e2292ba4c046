# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a PostgreSQL database: rows, fingerprints, sequences, large objects and everything with a name."""

from __future__ import annotations

import contextlib
from typing import Any, Callable, Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.compare import sequences_behind
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import queries, replicate_sql
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.queries import Table
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import Session, ident, literal
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.whole import catalogued_schema
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import ask_side_by_side
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState, SequenceState, TableCount
from ansible_collections.relocate.django.plugins.module_utils._progress import BYTES, PROGRESS

_PAGE = 8192  # bytes
_SMALL = 512  # pages (4 MiB): tables below share a query, since a round trip would cost more than their rows
_INTERNAL = "XX000"  # "cache lookup failed"
_BATCH_TABLES, _BATCH_COLUMNS = 50, 1500

#: (schema, name) -> (last_value, is_called)
SequenceValues = Mapping[Tuple[str, str], Tuple[int, bool]]


def fingerprint_method(wanted: str, major: int) -> str:
    """The method to use on a server: the wanted one, else its best. Raises server_too_old when it cannot."""
    best = queries.RECORD if major >= 14 else queries.TEXT
    method = wanted or best
    if method not in queries.METHODS:
        raise RelocateError(
            "format_unknown", "fingerprint method {0} is not known".format(method), "upgrade relocate.django"
        )
    if method == queries.RECORD and best != queries.RECORD:
        raise RelocateError(
            "server_too_old", "PostgreSQL {0} cannot compute fingerprints of method {1}".format(major, method)
        )
    return method


def batches(tables: Sequence[Table]) -> List[List[int]]:
    """Return which tables, by their place in the list, share a query: big ones go alone and first."""
    order = sorted(range(len(tables)), key=lambda number: -tables[number].pages)
    found: List[List[int]] = []
    columns = 0
    for number in order:
        table = tables[number]
        columns += len(table.columns)
        full = not found or len(found[-1]) >= _BATCH_TABLES or columns > _BATCH_COLUMNS
        if table.pages > _SMALL or full or tables[found[-1][0]].pages > _SMALL:
            found.append([])
            columns = len(table.columns)
        found[-1].append(number)
    return found


class View:
    """Sessions that all see one moment of one database."""

    def __init__(self, server: Server, database: str, sessions: int, imported: str = "") -> None:
        """Open it.

        :param imported: the snapshot that it sees; by default one of this moment
        """
        self.server, self.sessions = server, max(1, sessions)
        self._database, self.is_live = database, database == server.config.name
        self.main = server.connect(database)
        self._all = [self.main]
        self.snapshot_id = ""
        try:
            self.main.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            if imported:
                self.main.run("SET TRANSACTION SNAPSHOT " + literal(imported))
            self.snapshot_id = str(self.main.value("SELECT pg_export_snapshot()"))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End every session."""
        for session in self._all:
            session.close()

    def _widen(self) -> None:
        """Open the further sessions; where the server has no room for them, fewer do."""
        while len(self._all) < self.sessions:
            try:
                session = self.server.connect(self._database)
            except RelocateError:
                self.sessions = len(self._all)
                return
            self._all.append(session)
            session.run(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                "SET TRANSACTION SNAPSHOT " + literal(self.snapshot_id),
            )

    def ask(self, statements: Sequence[str], done: Callable[[int], None] = lambda count: None) -> List[Any]:
        """All rows of all statements, which run side by side. Raises what the first failing one met."""
        if len(statements) > 1:
            self._widen()
        return ask_side_by_side([_LettingGo(session) for session in self._all], statements, done)


class _LettingGo:
    """Asks within a transaction, and lets go of the locks that an answer took.

    A count locks the table and each of its indexes until the transaction ends, and a server has room for 6,400 locks by
    default. What is rolled back to a savepoint keeps none; the snapshot stays.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def rows(self, sql: str) -> List[Tuple[Any, ...]]:
        """Run one statement. Raises as :meth:`Session.rows`."""
        self._session.run("SAVEPOINT part")
        try:
            found = self._session.rows(sql)
        except RelocateError:
            with contextlib.suppress(RelocateError):
                self._session.run("ROLLBACK TO SAVEPOINT part")
            raise
        self._session.run("ROLLBACK TO SAVEPOINT part", "RELEASE SAVEPOINT part")
        return found


def read_state(
    view: View,
    method: str,
    fingerprints: bool,
    dumped: Optional[SequenceValues] = None,
    counted: Collection[str] = (),
) -> DatabaseState:
    """Count, and fingerprint if wanted, everything in a view.

    :param dumped: the sequences' values in the dump, which sequences of a live database have left behind
    :param counted: tables without fingerprints
    """
    method = fingerprint_method(method, view.main.major)
    large = _large_objects(view, fingerprints)
    unpopulated = sorted(queries.qualified(*row) for row in view.main.rows(queries.UNPOPULATED))
    return DatabaseState(
        method=method,
        tables=_tables(view, method, lambda table: fingerprints and table.label not in counted),
        sequences=_sequences(view, dumped or {}),
        objects=_objects(view.main),
        large_objects=large[0],
        large_objects_fingerprint=large[1],
        unpopulated=tuple(unpopulated),
        schema=_schema(view),
    )


def _schema(view: View) -> Optional[Dict[str, str]]:
    """The whole schema, or None where it cannot be told: before 14, a server fails at what was dropped meanwhile.

    A live database has such things whenever its sessions use temporary tables.
    """
    session, context = view.main, view.server.context
    session.run("SAVEPOINT whole")
    try:
        found = catalogued_schema(session, view.ask)
    except RelocateError as exc:
        if exc.details.get("sqlstate") != _INTERNAL or session.major >= 14 or not view.is_live:
            raise
        session.run("ROLLBACK TO SAVEPOINT whole")
        context.notes.append(
            "database {0}: something was dropped while its schema was read, so that no whole schema is compared; an"
            " offline backup can tell it".format(view.server.config.alias)
        )
        return None
    session.run("RELEASE SAVEPOINT whole")
    return {label: text for label, text in found.items() if not replicate_sql.is_ours(label)}


def list_tables(session: Session) -> List[Table]:
    """Every table with rows of its own, biggest first."""
    return [queries.table_of(row) for row in session.rows(queries.tables_sql(session.major))]


def _tables(view: View, method: str, hashed: Callable[[Table], bool]) -> Tuple[TableCount, ...]:
    tables = list_tables(view.main)
    groups = batches(tables)
    statements = [
        " UNION ALL ".join(
            queries.count_sql(tables[number], number, method, hashed(tables[number])) for number in group
        )
        for group in groups
    ]
    PROGRESS.expect(BYTES, sum(table.pages for table in tables) * _PAGE)

    def tell(count: int) -> None:
        PROGRESS.add(sum(tables[number].pages for number in groups[count - 1]) * _PAGE)
        PROGRESS.say("{0} of {1} tables".format(sum(map(len, groups[:count])), len(tables)))

    counts = [
        TableCount(tables[number].label, rows, "" if value is None else as_digits(int(value)), kind=tables[number].kind)
        for number, rows, value in view.ask(statements, tell)
    ]
    return tuple(sorted(counts, key=lambda count: count.name))


def as_digits(total: int) -> str:
    """A sum of signed hashes as decimal digits."""
    return str(total % (1 << 128))


def _sequence_statements(known: Sequence[Any]) -> List[str]:
    """Questions, 50 sequences each, for (number, last value, is called, highest in its column)."""
    statements = []
    for number, (schema, name, table_schema, table, column, countable) in enumerate(known):
        highest = "NULL::bigint"
        if countable:
            highest = "(SELECT max({0})::bigint FROM {1}.{2})".format(*map(ident, (column, table_schema, table)))
        statements.append(
            "SELECT {0}, last_value, is_called, {1} FROM {2}.{3}".format(number, highest, ident(schema), ident(name))
        )
    return [" UNION ALL ".join(statements[start : start + 50]) for start in range(0, len(statements), 50)]


def _sequences(view: View, dumped: SequenceValues) -> Tuple[SequenceState, ...]:
    known = view.main.rows(queries.SEQUENCES)
    return _sequence_states(known, view.ask(_sequence_statements(known)), dumped)


def _sequence_states(known: Sequence[Any], rows: Sequence[Any], dumped: SequenceValues) -> Tuple[SequenceState, ...]:
    found = []
    for number, last, called, highest in rows:
        schema, name, table_schema, table, column, _countable = known[number]
        last, called = dumped.get((schema, name), (last, called))
        fed = queries.qualified(table_schema, table) if table else ""
        found.append(SequenceState(queries.qualified(schema, name), last, called, fed, column or "", highest))
    return tuple(sorted(found, key=lambda item: item.name))


def behind(session: Session) -> List[SequenceState]:
    """Sequences whose next value is in their table already, asked of a live database."""
    known = [row for row in session.rows(queries.SEQUENCES) if row[5]]
    rows = [row for statement in _sequence_statements(known) for row in session.rows(statement)]
    states = _sequence_states(known, rows, {})
    return sequences_behind(DatabaseState(queries.RECORD, sequences=states))


def _objects(session: Session) -> Dict[str, Tuple[str, ...]]:
    found: Dict[str, List[str]] = {}
    for kind, parts, suffix in session.rows(queries.objects_sql(session.major)):
        found.setdefault(kind, []).append(queries.qualified(*parts) + suffix)
    return {kind: tuple(sorted(names)) for kind, names in sorted(found.items())}


def _large_objects(view: View, fingerprints: bool) -> Tuple[int, str]:
    count = int(view.main.value("SELECT count(*) FROM pg_largeobject_metadata"))
    if not count or not fingerprints:
        return count, ""
    parts = min(4 * view.sessions, count)
    total = sum(int(value) for _n, value in view.ask([queries.large_objects_sql(p, parts) for p in range(parts)]))
    return count, as_digits(total)
