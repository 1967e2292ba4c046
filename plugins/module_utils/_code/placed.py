# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings a tree of code on new to what a set holds: made beside its place, compared, then moved into it.

A file in the tree notes what was brought, as the directory of a version control would: a change by somebody else is
seen, what the next revision lacks is removed, and a directory that is not ours is refused.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._code import archive, tree
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import files, openat
from ansible_collections.relocate.django.plugins.module_utils._host.tree import shown
from ansible_collections.relocate.django.plugins.module_utils._model import Directory, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project.checkout import (
    CheckoutPlan,
    give_empty,
    is_free,
    make_incoming,
    occupied,
)
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

MARK = ".relocate-code"
_LIMIT = 256 * 1024 * 1024  # bytes of the note
_EMPTY = tree.Listing()


@dataclass(frozen=True)
class Packed:
    """A tree in a set.

    :param archive: path of its archive, which this process can read
    :param directories: the tree's own and those above it, as they were on old
    """

    listing: tree.Listing
    archive: str
    compression: str
    directories: Sequence[Directory] = ()


def plan(path: str, owner: Optional[SystemUser], commit: str, packed: Packed) -> CheckoutPlan:
    """Return what would be done, without doing it. Raises checkout_occupied, dirty_tree."""
    if is_free(path):
        return CheckoutPlan("clone", path, commit)
    before, coming = _noted(path, owner)
    names = {entry.name for listing in (before, coming) for entry in listing.entries}
    now = tree.look(path, owner, tree.only(names))
    found = _of_others(before, coming, now)
    if found:
        raise RelocateError(
            "dirty_tree",
            "{0} was changed since its code was brought: {1}".format(path, ", ".join(map(shown, found[:10]))),
            "put the changes into the code on old and undo them here, or move {0} away".format(path),
            {"changes": [shown(name) for name in found[:100]]},
        )
    done = not coming.entries and before.digest == packed.listing.digest
    return CheckoutPlan("none" if done else "update", path, commit, before.digest)


def _of_others(before: tree.Listing, coming: tree.Listing, now: tree.Listing) -> List[str]:
    """Return the names that are neither as they were brought, nor as an exchange that was killed left them."""
    return _half(before, coming, now) if coming.entries else _edited(before, now)


def _edited(before: tree.Listing, now: tree.Listing) -> List[str]:
    """Return the names that somebody changed since.

    What a directory may be used for is often set again on its host; no code is lost by that.
    """
    first, there = before.by_name(), now.by_name()
    both = {name for name in first if name in there and (first[name].kind, there[name].kind) == _BOTH}
    return [name for name in tree.changed(before, now) if name not in both]


def _half(before: tree.Listing, coming: tree.Listing, now: tree.Listing) -> List[str]:
    first, second, there = before.by_name(), coming.by_name(), now.by_name()
    return sorted(
        name
        for name in {*first, *second}
        if there.get(name) not in (first.get(name), second.get(name))
        and not (name in there and there[name].kind == "directory")
        and name in there
    )


def checkout(path: str, owner: Optional[SystemUser], commit: str, packed: Packed) -> bool:
    """Make path hold exactly this tree, beside what is not code; True when anything was changed.

    Raises what :func:`plan` raises; path_refused, dump_truncated, disk_full, checkout_failed.
    """
    planned = plan(path, owner, commit, packed)
    if planned.action == "none":
        return False
    path = path.rstrip("/")
    if planned.action == "clone" and not os.path.lexists(path):
        incoming = make_incoming(path, owner, packed.directories)
        full = os.path.join(os.path.dirname(path), incoming)
        fill(full, owner, packed)
        _note(full, owner, packed.listing, _EMPTY)
        with openat.parent(path, owner) as (place, name):
            place.replace(incoming, name)
        return True
    if planned.action == "clone":
        if owner is not None and os.geteuid() == 0:
            give_empty(path, owner)
        before = coming = _EMPTY
    else:
        before, coming = _noted(path, owner)
    _refuse_foreign(path, owner, (before, coming), packed.listing)
    _note(path, owner, _joined(before, coming), packed.listing)
    archive.let_in(path, owner, _joined(before, coming))
    _remove(path, owner, _joined(before, coming), packed.listing)
    fill(path, owner, packed)
    _note(path, owner, packed.listing, _EMPTY)
    return True


def fill(path: str, owner: Optional[SystemUser], packed: Packed) -> None:
    """Extract the archive into a directory, and compare. Raises what ``archive.unpack`` raises."""
    with open(packed.archive, "rb") as source:
        archive.unpack(source, path, owner, packed.listing, packed.compression)


def _joined(before: tree.Listing, coming: tree.Listing) -> tree.Listing:
    """Return all names that an earlier call brought, or was about to."""
    entries = {**coming.by_name(), **before.by_name()}
    return tree.Listing(tuple(entries[name] for name in sorted(entries, key=lambda one: os.fsencode(one).split(b"/"))))


def _noted(path: str, owner: Optional[SystemUser]) -> Tuple[tree.Listing, tree.Listing]:
    """Return what was brought, and what was about to be when the last call was killed. Raises checkout_occupied."""
    try:
        with openat.open_file(os.path.join(path, MARK), owner) as stream:
            plain = json.loads(stream.read(_LIMIT).decode("ascii"))
        return tree.from_text(plain["brought"]), tree.from_text(plain["coming"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as exc:
        raise occupied(path, "it holds other files") from exc


def _note(path: str, owner: Optional[SystemUser], brought: tree.Listing, coming: tree.Listing) -> None:
    text = json.dumps({"brought": brought.text(), "coming": coming.text()})
    with acting_as(owner), files.replaced(os.path.join(path, MARK)) as stream:
        stream.write(text.encode("ascii"))


def _refuse_foreign(
    path: str, owner: Optional[SystemUser], known: Sequence[tree.Listing], wanted: tree.Listing
) -> None:
    """Raise checkout_occupied where a file of the tree would replace one that did not come with it."""
    ours = {entry.name for listing in known for entry in listing.entries}
    there = tree.look(path, owner, tree.only(entry.name for entry in wanted.entries))
    coming = wanted.by_name()
    found = [
        shown(item.name)
        for item in there.entries
        if item.name not in ours and item != coming[item.name] and (item.kind, coming[item.name].kind) != _BOTH
    ]
    if found:
        raise occupied(path, "the revision brings files where others lie: {0}".format(", ".join(found[:10])))


_BOTH = ("directory", "directory")


def _remove(path: str, owner: Optional[SystemUser], before: tree.Listing, after: tree.Listing) -> None:
    """Remove what the next revision lacks, or has as another kind; a directory with other files in it stays."""
    wanted = {entry.name: entry.kind for entry in after.entries}
    for entry in reversed(before.entries):
        if wanted.get(entry.name) == entry.kind:
            continue
        try:
            with openat.parent(os.path.join(path, entry.name), owner) as (place, name):
                if entry.kind == "directory":
                    place.rmdir(name)
                else:
                    place.unlink(name)
        except OSError:
            continue  # gone already, or not empty; whatever is left in the way is refused when the tree is compared
