# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds faults in a project's migrations, read by its own interpreter without a database."""

from __future__ import annotations

import os
from typing import Any, Dict, Iterable, List, Mapping, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._project import (
    answers,
    venv_lint,
    venv_lint_fields,
    venv_lint_names,
    venv_lint_operations,
    venv_lint_patch,
    venv_lint_rules,
    venv_lint_sql,
    venv_lint_squash,
    venv_lint_world,
)
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project

_PARTS = answers.PARTS + (
    venv_lint_sql,
    venv_lint_names,
    venv_lint_rules,
    venv_lint_fields,
    venv_lint_operations,
    venv_lint_patch,
    venv_lint_squash,
    venv_lint_world,
    venv_lint,
)


def lint(
    project: Project, apps: Sequence[str] = (), large: Sequence[str] = (), timeout: float = 300
) -> List[Dict[str, Any]]:
    """Every finding, one for all places of a migration that are faulted for the same.

    The keys: code, level, app, migration, file (relative where it is the project's own), line (the first), msg, remedy,
    places (line, msg), patch (a unified diff that mends it, or "").

    :param apps: labels; by default the apps that lie below the project's directory
    :param large: models (``shop.order``) or tables that are too large to be locked while an index is built

    Raises what :func:`answers.ask` raises; bad_option for an app that the project does not have.
    """
    found, errors, _secrets = answers.ask_all(
        project, ["lint"], False, (), timeout, _PARTS, {"apps": list(apps), "large": list(large)}
    )
    for error in errors.values():
        if "UnknownAppError" in error.msg:
            raise RelocateError(
                "bad_option", error.msg.splitlines()[-1].partition(": ")[2], "write apps by their label, such as shop"
            )
        raise error
    findings: List[Dict[str, Any]] = found["lint"]
    own = os.path.dirname(os.path.abspath(project.manage_path)) + os.sep
    for item in findings:
        if item["file"].startswith(own):
            item["file"] = item["file"][len(own) :]
    return findings


def ignored(finding: Mapping[str, Any], ignore: Iterable[str]) -> bool:
    """Tell whether somebody has said that a finding is meant: its code, its ``app.migration``, or both with a colon."""
    name = "{app}.{migration}".format(**finding) if finding["migration"] else finding["app"]
    return bool({finding["code"], name, "{0}:{1}".format(name, finding["code"])} & set(ignore))


def sentence(finding: Mapping[str, Any]) -> str:
    """One line: where, which and what."""
    place = "{file}:{line}".format(**finding) if finding["file"] else finding["app"]
    return "{0}: [{1}] {2}".format(place, finding["code"], finding["msg"])
