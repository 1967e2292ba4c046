# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which version control a directory is of, by what lies in it or above it."""

from __future__ import annotations

import os

_MARKS = {".git": "git", ".hg": "hg", ".svn": "svn"}


def kind_at(path: str) -> str:
    """Return git, hg, svn or nothing, by the nearest mark: a checkout further out holds other files."""
    above = os.path.realpath(path)
    while True:
        for mark, kind in _MARKS.items():
            if os.path.lexists(os.path.join(above, mark)):
                return kind
        if above == "/":
            return ""
        above = os.path.dirname(above)
