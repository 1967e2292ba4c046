# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Old is lost between the cutover and its retirement: it does not serve beside new when it comes back."""

from __future__ import annotations

import time
from pathlib import Path

from tests.e2e.moving import active, comes_true, enabled, prepare
from tests.e2e.test_failures import once
from tests.e2e.test_lost_host import GRACE, KEEPALIVE
from tests.lab.lab import Lab
from tests.sites.facts import http_get, wait_http


def test_old_is_lost_after_the_cutover_and_starts_anew(lab: Lab, tmp_path: Path) -> None:
    """The run ends with a report; old, started anew, stays down; the same command then only retires it."""
    move = prepare(lab, tmp_path)
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
    time.sleep(GRACE + 1)  # the run that lost old could not give the site back there
    again = move.run()
    assert again.rc == 0, again.stdout[-3000:]
    assert "only old is left to be retired" in again.stdout
    finished = move.run()
    assert finished.rc == 0 and "nothing to do" in finished.stdout
