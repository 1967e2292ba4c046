# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of the last night, in a file: for people, for monitoring, and for the hook of a night that failed.

A full disk must not hide that the disk is full. So the file is padded to one size, and where it cannot be replaced, it
is written over: its blocks are there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import os
from dataclasses import dataclass, field
from typing import IO, Any, Dict, Mapping, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import openat

RUNNING, GOOD, FAILED, NEVER = "running", "good", "failed", "never"
FORMAT = 1
_SIZE = 16384  # bytes of the file, and the most that is written
_LONGEST = 4000  # characters of a message


@dataclass(frozen=True)
class Step:
    """A step of the night that has ended."""

    name: str
    seconds: float
    good: bool = True


@dataclass(frozen=True)
class Status:
    """The last night of a site. Times are seconds since 1970, 0 for never. It holds no secret."""

    site: str
    host: str = ""
    state: str = NEVER
    begun: float = 0.0
    ended: float = 0.0
    step: str = ""  # the one that is at work, or that failed
    code: str = ""  # of the error
    message: str = ""
    hint: str = ""
    steps: Tuple[Step, ...] = ()
    label: str = ""  # the set that was made
    good: float = 0.0  # when the last good night ended
    nights: int = 0
    sets: int = 0
    newest: float = 0.0  # when the newest set was made
    proven_set: str = ""
    proven_made: float = 0.0  # when the newest set was made that was found equal
    proven_at: float = 0.0  # when it was
    max_age: str = ""  # how old that set may be
    notes: Tuple[str, ...] = field(default=())

    def but(self, **changes: Any) -> Status:
        """Return the same with some values changed."""
        return dataclasses.replace(self, **changes)


def read(path: str, site: str) -> Status:
    """Return what the file says; of a file that is not there, or cannot be read, nothing but the site."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, RelocateError):
        with openat.open_file(path, None) as stream:
            found = json.loads(stream.read(4 * _SIZE).decode("utf-8"))
        return of_plain(found)
    return Status(site)


def of_plain(found: Mapping[str, Any]) -> Status:
    """Return a status out of JSON. Raises ValueError, TypeError or KeyError for something else."""
    if found["format"] > FORMAT:
        raise ValueError("format")
    known = {one.name for one in dataclasses.fields(Status)}
    given: Dict[str, Any] = {name: value for name, value in found.items() if name in known}
    given["steps"] = tuple(Step(**one) for one in given.get("steps") or ())
    given["notes"] = tuple(given.get("notes") or ())
    return Status(**given)


def write(path: str, status: Status, group: int = -1) -> None:
    """Write the file, readable for root and a group: names of tables and servers may stand in a message.

    :param group: its number; -1 leaves it to root
    """
    plain = {"format": FORMAT, **dataclasses.asdict(status.but(message=status.message[:_LONGEST]))}
    text = json.dumps(plain, indent=1, sort_keys=True)
    for key in ("notes", "steps"):  # both have their bounds, but a disk of messages has none
        if len(text) >= _SIZE:
            text = json.dumps({**plain, key: []}, indent=1, sort_keys=True)
    replace(path, text.ljust(_SIZE - 1) + "\n", 0o640, group)


def replace(path: str, text: str, mode: int, group: int = -1) -> None:
    """Replace a file in one step; where the disk is full, write over the old one. Raises OSError, RelocateError.

    The directory may be another user's, as that of a collector of metrics: no link is followed there.
    """
    data = text.encode("utf-8")
    with openat.parent(path, None) as (place, name):
        temporary = ".{0}.new".format(name)  # no collector takes it for a file of its own
        try:
            with contextlib.suppress(FileNotFoundError):
                place.unlink(temporary)
            with place.created(temporary) as stream:
                _fill(stream, data, mode, group)
            place.replace(temporary, name)
        except OSError as error:
            with contextlib.suppress(OSError):
                place.unlink(temporary)
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            _write_over(place, name, data)


def _fill(stream: IO[bytes], data: bytes, mode: int, group: int) -> None:
    stream.write(data)
    stream.flush()
    os.fsync(stream.fileno())
    if group >= 0:
        os.fchown(stream.fileno(), -1, group)
    os.fchmod(stream.fileno(), mode)


def _write_over(place: openat.Place, name: str, data: bytes) -> None:
    handle = place.open(name, os.O_WRONLY)
    try:
        os.pwrite(handle, data, 0)
        os.ftruncate(handle, len(data))
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(path: str) -> bool:
    """Remove a file, where it is; returns whether it was there."""
    found: Optional[bool] = None
    with contextlib.suppress(OSError, RelocateError), openat.parent(path, None) as (place, name):
        place.unlink(name)
        found = True
    return bool(found)
