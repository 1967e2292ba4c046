# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells how old the newest proven set of a site is, for people and for monitoring.

A set counts where it is kept: with a repository of restic those in it, since one that is only on the disk of the site
goes with the site. It is proven when every database in it was loaded by a restore or a rehearsal and found equal.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._nightly import metrics
from ansible_collections.relocate.django.plugins.module_utils._record.record import read_record
from ansible_collections.relocate.django.plugins.module_utils._repository.parsed import Stored
from ansible_collections.relocate.django.plugins.module_utils._set import clock, retention
from ansible_collections.relocate.django.plugins.module_utils._set.label import Made
from ansible_collections.relocate.django.plugins.module_utils._set.policy import before, is_duration

#: Seconds by which the clock of a set's host may be ahead of this one.
AHEAD = 3600.0
_HINT = "see what kept the nights from ending well; rehearse.yml proves the newest set"


@dataclass(frozen=True)
class Known:
    """A set that is kept."""

    label: str
    made: float  # seconds since 1970; the earlier one where clocks can be read in two ways
    proven: float = 0.0  # when it was found equal; 0 when it was not


@dataclass(frozen=True)
class Freshness:
    """What is known of a site's sets, at a moment."""

    sets: Sequence[Known]
    now: float

    def newest(self, proven: bool) -> Known:
        """Return the newest set, or the newest of those that were found equal; a blank one when there is none."""
        found = [one for one in self.sets if one.proven or not proven]
        return max(found, key=lambda one: one.made, default=Known("", 0.0))

    def told(self) -> Dict[str, Any]:
        """Return what a result tells."""
        newest, proven = self.newest(False), self.newest(True)
        return {
            "sets": len(self.sets),
            "newest": newest.label,
            "newest_made": newest.made,
            "proven": proven.label,
            "proven_made": proven.made,
            "proven_at": _moment(proven.proven),
            "proven_seconds": proven.proven,
            "seconds": round(self.now - proven.made) if proven.label else None,
        }

    def metrics(self, site: str) -> str:
        """Return what Prometheus' node exporter reads from a file."""
        newest, proven = self.newest(False), self.newest(True)
        return metrics.of_sets(site, len(self.sets), newest.made, proven.made, proven.proven)

    def check(self, max_age: str) -> None:
        """Refuse when the newest proven set is older than ``max_age``, such as ``36h``. Raises backup_too_old."""
        proven = self.newest(True)
        if not proven.label:
            text = "none of the {0} sets was found equal by a restore or a rehearsal".format(len(self.sets))
            raise RelocateError("backup_too_old", text, _HINT, self.told())
        made = datetime.datetime.fromtimestamp(proven.made, datetime.timezone.utc)
        now = datetime.datetime.fromtimestamp(self.now, datetime.timezone.utc)
        if proven.made > self.now + AHEAD:
            text = "the newest proven set, {0}, was made at {1}, which is in the future here".format(
                proven.label, _moment(proven.made)
            )
            raise RelocateError("backup_too_old", text, "compare the clocks of both hosts", self.told())
        if made <= before(now, max_age):
            text = "the newest proven set, {0}, is {1} old, and at most {2} is allowed".format(
                proven.label, _duration(self.now - proven.made), max_age
            )
            raise RelocateError("backup_too_old", text, _HINT, self.told())


def check_duration(max_age: str) -> None:
    """Raises bad_option for what is no duration."""
    if not is_duration(max_age):
        text = "max_age cannot be read: {0!r}".format(max_age)
        raise RelocateError("bad_option", text, "give a duration such as 36h or 2d")


def of_directory(directory: str, site: str, now: float) -> Freshness:
    """Look at the sets that lie on this host; those that cannot be read do not count."""
    record = read_record(directory, site)
    proofs = record.found_equal
    stock = retention.stock_of(directory, site, dict(record.set_times), {})
    proven = {
        label: proofs[label].at
        for label, digest in stock.digests.items()
        if label in proofs and proofs[label].digest == digest
    }
    return Freshness(_known(stock.sets, stock.settled, proven), now)


def of_repository(directory: str, site: str, sets: Sequence[Stored], now: float) -> Freshness:
    """Look at the sets that a repository holds."""
    settled = dict(read_record(directory, site).set_times)
    proven = {one.label: float(one.equal) for one in sets if one.equal.isdigit()}
    return Freshness(_known([one.made for one in sets], settled, proven), now)


def _known(sets: Sequence[Made], settled: Mapping[str, float], proven: Mapping[str, float]) -> List[Known]:
    readings = clock.readings(sets, {one.label: settled[one.label] for one in sets if one.label in settled})
    return [
        Known(one.label, min(times[one.label] for times in readings), proven.get(one.label, 0.0))
        for one in sets
        if all(one.label in times for times in readings)
    ]


def _moment(seconds: float) -> str:
    if not seconds:
        return ""
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _duration(seconds: float) -> str:
    hours = seconds / 3600
    return "{0:.1f} days".format(hours / 24) if hours >= 48 else "{0:.1f} hours".format(hours)
