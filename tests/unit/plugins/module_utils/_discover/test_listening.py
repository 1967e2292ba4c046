# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who listens where, as the kernel tells it: its texts, a made-up /proc, and this very host."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import listening
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._discover.listening import Listener

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
REST = "00000000:00000000 00:00000000 00000000     0        0"
TCP = HEAD + (
    f"   0: 0100007F:1F41 00000000:0000 0A {REST} 101 1 0000000000000000 100 0 0 10 0\n"
    f"   1: 00000000:0050 00000000:0000 0A {REST} 102 1 0000000000000000 100 0 0 10 0\n"
    f"   2: 0100007F:1F41 0100007F:D431 01 {REST} 103 1 0000000000000000 20 4 30 10 -1\n"
    f"   3: nonsense:1F41 00000000:0000 0A {REST} 104 1\n"
    "   4: short\n"
)
TCP6 = HEAD + (
    f"   0: 00000000000000000000000000000000:0016 0:0 0A {REST} 201 1\n"
    f"   1: 00000000000000000000000001000000:1F40 0:0 0A {REST} 202 1\n"
    f"   2: 0000000000000000FFFF00000100007F:1F42 0:0 0A {REST} 203 1\n"
)
UNIX = """Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 301 /run/shop/my app.sock
0000000000000000: 00000003 00000000 00000000 0001 03 302 /run/shop/my app.sock
0000000000000000: 00000002 00000000 00010000 0001 01 303 @/hidden
0000000000000000: 00000002 00000000 00010000 0001 01 304
0000000000000000: 00000002 00000000 nonsense 0001 01 305 /run/x
0000000000000000: 00000002 00000000 00010000 0001 01 306 relative.sock
"""


def test_sockets_of_tcp() -> None:
    assert listening.tcp_sockets(TCP) == {"101": "tcp:127.0.0.1:8001", "102": "tcp:*:80"}
    expected = {"201": "tcp:*:22", "202": "tcp:[::1]:8000", "203": "tcp:127.0.0.1:8002"}
    assert listening.tcp_sockets(TCP6) == expected
    assert listening.tcp_sockets("") == {}


def test_sockets_of_the_file_system() -> None:
    assert listening.unix_sockets(UNIX) == {"301": "unix:/run/shop/my app.sock", "303": "unix:@/hidden"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0::/system.slice/shop.service\n", ("shop.service", "")),
        ("0::/system.slice/system-shop.slice/shop@1.service", ("shop@1.service", "")),
        ("0::/system.slice/docker.service/inner.service", ("docker.service", "")),
        ("12:pids:/x\n1:name=systemd:/system.slice/shop.service\n", ("shop.service", "")),
        ("0::/user.slice/user-0.slice/user@0.service/app.slice/shop.service", ("shop.service", "root")),
        ("0::/user.slice/user-4242.slice/user@4242.service/shop.service", ("shop.service", "4242")),
        ("0::/user.slice/user-0.slice/user@0.service/init.scope", ("", "")),
        ("0::/user.slice/user-0.slice/session-3.scope", ("", "")),
        ("0::/init.scope", ("", "")),
        ("0::/", ("", "")),
        ("nonsense", ("", "")),
    ],
)
def test_whose_a_process_is(text: str, expected: tuple[str, str]) -> None:
    assert listening.owner_of(text) == expected


def process(proc: Path, pid: int, group: str, sockets: list[int], command: str = "", directory: str = "/") -> None:
    top = proc / str(pid)
    (top / "fd").mkdir(parents=True)
    (top / "cgroup").write_text(f"0::{group}\n")
    (top / "cmdline").write_text(command.replace(" ", "\0") + "\0")
    (top / "cwd").symlink_to(directory)
    for number, inode in enumerate(sockets):
        (top / "fd" / str(number)).symlink_to(f"socket:[{inode}]")


def test_a_host(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net/tcp").write_text(TCP)
    (tmp_path / "net/unix").write_text(UNIX)
    process(tmp_path, 1, "/init.scope", [301, 102])
    process(tmp_path, 40, "/system.slice/shop.service", [301, 103, 999], "gunicorn: master", "/srv/shop")
    process(tmp_path, 41, "/system.slice/other.service", [103])
    (tmp_path / "50").mkdir()
    found = listening.read(str(tmp_path))
    assert [(one.pid, one.address, one.unit, one.directory) for one in found] == [
        (1, "tcp:*:80", "", "/"),
        (1, "unix:/run/shop/my app.sock", "", "/"),
        (40, "unix:/run/shop/my app.sock", "shop.service", "/srv/shop"),
    ]
    assert found[2].words == ("gunicorn:", "master")
    assert "master" not in repr(found[2])


def test_this_host(tmp_path: Path) -> None:
    with socket.socket() as one, socket.socket(socket.AF_UNIX) as other:
        one.bind(("127.0.0.1", 0))
        one.listen()
        other.bind(str(tmp_path / "s"))
        other.listen()
        mine = {item.address for item in listening.read() if item.pid == os.getpid()}
        assert {f"tcp:127.0.0.1:{one.getsockname()[1]}", f"unix:{tmp_path}/s"} <= mine


def test_without_proc_there_is_nothing(tmp_path: Path) -> None:
    assert listening.read(str(tmp_path)) == []


def joined(starters: list[Starter], *listeners: Listener) -> list[tuple[str, ...]]:
    return [one.listens for one in listening.with_listeners(starters, listeners)]


def test_a_service_gets_what_its_processes_listen_at() -> None:
    web = Starter("service", "web.service", listens=("tcp:*:1",))
    own = Starter("service", "web.service", manager="shop")
    timer = Starter("timer", "web.timer")
    found = joined(
        [web, own, timer],
        Listener("unix:/b", "web.service"),
        Listener("unix:/a", "web.service"),
        Listener("tcp:*:1", "web.service"),
        Listener("unix:/own", "web.service", "shop"),
        Listener("unix:/nobody"),
        Listener("unix:/gone", "gone.service"),
    )
    assert found == [("tcp:*:1", "unix:/a", "unix:/b"), ("unix:/own",), ()]


def test_programs_of_one_supervisor_are_told_apart() -> None:
    unit = "supervisor.service"
    supervisor = Starter("service", unit)
    shop = Starter("supervisor", "shop", unit, commands=(("/v/bin/gunicorn", "-c", "shop.py", "x"),))
    blog = Starter("supervisor", "blog", unit, directory="/srv/blog", commands=(("/v/bin/run",),))
    said = Starter("supervisor", "said", unit, listens=("tcp:*:7",), directory="/srv/both")
    more = Starter("supervisor", "more", unit, directory="/srv/both")
    found = joined(
        [supervisor, shop, blog, said, more],
        Listener("unix:/run/supervisor.sock", unit, words=("python", "/usr/bin/supervisord"), directory="/"),
        Listener("unix:/shop", unit, words=("/v/bin/python", "/v/bin/gunicorn", "-c", "shop.py", "x")),
        Listener("unix:/blog", unit, words=("gunicorn: master [blog]",), directory="/srv/blog"),
        Listener("tcp:*:7", unit, directory="/srv/both"),
        Listener("tcp:*:8", unit, directory="/srv/both"),
    )
    assert found == [("tcp:*:8", "unix:/run/supervisor.sock"), ("unix:/shop",), ("unix:/blog",), ("tcp:*:7",), ()]
