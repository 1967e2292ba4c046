# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a SQLite database: made, matched, compressed, renamed and removed; and its errors as ours."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import sqlite3
import struct
from dataclasses import replace
from typing import Iterator, List, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.base import EngineContext
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.directories import make_for_owner, refuse_system
from ansible_collections.relocate.django.plugins.module_utils._host.files import created
from ansible_collections.relocate.django.plugins.module_utils._host.openat import Rights
from ansible_collections.relocate.django.plugins.module_utils._host.parents import rights_of
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts, Directory, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import Command, last_lines, run
from ansible_collections.relocate.django.plugins.module_utils._progress import PROGRESS
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

_MAGIC = b"SQLite format 3\0"
#: What names a database's file, and of its facts the directories above it.
NAME, DIRECTORIES = "NAME of a SQLite database", "directories"
SIDE_FILES = ("-wal", "-shm", "-journal")
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
    "database_broken": "rebuild it on old: sqlite3 DATABASE .recover | sqlite3 NEW_FILE, look at what that has saved, "
    "put it in its place, then run again",
    "orphan_rows": "correct or delete these rows on old (PRAGMA foreign_key_check lists them), or name their tables in "
    "relocate_orphans",
    "sessions_remain": "stop the services and shells that use the database",
    "dump_truncated": "make or transfer the backup set again",
}


def refusal(code: str, msg: str) -> RelocateError:
    """Make an error of this code, with the hint that belongs to it."""
    return RelocateError(code, msg, _HINTS.get(code, ""))


def translated(exc: Exception, code: str) -> RelocateError:
    """Turn an error of SQLite or of the file system into a RelocateError."""
    if isinstance(exc, OSError):
        code = _ERRNO_CODES.get(exc.errno or 0, code)
        return refusal(code, "{0}: {1}".format(exc.filename or "SQLite database", exc.strerror))
    text = str(exc)
    return refusal(next((better for part, better in _SQLITE_CODES if part in text), code), "SQLite: " + text)


@contextlib.contextmanager
def owned(owner: Optional[SystemUser], code: str) -> Iterator[None]:
    """Act as the owner; an error of SQLite or of the file system becomes a RelocateError, of ``code`` or closer."""
    try:
        with acting_as(owner):
            yield
    except (sqlite3.Error, OSError) as exc:
        raise translated(exc, code) from exc


def removal(path: str) -> str:
    """The command that removes a database with its side files."""
    return " ".join(shlex.quote(part) for part in ["rm", "-f", "--", path, *(path + side for side in SIDE_FILES)])


def file_size(path: str) -> int:
    """Return the size in bytes; 0 when there is no such file."""
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def token_of(path: str) -> str:
    """A text that stays the same while nothing is written to a database."""
    found = []
    for name in (path, path + "-wal"):
        with contextlib.suppress(FileNotFoundError):
            status = os.stat(name)
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return repr(found)


def remove_side_files(path: str) -> None:
    """Remove what SQLite keeps beside a database."""
    for side in SIDE_FILES:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path + side)


def remove_database(path: str) -> bool:
    """Remove a database with its side files; returns whether there was one."""
    remove_side_files(path)  # first: one that outlived its database would be replayed into the next of that name
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True


