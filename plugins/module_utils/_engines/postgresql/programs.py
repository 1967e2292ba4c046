# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""pg_dump and pg_restore: which of several to use, how to call them, and whether what they left is whole."""

from __future__ import annotations

import glob
import os
import re
import shutil
import time
from dataclasses import dataclass
from typing import IO, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import (
    Command,
    Completed,
    find_program,
    last_lines,
    require_program,
    run,
)
from ansible_collections.relocate.django.plugins.module_utils._progress import PROGRESS
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

#: Where Debian and Red Hat keep every installed version. What PATH finds on Debian is a wrapper that picks one itself.
_DIRECTORIES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin")
_END_OF_DATA = b"\\.\n\n\n"

#: The first pg_dump that may know zstd.
ZSTD_SINCE = 16

#: Entries that the settings' role may not restore, because the administrator has made what they say.
_ADMINISTRATORS = re.compile(
    r"^\d+; \d+ \d+ (EXTENSION - |COMMENT - EXTENSION |COMMENT - SCHEMA public |SCHEMA - public )"
)
_SETVAL = re.compile(r"^SELECT pg_catalog\.setval\(( ?E?'(?:[^']|'')*'), (-?\d+), (true|false)\);$")
_SMALL = 2000000  # bytes of a dump, compressed or not


@dataclass(frozen=True)
class Client:
    """One installed pg_dump or pg_restore."""

    path: str
    version: str  # "pg_dump (PostgreSQL) 15.18"
    major: int


def installed(name: str) -> List[Client]:
    """Every installed version of a client program, oldest first."""
    paths = [path for pattern in _DIRECTORIES for path in glob.glob(os.path.join(pattern, name))]
    on_path = find_program(name)
    if on_path and "pg_wrapper" not in os.path.realpath(on_path):
        paths.append(on_path)
    clients: Dict[str, Client] = {}
    for path in paths:
        version = run(Command([path, "--version"]), timeout=30).out.strip()
        major = client_major(version)
        if major:
            clients.setdefault(os.path.realpath(path), Client(path, version, major))
    return sorted(clients.values(), key=lambda client: client.major)


def client_major(version: str) -> int:
    """The major version in ``pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)``; 0 when there is none."""
    match = re.search(r"\(PostgreSQL\) (\d+)", version)
    return int(match.group(1)) if match else 0


def choose_dump(clients: Sequence[Client], server: int) -> Client:
    """The oldest pg_dump that can read the server: its dump suits the most servers.

    Raises program_missing or client_too_old.
    """
    client = first_of(clients, server)
    if client is not None:
        return client
    if not clients:
        raise RelocateError(
            "program_missing", "pg_dump is not installed", "install postgresql-client-{0}".format(server)
        )
    raise RelocateError(
        "client_too_old",
        "pg_dump {0} cannot dump server {1}".format(clients[-1].major, server),
        "install postgresql-client-{0}".format(server),
    )


def first_of(clients: Sequence[Client], server: int) -> Optional[Client]:
    """The oldest client that knows the server, or None."""
    return next((client for client in clients if client.major >= server), None)


def choose_restore(clients: Sequence[Client], dump: int, server: int) -> Client:
    """The oldest pg_restore that can read the dump, and one not newer than the server where there is a choice.

    Raises program_missing, client_too_old or server_too_old.
    """
    if dump and server < dump:
        raise RelocateError(
            "server_too_old",
            "a dump of pg_dump {0} cannot be loaded into server {1}".format(dump, server),
            "upgrade the new server to PostgreSQL {0}, or dump with pg_dump {1}".format(dump, server),
        )
    for client in clients:
        if client.major >= dump:
            _check_settings(client, server)
            return client
    if not clients:
        raise RelocateError(
            "program_missing", "pg_restore is not installed", "install postgresql-client-{0}".format(server)
        )
    raise RelocateError(
        "client_too_old",
        "pg_restore {0} cannot read a dump of pg_dump {1}".format(clients[-1].major, dump),
        "install postgresql-client-{0}".format(server),
    )


