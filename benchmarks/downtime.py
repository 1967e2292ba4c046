#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a site is down for those who ask it, moved by hand and by the playbook, on the same two hosts.

A client asks old and new all the time, every 20 ms. The downtime is from the last right answer of old to the first one
of new. By hand is what people do: stop, dump, scp, create, load, start; everything else is prepared on new, since the
playbook has just moved the site there. The hosts share the cores of one machine, or have one each (``--pinned``), as
real hosts do. Each run has a fresh pair; medians are printed, and the load of the machine with them.

    build/venv/bin/python benchmarks/downtime.py --rows 2000
    build/venv/bin/python benchmarks/downtime.py --rows 1000000 --changed 0.01 --writes 200 --set relocate_proof=full
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import http.client
import json
import os
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.run import MYSQL, POSTGRESQL, RESULTS, SQLITE, ByHand, at_rest, carried, cleared, let_in
from tests.e2e.moving import Move, blank
from tests.lab._command import podman
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.services import mysql, psql
from tests.sites.provision import MYSQL_SHOP, SHOP, SQLITE_SHOP, provisioned, wait_http
from tests.sites.spec import Site
from tests.tools import collection

SITES = {"postgresql": (SHOP, POSTGRESQL), "mysql": (MYSQL_SHOP, MYSQL), "sqlite": (SQLITE_SHOP, SQLITE)}
_EVERY = 0.02  # seconds between two questions
_PATIENCE = 2.0  # seconds for an answer
#: The task before which the rows change: the first one after the first copy.
_SETTLING = "Settle how old is frozen"
_CHANGE = "UPDATE shop_sale SET quantity = (quantity + 1) % 1000 WHERE id % {every} = 0"
_WRITE = "UPDATE shop_sale SET quantity = (quantity + 1) % 1000 WHERE id IN ({keys})"


class Asker:
    """Asks a host for the site while the block runs.

    :param host: whose address is asked
    """

    def __init__(self, host: Host, site: Site) -> None:
        self._host, self._site = host, site
        self.right: list[tuple[float, float]] = []  # when each right answer was asked for, and came
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def _ask(self) -> None:
        while not self._over.wait(_EVERY):
            asked = time.monotonic()
            if self._is_right():
                self.right.append((asked, time.monotonic()))

    def _is_right(self) -> bool:
        link = http.client.HTTPConnection(self._host.address, self._site.public_port, timeout=_PATIENCE)
        try:
            link.request("GET", "/health")
            answer = link.getresponse()
            return answer.status == 200 and b'"ok"' in answer.read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            link.close()

    def __enter__(self) -> Asker:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join(_PATIENCE * 2)


@functools.lru_cache(maxsize=100)
def _first_process(container: str) -> str:
    return podman("inspect", "--format={{.State.Pid}}", container)


def processor(host: Host) -> float:
    """Seconds of a processor's time that a host has had."""
    groups = Path(f"/proc/{_first_process(host.container)}/cgroup").read_text()
    v1 = re.search(r"^\d+:[\w,]*cpuacct[\w,]*:(.*?libpod-[^/\n]*)", groups, re.M)
    if v1:
        for top in ("cpuacct", "cpu,cpuacct"):
            path = Path(f"/sys/fs/cgroup/{top}{v1[1]}/cpuacct.usage")
            if path.exists():
                return int(path.read_text()) / 1e9
    v2 = re.search(r"^0::(.*?libpod-[^/\n]*)", groups, re.M)
    said = Path(f"/sys/fs/cgroup{v2[1] if v2 else ''}/cpu.stat").read_text()
    return int(said.split()[1]) / 1e6


class Used:
    """Notes every tenth of a second how much of a processor each host has had, to tell it of a span afterwards."""

    def __init__(self, *hosts: Host) -> None:
        self._hosts = hosts
        self._noted: list[tuple[float, dict[str, float]]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._note, daemon=True)

    def _note(self) -> None:
        while not self._over.wait(0.1):
            self._noted.append((time.monotonic(), {host.name: processor(host) for host in self._hosts}))

    def between(self, since: float, until: float) -> dict[str, float]:
        """Seconds of each host between two moments."""
        first = min(self._noted, key=lambda item: abs(item[0] - since))[1]
        last = min(self._noted, key=lambda item: abs(item[0] - until))[1]
        return {name: last[name] - first[name] for name in first}

    def __enter__(self) -> Used:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join(5)


