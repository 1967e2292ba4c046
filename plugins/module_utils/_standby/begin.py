# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Begins the process that waits for the calls of the window, out of the archive that this module came in."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import socket
import sys
import time
from typing import Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import created, make_directory
from ansible_collections.relocate.django.plugins.module_utils._process import Command, run
from ansible_collections.relocate.django.plugins.module_utils._standby.place import (
    ARCHIVE,
    BASE,
    CALL,
    CLIENT,
    SOCKET,
    TAKEN,
    remove,
)

_PATIENCE = 5.0  # seconds for the process to be ready: the site still serves
_LOADING = 60.0  # seconds for a project to be loaded
_PAUSE = 0.02
#: Runs in the process that waits: argv is the place, where Python looks for code, then the modules that it will run.
_BOOT = (
    "import os, sys; sys.path[:] = [sys.argv[1] + '/{0}', *sys.argv[2].split(os.pathsep)]; "
    "from ansible_collections.relocate.django.plugins.module_utils import _window; "
    "_window.stand_by(sys.argv[1], sys.argv[3:])"
).format(ARCHIVE)
#: Hands the task's input over and the answer back. Whatever fails before the process took it leaves no first line.
_CLIENT = """\
import _socket, os, sys
link = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
link.settimeout(5)
link.connect(sys.argv[1])
if link.recv(1) != b"+":
    sys.exit(1)
link.settimeout(None)
os.write(1, b"{0}\\n")
while True:
    part = os.read(0, 65536)
    if not part:
        break
    while part:
        part = part[link.send(part):]
link.shutdown(_socket.SHUT_WR)
while True:
    part = link.recv(65536)
    if not part:
        break
    while part:
        part = part[os.write(1, part):]
""".format(TAKEN)
#: A script for a shell, since /run may be mounted without the right to execute.
_CALL = "exec {0} -IS {1} {2}\n"


def begin(place: str, directory: str, site: str, modules: Sequence[str], waits: bool = True) -> bool:
    """Begin the process for a site, in place of an earlier one; False where there is none, and need not be.

    :param place: where it is looked for
    :param modules: those that it is going to run
    :param waits: whether to wait until it listens
    """
    archive = __file__.partition("/ansible_collections/")[0]
    if os.geteuid() != 0 or not os.path.isfile(archive):
        return False
    remove(directory, site)
    try:
        _fill(place, archive)
        _start(place, archive, modules)
        return not waits or _is_ready(place)
    except (OSError, RelocateError):  # as if there were no such process
        with contextlib.suppress(OSError):
            shutil.rmtree(place)
        return False


def _fill(place: str, archive: str) -> None:
    make_directory(BASE, 0o711)
    make_directory(place, 0o700)
    with open(archive, "rb") as source, created(os.path.join(place, ARCHIVE)) as target:
        shutil.copyfileobj(source, target)
    paths = [shlex.quote(path) for path in (sys.executable, os.path.join(place, CLIENT), os.path.join(place, SOCKET))]
    for name, text in ((CLIENT, _CLIENT), (CALL, _CALL.format(*paths))):
        with created(os.path.join(place, name)) as stream:
            stream.write(text.encode("utf-8"))


def _start(place: str, archive: str, modules: Sequence[str]) -> None:
    """Start it so that it outlives this module, has what this one has, and holds nothing of it open."""
    apart = ["/bin/sh", "-c", '"$@" </dev/null >/dev/null 2>&1 &', "sh"]
    mask = os.umask(0o077)
    os.umask(mask)
    # Where this module looks for code, so that a driver of a database is found there too.
    paths = os.pathsep.join(path for path in sys.path if os.path.isabs(path) and path != archive)
    argv = [*apart, sys.executable, "-I", "-c", _BOOT, place, paths, *modules]
    started = Command(argv, env=dict(os.environ), umask=mask)
    run(started, timeout=_PATIENCE)


def _is_ready(place: str) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if os.path.exists(os.path.join(place, SOCKET)):
            return True
        time.sleep(_PAUSE)
    return False


def say(place: str, request: bytes) -> bool:
    """Tell the process something before its first call, and wait until it has done that; False when it did not."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(_LOADING)
        link.connect(os.path.join(place, SOCKET))
        if link.recv(1) == b"+":
            link.sendall(request)
            link.shutdown(socket.SHUT_WR)
            return bool(link.recv(1))
    return False
