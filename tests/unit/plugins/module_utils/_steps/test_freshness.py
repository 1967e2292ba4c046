# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How old the newest proven set is, and what monitoring gets."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._nightly import metrics
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Proof
from ansible_collections.relocate.django.plugins.module_utils._record.record import update_record
from ansible_collections.relocate.django.plugins.module_utils._repository.parsed import Stored
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._steps import freshness
from ansible_collections.relocate.django.plugins.module_utils._steps.freshness import Freshness, Known
from tests.unit.fakes import manifest, me

DAY = 86400.0
START = datetime.datetime(2026, 11, 1, 2, tzinfo=datetime.UTC).timestamp()


def label_of(day: int) -> str:
    return f"202611{day + 1:02d}T020000Z-1a2b3c4d5e6f"


def made(directory: Path, day: int, sequence: int = 0) -> str:
    """Write a set; returns the digest of its manifest."""
    found = BackupSet.create(str(directory), "shop", label_of(day), me())
    created = datetime.datetime.fromtimestamp(START + day * DAY, datetime.UTC).isoformat()
    found.finish(replace(manifest(label_of(day)), sequence=sequence or day + 1, created=created))
    return found.digest()


def prove(directory: Path, day: int, digest: str) -> None:
    proof = Proof(digest, START + day * DAY + 600)
    update_record(
        str(directory),
        "shop",
        lambda latest: replace(latest, found_equal={**latest.found_equal, label_of(day): proof}),
    )


def test_a_set_counts_when_it_was_proven_and_is_the_one_that_was(tmp_path: Path) -> None:
    digests = [made(tmp_path, day) for day in range(3)]
    now = START + 3 * DAY
    with pytest.raises(RelocateError, match="none of the 3 sets was found equal") as raised:
        freshness.of_directory(str(tmp_path), "shop", now).check("9d")
    assert raised.value.code == "backup_too_old"
    prove(tmp_path, 1, digests[1])
    prove(tmp_path, 2, "of another manifest")
    found = freshness.of_directory(str(tmp_path), "shop", now)
    assert found.told() == {
        "sets": 3,
        "newest": label_of(2),
        "newest_made": START + 2 * DAY,
        "proven": label_of(1),
        "proven_made": START + DAY,
        "proven_at": "2026-11-02T02:10:00Z",
        "proven_seconds": START + DAY + 600,
        "seconds": 2 * DAY,
    }
    found.check("49h")
    with pytest.raises(RelocateError, match="is 2.0 days old, and at most 48h is allowed"):
        found.check("48h")
    prove(tmp_path, 2, digests[2])
    freshness.of_directory(str(tmp_path), "shop", now).check("25h")


def test_a_night_that_never_ran_is_seen(tmp_path: Path) -> None:
    prove(tmp_path, 0, made(tmp_path, 0))
    freshness.of_directory(str(tmp_path), "shop", START + DAY).check("36h")
    with pytest.raises(RelocateError, match="is 48.0 hours|is 2.0 days"):
        freshness.of_directory(str(tmp_path), "shop", START + 2 * DAY).check("36h")


def test_a_set_of_the_future_is_no_fresh_one() -> None:
    ahead = Freshness([Known("l", START + DAY, START)], START)
    with pytest.raises(RelocateError, match="in the future"):
        ahead.check("36h")
    Freshness([Known("l", START + 60, START)], START).check("1h")  # clocks of two hosts


def test_where_clocks_can_be_read_in_two_ways_the_older_one_counts(tmp_path: Path) -> None:
    for day in range(4):
        made(tmp_path, day)
    prove(tmp_path, 9, made(tmp_path, 9, sequence=5))  # the fifth night, or five days without one
    found = freshness.of_directory(str(tmp_path), "shop", START + 9 * DAY)
    assert found.told()["seconds"] == 5 * DAY


def test_sets_of_a_repository() -> None:
    at = datetime.datetime.fromtimestamp(START, datetime.UTC)
    one = Stored("1" * 8, label_of(0), "d", at, "web", "m", 1, True, f"{START + 60:.0f}")
    two = replace(one, label=label_of(1), created=at + datetime.timedelta(days=1), sequence=2, equal="")
    found = freshness.of_repository("/nowhere", "shop", [one, two], START + DAY)
    assert (found.newest(False).label, found.newest(True).label) == (label_of(1), label_of(0))
    assert freshness.of_repository("/nowhere", "shop", [], START).told()["seconds"] is None


def test_what_monitoring_reads(tmp_path: Path) -> None:
    prove(tmp_path, 0, made(tmp_path, 0))
    text = freshness.of_directory(str(tmp_path), "shop", START + DAY).metrics("shop")
    values = [line for line in text.splitlines() if not line.startswith("#")]
    assert values == [
        'django_backup_sets{site="shop"} 1',
        f'django_backup_newest_timestamp_seconds{{site="shop"}} {START:.0f}',
        f'django_backup_proven_set_timestamp_seconds{{site="shop"}} {START:.0f}',
        f'django_backup_proof_timestamp_seconds{{site="shop"}} {START + 600:.0f}',
    ]
    assert text.count("# HELP") == text.count("# TYPE") == 4
    assert text.endswith("\n")
    assert 'django_backup_proof_timestamp_seconds{site="shop"} 0\n' in Freshness([], START).metrics("shop")
    assert '{a="\\"\\\\\\n"} 0.5' in metrics.figure("x", "y", {(("a", '"\\\n'),): 0.5})


@pytest.mark.parametrize("text", ["", "2", "d", "2 d", "-1d", "2w", "36h "])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(RelocateError, match="max_age cannot be read"):
        freshness.check_duration(text)
