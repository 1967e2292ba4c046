# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What restic says of snapshots and locks; its words are those of 0.11, 0.14 and 0.18."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._repository import parsed
from ansible_collections.relocate.django.plugins.module_utils._repository.failures import failure
from ansible_collections.relocate.django.plugins.module_utils._set.label import Made
from tests.unit.fakes import LABEL

AT = datetime.datetime(2026, 11, 20, 19, 30, tzinfo=datetime.UTC)
TAGS = parsed.tags("shop", Made(LABEL, "0ld", 7, AT), "a" * 64, media=True)


def row(**changes: Any) -> dict[str, Any]:
    given = {"time": "2026-11-20T20:30:00.123456789+01:00", "hostname": "old1", "tags": TAGS, "id": "b" * 64}
    return {**given, **changes}


def test_a_snapshot_tells_its_set() -> None:
    (one,) = parsed.snapshots(json.dumps([row()]), "shop")
    assert one == parsed.Stored("b" * 64, LABEL, "a" * 64, AT, "old1", "0ld", 7, True, "")
    assert one.made == Made(LABEL, "0ld", 7, AT)


@pytest.mark.parametrize(
    "changes",
    [
        {"tags": None},
        {"tags": ["site=shop"]},
        {"tags": [tag.replace("shop", "other") for tag in TAGS]},
        {"tags": [tag.replace(LABEL, "../../etc") for tag in TAGS]},
        {"tags": [tag.replace("a" * 64, "a") for tag in TAGS]},
        {"id": "--target"},
        {"id": None},
    ],
)
def test_what_is_no_set_of_the_site(changes: dict[str, Any]) -> None:
    assert parsed.snapshots(json.dumps([row(**changes)]), "shop") == []


def test_no_snapshots() -> None:
    """Restic 0.11 prints null."""
    assert parsed.snapshots("null\n", "shop") == parsed.snapshots("[]", "shop") == parsed.snapshots("", "shop") == []


def test_one_that_was_tagged_anew_counts_once() -> None:
    both = [row(), row(id="c" * 64, tags=[*TAGS, "equal=12"])]
    for rows in (both, both[::-1]):
        (one,) = parsed.newest(parsed.snapshots(json.dumps(rows), "shop"))
        assert (one.id, one.equal) == ("c" * 64, "12")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20T19:30:00Z", AT),
        ("2026-11-20T19:30:00.1Z", AT),
        ("2026-11-20T14:30:00-05:00", AT),
        ("2026-13-20T19:30:00Z", None),
        ("0001-01-01T00:00:00+23:00", None),
        ("now", None),
        ("", None),
    ],
)
def test_moments(text: str, expected: datetime.datetime | None) -> None:
    assert parsed.moment(text) == expected


def test_locks() -> None:
    said = {"time": "2026-11-20T19:00:00.5Z", "exclusive": True, "hostname": "vault", "username": "root", "pid": 42}
    found = parsed.lock("d", json.dumps(said), AT)
    assert found is not None and not found.is_stale
    assert found.sentence() == "a lock of process 42 on vault, 1800 s old, exclusive"
    later = parsed.lock("d", json.dumps(said), AT + datetime.timedelta(seconds=1))
    assert later is not None and later.sentence().startswith("a stale lock of process 42")
    assert parsed.lock("d", "", AT) is None and parsed.lock("d", '{"time": "x"}', AT) is None


def test_the_summary_is_the_last_line() -> None:
    status = '{"message_type":"status","bytes_done":5,"total_bytes":9}\n'
    text = status + 'not json\n{"message_type":"summary","data_added":3}\n'
    assert parsed.summary(text)["data_added"] == 3
    assert parsed.summary(text.splitlines()[0]) == parsed.summary("") == {}
    found = parsed.amount_of(text.encode())
    assert found is not None and tuple(found)[:2] == (5, 9)
    assert parsed.amount_of(b"") is None


SAID = """
repository_password: Fatal: wrong password or no key found
repository_missing: unable to open config file: no such file|Is there a repository at the following location?
repository_missing: Fatal: repository does not exist: unable to open config file: stat /x/config: no such file
repository_locked: unable to create lock in backend: repository is already locked by PID 7|lock was created
repository_unreachable: dial tcp: connect: connection refused|Is there a repository at the following location?
repository_password: subprocess ssh: root@h: Permission denied (publickey).
repository_password: client.PutObject: Access Denied.
disk_full: write /x/data/aa: no space left on device
repository_damaged: Fatal: repository contains errors
repository_failed: something else
"""


@pytest.mark.parametrize("line", SAID.strip().splitlines())
def test_what_restic_says_when_it_fails(line: str) -> None:
    code, _colon, said = line.partition(": ")
    error = failure("backup", 1, said.replace("|", "\n"))
    assert error.code == code and error.hint
    assert error.details["restic"] == said.replace("|", "\n")
