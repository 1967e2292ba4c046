# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that do not reach each other: the set and MEDIA go through the controller, encrypted from end to end."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.moving import leftovers, prepare, still, tasks
from tests.lab.lab import Lab
from tests.sites.facts import wait_http


def test_through_the_controller(lab: Lab, tmp_path: Path) -> None:
    """The direct way is tried, then the tunnel is opened by itself and closed at the end."""
    move = prepare(lab, tmp_path)
    with move.new.separated_from(move.old):
        result = move.run()
    assert result.rc == 0, result.stdout[-5000:]
    assert any(name.endswith(": Fetch the set through the tunnel") for name in tasks(result))
    assert wait_http(move.new, "/").status == 200
    assert still(move.new, move.site) == still(move.old, move.site)
    assert leftovers(move.old) == "" and leftovers(move.new) == ""
