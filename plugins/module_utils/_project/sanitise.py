# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Has a clone's databases sanitised by the project's own Django, as its owner, by running ``venv_sanitise``."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import CODES, RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import Command, run
from ansible_collections.relocate.django.plugins.module_utils._progress import PROGRESS
from ansible_collections.relocate.django.plugins.module_utils._project import (
    inside,
    replies,
    requested,
    venv_sanitise,
    venv_sanitise_errors,
    venv_sanitise_rows,
    venv_sanitise_rules,
    venv_sanitise_search,
)
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore

#: In the order in which they import each other; the last one's main is run.
PARTS = (
    *requested.PARTS,
    venv_sanitise_rules,
    venv_sanitise_search,
    venv_sanitise_rows,
    venv_sanitise_errors,
    venv_sanitise,
)
_FILE = "sanitise.py"
#: What a server's error may quote of a row.
_ADDRESS = re.compile(r"[^\s'\"()=,]+@[^\s'\"()=,]+")


def sanitise(project: Project, secrets: SecretStore, request: Mapping[str, Any]) -> Dict[str, Any]:
    """Sanitise the databases that the settings name, or with ``apply`` off see only that no mail would be sent.

    :param secrets: the run's entered store: the program lies in it
    :param request: aliases, apply, and the rules: builtin, domain, columns, sql, command, mail_backends, unrecognised

    Returns ``tables`` (alias -> table -> what -> rows), ``statements``, ``unrecognised`` and ``notes``; nothing without
    ``apply``. Raises RelocateError: mail_would_be_sent, not_sanitised, unknown_field, sanitise_failed, settings_failed,
    interpreter_unusable, probe_failed, program_missing. Then nothing was changed, but for what sanitise_failed names.
    """
    marker = inside.new_marker()
    lines: List[str] = []
    path = secrets.write(_FILE, inside.program(PARTS).decode("ascii"))
    wanted = dict(request, marker=marker, manage=project.manage_path, settings=project.settings)
    command = Command(
        [project.interpreter, path], project.owner, project.environment(), project.directory, umask=0o077, family=True
    )

    def keep(line: str) -> None:
        if line.startswith(marker):
            lines.append(line)

    PROGRESS.say("sanitising")
    done = run(command, (json.dumps(wanted, ensure_ascii=True) + "\n").encode("ascii"), on_line=keep)
    if not lines:
        raise inside.no_answer(project, done)
    return read(project, lines[-1][len(marker) :])


def read(project: Project, line: str) -> Dict[str, Any]:
    """Read the program's answer. Raises as :func:`sanitise`."""
    try:
        told = replies.checked(replies.unpacked(line.encode("ascii", "replace")), replies.SANITISED)
        refused, failed = told.get("refused"), told.get("failed")
        if refused and refused["code"] not in CODES:
            raise ValueError("refused.code")
        if not (refused or failed or told.get("ended")):
            raise ValueError("ended")
    except ValueError as exc:
        raise inside.strange(project, exc) from None
    known = sorted(set(told["secrets"]) | set(project.env_secrets()))
    if refused:
        raise RelocateError(refused["code"], inside.scrubbed(refused["msg"], known), refused["hint"])
    if failed:
        raise _failed(told, known)
    found: Dict[str, Any] = told.get("done") or {}
    return found


def _failed(told: Mapping[str, Any], known: Sequence[str]) -> RelocateError:
    text = _ADDRESS.sub("...@...", inside.scrubbed("\n".join(told["failed"]["lines"]), known))
    changed, lasting = "nothing of it was changed", told.get("lasting")
    if lasting:
        changed = "what was done is taken back, but may stay in: {0}".format(", ".join(lasting))
    return RelocateError(
        "sanitise_failed",
        "the clone is not sanitised, and {0}:\n{1}".format(changed, text),
        "read the last line; correct relocate_sanitise, and run it again. The site was not started",
    )
