# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab: hosts on one network of their own, all removed together."""

from __future__ import annotations

import fcntl
import ipaddress
import json
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from . import services
from ._command import LabError, cache_directory, call, locked, podman, progress, timed
from .host import Host, snapshot_name
from .images import ensure_image, image_exists
from .inventory import write_inventory
from .wheels import ensure_wheels

LABEL = "relocate-lab"
#: A move's usual servers; any other name needs a suite.
DEFAULT_HOSTS = {"old": "bookworm", "new": "trixie", "db": "bookworm"}
_PROGRAMS = {
    "podman": "podman",
    "runc": "runc",
    "mmdebstrap": "mmdebstrap",
    "nsenter": "util-linux",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "git": "git",
}


def obstacle() -> str | None:
    """Give one line that says why no lab can run on this machine, or None."""
    if os.geteuid() != 0:
        return "the lab needs root: it makes containers with a systemd of their own"
    missing = [package for program, package in _PROGRAMS.items() if not shutil.which(program)]
    if missing:
        return f"the lab needs: apt-get install --no-install-recommends {' '.join(missing)}"
    info = call(["podman", "info", "--format={{.Host.NetworkBackend}}"], check=False)
    if info.returncode:
        return f"podman does not work here: {' '.join(info.stderr.split())}"
    helpers = [name for name in ("netavark", "aardvark-dns") if not Path("/usr/lib/podman", name).exists()]
    if helpers or info.stdout.strip() != "netavark":
        return "the lab needs podman's netavark network: apt-get install --no-install-recommends netavark aardvark-dns"
    return None


#: Where netavark keeps the names of each network's containers, for its name server.
NAMES = Path("/run/containers/networks/aardvark-dns")


