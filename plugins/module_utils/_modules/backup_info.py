# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``backup_info`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict, Optional

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._model import as_plain
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module, never
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet


def describe(found: BackupSet, sha256: Optional[str], verify: bool) -> Dict[str, Any]:
    """One row of the list. Raises what reading and verifying raise."""
    manifest = found.read(sha256)
    size = found.verify(manifest) if verify else sum(entry.size for entry in manifest.files)
    return {
        "label": found.label,
        "path": found.path,
        "created": manifest.created,
        "revision": manifest.code["commit"],
        "host": manifest.host["name"],
        "owner": dict(manifest.owner),
        "engines": sorted({entry.facts.engine for entry in manifest.databases.values()}),
        "databases": {alias: {"facts": as_plain(entry.facts)} for alias, entry in manifest.databases.items()},
        "bytes": size,
        "rows": {alias: entry.state.rows() for alias, entry in manifest.databases.items()},
        "manifest_sha256": found.digest(),
        "sequence": manifest.sequence,
        "pinned": found.pinned(sha256),
        "verified": verify,
    }


def look(module: Call) -> Dict[str, Any]:
    """Nothing is written, so there is no plan."""
    params = module.params
    directory, site = params["directory"], check_site_name(params["site"])
    if params["label"] or params["manifest_sha256"]:
        labels = [BackupSet.find(directory, site, params["label"], params["manifest_sha256"]).label]
    else:
        labels = BackupSet.labels(directory, site)
    rows = []
    for label in labels:
        verify = params["verify"] == "all" or (params["verify"] == "newest" and label == labels[-1])
        rows.append(describe(BackupSet.find(directory, site, label), params["manifest_sha256"], verify))
    return {"changed": False, "sets": rows}


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.work(),
            _argspec.backup_set(),
            {"verify": {"type": "str", "choices": ["none", "newest", "all"], "default": "none"}},
        ),
    },
    look,
    writes=never,
)
