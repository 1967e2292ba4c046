# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes down in a set which Python its project has, and what is installed for it."""

from __future__ import annotations

import json
from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils._host import files
from ansible_collections.relocate.django.plugins.module_utils._project import packages
from ansible_collections.relocate.django.plugins.module_utils._set.directory import ENVIRONMENT, BackupSet
from ansible_collections.relocate.django.plugins.module_utils._site import Site
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as


def write(site: Site, backup: BackupSet) -> None:
    """Write it down, when the project was asked."""
    if "packages" not in site.facts:
        return
    django = site.facts["django"]
    recorded = {
        "python": django["python"],
        "django": django["version"],
        "freeze": site.facts["packages"]["lines"],
        **packages_of(site),
    }
    files.write_atomically(backup.file(ENVIRONMENT), json.dumps(recorded, indent=1, sort_keys=True) + "\n")


def packages_of(site: Site) -> Dict[str, Any]:
    """Return what is installed for the project, and which packages its files name (None when they cannot tell)."""
    project = site.project
    plain = packages.installed(project.interpreter, project.owner, project.environment(), project.path)
    with acting_as(project.owner):
        named = packages.named(project.path, packages=packages.from_plain(plain))
    return {"distributions": plain, "named": sorted(named) if named is not None else None}
