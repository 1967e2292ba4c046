# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""MEDIA_ROOT out of a backup set: brought once, and never over files that the site took in here."""

from __future__ import annotations

import os
from typing import Any, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._media import archive, inventory, owners
from ansible_collections.relocate.django.plugins.module_utils._media import root as media_root
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._record.record import MOVED, SERVED, Record
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Manifest
from ansible_collections.relocate.django.plugins.module_utils._set.relocation import of_set
from ansible_collections.relocate.django.plugins.module_utils._site import Site
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

#: The record's key for the digest of the set whose MEDIA was brought here.
BROUGHT = "media_restored"
#: In the place of that digest: bringing it was begun.
_BEGUN = "begun"


def root_of(site: Site) -> str:
    """MEDIA_ROOT as the settings on this host have it, or ""."""
    return str(site.facts["django"].get("media_root") or "")


def wanted(site: Site, manifest: Manifest, digest: str, record: Mapping[str, Any], loads: bool, replace: bool) -> bool:
    """Whether MEDIA is to be brought out of the set.

    :param loads: whether databases of the set are loaded in this run; a rerun leaves what was brought alone
    :param replace: whether files of another origin, or that the site took in since, may be replaced
    Raises media_not_blank before any write.
    """
    root, skip = root_of(site), tuple(manifest.media.get("skip", ()))
    if not manifest.media.get("stored") or not root or (not loads and record.get(BROUGHT) == digest):
        return False
    owners.check(manifest.media.get("rights") or {}, site.project.owner)
    copied = record.get("media") or {}  # by a move, from host to host
    given_away = bool(copied.get("given")) and os.geteuid() == 0
    if not os.path.isdir(root) or (not given_away and _holds_nothing(root, site.project.owner, skip)):
        return True
    if inventory.inventory(root, site.project.owner, skip, given_away)["digest"] == manifest.media["digest"]:
        return False
    ours = bool(record.get(BROUGHT)) or (copied.get("path") == root and not copied.get("foreign"))
    served = bool(record.get(MOVED) or record.get(SERVED))
    if (ours and not served) or replace:
        return True
    raise RelocateError(
        "media_not_blank",
        "MEDIA_ROOT {0} holds files {1}".format(
            root, "and the site has served with them here" if ours else "of another origin"
        ),
        "move them away, or set relocate_replace to put the set's files over them,"
        " or relocate_media to false to leave them alone",
    )


def _holds_nothing(root: str, owner: SystemUser, skip: Sequence[str]) -> bool:
    return is_empty(root, owner) or not media_root.foreign(root, owner, skip)


def is_empty(root: str, owner: Optional[SystemUser] = None) -> bool:
    """Whether a directory holds no file but empty ones whose name begins with a dot, such as .gitkeep.

    One that the owner cannot look into may hold what somebody else has put there.
    """
    unseen: List[OSError] = []
    with acting_as(owner):
        for top, directories, names in os.walk(root, onerror=unseen.append):
            links = [name for name in directories if os.path.islink(os.path.join(top, name))]
            if links or any(not name.startswith(".") or os.lstat(os.path.join(top, name)).st_size for name in names):
                return False
    return not unseen


def bring(site: Site, backup: BackupSet, manifest: Manifest, record: Record) -> None:
    """Put the set's files in MEDIA_ROOT, noting first that it is ours from now on; whose they were on old they are."""
    root, stored, owner = root_of(site), str(manifest.media["stored"]), site.project.owner
    noted = dict(record.data.get("media") or {})
    owners.take_back(root, owner, noted.get("given", ()) if noted.get("path") == root else ())
    record.note({BROUGHT: _BEGUN})
    with open(backup.file(stored), "rb") as stream:
        compression = "zstd" if stored.endswith(".zst") else "none"
        limit = manifest.media["archived"]["bytes"]
        above = of_set(manifest, site.project.path).directories(manifest.directories)
        archive.extract(stream, root, owner, limit, compression, above)
    rights = manifest.media.get("rights") or {}
    given = owners.numbers(rights, owner)
    if given or noted.get("given"):
        record.note({"media": dict(noted, path=root, given=given)})
    owners.give(root, owner, rights, manifest.media.get("skip", ()))
