# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Threads that read and write the streams of programs, so that none blocks on a full pipe."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import IO, Callable, Optional

from ansible_collections.relocate.django.plugins.module_utils._progress import Amount

_CHUNK = 1024 * 1024
_OUTPUT_LIMIT = 1024 * 1024  # bytes kept of each stream: enough for any message, flat for any program


class Tail(threading.Thread):
    """Reads a stream to its end, keeping its last bytes, so that no program blocks on a full pipe."""

    def __init__(self, stream: IO[bytes], on_line: Optional[Callable[[str], None]] = None) -> None:
        super().__init__(daemon=True)
        self._stream, self._on_line, self._data = stream, on_line, bytearray()
        self.start()

    def finish(self) -> bytes:
        """Wait for the end, though not for whoever keeps the stream open; returns its last mebibyte."""
        self.join(10)
        return bytes(self._data[-_OUTPUT_LIMIT:])

    def last(self) -> bytes:
        """Return the last mebibyte of what has come so far."""
        return bytes(self._data[-_OUTPUT_LIMIT:])

    def run(self) -> None:
        with self._stream:
            if self._on_line is not None:
                for line in iter(lambda: self._stream.readline(65536), b""):
                    self._keep(line)
                    self._on_line(line.decode("utf-8", "backslashreplace").rstrip("\n"))
                return
            for chunk in iter(lambda: self._stream.read1(65536), b""):  # type: ignore[attr-defined]
                self._keep(chunk)

    def _keep(self, data: bytes) -> None:
        self._data += data
        if len(self._data) > 2 * _OUTPUT_LIMIT:  # seldom, since it copies
            del self._data[:-_OUTPUT_LIMIT]


class Feed(threading.Thread):
    """Writes to a program that may not read, so that the one who waits for it can still give up."""

    def __init__(self, stream: IO[bytes], data: bytes) -> None:
        super().__init__(daemon=True)
        self._stream, self._given = stream, data
        self.start()

    def run(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._stream.write(self._given)
        with contextlib.suppress(BrokenPipeError):
            self._stream.close()


class Copier(threading.Thread):
    """Hands a program's output on to a file or the next program, showing the beginning of it to somebody.

    :param target: the file; without one, ``outlet`` is what the next program reads
    """

    def __init__(self, stream: IO[bytes], target: Optional[IO[bytes]], watch: Callable[[bytes], bool]) -> None:
        super().__init__(daemon=True)
        self._stream, self._watch = stream, watch
        self.outlet: Optional[IO[bytes]] = None
        self.error: Optional[OSError] = None
        self.passed = 0  # bytes
        if target is not None:
            self._sink = os.dup(target.fileno())
        else:
            reader, self._sink = os.pipe()
            self.outlet = os.fdopen(reader, "rb")
        self.start()

    def run(self) -> None:
        head: Optional[bytes] = b""
        try:
            with self._stream:
                for chunk in iter(lambda: self._stream.read1(_CHUNK), b""):  # type: ignore[attr-defined]
                    if head is not None:
                        head += chunk
                        head = None if self._watch(head) else head[-_CHUNK:]
                    self.passed += len(chunk)
                    rest = memoryview(chunk)
                    while rest:
                        rest = rest[os.write(self._sink, rest) :]
        except BrokenPipeError:
            pass  # the next program has ended: its exit code tells why, and the first one's output is closed
        except OSError as exc:  # the disk is full
            self.error = exc
        finally:
            os.close(self._sink)

    def amount(self) -> Amount:
        """Return how many bytes have passed."""
        return Amount(self.passed)

    def finish(self) -> None:
        """Wait for the end. Raises OSError when the target could not be written."""
        self.join()
        if self.error is not None:
            raise self.error
