# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A copy of a directory in which somebody writes, as rsync makes it."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path


def bring(source: Path | str, target: Path) -> None:
    """Make the target what the source is now, and nothing else; a file that vanishes meanwhile is no error."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, copy_function=_copy)


def _copy(source: str, target: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.copy2(source, target)
