# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The new host's side of a transfer: what is asked of rsync, and what its answers mean."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed, run
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import MANIFEST
from ansible_collections.relocate.django.plugins.module_utils._transfer import fetch as transfer_fetch
from ansible_collections.relocate.django.plugins.module_utils._transfer import grant, rsync
from ansible_collections.relocate.django.plugins.module_utils._transfer.rsync import Moved, Request, Way
from tests.unit.fakes import ROOT_ONLY, refused

WAY = Way("shop", "/w/transfer/shop", ["192.0.2.1"], 2222, "admin")
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIGh1enw5YDax4V6v"


def test_ssh_trusts_one_host_and_offers_one_key() -> None:
    argv = rsync.ssh_argv(WAY)
    text = " ".join(argv)
    assert argv[:6] == ["ssh", "-F", "/dev/null", "-T", "-p", "2222"]
    for option in (
        "IdentityFile=/w/transfer/shop/id_ed25519",
        "UserKnownHostsFile=/w/transfer/shop/known_hosts",
        "StrictHostKeyChecking=yes",
        "HostKeyAlias=relocate-shop",
        "IdentityAgent=none",
        "IdentitiesOnly=yes",
        "BatchMode=yes",
    ):
        assert f"-o {option}" in text


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["ssh", "-p", "22"], "ssh -p 22"),
        (["ssh", "-o", 'UserKnownHostsFile="/a b"'], "ssh -o 'UserKnownHostsFile=\"/a b\"'"),
    ],
)
def test_the_remote_shell_is_taken_apart_by_rsync(argv: list[str], text: str) -> None:
    assert rsync.remote_shell(argv) == text


def test_a_quote_in_the_work_directory_is_refused() -> None:
    with refused("path_refused", "has a quote in its name"):
        rsync.remote_shell(["ssh", "-i", "/it's"])


@pytest.mark.parametrize(
    ("address", "place"), [("192.0.2.1", "admin@192.0.2.1::set/"), ("2001:db8::1", "admin@[2001:db8::1]::set/")]
)
def test_the_sets_command(address: str, place: str) -> None:
    argv = rsync.rsync_argv(rsync.set_request("/t"), WAY, address)
    assert argv[-3:] == ["--", place, "/t/"]
    assert {"--recursive", "--times", "--whole-file", "--no-links", "--exclude=/manifest.json"} <= set(argv)
    assert "--chmod=D700,F600" in argv
    assert "--checksum" not in argv
    assert not {"--compress", "-z", "--archive", "-a"} & set(argv)
    assert "--checksum" in rsync.rsync_argv(rsync.set_request("/t", again=True), WAY, address)


def test_a_set_is_compressed_when_both_know_zstd_and_media_never_is() -> None:
    way = Way("shop", "/w/transfer/shop", ["192.0.2.1"], zstd=True)
    zstd = {"--compress", "--compress-choice=zstd", "--compress-level=1"}
    assert zstd <= set(rsync.rsync_argv(rsync.set_request("/t"), way, "192.0.2.1"))
    for request in (rsync.manifest_request("/t"), rsync.media_request("/t")):
        assert not zstd & set(rsync.rsync_argv(request, way, "192.0.2.1"))


def test_the_manifest_comes_by_itself() -> None:
    argv = rsync.rsync_argv(rsync.manifest_request("/t"), WAY, "192.0.2.1")
    assert argv[-2:] == ["admin@192.0.2.1::set/manifest.json", "/t/"]


def test_the_command_for_media() -> None:
    argv = rsync.rsync_argv(rsync.media_request("/m"), WAY, "192.0.2.1")
    assert {"--links", "--safe-links", "--perms", "--chmod=Fug-s", "--no-devices", "--no-specials"} <= set(argv)
    assert not [word for word in argv if word.startswith(("--delete", "--backup", "--chown", "--copy-as", "--exclude"))]
    assert "--delete-delay" in rsync.media_request("/m", delete=True).options


def test_files_that_are_somebodys_are_left_alone_first_and_put_aside_then() -> None:
    first = rsync.rsync_argv(rsync.media_request("/m", displaced="/m__previous-l"), WAY, "192.0.2.1")
    last = rsync.rsync_argv(rsync.media_request("/m", delete=True, displaced="/m__previous-l"), WAY, "192.0.2.1")
    kept = {"--backup", "--backup-dir=/m__previous-l"}
    assert "--ignore-existing" in first
    assert not kept & set(first)
    assert kept <= set(last)
    assert "--ignore-existing" not in last


@pytest.mark.parametrize(
    ("name", "pattern"),
    [("a b/c", "/a b/c"), ("a*[1]?", r"/a\*\[1]\?"), ("a\\b", "/a\\b"), ("a\\*", r"/a\\\*"), ("-x", "/-x")],
)
def test_names_that_are_skipped_are_no_patterns(name: str, pattern: str) -> None:
    argv = rsync.rsync_argv(rsync.media_request("/m", skip=[name]), WAY, "192.0.2.1")
    assert "--exclude=" + pattern in argv


