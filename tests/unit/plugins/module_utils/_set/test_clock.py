# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""When sets were made, by clocks that jump."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.relocate.django.plugins.module_utils._set import clock
from ansible_collections.relocate.django.plugins.module_utils._set.label import Made

DAY = 86400.0


def sets(days: list[float], numbers: list[int] | None = None, host: str = "host") -> list[Made]:
    given = numbers or list(range(1, len(days) + 1))
    return [
        Made(f"{host}{number}", host, number, datetime.datetime.fromtimestamp(day * DAY, datetime.UTC))
        for day, number in zip(days, given, strict=True)
    ]


def days(times: clock.Times) -> list[float]:
    return [round(at / DAY, 2) for at in times.values()]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 4]),
        ([1, 2, 4.01, 4, 5], [1, 2, 3, 4, 5]),  # a day ahead
        ([1, 2, 1.99, 4, 5], [1, 2, 3, 4, 5]),  # a day late
        ([1, 2, 2.01, 4, 5], [1, 2, 3, 4, 5]),  # a day late, and no contradiction to the order
        ([1, 2, 400, 4, 5], [1, 2, 3, 4, 5]),
        ([1, 2, 300, 301, 5, 6, 7], [1, 2, 3, 4, 5, 6, 7]),
        ([1, 2, 3, 10, 11], [1, 2, 3, 10, 11]),  # a pause
        ([1, 2, 3, 3.2, 4, 5], [1, 2, 3, 3.2, 4, 5]),  # one more, by hand
        ([1, 2, 3, 5, 6], [1, 2, 3, 5, 6]),  # one that failed
        ([-3, 2, 3, 4], [-3, 2, 3, 4]),
        ([9, 2, 3, 4], [1, 2, 3, 4]),  # the first one
        ([1, 2, 3, 2], [1, 2, 3, 4]),  # the last one
        ([5], [5]),
        ([5, 4], [5, 6]),
        ([], []),
    ],
)
def test_what_clocks_meant(said: list[float], meant: list[float]) -> None:
    assert days(clock.readings(sets(said), {})[0]) == meant


def test_sets_that_were_removed_are_counted() -> None:
    """Of a year there are some; what their numbers tell still shows that a clock was ahead."""
    said = sets([10, 40, 70, 92, 94.01, 94, 95], [10, 40, 70, 92, 93, 94, 95])
    assert days(clock.readings(said, {})[0])[-4:] == [92, 93, 94, 95]


@pytest.mark.parametrize(
    ("said", "second"), [([1, 2, 3, 5], 4), ([1, 2, 3, 3.1], 4), ([1, 2, 3, 400], 4), ([1, 2, 3, 4.2], None)]
)
def test_the_newest_can_be_read_in_two_ways(said: list[float], second: float | None) -> None:
    found = clock.readings(sets(said), {})
    assert days(found[0]) == said
    assert [days(times)[-1] for times in found[1:]] == ([] if second is None else [second])


def test_times_are_settled_once_others_follow() -> None:
    """What told that a clock was wrong is removed in time; what it told is not forgotten."""
    said = sets([1, 2, 4.01, 4, 5])
    settled = clock.settle(said, clock.readings(said, {})[0])
    assert days(settled) == [1, 2, 3]
    left = [one for one in said if one.label != "host4"]
    assert days(clock.readings(left, settled)[0]) == [1, 2, 3, 5]


def test_each_host_has_its_own_clock() -> None:
    both = sets([1, 2, 4.01, 4, 5]) + sets([3.5, 4.5], host="other")
    assert days(clock.readings(both, {})[0]) == [1, 2, 3, 4, 5, 3.5, 4.5]
    old = [Made("of an old version", "", 0, datetime.datetime.fromtimestamp(7 * DAY, datetime.UTC))]
    assert days(clock.readings(old, {})[0]) == [7]


def test_thousands_of_sets_take_no_time() -> None:
    many = sets([float(day) for day in range(3000)])
    assert days(clock.readings(many, {})[0]) == [float(day) for day in range(3000)]
