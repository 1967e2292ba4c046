# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A throw-away node of RabbitMQ, with a name, ports and a directory of its own."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_PATH = os.pathsep.join(["/usr/lib/rabbitmq/bin", os.environ.get("PATH", os.defpath)])


def program(name: str = "rabbitmq-server") -> str | None:
    """A program of the server itself, not what a package puts before it, which is for root's server only."""
    return shutil.which(name, path=_PATH)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _environment(home: Path) -> dict[str, str]:
    local = "-kernel inet_dist_use_interface {127,0,0,1}"
    return {
        "PATH": _PATH,
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "RABBITMQ_NODENAME": f"relocate{os.getpid()}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(_free_port()),
        "RABBITMQ_DIST_PORT": str(_free_port()),
        "ERL_EPMD_PORT": str(_free_port()),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"+S 1:1 {local}",
        "RABBITMQ_MNESIA_BASE": str(home / "data"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
        "RABBITMQ_CONFIG_FILE": str(home / "config"),
        "RABBITMQ_CONF_ENV_FILE": str(home / "environment"),
        "RABBITMQ_PID_FILE": str(home / "pid"),
    }


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Start a node and give the path of a rabbitmqctl that asks it."""
    with tempfile.TemporaryDirectory(prefix="relocate-rabbitmq-", dir="/tmp") as directory:
        home = Path(directory)
        for name in ("data", "log"):
            (home / name).mkdir()
        environment = _environment(home)
        lines = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
        asking = home / "rabbitmqctl"
        asking.write_text("\n".join(["#!/bin/sh", *lines, f'exec {program("rabbitmqctl")} "$@"', ""]))
        asking.chmod(0o755)
        argv = [program() or "rabbitmq-server"]
        with subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                deadline = time.monotonic() + 60
                while subprocess.run([asking, "--quiet", "await_startup"], capture_output=True, check=False).returncode:
                    assert process.poll() is None and time.monotonic() < deadline, "the server did not start"
                    time.sleep(0.2)
                yield str(asking)
            finally:
                subprocess.run([asking, "stop"], capture_output=True, check=False)
                process.terminate()
                process.wait(30)
                subprocess.run(["epmd", "-kill"], env=environment, capture_output=True, check=False)
