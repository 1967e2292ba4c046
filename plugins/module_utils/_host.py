# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts of the host that modules run on, and the record that we keep of a site on it."""

from __future__ import annotations

import json
import os
import platform
import re
import socket
from typing import Any, Dict, Mapping

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._secrets import make_directory

_RECORD = ".json"
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")


def machine_id() -> str:
    """What tells this host from every other: /etc/machine-id, or the host name where there is none."""
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


def check_site_name(site: str) -> str:
    """The name, or bad_option: it becomes a directory and part of unit and key names."""
    if not _NAME.fullmatch(site):
        raise RelocateError(
            "bad_option",
            "{0!r} cannot be a site's name".format(site),
            "use letters, digits, dot, dash and underscore, 64 at most",
        )
    return site


def read_record(directory: str, site: str) -> Dict[str, Any]:
    """What earlier runs wrote down about the site on this host; empty when there were none."""
    try:
        with open(os.path.join(directory, check_site_name(site) + _RECORD), encoding="utf-8") as stream:
            data = json.load(stream)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as exc:
        raise RelocateError(
            "work_directory",
            "the record of site {0} in {1} cannot be read".format(site, directory),
            "look at it, then remove it",
        ) from exc
    return data if isinstance(data, dict) else {}


def update_record(directory: str, site: str, changes: Mapping[str, Any]) -> None:
    """Merge keys into the site's record, atomically; a value of None removes its key."""
    make_directory(directory, 0o711)
    record = read_record(directory, site)
    record.update(changes)
    write_atomically(
        os.path.join(directory, site + _RECORD),
        json.dumps({key: value for key, value in record.items() if value is not None}, indent=1, sort_keys=True),
    )


def write_atomically(path: str, text: str, mode: int = 0o600) -> None:
    """Replace a file in one step that survives a crash: temporary name, fsync, rename, fsync of the directory."""
    temporary = path + ".new"
    try:
        os.unlink(temporary)
    except FileNotFoundError:
        pass
    handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, path)
    sync_directory(os.path.dirname(path))


def sync_directory(path: str) -> None:
    """Make a rename in a directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
