# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gives a system user a directory for a while."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from typing import Iterator, Optional

from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as


@contextlib.contextmanager
def owned_directory(owner: Optional[SystemUser]) -> Iterator[str]:
    """A temporary directory that the owner can write to and nobody else can enter."""
    directory = tempfile.mkdtemp(prefix="relocate-")
    try:
        if owner is not None and os.geteuid() == 0:
            # By handle, although nobody else can have put another thing there: a TMPDIR may be anybody's.
            handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                os.fchown(handle, owner.uid, owner.gid)
            finally:
                os.close(handle)
        yield directory
    finally:
        with acting_as(owner if os.geteuid() == 0 else None):  # what is in it is the owner's to remove
            shutil.rmtree(directory, ignore_errors=True)
        with contextlib.suppress(OSError):  # where only root may write, root takes the empty directory away
            os.rmdir(directory)
