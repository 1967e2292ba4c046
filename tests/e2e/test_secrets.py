# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Canary passwords: not one form of one of them, anywhere, on success and on failure (acceptance 5)."""

from __future__ import annotations

import base64
import json
import re
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.moving import Move, prepare
from tests.e2e.servers import SERVERS, Server
from tests.e2e.test_failures import converges, fails_and_is_put_back
from tests.lab.host import Host
from tests.lab.lab import Lab

#: Prints each command line once. A process that has shown the same one for a while is looked at less often: to read
#: all of them each time would keep a core of this machine busy for every host.
_POLL = r"""
import os, sys, time
seen, known, turn = set(), {}, 0
end = time.time() + float(sys.argv[1])
while time.time() < end and not os.path.exists("/run/stop-polling"):
    turn, before, known = turn + 1, known, {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        line, times = before.get(pid, (None, 0))
        if times < 20 or (turn + int(pid)) % 20 == 0:
            try:
                with open("/proc/%s/cmdline" % pid, "rb", buffering=0) as stream:
                    found = stream.read()
            except OSError:
                continue
            line, times = found, times + 1 if found == line else 0
            if line not in seen:
                seen.add(line)
                sys.stdout.buffer.write(line.replace(b"\n", b" ") + b"\n")
        known[pid] = line, times
    time.sleep(0.005)
"""


def forms(secret: str) -> set[str]:
    """Every form that is looked for, and any eight characters in a row of the secret."""
    pieces = {secret[start : start + 8] for start in range(len(secret) - 7)}
    whole = {
        secret,
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        base64.b64encode(secret.encode()).decode(),
        secret.replace("\\", "\\\\").replace(":", "\\:"),
        secret.replace("'", "''"),
    }
    return pieces | whole


def hits(text: str, secrets: tuple[str, ...]) -> list[str]:
    """Where a secret shows, with a little of what stands around it."""
    found = []
    for secret in secrets:
        for form in forms(secret):
            for match in re.finditer(re.escape(form), text):
                found.append(text[max(0, match.start() - 60) : match.start()] + "<<HIT>>")
    return found


@contextmanager
def polled(*hosts: Host) -> Iterator[list[str]]:
    """While the block runs, collect every command line of every process of the hosts."""
    lines: list[str] = []
    for host in hosts:
        host.run(["rm", "-f", "/run/stop-polling"])
    threads = [
        threading.Thread(
            target=lambda host=host: lines.append(
                host.run(["python3", "-", "600"], input=_POLL, check=False, timeout=700).stdout
            )
        )
        for host in hosts
    ]
    for thread in threads:
        thread.start()
    try:
        yield lines
    finally:
        for host in hosts:
            host.run(["touch", "/run/stop-polling"])
        for thread in threads:
            thread.join(30)


@pytest.fixture(params=list(SERVERS))
def server(request: pytest.FixtureRequest) -> Server:
    """Each kind of database server."""
    return SERVERS[request.param]


@pytest.fixture
def move(lab: Lab, tmp_path: Path, server: Server) -> Move:
    """One pair for both runs."""
    return prepare(lab, tmp_path, server.site)


def everything_written(move: Move) -> str:
    """All that the controller keeps of a run: output, log, facts cache, reports."""
    files = [path for path in move.directory.rglob("*") if path.is_file() and path.name != "inventory.yml"]
    return "\n".join(path.read_text(errors="replace") for path in files)


@pytest.mark.drawn(2)
def test_no_canary_shows(move: Move, server: Server) -> None:
    """A run that fails at the cutover and is put back, then one that succeeds: -vvvv, --diff and a facts cache."""
    env = {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(move.directory / "facts")}
    if server.log_statements:
        for host in (move.old, move.new):
            server.ask(host, server.log_statements)
    broken = "/etc/systemd/system/{0}.d/broken.conf".format(move.site.web_unit)
    move.new.write(broken, "[Service]\nExecStartPre=/bin/false\n")
    texts = []
    with polled(move.old, move.new) as lines:
        fails_and_is_put_back(move, "unit_failed", "-vvvv", "--diff", env=env)
        texts.append(everything_written(move))
        move.new.run(["rm", broken])
        converges(move, "-vvvv", "--diff", env=env)
        texts.append(everything_written(move))
    assert len(lines) == 2 and all("python3" in text for text in lines)
    assert "Load, prove and swap" in texts[1]
    assert hits("\n".join(texts + lines), move.site.secrets) == []
    for host in (move.old, move.new):
        journal = host.run(["journalctl", "--no-pager", "-o", "cat"]).stdout
        logs = host.run(["sh", "-c", server.logs], check=False).stdout
        assert "shop_sale" in logs or not server.log_statements
        assert hits(journal + logs, move.site.secrets) == []
