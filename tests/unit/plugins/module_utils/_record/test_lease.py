# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run at a time on a site."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._record import lease as record_lease
from ansible_collections.relocate.django.plugins.module_utils._record.lease import GRACE, Lease
from tests.unit.fakes import refused

FIRST, SECOND = "ann@laptop 20261120T193000Z", "bob@ci 20261120T193100Z"
HOLD = """
import sys, time
from ansible_collections.relocate.django.plugins.module_utils._record.lease import Lease
with Lease(*sys.argv[1:4]):
    print("held", flush=True)
    time.sleep(60)
"""


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    started = time.clock_gettime(time.CLOCK_BOOTTIME)
    monkeypatch.setattr(record_lease, "_now", lambda: started + seconds)


def test_the_second_run_is_refused_at_once_and_told_who_is_first(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path), "shop", FIRST],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        began = time.monotonic()
        with refused("locked", f"is at work: {FIRST} Next: wait for it to end"), Lease(str(tmp_path), "shop", SECOND):
            pass
        assert time.monotonic() - began < 30  # the first holds it for a minute
        with Lease(str(tmp_path), "blog", SECOND):
            pass  # another site of the host
        holder.kill()
        holder.wait()
        # A crashed run holds the site for a while only; the run itself may go on.
        with refused("locked", rf"was at work \d s ago: {FIRST}"), Lease(str(tmp_path), "shop", SECOND):
            pass
        with Lease(str(tmp_path), "shop", FIRST):
            pass


@pytest.mark.parametrize(("seconds", "free"), [(1, False), (GRACE - 1, False), (GRACE + 1, True), (-3600, True)])
def test_a_run_keeps_the_site_between_its_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, free: bool
) -> None:
    with Lease(str(tmp_path), "shop", FIRST):
        pass
    later(monkeypatch, seconds)  # an age below zero: the host was started again
    if free:
        with Lease(str(tmp_path), "shop", SECOND):
            pass
    else:
        with refused("locked", f"was at work {seconds} s ago: {FIRST}"), Lease(str(tmp_path), "shop", SECOND):
            pass


def test_a_clock_that_is_set_back_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Lease(str(tmp_path), "shop", FIRST):
        pass
    later(monkeypatch, GRACE + 1)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    with Lease(str(tmp_path), "shop", SECOND):
        pass


def test_release_gives_the_site_back_at_once(tmp_path: Path) -> None:
    with Lease(str(tmp_path), "shop", FIRST) as lease:
        lease.release()
    with Lease(str(tmp_path), "shop", SECOND):
        pass
    assert stat.S_IMODE(os.stat(tmp_path / "shop.run").st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"run": "x"}', b"\xff", b'{"run": "x", "seen": "y"}'])
def test_a_damaged_file_does_not_lock_the_site_for_ever(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "shop.run").write_bytes(content)
    with Lease(str(tmp_path), "shop", SECOND):
        pass
    with refused("locked", SECOND), Lease(str(tmp_path), "shop", FIRST):
        pass


def test_a_longer_name_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Lease(str(tmp_path), "shop", FIRST * 5):
        pass
    later(monkeypatch, GRACE + 1)
    with Lease(str(tmp_path), "shop", "b"):
        pass
    with refused("locked", "ago: b Next"), Lease(str(tmp_path), "shop", FIRST):
        pass


def test_a_full_disk_at_the_end_does_not_hide_why_the_work_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    lease = Lease(str(tmp_path), "shop", FIRST)
    with pytest.raises(ZeroDivisionError), lease:
        monkeypatch.setattr(os, "pwrite", full)
        raise ZeroDivisionError


@pytest.mark.parametrize("site", ["../../etc/cron.d/x", "a/b", ""])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, site: str) -> None:
    with refused("bad_option", "cannot be a site's name"):
        Lease(str(tmp_path), site, FIRST)


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("keep")
    (tmp_path / "shop.run").symlink_to(tmp_path / "victim")
    with refused("work_directory", "shop.run cannot be opened.*then remove it"), Lease(str(tmp_path), "shop", FIRST):
        pass
    assert (tmp_path / "victim").read_text() == "keep"


def test_the_holder_is_told_without_taking_the_site(tmp_path: Path) -> None:
    directory = str(tmp_path / "work")
    assert Lease.holder(directory, "shop", "b") == ""
    with Lease(directory, "shop", "a"):
        assert Lease.holder(directory, "shop", "b") == "a"
        assert Lease.holder(directory, "shop", "a") == ""
    assert Lease.holder(directory, "shop", "b") == "a"  # for a while after its last task
    with Lease(directory, "shop", "a") as lease:
        lease.release()
    assert Lease.holder(directory, "shop", "b") == ""


OTHER = "bob@ci 20261120T193100Z-00beef -> new2"
FREEZE = {"run": "ann@laptop 20261120T193000Z-c0ffee -> new1", "at": 1000.0, "limit": 3600}
EARLIER = {**FREEZE, "earlier": {}}


@pytest.mark.parametrize(
    ("record", "run", "at", "free"),
    [
        ({"freeze": FREEZE}, OTHER, 1000 + GRACE + 1, False),
        ({"freeze": FREEZE}, OTHER, 4599, False),
        ({"freeze": FREEZE}, OTHER, 4601, True),  # the switch has started the site again
        ({"freeze": {**FREEZE, "limit": 0}}, OTHER, 10**6, False),
        ({"freeze": {**FREEZE, "held": True}}, OTHER, 10**6, False),
        ({"freeze": FREEZE}, "bob@ci 20261120T193100Z -> new1", 1000 + GRACE + 1, True),
        ({"freeze": FREEZE}, FREEZE["run"], 1001, True),
        ({"freeze": {**FREEZE, "run": ""}}, OTHER, 1001, True),
        ({"freeze": {**FREEZE, "held": True}, "retired": {"at": 1}}, OTHER, 2000, True),
        ({"freeze": {**EARLIER, "held": True}, "retired": {"at": 1}}, OTHER, 2000, False),
        ({}, OTHER, 2000, True),
    ],
)
def test_a_frozen_site_belongs_to_the_run_that_froze_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record: dict[str, Any], run: str, at: float, free: bool
) -> None:
    (tmp_path / "shop.json").write_text(json.dumps(record))
    monkeypatch.setattr(time, "time", lambda: float(at))
    later(monkeypatch, 10**7)
    if free:
        assert Lease.holder(str(tmp_path), "shop", run) == ""
        with Lease(str(tmp_path), "shop", run):
            pass
        return
    assert FREEZE["run"] in Lease.holder(str(tmp_path), "shop", run)
    with refused("locked", "has frozen it: ann@laptop.*relocate.django.undo"), Lease(str(tmp_path), "shop", run):
        pass


def test_a_reboot_ends_a_freeze_that_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 2000.0)
    monkeypatch.setattr(record_lease, "_now", lambda: 500.0)  # up for less long than the site is frozen
    for more, free in (({}, True), ({"held": True}, False), ({"limit": 0}, False)):
        (tmp_path / "shop.json").write_text(json.dumps({"freeze": {**FREEZE, **more}}))
        assert (Lease.holder(str(tmp_path), "shop", OTHER) == "") == free


def test_a_damaged_record_is_for_others_to_tell(tmp_path: Path) -> None:
    (tmp_path / "shop.json").write_text("{")
    assert Lease.holder(str(tmp_path), "shop", OTHER) == ""
