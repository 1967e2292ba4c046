# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists a project's migrations and makes those that are missing, by running ``venv_makemigrations``."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._project import answers, venv_makemigrations
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project

_PARTS = (*answers.PARTS, venv_makemigrations)
_TIMEOUT = 300.0  # seconds


def listed(project: Project, aliases: Sequence[str]) -> Dict[str, Any]:
    """Tell what is applied and what is not; see ``venv_makemigrations``. Raises what :func:`answers.ask` raises."""
    return _asked(project, "showmigrations", aliases, {})


def made(project: Project, apps: Sequence[str], name: str, write: bool) -> List[Dict[str, Any]]:
    """The migrations that the models lack, written when that is wanted: app, name, path, text, operations.

    Raises bad_option, migration_conflict, migration_question, and what :func:`answers.ask` raises.
    """
    found = _asked(project, "makemigrations", (), {"apps": list(apps), "name": name, "write": write})
    _refuse(found)
    own = os.path.dirname(os.path.abspath(project.manage_path)) + os.sep
    outside = [item["path"] for item in found["files"] if _is_installed(item["path"], own)]
    if outside and not write:
        raise RelocateError(
            "missing_migrations",
            "models of installed packages have changes that no migration holds: {0}".format(", ".join(outside)),
            "use the version of the package that fits its migrations, or another DEFAULT_AUTO_FIELD; or give apps",
        )
    return [dict(item, path=_below(item["path"], own)) for item in found["files"]]


def _is_installed(path: str, own: str) -> bool:
    """Tell whether a file would lie in a package that is not the project's own; its environment may be in there."""
    real = os.path.realpath(path)
    inside = real.startswith(os.path.realpath(own) + os.sep)
    return not inside or "site-packages" in real.split(os.sep)


def _below(path: str, own: str) -> str:
    return path[len(own) :] if path.startswith(own) else path


def _refuse(found: Mapping[str, Any]) -> None:
    if found["unknown"]:
        raise RelocateError(
            "bad_option",
            "the project has no app {0}".format(", ".join(found["unknown"])),
            "write apps by their label, such as shop",
        )
    if found["conflicts"]:
        raise RelocateError(
            "migration_conflict",
            "conflicting migrations in {0}".format(", ".join(sorted(found["conflicts"]))),
            "merge them with manage.py makemigrations --merge",
        )
    if found["question"]:
        raise RelocateError(
            "migration_question",
            found["question"],
            "give the field a default or null=True, or run manage.py makemigrations by hand, which asks",
        )


def _asked(project: Project, topic: str, aliases: Sequence[str], more: Mapping[str, Any]) -> Dict[str, Any]:
    found, errors, _secrets = answers.ask_all(project, [topic], False, aliases, _TIMEOUT, _PARTS, more)
    for error in errors.values():
        raise error
    answer: Dict[str, Any] = found[topic]
    return answer
