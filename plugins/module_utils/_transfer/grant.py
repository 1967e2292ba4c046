# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The old host's side of a transfer: a key that can read two directories for a day, and nothing else.

One line in authorized_keys binds the key to an rsync daemon with a configuration of ours, which knows the backup set
and MEDIA, read-only. Whatever the key's holder asks for, this is what runs.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shlex
import time
from typing import Iterator, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import make_directory, write_atomically
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import Command, find_program, run

_KEY = re.compile(r"^(ssh-ed25519|ecdsa-sha2-nistp256) [A-Za-z0-9+/]{40,200}={0,3}\Z")
_REFUSED = (
    # Links are carried as they are: following one would let the site's user publish files that only root can read.
    "copy-links copy-unsafe-links copy-dirlinks delete remove-source-files write-devices copy-devices log-file* "
    "write-batch only-write-batch"
)
_EXPIRY = re.compile(rb'expiry-time="[0-9]{12}"')


def comment(site: str) -> str:
    """Return what marks our lines in authorized_keys."""
    return "relocate-" + site


def check_key(public_key: str) -> str:
    """Type and key without its comment, or bad_option."""
    key = " ".join(public_key.split()[:2])
    if not _KEY.match(key):
        raise RelocateError(
            "bad_option", "public_key is not an ed25519 public key", "pass what relocate.django.transfer returned"
        )
    return key


def _check_path(path: str) -> str:
    """A path as it can stand in rsyncd.conf and in a quoted option of authorized_keys; else path_refused."""
    if not os.path.isabs(path) or re.search(r"[\x00-\x1f\x7f\"%\\]", path) or path != path.strip():
        raise RelocateError(
            "path_refused",
            "{0!r} cannot be offered to the new host".format(path),
            "use a path without quotes, percent signs and backslashes",
        )
    return path


def conf_text(modules: Mapping[str, str], chroot: bool, readers: Optional[Mapping[str, SystemUser]] = None) -> str:
    """rsyncd.conf: the directories that can be read, and that nothing else can be asked for.

    :param chroot: whether the daemon runs as root
    :param readers: with whose rights a directory is read, where not with root's
    """
    lines = [
        "# relocate.django: for one transfer, removed after it",
        "use chroot = {0}".format("yes" if chroot else "no"),
        "read only = yes",
        "list = no",
        "munge symlinks = no",
        "reverse lookup = no",
        "max verbosity = 1",
        "timeout = 600",
        "refuse options = " + _REFUSED,
    ]
    lines += ["uid = 0", "gid = 0"] if chroot else []
    for name, path in modules.items():
        lines += ["", "[{0}]".format(name), "path = " + _check_path(path)]
        user = (readers or {}).get(name)
        if chroot and user is not None:
            groups = [user.gid, *(gid for gid in user.groups if gid != user.gid)]
            lines += ["uid = {0}".format(user.uid), "gid = " + " ".join(str(gid) for gid in groups)]
    return "\n".join(lines) + "\n"


def key_line(site: str, key: str, addresses: Sequence[str], command: Sequence[str], expiry: str) -> bytes:
    """Our line of authorized_keys, without its end. ``expiry`` is local time, or empty where sshd knows none."""
    options = ["restrict", 'from="{0}"'.format(",".join(addresses))]
    options += ['expiry-time="{0}"'.format(expiry)] if expiry else []
    options.append('command="{0}"'.format(" ".join(shlex.quote(_check_word(word)) for word in command)))
    return "{0} {1} {2}".format(",".join(options), key, comment(site)).encode("utf-8", "surrogateescape")


def _check_word(word: str) -> str:
    return _check_path(word) if os.path.isabs(word) else word


def ours(text: bytes, site: str) -> List[bytes]:
    """The lines of a site in authorized_keys."""
    mark = comment(site).encode()
    return [line for line in text.split(b"\n") if line.split()[-1:] == [mark]]


def with_line(text: bytes, line: bytes) -> bytes:
    """Add a line; a file whose last line has no end keeps it that way, so that removing ours restores every byte."""
    return text + line + b"\n" if not text or text.endswith(b"\n") else text + b"\n" + line


def without_lines(text: bytes, site: str) -> bytes:
    """The inverse of :func:`with_line`, for every line of a site."""
    gone = set(ours(text, site))
    kept = [line for line in text.split(b"\n") if line not in gone]
    return b"\n".join(kept)


def is_still_valid(line: bytes, wanted: bytes, now: float, valid_for: int) -> bool:
    """Tell whether a present line is the wanted one but for its expiry, and is valid for half of the time still."""
    if _EXPIRY.sub(b"", line) != _EXPIRY.sub(b"", wanted):
        return False
    found = _EXPIRY.search(line)
    if not found:
        return True
    expires = time.mktime(time.strptime(found.group(0)[13:25].decode(), "%Y%m%d%H%M"))
    return now + valid_for / 2 < expires <= now + valid_for + 60


def command_prefix(user: SystemUser) -> List[str]:
    """Return the prefix that lets the login read root's backup set: none for root, else sudo. Raises right_missing."""
    if user.uid == os.geteuid():
        return []
    sudo = find_program("sudo")
    if sudo and run(Command([sudo, "-n", "true"], user=user), timeout=20).rc == 0:
        return [sudo, "-n"]
    raise RelocateError(
        "right_missing",
        "{0} may not use sudo without a password, which reading the backup set needs".format(user.name),
        "set relocate_transfer_login: root, or let {0} use sudo without a password".format(user.name),
    )


@contextlib.contextmanager
def one_at_a_time(directory: str) -> Iterator[None]:
    """Hold others off between reading authorized_keys and replacing it: the sites of a host share that file."""
    path = os.path.dirname(conf_path(directory, ""))
    make_directory(path, 0o711)
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def conf_path(directory: str, site: str) -> str:
    """Return where the daemon's configuration lies while a grant holds."""
    return os.path.join(directory, "transfer", site + ".conf")


def write_conf(path: str, text: str) -> bool:
    """Write the configuration; False when it was there already."""
    make_directory(os.path.dirname(path), 0o711)
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), encoding="utf-8") as stream:
            if stream.read() == text:
                return False
    except FileNotFoundError:
        pass
    write_atomically(path, text)
    return True
