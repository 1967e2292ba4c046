# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The code of a site on the host that it goes to: brought out of a set by what held it on old."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Optional

from ansible_collections.relocate.django.plugins.module_utils._code import placed, tree
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import hg_checkout, svn, vcs
from ansible_collections.relocate.django.plugins.module_utils._project.checkout import (
    bring,
    dirty,
    is_free,
    occupied,
)

#: What each kind leaves at the top of a checkout.
MARKS = {"git": ".git", "hg": ".hg", "svn": ".svn", "none": placed.MARK}


@dataclass(frozen=True)
class Wanted:
    """A revision, and where it comes from.

    :param kind: what held it on old: git, hg, svn, none
    :param uuid: of the repository of Subversion that old's revision is of; empty for another revision
    :param packed: the tree in the set; None for another revision than the set's
    """

    kind: str
    commit: str
    source: vcs.Source
    uuid: str = ""
    packed: Optional[placed.Packed] = None
    dirty: bool = False  # the tree in the set holds uncommitted changes


def plan(path: str, owner: Optional[SystemUser], wanted: Wanted) -> vcs.CheckoutPlan:
    """Return what would be done, without doing it. Raises revision_refused, checkout_occupied, dirty_tree."""
    if wanted.kind == "git":
        return vcs.plan_checkout(path, owner, wanted.commit, wanted.source)
    if wanted.kind == "hg":
        return hg_checkout.plan(path, owner, wanted.commit, wanted.source)
    if wanted.kind == "svn":
        return _plan_svn(path, owner, wanted)
    return placed.plan(path, owner, wanted.commit, _packed(wanted))


def checkout(path: str, owner: Optional[SystemUser], wanted: Wanted) -> bool:
    """Make path hold exactly this revision; True when anything was changed. Raises what :func:`plan` raises, and more.

    More: revision_not_found, checkout_failed, path_refused, dump_truncated, disk_full, timed_out.
    """
    if wanted.kind == "git":
        return vcs.checkout(path, owner, wanted.commit, wanted.source)
    if wanted.kind == "hg":
        return hg_checkout.checkout(path, owner, wanted.commit, wanted.source)
    if wanted.kind == "svn":
        return _checkout_svn(path, owner, wanted)
    return placed.checkout(path, owner, wanted.commit, _packed(wanted))


def _packed(wanted: Wanted) -> placed.Packed:
    """Return the tree of a set. Raises revision_refused for another revision: without version control there is none."""
    if wanted.packed is None:
        raise RelocateError(
            "revision_refused",
            "there is no version control that knows {0}".format(wanted.commit),
            "leave relocate_revision empty to take the code that the set holds",
        )
    return wanted.packed


def _plan_svn(path: str, owner: Optional[SystemUser], wanted: Wanted) -> vcs.CheckoutPlan:
    svn.split_commit(wanted.commit)
    if is_free(path):
        return vcs.CheckoutPlan("clone", path, wanted.commit)
    if not os.path.isdir(path) or not os.path.lexists(os.path.join(path, ".svn")):
        raise occupied(path, "it holds other files")
    here = svn.info(path, owner)
    if wanted.uuid and here.uuid != wanted.uuid:
        raise occupied(path, "it is a working copy of another repository")
    same = here.commit == wanted.commit
    _refuse_changes(path, owner, wanted, same)
    return vcs.CheckoutPlan("none" if same else "update", path, wanted.commit, here.commit)


def _refuse_changes(path: str, owner: Optional[SystemUser], wanted: Wanted, same: bool) -> None:
    """Raise dirty_tree for changes that old does not have, checkout_occupied where those of old would be missing.

    :param same: whether the revision is the wanted one
    """
    changed = list(svn.status(path, owner).changes)
    if changed and not (same and _is_packed(path, owner, wanted)):
        raise dirty(path, changed, "svn")
    if wanted.dirty and not changed:
        raise occupied(path, "it lacks the uncommitted changes that the set holds")


def _is_packed(path: str, owner: Optional[SystemUser], wanted: Wanted) -> bool:
    """Tell whether what was changed there is what was changed on old; Subversion's own files may differ."""
    if wanted.packed is None:
        return False
    entries = [item for item in wanted.packed.listing.entries if ".svn" not in item.name.split("/")]
    now = tree.look(path, owner, tree.only(item.name for item in entries))
    return not tree.changed(tree.Listing(tuple(entries)), now)


def _checkout_svn(path: str, owner: Optional[SystemUser], wanted: Wanted) -> bool:
    planned = _plan_svn(path, owner, wanted)
    if planned.action == "none":
        return False
    if planned.action == "update":
        svn.bring(path, owner, wanted.commit, wanted.source.env or {}, True)
    else:
        bring(planned, owner, wanted.source, lambda place: _fill_svn(place, owner, wanted))
    _check_svn(path, owner, wanted)
    return True


def _fill_svn(path: str, owner: Optional[SystemUser], wanted: Wanted) -> None:
    """Out of the set, which needs no repository; another revision out of that."""
    if wanted.packed is not None:
        placed.fill(path, owner, wanted.packed)
    else:
        svn.bring(path, owner, wanted.commit, wanted.source.env or {}, False)


def _check_svn(path: str, owner: Optional[SystemUser], wanted: Wanted) -> None:
    here, changed = svn.info(path, owner), svn.status(path, owner).changes
    differs = changed and not _is_packed(path, owner, wanted)
    if here.commit != wanted.commit or differs or (wanted.uuid and here.uuid != wanted.uuid):
        raise RelocateError(
            "checkout_failed",
            "the fresh working copy is at {0}, and differs in {1}".format(here.commit, ", ".join(changed[:10]) or "-"),
        )
