# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files version control holds where git does not: Mercurial or Subversion, by the directory that is there."""

from __future__ import annotations

import os
from typing import List, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import hg, svn

_KINDS = ((".hg", hg.toplevel, hg.tracked), (".svn", svn.toplevel, svn.tracked))


def held(path: str, owner: Optional[SystemUser]) -> Tuple[str, List[str]]:
    """Return the real top of a checkout of Mercurial or Subversion, and its files below that; nothing without one."""
    for mark, toplevel, tracked in _KINDS:
        if not _is_marked(path, mark) or _is_marked(path, ".git"):
            continue
        try:
            top = os.path.realpath(toplevel(path, owner))
            return top, tracked(top, owner)
        except RelocateError:
            continue
    return "", []


def _is_marked(path: str, mark: str) -> bool:
    above = os.path.realpath(path)
    while not os.path.lexists(os.path.join(above, mark)):
        if above == "/":
            return False
        above = os.path.dirname(above)
    return True
