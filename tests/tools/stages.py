# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run stages of ``make test``, say what each took, and close with one line of figures."""

from __future__ import annotations

import subprocess
import sys
import time
from xml.etree import ElementTree

from tests.tools.collection import ROOT

REPORTS = ROOT / "build" / "reports"
#: Too long to run when something that takes seconds has failed already.
LAST = "lab"


def run(stage: str) -> bool:
    """Run one target of the Makefile; returns whether it succeeded."""
    options = [f"PYTEST_OPTIONS=--junitxml={REPORTS / stage}.xml"] if stage in ("unit", "engines") else []
    return subprocess.run(["make", "--no-print-directory", stage, *options], cwd=ROOT, check=False).returncode == 0


def figures() -> str:
    """Say how many tests ran, out of the reports that pytest wrote."""
    total = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for path in REPORTS.glob("*.xml"):
        for suite in ElementTree.parse(path).iter("testsuite"):
            for key in total:
                total[key] += int(suite.get(key, "0"))
    failed = total["failures"] + total["errors"]
    passed = total["tests"] - failed - total["skipped"]
    return f"tests: {passed} passed, {failed} failed, {total['skipped']} skipped"


def main(stages: list[str]) -> int:
    """Run the stages; all the short ones, even when one fails."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    for path in REPORTS.glob("*.xml"):
        path.unlink()
    lines: list[str] = []
    failed: list[str] = []
    for stage in stages:
        if stage == LAST and failed:
            lines.append(f"{stage:10} not run")
            continue
        print(f"\n=== {stage}", flush=True)
        start = time.monotonic()
        good = run(stage)
        lines.append(f"{stage:10} {'ok' if good else 'FAILED':6} {time.monotonic() - start:7.1f} s")
        print(f"=== {lines[-1]}", flush=True)
        failed += [] if good else [stage]
    print("\n" + "\n".join(lines))
    print(f"failed: {', '.join(failed)}" if failed else "all stages are good")
    print(figures())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
