# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings a Mercurial checkout on new to a revision: made beside its place, verified, then moved into it."""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import List, Optional

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import files
from ansible_collections.relocate.django.plugins.module_utils._host.scratch import owned_directory
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import Completed
from ansible_collections.relocate.django.plugins.module_utils._project import hg as mercurial
from ansible_collections.relocate.django.plugins.module_utils._project.checkout import (
    CheckoutPlan,
    Source,
    bring,
    dirty,
    is_free,
    normal,
    not_found,
    occupied,
)
from ansible_collections.relocate.django.plugins.module_utils._project.git import scrubbed, split_credentials
from ansible_collections.relocate.django.plugins.module_utils._project.hg import Hg, check_node, check_remote, failed
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

_CHUNK = 1024 * 1024


def plan(path: str, owner: Optional[SystemUser], node: str, source: Source) -> CheckoutPlan:
    """Return what would be done, without doing it. Raises revision_refused, checkout_occupied, dirty_tree."""
    check_node(node)
    if source.remote:
        check_remote(source.remote)
    if is_free(path):
        return CheckoutPlan("clone", path, node)
    if not os.path.isdir(path) or not os.path.lexists(os.path.join(path, ".hg")):
        raise occupied(path, "it holds other files")
    return _plan_update(Hg(path, owner, source.env or {}), node, source)


def _plan_update(hg: Hg, node: str, source: Source) -> CheckoutPlan:
    path, owner, parents = hg.path, hg.owner, hg.parents()
    if not parents:  # a clone that was cut short; one that somebody began holds what he added
        added = mercurial.changes(path, owner)
        if added:
            raise dirty(path, added, "hg")
        return CheckoutPlan("update", path, node)
    before = parents[0]
    if before != node and not hg.knows(node):
        _refuse_another(hg, source)
    changed = mercurial.changes(path, owner)
    if changed and not (before == node and _is_patched(hg, source.patch)):
        raise dirty(path, changed, "hg")
    done = before == node and bool(changed) == bool(source.patch)
    return CheckoutPlan("none" if done else "update", path, node, before)


def _refuse_another(hg: Hg, source: Source) -> None:
    """Raise checkout_occupied for a repository that has another remote."""
    origin = mercurial.remote(hg.path, hg.owner)
    if source.remote and origin and normal(origin) != normal(source.remote):
        raise occupied(hg.path, "its remote is another one, and it does not know the revision")


def _is_patched(hg: Hg, wanted: bytes) -> bool:
    """Tell whether what was changed there is the patch that travels with the revision."""
    with tempfile.TemporaryFile() as spool:
        mercurial.patch(hg.path, hg.owner, spool)
        spool.seek(0)
        return bool(wanted) and spool.read() == wanted


def checkout(path: str, owner: Optional[SystemUser], node: str, source: Source) -> bool:
    """Make path a checkout of exactly this changeset; True when anything was changed.

    Raises what :func:`plan` raises; revision_not_found, checkout_failed, timed_out.
    """
    planned = plan(path, owner, node, source)
    if planned.action == "none":
        return False
    bring(planned, owner, source, lambda place: _fill(Hg(place, owner, source.env or {}), node, source))
    return True


def _fill(hg: Hg, node: str, source: Source) -> None:
    if not os.path.lexists(os.path.join(hg.path, ".hg")):
        hg.out("init", ".")
    if not os.path.lexists(os.path.join(hg.path, ".hg", "hgrc")):
        _note_remote(hg, source.remote)
    _obtain(hg, node, source)
    # Without a parent an update was cut short, or none was begun: what it left is no file of anybody's.
    hg.out("update", "-q", "--check" if hg.parents() else "--clean", "-r", node)
    found, changed = hg.parents(), mercurial.changes(hg.path, hg.owner)
    if found != [node] or changed:
        raise RelocateError(
            "checkout_failed",
            "the fresh checkout is at {0}, and differs in {1}".format(", ".join(found), ", ".join(changed[:10])),
        )
    if source.patch:
        result = hg.run("import", "-q", "--no-commit", "-", stdin=source.patch)
        if result.rc != 0:
            raise failed("checkout_failed", "import", result)


def _obtain(hg: Hg, node: str, source: Source) -> None:
    """Raise revision_not_found, with what the remote said."""
    said: List[str] = []
    if hg.knows(node):
        return
    if source.bundle:
        said.append(_from_bundle(hg, source.bundle))
        if hg.knows(node):
            return
    if source.remote:
        said.append(_from_remote(hg, node, source))
    if not hg.knows(node):
        raise not_found(node, source, "; ".join(text for text in said if text))


def _note_remote(hg: Hg, remote: str) -> None:
    """Let people pull from where old did."""
    if remote:
        text = "[paths]\ndefault = {0}\n".format(split_credentials(remote)[0])
        with acting_as(hg.owner), files.created(os.path.join(hg.path, ".hg", "hgrc"), 0o644) as stream:
            stream.write(text.encode("utf-8", "surrogateescape"))


def _from_bundle(hg: Hg, path: str) -> str:
    """Pull from the bundle, which may lie where only root can read; returns what failed. Raises checkout_occupied."""
    with owned_directory(hg.owner) as directory:
        copy = os.path.join(directory, "code.hg")
        try:
            with open(path, "rb") as reader:
                with acting_as(hg.owner):
                    writer = files.created(copy)
                with writer:
                    shutil.copyfileobj(reader, writer, _CHUNK)
        except OSError as exc:
            return "the bundle {0} cannot be read: {1}".format(path, exc.strerror)
        _refuse_unrelated(hg, copy, directory)
        return _judged(hg, hg.run("pull", "-q", "--", copy))


def _refuse_unrelated(hg: Hg, bundle: str, directory: str) -> None:
    """Raise checkout_occupied for a bundle of another repository, before anything of it is taken in."""
    words = ("log", "-r", "roots(all())", "-T", "{node}\n")
    here = set(hg.out(*words).split())
    if here and not here & set(Hg(directory, hg.owner).out("-R", bundle, *words).split()):
        raise occupied(hg.path, "its history has nothing in common with the revision")


def _from_remote(hg: Hg, node: str, source: Source) -> str:
    bare, text, password = mercurial.credentials_file(source.remote)
    asking = hg
    if text:
        if source.secrets is None:
            raise RelocateError("revision_refused", "the remote holds credentials", "use a deploy key")
        source.secrets.remember(password)
        asking = Hg(hg.path, hg.owner, hg.env, source.secrets.write("hg-credentials", text))
    done = asking.run("pull", "-q", "-r", node, "--", bare, timeout=source.timeout)
    return scrubbed(_judged(hg, done), source.secrets)


def _judged(hg: Hg, done: Completed) -> str:
    if "unrelated" in done.err:
        raise occupied(hg.path, "its history has nothing in common with the revision")
    return failed("checkout_failed", "pull", done).msg if done.rc not in (0, 1) else ""
