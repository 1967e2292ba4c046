# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes lines for people of what a host says of its progress. Pure functions.

What a host says is data: only numbers and a few short names of it are shown, printable and on one line.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.plugin_utils import _received

_LONGEST = 60  # characters of a name
_MOST = 3  # parts in a line
_IN_SUMMARY = 8
_LARGEST = 4096  # characters of an answer that is looked at
_UNITS = ("bytes", "rows", "packages")
_LITTLE = 10**6  # bytes, of which nobody knows how many come: a list that a program writes beside its work
_SOON = 2.0  # seconds of a part before which its rate says nothing
_LATEST = 30 * 86400  # seconds: what would take longer is no forecast


@dataclass(frozen=True)
class Part:
    """One part of the work on a host.

    :param total: 0 when it is not known
    :param seconds: since it began
    """

    name: str
    item: str
    unit: str
    done: int
    total: int
    seconds: float
    step: str = ""


@dataclass(frozen=True)
class Told:
    """What a host is at."""

    step: str
    parts: Tuple[Part, ...]


def told(answer: Any) -> Optional[Told]:
    """Return what a host answered; None for what is no such answer."""
    text = _received.name(answer)[:_LARGEST]
    lines = [line for line in text.splitlines() if line.startswith("{")]
    try:
        found = json.loads(lines[-1]) if lines else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    return Told(_name(found.get("step")), parts_of(found.get("parts"))[:_MOST])


def parts_of(value: Any) -> Tuple[Part, ...]:
    """Return the parts in what a host said."""
    return tuple(_part(_received.mapping(item)) for item in _received.items(value)[:_IN_SUMMARY])


def _part(value: Any) -> Part:
    unit = _name(value.get("unit"))
    done, total = _received.count(value.get("done")) or 0, _received.count(value.get("total")) or 0
    return Part(
        _name(value.get("name")),
        _name(value.get("item")),
        unit if unit in _UNITS else "",
        done,
        total if total >= done else 0,
        _received.number(value.get("seconds")),
        _name(value.get("step")),
    )


def _name(value: Any) -> str:
    found = _received.text(_received.name(value)[:_LONGEST])
    return " ".join(found.split())[:_LONGEST]


def line(where: str, step: str, parts: Sequence[Part], seconds: float) -> str:
    """Return the line for what is at work.

    :param where: the host, and the site where there are several
    :param step: what the task is called until its host says so
    :param seconds: since the task began
    """
    words = "; ".join(_at_work(part) for part in parts) or "at work"
    return "{0}: {1}: {2} ({3} so far)".format(where, step, words, duration(seconds))


def _at_work(part: Part) -> str:
    percent = "{0} %".format(min(99, 100 * part.done // part.total)) if part.unit and part.total else ""
    words = [" ".join(word for word in (part.name, percent) if word), *_figures(part), part.item]
    return ", ".join(word for word in words if word)


def _figures(part: Part) -> List[str]:
    """Return how much is done, how fast, and how long the rest takes at that rate, as far as that can be said."""
    if not part.unit or _is_little(part):
        return []
    found = [amount(part.done, part.unit, part.total)]
    if part.seconds >= _SOON and part.done:
        rate = part.done / part.seconds
        found.append(amount(round(rate), part.unit) + "/s")
        left = (part.total - part.done) / rate
        found += [duration(left) + " left"] if 0 < left < _LATEST else []
    return found


def _is_little(part: Part) -> bool:
    return part.unit == "bytes" and not part.total and part.done < _LITTLE


def summary(where: str, step: str, parts: Sequence[Part], seconds: float, failed: bool) -> str:
    """Return the line for a task that has ended.

    :param parts: those that took the longest
    """
    steps = {part.step for part in parts}
    words = [_ended(part, len(steps) > 1) for part in parts[:_IN_SUMMARY]]
    end = "failed after" if failed else "took"
    return "{0}: {1}: {2} {3}{4}".format(where, step, end, duration(seconds), ": " + ", ".join(words) if words else "")


def _ended(part: Part, named: bool) -> str:
    name = "{0} {1}".format(part.step, part.name) if named and part.step else part.name
    words = "{0} {1}".format(name, duration(part.seconds))
    if not (part.unit and part.done and part.seconds) or _is_little(part):
        return words
    rate = amount(round(part.done / part.seconds), part.unit)
    return "{0} ({1}, {2}/s)".format(words, amount(part.done, part.unit), rate)


def amount(done: int, unit: str, total: int = 0) -> str:
    """Return an amount in words, such as ``270 of 600 MB`` or ``12 packages``."""
    if unit != "bytes":
        return "{0}{1} {2}".format(_grouped(done), " of " + _grouped(total) if total else "", unit)
    factor, name = next(((f, n) for f, n in _SIZES if max(done, total) >= f), _SIZES[-1])
    figures = [_figure(value / factor) for value in ((done, total) if total else (done,))]
    return "{0} {1}".format(" of ".join(figures), name)


_SIZES = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"), (1, "bytes"))


def _figure(value: float) -> str:
    return "{0:.1f}".format(value) if 0 < value < 10 and value != int(value) else "{0:.0f}".format(value)


def _grouped(value: int) -> str:
    return "{0:,}".format(value)


def duration(seconds: float) -> str:
    """Return a time in words: ``8 s``, ``2 min 5 s``, ``1 h 20 min``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return "{0} s".format(whole)
    if whole < 3600:
        return "{0} min {1} s".format(whole // 60, whole % 60)
    return "{0} h {1} min".format(whole // 3600, whole % 3600 // 60)
