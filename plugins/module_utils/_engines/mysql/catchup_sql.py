# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Divides tables into buckets, asks a MySQL or MariaDB server for their sums, and names a catch-up's files. Pure.

These servers do not say when a row was written. So the first copy keeps, for each bucket of a table, how many rows it
has and the sum of their hashes. Where one of the two is another later, all rows of that bucket travel. Which bucket a
row is in follows from the row alone: from the range its number is in, or from a hash of its key, or of all of it where
it has no key. So the same rows are found on new, whatever order its server keeps them in, and by their bytes, whatever
its collations take for equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import queries
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.queries import Table
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import ident, is_named

FORMAT = 1
#: The file that says what a catch-up holds, in its directory.
CONTENTS = "catchup.json"
#: A changed row makes its bucket travel, so buckets are small; their sums are kept, so their number has a limit: of one
#: table, and of all together. A sum takes about 30 bytes.
_ROWS_A_BUCKET, _MOST_BUCKETS, _MOST_OF_ALL = 4, 1 << 18, 1 << 20
#: Sums come, and are compared, as one text for so many buckets: to take each apart costs more than to make it.
_GROUP = 64
#: Numbers this sparse are not divided into ranges, most of which would be empty; nor a span that may overflow.
_SPARSE, _FARTHEST = 8, 1 << 62
#: Conditions, and buckets by their number, in one statement.
_RANGES, _NUMBERS = 200, 50000
#: Engines without transactions whose rows are let go and taken in as a whole. Others may show rows that are not theirs.
WHOLE = ("myisam", "aria", "memory", "csv")

#: bucket -> rows, sum of their hashes
Sums = Mapping[int, Tuple[int, int]]
#: Of so many buckets: their sums as text, rows, sum of all.
Group = Tuple[str, int, int]
#: First and last of some buckets that follow one another.
Run = Tuple[int, int]

#: Table, key, column and what speaks against a column: it may be NULL, only its beginning counts, or it is a function.
KEYS = (
    "SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME, COALESCE(NULLABLE, '') = 'YES' OR SUB_PART IS NOT NULL"
    " OR COLUMN_NAME IS NULL FROM information_schema.STATISTICS WHERE NON_UNIQUE = 0 AND {0}"
    " ORDER BY TABLE_NAME, INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX"
)


def keys_sql(database: str) -> str:
    """Every column of every unique index, the primary key's before those of others."""
    return KEYS.format(is_named("TABLE_SCHEMA", database))


def keys_of(rows: Iterable[Tuple[Any, ...]]) -> Dict[str, Tuple[str, ...]]:
    """The columns of a key for each table that has one: of its primary key, or else of the narrowest that fits."""
    found: Dict[str, Dict[str, List[str]]] = {}
    unfit = set()
    for table, index, column, bad in rows:
        found.setdefault(str(table), {}).setdefault(str(index), []).append(str(column))
        if int(bad):
            unfit.add((str(table), str(index)))
    keys = {}
    for table, indexes in found.items():
        fit = [columns for index, columns in indexes.items() if (table, index) not in unfit]
        if fit:
            keys[table] = tuple(fit[0] if "PRIMARY" in indexes else min((len(each), each) for each in fit)[1])
    return keys


