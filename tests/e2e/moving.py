# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every end-to-end test needs: a pair of hosts, an inventory, a run of the playbook, and a look from outside."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.playbook import PlaybookResult, run_playbook
from tests.lab.services import mysql
from tests.sites.databases import enable_mysql
from tests.sites.facts import Facts, facts_of, psql_in
from tests.sites.provision import LIVE_TABLES, SHOP, provisioned
from tests.sites.spec import Site
from tests.tools.collection import ROOT

COLLECTIONS = ROOT / "build" / "collections"
DEFAULT_VENV = ROOT / "build" / "venv"


@dataclass
class Move:
    """A site on a fresh old host and a blank new one, and the playbooks that are run on them."""

    lab: Lab
    old: Host
    new: Host
    site: Site
    directory: Path
    venv: Path = DEFAULT_VENV
    variables: dict[str, Any] = field(default_factory=dict)

    def inventory(self) -> Path:
        """Write the inventory as a user would: two groups, and what is set once."""
        path = self.directory / "inventory.yml"
        return self.lab.write_inventory(path, {**variables_of(self.site), **self.variables})

    def run(self, *args: str, playbook: str = "move", env: Mapping[str, str] | None = None) -> PlaybookResult:
        """Run a playbook of the collection over SSH."""
        command = [f"relocate.django.{playbook}", "-i", str(self.inventory()), *args]
        command += [] if any(arg.startswith("--limit") for arg in args) else ["--limit", "old.lab,new.lab"]
        return run_playbook(
            command, venv=self.venv, collections_path=COLLECTIONS, directory=self.directory, env=env or {}
        )

    def play(self, name: str, inventory: str, *args: str) -> PlaybookResult:
        """Run a playbook with an inventory that the test did not write, ``inventory.yml`` of discovery above all."""
        command = [f"relocate.django.{name}", "-i", inventory, *args]
        return run_playbook(command, venv=self.venv, collections_path=COLLECTIONS, directory=self.directory)

    def discover(self) -> PlaybookResult:
        """Let the inventory be written from the hosts alone."""
        return self.play("discover", str(self.lab.write_inventory(self.directory / "hosts.yml", {})))

    def report(self, site: str = "") -> dict[str, Any]:
        """The newest JSON report, of any site or of one."""
        found = (self.directory / "relocate-reports").glob(f"{site}*.json")
        paths = sorted(found, key=lambda path: path.stat().st_mtime)
        report: dict[str, Any] = json.loads(paths[-1].read_text())
        return report


def variables_of(site: Site) -> dict[str, Any]:
    """What a user of this site sets in the inventory."""
    link = site.nginx_file.replace("sites-available", "sites-enabled")
    return {
        "relocate_site": site.name,
        "relocate_path": site.app,
        # Settings that read the bare environment see what systemd's EnvironmentFile gives the units.
        "relocate_env_files": [".env"] if site.settings.endswith("_plain") else [],
        "relocate_files": [site.env_file, *site.unit_files, site.nginx_file, link],
        "relocate_services": list(site.units),
        "relocate_reload": ["nginx"],
        "relocate_answers": [{"url": f"http://127.0.0.1:{site.public_port}/health"}],
        # What the project's own driver and the web server need is the user's to know.
        "relocate_packages": ["nginx-light"],
    }


def prepare(
    lab: Lab, directory: Path, site: Site = SHOP, rows: int = 5000, suite: str = "bookworm", on: str = "trixie"
) -> Move:
    """An old host with the site out of a snapshot, and a new host that knows nothing of it.

    :param on: the suite of the new host
    """
    directory.mkdir(parents=True, exist_ok=True)
    if "old" in lab.hosts:
        lab.remove("old")  # an earlier test may have moved its site away
    old = provisioned(lab, site, suite=suite, rows=rows)
    new = blank(lab, site) if on == "trixie" else lab.host("new", on, fresh=True)
    return Move(lab, old, new, site, directory)


def blank(lab: Lab, site: Site) -> Host:
    """A new host that knows nothing of the site. A server of MySQL's kind runs there; PostgreSQL's does anyway."""
    new = lab.host("new", fresh=True)
    # Debian's welcome page wants to be the default server, as the site's own configuration does.
    new.run(["rm", "-f", "/etc/nginx/sites-enabled/default"])
    if site.engine == "mysql" and site.database_host == "127.0.0.1":
        enable_mysql(new)
    return new


