# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``backup_info`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict, Optional

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._model import as_plain
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module, never
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name
from ansible_collections.relocate.django.plugins.module_utils._repository.access import Access
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Manifest
from ansible_collections.relocate.django.plugins.module_utils._steps import repository


def describe(found: BackupSet, sha256: Optional[str], verify: bool) -> Dict[str, Any]:
    """One row of the list. Raises what reading and verifying raise."""
    manifest = found.read(sha256)
    if verify:
        found.verify(manifest)
    where = {"path": found.path, "manifest_sha256": found.digest(), "pinned": found.pinned(sha256), "verified": verify}
    return {**row_of(manifest), **where}


def row_of(manifest: Manifest) -> Dict[str, Any]:
    """Return what a manifest says."""
    return {
        "label": manifest.label,
        "created": manifest.created,
        "revision": manifest.code["commit"],
        "host": manifest.host["name"],
        "owner": dict(manifest.owner),
        "engines": sorted({entry.facts.engine for entry in manifest.databases.values()}),
        "databases": {alias: {"facts": as_plain(entry.facts)} for alias, entry in manifest.databases.items()},
        "bytes": sum(entry.size for entry in manifest.files),
        "rows": {alias: entry.state.rows() for alias, entry in manifest.databases.items()},
        "sequence": manifest.sequence,
    }


def look(module: Call) -> Dict[str, Any]:
    """Nothing is written, so there is no plan."""
    params = module.params
    directory, site = params["directory"], check_site_name(params["site"])
    kept = in_repository(module)
    wanted = kept.get("wanted")
    if wanted and wanted["label"] not in BackupSet.labels(directory, site):
        return {"changed": False, "sets": [wanted], "stored": kept["stored"]}
    if params["label"] or params["manifest_sha256"]:
        labels = [BackupSet.find(directory, site, params["label"], params["manifest_sha256"]).label]
    else:
        labels = BackupSet.labels(directory, site)
    rows = []
    for label in labels:
        verify = params["verify"] == "all" or (params["verify"] == "newest" and label == labels[-1])
        rows.append(describe(BackupSet.find(directory, site, label), params["manifest_sha256"], verify))
    return {"changed": False, "sets": rows, "stored": kept.get("stored", [])}


def in_repository(module: Call) -> Dict[str, Any]:
    """Return the sets that a repository of restic holds, and what the manifest of the wanted one says."""
    params = module.params
    if not Access.of(params["repository"]).is_restic:
        return {}
    found, chosen, manifest = repository.look(repository.Asked.of(params))
    rows = [
        {
            "label": one.label,
            "created": one.created.isoformat(),
            "host": one.host,
            "manifest_sha256": one.digest,
            "sequence": one.sequence,
            "media": one.media,
            "found_equal": one.equal,
        }
        for one in found
    ]
    if chosen is None or manifest is None:
        return {"stored": rows}
    where = {"path": "", "manifest_sha256": chosen.digest, "pinned": "repository", "verified": False}
    return {"stored": rows, "wanted": {**row_of(manifest), **where}}


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.work(),
            _argspec.backup_set(),
            _argspec.repository(),
            {"verify": {"type": "str", "choices": ["none", "newest", "all"], "default": "none"}},
        ),
    },
    look,
    writes=never,
)
