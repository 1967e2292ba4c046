# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks apt which packages the archives of this host hold. Nothing is fetched: the lists that are here are read."""

from __future__ import annotations

import glob
import re
from typing import Callable, Dict, Iterable, Optional

from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed, find_program, run

Runner = Callable[..., Completed]

_LISTS = "/var/lib/apt/lists/*_Packages*"
_TIMEOUT = 60.0
_AT_ONCE = 300  # names of one call
#: Debian's grammar of names. One that ends in a hyphen is none: to apt that means "remove".
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]{0,126}[a-z0-9+.]")
_POLICY = re.compile(r"(?m)^(\S+):\n +Installed: .*\n +Candidate: (.*)$")


def is_name(text: str) -> bool:
    """Tell whether a text can be the name of a package of Debian."""
    return _NAME.fullmatch(text) is not None


def candidates(names: Iterable[str], runner: Runner = run, lists: str = _LISTS) -> Optional[Dict[str, str]]:
    """Return the version that each of some packages would be installed in; those that nobody has are left out.

    Only what bears exactly that name counts: for apt a name may also be a pattern, or a word for several packages.

    :param lists: pattern of the files by which apt knows its archives
    :returns: None where apt has no lists yet, so that nothing can be told, and where there is no apt
    """
    program = find_program("apt-cache")
    if program is None or not glob.glob(lists):
        return None
    wanted = sorted({name for name in names if is_name(name)})
    found: Dict[str, str] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        asked = wanted[start : start + _AT_ONCE]
        told = parse_policy(runner(Command([program, "policy", *asked]), timeout=_TIMEOUT).out)
        found.update({name: version for name, version in told.items() if name in asked})
    return found


def parse_policy(text: str) -> Dict[str, str]:
    """Return the candidate of each package, out of what ``apt-cache policy`` prints."""
    return {name: version for name, version in _POLICY.findall(text) if version != "(none)"}
