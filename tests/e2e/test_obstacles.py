# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Preflight lists every obstacle at once and changes nothing (issue 1 of 3, acceptance 3)."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.moving import fails_with, prepare
from tests.e2e.test_move import OURS
from tests.lab.digest import difference
from tests.lab.lab import Lab


def test_five_obstacles_in_one_run(lab: Lab, tmp_path: Path) -> None:
    """A dirty tree, units unknown, forgotten and running, a file, an extension, a taken place, misspelled variables."""
    move = prepare(lab, tmp_path)
    move.old.run(["sh", "-c", f"echo '# changed' >> {move.site.app}/manage.py"])
    move.new.run(["sh", "-c", f"mkdir -p {move.site.app} && touch {move.site.app}/something"])
    move.new.run(["sh", "-c", "mv /usr/share/postgresql/17/extension/citext.control /root/"])
    crashing = f"[Service]\nWorkingDirectory={move.site.app}\nExecStart=/bin/false\nRestart=always\nRestartSec=600\n"
    move.new.write(f"/etc/systemd/system/{move.site.web_unit}", crashing)
    move.new.run(["systemctl", "start", "--no-block", move.site.web_unit])
    forgotten = move.site.worker_unit
    named = [unit for unit in move.site.units if unit != forgotten]
    move.variables["relocate_services"] = [*named, "no-such.service"]
    move.variables["relocate_service"] = forgotten
    move.variables["relocate_answers"] = [{"uri": "http://127.0.0.1/health"}]
    move.variables["relocate_files"] = [".env", "no-such-file"]
    before = [host.digest(exclude=OURS) for host in (move.old, move.new)]
    result = move.run("--check")
    assert fails_with(result, "obstacles")
    for code in ("dirty_tree", "unit_unknown", "path_refused", "extension_missing", "checkout_occupied"):
        assert f"[{code}]" in result.stdout, result.stdout[-3000:]
    assert f"[unit_unnamed] on old: unit {forgotten} runs the project" in result.stdout, result.stdout[-3000:]
    assert not any(f"unit {unit} runs the project" in result.stdout for unit in named)
    assert f"[site_running] on new: {move.site.web_unit} runs here" in result.stdout, result.stdout[-3000:]
    assert "relocate_service is unknown: did you mean relocate_services?" in result.stdout
    assert "uri is unknown: did you mean url?" in result.stdout
    assert result.stdout.count("Next: ") >= 8
    after = [host.digest(exclude=OURS) for host in (move.old, move.new)]
    assert [difference(*pair) for pair in zip(before, after, strict=True)] == [[], []]
    started = move.run()
    assert fails_with(started, "obstacles")
    after = [host.digest(exclude=OURS) for host in (move.old, move.new)]
    assert [difference(*pair) for pair in zip(before, after, strict=True)] == [[], []]
    # An inventory that names one machine twice is refused.
    result = move.run("--check", "-e", f"ansible_host={move.old.address}")
    assert fails_with(result, "obstacles")
    assert "this is the OLD host" in result.stdout
