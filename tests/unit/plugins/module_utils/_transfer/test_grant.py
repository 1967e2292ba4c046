# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The old host's side of a transfer: one line of authorized_keys, there and gone again."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._transfer import authorized_keys, grant
from ansible_collections.relocate.django.plugins.module_utils._transfer import sshd as transfer_sshd
from ansible_collections.relocate.django.plugins.module_utils._transfer.sshd import Sshd
from ansible_collections.relocate.django.plugins.module_utils._users import current_user
from tests.unit.fakes import refused

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPupke3RZXedF6E7f/wbB3EEmKHQY5Mz7+2SkJ/dQLJP"
COMMAND = ["/usr/bin/rsync", "--server", "--daemon", "--config=/var/lib/relocate/transfer/shop.conf", "."]
LINE = grant.key_line("shop", KEY, ["192.0.2.7", "2001:db8::7"], COMMAND, "202611211930")


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
    assert grant.lasts(present, LINE, now, 86400) is lasting


def test_a_line_without_expiry_lasts() -> None:
    bare = grant.key_line("shop", KEY, ["192.0.2.7"], COMMAND, "")
    assert grant.lasts(bare, bare, time.time(), 60)


def test_sshd_is_read() -> None:
    text = "port 22\nport 2222\nPermitRootLogin without-password\nauthorizedkeysfile .ssh/authorized_keys .ssh/2\n"
    found = transfer_sshd.parse_sshd(text)
    assert found["port"] == ["22", "2222"]
    assert found["permitrootlogin"] == ["without-password"]


@pytest.mark.parametrize(
    ("template", "path"),
    [
        (".ssh/authorized_keys", "/home/a/.ssh/authorized_keys"),
        ("%h/.ssh/x", "/home/a/.ssh/x"),
        ("/etc/ssh/keys/%u", "/etc/ssh/keys/a"),
        ("/k/%U%%", "/k/7%"),
    ],
)
def test_where_keys_are(template: str, path: str) -> None:
    user = SystemUser("a", 7, 7, home="/home/a")
    assert transfer_sshd.key_path(Sshd(key_file=template), user) == path


@pytest.mark.parametrize(
    ("sshd", "uid", "text"),
    [
        (Sshd(root_login="no"), 0, "nobody in as root.*name a login with sudo"),
        (Sshd(public_keys=False), 7, "accepts no keys"),
        (Sshd(key_file="none"), 7, "accepts no keys"),
    ],
)
def test_logins_that_are_refused(sshd: Sshd, uid: int, text: str) -> None:
    with refused("transfer_refused", text):
        transfer_sshd.check_login(sshd, SystemUser("a", uid, uid))


def test_logins_that_pass() -> None:
    for how in ("yes", "prohibit-password", "without-password", "forced-commands-only"):
        transfer_sshd.check_login(Sshd(root_login=how), SystemUser("root", 0, 0))
    transfer_sshd.check_login(Sshd(root_login="no"), SystemUser("a", 7, 7))


def traces(path: Path) -> list[tuple[str, int, int, bytes]]:
    return [
        (
            str(item),
            item.lstat().st_mtime_ns,
            stat.S_IMODE(item.lstat().st_mode),
            item.read_bytes() if item.is_file() else b"",
        )
        for item in sorted([path, *path.rglob("*")])
    ]


def home(path: Path) -> SystemUser:
    me = current_user()
    return SystemUser(me.name, me.uid, me.gid, me.groups, str(path))


@pytest.mark.parametrize("present", ["nothing", "directory", "file"])
def test_a_key_file_is_left_as_it_was(tmp_path: Path, present: str) -> None:
    path = tmp_path / ".ssh" / "authorized_keys"
    if present != "nothing":
        path.parent.mkdir(0o755)
    if present == "file":
        path.write_bytes(b"a\nb")
        path.chmod(0o640)
        os.utime(path, ns=(1, 5_000_000_123))
        os.utime(path.parent, ns=(1, 7_000_000_123))
    before = traces(tmp_path)
    keys = authorized_keys.KeyFile(str(path), home(tmp_path))
    made = keys.missing()
    assert made == {"nothing": "directory", "directory": "file", "file": ""}[present]
    keys.write(grant.with_line(keys.read() or b"", LINE))
    assert LINE in path.read_bytes()
    if present != "file":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rest = grant.without_lines(keys.read() or b"", "shop")
    if made:
        keys.remove(made)
    else:
        keys.write(rest)
    assert traces(tmp_path) == before


@pytest.mark.parametrize("which", ["file", "directory"])
def test_a_link_in_its_place_is_refused(tmp_path: Path, which: str) -> None:
    victim = tmp_path / "victim"
    if which == "file":
        (tmp_path / ".ssh").mkdir()
        victim.write_text("mine")
        (tmp_path / ".ssh" / "authorized_keys").symlink_to(victim)
    else:
        victim.mkdir()
        (tmp_path / ".ssh").symlink_to(victim)
    with refused("path_refused", "is a link, or belongs to somebody else"):
        authorized_keys.KeyFile(str(tmp_path / ".ssh" / "authorized_keys"), home(tmp_path)).read()


def test_a_configuration_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "transfer" / "shop.conf"
    assert grant.write_conf(str(path), "x")
    assert not grant.write_conf(str(path), "x")
    assert grant.write_conf(str(path), "y")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