def _check_settings(client: Client, server: int) -> None:
    """From 17 on pg_restore begins by setting transaction_timeout, which servers up to 16 do not know."""
    if client.major >= 17 > server:
        raise RelocateError(
            "server_too_old",
            "pg_restore {0} cannot load into server {1}".format(client.major, server),
            "install postgresql-client-{0}, or upgrade the server".format(server),
        )


def dump_jobs(tables: int, room: int, jobs: int) -> int:
    """Return how many jobs a dump may have: with more than one, pg_dump locks every table twice.

    :param room: how many locks the server has room for, 0 when it is not known
    """
    return 1 if room and 2 * tables > room * 9 // 10 else max(1, jobs)


def dump(server: Server, client: Client, database: str, snapshot_id: str, path: str, jobs: int) -> None:
    """Write a directory-format dump. Raises dump_failed, having removed what there was of it."""
    with acting_as(server.context.owner):
        if os.path.lexists(path):  # not ours to remove should pg_dump refuse it
            raise RelocateError("dump_failed", "{0} is there already".format(path), "dump into an empty directory")
    for compression in compressions(client, server.context.compression):
        done = _dump(server, client, database, snapshot_id, path, compression, jobs)
        if done.rc == 0:
            listing(server, client_beside(client), path)
            return
        remove(server, path)
        if "compress" not in complaint(done.err):
            break
    raise failed(
        server, "dump_failed", "no backup written", done, "fix what the message names; the database was not changed"
    )


def failed(server: Server, code: str, what: str, done: Completed, hint: str) -> RelocateError:
    """The error for a program that failed: what it complained of, without secrets; disk_full when that was it."""
    text = server.context.secrets.scrub(complaint(done.err))
    if "No space left on device" in text or "Disk quota exceeded" in text:
        code, hint = "disk_full", "free space there, then run this again"
    return RelocateError(
        code, "{0} exited {1}; {2}: {3}".format(os.path.basename(done.argv[0]), done.rc, what, text), hint
    )


def compressions(client: Client, wanted: str) -> List[str]:
    """Return what to ask pg_dump for, in order.

    Only some builds of 16 and later know zstd. Without it the dump stays uncompressed: gzip takes ten times as long
    as the dump itself.
    """
    return (["zstd:1"] if wanted == "zstd" and client.major >= ZSTD_SINCE else []) + ["0"]


def _dump(
    server: Server, client: Client, database: str, snapshot_id: str, path: str, compression: str, jobs: int
) -> Completed:
    argv = [client.path, "--format=directory", "--no-password", "--compress=" + compression, "--file=" + path]
    argv += ["--jobs={0}".format(jobs), "--snapshot=" + snapshot_id, "--verbose"]
    command = Command(argv, user=server.context.owner, env=server.environment(database), family=True)
    return run(command, on_line=Progress(server.context.progress))


def client_beside(client: Client) -> Client:
    """The pg_restore that came with a pg_dump."""
    path = os.path.join(os.path.dirname(client.path), "pg_restore")
    return Client(path, client.version.replace("pg_dump", "pg_restore"), client.major)


def remove(server: Server, path: str) -> None:
    """Remove a dump, as its owner."""
    with acting_as(server.context.owner):
        shutil.rmtree(path, ignore_errors=True)


def _tail(server: Server, done: Completed) -> str:
    return server.context.secrets.scrub(complaint(done.err))


def complaint(text: str) -> str:
    """Return the error lines of a client program; the end of its output is the statement that failed."""
    errors = [line for line in text.splitlines() if re.search(r"\b(error|fatal): |^(DETAIL|HINT): ", line)]
    return last_lines("\n".join(errors) or text)


