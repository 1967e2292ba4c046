# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the files of a fixture, holds those of backup sets against their manifests, and hashes them."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import Any, Dict, List, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import dump, load
from ansible_collections.relocate.django.plugins.module_utils._set import pins
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._site import Site


@dataclass(frozen=True)
class Files:
    """Holds the files of a fixture, and the digest of what is in them."""

    paths: Tuple[str, ...]
    digest: str
    pinned: Dict[str, Any]  # how the manifest of their set was held against something, for the result

    @property
    def given(self) -> load.Paths:
        """Return what a load takes: a single file by its path."""
        return self.paths[0] if len(self.paths) == 1 else self.paths


def check_there(src: Sequence[str]) -> None:
    """Refuse paths that are not there, before the project is asked anything. Raises bad_option, file_missing."""
    if not src:
        raise RelocateError("bad_option", "src names no fixture", "give src a file, several, or a directory")
    for path in src:
        if not os.path.lexists(path):
            raise _missing(path)


def find(site: Site, src: Sequence[str], form: str) -> Files:
    """Find the files; what was left out of directories is noted.

    Raises bad_option, file_missing, path_refused, what a set's manifest is refused for, and what
    :func:`load.check_opens` does.
    """
    paths, notes = load.files_of(src, site.project.owner, form)
    site.notes += notes
    pinned = _pinned(paths)
    digests = []
    for path in paths:
        digests.append(dump.sha256_of(path, site.project.owner))
        if not digests[-1]:
            raise _missing(path)
        if load.is_encrypted(path):
            load.check_opens(path, site.project.owner)
    return Files(tuple(paths), _of_all(digests), {"pinned": pinned} if pinned else {})


def _of_all(digests: Sequence[str]) -> str:
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("\n".join(sorted(digests)).encode("ascii")).hexdigest()


def _pinned(paths: Sequence[str]) -> str:
    """Check files of backup sets: each is what the manifest says, or refused."""
    found: List[str] = []
    for path in paths:
        backup = BackupSet.around(path)
        if backup is not None:
            backup.check_file(os.path.relpath(os.path.abspath(path), backup.path))
            found.append(backup.pinned())
    return pins.NOT_PINNED if pins.NOT_PINNED in found else (found or [""])[0]


def _missing(path: str) -> RelocateError:
    return RelocateError("file_missing", "there is no fixture {0}".format(path), "correct src")
