# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what an archive is of: MEDIA_ROOT, or a tree of code."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from typing import Callable, Optional

from ansible_collections.relocate.django.plugins.module_utils._host.tree import Found, leads_out


@dataclass(frozen=True)
class Terms:
    """What an archive is of, as messages name it, and what may be in it."""

    of: str = "MEDIA"
    root: str = "MEDIA_ROOT"
    any_link: bool = False  # links may lead out of the tree: nothing here follows one
    leave: Optional[Callable[[Found], bool]] = None  # tells what is left out when it is written

    def refuses(self, link: tarfile.TarInfo) -> bool:
        """Tell whether a link may not be in it."""
        return not self.any_link and leads_out(link.name, link.linkname)


MEDIA = Terms()
