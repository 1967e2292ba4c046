# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cutover is taken back: old serves again with all that it had, and the site can be moved once more."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.moving import Move, active, changed, enabled, fails_with, prepare, still
from tests.lab.lab import Lab
from tests.sites.facts import http_get, wait_http


def test_undo_and_move_again(lab: Lab, tmp_path: Path) -> None:
    """Move, undo, undo again (nothing to do), move again: only when what new took in since may be put aside."""
    move = prepare(lab, tmp_path)
    _job_without_end(move)
    moved = move.run()
    assert moved.rc == 0, moved.stdout[-5000:]
    # The user named the timer only. What it started would have gone on writing to the old database.
    assert _state_of_job(move) in ("inactive", "failed")
    assert f"{move.site.cleanup_unit} was running and was stopped" in moved.stdout + moved.stderr
    undone = move.run(playbook="undo")
    assert undone.rc == 0, undone.stdout[-3000:]
    assert "on old.lab again. What " in undone.stdout
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


def _job_without_end(move: Move) -> None:
    """Have the timer's job run on old when the move begins."""
    endless = "[Service]\nExecStart=\nExecStart=/bin/sleep 3600\n"
    move.old.write(f"/etc/systemd/system/{move.site.cleanup_unit}.d/endless.conf", endless)
    move.old.run(["systemctl", "daemon-reload"])
    move.old.run(["systemctl", "start", "--no-block", move.site.cleanup_unit])
    assert _state_of_job(move) == "activating"


def _state_of_job(move: Move) -> str:
    return move.old.run(["systemctl", "is-active", move.site.cleanup_unit], check=False).stdout.strip()
