# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What opens a repository: told by files and commands of the host, never by options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._repository.access import Access
from tests.unit.fakes import refused

OPENS = {"type": "restic", "address": "/srv/vault", "password_file": "/etc/relocate/password"}


def private(path: Path, text: str, mode: int = 0o600) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"address": "rest:https://shop:s3cret@host/"}, "its address holds a password"),
        ({"address": "s3:https://key:s3cret@host/bucket"}, "its address holds a password"),
        ({"address": None}, "it has no address"),
        ({"password_file": None}, "nothing tells its password"),
        ({"password_command": "pass shop"}, "a password file and a password command"),
        ({"address": "-x"}, "cannot be meant"),
        ({"options": ["--password-command=x"]}, "cannot be meant"),
        ({"options": ["sftp.command"]}, "cannot be meant"),
    ],
)
def test_what_cannot_be_used(changes: dict[str, Any], text: str) -> None:
    with refused("bad_option", f"relocate_repository cannot be used: .*{text}") as caught:
        Access.of({**OPENS, **changes})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"address": "sftp:backup@host:/srv/restic"},
        {"address": "sftp://backup@[::1]:2222//srv/restic", "options": ["sftp.command=ssh -i /k backup@h -s sftp"]},
        {"address": "s3:https://s3.example.org/bucket", "credentials_file": "/etc/x"},
        {"address": None, "credentials_command": "cat /etc/x"},
        {"password_file": None, "credentials_file": "/etc/x"},
    ],
)
def test_what_can_be_used(changes: dict[str, Any]) -> None:
    assert Access.of({**OPENS, **changes}).is_restic


def test_without_a_word_sets_stay_where_they_are() -> None:
    assert not Access.of({}).is_restic
    assert not Access.of({"type": "directory", "address": None}).is_restic


def test_what_restic_is_given(tmp_path: Path) -> None:
    password = private(tmp_path / "password", "s3cret-Canary\n")
    keys = private(tmp_path / "env", "AWS_ACCESS_KEY_ID=id-Canary\nexport AWS_SECRET_ACCESS_KEY='key Canary'\n")
    given = {**OPENS, "password_file": password, "credentials_file": keys}
    environment, secrets = Access.of(given).environment()
    assert environment == {
        "RESTIC_REPOSITORY": "/srv/vault",
        "RESTIC_PASSWORD_FILE": password,
        "AWS_ACCESS_KEY_ID": "id-Canary",
        "AWS_SECRET_ACCESS_KEY": "key Canary",
    }
    assert secrets == ["id-Canary", "key Canary"]


def test_the_whole_may_come_from_a_command(tmp_path: Path) -> None:
    keys = private(tmp_path / "env", "RESTIC_REPOSITORY=rest:https://u:s3cret@host/\nRESTIC_PASSWORD=p-Canary\n")
    environment, secrets = Access.of({"type": "restic", "credentials_command": f"cat {keys}"}).environment()
    assert environment["RESTIC_REPOSITORY"] == "rest:https://u:s3cret@host/"
    assert secrets == ["p-Canary", "rest:https://u:s3cret@host/"]


@pytest.mark.parametrize(
    ("text", "mode", "problem"),
    [
        ("RESTIC_PASSWORD=x\n", 0o640, "can be read by others"),
        ("LD_PRELOAD=/tmp/x.so\nRESTIC_PASSWORD=x\n", 0o600, "variables that restic does not need: LD_PRELOAD"),
        ("RESTIC_PASSWORD_COMMAND=sh\n", 0o600, "does not need: RESTIC_PASSWORD_COMMAND"),
        ("PATH=/tmp\n", 0o600, "does not need: PATH"),
        ("AWS_ACCESS_KEY_ID=x\n", 0o600, "credentials name no password"),
    ],
)
def test_credentials_that_are_refused(tmp_path: Path, text: str, mode: int, problem: str) -> None:
    given = {"type": "restic", "address": "/srv/vault", "credentials_file": private(tmp_path / "env", text, mode)}
    with refused("repository_password", problem):
        Access.of(given).environment()


def test_a_link_is_no_password_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(private(tmp_path / "password", "x"))
    with refused("repository_password", "link cannot be opened"):
        Access.of({**OPENS, "password_file": str(tmp_path / "link")}).environment()


def test_what_a_command_says_is_not_shown() -> None:
    given = {"type": "restic", "address": "/srv/vault", "credentials_command": "sh -c 'echo s3cret-Canary >&2; exit 4'"}
    with refused("repository_password", "credentials_command exited 4") as caught:
        Access.of(given).environment()
    assert "Canary" not in str(caught.value.as_result())


@pytest.mark.parametrize("address", ["backup@vault.example.org:/", "backup@[2001:db8::1]:/srv/sets", "/mnt/my-sets"])
def test_a_directory(address: str) -> None:
    assert Access.of({"address": address, "key_file": "/k", "host_keys": ["ssh-ed25519 A"]}).keeps_sets


@pytest.mark.parametrize("address", ["backup@host:/srv/$(reboot)", "backup@host:/srv/*", "backup@host:/a;b", "/a b"])
def test_a_directory_that_a_shell_would_read(address: str) -> None:
    with refused("bad_option", "neither /PATH nor"):
        Access.of({"address": address, "key_file": "/k", "host_keys": ["ssh-ed25519 A"]})
