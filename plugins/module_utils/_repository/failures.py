# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what restic says when it fails. Pure."""

from __future__ import annotations

import re
from typing import Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import last_lines

_UNREACHABLE = (
    r"connection refused|no such host|i/o timeout|network is unreachable|no route to host|connection timed out"
    r"|could not resolve hostname|connection reset"
)
_REFUSED = (
    r"password.*(?:does not exist|mutually exclusive|empty)|Resolving password failed|AccessDenied|InvalidAccessKey"
    r"|SignatureDoesNotMatch|Access Denied|403 Forbidden|401 Unauthorized|Permission denied \("
)
_MISSING = (
    r"Is there a repository at the following location|config file.*(?:does not exist|no such file)"
    r"|repository does not exist|NoSuchBucket|specified key does not exist"
)
_DAMAGED = (
    r"Fatal: repository contains errors|ciphertext verification failed|pack .* (?:damaged|missing|does not match)"
    r"|not found in (?:the )?(?:index|repository)|invalid data returned|number of used blobs"
)
#: What restic says, the code, what that means, and what to do. The first one that fits counts.
_FAILURES: Sequence[Tuple[str, str, str, str]] = (
    (
        r"host key verification failed|identification has changed",
        "host_key_differs",
        "the repository's host is not known by its key",
        "set key_file and host_keys of relocate_repository; or, for root's own SSH, known_hosts on this host",
    ),
    (
        _UNREACHABLE,
        "repository_unreachable",
        "the repository cannot be reached",
        "see that its host runs and that this one reaches it",
    ),
    (
        r"wrong password or no key found",
        "repository_password",
        "the repository does not open with this password",
        "correct the password file or command on this host",
    ),
    (
        _REFUSED,
        "repository_password",
        "the password or the credentials of the repository are not accepted",
        "correct what relocate_repository names on this host",
    ),
    (
        r"unable to create lock|already locked",
        "repository_locked",
        "another program works on the repository",
        "wait for it to end; restic unlock removes the lock of one that is gone",
    ),
    (
        _MISSING,
        "repository_missing",
        "there is no repository at the address",
        "correct the address, mount what it lies on, or have one made there (create: true)",
    ),
    (r"no space left on device|disk quota exceeded", "disk_full", "the disk is full", "free space, then run again"),
    (
        _DAMAGED,
        "repository_damaged",
        "the repository is damaged",
        "look at restic check, keep a copy of the repository as it is, and push the sets that are still here again",
    ),
)


def failure(what: str, status: int, said: str) -> RelocateError:
    """Return the error for a call that failed.

    :param what: the call
    :param said: its standard error, without secrets
    """
    details = {"restic": last_lines(said, 20)}
    for pattern, code, meaning, hint in _FAILURES:
        if re.search(pattern, said, re.IGNORECASE):
            return RelocateError(
                code, "{0}: restic {1} said: {2}".format(meaning, what, last_lines(said, 2)), hint, details
            )
    text = "restic {0} exited {1}: {2}".format(what, status, last_lines(said, 4))
    return RelocateError("repository_failed", text, "fix what the message names, then run again", details)
