# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses of hosts."""

from __future__ import annotations

import socket

import pytest

from ansible_collections.relocate.django.plugins.module_utils._transfer import network
from tests.unit.fakes import refused

IP = """[{"ifname":"lo","addr_info":[{"family":"inet","local":"127.0.0.1","scope":"host"}]},
{"ifname":"eth0","addr_info":[{"family":"inet","local":"192.0.2.7","scope":"global"},
{"family":"inet6","local":"2001:db8::7","scope":"global"},
{"family":"inet6","local":"2001:db8::8","scope":"global","deprecated":true},
{"family":"inet6","local":"fe80::1","scope":"link"}]},{"ifname":"x"}]"""


def test_addresses_of_the_outside() -> None:
    assert network.parse_ip(IP) == ["192.0.2.7", "2001:db8::7"]
    assert network.parse_ip("") == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["*"],
        ["192.0.2.7,*"],
        ['1.2.3.4"'],
        ["host.example"],
        [],
        ["fe80::1%eth0"],
        ['fe80::1%x",command="sh'],
        ["192.0.2.7", 'fe80::1%x"\nssh-ed25519 AAAA the-new-hosts-own'],
        ["::1\n"],
    ],
)
def test_addresses_that_are_refused(addresses: list[str]) -> None:
    with refused("bad_option", "address"):
        network.check_addresses(addresses)


def test_addresses_and_networks_pass() -> None:
    assert network.check_addresses(["192.0.2.0/24", "::1"]) == ["192.0.2.0/24", "::1"]


def test_what_answers_is_told_from_what_does_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found, reasons = network.reachable(["127.0.0.2", "127.0.0.1"], port)
    assert found == ["127.0.0.1"]
    assert reasons == ["127.0.0.2: Connection refused"]
    assert network.reachable([], 22) == ([], [])
