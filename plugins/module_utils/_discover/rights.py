# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits what is read on behalf of a user to what that user may read.

Whoever writes a line of his crontab, or a unit of his own, chooses which script or include is looked into next. Root
could read each; what it says must not come back to somebody who could not read it himself.
"""

from __future__ import annotations

import os
import re
from typing import List, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as, lookup_user

_NUMBER = re.compile(r"[0-9]{1,9}\Z")


def files_of(starter: Starter, files: ConfigFiles) -> ConfigFiles:
    """Return the files as the user of a starter may read them; all of them when that is root."""
    user = find_user(starter.manager or starter.user)
    if user is None or user.uid == 0 or os.geteuid() != 0:
        return files
    return ReadableFiles(files, user)


def find_user(name: str) -> Optional[SystemUser]:
    """Return the user that a configuration file names, be it by number; None for what names nobody."""
    if not name or "\0" in name:
        return None
    return lookup_user(int(name) if _NUMBER.match(name) else name)


class ReadableFiles(ConfigFiles):
    """The configuration files of this host that a user may read."""

    def __init__(self, files: ConfigFiles, user: SystemUser) -> None:
        super().__init__()
        self._files = files
        self._user = user

    def text(self, path: str) -> Optional[str]:
        """Return the content of a regular file; None for one that the user may not read either."""
        return self._files.text(path) if self._may_read(path) else None

    def names(self, path: str) -> List[str]:
        """Return what a directory holds, sorted; nothing where the user may not look."""
        return self._files.names(path) if self._may_read(path) else []

    def exists(self, path: str) -> bool:
        """Tell whether something has this path, as far as the user can see."""
        with acting_as(self._user):
            return self._files.exists(path)

    def chain(self, path: str) -> Tuple[str, ...]:
        """Return a path and what it leads to, as far as the user can see."""
        with acting_as(self._user):
            return self._files.chain(path)

    def _may_read(self, path: str) -> bool:
        if not path.startswith("/") or "\0" in path:
            return False
        try:
            with acting_as(self._user):
                return os.access(path, os.R_OK, effective_ids=True)
        except ValueError:
            return False  # no file has such a name
