# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restic's backends for real: SFTP by an SSH server, REST by rclone, S3 by moto's server, all of this machine."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._users import current_user
from tests.engines.test_remote_repository import CONF, LABELS, SSHD, Hosts, _key
from tests.unit.fakes import refused

#: moto's server, for those who have it; it is no part of the test run.
MOTO = os.environ.get("RELOCATE_MOTO", "") or shutil.which("moto_server") or ""
PROGRAMS = {"sftp": SSHD, "rest": shutil.which("rclone") or "", "s3": MOTO}
pytestmark = pytest.mark.skipif(not shutil.which("restic"), reason="restic is not installed")
PASSWORD, SECRET = "Canary-of-the-repository", "Canary-of-the-backend"


def _port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextlib.contextmanager
def _served(argv: list[str], port: int) -> Iterator[None]:
    """Run a server until the block ends."""
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(300):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.1)
            yield
        finally:
            server.terminate()


class Backend(Hosts):
    """Hosts that reach a repository of restic by one of its backends."""

    def __init__(self, top: Path, port: int, kind: str) -> None:
        super().__init__(top, port)
        self.kind = kind
        self.password, self.credentials = top / "password", top / "credentials"
        self.password.write_text(PASSWORD + "\n")
        self.write(SECRET)
        self.password.chmod(0o600)

    def write(self, secret: str) -> None:
        """Write what the backend asks for."""
        self.credentials.write_text(
            {
                "sftp": "",
                "rest": f"RESTIC_REPOSITORY=rest:http://shop:{secret}@127.0.0.1:{self.port}/\n",
                "s3": f"AWS_ACCESS_KEY_ID=shop\nAWS_SECRET_ACCESS_KEY={secret}\n",
            }[self.kind]
        )
        self.credentials.chmod(0o600)

    def given(self, **changes: Any) -> dict[str, Any]:
        """Give the option relocate_repository."""
        own: dict[str, Any] = {"credentials_file": str(self.credentials)}
        if self.kind == "sftp":
            own = {"address": f"sftp:{current_user().name}@127.0.0.1:{self.vault}", "key_file": str(self.key)}
            own.update(host_keys=[self.host_key], port=self.port)
        elif self.kind == "s3":
            own["address"] = f"s3:http://127.0.0.1:{self.port}/sets/shop"
        return {"type": "restic", "password_file": str(self.password), "create": True, **own, **changes}


def _sshd(top: Path, port: int) -> list[str]:
    base = top / "sshd"
    (base / "authorized_keys").write_text(_key(base / "key"))
    (base / "conf").write_text(CONF.format(port=port, base=base))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    return [SSHD, "-D", "-f", str(base / "conf")]


def _rclone(top: Path, port: int) -> list[str]:
    argv = [PROGRAMS["rest"], "serve", "restic", "--addr", f"127.0.0.1:{port}", "--user", "shop", "--pass", SECRET]
    return [*argv, str(top / "vault")]


def _moto(_top: Path, port: int) -> list[str]:
    return [MOTO, "-H", "127.0.0.1", "-p", str(port)]


SERVERS: dict[str, Callable[[Path, int], list[str]]] = {"sftp": _sshd, "rest": _rclone, "s3": _moto}


@pytest.fixture(name="backend")
def _backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    kind, port = request.param, _port()
    if not PROGRAMS[kind]:
        pytest.skip(f"there is no server for {kind}")
    (tmp_path / "sshd").mkdir()
    _key(tmp_path / "sshd" / "host")
    with _served(SERVERS[kind](tmp_path, port), port):
        if kind == "s3":
            ask = urllib.request.Request(f"http://127.0.0.1:{port}/sets", method="PUT")
            with urllib.request.urlopen(ask, timeout=10) as answer:
                assert answer.status == 200
        yield Backend(tmp_path, port, kind)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "sftp": ({"host_keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDummyDummyDummyDummyDummyDummyDummyDummyDumm"]},
             "host_key_differs"),
    "rest": ({}, "repository_password"),
    "s3": ({"address": "s3:http://127.0.0.1:1/sets/shop"}, "repository_unreachable"),
}  # fmt: skip


@pytest.mark.drawn(3)
@pytest.mark.parametrize("backend", ["sftp", "rest", "s3"], indirect=True)
def test_a_set_goes_and_comes_back(backend: Backend) -> None:
    """Made, pushed, checked, brought to a host that has nothing; a wrong key, password or address is named as such."""
    backend.make(LABELS[0], size=2_000_000)
    with refused("repository_missing", "have one made there"):
        backend.run("pushed", repository=backend.given(create=False))
    pushed = backend.run("pushed")
    assert pushed["created"] and pushed["added"] > 2_000_000
    assert not backend.run("pushed")["changed"]
    assert backend.run("checked", read_parts=2)["part"] in ("1/2", "2/2")
    shutil.rmtree(backend.top / "old")
    backend.run("pulled", host="new")
    found = BackupSet.find(str(backend.top / "new"), "shop")
    found.verify(found.read())
    backend.write("wrong")
    changes, code = WRONG[backend.kind]
    with refused(code, "") as caught:
        backend.run("checked", repository=backend.given(create=False, **changes))
    assert "Canary" not in json.dumps(caught.value.as_result())
