# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings a checkout on new to a revision: cloned beside its place, verified, then moved into it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
from dataclasses import dataclass
from typing import Callable, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import AS_ROOT, RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import directories as host_directories
from ansible_collections.relocate.django.plugins.module_utils._host import files, openat
from ansible_collections.relocate.django.plugins.module_utils._host.openat import Rights
from ansible_collections.relocate.django.plugins.module_utils._host.parents import rights_of
from ansible_collections.relocate.django.plugins.module_utils._host.scratch import owned_directory
from ansible_collections.relocate.django.plugins.module_utils._model import Directory, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project.git import (
    Git,
    check_remote,
    check_revision,
    failed,
    initialise,
    is_work_tree,
    scrubbed,
    split_credentials,
    with_credentials,
)
from ansible_collections.relocate.django.plugins.module_utils._project.revision import (
    changes,
    lfs_files,
    patch,
)
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

_CHUNK = 1024 * 1024
_POINTER = b"version https://git-lfs.github.com/spec/"
_BROKEN_HISTORY = re.compile(r"parents of commit ([0-9a-f]{40,64})")


@dataclass(frozen=True)
class CheckoutPlan:
    """The action that :func:`checkout` will take: ``clone``, ``update`` or ``none``."""

    action: str
    path: str
    commit: str
    before: str = ""  # the commit that is there now


@dataclass(frozen=True)
class Source:
    """The places that a revision may come from.

    :param remote: address, may be empty; credentials in it are used and not kept
    :param bundle: path of a git bundle, which this process can read; asked before the remote
    :param patch: uncommitted changes to put on top
    :param env: variables for git, for instance GIT_SSH_COMMAND
    :param secrets: where credentials of the remote are kept meanwhile
    :param directories: the checkout's own and those above it, as they were on old
    """

    remote: str = ""
    bundle: Optional[str] = None
    patch: bytes = b""
    env: Optional[Mapping[str, str]] = None
    secrets: Optional[SecretStore] = None
    timeout: Optional[float] = None  # seconds, for each fetch
    directories: Sequence[Directory] = ()


def plan_checkout(path: str, owner: Optional[SystemUser], commit: str, source: Source) -> CheckoutPlan:
    """Return what would be done, without doing it.

    Raises revision_refused, checkout_occupied, dirty_tree.
    """
    check_revision(commit)
    if source.remote:
        check_remote(source.remote)
    if is_free(path):
        return CheckoutPlan("clone", path, commit)
    if not os.path.isdir(path) or not is_work_tree(path):
        raise occupied(path, "it holds other files")
    return _plan_update(Git(path, owner, source.env or {}), commit, source)


def _plan_update(git: Git, commit: str, source: Source) -> CheckoutPlan:
    before = _head(git)
    if not before:
        return CheckoutPlan("update", git.path, commit)  # a clone that was cut short
    if not _same_project(git, source.remote, commit):
        raise occupied(git.path, "its origin is another one, and it does not know the revision")
    changed = changes(git.path, git.owner)
    if changed and not (before == commit and _is_patched(git, source.patch)):
        raise dirty(git.path, changed)
    done = before == commit and bool(changed) == bool(source.patch) and not _pointers(git)
    return CheckoutPlan("none" if done else "update", git.path, commit, before)


def _is_patched(git: Git, wanted: bytes) -> bool:
    """Tell whether what was changed there is the patch that travels with the revision."""
    return bool(wanted) and patch(git.path, git.owner) == wanted


def checkout(path: str, owner: Optional[SystemUser], commit: str, source: Source) -> bool:
    """Make path a checkout of exactly this commit, detached; True when anything was changed.

    Raises what :func:`plan_checkout` raises; revision_not_found, checkout_failed, timed_out.
    """
    plan = plan_checkout(path, owner, commit, source)
    if plan.action == "none":
        return False
    bring(plan, owner, source, lambda place: _fill(Git(place, owner, source.env or {}), commit, source))
    return True


def bring(plan: CheckoutPlan, owner: Optional[SystemUser], source: Source, fill: Callable[[str], None]) -> None:
    """Fill the place of a checkout; one that is not there is filled beside it, and moved into it once it is whole.

    :param fill: makes a directory hold the revision
    """
    path = plan.path.rstrip("/")
    if plan.action == "clone" and not os.path.lexists(path):
        incoming = make_incoming(path, owner, source.directories)
        fill(os.path.join(os.path.dirname(path), incoming))
        with openat.parent(path, owner) as (place, name):
            place.replace(incoming, name)
        return
    if plan.action == "clone" and owner is not None and os.geteuid() == 0:
        give_empty(path, owner)
    fill(path)


def holds(path: str, owner: Optional[SystemUser], commit: str) -> bool:
    """Tell whether path is a checkout whose repository holds a commit already, with its files."""
    return is_work_tree(path) and _has(Git(path, owner), check_revision(commit))


def _head(git: Git) -> str:
    result = git.run("rev-parse", "--verify", "-q", "HEAD^{commit}")
    if result.rc not in (0, 1):
        raise failed("checkout_occupied", ("rev-parse",), result)
    return result.out.strip() if result.rc == 0 else ""


