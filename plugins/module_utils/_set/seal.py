# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of a set that others have written, or may read: what is hashed is what stays.

The project's owner makes the dumps, so he may keep a handle on one and write to it after it was given to root. The
kernel knows: a read lease is granted on a file that nobody has open for writing, and on no other. Where it refuses, the
content is copied to a file that no handle of his reaches.

Dumps are lent for reading alone, by an access list: they stay root's, so that nobody changes what has been verified.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import grp
import hashlib
import os
import pwd
import signal
import stat
import struct
from typing import Iterator, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import files
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._progress import PROGRESS

_CHUNK = 1024 * 1024
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = ".relocate-sealed"

# --- writers


@contextlib.contextmanager
def leases() -> Iterator[None]:
    """Around all calls of :func:`sealed`: who opens a leased file for writing makes the kernel send a signal."""
    try:
        before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    except ValueError:  # not the main thread: nobody but root could open these files now
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGIO, before)


def sealed(path: str) -> Tuple[int, str]:
    """Size and sha256 of a file that nobody can write to any more but root; it is copied when somebody still could.

    The file and its directory are root's already, so that nobody opens it anew.
    Raises path_refused for what is no plain file of one name.
    """
    handle = os.open(path, _READ)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise RelocateError(
                "path_refused",
                "{0} is not a plain file, or has a second name (hard link)".format(path),
                "remove it, and try again",
            )
        if not _lease(handle, fcntl.F_RDLCK):
            return _copied(handle, path)
        try:
            found = hashed(handle)
            os.fsync(handle)
            if fcntl.fcntl(handle, fcntl.F_GETLEASE) == fcntl.F_RDLCK:
                return found
        finally:
            _lease(handle, fcntl.F_UNLCK)
        return _copied(handle, path)
    finally:
        os.close(handle)


def _lease(handle: int, kind: int) -> bool:
    try:
        fcntl.fcntl(handle, fcntl.F_SETLEASE, kind)
    except OSError:  # somebody writes; or the file system knows no leases
        return False
    return True


def hashed(handle: int, target: int = -1) -> Tuple[int, str]:
    """Size and sha256 of what was read, and written to the target."""
    digest, size = hashlib.sha256(), 0
    os.lseek(handle, 0, os.SEEK_SET)
    for chunk in iter(lambda: os.read(handle, _CHUNK), b""):
        digest.update(chunk)  # drops the interpreter's lock: files are hashed in parallel
        size += len(chunk)
        PROGRESS.add(len(chunk))
        view = memoryview(chunk)
        while target >= 0 and view:
            view = view[os.write(target, view) :]
    return size, digest.hexdigest()


def _copied(handle: int, path: str) -> Tuple[int, str]:
    """Put a copy in the place of the file, hashed as it is written."""
    with files.replaced(path, path + _NEW) as stream:
        return hashed(handle, stream.fileno())


# --- readers

_ACL = "system.posix_acl_access"
_NOBODY = 0xFFFFFFFF


def take(handle: int, below: bool = True) -> None:
    """Make an open directory root's alone, and all that is below it.

    By handles, and the directory before what is in it: its former owner may have put links there.
    """
    _grant(handle, 0o700, None)
    for child, is_directory in _children(handle) if below else ():
        if is_directory:
            take(child)
        else:
            _grant(child, 0o600, None)


def lend(handle: int, user: SystemUser) -> None:
    """Let a user read an open directory that is root's, and all that is below it. He cannot write, nor pass it on.

    Raises work_directory where the file system cannot do that.
    """
    for child, is_directory in _children(handle):
        if is_directory:
            lend(child, user)
        else:
            _grant(child, 0o600, user)
    _grant(handle, 0o700, user)


def _children(handle: int) -> Iterator[Tuple[int, bool]]:
    """Open every file and directory that has one place only; a link or a socket is no file of a set."""
    for name in os.listdir(handle):
        try:
            child = os.open(name, _READ, dir_fd=handle)
        except OSError:
            continue
        try:
            status = os.fstat(child)
            is_directory = stat.S_ISDIR(status.st_mode)
            if is_directory or (stat.S_ISREG(status.st_mode) and status.st_nlink == 1):
                yield child, is_directory
        finally:
            os.close(child)


def _grant(handle: int, mode: int, user: Optional[SystemUser]) -> None:
    """Root's, of this mode; and readable for the user besides, when there is one."""
    os.fchown(handle, 0, 0)
    try:
        os.removexattr(handle, _ACL)
    except OSError as exc:
        if exc.errno not in (errno.ENODATA, errno.ENOTSUP):
            raise
    os.fchmod(handle, mode)
    if user is None:
        return
    try:
        os.setxattr(handle, _ACL, access_list(mode, user.uid))
    except OSError as exc:
        if exc.errno != errno.ENOTSUP:
            raise
        if not _alone(user):
            raise RelocateError(
                "work_directory",
                "the backup set's file system knows no access lists, and the group of {0} has other members".format(
                    user.name
                ),
                "give that user a group of its own, or set relocate_directory to another file system",
            ) from exc
        os.fchown(handle, 0, user.gid)
        os.fchmod(handle, mode | (mode & 0o500) >> 3)


def access_list(mode: int, uid: int) -> bytes:
    """The kernel's form of an access list: the mode for root, reading (and entering) for one user, nobody else."""
    read = (mode & 0o500) >> 6
    rows = [(0x01, mode >> 6, _NOBODY), (0x02, read, uid), (0x04, 0, _NOBODY), (0x10, read, _NOBODY)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *row) for row in [*rows, (0x20, 0, _NOBODY)])


def _alone(user: SystemUser) -> bool:
    """Tell whether nobody else is in the user's group."""
    try:
        members = set(grp.getgrgid(user.gid).gr_mem)
    except KeyError:
        members = set()
    members |= {item.pw_name for item in pwd.getpwall() if item.pw_gid == user.gid}
    return members <= {user.name}


def files_below(directory: str) -> Iterator[str]:
    """Relative paths of all files of a set. Raises path_refused for what is neither file nor directory."""
    for top, directories, names in os.walk(directory):
        for name in sorted(directories + names):
            path = os.path.join(top, name)
            mode = os.lstat(path).st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                raise RelocateError("path_refused", "{0} is neither file nor directory".format(path), "remove it")
        for name in names:
            yield os.path.relpath(os.path.join(top, name), directory)


def check_owned(path: str) -> None:
    """Refuse a set of which something is not root's alone, such as one that a user has brought."""
    for top, _directories, names in os.walk(path) if os.geteuid() == 0 else ():
        for each in (top, *(os.path.join(top, name) for name in names)):
            status = os.lstat(each)
            if status.st_uid != 0 or (status.st_mode & 0o022 and not stat.S_ISLNK(status.st_mode)):
                raise RelocateError(
                    "path_refused",
                    "{0} can be changed by somebody else than root, whatever its digest was before".format(each),
                    "chown -R root:root {0}, and chmod -R go-w it".format(path),
                )