def listing(server: Server, client: Client, path: str, given: Optional[IO[bytes]] = None) -> List[str]:
    """The lines of a dump's table of contents. Raises dump_truncated when it cannot be read.

    :param given: the dump as an open file, instead of its path
    """
    target = server.context.secrets.write("toc", "")
    argv = [client.path, "--list"] + ([] if given is not None else [path])
    if given is not None:
        given.seek(0)
    with acting_as(server.context.owner), open(target, "wb") as stream:
        done = run(Command(argv, user=server.context.owner), stdin=given, stdout=stream)
    with acting_as(server.context.owner), open(target, encoding="utf-8", errors="surrogateescape") as lines:
        found = [line.rstrip("\n") for line in lines]
    if done.rc != 0:
        raise RelocateError(
            "dump_truncated",
            "pg_restore cannot read the dump's table of contents: {0}".format(_tail(server, done)),
            "use another copy of the backup set, or make a new backup",
        )
    return found


def check_complete(server: Server, path: str) -> None:
    """Raise dump_truncated when a file of the dump has lost its end, or program_missing when that cannot be told.

    pg_restore loads what there is and exits 0 (seen with 15 on plain files, with 17 on zstd, be it cut or empty). A
    plain file of rows ends in COPY's own end mark; the others are left to their compression's check.
    """
    with acting_as(server.context.owner):
        sizes = _sizes(path)
        cut = [
            name
            for name in _files_of_rows(sizes)
            if not (_ends_well(path, name) if name.endswith(".dat") else sizes[name])
        ]
    for suffix, program in ((".zst", "zstd"), (".gz", "gzip")):
        # An empty large object is an empty file, whatever the compression.
        cut += _broken_archives(server, program, path, _filled(sizes, suffix))
    if cut or "toc.dat" not in sizes:
        raise RelocateError(
            "dump_truncated",
            "the dump is truncated: " + ", ".join((cut or ["toc.dat"])[:5]),
            "use another copy of the backup set, or make a new backup",
        )


def _sizes(path: str) -> Dict[str, int]:
    if not os.path.isdir(path):
        return {}
    return {name: os.lstat(os.path.join(path, name)).st_size for name in sorted(os.listdir(path))}


def _filled(sizes: Mapping[str, int], suffix: str) -> List[str]:
    return [name for name, size in sizes.items() if name.endswith(suffix) and size]


def _files_of_rows(names: Iterable[str]) -> List[str]:
    return [name for name in names if re.match(r"^\d+\.dat", name)]


def _ends_well(directory: str, name: str) -> bool:
    with open(os.path.join(directory, name), "rb") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - 8))
        return stream.read().endswith(_END_OF_DATA)


def _broken_archives(server: Server, program: str, directory: str, names: Sequence[str]) -> List[str]:
    tool = require_program(program) if names else program

    def whole(some: Sequence[str]) -> bool:
        argv = [tool, "-q", "-t", "--"] + list(some)
        return run(Command(argv, user=server.context.owner, cwd=directory)).rc == 0

    shares = [names[start : start + 500] for start in range(0, len(names), 500)]
    return [name for share in shares if not whole(share) for name in share if not whole([name])]


def load_entries(lines: Sequence[str], schemas: Sequence[str]) -> List[str]:
    """The entries that the settings' role restores: all but what the administrator has already made.

    :param schemas: schemas made beforehand for extensions
    """
    made = [re.compile(r"^\d+; \d+ \d+ SCHEMA - {0} ".format(re.escape(schema))) for schema in schemas]
    skipped = [re.compile(r"^(;|$)"), _ADMINISTRATORS] + made
    return [line for line in lines if not any(pattern.match(line) for pattern in skipped)]


