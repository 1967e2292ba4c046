# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host looked like at one moment, to prove afterwards that it is untouched."""

from __future__ import annotations

import difflib
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

PROBE = Path(__file__).with_name("digest_probe.py")

PATHS = ("/etc", "/home", "/root", "/srv", "/opt", "/var/www", "/var/spool/cron", "/usr/local")
#: Files that change although nobody touched the host, or that Ansible itself leaves behind at login.
EXCLUDE = (
    "/root/.ansible",
    "/home/admin/.ansible",
    "/root/.cache",
    "/home/admin/.cache",
    "*/.bash_history",
    "/etc/resolv.conf",
    "/etc/mtab",
)
#: Units that come and go by themselves: started on demand by D-Bus, or one per login.
UNITS = (
    "user@*",
    "user-runtime-dir@*",
    "run-*",
    "session-*",
    "systemd-hostnamed.service",
    "systemd-localed.service",
    "systemd-timedated.service",
    "systemd-tmpfiles-clean.service",
    "polkit.service",
    "packagekit.service",
)


@dataclass(frozen=True)
class Digest:
    """State of a host's files and services; equal digests mean that nothing in scope changed."""

    entries: dict[str, str]

    @property
    def value(self) -> str:
        """Give one SHA-256 over all entries."""
        return hashlib.sha256(json.dumps(self.entries, sort_keys=True).encode()).hexdigest()

    def lines(self) -> list[str]:
        """Give one line per entry, sorted."""
        return [f"{name}  {self.entries[name]}" for name in sorted(self.entries)]


def difference(before: Digest, after: Digest) -> list[str]:
    """Give the lines that went (``-``) and came (``+``); an empty list means untouched."""
    lines = difflib.unified_diff(before.lines(), after.lines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]
