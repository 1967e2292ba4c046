#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make benchmark`: a site of N rows, moved by hand and by the playbook, on the same two hosts, in one run.

By hand is what people do: dump, scp, create, load, for each database; once before the move and once after, since
a server that has just made its first WAL files is faster ever after: the mean counts. Only ratios mean anything: both
hosts share the cores of one machine. Nothing is asserted; a figure that misses its aim is printed as it is.

    build/venv/bin/python benchmarks/run.py --rows 1000000
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.e2e.moving import Move
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.services import psql
from tests.sites.databases import enable_mysql
from tests.sites.provision import MYSQL_SHOP, SHOP, provisioned
from tests.sites.spec import Site
from tests.tools import collection

RESULTS = collection.ROOT / "build" / "benchmarks"
_PEAK = """
import os, sys, time
peak = 0
while not os.path.exists("/run/stop-measuring"):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            line = open("/proc/%s/cmdline" % pid, "rb").read()
            if b"python" not in line.split(b"\\0")[0] or b"manage.py" in line or b"gunicorn" in line:
                continue
            if pid == str(os.getpid()):
                continue
            for row in open("/proc/%s/status" % pid):
                if row.startswith("VmHWM:"):
                    peak = max(peak, int(row.split()[1]))
        except OSError:
            continue
    time.sleep(0.05)
print(peak)
"""


def received(host: Host) -> int:
    """Bytes that a host has received since it started."""
    return int(host.run(["cat", "/sys/class/net/eth0/statistics/rx_bytes"]).stdout)


class Peak:
    """The largest resident size of any Python process of ours on a host, in kB, while the block runs."""

    def __init__(self, host: Host) -> None:
        self.host, self.kilobytes = host, 0
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        self.kilobytes = int(self.host.run(["python3", "-c", _PEAK], timeout=3600).stdout or 0)

    def __enter__(self) -> Peak:
        self.host.run(["rm", "-f", "/run/stop-measuring"])
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.host.run(["touch", "/run/stop-measuring"])
        self._thread.join(30)


@dataclass(frozen=True)
class ByHand:
    """What people type, for one engine; ``{0}`` is the database, ``{1}`` the file that its dump is."""

    dump: str
    create: str
    load: str
    drop: str
    settle: str
    user: str  # whom they are


POSTGRESQL = ByHand(
    dump="pg_dump {0} > {1}",
    create="createdb hand_{0}",
    load="psql -q -d hand_{0} -f {1} >/dev/null",
    drop="dropdb hand_{0}",
    settle="psql -qc CHECKPOINT",
    user="postgres",
)
MYSQL = ByHand(
    dump="mysqldump {0} > {1}",
    create="mysql -e 'CREATE DATABASE hand_{0}'",
    load="mysql hand_{0} < {1}",
    drop="mysql -e 'DROP DATABASE hand_{0}'",
    settle="mysql -e 'FLUSH LOGS'",
    user="root",
)
#: A database is a path; the site is stopped, so that a copy is whole.
SQLITE = ByHand(
    dump="cp {0} {1}", create="true", load="cp {1} {0}.hand", drop="rm {0}.hand", settle="true", user="root"
)
_SCP = "scp -q -i /root/.ssh/hand -o StrictHostKeyChecking=no"


def let_in(old: Host, new: Host) -> None:
    """Let new fetch from old, as it is set up long before a move by hand."""
    key = new.run(
        "test -f /root/.ssh/hand || ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/hand; cat /root/.ssh/hand.pub"
    )
    old.run("mkdir -p /root/.ssh; cat >> /root/.ssh/authorized_keys", input=key.stdout)


def file_of(name: str) -> str:
    """The file of a dump, on both hosts."""
    return f"/tmp/{Path(name).name}.sql"


def carried(old: Host, new: Host, databases: list[str], words: ByHand) -> dict[str, float]:
    """Dump, copy, create, load; seconds of each."""
    took = dict.fromkeys(("dump", "copy", "load"), 0.0)
    for name in databases:
        file = file_of(name)
        start = time.monotonic()
        old.run("cd /tmp; " + words.dump.format(name, file), user=words.user, timeout=3600)
        took["dump"] += time.monotonic() - start
        start = time.monotonic()
        new.run(f"{_SCP} root@{old.address}:{file} {file}; chmod 644 {file}", timeout=3600)
        took["copy"] += time.monotonic() - start
        start = time.monotonic()
        create, load = words.create.format(name, file), words.load.format(name, file)
        new.run(f"cd /tmp; {create} && {load}", user=words.user, timeout=3600)
        took["load"] += time.monotonic() - start
    return took


