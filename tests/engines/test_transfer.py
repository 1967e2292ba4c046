# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A transfer over a real SSH server of our own, with real rsync: what the one-time key can do, and cannot."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._media import inventory
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._together import Started
from ansible_collections.relocate.django.plugins.module_utils._transfer import fetch, grant, opened
from ansible_collections.relocate.django.plugins.module_utils._transfer import rsync as transfer_rsync
from ansible_collections.relocate.django.plugins.module_utils._transfer.fetch import Fetcher
from ansible_collections.relocate.django.plugins.module_utils._transfer.rsync import Request, Way
from ansible_collections.relocate.django.plugins.module_utils._users import current_user
from tests.unit.fakes import LABEL, ROOT_ONLY, manifest, nobody, reachable, refused

SSHD, RSYNC = shutil.which("sshd", path="/usr/sbin:/usr/bin:/sbin"), shutil.which("rsync")
MISSING = [name for name, path in (("sshd", SSHD), ("rsync", RSYNC), ("ssh", shutil.which("ssh"))) if not path]
REQUIRED = os.environ.get("RELOCATE_LAB_REQUIRED") == "1"
pytestmark = [
    pytest.mark.drawn(2, of="transfers"),
    pytest.mark.skipif(
        bool(MISSING) and not REQUIRED,
        reason=f"needs {', '.join(MISSING)}: apt-get install openssh-server openssh-client rsync",
    ),
]
CONF = """Port {port}
ListenAddress 127.0.0.1
HostKey {base}/host
PidFile none
AuthorizedKeysFile {base}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
LogLevel ERROR
"""


@dataclass
class Old:
    """The old side: a set, MEDIA, and a server that lets the key read both."""

    base: Path
    port: int
    host_key: str
    backup: BackupSet
    sha256: str
    media: Path
    way: Way

    def fetcher(self) -> Fetcher:
        return Fetcher(self.way, [self.host_key])

    def ssh(self, *words: str) -> "subprocess.CompletedProcess[bytes]":
        argv = [*transfer_rsync.ssh_argv(self.way), f"{self.way.login}@127.0.0.1", *words]
        return subprocess.run(argv, capture_output=True, timeout=20, stdin=subprocess.DEVNULL, check=False)

    def rsync(self, *words: str) -> "subprocess.CompletedProcess[bytes]":
        shell = transfer_rsync.remote_shell(transfer_rsync.ssh_argv(self.way))
        argv = ["rsync", "--timeout=10", "--rsh=" + shell, *words]
        return subprocess.run(argv, capture_output=True, timeout=30, stdin=subprocess.DEVNULL, check=False)

    @property
    def at(self) -> str:
        return f"{self.way.login}@127.0.0.1"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def fill(tmp_path: Path) -> tuple[BackupSet, str, Path]:
    backup = BackupSet.create(str(tmp_path / "old"), "shop", LABEL, current_user())
    os.mkdir(backup.file("databases/default.pgdump"), 0o700)
    for name, size in (("code.bundle", 30_000), ("files/0001", 60), ("databases/default.pgdump/1.dat", 30_000_000)):
        with open(os.open(backup.file(name), os.O_CREAT | os.O_WRONLY, 0o600), "wb") as stream:
            stream.write(random.Random(size).randbytes(size))
    sha256 = backup.finish(manifest())
    media = tmp_path / "old-media"
    (media / "a").mkdir(parents=True)
    for name in (b"caf\xe9.jpg", "☃".encode(), b"with\nnewline", b"-rf", b"plain"):
        with open(os.path.join(os.fsencode(media / "a"), name), "wb") as stream:
            stream.write(name)
    (media / "a" / "plain").chmod(0o4644)
    (media / "link").symlink_to("a/plain")
    (media / "out").symlink_to("/etc/hostname")
    os.mkfifo(media / "pipe")
    return backup, sha256, media


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Old]:
    assert not MISSING, f"missing: {MISSING}"
    me = current_user()
    base = tmp_path / "sshd"
    base.mkdir()
    backup, sha256, media = fill(tmp_path)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(base / "host")], check=True)
    port = free_port()
    (base / "conf").write_text(CONF.format(port=port, base=base))
    keys = str(tmp_path / "keys")
    fetch.make_key(keys, "shop")
    conf = grant.conf_path(str(tmp_path / "work"), "shop")
    grant.write_conf(conf, grant.conf_text({"set": backup.path, "media": str(media)}, me.uid == 0))
    key = grant.check_key(fetch.read_public_key(keys))
    expiry = time.strftime("%Y%m%d%H%M", time.localtime(time.time() + 3600))
    command = [str(RSYNC), "--server", "--daemon", "--config=" + conf, "."]
    line = grant.key_line("shop", key, ["127.0.0.1"], command, expiry)
    (base / "authorized_keys").write_bytes(grant.with_line(b"", line))
    if me.uid == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with subprocess.Popen([str(SSHD), "-D", "-e", "-f", str(base / "conf")], stderr=subprocess.DEVNULL) as server:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        host_key = " ".join((base / "host.pub").read_text().split()[:2])
        way = Way("shop", keys, ["127.0.0.1"], port, me.name)
        old = Old(base, port, host_key, backup, sha256, media, way)
        old.fetcher()  # writes known_hosts
        yield old
        server.terminate()


