# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides which sets a policy keeps, by the time that each was made: in restic's words, with their meaning. Pure."""

from __future__ import annotations

import calendar
import datetime
import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Sequence, Set

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._set.clock import Times

_WITHIN = re.compile(r"(\d+)([ymdh])")
Moment = datetime.datetime
#: Of each word that counts intervals: what two sets of the same interval have in common. In UTC; weeks as ISO 8601 has
#: them.
INTERVALS: Mapping[str, Callable[[Moment], Any]] = {
    "hourly": lambda at: (at.year, at.month, at.day, at.hour),
    "daily": lambda at: (at.year, at.month, at.day),
    "weekly": lambda at: tuple(at.isocalendar())[:2],
    "monthly": lambda at: (at.year, at.month),
    "yearly": lambda at: at.year,
}


@dataclass(frozen=True)
class Policy:
    """How many sets are kept, of which kinds. One that says nothing keeps all."""

    last: int = 0
    hourly: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0
    within: str = ""  # such as 1y6m14d12h, before the newest set

    @classmethod
    def of(cls, words: Mapping[str, Any], last: int = 0) -> Policy:
        """Make one of an option's words.

        :param last: how many of the last are kept when the words do not say
        Raises bad_option.
        """
        given = {name: value for name, value in words.items() if value is not None}
        policy = cls(**{"last": max(last, 0), **given})
        counts = [getattr(policy, name) for name in ("last", *INTERVALS)]
        if min(counts) < 0 or (policy.within and not is_duration(policy.within)):
            raise RelocateError(
                "bad_option",
                "relocate_retention cannot be read: {0}".format(dict(given)),
                "give counts of 0 or more, and within as a duration such as 14d or 1y6m",
            )
        return policy

    def __bool__(self) -> bool:
        return self != Policy()

    def keeps(self, times: Times, order: Sequence[str]) -> Dict[str, List[str]]:
        """Return the labels that stay, each with the words that keep it.

        :param order: the labels, oldest first
        """
        newest_first = [label for label in reversed(order) if label in times]
        moments = {label: Moment.fromtimestamp(times[label], datetime.timezone.utc) for label in newest_first}
        kept: Dict[str, List[str]] = {}
        if not self:
            return {label: ["no policy"] for label in newest_first}
        for label in newest_first[: self.last]:
            kept.setdefault(label, []).append("last")
        for word in INTERVALS:
            for label in self._of_intervals(word, newest_first, moments):
                kept.setdefault(label, []).append(word)
        for label in self._within(newest_first, moments):
            kept.setdefault(label, []).append("within")
        return kept

    def _of_intervals(self, word: str, newest_first: Sequence[str], moments: Mapping[str, Moment]) -> List[str]:
        """The newest set of each interval; the oldest set of all too, until there are as many as wanted."""
        left: int = getattr(self, word)
        seen: Set[Any] = set()
        kept: List[str] = []
        for label in newest_first:
            interval = INTERVALS[word](moments[label])
            if left and (interval not in seen or label == newest_first[-1]):
                kept.append(label)
                left -= 1
            seen.add(interval)
        return kept

    def _within(self, newest_first: Sequence[str], moments: Mapping[str, Moment]) -> List[str]:
        if not self.within or not newest_first:
            return []
        since = before(max(moments.values()), self.within)
        return [label for label in newest_first if moments[label] > since]


def is_duration(text: str) -> bool:
    """Tell whether a text is a duration such as ``1y6m14d12h``."""
    return bool(re.fullmatch(r"(\d+[ymdh])+", text))


def before(moment: Moment, duration: str) -> Moment:
    """Return the moment that lies a duration such as ``1y6m14d12h`` earlier; the last day of a shorter month counts."""
    parts = {unit: int(number) for number, unit in _WITHIN.findall(duration)}
    months = moment.year * 12 + moment.month - 1 - parts.get("y", 0) * 12 - parts.get("m", 0)
    if months < 12:
        return Moment.min.replace(tzinfo=moment.tzinfo)
    year, month = divmod(months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    try:
        earlier = datetime.timedelta(days=parts.get("d", 0), hours=parts.get("h", 0))
        return moment.replace(year=year, month=month + 1, day=day) - earlier
    except OverflowError:
        return Moment.min.replace(tzinfo=moment.tzinfo)
