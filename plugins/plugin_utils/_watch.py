# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows how far a task is while its module works on a host: a line every few seconds, and one when it ends.

A thread waits beside the module's own connection. In a task that takes less than three seconds it does nothing. Then it
asks, over a connection of its own, and prints by Ansible's display, which a worker hands to the process that prints.

The work never waits for it: an answer that does not come in time is left alone, and what was heard last is shown.
"""

from __future__ import annotations

import threading
import time
from typing import Callable, Optional, Sequence

from ansible_collections.relocate.django.plugins.plugin_utils import _progress_lines as lines

FIRST = 3.0  # seconds of a task before which nothing is asked or shown
EVERY = 4.0  # seconds between two lines
PATIENCE = 1.0  # seconds that a line waits for an answer: with it, no two lines are more than five seconds apart
_FRESH = 15.0  # seconds for which an answer is worth showing
_FAILURES = 3  # answers in a row that were errors, after which nobody is asked any more

Ask = Callable[[], str]
Show = Callable[[str], None]


class Watch:
    """Watches one task from :meth:`begin` on. Use as a context; then call :meth:`summarise`.

    :param where: the host, and the site where there are several
    :param step: what the task is called until its host says so
    :param ask: asks the host; what goes wrong there is no matter of the task
    :param show: prints a line
    """

    def __init__(self, where: str, step: str, ask: Ask, show: Show) -> None:
        self._where, self._step, self._ask, self._show = where, step, ask, show
        self._began: Optional[float] = None
        self._over = threading.Event()
        self._lock = threading.Lock()  # held while a line is printed: none comes after the end
        self._asking: Optional[threading.Thread] = None
        self._heard: Optional[lines.Told] = None
        self._heard_at = 0.0
        self._failures = 0

    def __enter__(self) -> Watch:
        return self

    def begin(self) -> None:
        """Start the clock: the module is on its way."""
        if self._began is None:
            self._began = time.monotonic()
            threading.Thread(target=self._tell, args=(self._began,), daemon=True).start()

    def __exit__(self, *_error: object) -> None:
        with self._lock:
            self._over.set()

    def settle(self, seconds: float) -> None:
        """Wait for a question that is still on its way, though not for long."""
        if self._asking is not None:
            self._asking.join(seconds)

    def summarise(self, parts: Sequence[lines.Part], failed: bool) -> None:
        """Print the one line for the whole task, unless it was short."""
        seconds = 0.0 if self._began is None else time.monotonic() - self._began
        if seconds >= FIRST:
            self._show(lines.summary(self._where, self._step, parts, seconds, failed))

    def _tell(self, began: float) -> None:
        due = began + FIRST
        while not self._over.wait(due - time.monotonic()):
            self._hear()
            now = time.monotonic()
            heard = self._heard if now - self._heard_at < _FRESH else None
            step, parts = (heard.step or self._step, heard.parts) if heard else (self._step, ())
            with self._lock:
                if self._over.is_set():
                    return
                self._show(lines.line(self._where, step, parts, now - began))
            due = max(due + EVERY, now)

    def _hear(self) -> None:
        """Ask, unless an earlier question is still on its way, and wait a moment for the answer."""
        if self._failures >= _FAILURES:
            return
        if self._asking is None or not self._asking.is_alive():
            self._asking = threading.Thread(target=self._question, daemon=True)
            self._asking.start()
        self._asking.join(PATIENCE)

    def _question(self) -> None:
        try:
            found = lines.told(self._ask())
        except Exception:
            self._failures += 1
            return
        self._failures = 0
        if found is not None:
            self._heard, self._heard_at = found, time.monotonic()
