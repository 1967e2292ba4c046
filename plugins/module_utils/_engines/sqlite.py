# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""SQLite: a database is a file beside which SQLite keeps others (-wal, -shm, -journal) that belong to its content.

So a file is never copied and never renamed while it has any: copies come from the backup API, renames follow a
checkpoint. Everything that touches the file acts as the project's owner, since a -shm made by root locks the site out.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import itertools
import marshal
import os
import shutil
import sqlite3
import struct
import time
import urllib.parse
from collections import Counter
from hashlib import blake2b
from typing import IO, Any, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.base import (
    INCOMING,
    LIVE,
    PREVIOUS,
    Engine,
    EngineContext,
    Snapshot,
    missing_programs,
    removed_on_failure,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import (
    DatabaseFacts,
    DatabaseState,
    DumpFile,
    Obstacle,
    SequenceState,
    SystemUser,
    TableCount,
)
from ansible_collections.relocate.django.plugins.module_utils._process import (
    Command,
    acting_as,
    find_program,
    last_lines,
    run,
)

_METHOD = "sqlite-row-1"
_WAIT = 5.0  # seconds for a lock, or for a session to end
_MAGIC = b"SQLite format 3\0"
_SUFFIXES = {LIVE: "", INCOMING: "__incoming", PREVIOUS: "__previous"}
_SIDE_FILES = ("-wal", "-shm", "-journal")
_VIRTUAL, _STORED = 2, 3  # "hidden" of PRAGMA table_xinfo: generated when read, generated when written
_FINISHED_COPY = "mode=ro&immutable=1"  # nobody writes it any more: no locks, no -shm beside it
_BLANK_HASH = blake2b(digest_size=8)
_ERRNO_CODES = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EACCES: "right_missing",
    errno.EPERM: "right_missing",
    errno.EROFS: "right_missing",
}
_SQLITE_CODES = (
    ("malformed", "database_broken"),
    ("not a database", "database_broken"),
    ("foreign key mismatch", "database_broken"),
    ("disk is full", "disk_full"),
    ("locked", "sessions_remain"),
)
_HINTS = {
    "disk_full": "free disk space, then run again",
    "right_missing": "let the project's owner write the file and its directory",
    "database_broken": "repair the database on the old host (sqlite3 DATABASE .recover), then run again",
    "sessions_remain": "stop the services and shells that use the database",
    "dump_truncated": "make or transfer the backup set again",
}


def _refusal(code: str, msg: str) -> RelocateError:
    return RelocateError(code, msg, _HINTS.get(code, ""))


def _translated(exc: Exception, code: str) -> RelocateError:
    if isinstance(exc, OSError):
        code = _ERRNO_CODES.get(exc.errno or 0, code)
        return _refusal(code, "{0}: {1}".format(exc.filename or "SQLite database", exc.strerror))
    text = str(exc)
    return _refusal(next((better for part, better in _SQLITE_CODES if part in text), code), "SQLite: " + text)


@contextlib.contextmanager
def _owned(owner: Optional[SystemUser], code: str) -> Iterator[None]:
    """Act as the owner; an error of SQLite or of the file system becomes a RelocateError, of ``code`` or closer."""
    try:
        with acting_as(owner):
            yield
    except (sqlite3.Error, OSError) as exc:
        raise _translated(exc, code) from exc


# --- files ---------------------------------------------------------------------------------------------------------


def _create(path: str, mode: int = 0o600) -> IO[bytes]:
    """Make a file that is not there yet; a planted link or file is refused (FileExistsError)."""
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    os.fchmod(handle, mode)  # whatever the umask
    return os.fdopen(handle, "wb")


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def _remove(path: str) -> bool:
    # Side files first: one that outlived its database would be replayed into the next file of that name.
    for side in _SIDE_FILES:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path + side)
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True


