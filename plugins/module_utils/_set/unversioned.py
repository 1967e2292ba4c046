# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that git does not hold: into a backup set on old, to the same place with the same owner and mode on new."""

from __future__ import annotations

import errno
import fnmatch
import glob
import grp
import os
import pwd
import stat
from typing import Any, Collection, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import AS_ROOT, RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._set.directory import UNVERSIONED, BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import UnversionedFile

_LIMIT = 64 * 1024 * 1024  # bytes of one file: data belongs into MEDIA or the database


def absolute(paths: Sequence[str], project: str) -> List[str]:
    """The user's list with relative entries below the project. Raises path_refused for one that climbs out."""
    found = []
    for path in paths:
        full = os.path.normpath(os.path.join(project, path))
        if not os.path.isabs(path) and not full.startswith(project.rstrip("/") + "/"):
            raise RelocateError(
                "path_refused", "{0} leads out of the project".format(path), "write an absolute path in relocate_files"
            )
        found.append(full)
    return found


def expand(paths: Sequence[str], project: str, owner: Optional[SystemUser] = None) -> List[str]:
    """Every file and symbolic link that the list names: patterns expanded, directories walked, sorted.

    :param owner: of the project, with whose rights links of his are followed

    Raises path_refused naming *all* entries that match nothing.
    """
    found, missing = set(), []
    for entry in absolute(paths, project):
        matches = [entry] if _is_there(entry, owner) else sorted(_matching("/", _parts(entry), owner))
        if not matches:
            missing.append(entry)
        for match in matches:
            found.update(_walk(match, owner))
    if missing:
        raise RelocateError(
            "path_refused",
            "not on this host: {0}".format(", ".join(missing)),
            "correct relocate_files",
            {"missing": missing},
        )
    _refuse_behind_links(found, owner)
    return sorted(found)


def _refuse_behind_links(found: Collection[str], owner: Optional[SystemUser]) -> None:
    """On new the link would be made first, and what lies behind it could be put anywhere."""
    for path in sorted(found):
        above = os.path.dirname(path)
        while above not in ("", "/") and above not in found:
            above = os.path.dirname(above)
        if above in found:
            with openat.parent(path, owner) as (place, name):
                real = os.path.join(os.readlink("/proc/self/fd/{0}".format(place.handle)), name)
            raise RelocateError(
                "path_refused",
                "{0} lies behind the link {1}, and relocate_files lists both".format(path, above),
                "name {0} in relocate_files in place of {1}".format(real, path),
            )


def _parts(path: str) -> List[str]:
    return [part for part in path.split("/") if part]


def _is_there(path: str, owner: Optional[SystemUser]) -> bool:
    try:
        with openat.parent(path, owner) as (place, name):
            place.lstat(name)
        return True
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as exc:
        raise _unreadable(path, exc) from exc


def _matching(base: str, parts: Sequence[str], owner: Optional[SystemUser]) -> Iterator[str]:
    """Return what a pattern matches below a directory, as glob has it."""
    if not parts:
        if _is_there(base, owner):
            yield base
        return
    part, rest = parts[0], parts[1:]
    if not glob.has_magic(part):
        yield from _matching(os.path.join(base, part), rest, owner)
        return
    try:
        with openat.directory(base, owner) as place:
            names = place.names()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as exc:
        raise _unreadable(base, exc) from exc
    for name in names:
        if fnmatch.fnmatchcase(name, part) and (part.startswith(".") or not name.startswith(".")):
            yield from _matching(os.path.join(base, name), rest, owner)


def _walk(path: str, owner: Optional[SystemUser]) -> List[str]:
    """A file or link, or all of them below a directory; each directory is reached anew, and no link in it followed."""
    try:
        with openat.parent(path, owner) as (place, name):
            if not stat.S_ISDIR(place.lstat(name).st_mode):
                return [path]
        with openat.directory(path, owner) as place:
            names = place.names()
    except FileNotFoundError:  # removed meanwhile
        return []
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    return [each for name in names for each in _walk(os.path.join(path, name), owner)]


def _unreadable(path: str, exc: OSError) -> RelocateError:
    hint = (
        "let the project's owner read it, or list it in relocate_files where it really lies"
        if os.geteuid() == 0
        else AS_ROOT
    )
    return RelocateError("path_refused", "{0} cannot be read: {1}".format(path, exc.strerror), hint)


def capture(
    backup: BackupSet, paths: Sequence[str], project: str, owner: Optional[SystemUser] = None
) -> Tuple[UnversionedFile, ...]:
    """Copy the files into the set, numbered; symbolic links are noted only. Replaces an earlier capture.

    Owner, group and mode are of the very file that was read: its name may mean another one a moment later.
    """
    for name in os.listdir(backup.file(UNVERSIONED)):
        os.unlink(backup.file(UNVERSIONED + "/" + name))
    entries = []
    for number, path in enumerate(expand(paths, project, owner)):
        content, status, target = look_at(path, owner)
        who = name_of(pwd.getpwuid, status.st_uid), name_of(grp.getgrgid, status.st_gid)
        if content is None:
            entries.append(UnversionedFile(path, "", 0o777, who[0], who[1], target))
            continue
        stored = "{0}/{1:04d}".format(UNVERSIONED, number)
        with open(backup.file(stored), "xb", opener=_private) as stream:
            stream.write(content)
        entries.append(UnversionedFile(path, stored, stat.S_IMODE(status.st_mode), who[0], who[1]))
    return tuple(entries)


def look_at(path: str, owner: Optional[SystemUser]) -> Tuple[Optional[bytes], os.stat_result, str]:
    """Content and status of a file; of a link its status and target, and no content."""
    try:
        with openat.parent(path, owner) as (place, name):
            status = place.lstat(name)
            if stat.S_ISLNK(status.st_mode):
                return None, status, place.readlink(name)
            return content_of(place, name, path) + ("",)
    except OSError as exc:
        raise _unreadable(path, exc) from exc


def content_of(place: openat.Place, name: str, path: str) -> Tuple[bytes, os.stat_result]:
    """Read a file through its open directory; returns its content and what fstat says."""
    refused = RelocateError(
        "path_refused",
        "{0} is not a regular file of 64 MiB at most".format(path),
        "leave it out of relocate_files; MEDIA and databases travel by themselves",
    )
    try:
        handle = openat.open_or_root(place, name)
    except OSError as exc:
        if exc.errno in (errno.ELOOP, errno.ENXIO):  # a link, a socket
            raise refused from exc
        raise
    status = os.fstat(handle)
    content = openat.read_limited(handle, _LIMIT)
    if content is None:
        raise refused
    return content, status


def read_plain(path: str, owner: Optional[SystemUser] = None) -> bytes:
    """The content of a regular file; path_refused for anything else or for more than 64 MiB. Raises OSError."""
    with openat.parent(path, owner) as (place, name):
        return content_of(place, name, path)[0]


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def name_of(lookup: Any, number: int) -> str:
    """Return the name of a user or group, or its number where it has none."""
    try:
        return str(lookup(number)[0])
    except KeyError:
        return str(number)
