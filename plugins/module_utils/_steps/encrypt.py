# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encrypts a set that a backup makes, and tells who can read one that is not encrypted."""

from __future__ import annotations

import contextlib
import os
from typing import Iterator, List, Sequence

from ansible_collections.relocate.django.plugins.module_utils._age import age, opener
from ansible_collections.relocate.django.plugins.module_utils._process import removed_if_killed
from ansible_collections.relocate.django.plugins.module_utils._repository.access import Access
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import MANIFEST


def check(recipients: Sequence[str]) -> None:
    """Refuse, before any work, what nothing can be encrypted to. Raises bad_option, program_missing."""
    age.check_recipients(recipients)


@contextlib.contextmanager
def guarded(backup: BackupSet, directory: str, recipients: Sequence[str]) -> Iterator[None]:
    """Leave nothing plain of a set that is to be encrypted when this process is killed while it makes it.

    :param directory: ours
    """
    with contextlib.ExitStack() as stack:
        if recipients:
            opener.clear(directory)
            stack.enter_context(removed_if_killed(backup.path, MANIFEST))
        yield


def notes(backup: BackupSet, recipients: Sequence[str], access: Access, frozen: bool) -> List[str]:
    """Tell who can read a set; nothing of one that a move makes, which stays on the hosts of the site."""
    if recipients and access.is_restic:
        return ["the set is encrypted, so restic stores it whole each time: leave age_recipients out to save that"]
    if recipients or frozen or access.is_restic:
        return []
    return [
        "set {0} is not encrypted: whoever gets it can read it, passwords among it; set relocate_age_recipients, or"
        " keep sets in a repository of restic".format(os.path.basename(backup.path))
    ]