class Lab:
    """Hosts that reach each other by name, and this machine by address.

    ``prefix`` keeps labs apart: network, containers and files bear it. Use it as ``with Lab("name") as lab``: on entry
    what a crashed lab of that prefix left is removed, on exit everything of this one (unless ``keep``).
    """

    def __init__(self, prefix: str = "lab", *, keep: bool = False) -> None:
        """Take the prefix; nothing is started yet."""
        if not re.fullmatch(r"[a-z][a-z0-9]{0,19}", prefix):
            raise LabError(f"a lab's prefix is up to 20 small letters and digits: {prefix!r}")
        self.prefix = prefix
        self.keep = keep
        self.network = f"relocate-{prefix}"
        self.directory = cache_directory() / "labs" / prefix
        self.known_hosts = self.directory / "known_hosts"
        self.hosts: dict[str, Host] = {}
        self._lock: IO[str] | None = None
        self._changing = threading.Lock()
        self._naming = threading.Lock()

    @classmethod
    def attach(cls, prefix: str = "lab") -> Lab:
        """Give the lab of that prefix that runs already, with its hosts; it stays when this process ends."""
        lab = cls(prefix, keep=True)
        listed = podman("ps", "--all", f"--filter=label={LABEL}={prefix}", "--format={{.ID}}").split()
        described: list[dict[str, Any]] = json.loads(podman("inspect", *listed)) if listed else []
        for entry in described:
            labels = entry["Config"]["Labels"]
            name, suite, address, image = (labels[f"{LABEL}-{key}"] for key in ("host", "suite", "address", "image"))
            lab.hosts[name] = lab._describe(name, suite, address, image)
        return lab

    def __enter__(self) -> Lab:
        """Remove what an earlier lab left, and make the network."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the lab, unless it is to be kept."""
        if not self.keep:
            self.down()
        self.release()

    def start(self) -> None:
        """Take the prefix for this process, remove what an earlier lab left, and make the network."""
        if not self.take():
            raise LabError(f"another process uses the lab {self.prefix!r}; choose another prefix")
        reason = obstacle()
        if reason:
            raise LabError(reason)
        self.down()
        self.directory.mkdir(parents=True, exist_ok=True)
        # Two labs that ask at once would be given the same subnet.
        with locked("network"):
            podman("network", "create", f"--label={LABEL}={self.prefix}", self.network)

    def take(self) -> bool:
        """Take the prefix for this process; False when another one has it."""
        if self._lock:
            return True
        # Containers and networks are the machine's, whichever checkout made them: so is the lock.
        lock = Path("/run/lock", f"relocate-lab-{self.prefix}.lock").open("w")  # noqa: SIM115 (held for as long as the lab)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        self._lock = lock
        return True

    def release(self) -> None:
        """Let another process have the prefix."""
        if self._lock:
            self._lock.close()
        self._lock = None

    def down(self) -> None:
        """Remove every host and the network of this prefix."""
        # One after the other: podman removes several at once, and the name server's list would keep one of them.
        for container in podman("ps", "--all", f"--filter=label={LABEL}={self.prefix}", "--format={{.ID}}").split():
            podman("rm", "--force", "--time=0", container)
        if call(["podman", "network", "exists", self.network], check=False).returncode == 0:
            podman("network", "rm", "--force", self.network)
        # A list that outlives its network makes the name server listen at the old address for the next of that name.
        (NAMES / self.network).unlink(missing_ok=True)
        self.hosts.clear()
        shutil.rmtree(self.directory, ignore_errors=True)

    def up(self, hosts: Mapping[str, str] | None = None) -> dict[str, Host]:
        """Start hosts (name to suite; by default old, new and db) side by side; return all of the lab's hosts."""
        wanted = dict(DEFAULT_HOSTS if hosts is None else hosts)
        for suite in sorted(set(wanted.values())):
            ensure_image(suite)
        ensure_wheels()
        with timed(f"starting {', '.join(wanted)}"), ThreadPoolExecutor(max_workers=8) as pool:
            started = [pool.submit(self.host, name, suite) for name, suite in wanted.items()]
            for future in started:
                future.result()
        return self.hosts

    def host(self, name: str, suite: str | None = None, image: str | None = None, *, fresh: bool = False) -> Host:
        """Give the host of that name, started if need be from ``image`` (a snapshot's name) or the suite's image.

        A host that runs another image is replaced, and so is any with ``fresh``.
        """
        suite = suite or DEFAULT_HOSTS.get(name)
        if suite is None:
            raise LabError(f"host {name!r} needs a suite")
        image = image or ensure_image(suite)
        present = self.hosts.get(name)
        if present and present.image == image and not fresh:
            return present
        if present:
            self.remove(name)
        host = self._create(name, suite, image)
        host.wait()
        self._let_in(host)
        self._see_names(host)
        if name == "db":
            services.enable_git_server(host)
        failed = host.failed_units()
        if failed:
            progress(f"host {name}: these units failed: {', '.join(failed)}")
        return host

    def provisioned(self, name: str, suite: str, tag: str, provision: Callable[[Host], None]) -> Host:
        """Give a host on which ``provision`` has run, out of a snapshot if there is one of that tag.

        Let the tag hold a digest of what ``provision`` does, so that another recipe is another snapshot.
        """
        image = snapshot_name(tag, suite)
        if image_exists(image):
            return self.host(name, suite, image)
        with locked(f"snapshot-{tag}-{suite}"):
            if not image_exists(image):
                with timed(f"provisioning {name} for the snapshot {tag}"):
                    host = self.host(name, suite, fresh=True)
                    provision(host)
                    host.snapshot(tag)
        return self.host(name, suite, image)

    def remove(self, name: str) -> None:
        """Remove one host."""
        host = self.hosts.pop(name)
        with self._naming:
            podman("rm", "--force", "--time=0", host.container)

    def write_inventory(self, path: Path, variables: Mapping[str, object] | None = None) -> Path:
        """Write an inventory of this lab's hosts; see ``inventory.write_inventory``."""
        return write_inventory(path, list(self.hosts.values()), variables)

    def _create(self, name: str, suite: str, image: str) -> Host:
        with self._changing:
            address = self._free_address()
            host = self._describe(name, suite, address, image)
            self.hosts[name] = host
        details = {"host": name, "suite": suite, "address": address, "image": image}
        labels = {LABEL: self.prefix, **{f"{LABEL}-{key}": value for key, value in details.items()}}
        options = [
            *("--systemd=always", "--ulimit=nofile=1024:4096", "--ulimit=nproc=30000:30000", "--shm-size=512m"),
            *(f"--name={host.container}", f"--hostname={name}", f"--volume={ensure_wheels()}:/wheels:ro"),
            *(f"--network={self.network}", f"--network-alias={name}", f"--network-alias={name}.lab"),
            *(f"--ip={address}", f"--mac-address={_mac(address)}"),
            *(f"--label={key}={value}" for key, value in labels.items()),
        ]
        # crun refuses hybrid cgroups, and without the limits the start is "Operation not permitted".
        # The name server's list of a network is read, changed and written without a lock: of two that come at once, one
        # would be lost.
        with self._naming:
            podman("--runtime=runc", "run", "--detach", *options, image)
        return host

    def _free_address(self) -> str:
        """Give an address that no host of this lab has; a fixed one survives a stop, so inventories stay true."""
        network = json.loads(podman("network", "inspect", self.network))[0]["subnets"][0]["subnet"]
        taken = {host.address for host in self.hosts.values()}
        # The first ten are left to podman and its gateway.
        free = (str(address) for address in list(ipaddress.ip_network(network).hosts())[10:])
        return next(address for address in free if address not in taken)

    def _describe(self, name: str, suite: str, address: str, image: str) -> Host:
        container = f"relocate-{self.prefix}-{name}"
        return Host(name, suite, address, container, image, ensure_key(), self.known_hosts)

    def _see_names(self, host: Host) -> None:
        """Wait until the host and the others find each other by name, which takes the name server a moment."""
        others = [other for other in list(self.hosts.values()) if other is not host]
        for asks, asked in [(host, other) for other in others] + [(other, host) for other in others]:
            for _attempt in range(40):
                found = asks.run(["getent", "ahostsv4", asked.name], check=False)
                if found.stdout.startswith(f"{asked.address} ") or found.returncode > 2:  # it answers, or is stopped
                    break
                time.sleep(0.5)
            else:
                progress(f"host {asks.name} does not find {asked.name} by its name, unless that one is stopped")

    def _let_in(self, host: Host) -> None:
        """Let the lab's key log in as admin and root, and let this machine know the host's key."""
        public = ensure_key().with_suffix(".pub").read_text()
        for user, home in (("admin", "/home/admin"), ("root", "/root")):
            host.run(["install", "-d", "-m", "0700", "-o", user, "-g", user, f"{home}/.ssh"])
            host.write(f"{home}/.ssh/authorized_keys", public, owner=f"{user}:{user}", mode="0600")
        line = f"{host.name},{host.name}.lab,{host.address} {host.public_key()}\n"
        with self._changing:
            others = self.known_hosts.read_text().splitlines(keepends=True) if self.known_hosts.exists() else []
            kept = [other for other in others if not other.startswith(f"{host.name},")]
            self.known_hosts.write_text("".join([*kept, line]))


def _mac(address: str) -> str:
    """Give an address's own MAC: with a new one at each start, neighbours would talk to the old one for 30 s."""
    return ":".join(f"{byte:02x}" for byte in (2, 66, *ipaddress.ip_address(address).packed))


def ensure_key() -> Path:
    """Give the private key that opens every host, made on first use."""
    key = cache_directory() / "keys" / "id_ed25519"
    if not key.exists():
        with locked("keys"):
            if not key.exists():
                key.parent.mkdir(mode=0o700, exist_ok=True)
                call(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "relocate-lab", "-f", str(key)])
    return key
