# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opens a dump that somebody else made, looks what it is, and makes it ready: unpacked, and as its program wrote it.

Whoever decompresses runs as the project's owner: what the bytes do to it, they do to his rights.
"""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from typing import IO, Dict, Iterator, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._adopt import kinds, texts
from ansible_collections.relocate.django.plugins.module_utils._engines.foreign import (
    MYSQL_SQL,
    PG_CUSTOM,
    PG_DIRECTORY,
    PG_PLAIN,
    PG_TAR,
    SQLITE_FILE,
    SQLITE_SQL,
    ForeignDump,
    truncated,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._host.files import created
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import (
    Command,
    find_program,
    pipeline,
    require_program,
    run,
)
from ansible_collections.relocate.django.plugins.module_utils._progress import PROGRESS
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

TEXTS = (PG_PLAIN, MYSQL_SQL, SQLITE_SQL)
#: How much larger SQL is than the archive that it comes out of, at most, by what was seen.
_SWELLS = {PG_CUSTOM: 12, PG_TAR: 2, PG_DIRECTORY: 12}
_SIDES = ("-wal", "-journal")


@dataclass(frozen=True)
class Looked:
    """Tells what a dump is, as far as it was looked at.

    :param size: of it, once it is decompressed, in bytes
    :param needed: bytes that it takes on this host's disk until it is loaded
    """

    path: str
    kind: str
    compression: str
    mark: kinds.Mark
    size: int
    needed: int

    @property
    def is_rewritten(self) -> bool:
        """Tell whether it must be written anew before it can be read."""
        return bool(self.compression or self.mark.encoding or self.mark.mark)


def opened(path: str, owner: Optional[SystemUser]) -> IO[bytes]:
    """Open a file that the user names; root reads what lies where only he may. Raises file_missing, path_refused."""
    try:
        with openat.parent(path, owner, follow=True) as (place, name):
            handle = openat.open_or_root(place, name)
    except FileNotFoundError as exc:
        raise RelocateError("file_missing", "there is no {0}".format(path), "correct the path") from exc
    except OSError as exc:
        raise RelocateError(
            "path_refused",
            "{0} cannot be read: {1}".format(path, exc.strerror),
            "let the project's owner read it, or keep it in a directory that only root can write",
        ) from exc
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise RelocateError(
            "path_refused", "{0} is not a regular file".format(path), "give the path of the dump itself in dumps"
        )
    # Without a buffer: programs read from the same place in the file as we do.
    return os.fdopen(handle, "rb", buffering=0)


def look(path: str, owner: Optional[SystemUser]) -> Looked:
    """Look what a dump is; a compressed one is read to its end. Nothing is written.

    Raises file_missing, path_refused, dump_unknown, dump_truncated, program_missing.
    """
    if os.path.isdir(path):
        return _look_in(path, owner)
    with opened(path, owner) as stream:
        head = stream.read(kinds.HEAD)
        size = os.fstat(stream.fileno()).st_size
        compression = kinds.compression_of(head)
        if compression:
            size = size_of(stream, compression, owner, path)
            head = head_of(stream, compression, owner)
            if kinds.compression_of(head):
                raise RelocateError(
                    "dump_unknown", path + " is compressed twice", "unpack it once, and give the path of what comes out"
                )
        mark = kinds.mark_of(head)
        kind = kinds.kind_of(kinds.text_of(head, mark) if mark.encoding else head.replace(b"\r\n", b"\n"), path)
        if kind in TEXTS:
            kinds.check_end(kind, kinds.text_of(_tail(stream, compression, owner), mark._replace(mark=b"")))
    needed = size * ((1 if compression else 0) + (1 if mark.encoding else 0) + _SWELLS.get(kind, 0) + 1)
    return Looked(path, kind, compression, mark, size, needed)


def _look_in(path: str, owner: Optional[SystemUser]) -> Looked:
    """Look at a directory, which client programs read as the project's owner."""
    with acting_as(owner):
        try:
            names = sorted(os.listdir(path))
            size = sum(os.stat(os.path.join(path, name)).st_size for name in names)
            readable = all(os.access(os.path.join(path, name), os.R_OK, effective_ids=True) for name in names)
        except OSError:
            readable = False
    if not readable:
        raise RelocateError(
            "path_refused",
            "the project's owner cannot read all of the directory {0}".format(path),
            "let him: setfacl -R -m u:{0}:rX {1}, and r-x on the directories above it".format(
                owner.name if owner else "OWNER", path
            ),
        )
    if "toc.dat" not in names:
        raise RelocateError(
            "dump_unknown",
            "the directory {0} holds no toc.dat, so it is no directory dump of pg_dump".format(path),
            "correct dumps; MEDIA goes into media",
        )
    return Looked(path, PG_DIRECTORY, "", kinds.Mark("", b""), size, size * (_SWELLS[PG_DIRECTORY] + 1))


def program(compression: str, owner: Optional[SystemUser]) -> Command:
    """Return what decompresses from its input to its output. Raises program_missing."""
    return Command([require_program(compression, "install " + kinds.PACKAGES[compression]), "-dcq"], user=owner)


