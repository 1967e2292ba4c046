# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of real programs need."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

MIB = 1024 * 1024


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    """A directory that every user can write to; pytest's own are the user's alone."""
    path = Path("/tmp") / f"relocate-test-{os.getpid()}-{time.monotonic_ns()}"
    path.mkdir()
    path.chmod(0o777)
    yield path
    subprocess.run(["rm", "-rf", str(path)], check=True)