def cleared(old: Host, new: Host, databases: list[str], words: ByHand) -> None:
    """Remove what was carried."""
    for name in databases:
        new.run("cd /tmp; " + words.drop.format(name), user=words.user, timeout=600)
        for host in (old, new):
            host.run(["rm", "-f", file_of(name)])


def by_hand(old: Host, new: Host, databases: list[str], words: ByHand) -> dict[str, float]:
    """Dump, copy, create, load; seconds of each."""
    let_in(old, new)
    took = carried(old, new, databases, words)
    cleared(old, new, databases, words)
    return took


def at_rest(words: ByHand, *hosts: Host) -> None:
    """What the step before left to be written to disk is not the next one's to wait for."""
    for host in hosts:
        host.run("cd /tmp; " + words.settle, user=words.user)
        host.run(["sync"])


def remote_tasks(stdout: str) -> int:
    """Tasks that a host worked on: all but those that the controller does by itself."""
    own = ("Validating arguments", "Name the packages", "Refuse to", "Write the report", "Note ", "Keep ", "Forget",
           "Begin", "Fail when", "Open a tunnel", "Reach old", "Close the tunnel")  # fmt: skip
    found = 0
    for block in re.split(r"^TASK \[", stdout, flags=re.M)[1:]:
        name, _, rest = block.partition("]")
        title = name.rpartition(" : ")[2]
        if re.search(r"^(ok|changed|fatal): ", rest, re.M) and not title.startswith(own):
            found += 1
    return found


def proof(seconds: dict[str, dict[str, float]]) -> float:
    """Counting and fingerprinting on both hosts, beside dumping and loading."""
    counted = seconds["backup"]["count"] + seconds["restore"]["count"]
    return counted / (seconds["backup"]["dump"] + seconds["restore"]["load"])


def measure(rows: int, site: Site, words: ByHand) -> dict[str, object]:
    """One run: by hand, then the move, then the move again, then by hand again."""
    collection.sync()
    databases = list(site.databases.values())
    with Lab("bench") as lab:
        old = provisioned(lab, site, rows=rows)
        new = lab.host("new", fresh=True)
        new.run(["rm", "-f", "/etc/nginx/sites-enabled/default"])
        if site.engine == "mysql":
            enable_mysql(new)
        else:
            psql(new, "CREATE ROLE shop")
        at_rest(words, old, new)
        hands = [by_hand(old, new, databases, words)]
        if site.engine == "postgresql":
            psql(new, "DROP ROLE shop")
        at_rest(words, old, new)
        move = Move(lab, old, new, site, Path(tempfile.mkdtemp(prefix="bench")))
        before = received(new)
        with Peak(old) as on_old, Peak(new) as on_new:
            result = move.run()
        if result.rc:
            sys.exit(result.stdout[-4000:])
        moved, report = received(new) - before, move.report()
        again = move.run()
        at_rest(words, old, new)
        hands.append(by_hand(old, new, databases, words))
    steps = report["steps"]
    ours = sum(steps[name] for name in ("backup", "transfer", "restore"))
    total = sum(sum(hand.values()) for hand in hands) / len(hands)
    spent = report["seconds"]
    core = (
        spent["backup"]["dump"] + sum(spent["transfer"].values()) + spent["restore"]["load"] + spent["restore"]["count"]
    )
    return {
        "rows": rows,
        "engine": site.engine,
        "by hand, before and after, s": [{key: round(value, 2) for key, value in hand.items()} for hand in hands],
        "move, s": steps,
        "(dump + transfer + load + proof) / by hand": round(core / total, 2),
        "(backup + transfer + restore) / by hand": round(ours / total, 2),
        "downtime / by hand": round(report["downtime"] / total, 2),
        "of these, s": report["seconds"],
        "proof / (dump + load)": round(proof(report["seconds"]), 2),
        "received by new, MB": round(moved / 1e6),
        "peak of our Python on old, MB": round(on_old.kilobytes / 1024),
        "peak of our Python on new, MB": round(on_new.kilobytes / 1024),
        "remote tasks": remote_tasks(result.stdout),
        "whole run, s": round(result.seconds, 1),
        "rerun, s": round(again.seconds, 1),
    }


def main() -> int:
    """Measure and print; the figures are kept below build/benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--engine", choices=["postgresql", "mysql"], default="postgresql")
    given = parser.parse_args()
    figures = measure(given.rows, *{"postgresql": (SHOP, POSTGRESQL), "mysql": (MYSQL_SHOP, MYSQL)}[given.engine])
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / time.strftime("%Y%m%dT%H%M%S.json")
    path.write_text(json.dumps(figures, indent=1) + "\n")
    for name, value in figures.items():
        print(f"{name:44} {value}")
    print(path.relative_to(collection.ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
