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

from ansible_collections.relocate.django.plugins.module_utils._age import age
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
def joined(files: Sequence[Opened], user: Optional[SystemUser], identity: str = "") -> Iterator[IO[bytes]]:
    """One stream with a frame for each piece of each file; what went wrong in there is raised at the end.

    :param user: the project's owner, as whom files are decompressed
    :param identity: the text of what opens those that age encrypted

    Raises dump_truncated, program_missing, identity_wrong, encryption_failed.
    """
    source, sink = os.pipe()
    with os.fdopen(source, "rb") as stream:
        feeder = _Feeder(files, user, sink, identity)
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

    def __init__(self, files: Sequence[Opened], user: Optional[SystemUser], sink: int, identity: str) -> None:
        super().__init__(daemon=True)
        self._files, self._user, self._sink, self._identity = files, user, sink, identity
        self.error: Optional[RelocateError] = None
        self.start()

    def run(self) -> None:
        """Hand on file after file; the first that fails ends it, so that the program does not take it for whole."""
        try:
            with os.fdopen(self._sink, "wb", 0) as sink:
                for name, stream, compression in self._files:
                    with self._opening(name, compression) as commands:
                        if commands:
                            self._open(name, stream, commands, sink)
                        else:
                            _copy(stream, sink)
                    sink.write(_LENGTH.pack(0))
        except BrokenPipeError:
            pass  # the program has ended, and tells why
        except RelocateError as error:
            self.error = error

    @contextlib.contextmanager
    def _opening(self, name: str, compression: str) -> Iterator[List[Command]]:
        """Give the programs that decrypt and decompress a file, none for a plain one. Raises program_missing."""
        with contextlib.ExitStack() as stack:
            commands = []
            if name.endswith(age.SUFFIX):
                commands.append(stack.enter_context(age.decrypting(self._identity)))
            if compression != program.NONE:
                word, *arguments = program.DECOMPRESSORS[compression]
                commands.append(Command([require_program(word)] + list(arguments), self._user))
            yield commands

    @staticmethod
    def _open(name: str, stream: IO[bytes], commands: Sequence[Command], sink: IO[bytes]) -> None:
        """Raises dump_truncated, identity_wrong, encryption_failed."""
        source, target = os.pipe()
        running = _Running(commands, stream, target)
        try:
            with os.fdopen(source, "rb") as unpacked:
                _copy(unpacked, sink)
        finally:
            running.join()
        if running.failure is not None:
            raise running.failure
        for done in running.done:
            if done.rc != 0:
                raise age.failed_at(name, done) if age.is_age(done) else _broken(name, done)


class _Running(threading.Thread):
    """Programs that open a file into a pipe."""

    def __init__(self, commands: Sequence[Command], stream: IO[bytes], target: int) -> None:
        super().__init__(daemon=True)
        self._commands, self._stream, self._target = commands, stream, target
        self.done: List[Completed] = []
        self.failure: Optional[RelocateError] = None
        self.start()

    def run(self) -> None:
        """Run them to their end."""
        try:
            with os.fdopen(self._target, "wb") as target:
                self.done = pipeline(self._commands, self._stream, target)
        except RelocateError as error:
            self.failure = error


def _copy(source: IO[bytes], sink: IO[bytes]) -> None:
    for chunk in iter(lambda: source.read(_CHUNK), b""):
        rest = memoryview(_LENGTH.pack(len(chunk)) + chunk)
        while rest:
            rest = rest[sink.write(rest) :]


def _broken(name: str, done: Completed) -> RelocateError:
    return RelocateError(
        "dump_truncated",
        "{0}: the fixture cannot be decompressed: {1} exited {2}: {3}".format(
            name, os.path.basename(done.argv[0]), done.rc, last_lines(done.err, 2)
        ),
        "use another fixture",
        {"src": name},
    )
