# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import here
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Neighbour

HOSTS = """\
127.0.0.1   localhost
127.0.1.1   web1.example.org web1   # Debian's own
10.0.0.5 redis.internal Cache
10.0.0.9 db.internal

::1 localhost ip6-localhost
"""
HOST = here.Host(["10.0.0.5", "2001:db8::5", "nonsense"], ["web1", "web1.example.org"], here.parse_hosts(HOSTS))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", True),
        ("10.0.0.5", True),
        ("2001:DB8:0::5", True),
        ("fe80::1%eth0", False),
        ("10.0.0.9", False),
        ("redis.internal", True),
        ("cache", True),
        ("db.internal", False),
        ("web1.example.org.", True),
        ("redis.example.org", False),
        ("\0", False),
    ],
)
def test_is_here(host: str, expected: bool) -> None:
    assert here.is_here(Neighbour("redis", "X", "cache", host), HOST) is expected


def test_a_socket_is_here() -> None:
    assert here.is_here(Neighbour("redis", "X", "cache", "", None, "/run/redis.sock"), here.Host())


@pytest.mark.parametrize("text", ["", "#", "10.0.0.1", "  \t", "\0"])
def test_odd_hosts(text: str) -> None:
    assert here.parse_hosts(text) == {}
