# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One pass of MEDIA from host to host: what may be written here, what is kept aside, whose the files become."""

from __future__ import annotations

import contextlib
import grp
import os
from dataclasses import replace
from typing import Any, Callable, Dict, Mapping, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._media import inventory, owners, root
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Media
from ansible_collections.relocate.django.plugins.module_utils._record.record import read_record, update_record
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._transfer import rsync
from ansible_collections.relocate.django.plugins.module_utils._transfer.fetch import (
    Fetch,
    directories_of,
    remove_partial,
    result_of,
)
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as


def group_of(params: Mapping[str, Any], owner: SystemUser) -> int:
    """The group of MEDIA: the named one when this host has it, else the owner's."""
    with contextlib.suppress(KeyError):
        if params["group"]:
            return grp.getgrnam(params["group"]).gr_gid
    return owner.gid


def fetch_media(
    params: Mapping[str, Any], owner: SystemUser, check_mode: bool, fetch_of: Callable[[Mapping[str, Any]], Fetch]
) -> Dict[str, Any]:
    """Bring what is new in MEDIA; the last pass gives it to whom it belonged on old.

    :param fetch_of: makes what answers requests, out of the parameters
    Raises path_refused and media_owners before any write, and what a fetch raises.
    """
    skip = root.check_skip(params["skip"])
    path = root.check_path(params["media"], params["directory"], owner)
    record = read_record(params["directory"], params["site"])
    claim = root.claim(path, owner, record, params["replace"], skip)
    if params["method"] == "local":
        root.check_link(params["media_source"] or "", owner)
    if check_mode:
        return {"changed": True, "previous": "", **result_of(rsync.Moved())}
    fetch = fetch_of(params)
    given = (record.media_at(path) or Media()).given
    recorded = recorded_media(params) if params["delete"] else {}
    if given and _is_settled(fetch, path, owner, recorded, skip):
        return {"changed": False, "previous": "", **result_of(rsync.Moved())}
    taken = owners.take_back(path, owner, given, skip)
    root.make(path, owner, directories_of(params))
    if claim.noted != record.media:
        update_record(params["directory"], params["site"], lambda latest: replace(latest, media=claim.noted))
    # In the first pass too, which is before the freeze: it shows whether the directory can be made.
    displaced = root.make_displaced(path, params["label"] or "", owner) if claim.keep else ""
    user = owner if os.geteuid() == 0 and owner.uid != 0 else None
    try:
        moved = fetch(rsync.media_request(path, params["delete"], user, skip, displaced))
    finally:
        previous = root.drop_empty(displaced, owner)
    if params["delete"]:
        with acting_as(user):
            remove_partial(path)
    rights = dict(recorded.get("rights") or {})
    if params["delete"]:
        # Noted first: a run that is killed meanwhile must take them back. All that is here is old's now.
        note = Media(path, given=tuple(owners.numbers(rights, owner)))
        update_record(params["directory"], params["site"], lambda latest: replace(latest, media=note))
    if rights:
        changed = owners.give(path, owner, rights, skip)
    else:
        changed = root.regroup(path, owner, group_of(params, owner), skip)
    return {"changed": bool(moved.anything or changed or taken), "previous": previous, **result_of(moved)}


def _is_settled(fetch: Fetch, path: str, owner: SystemUser, recorded: Mapping[str, Any], skip: Sequence[str]) -> bool:
    """Tell whether an earlier last pass has done it all, so that nobody's files need change hands once more.

    Looked at with this process's own rights, since the files need not be the owner's to read; nothing is written.
    """
    rights = recorded.get("rights") or {}
    if not rights or not os.path.isdir(path) or fetch(rsync.media_request(path, True, None, skip, dry=True)).anything:
        return False
    found = inventory.inventory(path, owner, skip, os.geteuid() == 0)["rights"]
    return bool(found["digest"] == rights["digest"])


def recorded_media(params: Mapping[str, Any]) -> Dict[str, Any]:
    """MEDIA on old, by the set that was made of it; nothing without a set."""
    if not params["label"]:
        return {}
    try:
        manifest = BackupSet.find(params["directory"], params["site"], params["label"]).read(params["manifest_sha256"])
    except RelocateError as error:
        if error.code not in ("set_not_found", "set_incomplete"):
            raise
        return {}
    return dict(manifest.media)
