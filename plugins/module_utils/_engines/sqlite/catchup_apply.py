# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""New's side of a catch-up: the file with the first copy becomes what the frozen database is.

It is made beside the copy, and takes its place in one step when it is whole and proven. So a run that dies leaves the
copy as it was, and what it had made is removed by the next.
"""

from __future__ import annotations

import contextlib
import os
from typing import Iterator, Optional

from ansible_collections.relocate.django.plugins.module_utils._engines.sql import cannot_catch_up
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite import catchup_delta
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite.files import (
    file_size,
    match_rights,
    owned,
    remove_side_files,
    sync,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import created, replaced
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._progress import BYTES, PROGRESS

#: What is being made has behind the copy's name until it is whole.
MAKING = "-catchup"


def apply(path: str, changes: str, owner: Optional[SystemUser]) -> None:
    """Apply a catch-up.

    :param path: of the file with the first copy
    :param changes: of the catch-up
    Raises cannot_catch_up, with the copy as it was.
    """
    with _refused(), owned(owner, "load_failed"):
        making = path + MAKING

        def before() -> None:
            match_rights(making, path)
            remove_side_files(path)  # they would be replayed into the new file

        with open(changes, "rb") as reader, open(path, "rb") as copy:
            size = os.fstat(copy.fileno()).st_size
            PROGRESS.expect(BYTES, size)
            with replaced(path, making, before) as target:
                catchup_delta.apply(reader, copy, size, target)
        with contextlib.suppress(OSError):  # some file systems cannot sync a directory
            sync(os.path.dirname(path))


def try_apply(path: str, owner: Optional[SystemUser]) -> None:
    """Apply nothing. Raises cannot_catch_up where nothing could be applied."""
    with _refused(), owned(owner, "load_failed"):
        forget(path)
        created(path + MAKING).close()
        forget(path)
        there = os.statvfs(os.path.dirname(path))
        free, needed = there.f_bavail * there.f_frsize, file_size(path)
        if free < needed:
            raise cannot_catch_up("{0} bytes are free beside {1}, which has {2}".format(free, path, needed))


def forget(path: str) -> None:
    """Remove what a run that died had made. The caller holds the owner's rights."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path + MAKING)


@contextlib.contextmanager
def _refused() -> Iterator[None]:
    """Whatever fails, the whole way is taken."""
    try:
        yield
    except RelocateError as exc:
        if exc.code == "cannot_catch_up":
            raise
        raise cannot_catch_up("it cannot be applied: {0}".format(exc.msg)) from exc