def new_set(tmp_path: Path) -> BackupSet:
    return BackupSet.create(str(tmp_path / "new"), "shop", LABEL, current_user())


def test_a_set_arrives_and_is_proven(old: Old, tmp_path: Path) -> None:
    backup = new_set(tmp_path)
    moved = fetch.bring_set(old.fetcher().fetch, backup, "", 2)
    assert (moved.files, BackupSet.labels(str(tmp_path / "new"), "shop")) == (3, [])
    moved = fetch.bring_set(old.fetcher().fetch, backup, old.sha256, 2)
    assert (moved.files, backup.digest()) == (1, old.sha256)
    assert moved.received < 100_000, "what is here is not sent again"
    modes = {os.lstat(backup.file(entry.path)).st_mode & 0o7777 for entry in backup.read(old.sha256).files}
    assert modes == {0o600}


def test_a_damaged_file_is_sent_again(old: Old, tmp_path: Path) -> None:
    backup = new_set(tmp_path)
    fetch.bring_set(old.fetcher().fetch, backup, old.sha256, 2)
    path = Path(backup.file("databases/default.pgdump/1.dat"))
    status = path.stat()
    with open(path, "r+b") as stream:
        stream.seek(1000)
        stream.write(b"X")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    fetch.bring_set(old.fetcher().fetch, backup, old.sha256, 2)
    backup.verify(backup.read(old.sha256))


def test_what_lies_on_old_must_be_what_was_written(old: Old, tmp_path: Path) -> None:
    with open(old.backup.file("code.bundle"), "r+b") as stream:
        stream.write(b"X")
    with refused("file_differs", "code.bundle"):
        fetch.bring_set(old.fetcher().fetch, new_set(tmp_path), old.sha256, 2)
    assert BackupSet.labels(str(tmp_path / "new"), "shop") == []


