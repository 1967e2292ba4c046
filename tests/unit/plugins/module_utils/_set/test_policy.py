# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which sets a policy keeps; tests/engines compares the same with restic itself."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.relocate.django.plugins.module_utils._set.policy import Policy, before
from tests.unit.fakes import refused

UTC = datetime.UTC
TIMES = {
    # A year and a half, one set in each month, and then some days with two.
    **{f"m{index:02d}": datetime.datetime(2025 + index // 12, index % 12 + 1, 15, tzinfo=UTC) for index in range(18)},
    **{
        f"d{day:02d}{hour:02d}": datetime.datetime(2026, 7, day, hour, tzinfo=UTC)
        for day in range(1, 11)
        for hour in (1, 13)
    },
}


def kept(policy: Policy) -> list[str]:
    times = {label: at.timestamp() for label, at in TIMES.items()}
    return sorted(policy.keeps(times, sorted(times, key=times.__getitem__)))


@pytest.mark.parametrize(
    ("policy", "labels"),
    [
        (Policy(last=2), ["d1001", "d1013"]),
        (Policy(daily=3), ["d0813", "d0913", "d1013"]),
        (Policy(hourly=3), ["d0913", "d1001", "d1013"]),
        (Policy(weekly=2), ["d0513", "d1013"]),  # Sunday the 5th ends week 27
        (Policy(monthly=3), ["d1013", "m16", "m17"]),
        (Policy(yearly=2), ["d1013", "m11"]),
        (Policy(yearly=3), ["d1013", "m00", "m11"]),  # until there are three years, the oldest
        (Policy(within="1d12h"), ["d0913", "d1001", "d1013"]),
        (Policy(within="2m"), sorted([label for label in TIMES if label[0] == "d"] + ["m16", "m17"])),
        (Policy(last=1, yearly=1, within="1h"), ["d1013"]),
        (Policy(), sorted(TIMES)),
    ],
)
def test_what_a_policy_keeps(policy: Policy, labels: list[str]) -> None:
    assert kept(policy) == labels


def test_nothing_of_nothing() -> None:
    assert Policy(last=1, daily=2, within="1d").keeps({}, []) == {}


def test_the_words_that_keep_a_set_are_told() -> None:
    assert Policy(last=1, daily=1).keeps({"a": 0.0, "b": 86400.0}, ["a", "b"]) == {"b": ["last", "daily"]}


@pytest.mark.parametrize(
    ("duration", "earlier"),
    [
        ("1d", "2024-02-28T12:00:00+00:00"),
        ("1y", "2023-02-28T12:00:00+00:00"),
        ("12m", "2023-02-28T12:00:00+00:00"),
        ("1m1d12h", "2024-01-28T00:00:00+00:00"),
        ("9999y", "0001-01-01T00:00:00+00:00"),
        ("999999999d", "0001-01-01T00:00:00+00:00"),
    ],
)
def test_before(duration: str, earlier: str) -> None:
    assert before(datetime.datetime(2024, 2, 29, 12, tzinfo=UTC), duration).isoformat() == earlier


@pytest.mark.parametrize("words", [{"last": -1}, {"within": "14"}, {"within": "d"}, {"within": "1w"}, {"yearly": -2}])
def test_words_that_cannot_be_meant(words: dict[str, object]) -> None:
    with refused("bad_option", "relocate_retention cannot be read"):
        Policy.of(words)


def test_words_of_an_option() -> None:
    assert Policy.of({"daily": 3, "within": None}, 2) == Policy(last=2, daily=3)
    assert Policy.of({"last": 0}, 2) == Policy()
    assert Policy.of({}, -1) == Policy() and not Policy.of({})
