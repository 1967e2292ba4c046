# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""MEDIA_ROOT out of a backup set: brought once, and never over files that the site took in here."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from typing import IO, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._media import archive, inventory, owners
from ansible_collections.relocate.django.plugins.module_utils._media import root as media_root
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Media
from ansible_collections.relocate.django.plugins.module_utils._record.record import BRINGING, Record, RecordFile
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Manifest
from ansible_collections.relocate.django.plugins.module_utils._set.relocation import of_set
from ansible_collections.relocate.django.plugins.module_utils._site import Site
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as


def root_of(site: Site) -> str:
    """MEDIA_ROOT as the settings on this host have it, or ""."""
    return str(site.facts["django"].get("media_root") or "")


def wanted(site: Site, manifest: Manifest, digest: str, record: Record, loads: bool, may_replace: bool) -> bool:
    """Tell whether MEDIA is to be brought out of the set.

    :param loads: whether databases of the set are loaded in this run; a rerun leaves what was brought alone
    :param may_replace: whether files of another origin, or that the site took in since, may be replaced
    Raises media_not_blank before any write.
    """
    root = root_of(site)
    if not manifest.media.get("stored") or not root or (not loads and record.media_restored == digest):
        return False
    owners.check(manifest.media.get("rights") or {}, site.project.owner)
    there = _compared(root, site.project.owner, manifest, _is_given_away(record))
    if there == OTHER:
        _refuse_foreign(root, record, may_replace)
    return there != EQUAL


def _is_given_away(record: Record) -> bool:
    """Tell whether a move gave files of MEDIA to other users than the project's owner."""
    return record.media is not None and bool(record.media.given) and os.geteuid() == 0


def _refuse_foreign(root: str, record: Record, may_replace: bool) -> None:
    """Refuse to write over files of another origin, or that the site took in since. Raises media_not_blank."""
    copied = record.media or Media()  # by a move, from host to host
    ours = bool(record.media_restored) or (copied.path == root and not copied.foreign)
    if (ours and not record.has_served()) or may_replace:
        return
    raise RelocateError(
        "media_not_blank",
        "MEDIA_ROOT {0} holds files {1}".format(
            root, "and the site has served with them here" if ours else "of another origin"
        ),
        "move them away, or set relocate_replace to put the set's files over them,"
        " or relocate_media to false to leave them alone",
    )


#: What MEDIA_ROOT holds.
EMPTY, EQUAL, OTHER = "empty", "equal", "other"


def _compared(root: str, owner: SystemUser, manifest: Manifest, given_away: bool) -> str:
    """How MEDIA_ROOT compares with the set: EMPTY, EQUAL or OTHER.

    :param given_away: files in it were given to other users, so that the owner cannot read them all
    """
    skip = tuple(manifest.media.get("skip", ()))
    if not os.path.isdir(root) or (not given_away and _holds_nothing(root, owner, skip)):
        return EMPTY
    same = inventory.inventory(root, owner, skip, given_away)["digest"] == manifest.media["digest"]
    return EQUAL if same else OTHER


def _holds_nothing(root: str, owner: SystemUser, skip: Sequence[str]) -> bool:
    return is_empty(root, owner) or not media_root.foreign(root, owner, skip)


def is_empty(root: str, owner: Optional[SystemUser] = None) -> bool:
    """Tell whether a directory holds no file but empty ones whose name begins with a dot, such as .gitkeep.

    One that the owner cannot look into may hold what somebody else has put there.
    """
    unseen: List[OSError] = []
    with acting_as(owner):
        for top, directories, names in os.walk(root, onerror=unseen.append):
            links = [name for name in directories if os.path.islink(os.path.join(top, name))]
            if links or any(not name.startswith(".") or os.lstat(os.path.join(top, name)).st_size for name in names):
                return False
    return not unseen


def check(site: Site, backup: BackupSet, manifest: Manifest) -> None:
    """Refuse an archive that could not be brought whole, before any write. Raises path_refused, dump_truncated."""
    with _opened(backup, manifest) as (stream, compression, limit):
        archive.check(stream, root_of(site), limit, compression)


@contextlib.contextmanager
def _opened(backup: BackupSet, manifest: Manifest) -> Iterator[Tuple[IO[bytes], str, int]]:
    """The archive, how it is compressed, and the bytes that its files may have in all."""
    stored = str(manifest.media["stored"])
    with open(backup.content(stored), "rb") as stream:
        yield stream, "zstd" if stored.endswith(".zst") else "none", manifest.media["archived"]["bytes"]


def bring(site: Site, backup: BackupSet, manifest: Manifest, kept: RecordFile) -> None:
    """Put the set's files in MEDIA_ROOT, noting first that it is ours from now on; whose they were on old they are."""
    root, owner = root_of(site), site.project.owner
    known, here = kept.record.media or Media(), kept.record.media_at(root) or Media()
    owners.take_back(root, owner, here.given)
    kept.write(replace(kept.record, media_restored=BRINGING))
    with _opened(backup, manifest) as (stream, compression, limit):
        above = of_set(manifest, site.project.path).directories(manifest.directories)
        archive.extract(stream, root, owner, limit, compression, above)
    rights = manifest.media.get("rights") or {}
    given = owners.numbers(rights, owner)
    if given or known.given:
        kept.write(replace(kept.record, media=replace(known, path=root, given=tuple(given))))
    owners.give(root, owner, rights, manifest.media.get("skip", ()))
