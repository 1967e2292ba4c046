# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps how far incoming is in a stream: in a table of ours beside the rows, until its catch-up has been applied."""

from __future__ import annotations

from typing import AbstractSet, FrozenSet, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.replicate_sql import POSITION, SCHEMA
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import Session, literal
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import cannot_catch_up


def read(session: Session) -> Tuple[int, FrozenSet[str]]:
    """Return how many files of a stream were taken in, 0 for none ever, and the tables that they changed."""
    if session.value("SELECT to_regclass({0})".format(literal(POSITION))) is None:
        return 0, frozenset()
    rows = session.rows("SELECT files, tables FROM " + POSITION)
    return (int(rows[0][0]), frozenset(rows[0][1])) if rows else (0, frozenset())


def write(session: Session, files: int, tables: AbstractSet[str]) -> None:
    """Note how far it is, in the transaction that takes a file in."""
    listed = ", ".join(literal(name) for name in sorted(tables))
    session.run(
        "DELETE FROM " + POSITION,
        "INSERT INTO {0} VALUES ({1}, ARRAY[{2}]::text[])".format(POSITION, files, listed),
    )


def begin(session: Session) -> None:
    """Make the table where it is missing."""
    session.run(
        "CREATE SCHEMA IF NOT EXISTS " + SCHEMA,
        "CREATE TABLE IF NOT EXISTS {0} (files bigint, tables text[])".format(POSITION),
    )


def settle(session: Session, files: int) -> FrozenSet[str]:
    """Within a catch-up's transaction: see that the stream it stands on is in, and remove our table.

    :returns: the tables that the stream changed
    Raises cannot_catch_up.
    """
    found, tables = read(session)
    if found != files:
        raise cannot_catch_up("incoming holds part {0} of the stream, and part {1} is expected".format(found, files))
    session.run("DROP SCHEMA IF EXISTS {0} CASCADE".format(SCHEMA))
    return tables
