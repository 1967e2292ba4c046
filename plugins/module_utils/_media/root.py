# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks which directory may be MEDIA_ROOT, and to whom the files in it belong.

Its path comes out of project code, so it is nothing that root may be led by: reading and writing happen with the rights
of the project's owner. What takes root, making directories and giving files a group, is done through open directories.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from dataclasses import dataclass
from typing import List, Optional, Sequence, Set

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.directories import make_for_owner, refuse_system
from ansible_collections.relocate.django.plugins.module_utils._host.openat import Rights, parent
from ansible_collections.relocate.django.plugins.module_utils._host.parents import rights_of
from ansible_collections.relocate.django.plugins.module_utils._host.tree import shown, walk
from ansible_collections.relocate.django.plugins.module_utils._model import Directory, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import tracked
from ansible_collections.relocate.django.plugins.module_utils._project.git import Git
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Media
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

_SETTING = "MEDIA_ROOT"
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Claim:
    """On what grounds MEDIA_ROOT is written to."""

    noted: Media  # for the record of the site
    keep: bool  # whether what is in the way belongs to somebody, and is put aside


def check_path(path: str, directory: str, owner: Optional[SystemUser] = None) -> str:
    """The path without trailing slash, or path_refused: MEDIA may be deleted from, so it is nobody else's directory."""
    clean = os.path.normpath(path)
    if not os.path.isabs(path) or clean.count("/") < 2 or re.search(r"[\x00-\x1f]", path):
        raise RelocateError(
            "path_refused", "{0!r} cannot be MEDIA_ROOT".format(path), "set MEDIA_ROOT to a directory of its own"
        )
    real, own = os.path.realpath(clean), os.path.realpath(directory)
    if (own + "/").startswith(real + "/") or (real + "/").startswith(own + "/"):
        raise RelocateError("path_refused", "{0} and the work directory overlap".format(path), "use another directory")
    for place in (clean, real):
        refuse_system(place, _SETTING, owner is not None and owner.uid == 0)
    return clean


def is_there(path: str) -> bool:
    """Tell whether the directory exists; one that this process may not look at counts as there."""
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def check_link(path: str, owner: Optional[SystemUser]) -> str:
    """The real directory of MEDIA_ROOT. A link in its place must lead to what its owner could have filled himself.

    Raises path_refused: following any other would read, for the site's user, what only others may.
    """
    clean = path.rstrip("/")
    real = os.path.realpath(clean)
    if not os.path.islink(clean):
        return real
    if not _is_his(real, owner):
        raise RelocateError(
            "path_refused",
            "MEDIA_ROOT {0} is a link to {1}, which is not a directory that {2} may write to".format(
                clean, real, owner.name if owner else "its owner"
            ),
            "give the project's owner that directory, or correct the link",
        )
    return real


def _is_his(path: str, owner: Optional[SystemUser]) -> bool:
    """Tell whether a directory belongs to the owner, or is his to write into."""
    with acting_as(owner):
        try:
            return os.path.isdir(path) and (
                os.stat(path).st_uid == os.geteuid() or os.access(path, os.W_OK | os.X_OK, effective_ids=True)
            )
        except OSError:
            return False


def check_skip(names: Sequence[str]) -> List[str]:
    """Names of MEDIA that are left behind on purpose, as a walk tells them; else bad_option."""
    clean = [os.path.normpath(name.strip("/")) for name in names]
    for name in clean:
        if name == "." or name.split("/")[0] == "..":
            raise RelocateError(
                "bad_option",
                "{0!r} is not a name within MEDIA_ROOT".format(name),
                "write names in relocate_media_skip relative to MEDIA_ROOT",
            )
    return clean


# --- what is in it


def claim(path: str, owner: SystemUser, record: Record, replace: bool, skip: Sequence[str] = ()) -> Claim:
    """Tell whether MEDIA may come here, where its second pass deletes. Raises path_refused before anything is written.

    What new took in while it served is kept aside, however it came to be there; so are, when that was asked for, files
    that were there before us.

    :param record: what earlier runs noted about the site on this host
    :param replace: accept files that did not come from the old host
    """
    noted = record.media_at(path)
    if noted:
        keep = record.has_served() or noted.foreign
        return Claim(Media(path, keep), keep)
    found = foreign(path, owner, skip)
    if found and not replace:
        raise RelocateError(
            "path_refused",
            "MEDIA_ROOT {0} held files before the move, such as {1}: they would be overwritten or deleted".format(
                path, found
            ),
            "empty it first, or set relocate_replace: true to keep aside what is in the way",
        )
    return Claim(Media(path, bool(found)), bool(found))


