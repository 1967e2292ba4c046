# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the configuration of this host: a file that a user can write is read with his rights only.

Most of it is root's own, below /etc. Some is not: ``include /srv/shop/current/deploy/nginx.conf`` leads to where the
project's owner can exchange every name. So nothing here goes by path (``openat``), and what is read is limited.
"""

from __future__ import annotations

import fnmatch
import functools
import grp
import os
import posixpath
import pwd
import stat
from dataclasses import dataclass
from typing import IO, Dict, Iterable, Iterator, List, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as, lookup_user

_SIZE = 1024 * 1024
_MATCHES = 2000
_LINKS = 10
_STARS = 3  # in one component of a pattern: with more, Python 3.8 may try for ever
_ACL = "system.posix_acl_access"
_ANYBODY = "nobody"  # in whose name goes what several users can write


@dataclass(frozen=True)
class Limits:
    """Bounds what one reader keeps."""

    files: int
    size: int  # characters of all of them


_OF_ROOT = Limits(4000, 128 * 1024 * 1024)
_OF_A_USER = Limits(200, 4 * 1024 * 1024)


class ConfigFiles:
    """The configuration files of this host, each read once."""

    def __init__(self, limits: Limits = _OF_ROOT) -> None:
        self._texts: Dict[str, Optional[str]] = {}
        self._limits = limits
        self._size = 0
        self._users: Dict[int, ConfigFiles] = {}
        self._writers: Dict[str, str] = {}

    def as_user(self, user: SystemUser) -> ConfigFiles:
        """Return the files as a user may read them: with his rights, and within limits of his own."""
        if user.uid not in self._users:
            self._users[user.uid] = ReadableFiles(user)
        return self._users[user.uid]

    def text(self, path: str) -> Optional[str]:
        """Return the content of a regular file; None for one that is absent, too large, or may not be read."""
        if path not in self._texts:
            if len(self._texts) >= self._limits.files or self._size > self._limits.size:
                return self._too_many(path)
            self._texts[path] = self._read(path)
            self._size += len(self._texts[path] or "")
        return self._texts[path]

    def _too_many(self, path: str) -> Optional[str]:
        """Say that not all is read: who would go on without it would overlook what belongs to a site."""
        raise RelocateError(
            "program_failed",
            "the configuration of this host has more files than can be read: {0} is one too many".format(path),
            "look for a pattern in the configuration of systemd, cron, nginx or Apache that matches thousands of files",
        )

    def _read(self, path: str) -> Optional[str]:
        stream = self.open(path)
        if stream is None:
            return None
        with stream:
            data = stream.read(_SIZE + 1)
        return data.decode("utf-8", "surrogateescape") if len(data) <= _SIZE else None

    def open(self, path: str) -> Optional[IO[bytes]]:
        """Open a regular file for reading; None for one that is absent, or may not be read."""
        for owner in self._readers(path):
            try:
                return openat.open_file(path, owner)
            except (OSError, RelocateError, ValueError):
                continue
        return None

    def names(self, path: str) -> List[str]:
        """Return what a directory holds, sorted; nothing where that may not be read."""
        for owner in self._readers(path):
            try:
                with openat.directory(path, owner) as place:
                    return place.names()
            except (OSError, RelocateError, ValueError):
                continue
        return []

    def expand(self, pattern: str) -> List[str]:
        """Return the paths that an absolute pattern matches, sorted, as glob(3) does; of a plain path, itself."""
        if not _is_pattern(pattern):
            return [pattern]
        found = [""]
        for part in filter(None, pattern.split("/")):
            found = [path for base in found for path in self._below(base, part)][:_MATCHES]
        return sorted(filter(self.exists, found))

    def _below(self, base: str, part: str) -> List[str]:
        if not _is_pattern(part):
            return [base + "/" + part]
        if part.count("*") > _STARS:
            return []
        hidden = part.startswith(".")
        names = fnmatch.filter(self.names(base or "/"), part)
        return [base + "/" + name for name in names if hidden or not name.startswith(".")]

    def exists(self, path: str) -> bool:
        """Tell whether something has this path, be it a link that leads nowhere."""
        return os.path.lexists(path)

    def chain(self, path: str) -> Tuple[str, ...]:
        """Return a path and, where it is a link, what it leads to, one after the other."""
        found = [path]
        while os.path.islink(found[-1]) and len(found) <= _LINKS:
            try:
                target = os.path.join(os.path.dirname(found[-1]), os.readlink(found[-1]))
            except OSError:
                break  # it was a link a moment ago
            plain = os.path.normpath(target)
            following = plain if os.path.lexists(plain) else os.path.realpath(target)
            if following in found:
                break
            found.append(following)
        return tuple(found)

    def chains(self, paths: Iterable[str]) -> Tuple[str, ...]:
        """Return the chains of several paths, each path once."""
        return tuple(dict.fromkeys(found for path in paths for found in self.chain(path)))

    def _readers(self, path: str) -> List[Optional[SystemUser]]:
        """Return with whose rights to try: root's own, else those of whoever made a link on the way."""
        if not path.startswith("/") or "\0" in path:
            return []
        made = [_maker(above) for there in self.chain(path) for above in _upwards(there)]
        makers = dict.fromkeys(maker for maker in made if maker is not None)
        # Two users might each lead to what the other one may not read.
        return [None, *makers] if len(makers) == 1 else [None]

    def writer(self, path: str) -> str:
        """Return the user besides root who can say what a file holds, or exchange it; "" for nobody."""
        if os.geteuid() != 0 or not path.startswith("/"):
            return ""
        if path not in self._writers:
            self._writers[path] = next(filter(None, map(_writer, self._way(path))), "")
        return self._writers[path]

    def _way(self, path: str) -> List[str]:
        """Return every file, link and directory that decides what a path leads to, itself first."""
        links = self.chain(path)
        try:
            ends = (*links, *(os.path.realpath(os.path.dirname(item)) for item in links))
        except (OSError, ValueError):
            return []  # no file has such a name
        return list(dict.fromkeys(above for item in ends for above in _upwards(item)))


