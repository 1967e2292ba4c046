# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Expressions that a load computes: tried on old as pg_restore will find them, with nothing but pg_catalog to look in.

A function that calls another by its bare name, as unaccent() often is, works for the site and fails in the load.
"""

from __future__ import annotations

from typing import Iterator, List, NamedTuple, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import Session, ident
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

#: Undefined function, table, object, schema; anything else, such as a time that ran out, proves nothing.
_LOST = ("42883", "42P01", "42704", "3F000")
_ROWS, _SECONDS = 100, 5


class Unfound(NamedTuple):
    """Names an expression that new cannot create, and what the server did not find."""

    label: str
    why: str
    functions: Tuple[str, ...]


def _calls(classid: str, objid: str) -> str:
    """The functions of the database's own that an object depends on, as an array."""
    return (
        "ARRAY(SELECT DISTINCT d.refobjid::regprocedure::text FROM pg_depend AS d WHERE d.classid = '{0}'::regclass"
        " AND d.objid = {1} AND d.refclassid = 'pg_proc'::regclass AND d.refobjid >= 16384)"
    ).format(classid, objid)


def _candidates(major: int) -> str:
    """Rows of (label, schema, table, expression, condition, functions). A materialized view has its query instead."""
    table = " JOIN pg_class AS c ON c.oid = {0} JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    where = " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
    generated = "a.attgenerated <> ''" if major >= 12 else "false"
    return " UNION ALL ".join(
        [
            "SELECT 'index ' || i.indexrelid::regclass::text, n.nspname, c.relname,"
            " pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid), "
            + _calls("pg_class", "i.indexrelid")
            + " FROM pg_index AS i"
            + table.format("i.indrelid")
            + where
            + " AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)",
            "SELECT 'constraint ' || o.conname || ' of ' || o.conrelid::regclass::text, n.nspname, c.relname,"
            " pg_get_expr(o.conbin, o.conrelid), NULL, "
            + _calls("pg_constraint", "o.oid")
            + " FROM pg_constraint AS o"
            + table.format("o.conrelid")
            + where
            + " AND o.contype = 'c'",
            "SELECT 'generated column ' || a.attname || ' of ' || a.attrelid::regclass::text, n.nspname, c.relname,"
            " pg_get_expr(o.adbin, o.adrelid), NULL, " + _calls("pg_attrdef", "o.oid") + " FROM pg_attrdef AS o"
            " JOIN pg_attribute AS a ON a.attrelid = o.adrelid AND a.attnum = o.adnum"
            + table.format("o.adrelid")
            + where
            + " AND "
            + generated,
            "SELECT 'domain ' || o.contypid::regtype::text || ' in column ' || a.attname || ' of '"
            " || c.oid::regclass::text, n.nspname, c.relname, quote_ident(a.attname) || '::'"
            " || format_type(t.typbasetype, t.typtypmod) || '::' || o.contypid::regtype::text, NULL, "
            + _calls("pg_constraint", "o.oid")
            + " FROM pg_constraint AS o JOIN pg_type AS t ON t.oid = o.contypid"
            " JOIN pg_attribute AS a ON a.atttypid = o.contypid"
            + table.format("a.attrelid")
            + where
            + " AND c.relkind = 'r'",
            "SELECT 'materialized view ' || c.oid::regclass::text, n.nspname, NULL, pg_get_viewdef(c.oid), NULL, "
            "ARRAY(SELECT DISTINCT d.refobjid::regprocedure::text FROM pg_rewrite AS r JOIN pg_depend AS d"
            " ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_proc'::regclass"
            " AND d.refobjid >= 16384 WHERE r.ev_class = c.oid) FROM pg_class AS c"
            " JOIN pg_namespace AS n ON n.oid = c.relnamespace" + where + " AND c.relkind = 'm' AND c.relispopulated",
        ]
    )


def _statement(row: Tuple[str, str, str, str, str]) -> str:
    _label, schema, table, expression, condition = row
    if table is None:
        return "SELECT count(q) FROM (SELECT * FROM ({0}) AS d LIMIT {1}) AS q".format(expression.rstrip("; \n"), _ROWS)
    parts = [part for part in (expression, condition) if part]
    return "SELECT count(ROW({0})) FROM (SELECT * FROM {1}.{2} LIMIT {3}) AS {2}".format(
        ", ".join(parts), ident(schema), ident(table), _ROWS
    )


def unfound(session: Session) -> List[Unfound]:
    """Every expression over functions of the site's own that does not find what it names. Writes nothing.

    A few rows of each table are tried, some seconds at most.
    """
    return list(_tried(session, session.rows(_candidates(session.major))))


def _tried(session: Session, rows: List[Tuple[str, str, str, str, str, List[str]]]) -> Iterator[Unfound]:
    for row in rows:
        functions = row[5]
        if not functions:
            continue
        session.run("BEGIN READ ONLY", "SET LOCAL statement_timeout TO '{0}s'".format(_SECONDS))
        try:
            session.rows(_statement(row[:5]))
        except RelocateError as exc:
            if exc.details.get("sqlstate") in _LOST:
                yield Unfound(row[0], exc.msg, tuple(functions))
        finally:
            session.run("ROLLBACK")
