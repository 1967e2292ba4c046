# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Knows how far the work of this process has come, for whoever asks while it goes on.

A part is what the stopwatch counts as one: ``dump``, ``fetch``. Its amount is pulled, not pushed: who asks looks at how
far an open file has been read, or at a server's own figures. So what nobody asks for costs nothing. Only loops of ours
that see each byte or row add them up.

It holds names of parts, databases and tables, and numbers; never a value, an argument or a program's output as it is.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import time
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence

#: What parts are counted in.
BYTES, ROWS, PACKAGES = "bytes", "rows", "packages"

_LONGEST = 60  # characters of a name
_SHOWN = 3  # parts that are told at a time: some of them go on side by side
_KEPT = 12  # parts that are remembered when they have ended
_SHORTEST = 1.0  # seconds of a part that is remembered


class Amount(NamedTuple):
    """How much is done, and of how much.

    :param total: 0 when that is not known
    :param item: what it is at, in a few words
    """

    done: int
    total: int = 0
    item: str = ""


#: Tells how far something is. It is called by another thread, about once a second and only when somebody asks.
Gauge = Callable[[], Optional[Amount]]


class _Attached:
    """One gauge, and what it told last.

    :param own: it is its part's measure, rather than a program's file that happens to be open
    :param remote: it asks a server
    """

    def __init__(self, gauge: Gauge, own: bool, remote: bool) -> None:
        self._gauge, self.own, self.remote, self.last = gauge, own, remote, Amount(0)

    def read(self) -> Amount:
        """Ask it; what goes wrong there is no matter of the work that is measured."""
        with contextlib.suppress(Exception):
            self.last = self._gauge() or self.last
        return self.last


class Part:
    """One part of a step. Made by :meth:`Progress.part`.

    :param began: when, by the clock of :class:`Progress`
    """

    def __init__(self, step: str, name: str, began: float, parent: Optional[Part] = None) -> None:
        self.step, self.name, self.began, self.parent = step, name[:_LONGEST], began, parent
        self.item, self.unit = "", ""
        self._done = 0
        self._totals: Dict[str, int] = {}
        self._own = False  # whether its amount is said by who works, so that its programs' files are no measure
        self.is_divided = False  # whether parts of it were told
        self._remote = False  # whether a server told it, which is not asked for the last word
        self._lock = threading.Lock()
        self._gauges: Dict[int, _Attached] = {}

    def expect(self, unit: str, total: int) -> None:
        """Say how much is to be done, should it be counted in that unit."""
        with self._lock:
            self._totals[unit] = max(0, int(total))

    def expected(self, unit: str) -> int:
        """Return how much is to be done, as far as it was said."""
        return self._totals.get(unit, 0)

    def add(self, amount: int, unit: str = BYTES) -> None:
        """Count what has been done."""
        with self._lock:
            self._own, self.unit = True, unit
            self._done += amount

    def attach(self, attached: _Attached, unit: str) -> int:
        """Let a gauge tell a share of the amount, until :meth:`detach`."""
        with self._lock:
            self._own, self._remote = self._own or attached.own, self._remote or attached.remote
            if attached.own or not self._own:
                self.unit = unit
            self._gauges[id(attached)] = attached
            return id(attached)

    def detach(self, key: int) -> None:
        """Keep what a gauge tells last. A server is not asked again: the work does not wait for it."""
        with self._lock:
            attached = self._gauges.pop(key)
        if not attached.remote:
            attached.read()
        with self._lock:
            if attached.own == self._own:
                self._done += attached.last.done

    def amount(self) -> Amount:
        """Return how much is done, and of how much."""
        with self._lock:
            asked = [one for one in self._gauges.values() if one.own == self._own]
        told = [one.read() for one in asked]  # without the lock: one may wait for a server
        items = [one.item for one in told if one.item] + [self.item]
        with self._lock:
            done = self._done + sum(one.done for one in told)
            total = self._totals.get(self.unit, 0) or self._total_of(told)
            return Amount(done, max(total, done) if total else 0, items[0][:_LONGEST])

    def _total_of(self, told: Sequence[Amount]) -> int:
        """Return what gauges say of how much is to be done: only while nothing but them has been seen."""
        return 0 if self._done or not all(one.total for one in told) else sum(one.total for one in told)

    def told(self, now: float, ended: bool = False) -> Dict[str, Any]:
        """Return it as plain values."""
        unit = "" if ended and self._remote else self.unit
        done, total, item = self.amount() if unit else Amount(0, 0, self.item)
        seconds = round(now - self.began, 1)
        return {"name": self.name, "item": item, "unit": unit, "done": done, "total": total, "seconds": seconds}


