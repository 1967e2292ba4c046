# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reaching a file that lies where somebody else can write: one component at a time, by descriptor, with whose rights.

Root can be led astray by path: below a directory that somebody else can write, each name may become a link between two
calls. A :class:`Place` is an open directory, and the user with whose rights what lies in it is touched:

- only root can write on the whole way: this process itself, following root's own links;
- somebody else can: the one who can write that directory, and no link is followed with root's rights;
- a link that somebody else could have changed led there: the project's owner, who can go there only by himself.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import grp
import os
import pwd
import stat
from dataclasses import dataclass
from typing import IO, Iterator, List, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as, lookup_user

_LINKS = 40  # as many as the kernel follows
_PATH = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
DIRECTORY_ONLY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PLAIN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_ACL = "system.posix_acl_access"


@dataclass(frozen=True)
class Rights:
    """The owner, group and mode that a directory gets. ``uid`` and ``gid`` of -1 leave it to whoever makes it."""

    uid: int = -1
    gid: int = -1
    mode: int = 0o755


@dataclass(frozen=True)
class Place:
    """An open directory. Its methods take one name, follow no link, and raise OSError.

    :param handle: for ``dir_fd``; only good for reaching what is in it
    :param user: with whose rights that is done; None means this process's own
    :param led: a link that somebody else could have changed led here
    """

    handle: int
    user: Optional[SystemUser]
    led: bool

    def open(self, name: str, flags: int = os.O_RDONLY, mode: int = 0o600) -> int:
        """Open what has this name, as ``os.open``."""
        with acting_as(self.user):
            return os.open(_one(name), flags | _PLAIN, mode, dir_fd=self.handle)

    def created(self, name: str) -> IO[bytes]:
        """Make a file that is not there yet and open it; whatever has the name is refused (FileExistsError)."""
        return os.fdopen(self.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY), "wb")

    def lstat(self, name: str) -> os.stat_result:
        """As ``os.lstat``."""
        with acting_as(self.user):
            return os.lstat(_one(name), dir_fd=self.handle)

    def readlink(self, name: str) -> str:
        """As ``os.readlink``."""
        with acting_as(self.user):
            return os.readlink(_one(name), dir_fd=self.handle)

    def names(self) -> List[str]:
        """Return what is in it, sorted."""
        with acting_as(self.user):
            handle = os.open(".", DIRECTORY_ONLY, dir_fd=self.handle)
            try:
                return sorted(os.listdir(handle))
            finally:
                os.close(handle)

    def unlink(self, name: str) -> None:
        """As ``os.unlink``."""
        with acting_as(self.user):
            os.unlink(_one(name), dir_fd=self.handle)

    def symlink(self, target: str, name: str) -> None:
        """As ``os.symlink``."""
        with acting_as(self.user):
            os.symlink(target, _one(name), dir_fd=self.handle)

    def rmdir(self, name: str) -> None:
        """As ``os.rmdir``."""
        with acting_as(self.user):
            os.rmdir(_one(name), dir_fd=self.handle)

    def sync(self) -> None:
        """Make what was renamed in it durable."""
        with acting_as(self.user):
            handle = os.open(".", DIRECTORY_ONLY, dir_fd=self.handle)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def replace(self, name: str, other: str) -> None:
        """Give what has one name another one, as ``os.replace``."""
        with acting_as(self.user):
            os.replace(_one(name), _one(other), src_dir_fd=self.handle, dst_dir_fd=self.handle)


def _one(name: str) -> str:
    if not name or "/" in name or name in (".", ".."):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), name)
    return name


def _others_write(handle: int) -> bool:
    """Tell whether an open directory can be written by anybody besides root.

    Where there is an access list, the mode's bits of the group are a bound on what it grants to others.
    """
    status = os.fstat(handle)
    if status.st_uid != 0 or status.st_mode & stat.S_IWOTH:
        return True
    return bool(status.st_mode & stat.S_IWGRP) and (_has_members(status.st_gid) or _has_access_list(handle))


def _has_access_list(handle: int) -> bool:
    try:
        return bool(os.getxattr("/proc/self/fd/{0}".format(handle), _ACL))
    except OSError as exc:
        return exc.errno not in (errno.ENODATA, errno.ENOTSUP)


@functools.lru_cache(maxsize=64)
def _has_members(gid: int) -> bool:
    """Tell whether a group holds anybody besides root, such as Debian's ``staff`` of /usr/local seldom does."""
    if gid == 0:
        return False
    try:
        members = set(grp.getgrgid(gid).gr_mem) - {"root"}
    except KeyError:
        members = set()
    return bool(members) or any(entry.pw_gid == gid and entry.pw_uid != 0 for entry in pwd.getpwall())


