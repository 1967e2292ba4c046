# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes a fixture of one database to a file: whole, or not at all; alone, or of the same moment as a dump."""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import os
import threading
from typing import IO, Any, Dict, Iterator, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._age import age
from ansible_collections.relocate.django.plugins.module_utils._engines.base import Engine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import program, venv_dump
from ansible_collections.relocate.django.plugins.module_utils._fixtures.load import compression_of, unreadable
from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._model import Fixture, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._site import Site

LINES = venv_dump.LINES
_PATIENCE = 120.0  # seconds for the project to start, and for its transaction to begin


def dump_fixture(
    site: Site,
    engine: Engine,
    path: str,
    options: Optional[Mapping[str, Any]] = None,
    private: Optional[Mapping[str, Any]] = None,
    recipients: Sequence[str] = (),
) -> Dict[str, Any]:
    """Write the fixture; it takes its name when it is complete and on the disk.

    :param path: where; it is compressed when the name ends in .zst, or in .zst.age
    :param options: what ``venv_dump`` takes besides the alias: format, models, exclude, keys, ...
    :param private: more of that, which may hold values of rows
    :param recipients: public keys to which the file is encrypted; then no plain one is written anywhere

    Returns ``counts`` (by model: objects, fingerprint), ``migrations``, ``left_out`` and the rest of the header.
    Raises what ``program.run`` raises, dump_failed, disk_full.
    """
    with written(path, site.project.owner) as stream, engine.context.stopwatch.step("fixture"):
        return _run(site, engine, path, stream, options or {}, private=private, recipients=recipients)


def _run(
    site: Site,
    engine: Engine,
    path: str,
    stream: IO[bytes],
    options: Mapping[str, Any],
    stdin: Optional[IO[bytes]] = None,
    on_word: Optional[program.Progress] = None,
    private: Optional[Mapping[str, Any]] = None,
    recipients: Sequence[str] = (),
) -> Dict[str, Any]:
    request = {"work": "dump", "alias": engine.config.alias, "engine": engine.name, "format": LINES, **options}
    progress = on_word or engine.context.progress
    outer = age.encrypting(recipients) if recipients else None
    how = compression_of(path)
    return program.run(site.project, site.secrets, request, stdin, stream, how, progress, private=private, outer=outer)


def sha256_of(path: str, owner: Optional[SystemUser]) -> str:
    """The digest of a file, or "" when there is none.

    :param owner: of the project, who could put a link in its place
    """
    digest = hashlib.sha256()
    try:
        with openat.open_file(path, owner) as stream:
            for chunk in iter(lambda: stream.read(1 << 20), b""):
                digest.update(chunk)
    except FileNotFoundError:
        return ""
    except OSError as exc:
        raise unreadable(path, exc, owner) from exc
    return digest.hexdigest()


@contextlib.contextmanager
def written(path: str, owner: Optional[SystemUser]) -> Iterator[IO[bytes]]:
    """A new file that takes its name when the block ends well. Raises dump_failed or disk_full.

    :param owner: of the project, whose file it becomes in a directory of his
    """
    try:
        with openat.parent(path, owner) as found, _written(*found) as stream:
            yield stream
    except OSError as exc:
        raise RelocateError(
            "dump_failed",
            "{0} cannot be written: {1}".format(path, exc.strerror),
            "make room for it there, or choose another path",
        ) from exc


@contextlib.contextmanager
def _written(place: openat.Place, name: str) -> Iterator[IO[bytes]]:
    temporary = name + ".new"
    try:
        with contextlib.suppress(FileNotFoundError):
            place.unlink(temporary)
        with place.created(temporary) as stream:
            yield stream
            os.fsync(stream.fileno())
        place.replace(temporary, name)
        place.sync()
    finally:
        with contextlib.suppress(OSError):
            place.unlink(temporary)


@contextlib.contextmanager
def parallel_fixture(
    site: Site, engine: Engine, path: str, name: str, excluded_models: Sequence[str] = ()
) -> Iterator[ParallelFixture]:
    """Write a fixture of the same moment as a dump: the dump calls ``begin``, the caller calls ``finish`` after it.

    :param path: the file
    :param name: its name in the set
    :param excluded_models: models that it leaves out on purpose
    Raises as :func:`dump_fixture`.
    """
    with written(path, site.project.owner) as stream:
        parallel = ParallelFixture(site, engine, path, stream, name, excluded_models)
        try:
            yield parallel
        finally:
            parallel.close()


class ParallelFixture:
    """Waits for a dump's snapshot, then writes a fixture of the same moment while the dump runs."""

    def __init__(
        self, site: Site, engine: Engine, path: str, stream: IO[bytes], name: str, excluded_models: Sequence[str]
    ) -> None:
        """Start the project's program, which connects and waits. Raises what ``program.run`` raises."""
        self._name = name
        self._ready, self._begun = threading.Event(), threading.Event()
        source, sink = os.pipe()
        self._words = os.fdopen(sink, "w", encoding="utf-8", errors="surrogateescape")
        self._pool = concurrent.futures.ThreadPoolExecutor(1)
        self._stdin = os.fdopen(source, "rb")
        self._running = self._pool.submit(
            _run,
            site,
            engine,
            path,
            stream,
            {"handshake": True, "excluded_models": list(excluded_models)},
            self._stdin,
            self._listen,
        )
        try:
            self._await(self._ready)
        except BaseException:
            self.close()
            raise

    def _listen(self, word: str) -> None:
        for said, event in ((venv_dump.READY, self._ready), (venv_dump.BEGUN, self._begun)):
            if word == said:
                event.set()

    def _await(self, event: threading.Event) -> None:
        """Wait for a word, or for the error that the program ended with."""
        for _turn in range(int(_PATIENCE / 0.05)):
            if event.wait(0.05):
                return
            if self._running.done():
                self._running.result()
                raise RelocateError("dump_failed", "the fixture ended before it began", "read what the project printed")
        raise RelocateError(
            "timed_out",
            "the fixture's transaction did not begin within {0:g} s".format(_PATIENCE),
            "read the log of the database server",
        )

    def begin(self, moment: str) -> None:
        """Let it look at this moment; returns when its own transaction does."""
        with contextlib.suppress(OSError):  # it has ended: its own error tells why
            self._words.write("{0} {1}\n".format(venv_dump.GO, moment))
            self._words.flush()
        self._await(self._begun)

    def finish(self) -> Fixture:
        """Wait for the end; returns what the manifest tells of it."""
        return entry_of(self._running.result(), self._name)

    def close(self) -> None:
        """Whatever happened: the program is told that nothing comes any more, and ends."""
        with contextlib.suppress(OSError):
            self._words.close()
        self._pool.shutdown()
        self._stdin.close()


def entry_of(answer: Mapping[str, Any], path: str) -> Fixture:
    """Return what a manifest tells of a fixture.

    :param path: relative to the set
    """
    return Fixture(
        path=path,
        method=answer["method"],
        engine=answer["engine"],
        models=answer["counts"],
        migrations=tuple(answer["migrations"]),
        left_out=tuple(answer["left_out"]),
    )
