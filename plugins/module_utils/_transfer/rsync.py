# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds rsync's command line and reads its answers; knows what the rsync of this host can do."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import Command, find_program, last_lines, run
from ansible_collections.relocate.django.plugins.module_utils._progress import Amount
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import MANIFEST

PARTIAL = ".rsync-partial"
KEY, KNOWN_HOSTS = "id_ed25519", "known_hosts"
KEEP = "--ignore-existing"
DRY = "--dry-run"  # only tell what would be brought and deleted
MEDIA_SOURCE = "media/"
_NANOSECONDS, COPY_AS, _TELLS = (3, 1, 3), (3, 2, 0), (3, 1, 0)  # the versions of rsync that brought these
#: What a processor with AES does fastest comes first; the others are for hosts that do not know it.
_CIPHERS = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr,aes256-ctr"
#: At level 1 it takes less time than encrypting what it saves, on the fastest of lines too.
_ZSTD = ("--compress", "--compress-choice=zstd", "--compress-level=1")
_LOST = re.compile(r"Connection (reset|closed|to \S+ closed)|Broken pipe|[Tt]imeout|timed out|unexpectedly closed")
_UNREACHABLE = re.compile(r"Connection refused|No route|unreachable|timed out|Could not resolve|Name or service")


@dataclass(frozen=True)
class Way:
    """The way to the old host."""

    site: str
    keys: str  # the directory of key and known_hosts
    addresses: Sequence[str]
    port: int = 22
    login: str = "root"
    zstd: bool = False  # whether both rsyncs know it
    version: Tuple[int, ...] = ()  # of rsync here
    control: str = ""  # the socket of a connection that is open already


