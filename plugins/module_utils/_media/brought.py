# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remembers what a copy has seen at its source, and when that had been written.

By the names its last pass removes nothing that was never there; by the times it sees what was written anew and has no
checksum.

A bucket of new may take in objects of others between two passes: static files, or what a test of the site writes. They
are gone on old only in the sense that they never were there.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Dict, Mapping, Optional

from ansible_collections.relocate.django.plugins.module_utils._host.files import write_atomically

#: Name -> when the source had it written that was copied; "" where checksums tell; None before it was copied.
Brought = Dict[str, Optional[str]]


def path_of(directory: str, site: str, target: str) -> str:
    """Return the file for one target of a site's copies.

    :param directory: our work directory
    """
    name = hashlib.sha256(target.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return os.path.join(directory, "{0}.brought-{1}".format(site, name))


def read(path: str) -> Brought:
    """Return what was seen; nothing where there is no file, or no whole one: then nothing is removed."""
    try:
        with open(path, encoding="ascii") as stream:
            found = json.load(stream)
    except (FileNotFoundError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: known if isinstance(known, str) else None for name, known in found.items()}


def write(path: str, names: Mapping[str, Optional[str]]) -> None:
    """Remember it, in place of what was known."""
    write_atomically(path, json.dumps(names))