class Progress:
    """The parts that are at work, and those that have been.

    :param clock: what tells the time, in seconds
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock, self._mine = clock, threading.Lock(), threading.local()
        self._open: List[Part] = []
        self._ended: List[Dict[str, Any]] = []
        self.step = ""
        self.is_heard = False  # whether somebody asks: only then may a gauge cost something

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[Part]:
        """Tell of a block as a part."""
        parent = getattr(self._mine, "part", None)
        part = Part(self.step, name, self._clock(), parent)
        if parent is not None:
            parent.is_divided = True
        with self._lock:
            self._open.append(part)
        try:
            with self.within(part):
                yield part
        finally:
            with self._lock:
                self._open.remove(part)
                self._remember(part)

    @contextlib.contextmanager
    def within(self, part: Optional[Part]) -> Iterator[None]:
        """Let this thread work on a part that another one began."""
        before = getattr(self._mine, "part", None)
        self._mine.part = part
        try:
            yield
        finally:
            self._mine.part = before

    def current(self) -> Optional[Part]:
        """Return the part that this thread works on; in one that began none, the newest."""
        own: Optional[Part] = getattr(self._mine, "part", None)
        if own is not None:
            return own
        with self._lock:
            return self._open[-1] if self._open else None

    def expect(self, unit: str, total: int) -> None:
        """Say how much of the current part is to be done, should it be counted in that unit."""
        part = self.current()
        if part is not None:
            part.expect(unit, total)

    def expected(self, unit: str) -> int:
        """Return how much of the current part is to be done, as far as it was said; 0 when nobody asks."""
        part = self.current() if self.is_heard else None
        return part.expected(unit) if part is not None else 0

    def add(self, amount: int, unit: str = BYTES) -> None:
        """Count what has been done of the current part."""
        part = self.current()
        if part is not None:
            part.add(amount, unit)

    def say(self, item: str) -> None:
        """Name what the current part is at, such as a table. The caller keeps secrets out of it."""
        part = self.current()
        if part is not None:
            part.item = item[:_LONGEST]

    @contextlib.contextmanager
    def measured(self, gauge: Gauge, unit: str = BYTES, remote: bool = False) -> Iterator[None]:
        """Let a gauge tell how far the current part is while the block works.

        :param remote: it asks a server, which may not answer
        """
        with self._attached(_Attached(gauge, True, remote), unit):
            yield

    @contextlib.contextmanager
    def following(self, source: Any, target: Any = None) -> Iterator[None]:
        """Let open files tell how far the current part is: what is read, else what is written.

        A program shares our descriptor's place in the file, so nothing of it passes through this process.
        """
        handle, is_read = _regular(source), True
        if handle < 0:
            handle, is_read = _regular(target), False
        if handle < 0:
            yield
            return
        try:
            with self._attached(_Attached(_place(handle, is_read), False, False), BYTES):
                yield
        finally:
            os.close(handle)

    @contextlib.contextmanager
    def _attached(self, attached: _Attached, unit: str) -> Iterator[None]:
        part = self.current()
        key = part.attach(attached, unit) if part is not None else 0
        try:
            yield
        finally:
            if part is not None:
                part.detach(key)

    def told(self) -> Dict[str, Any]:
        """Return what is at work: the step, and its innermost parts, the oldest first."""
        now = self._clock()
        with self._lock:
            parents = {id(part.parent) for part in self._open}
            inner = [part for part in self._open if id(part) not in parents]
        inner.sort(key=lambda part: not part.unit)  # those that are counted first
        return {"step": self.step[:_LONGEST], "parts": [part.told(now) for part in inner[:_SHOWN]]}

    def ended(self) -> List[Dict[str, Any]]:
        """Return the parts that took a second or more, with what they did; the longest where there are many."""
        with self._lock:
            longest = sorted(self._ended, key=lambda one: -float(one["seconds"]))[:_KEPT]
            return [one for one in self._ended if one in longest]

    def _remember(self, part: Part) -> None:
        if part.is_divided and not part.unit:
            return
        told = {"step": part.step[:_LONGEST], **part.told(self._clock(), True)}
        for one in self._ended:
            if (one["step"], one["name"], one["unit"]) == (told["step"], told["name"], told["unit"]):
                for key in ("done", "total", "seconds"):
                    one[key] += told[key]
                return
        if told["seconds"] >= _SHORTEST and len(self._ended) < 10 * _KEPT:
            self._ended.append(told)


def _regular(stream: Any) -> int:
    """Return a duplicate of a regular file's descriptor, which shares its place in it; -1 for anything else."""
    try:
        number = stream if isinstance(stream, int) else stream.fileno()
        return os.dup(number) if stat.S_ISREG(os.fstat(number).st_mode) else -1
    except (AttributeError, OSError, ValueError):
        return -1


def _place(handle: int, is_read: bool) -> Gauge:
    """Return what tells how far an open file has been read, or written."""

    def gauge() -> Amount:
        return Amount(os.lseek(handle, 0, os.SEEK_CUR), os.fstat(handle).st_size if is_read else 0)

    return gauge


#: Of this process.
PROGRESS = Progress()
