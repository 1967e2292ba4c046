# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The archive of MEDIA_ROOT in a backup set, written and extracted with the rights of the project's owner.

Memory is flat however many files there are: nothing keeps a list of them.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import stat
import tarfile
import threading
from typing import IO, Any, Callable, Dict, Iterator, List, Literal, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import files
from ansible_collections.relocate.django.plugins.module_utils._host.tree import (
    Found,
    shown,
    unreadable,
    walk,
)
from ansible_collections.relocate.django.plugins.module_utils._media.root import check_link, check_skip, make
from ansible_collections.relocate.django.plugins.module_utils._media.terms import MEDIA, Terms
from ansible_collections.relocate.django.plugins.module_utils._model import Directory, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import (
    Command,
    Completed,
    last_lines,
    require_program,
    run,
)
from ansible_collections.relocate.django.plugins.module_utils._progress import PROGRESS
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as, current_user

_CHUNK = 1024 * 1024


Take = Callable[[tarfile.TarFile, tarfile.TarInfo, List[str]], None]


# --- writing


def archive(
    path: str,
    out: IO[bytes],
    owner: Optional[SystemUser] = None,
    compression: str = "zstd",
    skip: Sequence[str] = (),
    terms: Terms = MEDIA,
) -> Dict[str, int]:
    """Write a tree as a tar stream, through zstd unless ``compression`` is none.

    :param owner: with whose rights it is read; recorded nowhere: owner and group are given anew at extraction
    :param skip: names that are left out on purpose
    :returns: files and bytes written, the bounds for :func:`extract`
    """
    counts = {"files": 0, "bytes": 0}
    check_link(path, owner)
    skip = check_skip(skip)
    if compression == "none":
        with acting_as(owner):
            _write_tar(path, out, counts, skip, terms)
        return counts
    reading, writing = os.pipe()
    failed: List[BaseException] = []
    started = threading.Event()

    def feed() -> None:
        started.wait()  # no program starts while this thread acts as the owner
        try:
            with os.fdopen(writing, "wb", _CHUNK) as stream, acting_as(owner):
                _write_tar(path, stream, counts, skip, terms)
        except BaseException as exc:  # told to the caller, in whose thread it belongs
            failed.append(exc)

    writer = threading.Thread(target=feed, daemon=True)
    writer.start()
    try:
        with os.fdopen(reading, "rb") as source:
            done = run(
                Command([require_program("zstd"), "-q", "-c", "-1", "-T0"]),
                stdin=source,
                stdout=out,
                on_start=started.set,
            )
    finally:
        started.set()
        writer.join()
    _raise_first(failed, done, "the archive of {0} could not be written".format(path))
    return counts


def _write_tar(path: str, out: IO[bytes], counts: Dict[str, int], skip: Sequence[str], terms: Terms) -> None:
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.GNU_FORMAT, errors="surrogateescape") as tar:
        for found in walk(path, skip, terms.leave):
            member = tarfile.TarInfo(found.name)
            member.mtime = int(found.status.st_mtime // 1)
            member.mode = stat.S_IMODE(found.status.st_mode) & 0o777
            if found.kind == "directory":
                member.type = tarfile.DIRTYPE
                tar.addfile(member)
            elif found.kind == "link" or (found.target and terms.any_link):
                member.type, member.linkname = tarfile.SYMTYPE, found.target
                tar.addfile(member)
            elif found.kind == "file":
                _add_file(tar, member, found, counts)
            tar.members.clear()  # type: ignore[attr-defined]  # else it remembers every file


def _add_file(tar: tarfile.TarFile, member: tarfile.TarInfo, found: Found, counts: Dict[str, int]) -> None:
    try:
        handle = os.open(found.base, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=found.handle)
    except FileNotFoundError:
        return
    except OSError as exc:
        raise unreadable(found.name, exc) from exc
    with os.fdopen(handle, "rb") as stream:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            return
        member.size = status.st_size
        try:
            tar.addfile(member, stream)
        except OSError as exc:
            if "unexpected end of data" not in str(exc):
                raise
            raise RelocateError(
                "dump_failed", "{0} shrank while it was read".format(shown(found.name)), "freeze the site first"
            ) from exc
    counts["files"] += 1
    counts["bytes"] += member.size
    PROGRESS.add(member.size)
    PROGRESS.say("{0} files".format(counts["files"]))


def _raise_first(failed: List[BaseException], done: Completed, what: str) -> None:
    """A program that died explains the broken pipe beside it, so it comes first; but for a disk that is full."""
    if done.rc and not any(map(_is_full, failed)):
        full = "No space left" in done.err
        raise RelocateError(
            "disk_full" if full else "program_failed",
            "{0}: {1}".format(what, last_lines(done.err, 3)),
            "free space there, then run again",
        )
    for exc in failed:
        if _is_full(exc):
            raise RelocateError(
                "disk_full", what + ": no space left on the disk", "free space there, then run again"
            ) from exc
        raise exc


def _is_full(exc: BaseException) -> bool:
    return isinstance(exc, OSError) and exc.errno in (errno.ENOSPC, errno.EDQUOT)


# --- reading

#: What :func:`archive` writes. Whatever else tar knows, Python reads into memory as large as a header says it is.
_KINDS = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE)
_LONG = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_LONGEST = 64 * 1024  # bytes of a name


