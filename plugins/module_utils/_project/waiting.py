# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Has the project's interpreter load the project before it is asked: in the window that start would be downtime.

The program waits for one question, answers it and ends. It has no connection to a database meanwhile. Whoever asks of
another project, or of the same with another environment, starts a program of his own as ever.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from typing import Any, Dict, Mapping, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed, run
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project

_LIMIT = 900.0  # seconds for which it waits
_LOADING = 45.0  # seconds for the project to be loaded

#: What the program says on standard error once it waits.
LOADED = "relocate.django: loaded"


class Waiting:
    """One program that waits.

    :param source: the program
    :param request: what it is started with
    """

    def __init__(self, project: Project, source: bytes, request: Mapping[str, Any]) -> None:
        self.marker = str(request["marker"])
        self._loaded = threading.Event()
        self._ended: Optional[Completed] = None
        reader, self._writer = os.pipe()
        asked = json.dumps({**request, "waits": reader}, ensure_ascii=True)
        argv = [project.interpreter, "-", asked]
        command = Command(
            argv, project.owner, project.environment(), project.directory, umask=0o022, pass_fds=(reader,)
        )
        self._thread = threading.Thread(target=self._run, args=(command, source, reader), daemon=True)
        self._thread.start()

    def _run(self, command: Command, source: bytes, reader: int) -> None:
        try:
            self._ended = run(
                command, stdin=source, timeout=_LIMIT, on_line=self._hear, on_start=lambda: os.close(reader)
            )
        except RelocateError:
            pass  # as if it had not been begun
        finally:
            self._loaded.set()

    def _hear(self, line: str) -> None:
        if line.strip() == LOADED:
            self._loaded.set()

    def wait(self) -> bool:
        """Wait until it has loaded the project; False when it did not, or has ended."""
        return self._loaded.wait(_LOADING) and self._thread.is_alive()

    def ask(self, wanted: Mapping[str, Any], timeout: float) -> Optional[Completed]:
        """Ask the one question; None when nothing waits any more.

        Raises timed_out.
        """
        if not self._thread.is_alive():
            return None
        question = json.dumps(wanted, ensure_ascii=True).encode("ascii")
        with contextlib.suppress(BrokenPipeError), os.fdopen(self._writer, "wb") as stream:
            stream.write(question)
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise RelocateError("timed_out", "the project did not answer within {0:g} s".format(timeout))
        return self._ended


_WAITING: Dict[Tuple[Any, ...], Waiting] = {}


def key_of(project: Project) -> Tuple[Any, ...]:
    """Return what stands for a project and how it is read."""
    env = tuple(sorted(project.env.items()))
    return (project.path, project.interpreter, project.settings, project.manage, project.owner.uid, env)


def keep(project: Project, waiting: Waiting) -> None:
    """Keep a program that waits, for the next question of its kind."""
    _WAITING[key_of(project)] = waiting


def take(project: Project) -> Optional[Waiting]:
    """Return the program that waits for a question about a project, if there is one; it answers no second."""
    return _WAITING.pop(key_of(project), None)
