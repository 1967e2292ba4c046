# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says where a repository is, and gets what opens it: out of files and commands of its host, never out of options."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import private
from ansible_collections.relocate.django.plugins.module_utils._process import Command, require_program, run
from ansible_collections.relocate.django.plugins.module_utils._project import env_files

DIRECTORY, RESTIC = "directory", "restic"
#: Variables that restic and its backends take; any other could change what root runs.
_ALLOWED = re.compile(
    r"^(RESTIC_(REPOSITORY|PASSWORD|REST_USERNAME|REST_PASSWORD)|(AWS|B2|AZURE|GOOGLE|OS|ST|SWIFT|RCLONE)_[A-Z0-9_]+)$"
)
_WITH_PASSWORD = re.compile(r"://[^/@\s]*:[^/@\s]*@|^rest:[^/]*//[^/@\s]*:[^/@\s]*@")
#: On another host the path is read by a shell there: so nothing that one obeys. Alone, a slash is what rrsync takes.
_DIRECTORY = re.compile(
    r"[A-Za-z_][A-Za-z0-9_.-]*@(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):/[\w./+=@,%:~-]*|/[^\s'\"\\\x00-\x1f]+"
)
_SFTP = re.compile(r"sftp:([A-Za-z_][A-Za-z0-9_.-]*@[A-Za-z0-9.-]+):[^\s'\"\\\x00-\x1f]+")
_NO_HOST = "key_file and host_keys belong together, and to an address such as sftp:USER@HOST:/PATH"
_OPTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*=.*")
_SECONDS = 60  # that a command has to print credentials


@dataclass(frozen=True)
class Access:
    """Holds where a repository is and what tells its secrets."""

    type: str = DIRECTORY
    address: str = ""  # as restic's --repo has it; empty: credentials name it
    password_file: str = ""
    password_command: str = ""
    credentials_file: str = ""
    credentials_command: str = ""
    options: Tuple[str, ...] = ()  # restic's -o
    key_file: str = ""  # what logs in to another host by SSH
    host_keys: Tuple[str, ...] = ()  # the public keys by which that host is known
    port: int = 22
    create: bool = False  # a repository that is not there is made

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Access:
        """Take it out of an option. Raises bad_option."""
        values = {name: value for name, value in given.items() if value is not None}
        lists = {name: tuple(values.get(name) or ()) for name in ("options", "host_keys")}
        access = cls(**{**values, **lists})
        if access.type == RESTIC:
            access._check()
        elif access.address:
            access._check_directory()
        return access

    @property
    def keeps_sets(self) -> bool:
        """Tell whether sets are pushed to it; otherwise they stay where they are made."""
        return self.is_restic or bool(self.address)

    @property
    def host(self) -> str:
        """Return the user and host that a directory, or restic's, is reached on by SSH with a key that is given.

        "" for none. Without a key, restic starts SSH as root of this host does.
        """
        if not self.is_restic:
            return self.address.rpartition(":")[0] if not self.address.startswith("/") else ""
        found = _SFTP.fullmatch(self.address)
        return found.group(1) if found and self.key_file else ""

    def _check_directory(self) -> None:
        found = _DIRECTORY.fullmatch(self.address)
        wrong = "" if found else "its address is neither /PATH nor USER@HOST:/PATH"
        if found and self.host and not (self.key_file and self.host_keys):
            wrong = "a directory on another host needs key_file and host_keys"
        if wrong:
            raise RelocateError(
                "bad_option",
                "relocate_repository cannot be used: {0}".format(wrong),
                "correct it: address such as backup@vault.example.org:/srv/sets, key_file on this host (root's, 0600),"
                " and host_keys, the public keys of that host",
            )

    @property
    def is_restic(self) -> bool:
        """Tell whether sets are kept by restic, which encrypts them."""
        return self.type == RESTIC

    def _check(self) -> None:
        tells = (self.password_file, self.password_command, self.credentials_file, self.credentials_command)
        meant = not self.address.startswith("-") and all(_OPTION.fullmatch(one) for one in self.options)
        wrong = [
            what
            for what, is_wrong in (
                ("its address holds a password", _WITH_PASSWORD.search(self.address)),
                ("it has no address", not self.address and not any(tells[2:])),
                ("it has a password file and a password command", all(tells[:2])),
                ("nothing tells its password", not any(tells)),
                (_NO_HOST, bool(self.key_file or self.host_keys) and not (self.host and self.host_keys)),
                ("its address or one of its options cannot be meant", not meant),
            )
            if is_wrong
        ]
        if wrong:
            raise RelocateError(
                "bad_option",
                "relocate_repository cannot be used: {0}".format(wrong[0]),
                "correct relocate_repository: address and password_file (or password_command) are in it; what else is"
                " secret, such as an address with a password (RESTIC_REPOSITORY), is in credentials_file on the host",
            )

    def environment(self) -> Tuple[Dict[str, str], List[str]]:
        """Return the variables that open the repository, and the secrets among them.

        Raises repository_password, program_missing.
        """
        secret, given = self._credentials(), self._given()
        if "RESTIC_PASSWORD_FILE" in given or "RESTIC_PASSWORD_COMMAND" in given:
            secret.pop("RESTIC_PASSWORD", None)  # restic refuses two
        found = {**secret, **given}
        missing = "" if "RESTIC_REPOSITORY" in found else "repository"
        if not any(name.startswith("RESTIC_PASSWORD") for name in found):
            missing = "password"
        if missing:
            raise RelocateError(
                "repository_password",
                "credentials name no {0}".format(missing),
                "add RESTIC_REPOSITORY and RESTIC_PASSWORD there, or address and password_file to relocate_repository",
            )
        return found, sorted(secret.values())

    def _given(self) -> Dict[str, str]:
        """Return the variables that are no secrets."""
        if self.password_file:
            read_private(self.password_file)
        named = {
            "RESTIC_REPOSITORY": self.address,
            "RESTIC_PASSWORD_FILE": self.password_file,
            "RESTIC_PASSWORD_COMMAND": self.password_command,
        }
        return {name: value for name, value in named.items() if value}

    def _credentials(self) -> Dict[str, str]:
        texts = [read_private(self.credentials_file)] if self.credentials_file else []
        if self.credentials_command:
            texts.append(_output(self.credentials_command))
        found: Dict[str, str] = {}
        for text in texts:
            found.update(env_files.parse(text))
        refused = sorted(name for name in found if not _ALLOWED.fullmatch(name))
        if refused:
            raise RelocateError(
                "repository_password",
                "credentials set variables that restic does not need: {0}".format(", ".join(refused)),
                "leave AWS_*, B2_*, AZURE_*, GOOGLE_*, OS_*, ST_*, RCLONE_*, RESTIC_REPOSITORY and RESTIC_PASSWORD",
            )
        return found


def read_private(path: str) -> str:
    """Return a file that nobody but root can read or write. Raises repository_password."""
    return private.read_private(path, "repository_password")


def _output(command: str) -> str:
    """Return what a command prints. Nothing that it says is shown: it may be the secret."""
    argv = shlex.split(command)
    done = run(Command([require_program(argv[0]), *argv[1:]], family=True), timeout=_SECONDS) if argv else None
    if done is None or done.rc:
        raise RelocateError(
            "repository_password",
            "credentials_command exited {0}".format(done.rc if done else "without a command"),
            "run it on this host as root, and see what it says",
        )
    return done.out
