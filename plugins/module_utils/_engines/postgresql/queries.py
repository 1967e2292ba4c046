# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Catalogue questions to PostgreSQL 11 and later, and the expressions that fingerprint rows.

Pure: text in, text out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import ident, literal

#: Fingerprint methods. Both are sums over rows, exact and free of order, so a duplicated pair cannot cancel out.
RECORD, TEXT = "pg-record-1", "pg-text-1"
METHODS = (RECORD, TEXT)

#: Types whose hash says everything about the value and is the same in every locale and major version from 14 on.
#: Not among them, hence cast to text: enum (hashed by oid), citext (case-folded), jsonb and free numeric (1.0 = 1.00),
#: json and xml (no hash at all), arrays, ranges, domains, composites and whatever an extension brings.
_FAITHFUL = frozenset(
    "bool bpchar bytea date float4 float8 int2 int4 int8 text time timestamp timestamptz uuid varchar".split()
)

#: What the names of our own empty schemas begin with; see place.
MARK = "relocate__"
_MARKS = "relocate__(incoming|previous|discarded)$"
USER_SCHEMA = "n.nspname !~ '^(pg_|{0})' AND n.nspname <> 'information_schema'".format(_MARKS)
#: Whether a load in place has begun and is not live yet.
FILLING = "SELECT count(*) FROM pg_namespace WHERE nspname = '{0}incoming'".format(MARK)


def own(alias: str, catalogue: str = "pg_class") -> str:
    """The condition that an object belongs to no extension."""
    return (
        "NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_catalog.{1}'::regclass"
        " AND e.objid = {0}.oid AND e.deptype = 'e')"
    ).format(alias, catalogue)


@dataclass(frozen=True)
class Column:
    """One column of a table, as far as its fingerprint needs."""

    name: str
    type_schema: str
    type_name: str
    type_kind: str = "b"  # pg_type.typtype
    modifier: int = -1
    deterministic: bool = True  # its collation compares bytes


@dataclass(frozen=True)
class Table:
    """A relation with rows of its own."""

    schema: str
    name: str
    kind: str  # table, partition
    pages: int
    columns: Tuple[Column, ...]

    @property
    def sql(self) -> str:
        """The quoted name for a statement."""
        return ident(self.schema) + "." + ident(self.name)

    @property
    def label(self) -> str:
        """The name in states and manifests."""
        return qualified(self.schema, self.name)


def qualified(*parts: str) -> str:
    """Names joined by dots, quoted only where needed.

    Not quote_ident(): what that quotes depends on the keywords of the server's version.
    """
    return ".".join(part if re.match(r"^[a-z_][a-z0-9_]*$", part) else ident(part) for part in parts)


def tables_sql(major: int) -> str:
    """Every table with rows of its own: schema, name, is partition, pages, columns as parallel arrays."""
    virtual = "AND a.attgenerated <> 'v'" if major >= 12 else ""
    deterministic = "coalesce(co.collisdeterministic, true)" if major >= 12 else "true"
    # Columns by name: an inherited table may get another order of columns from pg_dump than it had.
    order = 'ORDER BY a.attname COLLATE "C"'
    fields = ("a.attname::text", "tn.nspname::text", "t.typname::text", "t.typtype::text", "a.atttypmod", deterministic)
    arrays = ", ".join("array_agg({0} {1}) FILTER (WHERE a.attname IS NOT NULL)".format(f, order) for f in fields)
    return (
        "SELECT n.nspname, c.relname, c.relispartition, c.relpages, " + arrays + " FROM pg_class AS c"
        " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped " + virtual + " "
        " LEFT JOIN pg_type AS t ON t.oid = a.atttypid LEFT JOIN pg_namespace AS tn ON tn.oid = t.typnamespace"
        " LEFT JOIN pg_collation AS co ON co.oid = a.attcollation"
        " WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND " + USER_SCHEMA + " AND " + own("c") + " "
        " GROUP BY c.oid, n.nspname, c.relname, c.relispartition, c.relpages ORDER BY c.relpages DESC, 1, 2"
    )


def table_of(row: Sequence[object]) -> Table:
    """A row of :func:`tables_sql` as a Table."""
    schema, name, partition, pages, *arrays = row
    lists: List[List[object]] = [list(array) if isinstance(array, list) else [] for array in arrays]
    columns = tuple(Column(*fields) for fields in zip(*lists))
    kind = "partition" if partition else "table"
    return Table(str(schema), str(name), kind, int(str(pages)), columns)


