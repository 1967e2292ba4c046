# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes how far this process has come to a file of its own, for the controller that asks for it while it works.

The controller names the file, by a variable of the environment; without that nothing is written. The file lies in
memory (``/run``), readable for root alone; for who is not root, and where there is no ``/run``, in our directory.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
import time
from typing import Any, Dict, Iterator, List

from ansible_collections.relocate.django.plugins.module_utils._host.files import created, make_directory
from ansible_collections.relocate.django.plugins.module_utils._progress import PROGRESS, Progress

VARIABLE = "RELOCATE_PROGRESS"
NAME = "progress"
SIZE = 2048  # bytes of the file, always
_TOKEN = re.compile(r"^[0-9a-f]{32}\Z")
_EVERY = 1.0  # seconds
_SHORTEST = 3.0  # seconds of a task whose parts are told when it has ended
_STALE = 60.0  # seconds after which a file that is written no more was left by a process that was killed


def place(directory: str) -> str:
    """Return the directory of such files.

    :param directory: ours on this host
    """
    return "/run/relocate/" + NAME if os.geteuid() == 0 and os.path.isdir("/run") else os.path.join(directory, NAME)


@contextlib.contextmanager
def telling(directory: str, token: str, progress: Progress = PROGRESS) -> Iterator[List[Dict[str, Any]]]:
    """Write how far the block is, once a second, when somebody asked for it.

    :param token: names the file; nothing is written without one
    :returns: when the block has ended: the parts that it had, if it was not short
    """
    ended: List[Dict[str, Any]] = []
    if not _TOKEN.match(token):
        yield ended
        return
    began, writer = time.monotonic(), None
    progress.is_heard = True
    with contextlib.suppress(Exception):  # whatever is wrong there: the work goes on untold
        writer = _Writer(place(directory), token, progress)
    try:
        yield ended
    finally:
        if writer is not None:
            writer.end()
        if time.monotonic() - began >= _SHORTEST:
            ended.extend(progress.ended())


class _Writer(threading.Thread):
    """Keeps one file up to date.

    It writes in place, through a descriptor that root opened: this process may act as somebody else at any moment, who
    could not replace the file. A record has always the same size, so a reader sees the old one or the new one; should
    it ever see some of both, that is no JSON, or a wrong figure in one line.
    """

    def __init__(self, directory: str, token: str, progress: Progress) -> None:
        super().__init__(daemon=True)
        make_directory(os.path.dirname(directory), 0o711)
        make_directory(directory, 0o700)
        _clear(directory)
        self._path, self._progress = os.path.join(directory, token), progress
        self._over = threading.Event()
        self._stream = created(self._path)
        self._write()
        self.start()

    def run(self) -> None:
        """Write until the work has ended."""
        while not self._over.wait(_EVERY):
            try:
                self._write()
            except OSError:
                return

    def end(self) -> None:
        """Remove the file. A gauge that still waits for its server is left alone."""
        self._over.set()
        with contextlib.suppress(OSError):
            os.unlink(self._path)

    def _write(self) -> None:
        record = json.dumps(self._progress.told()).encode("ascii")
        if len(record) < SIZE:
            os.pwrite(self._stream.fileno(), record.ljust(SIZE - 1) + b"\n", 0)


def _clear(directory: str) -> None:
    """Remove what processes left that were killed."""
    for name in os.listdir(directory):
        path = os.path.join(directory, name)
        with contextlib.suppress(OSError):
            if time.time() - os.lstat(path).st_mtime > _STALE:
                os.unlink(path)
