# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A SQLite database read through a connection: one view, its copy, counts, fingerprints and checks."""

from __future__ import annotations

import contextlib
import itertools
import marshal
import os
import sqlite3
import struct
import urllib.parse
from hashlib import blake2b
from typing import IO, Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite.files import (
    file_size,
    holds_all,
    refusal,
    remove_database,
    remove_side_files,
)
from ansible_collections.relocate.django.plugins.module_utils._host.files import created
from ansible_collections.relocate.django.plugins.module_utils._model import SequenceState, TableCount
from ansible_collections.relocate.django.plugins.module_utils._progress import BYTES, PROGRESS, ROWS, Amount

WAIT = 5.0  # seconds for a lock, or for a session to end
_VIRTUAL, _STORED = 2, 3  # "hidden" of PRAGMA table_xinfo: generated when read, generated when written
FINISHED_COPY = "mode=ro&immutable=1"  # nobody writes it any more: no locks, no -shm beside it
_BLANK_HASH = blake2b(digest_size=8)


def connect(path: str, flags: str = "mode=rw") -> sqlite3.Connection:
    """Open a database by URI, with transactions begun by hand only."""
    uri = "file://{0}?{1}".format(urllib.parse.quote(os.fsencode(path)), flags)
    return sqlite3.connect(uri, timeout=WAIT, isolation_level=None, uri=True)


def open_view(path: str) -> sqlite3.Connection:
    """A connection within a read transaction: one view until it ends."""
    # The last read-write connection that closes moves the -wal's content into the database: that would alter the old
    # host. A read-only one does not, but leaves a -wal behind where there was none.
    modes = ("mode=ro", "mode=rw") if file_size(path + "-wal") else ("mode=rw",)
    for flags in modes:
        connection = connect(path, flags)
        try:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()  # BEGIN alone fixes nothing
            return connection
        except sqlite3.Error:
            connection.close()
            if flags == modes[-1]:
                raise
    raise AssertionError("not reached")


def bytes_of(connection: sqlite3.Connection) -> int:
    """Return how many bytes all pages have."""
    count, size = (connection.execute("PRAGMA " + name).fetchone()[0] for name in ("page_count", "page_size"))
    return int(count) * int(size)


@contextlib.contextmanager
def all_pages(view: sqlite3.Connection, path: str, copy: str) -> Iterator[IO[bytes]]:
    """Open all pages of a view as a file: the database's own where it holds all, else a copy without a name.

    To close the database's own lets go of this process's locks on it, so the view ends with the block.

    :param path: of the database
    :param copy: a path for the copy
    """
    if not holds_all(path, bytes_of(view)):
        remove_database(copy)
        copy_database(view, copy)
        path = copy
    with open(path, "rb") as stream:
        if path == copy:
            remove_database(copy)
        yield stream


def copy_database(source: sqlite3.Connection, path: str) -> None:
    """Copy a database, by the backup API, to a file that is not there yet."""
    made = created(path)
    PROGRESS.expect(BYTES, bytes_of(source))
    with made, contextlib.closing(connect(path)) as target:
        target.execute("PRAGMA synchronous = OFF")  # a fresh file: synced once, when it is whole
        with PROGRESS.measured(lambda: Amount(os.fstat(made.fileno()).st_size)):
            source.backup(target)  # in one step: one in several begins again at every write


def settle(path: str) -> None:
    """Bring a database's whole content into its main file and remove the side files; refuse while it is in use."""
    if os.path.exists(path):
        with contextlib.closing(connect(path)) as connection:
            connection.execute("BEGIN EXCLUSIVE")  # rolls a crashed writer's journal back, too
            connection.execute("ROLLBACK")
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        # The last connection to close removes -shm: when it is there, ours was not the last.
        if busy or os.path.exists(path + "-shm"):
            raise refusal("sessions_remain", "{0} is in use".format(path))
    if file_size(path + "-wal"):
        raise refusal("sessions_remain", "{0}-wal holds changes that are not in the database".format(path))
    remove_side_files(path)


class _Column(NamedTuple):
    name: str
    key: int  # place in the primary key, from 1; 0 outside of it
    hidden: int


def _quoted(name: str) -> str:
    return '"{0}"'.format(name.replace('"', '""'))


def stored_tables(connection: sqlite3.Connection) -> Dict[str, str]:
    """Name and definition of every table that stores rows; a virtual table has no page of its own."""
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND rootpage <> 0 ORDER BY name"
    return {name: sql for name, sql in connection.execute(query) if not name.startswith("sqlite_")}


def table_columns(connection: sqlite3.Connection, table: str) -> List[_Column]:
    """Return all columns of a table, hidden ones too."""
    rows = connection.execute("PRAGMA table_xinfo({0})".format(_quoted(table)))
    return [_Column(name, key, hidden) for _number, name, _type, _notnull, _default, key, hidden in rows]


def _is_undefined(exc: sqlite3.Error) -> bool:
    """Tell whether the schema calls what only the application's connections define."""
    return any(part in str(exc) for part in ("no such function", "unknown function", "no such collation"))


def lenient_text(data: bytes) -> str:
    """Decode text that need not be UTF-8, without loss."""
    return data.decode("utf-8", "surrogateescape")


