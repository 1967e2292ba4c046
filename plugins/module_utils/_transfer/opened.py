# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps a connection to old open for the calls of the window: what it takes to open one would be downtime, thrice.

It belongs to the process that answers the next call, and ends with it. Where it was lost, rsync opens one of its own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import replace
from typing import Dict, List, Tuple

from ansible_collections.relocate.django.plugins.module_utils._process import Command, require_program, start_beside
from ansible_collections.relocate.django.plugins.module_utils._together import Started
from ansible_collections.relocate.django.plugins.module_utils._transfer.network import reachable
from ansible_collections.relocate.django.plugins.module_utils._transfer.rsync import Way, ssh_argv

_PATIENCE = 5.0  # seconds for the connection to be there: the site still serves
_PAUSE = 0.02
_SOCKET = "connection"
#: A socket's path has 107 bytes at most, and SSH makes it under a longer name first.
_LONGEST = 107 - 17
#: The connections of this process, and the address of each, by the directory of their keys.
_OPEN: Dict[str, Tuple[Started, str]] = {}


def _path(keys: str) -> str:
    return os.path.join(keys, _SOCKET)


def socket_of(keys: str) -> str:
    """Return the socket of the connection that this process holds open by a key; "" where it holds none."""
    process = _OPEN[keys][0] if keys in _OPEN else None
    if process is None or process.poll() is not None or not os.path.exists(_path(keys)):
        return ""
    return _path(keys)


def by_it(way: Way) -> Way:
    """Return the way by the connection that this process holds open, its address first; the same without one."""
    control = socket_of(way.keys)
    if not control:
        return way
    address = _OPEN[way.keys][1]
    return replace(way, control=control, addresses=[address, *(one for one in way.addresses if one != address)])


def keep_open(way: Way) -> bool:
    """Open a connection, for what this process fetches from now on; False where there is none then.

    The keys of old's host must be known already: no other host is talked to.
    """
    path = _path(way.keys)
    if socket_of(way.keys):
        return True
    if len(os.fsencode(path)) > _LONGEST:
        return False
    for address in reachable(way.addresses, way.port)[0]:
        if os.path.lexists(path):
            os.unlink(path)  # of a process that was killed
        process = start_beside(Command(master_argv(way, address, require_program("ssh"))))
        _OPEN[way.keys] = process, address
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and process.poll() is None and not os.path.exists(path):
            time.sleep(_PAUSE)
        if socket_of(way.keys):
            return True
        end(process)  # an address that both hosts have, such as a container bridge, or one that says nothing
    return False


def end(process: Started) -> None:
    """End a connection, where it is there still."""
    with contextlib.suppress(ProcessLookupError):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def master_argv(way: Way, address: str, program: str) -> List[str]:
    """Return SSH's command for a connection that others share and that asks for nothing itself."""
    shared = replace(way, control=_path(way.keys))
    return [*ssh_argv(shared, program, shares=True), "-N", "{0}@{1}".format(way.login, address)]
