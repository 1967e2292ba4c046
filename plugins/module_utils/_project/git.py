# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs git as a user, in one directory, so that it asks nobody, runs no hook, and shows no credentials."""

from __future__ import annotations

import os
import re
import tempfile
import urllib.parse
from dataclasses import dataclass, field
from typing import IO, List, Mapping, Optional, Sequence, Tuple, Union

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import (
    Command,
    Completed,
    last_lines,
    require_program,
    run,
)
from ansible_collections.relocate.django.plugins.module_utils._project.env_files import mask_urls
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore, scrub

_FULL_ID = re.compile(r"^([0-9a-f]{40}|[0-9a-f]{64})$")
_HELPER = re.compile(r"^[A-Za-z0-9+.-]+::")  # ext::, fd:: and other programs in place of a protocol
_TOKEN_LENGTH = 20  # a user name in an http URL that is this long is a token
_CONFIG = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.pager=cat",
    "protocol.ext.allow=never",
    "diff.autoRefreshIndex=false",  # reading must not write the index of the old host
    "status.renames=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
    "fetch.recurseSubmodules=false",
    "init.defaultBranch=main",
)
_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o StrictHostKeyChecking=yes",
}


@dataclass(frozen=True)
class Git:
    """git in one directory, as one user.

    :param env: further variables, for instance GIT_SSH_COMMAND; they win over ours
    :param config: further ``name=value`` settings for each call; they may not hold secrets (they are arguments)
    """

    path: str
    owner: Optional[SystemUser] = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    config: Tuple[str, ...] = ()

    def run(
        self,
        *args: str,
        stdin: Union[bytes, IO[bytes], None] = None,
        stdout: Optional[IO[bytes]] = None,
        timeout: Optional[float] = None,
        env: Optional[Mapping[str, str]] = None,
    ) -> Completed:
        """Run ``git ARGS``; the exit code is the caller's to judge. Raises program_missing, timed_out."""
        argv = [require_program("git")]
        for setting in _CONFIG + ("safe.directory=" + self.path,) + self.config:
            argv += ["-c", setting]
        variables = dict(_ENVIRONMENT)
        variables.update(self.env)
        variables.update(env or {})
        command = Command(argv + list(args), self.owner, variables, self.path, umask=0o022, family=True)
        return run(command, stdin=stdin, stdout=stdout, timeout=timeout)

    def out(self, *args: str) -> str:
        """Standard output without the last line break. Raises checkout_failed when git fails."""
        result = self.run(*args)
        if result.rc != 0:
            raise failed("checkout_failed", args, result)
        return result.stdout.decode("utf-8", "surrogateescape").rstrip("\n")

    def names(self, *args: str, env: Optional[Mapping[str, str]] = None) -> List[str]:
        """The NUL-separated names that a command prints, however many. Raises checkout_failed."""
        with tempfile.TemporaryFile() as spool:
            result = self.run(*args, stdout=spool, env=env)
            if result.rc != 0:
                raise failed("checkout_failed", args, result)
            spool.seek(0)
            return [name for name in spool.read().decode("utf-8", "surrogateescape").split("\0") if name]

    def test(self, *args: str) -> bool:
        """True when git exits 0."""
        return self.run(*args).rc == 0


def failed(code: str, args: Sequence[str], result: Completed, hint: str = "") -> RelocateError:
    """The error for a git command that failed, without credentials."""
    text = mask_urls(last_lines(result.err, 5))
    return RelocateError(
        code, "git {0} exited {1}: {2}".format(args[0] if args else "", result.rc, text), hint or _hint(text)
    )


