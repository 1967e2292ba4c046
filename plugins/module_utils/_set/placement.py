# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that git does not hold, put to the same place on new with the same owner and mode."""

from __future__ import annotations

import contextlib
import fnmatch
import grp
import os
import pwd
import stat
from dataclasses import dataclass
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import directories as host_directories
from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._host.openat import Rights
from ansible_collections.relocate.django.plugins.module_utils._host.parents import rights_of
from ansible_collections.relocate.django.plugins.module_utils._model import Directory, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import env_files, env_units
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import UnversionedFile
from ansible_collections.relocate.django.plugins.module_utils._set.relocation import STAYS, Relocation
from ansible_collections.relocate.django.plugins.module_utils._set.unversioned import (
    absolute,
    content_of,
    look_at,
    name_of,
    read_plain,
)


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


def plan(
    backup: BackupSet,
    entries: Sequence[UnversionedFile],
    allowed: Sequence[str],
    overrides: Mapping[str, Mapping[str, str]],
    project: str,
    relocation: Relocation = STAYS,
    named: Relocation = STAYS,
) -> List[Placement]:
    """Plan the files of this host, with overrides applied.

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
            "relocate_env_overrides names files that do not travel: {0}".format(", ".join(unknown)),
            "add them to relocate_files",
        )
    patterns = check_named(here, allowed, project, named)
    _check_links(here, entries)
    carried = {above for entry in entries for above in _upwards(entry.path)}
    placements = []
    for entry, path in zip(entries, here):
        content = _overridden(
            path, b"" if entry.link else read_plain(backup.check_file(entry.stored)), wanted.get(path)
        )
        mode = entry.mode & 0o777  # no file of settings is setuid
        link = relocation.link(entry.path, entry.link, carried) if entry.link else ""
        above = _named_part(path, patterns)
        placements.append(Placement(path, content, mode, entry.owner, entry.group, link, above))
    return placements


def _overridden(path: str, content: bytes, variables: Optional[Mapping[str, str]]) -> bytes:
    """The content of an environment file with the user's variables in it; any other as it is."""
    if variables is None:
        return content
    text = content.decode("utf-8", "surrogateescape")
    if env_units.defines_service(path, text):
        raise RelocateError(
            "bad_option",
            "relocate_env_overrides names {0}, which defines a service: only environment files are changed".format(
                path
            ),
            "name an environment file of the service in relocate_env_overrides; the service must read it last",
        )
    return env_files.override(text, variables).encode("utf-8", "surrogateescape")


def check_named(paths: Sequence[str], allowed: Sequence[str], project: str, named: Relocation) -> List[str]:
    """Return the user's own list as absolute patterns. Raises path_refused for a file of a set that none of them names.

    :param paths: where the set's files belong on this host
    """
    patterns = absolute(allowed, project)
    patterns += [named.path(pattern) for pattern in patterns]
    met = set()
    for path in paths:
        if not any(_matches(path, pattern) for pattern in patterns):
            raise RelocateError(
                "path_refused",
                "{0} is in the set but not in relocate_files".format(path),
                "add it to relocate_files (relative to the project if it lies below), or back up again",
            )
        if path in met:
            raise RelocateError(
                "path_refused",
                "two files of the set would be {0} on this host".format(path),
                "list only one of them in relocate_files, then back up again",
            )
        met.add(path)
    return patterns


def _check_links(paths: Sequence[str], entries: Sequence[UnversionedFile]) -> None:
    """Refuse a set that says where a directory leads, and what lies there: no capture looks behind a link."""
    links = {path for path, entry in zip(paths, entries) if entry.link}
    for path in paths:
        if not links.isdisjoint(_upwards(os.path.dirname(path))):
            raise RelocateError(
                "path_refused",
                "{0} lies behind a link of the set".format(path),
                "name it in relocate_files where it really lies on old, then back up again; or use another backup set",
            )


def _named_part(path: str, patterns: Sequence[str]) -> str:
    """Return what of a path the user named, at the most."""
    parts = path.split("/")
    return "/".join(parts[: max(len(item.rstrip("/").split("/")) for item in patterns if _matches(path, item))])


