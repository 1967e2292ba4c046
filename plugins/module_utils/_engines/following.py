# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shares what engines need to follow changes on old: a process of its own, and the files by which it is spoken to.

The process belongs to a directory, which is its stream. It ends by itself when that is gone, so that whoever removes
the set ends it; at its limits; and with whatever it follows. Nothing else holds it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import time
from dataclasses import dataclass
from typing import IO, Any, Callable, Dict, Iterator

from ansible_collections.relocate.django.plugins.module_utils._engines.sql import cannot_catch_up
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import created, write_atomically

#: Files of the process in its directory: locked while it lives, what it is at, what it is asked, how it ended.
LOCK, STATUS, FINISH, END = "lock", "status.json", "finish", "end.json"
#: What a directory holds besides the stream itself.
NO_STREAM = (LOCK, STATUS, FINISH, END)
PART = ".part"
MIB = 1 << 20
#: Seconds for the process to write down what is committed already; it says each second how far it is.
_PATIENCE = 600.0
_STUCK = 30.0  # seconds without a step forward
_PAUSE = 0.02


@dataclass(frozen=True)
class Limits:
    """Says when following is given up."""

    size: int = 4096 * MIB  # bytes: of what is written down, and of what the server has to keep for the stream
    seconds: float = 24 * 3600.0


def file_name(number: int) -> str:
    """The name of a file of the stream: they are numbered from 1."""
    return "{0:06d}".format(number)


# --- the process


class Begun:
    """The process that has begun.

    :param answer: what it said first
    :param word: by which it is told more
    """

    def __init__(self, answer: Dict[str, Any], word: IO[bytes]) -> None:
        self.answer, self._word = answer, word

    def tell(self, what: bytes) -> None:
        """Say something to it. That it is gone shows when it is to finish."""
        with contextlib.suppress(BrokenPipeError):
            self._word.write(what)
            self._word.flush()


#: What the process is told at the end of the block in which it was begun, when that has ended well.
GO = b"+"


@contextlib.contextmanager
def begun(directory: str, work: Callable[[IO[bytes], IO[bytes]], None]) -> Iterator[Begun]:
    """Begin a process that does the work; it is told :data:`GO` when the block has ended well, and nothing else then.

    :param work: takes the file to answer to, with one line of JSON, and the file from which it is told more
    Raises cannot_catch_up when the answer says ``refused``, or there is none.
    """
    with created(os.path.join(directory, LOCK)):
        pass
    told, tells = os.pipe()
    goes, go = os.pipe()
    child = os.fork()
    if not child:
        _apart(lambda: work(os.fdopen(tells, "wb"), os.fdopen(goes, "rb", 0)), tells, goes)
    os.close(tells)
    os.close(goes)
    os.waitpid(child, 0)  # it has gone on as another one, whose parent is not this process
    with os.fdopen(told, "rb") as answers, os.fdopen(go, "wb", 0) as word:
        try:
            answer = json.loads(answers.readline() or b"null")
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or "refused" in answer:
            raise cannot_catch_up(str((answer or {}).get("refused") or "the process that follows ended at once"))
        process = Begun(answer, word)
        yield process
        process.tell(GO)


def answered(tell: IO[bytes], answer: Dict[str, Any]) -> None:
    """Give the process's answer to who began it."""
    tell.write(json.dumps(answer).encode("utf-8") + b"\n")
    tell.close()


def _apart(work: Callable[[], None], *kept: int) -> None:
    """Do the work in a process of its own session that nobody waits for, and that holds nothing open of this one."""
    try:
        os.setsid()
        if os.fork():
            return
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        nothing = os.open(os.devnull, os.O_RDWR)
        for handle in (0, 1, 2):
            os.dup2(nothing, handle)
        for handle in (int(name) for name in os.listdir("/proc/self/fd")):
            if handle > 2 and handle not in kept:
                with contextlib.suppress(OSError):  # the listing's own
                    os.close(handle)
        os.chdir("/")
        work()
    finally:
        os._exit(0)


class Place:
    """The directory of the process, as the process itself sees it."""

    def __init__(self, directory: str, limits: Limits) -> None:
        self.directory, self._limits = directory, limits
        self._began = time.monotonic()
        self._own = os.stat(os.path.join(directory, LOCK))

    def check(self) -> None:
        """Raise cannot_catch_up or OSError where the directory is gone or another one, or the time is over."""
        found = os.stat(os.path.join(self.directory, LOCK))
        if (found.st_dev, found.st_ino) != (self._own.st_dev, self._own.st_ino):
            raise RelocateError("cannot_catch_up", "its directory is another one")
        if time.monotonic() - self._began > self._limits.seconds:
            raise RelocateError("cannot_catch_up", "{0:.0f} s are over".format(self._limits.seconds))

    def request(self) -> Any:
        """Return what the process is asked to finish at; None before that."""
        try:
            with open(os.path.join(self.directory, FINISH), encoding="ascii") as stream:
                return json.load(stream)
        except FileNotFoundError:
            return None

    def say(self, name: str, what: Dict[str, Any]) -> None:
        """Write one of the files by which others see how far it is."""
        write_atomically(os.path.join(self.directory, name), json.dumps(what))

    def say_why(self, files: int, exc: BaseException) -> None:
        """Say why it ended early, where anybody is left to ask."""
        why = " ".join(str(getattr(exc, "msg", exc)).split())
        if os.path.exists(os.path.join(self.directory, LOCK)):  # else nobody asks, and it is being removed
            with contextlib.suppress(OSError):
                self.say(END, {"files": files, "why": why or type(exc).__name__})


def locked(directory: str) -> int:
    """Take the lock that tells that the process lives, for as long as it does."""
    handle = os.open(os.path.join(directory, LOCK), os.O_RDWR | os.O_CLOEXEC)
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


# --- who asks


def is_alive(directory: str) -> bool:
    """Tell whether the process of a directory lives."""
    try:
        handle = os.open(os.path.join(directory, LOCK), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        os.close(handle)


def status(directory: str) -> Dict[str, Any]:
    """Return how far a stream is: files, bytes, bytes that are ``kept`` and ``behind``; and ``ended``, with why."""
    found = _read(directory, STATUS)
    return {**found, "ended": str(_read(directory, END).get("why") or "")}


def _read(directory: str, name: str) -> Dict[str, Any]:
    try:
        with open(os.path.join(directory, name), encoding="utf-8") as stream:
            found = json.load(stream)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def ask_to_finish(directory: str, target: Any) -> None:
    """Ask the process to end once it has written down all up to a place of the server's log."""
    write_atomically(os.path.join(directory, FINISH), json.dumps(target))


def awaited(directory: str) -> Dict[str, Any]:
    """Wait until the process has ended; returns how: ``files``, and what else it says. Raises cannot_catch_up."""
    began = moved = time.monotonic()
    before: Dict[str, Any] = {}
    while is_alive(directory):
        now, found = time.monotonic(), _read(directory, STATUS)
        if found.get("behind") != before.get("behind") or found.get("bytes") != before.get("bytes"):
            moved, before = now, found
        if now - began > _PATIENCE or now - moved > _STUCK:
            raise cannot_catch_up("the replication did not get to its end")
        time.sleep(_PAUSE)
    ended = _read(directory, END)
    if ended.get("why") != "":
        raise cannot_catch_up("the replication ended: {0}".format(ended.get("why") or "its process is gone"))
    return ended


def clear(directory: str) -> None:
    """Remove what is no part of the stream; the process ends where it has not yet."""
    for name in (*NO_STREAM, PART):
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(directory, name))
