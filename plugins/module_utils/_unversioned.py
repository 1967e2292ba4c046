# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that git does not hold: into a backup set on old, to the same place with the same owner and mode on new."""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import glob
import grp
import os
import pwd
import stat
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils import _openat
from ansible_collections.relocate.django.plugins.module_utils._backup_set import (
    UNVERSIONED,
    BackupSet,
    UnversionedFile,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import AS_ROOT, RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import Directory, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._openat import Rights
from ansible_collections.relocate.django.plugins.module_utils._parents import rights_of
from ansible_collections.relocate.django.plugins.module_utils._project import env_files
from ansible_collections.relocate.django.plugins.module_utils._relocation import STAYS, Relocation

_LIMIT = 64 * 1024 * 1024  # bytes of one file: data belongs into MEDIA or the database


@dataclass(frozen=True)
class Placement:
    """A file as it is to be on this host."""

    path: str
    content: bytes
    mode: int
    owner: str
    group: str
    link: str = ""
    named: str = ""  # what of the path the user named; the rest is the set's word


def absolute(paths: Sequence[str], project: str) -> List[str]:
    """The user's list with relative entries below the project. Raises path_refused for one that climbs out."""
    found = []
    for path in paths:
        full = os.path.normpath(os.path.join(project, path))
        if not os.path.isabs(path) and not full.startswith(project.rstrip("/") + "/"):
            raise RelocateError("path_refused", "{0} leads out of the project".format(path), "give an absolute path")
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
    return sorted(found)


def _parts(path: str) -> List[str]:
    return [part for part in path.split("/") if part]


def _is_there(path: str, owner: Optional[SystemUser]) -> bool:
    try:
        with _openat.parent(path, owner) as (place, name):
            place.lstat(name)
        return True
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as exc:
        raise _unreadable(path, exc) from exc


def _matching(base: str, parts: Sequence[str], owner: Optional[SystemUser]) -> Iterator[str]:
    """What a pattern matches below a directory, as glob has it."""
    if not parts:
        if _is_there(base, owner):
            yield base
        return
    part, rest = parts[0], parts[1:]
    if not glob.has_magic(part):
        yield from _matching(os.path.join(base, part), rest, owner)
        return
    try:
        with _openat.directory(base, owner) as place:
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
        with _openat.parent(path, owner) as (place, name):
            if not stat.S_ISDIR(place.lstat(name).st_mode):
                return [path]
        with _openat.directory(path, owner) as place:
            names = place.names()
    except FileNotFoundError:  # removed meanwhile
        return []
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    return [each for name in names for each in _walk(os.path.join(path, name), owner)]


def _unreadable(path: str, exc: OSError) -> RelocateError:
    hint = "let the project's owner read it, or name it where it really lies" if os.geteuid() == 0 else AS_ROOT
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
        content, status, target = _look(path, owner)
        who = _name(pwd.getpwuid, status.st_uid), _name(grp.getgrgid, status.st_gid)
        if content is None:
            entries.append(UnversionedFile(path, "", 0o777, who[0], who[1], target))
            continue
        stored = "{0}/{1:04d}".format(UNVERSIONED, number)
        with open(backup.file(stored), "xb", opener=_private) as stream:
            stream.write(content)
        entries.append(UnversionedFile(path, stored, stat.S_IMODE(status.st_mode), who[0], who[1]))
    return tuple(entries)


def _look(path: str, owner: Optional[SystemUser]) -> Tuple[Optional[bytes], os.stat_result, str]:
    """Content and status of a file; of a link its status and target, and no content."""
    try:
        with _openat.parent(path, owner) as (place, name):
            status = place.lstat(name)
            if stat.S_ISLNK(status.st_mode):
                return None, status, place.readlink(name)
            return _content(place, name, path) + ("",)
    except OSError as exc:
        raise _unreadable(path, exc) from exc


def _content(place: _openat.Place, name: str, path: str) -> Tuple[bytes, os.stat_result]:
    refused = RelocateError(
        "path_refused",
        "{0} is not a regular file of 64 MiB at most".format(path),
        "leave it out of relocate_files; MEDIA and databases travel by themselves",
    )
    try:
        handle = _openat.open_or_root(place, name)
    except OSError as exc:
        if exc.errno in (errno.ELOOP, errno.ENXIO):  # a link, a socket
            raise refused from exc
        raise
    status = os.fstat(handle)
    content = _openat.read_limited(handle, _LIMIT)
    if content is None:
        raise refused
    return content, status


def read_plain(path: str, owner: Optional[SystemUser] = None) -> bytes:
    """The content of a regular file; path_refused for anything else or for more than 64 MiB. Raises OSError."""
    with _openat.parent(path, owner) as (place, name):
        return _content(place, name, path)[0]


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _name(lookup: Any, number: int) -> str:
    try:
        return str(lookup(number)[0])
    except KeyError:
        return str(number)


def plan(
    backup: BackupSet,
    entries: Sequence[UnversionedFile],
    allowed: Sequence[str],
    overrides: Mapping[str, Mapping[str, str]],
    project: str,
    relocation: Relocation = STAYS,
    named: Relocation = STAYS,
) -> List[Placement]:
    """What is to be on this host, overrides applied.

    :param allowed: the user's own list; a manifest cannot plant a file that the user did not name
    :param overrides: env file (absolute or relative to the project) -> variables to set in it
    :param relocation: where the project was and is, as the set has it: where its files belong
    :param named: the same as the user has it: what his absolute paths mean here. A set has no say in that.
    """
    wanted = {named.path(absolute([path], project)[0]): values for path, values in overrides.items()}
    here = [relocation.path(entry.path) for entry in entries]
    unknown = sorted(set(wanted) - set(here))
    if unknown:
        raise RelocateError(
            "bad_option",
            "overrides for files that do not travel: {0}".format(", ".join(unknown)),
            "name them in relocate_files too",
        )
    patterns = absolute(allowed, project)
    patterns += [named.path(pattern) for pattern in patterns]
    _check_named(here, patterns)
    _check_links(here, entries)
    carried = {above for entry in entries for above in _upwards(entry.path)}
    placements = []
    for entry, path in zip(entries, here):
        content = b"" if entry.link else read_plain(backup.check_file(entry.stored))
        if path in wanted:
            text = content.decode("utf-8", "surrogateescape")
            content = env_files.override(text, wanted[path]).encode("utf-8", "surrogateescape")
        mode = entry.mode & 0o777  # no file of settings is setuid
        link = relocation.link(entry.path, entry.link, carried) if entry.link else ""
        above = _named_part(path, patterns)
        placements.append(Placement(path, content, mode, entry.owner, entry.group, link, above))
    return placements


def _check_named(paths: Sequence[str], patterns: Sequence[str]) -> None:
    met = set()
    for path in paths:
        if not any(_matches(path, pattern) for pattern in patterns):
            raise RelocateError(
                "path_refused",
                "{0} is in the set but not in relocate_files".format(path),
                "name it there, relative to the project where it lies below, or back up again",
            )
        if path in met:
            raise RelocateError(
                "path_refused",
                "two files of the set would be {0} on this host".format(path),
                "name only one of them in relocate_files, and back up again",
            )
        met.add(path)


def _check_links(paths: Sequence[str], entries: Sequence[UnversionedFile]) -> None:
    """Refuse a set that says where a directory leads, and what lies there: no capture looks behind a link."""
    links = {path for path, entry in zip(paths, entries) if entry.link}
    for path in paths:
        if not links.isdisjoint(_upwards(os.path.dirname(path))):
            raise RelocateError(
                "path_refused", "{0} lies behind a link of the set".format(path), "back up again, or take another set"
            )


def _named_part(path: str, patterns: Sequence[str]) -> str:
    """What of a path the user named, at the most."""
    parts = path.split("/")
    return "/".join(parts[: max(len(item.rstrip("/").split("/")) for item in patterns if _matches(path, item))])


def _upwards(path: str) -> Iterator[str]:
    """A path and the directories above it."""
    while path not in ("", "/"):
        yield path
        path = os.path.dirname(path) if path.startswith("/") else ""


def _matches(path: str, pattern: str) -> bool:
    """Whether the path is what the user named, or below it. A pattern's ``*`` does not cross a slash, as in glob."""
    if path != os.path.normpath(path) or not os.path.isabs(path):
        return False
    parts, wanted = path.split("/"), pattern.rstrip("/").split("/")
    return parts[: len(wanted)] == wanted or (
        len(parts) >= len(wanted) and all(fnmatch.fnmatchcase(part, want) for part, want in zip(parts, wanted))
    )


def differs(item: Placement, owner: Optional[SystemUser] = None) -> bool:
    """Whether this host's file is not yet as it is to be. Raises path_refused for one that may not be put there."""
    _check_way(item, owner)
    try:
        with _openat.parent(item.path, owner) as (place, name):
            status = place.lstat(name)
            if item.link:
                return not stat.S_ISLNK(status.st_mode) or place.readlink(name) != item.link
            if not stat.S_ISREG(status.st_mode):
                return True
            content, status = _content(place, name, item.path)
    except (FileNotFoundError, PermissionError):  # what its directory's user may not read, he may still replace
        return True
    found = _name(pwd.getpwuid, status.st_uid), _name(grp.getgrgid, status.st_gid)
    if os.geteuid() == 0 and found != (item.owner, item.group):  # nobody else can give files away
        return True
    return stat.S_IMODE(status.st_mode) != item.mode or content != item.content


def place(item: Placement, owner: SystemUser, directories: Sequence[Directory] = ()) -> None:
    """Put one file where it belongs, in one step, with the rights of whoever can write its directory.

    :param directories: how those above it were on old

    Raises owner_missing when user or group do not exist here, path_refused when something else is in the way.
    """
    _check_way(item, owner)
    uid, gid = _ids(item) if os.geteuid() == 0 else (-1, -1)  # an unprivileged run owns what it writes
    above = Rights(owner.uid, owner.gid) if item.owner == owner.name else Rights(0, 0)
    known = rights_of(directories, above)
    _openat.make_directories(os.path.dirname(item.path), owner, known)
    with _openat.parent(item.path, owner) as (where, name):
        _put(where, name, item, (uid, gid))


def _check_way(item: Placement, owner: Optional[SystemUser]) -> None:
    """Refuse a link within what the user named, where root acts by itself: an earlier set may have brought it.

    A link that somebody else can change is followed with his rights, and needs no refusal.
    """
    above = item.path
    while os.geteuid() == 0 and item.named and above != item.named:
        above = os.path.dirname(above)
        with contextlib.suppress(FileNotFoundError), _openat.parent(above, owner) as (where, name):
            if where.user is None and stat.S_ISLNK(where.lstat(name).st_mode):
                raise RelocateError(
                    "path_refused",
                    "{0} would lie behind the link {1}, which relocate_files does not name".format(item.path, above),
                    "remove the link, or name the file where it really lies",
                )


def _put(where: _openat.Place, name: str, item: Placement, ids: Tuple[int, int]) -> None:
    temporary = name + ".relocate-new"
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISDIR(where.lstat(name).st_mode):
            raise RelocateError("path_refused", "{0} is a directory on this host".format(item.path), "move it away")
    with contextlib.suppress(FileNotFoundError):
        where.unlink(temporary)
    if item.link:
        where.symlink(item.link, temporary)
        if where.user is None and os.geteuid() == 0:  # elsewhere another thing may have its name by now
            os.chown(temporary, *ids, dir_fd=where.handle, follow_symlinks=False)
    else:
        with os.fdopen(where.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY), "wb") as stream:
            # By handle and as root: the directory's user need not be in the file's group.
            os.fchown(stream.fileno(), *ids)
            os.fchmod(stream.fileno(), item.mode)
            stream.write(item.content)
    where.replace(temporary, name)