def _sync(path: str) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_directories(path: str, owner: Optional[SystemUser]) -> List[str]:
    missing = []
    while not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path)
    for directory in reversed(missing):
        try:
            with acting_as(owner):
                os.mkdir(directory, 0o750)
        except PermissionError:
            # Its parent is not the owner's to write in, so nobody can put a link in its place before the chown.
            os.mkdir(directory, 0o750)
            if owner is not None:
                os.chown(directory, owner.uid, owner.gid, follow_symlinks=False)
    return list(reversed(missing))


def _zstd(arguments: List[str], source: str, target: str, context: EngineContext, code: str) -> None:
    """Run zstd from file to file; its exit code tells whether the frame was whole."""
    with contextlib.ExitStack() as files:
        with _owned(context.owner, code):
            reader = files.enter_context(open(source, "rb"))
            writer = files.enter_context(_create(target))
        # Outside of acting_as: only so does the child lose root for good.
        done = run(Command(["zstd", "-q"] + arguments, user=context.owner), stdin=reader, stdout=writer)
        os.fsync(writer.fileno())
    if done.rc != 0:
        text = last_lines(context.secrets.scrub(done.err), 2)
        raise _refusal(
            "disk_full" if "No space left" in text else code,
            "zstd exited {0} on {1}: {2}".format(done.rc, os.path.basename(source), text),
        )


def _check_whole(path: str) -> None:
    """Refuse a file that is shorter or longer than its header says, which SQLite itself may pass over."""
    with open(path, "rb") as stream:
        header = stream.read(100)
    if len(header) < 100 or not header.startswith(_MAGIC):
        raise _refusal("dump_truncated", "the dump holds no SQLite database")
    page_size = struct.unpack(">H", header[16:18])[0]
    recorded = (65536 if page_size == 1 else page_size) * struct.unpack(">I", header[28:32])[0]
    if os.path.getsize(path) != recorded:
        raise _refusal("dump_truncated", "the dump holds {0} of {1} bytes".format(os.path.getsize(path), recorded))


# --- connections ---------------------------------------------------------------------------------------------------


def _connect(path: str, flags: str = "mode=rw") -> sqlite3.Connection:
    uri = "file://{0}?{1}".format(urllib.parse.quote(os.fsencode(path)), flags)
    return sqlite3.connect(uri, timeout=_WAIT, isolation_level=None, uri=True)


def _open_view(path: str) -> sqlite3.Connection:
    """A connection within a read transaction: one view until it ends."""
    # The last read-write connection that closes moves the -wal's content into the database: that would alter the old
    # host. A read-only one does not, but leaves a -wal behind where there was none.
    modes = ("mode=ro", "mode=rw") if _size(path + "-wal") else ("mode=rw",)
    for flags in modes:
        connection = _connect(path, flags)
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


def _copy(source: sqlite3.Connection, path: str) -> None:
    _create(path).close()
    with contextlib.closing(_connect(path)) as target:
        target.execute("PRAGMA synchronous = OFF")  # a fresh file: synced once, when it is whole
        source.backup(target)  # in one step: one in several begins again at every write


def _settle(path: str) -> None:
    """Bring a database's whole content into its main file and remove the side files; refuse while it is in use."""
    if os.path.exists(path):
        with contextlib.closing(_connect(path)) as connection:
            connection.execute("BEGIN EXCLUSIVE")  # rolls a crashed writer's journal back, too
            connection.execute("ROLLBACK")
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        # The last connection to close removes -shm: when it is there, ours was not the last.
        if busy or os.path.exists(path + "-shm"):
            raise _refusal("sessions_remain", "{0} is in use".format(path))
    if _size(path + "-wal"):
        raise _refusal("sessions_remain", "{0}-wal holds changes that are not in the database".format(path))
    for side in _SIDE_FILES:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path + side)


# --- reading -------------------------------------------------------------------------------------------------------


class _Column(NamedTuple):
    name: str
    key: int  # place in the primary key, from 1; 0 outside of it
    hidden: int


def _quoted(name: str) -> str:
    return '"{0}"'.format(name.replace('"', '""'))


def _tables(connection: sqlite3.Connection) -> Dict[str, str]:
    """Name and definition of every table that stores rows; a virtual table has no page of its own."""
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND rootpage <> 0 ORDER BY name"
    return {name: sql for name, sql in connection.execute(query) if not name.startswith("sqlite_")}


