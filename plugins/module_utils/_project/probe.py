# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Django project on this host, as modules use it: find it, ask it, run its ``manage.py``.

``project.py`` finds it without running its code; ``answers.py`` asks it by running ``venv_probe`` inside its own
interpreter; ``management.py`` runs ``manage.py``. All of its code runs as its owner.
"""

from __future__ import annotations

from ansible_collections.relocate.django.plugins.module_utils._project.answers import (
    TOPICS,
    ask,
    databases,
    secrets_of,
    select_aliases,
    to_config,
)
from ansible_collections.relocate.django.plugins.module_utils._project.env_sources import read_env_files
from ansible_collections.relocate.django.plugins.module_utils._project.inside import scrubbed
from ansible_collections.relocate.django.plugins.module_utils._project.management import (
    migrate,
    run_held,
    run_manage,
)
from ansible_collections.relocate.django.plugins.module_utils._project.project import (
    Project,
    find_interpreter,
    find_project,
)

__all__ = [
    "TOPICS",
    "Project",
    "ask",
    "databases",
    "find_interpreter",
    "find_project",
    "migrate",
    "read_env_files",
    "run_held",
    "run_manage",
    "scrubbed",
    "secrets_of",
    "select_aliases",
    "to_config",
]