@contextlib.contextmanager
def asked(old: Host, new: Host, site: Site) -> Iterator[dict[str, float]]:
    """Ask both hosts while the block runs; gives the seconds of downtime when it has ended."""
    found: dict[str, float] = {}
    with Asker(old, site) as of_old, Asker(new, site) as of_new, Used(old, new) as used:
        time.sleep(0.5)
        yield found
        for _attempt in range(100):
            if of_new.right:
                break
            time.sleep(0.1)
    if not of_old.right or not of_new.right:
        sys.exit(f"right answers: {len(of_old.right)} of old, {len(of_new.right)} of new")
    since, until = of_old.right[-1][0], of_new.right[0][1]
    found["downtime"] = until - since
    found.update({f"processor, {name}": value for name, value in used.between(since, until).items()})


class Writer:
    """Changes rows on old while a move runs: a share of them at once before the freeze, and some all the time.

    :param share: of the rows of the largest table, 0 to 1
    :param rate: rows a second; as a part of the site, it ends when the site's worker does
    """

    def __init__(self, move: Move, share: float, rate: float) -> None:
        self._move, self._share, self._rate = move, share, rate
        self._over = threading.Event()
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._change, self._write)]
        self.changed, self.written = 0.0, 0

    def _change(self) -> None:
        """Change the share once the first copy has been made, told by the heading of the task after it."""
        said = self._move.directory / "stdout.txt"
        while self._share and not self._over.wait(0.05):
            if said.exists() and _SETTLING in said.read_text(errors="replace"):
                begun = time.monotonic()
                self._say(_CHANGE.format(every=max(1, round(1 / self._share))))
                self.changed = time.monotonic() - begun
                return

    def _write(self) -> None:
        unit, key = self._move.site.worker_unit, 0
        while self._rate and not self._over.wait(0.2):
            if self._move.old.run(["systemctl", "is-active", "--quiet", unit], check=False).returncode:
                return
            keys = [key + number for number in range(1, max(1, round(self._rate / 5)) + 1)]
            key = keys[-1]
            with contextlib.suppress(Exception):  # cut by the freeze
                self._say(_WRITE.format(keys=", ".join(map(str, keys))))
                self.written += len(keys)

    def _say(self, sql: str) -> None:
        site, name = self._move.site, self._move.site.databases["default"]
        if site.engine == "mysql":
            mysql(self._move.old, sql, name)
        elif site.engine == "postgresql":
            psql(self._move.old, sql, name)
        else:
            code = "import sqlite3, sys; d = sqlite3.connect(sys.argv[1], 30); d.execute(sys.argv[2]); d.commit()"
            self._move.old.run(["python3", "-c", code, name, sql], user=site.user)

    def __enter__(self) -> Writer:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)


@dataclass(frozen=True)
class Wanted:
    """What is measured."""

    engine: str
    rows: int
    pinned: bool
    changed: float
    writes: float
    variables: dict[str, object]


def pin(old: Host, new: Host) -> None:
    """Give each host a core of its own."""
    for core, host in enumerate((old, new)):
        podman("update", f"--cpuset-cpus={core % (os.cpu_count() or 1)}", host.container)


