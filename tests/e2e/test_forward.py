# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""After the cutover old sends visitors on to new: by nginx, and by systemd where the site's own nginx is stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.moving import Move, active, changed, prepare, watched
from tests.lab.lab import Lab
from tests.sites.spec import SQLITE_SHOP

NAME = "shop.example.org"
LEFT = (
    "/etc/nginx/conf.d/000-forward-shop.conf /var/lib/relocate/shop.forward /etc/systemd/system/relocate-forward-* "
    "/etc/logrotate.d/relocate-forward-shop"
)


def retire(move: Move, *args: str) -> str:
    """Run the playbook on old, and give what it says of the site."""
    done = move.run("--limit=old.lab,localhost", *args, playbook="retire")
    assert done.rc == 0, done.stdout[-3000:]
    return " ".join(line for line in done.stdout.splitlines() if "Site shop" in line)


def ask(move: Move, path: str = "/health") -> int:
    """Ask old by the site's name, as a visitor whose resolver has not noticed yet; gives the status."""
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"Host: {NAME}", f"http://127.0.0.1{path}"]
    return int(move.old.run(command, check=False).stdout or 0)


def _beside_another_site(move: Move) -> None:
    """Give old's nginx another site, for which it goes on, and which answers to whatever name is not known."""
    move.old.run(["sed", "-i", "s/ default_server//", move.site.nginx_file])
    move.old.write(
        "/etc/nginx/conf.d/other.conf", "server { listen 80 default_server; server_name _; return 200 other; }\n"
    )
    move.old.run(["systemctl", "reload", "nginx"])
    move.variables["relocate_answers"] = [{"url": "http://127.0.0.1/health", "host": NAME}]


def _errors(move: Move, answers: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """Give what went wrong for visitors but from the freeze until they were sent on, soon after new served."""
    report, record = move.report(), json.loads(move.old.read("/var/lib/relocate/shop.json"))
    sent_on = record["forward"]["at"]
    assert 0 < sent_on - report["served_at"] < 90, "seconds, but where this machine is busy"
    return [(at, status) for at, status in answers if status != 200 and not report["frozen_at"] - 1 < at < sent_on + 2]


@pytest.mark.drawn(4, of="ways on")
def test_old_sends_visitors_on(lab: Lab, tmp_path: Path) -> None:
    """Move beside another site of the same nginx, undo; then move with nginx itself, whose port systemd takes."""
    move = prepare(lab, tmp_path, SQLITE_SHOP)
    move.variables["relocate_forward"] = True
    _by_nginx(move)
    undone = move.run(playbook="undo")
    assert undone.rc == 0, undone.stdout[-3000:]
    assert ask(move) == 200 and active(move.old, move.site.web_unit)
    assert move.old.run(f"ls -d {LEFT} 2>/dev/null || true").stdout == ""
    assert "has nothing on old.lab that sends visitors on" in retire(move)
    _by_systemd(move)
    undone = move.run(playbook="undo")
    assert undone.rc == 0, undone.stdout[-3000:]
    assert active(move.old, "nginx") and ask(move) == 200
    assert move.old.run(f"ls -d {LEFT} 2>/dev/null || true").stdout == ""


def _by_nginx(move: Move) -> None:
    _beside_another_site(move)
    checked = move.run("--check")
    assert checked.rc == 0 and "by a file of nginx, ports 80" in checked.stdout + checked.stderr, checked.stdout[-3000:]
    assert f"TTL in DNS: {NAME} " in checked.stdout + checked.stderr
    with watched(move.old, name=NAME) as answers:
        moved = move.run()
    assert moved.rc == 0, moved.stdout[-5000:]
    assert "old sends visitors on to " in moved.stdout and "relocate.django.retire" in moved.stdout
    assert _errors(move, answers) == []
    assert not active(move.old, move.site.web_unit) and ask(move) == 200
    assert move.old.run(["curl", "-s", "http://127.0.0.1/"]).stdout == "other"
    assert move.old.address in move.new.run(["tail", "-n", "20", "/var/log/nginx/access.log"]).stdout
    again = move.run()
    assert again.rc == 0 and set(changed(again).values()) == {0}, again.stdout[-3000:]
    assert "requests in the last 24 hours" in retire(move)
    assert "until it was quiet for 24 h" in retire(move, "-e", "relocate_quiet_hours=24")
    assert "nobody would be sent on" in retire(move, "-e", "relocate_quiet_hours=0", "--check")
    assert ask(move) == 200


def _by_systemd(move: Move) -> None:
    move.variables.update(relocate_reload=[], relocate_replace=True)
    move.variables["relocate_services"] = ["nginx", *move.site.units]
    moved = move.run()
    assert moved.rc == 0, moved.stdout[-5000:]
    assert not active(move.old, "nginx") and active(move.old, "relocate-forward-shop-80.socket")
    assert ask(move) == 200
    assert "the last visitor came 0.0 h ago" in retire(move)
    assert "nobody is sent on any more" in retire(move, "-e", "relocate_quiet_hours=0")
    assert move.old.run(f"ls -d {LEFT} 2>/dev/null || true").stdout == "" and ask(move) == 0
    again = move.run()  # the site was moved before, but nobody was sent on
    assert again.rc == 0 and ask(move) == 200, again.stdout[-3000:]
