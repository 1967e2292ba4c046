# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Maps paths of old to new when the project lies elsewhere there.

What is at or below the project, or the top of its checkout, moves with it; every other path is the same on both hosts.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Container, Iterable, Tuple, Union

from ansible_collections.relocate.django.plugins.module_utils._model import Directory
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Manifest, Prepared


@dataclass(frozen=True)
class Relocation:
    """Two directories: what lay at or below ``old`` is at or below ``new``. Without ``old`` nothing moves."""

    old: str = ""
    new: str = ""

    def path(self, path: str) -> str:
        """Return where a path of old is on new; nothing else is checked of it."""
        if self.old and (path + "/").startswith(self.old + "/"):
            return self.new + path[len(self.old) :]
        return path

    def moves(self, path: str) -> bool:
        """Tell whether a path of old is another on new."""
        return self.path(path) != path

    def directories(self, directories: Iterable[Directory]) -> Tuple[Directory, ...]:
        """Directories of old where they are on new."""
        return tuple(replace(item, path=self.path(item.path)) for item in directories)

    def link(self, path: str, target: str, carried: Container[str]) -> str:
        """Return what a symbolic link of old holds on new, so that it leads to the same file.

        :param path: of the link on old
        :param target: what it holds on old
        :param carried: paths of old that come to new, and the directories above them: a relative target outside the
            project that does not come is meant as it is written
        """
        full = os.path.normpath(os.path.join(os.path.dirname(path), target))
        if os.path.isabs(target):
            return self.path(full) if self.moves(full) else target
        if self.moves(path) == self.moves(full) or (self.moves(path) and full not in carried):
            return target
        return os.path.relpath(self.path(full), os.path.dirname(self.path(path)))


#: Nothing moves.
STAYS = Relocation()


def between(old: str, new: str, prefix: str = "") -> Relocation:
    """From the project's directory on old to the one on new.

    :param old: a set may have named it: what is no plain absolute path moves nothing
    :param prefix: where in its repository the project lies; what both paths end with is taken off both
    """
    new = os.path.normpath(new)
    if not os.path.isabs(old) or os.path.normpath(old) != old or old in ("/", new):
        return STAYS
    end = "/" + prefix
    if prefix and len(end) < min(len(old), len(new)) and old.endswith(end) and new.endswith(end):
        old, new = old[: -len(end)], new[: -len(end)]
    return Relocation(old, new.rstrip("/"))


def of_set(described: Union[Manifest, Prepared], path: str) -> Relocation:
    """From where a set says that the project was to where it is on this host."""
    return between(str(described.django.get("path") or ""), path, str(described.code.get("prefix") or ""))


def of_media(described: Union[Manifest, Prepared], media: str) -> Relocation:
    """The same on a host of which only MEDIA_ROOT is known; nothing moves where that tells no project."""
    old, root = str(described.django.get("path") or ""), str(described.django.get("media_root") or "")
    rest = root[len(old) :]
    if not rest.startswith("/") or not root.startswith(old) or not os.path.normpath(media).endswith(rest):
        return STAYS
    return of_set(described, os.path.normpath(media)[: -len(rest)] or "/")
