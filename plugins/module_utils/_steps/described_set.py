# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells of a site what its backup set knows, in the form in which preflight tells it of an old host that is there."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ansible_collections.relocate.django.plugins.module_utils._model import as_plain
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import DatabaseEntry, Manifest


def described(manifest: Manifest, here: bool) -> Dict[str, Any]:
    """Return it; no secret is in a manifest.

    :param here: whether the set lies on this host, so that it needs no more room
    """
    django, owner = manifest.django, manifest.owner
    media = manifest.media if manifest.media.get("stored") else {}  # what the set does not hold needs no room
    return {
        "host": _texts(manifest.host, "name", "machine_id"),
        "project": {**_texts(django, "path", "settings"), **_texts(manifest.code, "prefix")},
        "owner": _texts(owner, "name", "home"),
        "django": {**django, **_texts(django, "version")},
        "databases": {alias: _database(entry) for alias, entry in manifest.databases.items()},
        "revision": _texts(manifest.code, "vcs", "remote"),
        "media": {key: media[key] for key in ("bytes", "rights") if key in media},
        "log_directories": as_plain(manifest.directories),
        "software": as_plain(manifest.software),
        "set": {
            "label": manifest.label,
            "brings": 0 if here else sum(entry.size for entry in manifest.files),
            "files": [entry.path for entry in manifest.unversioned],
        },
    }


def _texts(found: Mapping[str, Any], *keys: str) -> Dict[str, str]:
    return {key: str(found.get(key) or "") for key in keys}


def _database(entry: DatabaseEntry) -> Dict[str, Any]:
    texts = _texts(entry.config, "backend", "name", "user", "host")
    return {**texts, "engine": entry.facts.engine, "port": entry.config.get("port"), "facts": as_plain(entry.facts)}
