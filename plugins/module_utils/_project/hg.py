# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs Mercurial as a user, so that it asks nobody and runs no hook, and reads which code a checkout holds."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from typing import IO, List, Mapping, Optional, Tuple, Union

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._host.scratch import owned_directory
from ansible_collections.relocate.django.plugins.module_utils._model import OtherRevision, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import (
    Command,
    Completed,
    last_lines,
    require_program,
    run,
)
from ansible_collections.relocate.django.plugins.module_utils._project.env_files import mask_urls
from ansible_collections.relocate.django.plugins.module_utils._project.git import split_credentials
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

_NODE = re.compile(r"^[0-9a-f]{40}$")
_SCHEMES = ("http", "https", "ssh", "file")  # the others read bundles as repositories, or run what a setting names
_OLDEST = (5, 6)  # earlier ones cannot be kept from reading the hooks in .hg/hgrc
_CONFIG = (
    "ui.ssh=ssh -o BatchMode=yes -o StrictHostKeyChecking=yes",
    "ui.merge=internal:fail",
    "subrepos.allowed=false",
)
#: Neither the settings of the system, nor the user's, nor the repository's: hooks and extensions are there.
_ENVIRONMENT = {
    "HGPLAIN": "1",
    "HGRCPATH": "",
    "HGRCSKIPREPO": "1",
    "HGENCODING": "UTF-8",
    "HGEDITOR": "false",
    "SSH_ASKPASS": "",
}
_MERGE = "(a merge that is not committed)"
_CHUNK = 1024 * 1024
_LIMIT = 1024 * 1024  # bytes of hgrc


@dataclass(frozen=True)
class Hg:
    """Mercurial in one directory, as one user.

    :param env: further variables; those that lead Mercurial or Python to other code are left out
    :param rc: a file of settings, such as credentials, that only the user can read
    """

    path: str
    owner: Optional[SystemUser] = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    rc: str = ""

    def run(
        self,
        *args: str,
        stdin: Union[bytes, IO[bytes], None] = None,
        stdout: Optional[IO[bytes]] = None,
        timeout: Optional[float] = None,
    ) -> Completed:
        """Run ``hg ARGS``; the exit code is the caller's to judge. Raises program_missing, timed_out."""
        program = require_program("hg", "install the package mercurial")
        _check_version(program, self.owner)
        argv = [program, "--noninteractive"]
        for setting in _CONFIG:
            argv += ["--config", setting]
        variables = {key: value for key, value in self.env.items() if not key.startswith(("HG", "PYTHON", "LD_"))}
        variables.update(_ENVIRONMENT, HGRCPATH=self.rc)
        command = Command(argv + list(args), self.owner, variables, self.path, umask=0o022, family=True)
        return run(command, stdin=stdin, stdout=stdout, timeout=timeout)

    def out(self, *args: str) -> str:
        """Return standard output. Raises checkout_failed when Mercurial fails."""
        result = self.run(*args)
        if result.rc != 0:
            raise failed("checkout_failed", args[0], result)
        return result.stdout.decode("utf-8", "surrogateescape")

    def names(self, *args: str) -> List[str]:
        """Return the NUL-separated names that a command prints, however many. Raises checkout_failed."""
        with tempfile.TemporaryFile() as spool:
            result = self.run(*args, stdout=spool)
            if result.rc not in (0, 1):  # 1: none
                raise failed("checkout_failed", args[0], result)
            spool.seek(0)
            return [name for name in spool.read().decode("utf-8", "surrogateescape").split("\0") if name]

    def parents(self) -> List[str]:
        """Return what is checked out: one node, two while a merge goes on, none in an empty repository."""
        return self.out("log", "-r", "parents()", "-T", "{node}\n").split()

    def knows(self, node: str) -> bool:
        """Tell whether the repository holds a changeset."""
        return self.run("log", "-r", check_node(node), "-T", "{node}").out.strip() == node


@functools.lru_cache(maxsize=None)
def _check_version(program: str, owner: Optional[SystemUser]) -> None:
    """Raise program_missing for a Mercurial that would run the hooks of a repository."""
    done = run(Command([program, "version", "-q", "-T", "{ver}"], owner, dict(_ENVIRONMENT), "/"), timeout=60)
    numbers = re.match(r"(\d+)\.(\d+)", done.out)
    if numbers is None or (int(numbers.group(1)), int(numbers.group(2))) < _OLDEST:
        raise RelocateError(
            "program_missing",
            "Mercurial {0} is too old: it cannot be kept from running a repository's hooks".format(done.out.strip()),
            "install Mercurial 5.6 or later",
        )


