# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads spans of time as systemd prints them, and says how long a unit may take to stop. Pure."""

from __future__ import annotations

import re
from typing import List, Optional

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
_LONG = 300.0  # seconds for a stop of which a user should know
_MODES = {
    "process": "KillMode=process: only its main process is stopped, and the freeze fails when others go on running",
    "none": "KillMode=none: systemd stops none of its processes, and the freeze fails when they go on running",
}


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


def unclean_stop(unit: Unit) -> List[str]:
    """Return what may keep a service from stopping whole and in time: the line of the unit, and what it means."""
    if not unit.name.endswith(".service"):
        return []
    mode, killing = unit.kills
    found = [_MODES[mode]] if mode in _MODES else []
    if killing == "no":
        found.append("SendSIGKILL=no: what does not stop in time goes on running")
    told = seconds(unit.stops_within) if unit.stops_within else 0.0
    line = "TimeoutStopSec={0}: ".format(unit.stops_within)
    if told is None or told + _KILLED > LONGEST:
        found.append(line + "the freeze waits for {0:g} s and then fails".format(LONGEST))
    elif told > _LONG:
        found.append(line + "the freeze waits as long, and that is downtime")
    return found
