# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks a PostgreSQL server for a catch-up, and names the files that it is made of. Pure: text in, text out.

A row version carries the number of the transaction that wrote it (``xmin``). The first copy's snapshot has a horizon:
the lowest number that was still at work. Rows from below it that are there now were there then, unchanged. All others
count as changed: what was written since, and some that the snapshot saw already, which does no harm. What vanished has
no row to tell of it, so the first copy keeps sums of its keys in buckets: where the sum of unchanged rows is another
one, a row of that bucket was changed or deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import queries
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.queries import Table
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import ident

FORMAT = 1
#: The file that says what a catch-up holds, in its directory.
CONTENTS = "catchup.json"
#: A bucket has about so many rows: a changed row makes the keys of its bucket travel.
_ROWS_A_BUCKET, _MOST_BUCKETS = 16, 1 << 16
#: Transaction numbers wrap at 2 ** 32, and compare right within half of that. Far from it, nothing needs thinking.
FARTHEST = 1 << 30

#: bucket -> rows, sum of the hashes of their keys
Sums = Mapping[int, Tuple[int, int]]


def details_sql(major: int) -> str:
    """Schema, name, the columns that COPY takes, the columns of a key (or NULL), and whether rows carry ``xmin``.

    A key is a unique index over columns that are never NULL: the primary key, or else the narrowest.
    """
    stored = "AND a.attgenerated = ''" if major >= 12 else ""
    heap = (
        "coalesce((SELECT m.amname = 'heap' FROM pg_am AS m WHERE m.oid = c.relam), false)" if major >= 12 else "true"
    )
    return (
        "SELECT n.nspname, c.relname, (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute AS a"
        " WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped " + stored + "), k.names, " + heap + " "
        "FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace LEFT JOIN LATERAL ("
        "SELECT (SELECT array_agg(a.attname::text ORDER BY u.place) FROM unnest(i.indkey::int2[]) WITH ORDINALITY"
        " AS u (number, place) JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = u.number"
        " WHERE u.place <= i.indnkeyatts) AS names FROM pg_index AS i"
        " WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL"
        " AND NOT EXISTS (SELECT FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS u (number, place)"
        " JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = u.number"
        " WHERE u.place <= i.indnkeyatts AND NOT a.attnotnull)"
        " ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1) AS k ON true"
        " WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND " + queries.USER_SCHEMA + " AND " + queries.own("c")
    )


#: The horizon, the first number that was not given yet, the database, and what keeps a catch-up from being made.
MOMENT = (
    "SELECT txid_snapshot_xmin(txid_current_snapshot()), txid_snapshot_xmax(txid_current_snapshot()),"
    " (SELECT oid::bigint FROM pg_database WHERE datname = current_database()), pg_is_in_recovery(),"
    " (SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database())"
)
#: What tells the server; each may be kept from the role.
IDENTITY = (
    "SELECT system_identifier::text FROM pg_control_system()",
    "SELECT timeline_id::text FROM pg_control_checkpoint()",
    "SELECT setting FROM pg_settings WHERE name = 'data_directory'",
)
#: Tables and sequences of extensions in which sites keep rows of their own. A dump holds them, and no proof does.
OF_EXTENSIONS = (
    "SELECT DISTINCT n.nspname, c.relname, c.relkind::text FROM pg_extension AS x"
    " CROSS JOIN LATERAL unnest(x.extconfig) AS u (oid) JOIN pg_class AS c ON c.oid = u.oid"
    " JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'S') ORDER BY 1, 2"
)
#: Materialized views in the order in which they were made, so that one comes after those that it reads; whether filled.
VIEWS = (
    "SELECT n.nspname, c.relname, c.relispopulated FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'm' AND " + queries.USER_SCHEMA + " AND " + queries.own("c") + " ORDER BY c.oid"
)
#: Triggers and rules that run although a session asks for none.
SLEEPLESS = (
    "SELECT n.nspname, c.relname, t.tgname FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid"
    " JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE t.tgenabled IN ('A', 'R') UNION ALL "
    "SELECT n.nspname, c.relname, t.rulename FROM pg_rewrite AS t JOIN pg_class AS c ON c.oid = t.ev_class"
    " JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE t.ev_enabled IN ('A', 'R') ORDER BY 1, 2, 3"
)


def digest_sql(schema: str, name: str, kind: str) -> str:
    """One row that is another one when anything in a table or sequence is."""
    relation = "{0}.{1}".format(ident(schema), ident(name))
    if kind == "S":
        return "SELECT last_value::text || is_called::text FROM " + relation
    return "SELECT concat_ws(' ', count(*), sum(hashtextextended(t::text COLLATE \"C\", 0))) FROM ONLY {0} AS t".format(
        relation
    )


