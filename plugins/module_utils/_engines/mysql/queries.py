# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""SQL that counts and fingerprints tables on MySQL and MariaDB; pure text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import ident, is_named

#: The one way of computing fingerprints, the same on both servers whatever their version (MySQL 9.6 has given up SHA1).
METHOD = "my-sha2-2"
#: What the names of tables of ours begin with, which are put beside a site's.
OURS = "__relocate_"
_LONG = frozenset("tinytext text mediumtext longtext tinyblob blob mediumblob longblob json".split())
_SHAPES = frozenset(
    "geometry point linestring polygon multipoint multilinestring multipolygon geomcollection".split()
    + ["geometrycollection"]
)
_NUMBERS = frozenset("tinyint smallint mediumint int bigint decimal year date time datetime timestamp".split())


@dataclass(frozen=True)
class Column:
    """One column of a table, in the words of information_schema."""

    name: str
    kind: str  # DATA_TYPE: varchar, longtext, ...
    nullable: bool
    auto: bool = False  # AUTO_INCREMENT
    key: bool = False  # the first column of the primary key
    generated: bool = False
    period: str = ""  # of system-versioned tables: "start" or "end" of the time for which a row holds
    invisible: bool = False


@dataclass(frozen=True)
class Table:
    """One table with rows of its own."""

    name: str
    engine: str
    size: int  # bytes, as the server estimates them
    columns: Tuple[Column, ...] = ()
    versioned: bool = False  # keeps its former rows

    @property
    def period(self) -> Tuple[str, str]:
        """The columns that tell from when until when a row of a system-versioned table holds."""
        named = {column.period: column.name for column in self.columns if column.period}
        return named.get("start", "ROW_START"), named.get("end", "ROW_END")

    @property
    def place(self) -> str:
        """Return what stands behind FROM for all of its rows, former ones too."""
        return ident(self.name) + (" FOR SYSTEM_TIME ALL" if self.versioned else "")

    @property
    def transactional(self) -> bool:
        """Tell whether a snapshot holds for it."""
        return self.engine.lower() in ("innodb", "rocksdb", "tokudb")


TABLES = (
    "SELECT TABLE_NAME, COALESCE(ENGINE, ''), COALESCE(DATA_LENGTH, 0) + COALESCE(INDEX_LENGTH, 0), TABLE_TYPE"
    " FROM information_schema.TABLES WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') AND {0}"
    " AND LEFT(TABLE_NAME, 11) <> '__relocate_' ORDER BY TABLE_NAME"
)
COLUMNS = (
    "SELECT TABLE_NAME, COLUMN_NAME, LOWER(DATA_TYPE), IS_NULLABLE = 'YES', LOWER(EXTRA) LIKE '%auto_increment%',"
    " COLUMN_KEY = 'PRI', COALESCE(GENERATION_EXPRESSION, '') <> '',"
    " CASE GENERATION_EXPRESSION WHEN 'ROW START' THEN 'start' WHEN 'ROW END' THEN 'end' ELSE '' END,"
    " EXTRA LIKE '%INVISIBLE%' FROM information_schema.COLUMNS"
    " WHERE {0} ORDER BY TABLE_NAME, ORDINAL_POSITION"
)


def value_of(column: Column) -> List[str]:
    """Return what of a column goes into the hash of its row. Variable lengths are told apart by their length."""
    name = ident(column.name)
    found = ["ISNULL({0})".format(name)] if column.nullable else []
    if column.kind in _NUMBERS:
        return [*found, name]
    if column.kind in ("float", "double"):
        return [*found, "({0} + 0e0)".format(name)]
    if column.kind == "bit":
        return [*found, "({0} + 0)".format(name)]
    if column.kind in _SHAPES:
        return [*found, "SHA2(ST_AsBinary({0}), 256)".format(name), "ST_SRID({0})".format(name)]
    if column.kind == "json":
        return [*found, "SHA2(CAST({0} AS CHAR CHARACTER SET utf8mb4), 256)".format(name), "LENGTH({0})".format(name)]
    if column.kind in _LONG:
        # Hashed by itself: together, long values could pass max_allowed_packet, which makes CONCAT_WS a silent NULL.
        return [*found, "SHA2({0}, 256)".format(name), "LENGTH({0})".format(name)]
    if column.kind in ("char", "varchar", "enum", "set"):
        # As bytes: columns of two character sets in one table cannot be joined otherwise (error 1270).
        return [*found, "CAST({0} AS BINARY)".format(name), "LENGTH({0})".format(name)]
    if column.kind in ("binary", "varbinary"):
        return [*found, name, "LENGTH({0})".format(name)]
    return [*found, "CAST({0} AS CHAR)".format(name)]


