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
import shutil
import stat
import time
from dataclasses import dataclass
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import write_atomically
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import Command, acting_as, find_program, run
from ansible_collections.relocate.django.plugins.module_utils._secrets import make_directory

_KEY = re.compile(r"^(ssh-ed25519|ecdsa-sha2-nistp256) [A-Za-z0-9+/]{40,200}={0,3}\Z")
_REFUSED = (
    # Links are carried as they are: following one would let the site's user publish files that only root can read.
    "copy-links copy-unsafe-links copy-dirlinks delete remove-source-files write-devices copy-devices log-file* "
    "write-batch only-write-batch"
)
_EXPIRY = re.compile(rb'expiry-time="[0-9]{12}"')


def comment(site: str) -> str:
    """What marks our lines in authorized_keys."""
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


def lasts(line: bytes, wanted: bytes, now: float, valid_for: int) -> bool:
    """Whether a present line is the wanted one but for its expiry, and is valid for half of the time still."""
    if _EXPIRY.sub(b"", line) != _EXPIRY.sub(b"", wanted):
        return False
    found = _EXPIRY.search(line)
    if not found:
        return True
    expires = time.mktime(time.strptime(found.group(0)[13:25].decode(), "%Y%m%d%H%M"))
    return now + valid_for / 2 < expires <= now + valid_for + 60


@dataclass(frozen=True)
class Sshd:
    """What of the SSH server's configuration matters, for one user."""

    ports: Tuple[int, ...] = (22,)
    host_keys: Tuple[str, ...] = ()  # type and key, for known_hosts
    key_file: str = ".ssh/authorized_keys"
    root_login: str = "prohibit-password"
    public_keys: bool = True
    version: Tuple[int, int] = (9, 0)


def parse_sshd(text: str) -> Dict[str, List[str]]:
    """The output of ``sshd -T``: values by keyword."""
    found: Dict[str, List[str]] = {}
    for line in text.splitlines():
        keyword, _space, value = line.strip().partition(" ")
        found.setdefault(keyword.lower(), []).append(value)
    return found


def read_sshd(user: str, address: str) -> Sshd:
    """Ask the SSH server of this host; its defaults where it does not tell."""
    program = find_program("sshd")
    argv = [program or "sshd", "-T", "-C", "user={0},host={1},addr={1}".format(user, address)]
    found = parse_sshd(run(Command(argv), timeout=20).out) if program else {}
    client = find_program("ssh")
    version = re.search(r"OpenSSH_(\d+)\.(\d+)", run(Command([client, "-V"]), timeout=10).err) if client else None
    return Sshd(
        ports=tuple(int(port) for port in found.get("port", []) if port.isdigit()) or (22,),
        host_keys=tuple(_host_keys(found.get("hostkey", []))),
        key_file=(found.get("authorizedkeysfile", [""])[0].split() or [".ssh/authorized_keys"])[0],
        root_login=found.get("permitrootlogin", ["prohibit-password"])[0],
        public_keys=found.get("pubkeyauthentication", ["yes"])[0] != "no",
        version=(int(version.group(1)), int(version.group(2))) if version else (9, 0),
    )


def _host_keys(paths: Sequence[str]) -> List[str]:
    names = ["/etc/ssh/ssh_host_{0}_key".format(kind) for kind in ("ed25519", "ecdsa", "rsa")]
    keys = []
    for path in paths or names:
        with contextlib.suppress(OSError), open(path + ".pub", encoding="ascii", errors="replace") as stream:
            keys.append(" ".join(stream.read().split()[:2]))
    return [key for key in dict.fromkeys(keys) if " " in key]


def check_login(sshd: Sshd, user: SystemUser) -> None:
    """Refuse a login that the SSH server would not accept anyway. Raises transfer_refused."""
    if user.uid == 0 and sshd.root_login == "no":
        raise RelocateError(
            "transfer_refused",
            "the SSH server of the old host lets nobody in as root",
            "name a login with sudo rights without password, or set PermitRootLogin prohibit-password",
        )
    if not sshd.public_keys or sshd.key_file == "none":
        raise RelocateError(
            "transfer_refused", "the SSH server of the old host accepts no keys", "set PubkeyAuthentication yes"
        )


