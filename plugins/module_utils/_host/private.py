# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads files of this host that hold secrets, and refuses those that others can read."""

from __future__ import annotations

import os
import stat

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

_LONGEST = 65536  # characters


def read_private(path: str, code: str) -> str:
    """Return a file that nobody but root can read or write.

    :param code: of the error that is raised otherwise
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as exc:
        problem = "cannot be opened: {0}".format(exc.strerror)
    else:
        with os.fdopen(handle, encoding="utf-8", errors="surrogateescape") as stream:
            status = os.fstat(stream.fileno())
            if stat.S_ISREG(status.st_mode) and status.st_uid in (0, os.geteuid()) and not status.st_mode & 0o077:
                return stream.read(_LONGEST)
            problem = "can be read by others than root, or is no plain file"
    raise RelocateError(
        code, "{0} {1}".format(path, problem), "create it on this host, then chown root:root and chmod 600 it"
    )
