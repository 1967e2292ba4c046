# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The old host's side of a transfer: one line of authorized_keys, and what the daemon offers."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._transfer import grant
from tests.unit.fakes import refused
from tests.unit.plugins.module_utils._transfer.keys import COMMAND, KEY, LINE


def test_the_line() -> None:
    assert LINE.decode() == (
        'restrict,from="192.0.2.7,2001:db8::7",expiry-time="202611211930",command="/usr/bin/rsync --server --daemon '
        f'--config=/var/lib/relocate/transfer/shop.conf ." {KEY} relocate-shop'
    )
    assert b"expiry" not in grant.key_line("shop", KEY, ["192.0.2.7"], COMMAND, "")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"ssh-ed25519 AAAA me\n",
        b"ssh-ed25519 AAAA me",
        b"# a\r\n\r\nssh-rsa AAAA \xe9\r\n",
        b"\n\n  \n",
        b"ssh-ed25519 AAAA relocate-shop2\n# relocate-shop is not ours\n",
    ],
)
def test_a_line_comes_and_goes_without_a_trace(text: bytes) -> None:
    added = grant.with_line(text, LINE)
    assert grant.ours(added, "shop") == [LINE]
    assert added.endswith(b"\n") == (text == b"" or text.endswith(b"\n"))
    assert grant.without_lines(added, "shop") == text
    assert grant.without_lines(text, "shop") == text


def test_every_line_of_a_site_goes() -> None:
    other = grant.key_line("shop2", KEY, ["192.0.2.7"], COMMAND, "")
    text = b"a\n" + LINE + b"\n" + other + b"\n" + LINE + b"x relocate-shop\nb\n"
    assert grant.without_lines(text, "shop") == b"a\n" + other + b"\nb\n"


@pytest.mark.parametrize(
    "key",
    ["", "ssh-ed25519", "ssh-rsa AAAA", KEY.replace("AAAA", "AA\nA"), 'command="sh" ' + KEY, "ssh-ed25519 " + "A" * 10],
)
def test_keys_that_are_refused(key: str) -> None:
    with refused("bad_option", "not an ed25519 public key"):
        grant.check_key(key)


def test_a_key_loses_its_comment() -> None:
    assert grant.check_key(KEY + ' x",command="sh"\n') == KEY


@pytest.mark.parametrize("path", ["relative", "/a\nb", '/a"b', "/a%h", "/a\\", "/a ", "/a\x7f", "/a\0"])
def test_paths_that_are_refused(path: str) -> None:
    with refused("path_refused", "cannot be offered"):
        grant.conf_text({"set": path}, True)
    if path.startswith("/"):
        with refused("path_refused", "cannot be offered"):
            grant.key_line("shop", KEY, ["192.0.2.7"], [path], "")


def test_a_path_with_a_space_is_quoted() -> None:
    assert b"'--config=/a b'" in grant.key_line("shop", KEY, [], ["rsync", "--config=/a b"], "")


def test_the_configuration_offers_reading_only() -> None:
    lines = grant.conf_text({"set": "/s", "media": "/m x"}, True).splitlines()
    assert {"read only = yes", "list = no", "use chroot = yes", "munge symlinks = no", "uid = 0"} <= set(lines)
    assert lines[-5:] == ["[set]", "path = /s", "", "[media]", "path = /m x"]
    refuse = next(line for line in lines if line.startswith("refuse options")).split()
    assert {"copy-links", "copy-unsafe-links", "copy-dirlinks", "delete", "remove-source-files", "log-file*"} <= set(
        refuse
    )
    assert "use chroot = no" in grant.conf_text({"set": "/s"}, False)


def test_media_is_read_with_the_rights_of_its_owner() -> None:
    readers = {"media": SystemUser("shop", 1000, 1001, (33, 1001))}
    set_part, media_part = grant.conf_text({"set": "/s", "media": "/m"}, True, readers).split("[media]")
    assert "uid = 0\ngid = 0\n" in set_part
    assert media_part == "\npath = /m\nuid = 1000\ngid = 1001 33\n"
    assert "uid" not in grant.conf_text({"set": "/s", "media": "/m"}, False, readers)


@pytest.mark.parametrize(
    ("seconds", "present", "lasting"),
    [(86000, LINE, True), (40000, LINE, False), (86400 * 3, LINE, False), (86000, LINE + b"x", False)],
)
def test_a_line_that_lasts(seconds: int, present: bytes, lasting: bool) -> None:
    now = time.mktime(time.strptime("202611211930", "%Y%m%d%H%M")) - seconds
    assert grant.is_still_valid(present, LINE, now, 86400) is lasting


def test_a_line_without_expiry_lasts() -> None:
    bare = grant.key_line("shop", KEY, ["192.0.2.7"], COMMAND, "")
    assert grant.is_still_valid(bare, bare, time.time(), 60)


def test_a_configuration_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "transfer" / "shop.conf"
    assert grant.write_conf(str(path), "x")
    assert not grant.write_conf(str(path), "x")
    assert grant.write_conf(str(path), "y")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