def _hash_rows(rows: Iterator[Any]) -> Tuple[int, int]:
    """Count rows and add up their hashes: a sum, since under XOR a pair of equal rows would cancel out.

    marshal's version 2 tells types apart, keeps floats exact and gives the same bytes on every Python from 3.6 on;
    repr() does not: what it escapes follows the interpreter's Unicode tables.
    """
    blank, encode = _BLANK_HASH.copy, marshal.dumps

    def digest(row: Any) -> bytes:
        state = blank()
        state.update(encode(row, 2))
        return state.digest()

    count = total = 0
    while True:
        digests = b"".join(map(digest, itertools.islice(rows, 1024)))
        if not digests:
            return count, total % 2**64
        numbers = struct.unpack("<{0}Q".format(len(digests) // 8), digests)
        count, total = count + len(numbers), total + sum(numbers)
        PROGRESS.add(len(numbers), ROWS)


def _hash_table(connection: sqlite3.Connection, table: str) -> Tuple[int, int]:
    columns = table_columns(connection, table)
    stored = [column for column in columns if column.hidden != _VIRTUAL]
    # Text need not be UTF-8, and a virtual column may call a function that only the application defines.
    for chosen, text in ((columns, str), (columns, lenient_text), (stored, lenient_text)):
        names = ", ".join(_quoted(column.name) for column in chosen)
        connection.text_factory = text
        try:
            return _hash_rows(connection.execute("SELECT {0} FROM {1}".format(names, _quoted(table))))
        except sqlite3.OperationalError as exc:
            if chosen is stored or not ("decode" in str(exc) or _is_undefined(exc)):
                raise
        finally:
            connection.text_factory = str
    raise AssertionError("not reached")


def count_table(connection: sqlite3.Connection, table: str, fingerprints: bool) -> TableCount:
    """Count a table; with ``fingerprints`` read and hash every row."""
    if fingerprints:
        rows, total = _hash_table(connection, table)
        return TableCount(table, rows, str(total))
    return TableCount(table, connection.execute("SELECT count(*) FROM {0}".format(_quoted(table))).fetchone()[0])


def sequences(connection: sqlite3.Connection, tables: Dict[str, str]) -> Iterator[SequenceState]:
    """Return the state of each AUTOINCREMENT column; SQLite itself goes on from its highest value if that is larger."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone():
        return
    for table, last in connection.execute("SELECT name, max(seq) FROM sqlite_sequence GROUP BY name").fetchall():
        keys = [column.name for column in table_columns(connection, table) if column.key] if table in tables else []
        if len(keys) != 1:
            continue  # a leftover that feeds nothing
        yield SequenceState(table, last if isinstance(last, int) else None, True, table, keys[0])


def objects(connection: sqlite3.Connection) -> Dict[str, Tuple[str, ...]]:
    """Return the names of views, triggers, virtual tables and indexes, by kind."""
    query = (
        "SELECT CASE type WHEN 'table' THEN 'virtual table' ELSE type END, name FROM sqlite_master "
        "WHERE type IN ('view', 'trigger') OR type = 'index' AND sql IS NOT NULL OR type = 'table' AND rootpage = 0"
    )
    found: Dict[str, List[str]] = {}
    for kind, name in connection.execute(query):
        found.setdefault(kind, []).append(name)
    return {kind: tuple(sorted(names)) for kind, names in sorted(found.items())}


def needed_version(connection: sqlite3.Connection) -> int:
    """The oldest SQLite that can open the schema, as a comparable number; 0 when any can."""
    needed = 0
    for table, sql in stored_tables(connection).items():
        if "STRICT" in sql.rsplit(")", 1)[-1].upper():
            needed = max(needed, 3037000)
        if any(column.hidden in (_VIRTUAL, _STORED) for column in table_columns(connection, table)):
            needed = max(needed, 3031000)
    return needed


def _findings(connection: sqlite3.Connection, pragma: str) -> Optional[List[str]]:
    try:
        return [row[0] for row in connection.execute("PRAGMA " + pragma) if row[0] != "ok"]
    except sqlite3.OperationalError as exc:
        if _is_undefined(exc):
            return None
        raise


def _integrity(connection: sqlite3.Connection) -> List[str]:
    # A constraint, index or virtual column may call what only the application defines (Django's REGEXP, MD5): then
    # check all but that. A table that cannot be checked at all is still read whole for its fingerprint.
    for ignore, pragma in (("OFF", "integrity_check(5)"), ("ON", "integrity_check(5)"), ("ON", "quick_check(5)")):
        connection.execute("PRAGMA ignore_check_constraints = " + ignore)
        found = _findings(connection, pragma)
        if found is not None:
            return found
    each = [_findings(connection, "quick_check({0})".format(_quoted(table))) for table in stored_tables(connection)]
    return [finding for findings in each for finding in findings or ()]


def check_pages(connection: sqlite3.Connection) -> None:
    """Raise database_broken, naming what is: pages and indexes."""
    found = _integrity(connection)
    if found:
        raise refusal("database_broken", "integrity_check: " + "; ".join(found))


def orphans(connection: sqlite3.Connection, accepted: Sequence[str] = ()) -> Dict[str, List[Tuple[Any, ...]]]:
    """Rows that refer to missing rows, by table: rows of PRAGMA foreign_key_check, which integrity_check passes over.

    Table by table, so that a writer waits for one table only.

    :param accepted: tables whose rows may do so
    """
    found: Dict[str, List[Tuple[Any, ...]]] = {}
    for table in stored_tables(connection):
        try:
            rows = connection.execute("PRAGMA foreign_key_check({0})".format(_quoted(table))).fetchall()
        except sqlite3.OperationalError as exc:
            if _is_undefined(exc):
                continue  # a collation of the application's
            raise
        if rows and table not in accepted:
            found[table] = rows
    return found