def integer_key(table: Table) -> str:
    """The column by whose values a table can be divided into ranges; "" when its key is another."""
    keys = [column for column in table.columns if column.key]
    fits = len(keys) == 1 and keys[0].kind in ("int", "bigint", "mediumint", "smallint")
    return keys[0].name if fits else ""


def divided(key: str, low: int, high: int, pieces: int) -> List[str]:
    """Conditions that divide the values of a key; every row, also one that came since, fits exactly one of them."""
    if high - low < pieces or pieces < 2:
        return []
    name = ident(key)
    bounds = [low + (high - low + 1) * number // pieces for number in range(1, pieces)]
    first, last = "{0} < {1}".format(name, bounds[0]), "{0} >= {1}".format(name, bounds[-1])
    middle = ["{0} >= {1} AND {0} < {2}".format(name, *pair) for pair in zip(bounds, bounds[1:])]
    return [first, *middle, last]


#: The end of a row that still holds is the last moment that a server knows, which newer ones have moved.
LAST = "2038-01-19 03:14:07.999999"
_PERIOD = ("{0}", "IF({1} >= '" + LAST + "', 'holds', {1})")


def count_sql(table: Table, number: int, fingerprints: bool, where: str = "") -> str:
    """One row: the table's number, its rows (those of a range), the sum of their hashes, and the highest number.

    All of a table in one question: with thousands of tables, opening one takes longer than counting it.
    """
    place = table.place + (" WHERE " + where if where else "")
    if not fingerprints:
        return "SELECT {0}, COUNT(*), NULL, {1} FROM {2}".format(number, highest(table), place)
    form = "SELECT {0}, COUNT(*), COALESCE(SUM({1}), 0), {2} FROM {3}"
    return form.format(number, row_hash(table), highest(table), place)


def highest(table: Table) -> str:
    """The highest number that AUTO_INCREMENT gave; NULL in a table that numbers no rows."""
    return next(("MAX({0})".format(ident(column.name)) for column in table.columns if column.auto), "NULL")


def joined(values: Sequence[str]) -> str:
    """What tells one set of values from another, as one text."""
    return "CONCAT_WS(_binary'#', {0})".format(", ".join(values))


def row_hash(table: Table) -> str:
    """The hash of a whole row: 64 bits of SHA-256. To sum a second half takes half as long again."""
    values = [value for column in table.columns if not column.period for value in value_of(column)]
    values += [text.format(*map(ident, table.period)) for text in _PERIOD] if table.versioned else []
    return "CAST(CONV(LEFT(SHA2({0}, 256), 16), 16, 10) AS UNSIGNED)".format(joined(values))


#: Bytes: smaller tables share a query.
SMALL = 4 << 20


def batches(tables: Sequence[Table], small: int = SMALL) -> List[List[int]]:
    """Return which tables, by their place in the list, share a query: big ones go alone and first."""
    order = sorted(range(len(tables)), key=lambda number: -tables[number].size)
    found = [[number] for number in order if tables[number].size > small]
    rest = [number for number in order if tables[number].size <= small]
    return found + [rest[start : start + 25] for start in range(0, len(rest), 25)]


#: What has a name and is no table: (kind, table, name), as who is shown most reads it. Bodies of triggers and events
#: are compared by their hash. Views are not, since servers print them anew, and routines are not, since only their
#: definer and the administrator are shown them.
PROGRAMS = """
SELECT 'view', '', TABLE_NAME FROM information_schema.TABLES WHERE TABLE_TYPE = 'VIEW' AND {TABLE_SCHEMA};
SELECT 'trigger', '', CONCAT_WS(' ', TRIGGER_NAME, 'on', EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION,
    SHA2(ACTION_STATEMENT, 256)) FROM information_schema.TRIGGERS WHERE {TRIGGER_SCHEMA};
SELECT LOWER(ROUTINE_TYPE), '', ROUTINE_NAME FROM information_schema.ROUTINES WHERE {ROUTINE_SCHEMA};
SELECT 'event', '', CONCAT_WS(' ', EVENT_NAME, SHA2(EVENT_DEFINITION, 256)) FROM information_schema.EVENTS
    WHERE {EVENT_SCHEMA}
"""
#: The same of tables, as the settings' user reads it, who dumps them. One statement a view of the catalogue, and none
#: joined to another: a server opens every table for each row then.
TABLES_AND_PARTS = """
SELECT IF(TABLE_TYPE = 'SEQUENCE', 'sequence', 'table'), TABLE_NAME,
    IF(TABLE_TYPE = 'SEQUENCE', TABLE_NAME, CONCAT(TABLE_NAME, ' ', LOWER(COALESCE(ENGINE, ''))))
    FROM information_schema.TABLES WHERE TABLE_TYPE IN ('SEQUENCE', 'BASE TABLE', 'SYSTEM VERSIONED')
    AND {TABLE_SCHEMA};
SELECT 'index', TABLE_NAME, CONCAT(TABLE_NAME, '.', INDEX_NAME, ' (', GROUP_CONCAT(COALESCE(COLUMN_NAME, '?')
    ORDER BY SEQ_IN_INDEX), ')', IF(NON_UNIQUE, '', ' unique')) FROM information_schema.STATISTICS
    WHERE {TABLE_SCHEMA} GROUP BY BINARY TABLE_NAME, INDEX_NAME, NON_UNIQUE;
SELECT 'foreign key', '', CONCAT(TABLE_NAME, '.', CONSTRAINT_NAME, ' to ', REFERENCED_TABLE_NAME, ' ',
    UPDATE_RULE, ', ', DELETE_RULE) FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE {CONSTRAINT_SCHEMA};
SELECT 'check', '', CONCAT(TABLE_NAME, '.', CONSTRAINT_NAME) FROM information_schema.TABLE_CONSTRAINTS
    WHERE CONSTRAINT_TYPE = 'CHECK' AND {TABLE_SCHEMA};
SELECT 'column', TABLE_NAME, CONCAT(TABLE_NAME, '.', COLUMN_NAME, ' ', LOWER(DATA_TYPE),
    COALESCE(CONCAT('(', CHARACTER_MAXIMUM_LENGTH, ')'), ''), IF(IS_NULLABLE = 'YES', '', ' not null'),
    COALESCE(CONCAT(' ', REPLACE(CONCAT('-', COLLATION_NAME), '-utf8_', '-utf8mb3_')), ''),
    IF(COALESCE(GENERATION_EXPRESSION, '') <> '', ' generated', ''))
    FROM information_schema.COLUMNS WHERE {TABLE_SCHEMA}
"""


def catalogue_sql(text: str, database: str) -> List[str]:
    """The queries of :data:`PROGRAMS` or :data:`TABLES_AND_PARTS` about a database."""
    columns = ("TABLE_SCHEMA", "TRIGGER_SCHEMA", "ROUTINE_SCHEMA", "EVENT_SCHEMA", "CONSTRAINT_SCHEMA")
    places = {column: is_named(column, database) for column in columns}
    return [sql.strip().format(**places) for sql in text.split(";\n")]


#: When each table was last written; the counter tells of a row within the same second. A TRUNCATE shows nowhere.
WRITES = (
    "SELECT TABLE_NAME, CREATE_TIME, UPDATE_TIME, AUTO_INCREMENT FROM information_schema.TABLES"
    " WHERE TABLE_SCHEMA = DATABASE() AND (BINARY TABLE_SCHEMA = BINARY DATABASE()"
    " OR @@lower_case_table_names > 0) ORDER BY TABLE_NAME"
)
