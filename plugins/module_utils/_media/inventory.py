# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""MEDIA_ROOT: what it holds, as one comparable digest, and what of it cannot be moved.

Memory is flat however many files there are: nothing keeps a list of them.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.tree import Found, shown, unreadable, walk
from ansible_collections.relocate.django.plugins.module_utils._media.owners import Recorder
from ansible_collections.relocate.django.plugins.module_utils._media.root import check_link, check_skip
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as, current_user

_CHUNK = 1024 * 1024
_NAMED = 20  # how many skipped names are kept
_SHOWN = 5  # how many of them are in the error
_DIGEST = 1 << 256


def inventory(
    path: str, owner: Optional[SystemUser] = None, skip: Sequence[str] = (), given_away: bool = False
) -> Dict[str, Any]:
    """Return what a directory holds; two trees with one digest have the same files with the same sizes and times.

    What cannot be moved is in the digest by its name: a tree that lacks it is another one.

    :param owner: with whose rights it is read. Raises path_refused, right_missing
    :param skip: names that are left out on purpose, with all that is below them
    :param given_away: files have been given to users whose files the owner need not be able to read: it is looked at
        with this process's own rights, through open directories
    :returns: files, links, bytes, digest (independent of the order), skipped (how many things are neither file nor link
        within the tree, and so are not moved), of those the first names, with the reason; skip as given; rights
        (owners, groups and modes, see ``_media/owners.py``)
    """
    real = check_link(path, owner)
    skip = check_skip(skip)
    with acting_as(None if given_away else owner):
        return dict(_count(real if given_away else path, skip, owner or current_user()), skip=skip)


def _count(path: str, skip: Sequence[str], owner: SystemUser) -> Dict[str, Any]:
    files = links = size = total = left_out = 0
    skipped: List[str] = []
    rights = Recorder(owner, os.stat(path))
    for found in walk(path, skip):
        if found.kind in ("file", "directory"):
            rights.take(found.name, found.status)
        if found.kind == "directory":
            continue
        if found.kind == "file":
            _check_readable(found)
            files, size = files + 1, size + found.status.st_size
            entry = "f\0{0}\0{1}".format(found.status.st_size, int(found.status.st_mtime // 1))
        elif found.kind == "link":
            links += 1
            entry = "l\0" + found.target
        else:
            left_out += 1
            skipped += [shown(found.name) + ": " + found.kind] if left_out <= _NAMED else []
            entry = "s"
        text = os.fsencode(found.name) + b"\0" + os.fsencode(entry)
        total = (total + int.from_bytes(hashlib.sha256(text).digest(), "big")) % _DIGEST
    return {
        "files": files,
        "links": links,
        "bytes": size,
        "digest": "{0:064x}".format(total),
        "skipped": left_out,
        "skipped_names": skipped,
        "rights": rights.result(),
    }


def _check_readable(found: Found) -> None:
    """Refuse early what could not be copied: a file may be gone by now, but not be somebody's secret."""
    try:
        readable = os.access(found.base, os.R_OK, dir_fd=found.handle, effective_ids=True, follow_symlinks=False)
    except OSError:
        return
    if not readable and stat.S_ISREG(found.status.st_mode):
        with contextlib.suppress(FileNotFoundError):
            os.lstat(found.base, dir_fd=found.handle)
            raise unreadable(found.name, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


def unmovable(found: Mapping[str, Any]) -> Optional[RelocateError]:
    """The error for what of MEDIA cannot be moved, by an inventory; None when everything can.

    Such as a directory that was replaced by a link to a bigger disk: the site follows it, a copy would lack it.
    """
    if not found.get("skipped"):
        return None
    names = ", ".join(found["skipped_names"][:_SHOWN]) + (", ..." if found["skipped"] > _SHOWN else "")
    return RelocateError(
        "media_skipped",
        "{0} entries of MEDIA_ROOT cannot be moved: {1}".format(found["skipped"], names),
        "mount the directory that a link leads to in its place (mount --bind), or name what may be left behind in "
        "relocate_media_skip",
    )
