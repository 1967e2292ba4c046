# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What sshd says of itself: where keys are, and who gets in."""

from __future__ import annotations

import pytest

from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._transfer import sshd as transfer_sshd
from ansible_collections.relocate.django.plugins.module_utils._transfer.sshd import Sshd
from tests.unit.fakes import refused


def test_sshd_is_read() -> None:
    text = "port 22\nport 2222\nPermitRootLogin without-password\nauthorizedkeysfile .ssh/authorized_keys .ssh/2\n"
    found = transfer_sshd.parse_sshd(text)
    assert found["port"] == ["22", "2222"]
    assert found["permitrootlogin"] == ["without-password"]


@pytest.mark.parametrize(
    ("template", "path"),
    [
        (".ssh/authorized_keys", "/home/a/.ssh/authorized_keys"),
        ("%h/.ssh/x", "/home/a/.ssh/x"),
        ("/etc/ssh/keys/%u", "/etc/ssh/keys/a"),
        ("/k/%U%%", "/k/7%"),
    ],
)
def test_where_keys_are(template: str, path: str) -> None:
    user = SystemUser("a", 7, 7, home="/home/a")
    assert transfer_sshd.key_path(Sshd(key_file=template), user) == path


@pytest.mark.parametrize(
    ("sshd", "uid", "text"),
    [
        (Sshd(root_login="no"), 0, "refuses logins as root.*set relocate_transfer_login to a user with sudo"),
        (Sshd(public_keys=False), 7, "accepts no keys"),
        (Sshd(key_file="none"), 7, "accepts no keys"),
    ],
)
def test_logins_that_are_refused(sshd: Sshd, uid: int, text: str) -> None:
    with refused("transfer_refused", text):
        transfer_sshd.check_login(sshd, SystemUser("a", uid, uid))


def test_logins_that_pass() -> None:
    for how in ("yes", "prohibit-password", "without-password", "forced-commands-only"):
        transfer_sshd.check_login(Sshd(root_login=how), SystemUser("root", 0, 0))
    transfer_sshd.check_login(Sshd(root_login="no"), SystemUser("a", 7, 7))
