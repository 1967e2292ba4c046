# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told of the TTL of a site's names, whoever of the name servers answers, and how."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._host import dns
from ansible_collections.relocate.django.plugins.module_utils._host.dns import Record, Reply
from ansible_collections.relocate.django.plugins.module_utils._steps import ttl

NAME = "shop.example.org"
SOA = Record("example.org", dns.SOA, 60)
Z = "192.0.2.53"


def told(replies: dict[tuple[str, str, int], Reply], names: list[str], servers: Any = ("r",)) -> str:
    def ask(server: str, name: str, kind: int, _timeout: float, _recurse: bool) -> Reply | None:
        return replies.get((server, name, kind))

    asking = ttl.Asking(servers, ask)
    return " | ".join(ttl.told(names, asking))


def of(*records: Record, authoritative: bool = False, **more: Any) -> Reply:
    return Reply(authoritative, False, records, **more)


CACHED = {
    ("r", NAME, dns.A): of(Record(NAME, dns.CNAME, 100, "x"), Record("x", dns.A, 55)),
    ("r", NAME, dns.SOA): of(authority=(SOA,)),
    ("r", "example.org", dns.NS): of(Record("example.org", dns.NS, 9, "ns.example.org")),
    ("r", "ns.example.org", dns.A): of(Record("ns.example.org", dns.CNAME, 9, "n"), Record("n", dns.A, 9, Z)),
}


def test_the_zones_own_server_says_what_is_set() -> None:
    exact = {**CACHED, (Z, NAME, dns.A): of(Record(NAME, dns.A, 3600), authoritative=True)}
    text = told(exact, [NAME, NAME])
    assert text == f"TTL in DNS: {NAME} 3600 s. " + text.partition(". ")[2] and "lower it well before" in text


@pytest.mark.parametrize("said", [None, of(Record(NAME, dns.A, 9)), of(authoritative=True)])
def test_else_a_resolver_says_what_is_left(said: Any) -> None:
    replies = {**CACHED, **({(Z, NAME, dns.A): said} if said else {})}
    assert told(replies, [NAME]) == f"TTL in DNS: {NAME} 100 s or more (a resolver counts it down)"


@pytest.mark.parametrize(
    ("replies", "why"),
    [
        ({}, "no name server answered"),
        ({("r", NAME, dns.A): Reply(False, True)}, "the name is not in DNS"),
        ({("r", NAME, dns.A): of()}, "the name has no address"),
    ],
)
def test_what_nobody_can_tell_is_said(replies: Any, why: str) -> None:
    assert told(replies, [NAME]) == f"TTL in DNS: {NAME} is not known ({why})"


def test_a_name_with_an_address_of_ipv6_alone() -> None:
    replies = {("r", NAME, dns.A): of(), ("r", NAME, dns.AAAA): of(Record(NAME, dns.AAAA, 30))}
    assert told(replies, [NAME]).endswith(" 30 s or more (a resolver counts it down)")


def test_the_second_resolver_is_asked_too() -> None:
    replies = {("s", NAME, dns.A): of(Record(NAME, dns.A, 30))}
    assert " 30 s or more" in told(replies, [NAME], ("r", "s"))


def test_many_names_and_none() -> None:
    assert told({}, []) == ""
    assert "; 3 more names were not asked" in told({}, [f"n{number}.example.org" for number in range(8)])


@pytest.mark.parametrize("name", ["a..b", "*.example.org", "~^(.+)$", ".example.org"])
def test_a_name_that_is_none_is_not_asked(name: str) -> None:
    """No name server is blamed for it."""
    asking = ttl.Asking(["127.0.0.1"], dns.ask)
    assert ttl.told([name], asking) == ["TTL in DNS: nobody can be asked about 1 that are patterns"]
    assert "30 s or more" in told({("r", NAME, dns.A): of(Record(NAME, dns.A, 30))}, [name, NAME])


def test_a_block_without_a_name_has_nothing_to_tell() -> None:
    assert ttl.told(["_"], ttl.Asking([])) == []


def test_slow_name_servers_hold_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address of a zone's server counts as every question does: the system's own resolver is not asked."""
    now, asked = [0.0], []

    def ask(server: str, name: str, kind: int, timeout: float, _recurse: bool) -> Reply | None:
        asked.append(name)
        now[0] += timeout
        return CACHED.get((server, name, kind))

    def never(*_what: Any, **_more: Any) -> Any:
        raise AssertionError("getaddrinfo")

    monkeypatch.setattr(ttl.time, "monotonic", lambda: now[0])
    monkeypatch.setattr("socket.getaddrinfo", never)
    text = ttl.told([NAME, "www.example.org"], ttl.Asking(["r"], ask))[0]
    assert f"{NAME} 100 s or more" in text and asked[-2:] == ["ns.example.org", NAME]
    assert now[0] <= ttl._IN_ALL + ttl._ONCE
