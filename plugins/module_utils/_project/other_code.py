# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Switches the checkout that serves to another revision and back, and looks at that revision beside it before.

Files that git does not hold stay where they are: ``.env``, MEDIA, a SQLite database in the checkout. So a revision
that brings a file of the same name is refused: git would overwrite one that it ignores without a word.
"""

from __future__ import annotations

import contextlib
import os
from typing import Dict, List, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import vcs
from ansible_collections.relocate.django.plugins.module_utils._project.git import Git, check_revision
from ansible_collections.relocate.django.plugins.module_utils._project.requirements import read_text
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

_SHOWN = 10


def staged_path(top: str) -> str:
    """Return where a revision is looked at before the checkout is switched to it: beside that."""
    top = top.rstrip("/")
    return os.path.join(os.path.dirname(top), ".{0}.relocate-upgrade".format(os.path.basename(top)))


def link_rest(top: str, owner: Optional[SystemUser], staged: str, leave: Sequence[str]) -> List[str]:
    """Let the staged code find what git does not hold of the checkout that serves, by links; returns their names.

    :param leave: absolute paths that get none
    """
    names = Git(top, owner).names("ls-files", "--others", "--directory", "-z")
    made = []
    with acting_as(owner if os.geteuid() == 0 else None):
        for name in (item.rstrip("/") for item in names):
            path, link = os.path.join(top, name), os.path.join(staged, name)
            if path in leave or os.path.basename(name) == "__pycache__" or os.path.lexists(link):
                continue
            os.makedirs(os.path.dirname(link), exist_ok=True)
            os.symlink(path, link)
            made.append(name)
    return made


def bring(top: str, owner: Optional[SystemUser], commit: str, staged: str) -> None:
    """Bring a revision into the repository that serves, out of the staged one: no network, and no file changes."""
    git = Git(top, owner)
    if git.test("cat-file", "-e", check_revision(commit) + "^{tree}") and git.test("rev-list", "--count", commit):
        return
    git.out("fetch", "-q", "--no-tags", "--update-shallow", staged, "+HEAD:refs/relocate/" + commit)


def refuse_overwritten(top: str, owner: Optional[SystemUser], before: str, commit: str) -> None:
    """Refuse a revision that brings files where others lie that git does not hold. Raises checkout_occupied."""
    git = Git(top, owner)
    fresh = git.names("diff", "--name-only", "--diff-filter=A", "--no-renames", "-z", before, commit, "--")
    tracked = set(git.names("ls-tree", "-r", "-z", "--name-only", "--full-tree", before))
    with acting_as(owner if os.geteuid() == 0 else None):
        found = sorted({found for name in fresh for found in [_in_the_way(top, name, tracked)] if found})
    if found:
        raise RelocateError(
            "checkout_occupied",
            "the revision brings files where others lie that git does not hold: {0}{1}".format(
                ", ".join(found[:_SHOWN]), ", ..." if len(found) > _SHOWN else ""
            ),
            "move them away on this host, or take them out of the revision",
            {"files": found[:100]},
        )


def _in_the_way(top: str, name: str, tracked: "set[str]") -> str:
    parts = name.split("/")
    for count in range(1, len(parts)):
        above = "/".join(parts[:count])
        path = os.path.join(top, above)
        if above not in tracked and os.path.lexists(path) and (os.path.islink(path) or not os.path.isdir(path)):
            return above
    return name if os.path.lexists(os.path.join(top, name)) else ""


def ignore(top: str, owner: Optional[SystemUser], paths: Sequence[str]) -> None:
    """Let git ignore these, as far as they lie in the checkout: ``git clean`` would take what the way back needs.

    A project ignores the directory of its environment, and not always a link of that name.
    """
    real = os.path.realpath(top)
    places = [os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path)) for path in paths]
    lines = ["/" + os.path.relpath(path, real) for path in places if path.startswith(real + "/")]
    git = Git(top, owner)
    exclude = os.path.join(git.out("rev-parse", "--absolute-git-dir"), "info", "exclude")
    with acting_as(owner if os.geteuid() == 0 else None):
        os.makedirs(os.path.dirname(exclude), exist_ok=True)
        known = read_text(exclude).splitlines()
        missing = [line for line in lines if line not in known]
        if missing:
            with open(exclude, "a", encoding="utf-8") as stream:
                stream.write("".join(line + "\n" for line in missing))


def switch(top: str, owner: Optional[SystemUser], commit: str, env: Dict[str, str]) -> bool:
    """Check the revision out where the site serves. Raises dirty_tree, checkout_failed."""
    return vcs.checkout(top, owner, commit, vcs.Source(env=env))


def put_back(top: str, owner: Optional[SystemUser], after: str, before: str, branch: str) -> bool:
    """Bring the revision of before back, whatever of a switch was done; True when anything was.

    A switch that was killed leaves files of both, and a lock of git's. The later revision is completed first, so that
    the way back removes what only that one holds. The caller has the site's lease, so no other run of git's is ours.
    """
    git = Git(top, owner)
    locked = _unlock(top, owner)
    head = vcs.revision(top, owner)
    if head.commit != before or head.dirty or locked:
        _force(git, after)
        _force(git, before)
    elif head.branch == branch:
        return False
    tip = git.run("rev-parse", "--verify", "-q", "refs/heads/{0}^{{commit}}".format(branch)) if branch else None
    if tip is not None and tip.rc == 0 and tip.out.strip() == before:
        git.out("symbolic-ref", "HEAD", "refs/heads/" + branch)
    return True


def _force(git: Git, commit: str) -> None:
    """Make the files those of a commit, where the repository has that."""
    if git.test("cat-file", "-e", check_revision(commit) + "^{tree}"):
        git.out("checkout", "-q", "--force", "--detach", commit, "--")
        if git.test("cat-file", "-e", commit + ":.gitmodules"):
            git.out("submodule", "--quiet", "update", "--init", "--recursive", "--force")


def _unlock(top: str, owner: Optional[SystemUser]) -> bool:
    """Remove the lock of the index that a killed git has left."""
    directory = Git(top, owner).out("rev-parse", "--absolute-git-dir")
    with contextlib.suppress(FileNotFoundError):
        with openat.parent(os.path.join(directory, "index.lock"), owner) as (place, name):
            place.unlink(name)
        return True
    return False