def size_of(stream: IO[bytes], compression: str, owner: Optional[SystemUser], path: str) -> int:
    """Return how many bytes are in it, having read all of it. Raises dump_truncated."""
    return int(_end_of(stream, compression, owner, ["wc", "-c"], path=path) or b"0")


def head_of(stream: IO[bytes], compression: str, owner: Optional[SystemUser]) -> bytes:
    """Return the beginning of what is in it."""
    return _end_of(stream, compression, owner, ["head", "-c", str(kinds.HEAD)], is_whole=False)


def _end_of(
    stream: IO[bytes],
    compression: str,
    owner: Optional[SystemUser],
    words: Sequence[str],
    is_whole: bool = True,
    path: str = "",
) -> bytes:
    """Return what a small program makes of it. With ``is_whole`` a bad end is refused."""
    stream.seek(0)
    last = Command([find_program(words[0]) or words[0], *words[1:]], user=owner)
    results = pipeline([program(compression, owner), last], stdin=stream)
    if is_whole and any(done.rc for done in results):
        raise truncated("{0} cannot decompress {1} to its end".format(compression, path or "it"))
    return results[-1].stdout


def _tail(stream: IO[bytes], compression: str, owner: Optional[SystemUser]) -> bytes:
    if compression:
        return _end_of(stream, compression, owner, ["tail", "-c", str(kinds.TAIL)])
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - kinds.TAIL) // 4 * 4)  # whole characters of UTF-16
    return stream.read()


@contextlib.contextmanager
def as_it_is(looked: Looked, owner: Optional[SystemUser]) -> Iterator[Optional[ForeignDump]]:
    """Open a dump without writing; None where it must be unpacked or written anew first."""
    if looked.is_rewritten:
        yield None
        return
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(_stream_of(looked, owner))
        if looked.kind in TEXTS and texts.is_rewrapped(stream, looked.mark):
            for _piece in texts.restored(stream, looked.mark):
                pass
            yield None
            return
        yield ForeignDump(looked.kind, looked.path, stream, _sides(looked, owner, stack))


@contextlib.contextmanager
def ready(looked: Looked, owner: Optional[SystemUser], scratch: str) -> Iterator[ForeignDump]:
    """Open a dump, unpacked and as its program wrote it. Raises dump_truncated, dump_encoding, disk_full.

    :param scratch: the owner's directory for what is made meanwhile
    """
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(_stream_of(looked, owner))
        if looked.compression:
            stream = _unpacked(stream, looked, owner, scratch, stack)
        rewrapped = looked.kind in TEXTS and texts.is_rewrapped(stream, looked.mark)
        if rewrapped or looked.mark.encoding:
            written = _scratch_file(scratch, owner, stack)
            with PROGRESS.part("re-encode"):
                for piece in texts.restored(stream, looked.mark):
                    _write_all(written, piece)
            stream = written
        stream.seek(0)
        sides = _sides(looked, owner, stack)
        yield ForeignDump(looked.kind, looked.path, stream, sides, rewrapped, scratch)


def _stream_of(looked: Looked, owner: Optional[SystemUser]) -> IO[bytes]:
    return opened(os.path.join(looked.path, "toc.dat") if looked.kind == PG_DIRECTORY else looked.path, owner)


def _unpacked(
    stream: IO[bytes], looked: Looked, owner: Optional[SystemUser], scratch: str, stack: contextlib.ExitStack
) -> IO[bytes]:
    written = _scratch_file(scratch, owner, stack)
    stream.seek(0)
    with PROGRESS.part("unpack"):
        done = run(program(looked.compression, owner), stdin=stream, stdout=written)
    if done.rc:
        code = "disk_full" if "No space left" in done.err else "dump_truncated"
        raise RelocateError(
            code,
            "{0} exited {1} on {2}".format(looked.compression, done.rc, looked.path),
            "free space there, or make the dump again",
        )
    return written


def _scratch_file(scratch: str, owner: Optional[SystemUser], stack: contextlib.ExitStack) -> IO[bytes]:
    """Make a file without a name, which goes with whoever has it open."""
    path = os.path.join(scratch, "unpacked")
    with acting_as(owner):
        created(path).close()
        handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        os.unlink(path)
    return stack.enter_context(os.fdopen(handle, "r+b", buffering=0))


def _write_all(out: IO[bytes], data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[out.write(left) :]


def _sides(looked: Looked, owner: Optional[SystemUser], stack: contextlib.ExitStack) -> Dict[str, IO[bytes]]:
    """Open what lies beside a SQLite database and belongs to its content."""
    found: Dict[str, IO[bytes]] = {}
    if looked.kind == SQLITE_FILE and not looked.compression:
        for suffix in _SIDES:
            with contextlib.suppress(RelocateError):
                if os.path.lexists(looked.path + suffix):
                    found[suffix] = stack.enter_context(opened(looked.path + suffix, owner))
    return found
