# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what restic says of snapshots and locks. Pure.

A snapshot's tags say which set it is. They are as trustworthy as the rest of the repository: restic encrypts and
authenticates all of it.
"""

from __future__ import annotations

import datetime
import json
import re
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._progress import Amount
from ansible_collections.relocate.django.plugins.module_utils._set.label import LABEL, Made, time_in

OURS = "relocate"
_DIGEST = re.compile(r"^[0-9a-f]{64}$")
_NUMBER = re.compile(r"^[0-9]{1,9}$")
_ID = re.compile(r"^[0-9a-f]{8,64}$")
#: Seconds after which restic takes a lock for stale: a program that lives renews it every five minutes.
STALE = 1800


@dataclass(frozen=True)
class Stored:
    """A set in the repository."""

    id: str  # the snapshot's
    label: str
    digest: str  # of the manifest
    created: datetime.datetime
    host: str  # its name
    machine: str
    sequence: int
    media: bool
    equal: str  # when a restore found it equal, as seconds since 1970; or ""

    @property
    def made(self) -> Made:
        """Return it as retention takes it."""
        return Made(self.label, self.machine, self.sequence, self.created)


def tags(site: str, made: Made, digest: str, media: bool) -> List[str]:
    """Return the tags of the snapshot of a set."""
    found = [OURS, "site=" + site, "label=" + made.label, "manifest=" + digest]
    found += ["machine=" + made.host, "sequence={0}".format(made.sequence)]
    return found + (["media"] if media else [])


def snapshots(text: str, site: str) -> List[Stored]:
    """Return the sets of a site, oldest first, of what ``restic snapshots --json`` printed. Raises ValueError."""
    rows = json.loads(text or "null") or []
    found = [_snapshot(row, site) for row in rows]
    known = [one for one in found if one is not None]
    return sorted(known, key=lambda one: (one.created, one.sequence, one.label))


def _snapshot(row: Mapping[str, Any], site: str) -> Optional[Stored]:
    named: Dict[str, str] = {}
    for tag in row.get("tags") or ():
        name, _equals, value = str(tag).partition("=")
        named[name] = value
    if OURS not in named or named.get("site") != site or not _fits(named, str(row.get("id"))):
        return None
    return Stored(
        str(row["id"]),
        named["label"],
        named["manifest"],
        moment(str(row.get("time"))) or time_in(named["label"]),
        str(row.get("hostname") or ""),
        named.get("machine", ""),
        int(named["sequence"]),
        "media" in named,
        named.get("equal", ""),
    )


def _fits(named: Mapping[str, str], identity: str) -> bool:
    """Tell whether tags and number are such as we write and restic gives."""
    parts = ((LABEL, "label"), (_DIGEST, "manifest"), (_NUMBER, "sequence"))
    return all(pattern.fullmatch(named.get(name, "")) for pattern, name in parts) and bool(_ID.fullmatch(identity))


def moment(text: str) -> Optional[datetime.datetime]:
    """Return a time as restic writes it, with up to nine digits after the second; None for anything else."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)", text)
    if found is None:
        return None
    zone = found.group(2).replace("Z", "+00:00")
    try:
        return datetime.datetime.fromisoformat(found.group(1) + zone).astimezone(datetime.timezone.utc)
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True)
class Lock:
    """A program's lock on the repository."""

    id: str
    host: str
    pid: int
    exclusive: bool
    age: float  # seconds, by the clock of this host

    @property
    def is_stale(self) -> bool:
        """Tell whether nobody has renewed it for so long that restic ignores it."""
        return self.age > STALE

    def sentence(self) -> str:
        """Tell people of it."""
        return "a {0}lock of process {1} on {2}, {3:.0f} s old{4}".format(
            "stale " if self.is_stale else "", self.pid, self.host, self.age, ", exclusive" if self.exclusive else ""
        )


def lock(identity: str, text: str, now: datetime.datetime) -> Optional[Lock]:
    """Return the lock that ``restic cat lock`` printed; None when it is gone, or cannot be read."""
    try:
        row = json.loads(text)
        since = moment(row["time"])
        age = (now - since).total_seconds() if since else 0.0
        return Lock(identity, str(row["hostname"]), int(row["pid"]), bool(row.get("exclusive")), age)
    except (ValueError, KeyError, TypeError):
        return None


def summary(text: str) -> Dict[str, Any]:
    """Return the last line of ``restic backup --json``; nothing when there is none."""
    for line in reversed(text.splitlines()):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and row.get("message_type") == "summary":
            return row
    return {}


def amount_of(output: bytes) -> Optional[Amount]:
    """Return how far restic's backup is, by the last that it printed."""
    for line in reversed(output[-65536:].splitlines()):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and row.get("message_type") == "status":
            return Amount(int(row.get("bytes_done") or 0), int(row.get("total_bytes") or 0))
    return None


def newest(sets: Sequence[Stored]) -> List[Stored]:
    """Return each set once, by its latest snapshot: one that was tagged anew while a run died may be there twice."""
    found: Dict[str, Stored] = {}
    for one in sets:
        if one.label not in found or one.equal:
            found[one.label] = one
    return list(found.values())