class _Member(tarfile.TarInfo):
    """A header that is refused before what it announces is read."""

    terms = MEDIA

    @classmethod
    def frombuf(cls, buf: Any, encoding: Any, errors: Any) -> _Member:
        """As tarfile's own. Raises path_refused."""
        found = super().frombuf(buf, encoding, errors)
        if found.type not in _KINDS + _LONG:
            raise _bad(found.name, "is neither file, directory nor link", cls.terms)
        if found.type in _LONG and not 0 <= found.size <= _LONGEST:
            raise _bad(found.name, "has a name of {0} bytes".format(found.size), cls.terms)
        return found


def extract(
    source: IO[bytes],
    path: str,
    owner: Optional[SystemUser] = None,
    limit: Optional[int] = None,
    compression: str = "zstd",
    directories: Sequence[Directory] = (),
) -> Dict[str, int]:
    """Bring back what :func:`archive` wrote, with the rights of its owner; files that are there are replaced.

    Only files, directories and links within the tree are accepted, in the order in which archive writes, which excludes
    duplicates. Raises path_refused, dump_truncated, disk_full.

    :param limit: bytes that the files may have in all, as recorded; more is a bomb
    :param directories: how those above it were on old
    """
    counts = {"files": 0, "bytes": 0}
    make(path, owner or current_user(), directories)

    def put_all(stream: IO[bytes]) -> None:
        with acting_as(owner):
            top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                read_tar(stream, path, counts, limit, functools.partial(put, top))
            finally:
                os.close(top)

    if compression == "none":
        put_all(source)
    else:
        through_zstd(source, path, put_all)
    return counts


def check(source: IO[bytes], path: str, limit: Optional[int] = None, compression: str = "zstd") -> Dict[str, int]:
    """Read an archive through, before anything is written: what :func:`extract` would refuse is refused here.

    An uncompressed one that is a file is not read but for its headers.
    """
    counts = {"files": 0, "bytes": 0}

    def look(stream: IO[bytes], mode: Literal["r|", "r:"] = "r|") -> None:
        read_tar(stream, path, counts, limit, lambda _tar, _member, _parts: None, mode)

    if compression == "none":
        look(source, "r:" if source.seekable() else "r|")
    else:
        through_zstd(source, path, look)
    return counts


def through_zstd(source: IO[bytes], path: str, use: Callable[[IO[bytes]], None], terms: Terms = MEDIA) -> None:
    """Decompress for somebody who reads. Raises what that one raises, dump_truncated, disk_full."""
    reading, writing = os.pipe()
    ended: List[Completed] = []
    command, started = Command([require_program("zstd"), "-q", "-d", "-c"]), threading.Event()

    def unpack() -> None:
        try:
            with os.fdopen(writing, "wb") as sink:
                ended.append(run(command, stdin=source, stdout=sink, on_start=started.set))
        finally:
            started.set()

    reader = threading.Thread(target=unpack, daemon=True)
    reader.start()
    started.wait()  # no program starts while this thread acts as the owner, and this one waits for what that one writes
    failed: List[BaseException] = []
    try:
        with os.fdopen(reading, "rb", _CHUNK) as stream:
            use(stream)
    except BaseException as exc:
        failed.append(exc)
    reader.join()
    if failed and isinstance(failed[0], RelocateError):
        raise failed[0]  # what is wrong with the archive, rather than the broken pipe that stopping caused
    if not ended or (ended[0].rc and not any(map(_is_full, failed))):
        raise _truncated(path, terms)
    _raise_first(failed, ended[0], "{0} could not be written to {1}".format(terms.of, path))


