# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The relay: SSH commands out of Ansible's variables, and the process that outlives tasks but not the run."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.action import relay
from ansible_collections.relocate.django.plugins.plugin_utils import _tunnel
from tests.unit.fakes import refused

pytestmark = pytest.mark.slow


def test_our_options_come_first() -> None:
    options = {
        "host": "192.0.2.1",
        "port": 2222,
        "remote_user": "admin",
        "private_key_file": "/k",
        "host_key_checking": False,
        "ssh_args": "-C -o ControlMaster=auto -o ControlPersist=60s",
        "ssh_common_args": "-o ProxyJump='a b'",
        "ssh_extra_args": "-o X=1",
        "ssh_executable": "/usr/bin/ssh",
    }
    argv = relay.ssh_argv(options)
    assert argv[:3] == ["/usr/bin/ssh", "-N", "-T"]
    assert argv.index("ControlMaster=no") < argv.index("ControlMaster=auto")
    assert "-C" not in argv
    assert "ProxyJump=a b" in argv
    assert argv[-9:] == ["-o", "StrictHostKeyChecking=no", "-p", "2222", "-i", "/k", "-l", "admin", "192.0.2.1"]


def test_a_host_by_its_name_alone() -> None:
    argv = relay.ssh_argv({"host": "old"})
    assert argv[0] == "ssh"
    assert argv[-1] == "old"
    assert not {"-p", "-i", "-l", "StrictHostKeyChecking=no"} & set(argv)


def test_options_are_what_ansible_would_take() -> None:
    known = {"ansible_host": "192.0.2.1", "ansible_user": "admin", "ansible_port": 2222, "ansible_ssh_extra_args": "-v"}
    options = relay.options_of("old", known, {"remote_user": "play"})
    assert (options["host"], options["remote_user"], options["port"]) == ("192.0.2.1", "admin", 2222)
    assert options["ssh_extra_args"] == "-v"
    options = relay.options_of("old", {}, {"remote_user": "play"})
    assert (options["host"], options["remote_user"]) == ("old", "play")


@pytest.mark.parametrize("connection", ["local", "containers.podman.podman", "paramiko"])
def test_other_connections_are_refused(connection: str) -> None:
    with refused("transfer_unreachable", f"old is reached by the connection {connection}.*ansible_connection: ssh"):
        relay.options_of("old", {"ansible_connection": connection}, {})


SSH = """#!{python}
import json, os, socket, sys, threading, time
args = sys.argv[1:]
if "-L" in args:
    path = args[args.index("-L") + 1].partition(":")[0]
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    time.sleep({slow})
    server.listen()
    def serve():
        while True:
            link, _ = server.accept()
            link.sendall({banner!r})
            link.close()
    threading.Thread(target=serve, daemon=True).start()
else:
    print({said!r}, file=sys.stderr, flush=True)
time.sleep({stay})
"""


def fake_ssh(
    path: Path,
    said: str = "Allocated port 45231 for remote forward to x",
    banner: bytes = b"SSH-2.0-x\r\n",
    stay: float = 60,
    slow: float = 0,
) -> list[str]:
    path.write_text(SSH.format(python=sys.executable, said=said, banner=banner, stay=stay, slow=slow))
    path.chmod(0o755)
    return [str(path), "-N", "host"]


def gone(pids: list[int]) -> bool:
    for _ in range(300):
        if not any(_tunnel.started(pid) for pid in pids):
            return True
        time.sleep(0.1)
    return False


def request(parent: int, old: list[str], new: list[str]) -> dict[str, Any]:
    return {"parent": parent, "started": _tunnel.started(parent), "old": old, "new": new, "target": "127.0.0.1:22"}


def test_a_tunnel_is_closed_by_its_state(tmp_path: Path) -> None:
    ssh = fake_ssh(tmp_path / "ssh")
    state = relay.open_tunnel(request(os.getpid(), ssh, ssh))
    path = tmp_path / "state"
    path.write_text(json.dumps(state))
    assert relay.read_state(str(path))["port"] == 45231
    assert relay.close_tunnel(state, str(path))
    assert gone(state["pids"][1:])
    os.waitpid(state["pids"][0], 0)
    assert not relay.close_tunnel(relay.read_state(str(path)), str(path))


def test_ssh_that_listens_later_than_its_socket_is_there(tmp_path: Path) -> None:
    ssh = fake_ssh(tmp_path / "ssh", slow=0.3)
    state = relay.open_tunnel(request(os.getpid(), ssh, ssh))
    assert state["port"] == 45231
    relay.close_tunnel(state, str(tmp_path / "state"))
    os.waitpid(state["pids"][0], 0)


def test_a_tunnel_ends_with_the_run(tmp_path: Path) -> None:
    ssh = fake_ssh(tmp_path / "ssh")
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as run:
        state = relay.open_tunnel(request(run.pid, ssh, ssh))
        run.kill()
    assert gone(state["pids"][1:])
    assert os.waitpid(state["pids"][0], 0)[1] == 0


def test_a_broken_connection_is_made_again(tmp_path: Path) -> None:
    old, new = fake_ssh(tmp_path / "old"), fake_ssh(tmp_path / "new")
    state = relay.open_tunnel(request(os.getpid(), old, new))
    os.kill(state["pids"][2], 9)
    fake_ssh(tmp_path / "new", said="again")
    time.sleep(2.5)
    assert _tunnel.started(state["pids"][0])
    assert _tunnel.started(state["pids"][1])
    relay.close_tunnel(state, str(tmp_path / "state"))
    os.waitpid(state["pids"][0], 0)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ({"banner": b""}, {}, "old: the old host forwards no connections"),
        ({"banner": b"220 mail"}, {}, "old: "),
        ({}, {"said": "Error: remote port forwarding failed", "stay": 0}, "new: Error: remote port forwarding failed"),
    ],
)
def test_a_side_that_forwards_nothing(tmp_path: Path, old: dict[str, Any], new: dict[str, Any], text: str) -> None:
    with refused("transfer_unreachable", text):
        relay.open_tunnel(request(os.getpid(), fake_ssh(tmp_path / "old", **old), fake_ssh(tmp_path / "new", **new)))


def test_an_old_number_is_not_our_process() -> None:
    assert _tunnel.started(os.getpid())
    assert _tunnel.started(2**22 + 1) == ""
    assert relay.read_state("/no/such/file") == {}


def test_the_socket_is_for_us_only(tmp_path: Path) -> None:
    ssh = fake_ssh(tmp_path / "ssh")
    state = relay.open_tunnel(request(os.getpid(), ssh, ssh))
    with open(f"/proc/{state['pids'][1]}/cmdline") as stream:
        path = next(word for word in stream.read().split("\0") if word.endswith(":127.0.0.1:22")).partition(":")[0]
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700
    relay.close_tunnel(state, str(tmp_path / "state"))
    os.waitpid(state["pids"][0], 0)
    assert not os.path.exists(os.path.dirname(path))


def test_last_words_are_heard_late_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that listens may run after the program has ended."""
    listen = _tunnel.Side._listen

    def late(side: _tunnel.Side, process: Any) -> None:
        time.sleep(0.5)
        listen(side, process)

    monkeypatch.setattr(_tunnel.Side, "_listen", late)
    argv = fake_ssh(tmp_path / "new", said="Error: remote port forwarding failed", stay=0)
    with pytest.raises(_tunnel.TunnelError, match="new: Error: remote port forwarding failed"):
        _tunnel.open_new(argv, str(tmp_path / "old"))
