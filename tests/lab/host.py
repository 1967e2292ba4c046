# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server of the lab: run things on it, look at it, break it."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from . import digest
from ._command import LabError, call, podman
from .images import SNAPSHOT, has_systemd, recipe_digest

_BOOT_SECONDS = 90


@dataclass(frozen=True)
class Host:
    """A running Debian server with an address of its own, sshd and systemd (sid: a database server without systemd).

    ``name`` is what the other hosts of its lab resolve, ``container`` what podman calls it, ``key`` the private key
    that ``admin`` (sudo without a password) and ``root`` accept.
    """

    name: str
    suite: str
    address: str
    container: str
    image: str
    key: Path
    known_hosts: Path

    def run(
        self,
        command: str | Sequence[str],
        *,
        user: str = "root",
        check: bool = True,
        input: str | None = None,
        timeout: float = 300,
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
    ) -> CompletedProcess[str]:
        """Run an argv list, or a string as a bash script that ends at its first error, without SSH.

        Raises LabError with the output when it fails and ``check`` is true. After ``timeout`` seconds it raises too,
        but the program on the host goes on.
        """
        argv = ["bash", "-euo", "pipefail", "-c", command] if isinstance(command, str) else list(command)
        variables = [f"--env={name}={value}" for name, value in (env or {}).items()]
        prefix = ["podman", "exec", "--interactive", f"--user={user}", f"--workdir={cwd}", *variables, self.container]
        return call([*prefix, *argv], check=check, stdin=input, timeout=timeout)

    def ssh_command(self, user: str = "admin") -> list[str]:
        """Give the argv that logs in over SSH with the lab's key and strict host keys."""
        return ["ssh", "-i", str(self.key), *self.ssh_options(), f"{user}@{self.address}"]

    def ssh_options(self) -> list[str]:
        """Give ssh's options for host keys: the lab's own file, and no other."""
        options = {
            "UserKnownHostsFile": str(self.known_hosts),
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "IdentitiesOnly": "yes",
            "ConnectTimeout": "10",
        }
        return [word for name, value in options.items() for word in ("-o", f"{name}={value}")]

    def put(self, source: Path, target: str, *, owner: str = "root:root", mode: str | None = None) -> None:
        """Copy a file, or the content of a directory into a directory, of this machine to the host."""
        if source.is_dir():
            self.run(["mkdir", "-p", target])
        podman("cp", f"{source}/." if source.is_dir() else str(source), f"{self.container}:{target}")
        self.run(["chown", "-R", owner, target])
        if mode:
            self.run(["chmod", mode, target])

    def read(self, path: str) -> str:
        """Give the text of a file."""
        return self.run(["cat", path]).stdout

    def write(self, path: str, text: str, *, owner: str = "root:root", mode: str = "0644") -> None:
        """Write a file, and the directories above it."""
        script = 'mkdir -p "$(dirname "$1")"; umask 077; cat > "$1"; chown "$2" "$1"; chmod "$3" "$1"'
        self.run(["sh", "-euc", script, "sh", path, owner, mode], input=text)

    def digest(
        self,
        paths: Sequence[str] = digest.PATHS,
        exclude: Sequence[str] = (),
        *,
        exclude_units: Sequence[str] = (),
    ) -> digest.Digest:
        """Describe files below ``paths`` and the state of units; compare two with ``digest.difference``.

        ``exclude`` (fnmatch patterns of absolute paths, each with all that lies in it) and ``exclude_units`` add to
        what is left out anyway.
        """
        request = {
            "paths": list(paths),
            "exclude": [*digest.EXCLUDE, *exclude],
            "units": [*digest.UNITS, *exclude_units],
        }
        result = self.run(["python3", "-", json.dumps(request)], input=digest.PROBE.read_text())
        return digest.Digest(json.loads(result.stdout))

    def public_key(self) -> str:
        """Give the SSH host key as "type key"."""
        return " ".join(self.read("/etc/ssh/ssh_host_ed25519_key.pub").split()[:2])

    @property
    def has_systemd(self) -> bool:
        """Whether systemd runs here; else lab-init of image-sid does."""
        return has_systemd(self.suite)

    def state(self) -> str:
        """Give systemd's word for the system, or "running" where MySQL answers on a host without systemd."""
        if self.has_systemd:
            return self.run(["systemctl", "is-system-running", "--wait"], check=False).stdout.strip()
        answer = self.run(["mysqladmin", "--connect-timeout=3", "status"], check=False)
        return "running" if answer.returncode == 0 else (answer.stderr.strip() or "starting")

    def failed_units(self) -> list[str]:
        """Give the names of the units that failed."""
        if not self.has_systemd:
            return []
        out = self.run("systemctl list-units --failed --no-legend --plain").stdout
        return [line.split()[0] for line in out.splitlines()]

    def start(self) -> None:
        """Start a host that was stopped or killed; its address, keys and files are the same."""
        podman("start", self.container)
        self.wait()

    def stop(self) -> None:
        """Shut the host down in order."""
        podman("stop", "--time=60", self.container)

    def kill(self) -> None:
        """Pull the plug: every process dies at once; start() brings the host back."""
        podman("kill", self.container)

    def pause(self) -> None:
        """Freeze every process: connections stay open, nothing answers."""
        podman("pause", self.container)

    def unpause(self) -> None:
        """Let a paused host go on."""
        podman("unpause", self.container)

    def wait(self) -> None:
        """Wait until everything has started and sshd answers; raise LabError with the reason if not."""
        limit = time.monotonic() + _BOOT_SECONDS
        state = ""
        while time.monotonic() < limit:
            state = self.state()
            if state in ("running", "degraded"):
                banner = call(["ssh-keyscan", "-T", "3", "-t", "ed25519", self.address], check=False).stdout
                if banner:
                    return
            time.sleep(0.15)
        logs = call(["podman", "logs", "--tail=20", self.container], check=False)
        reason = "sshd does not answer" if state in ("running", "degraded") else f"its state is {state or 'unknown'}"
        raise LabError(f"host {self.name} ({self.suite}) is not up after {_BOOT_SECONDS} s: {reason}\n{logs.stderr}")

    def network_down(self) -> None:
        """Cut the network cable: packets vanish in both directions, as with a real cut nothing is refused."""
        call(["ip", "link", "set", self._cable(), "down"])

    def network_up(self) -> None:
        """Plug the network cable in again."""
        call(["ip", "link", "set", self._cable(), "up"])

    @contextlib.contextmanager
    def network_cut(self) -> Iterator[None]:
        """Cut the network for the length of a ``with`` block."""
        self.network_down()
        try:
            yield
        finally:
            self.network_up()

    @contextlib.contextmanager
    def separated_from(self, other: Host) -> Iterator[None]:
        """Let this host find no way to another one for the length of a ``with`` block; both still reach the rest."""
        route = ["nsenter", f"--target={self._pid()}", "--net", "ip", "route"]
        call([*route, "add", "unreachable", other.address])
        try:
            yield
        finally:
            call([*route, "del", "unreachable", other.address])

    @contextlib.contextmanager
    def full_disk(self, path: str, size: str, *, keep: bool = False) -> Iterator[None]:
        """Mount a small disk (``size`` as "8m") over an existing directory for the length of a ``with`` block.

        With ``keep`` it begins with what the directory holds; what was written is gone after the block. Stop services
        that have files open there first: they would go on with the files below.
        """
        status = self.run(["stat", "--format=%u %g %a", path]).stdout.split()
        options = "size={},uid={},gid={},mode={}".format(size, *status)
        staging = f"/run/lab-disk-{time.monotonic_ns()}"
        self.run(["mkdir", staging])
        self._mount(["mount", "-t", "tmpfs", "-o", options, "lab-disk", staging])
        try:
            if keep:
                self.run(["cp", "-a", f"{path}/.", staging])
            self._mount(["mount", "--bind", staging, path])
            try:
                yield
            finally:
                # Lazy: a program under test that hung may still stand in there.
                self._mount(["umount", "--lazy", path])
        finally:
            self._mount(["umount", "--lazy", staging])

    def snapshot(self, tag: str) -> str:
        """Keep the host as it is now as an image, and return the image's name for ``Lab.host(..., image=...)``.

        The host is shut down in order and started again. A host started from it is the same server: machine id,
        host keys and database system identifier are equal.
        """
        name = snapshot_name(tag, self.suite)
        self.stop()
        podman("commit", "--quiet", self.container, name)
        self.start()
        return name

    def _pid(self) -> str:
        pid = podman("inspect", "--format={{.State.Pid}}", self.container)
        if pid in ("", "0"):
            raise LabError(f"host {self.name} is not running")
        return pid

    def _mount(self, argv: list[str]) -> None:
        # From outside, since a host has no right to mount; --pid because umount looks into /proc/self.
        call(["nsenter", f"--target={self._pid()}", "--mount", "--pid", *argv])

    def _cable(self) -> str:
        """Give this machine's end of the host's network cable; the host keeps its routes when that end goes down."""
        seen = call(["nsenter", f"--target={self._pid()}", "--net", "ip", "-o", "link", "show", "eth0"]).stdout
        index = re.search(r"eth0@if(\d+):", seen)
        for line in call(["ip", "-o", "link"]).stdout.splitlines():
            number, name = line.split(":")[:2]
            if index and number == index[1]:
                return name.strip().partition("@")[0]
        raise LabError(f"host {self.name} has no network interface")


def snapshot_name(tag: str, suite: str) -> str:
    """Give the image name of a snapshot; it changes with the recipe of the image below it."""
    if not re.fullmatch(r"[a-zA-Z0-9_.]{1,60}", tag):
        raise LabError(f"a snapshot's tag has letters, digits, dots and underscores only: {shlex.quote(tag)}")
    return f"{SNAPSHOT}:{tag}-{suite}-{recipe_digest(suite)}"