def read_tar(
    stream: IO[bytes],
    path: str,
    counts: Dict[str, int],
    limit: Optional[int],
    take: Take,
    mode: Literal["r|", "r:"] = "r|",
    terms: Terms = MEDIA,
) -> None:
    """Count and check each member, then give it and the parts of its name to ``take``."""
    before: Tuple[bytes, ...] = ()
    kind = type("_Member", (_Member,), {"terms": terms})
    try:
        with tarfile.open(fileobj=stream, mode=mode, errors="surrogateescape", tarinfo=kind) as tar:
            for member in tar:
                parts = _checked(member, before, terms)
                before = tuple(os.fsencode(part) for part in parts)
                counts["bytes"] += member.size if member.isreg() else 0
                if limit is not None and counts["bytes"] > limit:
                    raise _bad(member.name, "would exceed the {0} bytes that were recorded".format(limit), terms)
                counts["files"] += member.isreg()
                PROGRESS.say("{0} files".format(counts["files"]))
                take(tar, member, parts)
                tar.members.clear()  # type: ignore[attr-defined]
        while stream.read(_CHUNK):
            pass  # what follows the end mark is padding
    except (
        tarfile.TarError,
        EOFError,
        OverflowError,
        ValueError,
    ) as exc:  # a time that no clock shows, a name with NUL
        raise _truncated(path, terms) from exc


def _checked(member: tarfile.TarInfo, before: Tuple[bytes, ...], terms: Terms) -> List[str]:
    """The parts of a member's name, or path_refused."""
    parts = member.name.split("/")
    if not all(parts) or set(parts) & {".", ".."}:  # an absolute name begins with an empty part
        raise _bad(member.name, "leads out of " + terms.root, terms)
    if not _is_kept(member):
        raise _bad(member.name, "is neither file, directory nor link", terms)
    if member.issym() and terms.refuses(member):
        raise _bad(member.name, "is a link that leads out of " + terms.root, terms)
    if member.mode & 0o7000 or member.size < 0:
        raise _bad(member.name, "has a mode that no upload has", terms)
    if tuple(os.fsencode(part) for part in parts) <= before:
        raise _bad(member.name, "comes twice, or out of order", terms)
    return parts


def _is_kept(member: tarfile.TarInfo) -> bool:
    return member.isreg() or member.isdir() or member.issym()


def _bad(name: str, why: str, terms: Terms = MEDIA) -> RelocateError:
    msg = "{0} in the archive of {1} {2}".format(shown(name), terms.of, why)
    return RelocateError("path_refused", msg, "use another backup set")


def _truncated(path: str, terms: Terms) -> RelocateError:
    msg = "the archive of {0} for {1} is truncated or damaged".format(terms.of, path)
    return RelocateError("dump_truncated", msg, "use another backup set")


@contextlib.contextmanager
def below(top: int, parts: Sequence[str], makes: bool = False) -> Iterator[int]:
    """Open a directory below another one; a link on the way is refused. Raises OSError.

    :param makes: whether what is missing on the way is made
    """
    handle = os.dup(top)
    try:
        for part in parts:
            if makes:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=handle)
            opened = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=handle)
            os.close(handle)
            handle = opened
        yield handle
    finally:
        os.close(handle)


def put(top: int, tar: tarfile.TarFile, member: tarfile.TarInfo, parts: List[str]) -> None:
    """Bring one member of an archive back, below an open directory."""
    with below(top, parts[:-1], makes=True) as handle:
        _put_in(tar, member, parts[-1], handle)


def _put_in(tar: tarfile.TarFile, member: tarfile.TarInfo, base: str, handle: int) -> None:
    if member.isdir():
        with contextlib.suppress(FileExistsError):
            os.mkdir(base, member.mode | 0o700, dir_fd=handle)
        return
    temporary = ".relocate-new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary, dir_fd=handle)
    if member.issym():
        os.symlink(member.linkname, temporary, dir_fd=handle)
    else:
        _copy(tar, member, temporary, handle)
        os.utime(temporary, (member.mtime, member.mtime), dir_fd=handle)
    try:
        os.replace(temporary, base, src_dir_fd=handle, dst_dir_fd=handle)
    except IsADirectoryError as exc:
        raise _bad(member.name, "has the name of a directory that is there") from exc


def _copy(tar: tarfile.TarFile, member: tarfile.TarInfo, name: str, handle: int) -> None:
    source = tar.extractfile(member)
    with files.created(name, directory=handle) as out:
        left = member.size
        while left:
            chunk = source.read(min(_CHUNK, left)) if source is not None else b""
            if not chunk:
                raise tarfile.ReadError("unexpected end of data")
            out.write(chunk)
            left -= len(chunk)
            PROGRESS.add(len(chunk))
        os.fchmod(out.fileno(), member.mode)