@dataclass
class Moved:
    """The amount that one or more runs of rsync, or copies, brought."""

    files: int = 0
    size: int = 0  # bytes of those files
    received: int = 0  # bytes over the wire
    deleted: int = 0
    made: int = 0  # files, directories and links that were not there
    address: str = ""
    vanished: bool = False

    @property
    def anything(self) -> bool:
        """Tell whether the new host holds something other than before."""
        return bool(self.files or self.deleted or self.made)

    def add(self, other: Moved) -> None:
        """Sum up."""
        for name in ("files", "size", "received", "deleted", "made"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.vanished = self.vanished or other.vanished
        self.address = other.address or self.address


@dataclass(frozen=True)
class Request:
    """The files to bring, and how they shall lie here."""

    source: str  # a module of the daemon and a path in it, such as "set/"
    target: str
    options: Sequence[str] = field(default_factory=tuple)
    compressible: bool = False
    user: Optional[SystemUser] = None  # with whose rights it is written, when not with those of this process
    skip: Sequence[str] = ()  # names that are neither brought nor deleted
    displaced: str = ""  # where files go that would be overwritten or deleted
    to_nanoseconds: bool = False  # whether a file that was rewritten within the same second is brought again


def known_hosts(site: str, host_keys: Sequence[str]) -> str:
    """The file that makes SSH accept the old host by its keys, whatever its address. Raises bad_option."""
    lines = []
    for key in host_keys:
        words = key.split()[:2]
        if len(words) != 2 or not re.match(r"^[a-z0-9@.-]+$", words[0]) or not re.match(r"^[A-Za-z0-9+/=]+$", words[1]):
            raise RelocateError("bad_option", "a host key is not one", "pass what transfer_grant returned")
        lines.append("relocate-{0} {1}\n".format(site, " ".join(words)))
    return "".join(lines)


def ssh_argv(way: Way, program: str = "ssh", shares: bool = False) -> List[str]:
    """The SSH command: one key, one known host, nothing from anybody's configuration.

    :param shares: whether this is the connection that others use by its socket
    """
    options = {
        "ControlMaster": "yes" if shares else "no",
        "IdentityFile": os.path.join(way.keys, KEY),
        "UserKnownHostsFile": os.path.join(way.keys, KNOWN_HOSTS),
        "GlobalKnownHostsFile": "/dev/null",
        "HostKeyAlias": "relocate-" + way.site,
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "BatchMode": "yes",
        "PreferredAuthentications": "publickey",
        "ControlPath": way.control.replace("%", "%%") or "none",
        "ConnectTimeout": "10",
        # One that is open in advance is found dead as soon as a new one would be found impossible, or nearly so.
        "ServerAliveInterval": "5" if shares else "15",
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
            raise RelocateError(
                "path_refused", "the work directory has a quote in its name", "set relocate_directory to another path"
            )
        words.append("'" + word + "'" if re.search(r'[\s"]', word) else word)
    return " ".join(words)


def rsync_argv(request: Request, way: Way, address: str, program: str = "rsync", ssh: str = "ssh") -> List[str]:
    """The rsync command for one request."""
    host = "[{0}]".format(address) if ":" in address else address
    argv = [program, "--recursive", "--times", "--stats", "--no-human-readable", "--timeout=600"]
    argv += ["--no-motd", "--partial-dir=" + PARTIAL, *_telling(way.version)]
    argv += ["--modify-window=-1"] if request.to_nanoseconds and way.version >= _NANOSECONDS else []
    # It starts SSH with the key, which is root's, and then lets go of root's rights.
    argv += ["--copy-as=" + request.user.name] if request.user and way.version >= COPY_AS else []
    argv += ["--exclude=/" + _literal(name) for name in request.skip]
    argv += ["--backup", "--backup-dir=" + request.displaced] if request.displaced else []
    argv += [
        *(_ZSTD if way.zstd and request.compressible else []),
        *request.options,
        "--rsh=" + remote_shell(ssh_argv(way, ssh)),
    ]
    return [*argv, "--", "{0}@{1}::{2}".format(way.login, host, request.source), request.target]


def _telling(version: Tuple[int, ...]) -> List[str]:
    return ["--info=progress2"] if version >= _TELLS else []


def _literal(name: str) -> str:
    """A name as a pattern of rsync, in which a backslash means itself unless a wildcard is about."""
    return re.sub(r"([\\*?\[])", r"\\\1", name) if re.search(r"[*?\[]", name) else name


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


def media_request(
    target: str,
    delete: bool = False,
    user: Optional[SystemUser] = None,
    skip: Sequence[str] = (),
    displaced: str = "",
    dry: bool = False,
) -> Request:
    """MEDIA: modes and links stay, special files and links that lead out do not come.

    :param delete: this is the last pass: nothing is left here that is not on old
    :param dry: nothing is written
    :param displaced: the directory for what would be overwritten or deleted here. Only the last pass uses it: a file
        that both passes bring would push out of it what the first pass put there
    """
    options = ["--links", "--safe-links", "--perms", "--chmod=Fug-s", "--no-devices", "--no-specials"]
    options += ["--delete-delay"] if delete else [KEEP] if displaced else []
    options += [DRY] if dry else []
    return Request(
        MEDIA_SOURCE,
        target + "/",
        options,
        user=user,
        skip=skip,
        displaced=displaced if delete else "",
        to_nanoseconds=True,
    )


_STATS = {
    "files": r"Number of (?:regular )?files transferred: ([0-9,.]+)",
    "size": r"Total transferred file size: ([0-9,.]+)",
    "received": r"Total bytes received: ([0-9,.]+)",
    "deleted": r"Number of deleted files: ([0-9,.]+)",
    "made": r"Number of created files: ([0-9,.]+)",
}


def parse_stats(text: str) -> Moved:
    """Return what ``rsync --stats`` tells."""
    moved = Moved()
    for name, pattern in _STATS.items():
        found = re.search(pattern, text)
        if found:
            setattr(moved, name, int(re.sub("[^0-9]", "", found.group(1))))
    return moved


_AT = re.compile(rb"([0-9,.]+)\s+[0-9]+%([^\r\n]*)")
_FILES_LEFT = re.compile(rb"to-chk=([0-9]+)/([0-9]+)\)")
_RECENT = 4096  # bytes of its output


def amount_of(output: bytes) -> Optional[Amount]:
    """Return how far rsync is, by the last that it printed.

    Its percentage is of all files, those that need not be sent among them, so it is no measure of what is to be sent.
    """
    recent = output[-_RECENT:]
    found, left = _AT.findall(recent), _FILES_LEFT.findall(recent)
    if not found:
        return None
    item = "{0} of {1} files".format(int(left[-1][1]) - int(left[-1][0]), int(left[-1][1])) if left else ""
    return Amount(int(re.sub(rb"[^0-9]", b"", found[-1][0]) or b"0"), 0, item)


def _said(err: str) -> str:
    """Give the last lines of a message, without rsync's own summary of its exit code."""
    return last_lines("\n".join(line for line in err.splitlines() if not line.startswith("rsync error:")), 3)


def failure(rc: int, err: str, address: str) -> RelocateError:
    """The error that an exit code and message of rsync or SSH stand for."""
    said = _said(err)
    if "No space left on device" in err or "Disk quota exceeded" in err:
        return RelocateError(
            "disk_full", "the disk of the new host is full", "free space there, then run again: it resumes"
        )
    if "Host key verification failed" in err or "IDENTIFICATION HAS CHANGED" in err:
        msg = "{0} has another host key than the old host".format(address)
        return RelocateError(
            "transfer_refused",
            msg,
            "check which host has that address; the inventory may name another one",
            {"host_key": True},
        )
    if re.search(r"Permission denied \([a-z]", err):
        return RelocateError(
            "transfer_refused",
            "the old host at {0} did not accept the one-time key".format(address),
            "the key is accepted only from new's addresses; with address translation (NAT) in between, set "
            "relocate_transfer: relay",
        )
    if rc == 255 and _UNREACHABLE.search(err):
        return unreachable([said])
    if _LOST.search(err) or rc in (10, 12, 30, 35, 255):
        msg = "the connection to {0} was lost: {1}".format(address, said)
        return RelocateError("transfer_failed", msg, "run again: it resumes", {"lost": True})
    hint = "fix what the message names, then run again: it resumes"
    return RelocateError("transfer_failed", "rsync exited {0}: {1}".format(rc, said), hint, {"rc": rc})


def nothing_there(err: str) -> bool:
    """Tell whether the daemon said that the directory it is to offer is not there: nobody has uploaded anything yet.

    It says so as root, before it takes on the owner's rights, so nothing else keeps it out.
    """
    return re.search(r"^@ERROR: ch(root|dir) failed$", err, re.MULTILINE) is not None


def unreachable(reasons: Sequence[str]) -> RelocateError:
    """The error when no address of the old host answers."""
    return RelocateError(
        "transfer_unreachable",
        "the new host cannot reach the old host ({0})".format("; ".join(reasons) or "no address is known"),
        "allow SSH from new to old, or set relocate_transfer: relay",
    )


# --- this host


def compressions() -> Tuple[str, ...]:
    """The methods of compression that this host's rsync knows; none when there is no rsync, or one before 3.2."""
    program = find_program("rsync")
    return parse_compressions(run(Command([program, "--version"]), timeout=20).out) if program else ()


def version() -> Tuple[int, ...]:
    """The version of this host's rsync, such as (3, 2, 7); empty when there is none."""
    program = find_program("rsync")
    return parse_version(run(Command([program, "--version"]), timeout=20).out) if program else ()


def parse_version(text: str) -> Tuple[int, ...]:
    """The version in what ``rsync --version`` prints."""
    found = re.search(r"version v?(\d+)\.(\d+)\.(\d+)", text)
    return tuple(int(number) for number in found.groups()) if found else ()


def parse_compressions(text: str) -> Tuple[str, ...]:
    """The names below ``Compress list:`` in what ``rsync --version`` prints."""
    found = re.search(r"^Compress list:\s*\n?\s*(.+)$", text, re.MULTILINE)
    return tuple(found.group(1).split()) if found else ()
