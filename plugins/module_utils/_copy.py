# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A transfer within one machine, without rsync and SSH: the same requests, answered by copying files."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from dataclasses import dataclass
from typing import Mapping, Optional, Set

from ansible_collections.relocate.django.plugins.module_utils._backup_set import MANIFEST
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._transfer import Moved, Request
from ansible_collections.relocate.django.plugins.module_utils._tree import walk

_CHUNK = 1024 * 1024
_NEW = ".relocate-new"


@dataclass(frozen=True)
class Ids:
    """Whom copied files belong to."""

    uid: int
    gid: int


class Copier:
    """Answers what rsync is asked on two machines.

    :param sources: the directory that each module of the daemon stands for: set, media
    :param ids: whom files belong to; None leaves them to this process
    """

    def __init__(self, sources: Mapping[str, str], ids: Optional[Ids] = None) -> None:
        self._sources, self._ids = sources, ids

    def fetch(self, request: Request) -> Moved:
        """Bring what a request asks for. Raises file_missing, disk_full, transfer_failed."""
        name, _slash, inner = request.source.partition("/")
        source, target = self._sources[name], request.target.rstrip("/")
        moved = Moved(address="local")
        if not os.path.isdir(source):
            raise RelocateError("file_missing", "{0} is not there".format(source), "name the directory of the old side")
        try:
            if inner:
                self._file(os.path.join(source, inner), os.path.join(target, inner), 0o600, moved, True)
            else:
                self._tree(source, target, request, moved)
        except FileNotFoundError as exc:
            raise RelocateError("file_missing", "{0} is not there".format(exc.filename), "back up again") from exc
        except OSError as exc:
            if exc.errno in (28, 122):
                raise RelocateError("disk_full", "the disk is full", "make room, then run again") from exc
            raise RelocateError("transfer_failed", "copying failed: {0}".format(exc.strerror or "OSError")) from exc
        return moved

    def _tree(self, source: str, target: str, request: Request, moved: Moved) -> None:
        media = "--links" in request.options
        seen: Set[bytes] = set()
        for found in walk(source):
            if not media and found.name in (MANIFEST, MANIFEST + ".new"):
                continue
            path = os.path.join(target, found.name)
            mode = stat.S_IMODE(found.status.st_mode) & (0o777 if media else 0o700)
            if found.kind == "directory":
                self._directory(path, mode, moved)
            elif found.kind == "file":
                self._file(os.path.join(source, found.name), path, mode, moved, "--checksum" in request.options)
            elif found.kind == "link" and media:
                self._link(found.target, path, moved)
            else:
                continue
            seen.add(os.fsencode(found.name))
        if "--delete-delay" in request.options:
            self._delete(target, seen, moved, media)

    def _directory(self, path: str, mode: int, moved: Moved) -> None:
        if os.path.islink(path) or os.path.isfile(path):
            os.unlink(path)
        if not os.path.isdir(path):
            os.mkdir(path, mode)
            self._give(path)
            moved.made += 1

    def _file(self, source: str, path: str, mode: int, moved: Moved, always: bool) -> None:
        with os.fdopen(os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as stream:
            status = os.fstat(stream.fileno())
            if not always and _same(status, path):
                return
            temporary = os.path.join(os.path.dirname(path), _NEW)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            moved.made += not os.path.lexists(path)
            with os.fdopen(os.open(temporary, flags, 0o600), "wb") as out:
                shutil.copyfileobj(stream, out, _CHUNK)
                os.fchmod(out.fileno(), mode)
                if self._ids is not None:
                    os.fchown(out.fileno(), self._ids.uid, self._ids.gid)
            os.utime(temporary, ns=(status.st_mtime_ns, status.st_mtime_ns))
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            os.replace(temporary, path)
            moved.files += 1
            moved.size += status.st_size

    def _link(self, target: str, path: str, moved: Moved) -> None:
        if os.path.islink(path) and os.readlink(path) == target:
            return
        if os.path.lexists(path):
            shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
        os.symlink(target, path)
        self._give(path)
        moved.made += 1

    def _give(self, path: str) -> None:
        if self._ids is not None:
            os.lchown(path, self._ids.uid, self._ids.gid)

    def _delete(self, target: str, seen: Set[bytes], moved: Moved, media: bool) -> None:
        for found in list(walk(target)):
            path = os.path.join(target, found.name)
            if os.fsencode(found.name) in seen or (not media and found.name == MANIFEST) or not os.path.lexists(path):
                continue
            shutil.rmtree(path) if found.kind == "directory" else os.unlink(path)
            moved.deleted += 1


def _same(status: os.stat_result, path: str) -> bool:
    """Whether the file at a path has the size and time of another, as rsync's quick check asks."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    times = int(found.st_mtime), int(status.st_mtime)
    return stat.S_ISREG(found.st_mode) and found.st_size == status.st_size and times[0] == times[1]
