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
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._backup_set import UNVERSIONED, BackupSet, UnversionedFile
from ansible_collections.relocate.django.plugins.module_utils._errors import AS_ROOT, RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import acting_as
from ansible_collections.relocate.django.plugins.module_utils._project import env_files

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


def absolute(paths: Sequence[str], project: str) -> List[str]:
    """The user's list with relative entries below the project. Raises path_refused for one that climbs out."""
    found = []
    for path in paths:
        full = os.path.normpath(os.path.join(project, path))
        if not os.path.isabs(path) and not full.startswith(project.rstrip("/") + "/"):
            raise RelocateError("path_refused", "{0} leads out of the project".format(path), "give an absolute path")
        found.append(full)
    return found


def expand(paths: Sequence[str], project: str) -> List[str]:
    """Every file and symbolic link that the list names: patterns expanded, directories walked, sorted.

    Raises path_refused naming *all* entries that match nothing.
    """
    found, missing = set(), []
    for entry in absolute(paths, project):
        matches = [entry] if os.path.lexists(entry) else sorted(glob.glob(entry))
        if not matches:
            missing.append(entry)
        for match in matches:
            found.update(_walk(match))
    if missing:
        raise RelocateError(
            "path_refused",
            "not on this host: {0}".format(", ".join(missing)),
            "correct relocate_files",
            {"missing": missing},
        )
    return sorted(found)


def _walk(path: str) -> List[str]:
    if os.path.islink(path) or not os.path.isdir(path):
        return [path]
    found = []
    for top, directories, names in os.walk(path, onerror=_unreadable):
        links = [name for name in directories if os.path.islink(os.path.join(top, name))]
        found += [os.path.join(top, name) for name in names + links]
    return found


def _unreadable(exc: OSError) -> None:
    raise RelocateError("path_refused", "{0} cannot be read: {1}".format(exc.filename, exc.strerror), AS_ROOT) from exc


def capture(backup: BackupSet, paths: Sequence[str], project: str) -> Tuple[UnversionedFile, ...]:
    """Copy the files into the set, numbered; symbolic links are noted only. Replaces an earlier capture."""
    for name in os.listdir(backup.file(UNVERSIONED)):
        os.unlink(backup.file(UNVERSIONED + "/" + name))
    entries = []
    for number, path in enumerate(expand(paths, project)):
        status = os.lstat(path)
        owner, group = _name(pwd.getpwuid, status.st_uid), _name(grp.getgrgid, status.st_gid)
        if stat.S_ISLNK(status.st_mode):
            entries.append(UnversionedFile(path, "", 0o777, owner, group, os.readlink(path)))
            continue
        stored = "{0}/{1:04d}".format(UNVERSIONED, number)
        with open(backup.file(stored), "xb", opener=_private) as stream:
            stream.write(read_plain(path))
        entries.append(UnversionedFile(path, stored, stat.S_IMODE(status.st_mode), owner, group))
    return tuple(entries)


def read_plain(path: str) -> bytes:
    """The content of a regular file; path_refused for anything else or for more than 64 MiB."""
    refused = RelocateError(
        "path_refused",
        "{0} is not a regular file of 64 MiB at most".format(path),
        "leave it out of relocate_files; MEDIA and databases travel by themselves",
    )
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as exc:
        if exc.errno in (errno.ELOOP, errno.ENXIO):  # a link, a socket
            raise refused from exc
        raise
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode) or status.st_size > _LIMIT:
        os.close(handle)
        raise refused
    with os.fdopen(handle, "rb") as stream:
        return stream.read()


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
) -> List[Placement]:
    """What is to be on this host, overrides applied.

    :param allowed: the user's own list; a manifest cannot plant a file that the user did not name
    :param overrides: env file (absolute or relative to the project) -> variables to set in it
    """
    wanted = {absolute([path], project)[0]: values for path, values in overrides.items()}
    unknown = sorted(set(wanted) - {entry.path for entry in entries})
    if unknown:
        raise RelocateError(
            "bad_option",
            "overrides for files that do not travel: {0}".format(", ".join(unknown)),
            "name them in relocate_files too",
        )
    patterns = absolute(allowed, project)
    placements = []
    for entry in entries:
        if not any(_matches(entry.path, pattern) for pattern in patterns):
            raise RelocateError(
                "path_refused",
                "{0} is in the set but not in relocate_files".format(entry.path),
                "name it there, or back up again",
            )
        content = b"" if entry.link else read_plain(backup.check_file(entry.stored))
        if entry.path in wanted:
            text = content.decode("utf-8", "surrogateescape")
            content = env_files.override(text, wanted[entry.path]).encode("utf-8", "surrogateescape")
        mode = entry.mode & 0o777  # no file of settings is setuid
        placements.append(Placement(entry.path, content, mode, entry.owner, entry.group, entry.link))
    return placements