def column_expression(column: Column, method: str) -> str:
    """Return what of a column goes into the row's hash."""
    name = ident(column.name)
    if method == TEXT:
        # The text of a float changed with PostgreSQL 12, its binary form never did.
        is_float = column.type_schema == "pg_catalog" and column.type_name in ("float4", "float8")
        return "{0}send({1})".format(column.type_name, name) if is_float else name
    fixed_numeric = column.type_name == "numeric" and column.modifier != -1
    if column.type_schema != "pg_catalog" or column.type_kind != "b":
        return name + "::text" + _BYTES
    if column.type_name in _FAITHFUL or fixed_numeric:
        return name if column.deterministic else name + _BYTES
    return name + "::text" + _BYTES


def tells_all(table: Table, method: str) -> bool:
    """Tell whether equal fingerprints mean the same bytes.

    A record's hash takes for equal what the type does: 0.0 and -0.0, and blanks at the end of a bpchar without length.
    """
    return method != RECORD or not any(
        column.type_schema == "pg_catalog"
        and (column.type_name in ("float4", "float8") or (column.type_name == "bpchar" and column.modifier == -1))
        for column in table.columns
    )


#: Bytes, not the rules of a collation that another version of glibc or ICU may define anew.
_BYTES = ' COLLATE "C"'


def count_sql(table: Table, number: int, method: str, fingerprints: bool) -> str:
    """One row: number, rows, fingerprint.

    A record's hash is linear in the hashes of its columns, so a plain sum would not notice two rows that exchange the
    values of a column (Alice's balance and Bob's). Hashing the hash makes it notice.
    """
    if not fingerprints:
        return "SELECT {0}, count(*), NULL::numeric FROM ONLY {1}".format(number, table.sql)
    value = row_hash(table.columns, method)
    return "SELECT {0}, count(*), coalesce(sum({1}::bigint), 0) FROM ONLY {2}".format(number, value, table.sql)


def row_hash(columns: Sequence[Column], method: str) -> str:
    """The expression that hashes these columns of a row."""
    if not columns:
        return "0"
    row = "ROW({0})".format(", ".join(column_expression(column, method) for column in columns))
    if method == RECORD:
        return "hashint8extended(hash_record_extended({0}, 0), 0)".format(row)
    return 'hashtextextended({0}::text COLLATE "C", 0)'.format(row)


#: Sequences with the column that each feeds, by ownership or by a default of nextval(), and whether its highest value
#: is looked at: where an index gives it or the table is small. No look before a freeze is to read more, and one after
#: a load finds nothing that was not found before it.
SEQUENCES = (
    """
SELECT DISTINCT ON (n.nspname, c.relname)
    n.nspname, c.relname, tn.nspname, t.relname, a.attname,
    s.seqincrement > 0 AND NOT s.seqcycle AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
        AND ((t.relkind = 'r' AND NOT t.relhassubclass AND pg_relation_size(t.oid) <= 64 * 1024 * 1024)
            OR EXISTS (SELECT FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid JOIN pg_am AS m
                ON m.oid = x.relam WHERE i.indrelid = t.oid AND i.indkey[0] = a.attnum AND m.amname = 'btree'
                AND i.indpred IS NULL AND i.indisvalid))
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_sequence AS s ON s.seqrelid = c.oid
LEFT JOIN (
    SELECT objid AS sequence, refobjid AS relation, refobjsubid AS attribute, 1 AS rank FROM pg_depend
    WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND refobjsubid > 0
        AND deptype IN ('a', 'i')
    UNION ALL
    SELECT d.refobjid, ad.adrelid, ad.adnum, 2 FROM pg_depend AS d JOIN pg_attrdef AS ad ON ad.oid = d.objid
    WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'n'
) AS feeds ON feeds.sequence = c.oid
LEFT JOIN pg_class AS t ON t.oid = feeds.relation
LEFT JOIN pg_namespace AS tn ON tn.oid = t.relnamespace
LEFT JOIN pg_attribute AS a ON a.attrelid = feeds.relation AND a.attnum = feeds.attribute
WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND """
    + USER_SCHEMA
    + " AND "
    + own("c")
    + " ORDER BY n.nspname, c.relname, feeds.rank, tn.nspname, t.relname, a.attname"
)

UNPOPULATED = (
    "SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'm' AND NOT c.relispopulated AND " + USER_SCHEMA + " AND " + own("c")
)

#: How many tables there are, and how many locks the server has room for at the same time.
LOCKS = (
    "SELECT (SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p', 'S')),"
    " current_setting('max_locks_per_transaction')::int"
    " * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int)"
)

