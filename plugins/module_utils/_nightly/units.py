# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The units that run a site's nights. Pure. They name files, and hold no secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict

_SERVICE = """\
# Written by the role schedule of relocate.django, which replaces changes.
[Unit]
Description=Back up {site}, keep the set and prove that it can be restored
After=network-online.target
Wants=network-online.target
OnFailure={name}-failed.service

[Service]
Type=oneshot
ExecStart={program} run {plan}
TimeoutStartSec={limit}
UMask=0077
Nice=10
"""
_FAILED = """\
# Written by the role schedule of relocate.django, which replaces changes.
[Unit]
Description=Tell that the night of {site} failed

[Service]
Type=oneshot
ExecStart={program} failed {plan}
TimeoutStartSec=300
UMask=0077
"""
_TIMER = """\
# Written by the role schedule of relocate.django, which replaces changes.
[Unit]
Description=Back up {site} every night

[Timer]
OnCalendar={calendar}
RandomizedDelaySec={delay}
Persistent=true

[Install]
WantedBy=timers.target
"""


@dataclass(frozen=True)
class Wanted:
    """What the units are made of."""

    site: str
    python: str
    archive: str
    plan: str
    calendar: str  # systemd's
    delay: int  # seconds
    limit: int  # seconds

    @property
    def name(self) -> str:
        """Return what their names begin with."""
        return name_of(self.site)

    def texts(self) -> Dict[str, str]:
        """Return the text of each unit by its name."""
        words = {
            "site": self.site,
            "name": self.name,
            "program": " ".join(_quoted(word) for word in (self.python, "-I", self.archive)),
            "plan": _quoted(self.plan),
            "calendar": self.calendar,
            "delay": self.delay,
            "limit": self.limit,
        }
        texts = {".service": _SERVICE, "-failed.service": _FAILED, ".timer": _TIMER}
        return {self.name + suffix: text.format(**words) for suffix, text in texts.items()}


def name_of(site: str) -> str:
    """Return what the names of a site's units begin with."""
    return "relocate-nightly-" + site


def names_of(site: str) -> Dict[str, str]:
    """Return the names of a site's units by their kind."""
    name = name_of(site)
    return {"timer": name + ".timer", "service": name + ".service", "failed": name + "-failed.service"}


def _quoted(word: str) -> str:
    """Return a word as systemd reads it back: specifiers and variables mean nothing in it."""
    word = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return '"{0}"'.format(word) if " " in word or "\\" in word else word
