# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets in a directory on another host, by rsync over SSH: pushed, brought back, checked, removed, and killed meanwhile.

The other host is an SSH server of this machine, which accepts one key.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._modules import backup_info
from ansible_collections.relocate.django.plugins.module_utils._modules import repository as repository_module
from ansible_collections.relocate.django.plugins.module_utils._record.record import RecordFile
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._steps import retain
from ansible_collections.relocate.django.plugins.module_utils._users import current_user
from tests.unit.fakes import manifest, me, refused
from tests.unit.plugins.module_utils._set.filled import fill

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/bin:/sbin") or ""
pytestmark = [
    pytest.mark.skipif(not SSHD or not shutil.which("rsync"), reason="sshd or rsync is not installed"),
    pytest.mark.drawn(3, of="a directory on another host"),
]
LABELS = [f"202611{day:02d}T193000Z-1a2b3c4d5e6f" for day in range(1, 10)]
CONF = """
Port {port}
ListenAddress 127.0.0.1
HostKey {base}/host
AuthorizedKeysFile {base}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
Subsystem sftp internal-sftp
"""


def _key(path: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return Path(f"{path}.pub").read_text()


class Hosts:
    """Hosts that reach a directory on another one."""

    def __init__(self, top: Path, port: int) -> None:
        self.top, self.port, self.vault = top, port, top / "vault"
        self.key, self.host_key = top / "sshd" / "key", (top / "sshd" / "host.pub").read_text().strip()

    def given(self, **changes: Any) -> dict[str, Any]:
        """Give the option relocate_repository."""
        return {
            "type": "directory",
            "address": f"{current_user().name}@127.0.0.1:{self.vault}",
            "key_file": str(self.key),
            "host_keys": [self.host_key],
            "port": self.port,
            "create": True,
            **changes,
        }

    def run(
        self, state: str, label: str = "", host: str = "old", check: bool = False, **changes: Any
    ) -> dict[str, Any]:
        """Do what the module does."""
        params: dict[str, Any] = {"directory": str(self.top / host), "site": "shop", "state": state, "label": label}
        params.update(manifest_sha256=None, repository=self.given(), keep=0, retention={}, read_parts=1)
        module: Any = SimpleNamespace(params={**params, **changes}, check_mode=check)
        return repository_module.work_on(module)

    def make(self, label: str, sequence: int = 1, size: int = 0) -> BackupSet:
        """Write a set."""
        made = BackupSet.create(str(self.top / "old"), "shop", label, me())
        fill(made)
        if size:
            Path(made.file("databases/large")).write_bytes(os.urandom(size))
        made.finish(replace(manifest(label), sequence=sequence, created=f"2026-11-{label[6:8]}T19:30:00+00:00"))
        return made

    def stored(self) -> list[str]:
        """Give the sets that are there."""
        return sorted(path.parent.name for path in self.vault.glob("sets/shop/*/manifest.json"))


@pytest.fixture(name="hosts")
def _hosts(tmp_path: Path) -> Iterator[Hosts]:
    base = tmp_path / "sshd"
    base.mkdir()
    _key(base / "host")
    (base / "authorized_keys").write_text(_key(base / "key"))
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = int(found.getsockname()[1])
    (base / "conf").write_text(CONF.format(port=port, base=base))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with subprocess.Popen([SSHD, "-D", "-e", "-f", str(base / "conf")], stderr=subprocess.DEVNULL) as server:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield Hosts(tmp_path, port)
        server.terminate()


def test_a_set_comes_back_on_a_host_that_has_nothing(hosts: Hosts) -> None:
    hosts.make(LABELS[0])
    with refused("repository_missing", "create: true"):
        hosts.run("pushed", repository=hosts.given(create=False))
    assert hosts.run("pushed", check=True)["changed"] and not hosts.vault.exists()
    pushed = hosts.run("pushed")
    assert (pushed["changed"], pushed["created"]) == (True, True) and pushed["bytes"] > 0
    assert not hosts.run("pushed")["changed"]
    assert {path.stat().st_mode & 0o777 for path in hosts.vault.rglob("*") if path.is_file()} == {0o600}
    shutil.rmtree(hosts.top / "old")
    asked = SimpleNamespace(
        params={
            "directory": str(hosts.top / "new"), "site": "shop", "label": None, "manifest_sha256": None,
            "repository": hosts.given(), "verify": "none", "max_age": None, "metrics": False, "opens": False,
        },
        check_mode=False,
    )  # fmt: skip
    (row,) = backup_info.look(asked)["stored"]  # type: ignore[arg-type]
    assert (row["label"], row["sequence"], row["found_equal"]) == (LABELS[0], 1, "")
    pulled = hosts.run("pulled", host="new")
    found = BackupSet.find(str(hosts.top / "new"), "shop")
    found.verify(found.read())
    # As backups make it: rsync would leave it to root, and the project's owner could not reach what is lent to him.
    assert Path(found.path).stat().st_mode & 0o777 == 0o711
    assert found.pinned() == "not pinned", "whoever can write there can change the manifest too"
    assert not hosts.run("pulled", host="new")["changed"]
    kept = RecordFile.read(str(hosts.top / "new"), "shop")
    retain.note_proven(kept, LABELS[0], pulled["manifest_sha256"])
    assert hosts.run("noted", LABELS[0], host="new")["changed"]
    assert not hosts.run("noted", LABELS[0], host="new")["changed"]
    again = hosts.run("pulled", host="newer", manifest_sha256=pulled["manifest_sha256"])
    assert BackupSet(again["set"]).pinned() == "file"


def test_what_is_not_reached(hosts: Hosts) -> None:
    hosts.make(LABELS[0])
    hosts.run("pushed")
    other = _key(hosts.top / "other")
    (hosts.top / "other").chmod(0o600)
    for changes, code, text in (
        ({"host_keys": [other]}, "host_key_differs", "none of the keys"),
        ({"key_file": str(hosts.top / "other")}, "repository_password", "does not accept key_file"),
        ({"key_file": "/etc/passwd"}, "repository_password", "can be read by others"),
        ({"port": 1}, "repository_unreachable", "cannot be reached"),
        ({"host_keys": []}, "bad_option", "needs key_file and host_keys"),
        ({"address": "vault:relative"}, "bad_option", "neither /PATH nor"),
        ({"address": hosts.given()["address"] + "/nowhere", "create": False}, "repository_missing", "no repository"),
    ):
        with refused(code, text):
            hosts.run("checked", repository=hosts.given(**changes))


def test_a_changed_file_is_found_and_gives_no_set(hosts: Hosts) -> None:
    hosts.make(LABELS[0], size=100_000)
    hosts.run("pushed")
    assert hosts.run("checked")["part"] == "1/1"
    large = hosts.vault / "sets" / "shop" / LABELS[0] / "databases" / "large"
    large.write_bytes(large.read_bytes()[:-1] + b"?")
    with refused("repository_damaged", "databases/large of set"):
        hosts.run("checked")
    with refused("file_differs", "databases/large"):
        hosts.run("pulled", host="new")
    assert BackupSet.labels(str(hosts.top / "new"), "shop") == []
    large.unlink()
    with refused("repository_damaged", "is missing"):
        hosts.run("checked")


def test_sets_go_and_the_last_proven_stays(hosts: Hosts) -> None:
    for number, label in enumerate(LABELS[:4], 1):
        hosts.make(label, number)
        hosts.run("pushed", label)
    kept = RecordFile.read(str(hosts.top / "old"), "shop")
    retain.note_proven(kept, LABELS[1], BackupSet.find(str(hosts.top / "old"), "shop", LABELS[1]).digest())
    hosts.run("noted", LABELS[1])
    assert hosts.run("pushed", keep=1, check=True)["expired"] == [LABELS[0], LABELS[2]]
    assert hosts.run("pushed", keep=1)["expired"] == [LABELS[0], LABELS[2]]
    assert hosts.stored() == [LABELS[1], LABELS[3]]
    assert sorted(path.name for path in (hosts.vault / "sets" / "shop").iterdir()) == [LABELS[1], LABELS[3]]


def test_killed_in_mid_push(hosts: Hosts) -> None:
    """What is there then is no set; the next push goes on, and one of a later day clears it up."""
    hosts.make(LABELS[0], size=60_000_000)
    process = os.fork()
    if not process:
        os.setsid()
        try:
            hosts.run("pushed")
        finally:
            os._exit(0)
    home = hosts.vault / "sets" / "shop" / LABELS[0]
    deadline = time.monotonic() + 30
    while not list(home.rglob("*large*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process, signal.SIGKILL)
    assert os.WIFSIGNALED(os.waitpid(process, 0)[1]), "it was at work"
    assert hosts.stored() == [] and home.is_dir()
    with refused("set_not_found", "holds no set"):
        hosts.run("pulled", host="new")
    hosts.make(LABELS[2], 2)
    hosts.run("pushed", LABELS[2])
    assert [path.name for path in home.parent.iterdir()] == [LABELS[2]]
    assert hosts.run("pushed", LABELS[0])["changed"] and hosts.stored() == [LABELS[0], LABELS[2]]


@pytest.mark.skipif(not shutil.which("rrsync"), reason="rrsync is not installed")
def test_a_key_that_runs_rrsync_only(hosts: Hosts) -> None:
    """The address is then the top of what the key is let into."""
    hosts.vault.mkdir()
    keys = hosts.top / "sshd" / "authorized_keys"
    keys.write_text(f'restrict,command="{shutil.which("rrsync")} {hosts.vault}" {keys.read_text()}')
    given = hosts.given(address=f"{current_user().name}@127.0.0.1:/")
    for number, label in enumerate(LABELS[:2], 1):
        hosts.make(label, number)
        hosts.run("pushed", label, repository=given)
    assert hosts.stored() == LABELS[:2]
    assert hosts.run("pulled", host="new", repository=given)["changed"]
    assert hosts.run("checked", repository=given)["part"] == "1/1"
    assert hosts.run("pushed", LABELS[1], repository=given, keep=1)["expired"] == LABELS[:1]
    assert hosts.stored() == LABELS[1:2]


def test_a_directory_of_this_host(hosts: Hosts) -> None:
    hosts.make(LABELS[0])
    given = {"type": "directory", "address": str(hosts.top / "disk"), "create": True}
    assert hosts.run("pushed", repository=given)["created"]
    assert hosts.run("pulled", host="new", repository=given)["changed"]
    assert hosts.run("checked", repository=given)["part"] == "1/1"
