# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads spans of time as systemd prints them, and says how long a unit may take to stop. Pure."""

from __future__ import annotations

import re
from typing import Optional

from ansible_collections.relocate.django.plugins.module_utils._services.unit import Unit

_UNITS = {
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1,
    "min": 60,
    "h": 3600,
    "d": 86400,
    "w": 604800,
    "month": 2629800,
    "y": 31557600,
}
_PART = re.compile(r"^(\d{1,15}(?:\.\d{1,9})?)([a-z]+)\Z")
#: Seconds that a unit gets which systemd would wait for without an end, or longer.
LONGEST = 3600.0
_KILLED = 10.0  # seconds that systemd needs to kill what did not stop


def seconds(text: str) -> Optional[float]:
    """Return the seconds of ``1min 30s``; None for ``infinity`` and for what is no span."""
    total = 0.0
    for word in text.split():
        match = _PART.match(word)
        if match is None or match.group(2) not in _UNITS:
            return None
        total += float(match.group(1)) * _UNITS[match.group(2)]
    return total if text.split() else None


def to_stop(unit: Unit, least: float) -> float:
    """Return how many seconds to wait for a unit to stop: as long as systemd itself does, so that tasks can end."""
    if not unit.stops_within:
        return least
    told = seconds(unit.stops_within)
    return max(least, min(LONGEST if told is None else told + _KILLED, LONGEST))
