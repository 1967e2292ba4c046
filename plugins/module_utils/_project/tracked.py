# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files version control holds where git does not: Mercurial or Subversion, by the directory that is there."""

from __future__ import annotations

import contextlib
import os
from typing import List, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import hg, svn
from ansible_collections.relocate.django.plugins.module_utils._project.marks import kind_at

_KINDS = {"hg": (hg.toplevel, hg.tracked), "svn": (svn.toplevel, svn.tracked)}


def held(path: str, owner: Optional[SystemUser]) -> Tuple[str, List[str]]:
    """Return the real top of a checkout of Mercurial or Subversion, and its files below that; nothing without one."""
    found = _KINDS.get(kind_at(path))
    if found is not None:
        toplevel, tracked = found
        with contextlib.suppress(RelocateError):
            top = os.path.realpath(toplevel(path, owner))
            return top, tracked(top, owner)
    return "", []
