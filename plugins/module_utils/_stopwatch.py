# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures where a module's seconds go: nobody can shorten a downtime without knowing its parts."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Callable, Dict, Iterator


class Stopwatch:
    """Sums the seconds of each named step; steps in several threads may overlap.

    :param clock: what tells the time, in seconds
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._spent: Dict[str, float] = {}

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count the time of the block, however it ends, as a step's."""
        began = self._clock()
        try:
            yield
        finally:
            with self._lock:
                self._spent[name] = self._spent.get(name, 0.0) + self._clock() - began

    def seconds(self) -> Dict[str, float]:
        """The steps in the order in which they first ended."""
        with self._lock:
            return {name: round(spent, 2) for name, spent in self._spent.items()}
