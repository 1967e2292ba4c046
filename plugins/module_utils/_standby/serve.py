# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits, with everything loaded, for the calls of the window; each is answered by a child, as by a module of its own.

The process holds no data of the site: what a call needs comes with it. It ends when its place is removed, which giving
the site back does, or when nobody has called for a while.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import struct
import time
from dataclasses import dataclass
from typing import Callable, List

from ansible_collections.relocate.django.plugins.module_utils._standby.place import SOCKET

#: Seconds for which the process waits for the next call: a run that has the site goes on at once, or not at all.
LIMIT = 900
_NOBODY = 3  # the exit code of a child that nobody called
_LOOK = 1.0  # seconds between two looks at the place
_LARGEST = 64 << 20  # bytes of a request


@dataclass(frozen=True)
class Answer:
    """Holds what a request is answered, and whether the child that did so answers the next one too."""

    text: bytes
    goes_on: bool = False


def serve(place: str, answer: Callable[[bytes], Answer], limit: float = LIMIT) -> None:
    """Let one child after the other answer a call, until the place is gone or nobody calls.

    :param limit: seconds from one call to the next
    """
    own = os.stat(place)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        _listen(listener, place)
        going_on = True
        while going_on and _is_there(place, own):
            child = os.fork()
            if not child:
                _end_as(lambda: _answer_one(listener, answer, limit, lambda: _is_there(place, own)))
            status = os.waitpid(child, 0)[1]
            # Whoever kills a child means that call. One that failed by itself would fail again, and again.
            going_on = status == 0 or os.WIFSIGNALED(status)
    if _is_there(place, own):
        with contextlib.suppress(OSError):
            shutil.rmtree(place)


def _end_as(work: Callable[[], bool]) -> None:
    """Do the work of a child, which comes back to nobody."""
    code = 1
    try:
        os.setsid()
        code = 0 if work() else _NOBODY
    finally:
        os._exit(code)


def _listen(listener: socket.socket, place: str) -> None:
    """Listen under the final name only: whoever sees it is heard."""
    path = os.path.join(place, SOCKET)
    listener.bind(path + ".new")
    listener.listen(8)
    os.rename(path + ".new", path)
    listener.settimeout(_LOOK)


def _is_there(place: str, own: os.stat_result) -> bool:
    try:
        found = os.lstat(place)
    except OSError:
        return False
    return (found.st_dev, found.st_ino) == (own.st_dev, own.st_ino)


def _answer_one(
    listener: socket.socket, answer: Callable[[bytes], Answer], limit: float, is_there: Callable[[], bool]
) -> bool:
    """Wait for a call and answer it; go on where it was none yet, but something to get ready for it.

    :returns: whether somebody called
    """
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline and is_there():
        with contextlib.suppress(OSError):  # nobody came, or who came is gone
            link = listener.accept()[0]
            with link:
                request = _read(link)
                found = answer(request) if request else Answer(b"", goes_on=True)
                with contextlib.suppress(OSError):  # who asked may be gone: the work is done all the same
                    link.sendall(found.text)
                if not found.goes_on:
                    return True
                deadline = time.monotonic() + limit
    return False


def _read(link: socket.socket) -> bytes:
    """Take a request from who has our rights; nobody else gets to the place, but that is not left to a mode alone."""
    asks = struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1]
    if asks != os.geteuid():
        return b""
    link.settimeout(None)
    link.sendall(b"+")
    parts: List[bytes] = []
    size = 0
    while size < _LARGEST:
        part = link.recv(65536)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
    return b""
