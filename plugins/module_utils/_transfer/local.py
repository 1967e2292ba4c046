# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A transfer within one machine, without rsync and SSH: the same requests, answered by copying files."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from typing import Mapping, Set

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import files
from ansible_collections.relocate.django.plugins.module_utils._host.tree import shown, walk
from ansible_collections.relocate.django.plugins.module_utils._progress import PROGRESS
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import MANIFEST
from ansible_collections.relocate.django.plugins.module_utils._transfer.rsync import DRY, KEEP, Moved, Request
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

_CHUNK = 1024 * 1024
_NEW = ".relocate-new"


class Copier:
    """Answers what rsync is asked on two machines.

    :param sources: the directory that each module of the daemon stands for: set, media
    """

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources

    def fetch(self, request: Request) -> Moved:
        """Bring what a request asks for, as its user. Raises file_missing, disk_full, transfer_failed."""
        name, _slash, inner = request.source.partition("/")
        source, target = self._sources[name], request.target.rstrip("/")
        moved = Moved(address="local")
        if not os.path.isdir(source):
            if name == "media" and not os.path.lexists(source):
                return moved  # nobody has uploaded anything yet
            raise RelocateError("file_missing", "{0} is not there".format(source), "correct old's directory")
        try:
            with acting_as(request.user):
                if inner:
                    paths = os.path.join(source, inner), os.path.join(target, inner)
                    _Copy(request, target, moved).file(*paths, 0o600, True)
                else:
                    _Copy(request, target, moved).tree(source)
        except FileNotFoundError as exc:
            raise RelocateError("file_missing", "{0} is not there".format(exc.filename), "back up again") from exc
        except OSError as exc:
            if exc.errno in (errno.ENOSPC, errno.EDQUOT):
                raise RelocateError("disk_full", "the disk is full", "free space there, then run again") from exc
            where = " ({0})".format(shown(str(exc.filename))) if exc.filename else ""
            msg = "copying failed: {0}{1}".format(exc.strerror or "OSError", where)
            raise RelocateError("transfer_failed", msg, "fix what the message names, then run again") from exc
        return moved


class _Copy:
    """One request at work on its target."""

    def __init__(self, request: Request, target: str, moved: Moved) -> None:
        self._request, self._target, self._moved = request, target, moved
        self._media = "--links" in request.options
        self._keep = KEEP in request.options
        self._dry = DRY in request.options

    def tree(self, source: str) -> None:
        """Copy a directory."""
        request = self._request
        seen: Set[bytes] = set()
        for found in walk(source, request.skip):
            if not self._media and found.name in (MANIFEST, MANIFEST + ".new"):
                continue
            path = os.path.join(self._target, found.name)
            mode = stat.S_IMODE(found.status.st_mode) & (0o777 if self._media else 0o700)
            if found.kind == "directory":
                self._directory(path, mode)
            elif found.kind == "file":
                self.file(os.path.join(source, found.name), path, mode, "--checksum" in request.options)
            elif found.kind == "link" and self._media:
                self._link(found.target, path)
            else:
                continue
            seen.add(os.fsencode(found.name))
        if "--delete-delay" in request.options:
            self._delete(seen)

    def _directory(self, path: str, mode: int) -> None:
        if os.path.isdir(path) and not os.path.islink(path):
            return
        self._moved.made += 1
        if self._dry:
            return
        self._clear(path)
        os.mkdir(path, 0o700)
        os.chmod(path, mode)  # whatever the umask

    def file(self, source: str, path: str, mode: int, always: bool) -> None:
        """Copy a file, unless it is there with the same size and time, or has vanished meanwhile."""
        try:
            handle = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            self._moved.vanished = True
            return
        with os.fdopen(handle, "rb") as stream:
            status, there = os.fstat(stream.fileno()), os.path.lexists(path)
            if there and (self._keep or (not always and _same(status, path))):
                return
            self._moved.made += not there
            self._moved.files += 1
            self._moved.size += status.st_size
            if self._dry:
                return
            temporary = os.path.join(os.path.dirname(path), _NEW)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            with files.created(temporary) as out:
                with PROGRESS.following(stream):
                    shutil.copyfileobj(stream, out, _CHUNK)
                os.fchmod(out.fileno(), mode)
            os.utime(temporary, ns=(status.st_mtime_ns, status.st_mtime_ns))
            if self._request.displaced or os.path.isdir(path):
                self._clear(path)
            os.replace(temporary, path)

    def _link(self, target: str, path: str) -> None:
        there = os.path.lexists(path)
        if there and (self._keep or (os.path.islink(path) and os.readlink(path) == target)):
            return
        self._moved.made += 1
        if not self._dry:
            self._clear(path)
            os.symlink(target, path)

    def _delete(self, seen: Set[bytes]) -> None:
        for found in reversed(list(walk(self._target, self._request.skip))):  # what is in a directory comes before it
            if os.fsencode(found.name) in seen or (not self._media and found.name == MANIFEST):
                continue
            if self._dry or self._remove(os.path.join(self._target, found.name), found.kind == "directory"):
                self._moved.deleted += 1

    def _clear(self, path: str) -> None:
        """Make room at a path: what is there is deleted, or put aside."""
        if not os.path.lexists(path):
            return
        if os.path.isdir(path) and not os.path.islink(path):
            for found in reversed(list(walk(path))):
                self._remove(os.path.join(path, found.name), found.kind == "directory")
            self._remove(path, True)
        else:
            self._remove(path, False)

    def _remove(self, path: str, directory: bool) -> bool:
        if directory:
            try:
                os.rmdir(path)
            except OSError as exc:
                if exc.errno != errno.ENOTEMPTY:
                    raise
                return False  # what was to be skipped is in it
        elif self._request.displaced:
            kept = os.path.join(self._request.displaced, os.path.relpath(path, self._target))
            os.makedirs(os.path.dirname(kept), 0o700, exist_ok=True)
            shutil.move(path, kept)
        else:
            os.unlink(path)
        return True


def _same(status: os.stat_result, path: str) -> bool:
    """Tell whether the file at a path has the size and time of another, as rsync's quick check asks."""
    found = os.lstat(path)
    times = found.st_mtime_ns, status.st_mtime_ns
    return stat.S_ISREG(found.st_mode) and found.st_size == status.st_size and times[0] == times[1]
