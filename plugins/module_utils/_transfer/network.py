# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses of this host, and which addresses of another one it can reach."""

from __future__ import annotations

import concurrent.futures
import ipaddress
import json
import re
import socket
from typing import List, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import Command, find_program, run

#: An address or a network, without a zone.
_PLAIN = re.compile(r"^[0-9A-Fa-f.:]+(/[0-9.]+)?\Z")


def parse_ip(text: str) -> List[str]:
    """The addresses in the output of ``ip -json address`` by which other hosts may know this one."""
    found = []
    for link in json.loads(text or "[]"):
        for item in link.get("addr_info", []):
            if item.get("scope") == "global" and item.get("local") and not item.get("deprecated"):
                found.append(item["local"])
    return found


def own_addresses() -> List[str]:
    """Every address of this host but loopback and link-local ones."""
    program = find_program("ip")
    if program:
        done = run(Command([program, "-json", "address"]), timeout=10)
        try:
            return list(dict.fromkeys(parse_ip(done.out)))
        except ValueError:
            pass  # an iproute2 without JSON
    program = find_program("hostname")
    words = run(Command([program, "-I"]), timeout=10).out.split() if program else []
    return [word for word in words if not ipaddress.ip_address(word).is_link_local]


def check_addresses(addresses: Sequence[str]) -> List[str]:
    """The addresses or networks, or bad_option: they restrict who may use a key, so no pattern gets in.

    The other host says them, and they become part of a line of authorized_keys. ``ipaddress`` alone takes any text for
    the zone of an IPv6 address: quotes, line breaks and a second key.
    """
    for address in addresses:
        try:
            if not _PLAIN.match(address):
                raise ValueError(address)
            ipaddress.ip_network(address, strict=False)
        except ValueError as exc:
            raise RelocateError(
                "bad_option", "{0!r} is not an IP address".format(address), "give addresses such as 192.0.2.7"
            ) from exc
    if not addresses:
        raise RelocateError("bad_option", "no address is given from which the key may be used", "give at least one")
    return list(addresses)


def reachable(addresses: Sequence[str], port: int, timeout: float = 4.0) -> Tuple[List[str], List[str]]:
    """The addresses whose port accepts connections, in their order, and why the others do not."""

    def knock(address: str) -> str:
        try:
            with socket.create_connection((address, port), timeout):
                return ""
        except OSError as exc:
            return exc.strerror or str(exc) or type(exc).__name__

    with concurrent.futures.ThreadPoolExecutor(max(1, len(addresses))) as pool:
        answers = list(zip(addresses, pool.map(knock, addresses)))
    return [address for address, why in answers if not why], [
        "{0}: {1}".format(address, why) for address, why in answers if why
    ]