class ReadableFiles(ConfigFiles):
    """The configuration files of this host as a user may read them.

    Whoever writes a line of his crontab, or a unit of his own, chooses what is read next: that is done with his rights.
    """

    def __init__(self, user: SystemUser) -> None:
        super().__init__(_OF_A_USER)
        self._user = user

    def as_user(self, user: SystemUser) -> ConfigFiles:
        """Return these: what somebody's configuration leads to is read with his rights, not with another's."""
        return self

    def open(self, path: str) -> Optional[IO[bytes]]:
        """Open a regular file for reading; None for one that the user may not read."""
        with acting_as(self._user):
            return super().open(path)

    def names(self, path: str) -> List[str]:
        """Return what a directory holds, sorted; nothing where the user may not look."""
        with acting_as(self._user):
            return super().names(path)

    def exists(self, path: str) -> bool:
        """Tell whether something has this path, as far as the user can see."""
        with acting_as(self._user):
            return super().exists(path)

    def chain(self, path: str) -> Tuple[str, ...]:
        """Return a path and what it leads to, as far as the user can see."""
        with acting_as(self._user):
            return super().chain(path)

    def _too_many(self, path: str) -> Optional[str]:
        return None  # his own are enough for a site: what he names beyond that is not looked at

    def _readers(self, path: str) -> List[Optional[SystemUser]]:
        return [None] if path.startswith("/") and "\0" not in path else []


def _is_pattern(text: str) -> bool:
    return any(char in text for char in "*?[")


def _upwards(path: str) -> Iterator[str]:
    while len(path) > 1:
        yield path
        path = posixpath.dirname(path)


def _maker(path: str) -> Optional[SystemUser]:
    """Return the owner of a link that is not root's."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return lookup_user(status.st_uid) if status.st_uid != 0 and stat.S_ISLNK(status.st_mode) else None


def _writer(path: str) -> str:
    """Return a user besides root who can write a file, or exchange what lies in a directory; "" for nobody."""
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return ""
    if status.st_uid != 0:
        user = lookup_user(status.st_uid)
        return user.name if user is not None else str(status.st_uid)
    if stat.S_ISLNK(status.st_mode) or _is_sticky(status.st_mode):
        return ""
    if status.st_mode & stat.S_IWOTH:
        return _ANYBODY
    return _of_group(path, status.st_gid) if status.st_mode & stat.S_IWGRP else ""


def _is_sticky(mode: int) -> bool:
    """Tell whether it is a directory in which nobody can take the place of what is root's."""
    return stat.S_ISDIR(mode) and bool(mode & stat.S_ISVTX)


def _of_group(path: str, gid: int) -> str:
    return _member(gid) or (_ANYBODY if _has_access_list(path) else "")


@functools.lru_cache(maxsize=64)
def _member(gid: int) -> str:
    """Return a user besides root in a group; "" for none."""
    if gid == 0:
        return ""
    try:
        members = set(grp.getgrgid(gid).gr_mem) - {"root"}
    except KeyError:
        members = set()
    members.update(entry.pw_name for entry in pwd.getpwall() if entry.pw_gid == gid and entry.pw_uid != 0)
    return min(members, default="")


def _has_access_list(path: str) -> bool:
    try:
        return bool(os.getxattr(path, _ACL, follow_symlinks=False))
    except OSError:
        return False
