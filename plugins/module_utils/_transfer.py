# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The new host's side of a transfer: rsync over SSH with a one-time key, from the daemon that the old host grants.

A set's manifest comes last, so that an interrupted transfer leaves no set; what has arrived is not sent again.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, List, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._backup_set import DATABASES, MANIFEST, BackupSet
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import write_atomically
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._network import reachable
from ansible_collections.relocate.django.plugins.module_utils._process import (
    Command,
    Completed,
    find_program,
    last_lines,
    run,
)
from ansible_collections.relocate.django.plugins.module_utils._secrets import make_directory

PARTIAL = ".rsync-partial"
KEY, KNOWN_HOSTS = "id_ed25519", "known_hosts"
_ATTEMPTS = 3  # a lost connection is taken up again so many times
_PAUSE = 3.0  # seconds before that
#: What a processor with AES does fastest comes first; the others are for hosts that do not know it.
_CIPHERS = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr,aes256-ctr"
#: At level 1 it takes less time than encrypting what it saves, on the fastest of lines too.
_ZSTD = ("--compress", "--compress-choice=zstd", "--compress-level=1")
_LOST = re.compile(r"Connection (reset|closed|to \S+ closed)|Broken pipe|[Tt]imeout|timed out|unexpectedly closed")
_UNREACHABLE = re.compile(r"Connection refused|No route|unreachable|timed out|Could not resolve|Name or service")


@dataclass(frozen=True)
class Way:
    """How to reach the old host."""

    site: str
    keys: str  # the directory of key and known_hosts
    addresses: Sequence[str]
    port: int = 22
    login: str = "root"
    zstd: bool = False  # whether both rsyncs know it


