# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The archive of a tree of code: written and extracted with the rights of the project's owner."""

from __future__ import annotations

import contextlib
import os
import tarfile
from typing import IO, FrozenSet, List, Optional

from ansible_collections.relocate.django.plugins.module_utils._code import tree
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.tree import shown
from ansible_collections.relocate.django.plugins.module_utils._media import archive
from ansible_collections.relocate.django.plugins.module_utils._media.terms import Terms
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as


def _terms(leave: Optional[tree.Leave] = None) -> Terms:
    return Terms("the code", "the project", any_link=True, leave=leave)


def pack(path: str, owner: Optional[SystemUser], listing: tree.Listing, out: IO[bytes], compression: str) -> None:
    """Write what a listing names, and see that it is what the listing says.

    Raises revision_not_found when the tree was changed meanwhile, and what ``_media/archive.py`` raises.
    """
    leave = tree.only(entry.name for entry in listing.entries)
    archive.archive(path, out, owner, compression, terms=_terms(leave))
    found = tree.changed(listing, tree.look(path, owner, leave))
    if found:
        raise RelocateError(
            "revision_not_found",
            "the code in {0} changes while it is read: {1}".format(path, ", ".join(found[:5])),
            "pause deployments on old; or name what is no code in relocate_files_ignored",
        )


def unpack(source: IO[bytes], path: str, owner: Optional[SystemUser], listing: tree.Listing, compression: str) -> None:
    """Extract what :func:`pack` wrote into a directory of the owner's; files that are there are replaced.

    Never leaves the directory and never follows a link in it.
    Raises path_refused, dump_truncated, disk_full, checkout_failed when it is not what the listing says.
    """
    counts = {"files": 0, "bytes": 0}
    names, terms = frozenset(entry.name for entry in listing.entries), _terms()

    def put_all(stream: IO[bytes]) -> None:
        with acting_as(owner):
            top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                archive.read_tar(stream, path, counts, listing.bytes, _putting(top, names), terms=terms)
                _set_modes(top, listing)
            finally:
                os.close(top)

    try:
        if compression == "none":
            put_all(source)
        else:
            archive.through_zstd(source, path, put_all, terms)
    except OSError as exc:
        msg = "the code could not be written to {0}: {1}".format(path, exc.strerror)
        raise RelocateError("checkout_failed", msg, "move away what is in the way there, then run again") from exc
    check(path, owner, listing)


def _putting(top: int, names: FrozenSet[str]) -> archive.Take:
    def take(tar: tarfile.TarFile, member: tarfile.TarInfo, parts: List[str]) -> None:
        if member.name not in names:
            raise RelocateError(
                "path_refused",
                "{0} in the archive of the code is not in its listing".format(shown(member.name)),
                "use another backup set",
            )
        archive.put(top, tar, member, parts)

    return take


def _set_modes(top: int, listing: tree.Listing) -> None:
    """Give directories their modes, the deepest first: one that may not be written to is closed after its content."""
    for entry in reversed(listing.entries):
        if entry.kind == "directory":
            with archive.below(top, entry.name.split("/")) as handle:
                os.fchmod(handle, entry.mode)


def let_in(path: str, owner: Optional[SystemUser], listing: tree.Listing) -> None:
    """Let the owner write to the directories of an earlier revision; the next one gives each its own mode."""
    with acting_as(owner):
        top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for entry in listing.entries:  # outermost first
                if entry.kind == "directory" and entry.mode & 0o700 != 0o700:
                    # What is gone, or something else by now, is left to those who remove and write.
                    with contextlib.suppress(OSError), archive.below(top, entry.name.split("/")) as handle:
                        os.fchmod(handle, entry.mode | 0o700)
        finally:
            os.close(top)


def check(path: str, owner: Optional[SystemUser], listing: tree.Listing) -> None:
    """Compare what was extracted with its listing. Raises checkout_failed."""
    now = tree.look(path, owner, tree.only(entry.name for entry in listing.entries))
    found = tree.changed(listing, now)
    if found:
        raise RelocateError(
            "checkout_failed",
            "the code in {0} differs from its revision in {1}".format(path, ", ".join(map(shown, found[:10]))),
            "transfer the set again, or use another one",
        )