#: The same, with the processes that the server makes room for: relations that a dump locks, locks for each, processes.
#: Besides these there is room that other parts of the server may take first: it is not counted on.
CAPACITY = (
    "SELECT (SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p', 'S') AND oid >= 16384),"
    " current_setting('max_locks_per_transaction')::int, current_setting('max_connections')::int"
    " + current_setting('max_prepared_transactions')::int + current_setting('max_worker_processes')::int"
    " + current_setting('max_wal_senders')::int + 1 + greatest(current_setting('autovacuum_max_workers')::int,"
    " coalesce(current_setting('autovacuum_worker_slots', true)::int, 0))"
)

#: What the settings' role may not read, and pg_dump therefore would fail at.
UNREADABLE = (
    "SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't' AND " + USER_SCHEMA + " AND " + own("c") + " "
    "AND NOT (has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')) ORDER BY 1, 2"
)

#: The same of tables in which extensions let sites keep rows of their own (cron.job, tiger.*): pg_dump reads them.
UNREADABLE_OF_EXTENSIONS = (
    "SELECT DISTINCT n.nspname, c.relname FROM pg_extension AS x CROSS JOIN LATERAL unnest(x.extconfig) AS u (oid)"
    " JOIN pg_class AS c ON c.oid = u.oid JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE NOT (has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')) ORDER BY 1, 2"
)

FORCED_POLICIES = (
    "SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p') AND c.relrowsecurity AND c.relforcerowsecurity AND "
    + USER_SCHEMA
    + " ORDER BY 1, 2"
)

#: Tables of which the role would see a part only; pg_dump refuses them.
HIDDEN_ROWS = (
    "SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p') AND c.relrowsecurity AND row_security_active(c.oid) AND " + USER_SCHEMA + " "
    "AND " + own("c") + " ORDER BY 1, 2"
)

TABLE_COUNT = (
    "SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND " + USER_SCHEMA + " AND " + own("c")
)


#: Other roles that hold rights here: a dump without ACLs does not bring them.
GRANTEES = (
    "SELECT DISTINCT r.rolname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " CROSS JOIN LATERAL aclexplode(c.relacl) AS x JOIN pg_roles AS r ON r.oid = x.grantee"
    " WHERE " + USER_SCHEMA + " AND " + own("c") + " AND x.grantee <> c.relowner ORDER BY 1"
)

_RELATIONS = "pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"


def _relation_kind(kinds: str) -> str:
    return (
        "SELECT ARRAY[n.nspname, c.relname]::text[], '' FROM " + _RELATIONS + " WHERE c.relkind IN (" + kinds + ")"
        " AND c.relpersistence <> 't' AND " + USER_SCHEMA + " AND " + own("c")
    )


def _named(catalogue: str, name: str, schema: str, more: str = "") -> str:
    return (
        "SELECT ARRAY[n.nspname, o.{1}]::text[], '' FROM {0} AS o JOIN pg_namespace AS n ON n.oid = o.{2}"
        " WHERE {3} AND {4} {5}"
    ).format(catalogue, name, schema, USER_SCHEMA, own("o", catalogue), more)


def _of_table(catalogue: str, name: str, relation: str, suffix: str, more: str) -> str:
    return (
        "SELECT ARRAY[n.nspname, c.relname, o.{1}]::text[], {3} FROM {0} AS o JOIN pg_class AS c ON c.oid = o.{2}"
        " JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE {4} AND {5} {6}"
    ).format(catalogue, name, relation, suffix, USER_SCHEMA, own("c"), more)


def objects_sql(major: int) -> str:
    """Every other thing with a name: kind, name parts, suffix. Nothing that an extension owns."""
    queries: Dict[str, str] = {
        "view": _relation_kind("'v'"),
        "materialized view": _relation_kind("'m'"),
        "foreign table": _relation_kind("'f'"),
        "partitioned table": _relation_kind("'p'"),
        "index": _relation_kind("'i', 'I'")
        + " AND EXISTS (SELECT FROM pg_index AS i WHERE i.indexrelid = c.oid AND (i.indisvalid OR c.relkind = 'I'))",
        "trigger": _triggers(major),
        "constraint": _of_table(
            "pg_constraint",
            "conname",
            "conrelid",
            "CASE WHEN o.convalidated THEN '' ELSE ' (not valid)' END",
            "AND o.conparentid = 0 AND o.contype IN ('c', 'f', 'p', 'u', 'x')",
        ),
        "policy": _of_table("pg_policy", "polname", "polrelid", "''", ""),
        "rule": _of_table("pg_rewrite", "rulename", "ev_class", "''", "AND o.rulename <> '_RETURN'"),
        "function": _functions(),
        "type": _types(),
        "collation": _named("pg_collation", "collname", "collnamespace"),
        "text search configuration": _named("pg_ts_config", "cfgname", "cfgnamespace"),
        "text search dictionary": _named("pg_ts_dict", "dictname", "dictnamespace"),
        "statistics": _named("pg_statistic_ext", "stxname", "stxnamespace"),
        "event trigger": "SELECT ARRAY[o.evtname]::text[], '' FROM pg_event_trigger AS o WHERE "
        + own("o", "pg_event_trigger"),
        "extension": "SELECT ARRAY[o.extname]::text[], '' FROM pg_extension AS o",
        "schema": "SELECT ARRAY[n.nspname]::text[], '' FROM pg_namespace AS n WHERE n.nspname <> 'public' AND "
        + USER_SCHEMA
        + " AND "
        + own("n", "pg_namespace"),
    }
    return " UNION ALL ".join(
        "SELECT {0}::text, q.* FROM ({1}) AS q (parts, suffix)".format(literal(kind), query)
        for kind, query in sorted(queries.items())
    )