@dataclass
class Moved:
    """What one or more runs of rsync, or copies, brought."""

    files: int = 0
    size: int = 0  # bytes of those files
    received: int = 0  # bytes over the wire
    deleted: int = 0
    made: int = 0  # files, directories and links that were not there
    address: str = ""
    vanished: bool = False

    @property
    def anything(self) -> bool:
        """Whether the new host holds something other than before."""
        return bool(self.files or self.deleted or self.made)

    def add(self, other: Moved) -> None:
        """Sum up."""
        for name in ("files", "size", "received", "deleted", "made"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.vanished = self.vanished or other.vanished
        self.address = other.address or self.address


@dataclass(frozen=True)
class Request:
    """What to bring, and how it is to lie here."""

    source: str  # a module of the daemon and a path in it, such as "set/"
    target: str
    options: Sequence[str] = field(default_factory=tuple)
    compressible: bool = False


# --- pure functions


def known_hosts(site: str, host_keys: Sequence[str]) -> str:
    """The file that makes SSH accept the old host by its keys, whatever its address. Raises bad_option."""
    lines = []
    for key in host_keys:
        words = key.split()[:2]
        if len(words) != 2 or not re.match(r"^[a-z0-9@.-]+$", words[0]) or not re.match(r"^[A-Za-z0-9+/=]+$", words[1]):
            raise RelocateError("bad_option", "a host key is not one", "pass what transfer_grant returned")
        lines.append("relocate-{0} {1}\n".format(site, " ".join(words)))
    return "".join(lines)


def ssh_argv(way: Way, program: str = "ssh") -> List[str]:
    """The SSH command: one key, one known host, nothing from anybody's configuration."""
    options = {
        "IdentityFile": os.path.join(way.keys, KEY),
        "UserKnownHostsFile": os.path.join(way.keys, KNOWN_HOSTS),
        "GlobalKnownHostsFile": "/dev/null",
        "HostKeyAlias": "relocate-" + way.site,
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "BatchMode": "yes",
        "PreferredAuthentications": "publickey",
        "ControlPath": "none",
        "ConnectTimeout": "10",
        "ServerAliveInterval": "15",
        "ServerAliveCountMax": "4",
        "Compression": "no",
        "Ciphers": _CIPHERS,
        "LogLevel": "ERROR",
    }
    argv = [program, "-F", "/dev/null", "-T", "-p", str(way.port)]
    for name, value in options.items():
        argv += ["-o", "{0}={1}".format(name, _quoted(value) if "/" in value and " " in value else value)]
    return argv


def _quoted(path: str) -> str:
    """A path in a value of SSH's options, which splits at spaces."""
    return '"' + path + '"'


def remote_shell(argv: Sequence[str]) -> str:
    """A command as rsync's ``-e`` takes it apart again: by spaces and quotes, without escapes."""
    words = []
    for word in argv:
        if "'" in word:
            raise RelocateError("path_refused", "the work directory has a quote in its name", "name another directory")
        words.append("'" + word + "'" if re.search(r'[\s"]', word) else word)
    return " ".join(words)


def rsync_argv(request: Request, way: Way, address: str, program: str = "rsync", ssh: str = "ssh") -> List[str]:
    """The rsync command for one request."""
    host = "[{0}]".format(address) if ":" in address else address
    argv = [program, "--recursive", "--times", "--stats", "--no-human-readable", "--timeout=600"]
    argv += ["--no-motd", "--partial-dir=" + PARTIAL]
    argv += [
        *(_ZSTD if way.zstd and request.compressible else []),
        *request.options,
        "--rsh=" + remote_shell(ssh_argv(way, ssh)),
    ]
    return [*argv, "--", "{0}@{1}::{2}".format(way.login, host, request.source), request.target]


def set_request(target: str, again: bool = False) -> Request:
    """All of a set but its manifest. Whole files: a dump that differs, differs from the beginning.

    :param again: compare contents, since what lies here failed its verification
    """
    options = ["--whole-file", "--no-perms", "--chmod=D700,F600", "--no-links", "--delete-delay"]
    options += ["--exclude=/" + MANIFEST, "--exclude=/" + MANIFEST + ".new"] + (["--checksum"] if again else [])
    return Request("set/", target + "/", options, compressible=True)


def manifest_request(target: str) -> Request:
    """The manifest alone."""
    return Request("set/" + MANIFEST, target + "/", ["--no-perms", "--chmod=F600", "--no-links", "--ignore-times"])


def media_request(target: str, owner: str, group: str, delete: bool = False) -> Request:
    """MEDIA: modes and links stay, special files and links that lead out do not come."""
    options = ["--links", "--safe-links", "--perms", "--chmod=Fug-s", "--no-devices", "--no-specials"]
    options += ["--owner", "--group", "--chown={0}:{1}".format(owner, group)] if owner else []
    return Request("media/", target + "/", options + (["--delete-delay"] if delete else []))


_STATS = {
    "files": r"Number of (?:regular )?files transferred: ([0-9,.]+)",
    "size": r"Total transferred file size: ([0-9,.]+)",
    "received": r"Total bytes received: ([0-9,.]+)",
    "deleted": r"Number of deleted files: ([0-9,.]+)",
    "made": r"Number of created files: ([0-9,.]+)",
}


def parse_stats(text: str) -> Moved:
    """What ``rsync --stats`` tells."""
    moved = Moved()
    for name, pattern in _STATS.items():
        found = re.search(pattern, text)
        if found:
            setattr(moved, name, int(re.sub("[^0-9]", "", found.group(1))))
    return moved


def failure(rc: int, err: str, address: str) -> RelocateError:
    """The error that an exit code and message of rsync or SSH stand for."""
    said = last_lines("\n".join(line for line in err.splitlines() if not line.startswith("rsync error:")), 3)
    if "No space left on device" in err or "Disk quota exceeded" in err:
        return RelocateError("disk_full", "the disk of the new host is full", "make room, then run again: it resumes")
    if "Host key verification failed" in err or "IDENTIFICATION HAS CHANGED" in err:
        msg = "{0} has another host key than the old host".format(address)
        return RelocateError("transfer_refused", msg, "see which host has that address", {"host_key": True})
    if re.search(r"Permission denied \([a-z]", err):
        return RelocateError(
            "transfer_refused",
            "the old host at {0} did not accept the one-time key".format(address),
            "it lets the key in from the addresses of the new host only: with address translation between the two, "
            "use the relay",
        )
    if rc == 255 and _UNREACHABLE.search(err):
        return _unreachable([said])
    if _LOST.search(err) or rc in (10, 12, 30, 35, 255):
        msg = "the connection to {0} was lost: {1}".format(address, said)
        return RelocateError("transfer_failed", msg, "run again: it resumes", {"lost": True})
    hint = "look at the message, then run again: it resumes"
    return RelocateError("transfer_failed", "rsync exited {0}: {1}".format(rc, said), hint, {"rc": rc})


def _unreachable(reasons: Sequence[str]) -> RelocateError:
    return RelocateError(
        "transfer_unreachable",
        "the new host cannot reach the old host ({0})".format("; ".join(reasons) or "no address is known"),
        "open the way for SSH between the two, or use the relay",
    )


# --- the key


def make_key(directory: str, site: str) -> bool:
    """Make the one-time key pair; False when it is there."""
    if os.path.isfile(os.path.join(directory, KEY)) and os.path.isfile(os.path.join(directory, KEY + ".pub")):
        return False
    make_directory(directory, 0o700)
    for name in (KEY, KEY + ".pub"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(directory, name))
    program = find_program("ssh-keygen")
    if not program:
        raise RelocateError("program_missing", "ssh-keygen is not on this host", "install the OpenSSH client")
    argv = [program, "-q", "-t", "ed25519", "-N", "", "-C", "relocate-" + site, "-f", os.path.join(directory, KEY)]
    done = run(Command(argv), timeout=60)
    if done.rc:
        raise RelocateError("program_failed", "ssh-keygen exited {0}: {1}".format(done.rc, last_lines(done.err)))
    return True


def read_public_key(directory: str) -> str:
    """Type and key, without the comment; empty when there is none."""
    try:
        with open(os.path.join(directory, KEY + ".pub"), encoding="ascii") as stream:
            return " ".join(stream.read().split()[:2])
    except FileNotFoundError:
        return ""


# --- fetching


class Fetcher:
    """Runs requests against the first address that is really the old host.

    :param way: how to reach it
    :param host_keys: its public keys; no other host is talked to
    """

    def __init__(self, way: Way, host_keys: Sequence[str], runner: Callable[..., Completed] = run) -> None:
        self._way, self._run = way, runner
        self._rsync, self._ssh = _program("rsync"), _program("ssh")
        if not os.path.isfile(os.path.join(way.keys, KEY)):
            raise RelocateError(
                "transfer_refused", "there is no one-time key on this host", "ask for state ready first"
            )
        write_atomically(os.path.join(way.keys, KNOWN_HOSTS), known_hosts(way.site, host_keys))
        self._addresses, self._reasons = reachable(way.addresses, way.port)

    def fetch(self, request: Request, missing_is_fine: bool = False) -> Moved:
        """Bring what a request asks for. Raises transfer_unreachable, transfer_refused, transfer_failed, disk_full."""
        error = _unreachable(self._reasons)
        for address in list(self._addresses):
            try:
                moved = self._from(address, request)
            except RelocateError as exc:
                error = exc
                if not exc.details.get("host_key"):
                    raise
                self._addresses.remove(address)  # an address that both hosts have, such as a container bridge
                continue
            self._addresses = [address]
            return moved
        raise error

    def _from(self, address: str, request: Request) -> Moved:
        argv = rsync_argv(request, self._way, address, self._rsync, self._ssh)
        for attempt in range(_ATTEMPTS):
            done = self._run(Command(argv))
            if done.rc in (0, 24):  # 24: files vanished, as they do on a site that serves
                return replace(parse_stats(done.out), address=address, vanished=done.rc == 24)
            error = failure(done.rc, done.err, address)
            if not error.details.get("lost") or attempt + 1 == _ATTEMPTS:
                break
            time.sleep(_PAUSE)
        raise error


def _program(name: str) -> str:
    path = find_program(name)
    if not path:
        raise RelocateError("program_missing", "{0} is not on this host".format(name), "install {0}".format(name))
    return path


Fetch = Callable[[Request], Moved]
#: :meth:`Stopwatch.step`
Step = Callable[[str], "contextlib.AbstractContextManager[None]"]


def _uncounted(_name: str) -> "contextlib.AbstractContextManager[None]":
    return contextlib.nullcontext()


def bring_set(fetch: Fetch, backup: BackupSet, sha256: str, jobs: int, step: Step = _uncounted) -> Moved:
    """Bring a set; with the digest of its manifest also that, and verify every file.

    A file that fails its verification is fetched once more by content, since its size and time may be right.
    """
    manifest = backup.file(MANIFEST)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(manifest)
    with step("fetch"):
        moved = fetch(set_request(backup.path))
        if not sha256:
            return moved
        moved.add(fetch(manifest_request(backup.path)))
    remove_partial(backup.path)
    try:
        with step("hash"):
            backup.verify(backup.read(sha256), jobs)
    except RelocateError as error:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(manifest)
        if error.code not in ("file_differs", "dump_truncated", "file_missing", "file_unlisted"):
            raise
        moved.add(fetch(set_request(backup.path, again=True)))
        moved.add(fetch(manifest_request(backup.path)))
        _verify_or_discard(backup, sha256, jobs)
    return moved


def _verify_or_discard(backup: BackupSet, sha256: str, jobs: int) -> None:
    try:
        backup.verify(backup.read(sha256), jobs)
    except RelocateError:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(backup.file(MANIFEST))  # what is not proven must not be taken for a set
        raise


def remove_partial(path: str) -> None:
    """Remove the directories in which rsync keeps what an interruption left."""
    for top, directories, _names in os.walk(path):
        if PARTIAL in directories:
            directories.remove(PARTIAL)
            shutil.rmtree(os.path.join(top, PARTIAL), ignore_errors=True)


@contextlib.contextmanager
def claimed(backup: BackupSet, owner: Optional[SystemUser]) -> Any:
    """Hold the databases of a set as our own while they come in, then give them to the project's owner."""
    path = backup.file(DATABASES)
    if os.geteuid() == 0:
        os.chown(path, 0, 0)
    try:
        yield
    finally:
        if owner is not None and os.geteuid() == 0 and os.path.isdir(path):
            for top, directories, names in os.walk(path, topdown=False):
                for name in [*directories, *names]:
                    os.lchown(os.path.join(top, name), owner.uid, owner.gid)
            os.chown(path, owner.uid, owner.gid)


def result_of(moved: Moved) -> Dict[str, Any]:
    """The part of a module's result that tells what was brought."""
    return {
        "files": moved.files,
        "bytes": moved.size,
        "received": moved.received,
        "deleted": moved.deleted,
        "address": moved.address,
    }
