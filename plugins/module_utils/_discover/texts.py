# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells numbers, and names of files, from what only looks like one.

``isdigit`` takes ``\u00b2`` too, ``int`` refuses 5000 digits, and what takes a path raises ValueError for some texts.
"""

from __future__ import annotations

import os

_DIGITS = 9  # of the longest number that is one here


def is_number(text: str) -> bool:
    """Tell whether a text is a number as configuration has them, such as a port."""
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS


def is_name(path: str) -> bool:
    """Tell whether a file may have this path, or name."""
    try:
        return b"\0" not in os.fsencode(path) and path != ""
    except UnicodeEncodeError:
        return False
