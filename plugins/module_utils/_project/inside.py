# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs our programs in the project's own interpreter, as its owner."""

from __future__ import annotations

import inspect
import json
import re
import secrets as _random
from types import ModuleType
from typing import Any, Dict, Iterable, Mapping, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed, last_lines, run
from ansible_collections.relocate.django.plugins.module_utils._project import (
    held,
    replies,
    waiting,
)
from ansible_collections.relocate.django.plugins.module_utils._project.env_files import mask_urls
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project
from ansible_collections.relocate.django.plugins.module_utils._secrets import scrub

_LOADER = """
import sys, types
for name, source in {modules!r}:
    parent, _dot, last = name.rpartition(".")
    module = sys.modules[name] = types.ModuleType(name)
    if parent not in sys.modules:
        sys.modules[parent] = types.ModuleType(parent)
    setattr(sys.modules[parent], last, module)
    exec(compile(source, "<" + last + ">", "exec"), module.__dict__)
module.main()
"""


def program(parts: Sequence[ModuleType]) -> bytes:
    """Return the program for the interpreter: ``venv_*`` files that import each other; it runs the last one's main."""
    modules = [(module.__name__, inspect.getsource(module)) for module in parts]
    return _LOADER.format(modules=modules).encode("ascii")


def scrubbed(text: str, secrets: Iterable[str]) -> str:
    """Text for a message: without the given secrets and without the credentials of URLs."""
    return mask_urls(scrub(text, secrets))


def new_marker() -> str:
    """Return what an answer is recognised by, whatever else is printed."""
    return "relocate-{0}:".format(_random.token_hex(16))


def run_inside(
    project: Project, wanted: Mapping[str, Any], parts: Sequence[ModuleType], timeout: float
) -> Dict[str, Any]:
    """Return the answer of a program in the project's interpreter, which leaves no trace: see ``held.py``.

    The program that waits for the window's question has loaded the project for its own sake, as ``manage.py`` does.
    """
    ready = waiting.take(project) if parts[-1].__name__.endswith(".venv_probe") and not _early(wanted) else None
    result = ready.ask(wanted, timeout) if ready is not None else None
    if ready is not None and result is not None:
        return reply_in(project, result, result.stdout, ready.marker, replies.PROBE)

    def ask(more: Mapping[str, Any]) -> Dict[str, Any]:
        marker = new_marker()
        request = dict(wanted, marker=marker, manage=project.manage_path, settings=project.settings, **more)
        result = run(program_of(project, request, umask=0o022), stdin=program(parts), timeout=timeout)
        return reply_in(project, result, result.stdout, marker, replies.PROBE)

    return held.asked(project, ask)


def program_of(project: Project, request: Mapping[str, Any], umask: int) -> Command:
    """Return the command for a program on standard input, with its request as an argument: it holds no secret."""
    argv = [project.interpreter, "-", json.dumps(request, ensure_ascii=True)]
    return Command(argv, project.owner, project.environment(), project.directory, umask=umask)


def _early(wanted: Mapping[str, Any]) -> bool:
    """Tell whether something is asked that is seen only while the project is being loaded."""
    return "opened" in wanted["what"]


def get_ready(project: Project, parts: Sequence[ModuleType]) -> bool:
    """Have the project loaded for the next question that these parts answer; False when it cannot be."""
    request = {"marker": new_marker(), "manage": project.manage_path, "settings": project.settings, "what": ["django"]}
    ready = waiting.Waiting(project, program(parts), request)
    if not ready.wait():
        return False
    waiting.keep(project, ready)
    return True


def reply_in(
    project: Project, result: Completed, output: bytes, marker: str, shape: Mapping[str, Any]
) -> Dict[str, Any]:
    """The answer in what a program of ours printed: what follows the marker, of this shape. Raises probe_failed."""
    _before, found, after = output.rpartition(marker.encode("ascii"))
    try:
        if not found:
            raise ValueError("no answer")
        reply: Dict[str, Any] = replies.unpacked(after.split(b"\n", 1)[0])
    except ValueError as exc:
        raise no_answer(project, result) from exc
    try:
        replies.checked(reply, shape)
    except ValueError as exc:
        raise strange(project, exc) from None
    return reply


def strange(project: Project, exc: ValueError) -> RelocateError:
    """The refusal of an answer that is not of the shape that our program gives it."""
    return RelocateError(
        "probe_failed",
        "{0} gave an answer of another form than was asked for, in {1}".format(project.interpreter, exc),
        "find what answers in its place: sitecustomize, a .pth file, or the project's settings",
    )


def no_answer(project: Project, result: Completed) -> RelocateError:
    # Secrets of the settings are not known here: only places and the last line's kind are safe to show.
    lines = last_lines(scrubbed(result.err, project.env_secrets()), 20).splitlines()
    kinds = [line for line in lines if re.match(r"^(\w+\.)*\w*(Error|Exception|Fault|fault)\b", line)]
    kind = ": " + kinds[-1].split(":")[0] if kinds else ""
    return RelocateError(
        "probe_failed",
        "{0} gave no answer and exited {1}{2}".format(project.interpreter, result.rc, kind),
        "run `{0} {1} check` as {2} and look at what it prints".format(
            project.interpreter, project.manage_path, project.owner.name
        ),
    )


def start_error(project: Project, error: Mapping[str, Any], secrets: Iterable[str]) -> RelocateError:
    stage = error["stage"]
    if stage == "aliases":
        return unknown_alias(error["unknown"], error["known"])
    text = scrubbed("\n".join(error["lines"]), secrets)
    where = {"interpreter": project.interpreter, "settings": project.settings}
    if stage == "django":
        return RelocateError(
            "interpreter_unusable",
            "{0} cannot import Django: {1}".format(project.interpreter, text.splitlines()[-1]),
            "set relocate_interpreter (relocate_old_interpreter for old alone) to the Python that has Django",
            where,
        )
    if not project.settings and any(name.endswith(".ImproperlyConfigured") for name in error["types"]):
        return RelocateError(
            "settings_unknown",
            "{0} sets no DJANGO_SETTINGS_MODULE: {1}".format(project.manage_path, text.splitlines()[-1]),
            "set relocate_settings (relocate_old_settings for old alone) to the dotted module that the site runs with",
            where,
        )
    subject = "settings {0} do not import".format(project.settings or "of manage.py")
    if stage == "apps":
        subject = "the apps of settings {0} do not load".format(project.settings or "of manage.py")
    return RelocateError(
        "settings_failed",
        "{0}:\n{1}".format(subject, text),
        "run `{0} {1} check` as {2}; set relocate_environment or relocate_env_files to what the service gets".format(
            project.interpreter, project.manage_path, project.owner.name
        ),
        where,
    )


def unknown_alias(unknown: Iterable[str], known: Iterable[str]) -> RelocateError:
    return RelocateError(
        "unknown_alias",
        "DATABASES has no alias {0}".format(", ".join(sorted(unknown))),
        "choose from: " + ", ".join(sorted(known)),
    )
