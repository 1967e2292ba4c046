# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a process waits for calls, and who answers them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._standby import place, serve

pytestmark = pytest.mark.slow

LIMIT = 1.5  # seconds


def answer(request: bytes) -> serve.Answer:
    """Tell who answers; "go on" is no call yet."""
    if request == b"break":
        os._exit(7)
    if request == b"die":
        os.kill(os.getpid(), signal.SIGKILL)
    return serve.Answer(str(os.getpid()).encode(), goes_on=request == b"go on")


class Waits:
    """A process that waits, as a thread of ours that forks."""

    def __init__(self, where: Path, limit: float = 60) -> None:
        self.where = where
        where.mkdir()
        self._thread = threading.Thread(target=serve.serve, args=(str(where), answer, limit), daemon=True)
        self._thread.start()
        self.until((where / place.SOCKET).exists)

    def until(self, done: Callable[[], bool]) -> float:
        """Wait; return for how many seconds."""
        began = time.monotonic()
        while not done():
            assert time.monotonic() < began + 30
            time.sleep(0.02)
        return time.monotonic() - began

    def call(self, request: bytes) -> str:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(10)
            link.connect(str(self.where / place.SOCKET))
            assert link.recv(1) == b"+"
            link.sendall(request)
            link.shutdown(socket.SHUT_WR)
            return link.recv(64).decode()

    def ended(self) -> float:
        """Wait until it has ended and cleared up."""
        return self.until(lambda: not self._thread.is_alive() and not self.where.exists())


@pytest.fixture(name="waits")
def _waits(tmp_path: Path) -> Waits:
    return Waits(tmp_path / "place")


def test_each_call_has_a_process_and_one_that_got_ready_answers_the_next(waits: Waits) -> None:
    first, second = waits.call(b"a"), waits.call(b"b")
    assert len({first, second}) == 2
    ready = waits.call(b"go on")
    assert ready == waits.call(b"c") != waits.call(b"d")


def test_it_waits_from_call_to_call(tmp_path: Path) -> None:
    """However long a run is; and not for ever."""
    waits = Waits(tmp_path / "place", LIMIT)
    for request in (b"a", b"go on", b"b"):
        time.sleep(LIMIT * 0.7)
        assert waits.call(request)
    assert waits.ended() > LIMIT * 0.5


def test_it_ends_with_its_place(waits: Waits) -> None:
    shutil.rmtree(waits.where)
    assert waits.ended()


def test_a_call_that_is_killed_is_that_call(waits: Waits) -> None:
    assert waits.call(b"die") == "" and waits.call(b"a")


def test_one_that_breaks_is_not_tried_for_ever(waits: Waits) -> None:
    assert waits.call(b"break") == "" and waits.ended()
