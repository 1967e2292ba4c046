# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the tests that need real servers; where there can be none, say so in one line."""

from __future__ import annotations

import os
import sys

import pytest

from tests.lab.lab import obstacle
from tests.tools import venv
from tests.tools.collection import ROOT

TESTS = ("tests/lab", "tests/e2e")


def main(chosen: list[str]) -> int:
    """Run the chosen tests or all of them; returns pytest's exit code."""
    reason = obstacle()
    if reason:
        required = os.environ.get("RELOCATE_LAB_REQUIRED") == "1"
        print(f"lab: {'required, but' if required else 'skipped:'} {reason}", flush=True)
        return 1 if required else 0
    if not chosen:
        venv.controllers()
    report = ROOT / "build" / "reports" / "lab.xml"
    paths = chosen or [path for path in TESTS if (ROOT / path).is_dir()]
    return int(pytest.main([*paths, "--durations=10", f"--junitxml={report}"]))


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
