# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host is lost for good: new after the freeze, then old between the cutover and its retirement."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.e2e.moving import Move, active, comes_true, enabled, fails_with, prepare, still
from tests.e2e.test_failures import once
from tests.lab.lab import Lab
from tests.sites.facts import http_get, wait_http

#: Seconds for which a run that was lost keeps its site: GRACE of _record/lease.py.
GRACE = 60
LEASE = "/var/lib/relocate/shop.run"
#: What docs/limits.md tells users to set: without it SSH waits for many minutes on a connection that died silently.
ALIVE = "-o ServerAliveInterval=5 -o ServerAliveCountMax=2"
KEEPALIVE = {"ANSIBLE_SSH_ARGS": f"-C -o ControlMaster=auto -o ControlPersist=60s {ALIVE}"}


@pytest.mark.drawn(4, of="failures")
def test_new_is_lost_after_the_freeze_and_old_after_the_cutover(lab: Lab, tmp_path: Path) -> None:
    """Ansible gives an unreachable host up without any rescue: the second play of the playbook is for that.

    The next run loses the other host.
    """
    move = prepare(lab, tmp_path)
    runs = f"systemctl is-active --quiet {move.site.web_unit}"
    with once(lambda: comes_true(move.old, f"! {runs}"), move.new.network_down) as done:
        result = move.run(env=KEEPALIVE)
    assert done
    assert result.rc != 0
    assert "UNREACHABLE" in result.stdout
    assert "the old site serves again" in result.stdout, result.stdout[-3000:]
    assert http_get(move.old, "/").status == 200
    move.new.network_up()
    wait_http(move.old)
    # The task that was cut off is still at work on new: its lock holds, however long the next run takes to ask.
    move.new.run(f"nohup flock {LEASE} sleep 599 >/dev/null 2>&1 &")
    refused = move.run()
    move.new.run(["pkill", "-f", "sleep 599"])
    assert fails_with(refused, "obstacles")
    assert "[locked] on new: another run is at work on this site: root@" in refused.stdout, refused.stdout[-3000:]
    time.sleep(GRACE + 1)
    old_is_lost_after_the_cutover(move)


def old_is_lost_after_the_cutover(move: Move) -> None:
    """The run ends with a report; old, started anew, stays down; the same command then only retires it."""
    runs = f"systemctl is-active --quiet {move.site.web_unit}"
    with once(lambda: comes_true(move.new, runs), move.old.network_down) as done:
        result = move.run(env=KEEPALIVE)
    assert done
    assert result.rc != 0
    assert "but old was NOT RETIRED" in result.stdout, result.stdout[-3000:]
    assert "[host_unreachable]" in result.stdout
    assert move.report()["status"] == "unfinished"
    move.old.stop()
    move.old.start()
    for unit in move.site.units:
        assert not active(move.old, unit) and not enabled(move.old, unit)
    assert http_get(move.old, "/health").status != 200
    assert wait_http(move.new, "/").status == 200
    assert still(move.new, move.site) == still(move.old, move.site)
    time.sleep(GRACE + 1)  # the run that lost old could not give the site back there
    again = move.run()
    assert again.rc == 0, again.stdout[-3000:]
    assert "only old has to be retired" in again.stdout
    finished = move.run()
    assert finished.rc == 0 and "nothing to do" in finished.stdout