class Progress:
    """Hands on what a client program is at, once a second at most."""

    def __init__(self, tell: Callable[[str], None], pause: float = 1.0) -> None:
        self._tell, self._pause, self._next = tell, pause, 0.0
        self._part = PROGRESS.current()  # lines come in a thread of their own

    def __call__(self, line: str) -> None:
        """Take one line of standard error."""
        match = re.match(r"^pg_\w+: ((?:dumping contents of|processing data for|creating) .*)$", line)
        if match and time.monotonic() >= self._next:
            self._next = time.monotonic() + self._pause
            with PROGRESS.within(self._part):
                self._tell(match.group(1))


def list_file(server: Server, entries: Sequence[str]) -> str:
    """A file for --use-list. Numbers do; names may be in any encoding."""
    return server.context.secrets.write("entries", "".join(entry.split(";", 1)[0] + ";\n" for entry in entries))


def restore_jobs(server: Server, path: str) -> int:
    """Return how many jobs a restore may have: a small dump is loaded before more of them have logged in."""
    with acting_as(server.context.owner):
        size = sum(_sizes(path).values())
    return 1 if size < _SMALL else max(1, server.context.jobs)


def restore(server: Server, client: Client, database: str, path: str, entries: Sequence[str], major: int) -> None:
    """Load a directory-format dump as the settings' role. Raises load_failed.

    :param major: the server's
    """
    listed = list_file(server, entries)
    argv = [client.path, "--exit-on-error", "--no-owner", "--no-acl", "--no-tablespaces", "--no-password", "--verbose"]
    argv += ["--jobs={0}".format(restore_jobs(server, path)), "--use-list=" + listed]
    # An empty -d connects without parsing a name: libpq then takes PGDATABASE as it is.
    argv += ["--dbname=", path]
    command = Command(argv, user=server.context.owner, env=server.loading_environment(database, major), family=True)
    done = run(command, on_line=Progress(server.context.progress))
    if done.rc != 0:
        hint = "fix what the message names; the live database was not touched"
        raise failed(server, "load_failed", "nothing was loaded", done, hint)


def sequence_values(server: Server, client: Client, path: str) -> Dict[Tuple[str, str], Tuple[int, bool]]:
    """The sequences' values in a dump, by schema and name.

    Sequences obey no snapshot: what a query says of one in a live database is not what pg_dump wrote a moment later.
    """
    entries = [line for line in listing(server, client, path) if re.match(r"^\d+; \d+ \d+ SEQUENCE SET ", line)]
    if not entries:
        return {}
    listed = list_file(server, entries)
    target = server.context.secrets.write("setval", "")
    argv = [client.path, "--use-list=" + listed, "--file=-", path]
    with acting_as(server.context.owner), open(target, "wb") as stream:
        done = run(Command(argv, user=server.context.owner), stdout=stream)
    if done.rc != 0:
        raise RelocateError("dump_failed", "pg_restore cannot read the dump back: " + _tail(server, done))
    with acting_as(server.context.owner), open(target, encoding="utf-8", errors="replace") as lines:
        return parse_setvals(lines.read())


def parse_setvals(text: str) -> Dict[Tuple[str, str], Tuple[int, bool]]:
    """``SELECT pg_catalog.setval('public."A_id_seq"', 5, true);`` lines as {(schema, name): (5, True)}."""
    found = {}
    for line in text.splitlines():
        match = _SETVAL.match(line)
        name = _parse_name(match.group(1)) if match else None
        if match and name:
            found[name] = (int(match.group(2)), match.group(3) == "true")
    return found


def _parse_name(quoted: str) -> Optional[Tuple[str, str]]:
    escaped = quoted.lstrip().startswith("E")
    name = quoted.strip().lstrip("E")[1:-1].replace("''", "'")
    if escaped:
        name = name.replace("\\\\", "\\")
    match = re.match(r'^("(?:[^"]|"")*"|[^".]+)\.("(?:[^"]|"")*"|[^".]+)$', name)
    if not match:
        return None
    first, second = (part[1:-1].replace('""', '"') if part.startswith('"') else part for part in match.groups())
    return first, second