def _upwards(path: str) -> Iterator[str]:
    """A path and the directories above it."""
    while path not in ("", "/"):
        yield path
        path = os.path.dirname(path) if path.startswith("/") else ""


def _matches(path: str, pattern: str) -> bool:
    """Tell whether the path is the named one, or below it. A pattern's ``*`` does not cross a slash, as in glob."""
    if path != os.path.normpath(path) or not os.path.isabs(path):
        return False
    parts, wanted = path.split("/"), pattern.rstrip("/").split("/")
    return parts[: len(wanted)] == wanted or (
        len(parts) >= len(wanted) and all(fnmatch.fnmatchcase(part, want) for part, want in zip(parts, wanted))
    )


def differs(item: Placement, owner: Optional[SystemUser] = None) -> bool:
    """Tell whether this host's file must change. Raises path_refused when it may not be put there."""
    _check_way(item, owner)
    try:
        with openat.parent(item.path, owner) as (place, name):
            status = place.lstat(name)
            if item.link:
                return not stat.S_ISLNK(status.st_mode) or place.readlink(name) != item.link
            if not stat.S_ISREG(status.st_mode):
                return True
            content, status = content_of(place, name, item.path)
    except (FileNotFoundError, PermissionError):  # what its directory's user may not read, he may still replace
        return True
    found = name_of(pwd.getpwuid, status.st_uid), name_of(grp.getgrgid, status.st_gid)
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
    host_directories.make_directories(os.path.dirname(item.path), owner, known)
    with openat.parent(item.path, owner) as (where, name):
        _put(where, name, item, (uid, gid))


def _check_way(item: Placement, owner: Optional[SystemUser]) -> None:
    """Refuse a link within what the user named, where root acts by itself: an earlier set may have brought it.

    A link that somebody else can change is followed with his rights, and needs no refusal.
    """
    above = item.path
    while os.geteuid() == 0 and item.named and above != item.named:
        above = os.path.dirname(above)
        with contextlib.suppress(FileNotFoundError), openat.parent(above, owner) as (where, name):
            if where.user is None and stat.S_ISLNK(where.lstat(name).st_mode):
                raise RelocateError(
                    "path_refused",
                    "{0} would lie behind the link {1}, which relocate_files does not name".format(item.path, above),
                    "remove the link, or list the file in relocate_files where it really lies",
                )


def _put(where: openat.Place, name: str, item: Placement, ids: Tuple[int, int]) -> None:
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
        with where.created(temporary) as stream:
            # By handle and as root: the directory's user need not be in the file's group.
            os.fchown(stream.fileno(), *ids)
            os.fchmod(stream.fileno(), item.mode)
            stream.write(item.content)
    where.replace(temporary, name)


def _ids_hint(item: Placement) -> str:
    commands: List[str] = []
    for name, lookup, program in ((item.owner, pwd.getpwnam, "useradd"), (item.group, grp.getgrnam, "groupadd")):
        try:
            lookup(name)
        except KeyError:
            if not name.isdigit() and not (commands and name == item.owner):  # useradd makes his group
                commands.append("{0} --system {1}".format(program, name))
    chown = "chown the file on old to whom the site runs as"
    return "make whom it lacks here ({0}), or {1}".format(", ".join(commands), chown) if commands else chown


def _ids(item: Placement) -> Tuple[int, int]:
    try:
        return pwd.getpwnam(item.owner).pw_uid, grp.getgrnam(item.group).gr_gid
    except KeyError as exc:
        raise RelocateError(
            "owner_missing",
            "{0} belongs to {1}:{2}, who are not on this host".format(item.path, item.owner, item.group),
            _ids_hint(item),
        ) from exc


def _is_env_file(path: str) -> bool:
    name = os.path.basename(path)
    return name.startswith(".env") or name.endswith(".env") or name in ("env", "environment")


def _size(text: str) -> str:
    return "({0} characters, not shown)".format(len(text)) if text else ""


def diff_of(items: Sequence[Placement], owner: Optional[SystemUser] = None) -> List[Dict[str, str]]:
    """Return what ``--diff`` shows, secret values masked on both sides."""
    shown = []
    for item in items:
        try:
            content, _status, target = look_at(item.path, owner)
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
