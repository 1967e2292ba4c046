# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts of the host that modules run on."""

from __future__ import annotations

import os
import platform
import socket
from typing import Any, Dict, List

from ansible_collections.relocate.django.plugins.module_utils._process import Command, find_program, run


def machine_id() -> str:
    """Return what tells this host from every other: /etc/machine-id, or the host name where there is none."""
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        try:
            with open(path, encoding="ascii") as stream:
                text = stream.read().strip()
        except (OSError, ValueError):
            continue
        if text:
            return text
    return "host:" + socket.gethostname()


def describe_host() -> Dict[str, Any]:
    """Name, machine id, distribution and family (debian, redhat, other), cores."""
    release = _os_release()
    like = (release.get("ID", "") + " " + release.get("ID_LIKE", "")).lower().split()
    families = (("debian", ("debian", "ubuntu")), ("redhat", ("rhel", "fedora", "centos", "rocky", "almalinux")))
    family = next((name for name, words in families if set(words) & set(like)), "other")
    return {
        "name": socket.gethostname(),
        "machine_id": machine_id(),
        "distribution": release.get("PRETTY_NAME", platform.platform()),
        "family": family,
        "python": platform.python_version(),
        "cores": os.cpu_count() or 1,
    }


def _os_release() -> Dict[str, str]:
    values = {}
    try:
        with open("/etc/os-release", encoding="utf-8") as stream:
            for line in stream:
                key, _sep, value = line.strip().partition("=")
                values[key] = value.strip('"')
    except OSError:
        pass
    return values


def free_bytes(path: str) -> int:
    """Free space, for unprivileged users, of the file system that path is or would be on."""
    while not os.path.isdir(path) and path not in ("/", ""):
        path = os.path.dirname(path)
    status = os.statvfs(path or "/")
    return status.f_bavail * status.f_frsize


def addresses() -> List[str]:
    """Return the addresses of this host's interfaces; none where ``ip`` is not installed."""
    program = find_program("ip")
    if program is None:
        return []
    words = [line.split() for line in run(Command([program, "-o", "addr", "show"]), timeout=10).out.splitlines()]
    return [line[3].partition("/")[0] for line in words if len(line) > 3 and line[2] in ("inet", "inet6")]
