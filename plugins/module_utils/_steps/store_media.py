# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stores MEDIA in a set, or says what it holds."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import files
from ansible_collections.relocate.django.plugins.module_utils._media import archive as media_archive
from ansible_collections.relocate.django.plugins.module_utils._media import inventory as media_inventory
from ansible_collections.relocate.django.plugins.module_utils._media.root import is_there
from ansible_collections.relocate.django.plugins.module_utils._set.directory import MEDIA, BackupSet
from ansible_collections.relocate.django.plugins.module_utils._site import Site


def check_media(site: Site, skip: Sequence[str]) -> None:
    """Refuse to store MEDIA in part. Raises media_skipped before any write."""
    root = str(site.facts["django"].get("media_root") or "")
    if is_there(root):
        _refuse_part(media_inventory.inventory(root, site.project.owner, skip))


def _refuse_part(inventory: Mapping[str, Any]) -> None:
    error = media_inventory.unmovable(inventory)
    if error is not None:
        raise error


def media_of(
    site: Site, backup: BackupSet, archive: bool, compression: str, skip: Sequence[str] = ()
) -> Dict[str, Any]:
    """Return what MEDIA_ROOT holds, and its archive in the set when asked for."""
    root = str(site.facts["django"].get("media_root") or "")
    if not root or not is_there(root):
        return {}
    inventory: Dict[str, Any] = {"root": root, "stored": ""}
    try:
        inventory.update(media_inventory.inventory(root, site.project.owner, skip))
    except RelocateError as error:
        if archive:
            raise
        return dict(inventory, unread=error.msg)  # nothing to prove MEDIA by; it may not be meant to move
    return _archived(site, backup, inventory, root, compression, skip) if archive else inventory


def media_in(site: Site, backup: BackupSet, folder: str, compression: str, skip: Sequence[str]) -> Dict[str, Any]:
    """Store what a folder holds as what MEDIA_ROOT does. Raises media_skipped, and what reading it raises."""
    inventory = {"root": str(site.facts["django"]["media_root"]), "stored": ""}
    inventory.update(media_inventory.inventory(folder, site.project.owner, skip))
    return _archived(site, backup, inventory, folder, compression, skip)


def _archived(
    site: Site, backup: BackupSet, inventory: Dict[str, Any], folder: str, compression: str, skip: Sequence[str]
) -> Dict[str, Any]:
    _refuse_part(inventory)
    name = MEDIA if compression == "zstd" else MEDIA[: -len(".zst")]
    with files.replaced(backup.file(name)) as out:
        inventory["archived"] = media_archive.archive(folder, out, site.project.owner, compression, skip)
    inventory["stored"] = name
    return inventory
