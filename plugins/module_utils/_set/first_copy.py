# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A set's first copy: its dumps, made while the site served, and what a catch-up on them starts from.

It lies in the directory of a set that has no manifest yet. ``first_copy.json`` says what the dumps hold, in the form of
a manifest; it stays, since by its digest new knows what it has loaded. What a catch-up starts from is old's alone, and
is removed when that is made.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any, Dict, Mapping, Optional

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import write_atomically
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import (
    Manifest,
    as_text,
    digest_of,
    from_text,
)

FIRST_COPY, BASES = "first_copy.json", "first_copy.bases.json"


def write(backup: BackupSet, manifest: Manifest, bases: Mapping[str, Any]) -> str:
    """Note a first copy; returns its digest.

    :param manifest: as it would be if the site were frozen now
    :param bases: alias -> what a catch-up on its dump starts from
    """
    text = as_text(manifest)
    write_atomically(backup.file(BASES), json.dumps(bases))
    write_atomically(backup.file(FIRST_COPY), text)
    return digest_of(text)


def read(backup: BackupSet, sha256: Optional[str] = None) -> Manifest:
    """Return what the dumps of a first copy hold.

    :param sha256: the digest that it must have
    Raises set_not_found, manifest_edited, and as :func:`from_text`.
    """
    text = _text(backup)
    if not text:
        raise RelocateError("set_not_found", "there is no first copy in {0}".format(backup.path), "transfer it")
    if sha256 and digest_of(text) != sha256:
        raise RelocateError(
            "manifest_edited",
            "{0} is not what was written".format(backup.file(FIRST_COPY)),
            "transfer the set again",
        )
    return from_text(text, backup.file(FIRST_COPY))


def digest(backup: BackupSet) -> str:
    """The digest of a set's first copy; "" for a set without one."""
    text = _text(backup)
    return digest_of(text) if text else ""


def bases(backup: BackupSet) -> Dict[str, Any]:
    """Return what catch-ups start from, by alias; nothing for a set without a first copy."""
    try:
        with open(backup.file(BASES), encoding="ascii") as stream:
            found = json.load(stream)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def forget_bases(backup: BackupSet) -> None:
    """Remove what catch-ups start from."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(backup.file(BASES))


def _text(backup: BackupSet) -> str:
    try:
        with open(backup.file(FIRST_COPY), encoding="ascii") as stream:
            return stream.read()
    except (OSError, ValueError):
        return ""
