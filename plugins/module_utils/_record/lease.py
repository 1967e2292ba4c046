# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run at a time on a site of a host.

A run is many tasks, each a process of its own, so a plain lock would be free between them. The lease is a file that
names the run: while one of its tasks works the kernel holds a lock on it, and for a while after that the file's age
speaks. A run that crashed blocks the next one for :data:`GRACE` seconds at most.

A site that a run has frozen is that run's for longer: old has nothing to do while new restores for an hour. Only a run
to the same new host may take it over, for that host's own lease tells whether the first one is still at work.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from types import TracebackType
from typing import Optional, Type

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import make_directory
from ansible_collections.relocate.django.plugins.module_utils._record import kept
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name, read_record
from ansible_collections.relocate.django.plugins.module_utils._standby import place

#: Seconds for which a run keeps the site between two of its tasks.
GRACE = 60


def frozen_by(directory: str, site: str, run: str) -> str:
    """Name the run to another new host that froze the site, and neither ended nor hit the limit; empty when none."""
    try:
        record = read_record(directory, site)
    except RelocateError:
        return ""  # whoever needs the record says so
    return record.frozen_by_another(run, time.time(), _now())


def _now() -> float:
    """Seconds since the host started: nobody sets this clock back. An age below zero is of before the last start."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Lease:
    """Context manager around a task's work; raises locked when another run has the site.

    :param directory: our work directory on this host
    :param site: the site's name
    :param run: the run's id, of the form that people recognise: user@controller 20261120T193000Z
    """

    def __init__(self, directory: str, site: str, run: str) -> None:
        self._base, self._site, self._run = directory, site, run
        self.path = os.path.join(directory, check_site_name(site) + ".run")
        self._handle = -1

    def __enter__(self) -> Lease:
        make_directory(self._base, 0o711)
        try:
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise RelocateError(
                "work_directory",
                "{0} cannot be opened: {1}".format(self.path, exc.strerror),
                "check what it is, then remove it",
            ) from exc
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._refuse("is at work")
        holder, seen = self._read()
        age = _now() - seen
        if holder and holder != self._run and 0 <= age < GRACE:
            self._refuse("was at work {0:.0f} s ago".format(age))
        freezer = frozen_by(self._base, self._site, self._run)
        if freezer:
            self._refuse(
                "has frozen it",
                freezer,
                "wait for it to end; after a crash run it again, or relocate.django.undo, to the same new host",
            )
        self._write(self._run)
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], exc: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if self._handle >= 0:
            with contextlib.suppress(OSError):  # a full disk must not hide how the work ended
                self._write(self._run)
            os.close(self._handle)

    @classmethod
    def holder(cls, directory: str, site: str, run: str) -> str:
        """Return which other run has the site now, without taking it; empty when none has."""
        lease = cls(directory, site, run)
        freezer = frozen_by(directory, site, run)
        if freezer:
            return freezer + ", which has frozen it (relocate.django.undo to the same new host thaws it)"
        try:
            lease._handle = os.open(lease.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return ""
        try:
            holder, seen = lease._read()
            try:
                fcntl.flock(lease._handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
                working = False
            except OSError:
                working = True
            return holder if holder not in ("", run) and (working or 0 <= _now() - seen < GRACE) else ""
        finally:
            os.close(lease._handle)

    def release(self) -> None:
        """Give the site back at once, at the end of a run, and what was kept of it for that run."""
        self._run = ""
        kept.forget(self._base, self._site)
        place.remove(self._base, self._site)

    def _read(self) -> "tuple[str, float]":
        text = os.pread(self._handle, 4096, 0).decode("utf-8", "replace")
        try:
            data = json.loads(text)
            return str(data["run"]), float(data["seen"])
        except (ValueError, KeyError, TypeError):
            return "", 0.0

    def _write(self, run: str) -> None:
        text = json.dumps({"run": run, "seen": _now()}).encode()
        os.pwrite(self._handle, text, 0)  # over the old text: the block is there even when the disk is full
        os.ftruncate(self._handle, len(text))

    def _refuse(self, how: str, who: str = "", hint: str = "") -> None:
        holder = who or self._read()[0]
        os.close(self._handle)
        self._handle = -1
        raise RelocateError(
            "locked",
            "another run on this site {0}: {1}".format(how, holder or "unknown"),
            hint or "wait for it to end; after a crash the site is free again within {0} s".format(GRACE),
        )
