# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A throw-away MariaDB (or MySQL) server for the engine's tests: root by its socket, users by TCP, nothing shared."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from typing import List, Optional


def program() -> Optional[str]:
    """The server's program, or None."""
    for name in ("mariadbd", "mysqld"):
        found = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin")
        if found:
            return found
    return None


class MysqlServer:
    """A running server. As root it belongs to the system user mysql."""

    def __init__(self) -> None:
        self.user = "mysql" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.directory = tempfile.mkdtemp(prefix="relocate-my-", dir="/tmp")
        os.chmod(self.directory, 0o755)
        self.socket = os.path.join(self.directory, "mysqld.sock")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._process: Optional["subprocess.Popen[bytes]"] = None

    def start(self, *extra: str) -> None:
        """Make and start the server. Only root of this machine is its administrator, by the socket."""
        server = program() or "mariadbd"
        data = os.path.join(self.directory, "data")
        if os.geteuid() == 0:
            shutil.chown(self.directory, self.user)
        if not os.path.isdir(data):
            self.install()
        argv = [server, "--no-defaults", "--datadir=" + data, "--socket=" + self.socket, "--user=" + self.user]
        argv += [
            "--port={0}".format(self.port),
            "--bind-address=127.0.0.1",
            "--event-scheduler=ON",
            "--tmpdir=" + self.directory,
        ]
        argv += ["--pid-file=" + os.path.join(self.directory, "pid"), "--innodb-flush-log-at-trx-commit=2"]
        argv += ["--general-log=1", "--general-log-file=" + os.path.join(self.directory, "general.log"), *extra]
        with open(os.path.join(self.directory, "log"), "ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while not os.path.exists(self.socket):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(self._read("log")[-2000:])
            time.sleep(0.05)
        self.sql("SELECT 1")

    def install(self) -> None:
        """Make the data directory, which may be there and empty."""
        server, data = program() or "mariadbd", os.path.join(self.directory, "data")
        if server.endswith("mariadbd"):
            argv = ["mariadb-install-db", "--no-defaults", "--datadir=" + data, "--user=" + self.user]
            argv += ["--tmpdir=" + self.directory, "--auth-root-authentication-method=socket", "--skip-test-db"]
        else:
            argv = [server, "--no-defaults", "--initialize-insecure", "--datadir=" + data, "--user=" + self.user]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)

    def sql(self, text: str, database: str = "") -> str:
        """Run SQL as the administrator; rows as tab-separated lines."""
        argv: List[str] = ["mariadb" if shutil.which("mariadb") else "mysql", "--no-defaults", "-uroot", "-N", "-B"]
        argv += ["--socket=" + self.socket, "--binary-mode", "--default-character-set=utf8mb4"]
        for attempt in range(50):
            done = subprocess.run(
                argv + ([database] if database else []), input=text, capture_output=True, text=True, check=False
            )
            if done.returncode == 0 or "(111" not in done.stderr + done.stdout:
                break
            time.sleep(0.1 * (attempt > 0))
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def stop(self, kill: bool = False) -> None:
        """End the server; with ``kill`` at once, as a power cut would."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill() if kill else self._process.terminate()
            self._process.wait(60)
        self._process = None

    def remove(self) -> None:
        """End the server and remove what it wrote."""
        self.stop(kill=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def log(self) -> str:
        """Everything that the server logged, statements included."""
        return self._read("general.log") + "\n" + self._read("log")

    def _read(self, name: str) -> str:
        with open(os.path.join(self.directory, name), encoding="utf-8", errors="replace") as stream:
            return stream.read()
