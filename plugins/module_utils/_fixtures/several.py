# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gives several fixtures to the project's interpreter as one stream; ``venv_several`` takes it apart.

Each file is decompressed by its own program, as the project's owner, and handed on as it comes: nothing of it is held
here, and none lies on the disk decompressed.
"""

from __future__ import annotations

import contextlib
import os
import struct
import threading
from typing import IO, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import program
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import (
    Command,
    Completed,
    last_lines,
    pipeline,
    require_program,
)

#: The most files of one load: each is open while it lasts.
MOST = 500
_LENGTH = struct.Struct(">I")
_CHUNK = 1 << 18  # bytes of a frame
#: A file that is open, its name, and how it is compressed.
Opened = Tuple[str, IO[bytes], str]


@contextlib.contextmanager
def joined(files: Sequence[Opened], user: Optional[SystemUser]) -> Iterator[IO[bytes]]:
    """One stream with a frame for each piece of each file; what went wrong in there is raised at the end.

    :param user: the project's owner, as whom files are decompressed

    Raises dump_truncated, program_missing.
    """
    source, sink = os.pipe()
    with os.fdopen(source, "rb") as stream:
        feeder = _Feeder(files, user, sink)
        refusal: Optional[RelocateError] = None
        try:
            yield stream
        except RelocateError as error:
            refusal = error
        finally:
            stream.close()  # a feeder whose reader has gone stops
            feeder.join()
    if feeder.error is not None or refusal is not None:
        raise feeder.error or refusal  # type: ignore[misc]


class _Feeder(threading.Thread):
    """Writes the frames while the program reads them."""

    def __init__(self, files: Sequence[Opened], user: Optional[SystemUser], sink: int) -> None:
        super().__init__(daemon=True)
        self._files, self._user, self._sink = files, user, sink
        self.error: Optional[RelocateError] = None
        self.start()

    def run(self) -> None:
        """Hand on file after file; the first that fails ends it, so that the program does not take it for whole."""
        try:
            with os.fdopen(self._sink, "wb", 0) as sink:
                for name, stream, compression in self._files:
                    if compression == program.NONE:
                        _copy(stream, sink)
                    else:
                        self._decompress(name, stream, compression, sink)
                    sink.write(_LENGTH.pack(0))
        except BrokenPipeError:
            pass  # the program has ended, and tells why
        except RelocateError as error:
            self.error = error

    def _decompress(self, name: str, stream: IO[bytes], compression: str, sink: IO[bytes]) -> None:
        """Raises dump_truncated, program_missing."""
        word, *arguments = program.DECOMPRESSORS[compression]
        command = Command([require_program(word)] + list(arguments), self._user)
        source, target = os.pipe()
        running = _Running(command, stream, target)
        try:
            with os.fdopen(source, "rb") as unpacked:
                _copy(unpacked, sink)
        finally:
            running.join()
        if running.failure is not None:
            raise running.failure
        for done in running.done:
            if done.rc != 0:
                raise _broken(name, word, done)


class _Running(threading.Thread):
    """A program that decompresses a file into a pipe."""

    def __init__(self, command: Command, stream: IO[bytes], target: int) -> None:
        super().__init__(daemon=True)
        self._command, self._stream, self._target = command, stream, target
        self.done: List[Completed] = []
        self.failure: Optional[RelocateError] = None
        self.start()

    def run(self) -> None:
        """Run it to its end."""
        try:
            with os.fdopen(self._target, "wb") as target:
                self.done = pipeline([self._command], self._stream, target)
        except RelocateError as error:
            self.failure = error


def _copy(source: IO[bytes], sink: IO[bytes]) -> None:
    for chunk in iter(lambda: source.read(_CHUNK), b""):
        rest = memoryview(_LENGTH.pack(len(chunk)) + chunk)
        while rest:
            rest = rest[sink.write(rest) :]


def _broken(name: str, word: str, done: Completed) -> RelocateError:
    return RelocateError(
        "dump_truncated",
        "{0}: the fixture cannot be decompressed: {1} exited {2}: {3}".format(
            name, word, done.rc, last_lines(done.err, 2)
        ),
        "use another fixture",
        {"src": name},
    )
