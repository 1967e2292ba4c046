# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run stages of ``make test``, say what each took, and close with one line of figures.

A word is a group of lanes, which run side by side; a lane is a list of stages: ``lint,docs+unit lab`` runs unit beside
lint and docs, and lab when these are done.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from tests.tools.collection import ROOT

REPORTS = ROOT / "build" / "reports"
#: Too long to run when something that takes seconds has failed already.
LAST = "lab"
#: Whoever waits for a test shall not wait for what is only wanted later.
BACKGROUND = "images"
SLOWEST = 25


@dataclass
class Stages:
    """What was run, in what order, and how it went."""

    lines: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    _talking: threading.Lock = field(default_factory=threading.Lock)

    def group(self, lanes: list[list[str]]) -> None:
        """Run lanes side by side, and wait for all of them. One that is alone is shown as it goes."""
        with ThreadPoolExecutor(max_workers=len(lanes)) as pool:
            for done in [pool.submit(self.lane, lane, len(lanes) == 1) for lane in lanes]:
                done.result()

    def lane(self, stages: list[str], shown: bool) -> None:
        """Run stages one after the other; all the short ones, even when one fails."""
        for stage in stages:
            if stage == LAST and self.failed:
                self.lines.append(f"{stage:10} not run")
                continue
            if shown:
                print(f"\n=== {stage}", flush=True)
            start = time.monotonic()
            good, said = run(stage, shown)
            line = f"{stage:10} {'ok' if good else 'FAILED':6} {time.monotonic() - start:7.1f} s"
            with self._talking:
                print("" if shown else f"\n=== {stage}\n{said}", end="")
                print(f"=== {line}", flush=True)
                self.lines.append(line)
                self.failed += [] if good else [stage]


def run(stage: str, shown: bool) -> tuple[bool, str]:
    """Run one target of the Makefile; gives whether it succeeded, and what it said unless that was shown."""
    options = [f"PYTEST_OPTIONS=--junitxml={REPORTS / stage}.xml"] if stage in ("unit", "engines") else []
    command = ["make", "--no-print-directory", stage, *options]
    if stage == BACKGROUND:
        command = ["nice", "--adjustment=10", *command]
    # A file and not a pipe: what a program leaves running keeps a pipe open.
    log = REPORTS / f"{stage}.log"
    with log.open("wb") as stream:
        output = None if shown else stream
        code = subprocess.run(
            command, cwd=ROOT, check=False, stdout=output, stderr=subprocess.STDOUT if output else None
        )
    return code.returncode == 0, log.read_text(encoding="utf-8", errors="replace")


def reports() -> list[Path]:
    """Give what pytest wrote down."""
    return sorted(REPORTS.glob("*.xml"))


def figures() -> str:
    """Say how many tests ran, out of the reports that pytest wrote."""
    total = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for path in reports():
        for suite in ElementTree.parse(path).iter("testsuite"):
            for key in total:
                total[key] += int(suite.get(key, "0"))
    failed = total["failures"] + total["errors"]
    passed = total["tests"] - failed - total["skipped"]
    return f"tests: {passed} passed, {failed} failed, {total['skipped']} skipped"


def slowest(count: int = SLOWEST) -> list[str]:
    """Give the tests that took longest, setting up included, one a line; the slowest first."""
    found = [
        (float(case.get("time", "0")), path.stem, f"{case.get('classname', '')}::{case.get('name', '')}")
        for path in reports()
        for case in ElementTree.parse(path).iter("testcase")
    ]
    return [f"{took:7.1f} s  {report:8} {name}" for took, report, name in sorted(found, reverse=True)[:count]]


def main(groups: list[str]) -> int:
    """Run the stages, then say what took how long."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    for path in REPORTS.glob("*"):
        path.unlink()
    start = time.monotonic()
    stages = Stages()
    for group in groups:
        stages.group([lane.split(",") for lane in group.split("+")])
    print("\nThe slowest tests:\n" + "\n".join(slowest()))
    print("\nThe stages, those of a group side by side:\n" + "\n".join(stages.lines))
    print(f"whole      {'':6} {time.monotonic() - start:7.1f} s on {os.cpu_count()} cores")
    print(f"failed: {', '.join(stages.failed)}" if stages.failed else "all stages are good")
    print(figures())
    return 1 if stages.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