def _columns(connection: sqlite3.Connection, table: str) -> List[_Column]:
    rows = connection.execute("PRAGMA table_xinfo({0})".format(_quoted(table)))
    return [_Column(name, key, hidden) for _number, name, _type, _notnull, _default, key, hidden in rows]


def _is_undefined(exc: sqlite3.Error) -> bool:
    """Whether the schema calls what only the application's connections define."""
    return any(part in str(exc) for part in ("no such function", "unknown function", "no such collation"))


def _lenient_text(data: bytes) -> str:
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


def _hash_table(connection: sqlite3.Connection, table: str) -> Tuple[int, int]:
    columns = _columns(connection, table)
    stored = [column for column in columns if column.hidden != _VIRTUAL]
    # Text need not be UTF-8, and a virtual column may call a function that only the application defines.
    for chosen, text in ((columns, str), (columns, _lenient_text), (stored, _lenient_text)):
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


def _count(connection: sqlite3.Connection, table: str, fingerprints: bool) -> TableCount:
    if fingerprints:
        rows, total = _hash_table(connection, table)
        return TableCount(table, rows, str(total))
    return TableCount(table, connection.execute("SELECT count(*) FROM {0}".format(_quoted(table))).fetchone()[0])


def _sequences(connection: sqlite3.Connection, tables: Dict[str, str]) -> Iterator[SequenceState]:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone():
        return
    for table, last in connection.execute("SELECT name, max(seq) FROM sqlite_sequence GROUP BY name").fetchall():
        keys = [column.name for column in _columns(connection, table) if column.key] if table in tables else []
        if len(keys) != 1:
            continue  # a leftover that feeds nothing
        query = "SELECT max({0}) FROM {1}".format(_quoted(keys[0]), _quoted(table))
        top = connection.execute(query).fetchone()[0]
        yield SequenceState(table, last if isinstance(last, int) else None, True, table, keys[0], top)


def _objects(connection: sqlite3.Connection) -> Dict[str, Tuple[str, ...]]:
    query = (
        "SELECT CASE type WHEN 'table' THEN 'virtual table' ELSE type END, name FROM sqlite_master "
        "WHERE type IN ('view', 'trigger') OR type = 'index' AND sql IS NOT NULL OR type = 'table' AND rootpage = 0"
    )
    found: Dict[str, List[str]] = {}
    for kind, name in connection.execute(query):
        found.setdefault(kind, []).append(name)
    return {kind: tuple(sorted(names)) for kind, names in sorted(found.items())}


def _needed_version(connection: sqlite3.Connection) -> int:
    """The oldest SQLite that can open the schema, as a comparable number; 0 when any can."""
    needed = 0
    for table, sql in _tables(connection).items():
        if "STRICT" in sql.rsplit(")", 1)[-1].upper():
            needed = max(needed, 3037000)
        if any(column.hidden in (_VIRTUAL, _STORED) for column in _columns(connection, table)):
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
    each = [_findings(connection, "quick_check({0})".format(_quoted(table))) for table in _tables(connection)]
    return [finding for findings in each for finding in findings or ()]


def _check(connection: sqlite3.Connection) -> None:
    """Raise database_broken, naming what is: pages and indexes, then references, which integrity_check passes over."""
    found = _integrity(connection)
    if found:
        raise _refusal("database_broken", "integrity_check: " + "; ".join(found))
    orphans = Counter(row[0] for row in connection.execute("PRAGMA foreign_key_check"))
    if orphans:
        verb = {1: "row refers"}
        lines = [
            "table {0}: {1} {2} to missing rows".format(table, count, verb.get(count, "rows refer"))
            for table, count in sorted(orphans.items())
        ]
        raise _refusal("database_broken", "; ".join(lines))


# --- the contract --------------------------------------------------------------------------------------------------


