# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits what is read on behalf of a user to what that user may read.

Whoever writes a line of his crontab, or a unit of his own, chooses which script or include is looked into next. Root
could read each; what it says must not come back to somebody who could not read it himself.
"""

from __future__ import annotations

import os
import re
from typing import Optional

from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user

_NUMBER = re.compile(r"[0-9]{1,9}\Z")
#: Who has no rights that others lack.
NOBODY = SystemUser(name="nobody", uid=65534, gid=65534, groups=(65534,))


def files_of(starter: Starter, files: ConfigFiles) -> ConfigFiles:
    """Return the files as the user of a starter may read them; all of them when that is root.

    Who wrote it counts before whom it says that it runs as.
    """
    if starter.by:
        return written_by(starter.by, files)
    return as_user(find_user(starter.manager or starter.user), files)


def written_by(name: str, files: ConfigFiles) -> ConfigFiles:
    """Return the files as a writer of configuration may read them.

    :param name: "" for root; of one who is no user of this host, nobody's rights are taken
    """
    return as_user(find_user(name) or NOBODY, files) if name else files


def as_user(user: Optional[SystemUser], files: ConfigFiles) -> ConfigFiles:
    """Return the files as a user may read them; all of them when that is root, or nobody is named."""
    if user is None or user.uid == 0 or os.geteuid() != 0:
        return files
    return files.as_user(user)


def find_user(name: str) -> Optional[SystemUser]:
    """Return the user that a configuration file names, be it by number; None for what names nobody."""
    if not name or "\0" in name:
        return None
    return lookup_user(int(name) if _NUMBER.match(name) else name)
