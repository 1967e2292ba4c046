# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the tests that need real servers; where there can be none, say so in one line."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.lab.images import SUITES, ensure_image
from tests.lab.lab import obstacle
from tests.lab.wheels import ensure_wheels
from tests.tools import venv
from tests.tools.collection import ROOT

#: What is run one after the other: the lab itself first, then moves, three labs at a time, since they often wait. A lab
#: that is free takes the next test, and the longest come first (tests/e2e/conftest.py), so that all end together.
PARTS = {"lab": ("tests/lab", ()), "e2e": ("tests/e2e", ("--numprocesses=3", "--dist=load", "--maxschedchunk=1"))}


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
        return run("chosen", chosen)
    venv.controllers()
    parts = [(name, [path, *options]) for name, (path, options) in PARTS.items() if (ROOT / path).is_dir()]
    return next((code for code in (run(name, arguments) for name, arguments in parts) if code), 0)


def prepare() -> int:
    """Make what the tests will want and what takes minutes, while others work: images, wheels, controllers."""
    ensure_wheels()
    for suite in SUITES:
        ensure_image(suite)
    venv.controllers()
    return 0


def run(name: str, arguments: list[str]) -> int:
    """Run pytest in a process of its own; its report is named after the part."""
    report = ROOT / "build" / "reports" / f"{name}.xml"
    argv = [sys.executable, "-m", "pytest", *arguments, "--durations=10", f"--junitxml={report}"]
    return subprocess.run(argv, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
