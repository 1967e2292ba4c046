# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rsync of this host can do."""

from __future__ import annotations

import re
from typing import Tuple

from ansible_collections.relocate.django.plugins.module_utils._process import Command, find_program, run


def compressions() -> Tuple[str, ...]:
    """The methods of compression that this host's rsync knows; none when there is no rsync, or one before 3.2."""
    program = find_program("rsync")
    return parse_compressions(run(Command([program, "--version"]), timeout=20).out) if program else ()


def parse_compressions(text: str) -> Tuple[str, ...]:
    """The names below ``Compress list:`` in what ``rsync --version`` prints."""
    found = re.search(r"^Compress list:\s*\n?\s*(.+)$", text, re.MULTILINE)
    return tuple(found.group(1).split()) if found else ()
