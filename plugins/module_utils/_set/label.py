# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A backup set's name, and the order of sets."""

from __future__ import annotations

import datetime
import hashlib
import re
from dataclasses import dataclass
from typing import Dict, List, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

LABEL = re.compile(r"^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{12}$")


def make_label(revision: str, now: datetime.datetime) -> str:
    """A set's name: UTC time and revision, sortable by age."""
    return now.astimezone(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ") + "-" + digits_of(revision)


def digits_of(revision: str) -> str:
    """Return the twelve digits by which a label tells a revision.

    Subversion's is an address and a number, which branches share: the digits are of a hash of both.
    """
    if "@" in revision:
        return hashlib.sha256(revision.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return (revision or "0" * 12)[:12]


def check_label(label: str) -> str:
    """The label, or path_refused: it names a directory."""
    if not LABEL.fullmatch(label):
        raise RelocateError(
            "path_refused",
            "{0!r} is not a label".format(label),
            "use one that backup_info lists, such as 20261120T193000Z-1a2b3c4d5e6f",
        )
    return label


@dataclass(frozen=True)
class Made:
    """The host that made a set, the set's number on that host, and the time by its clock."""

    label: str
    host: str
    sequence: int
    created: datetime.datetime


def time_in(label: str) -> datetime.datetime:
    """Return the time that a label holds; the earliest of all when it holds none."""
    try:
        return datetime.datetime.strptime(label[:15], "%Y%m%dT%H%M%S").replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        return datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)


def in_order(sets: Sequence[Made]) -> List[str]:
    """The labels, oldest first; see :meth:`BackupSet.labels`."""
    latest: Dict[str, datetime.datetime] = {}
    rows = []
    for item in sorted(sets, key=lambda one: (one.sequence, one.created, one.label), reverse=True):
        at = min(item.created, latest.get(item.host, item.created)) if item.host and item.sequence else item.created
        latest[item.host] = at
        rows.append((at, item.sequence, item.label))
    return [label for _at, _sequence, label in sorted(rows)]