def measure(wanted: Wanted) -> dict[str, float]:
    """One run on a fresh pair: the move, then the same by hand."""
    site, words = SITES[wanted.engine]
    _first_process.cache_clear()
    with Lab(os.environ.get("RELOCATE_LAB_PREFIX", "downtime")) as lab:
        old = provisioned(lab, site, rows=wanted.rows)
        new = blank(lab, site)
        if wanted.pinned:
            pin(old, new)
        at_rest(words, old, new)
        move = Move(lab, old, new, site, Path(tempfile.mkdtemp(prefix="downtime")), variables=wanted.variables)
        with asked(old, new, site) as seen, Writer(move, wanted.changed, wanted.writes) as writer:
            result = move.run()
        if result.rc:
            sys.exit(result.stdout[-6000:])
        report = move.report()
        hand = _by_hand(old, new, site, words)
    parts = {f"- {name}": float(value) for name, value in report["window"].items() if value}
    for step, seconds in report["seconds"].items():
        parts.update({f"-- {step}: {name}": float(value) for name, value in seconds.items()})
    return {
        "downtime, as a client saw it": seen["downtime"],
        "downtime by hand, as a client saw it": hand["downtime"],
        "by hand / dump": hand["dump"],
        "by hand / copy": hand["copy"],
        "by hand / load": hand["load"],
        "ours / by hand": seen["downtime"] / hand["downtime"],
        "downtime, as the report says": float(report["downtime"]),
        **parts,
        "whole run": result.seconds,
        "processor in the downtime, old": seen["processor, old"],
        "processor in the downtime, new": seen["processor, new"],
        "by hand / processor, old": hand["processor, old"],
        "by hand / processor, new": hand["processor, new"],
        **({"changing rows": writer.changed} if wanted.changed else {}),
        **({"rows written meanwhile": float(writer.written)} if wanted.writes else {}),
    }


def _by_hand(old: Host, new: Host, site: Site, words: ByHand) -> dict[str, float]:
    """Stop, dump, copy, load, start."""
    let_in(old, new)
    new.run(["systemctl", "stop", *site.units])
    old.run(["systemctl", "start", *site.units])
    wait_http(old, "/health", port=site.public_port)
    at_rest(words, old, new)
    databases = list(site.databases.values())
    with asked(old, new, site) as seen:
        old.run(["systemctl", "stop", *site.units])
        took = carried(old, new, databases, words)
        new.run(["systemctl", "start", *site.units])
    cleared(old, new, databases, words)
    return {**took, **seen}


def load() -> str:
    """The machine's load now."""
    return "{0} load {1:.2f} {2:.2f} {3:.2f}".format(time.strftime("%H:%M:%S"), *os.getloadavg())


def table(columns: dict[str, list[dict[str, float]]]) -> str:
    """Medians, one column for each way to run."""
    names = list(dict.fromkeys(name for runs in columns.values() for run in runs for name in run))
    lines = ["| s | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    for name in names:
        cells = [[run[name] for run in runs if name in run] for runs in columns.values()]
        shown = [f"{statistics.median(cell):.2f}" if cell else "" for cell in cells]
        lines.append(f"| {name} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def variable(text: str) -> tuple[str, object]:
    """NAME=VALUE, the value as JSON where it is some."""
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def main() -> int:
    """Measure and print; the figures are kept below build/benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--engine", choices=list(SITES), action="append", help="all three without one")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--pinned", choices=["yes", "no", "both"], default="both", help="a core for each host")
    parser.add_argument(
        "--changed", type=float, default=0.0, help="share of the rows changed before the freeze, 0 to 1"
    )
    parser.add_argument("--writes", type=float, default=0.0, help="rows a second written until the freeze")
    parser.add_argument("--set", type=variable, action="append", default=[], metavar="NAME=VALUE", dest="variables")
    given = parser.parse_args()
    collection.sync()
    ways = {"yes": (True,), "no": (False,), "both": (False, True)}[given.pinned]
    columns: dict[str, list[dict[str, float]]] = {}
    state = [load()]
    for engine in given.engine or list(SITES):
        for pinned in ways:
            wanted = Wanted(engine, given.rows, pinned, given.changed, given.writes, dict(given.variables))
            runs = columns.setdefault(f"{engine}{', a core each' if pinned else ''}", [])
            for _number in range(given.runs):
                runs.append(measure(wanted))
                state.append(load())
                print(f"{state[-1]} {engine} {pinned=} {runs[-1]['downtime, as a client saw it']:.2f}", flush=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / time.strftime("downtime-%Y%m%dT%H%M%S.json")
    path.write_text(json.dumps({"given": vars(given), "machine": state, "runs": columns}, indent=1) + "\n")
    print(table(columns))
    print(path.relative_to(collection.ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