def connections_of(server: int) -> list[int]:
    """The processes of an SSH server that serve a connection."""
    found = subprocess.run(["pgrep", "-P", str(server)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def server_of(old: Old) -> int:
    found = subprocess.run(["pgrep", "-f", str(old.base / "conf")], capture_output=True, text=True, check=True)
    return int(found.stdout.split()[0])


def test_a_connection_that_breaks_is_taken_up_again(old: Old, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_PAUSE", 0.2)
    server, broken = server_of(old), []

    def cut() -> None:
        target = Path(new_set(tmp_path).path)
        for _ in range(400):
            arriving = [item for item in target.rglob(".*dat.*") if item.stat().st_size > 1_000_000]
            if arriving:
                for pid in connections_of(server):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        broken.append(pid)
                return
            time.sleep(0.01)

    cutter = threading.Thread(target=cut)
    cutter.start()
    backup = new_set(tmp_path)
    slow = transfer_rsync.set_request(backup.path)
    slow = Request(slow.source, slow.target, [*slow.options, "--bwlimit=15000"])
    fetcher = old.fetcher()
    fetcher.fetch(slow)
    cutter.join()
    assert broken
    fetch.bring_set(fetcher.fetch, backup, old.sha256, 2)
    backup.verify(backup.read(old.sha256))
    assert not list(Path(backup.path).rglob(transfer_rsync.PARTIAL))


def test_media_arrives_with_every_name(old: Old, tmp_path: Path) -> None:
    new = tmp_path / "new-media"
    new.mkdir()
    moved = old.fetcher().fetch(transfer_rsync.media_request(str(new)))
    assert moved.files == 5
    assert (
        inventory.inventory(str(new))["digest"] == inventory.inventory(str(old.media), skip=["out", "pipe"])["digest"]
    )
    assert (new / "a" / "plain").stat().st_mode & 0o7777 == 0o644
    assert not os.path.lexists(new / "out")
    (old.media / "a" / "-rf").unlink()
    assert not old.fetcher().fetch(transfer_rsync.media_request(str(new))).anything
    moved = old.fetcher().fetch(transfer_rsync.media_request(str(new), delete=True))
    assert moved.deleted == 1
    assert not old.fetcher().fetch(transfer_rsync.media_request(str(new), delete=True)).anything


@pytest.fixture(params=["rsync lets go of root's rights", "rsync before 3.2.0"])
def as_nobody(request: pytest.FixtureRequest, old: Old, tmp_path: Path) -> Fetcher:
    """Give a fetcher for requests that are written as nobody."""
    reachable(tmp_path)
    version = transfer_rsync.version() if "lets go" in request.param else (3, 1, 3)
    return Fetcher(replace(old.way, version=version), [old.host_key])


@ROOT_ONLY
def test_media_is_written_as_its_owner(old: Old, as_nobody: Fetcher, tmp_path: Path) -> None:
    new, victim = tmp_path / "new-media", tmp_path / "victim"
    for path in (new, victim):
        path.mkdir()
    request = transfer_rsync.media_request(str(new), True, nobody())
    with refused("transfer_failed", "Permission denied"):
        as_nobody.fetch(request)
    assert list(new.iterdir()) == [], "what only root may write to is left alone"
    os.chown(new, nobody().uid, nobody().gid)
    assert as_nobody.fetch(request).files == 5
    assert {item.lstat().st_uid for item in [new, *new.rglob("*")]} == {nobody().uid}
    assert not as_nobody.fetch(request).anything
    assert not [item for item in Path(old.way.keys).parent.iterdir() if item.name.startswith(".lent")]


@ROOT_ONLY
def test_what_would_be_lost_is_put_aside(old: Old, as_nobody: Fetcher, tmp_path: Path) -> None:
    new, displaced = tmp_path / "new-media", tmp_path / "new-media__previous-l"
    for path in (displaced, new, new / "a", new / "gone", new / "[s]kip"):
        path.mkdir()
    for name in ("a/plain", "a/taken", "gone/taken", "[s]kip/x"):
        (new / name).write_text("new")
    for path in (displaced, new, *new.rglob("*")):
        os.chown(path, nobody().uid, nobody().gid)
    (old.media / "[s]kip").write_text("left behind")
    skip = ["[s]kip"]
    as_nobody.fetch(transfer_rsync.media_request(str(new), False, nobody(), skip, str(displaced)))
    assert (new / "a" / "plain").read_text() == "new", "the first pass leaves alone what is there"
    assert list(displaced.iterdir()) == []
    as_nobody.fetch(transfer_rsync.media_request(str(new), True, nobody(), skip, str(displaced)))
    kept = {str(item.relative_to(displaced)): item.read_text() for item in displaced.rglob("*") if item.is_file()}
    assert kept == {"a/plain": "new", "a/taken": "new", "gone/taken": "new"}
    assert (new / "a" / "plain").read_text() == "plain"
    assert (new / "[s]kip" / "x").read_text() == "new"
    assert not (new / "gone").exists()


def test_a_file_that_was_rewritten_within_its_second_is_brought(old: Old, tmp_path: Path) -> None:
    new = tmp_path / "new-media"
    new.mkdir()
    path, fetcher = (
        old.media / "a" / "plain",
        Fetcher(replace(old.way, version=transfer_rsync.version()), [old.host_key]),
    )
    os.utime(path, ns=(10**18, 10**18))
    fetcher.fetch(transfer_rsync.media_request(str(new)))
    path.write_bytes(b"PLAIN")
    os.utime(path, ns=(10**18 + 1000, 10**18 + 1000))
    assert fetcher.fetch(transfer_rsync.media_request(str(new), delete=True)).files == 1
    assert (new / "a" / "plain").read_bytes() == b"PLAIN"
    assert not fetcher.fetch(transfer_rsync.media_request(str(new), delete=True)).anything


@ROOT_ONLY
def test_media_is_read_with_the_rights_of_its_owner(old: Old, tmp_path: Path) -> None:
    conf = grant.conf_path(str(tmp_path / "work"), "shop")
    shared = {"set": old.backup.path, "media": str(old.media)}
    grant.write_conf(conf, grant.conf_text(shared, True, {"media": nobody()}))
    secret, new = old.media / "a" / "secret", tmp_path / "new-media"
    secret.touch(0o600)
    new.mkdir()
    with refused("transfer_failed", "secret.*Permission denied"):
        old.fetcher().fetch(transfer_rsync.media_request(str(new)))
    assert not (new / "a" / "secret").exists()
    assert (new / "a" / "plain").exists()
    assert old.fetcher().fetch(transfer_rsync.set_request(new_set(tmp_path).path)).files == 3, "the set is root's still"


def test_another_host_key_is_refused(old: Old, tmp_path: Path) -> None:
    other = old.host_key[:-8] + "AAAAAAAA"
    with refused("transfer_refused", "another host key"):
        Fetcher(old.way, [other]).fetch(transfer_rsync.set_request(str(tmp_path)))


def test_a_key_that_was_taken_back_is_refused(old: Old, tmp_path: Path) -> None:
    path = old.base / "authorized_keys"
    path.write_bytes(grant.without_lines(path.read_bytes(), "shop"))
    with refused("transfer_refused", "did not accept the one-time key"):
        old.fetcher().fetch(transfer_rsync.set_request(str(tmp_path)))


def wait_until_over(process: Started) -> None:
    for _ in range(100):
        if process.poll() is not None:
            return
        time.sleep(0.05)
    raise AssertionError("it goes on")


@pytest.fixture
def opened_way(old: Old) -> Iterator[Way]:
    """Give the way by a connection that is open already."""
    assert opened.keep_open(old.way)
    yield opened.by_it(replace(old.way, addresses=["127.0.0.2", *old.way.addresses]))
    process = opened._OPEN.pop(old.way.keys)[0]
    opened.end(process)
    wait_until_over(process)
    assert opened.socket_of(old.way.keys) == ""


def test_an_open_connection_brings_a_set_and_lets_nothing_else_in(old: Old, opened_way: Way, tmp_path: Path) -> None:
    """It needs no key any more, so nothing is opened anew; what the key is bound to holds for each use of it."""
    assert opened.keep_open(old.way), "it is open already"
    path = old.base / "authorized_keys"
    path.write_bytes(grant.without_lines(path.read_bytes(), "shop"))
    by_it = replace(old, way=opened_way)
    assert len(connections_of(server_of(old))) == 1 and opened_way.addresses[0] == "127.0.0.1"
    fetch.bring_set(by_it.fetcher().fetch, new_set(tmp_path), old.sha256, 2)
    new = tmp_path / "new-media"
    new.mkdir()
    assert by_it.fetcher().fetch(transfer_rsync.media_request(str(new))).files == 5
    assert len(connections_of(server_of(old))) == 1
    said = by_it.ssh("cat", "/etc/passwd")
    assert said.stdout.startswith(b"@RSYNCD:") and b"root" not in said.stdout, said


def test_a_connection_that_was_lost_is_opened_by_who_needs_it(old: Old, opened_way: Way, tmp_path: Path) -> None:
    """Before the fetch and in the midst of it, so that what lacks is no more than time."""
    opened.end(opened._OPEN[old.way.keys][0])
    wait_until_over(opened._OPEN[old.way.keys][0])
    assert opened.socket_of(old.way.keys) == ""
    assert os.path.lexists(opened_way.control), "who is killed leaves its socket"
    fetch.bring_set(replace(old, way=opened_way).fetcher().fetch, new_set(tmp_path), old.sha256, 2)
    assert opened.keep_open(old.way) and opened.socket_of(old.way.keys) == opened_way.control


def test_no_connection_is_held_without_the_right_host_or_key(old: Old) -> None:
    known = Path(old.way.keys) / "known_hosts"
    known.write_text(known.read_text().replace("ssh-ed25519 AAAA", "ssh-ed25519 AAAB"))
    assert not opened.keep_open(old.way)
    assert opened.socket_of(old.way.keys) == "" and connections_of(server_of(old)) == []


@pytest.mark.parametrize(
    ("change", "into"),
    [(b'from="127.0.0.1"', b'from="192.0.2.1"'), (b'expiry-time="2', b'expiry-time="1')],
    ids=["another address", "expired"],
)
def test_the_key_is_for_one_address_and_one_day(old: Old, tmp_path: Path, change: bytes, into: bytes) -> None:
    path = old.base / "authorized_keys"
    assert change in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(change, into))
    with refused("transfer_refused", "did not accept the one-time key"):
        old.fetcher().fetch(transfer_rsync.set_request(str(tmp_path)))


@pytest.mark.parametrize("words", [(), ("id",), ("cat /etc/hostname",), ("rsync --server --sender . /etc/",)])
def test_the_key_opens_no_shell(old: Old, words: tuple[str, ...]) -> None:
    assert old.ssh(*words).stdout.startswith(b"@RSYNCD: ")


def test_the_key_forwards_nothing(old: Old) -> None:
    local, remote = free_port(), free_port()
    argv = [*transfer_rsync.ssh_argv(old.way), "-o", "ExitOnForwardFailure=yes", "-N", old.at]
    done = subprocess.run(
        [*argv[:-1], "-R", f"127.0.0.1:{remote}:127.0.0.1:22", argv[-1]], capture_output=True, timeout=20, check=False
    )
    assert b"remote port forwarding failed" in done.stderr

    with subprocess.Popen(
        [*argv[:-1], "-L", f"127.0.0.1:{local}:127.0.0.1:{old.port}", argv[-1]], stderr=subprocess.DEVNULL
    ) as tunnel:
        said = None
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", local), 1) as link:
                link.settimeout(3)
                said = link.recv(20)
                break
            time.sleep(0.05)
        tunnel.kill()
    assert said == b""


@pytest.mark.parametrize(
    "words",
    [
        ("-r", "{at}:/etc/hostname", "{out}"),
        ("-r", "{at}::set/../../../../../../../../etc/hostname", "{out}"),
        ("-r", "{at}::media//etc/hostname", "{out}"),
        ("-r", "{at}::set/../../../../sshd/conf", "{out}"),
        ("-r", "{at}::etc/", "{out}"),
        ("-rL", "{at}::media/", "{out}"),
        ("-r", "--copy-unsafe-links", "{at}::media/", "{out}"),
        ("-rk", "{at}::media/", "{out}"),
        ("-r", "--files-from=:/etc/hostname", "{at}::media/", "{out}"),
        ("-r", "--remove-source-files", "{at}::set/code.bundle", "{out}"),
        ("-r", "-M--log-file={out}", "{at}::set/code.bundle", "{out}2"),
        ("-r", "-M--config=/etc/hostname", "{at}::set/code.bundle", "{out}"),
        ("-r", "/etc/hostname", "{at}::set/"),
        ("-r", "--delete", "/var/empty/", "{at}::media/"),
    ],
    ids=lambda words: " ".join(words)[:50],
)
def test_the_key_reads_and_writes_nothing_else(old: Old, tmp_path: Path, words: tuple[str, ...]) -> None:
    before = inventory.inventory(str(tmp_path / "old"))["digest"], inventory.inventory(str(old.media))["digest"]
    out = tmp_path / "out"
    done = old.rsync(*[word.format(at=old.at, out=out) for word in words])
    assert done.returncode, done
    hostname = Path("/etc/hostname").read_bytes()
    found = [out] if out.is_file() else [item for item in out.rglob("*") if item.is_file()] if out.is_dir() else []
    assert not [item for item in found if item.read_bytes() == hostname]
    assert before == (
        inventory.inventory(str(tmp_path / "old"))["digest"],
        inventory.inventory(str(old.media))["digest"],
    )


def test_modules_are_not_listed(old: Old) -> None:
    assert old.rsync(f"{old.at}::").stdout == b""