def failed(code: str, what: str, result: Completed) -> RelocateError:
    """Return the error for a command that failed, without credentials."""
    text = mask_urls(last_lines(result.err, 5))
    hints = (
        ("Host key verification failed", "add the remote's host key to the owner's ~/.ssh/known_hosts"),
        ("Permission denied (publickey", "give the owner a deploy key that the remote accepts"),
        (
            "requires features unknown",
            "extensions such as largefiles are not supported: use git, or relocate_vcs: none",
        ),
        ("authorization failed", "give the owner credentials for the remote, or use a deploy key"),
    )
    hint = next((hint for needle, hint in hints if needle in text), "")
    return RelocateError(code, "hg {0} exited {1}: {2}".format(what, result.rc, text), hint)


def check_node(node: str) -> str:
    """Return the revision. Raises revision_refused: only full ids say exactly which code is meant."""
    if not _NODE.match(node):
        raise RelocateError(
            "revision_refused",
            "{0!r} is not a full node id".format(mask_urls(node)),
            "give all 40 hexadecimal digits, as `hg log -r . -T '{node}'` prints them",
        )
    return node


def check_remote(remote: str) -> str:
    """Return the remote. Raises revision_refused for what would run a program or be taken for an option."""
    scheme = re.match(r"^([A-Za-z][A-Za-z0-9+.-]*):", remote)
    host = re.sub(r"^[a-z]+://([^/@]*@)?", "", remote)
    known = scheme is None or (scheme.group(1).lower() in _SCHEMES and remote[scheme.end() :].startswith("//"))
    if not remote or remote.startswith("-") or host.startswith("-") or any(ord(c) < 32 for c in remote) or not known:
        raise RelocateError(
            "revision_refused",
            "{0!r} is not acceptable as a remote".format(mask_urls(remote)),
            "use an https:// or ssh:// address, or a path",
        )
    return remote


def toplevel(path: str, owner: Optional[SystemUser] = None) -> str:
    """Return the top of the checkout that path lies in. Raises not_a_checkout."""
    top = real = os.path.realpath(path)
    while not os.path.lexists(os.path.join(top, ".hg")):
        if top == "/":
            raise _refused(path, "there is no .hg in it or above it")
        top = os.path.dirname(top)
    if top == real:
        return path  # as it was named: a link to the current release stays a link
    if not Hg(path, owner).names("files", "-T", "{path}\\0", "."):
        raise _refused(path, "{0}, which it lies in, tracks nothing of it".format(top))
    return top


def _refused(path: str, why: str) -> RelocateError:
    hint = "commit the project to Mercurial on old, or set relocate_vcs to what holds its code"
    return RelocateError("not_a_checkout", "{0} is not a Mercurial checkout: {1}".format(path, why), hint)


def revision(path: str, owner: Optional[SystemUser] = None) -> OtherRevision:
    """Return the changeset that is checked out, its branch and remote, and uncommitted changes to tracked files.

    Raises not_a_checkout.
    """
    top = toplevel(path, owner)
    hg = Hg(top, owner)
    lines = hg.out("log", "-r", "parents()", "-T", "{node} {branch}\n").splitlines()
    if not lines:
        raise _refused(path, "no changeset is checked out")
    changed = changes(top, owner) + ([_MERGE] if len(lines) > 1 else [])
    node, _space, branch = lines[0].partition(" ")
    return OtherRevision(
        commit=node,
        branch=branch,
        remote=remote(top, owner),
        dirty=bool(changed),
        changes=tuple(changed),
        vcs="hg",
    )


def remote(top: str, owner: Optional[SystemUser]) -> str:
    """Return ``default`` of the repository's paths, read as text: asking Mercurial would load all of its settings."""
    with contextlib.suppress(OSError), openat.open_file(os.path.join(top, ".hg", "hgrc"), owner) as stream:
        found = _default(stream.read(_LIMIT).decode("utf-8", "surrogateescape"))
        if found and "://" not in found:
            found = os.path.normpath(os.path.join(top, found))
        return split_credentials(found)[0]
    return ""


def _default(text: str) -> str:
    section, found = "", ""
    for line in text.splitlines():
        name, equals, value = (part.strip() for part in line.partition("="))
        if line.startswith("["):
            section = line.strip().strip("[]")
        elif section == "paths" and equals and name == "default" and not line[:1].isspace():
            found = value
    return found


def changes(path: str, owner: Optional[SystemUser] = None) -> List[str]:
    """Return the tracked files that differ from the changeset, sorted. ``path`` is the top of the checkout."""
    return sorted(Hg(path, owner).names("status", "-m", "-a", "-r", "-d", "-n", "-0"))


