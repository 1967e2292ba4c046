# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of files that git does not hold need."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from tests.unit.fakes import LABEL, me, nobody

CANARY = "s3cret'Canary\"é"


@pytest.fixture
def backup(tmp_path: Path) -> BackupSet:
    return BackupSet.create(str(tmp_path / "work"), "shop", LABEL, me())


@pytest.fixture
def shared() -> Iterator[Path]:
    """A directory of nobody's, reachable by nobody."""
    path = Path("/tmp") / f"relocate-test-{os.getpid()}-{time.monotonic_ns()}"
    path.mkdir()
    path.chmod(0o755)
    os.chown(path, nobody().uid, nobody().gid)
    yield path
    subprocess.run(["rm", "-rf", str(path)], check=True)
