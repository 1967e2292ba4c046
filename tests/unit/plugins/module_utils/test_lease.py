# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run at a time on a site."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils import _lease
from ansible_collections.relocate.django.plugins.module_utils._lease import GRACE, Lease
from tests.unit.fakes import refused

FIRST, SECOND = "ann@laptop 20261120T193000Z", "bob@ci 20261120T193100Z"
HOLD = """
import sys, time
from ansible_collections.relocate.django.plugins.module_utils._lease import Lease
with Lease(*sys.argv[1:4]):
    print("held", flush=True)
    time.sleep(60)
"""


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    started = time.clock_gettime(time.CLOCK_BOOTTIME)
    monkeypatch.setattr(_lease, "_now", lambda: started + seconds)


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
        assert time.monotonic() - began < 5
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
