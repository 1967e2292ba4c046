# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files and directories of ours: made, replaced and synced so that a crash leaves the old or the new one."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time
from typing import IO, Callable, Iterator, Optional

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser

_TRIES, _PAUSE = 3, 0.5  # seconds


def created(path: str, mode: int = 0o600, directory: Optional[int] = None) -> IO[bytes]:
    """Make a file that is not there yet and open it; a planted link or file is refused (FileExistsError).

    :param directory: an open directory that the path is relative to
    """
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(path, flags, 0o600, dir_fd=directory)
    os.fchmod(handle, mode)  # whatever the umask
    return os.fdopen(handle, "wb")


@contextlib.contextmanager
def replaced(path: str, temporary: str = "", before: Optional[Callable[[], None]] = None) -> Iterator[IO[bytes]]:
    """Write what takes the place of a file in one step once the block has ended; one that fails leaves the old file.

    :param temporary: the name that it has until then
    :param before: what is to be done when the content is on disk, before the step
    """
    temporary = temporary or path + ".new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    made = created(temporary)
    try:
        with made as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if before:
            before()
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def write_atomically(path: str, text: str) -> None:
    """Replace a file in one step that survives a crash: temporary name, fsync, rename, fsync of the directory."""
    with replaced(path) as stream:
        stream.write(text.encode("utf-8"))
    sync_directory(os.path.dirname(path))


def sync_directory(path: str) -> None:
    """Make a rename in a directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_tree(path: str) -> None:
    """Remove a directory of ours. A process of ours may write into it once more before it sees that it is gone."""
    for _attempt in range(_TRIES):
        with contextlib.suppress(OSError):
            shutil.rmtree(path)
            return
        time.sleep(_PAUSE)
    shutil.rmtree(path)


def make_directory(path: str, mode: int = 0o700, user: Optional[SystemUser] = None) -> None:
    """Make a directory of ours, parents 0711; refuse a symlink or somebody else's directory in its place, or above."""
    parent = os.path.dirname(path.rstrip("/"))
    _refuse_exchangeable(parent)
    if parent and not os.path.lexists(parent):
        make_directory(parent, 0o711)
    try:
        os.mkdir(path, mode)
        os.chmod(path, mode)  # whatever the umask
        if user is not None and os.geteuid() == 0:
            os.chown(path, user.uid, user.gid)
        return
    except FileExistsError:
        pass
    except OSError as exc:
        raise RelocateError(
            "work_directory",
            "{0} cannot be made: {1}".format(path, exc.strerror),
            "set relocate_directory to another path",
        ) from exc
    if not _is_our_directory(os.lstat(path), user):
        raise RelocateError(
            "work_directory",
            "{0} is a link, belongs to someone else or is writable by others".format(path),
            "remove it, or set relocate_directory to another path",
        )


def _is_our_directory(status: os.stat_result, user: Optional[SystemUser]) -> bool:
    """Tell whether it is a directory and no link, belongs to us, root or the user, and nobody else can write to it."""
    allowed = {0, os.geteuid()} | ({user.uid} if user else set())
    return stat.S_ISDIR(status.st_mode) and status.st_uid in allowed and not status.st_mode & 0o022


def _refuse_exchangeable(path: str) -> None:
    """Refuse, as root, to work below what somebody else could exchange between two calls. Raises work_directory."""
    if os.geteuid() != 0:
        return
    for start in (os.path.abspath(path), os.path.realpath(path)):
        above = start
        while above.strip("/"):  # two slashes at the front stay, and are a root too
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                status = os.lstat(above)
                everybody = (
                    stat.S_ISDIR(status.st_mode) and status.st_mode & 0o002 and not status.st_mode & stat.S_ISVTX
                )
                if status.st_uid != 0 or everybody:
                    raise RelocateError(
                        "work_directory",
                        "{0} is, or lies above, a directory that only root may replace".format(above),
                        "set relocate_directory to a path that only root can write, such as /var/lib/relocate",
                    )
            above = os.path.dirname(above)