def _triggers(major: int) -> str:
    # Copies of a partitioned table's triggers and keys on its partitions get names that differ between versions.
    cloned = "AND o.tgparentid = 0" if major >= 13 else ""
    state = "CASE o.tgenabled WHEN 'O' THEN '' WHEN 'D' THEN ' (disabled)' ELSE ' (' || o.tgenabled::text || ')' END"
    return _of_table("pg_trigger", "tgname", "tgrelid", state, "AND NOT o.tgisinternal " + cloned)


def _functions() -> str:
    return (
        "SELECT ARRAY[n.nspname, o.proname]::text[], '(' || oidvectortypes(o.proargtypes) || ')' FROM pg_proc AS o"
        " JOIN pg_namespace AS n ON n.oid = o.pronamespace WHERE "
        + USER_SCHEMA
        + " AND "
        + own("o", "pg_proc")
        # constructors of range types
        + " AND NOT EXISTS (SELECT FROM pg_depend AS i WHERE i.classid = 'pg_proc'::regclass AND i.objid = o.oid"
        " AND i.deptype = 'i')"
    )


def _types() -> str:
    labels = "(SELECT string_agg(quote_literal(l.enumlabel), ', ' ORDER BY l.enumsortorder) FROM pg_enum AS l"
    return (
        "SELECT ARRAY[n.nspname, o.typname]::text[], coalesce('(' || " + labels + " WHERE l.enumtypid = o.oid)"
        " || ')', '') FROM pg_type AS o JOIN pg_namespace AS n ON n.oid = o.typnamespace"
        " LEFT JOIN pg_class AS c ON c.oid = o.typrelid WHERE " + USER_SCHEMA + " AND " + own("o", "pg_type") + " "
        "AND (o.typtype IN ('d', 'e', 'r') OR c.relkind = 'c')"
    )


def large_objects_sql(part: int, parts: int, chunk: int = 1 << 20) -> str:
    """Number and fingerprint of each ``parts``-th large object, read a mebibyte at a time since lo_get() fills memory.

    By lo_get(), because pg_largeobject itself is for superusers only.
    """
    piece = (
        "CROSS JOIN LATERAL (SELECT length(d) = {1} AS full_chunk,"
        " hashtextextended(o.oid::text || ':' || {0} || ':' || encode(sha256(d), 'hex'), 0) AS h"
        " FROM (SELECT lo_get(o.oid, {0}::bigint * {1}, {1}) AS d OFFSET 0) AS q OFFSET 0) AS p"
    )
    return (
        "WITH RECURSIVE o AS (SELECT m.oid FROM pg_largeobject_metadata AS m WHERE m.oid::bigint % {0} = {1}),"
        " chunks (oid, number, full_chunk, h) AS (SELECT o.oid, 0, p.full_chunk, p.h FROM o {2}"
        " UNION ALL SELECT o.oid, o.number + 1, p.full_chunk, p.h FROM chunks AS o {3} WHERE o.full_chunk)"
        " SELECT count(DISTINCT oid), coalesce(sum(h), 0) FROM chunks"
    ).format(parts, part, piece.format("0", chunk), piece.format("(o.number + 1)", chunk))


#: What has ever been written, as the server counts it; tables that were emptied or made anew show by their files.
WRITES = """
SELECT concat_ws(' ', count(*), sum(n_tup_ins + n_tup_upd + n_tup_del),
    (SELECT sum(relfilenode::bigint) FROM pg_class WHERE relkind IN ('r', 'm')),
    (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()),
    CASE WHEN current_setting('track_counts') <> 'on' THEN clock_timestamp() END)
FROM pg_stat_user_tables
"""