def _same_project(git: Git, remote: str, commit: str) -> bool:
    if git.test("cat-file", "-e", commit + "^{commit}"):
        return True
    origin = git.run("config", "--get", "remote.origin.url").out.strip()
    if not remote or not origin:
        return True  # one of them came from a bundle: _fill compares the histories
    return normal(origin) == normal(remote)


def normal(remote: str) -> str:
    """Return an address in the form by which two are compared."""
    bare = split_credentials(remote)[0].rstrip("/")
    return re.sub(r"^([a-z+]+://)?([^/@]*@)?", "", re.sub(r"\.git$", "", bare)).replace(":", "/", 1)


def is_free(path: str) -> bool:
    """Tell whether nothing is in the way of a checkout."""
    return not os.path.lexists(path) or (os.path.isdir(path) and not os.listdir(path))


#: The way out of a checkout that holds changes.
_CLEAN = {
    "git": "commit or stash them (git stash) on this host",
    "hg": "commit them, or undo them (hg update --clean), on this host",
    "svn": "commit or revert them on this host; after a command cut short, first svn cleanup, then svn update -r N",
}


def dirty(path: str, changed: Sequence[str], kind: str = "git") -> RelocateError:
    """Return the refusal of a checkout of git, hg or svn (``kind``) that somebody works in, at these paths."""
    return RelocateError(
        "dirty_tree",
        "{0} holds uncommitted changes: {1}".format(path, ", ".join(changed[:10])),
        _CLEAN[kind],
        {"changes": list(changed[:100])},
    )


def occupied(path: str, why: str) -> RelocateError:
    """Return the refusal of a directory that holds something else."""
    return RelocateError(
        "checkout_occupied",
        "{0} is not a checkout of this project: {1}".format(path, why),
        "move it away, or set relocate_path on new to another directory",
    )


def make_incoming(path: str, owner: Optional[SystemUser], directories: Sequence[Directory]) -> str:
    """Make an empty directory of the owner beside path; a leftover of a killed run is removed. Returns its name."""
    parent, name = os.path.split(path)
    incoming = ".{0}.relocate-incoming".format(name)
    full = os.path.join(parent, incoming)
    try:
        host_directories.make_directories(parent, owner, rights_of(directories, Rights(0, 0)))
        with openat.parent(path, owner) as (place, _name):
            _remove_incoming(place, full, owner)
            # As it was on old: what git brings may be nobody else's to read.
            old = next((item.mode for item in directories if item.path == path), 0o755)
            mine = Rights(owner.uid, owner.gid, old | 0o700) if owner else Rights(mode=old | 0o700)
            host_directories.make_one(place, incoming, mine)
    except OSError as exc:
        raise RelocateError(
            "checkout_failed",
            "{0} cannot be made: {1}".format(full, exc.strerror),
            "{0}; or create {1} for the project's owner".format(AS_ROOT, path),
        ) from exc
    return incoming


def _remove_incoming(place: openat.Place, full: str, owner: Optional[SystemUser]) -> None:
    try:
        status = place.lstat(os.path.basename(full))
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(status.st_mode):
        raise occupied(full, "it is no directory")
    with acting_as(owner if os.geteuid() == 0 else None):  # what is in it is the owner's
        shutil.rmtree(full, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError), acting_as(place.user):
        os.rmdir(os.path.basename(full), dir_fd=place.handle)


def give_empty(path: str, owner: SystemUser) -> None:
    """Make an empty directory that is there the owner's, if it is the one that was named."""
    try:
        with openat.parent(path, owner) as (place, name):
            handle = place.open(name, os.O_RDONLY | os.O_DIRECTORY)
    except (NotADirectoryError, PermissionError):  # a link, which leads to what must be the owner's already
        return
    try:
        if not os.listdir(handle):
            os.fchown(handle, owner.uid, owner.gid)
    finally:
        os.close(handle)


def _fill(git: Git, commit: str, source: Source) -> None:
    before = _head(git) if is_work_tree(git.path) else ""
    if not is_work_tree(git.path):
        initialise(git, commit)
    if source.remote:
        _set_origin(git, split_credentials(source.remote)[0])
    _obtain(git, commit, source)
    if before and not git.test("merge-base", before, commit):
        git.run("update-ref", "-d", "refs/relocate/" + commit)
        raise occupied(git.path, "its history has nothing in common with the revision")
    git.out("checkout", "-q", "--detach", commit, "--")
    _submodules(git, commit)
    _large_files(git)
    _verify(git, commit)
    if source.patch:
        result = git.run("apply", "--index", "--whitespace=nowarn", "-", stdin=source.patch)
        if result.rc != 0:
            raise failed("checkout_failed", ("apply",), result, "the recorded changes do not fit the revision")


def _set_origin(git: Git, url: str) -> None:
    git.out("config", "remote.origin.url", url)
    git.out("config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")


