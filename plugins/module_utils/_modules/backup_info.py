# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``backup_info`` takes, and does it."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._age.opener import OPENER
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import as_plain
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module, never, tell
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Proof
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name, read_record
from ansible_collections.relocate.django.plugins.module_utils._repository.access import Access
from ansible_collections.relocate.django.plugins.module_utils._repository.parsed import Stored
from ansible_collections.relocate.django.plugins.module_utils._set import pins
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Manifest
from ansible_collections.relocate.django.plugins.module_utils._steps import freshness, repository
from ansible_collections.relocate.django.plugins.module_utils._steps.described_set import described


def describe(found: BackupSet, sha256: Optional[str], verify: bool) -> Dict[str, Any]:
    """One row of the list. Raises what reading and verifying raise."""
    manifest = found.read(sha256)
    if verify:
        found.verify(manifest)
    where = {"path": found.path, "manifest_sha256": found.digest(), "pinned": found.pinned(sha256), "verified": verify}
    return {**row_of(manifest, here=True), **where}


def row_of(manifest: Manifest, here: bool) -> Dict[str, Any]:
    """Return what a manifest says.

    :param here: whether the set lies on this host
    """
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
        "recipients": list(manifest.recipients),
        "described": described(manifest, here),
    }


def look(module: Call) -> Dict[str, Any]:
    """Nothing is written, so there is no plan."""
    params = module.params
    max_age = params["max_age"] or ""
    if max_age:
        freshness.check_duration(max_age)
    kept = in_repository(module)
    found = {"changed": False, "sets": _sets(params, kept.get("wanted")), "stored": kept.get("stored", [])}
    if params["opens"]:
        tell(module, see_opens(found["sets"][-1:]))
    if not max_age and not params["metrics"]:
        return found
    fresh = _freshness(params, kept.get("known"))
    if max_age:
        fresh.check(max_age)
    return {**found, "age": fresh.told(), "metrics": fresh.metrics(params["site"])}


def _sets(params: Mapping[str, Any], wanted: Optional[Mapping[str, Any]]) -> List[Dict[str, Any]]:
    """List the sets that are asked for.

    :param wanted: what the repository says of the set that it was asked for
    """
    directory, site = params["directory"], check_site_name(params["site"])
    if wanted and wanted["label"] not in BackupSet.labels(directory, site):
        return [dict(wanted)]
    if params["label"] or params["manifest_sha256"]:
        labels = [BackupSet.find(directory, site, params["label"], params["manifest_sha256"]).label]
    else:
        labels = BackupSet.labels(directory, site)
    proofs = read_record(directory, site).found_equal
    rows = []
    for label in labels:
        verify = params["verify"] == "all" or (params["verify"] == "newest" and label == labels[-1])
        row = describe(BackupSet.find(directory, site, label), params["manifest_sha256"], verify)
        proof = proofs.get(label, Proof())
        equal = "{0:.0f}".format(proof.at) if proof.digest == row["manifest_sha256"] else ""
        rows.append({**row, "found_equal": equal})
    for row in rows[:-1]:
        del row["described"]  # as long as all the rest, and only one is restored
    return rows


def see_opens(wanted: Sequence[Mapping[str, Any]]) -> List[str]:
    """See that the identity of this call opens a set, where it is encrypted; returns what could not be tried yet.

    :param wanted: its row, or nothing
    Raises set_encrypted, identity_wrong, identity_unusable.
    """
    for row in wanted:
        if not row["recipients"]:
            continue
        OPENER.identity(row["label"])
        if not row["path"]:
            return ["whether relocate_age_identity opens set {0} is seen once it is on this host".format(row["label"])]
        try:
            BackupSet(row["path"]).check_opens()
        except RelocateError as error:
            if error.code != "program_missing":
                raise
            return ["whether relocate_age_identity opens set {0} is seen once age is installed".format(row["label"])]
    return []


def _freshness(params: Mapping[str, Any], known: Optional[Sequence[Stored]]) -> freshness.Freshness:
    if known is None:
        return freshness.of_directory(params["directory"], params["site"], time.time())
    return freshness.of_repository(params["directory"], params["site"], known, time.time())


def in_repository(module: Call) -> Dict[str, Any]:
    """Return the sets that a repository holds, and what the manifest of the wanted one says."""
    params = module.params
    access = Access.of(params["repository"])
    if not access.keeps_sets:
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
        return {"stored": rows, "known": found}
    known = repository.known_digest(repository.Asked.of(params), access.is_restic, chosen)
    pinned = "repository" if access.is_restic else pins.BY_OPTION if params["manifest_sha256"] else pins.NOT_PINNED
    pinned = pins.BY_FILE if known and pinned == pins.NOT_PINNED else pinned
    where = {"path": "", "manifest_sha256": chosen.digest, "pinned": pinned, "verified": False}
    return {
        "stored": rows,
        "known": found,
        "wanted": {**row_of(manifest, here=False), **where, "found_equal": chosen.equal},
    }


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.work(),
            _argspec.backup_set(),
            _argspec.identity(),
            _argspec.repository(),
            {
                "verify": {"type": "str", "choices": ["none", "newest", "all"], "default": "none"},
                "opens": {"type": "bool", "default": False},
                "max_age": {"type": "str"},
                "metrics": {"type": "bool", "default": False},
            },
        ),
    },
    look,
    writes=never,
)
