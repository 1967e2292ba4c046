# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the configuration of this host: a file that a user can write is read with his rights only.

Most of it is root's own, below /etc. Some is not: ``include /srv/shop/current/deploy/nginx.conf`` leads to where the
project's owner can exchange every name. So nothing here goes by path (``openat``), and what is read is limited.
"""

from __future__ import annotations

import fnmatch
import os
import posixpath
import stat
from typing import IO, Dict, Iterable, Iterator, List, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user

_SIZE = 1024 * 1024
_FILES = 4000
_MATCHES = 2000
_LINKS = 10
_STARS = 3  # in one component of a pattern: with more, Python 3.8 may try for ever


class ConfigFiles:
    """The configuration files of this host, each read once."""

    def __init__(self) -> None:
        self._texts: Dict[str, Optional[str]] = {}

    def text(self, path: str) -> Optional[str]:
        """Return the content of a regular file; None for one that is absent, too large, or may not be read."""
        if path not in self._texts:
            if len(self._texts) >= _FILES:
                return None
            self._texts[path] = self._read(path)
        return self._texts[path]

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
            target = os.path.join(os.path.dirname(found[-1]), os.readlink(found[-1]))
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
        makers = [_maker(above) for there in self.chain(path) for above in _upwards(there)]
        return [None, *dict.fromkeys(maker for maker in makers if maker is not None)]


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
