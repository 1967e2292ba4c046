# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads from this host's sshd what it allows."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import Command, find_program, run


@dataclass(frozen=True)
class Sshd:
    """The part of the SSH server's configuration that matters, for one user."""

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
            "the SSH server of the old host refuses logins as root",
            "set relocate_transfer_login to a user with sudo without a password, or PermitRootLogin prohibit-password",
        )
    if not sshd.public_keys or sshd.key_file == "none":
        raise RelocateError(
            "transfer_refused",
            "the SSH server of the old host accepts no keys",
            "set PubkeyAuthentication yes in its sshd_config",
        )


def key_path(sshd: Sshd, user: SystemUser) -> str:
    """The authorized_keys file that the SSH server reads for a user."""
    tokens = {"%h": user.home, "%u": user.name, "%U": str(user.uid), "%%": "%"}
    path = re.sub("%[huU%]", lambda found: tokens[found.group(0)], sshd.key_file)
    return os.path.normpath(os.path.join(user.home, path))
