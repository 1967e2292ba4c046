# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets that go: old ones, those that were not finished, and what never goes."""

from __future__ import annotations

import dataclasses
import datetime
import os
import random
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._set import retention
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.held import held
from ansible_collections.relocate.django.plugins.module_utils._set.label import Made
from ansible_collections.relocate.django.plugins.module_utils._set.policy import Policy
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as
from tests.unit.fakes import LABEL, NEWER, ROOT_ONLY, manifest, me, nobody, reachable
from tests.unit.plugins.module_utils._set.filled import FULL, fill, made

pytestmark = pytest.mark.slow

LABELS = [f"202611{day:02d}T193000Z-1a2b3c4d5e6f" for day in range(1, 6)]


def remove(directory: Path, policy: Policy, *needed: str) -> tuple[str, ...]:
    """What a policy removes of the sets of a directory, and removes it."""
    chosen = retention.choose(retention.stock_of(str(directory), "shop", {}, {}), policy, needed)
    return retention.expire(str(directory), "shop", chosen.labels)


@pytest.mark.parametrize(
    ("keep", "this", "gone"),
    [
        (0, "", []),
        (1, "", LABELS[:4]),
        (3, "", LABELS[:2]),
        (5, "", []),
        (9, "", []),
        (2, LABELS[4], LABELS[:3]),
        (1, LABELS[0], LABELS[1:4]),  # the clock was set back: this run's set looks oldest, and stays
        (5, LABELS[0], []),
    ],
)
def test_expire(tmp_path: Path, keep: int, this: str, gone: list[str]) -> None:
    for label in LABELS:
        made(tmp_path, label)
    unfinished = made(tmp_path, NEWER, finished=False)
    assert list(remove(tmp_path, Policy(last=keep), this)) == gone
    assert BackupSet.labels(str(tmp_path), "shop") == [label for label in LABELS if label not in gone]
    assert os.path.isdir(unfinished.path)


def test_sets_without_media_do_not_push_out_those_with_it(tmp_path: Path) -> None:
    stored = {"stored": "media.tar.zst", "digest": "0", "archived": {"files": 0, "bytes": 0}}
    for label in LABELS[:2]:
        BackupSet.create(str(tmp_path), "shop", label, me()).finish(manifest(label, media=stored))
    for label in LABELS[2:]:  # those of moves
        made(tmp_path, label)
    assert remove(tmp_path, Policy(last=1)) == (LABELS[0], *LABELS[2:4])
    unreadable = made(tmp_path, NEWER)
    Path(unreadable.file("manifest.json")).write_text('{"format": 99}')
    assert remove(tmp_path, Policy(last=1)) == ()
    assert BackupSet.labels(str(tmp_path), "shop") == [LABELS[1], LABELS[4], NEWER]


def test_expire_where_there_is_nothing(tmp_path: Path) -> None:
    assert remove(tmp_path, Policy(last=3)) == ()


def test_a_set_that_a_process_is_at_work_with_stays(tmp_path: Path) -> None:
    for label in LABELS[:3]:
        made(tmp_path, label)
    begun = made(tmp_path, NEWER, finished=False)
    with held(BackupSet(begun.path[: -len(NEWER)] + LABELS[0]).path), held(begun.path):
        assert remove(tmp_path, Policy(last=1)) == (LABELS[1],)
        assert retention.clear_unfinished(str(tmp_path), "shop", "") == []
    assert remove(tmp_path, Policy(last=1)) == (LABELS[0],)
    assert retention.clear_unfinished(str(tmp_path), "shop", "") == [NEWER]


def test_what_a_move_began_lately_stays_while_its_key_is_let_in(tmp_path: Path) -> None:
    begun = made(tmp_path, NEWER, finished=False)
    Path(begun.file("prepared.json")).write_text("{}")
    assert retention.unfinished(str(tmp_path), "shop", LABEL, moving=True) == []
    assert retention.unfinished(str(tmp_path), "shop", LABEL) == [NEWER]
    os.utime(begun.file("prepared.json"), (1, 1))
    assert retention.clear_unfinished(str(tmp_path), "shop", LABEL, moving=True) == [NEWER]


# --- 400 nights


DAY = 86400.0
BEGIN = datetime.datetime(2026, 1, 1, 2, 30, tzinfo=datetime.UTC).timestamp()
POLICIES = [
    Policy(daily=7, weekly=5, monthly=12, yearly=2),
    Policy(last=3, daily=14, weekly=8, monthly=24),
    Policy(within="30d12h", monthly=6),
    Policy(last=5),
    Policy(weekly=4),
]


class Nights:
    """A host that is backed up every night, whose clock jumps, and whose backups fail."""

    def __init__(self, policy: Policy, seed: int, apart: int) -> None:
        self.policy, self.random, self.apart = policy, random.Random(seed), apart
        self.true: retention.clock.Times = {}
        self.stock = retention.Stock((), frozenset(), {})
        self.quiet = 5  # nights in which nothing happens
        self.happened = 0

    def event(self) -> str:
        """What goes wrong in this night."""
        self.quiet -= 1
        if self.quiet > 0 or self.random.random() > 0.3:
            return ""
        self.quiet, self.happened = self.apart, self.happened + 1
        return self.random.choice(["fails", "ahead", "behind"])

    def night(self, number: int) -> None:
        """Back up and remove."""
        event = self.event()
        if event == "fails":
            return  # it has no number: that is given at the end
        at = BEGIN + number * DAY + self.random.uniform(0, 1800)
        label = f"{number:04d}"
        self.true[label] = at
        at += {"ahead": DAY, "behind": -DAY}.get(event, 0)
        made = Made(label, "host", len(self.true), datetime.datetime.fromtimestamp(at, datetime.UTC))
        stock = retention.added(self.stock, made, media=False)
        chosen = retention.choose(stock, self.policy, {label})
        left = tuple(one for one in stock.sets if one.label not in chosen.labels)
        self.stock = retention.Stock(left, frozenset(), {}, chosen.settled)

    @property
    def here(self) -> set[str]:
        return {one.label for one in self.stock.sets}

    @property
    def named(self) -> set[str]:
        """What the policy names of all sets that were ever made, by the times at which they really were."""
        return set(self.policy.keeps(self.true, sorted(self.true)))