def _matches(path: str, pattern: str) -> bool:
    """Whether the path is what the user named, or below it. A pattern's ``*`` does not cross a slash, as in glob."""
    if path != os.path.normpath(path) or not os.path.isabs(path):
        return False
    parts, wanted = path.split("/"), pattern.rstrip("/").split("/")
    return parts[: len(wanted)] == wanted or (
        len(parts) >= len(wanted) and all(fnmatch.fnmatchcase(part, want) for part, want in zip(parts, wanted))
    )


def differs(item: Placement) -> bool:
    """Whether this host's file is not yet as it is to be."""
    try:
        status = os.lstat(item.path)
        if item.link:
            return not stat.S_ISLNK(status.st_mode) or os.readlink(item.path) != item.link
        if not stat.S_ISREG(status.st_mode) or stat.S_IMODE(status.st_mode) != item.mode:
            return True
        found = _name(pwd.getpwuid, status.st_uid), _name(grp.getgrgid, status.st_gid)
        if os.geteuid() == 0 and found != (item.owner, item.group):  # nobody else can give files away
            return True
        return read_plain(item.path) != item.content
    except FileNotFoundError:
        return True


def place(item: Placement, owner: SystemUser) -> None:
    """Put one file where it belongs, in one step. Acts as the project's owner for the owner's files.

    Raises owner_missing when user or group do not exist here, path_refused when something else is in the way.
    """
    as_owner = owner if item.owner == owner.name else None
    uid, gid = _ids(item) if os.geteuid() == 0 else (-1, -1)  # an unprivileged run owns what it writes
    temporary = item.path + ".relocate-new"
    with acting_as(as_owner):
        os.makedirs(os.path.dirname(item.path), 0o755, exist_ok=True)
        if os.path.isdir(item.path) and not os.path.islink(item.path):
            raise RelocateError("path_refused", "{0} is a directory on this host".format(item.path), "move it away")
        if os.path.lexists(temporary):
            os.unlink(temporary)
        if item.link:
            os.symlink(item.link, temporary)
        else:
            stream = open(temporary, "xb", opener=_private)  # noqa: SIM115 closed below, by another user
    if item.link:
        if as_owner is None:
            os.chown(temporary, uid, gid, follow_symlinks=False)
    else:
        with stream:
            # By handle and as root: the owner need not be in the file's group, and may have put a link in its place.
            os.fchown(stream.fileno(), uid, gid)
            os.fchmod(stream.fileno(), item.mode)
            stream.write(item.content)
    with acting_as(as_owner):
        os.replace(temporary, item.path)


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


def diff_of(items: Sequence[Placement]) -> List[Dict[str, str]]:
    """What ``--diff`` shows, secret values masked on both sides."""
    shown = []
    for item in items:
        try:
            before = read_plain(item.path).decode("utf-8", "replace") if not item.link else os.readlink(item.path)
        except (OSError, RelocateError):
            before = ""
        after = item.link or item.content.decode("utf-8", "replace")
        if item.link or _is_env_file(item.path):
            masked = env_files.masked_diff(before, after)
        else:  # a settings module or a key: nobody can tell what in it is secret
            masked = (_size(before), _size(after) + (", other content" if before and before != after else ""))
        shown.append({"before_header": item.path, "after_header": item.path, "before": masked[0], "after": masked[1]})
    return shown
