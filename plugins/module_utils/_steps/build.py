# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds what a checkout lacks: the user's commands, and static files, as the project's owner, while old serves."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Any, Dict, List, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed, last_lines, run
from ansible_collections.relocate.django.plugins.module_utils._progress import PROGRESS
from ansible_collections.relocate.django.plugins.module_utils._project import build_failures, native, probe
from ansible_collections.relocate.django.plugins.module_utils._site import ProjectOptions

_WRITTEN = re.compile(r"^(\d+) (?:static )?files? ", re.MULTILINE)
_COLLECT = ("manage.py", "collectstatic", "--noinput", "--no-color")
_MANAGE = "manage.py"


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds the options of a build."""

    project: ProjectOptions
    commands: Sequence[str]  # run in the project's directory; one that collects static files says when that is


def words_of(commands: Sequence[str]) -> List[List[str]]:
    """Return the words of each command. Raises bad_option for one that is none."""
    found = []
    for command in commands:
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise _no_command(command, str(error)) from None
        if not words:
            raise _no_command(command, "it is empty")
        found.append(words)
    return found


def _no_command(command: str, why: str) -> RelocateError:
    return RelocateError(
        "bad_option",
        "relocate_build: {0!r} is no command: {1}".format(command, why),
        "write a program and its arguments, as in npm run build; no shell reads them",
    )


def collects(commands: Sequence[Sequence[str]]) -> bool:
    """Tell whether one of the commands collects static files: then the build does not by itself."""
    return any("collectstatic" in words for words in commands)


def build(options: Options, check_mode: bool = False) -> Dict[str, Any]:
    """Run the commands in their order, then collectstatic unless it is among them, which writes static files only.

    Returns ``ran``, how many commands ran, and ``collected``, how many static files were written. Raises bad_option
    before anything runs; environment_failed for the first command that fails.
    """
    commands = words_of(options.commands)
    project = options.project.find()
    django = probe.ask(project, ["django"])["django"]
    has_static = bool(django["static_root"]) and "staticfiles" in django["apps"]
    if check_mode:
        collected = _dry_run(project, django["static_root"]) if has_static else 0
        return {"changed": bool(commands), "ran": 0, "collected": collected}
    for number, words in enumerate(commands, 1):
        with PROGRESS.part("command {0} of {1}".format(number, len(commands))):
            _refuse_failed(project, words, _run(project, words))
    collected = 0
    if has_static and not collects(commands):
        with PROGRESS.part("static files"):
            done = probe.run_held(project, _COLLECT[1:], [django["static_root"]])
        _refuse_failed(project, _COLLECT, done)
        collected = _count(done)
    return {"changed": bool(commands) or collected > 0, "ran": len(commands), "collected": collected}


def _run(project: probe.Project, words: Sequence[str]) -> Completed:
    if words[0] == _MANAGE:
        return probe.run_manage(project, words[1:])
    return run(Command(words, project.owner, project.environment(), project.directory, umask=0o022))


def _dry_run(project: probe.Project, root: str) -> int:
    words = [*_COLLECT, "--dry-run"]
    done = probe.run_held(project, words[1:], [root])
    _refuse_failed(project, words, done)
    return _count(done)


def _count(done: Completed) -> int:
    written = _WRITTEN.search(done.out)
    return int(written.group(1)) if written else 0


def _refuse_failed(project: probe.Project, words: Sequence[str], done: Completed) -> None:
    if done.rc == 0:
        return
    explained = build_failures.explain(done.out + "\n" + done.err)
    told = last_lines(done.err, 5) or last_lines(done.out, 5)
    hint = "a program that it needs can be named in relocate_packages"
    if explained.things:
        names = ", ".join(native.packages(explained.things))
        hint = "new lacks {0}: add to relocate_packages: [{1}]".format(native.words(explained.things), names)
    raise RelocateError(
        "environment_failed",
        "{0} failed on new (exit {1}): {2}".format(
            " ".join(words[:3]), done.rc, probe.scrubbed(told, probe.secrets_of(project))
        ),
        "run it by hand in {0} as {1}; {2}, and what must run before it in relocate_build".format(
            project.directory, project.owner.name, hint
        ),
    )
