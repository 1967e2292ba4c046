# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells when sets were made, although clocks jump.

A host numbers its sets, so their order is known. What its clock said is disbelieved where it contradicts that order,
and where without it the intervals become regular: of [1, 2, 2.01, 4] the third is 3, and its clock was a day late. As
few sets as can be are disbelieved, and each gets a time between its neighbours.

Nobody can contradict the newest set yet. Where it is earlier or later than expected, there are two readings: somebody
made one more, or the backups paused; or the clock jumped. Both are returned, and whoever removes sets keeps what either
of them keeps.

All functions are pure. Times are seconds since 1970.
"""

from __future__ import annotations

import statistics
from typing import Dict, List, Mapping, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._set.label import Made

Times = Dict[str, float]
#: What it costs to believe a set, how many before it are disbelieved, and the place of the believed one before it.
_Way = Tuple[float, int, int]
#: A set has its time for good once so many of the same host came after it: those that are removed meanwhile would
#: otherwise take the evidence with them.
SUCCESSORS = 2
#: Two readings are the same when no set differs by more than so many usual intervals.
_OFF = 0.5
#: What it costs to disbelieve a set, and the most that an irregular interval costs: a pause is no reason for it.
_DISBELIEF, _PAUSE = 1.0, 1.0
#: Sets whose times are weighed together; older ones without a time for good only have to follow one another.
_WEIGHED = 400
_FEW = 3  # with fewer sets no usual interval can be told
_LATEST = 31  # intervals by which the usual one is told
_DAY = 86400.0


def readings(sets: Sequence[Made], settled: Mapping[str, float]) -> List[Times]:
    """Return the time of each set, in the one or the two ways in which the clocks can be read.

    :param settled: label -> the time that a set has for good, from :func:`settle`
    """
    plain = {one.label: one.created.timestamp() for one in sets if not (one.host and one.sequence)}
    first, second = dict(plain), dict(plain)
    for host in sorted({one.host for one in sets if one.host and one.sequence}):
        mine = _of_host(sets, host)
        likely, other = _read(mine, settled)
        first.update(likely)
        second.update(other)
    return [first] if first == second else [first, second]


def settle(sets: Sequence[Made], times: Times) -> Times:
    """Return the times that are not to change any more, of the first reading."""
    final: Times = {}
    for host in sorted({one.host for one in sets if one.host and one.sequence}):
        final.update({one.label: times[one.label] for one in _of_host(sets, host)[:-SUCCESSORS]})
    return final


def _of_host(sets: Sequence[Made], host: str) -> List[Made]:
    mine = [one for one in sets if one.host == host and one.sequence]
    return sorted(mine, key=lambda one: (one.sequence, one.created, one.label))


def _read(mine: Sequence[Made], settled: Mapping[str, float]) -> Tuple[Times, Times]:
    """Return the times of one host's sets in both readings: the likelier one first."""
    before = _known(mine, settled)
    numbers = [one.sequence for one in mine]
    times = [*before, *(one.created.timestamp() for one in mine[len(before) :])]
    usual = _usual_interval(times, numbers)
    start = max(0, len(before) - 1)
    chains = _best_chains(times[start:], numbers[start:], bool(before), usual)
    found = [[*before[:start], *_filled(times[start:], numbers[start:], chain, usual)] for chain in chains]
    if len(mine) < _FEW or all(abs(one - other) <= _OFF * usual for one, other in zip(found[0], found[-1])):
        found = found[:1]
    first, second = [{one.label: at for one, at in zip(mine, row)} for row in (found[0], found[-1])]
    return first, second


def _known(mine: Sequence[Made], settled: Mapping[str, float]) -> List[float]:
    """Return the times of the first sets, as far as they are not to be weighed."""
    times: List[float] = []
    for one in mine[: max(0, len(mine) - _WEIGHED)]:
        times.append(max([settled.get(one.label, one.created.timestamp()), *times[-1:]]))
    for one in mine[len(times) :]:
        if one.label not in settled:
            break
        times.append(settled[one.label])
    return times


def _usual_interval(times: Sequence[float], numbers: Sequence[int]) -> float:
    """The median of what lies between one set and the next; a day when nothing tells it.

    Sets in between may have been removed; their numbers tell how many.
    """
    pairs = list(zip(times, numbers))
    gaps = [
        (later - earlier) / (number - before)
        for (earlier, before), (later, number) in zip(pairs, pairs[1:])
        if later > earlier and number > before
    ][-_LATEST:]
    return statistics.median(gaps) if gaps else _DAY


def _filled(times: Sequence[float], numbers: Sequence[int], chain: Sequence[int], usual: float) -> List[float]:
    """Return believable times: those of the chain, the others put between them by number.

    :param chain: places of times that are believed
    """
    found = list(times)
    for index in set(range(len(times))) - set(chain):
        earlier = max((one for one in chain if one < index), default=None)
        later = min((one for one in chain if one > index), default=None)
        if earlier is not None and later is not None:
            part = (numbers[index] - numbers[earlier]) / max(1, numbers[later] - numbers[earlier])
            found[index] = times[earlier] + (times[later] - times[earlier]) * part
        elif chain:
            near = chain[0] if earlier is None else chain[-1]
            found[index] = times[near] + usual * (numbers[index] - numbers[near])
    return found


def _best_chains(times: Sequence[float], numbers: Sequence[int], anchored: bool, usual: float) -> List[List[int]]:
    """Return the places of the times that are believed: the best chain with the newest, and the best without it.

    :param anchored: the first one must be among them
    """
    best: List[_Way] = []
    for here in range(len(times)):
        choices = [] if anchored and here else [(_DISBELIEF * here, here, -1)]
        choices += [
            _step(
                best[there], here, there, _unevenness(times[here] - times[there], numbers[here] - numbers[there], usual)
            )
            for there in range(here)
            if times[there] < times[here]
        ]
        best.append(min(choices, default=(float("inf"), here, -1)))
    return _ended(best)


def _ended(best: Sequence[_Way]) -> List[List[int]]:
    """Return the chain that ends with the newest, and the best of the others; the better one first."""
    last = len(best) - 1
    ends = [(one[0] + _DISBELIEF * (last - place), one[1] + last - place, place) for place, one in enumerate(best)]
    chosen = sorted([*ends[-1:], *([min(ends[:-1])] if last > 0 else [])])
    return [_chain(best, place) for cost, _dropped, place in chosen if cost < float("inf")] or [[]]


def _unevenness(interval: float, steps: int, usual: float) -> float:
    """Return what an interval costs in which so many sets should have been made."""
    return min(_PAUSE, max(1, steps) * (interval / max(1, steps) / usual - 1) ** 2)


def _step(way: _Way, here: int, there: int, uneven: float) -> _Way:
    """Return a way that goes on to another place, past those between."""
    between = here - there - 1
    return way[0] + _DISBELIEF * between + uneven, way[1] + between, there


def _chain(best: Sequence[_Way], place: int) -> List[int]:
    chain: List[int] = []
    while place >= 0:
        chain.append(place)
        place = best[place][2]
    return chain[::-1]
