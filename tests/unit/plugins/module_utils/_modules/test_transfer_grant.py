# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module that lets a key in: several sites at once, and what the new host may say of itself."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._modules import transfer_grant as module
from ansible_collections.relocate.django.plugins.module_utils._steps import transfer_grant
from ansible_collections.relocate.django.plugins.module_utils._transfer import authorized_keys, sshd
from tests.unit.fakes import me, refused

KEY = "ssh-ed25519 " + "A" * 68
LABEL = "20261120T193000Z-1a2b3c4d5e6f"


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The authorized_keys of a login whose home is of this test."""
    user = SystemUser(me().name, me().uid, me().gid, (), str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.setattr(transfer_grant, "user_of", lambda _name: user)
    monkeypatch.setattr(transfer_grant, "require_program", lambda name, _hint: "/usr/bin/" + name)
    monkeypatch.setattr(transfer_grant, "own_addresses", list)
    monkeypatch.setattr(transfer_grant.transfer_rsync, "compressions", tuple)
    monkeypatch.setattr(sshd, "read_sshd", lambda *_what: sshd.Sshd())
    return tmp_path / "home" / ".ssh" / "authorized_keys"


def work(directory: Path, site: str, state: str = "present", check: bool = False, **params: Any) -> Any:
    base = {"directory": str(directory), "site": site, "state": state, "public_key": KEY, "label": LABEL}
    base.update(
        {"addresses": ["192.0.2.7"], "login": "root", "media": None, "owner": None, "valid_for": 3600, **params}
    )
    return module.work_on(SimpleNamespace(params=base, check_mode=check))  # type: ignore[arg-type]


def test_several_sites_at_once(keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reads the file, and replaces it: what another one did in between would be undone."""
    read = authorized_keys.KeyFile.read

    def slowly(self: authorized_keys.KeyFile) -> bytes | None:
        found = read(self)
        time.sleep(0.05)
        return found

    keys.parent.mkdir(mode=0o700)
    keys.write_bytes(b"ssh-ed25519 AAAA somebody\n")
    monkeypatch.setattr(authorized_keys.KeyFile, "read", slowly)
    sites = [f"shop{number}" for number in range(4)]
    for state, lines in (("present", 5), ("absent", 1)):
        threads = [threading.Thread(target=work, args=(tmp_path / "work", site, state)) for site in sites]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(keys.read_text().splitlines()) == lines, state
    assert keys.read_bytes() == b"ssh-ed25519 AAAA somebody\n"


def test_a_hostile_new_host_lets_no_other_key_in(keys: Path, tmp_path: Path) -> None:
    address = 'fe80::1%x"\nssh-ed25519 ' + "B" * 68
    for check in (True, False):
        with refused("bad_option", "is not an IP address"):
            work(tmp_path / "work", "shop", check=check, addresses=["192.0.2.7", address])
    assert not keys.exists()


def test_check_mode_makes_nothing(keys: Path, tmp_path: Path) -> None:
    assert work(tmp_path / "work", "shop", check=True)["changed"] is True
    assert work(tmp_path / "work", "shop", "absent", check=True)["changed"] is False
    assert not keys.parent.exists()
    assert not (tmp_path / "work").exists()
