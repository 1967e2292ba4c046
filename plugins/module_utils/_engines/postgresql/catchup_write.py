# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Old's side of a catch-up: what one starts from, noted with the first copy, and what changed since, once frozen."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from typing import IO, Any, Dict, Iterator, List, Mapping, NamedTuple, Sequence, Tuple
from urllib.parse import quote

from ansible_collections.relocate.django.plugins.module_utils._engines.base import removed_on_failure
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import catchup_sql, queries, state
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.catchup_sql import Change, Contents
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.queries import Table
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import (
    cannot_catch_up,
    check_objects,
    check_share,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import created
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState, as_plain
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as


class _Details(NamedTuple):
    """Tells of a table what a catch-up needs besides its columns."""

    columns: Tuple[str, ...]
    key: Tuple[str, ...]  # empty: none, or rows that do not tell who wrote them


def _details(view: state.View) -> Dict[Tuple[str, str], _Details]:
    return {
        (schema, name): _Details(tuple(columns or ()), tuple(key or ()) if heap else ())
        for schema, name, columns, key, heap in view.main.rows(catchup_sql.details_sql(view.main.major))
    }


def _maybe(view: state.View, sql: str) -> str:
    """One value as text, or "" for what the role may not see."""
    view.main.run("SAVEPOINT maybe")
    try:
        found = view.main.value(sql)
    except RelocateError as exc:
        if exc.details.get("session") == "lost":
            raise
        view.main.run("ROLLBACK TO SAVEPOINT maybe")
        return ""
    view.main.run("RELEASE SAVEPOINT maybe")
    return str(found or "")


def _identity(view: state.View, database: int) -> List[str]:
    return [*(_maybe(view, sql) for sql in catchup_sql.IDENTITY), str(database)]


def _of_extensions(view: state.View) -> Dict[str, str]:
    """Read what sites keep in tables of extensions: a digest of each."""
    return {
        queries.qualified(schema, name): str(view.main.value(catchup_sql.digest_sql(schema, name, kind)))
        for schema, name, kind in view.main.rows(catchup_sql.OF_EXTENSIONS)
    }


def starting_point(view: state.View, copied: DatabaseState) -> Dict[str, Any]:
    """Return what a catch-up on this moment starts from, as JSON can carry it.

    :param copied: all that is there at this moment
    Raises cannot_catch_up.
    """
    horizon, _next, database, standby, prepared = view.main.rows(catchup_sql.MOMENT)[0]
    if standby:
        raise cannot_catch_up("the server is a standby")
    if prepared:
        raise cannot_catch_up("{0} prepared transactions wait".format(prepared))
    return {
        "format": catchup_sql.FORMAT,
        "horizon": int(horizon),
        "place": _identity(view, int(database)),
        "extensions": _of_extensions(view),
        "keys": _keys(view, copied),
    }


def _keys(view: state.View, copied: DatabaseState) -> Dict[str, Any]:
    """The sums of the keys of every table that has one."""
    details, rows = _details(view), {table.name: table.rows for table in copied.tables}
    keyed = [table for table in state.list_tables(view.main) if details[table.schema, table.name].key]
    keys = [details[table.schema, table.name].key for table in keyed]
    buckets = [catchup_sql.buckets_for(rows.get(table.label, 0)) for table in keyed]
    statements = [
        catchup_sql.sums_sql(table, number, catchup_sql.key_hash(table, keys[number], copied.method), buckets[number])
        for number, table in enumerate(keyed)
    ]
    found: List[List[List[int]]] = [[] for _table in keyed]
    for number, bucket, count, total in view.ask(statements):
        found[number].append([int(bucket), int(count), int(total)])
    return {
        table.label: {"key": list(key), "buckets": count, "sums": sums}
        for table, key, count, sums in zip(keyed, keys, buckets, found)
    }


def unwritten(view: state.View, base: Mapping[str, Any], copied: DatabaseState) -> Dict[str, str]:
    """Return the fingerprints of the tables to which nothing was written since the first copy.

    Such a table has as many rows as then, each written before the horizon: what is written anew has a later number, and
    what is deleted is missing. Only the numbers are read.

    :param base: what :func:`starting_point` said
    :param copied: all that was there then
    Raises cannot_catch_up where transaction numbers tell nothing.
    """
    check_place(view, base)
    changed = catchup_sql.is_changed(int(base["horizon"]))
    before = {table.name: table for table in copied.tables}
    tables = [table for table in state.list_tables(view.main) if table.label in base["keys"] and table.label in before]
    statements = [
        " UNION ALL ".join(catchup_sql.written_sql(tables[number], number, changed) for number in group)
        for group in state.batches(tables)
    ]
    return {
        before[tables[number].label].name: before[tables[number].label].fingerprint
        for number, rows, written in view.ask(statements)
        if not written and rows == before[tables[number].label].rows
    }


def check_place(view: state.View, base: Mapping[str, Any]) -> None:
    """Raise cannot_catch_up where transaction numbers do not tell what was written since."""
    _horizon, following, database, standby, prepared = view.main.rows(catchup_sql.MOMENT)[0]
    if base.get("format") != catchup_sql.FORMAT:
        raise cannot_catch_up("the first copy was made by another version")
    if standby or _identity(view, int(database)) != list(base["place"]):
        raise cannot_catch_up("the database is on another server, or another one, than when it was copied")
    if prepared:
        raise cannot_catch_up("{0} prepared transactions wait".format(prepared))
    if not 0 <= int(following) - int(base["horizon"]) < catchup_sql.FARTHEST:
        raise cannot_catch_up("too many transactions have passed since the first copy")


def _large_objects(found: DatabaseState) -> Tuple[int, str]:
    return found.large_objects, found.large_objects_fingerprint


class Catchup:
    """Writes what changed since a first copy: everything that says whether it can be done comes first.

    :param base: what :func:`starting_point` said
    :param copied: all that was there then
    :param now: all that is there in the view, which nobody can change any more
    """

    def __init__(
        self, view: state.View, base: Mapping[str, Any], copied: DatabaseState, now: DatabaseState, directory: str
    ) -> None:
        self._view, self._base, self._copied, self._now = view, base, copied, now
        self._changed = catchup_sql.is_changed(int(base["horizon"]))
        self._name = quote(view.server.config.alias, safe="") + ".catchup"
        self._path = os.path.join(directory, self._name)
        followed: Mapping[str, Any] = base.get("followed") or {}
        self._follows, self._by_stream = int(followed.get("files", 0)), frozenset(followed.get("tables", ()))
        self._whole = frozenset(followed.get("whole", ()))  # whatever the stream made of them

    def write(self) -> str:
        """Write it below the directory; returns its relative path. Raises cannot_catch_up, and leaves nothing then."""
        check_place(self._view, self._base)
        self._check_objects()
        details = _details(self._view)
        before = {table.name: table for table in self._copied.tables}
        after = {table.name: table for table in self._now.tables}
        tables = [
            table
            for table in state.list_tables(self._view.main)
            if table.label not in self._by_stream
            and (
                before[table.label] != after[table.label]
                or table.label in self._whole
                or not queries.tells_all(table, self._now.method)
            )
        ]
        changes = self._plan(tables, details)
        check_share(sum(change.rows for change in changes), self._now.rows())
        owner = self._view.server.context.owner
        with acting_as(owner):
            os.mkdir(self._path, 0o700)
        with removed_on_failure(self._remove):
            self._fill(tables, details, changes)
        return self._name

    def _remove(self) -> None:
        with acting_as(self._view.server.context.owner):
            shutil.rmtree(self._path, ignore_errors=True)

    def _check_objects(self) -> None:
        """Raise cannot_catch_up where more than rows has changed."""
        check_objects(self._copied, self._now)
        if _large_objects(self._copied) != _large_objects(self._now):
            raise cannot_catch_up("large objects changed")
        if _of_extensions(self._view) != self._base["extensions"]:
            raise cannot_catch_up("rows changed that the site keeps in tables of extensions")
        for schema, table, name in self._view.main.rows(catchup_sql.SLEEPLESS):
            raise cannot_catch_up("{0} on {1} runs always".format(name, queries.qualified(schema, table)))

    def _plan(self, tables: Sequence[Table], details: Mapping[Tuple[str, str], _Details]) -> List[Change]:
        """Count what changed, table by table, without reading rows out."""
        keyed = [number for number, table in enumerate(tables) if self._key(table, details)]
        statements = []
        for number in keyed:
            table = tables[number]
            noted = self._base["keys"][table.label]
            hashed = catchup_sql.key_hash(table, noted["key"], self._now.method)
            statements.append(catchup_sql.unchanged_sql(table, number, hashed, noted["buckets"], self._changed))
        sums: Dict[int, Dict[int, Tuple[int, int]]] = {number: {} for number in keyed}
        coming = dict.fromkeys(keyed, 0)
        for number, bucket, count, total, changed in self._view.ask(statements):
            coming[number] += int(changed)
            if count:
                sums[number][int(bucket)] = (int(count), int(total))
        return [
            self._change(table, details[table.schema, table.name], sums.get(number), coming.get(number, 0))
            for number, table in enumerate(tables)
        ]

    def _key(self, table: Table, details: Mapping[Tuple[str, str], _Details]) -> bool:
        """Tell whether the table's key is the one whose hashes the first copy has."""
        noted: Mapping[str, Any] = {} if table.label in self._whole else self._base["keys"].get(table.label, {})
        return bool(noted) and tuple(noted["key"]) == details[table.schema, table.name].key

    def _change(self, table: Table, details: _Details, now: Any, coming: int) -> Change:
        if now is None:  # no key: all rows go, and come
            rows = {item.name: item.rows for item in self._now.tables}[table.label]
            return Change(table.schema, table.name, details.columns, rows)
        noted = self._base["keys"][table.label]
        before = {int(bucket): (int(count), int(total)) for bucket, count, total in noted["sums"]}
        chosen = catchup_sql.touched(before, now)
        if chosen is None:
            raise cannot_catch_up("table {0} has old rows that the first copy lacks".format(table.label))
        kept = sum(now.get(bucket, (0, 0))[0] for bucket in chosen)
        return Change(
            table.schema, table.name, details.columns, coming, details.key, noted["buckets"], tuple(chosen), kept
        )

    def _fill(
        self, tables: Sequence[Table], details: Mapping[Tuple[str, str], _Details], changes: Sequence[Change]
    ) -> None:
        for place, (table, change) in enumerate(zip(tables, changes)):
            condition = self._changed if change.key else ""
            if change.rows:
                columns = details[table.schema, table.name].columns
                self._copy(catchup_sql.rows_sql(table, columns, condition), catchup_sql.rows_file(place), change.rows)
            if change.kept:
                hashed = catchup_sql.key_hash(table, change.key, self._now.method)
                sql = catchup_sql.kept_sql(table, hashed, change.buckets, self._changed, change.chosen)
                self._copy(sql, catchup_sql.kept_file(place), change.kept)
        contents = Contents(self._now.method, tuple(changes), self._sequences(), self._views(), self._follows)
        with self._new(catchup_sql.CONTENTS) as stream:
            stream.write(json.dumps(dict(as_plain(contents), format=catchup_sql.FORMAT)).encode("utf-8"))

    @contextlib.contextmanager
    def _new(self, name: str) -> Iterator[IO[bytes]]:
        with acting_as(self._view.server.context.owner):
            made = created(os.path.join(self._path, name))
        with made as stream:
            yield stream

    def _copy(self, sql: str, name: str, expected: int) -> None:
        with self._new(name) as stream:
            found = self._view.main.copy_out(sql, stream)
        if found != expected:
            raise cannot_catch_up("{0} rows were counted and {1} read".format(expected, found))

    def _sequences(self) -> Tuple[Tuple[str, str, int, bool], ...]:
        """All of them: what a sequence was at obeys no snapshot."""
        now = {item.name: item for item in self._now.sequences}
        known = [(str(row[0]), str(row[1])) for row in self._view.main.rows(queries.SEQUENCES)]
        found = [(schema, name, now[queries.qualified(schema, name)]) for schema, name in known]
        return tuple((schema, name, item.last_value or 0, item.is_called) for schema, name, item in found)

    def _views(self) -> Tuple[Tuple[str, str, bool], ...]:
        return tuple((schema, name, filled) for schema, name, filled in self._view.main.rows(catchup_sql.VIEWS))
