# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of backup sets, and which of them is the newest."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._set import label as set_label
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from tests.unit.fakes import LABEL, manifest, me, refused


def test_labels_sort_by_time_whatever_the_zone() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=5))
    assert set_label.make_label("1a2b3c4d5e6f7890", datetime.datetime(2026, 11, 21, 0, 30, tzinfo=zone)) == LABEL
    none = set_label.make_label("", datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    assert set_label.check_label(none) == "20260101T000000Z-000000000000"


@pytest.mark.parametrize(
    "label", ["", "..", "x", LABEL + "\n", LABEL + "/..", "../" + LABEL, LABEL.upper(), LABEL[:-1]]
)
def test_what_is_no_label(tmp_path: Path, label: str) -> None:
    with refused("path_refused", "is not a label.*use one that backup_info lists"):
        BackupSet.create(str(tmp_path), "shop", label, me())
    if label:
        with refused("path_refused", "is not a label"):
            BackupSet.find(str(tmp_path), "shop", label)


AT = "202611{:02d}T193000Z-1a2b3c4d5e6f"


@pytest.mark.parametrize(
    ("made", "order"),
    [
        # host, sequence, day by its clock; the order is of days in the labels
        ([("a", 1, 1), ("a", 2, 2), ("a", 3, 3)], [1, 2, 3]),
        ([("a", 2, 1), ("a", 1, 2)], [2, 1]),  # the clock was set back
        ([("a", 1, 1), ("a", 2, 28), ("a", 3, 4)], [1, 28, 4]),  # it jumped, and was corrected
        ([("a", 7, 1), ("b", 1, 2)], [1, 2]),  # another host counts for itself
        ([("a", 1, 1), ("a", 2, 28), ("a", 3, 4), ("b", 1, 5)], [1, 28, 4, 5]),  # its jump does not reach the others
        ([("a", 1, 3), ("b", 1, 1), ("b", 2, 4), ("a", 2, 5)], [1, 3, 4, 5]),
        ([("a", 0, 2), ("a", 0, 1)], [1, 2]),  # without numbers time is all there is
    ],
)
def test_the_newest_is_told_by_number_and_time_not_by_name(
    tmp_path: Path, made: list[tuple[str, int, int]], order: list[int]
) -> None:
    for host, number, day in made:
        label = AT.format(day)
        created = f"2026-11-{day:02d}T19:30:00+00:00"
        BackupSet.create(str(tmp_path), "shop", label, me()).finish(
            manifest(label, host={"name": host, "machine_id": host}, sequence=number, created=created)
        )
    assert BackupSet.labels(str(tmp_path), "shop") == [AT.format(day) for day in order]
    assert BackupSet.find(str(tmp_path), "shop").label == AT.format(order[-1])
    assert BackupSet.next_sequence(str(tmp_path), "shop") == max(number for _host, number, _day in made) + 1
    assert BackupSet.next_sequence(str(tmp_path), "shop", 40) == 41
