# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps a tunnel between two hosts open while the controller's run lives. Runs as a process of its own.

Each Ansible task is a process that ends with it, so the tunnel belongs to none of them: this process watches the run
itself and closes the tunnel when it is gone, for whatever reason. The old host's SSH server is brought to a socket on
the controller, and from there to a port of the new host; what passes is encrypted between the two.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any, Dict, List, Optional, Sequence

WAIT = 30.0  # seconds that a connection may take
_LAST_WORDS = 2.0  # seconds for what SSH said before it ended
_RESTARTS = 10  # how often a connection that broke is made again
_ALLOCATED = re.compile(r"Allocated port (\d+) for remote forward")


class TunnelError(Exception):
    """A side that could not be opened; the text says which and why."""


def started(pid: int) -> str:
    """Return when a process began, so that a new one with its number is told apart; empty when there is none."""
    try:
        with open("/proc/{0}/stat".format(pid), encoding="utf-8", errors="replace") as stream:
            return stream.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        pass
    if os.path.isdir("/proc/self"):
        return ""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return "alive"
    except OSError:
        return ""
    return "alive"


def _die_with_parent() -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)


class Side:
    """One SSH connection that forwards, made again when it breaks."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._argv = list(argv)
        self.said: List[str] = []
        self._restarts = 0
        self.process = self._begin()

    def _begin(self) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            self._argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="backslashreplace",
            preexec_fn=_die_with_parent,
        )
        self._listener = threading.Thread(target=self._listen, args=(process,), daemon=True)
        self._listener.start()
        return process

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        for line in process.stderr or ():
            self.said = [*self.said, line.strip()][-8:]

    def port(self) -> int:
        """The port that the far side allocated; 0 before it did."""
        found = [_ALLOCATED.search(line) for line in self.said]
        return next((int(item.group(1)) for item in found if item), 0)

    def why(self) -> str:
        """Return what SSH said last."""
        return "; ".join(self.said[-2:]) or "SSH gave no reason"

    def keep(self, argv: Sequence[str] = ()) -> bool:
        """Begin again when the connection broke; False when that was tried too often."""
        if self.process.poll() is None:
            return True
        self._restarts += 1
        if self._restarts > _RESTARTS:
            return False
        self._argv = list(argv) or self._argv
        time.sleep(1)
        self.process = self._begin()
        return True

    def end(self) -> None:
        """Close the connection, and hear what it says last; a program of its own may hold its output open."""
        self.process.terminate()
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._listener.join(_LAST_WORDS)


def banner(path: str) -> Optional[str]:
    """Return the first words of the SSH server behind a socket; empty when silent, None when nobody listens yet.

    A socket's file is there before SSH listens at it.
    """
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(5)
        try:
            link.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except OSError:
            return ""
        try:
            return link.recv(64).decode("ascii", "replace")
        except OSError:
            return ""


def open_old(argv: Sequence[str], target: str, path: str) -> Side:
    """Bring the old host's SSH server, at ``target`` there, to a socket. Raises TunnelError unless it answers."""
    side = Side([*argv[:-1], "-L", path + ":" + target, argv[-1]])
    begun = time.monotonic()
    while time.monotonic() - begun < WAIT and side.process.poll() is None:
        said = banner(path)
        if said is not None:
            if said.startswith("SSH-"):
                return side
            side.said = side.said or ["the old host forwards no connections, or no SSH server is at its port"]
            break
        time.sleep(0.05)
    side.end()
    raise TunnelError("old: " + side.why())


def open_new(argv: Sequence[str], path: str) -> Side:
    """Offer the socket on a port of the new host. Raises TunnelError when it gives none."""
    side = Side([*argv[:-1], "-R", "127.0.0.1:0:" + path, argv[-1]])
    begun = time.monotonic()
    while time.monotonic() - begun < WAIT and side.process.poll() is None:
        if side.port():
            return side
        time.sleep(0.05)
    side.end()
    raise TunnelError("new: " + side.why())


def serve(request: Dict[str, Any], directory: str) -> None:
    """Open both sides, tell the port, and stay until the run is gone."""
    path = os.path.join(directory, "old")
    old = open_old(request["old"], request["target"], path)
    try:
        new = open_new(request["new"], path)
    except TunnelError:
        old.end()
        raise
    port = new.port()
    again = [*request["new"][:-1], "-R", "127.0.0.1:{0}:{1}".format(port, path), request["new"][-1]]
    try:
        print(json.dumps({"port": port, "pids": [os.getpid(), old.process.pid, new.process.pid]}), flush=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        while started(request["parent"]) == request["started"] and old.keep() and new.keep(again):
            time.sleep(0.5)
    finally:
        old.end()
        new.end()


def _stop(_number: int, _frame: Any) -> None:
    raise SystemExit(0)


def main() -> None:
    """Read the request from standard input; the answer is one line of JSON."""
    request = json.loads(sys.stdin.readline())
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _stop)
    directory = tempfile.mkdtemp(prefix="relocate-relay-")
    try:
        serve(request, directory)
    except TunnelError as exc:
        print(json.dumps({"why": str(exc)}), flush=True)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
