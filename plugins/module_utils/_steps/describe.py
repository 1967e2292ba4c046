# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts of a site for project_info; nothing is changed."""

from __future__ import annotations

from typing import Any, Dict, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import facts
from ansible_collections.relocate.django.plugins.module_utils._host.parents import record
from ansible_collections.relocate.django.plugins.module_utils._media import inventory
from ansible_collections.relocate.django.plugins.module_utils._media.root import is_there
from ansible_collections.relocate.django.plugins.module_utils._model import (
    Obstacle,
    as_plain,
)
from ansible_collections.relocate.django.plugins.module_utils._site import Site, code_of, owner_facts, project_paths
from ansible_collections.relocate.django.plugins.module_utils._steps import logs

#: What the probe is asked for by default. "counts", "checks" and "packages" cost time and are asked for by name.
TOPICS = ("django", "migrations", "history")


def describe_site(site: Site, media_skip: Sequence[str] = ()) -> Dict[str, Any]:
    """Everything worth knowing about a site, JSON-serialisable and without secrets."""
    revision: Optional[Any]
    prefix, shown = "", site.facts
    try:
        revision = as_plain(code_of(site).revision())
        prefix = code_of(site).prefix()
    except RelocateError as error:
        if error.code != "not_a_checkout":
            raise
        revision = None
    if "django" in shown:
        shown = dict(shown, django=logs.by_project(shown["django"], site.project.path, prefix))
    return {
        "host": facts.describe_host(),
        "project": dict(project_paths(site.project), prefix=prefix),
        "owner": owner_facts(site.project),
        "revision": revision,
        "databases": {
            alias: dict(
                engine.config.public(),
                facts=as_plain(engine.describe()),
                scanned=site.scanned.get(alias, {}),
                machine_id=facts.machine_id(),
            )
            for alias, engine in site.engines.items()
        },
        "media": _describe_media(site, media_skip),
        "unit_users": [],
        "log_directories": as_plain(record(logs.directories(shown.get("django", {})), site.project.owner)),
        **shown,
    }


def _describe_media(site: Site, skip: Sequence[str]) -> Dict[str, Any]:
    root = str(site.facts.get("django", {}).get("media_root") or "")
    try:
        return inventory.inventory(root, site.project.owner, skip) if is_there(root) else {}
    except RelocateError as error:  # an obstacle only for those who move it
        return {"error": as_plain(Obstacle(error.code, error.msg, error.hint))}
