# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says where a host keeps a process ready for the window of one site and run. Pure, but for removing it.

The controller finds the place by what it gives a task, so that nothing a host says names a path for it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from typing import Any, List, Mapping, Sequence

BASE = "/run/relocate"
#: What the place holds: the modules as Ansible brought them, what the controller runs, and where the process listens.
ARCHIVE, CALL, CLIENT, SOCKET = "modules.zip", "call", "client.py", "socket"
#: By which a module is told that a process may wait for the run's next calls: they bring no environment of their own.
VARIABLE = "RELOCATE_STANDBY"
#: The line before an answer. Without it nothing was begun, and the task can be sent the usual way.
TAKEN = "relocate.django: taken"
_NAME = "standby-"


def place_of(directory: str, site: str, run: str) -> str:
    """Return the directory for a site and a run.

    :param directory: our work directory on the host
    """
    return os.path.join(BASE, _of_site(directory, site) + _digest(run)[:16])


def _of_site(directory: str, site: str) -> str:
    return "{0}{1}-".format(_NAME, _digest("{0}\0{1}".format(directory, site))[:32])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def place_for(steps: Sequence[Mapping[str, Any]]) -> str:
    """Return the directory of the site and run that all steps of a batch are about; nothing when they name none."""
    found = set()
    for step in steps:
        arguments = step.get("arguments") or {}
        named = tuple(str(arguments.get(key) or "") for key in ("directory", "site", "run"))
        found.add(place_of(*named) if all(named) else "")
    return found.pop() if len(found) == 1 else ""


def remove(directory: str, site: str, base: str = BASE) -> None:
    """Remove the places of a site, of whatever run; each process sees that, and ends."""
    prefix = _of_site(directory, site)
    for name in _names(base):
        if name.startswith(prefix):
            with contextlib.suppress(OSError):
                shutil.rmtree(os.path.join(base, name))


def _names(base: str) -> List[str]:
    try:
        return os.listdir(base)
    except OSError:
        return []
