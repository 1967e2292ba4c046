# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Walking through a directory that somebody else may change meanwhile: sorted, flat in memory, no link followed.

Names are bytes on Linux; those that are not UTF-8 survive here as Python's surrogate escapes.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import Callable, Collection, Iterator, Optional

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError


@dataclass(frozen=True)
class Found:
    """One thing below MEDIA_ROOT. ``handle`` is the open directory that holds it: no path is followed twice."""

    name: str  # relative to MEDIA_ROOT
    base: str
    handle: int
    status: os.stat_result
    kind: str  # file, directory, link, or why it is skipped
    target: str = ""


def leads_out(name: str, target: str) -> bool:
    """Tell whether a link leaves the tree that it lies in. rsync's --safe-links judges the same way."""
    if not target or target.startswith("/"):
        return True
    depth, below = name.count("/"), False
    for part in target.split("/"):
        if part == "..":
            depth -= 1
            if depth < 0 or below:
                return True
        elif part not in ("", "."):
            depth, below = depth + 1, True
    return False


def _kind(name: str, status: os.stat_result, target: str) -> str:
    if stat.S_ISREG(status.st_mode):
        return "file"
    if stat.S_ISDIR(status.st_mode):
        return "directory"
    if stat.S_ISLNK(status.st_mode):
        return "link leads out of MEDIA_ROOT" if leads_out(name, target) else "link"
    return "neither file, directory nor link"


def walk(path: str, skip: Collection[str] = (), leave: Optional[Callable[[Found], bool]] = None) -> Iterator[Found]:
    """Everything below a directory, each directory before its content, sorted; links are not followed.

    :param skip: names, relative to the directory, that are left out with all that is below them
    :param leave: tells of each thing whether it is left out with all that is below it
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as exc:
        raise unreadable(path, exc) from exc
    try:
        yield from _walk(handle, "", path, frozenset(skip), leave)
    finally:
        os.close(handle)


def _walk(
    handle: int, prefix: str, top: str, skip: Collection[str], leave: Optional[Callable[[Found], bool]]
) -> Iterator[Found]:
    try:
        bases = sorted(os.listdir(handle), key=os.fsencode)
    except OSError as exc:
        raise unreadable(os.path.join(top, prefix), exc) from exc
    for base in bases:
        name = prefix + base
        if name in skip:
            continue
        found = _look(handle, name, base, top)
        if found is None or (leave is not None and leave(found)):
            continue
        yield found
        if found.kind != "directory":
            continue
        try:
            below = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=handle)
        except FileNotFoundError:
            continue
        except OSError as exc:
            raise unreadable(os.path.join(top, name), exc) from exc
        try:
            yield from _walk(below, name + "/", top, skip, leave)
        finally:
            os.close(below)


def _look(handle: int, name: str, base: str, top: str) -> Optional[Found]:
    """Return what has a name; None for what was removed meanwhile, on a site that serves."""
    try:
        status = os.lstat(base, dir_fd=handle)
        target = os.readlink(base, dir_fd=handle) if stat.S_ISLNK(status.st_mode) else ""
    except FileNotFoundError:
        return None
    except OSError as exc:  # a directory that may be listed, but not entered
        raise unreadable(os.path.join(top, name), exc) from exc
    return Found(name, base, handle, status, _kind(name, status, target), target)


def unreadable(path: str, exc: OSError) -> RelocateError:
    """The refusal for what the system does not let us read."""
    return RelocateError(
        "right_missing",
        "{0} cannot be read: {1}".format(shown(path), exc.strerror),
        "let the project's owner read it: MEDIA is read as that user",
    )


def shown(name: str) -> str:
    """A name as JSON and terminals can carry it."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