def _hint(text: str) -> str:
    hints = (
        ("Host key verification failed", "add the remote's host key to the owner's ~/.ssh/known_hosts"),
        ("Permission denied (publickey", "give the owner a deploy key that the remote accepts"),
        ("could not read Username", "give the owner credentials for the remote, or use a deploy key"),
        ("Authentication failed", "renew the credentials for the remote"),
        ("Could not resolve host", "check the network and the remote's address"),
        ("dubious ownership", "the checkout belongs to someone else: set relocate_owner to that user"),
        ("No space left on device", "free disk space"),
    )
    return next((hint for needle, hint in hints if needle in text), "")


def check_revision(revision: str) -> str:
    """The revision, or revision_refused: only full ids say exactly which code is meant."""
    if not _FULL_ID.match(revision):
        raise RelocateError(
            "revision_refused",
            "{0!r} is not a full commit id".format(mask_urls(revision)),
            "give all 40 (or 64) hexadecimal digits, as `git rev-parse HEAD` prints them",
        )
    return revision


def check_remote(remote: str) -> str:
    """The remote, or revision_refused for what would run a program or be taken for an option."""
    if not remote or remote.startswith("-") or _HELPER.match(remote) or any(ord(char) < 32 for char in remote):
        raise RelocateError(
            "revision_refused",
            "{0!r} is not acceptable as a remote".format(mask_urls(remote)),
            "use an https://, ssh:// or user@host:path address, or a path",
        )
    return remote


def split_credentials(remote: str) -> Tuple[str, str, str]:
    """The remote without credentials, and the user and password that it held (decoded; empty when none).

    User names stay in the remote unless they are tokens: ``git@`` is part of an address.
    """
    match = re.match(r"^([A-Za-z][A-Za-z0-9+.-]*://)([^/]*)@(.*)$", remote, re.DOTALL)
    if not match:
        return remote, "", ""
    scheme, userinfo, rest = match.groups()
    user, _colon, password = userinfo.partition(":")
    user, password = urllib.parse.unquote(user), urllib.parse.unquote(password)
    token = scheme.lower().startswith("http") and len(user) >= _TOKEN_LENGTH
    kept = "" if token or not user else urllib.parse.quote(user) + "@"
    if not password and not token:
        return remote, "", ""
    return scheme + kept + rest, user, password


def with_credentials(git: Git, remote: str, secrets: Optional[SecretStore]) -> Tuple[Git, str]:
    """A git that knows the remote's credentials, and the remote without them.

    They reach git by a file that only the owner can read, never by an argument. Raises revision_refused when the
    remote holds credentials and there is no store to keep them in.
    """
    bare, user, password = split_credentials(check_remote(remote))
    if not user and not password:
        return git, bare
    if secrets is None:
        raise RelocateError(
            "revision_refused",
            "the remote {0} holds credentials".format(mask_urls(remote)),
            "use a deploy key, or a credential helper of the owner",
        )
    secrets.remember(password, user if len(user) >= _TOKEN_LENGTH else None)
    parts = urllib.parse.urlsplit(bare)
    host = parts.netloc.rpartition("@")[2]
    quoted = [urllib.parse.quote(item, safe="") for item in (user, password or "x-oauth-basic")]
    path = secrets.write("git-credentials", "{0}://{1}:{2}@{3}\n".format(parts.scheme, quoted[0], quoted[1], host))
    helper = "credential.helper=store --file='{0}'".format(path.replace("'", "'\\''"))
    config = git.config + ("credential.helper=", helper)
    return Git(git.path, git.owner, git.env, config), bare


def scrubbed(text: str, secrets: Optional[SecretStore]) -> str:
    """Return what git said, for a message."""
    return mask_urls(secrets.scrub(text) if secrets else scrub(text, ()))


def initialise(git: Git, commit: str, *options: str) -> None:
    """Make an empty repository that can hold this commit: its id tells the hash."""
    hashing = ["--object-format=sha256"] if len(commit) == 64 else []
    git.out("init", "-q", "--template=", *hashing, *options, ".")


def is_work_tree(path: str) -> bool:
    """True when path itself is the top of a checkout."""
    return os.path.lexists(os.path.join(path, ".git"))
