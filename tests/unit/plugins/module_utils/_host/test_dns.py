# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions to name servers, and their answers, whatever is wrong with those."""

from __future__ import annotations

import socket
import struct
import threading

import pytest

from ansible_collections.relocate.django.plugins.module_utils._host import dns

ASKED = dns.question("shop.example.org", dns.A, 7, True)


def reply(*parts: bytes, flags: int = 0x8180, counts: tuple[int, int] = (1, 0), token: int = 7) -> bytes:
    return struct.pack(">HHHHHH", token, flags, 1, *counts, 0) + ASKED[12:] + b"".join(parts)


def record(kind: int, ttl: int, data: bytes, name: bytes = b"\xc0\x0c") -> bytes:
    return name + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data


ADDRESS = record(dns.A, 300, bytes([192, 0, 2, 1]))


def test_a_question_as_it_is_sent() -> None:
    assert b"\x00\x07\x01\x00\x00\x01" + bytes(6) + b"\x04shop\x07example\x03org\x00\x00\x01\x00\x01" == ASKED
    assert dns.question("a.", dns.NS, 7, False)[2:4] == b"\x00\x00"


@pytest.mark.parametrize("name", ["", "a..b", "a b", "-a", "a;b", "ä.org", "x" * 64, ".".join(["abcdefg"] * 40)])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ValueError):
        dns.question(name, dns.A, 1, True)


def test_an_answer() -> None:
    pointing = record(dns.CNAME, 60, b"\x01x\xc0\x11")
    found = dns.parse(reply(pointing, ADDRESS, flags=0x8580, counts=(2, 0)), ASKED)
    assert found == dns.Reply(
        True,
        False,
        (
            dns.Record("shop.example.org", dns.CNAME, 60, "x.example.org"),
            dns.Record("shop.example.org", dns.A, 300, "192.0.2.1"),
        ),
    )


def test_a_name_that_is_not_there() -> None:
    found = dns.parse(reply(record(dns.SOA, 60, b"", b"\xc0\x11"), flags=0x8183, counts=(0, 1)), ASKED)
    assert found and found.missing and found.authority == (dns.Record("example.org", dns.SOA, 60),)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        ASKED,
        reply(ADDRESS, token=8),
        reply(ADDRESS, flags=0x8182),
        reply(ADDRESS)[:-1],
        reply(ADDRESS, counts=(2, 0)),
        reply(record(dns.A, 1, b"", b"\xc0\x22")),
        reply(record(dns.A, 1, b"", b"\xff\xff")),
        reply(record(dns.CNAME, 1, b"\xc0\x2e")),
        reply(record(dns.A, 1, b"", b"\x80")),
        reply(ADDRESS).replace(b"shop", b"spam"),
    ],
    ids=repr,
)
def test_what_is_no_answer(data: bytes) -> None:
    assert dns.parse(data, ASKED) is None


def test_a_ttl_that_is_none_is_0() -> None:
    found = dns.parse(reply(record(dns.A, 0xFFFFFFFF, b"")), ASKED)
    assert found and found.answers[0].ttl == 0


def test_who_is_asked() -> None:
    text = "# nameserver 192.0.2.1\nnameserver 192.0.2.2\n nameserver ::1 # here\nnameserver x;y\nsearch a\n"
    assert dns.name_servers(text) == ["192.0.2.2", "::1"]


def test_a_server_that_answers_and_one_that_does_not() -> None:
    """A real socket, and a server that answers one question."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]

        def answer() -> None:
            asked, who = server.recvfrom(512)
            server.sendto(asked[:2] + reply(ADDRESS)[2:], who)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        found = dns.ask("127.0.0.1", "Shop.example.org".lower(), dns.A, 5, port=port)
        thread.join(5)
        assert found and [one.ttl for one in found.answers] == [300]
        assert dns.ask("127.0.0.1", "shop.example.org", dns.A, 0.05, port=port) is None
