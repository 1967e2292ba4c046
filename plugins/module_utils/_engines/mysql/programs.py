# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""mysqldump and mysql, or mariadb-dump and mariadb: which to use, how to call them, whether what they left is whole.

Only rows go through them. A big table is dumped in ranges of its key, each range by a process of its own, and loaded in
the same way: one process is bound by one processor on either side.
"""

from __future__ import annotations

import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, Callable, List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.queries import Table, divided, integer_key
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import Flavor, Session, ident
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import files
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import (
    Command,
    Completed,
    find_program,
    last_lines,
    pipeline,
    require_program,
    run,
)
from ansible_collections.relocate.django.plugins.module_utils._progress import BYTES, PROGRESS
from ansible_collections.relocate.django.plugins.module_utils._together import Together
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

#: What a dump ends with. ``--force`` writes it although it failed and ``--compact`` leaves it out: neither is used.
TRAILER = re.compile(rb"(?:^|\n)-- Dump completed[^\n]*\n?\Z")
#: What is written only once the dump's transaction has begun.
_BEGUN = re.compile(rb"^-- Dumping data for table ", re.MULTILINE)
#: Where newer MariaDB clients forbid shell commands; older ones stop at it. We forbid them with --binary-mode.
_SANDBOX = re.compile(rb"^/\*M?!999999\\- ")
_STATEMENT = 4 << 20  # bytes of one INSERT
_ONE_TRANSACTION = 2 << 30  # bytes: larger parts commit each INSERT, since undoing them would take hours


@dataclass(frozen=True)
class Client:
    """One installed dump or load program."""

    path: str
    version: str
    mariadb: bool


def client(names: Sequence[str], mariadb: bool) -> Client:
    """The server's own client program, or the other product's where that is what this host has.

    Raises program_missing.
    """
    found: List[Client] = []
    for name in names:
        path = find_program(name)
        if path:
            version = run(Command([path, "--version"]), timeout=30).out.strip()
            found.append(Client(path, version, "mariadb" in version.lower()))
    for item in found:
        if item.mariadb == mariadb:
            return item
    if found:
        return found[0]
    raise RelocateError(
        "program_missing",
        "{0} is not installed".format(names[-1]),
        "install {0}".format("mariadb-client" if mariadb else "mysql-client, or mariadb-client"),
    )


def dump_client(flavor: Flavor) -> Client:
    """Return what dumps from a server. Raises program_missing."""
    return client(("mariadb-dump", "mysqldump"), flavor.mariadb)


def load_client(flavor: Flavor) -> Client:
    """Return what loads into a server. Raises program_missing."""
    return client(("mariadb", "mysql"), flavor.mariadb)


# --- parts


@dataclass(frozen=True)
class Part:
    """Rows that one process dumps into one file."""

    name: str
    tables: Tuple[str, ...]
    where: str = ""
    size: int = 0  # bytes, estimated


def plan_parts(tables: Sequence[Table], ranges: Callable[[Table, int], List[str]], jobs: int) -> List[Part]:
    """Divide tables among files of about the same size, some a job: those who load take the next when one is done.

    All are dumped at once, since all must begin at one moment.

    :param ranges: the conditions that divide a table into so many ranges; [] when it cannot be divided
    """
    total = sum(table.size for table in tables) or 1
    share = max(total // (3 * jobs), 16 << 20)
    parts: List[Part] = []
    rest: List[Table] = []
    for table in sorted(tables, key=lambda item: -item.size):
        pieces = min(2 * jobs, table.size // share)
        conditions = ranges(table, pieces) if pieces > 1 else []
        for where in conditions:
            name = "rows-{0:03d}".format(len(parts) + 1)
            parts.append(Part(name, (table.name,), where, table.size // len(conditions)))
        if not conditions:
            rest.append(table)
    for bucket in _shared_out(rest, jobs):
        name, size = "rows-{0:03d}".format(len(parts) + 1), sum(table.size for table in bucket)
        parts.append(Part(name, tuple(table.name for table in bucket), "", size))
    return parts


def _shared_out(tables: Sequence[Table], jobs: int) -> List[List[Table]]:
    """Share tables out among jobs, each to the one with the least so far; the biggest comes first. None is empty."""
    buckets: List[List[Table]] = [[] for _number in range(jobs)]
    sizes = [0] * jobs
    for table in tables:
        emptiest = sizes.index(min(sizes))
        buckets[emptiest].append(table)
        sizes[emptiest] += table.size
    return [bucket for bucket in buckets if bucket]


def ranges_of(session: Session) -> Callable[[Table, int], List[str]]:
    """Divide tables by their integer key, over the values that it has now."""

    def ranges(table: Table, pieces: int) -> List[str]:
        key = integer_key(table)
        if not key:
            return []
        low, high = session.rows("SELECT MIN({0}), MAX({0}) FROM {1}".format(ident(key), ident(table.name)))[0]
        return [] if low is None else divided(key, int(low), int(high), pieces)

    return ranges


# --- dumping


def dump_argv(program: Client, options: str, database: str, part: Part) -> List[str]:
    """The command that writes one part."""
    argv = [
        program.path,
        "--defaults-file=" + options,
        "--single-transaction",
        "--quick",
        "--hex-blob",
        "--no-create-info",
    ]
    argv += ["--skip-triggers", "--no-tablespaces", "--skip-add-locks", "--skip-disable-keys", "--skip-lock-tables"]
    argv += ["--default-character-set=utf8mb4", "--max-allowed-packet=1G", "--net-buffer-length={0}".format(_STATEMENT)]
    argv += ["--no-autocommit"] if part.size <= _ONE_TRANSACTION else ["--skip-no-autocommit"]
    argv += [] if program.mariadb else ["--set-gtid-purged=OFF", "--column-statistics=0"]
    argv += ["--where=" + part.where] if part.where else []
    return [*argv, "--", database, *part.tables]


class ProgramError(Exception):
    """A program ended with an error."""

    def __init__(self, done: Completed) -> None:
        super().__init__(done.rc)
        self.done = done


class Dumping:
    """One dump process at work. ``begun`` is set once its transaction is open, or it has ended.

    We hand its output on and look at the first of it: that it names a table tells that the snapshot is open.
    """

    def __init__(self, command: Command, path: str, compress: Optional[str], together: Together) -> None:
        self.begun = threading.Event()
        self._command, self._path, self._compress, self._together = command, path, compress, together
        self._part = PROGRESS.current()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            with PROGRESS.within(self._part):
                done = self._dump()
            if done.rc != 0:
                raise ProgramError(done)
        except BaseException as exc:  # raised again by who waits for all
            self._together.fail(exc)
        finally:
            self.begun.set()

    def _dump(self) -> Completed:
        user = self._command.user
        with acting_as(user):
            made = files.created(self._path)
        commands = [self._command]
        commands += [Command([self._compress, "-q", "-1", "-c"], user=user)] if self._compress else []
        with made as out:
            results = pipeline(commands, stdout=out, watch=self._watch, together=self._together)
        # Who writes into a pipe dies of the end of who reads from it, so the last one knows the cause.
        return next((done for done in reversed(results) if done.rc != 0), results[0])

    def _watch(self, head: bytes) -> bool:
        if _BEGUN.search(head):
            self.begun.set()
        return self.begun.is_set()

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join()


def complaint(server: Server, done: Completed) -> str:
    """Return what a client program says went wrong."""
    errors = [line for line in done.err.splitlines() if re.search(r"\berror\b", line, re.IGNORECASE)]
    return server.context.secrets.scrub(last_lines("\n".join(errors) or done.err))


#: How clients and servers put it; InnoDB says no more of its data directory than that a table is full.
_NO_SPACE = re.compile(r"No space left on device|Disk quota exceeded|\berrno:? ?28\b|The table '.*' is full")


def failed(server: Server, code: str, what: str, done: Completed, hint: str) -> RelocateError:
    """The error for a client program that failed."""
    text = complaint(server, done)
    if _NO_SPACE.search(text):
        code, hint = "disk_full", "free space there, then run this again"
    name = os.path.basename(done.argv[0]) if done.argv else "the client"
    return RelocateError(code, "{0} exited {1}; {2}: {3}".format(name, done.rc, what, text), hint)


# --- loading


def _opened(path: str, user: Optional[SystemUser]) -> IO[bytes]:
    with acting_as(user):
        return os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW), "rb")


def check_complete(paths: Sequence[str], user: Optional[SystemUser], jobs: int) -> None:
    """Raise dump_truncated unless every file is whole and ends as a dump that went well does.

    A client loads a file that was cut between two statements without an error (seen: 48,072 of 60,000 rows, exit 0).
    """
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        ends = list(pool.map(lambda path: _ends_well(path, user), paths))
    cut = [os.path.basename(path) for path, well in zip(paths, ends) if not well]
    if cut:
        raise RelocateError(
            "dump_truncated",
            "the dump is truncated: " + ", ".join(cut[:5]),
            "use another copy of the backup set, or make a new backup",
        )


def _ends_well(path: str, user: Optional[SystemUser]) -> bool:
    try:
        stream = _opened(path, user)
    except OSError:
        return False
    with stream:
        if path.endswith(".zst"):
            unpack, end = (
                Command([zstd(), "-q", "-d", "-c"], user=user),
                Command([_tool("tail"), "-c", "4096"], user=user),
            )
            results = pipeline([unpack, end], stdin=stream)
            return all(done.rc == 0 for done in results) and bool(TRAILER.search(results[-1].stdout))
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - 4096))
        return bool(TRAILER.search(stream.read()))


def zstd() -> str:
    """The compressor's path. Raises program_missing."""
    return require_program("zstd")