def _obtain(git: Git, commit: str, source: Source) -> None:
    """Raises revision_not_found, with what the remote said."""
    said: List[str] = []
    if _has(git, commit):
        return
    if source.bundle:
        said.append(_from_bundle(git, commit, source.bundle))
    if source.remote and not _has(git, commit):
        said.append(_from_remote(git, commit, source))
    if not _has(git, commit):
        raise not_found(commit, source, "; ".join(text for text in said if text))


def not_found(commit: str, source: Source, reasons: str) -> RelocateError:
    """Return the refusal when no source had the revision."""
    asked = " and ".join(name for name, used in (("bundle", source.bundle), ("remote", source.remote)) if used)
    return RelocateError(
        "revision_not_found",
        "{0} did not give {1}{2}".format(asked or "no source", commit, ": " + reasons if reasons else ""),
        "push the revision to the remote, or restore from a backup set, which holds a bundle",
    )


def _has(git: Git, commit: str) -> bool:
    """The commit with its whole tree and history, as far as the repository is not shallow."""
    return git.test("cat-file", "-e", commit + "^{tree}") and git.test("rev-list", "--count", commit)


def _from_remote(git: Git, commit: str, source: Source) -> str:
    knowing, _url = with_credentials(git, source.remote, source.secrets)
    result = knowing.run("fetch", "-q", "--tags", "origin", timeout=source.timeout)
    if result.rc != 0:
        error = failed("checkout_failed", ("fetch",), result)
        return scrubbed(error.msg + (" ({0})".format(error.hint) if error.hint else ""), source.secrets)
    if not _has(git, commit):  # force-pushed away, yet many servers still have it
        wanted = "+{0}:refs/relocate/{0}".format(commit)
        result = knowing.run("fetch", "-q", "origin", wanted, timeout=source.timeout)
        return scrubbed(failed("checkout_failed", ("fetch",), result).msg, source.secrets) if result.rc else ""
    return ""


def _from_bundle(git: Git, commit: str, path: str) -> str:
    """The bundle may lie where only root can read: the owner gets a copy for as long as it takes."""
    with owned_directory(git.owner) as directory:
        copy = os.path.join(directory, "code.bundle")
        try:
            with open(path, "rb") as reader:
                with acting_as(git.owner):
                    writer = files.created(copy)
                with writer:
                    shutil.copyfileobj(reader, writer, _CHUNK)
        except OSError as exc:
            return "the bundle {0} cannot be read: {1}".format(path, exc.strerror)
        wanted = "+HEAD:refs/relocate/{0}".format(commit)
        result = git.run("fetch", "-q", "--no-tags", copy, wanted)
        if result.rc != 0 and git.test("bundle", "unbundle", copy):
            _mark_shallow(git, commit)
            result = git.run("fetch", "-q", "--no-tags", copy, wanted)
        return failed("checkout_failed", ("fetch",), result).msg if result.rc != 0 else ""


def _mark_shallow(git: Git, commit: str) -> None:
    """Tell git where the history of a shallow bundle ends, as the repository that it was made from did.

    A bundle cannot say so itself. Each failing walk names one commit whose parents are missing.
    """
    marker = os.path.join(git.path, ".git", "shallow")
    for _attempt in range(10000):
        result = git.run("rev-list", "--count", commit)
        match = _BROKEN_HISTORY.search(result.err)
        if result.rc == 0 or match is None:
            return
        with acting_as(git.owner), open(marker, "ab") as stream:
            stream.write(match.group(1).encode("utf-8") + b"\n")


def _submodules(git: Git, commit: str) -> None:
    if not git.test("cat-file", "-e", commit + ":.gitmodules"):
        return
    git.out("submodule", "--quiet", "sync", "--recursive")
    result = git.run("submodule", "--quiet", "update", "--init", "--recursive", "--force")
    if result.rc != 0:
        raise failed("checkout_failed", ("submodule update",), result, "give the owner access to the submodules")


def _pointers(git: Git) -> List[str]:
    """Files that hold a git-lfs pointer instead of their content: the site would serve the pointers."""
    found = []
    names = lfs_files(git.path, git.owner)
    with acting_as(git.owner):
        for name in names:
            try:
                handle = os.open(os.path.join(git.path, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            except OSError:
                continue
            with os.fdopen(handle, "rb") as stream:
                if stream.read(len(_POINTER)) == _POINTER:
                    found.append(name)
    return found


def _large_files(git: Git) -> None:
    pointers = _pointers(git)
    if pointers and git.test("lfs", "version"):
        git.out("lfs", "pull")
        pointers = _pointers(git)
    if pointers:
        raise RelocateError(
            "checkout_failed",
            "{0} files are kept by git-lfs and were not fetched, for instance {1}".format(len(pointers), pointers[0]),
            "install git-lfs on new and run again",
        )


def _verify(git: Git, commit: str) -> None:
    found = _head(git)
    if found != commit:
        raise RelocateError("checkout_failed", "{0} is at {1} instead of {2}".format(git.path, found, commit))
    changed = changes(git.path, git.owner)
    if changed:
        raise RelocateError(
            "checkout_failed",
            "the fresh checkout differs from its revision in {0}".format(", ".join(changed[:10])),
            "look for filters or line ending rules in .gitattributes that new does not know",
        )
