# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads which code a checkout holds, and bundles it. Never writes into the checkout."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from typing import IO, Dict, Iterator, List, Mapping, Optional

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import files
from ansible_collections.relocate.django.plugins.module_utils._host.scratch import owned_directory
from ansible_collections.relocate.django.plugins.module_utils._model import Revision, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import Completed, last_lines
from ansible_collections.relocate.django.plugins.module_utils._project.git import (
    Git,
    check_revision,
    failed,
    initialise,
    scrubbed,
    split_credentials,
    with_credentials,
)
from ansible_collections.relocate.django.plugins.module_utils._project.marks import kind_at
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

_DIFF = ["-c", "core.quotePath=true", "-c", "diff.autoRefreshIndex=true"]  # the index is a copy
_DIFF += ["diff", "--binary", "--full-index", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames"]
_DIFF += ["--src-prefix=a/", "--dst-prefix=b/", "--diff-algorithm=myers", "-U3", "HEAD"]


@dataclass(frozen=True)
class Reach:
    """The answer of a remote about a revision: ``found``, ``absent`` or ``unreachable``, and why."""

    status: str
    reason: str = ""
    hint: str = ""


def toplevel(path: str, owner: Optional[SystemUser] = None) -> str:
    """The top of the checkout that path lies in: the project may be a directory of a larger repository.

    Raises not_a_checkout, also when the repository around path has nothing to do with it.
    """
    git = Git(path, owner)
    result = git.run("rev-parse", "--show-toplevel")
    if result.rc != 0 or not result.stdout.strip():
        raise _not_a_checkout(path, result)
    top = result.stdout.decode("utf-8", "surrogateescape").rstrip("\n")
    if os.path.realpath(path) == os.path.realpath(top):
        return path  # as it was named: a link to the current release stays a link
    if not git.run("ls-files", "-z", "--", ".").stdout:
        raise RelocateError(
            "not_a_checkout",
            "{0} lies inside the checkout {1}, which tracks nothing of it".format(path, top),
            _how_to_hold(path),
        )
    return top


def prefix(path: str, owner: Optional[SystemUser] = None) -> str:
    """Return where in its repository a project lies; empty at the top. Raises not_a_checkout."""
    found = os.path.relpath(os.path.realpath(path), os.path.realpath(toplevel(path, owner)))
    return "" if found == "." else found


def top_of(path: str, prefix: str) -> str:
    """The top of a checkout that is to hold a project at ``path``, which lies at ``prefix`` of its repository.

    Raises bad_option when the path does not end with the prefix.
    """
    if not prefix:
        return path
    if not path.rstrip("/").endswith("/" + prefix):
        raise RelocateError(
            "bad_option",
            "the project lies in {0} of its repository, which {1} does not end with".format(prefix, path),
            "set relocate_path on new to a path that ends with /" + prefix,
        )
    return path.rstrip("/")[: -len(prefix) - 1]


def _how_to_hold(path: str) -> str:
    """Say what to do about code that git does not hold."""
    kind = kind_at(path)
    if kind in ("hg", "svn"):
        return "set relocate_vcs: {0}, by which it is moved, backed up and restored; other work knows git only".format(
            kind
        )
    return (
        "commit the project to git on old (git init, git add, git commit), then run again; or set relocate_vcs: none, "
        "to move, back up and restore the code as it lies"
    )


def _not_a_checkout(path: str, result: Completed) -> RelocateError:
    text = last_lines(result.err, 3)
    hint = _how_to_hold(path)
    if "dubious ownership" in text:
        text, hint = "it belongs to another user than the project's owner", "make both the same user"
    elif "not a git repository" in text:
        text = "there is no .git in it or above it"
    return RelocateError("not_a_checkout", "{0} is not a git checkout: {1}".format(path, text), hint)


def revision(path: str, owner: Optional[SystemUser] = None) -> Revision:
    """The commit that a checkout is at, its branch and remote, and its uncommitted changes to tracked files.

    Untracked files are no changes: `untracked.py` finds them. Raises not_a_checkout.
    """
    top = toplevel(path, owner)
    git = Git(top, owner)
    head = git.run("rev-parse", "--verify", "-q", "HEAD^{commit}")
    if head.rc != 0:
        raise RelocateError("not_a_checkout", "{0} has no commit checked out".format(path), "commit the project's code")
    branch = git.run("symbolic-ref", "-q", "--short", "HEAD")
    changed = changes(top, owner)
    return Revision(
        commit=head.out.strip(),
        branch=branch.out.strip() if branch.rc == 0 else "",
        remote=_remote(git, branch.out.strip()),
        dirty=bool(changed),
        changes=tuple(changed),
        described=git.run("describe", "--tags", "--always").out.strip(),
    )


def _remote(git: Git, branch: str) -> str:
    """The raw URL in the configuration: the owner's insteadOf rules, which may hold tokens, are not applied."""
    names = git.run("remote").out.split()
    wanted = git.run("config", "--get", "branch.{0}.remote".format(branch)).out.strip() if branch else ""
    chosen = [name for name in (wanted, "origin") if name in names] or names[:1]
    if not chosen:
        return ""
    return split_credentials(git.run("config", "--get", "remote.{0}.url".format(chosen[0])).out.strip())[0]


@contextlib.contextmanager
def _honest_index(git: Git, always: bool = False) -> Iterator[Dict[str, str]]:
    """Variables under which git looks at every tracked file.

    ``update-index --assume-unchanged`` and ``--skip-worktree``, used on servers to keep local settings, hide changes
    from git itself. A copy of the index without these flags tells the truth and leaves the real one alone.

    :param always: make the copy even when no file is flagged, for commands that refresh the index
    """
    present = []
    for entry in git.names("ls-files", "--stage", "-v", "-z"):
        tag, staged = entry[0], entry[2:]
        if (tag.islower() or tag == "S") and os.path.lexists(os.path.join(git.path, staged.partition("\t")[2])):
            present.append(staged)
    if not present and not always:
        yield {}
        return
    with owned_directory(git.owner) as directory:
        source = os.path.join(git.path, git.out("rev-parse", "--git-path", "index"))
        copy = os.path.join(directory, "index")
        _copy_index(git, source, copy)
        env = {"GIT_INDEX_FILE": copy}
        if present:
            # Entered anew: what git noted of such a file may be wrong, for it rewrites its index without looking at
            # them. A file of the same size and second as the commit's would pass as that.
            entries = "".join(staged + "\0" for staged in present).encode("utf-8", "surrogateescape")
            result = git.run("update-index", "-z", "--index-info", stdin=entries, env=env)
            if result.rc != 0:
                raise failed("checkout_failed", ("update-index",), result)
        yield env


def _copy_index(git: Git, source: str, copy: str) -> None:
    """As the owner, from beginning to end: both ends lie where the owner can exchange a file for a link."""
    with acting_as(git.owner):
        try:
            with open(source, "rb") as reader, files.created(copy) as writer:
                written = os.fstat(reader.fileno())
                shutil.copyfileobj(reader, writer)
                writer.flush()
                # By its age git knows which files it has to read again: those written as late as the index was.
                os.utime(writer.fileno(), ns=(written.st_atime_ns, written.st_mtime_ns))
        except OSError as exc:
            raise RelocateError(
                "checkout_failed",
                "git's index {0} cannot be copied: {1}".format(source, exc.strerror),
                "let the project's owner read the whole checkout",
            ) from exc


def changes(path: str, owner: Optional[SystemUser] = None) -> List[str]:
    """The tracked files that differ from the commit, sorted. ``path`` is the top of the checkout."""
    git = Git(path, owner)
    with _honest_index(git) as env:
        entries = git.names("status", "--porcelain=v1", "-z", "--untracked-files=no", env=env)
    return sorted(entry[3:] for entry in entries)


def files_at(path: str, owner: Optional[SystemUser], commit: str) -> Optional[List[str]]:
    """The files of another commit, relative to the top; None when the repository does not hold it."""
    git = Git(toplevel(path, owner), owner)
    if not git.test("cat-file", "-e", check_revision(commit) + "^{tree}"):
        return None
    return git.names("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)


def comes_after(path: str, owner: Optional[SystemUser], commit: str) -> bool:
    """Tell whether a commit came after what is checked out."""
    return Git(toplevel(path, owner), owner).test("merge-base", "--is-ancestor", "HEAD", check_revision(commit))


def descends(path: str, owner: Optional[SystemUser], before: str) -> bool:
    """Tell whether what is checked out came after a commit. False when the repository does not know that commit."""
    git = Git(toplevel(path, owner), owner)
    head = git.run("rev-parse", "--verify", "-q", "HEAD^{commit}").out.strip()
    return head != check_revision(before) and git.test("merge-base", "--is-ancestor", before, "HEAD")


def brings(path: str, owner: Optional[SystemUser], commit: str) -> bool:
    """Tell whether a bundle of what is checked out brings a commit along: it is that one, or came before it."""
    return Git(toplevel(path, owner), owner).test("merge-base", "--is-ancestor", check_revision(commit), "HEAD")


def check_whole(path: str, owner: Optional[SystemUser] = None) -> None:
    """Raises revision_refused for a partial clone (``--filter``), which lacks objects until the remote is asked."""
    top = toplevel(path, owner)
    if Git(top, owner).test("config", "--get-regexp", r"^(extensions\.partialclone|remote\..*\.promisor)$"):
        raise RelocateError(
            "revision_refused",
            "{0} is a partial clone: a bundle of it would be incomplete".format(top),
            "fetch everything on old: git fetch --refetch --no-filter, and unset the remote's promisor",
        )


def lfs_files(path: str, owner: Optional[SystemUser] = None) -> List[str]:
    """Tracked files whose content git-lfs keeps elsewhere."""
    return Git(path, owner).names("ls-files", "-z", "--", ":(attr:filter=lfs)")


def bundle(path: str, owner: Optional[SystemUser], commit: str, output: IO[bytes]) -> None:
    """Write a git bundle of the commit that is checked out, with its history, to an open file.

    The bundle names it HEAD, which needs no branch and no change to the repository. A shallow checkout gives a bundle
    as shallow; :func:`checkout` knows how to take one. Submodules and LFS content are not in it.

    Raises revision_not_found when something else is checked out, revision_refused for a partial clone, program_failed.
    """
    top = toplevel(path, owner)
    git = Git(top, owner)
    _expect_head(git, check_revision(commit))
    check_whole(path, owner)
    result = git.run("bundle", "create", "-", "HEAD", stdout=output)
    if result.rc != 0:
        raise failed("program_failed", ("bundle create",), result)
    _expect_head(git, commit)


def _expect_head(git: Git, commit: str) -> None:
    found = git.run("rev-parse", "--verify", "-q", "HEAD^{commit}").out.strip()
    if found != commit:
        raise RelocateError(
            "revision_not_found",
            "{0} is at {1}, not at {2}".format(git.path, found or "no commit", commit),
            "pause deployments on old, then start again",
        )


def patch(path: str, owner: Optional[SystemUser] = None, output: Optional[IO[bytes]] = None) -> bytes:
    """The uncommitted changes to tracked files, as ``git apply --index`` takes them.

    :param output: an open file for patches of any size; without it the patch is returned and may not exceed 1 MiB

    Raises program_failed.
    """
    git = Git(toplevel(path, owner), owner)
    with tempfile.TemporaryFile() as spool, _honest_index(git, always=True) as env:
        result = git.run(*_DIFF, stdout=output or spool, env=env)
        if result.rc != 0:
            raise failed("program_failed", ("diff",), result)
        spool.seek(0)
        return spool.read()


def reachable(
    remote: str,
    commit: str,
    owner: Optional[SystemUser] = None,
    env: Optional[Mapping[str, str]] = None,
    secrets: Optional[SecretStore] = None,
    timeout: float = 60,
) -> Reach:
    """Ask a remote, as the owner, whether it holds a commit. Raises revision_refused for unacceptable input.

    :param timeout: seconds for each of at most three questions
    """
    check_revision(commit)
    with owned_directory(owner) as directory:
        git, url = with_credentials(Git(directory, owner, env or {}), remote, secrets)
        try:
            listed = git.run("ls-remote", "--", url, timeout=timeout)
            if listed.rc != 0:
                error = failed("checkout_failed", ("ls-remote",), listed)
                return Reach("unreachable", scrubbed(error.msg, secrets), error.hint)
            if any(line.startswith(commit) for line in listed.out.splitlines()):
                return Reach("found")
            return _ask_for(git, url, commit, timeout)
        except RelocateError as exc:
            if exc.code != "timed_out":
                raise
            return Reach("unreachable", exc.msg, "check the network between new and the remote")


def _ask_for(git: Git, url: str, commit: str, timeout: float) -> Reach:
    """Not the tip of anything: fetch the commit alone, or, where servers refuse that, the history without files."""
    initialise(git, commit, "--bare")
    single = git.run("fetch", "-q", "--depth=1", "--filter=tree:0", "--", url, commit, timeout=timeout)
    if single.rc != 0:
        git.run("fetch", "-q", "--filter=tree:0", "--", url, "+refs/*:refs/relocate/*", timeout=timeout)
    if git.test("cat-file", "-e", commit + "^{commit}"):
        return Reach("found")
    return Reach("absent", "the remote does not hold {0}".format(commit), "push it to the remote")
