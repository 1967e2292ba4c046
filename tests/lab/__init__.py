# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real servers for tests and people: Debian hosts in containers. Start with README.md."""

from __future__ import annotations

from ._command import LabError
from .digest import Digest, difference
from .host import Host
from .lab import DEFAULT_HOSTS, Lab, obstacle
from .playbook import PlaybookResult, run_playbook

__all__ = [
    "DEFAULT_HOSTS",
    "Digest",
    "Host",
    "Lab",
    "LabError",
    "PlaybookResult",
    "difference",
    "obstacle",
    "run_playbook",
]