class _Walk:
    """On the way to a place. ``handle`` is where it has come to, ``name`` a last component that is no directory."""

    def __init__(self, owner: Optional[SystemUser]) -> None:
        self._root = os.geteuid() == 0  # nobody else has rights to lend, or to be led astray with
        self._owner = owner
        self._links = 0
        self._trusted = True
        self.led = False
        self.name = ""
        self.handle = os.open("/", _PATH)

    def close(self) -> None:
        os.close(self.handle)

    def go(self, path: str, last: str) -> None:
        """Follow an absolute path.

        :param last: what becomes of its last component: ``enter`` the directory, ``stop`` before it, or ``follow`` it
            when it is a link and stop before what it leads to
        """
        pending = _parts(path)[::-1]
        while pending:
            part = pending.pop()
            if last != "enter" and not pending and part != "..":
                target = self._target(part) if last == "follow" else None
                if target is None:
                    self.name = part
                    return
            else:
                target = self._enter(part)
            if target is not None:
                if target.startswith("/"):
                    self._exchange(os.open("/", _PATH))
                pending += _parts(target)[::-1]

    @property
    def trusted(self) -> bool:
        """Tell whether nobody but root could have made the way lead elsewhere, or can write where it has come to."""
        return self._trusted or not self._root

    def place(self) -> Place:
        """Return where it has come to, for as long as the walk is open."""
        return Place(self.handle, self._writer(), self.led)

    def _exchange(self, handle: int) -> None:
        os.close(self.handle)
        self.handle = handle

    def _enter(self, part: str) -> Optional[str]:
        """Go into a directory; where a link is in its place, its target."""
        try:
            with acting_as(self._follower()):
                found = os.open(part, _PATH, dir_fd=self.handle)
        except OSError as exc:
            if exc.errno not in (errno.ELOOP, errno.ENOTDIR):
                raise OSError(exc.errno, exc.strerror, part) from None
            target = self._target(part)
            if target is None:
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), part) from None
            return target
        self._exchange(found)
        # In a sticky directory of root's nobody can take the place of what is root's.
        self._trusted = self._trusted and (not _others_write(found) or _sticky(os.fstat(found)))
        return None

    def _target(self, part: str) -> Optional[str]:
        """The target of a link; None for anything else, absent or not."""
        with acting_as(self._follower()):
            try:
                status = os.lstat(part, dir_fd=self.handle)
            except FileNotFoundError:
                return None
            if not stat.S_ISLNK(status.st_mode):
                return None
            target = os.readlink(part, dir_fd=self.handle)
        self._links += 1
        if self._links > _LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), part)
        if self._root and not (self._trusted and status.st_uid == 0):
            self._be_led(part)
        return target

    def _be_led(self, part: str) -> None:
        if self._owner is None or self._owner.uid == 0:
            raise RelocateError(
                "path_refused",
                "{0} is a link that users other than root can change".format(part),
                "name the file that it leads to, or give the directories above it to root",
            )
        self.led = True

    def _follower(self) -> Optional[SystemUser]:
        return self._owner if self.led else None

    def _writer(self) -> Optional[SystemUser]:
        if not self._root:
            return None
        if self.led:
            return self._owner
        if not _others_write(self.handle):
            return None
        status = os.fstat(self.handle)
        if status.st_uid == 0 or (self._owner is not None and status.st_uid == self._owner.uid):
            return self._owner
        writer = lookup_user(status.st_uid)
        if writer is None:
            raise RelocateError(
                "path_refused",
                "a directory belongs to uid {0}, which is no user of this host".format(status.st_uid),
                "give it to root or to the project's owner",
            )
        return writer


def _sticky(status: os.stat_result) -> bool:
    return status.st_uid == 0 and bool(status.st_mode & stat.S_ISVTX)


def _parts(path: str) -> List[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


@contextlib.contextmanager
def directory(path: str, owner: Optional[SystemUser]) -> Iterator[Place]:
    """Open a directory by its absolute path, following links as far as the rule allows.

    :param owner: of the project; None leaves links alone that somebody besides root can change

    Raises OSError, path_refused.
    """
    walk = _Walk(owner)
    try:
        walk.go(path, "enter")
        yield walk.place()
    finally:
        walk.close()


@contextlib.contextmanager
def parent(path: str, owner: Optional[SystemUser], follow: bool = False) -> Iterator[Tuple[Place, str]]:
    """Open the directory that a file lies in, or is to lie in; gives the file's name too.

    :param follow: when the path is a link itself, the place and name of what it leads to

    Raises OSError, path_refused.
    """
    walk = _Walk(owner)
    try:
        walk.go(path, "follow" if follow else "stop")
        yield walk.place(), _one(walk.name)
    finally:
        walk.close()


def check_work(path: str) -> None:
    """Refuse a work directory that somebody else than root could exchange, or fill: root goes there by path.

    :param path: need not be there yet. Raises work_directory.
    """
    if not os.path.isabs(path):
        raise RelocateError(
            "work_directory",
            "{0!r} is not an absolute path".format(path),
            "set relocate_directory to a directory of root's, such as /var/lib/relocate",
        )
    there = os.path.normpath(path)
    while not os.path.lexists(there):
        there = os.path.dirname(there)
    walk = _Walk(None)
    try:
        walk.go(there, "enter")
        trusted = walk.trusted
    except OSError:
        return  # whoever uses it says so
    except RelocateError:
        trusted = False
    finally:
        walk.close()
    if not trusted:
        raise RelocateError(
            "work_directory",
            "{0} lies where users other than root can write".format(path),
            "set relocate_directory to a path that only root can write, such as /var/lib/relocate",
        )


def open_file(path: str, owner: Optional[SystemUser]) -> IO[bytes]:
    """Open a regular file for reading, following links as far as the rule allows. Raises OSError, path_refused."""
    with parent(path, owner, follow=True) as (place, name):
        handle = place.open(name)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return os.fdopen(handle, "rb")


def open_or_root(place: Place, name: str) -> int:
    """Open a file for reading, with root's rights where its directory's user may not read it.

    No link led here, so it lies where it was named, and it has no second name elsewhere. What is done with the content
    must not show it to anybody who could not read the file. Raises OSError.
    """
    try:
        return place.open(name)
    except PermissionError:
        if place.user is None or place.led:
            raise
    handle = os.open(_one(name), os.O_RDONLY | _PLAIN, dir_fd=place.handle)
    if os.fstat(handle).st_nlink != 1:
        os.close(handle)
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), name)
    return handle


def read_limited(handle: int, limit: int) -> Optional[bytes]:
    """The content of an open regular file, which is closed; None for anything else, or for more than the limit."""
    with os.fdopen(handle, "rb") as stream:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
            return None
        data = stream.read(limit + 1)
        return data if len(data) <= limit else None


# --- making directories