def sync(path: str) -> None:
    """Make the content of a file durable."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_directories(name: str, owner: Optional[SystemUser], recorded: Optional[DatabaseFacts] = None) -> List[str]:
    """Make the directory of a database and those above it, as they were on old, else the owner's; which were made.

    :param name: the database's as the settings have it: what a link of the owner's leads to is not for root to make
    """
    path = os.path.dirname(name)
    otherwise = Rights(owner.uid, owner.gid, 0o750) if owner else Rights(mode=0o750)
    known: List[Directory] = []
    with contextlib.suppress(TypeError):  # what a host says may be anything
        known = [Directory(*item) for item in recorded.details.get(DIRECTORIES, ())] if recorded else []
    return make_for_owner(path, owner, rights_of(_where_they_are_here(known, path), otherwise), NAME)


def _moved(old: str, new: str) -> Tuple[str, str]:
    """Cut off what two paths both end with: what became what. At least one directory below / stays of each."""
    before, after = old.split("/"), new.split("/")
    while len(before) > 2 and len(after) > 2 and before[-1] == after[-1]:
        before, after = before[:-1], after[:-1]
    return "/".join(before), "/".join(after)


def _where_they_are_here(recorded: Sequence[Directory], path: str) -> List[Directory]:
    """Directories above the file on old where they are on this host: what both paths end with moved with the project.

    :param path: of the file's directory on this host
    """
    before, after = _moved(max((item.path for item in recorded), key=len, default=path), path)
    if before == after:
        return list(recorded)
    moved = [item for item in recorded if (item.path + "/").startswith(before + "/")]
    stay = [item for item in recorded if item not in moved]
    return stay + [replace(item, path=after + item.path[len(before) :]) for item in moved]


def refuse_missing(path: str, owner: Optional[SystemUser]) -> None:
    """Refuse a directory that :func:`make_directories` would refuse to make."""
    if not os.path.isdir(path):
        refuse_system(path, NAME, owner is None or owner.uid == 0)


def zstd(arguments: List[str], source: str, target: str, context: EngineContext, code: str) -> None:
    """Run zstd from file to file; its exit code tells whether the frame was whole."""
    with contextlib.ExitStack() as files:
        with owned(context.owner, code):
            reader = files.enter_context(open(source, "rb"))
            writer = files.enter_context(created(target))
        # Outside of acting_as: only so does the child lose root for good.
        with PROGRESS.part("unpack" if "-d" in arguments else "compress"):
            done = run(Command(["zstd", "-q"] + arguments, user=context.owner), stdin=reader, stdout=writer)
        os.fsync(writer.fileno())
    if done.rc != 0:
        text = last_lines(context.secrets.scrub(done.err), 2)
        raise refusal(
            "disk_full" if "No space left" in text else code,
            "zstd exited {0} on {1}: {2}".format(done.rc, os.path.basename(source), text),
        )


def recorded_size(path: str) -> int:
    """Return how many bytes a file has by its own header; 0 for one that is no database."""
    with open(path, "rb") as stream:
        header = stream.read(100)
    if len(header) < 100 or not header.startswith(_MAGIC):
        return 0
    page_size = struct.unpack(">H", header[16:18])[0]
    return int((65536 if page_size == 1 else page_size) * struct.unpack(">I", header[28:32])[0])


def check_whole(path: str) -> None:
    """Refuse a file that is shorter or longer than its header says, which SQLite itself may pass over."""
    recorded = recorded_size(path)
    if not recorded:
        raise refusal("dump_truncated", "the dump holds no SQLite database")
    if os.path.getsize(path) != recorded:
        raise refusal("dump_truncated", "the dump holds {0} of {1} bytes".format(os.path.getsize(path), recorded))


def holds_all(path: str, size: int) -> bool:
    """Tell whether all that a view of a database shows is in its main file, and nothing else is.

    :param size: of all pages of the view, in bytes
    """
    return not file_size(path + "-wal") and size == file_size(path) == recorded_size(path)


def match_rights(path: str, model: str) -> None:
    """Give a file the mode, owner and group of another one, as far as this user may."""
    status = os.stat(model)
    os.chmod(path, status.st_mode & 0o777)
    with contextlib.suppress(PermissionError):  # the owner may not be in that group
        os.chown(path, -1, status.st_gid)


def is_second_name(path: str, live: str) -> bool:
    """Tell whether the path is another name of live's own file, as an exchange that was cut short leaves it."""
    try:
        return os.path.samestat(os.lstat(path), os.stat(live))
    except OSError:
        return False


def exchange(source: str, live: str, kept: str) -> None:
    """Give live's file the name ``kept``, which is free, and source's the name live, which never is without a file."""
    try:
        os.link(live, kept, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: live is absent for a moment
        os.rename(live, kept)
    try:
        os.replace(source, live)
    except OSError:
        os.replace(kept, live)  # two names of one file: then nothing happens, and remove_database takes the second
        remove_database(kept)
        raise


def processes_with(*paths: str) -> Set[str]:
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
