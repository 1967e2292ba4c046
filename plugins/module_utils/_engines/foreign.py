# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dumps that other tools made: their kinds, and one that is ready to be read.

What is in one is data of a stranger. No client program runs its statements: an engine reads them one by one, sends
those that a dump needs, as the settings' user, into a database of their own, and refuses all others.
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass, field
from typing import IO, Dict, Iterable, List, Mapping

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

PG_PLAIN, PG_CUSTOM, PG_TAR, PG_DIRECTORY = "pg_plain", "pg_custom", "pg_tar", "pg_directory"
MYSQL_SQL, SQLITE_FILE, SQLITE_SQL, FIXTURE = "mysql_sql", "sqlite_file", "sqlite_sql", "fixture"
#: Each kind, as people call it.
NAMES = {
    PG_PLAIN: "plain dump of pg_dump",
    PG_CUSTOM: "custom dump of pg_dump",
    PG_TAR: "tar dump of pg_dump",
    PG_DIRECTORY: "directory dump of pg_dump",
    MYSQL_SQL: "dump of mysqldump or mariadb-dump",
    SQLITE_FILE: "SQLite database",
    SQLITE_SQL: ".dump of sqlite3",
    FIXTURE: "fixture of dumpdata",
}
#: Which engine each kind came from; a fixture suits any.
ENGINES = {
    PG_PLAIN: "postgresql",
    PG_CUSTOM: "postgresql",
    PG_TAR: "postgresql",
    PG_DIRECTORY: "postgresql",
    MYSQL_SQL: "mysql",
    SQLITE_FILE: "sqlite",
    SQLITE_SQL: "sqlite",
}
#: Bytes of a statement: more than any tool writes into one, and little enough for the memory of a host.
LONGEST = 256 << 20
_TAR = 512  # bytes of a block of a tar archive
ANOTHER_COPY = "make the dump again, or use another copy of it"


@dataclass(frozen=True)
class ForeignDump:
    """A dump that other tools made: whole as far as it tells by itself, unpacked, and open at its beginning.

    :param path: of what was named; for messages, and for what is a directory
    :param stream: seekable, and without a buffer, since programs read it too; of a directory, its table of contents
    :param sides: what lies beside it, by suffix: SQLite's -wal and -journal
    :param rewrapped: its lines ended with CR LF, which was taken back: line ends within values are not certain
    :param scratch: the owner's directory for files that are made meanwhile; "" when nothing may be written
    """

    kind: str
    path: str
    stream: IO[bytes]
    sides: Mapping[str, IO[bytes]] = field(default_factory=dict)
    rewrapped: bool = False
    scratch: str = ""


class LeftOut:
    """Counts what of a dump is not taken, by what it is."""

    def __init__(self) -> None:
        self._counts: Dict[str, int] = {}

    def add(self, what: str, count: int = 1) -> None:
        """Count some more of this kind."""
        self._counts[what] = self._counts.get(what, 0) + count

    def merge(self, other: LeftOut) -> None:
        """Count what another one has counted."""
        for what, count in other._counts.items():
            self.add(what, count)

    def sentences(self, alias: str) -> List[str]:
        """Return what people are told of it."""
        if not self._counts:
            return []
        parts = ", ".join("{0} ({1})".format(what, count) for what, count in sorted(self._counts.items()))
        return ["database {0}: left out of what the dump holds: {1}".format(alias, parts)]


def refused(where: str, why: str, hint: str = ANOTHER_COPY) -> RelocateError:
    """The error for a statement that a dump of one database does not need. ``where`` shows nothing of its content."""
    return RelocateError("dump_refused", "{0} {1}".format(where, why), hint)


def truncated(why: str) -> RelocateError:
    """The error for a dump that has lost its end, or never had one."""
    return RelocateError("dump_truncated", "the dump is truncated: " + why, ANOTHER_COPY)


def joined(names: Iterable[str], most: int = 5) -> str:
    """The first of some names, for a message."""
    found = list(names)
    return ", ".join(found[:most]) + (", ..." if len(found) > most else "")


def unsure_line_ends(where: str) -> RelocateError:
    """The error for a value with a line end, in a file whose line ends Windows has written anew."""
    return RelocateError(
        "dump_encoding",
        "{0} holds a value with line ends, and Windows has rewritten the line ends of this file".format(where),
        "let the dump program write its file itself: pg_dump --file=FILE, mysqldump --result-file=FILE;"
        " a redirection with > in PowerShell rewrites what passes",
    )


def check_tar(stream: IO[bytes]) -> None:
    """Refuse a tar archive that is shorter than its headers say, or lacks its end. Raises dump_truncated."""
    stream.seek(0)
    try:
        with tarfile.open(fileobj=stream, mode="r:", ignore_zeros=False) as archive:
            end = max((-(-(item.offset_data + item.size) // _TAR) * _TAR for item in archive), default=0)
    except (tarfile.TarError, EOFError) as exc:
        raise truncated("its tar archive ends too early") from exc
    stream.seek(end)
    if stream.read(2 * _TAR) != b"\0" * 2 * _TAR:
        raise truncated("its tar archive has lost its end")