@pytest.mark.parametrize(
    ("version", "window", "copy_as"),
    [((), False, False), ((3, 1, 2), False, False), ((3, 1, 3), True, False), ((3, 2, 0), True, True)],
)
def test_what_rsync_can_do_is_asked_of_it(version: tuple[int, ...], window: bool, copy_as: bool) -> None:
    way = Way("shop", "/w/transfer/shop", ["192.0.2.1"], version=version)
    request = rsync.media_request("/m", user=SystemUser("shop", 1000, 1000))
    argv = rsync.rsync_argv(request, way, "192.0.2.1")
    assert ("--modify-window=-1" in argv, "--copy-as=shop" in argv) == (window, copy_as)
    assert not {"--modify-window=-1", "--copy-as=shop"} & set(
        rsync.rsync_argv(rsync.set_request("/t"), way, "192.0.2.1")
    )


STATS = """
Number of files: 1,306 (reg: 1,303, dir: 2, link: 1)
Number of created files: 1,304 (reg: 1,303, link: 1)
Number of deleted files: 2
Number of regular files transferred: 1,303
Total file size: 1,193 bytes
Total transferred file size: 1,089,000 bytes
Total bytes sent: 35
Total bytes received: 18579
"""


def test_statistics() -> None:
    moved = rsync.parse_stats(STATS)
    assert moved == Moved(files=1303, size=1089000, received=18579, deleted=2, made=1304)
    assert moved.anything
    assert not rsync.parse_stats("").anything


@pytest.mark.parametrize(
    ("rc", "err", "code", "text"),
    [
        (255, "admin@h: Permission denied (publickey).", "transfer_refused", "did not accept the one-time key"),
        (255, "Host key verification failed.", "transfer_refused", "has another host key"),
        (255, "ssh: connect to host h port 22: Connection refused", "transfer_unreachable", "cannot reach"),
        (
            255,
            "ssh: connect to host h port 22: No route to host",
            "transfer_unreachable",
            "set relocate_transfer: relay",
        ),
        (255, "Timeout, server h not responding.", "transfer_failed", "was lost"),
        (12, "rsync: connection unexpectedly closed (0 bytes received so far)", "transfer_failed", "it resumes"),
        (30, "rsync error: timeout in data send/receive (code 30)", "transfer_failed", "was lost"),
        (11, 'rsync: write failed on "/x": No space left on device (28)', "disk_full", "free space there"),
        (11, "rsync: Disk quota exceeded (122)", "disk_full", "free space there"),
        (
            23,
            'rsync: [sender] send_files failed to open "/x" (in media): Permission denied (13)',
            "transfer_failed",
            "23",
        ),
        (5, "@ERROR: Unknown module 'x'", "transfer_failed", "exited 5: @ERROR: Unknown module"),
    ],
)
def test_failures_are_named(rc: int, err: str, code: str, text: str) -> None:
    with refused(code, text):
        raise rsync.failure(rc, err, "h")


def test_known_hosts_go_by_the_site() -> None:
    assert rsync.known_hosts("shop", [HOST_KEY + " comment"]) == f"relocate-shop {HOST_KEY}\n"
    for bad in ("ssh-ed25519", "@cert-authority * x", "ssh-ed25519 A,B", ""):
        with refused("bad_option", "is not one"):
            rsync.known_hosts("shop", [bad])


class Answers:
    """rsync, played: one answer for each call, the last one for ever."""

    def __init__(self, *answers: tuple[int, str]) -> None:
        self._answers, self.asked = list(answers), []  # type: ignore[var-annotated]

    def __call__(self, command: Any, **_more: Any) -> Completed:
        self.asked.append(command.argv[-2])
        rc, err = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return Completed(tuple(command.argv), rc, STATS.encode(), err.encode())


@pytest.fixture
def keys(tmp_path: Path) -> str:
    assert transfer_fetch.make_key(str(tmp_path / "keys"), "shop")
    assert not transfer_fetch.make_key(str(tmp_path / "keys"), "shop")
    return str(tmp_path / "keys")


def fetcher(monkeypatch: pytest.MonkeyPatch, keys: str, answers: Answers, *addresses: str) -> transfer_fetch.Fetcher:
    monkeypatch.setattr(transfer_fetch, "reachable", lambda names, _port: (list(names), []))
    monkeypatch.setattr(transfer_fetch, "_PAUSE", 0)
    return transfer_fetch.Fetcher(Way("shop", keys, addresses), [HOST_KEY], answers)


