# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells a development checkout, in which files may be made, from one that a site runs."""

from __future__ import annotations

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._project.git import Git
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project
from ansible_collections.relocate.django.plugins.module_utils._services import checks

_HINT = "write it where the code is developed, and commit it; or say with development: true that this is that place"


def check(project: Project) -> None:
    """Refuse a project that units run, or whose checkout is on no branch, as those are that a move makes.

    Raises not_development.
    """
    running = checks.running(project.path)
    if running:
        raise _refusal(project, running[0].msg.partition(",")[0])
    branch = Git(project.path, project.owner).run("symbolic-ref", "--quiet", "--short", "HEAD")
    if branch.rc != 0:
        raise _refusal(project, "it is not a checkout of git that is on a branch")


def _refusal(project: Project, why: str) -> RelocateError:
    return RelocateError("not_development", "{0} is no development checkout: {1}".format(project.path, why), _HINT)