def _tool(name: str) -> str:
    return find_program(name) or name


def load_argv(program: Client, options: str, database: str) -> List[str]:
    """The command that loads one file. In binary mode the client knows no commands of its own, such as a shell."""
    argv = [program.path, "--defaults-file=" + options, "--binary-mode", "--batch", "--max-allowed-packet=1G"]
    argv += ["--local-infile=0"]  # a server, or a statement, may ask for a file of whoever loads
    argv += ["--default-character-set=utf8mb4", "--init-command=" + _INIT]
    return [*argv, "--database=" + database]


#: Ranges of one table are loaded side by side: at this level they do not lock the gaps between rows.
_INIT = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"


def load(server: Server, program: Client, options: str, database: str, paths: Sequence[str]) -> None:
    """Load files of rows side by side, in this order. Raises load_failed for the first that fails; all end then."""
    PROGRESS.expect(BYTES, sum(os.lstat(path).st_size for path in paths))
    with ThreadPoolExecutor(max_workers=max(1, server.context.jobs)) as pool, Together() as together:

        def load_next(path: str) -> None:
            if together.ended:
                return
            try:
                _load_file(server, load_argv(program, options, database), path, together)
            except BaseException as exc:
                together.fail(exc)

        list(pool.map(load_next, paths))
    if together.cause is not None:
        raise together.cause


