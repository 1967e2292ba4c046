# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cutover is taken back: old serves again with all that it had, and the site can be moved once more."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.moving import active, changed, enabled, fails_with, prepare, still
from tests.lab.lab import Lab
from tests.sites.facts import http_get, wait_http


def test_undo_and_move_again(lab: Lab, tmp_path: Path) -> None:
    """Move, undo, undo again (nothing to do), move again: only when what new took in since may be put aside."""
    move = prepare(lab, tmp_path)
    assert move.run().rc == 0
    undone = move.run(playbook="undo")
    assert undone.rc == 0, undone.stdout[-3000:]
    assert wait_http(move.old, "/").status == 200
    assert http_get(move.new, "/health").status != 200
    for unit in move.site.units:
        assert active(move.old, unit) and enabled(move.old, unit)
        assert not active(move.new, unit) and not enabled(move.new, unit)
    again = move.run(playbook="undo")
    assert again.rc == 0 and set(changed(again).values()) == {0}, again.stdout[-3000:]
    refused = move.run()
    assert fails_with(refused, "obstacles"), refused.stdout[-3000:]
    assert "the site served here after it was moved" in refused.stdout
    assert wait_http(move.old, "/").status == 200
    move.variables["relocate_replace"] = True
    moved = move.run()
    assert moved.rc == 0, moved.stdout[-5000:]
    assert wait_http(move.new, "/").status == 200
    assert still(move.new, move.site) == still(move.old, move.site)
