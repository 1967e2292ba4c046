# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs Subversion as a user, so that it asks nobody, and reads which code a working copy holds.

A working copy knows its revision and the original of each file, so it travels as it lies: Subversion has no bundle.
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass, field
from typing import IO, Callable, FrozenSet, List, Mapping, Optional, Sequence, Tuple, Union
from xml.etree import ElementTree

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
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

_URL = re.compile(r"^(https?|svn|svn\+ssh|file)://(?!-)[^\x00-\x20\x7f]*$")  # a tunnel of another name is a program
_ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",  # names are bytes on disk, and text to Subversion
    "SVN_SSH": "ssh -o BatchMode=yes -o StrictHostKeyChecking=yes",
    "SSH_ASKPASS": "",
    "SVN_EDITOR": "false",
}
_TOKEN_LENGTH = 20  # a user name of this length is a token
_BESIDE = ("unversioned", "ignored")
_CLEAN = ("normal", "external", "unversioned", "ignored", "none")
_LOCAL = ("info", "status")  # they ask no server, so they need no settings of the user


@dataclass(frozen=True)
class Svn:
    """Subversion in one directory, as one user."""

    path: str
    owner: Optional[SystemUser] = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)

    def run(
        self,
        *args: str,
        stdin: Union[bytes, None] = None,
        stdout: Optional[IO[bytes]] = None,
        timeout: Optional[float] = None,
    ) -> Completed:
        """Run ``svn ARGS``; the exit code is the caller's to judge. Raises program_missing, timed_out."""
        program = require_program("svn", "install the package subversion")
        variables = {key: value for key, value in self.env.items() if not key.startswith("LD_")}
        variables.update(_ENVIRONMENT)
        if args[0] not in _LOCAL:
            argv = [program, args[0], "--non-interactive", *args[1:]]
            command = Command(argv, self.owner, variables, self.path, umask=0o022, family=True)
            return run(command, stdin=stdin, stdout=stdout, timeout=timeout)
        with owned_directory(self.owner) as settings:
            argv = [program, args[0], "--non-interactive", "--config-dir", settings, *args[1:]]
            command = Command(argv, self.owner, variables, self.path, umask=0o022, family=True)
            return run(command, stdin=stdin, stdout=stdout, timeout=timeout)

    def xml(self, *args: str) -> ElementTree.Element:
        """Return what a command prints as XML. Raises not_a_checkout when Subversion fails."""
        with tempfile.TemporaryFile() as spool:
            result = self.run(*args, stdout=spool)
            if result.rc != 0:
                raise _refused(self.path, mask_urls(last_lines(result.err, 3)))
            spool.seek(0)
            try:
                return ElementTree.parse(spool).getroot()  # noqa: S314 - svn wrote it, and names no entities
            except ElementTree.ParseError as exc:
                raise _refused(self.path, "svn gave no usable answer") from exc


def _refused(path: str, why: str) -> RelocateError:
    hint = "commit the project to Subversion on old, or set relocate_vcs to what holds its code"
    return RelocateError("not_a_checkout", "{0} is not a working copy of Subversion: {1}".format(path, why), hint)


@dataclass(frozen=True)
class Info:
    """The revision of a working copy: its own address, and its repository."""

    url: str
    revision: str
    uuid: str
    top: str

    @property
    def commit(self) -> str:
        """Return the revision with its address, without credentials."""
        return "{0}@{1}".format(split_credentials(self.url)[0], self.revision)


def info(path: str, owner: Optional[SystemUser] = None) -> Info:
    """Ask a working copy what it is. Raises not_a_checkout."""
    entry = Svn(path, owner).xml("info", "--xml", ".").find("entry")
    found = (
        [""] * 3
        if entry is None
        else [entry.findtext(name) or "" for name in ("url", "repository/uuid", "wc-info/wcroot-abspath")]
    )
    if entry is None or not all(found):
        raise _refused(path, "svn info names no repository")
    return Info(check_url(found[0]), entry.get("revision") or "", found[1], found[2])


def check_url(url: str) -> str:
    """Return the address. Raises revision_refused for what would run a program or be taken for an option."""
    if not _URL.match(url):
        raise RelocateError(
            "revision_refused",
            "{0!r} is not acceptable as a Subversion address".format(mask_urls(url)),
            "use an https://, svn:// or svn+ssh:// address",
        )
    return url


def split_commit(commit: str) -> Tuple[str, str]:
    """Return address and number of a revision. Raises revision_refused."""
    url, _at, number = commit.rpartition("@")
    if not number.isdigit():
        raise RelocateError(
            "revision_refused",
            "{0!r} is not a revision of Subversion".format(mask_urls(commit)),
            "write it as ADDRESS@NUMBER, as `svn info` prints both",
        )
    return check_url(url), number


def toplevel(path: str, owner: Optional[SystemUser] = None) -> str:
    """Return the top of the working copy that path lies in. Raises not_a_checkout."""
    top = info(path, owner).top
    return path if os.path.realpath(path) == os.path.realpath(top) else top


