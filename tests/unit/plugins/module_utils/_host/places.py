# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories of several users."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

DAEMON = 1  # a third user, of every system


@pytest.fixture
def top() -> Iterator[Path]:
    """A directory of root's that everybody can enter."""
    path = Path(tempfile.mkdtemp(prefix="relocate-test-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def made(path: Path, uid: int = 0, mode: int = 0o755, gid: int = 0) -> Path:
    path.mkdir(parents=True)
    os.chown(path, uid, gid)
    path.chmod(mode)
    return path