def tracked(top: str, owner: Optional[SystemUser] = None) -> List[str]:
    """Return the files that Mercurial holds, relative to the top."""
    return Hg(top, owner).names("files", "-T", "{path}\\0")


def beside(top: str, owner: Optional[SystemUser] = None) -> List[str]:
    """Return the files that Mercurial does not hold, ignored ones too."""
    return Hg(top, owner).names("status", "-u", "-i", "-n", "-0")


def files_at(path: str, owner: Optional[SystemUser], node: str) -> Optional[List[str]]:
    """Return the files of another changeset; None when the repository does not hold it."""
    hg = Hg(toplevel(path, owner), owner)
    return hg.names("files", "-r", node, "-T", "{path}\\0") if hg.knows(node) else None


def is_ancestor(path: str, owner: Optional[SystemUser], before: str, after: str) -> bool:
    """Tell whether one changeset came before another, or is the same one; ``.`` is what is checked out."""
    hg = Hg(toplevel(path, owner), owner)
    first, second = (item if item == "." else check_node(item) for item in (before, after))
    done = hg.run("log", "-r", "({0}) and ancestors({1})".format(first, second), "-T", "x")
    return done.rc == 0 and bool(done.stdout)


def _refuse_missing(hg: Hg) -> None:
    """Raise dirty_tree for files that are gone and that Mercurial still holds: its patches leave them out."""
    missing = hg.names("status", "-d", "-n", "-0")
    if missing:
        raise RelocateError(
            "dirty_tree",
            "{0} lacks files that Mercurial holds, and no patch says so: {1}".format(hg.path, ", ".join(missing[:10])),
            "remove them from it as well (hg remove --after), or bring them back (hg revert), on this host",
            {"changes": missing[:100]},
        )


def check_whole(path: str, owner: Optional[SystemUser] = None) -> None:
    """Raise revision_refused or dirty_tree for a checkout that would arrive as another one.

    A bundle lacks the code of subrepositories; a patch lacks the removal of what Mercurial was not told of.
    """
    top = toplevel(path, owner)
    _refuse_missing(Hg(top, owner))
    if ".hgsub" in tracked(top, owner):
        raise RelocateError(
            "revision_refused",
            "{0} has subrepositories: a bundle of it would lack their code".format(top),
            "commit their code to it on old, or set relocate_vcs: none to carry the tree as an archive",
        )


def bundle(path: str, owner: Optional[SystemUser], node: str, output: IO[bytes]) -> None:
    """Write a bundle of the whole repository to an open file.

    Raises revision_not_found when something else is checked out, revision_refused, program_failed.
    """
    hg = Hg(toplevel(path, owner), owner)
    check_whole(path, owner)
    with owned_directory(owner) as directory:
        name = os.path.join(directory, "code.hg")
        result = hg.run("bundle", "-q", "--all", "--type", "gzip-v2", "--", name)
        if result.rc != 0:
            raise failed("program_failed", "bundle", result)
        with acting_as(owner), open(name, "rb") as stream:
            shutil.copyfileobj(stream, output, _CHUNK)
    found = hg.parents()
    if found != [node] and found[:1] != [node]:
        raise RelocateError(
            "revision_not_found",
            "{0} is at {1}, not at {2}".format(hg.path, ", ".join(found) or "no changeset", node),
            "pause deployments on old, then start again",
        )


def patch(path: str, owner: Optional[SystemUser], output: IO[bytes]) -> None:
    """Write the uncommitted changes to tracked files as ``hg import`` takes them. Raises dirty_tree, program_failed."""
    hg = Hg(toplevel(path, owner), owner)
    if len(hg.parents()) > 1:
        raise RelocateError(
            "dirty_tree", "{0} holds a merge that is not committed: no patch can carry it".format(path), "commit it"
        )
    result = hg.run("diff", "--git", stdout=output)
    if result.rc != 0:
        raise failed("program_failed", "diff", result)
    _refuse_missing(hg)  # also what went while the patch was written


def credentials_file(remote: str) -> Tuple[str, str, str]:
    """Return a remote without its credentials, the text of settings that hold them, and the password."""
    bare, user, password = split_credentials(check_remote(remote))
    if not user and not password:
        return bare, "", ""
    if any(ord(char) < 32 for char in user + password):
        raise RelocateError("revision_refused", "the remote's credentials hold control characters", "use a deploy key")
    host = re.sub(r"^[A-Za-z]+://([^/@]*@)?([^/]*).*$", r"\2", bare)
    lines = [
        "[auth]",
        "x.prefix = " + host,
        "x.username = " + user,
        "x.password = " + password,
        "x.schemes = http https",
    ]
    return bare, "\n".join(lines) + "\n", password