def _ids(item: Placement) -> Tuple[int, int]:
    try:
        return pwd.getpwnam(item.owner).pw_uid, grp.getgrnam(item.group).gr_gid
    except KeyError as exc:
        raise RelocateError(
            "owner_missing",
            "{0} belongs to {1}:{2}, who are not on this host".format(item.path, item.owner, item.group),
            "make them first, for instance by relocate_packages",
        ) from exc


def _is_env_file(path: str) -> bool:
    name = os.path.basename(path)
    return name.startswith(".env") or name.endswith(".env") or name in ("env", "environment")


def _size(text: str) -> str:
    return "({0} characters, not shown)".format(len(text)) if text else ""


def diff_of(items: Sequence[Placement], owner: Optional[SystemUser] = None) -> List[Dict[str, str]]:
    """What ``--diff`` shows, secret values masked on both sides."""
    shown = []
    for item in items:
        try:
            content, _status, target = _look(item.path, owner)
            before = content.decode("utf-8", "replace") if content is not None else target
        except RelocateError:
            before = ""
        after = item.link or item.content.decode("utf-8", "replace")
        if item.link or _is_env_file(item.path):
            masked = env_files.masked_diff(before, after)
        else:  # a settings module or a key: nobody can tell what in it is secret
            masked = (_size(before), _size(after) + (", other content" if before and before != after else ""))
        shown.append({"before_header": item.path, "after_header": item.path, "before": masked[0], "after": masked[1]})
    return shown