@pytest.mark.parametrize("policy", POLICIES)
def test_400_nights_with_jumps_and_failures(policy: Policy) -> None:
    """No night removes a set that the policy names; in the end exactly those are left."""
    nights = Nights(policy, seed=POLICIES.index(policy), apart=5)
    for number in range(400):
        nights.night(number)
        if number % 3 == 0:
            named = nights.named
            assert named <= nights.here, number
            assert len(nights.here - named) <= 4, "what either reading of the newest set's clock keeps"
    for number in range(400, 406):
        nights.quiet = 9
        nights.night(number)
    assert nights.here == nights.named
    assert nights.happened > 40 and len(nights.true) < 406


def test_clocks_that_are_wrong_in_a_row_cost_little() -> None:
    """Nobody can tell two neighbours that are both wrong: another set may stay in the place of the right one."""
    nights = Nights(POLICIES[0], 1, apart=1)  # something happens in 30 of 100 nights
    for number in range(400):
        nights.night(number)
    assert abs(len(nights.here) - len(nights.named)) <= 2
    assert len(nights.named - nights.here) <= 2


def test_a_clock_that_is_a_year_ahead_removes_nothing() -> None:
    policy = Policy(within="14d", daily=7)
    nights = Nights(policy, 0, apart=10**6)
    nights.quiet = 10**6
    for number in range(30):
        nights.night(number)
    before = nights.here
    ahead = Made("ahead", "host", 31, datetime.datetime.fromtimestamp(BEGIN + 395 * DAY, datetime.UTC))
    stock = retention.added(nights.stock, ahead, media=False)
    assert len(retention.choose(stock, policy).labels) <= 1
    back = Made("back", "host", 32, datetime.datetime.fromtimestamp(BEGIN + 31 * DAY, datetime.UTC))
    assert set(retention.choose(retention.added(stock, back, media=False), policy).labels) <= set(sorted(before)[:2])


def test_backups_that_paused_for_a_year_are_believed() -> None:
    """The newest of before stay until the policy has others to name."""
    nights = Nights(Policy(last=2, daily=3), 0, apart=10**6)
    nights.quiet = 10**6
    for number in (*range(10), 400, 401, 402, 403):
        nights.night(number)
    assert sorted(nights.here) == ["0401", "0402", "0403"]


# --- what never goes


def stock(**changes: Any) -> retention.Stock:
    sets = [Made(f"{day}", "host", day, datetime.datetime(2026, 11, day, tzinfo=datetime.UTC)) for day in range(1, 9)]
    given = retention.Stock(tuple(sets), frozenset(), {one.label: f"digest of {one.label}" for one in sets})
    return dataclasses.replace(given, **changes)


def test_the_last_proven_set_never_goes() -> None:
    proven = {"2": "digest of 2", "4": "digest of 4", "6": "digest of another one"}
    assert retention.choose(stock(), Policy(last=1)).labels == tuple("1234567")
    assert retention.choose(stock(proven=proven), Policy(last=1)).labels == tuple("123567")
    assert retention.choose(stock(proven={}), Policy(last=1)).labels == tuple("1234567")
    both = stock(proven=proven, with_media=frozenset("28"))
    assert retention.choose(both, Policy(last=1)).labels == tuple("1356"), "of each kind the last one"


def test_what_is_needed_never_goes() -> None:
    assert retention.choose(stock(), Policy(last=1), {"3", "digest of 5", "gone"}).labels == tuple("12467")


def test_clear_unfinished(tmp_path: Path) -> None:
    assert retention.clear_unfinished(str(tmp_path), "shop", LABEL) == []
    home = tmp_path / "sets" / "shop"
    made(tmp_path, LABELS[0])
    made(tmp_path, LABELS[1], finished=False)
    made(tmp_path, LABEL, finished=False)
    (home / "of the user").mkdir()
    (home / LABELS[2]).symlink_to(home / "of the user")
    (home / LABELS[3]).write_text("a file")
    assert retention.clear_unfinished(str(tmp_path), "shop", LABEL) == [LABELS[1]]
    assert sorted(os.listdir(home)) == sorted([LABELS[0], LABELS[2], LABELS[3], LABEL, "of the user"])


@ROOT_ONLY
def test_dumps_that_a_killed_run_lent_are_taken_back(tmp_path: Path) -> None:
    made = BackupSet.create(str(reachable(tmp_path)), "shop", LABEL, me())
    fill(made)
    made.finish(FULL)
    dump = Path(made.file("databases/default.fakedump/toc"))
    lending = made.lent_dumps(nobody())
    lending.__enter__()
    with acting_as(nobody()):
        assert dump.read_bytes()
    retention.take_back(str(tmp_path), "shop")
    with acting_as(nobody()), pytest.raises(PermissionError):
        dump.read_bytes()
    made.verify(made.read())
