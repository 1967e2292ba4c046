# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds in what an installer or a build printed which program or header it did not find. Pure.

A build log is long, and its last lines say that something failed; what was lacking stands above.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import List, Tuple

from ansible_collections.relocate.django.plugins.module_utils._project import native
from ansible_collections.relocate.django.plugins.module_utils._project.requirements import canonical

_HEADER = re.compile(
    r"fatal error: ['\"]?([\w./+-]+\.h(?:pp|xx)?)['\"]?(?:: No such file or directory| file not found)"
)
#: What a build cannot go on without.
_PROGRAM = (
    re.compile(r"command '([^'\s]+)' failed: No such file or directory"),
    re.compile(r"unable to execute '([^'\s]+)': No such file or directory"),
    re.compile(r"\[Errno 2\] No such file or directory: '([\w+-]+)'"),
    re.compile(r"Cannot find command '([\w+-]+)'"),
)
#: What a build may have looked for in several ways, so that it counts for what is known only.
_SHELL = re.compile(
    r"(?m)\b(?:sh|bash|env|make(?:\[\d+\])?): (?:line )?(?:\d+: )?'?([\w+-]+)'?: (?:command )?not found"
)
_FAILED = (
    re.compile(r"(?m)^\s*ERROR: +Failed building wheel for ([\w.-]+)"),
    re.compile(r"(?m)^\s*(?:ERROR: )?Could not build wheels for ([\w., -]+?)(?:, which|$)"),
    re.compile(r"(?m)^Failed to build ([\w. -]+)$"),
)
_COLLECTED = re.compile(r"(?m)^\s*Collecting ([A-Za-z0-9][\w.-]*)")
_NOISE = re.compile(
    r"^(note|hint):|See above for output|subprocess-exited-with-error|metadata-generation-failed|exit code:"
    r"|\[end of output\]|Encountered error while|did not run successfully|^[-=~^ ]*$"
)
_ERROR = re.compile(r"(?i)\berror\b|\bexception\b|not found|no such file|\bfatal\b|cannot|could not|failed")
_MOST = 6  # lines that are shown


@dataclass(frozen=True)
class Explained:
    """Names what was lacking.

    :param things: keys of native.THINGS
    :param others: headers and programs that are not known
    :param packages: Python packages that were being built
    """

    things: Tuple[str, ...] = ()
    others: Tuple[str, ...] = ()
    packages: Tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether anything is explained."""
        return bool(self.things or self.others)


def explain(text: str) -> Explained:
    """Return what was lacking, out of all that an installer printed."""
    signs = [match for pattern in (_HEADER, *_PROGRAM) for match in pattern.findall(text)]
    things = [name for name, thing in native.THINGS.items() if thing.said and re.search(thing.said, text)]
    things += [native.named_by(sign) for sign in (*signs, *_SHELL.findall(text))]
    others = [sign for sign in signs if not native.named_by(sign)]
    return Explained(tuple(dict.fromkeys(filter(None, things))), tuple(dict.fromkeys(others)), tuple(_packages(text)))


def _packages(text: str) -> List[str]:
    """Return the packages that could not be built; of a failure that names none, the one that came last."""
    for pattern in _FAILED:
        named = [word for group in pattern.findall(text) for word in re.split(r"[ ,]+", group) if word]
        if named:
            return list(dict.fromkeys(canonical(name) for name in named))
    return [canonical(name) for name in _COLLECTED.findall(text)[-1:]]


def telling(text: str) -> str:
    """Return the few lines of an output that say most: the last that speak of an error, else the last ones."""
    lines = [line.strip(" \u2502\u00d7\u2570\u2500>") for line in text.splitlines()]
    lines = [line for line in dict.fromkeys(lines) if line and not _NOISE.search(line)]
    return "\n".join(([line for line in lines if _ERROR.search(line)] or lines)[-_MOST:])
