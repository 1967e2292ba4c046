# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures where a module's seconds go: nobody can shorten a downtime without knowing its parts.

Each step is a part of what is told while the module works, too.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Callable, Dict, Iterator

from ansible_collections.relocate.django.plugins.module_utils._progress import PROGRESS, Progress


class Stopwatch:
    """Sums the seconds of each named step; steps in several threads may overlap.

    :param clock: what tells the time, in seconds
    :param progress: is told of each step
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, progress: Progress = PROGRESS) -> None:
        self._clock, self._lock, self._progress = clock, threading.Lock(), progress
        self._spent: Dict[str, float] = {}

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count the time of the block, however it ends, as a step's."""
        began = self._clock()
        try:
            with self._progress.part(name):
                yield
        finally:
            with self._lock:
                self._spent[name] = self._spent.get(name, 0.0) + self._clock() - began

    def seconds(self) -> Dict[str, float]:
        """The steps in the order in which they first ended."""
        with self._lock:
            return {name: round(spent, 2) for name, spent in self._spent.items()}