class _SqliteSnapshot(Snapshot):
    """A read transaction; once dumped, the copy takes its place so that the site's writers need not wait."""

    def __init__(self, path: str, alias: str, context: EngineContext) -> None:
        self._alias, self._context = alias, context
        with _owned(context.owner, "query_failed"):
            self._connection = _open_view(path)

    def close(self) -> None:
        """End the view."""
        with _owned(self._context.owner, "query_failed"):
            self._connection.close()

    def dump(self, directory: str) -> DumpFile:
        """The base class's; also raises database_broken, since such a dump would be refused at its load."""
        name = _file_name(self._alias)
        path = os.path.join(directory, name)
        self._context.progress("{0}: copying".format(self._alias))
        with _owned(self._context.owner, "dump_failed"):
            if os.path.lexists(path) or os.path.lexists(path + ".zst"):  # not ours: must outlive a failure
                raise RelocateError("path_refused", "{0} is there already".format(path), "name another directory")
            with removed_on_failure(lambda: self._forget(path)):
                self._replace_view(path)
        if self._context.compression == "none":
            return DumpFile(name, "SQLite " + sqlite3.sqlite_version, "3")
        try:
            with removed_on_failure(lambda: self._forget(path + ".zst")):
                _zstd(["-T0", "-3"], path, path + ".zst", self._context, "dump_failed")
        finally:
            self._forget(path)  # the open connection keeps reading it; its space is freed at the close
        return DumpFile(name + ".zst", "SQLite " + sqlite3.sqlite_version, "3")

    def _replace_view(self, path: str) -> None:
        _copy(self._connection, path)  # out of the transaction that is open: the same view
        _sync(path)
        copied = _connect(path, _FINISHED_COPY)
        try:
            copied.execute("SELECT 1 FROM sqlite_master").fetchone()
            self._connection.close()
        finally:
            self._connection = copied
        _check(copied)

    def _forget(self, path: str) -> None:
        with _owned(self._context.owner, "dump_failed"):
            _remove(path)

    def state(self, fingerprints: bool = True) -> DatabaseState:
        """The base class's; raises query_failed or database_broken."""
        with _owned(self._context.owner, "query_failed"):
            tables = _tables(self._connection)
            counts = []
            for table in tables:
                counts.append(_count(self._connection, table, fingerprints))
                self._context.progress("{0}: {1}: {2} rows".format(self._alias, table, counts[-1].rows))
            return DatabaseState(
                method=_METHOD,
                tables=tuple(counts),
                sequences=tuple(_sequences(self._connection, tables)),
                objects=_objects(self._connection),
            )


def _file_name(alias: str) -> str:
    """An alias may be any text: quote all that is special in a path, and a dot that would hide the file."""
    quoted = urllib.parse.quote(alias, safe="", errors="surrogatepass").replace("~", "%7E")
    return ("%2E" + quoted[1:] if quoted.startswith(".") else quoted) + ".sqlite3"


