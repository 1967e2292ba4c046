# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of sections, keys and values, as several programs read them. A broken line is passed over."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Dict, List, Tuple

_COMMENT = re.compile(r"(?:^|\s)[;#].*")


@dataclass
class Section:
    """A section: keys in lower case, each with its values in the order of the file."""

    name: str
    values: Dict[str, List[str]] = field(default_factory=dict)
    written: Dict[str, str] = field(default_factory=dict)  # the last value of each key, keys as they are written

    def get(self, key: str, otherwise: str = "") -> str:
        """Return the last value of a key."""
        return (self.values.get(key) or [otherwise])[-1]

    def add(self, key: str, value: str) -> None:
        """Add a value."""
        if not key:
            return
        self.values.setdefault(key.lower(), []).append(value)
        self.written[key] = value

    def extend(self, key: str, line: str) -> None:
        """Add a line to the last value of a key."""
        self.values[key.lower()][-1] += "\n" + line
        self.written[key] += "\n" + line


def sections(text: str, delimiters: str = "=:", comments: bool = False, goes_on: bool = True) -> List[Section]:
    """Read a file, in its order. What stands before the first section belongs to none.

    :param delimiters: what may stand between key and value; the first one counts
    :param comments: a blank and ``;`` or ``#`` end a line
    :param goes_on: an indented line belongs to the value before it
    """
    found: List[Section] = []
    key = ""
    for raw in text.lstrip("\ufeff").splitlines():
        line = _COMMENT.sub("", raw, count=1) if comments else raw
        bare = line.strip()
        if not bare or bare.startswith(("#", ";")):
            continue
        if key and line[0].isspace():
            found[-1].extend(key, bare)
        elif bare.startswith("["):
            found.append(Section(bare[1:].partition("]")[0].strip()))
            key = ""
        elif found:
            key, value = _split(bare, delimiters)
            found[-1].add(key, value)
            key = key if goes_on else ""
    return found


def _split(line: str, delimiters: str) -> Tuple[str, str]:
    places = [place for place in (line.find(char) for char in delimiters) if place > 0]
    if not places:
        return "", ""
    return line[: min(places)].strip(), line[min(places) + 1 :].strip()


def is_true(text: str) -> bool:
    """Tell whether a value means yes."""
    return text.strip().lower() in ("1", "true", "yes", "on", "y", "t")
