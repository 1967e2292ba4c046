# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Knows the files of a host that no site brings along: its users, its name, its disks, its keys. Pure.

Whoever writes a unit, or the settings, may name any of them. On new they would take the place of new's own.
"""

from __future__ import annotations

import posixpath
import re

_FILES = re.compile(
    r"/etc/(?:(?:passwd|shadow|group|gshadow|subuid|subgid)-?|fstab|crypttab|hostname|hosts|machine-id|sudoers|doas\.conf"
    r"|resolv\.conf|nsswitch\.conf|login\.defs|ld\.so\.(?:conf|cache|preload))\Z"
)
_BELOW = (
    *"/etc/ssh /etc/pam.d /etc/security /etc/sudoers.d /etc/netplan /etc/apt /etc/yum.repos.d".split(),
    *"/boot /proc /sys /dev /root".split(),
)


def is_of_the_host(path: str) -> bool:
    """Tell whether an absolute path is a file of the host itself, or lies below a directory of such files."""
    if not path.startswith("/"):
        return False
    plain = "/" + posixpath.normpath(path).lstrip("/")
    return bool(_FILES.match(plain)) or any(plain == top or plain.startswith(top + "/") for top in _BELOW)