def buckets_for(rows: int) -> int:
    """Return in how many buckets, a power of two, the keys of so many rows are summed."""
    wanted = min(_MOST_BUCKETS, rows // _ROWS_A_BUCKET)
    return 1 << max(0, wanted.bit_length() - 1)


def key_hash(table: Table, key: Sequence[str], method: str) -> str:
    """The expression that hashes a row's key, in a query that reads this table alone."""
    columns = {column.name: column for column in table.columns}
    return queries.row_hash([columns[name] for name in key], method)


def is_changed(horizon: int) -> str:
    """The condition that a row may have been written since the horizon.

    ``age()`` counts back from one number, the same for a whole transaction. What is older than half of all numbers can
    look young: then it counts as changed, which is allowed. What is young never looks old.
    """
    return "age(xmin) <= (SELECT age('{0}'::xid))".format(horizon % (1 << 32))


def sums_sql(table: Table, number: int, hashed: str, buckets: int) -> str:
    """Rows of (number, bucket, rows, sum of hashes) of a whole table."""
    return (
        "SELECT {0}, q.h & {1}, count(*), sum(q.h) FROM (SELECT {2} AS h FROM ONLY {3} OFFSET 0) AS q GROUP BY 2"
    ).format(number, buckets - 1, hashed, table.sql)


def unchanged_sql(table: Table, number: int, hashed: str, buckets: int, changed: str) -> str:
    """Rows of (number, bucket, unchanged rows, sum of their hashes, changed rows)."""
    return (
        "SELECT {0}, q.h & {1}, count(*) FILTER (WHERE NOT q.n), coalesce(sum(q.h) FILTER (WHERE NOT q.n), 0),"
        " count(*) FILTER (WHERE q.n) FROM (SELECT {2} AS h, {3} AS n FROM ONLY {4} OFFSET 0) AS q GROUP BY 2"
    ).format(number, buckets - 1, hashed, changed, table.sql)


def written_sql(table: Table, number: int, changed: str) -> str:
    """One row of (number, rows, rows that may have been written since)."""
    return "SELECT {0}, count(*), count(*) FILTER (WHERE {1}) FROM ONLY {2}".format(number, changed, table.sql)


def rows_sql(table: Table, columns: Sequence[str], condition: str) -> str:
    """A COPY of rows, with the columns that COPY takes."""
    where = " WHERE " + condition if condition else ""
    return "COPY (SELECT {0} FROM ONLY {1}{2}) TO STDOUT".format(", ".join(map(ident, columns)), table.sql, where)


def kept_sql(table: Table, hashed: str, buckets: int, changed: str, chosen: Sequence[int]) -> str:
    """A COPY of the key hashes of unchanged rows in chosen buckets."""
    return (
        "COPY (SELECT q.h FROM (SELECT {0} AS h FROM ONLY {1} WHERE NOT ({2}) OFFSET 0) AS q"
        " JOIN unnest('{{{3}}}'::bigint[]) AS f (b) ON f.b = q.h & {4}) TO STDOUT"
    ).format(hashed, table.sql, changed, ",".join(map(str, chosen)), buckets - 1)


#: Where the hashes of kept keys and the numbers of buckets are while rows are deleted.
KEPT, CHOSEN = "pg_temp.kept_keys", "pg_temp.chosen_buckets"


def delete_sql(table: Table, hashed: str, buckets: int) -> str:
    """Delete every row of the chosen buckets whose key is not kept.

    The table's columns are seen by the inner query alone: none of their names can be mistaken for one of ours.
    """
    return (
        "DELETE FROM ONLY {0} WHERE ctid = ANY (ARRAY(SELECT q.i FROM (SELECT ctid AS i, {1} AS h FROM ONLY {0}"
        " OFFSET 0) AS q JOIN {2} AS f ON f.b = q.h & {3}"
        " WHERE NOT EXISTS (SELECT FROM {4} AS k WHERE k.h = q.h)))"
    ).format(table.sql, hashed, CHOSEN, buckets - 1, KEPT)


def touched(before: Sums, now: Sums) -> Optional[List[int]]:
    """Return the buckets that lost rows, or None when one has rows that the first copy did not have.

    :param before: of all rows of the first copy
    :param now: of the rows that are as they were
    """
    if any(rows > before.get(bucket, (0, 0))[0] for bucket, (rows, _total) in now.items()):
        return None
    return sorted(bucket for bucket, found in before.items() if now.get(bucket, (0, 0)) != found)


@dataclass(frozen=True)
class Change:
    """Tells what a catch-up does to one table: which rows go, and which come."""

    schema: str
    name: str
    columns: Tuple[str, ...]  # of the rows that come
    rows: int  # that come
    key: Tuple[str, ...] = ()  # empty: all rows go
    buckets: int = 0  # in how many the keys were summed
    chosen: Tuple[int, ...] = ()  # those of which rows go
    kept: int = 0  # rows that stay in those

    @property
    def label(self) -> str:
        """The name in states and manifests."""
        return queries.qualified(self.schema, self.name)

    @property
    def changes(self) -> bool:
        """Tell whether any row goes or comes."""
        return bool(self.rows or self.chosen or not self.key)


@dataclass(frozen=True)
class Contents:
    """A whole catch-up, as its file says it."""

    method: str  # by which keys are hashed
    changes: Tuple[Change, ...] = ()  # each with its files, by its place
    sequences: Tuple[Tuple[str, str, int, bool], ...] = ()  # schema, name, last value, is called
    views: Tuple[Tuple[str, str, bool], ...] = ()  # materialized: schema, name, is filled
    follows: int = 0  # files of a stream that must have been applied before

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Contents:
        """Read what :func:`as_plain` made. Raises KeyError, TypeError or ValueError for anything else."""
        if plain["format"] != FORMAT:
            raise ValueError("format")
        return cls(
            method=str(plain["method"]),
            changes=tuple(_change(item) for item in plain["changes"]),
            sequences=tuple((str(a), str(b), int(c), bool(d)) for a, b, c, d in plain["sequences"]),
            views=tuple((str(a), str(b), bool(c)) for a, b, c in plain["views"]),
            follows=int(plain.get("follows", 0)),
        )


def _change(item: Mapping[str, Any]) -> Change:
    lists: Dict[str, Tuple[Any, ...]] = {name: tuple(item[name]) for name in ("columns", "key", "chosen")}
    return Change(**{**item, **lists})


def rows_file(place: int) -> str:
    """The name of the file with the rows of one change that come."""
    return "{0}.rows".format(place)


def kept_file(place: int) -> str:
    """The name of the file with the key hashes that stay."""
    return "{0}.kept".format(place)
