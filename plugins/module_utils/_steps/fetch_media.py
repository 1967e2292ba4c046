# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One pass of MEDIA from host to host: what may be written here, what is kept aside, whose the files become."""

from __future__ import annotations

import contextlib
import grp
import os
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._media import inventory, owners, root
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._progress import PROGRESS
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


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds the options of a pass of MEDIA."""

    directory: str  # ours
    site: str
    label: Optional[str]  # the set that tells how MEDIA was on old
    manifest_sha256: Optional[str]  # what its manifest must have
    media: str  # MEDIA_ROOT on this host
    media_source: Optional[str]  # MEDIA_ROOT of old, for the method local
    method: str  # ssh, local
    group: Optional[str]  # whom files belong to; None: the owner's group
    delete: bool  # the last pass: what old does not hold goes
    replace: bool  # files of another origin may be put aside
    skip: Sequence[str]  # patterns of what is not moved


@dataclass(frozen=True)
class Plan:
    """What a pass may write, and what earlier ones noted."""

    path: str
    skip: Sequence[str]
    claim: root.Claim
    noted: Optional[Media]  # as the record has it

    @property
    def given(self) -> Sequence[int]:
        """Numbers of the users whom an earlier pass gave files to."""
        return self.noted.given if self.noted and self.noted.path == self.path else ()


def group_of(options: Options, owner: SystemUser) -> int:
    """The group of MEDIA: the named one when this host has it, else the owner's."""
    with contextlib.suppress(KeyError):
        if options.group:
            return grp.getgrnam(options.group).gr_gid
    return owner.gid


def plan(options: Options, owner: SystemUser) -> Plan:
    """Decide where MEDIA goes and what is kept there. Raises path_refused; nothing is written."""
    skip = root.check_skip(options.skip)
    path = root.check_path(options.media, options.directory, owner)
    record = read_record(options.directory, options.site)
    claim = root.claim(path, owner, record, options.replace, skip)
    if options.method == "local":
        root.check_link(options.media_source or "", owner)
    return Plan(path, skip, claim, record.media)


def fetch_media(options: Options, owner: SystemUser, fetch_of: Optional[Callable[[], Fetch]]) -> Dict[str, Any]:
    """Bring what is new in MEDIA; the last pass gives it to whom it belonged on old.

    :param fetch_of: makes what answers requests; None in check mode
    Raises path_refused and media_owners before any write, and what a fetch raises.
    """
    planned = plan(options, owner)
    if fetch_of is None:
        return {"changed": True, "previous": "", **result_of(rsync.Moved())}
    fetch, recorded = fetch_of(), recorded_media(options) if options.delete else {}
    if planned.given and _is_settled(fetch, planned.path, owner, recorded, planned.skip):
        return {"changed": False, "previous": "", **result_of(rsync.Moved())}
    taken = owners.take_back(planned.path, owner, planned.given, planned.skip)
    root.make(planned.path, owner, directories_of(options.directory, options.site, options.label, options.media))
    if planned.claim.noted != planned.noted:
        _note(options, planned.claim.noted)
    moved, previous = _bring(options, planned, owner, fetch)
    changed = _hand_over(options, planned, owner, dict(recorded.get("rights") or {}))
    return {"changed": bool(moved.anything or changed or taken), "previous": previous, **result_of(moved)}


def _bring(options: Options, planned: Plan, owner: SystemUser, fetch: Fetch) -> Tuple[rsync.Moved, str]:
    """Copy, and keep aside what must not be lost. Returns what was copied, and where the other things are."""
    # In the first pass too, which is before the freeze: it shows whether the directory can be made.
    displaced = root.make_displaced(planned.path, options.label or "", owner) if planned.claim.keep else ""
    user = owner if os.geteuid() == 0 and owner.uid != 0 else None
    try:
        with PROGRESS.part("fetch"):
            moved = fetch(rsync.media_request(planned.path, options.delete, user, planned.skip, displaced))
    finally:
        previous = root.drop_empty(displaced, owner)
    if options.delete:
        with acting_as(user):
            remove_partial(planned.path)
    return moved, previous


def _hand_over(options: Options, planned: Plan, owner: SystemUser, rights: Mapping[str, Any]) -> int:
    """Give the files to whom they belonged on old, or to the group; returns how many were changed."""
    if options.delete:
        # Noted first: a run that is killed meanwhile must take them back. All that is here is old's now.
        _note(options, Media(planned.path, given=tuple(owners.numbers(rights, owner))))
    if rights:
        return owners.give(planned.path, owner, rights, planned.skip)
    return root.regroup(planned.path, owner, group_of(options, owner), planned.skip)


def _note(options: Options, media: Media) -> None:
    update_record(options.directory, options.site, lambda latest: replace(latest, media=media))


def _is_settled(fetch: Fetch, path: str, owner: SystemUser, recorded: Mapping[str, Any], skip: Sequence[str]) -> bool:
    """Tell whether an earlier last pass has done it all, so that nobody's files need change hands once more.

    Looked at with this process's own rights, since the files need not be the owner's to read; nothing is written.
    """
    rights = recorded.get("rights") or {}
    if not rights or not os.path.isdir(path) or fetch(rsync.media_request(path, True, None, skip, dry=True)).anything:
        return False
    found = inventory.inventory(path, owner, skip, os.geteuid() == 0)["rights"]
    return bool(found["digest"] == rights["digest"])


def recorded_media(options: Options) -> Dict[str, Any]:
    """MEDIA on old, by the set that was made of it; nothing without a set."""
    if not options.label:
        return {}
    try:
        manifest = BackupSet.find(options.directory, options.site, options.label).read(options.manifest_sha256)
    except RelocateError as error:
        if error.code not in ("set_not_found", "set_incomplete"):
            raise
        return {}
    return dict(manifest.media)
