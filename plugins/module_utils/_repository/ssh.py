# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reaches the host of a repository by SSH: with one key, known by its host keys, nothing of anybody's configuration."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from typing import Iterator, List, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import private
from ansible_collections.relocate.django.plugins.module_utils._host.files import make_directory, write_atomically
from ansible_collections.relocate.django.plugins.module_utils._process import require_program
from ansible_collections.relocate.django.plugins.module_utils._repository.access import Access

_ALIAS = "relocate-repository"
_KEY = re.compile(r"^[a-z0-9@.-]+ [A-Za-z0-9+/=]+( .*)?$")
_UNREACHABLE = re.compile(
    r"connection refused|no route|unreachable|timed out|could not resolve|name or service|connection (?:reset|closed)",
    re.IGNORECASE,
)


def known_hosts(keys: Sequence[str]) -> str:
    """Return the file by which a host is known, whatever its address. Raises bad_option."""
    lines = []
    for key in keys:
        if not _KEY.match(key):
            raise RelocateError(
                "bad_option",
                "relocate_repository: an entry of host_keys is no public key",
                "list what the host has in /etc/ssh/ssh_host_*_key.pub, such as ssh-ed25519 AAAA...",
            )
        lines.append("{0} {1}\n".format(_ALIAS, " ".join(key.split()[:2])))
    return "".join(lines)


def words(access: Access, known: str, program: str) -> List[str]:
    """Return the command of SSH, without the host.

    :param known: the file with its keys
    """
    options = {
        "IdentityFile": access.key_file,
        "UserKnownHostsFile": known,
        "GlobalKnownHostsFile": "/dev/null",
        "HostKeyAlias": _ALIAS,
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "BatchMode": "yes",
        "PreferredAuthentications": "publickey",
        "ControlPath": "none",
        "ConnectTimeout": "10",
        "ServerAliveInterval": "15",
        "ServerAliveCountMax": "4",
        "LogLevel": "ERROR",
    }
    argv = [program, "-F", "/dev/null", "-T", "-p", str(access.port)]
    return argv + [word for name, value in options.items() for word in ("-o", name + "=" + value)]


@contextlib.contextmanager
def command(access: Access, directory: str) -> Iterator[str]:
    """Give the command as rsync's ``--rsh`` and restic's ``sftp.command`` take it; "" where no host is to be reached.

    :param directory: our work directory
    Raises repository_password for a key that others can read, bad_option.
    """
    if not access.host:
        yield ""
        return
    private.read_private(access.key_file, "repository_password")
    make_directory(os.path.join(directory, "cache"), 0o700)
    with tempfile.TemporaryDirectory(prefix="ssh-", dir=os.path.join(directory, "cache")) as top:
        known = os.path.join(top, "known_hosts")
        write_atomically(known, known_hosts(access.host_keys))
        program = require_program("ssh", "install the OpenSSH client")
        argv = words(access, known, program)
        if any(re.search(r"[\s'\"\\]", word) for word in argv):
            raise RelocateError(
                "bad_option",
                "a path of relocate_repository, or relocate_directory, has a space or a quote in it",
                "use others",
            )
        yield " ".join(argv)


def failure(address: str, status: int, said: str) -> RelocateError:
    """Return the error for rsync's exit code and what it, or SSH, said."""
    text, details = said.lower(), {"rsync": said}
    if "host key verification failed" in text or "identification has changed" in text:
        return RelocateError(
            "host_key_differs",
            "the host of the repository {0} has none of the keys in host_keys".format(address),
            "find out which host answers there; if it is the right one, correct host_keys of relocate_repository",
            details,
        )
    if "permission denied (" in text or "invalid format" in text:
        return RelocateError(
            "repository_password",
            "the host of the repository does not accept key_file: {0}".format(said),
            "put the public key into authorized_keys of the user there",
            details,
        )
    if _UNREACHABLE.search(said):
        return RelocateError(
            "repository_unreachable",
            "the repository cannot be reached: {0}".format(said),
            "see that its host runs and that this one reaches it",
            details,
        )
    if "no space left on device" in text or "quota exceeded" in text:
        return RelocateError("disk_full", "a disk is full: {0}".format(said), "free space, then run again", details)
    if "no such file or directory" in text and status in (11, 23, 3):
        return RelocateError(
            "repository_missing",
            "there is no repository at the address: {0}".format(said),
            "correct the address, mount what it lies on, or have one made there (create: true)",
            details,
        )
    return RelocateError("repository_failed", "rsync exited {0}: {1}".format(status, said), "see what it says", details)
