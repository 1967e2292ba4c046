# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets programs that several threads wait for end together."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import List, Optional, Protocol, Sequence

from ansible_collections.relocate.django.plugins.module_utils._users import IDS


class Started(Protocol):
    """A program that was started, the first of its process group."""

    pid: int

    def poll(self) -> Optional[int]:
        """Return how it ended, if it has."""


class Together:
    """Pipelines in several threads that end together: once one has failed, the others are not worth waiting for.

    ``cause`` is what failed first; those that were killed for it have nothing to tell. Use it as a context: what
    leaves the block as an error ends them too.
    """

    def __init__(self) -> None:
        self.cause: Optional[BaseException] = None
        self.ended = False
        self._lock = threading.Lock()
        self._processes: List[Started] = []

    def __enter__(self) -> Together:
        return self

    def __exit__(self, _kind: object, error: Optional[BaseException], _trace: object) -> None:
        if error is not None:
            self.fail(error)

    def add(self, process: Started) -> None:
        """One more; when it comes too late, it ends at once."""
        with self._lock:
            self._processes.append(process)
            late = self.ended
        if late:
            self._end([process])

    def fail(self, cause: BaseException) -> None:
        """Note the first cause, and kill whatever still runs."""
        with self._lock:
            self.cause = self.cause or cause
            self.ended = True
            processes = list(self._processes)
        self._end(processes)

    @staticmethod
    def _end(processes: Sequence[Started]) -> None:
        with IDS:  # who acts as the owner may not kill everybody's
            for process in processes:
                if process.poll() is None:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.killpg(process.pid, signal.SIGKILL)
