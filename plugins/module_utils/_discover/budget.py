# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits the text that variables become: ``A=$A$A``, some dozens of times, would fill this host's memory."""

from __future__ import annotations

import re
from typing import Callable

#: Characters that the variables of one unit, script or configuration file may become, all in all.
MOST = 256 * 1024
#: Of one command, and of the items of one configuration: more serve no site.
MOST_OF_COMMAND = 16 * 1024
MOST_ITEMS = 300


class Budget:
    """Counts how many characters may still be made. Once they are used up, texts stay as they are written."""

    def __init__(self, most: int = MOST) -> None:
        self.left = most

    def allows(self, text: str) -> bool:
        """Take so many characters, if there are as many left."""
        self.left -= len(text)
        return self.left >= 0

    def substitute(self, pattern: "re.Pattern[str]", value: "Callable[[re.Match[str]], str]", text: str) -> str:
        """Replace what a pattern finds, as ``re.sub``."""
        pieces, at = [], 0
        for match in pattern.finditer(text):
            piece = value(match)
            if not self.allows(piece):
                return text
            pieces += [text[at : match.start()], piece]
            at = match.end()
        return "".join([*pieces, text[at:]])
