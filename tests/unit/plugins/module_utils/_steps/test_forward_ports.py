# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A port of old leads to new when a connection to it stays open, and the service behind it runs."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._services.forward_texts import Port
from ansible_collections.relocate.django.plugins.module_utils._steps import forward_ports

RESET = struct.pack("ii", 1, 0)


@contextlib.contextmanager
def listening(take: Callable[[socket.socket], object]) -> Iterator[int]:
    """Do something with each connection to a port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def work() -> None:
            with contextlib.suppress(OSError):
                while True:
                    take(server.accept()[0])

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def dead(number: int, runs: bool = True, addresses: tuple[str, ...] = ("*",)) -> str:
    name = f"relocate-forward-shop-{number}"

    def is_running(unit: str) -> bool:
        assert unit == name + ".service"
        return runs

    forwarding: Any = SimpleNamespace(is_running=is_running)
    sockets = ["relocate-forward-shop-1.socket", name + ".socket"]
    return forward_ports.dead(Port(number, addresses), sockets, forwarding, lambda: ["127.0.0.1", "::1"])


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward_ports, "_HOLD", 0.3)


def reset(link: socket.socket) -> None:
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    link.close()


def test_what_stays_open_leads_to_new() -> None:
    held: list[socket.socket] = []
    with listening(held.append) as port:
        assert dead(port) == "" and dead(port, addresses=("127.0.0.1",)) == "" and len(held) == 2
        assert dead(port, runs=False).endswith(
            f".service does not run, though somebody is connected to 127.0.0.1:{port}"
        )
    for link in held:
        link.close()


def test_a_server_that_speaks_first_leads_to_new() -> None:
    held: list[socket.socket] = []

    def greet(link: socket.socket) -> None:
        link.sendall(b"220 shop")
        held.append(link)

    with listening(greet) as port:
        assert dead(port) == ""
    held[0].close()


@pytest.mark.parametrize(("take", "why"), [(socket.socket.close, "closes a connection"), (reset, "Connection reset")])
def test_what_is_closed_at_once_leads_nowhere(take: Any, why: str) -> None:
    with listening(take) as port:
        assert why in dead(port) and f"127.0.0.1:{port}" in dead(port)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    said = f"relocate-forward-shop-{port}.socket does not take a connection to 127.0.0.1:{port}: Connection refused"
    assert dead(port) == said
    assert "does not take a connection to [::1]:" in dead(port, addresses=("[::1]",))
    assert "new does not listen for old at port" in forward_ports.shut("127.0.0.1", port)
    assert dead(port, addresses=("192.0.2.1",)) == "", "an address that this host does not have"


@pytest.mark.parametrize(
    ("text", "known"), [("  --exit-idle-time=TIME  Exit\n", True), ("  --connections-max=\n", False)]
)
def test_what_the_proxy_says_of_itself(tmp_path: Path, text: str, known: bool) -> None:
    program = tmp_path / "systemd-socket-proxyd"
    program.write_text(f"#!/bin/sh\ncat <<'E'\n{text}E\n")
    program.chmod(0o755)
    assert forward_ports.ends_when_idle(str(program)) is known
