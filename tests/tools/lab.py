# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the tests that need real servers; where there can be none, say so in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import IO

from tests.lab.images import SUITES, ensure_image
from tests.lab.lab import obstacle
from tests.lab.wheels import ensure_wheels
from tests.tools import venv
from tests.tools.collection import ROOT

#: The lab itself, beside the moves: it waits more than it works.
LAB = ["tests/lab"]
#: Three labs at a time, since they often wait. A lab that is free takes the next test, and the longest come first
#: (tests/e2e/conftest.py), so that all end together.
MOVES = ["tests/e2e", "--numprocesses=3", "--dist=load", "--maxschedchunk=1"]


def main(chosen: list[str]) -> int:
    """Run the chosen tests or all of them; returns the exit code of the first part that fails."""
    reason = obstacle()
    if reason:
        required = os.environ.get("RELOCATE_LAB_REQUIRED") == "1"
        print(f"lab: {'required, but' if required else 'skipped:'} {reason}", flush=True)
        return 1 if required else 0
    if chosen == ["--prepare"]:
        return prepare()
    if chosen:
        return started("chosen", chosen).wait()
    venv.controllers()
    log = ROOT / "build" / "reports" / "lab.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as stream, started("lab", LAB, stream) as beside:
        moves = started("e2e", MOVES).wait()
        beside.wait()
    print(log.read_text(encoding="utf-8", errors="replace"), flush=True)
    return moves or beside.returncode


def prepare() -> int:
    """Make what the tests will want and what takes minutes, while others work: images, wheels, controllers."""
    ensure_wheels()
    for suite in SUITES:
        ensure_image(suite)
    venv.controllers()
    return 0


def started(name: str, arguments: list[str], output: IO[str] | None = None) -> subprocess.Popen[bytes]:
    """Start pytest in a process of its own; its report is named after the part."""
    report = ROOT / "build" / "reports" / f"{name}.xml"
    argv = [sys.executable, "-m", "pytest", *arguments, "--durations=10", f"--junitxml={report}"]
    return subprocess.Popen(argv, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT if output else None)


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