def buckets_for(rows: Sequence[int]) -> List[int]:
    """Return into how many buckets, a power of two, tables of so many rows are divided."""
    wanted = [min(_MOST_BUCKETS, max(1, count // _ROWS_A_BUCKET)) for count in rows]
    found = [1 << (count.bit_length() - 1) for count in wanted]
    while sum(found) > _MOST_OF_ALL and max(found) > 1:
        found = [max(1, count // 2) for count in found]
    return found


@dataclass(frozen=True)
class Division:
    """Tells which bucket a row is in.

    Ranges of a number are buckets from 1 on; below them is 0, and the next one is above them: of rows that came later.
    """

    key: Tuple[str, ...]  # empty: all columns
    buckets: int
    low: Optional[int] = None  # with it, the key is a number, and this the lowest
    width: int = 1  # how many numbers are in a range

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Division:
        """Read what :func:`as_plain` made. Raises KeyError, TypeError or ValueError for anything else."""
        low = None if plain["low"] is None else int(plain["low"])
        found = cls(tuple(map(str, plain["key"])), int(plain["buckets"]), low, int(plain["width"]))
        if not 0 < found.buckets <= _MOST_BUCKETS or found.width < 1 or (low is not None and len(found.key) != 1):
            raise ValueError("division")
        return found

    @property
    def last(self) -> int:
        """The highest number of a bucket."""
        return self.buckets - 1 if self.low is None else self.buckets + 1

    def expression(self, table: Table) -> str:
        """The number of a row's bucket, in a query that reads this table alone."""
        if self.low is None:
            columns = {column.name: column for column in table.columns}
            chosen = [columns[name] for name in self.key] or _own_columns(table)
            values = [value for column in chosen for value in queries.value_of(column)]
            return "(CRC32({0}) & {1})".format(queries.joined(values), self.buckets - 1)
        name, end = ident(self.key[0]), self.low + self.buckets * self.width
        form = "CASE WHEN {0} < {1} THEN 0 WHEN {0} >= {2} THEN {3} ELSE ({0} - {1}) DIV {4} + 1 END"
        return form.format(name, self.low, end, self.last, self.width)

    def conditions(self, table: Table, runs: Sequence[Run]) -> List[str]:
        """Conditions for a row to be in one of the buckets; each row that is fits exactly one of them."""
        if self.low is not None:
            ranges = [self._range(self.low, run) for run in runs]
            return [" OR ".join(ranges[start : start + _RANGES]) for start in range(0, len(ranges), _RANGES)]
        numbers = [str(number) for first, last in runs for number in range(first, last + 1)]
        if len(numbers) == self.buckets:
            return ["TRUE"]
        expression = self.expression(table)
        return [
            "{0} IN ({1})".format(expression, ",".join(numbers[start : start + _NUMBERS]))
            for start in range(0, len(numbers), _NUMBERS)
        ]

    def _range(self, low: int, run: Run) -> str:
        name, (first, last) = ident(self.key[0]), run
        bounds = ["{0} >= {1}".format(name, low + (first - 1) * self.width)] if first > 0 else []
        bounds += ["{0} < {1}".format(name, low + last * self.width)] if last < self.last else []
        return "({0})".format(" AND ".join(bounds) or "TRUE")

    def pieces(self, table: Table, count: int) -> List[str]:
        """Conditions that divide a table, none of them a group; one that is always true where it cannot be."""
        groups = self.last // _GROUP + 1
        if self.low is None or count < 2 or groups < count:
            return ["TRUE"]
        bounds = [groups * number // count * _GROUP for number in range(count)] + [self.last + 1]
        runs = [(first, following - 1) for first, following in zip(bounds, bounds[1:])]
        return [condition for run in runs for condition in self.conditions(table, [run])]


def _own_columns(table: Table) -> List[queries.Column]:
    return [column for column in table.columns if not column.generated] or list(table.columns)


def divided(table: Table, key: Tuple[str, ...], buckets: int, rows: int, span: Tuple[Any, Any]) -> Division:
    """Divide a table: into ranges where its key is a number and few are left out, else by a hash.

    :param span: the lowest and the highest number, or None for both
    """
    if span[0] is None or queries.integer_key(table) not in key:
        return Division(key, buckets)
    low, high = int(span[0]), int(span[1])
    if high - low >= min(_FARTHEST, _SPARSE * max(rows, _GROUP)):
        return Division(key, buckets)
    return Division((queries.integer_key(table),), buckets, low, (high - low) // buckets + 1)


def sums_sql(table: Table, number: int, division: Division, condition: str) -> str:
    """Rows of (number, group, its buckets' sums as text, its rows, the sum of them all, the highest number)."""
    return (
        "SELECT {0}, q.b DIV {1}, GROUP_CONCAT(q.b, ':', q.c, ':', q.s ORDER BY q.b SEPARATOR ','), SUM(q.c), SUM(q.s),"
        " MAX(q.m) FROM (SELECT {2} AS b, COUNT(*) AS c, SUM({3}) AS s, {4} AS m FROM {5} WHERE {6} GROUP BY 1) AS q"
        " GROUP BY 2"
    ).format(
        number,
        _GROUP,
        division.expression(table),
        queries.row_hash(table),
        queries.highest(table),
        table.place,
        condition,
    )


def span_sql(table: Table, number: int) -> str:
    """One row: the table's number, and the lowest and highest number in its key."""
    form = "SELECT {0}, MIN({1}), MAX({1}) FROM {2}"
    return form.format(number, ident(queries.integer_key(table)), table.place)


def sums_of(group: Group) -> Dict[int, Tuple[int, int]]:
    """Take the text of a group apart. Raises ValueError where it is not whole."""
    text, rows, total = group
    found = {}
    for item in text.split(",") if text else ():
        bucket, count, value = item.split(":")
        found[int(bucket)] = (int(count), int(value))
    if (sum(count for count, _sum in found.values()), sum(value for _count, value in found.values())) != (rows, total):
        raise ValueError("sums")
    return found


def touched(before: Mapping[int, Group], now: Mapping[int, Group]) -> Dict[int, int]:
    """Return the buckets that are not as before, each with its rows now. Raises ValueError for sums that are cut."""
    nothing: Group = ("", 0, 0)
    chosen: Dict[int, int] = {}
    for number in set(before) | set(now):
        if before.get(number) == now.get(number):
            continue
        old, new = sums_of(before.get(number, nothing)), sums_of(now.get(number, nothing))
        for bucket in set(old) | set(new):
            if old.get(bucket) != new.get(bucket):
                chosen[bucket] = new.get(bucket, (0, 0))[0]
    return chosen


def runs_of(buckets: Iterable[int]) -> List[Run]:
    """Join numbers that follow one another."""
    runs: List[Run] = []
    for bucket in sorted(buckets):
        if runs and runs[-1][1] == bucket - 1:
            runs[-1] = (runs[-1][0], bucket)
        else:
            runs.append((bucket, bucket))
    return runs


@dataclass(frozen=True)
class Change:
    """Tells what a catch-up does to one table: which rows go, and how many come."""

    name: str
    columns: Tuple[str, ...]  # of the rows that come
    rows: int  # that come
    division: Optional[Division] = None  # None: all rows go
    runs: Tuple[Run, ...] = ()  # of the buckets whose rows go

    def conditions(self, table: Table) -> List[str]:
        """Conditions for a row to go, or to come; each such row fits exactly one."""
        return ["TRUE"] if self.division is None else self.division.conditions(table, self.runs)


@dataclass(frozen=True)
class Contents:
    """A whole catch-up, as its file says it."""

    method: str  # by which rows are hashed
    changes: Tuple[Change, ...] = ()  # each with its file, by its place
    numbers: Tuple[Tuple[str, int], ...] = ()  # table, where the numbering of its rows stands
    sequences: Tuple[Tuple[str, int, int], ...] = ()  # MariaDB's: name, next, round
    follows: int = 0  # so many files of a stream

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Contents:
        """Read what :func:`as_plain` made. Raises KeyError, TypeError or ValueError for anything else."""
        if plain["format"] != FORMAT or plain["method"] != queries.METHOD:
            raise ValueError("format")
        return cls(
            method=queries.METHOD,
            changes=tuple(map(_change, plain["changes"])),
            numbers=tuple((str(name), int(number)) for name, number in plain["numbers"]),
            sequences=tuple((str(name), int(number), int(turn)) for name, number, turn in plain["sequences"]),
            follows=int(plain.get("follows", 0)),
        )


def _change(item: Mapping[str, Any]) -> Change:
    division = None if item["division"] is None else Division.from_plain(item["division"])
    runs = tuple((int(first), int(last)) for first, last in item["runs"])
    end = -1
    for first, last in runs:
        if not end < first <= last <= (-1 if division is None else division.last):
            raise ValueError("runs")
        end = last
    return Change(str(item["name"]), tuple(map(str, item["columns"])), int(item["rows"]), division, runs)


def rows_file(place: int) -> str:
    """The name of the file with the rows of one change that come."""
    return "{0}.rows".format(place)