class SqliteEngine(Engine):
    """A SQLite file, at the absolute path that the settings name."""

    name = "sqlite"
    dump_suffix = "sqlite3.zst"
    is_file = True

    def _path(self, which: str) -> str:
        # A link in the settings' path is followed: the swap must replace the file, on its own file system.
        with acting_as(self.context.owner):
            return os.path.realpath(self.config.name) + _SUFFIXES[which]

    def _mode(self, recorded: Optional[DatabaseFacts]) -> int:
        """The permissions a new file gets: live's, else those it had on old, else the owner's alone."""
        with contextlib.suppress(FileNotFoundError):
            return os.stat(self._path(LIVE)).st_mode & 0o666
        try:
            return int(str(recorded.details["mode"]), 8) & 0o664 | 0o600 if recorded else 0o600
        except (KeyError, ValueError):
            return 0o600

    def preflight(self, side: str, recorded: Optional[DatabaseFacts] = None) -> List[Obstacle]:
        """The base class's. Integrity is not checked here, since it takes as long as the dump."""
        names = ["zstd"] if self.context.compression == "zstd" else []
        found = missing_programs(names, find_program, "zstd")
        try:
            if side == "old":
                with self.snapshot(LIVE):
                    pass
            else:
                self._refuse_target(recorded)
        except RelocateError as exc:
            found.append(Obstacle(exc.code, exc.msg, exc.hint, self.config.alias))
        return found

    def _refuse_target(self, recorded: Optional[DatabaseFacts]) -> None:
        needed = int(recorded.details.get("features", 0)) if recorded else 0
        if needed > _library_version():
            raise RelocateError(
                "server_too_old",
                "the schema needs SQLite {0}.{1}, this host has {2}".format(
                    needed // 1000000, needed // 1000 % 1000, sqlite3.sqlite_version
                ),
                "use a host whose Python comes with a newer SQLite",
            )
        directory = os.path.dirname(self._path(LIVE))
        with acting_as(self.context.owner):  # a missing directory is made by the checkout, or by create_blank
            if os.path.isdir(directory) and not os.access(directory, os.W_OK | os.X_OK, effective_ids=True):
                raise _refusal("right_missing", "{0} is not writable by the project's owner".format(directory))

    def describe(self) -> DatabaseFacts:
        """The base class's; raises query_failed or database_broken."""
        facts = DatabaseFacts(
            engine=self.name,
            server="SQLite " + sqlite3.sqlite_version,
            version=_library_version(),
            major="3",
            exists=self.exists(LIVE),
        )
        if not facts.exists:
            return facts
        path = self._path(LIVE)
        with _owned(self.context.owner, "query_failed"), contextlib.closing(_open_view(path)) as connection:
            pragmas = ("encoding", "journal_mode", "user_version", "application_id")
            details = {name: connection.execute("PRAGMA " + name).fetchone()[0] for name in pragmas}
            details["features"] = _needed_version(connection)
            details["mode"] = "{0:04o}".format(os.stat(path).st_mode & 0o777)
            return dataclasses.replace(
                facts,
                tables=len(_tables(connection)),
                size_bytes=_size(path) + _size(path + "-wal"),
                encoding=details.pop("encoding"),
                details=details,
            )

    @contextlib.contextmanager
    def snapshot(self, which: str = LIVE) -> Iterator[Snapshot]:
        """The base class's; raises database_missing, right_missing, database_broken or query_failed."""
        path = self._path(which)
        with _owned(self.context.owner, "query_failed"):
            try:
                os.stat(path)
            except FileNotFoundError:
                raise RelocateError(
                    "database_missing", "there is no {0}".format(path), "check NAME in the settings"
                ) from None
            if not os.access(path, os.R_OK, effective_ids=True):
                raise _refusal("right_missing", "{0} is not readable by the project's owner".format(path))
        view = _SqliteSnapshot(path, self.config.alias, self.context)
        try:
            yield view
        finally:
            view.close()

    def create_blank(self, recorded: Optional[DatabaseFacts] = None) -> List[str]:
        """The base class's: an empty file is a blank database. Raises right_missing or disk_full."""
        if self.exists(LIVE):
            return []
        path = self._path(LIVE)
        with _owned(None, "query_failed"):
            made = ["directory " + name for name in _make_directories(os.path.dirname(path), self.context.owner)]
        with _owned(self.context.owner, "query_failed"):
            _create(path, self._mode(recorded)).close()
        return made + ["database " + path]

    def load(self, directory: str, dump: DumpFile, recorded: DatabaseFacts) -> None:
        """The base class's; also raises path_refused, disk_full and right_missing."""
        if os.path.isabs(dump.path) or ".." in dump.path.split("/"):
            raise RelocateError("path_refused", "the dump's path leaves the set", "make the backup set again")
        incoming = self._path(INCOMING)
        self.drop(INCOMING)
        with removed_on_failure(lambda: self.drop(INCOMING)):
            self._unpack(os.path.join(directory, dump.path), incoming)
            with _owned(self.context.owner, "load_failed"):
                _check_whole(incoming)
                os.chmod(incoming, self._mode(recorded))
                self._check_loaded(incoming)

    def _unpack(self, source: str, target: str) -> None:
        if source.endswith(".zst"):
            _zstd(["-d"], source, target, self.context, "dump_truncated")
            return
        with _owned(self.context.owner, "load_failed"):
            with open(source, "rb") as reader, _create(target) as writer:
                shutil.copyfileobj(reader, writer, 1024 * 1024)
            _sync(target)

    def _check_loaded(self, path: str) -> None:
        try:
            with contextlib.closing(_connect(path, _FINISHED_COPY)) as connection:
                _check(connection)
        except (sqlite3.Error, RelocateError) as exc:
            raise _refusal("load_failed", "the dump holds a broken database: {0}".format(exc.args[0])) from exc

    def swap(self, from_name: str = INCOMING, aside: str = PREVIOUS) -> None:
        """The base class's; raises sessions_remain, swap_failed or, without a previous one, no_previous."""
        source, live, kept = self._path(from_name), self._path(LIVE), self._path(aside)
        if not self.exists(from_name):
            code = "no_previous" if from_name == PREVIOUS else "swap_failed"
            raise RelocateError(code, "there is no {0}".format(source), "load a backup set first")
        self.sessions(terminate=True)
        with _owned(self.context.owner, "swap_failed"):
            _settle(source)
            _settle(live)
            if os.path.exists(live):
                _match_rights(source, live)
                _remove(kept)
                _exchange(source, live, kept)
            else:
                os.replace(source, live)
            with contextlib.suppress(OSError):  # done is done: some file systems cannot sync a directory
                _sync(os.path.dirname(live))

    def drop(self, which: str) -> bool:
        """The base class's; raises right_missing or query_failed."""
        path = self._path(which)
        with _owned(self.context.owner, "query_failed"):
            return _remove(path)

    def exists(self, which: str) -> bool:
        """The base class's."""
        path = self._path(which)
        with acting_as(self.context.owner):
            return os.path.isfile(path)

    def sessions(self, terminate: bool = False) -> int:
        """Other processes that hold the file open, as far as this process may look.

        They belong to the site or to a person, so ``terminate`` only waits for them; raises sessions_remain.
        """
        path, deadline = self._path(LIVE), time.monotonic() + _WAIT
        while True:
            count = len(_processes_with(path, path + "-wal"))
            if not count or not terminate:
                return count
            if time.monotonic() >= deadline:
                raise _refusal("sessions_remain", "{0} is open in other processes: {1}".format(path, count))
            time.sleep(0.1)


