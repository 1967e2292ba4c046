# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Code without version control: what belongs to its tree, and the digest that stands for its revision."""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import json
import os
import re
import stat
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.tree import Found, shown, walk
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project.untracked import covers
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

_CHUNK = 1024 * 1024
_CACHES = ("__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache")
_ENVIRONMENTS = ("pyvenv.cfg", "conda-meta")
#: What programs leave while they run: it is no code, and changes without a deployment.
_PASSING = ("*.pyc", "*.pyo", "*.log", "*.log.*", "*.pid", "*.sock", "*.swp", "celerybeat-schedule*")
_OURS = re.compile(r"^\.relocate-|^\..+\.relocate-(incoming|upgrade)$|__previous(-|$)")
_KINDS = ("file", "directory", "link")

Leave = Callable[[Found], bool]


@dataclass(frozen=True)
class Entry:
    """One thing of a tree."""

    name: str  # relative to its top
    kind: str  # file, directory, link
    mode: int  # of a link 0
    content: str  # sha256 of a file, target of a link
    size: int = 0  # bytes of a file

    def plain(self) -> List[Any]:
        """Return it as JSON has it."""
        return [self.name, self.kind, self.mode, self.content, self.size]


@dataclass(frozen=True)
class Listing:
    """All of a tree, in the order of a walk."""

    entries: Tuple[Entry, ...] = ()

    @property
    def digest(self) -> str:
        """Return the sha256 over names, modes and contents."""
        return hashlib.sha256(self.text().encode("ascii")).hexdigest()

    @property
    def files(self) -> int:
        """Return how many files and links there are."""
        return sum(entry.kind != "directory" for entry in self.entries)

    @property
    def bytes(self) -> int:
        """Return the bytes of all files."""
        return sum(entry.size for entry in self.entries)

    def by_name(self) -> Dict[str, Entry]:
        """Return the entries by name."""
        return {entry.name: entry for entry in self.entries}

    def text(self) -> str:
        """Return one line of JSON for each entry: names are bytes on Linux, and ASCII here."""
        return "".join(json.dumps(entry.plain()) + "\n" for entry in self.entries)


def from_text(text: str) -> Listing:
    """Return the inverse of :meth:`Listing.text`. Raises ValueError for what that does not write."""
    return Listing(tuple(_entry(json.loads(line)) for line in text.splitlines()))


def _entry(plain: Any) -> Entry:
    if not isinstance(plain, list) or [type(item) for item in plain] != [str, str, int, str, int]:
        raise ValueError("listing")
    found = Entry(*plain)
    parts = found.name.split("/")
    if not all(parts) or set(parts) & {".", ".."} or "\0" in found.name + found.content:
        raise ValueError("listing")
    if found.kind not in _KINDS or found.mode & ~0o777 or found.size < 0:
        raise ValueError("listing")
    return found


def look(path: str, owner: Optional[SystemUser], leave: Leave) -> Listing:
    """Read a tree with the rights of its owner. Raises right_missing for what he cannot read."""
    found: List[Entry] = []
    try:
        with acting_as(owner):
            for item in walk(path, leave=leave):
                entry = _look_at(item)
                if entry is not None:
                    found.append(entry)
    except RelocateError as error:
        if error.code != "right_missing":
            raise
        hint = "let the project's owner read it, or name it in relocate_files_ignored"
        raise RelocateError(error.code, error.msg, hint) from None
    return Listing(tuple(found))


def _look_at(found: Found) -> Optional[Entry]:
    mode = stat.S_IMODE(found.status.st_mode) & 0o777
    if found.kind == "directory":
        return Entry(found.name, "directory", mode, "")
    if found.target:
        return Entry(found.name, "link", 0, found.target)
    if found.kind != "file":
        return None
    try:
        handle = os.open(found.base, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=found.handle)
    except FileNotFoundError:
        return None
    except OSError as exc:
        msg = "{0} cannot be read: {1}".format(shown(found.name), exc.strerror)
        raise RelocateError("right_missing", msg) from exc
    digest, size = hashlib.sha256(), 0
    with os.fdopen(handle, "rb") as stream:
        for chunk in iter(lambda: stream.read(_CHUNK), b""):
            digest.update(chunk)
            size += len(chunk)
    return Entry(found.name, "file", mode, digest.hexdigest(), size)


def only(names: Iterable[str]) -> Leave:
    """Leave out all but these names; a directory is among them when something in it is."""
    wanted = frozenset(names)
    return lambda found: found.name not in wanted


def belonging(top: str, apart: Sequence[str], spoken: Sequence[str], logs: Sequence[str] = ()) -> Leave:
    """Leave out what of a project's directory is no code.

    :param top: of the project
    :param apart: absolute paths of what travels, or is made anew, by other means: MEDIA_ROOT, the environment, ...
    :param spoken: patterns and paths, relative or absolute, that the user carries as files or leaves behind
    :param logs: files that LOGGING writes; those that were rotated begin with the same name
    """
    real = os.path.realpath(top)
    places = frozenset(place for path in apart if path for place in _places(path) if not _holds(place, real))
    patterns = [os.path.normpath(os.path.join(real, _within(item, top))) for item in spoken]
    written = tuple(place + "." for path in logs for place in _places(path))

    def leave(found: Found) -> bool:
        full = os.path.join(real, found.name)
        if _is_passing(found) or full in places or (full + ".").startswith(written):
            return True
        return any(covers(pattern, full) for pattern in patterns)

    return leave


def _is_passing(found: Found) -> bool:
    """Tell whether something is no code by what it is: a cache, an environment, a socket, ours."""
    if found.kind == "directory":
        return found.base in _CACHES or bool(_OURS.search(found.base)) or _is_environment(found)
    if not (found.target or found.kind == "file"):
        return True
    return bool(_OURS.search(found.base)) or any(fnmatch.fnmatchcase(found.base, item) for item in _PASSING)


def _places(path: str) -> Tuple[str, str]:
    """Return a path without the links above it, and where it leads to."""
    clean = os.path.normpath(path)
    return os.path.join(os.path.realpath(os.path.dirname(clean)), os.path.basename(clean)), os.path.realpath(clean)


def _holds(place: str, real: str) -> bool:
    """Tell whether a place is all of the project, or above it: then it tells no code from what is none."""
    return (real + "/").startswith(place.rstrip("/") + "/")


def _within(item: str, top: str) -> str:
    """Return a path below the project relative to it: the project may be named by a link."""
    inside = top.rstrip("/") + "/"
    return item[len(inside) :] if item.startswith(inside) else item


def _is_environment(found: Found) -> bool:
    for mark in _ENVIRONMENTS:
        with contextlib.suppress(OSError):
            os.stat(os.path.join(found.base, mark), dir_fd=found.handle, follow_symlinks=False)
            return True
    return False


def changed(before: Listing, now: Listing) -> List[str]:
    """Return the names that differ between two listings, sorted."""
    first, second = before.by_name(), now.by_name()
    return sorted(name for name in {*first, *second} if first.get(name) != second.get(name))