def foreign(path: str, owner: SystemUser, skip: Sequence[str] = ()) -> str:
    """The first file in a directory that git did not bring, such as it brings .gitkeep; empty when there is none."""
    if not is_there(path):
        return ""
    check_link(path, owner)
    tracked = _tracked(path, owner)
    with acting_as(owner):
        for found in walk(path, skip):
            if found.kind != "directory" and os.fsencode(found.name) not in tracked:
                return shown(found.name)
    return ""


def tracked_names(path: str, owner: SystemUser) -> Set[str]:
    """Return the files below MEDIA_ROOT that version control brought, relative to it."""
    return {os.fsdecode(name) for name in _tracked(path, owner)} if is_there(path) else set()


def _tracked(path: str, owner: SystemUser) -> Set[bytes]:
    top, held = tracked.held(path, owner)
    if top:
        real = os.path.realpath(path) + "/"
        return {
            os.fsencode(full[len(real) :])
            for name in held
            for full in [os.path.join(top, name)]
            if full.startswith(real)
        }
    with contextlib.suppress(RelocateError):  # no repository, or no git: nothing came from there
        names = Git(path, owner if os.geteuid() == 0 else None).names("ls-files", "-z")
        return {os.fsencode(name) for name in names}
    return set()


# --- making directories


def make(path: str, owner: SystemUser, directories: Sequence[Directory] = ()) -> bool:
    """Make MEDIA_ROOT for its owner; False when it is there. Raises path_refused when it is somebody else's.

    :param directories: how those above it were on old
    """
    if not os.path.lexists(path):
        _make(path, owner, 0o755, directories)
        return True
    if not _is_his(check_link(path, owner), owner):
        raise RelocateError(
            "path_refused",
            "MEDIA_ROOT {0} is not a directory that {1} may write to".format(path, owner.name),
            "give it to {0}, who owns the project".format(owner.name),
        )
    return False


def _make(path: str, owner: SystemUser, mode: int, directories: Sequence[Directory] = ()) -> None:
    above = rights_of(directories, Rights())

    def rights(each: str) -> Rights:
        return Rights(owner.uid, owner.gid, mode) if each == path else above(each)

    try:
        make_for_owner(path, owner, rights, _SETTING)
    except OSError as exc:
        raise RelocateError(
            "path_refused",
            "{0} cannot be made: {1}".format(path, exc.strerror),
            "create {0} for the project's owner".format(path),
        ) from exc


def make_displaced(path: str, label: str, owner: SystemUser) -> str:
    """The directory beside MEDIA_ROOT, for its owner's eyes only, where files go that the copy would lose."""
    displaced = os.path.realpath(path) + "__previous" + ("-" + label if label else "")
    if not os.path.lexists(displaced):
        _make(displaced, owner, 0o700)
    status = os.lstat(displaced)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != owner.uid:
        raise RelocateError("path_refused", "{0} is in the way".format(displaced), "move it away")
    return displaced


def drop_empty(displaced: str, owner: SystemUser) -> str:
    """Remove a directory that nothing was put into; returns its name when something was."""
    with contextlib.suppress(OSError):
        if displaced:
            with parent(displaced, owner) as (place, name):
                place.rmdir(name)
            return ""
    return displaced


# --- the group


def regroup(path: str, owner: SystemUser, gid: int, skip: Sequence[str] = ()) -> int:
    """Give the owner's files in a directory to a group that need not be his, such as the web server's; how many."""
    if os.geteuid() != 0:
        return 0
    handle = os.open(os.path.realpath(path), _OPEN)
    try:
        changed = _give(handle, owner.uid, gid)
    finally:
        os.close(handle)
    for found in walk(path, skip):
        if found.kind not in ("file", "directory") or (found.status.st_uid, found.status.st_gid) == (owner.uid, gid):
            continue
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with contextlib.suppress(FileNotFoundError):
            handle = os.open(found.base, flags, dir_fd=found.handle)
            try:
                changed += _give(handle, owner.uid, gid)
            finally:
                os.close(handle)
    return changed


def _give(handle: int, uid: int, gid: int) -> int:
    """Change the group of what is open, if it is still the owner's file or directory."""
    status = os.fstat(handle)
    ours = status.st_uid == uid and (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode))
    if not ours or status.st_gid == gid:
        return 0
    os.fchown(handle, -1, gid)
    return 1
