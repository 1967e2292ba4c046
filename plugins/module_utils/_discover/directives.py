# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The directives of a web server's configuration, each with the file that it stands in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Optional, Sequence, Tuple


@dataclass(frozen=True)
class Directive:
    """One directive, with the file that it stands in.

    :param name: of Apache's in small letters
    :param block: what is within it; of an ``include``, what is in the file, and then args is its path
    :param needs: further files, which define the variables that it uses
    """

    name: str
    args: Tuple[str, ...]
    file: str
    block: Optional[Tuple[Directive, ...]] = None
    needs: Tuple[str, ...] = ()


def flat(directives: Optional[Sequence[Directive]]) -> Iterator[Directive]:
    """Give the directives of a block; those of included files in the include's place."""
    for directive in directives or ():
        if directive.name == "include":
            yield from flat(directive.block)
        else:
            yield directive


def nested(directives: Optional[Sequence[Directive]]) -> Iterator[Directive]:
    """Give each directive of a block and of the blocks within it, includes too."""
    for directive in directives or ():
        yield directive
        yield from nested(directive.block)