def _library_version() -> int:
    major, minor, patch = sqlite3.sqlite_version_info[:3]
    return major * 1000000 + minor * 1000 + patch


def _match_rights(path: str, model: str) -> None:
    status = os.stat(model)
    os.chmod(path, status.st_mode & 0o777)
    with contextlib.suppress(PermissionError):  # the owner may not be in that group
        os.chown(path, -1, status.st_gid)


def _exchange(source: str, live: str, kept: str) -> None:
    """Give live's file the name ``kept`` and source's the name live, which never is without a file."""
    try:
        os.link(live, kept, follow_symlinks=False)
    except OSError:  # a file system without hard links: live is absent for a moment
        os.rename(live, kept)
    try:
        os.replace(source, live)
    except OSError:
        os.replace(kept, live)  # two names of one file: then nothing happens, and _remove takes the second
        _remove(kept)
        raise


def _processes_with(*paths: str) -> Set[str]:
    """The other processes that have one of the files open, by inode: a container may know it by another name."""
    wanted = set()
    for path in paths:
        with contextlib.suppress(OSError):
            status = os.stat(path)
            wanted.add((status.st_dev, status.st_ino))
    found = set()
    for pid in (name for name in os.listdir("/proc") if wanted and name.isdigit() and int(name) != os.getpid()):
        with contextlib.suppress(OSError):  # gone meanwhile, or another user's
            for handle in os.listdir("/proc/{0}/fd".format(pid)):
                with contextlib.suppress(OSError):
                    status = os.stat("/proc/{0}/fd/{1}".format(pid, handle))
                    if (status.st_dev, status.st_ino) in wanted:
                        found.add(pid)
    return found