@dataclass(frozen=True)
class Status:
    """All that a working copy holds: entries of its externals too."""

    versioned: FrozenSet[str]  # relative to the top
    externals: Tuple[str, ...]
    beside: Tuple[str, ...]  # what is not versioned; directories end with a slash
    changes: Tuple[str, ...]


def status(top: str, owner: Optional[SystemUser] = None) -> Status:
    """Look at a working copy. Raises not_a_checkout."""
    root = Svn(top, owner).xml("status", "--xml", "--verbose", "--no-ignore", ".")
    states = _states(root)
    externals = _named(states, lambda item: item == "external")
    beside = _named(states, lambda item: item in _BESIDE)
    versioned = _named(states, lambda item: item not in (*_BESIDE, "external", "none"))
    changed = [text for name, _item, state in states for text in _changed(name, state)]
    changed += _parts([state for name, item, state in states if item != "added" and not _is_below(name, externals)])
    return Status(frozenset(versioned), externals, beside, tuple(sorted(changed)))


_State = Tuple[str, str, ElementTree.Element]


def _named(states: Sequence[_State], fits: Callable[[str], bool]) -> Tuple[str, ...]:
    return tuple(name for name, item, _state in states if fits(item))


def _states(root: ElementTree.Element) -> List[_State]:
    """Return the name, the state and all that is said of each entry."""
    found = [(one.get("path") or "", one.find("wc-status")) for one in root.iter("entry")]
    return [(name, state.get("item") or "", state) for name, state in found if state is not None]


def _parts(states: Sequence[ElementTree.Element]) -> List[str]:
    """Tell of a working copy that is of several revisions: no number says which code that is."""
    numbers = sorted({int(state.get("revision") or 0) for state in states if (state.get("revision") or "").isdigit()})
    text = "(parts of revisions {0} to {1}: svn update makes them one)"
    return [text.format(numbers[0], numbers[-1])] if len(numbers) > 1 else []


def _is_below(name: str, places: Sequence[str]) -> bool:
    return any((name + "/").startswith(place + "/") for place in places)


def _changed(name: str, state: ElementTree.Element) -> List[str]:
    item, props = state.get("item") or "", state.get("props") or "none"
    if item not in _CLEAN or props not in ("none", "normal"):
        return [name]
    marks = [word for word in ("switched", "wc-locked", "tree-conflicted") if state.get(word) == "true"]
    return ["{0} ({1})".format(name, ", ".join(marks))] if marks else []


def revision(path: str, owner: Optional[SystemUser] = None) -> OtherRevision:
    """Return the revision of a working copy, and its uncommitted changes. Raises not_a_checkout."""
    top = toplevel(path, owner)
    found, looked = info(top, owner), status(top, owner)
    return OtherRevision(
        commit=found.commit,
        remote=split_credentials(found.url)[0],
        dirty=bool(looked.changes),
        changes=looked.changes,
        vcs="svn",
        uuid=found.uuid,
    )


def tracked(top: str, owner: Optional[SystemUser] = None) -> List[str]:
    """Return the files that Subversion holds, relative to the top."""
    return sorted(status(top, owner).versioned)


def credentials(url: str) -> Tuple[str, Sequence[str], Optional[bytes]]:
    """Return an address without its credentials, the options that name its user, and the password for standard input.

    Raises revision_refused for a token in place of a user: it would be seen among the processes.
    """
    bare, user, password = split_credentials(check_url(url))
    if not user and not password:
        return bare, (), None
    if len(user) >= _TOKEN_LENGTH or user.startswith("-"):
        raise RelocateError(
            "revision_refused", "the address holds a token as a user name", "store it as the owner: svn auth"
        )
    options = ["--username", user, "--password-from-stdin", "--no-auth-cache"]
    return bare, options, password.encode("utf-8") + b"\n"


def bring(path: str, owner: Optional[SystemUser], commit: str, source_env: Mapping[str, str], switch: bool) -> None:
    """Check a revision out of its repository, into an empty directory, or into the working copy that is there.

    Externals are not fetched: they may lead anywhere. Raises revision_not_found, revision_refused.
    """
    url, number = split_commit(commit)
    bare, options, password = credentials(url)
    address = "{0}@{1}".format(bare, number)
    words = (
        ("switch", "--ignore-externals", "-q", "-r", number)
        if switch
        else ("checkout", "--ignore-externals", "-q", "-r", number)
    )
    done = Svn(path, owner, source_env).run(*words, *options, "--", address, ".", stdin=password)
    if done.rc != 0:
        text = mask_urls(last_lines(done.err, 5))
        raise RelocateError(
            "revision_not_found",
            "svn {0} exited {1}: {2}".format(words[0], done.rc, text),
            "let the owner reach the repository on new, or move what old runs, which its set brings",
        )
    listed = Svn(path, owner, source_env).run("propget", "-R", "svn:externals", ".")
    if listed.stdout.strip():
        raise RelocateError(
            "revision_refused",
            "the revision takes code from elsewhere by svn:externals, which is not fetched",
            "move what old runs, whose externals travel with it",
        )
