# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cutover is taken back: old serves again with all that it had; what new took in outlives another move."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.moving import Move, active, changed, enabled, fails_with, prepare, still
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.sites.facts import http_get, wait_http


def as_owner(host: Host, move: Move, script: str) -> str:
    """Run a line of shell in MEDIA_ROOT as the site's user."""
    words = ["runuser", "-u", move.site.user, "--", "sh", "-c", f"cd {move.site.media} && {script}"]
    return str(host.run(words).stdout)


def previous(move: Move) -> str:
    """Give the directories that were put beside MEDIA_ROOT on new."""
    return str(move.new.run(["sh", "-c", f"ls -d {move.site.media}__previous-* 2>/dev/null || true"]).stdout).strip()


@pytest.mark.drawn(4, of="ways on")
def test_undo_and_move_again(lab: Lab, tmp_path: Path) -> None:
    """Move, undo, undo again (nothing to do), move again: only when what new took in since may be put aside."""
    move = prepare(lab, tmp_path)
    _a_link_to_another_disk_is_no_small_thing(move)
    _job_without_end(move)
    moved = move.run()
    assert moved.rc == 0, moved.stdout[-5000:]
    # The user named the timer only. What it started would have gone on writing to the old database.
    assert _state_of_job(move) in ("inactive", "failed")
    assert f"{move.site.cleanup_unit} was running and was stopped" in moved.stdout + moved.stderr
    assert previous(move) == ""
    assert as_owner(move.new, move, "ls -A | grep -cx disk || true").strip() == "0"
    name = _taken_in_by_new(move)
    undone = move.run(playbook="undo")
    assert undone.rc == 0, undone.stdout[-3000:]
    assert "on old.lab again. Data that new.lab received stays" in undone.stdout
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
    _put_aside(move, previous(move), name, moved.stdout)


def _a_link_to_another_disk_is_no_small_thing(move: Move) -> None:
    """Refused by preflight and by backup; accepted by name, in which case it is left alone on both hosts."""
    move.old.run(["sh", "-c", "mkdir -p /mnt/bigdisk/uploads && echo upload > /mnt/bigdisk/uploads/a"])
    as_owner(move.old, move, "ln -s /mnt/bigdisk/uploads disk")
    refused = move.run()
    assert fails_with(refused, "obstacles"), refused.stdout[-3000:]
    assert "[media_skipped]" in refused.stdout and "disk: link leads out of MEDIA_ROOT" in refused.stdout
    assert all(active(move.old, unit) for unit in move.site.units)
    backup = move.run("--check", playbook="backup")  # which leaves no lease behind
    assert backup.rc and "[media_skipped]" in backup.stdout, backup.stdout[-3000:]
    move.variables["relocate_media_skip"] = ["disk"]


def _taken_in_by_new(move: Move) -> str:
    """Upload a file on new, and replace one of old's, whose name is given."""
    name = as_owner(move.new, move, "find . -type f | sort | head -n 1").strip()
    as_owner(move.new, move, f"echo upload > taken-in && echo replaced > '{name}'")
    return name


def _put_aside(move: Move, aside: str, name: str, told: str) -> None:
    """What new took in and what it replaced lie beside MEDIA_ROOT, for the owner alone, and the report says so."""
    assert aside.count("\n") == 0 and aside in told
    assert move.new.run(["stat", "-c", "%U %a", aside]).stdout.split() == [move.site.user, "700"]
    assert move.new.run(["cat", f"{aside}/taken-in"]).stdout == "upload\n"
    assert move.new.run(["cat", f"{aside}/{name}"]).stdout == "replaced\n"
    assert as_owner(move.new, move, "ls taken-in 2>&1 || true").count("No such file") == 1


def _job_without_end(move: Move) -> None:
    """Have the timer's job run on old when the move begins."""
    endless = "[Service]\nExecStart=\nExecStart=/bin/sleep 3600\n"
    drop_in = f"/etc/systemd/system/{move.site.cleanup_unit}.d/endless.conf"
    move.old.write(drop_in, endless)
    move.variables["relocate_files_ignored"] = [drop_in]
    move.old.run(["systemctl", "daemon-reload"])
    move.old.run(["systemctl", "start", "--no-block", move.site.cleanup_unit])
    assert _state_of_job(move) == "activating"


def _state_of_job(move: Move) -> str:
    return move.old.run(["systemctl", "is-active", move.site.cleanup_unit], check=False).stdout.strip()
