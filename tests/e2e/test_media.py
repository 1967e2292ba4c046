# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""MEDIA: what cannot be copied stops a move before it begins, and what new took in outlives the next one."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.moving import Move, active, fails_with, prepare
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.sites.facts import wait_http


def as_owner(host: Host, move: Move, script: str) -> str:
    """Run a line of shell in MEDIA_ROOT as the site's user."""
    words = ["runuser", "-u", move.site.user, "--", "sh", "-c", f"cd {move.site.media} && {script}"]
    return str(host.run(words).stdout)


def previous(move: Move) -> str:
    """Give the directories that were put beside MEDIA_ROOT on new."""
    return str(move.new.run(["sh", "-c", f"ls -d {move.site.media}__previous-* 2>/dev/null || true"]).stdout).strip()


def test_a_link_to_another_disk_is_no_small_thing(lab: Lab, tmp_path: Path) -> None:
    """Refused by preflight and by backup; accepted by name, in which case it is left alone on both hosts."""
    move = prepare(lab, tmp_path)
    move.old.run(["sh", "-c", "mkdir -p /mnt/bigdisk/uploads && echo upload > /mnt/bigdisk/uploads/a"])
    as_owner(move.old, move, "ln -s /mnt/bigdisk/uploads disk")
    refused = move.run()
    assert fails_with(refused, "obstacles"), refused.stdout[-3000:]
    assert "[media_skipped]" in refused.stdout and "disk: link leads out of MEDIA_ROOT" in refused.stdout
    assert all(active(move.old, unit) for unit in move.site.units)
    backup = move.run("--check", playbook="backup")  # which leaves no lease behind
    assert backup.rc and "[media_skipped]" in backup.stdout, backup.stdout[-3000:]
    move.variables["relocate_media_skip"] = ["disk"]
    moved = move.run()
    assert moved.rc == 0, moved.stdout[-5000:]
    assert previous(move) == ""
    assert as_owner(move.new, move, "ls -A | grep -cx disk || true").strip() == "0"


def test_uploads_of_new_outlive_an_undo_and_another_move(lab: Lab, tmp_path: Path) -> None:
    """What new took in and what it replaced lie beside MEDIA_ROOT, for the owner alone, and the report says so."""
    move = prepare(lab, tmp_path)
    assert move.run().rc == 0
    assert previous(move) == ""
    name = as_owner(move.new, move, "find . -type f | sort | head -n 1").strip()
    as_owner(move.new, move, f"echo upload > taken-in && echo replaced > '{name}'")
    assert move.run(playbook="undo").rc == 0
    move.variables["relocate_replace"] = True
    moved = move.run()
    assert moved.rc == 0, moved.stdout[-5000:]
    aside = previous(move)
    assert aside.count("\n") == 0 and aside in moved.stdout
    assert move.new.run(["stat", "-c", "%U %a", aside]).stdout.split() == [move.site.user, "700"]
    assert move.new.run(["cat", f"{aside}/taken-in"]).stdout == "upload\n"
    assert move.new.run(["cat", f"{aside}/{name}"]).stdout == "replaced\n"
    assert as_owner(move.new, move, "ls taken-in 2>&1 || true").count("No such file") == 1
    assert wait_http(move.new, "/").status == 200