def test_another_host_at_an_address_is_passed_over(monkeypatch: pytest.MonkeyPatch, keys: str) -> None:
    answers = Answers((255, "Host key verification failed."), (0, ""))
    moved = fetcher(monkeypatch, keys, answers, "172.17.0.1", "192.0.2.1").fetch(Request("set/", "/t"))
    assert (moved.address, answers.asked) == ("192.0.2.1", ["root@172.17.0.1::set/", "root@192.0.2.1::set/"])


def test_a_lost_connection_is_taken_up_again(monkeypatch: pytest.MonkeyPatch, keys: str) -> None:
    answers = Answers((12, "connection unexpectedly closed"), (24, ""))
    assert fetcher(monkeypatch, keys, answers, "192.0.2.1").fetch(Request("set/", "/t")).vanished
    answers = Answers((12, "connection unexpectedly closed"))
    with refused("transfer_failed", "was lost"):
        fetcher(monkeypatch, keys, answers, "192.0.2.1").fetch(Request("set/", "/t"))
    assert len(answers.asked) == 3


def test_a_refusal_is_not_tried_again(monkeypatch: pytest.MonkeyPatch, keys: str) -> None:
    answers = Answers((255, "Permission denied (publickey)."))
    with refused("transfer_refused", "set relocate_transfer: relay"):
        fetcher(monkeypatch, keys, answers, "192.0.2.1", "192.0.2.2").fetch(Request("set/", "/t"))
    assert len(answers.asked) == 1


@pytest.mark.skipif(not shutil.which("rsync"), reason="rsync is not here")
@pytest.mark.parametrize("chroot", [pytest.param(True, marks=ROOT_ONLY), False])
def test_a_media_root_that_is_not_there_yet_by_the_words_of_a_real_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: str, chroot: bool
) -> None:
    conf, shell = tmp_path / "rsyncd.conf", tmp_path / "rsh"
    conf.write_text(grant.conf_text({"set": str(tmp_path / "set"), "media": str(tmp_path / "media")}, chroot))
    shell.write_text(f"#!/bin/sh\nexec rsync --server --daemon --config={conf} .\n")
    shell.chmod(0o755)

    def daemon(command: Any, **_more: Any) -> Any:
        words = ["--rsh=" + str(shell) if word.startswith("--rsh=") else word for word in command.argv]
        return run(Command(words))

    def fetch(request: Request) -> Moved:
        return fetcher(monkeypatch, keys, daemon, "192.0.2.1").fetch(request)  # type: ignore[arg-type]

    (tmp_path / "new").mkdir()
    assert not fetch(rsync.media_request(str(tmp_path / "new"))).anything
    with refused("transfer_failed", "ch(root|dir) failed"):
        fetch(rsync.set_request(str(tmp_path / "new")))
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "photo.jpg").write_text("x")
    assert fetch(rsync.media_request(str(tmp_path / "new"), delete=True)).files == 1


def test_no_address_answers(keys: str) -> None:
    with refused("transfer_unreachable", "127.0.0.1: Connection refused"):
        transfer_fetch.Fetcher(Way("shop", keys, ["127.0.0.1"], 1), [HOST_KEY]).fetch(Request("set/", "/t"))


def test_without_a_key(tmp_path: Path) -> None:
    with refused("transfer_refused", "no one-time key"):
        transfer_fetch.Fetcher(Way("shop", str(tmp_path), []), [HOST_KEY])


def test_a_set_is_no_set_until_its_manifest_came(tmp_path: Path) -> None:
    path = tmp_path / "20261120T193000Z-1a2b3c4d5e6f"
    path.mkdir()
    (path / MANIFEST).write_text("edited")

    def fetch(_request: Request) -> Moved:
        assert not (path / MANIFEST).exists()
        raise RelocateError("transfer_failed", "lost")

    with refused("transfer_failed", "lost"):
        transfer_fetch.bring_set(fetch, BackupSet(str(path)), "0" * 64, 1)
    assert not (path / MANIFEST).exists()


def test_what_an_interruption_left_goes(tmp_path: Path) -> None:
    (tmp_path / "a" / rsync.PARTIAL).mkdir(parents=True)
    (tmp_path / "a" / rsync.PARTIAL / "x").write_text("x")
    transfer_fetch.remove_partial(str(tmp_path))
    assert os.listdir(tmp_path / "a") == []


def test_databases_are_roots_even_after_a_failure(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("changing the owner needs root")
    backup = BackupSet(str(tmp_path))
    (tmp_path / "databases").mkdir()
    os.chown(tmp_path / "databases", 65534, 65534)

    def fail() -> None:
        with transfer_fetch.claimed(backup):
            assert (tmp_path / "databases").stat().st_uid == 0
            (tmp_path / "databases" / "x").write_text("x")
            os.chown(tmp_path / "databases" / "x", 65534, 65534)
            raise RelocateError("transfer_failed", "lost")

    with refused("transfer_failed", "lost"):
        fail()
    assert {item.stat().st_uid for item in (tmp_path / "databases", tmp_path / "databases" / "x")} == {0}
