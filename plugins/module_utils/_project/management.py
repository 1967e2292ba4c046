# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs ``manage.py`` as the project's owner, above all for migrations."""

from __future__ import annotations

import os
import re
import threading
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed, last_lines, run
from ansible_collections.relocate.django.plugins.module_utils._project import (
    answers,
    held,
    inside,
    replies,
    venv_held,
    venv_manage,
    venv_neighbours,
    venv_quiet,
    venv_secrets,
)
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project

#: In the order in which they import each other; the last one's main is run.
_PARTS = (venv_secrets, venv_neighbours, venv_quiet, venv_held, venv_manage)
_KEPT = 1024 * 1024  # bytes of output
_LINE = 64 * 1024  # bytes of a line that are shown at a time
_APPLYING = re.compile(r"^\s*(Applying|Unapplying) ([\w.]+?)\.\.\.(.*)$")

OnLine = Callable[[str], None]


def run_manage(
    project: Project, args: Sequence[str], timeout: Optional[float] = None, on_line: Optional[OnLine] = None
) -> Completed:
    """Run ``manage.py ARGS`` as the owner, where manage.py lies, with the project's environment.

    :param timeout: seconds
    :param on_line: called with each line of both streams as it comes; the caller scrubs what it shows

    The exit code is the caller's to judge. Raises RelocateError: timed_out, program_missing, right_missing.
    """
    argv = [project.interpreter, project.manage_path] + list(args)
    command = Command(argv, project.owner, project.environment(), project.directory, umask=0o022)
    if on_line is None:
        return run(command, timeout=timeout)
    return _streamed(command, timeout, on_line)


def run_held(project: Project, args: Sequence[str], writes: Sequence[str]) -> Completed:
    """Run ``manage.py ARGS`` as :func:`run_manage` does, and let it leave no trace but below these directories."""

    def ask(more: Mapping[str, Any]) -> Dict[str, Any]:
        if not more["place"]:
            return {"done": run_manage(project, args)}
        marker = inside.new_marker()
        request = dict(more, marker=marker, manage=project.manage_path, args=list(args))
        result = run(inside.program_of(project, request, umask=0o022), stdin=inside.program(_PARTS))
        reply = inside.reply_in(project, result, result.stderr, marker, replies.HELD)
        said = result.stderr.rpartition(b"\n" + marker.encode("ascii"))[0]
        return dict(reply, done=Completed(result.argv, result.rc, result.stdout, said))

    reply = held.asked(project, ask, writes)
    held.note(project, reply, answers.secrets_of(project) if reply.get("held") or reply.get("let") else ())
    done: Completed = reply["done"]
    return done


def _streamed(command: Command, timeout: Optional[float], on_line: OnLine) -> Completed:
    """Like ``run``, but standard output comes line by line too: that is where Django tells its progress."""
    source, sink = os.pipe()
    kept = bytearray()

    def read() -> None:
        with os.fdopen(source, "rb") as stream:
            for line in iter(lambda: stream.readline(_LINE), b""):
                kept.extend(line)
                if len(kept) > 2 * _KEPT:  # a program may print without end, and without a line break
                    del kept[:-_KEPT]
                on_line(line.decode("utf-8", "backslashreplace").rstrip("\r\n"))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    with os.fdopen(sink, "wb") as stdout:
        result = run(command, stdout=stdout, timeout=timeout, on_line=on_line)
    reader.join(10)
    return Completed(result.argv, result.rc, bytes(kept[-_KEPT:]), result.stderr)


def migrate(
    project: Project,
    alias: str,
    app: Optional[str] = None,
    name: Optional[str] = None,
    fake: bool = False,
    fake_initial: bool = False,
    on_line: Optional[OnLine] = None,
    timeout: Optional[float] = None,
) -> List[str]:
    """Apply migrations to one alias; returns those applied (or unapplied), ``app.name``, in order.

    :param app: only this app's; by default all
    :param name: up to, or back to, this migration of app, or ``zero``

    Raises migration_failed, which names the migration that failed; timed_out.
    """
    args = ["migrate", "--noinput", "--no-color", "--database", alias]
    args += ["--fake"] if fake else []
    args += ["--fake-initial"] if fake_initial else []
    args += ["--"] + [item for item in (app, name) if item] if app else []
    secrets = answers.secrets_of(project)

    def show(line: str) -> None:
        if on_line is not None:
            on_line(inside.scrubbed(line, secrets))

    result = run_manage(project, args, timeout, show)
    done = parse_applied(result.out)
    if result.rc != 0:
        raise _migration_failed(alias, result, secrets)
    return done


def parse_applied(output: str) -> List[str]:
    """The migrations that ``migrate`` says it finished."""
    matches = [_APPLYING.match(line) for line in output.splitlines()]
    return [match.group(2) for match in matches if match and re.search(r"\b(OK|FAKED)\b", match.group(3))]


def failing_migration(output: str) -> str:
    """The migration that was begun last and not finished; empty when there is none."""
    matches = [match for match in (_APPLYING.match(line) for line in output.splitlines()) if match]
    if matches and not re.search(r"\b(OK|FAKED)\b", matches[-1].group(3)):
        return matches[-1].group(2)
    return ""


def _message_of(trace: str) -> str:
    """Return what follows a traceback's last frame: the exception, without source lines."""
    lines = trace.splitlines()
    indented = [index for index, line in enumerate(lines) if line.startswith("  ")]
    return last_lines("\n".join(lines[indented[-1] + 1 if indented else 0 :]), 8) or last_lines(trace, 3)


def _migration_failed(alias: str, result: Completed, secrets: Sequence[str]) -> RelocateError:
    culprit = failing_migration(result.out)
    subject = "migration {0} failed on {1}".format(culprit, alias) if culprit else "migrate failed on " + alias
    return RelocateError(
        "migration_failed",
        "{0} (exit {1}): {2}".format(subject, result.rc, inside.scrubbed(_message_of(result.err), secrets)),
        "fix the migration in the project, then start again from the backup set; do not resume half a migration",
        {"migration": culprit, "alias": alias, "applied": parse_applied(result.out)},
    )