def controller(version: str) -> Path:
    """The virtual environment of another ansible-core than all other tests use; made by `make controllers`."""
    path = ROOT / "build" / f"venv-{version}"
    if not (path / "bin" / "ansible-playbook").exists():
        reason = f"no ansible-core {version} here: run `make controllers`"
        if os.environ.get("RELOCATE_LAB_REQUIRED") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    argv = [str(path / "bin" / "ansible"), "--version"]
    told = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    assert f"core {version}" in told
    return path


def still(host: Host, site: Site) -> dict[str, Facts]:
    """What the databases hold, by plain SQL, but for the tables that the running site goes on writing."""
    return {alias: facts.without(LIVE_TABLES) for alias, facts in facts_of(host, site).items()}


def heartbeats(host: Host, site: Site) -> set[str]:
    """The keys of the rows that the live writer has written, as the database holds them."""
    name = site.databases["default"]
    if site.engine == "sqlite":
        code = "import sqlite3, sys; print(*(r[0] for r in sqlite3.connect(sys.argv[1]).execute(sys.argv[2])))"
        return set(host.run(["python3", "-c", code, name, "SELECT id FROM shop_heartbeat"]).stdout.split())
    ask = mysql if site.engine == "mysql" else psql_in
    return set(ask(host, "SELECT id FROM shop_heartbeat", name).split())


def changed(result: PlaybookResult) -> dict[str, int]:
    """How many tasks of each host changed something, from the recap."""
    return {host: int(count) for host, count in re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+)", result.stdout, re.M)}


def tasks(result: PlaybookResult) -> list[str]:
    """The names of all tasks that ran; one that was skipped has a heading too."""
    parts = re.split(r"(?m)^TASK \[(.*)\] \**$", result.stdout)
    return [
        name
        for name, said in zip(parts[1::2], parts[2::2], strict=True)
        if re.search(r"(?m)^(ok|changed|included): ", said)
    ]


def fails_with(result: PlaybookResult, code: str) -> bool:
    """Whether the run failed, and says why by this stable code."""
    return result.rc != 0 and f'"code": "{code}"' in result.stdout


def active(host: Host, unit: str) -> bool:
    """Whether a unit runs."""
    return host.run(["systemctl", "is-active", "--quiet", unit], check=False).returncode == 0


def enabled(host: Host, unit: str) -> bool:
    """Whether a unit starts with the host."""
    return host.run(["systemctl", "is-enabled", "--quiet", unit], check=False).returncode == 0


def comes_true(host: Host, condition: str, then: str = ":", seconds: int = 10) -> bool:
    """Whether a condition of the shell comes true on a host within some seconds.

    The host itself looks many times a second: to ask from outside as often would keep a core of this machine busy.

    :param then: what the shell does at once, for moments that are over before this side has heard of them
    """
    script = ["timeout", str(seconds), "sh", "-c", f"until {condition}; do sleep 0.05; done; {then}"]
    return host.run(script, check=False).returncode == 0


@contextmanager
def watched(
    host: Host, path: str = "/health", every: float = 0.25, name: str = ""
) -> Iterator[list[tuple[float, int]]]:
    """Ask the site again and again while the block runs; gives (epoch, status) of each answer when it has ended.

    The host itself asks, as in :func:`comes_true`.

    :param name: of the site; empty asks by the address
    """
    enough = "/run/asked-enough"
    header = f"--header 'Host: {name}'" if name else ""
    ask = f"curl --silent --max-time 20 --output /dev/null --write-out '%{{http_code}}' {header} http://127.0.0.1{path}"
    script = f'until [ -e {enough} ]; do echo "$(date +%s.%N) $({ask})"; sleep {every}; done'
    host.run(["rm", "-f", enough])
    said: list[str] = []
    thread = threading.Thread(
        target=lambda: said.append(host.run(["timeout", "1200", "sh", "-c", script], check=False, timeout=1300).stdout),
        daemon=True,
    )
    thread.start()
    answers: list[tuple[float, int]] = []
    try:
        yield answers
    finally:
        host.run(["touch", enough])
        thread.join(30)
        answers += [(float(at), int(status)) for at, status in map(str.split, "".join(said).splitlines())]


def leftovers(host: Host) -> str:
    """What a finished run must not leave: secret files, keys, our processes. Compiled code stays, and empty places."""
    script = (
        "ls -A --ignore=code --ignore=progress /run/relocate 2>/dev/null; ls -A /run/relocate/progress 2>/dev/null;"
        " grep -rl 'command=.*relocate-' /root/.ssh /home/*/.ssh 2>/dev/null;"
        " ls -A /var/lib/relocate/transfer 2>/dev/null; systemctl list-units --all --plain --no-legend 'relocate-*'"
    )
    return host.run(["sh", "-c", script], check=False).stdout.strip()
