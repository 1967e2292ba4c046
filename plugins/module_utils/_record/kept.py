# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps what a project answered before the freeze for the window, in which its interpreter need not start for it.

The answers hold the passwords of databases, as the settings do. They lie in memory (``/run``), readable for root alone,
until the last step for which they are has read them, or the run gives the site back. Who is not root keeps nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import time
from typing import Any, Dict, Mapping

from ansible_collections.relocate.django.plugins.module_utils._host.files import make_directory, replaced

BASE = "/run/relocate"
#: Seconds for which answers are those of the project: the window begins at once, or not at all.
LIMIT = 900
_LARGEST = 16 << 20  # bytes


def path_of(directory: str, site: str) -> str:
    """Return the file of a site.

    :param directory: our work directory on this host
    """
    name = hashlib.sha256("{0}\0{1}".format(directory, site).encode("utf-8", "surrogateescape")).hexdigest()
    return os.path.join(BASE, "kept-" + name[:32])


def keep(directory: str, site: str, run: str, answers: Mapping[str, Any], steps: int = 1) -> None:
    """Keep answers for the tasks of a run that follow, in place of earlier ones.

    :param run: the run's id; nothing is kept without one
    :param steps: how many steps will read them
    """
    if os.geteuid() == 0 and run:
        _write(path_of(directory, site), {"run": run, "at": _now(), "steps": steps, "answers": answers})


def _write(path: str, content: Mapping[str, Any]) -> None:
    text = json.dumps(content)
    with contextlib.suppress(OSError):  # as if nothing were kept
        make_directory(BASE, 0o711)
        with replaced(path) as stream:
            stream.write(text.encode("utf-8"))


def take(directory: str, site: str, run: str, steps: int = 1) -> Dict[str, Any]:
    """Return what was kept for a run; nothing when there is none, or it is another run's or old.

    :param steps: how many read it now; once all have, it is forgotten
    """
    if os.geteuid() != 0 or not run:
        return {}
    found = _read(path_of(directory, site))
    left = int(found.get("steps", 0)) - steps
    if left > 0 and found.get("run") == run:
        _write(path_of(directory, site), {**found, "steps": left})
    else:
        forget(directory, site)
    if found.get("run") != run or not 0 <= _now() - float(found.get("at", -1)) < LIMIT:
        return {}
    answers: Dict[str, Any] = found["answers"]
    return answers


def forget(directory: str, site: str) -> None:
    """Remove what was kept of a site."""
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):
            os.unlink(path_of(directory, site))


def _read(path: str) -> Dict[str, Any]:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return {}
    with os.fdopen(handle, "rb") as stream:
        status = os.fstat(handle)
        if status.st_uid != 0 or stat.S_IMODE(status.st_mode) & 0o077 or status.st_size > _LARGEST:
            return {}
        try:
            found: Dict[str, Any] = json.loads(stream.read().decode("utf-8"))
        except ValueError:
            return {}
    return found


def _now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