def command_prefix(user: SystemUser) -> List[str]:
    """What lets the login read the backup set, which is root's: nothing for root, else sudo. Raises right_missing."""
    if user.uid == os.geteuid():
        return []
    sudo = find_program("sudo")
    if sudo and run(Command([sudo, "-n", "true"], user=user), timeout=20).rc == 0:
        return [sudo, "-n"]
    raise RelocateError(
        "right_missing",
        "{0} may not use sudo without a password, which reading the backup set takes".format(user.name),
        "name root as login, or let {0} use sudo without a password".format(user.name),
    )


def key_path(sshd: Sshd, user: SystemUser) -> str:
    """The authorized_keys file that the SSH server reads for a user."""
    tokens = {"%h": user.home, "%u": user.name, "%U": str(user.uid), "%%": "%"}
    path = re.sub("%[huU%]", lambda found: tokens[found.group(0)], sshd.key_file)
    return os.path.normpath(os.path.join(user.home, path))


class KeyFile:
    """One authorized_keys file, changed in whole and only while it is what it should be.

    Files in a home are handled with the rights of its user, who could put a link in their place meanwhile.
    """

    def __init__(self, path: str, user: SystemUser) -> None:
        self.path, self._directory = path, os.path.dirname(path)
        self._user = user if path.startswith(user.home.rstrip("/") + "/") else None
        self._owners = {0, user.uid}

    def read(self) -> Optional[bytes]:
        """The content; None when there is no such file. Raises path_refused for links and somebody else's file."""
        with acting_as(self._user):
            for path, kind in ((self._directory, stat.S_ISDIR), (self.path, stat.S_ISREG)):
                try:
                    status = os.lstat(path)
                except FileNotFoundError:
                    return None
                except OSError as exc:
                    raise _refused(path, exc.strerror or "cannot be read") from exc
                if not kind(status.st_mode) or status.st_uid not in self._owners:
                    raise _refused(path, "is a link, or belongs to somebody else")
            with os.fdopen(os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as stream:
                return stream.read()

    def missing(self) -> str:
        """What :meth:`write` would make: directory, file, or nothing."""
        with acting_as(self._user):
            if not os.path.lexists(self._directory):
                return "directory"
            return "" if os.path.lexists(self.path) else "file"

    def write(self, text: bytes) -> None:
        """Replace the content in one step; mode, owner and time stay, of the directory too."""
        with acting_as(self._user), _same_time(self._directory):
            if not os.path.isdir(self._directory):
                with _same_time(os.path.dirname(self._directory)):
                    os.makedirs(self._directory, 0o700)
            temporary = self.path + ".relocate"
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(temporary, flags, 0o600), "wb") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            if os.path.lexists(self.path):
                status = os.lstat(self.path)
                if os.geteuid() == 0:
                    os.chown(temporary, status.st_uid, status.st_gid)
                shutil.copystat(self.path, temporary, follow_symlinks=False)
            os.replace(temporary, self.path)

    def remove(self, made: str) -> None:
        """Remove the file that we made, and the directory when we made that too and it is empty."""
        with acting_as(self._user):
            with _same_time(self._directory):
                os.unlink(self.path)
            if made == "directory":
                with contextlib.suppress(OSError), _same_time(os.path.dirname(self._directory)):
                    os.rmdir(self._directory)


@contextlib.contextmanager
def _same_time(directory: str) -> Iterator[None]:
    """Let a directory keep its modification time while a file in it is replaced."""
    before = os.stat(directory) if os.path.isdir(directory) else None
    yield
    if before is not None:
        with contextlib.suppress(OSError):
            os.utime(directory, ns=(before.st_atime_ns, before.st_mtime_ns))


def _refused(path: str, why: str) -> RelocateError:
    return RelocateError("path_refused", "{0} {1}".format(path, why), "correct it, or name another login")


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
    """Where the daemon's configuration lies while a grant holds."""
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
