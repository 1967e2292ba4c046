# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""New's side of a replication: the files of a stream are taken into incoming, each in one transaction.

As for a catch-up, triggers and foreign keys sleep, and the session is the site's own role's. How far incoming is stands
in a table beside the rows, so that a run that is killed neither repeats nor leaves out a file. What is in incoming in
the end is compared as ever: a row that was not found shows there.
"""

from __future__ import annotations

import os
from typing import IO, Dict, FrozenSet, Iterator, List, Mapping, NamedTuple, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.following import file_name
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import (
    catchup_apply,
    queries,
    replicate_position,
    replicate_sql,
    replicate_stream,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.replicate_stream import (
    DELETE,
    INSERT,
    TRUNCATE,
    UNCHANGED,
    UPDATE,
    Change,
    Relation,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import Session, ident
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import cannot_catch_up
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

_AT_A_TIME = 1 << 18  # bytes of statements that are sent together
_ROWS = 500  # in one INSERT


class Target(NamedTuple):
    """A table of incoming."""

    columns: Tuple[str, ...]
    always: Tuple[str, ...]  # GENERATED ALWAYS AS IDENTITY: no UPDATE sets them
    equals: Mapping[str, str]  # column of an index -> the operator of its equality


def replay(server: Server, database: str, directory: str) -> int:
    """Take in the files that incoming lacks; returns how many it has then.

    Raises cannot_catch_up, with the database as some file of the stream left it.
    """
    with catchup_apply.asleep(server, database) as session:
        try:
            # Each file would wait for the disk; the swap's own commit does, for all that came before it.
            session.run("SET synchronous_commit = off")
            replicate_position.begin(session)
            (done, touched), targets = replicate_position.read(session), _targets(session)
            while os.path.exists(os.path.join(directory, file_name(done + 1))):
                done += 1
                touched |= _one_file(session, os.path.join(directory, file_name(done)), targets, done, touched)
        except (RelocateError, OSError, ValueError) as exc:
            if isinstance(exc, RelocateError) and exc.details.get("session") == "lost":
                raise
            raise cannot_catch_up("the stream cannot be applied: {0}".format(getattr(exc, "msg", exc))) from exc
    return done


def _targets(session: Session) -> Dict[Tuple[str, str], Target]:
    found = {}
    for schema, name, columns, always, names, schemas, operators in session.rows(replicate_sql.TARGETS):
        equals = {
            column: "OPERATOR({0}.{1})".format(ident(where), operator)
            for column, where, operator in zip(names or (), schemas or (), operators or ())
        }
        found[str(schema), str(name)] = Target(tuple(columns or ()), tuple(always or ()), equals)
    return found


def _one_file(
    session: Session, path: str, targets: Mapping[Tuple[str, str], Target], number: int, before: FrozenSet[str]
) -> FrozenSet[str]:
    """Take one file in; returns the tables that it changes."""
    touched: Set[str] = set()
    session.run("BEGIN", "SET CONSTRAINTS ALL DEFERRED")
    try:
        with open(path, "rb") as stream:
            size = 0
            several: List[bytes] = []
            for statement in statements(_changes(stream, touched), targets):
                several.append(statement)
                size += len(statement)
                if size > _AT_A_TIME:
                    session.run_bytes(b";\n".join(several))
                    several, size = [], 0
            if several:
                session.run_bytes(b";\n".join(several))
        replicate_position.write(session, number, before | touched)
        session.run("COMMIT")
    except BaseException:
        session.close()
        raise
    return frozenset(touched)


def _changes(stream: IO[bytes], touched: Set[str]) -> Iterator[Change]:
    decoder = replicate_stream.Decoder()
    for message in replicate_stream.messages(stream):
        for change in decoder.changes(message):
            touched.add(queries.qualified(change.relation.schema, change.relation.name))
            yield change


def statements(changes: Iterator[Change], targets: Mapping[Tuple[str, str], Target]) -> Iterator[bytes]:
    """The statements that do the same once more. Raises ValueError for a table that is not there, or another one."""
    rows: List[bytes] = []
    before: Tuple[object, ...] = ()
    begin = b""
    for change in changes:
        relation = change.relation
        target = _target(relation, targets)
        same = (relation, tuple(change.new)) if change.kind == INSERT else ()
        if rows and (same != before or len(rows) >= _ROWS):
            yield begin + b", ".join(rows)
            rows = []
        before = same
        if change.kind == INSERT:
            if UNCHANGED in change.new.values():
                raise ValueError("a new row without all its values")
            begin = _insert(relation, tuple(change.new)) + b" VALUES "
            rows.append(b"(" + b", ".join(_value(value) for value in change.new.values()) + b")")
        else:
            yield _statement(change, target)
    if rows:
        yield begin + b", ".join(rows)


def _target(relation: Relation, targets: Mapping[Tuple[str, str], Target]) -> Target:
    target = targets.get((relation.schema, relation.name))
    if target is None or not set(relation.columns) <= set(target.columns):
        raise ValueError("there is no such table {0}.{1}".format(relation.schema, relation.name))
    return target


def _statement(change: Change, target: Target) -> bytes:
    table = _named(change.relation)
    if change.kind == TRUNCATE:  # not TRUNCATE, which no table allows that is referred to
        return b"DELETE FROM ONLY " + table
    where = b" WHERE " + _condition(change, target)
    if change.kind == DELETE:
        return b"DELETE FROM ONLY " + table + where
    if change.kind != UPDATE:
        raise ValueError("a change of kind {0!r}".format(change.kind))
    if change.old and target.always:
        return _replaced(change, table, where)
    sets = [
        _word(column) + b" = " + _value(value)
        for column, value in change.new.items()
        if value is not UNCHANGED and column not in target.always
    ]
    if not sets:
        return b"SELECT"
    return b"UPDATE ONLY " + table + b" SET " + b", ".join(sets) + where


def _replaced(change: Change, table: bytes, where: bytes) -> bytes:
    """An UPDATE of a row whose key may be a value that no UPDATE can set."""
    columns = tuple(change.new)
    values = [b"gone." + _word(column) if value is UNCHANGED else _value(value) for column, value in change.new.items()]
    return (
        b"WITH gone AS (DELETE FROM ONLY " + table + where + b" RETURNING *) "
        + _insert(change.relation, columns) + b" SELECT " + b", ".join(values) + b" FROM gone"
    )  # fmt: skip


def _insert(relation: Relation, columns: Sequence[str]) -> bytes:
    return b"INSERT INTO " + _named(relation) + b" (" + b", ".join(map(_word, columns)) + b") OVERRIDING SYSTEM VALUE"


def _condition(change: Change, target: Target) -> bytes:
    key = change.relation.key
    if not key or not set(key) <= set(target.equals):
        raise ValueError("nothing tells the rows of {0}.{1} apart".format(change.relation.schema, change.relation.name))
    values = change.old or change.new
    if any(values[column] in (None, UNCHANGED) for column in key):
        raise ValueError("a key without its values")
    return b" AND ".join(
        _word(column) + b" " + target.equals[column].encode("utf-8") + b" " + _value(values[column]) for column in key
    )


def _named(relation: Relation) -> bytes:
    return _word(relation.schema) + b"." + _word(relation.name)


def _word(name: str) -> bytes:
    return ident(name).encode("utf-8")


def _value(value: object) -> bytes:
    """A value as the session takes it, whose standard_conforming_strings is on."""
    return b"'" + value.replace(b"'", b"''") + b"'" if isinstance(value, bytes) else b"NULL"