def _load_file(server: Server, argv: Sequence[str], path: str, together: Together) -> None:
    user = server.context.owner
    commands = [Command([zstd(), "-q", "-d", "-c"], user=user)] if path.endswith(".zst") else []
    if _has_sandbox_line(path, user):
        commands.append(Command([_tool("tail"), "-n", "+2"], user=user))
    commands.append(Command(argv, user=user))
    with _opened(path, user) as stream:
        results = pipeline(commands, stdin=stream, together=together)
    bad = [done for done in reversed(results) if done.rc != 0]
    if bad:
        hint = "fix what the message names; the live database was not touched"
        raise failed(server, "load_failed", "nothing was loaded", bad[0], hint)


def _has_sandbox_line(path: str, user: Optional[SystemUser]) -> bool:
    with _opened(path, user) as stream:
        if not path.endswith(".zst"):
            return bool(_SANDBOX.match(stream.read(64)))
        return bool(_SANDBOX.match(_first_bytes(stream, user)))


def _first_bytes(stream: IO[bytes], user: Optional[SystemUser]) -> bytes:
    unpack, head = Command([zstd(), "-q", "-d", "-c"], user=user), Command([_tool("head"), "-c", "64"], user=user)
    return pipeline([unpack, head], stdin=stream)[-1].stdout
