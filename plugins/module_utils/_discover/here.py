# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells whether a server that settings name is on this host. Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Collection, Dict, List, Mapping, Sequence

from ansible_collections.relocate.django.plugins.module_utils._discover.found import Neighbour
from ansible_collections.relocate.django.plugins.module_utils._discover.servers import is_ip


@dataclass(frozen=True)
class Host:
    """A host as its neighbours are told from others: its addresses, its names, and what its hosts file says."""

    addresses: Collection[str] = ()
    names: Collection[str] = ()
    hosts: Mapping[str, Sequence[str]] = field(default_factory=dict)


def parse_hosts(text: str) -> Dict[str, List[str]]:
    """The names of /etc/hosts, in lower case, each with its addresses."""
    found: Dict[str, List[str]] = {}
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        for name in words[1:]:
            found.setdefault(name.lower(), []).append(words[0])
    return found


def is_here(neighbour: Neighbour, host: Host) -> bool:
    """Tell whether a neighbour is on this host: by a socket, a loopback address, or an address or name of its own.

    A name that only a name server knows counts as elsewhere.
    """
    if neighbour.path:
        return True
    name = neighbour.host.lower().rstrip(".").strip("[]")
    own = {str(item).lower() for item in host.names}
    if name in ("", "localhost", "localhost.localdomain", "ip6-localhost") or name in own:
        return True
    return any(_is_own(item, host.addresses) for item in [name, *host.hosts.get(name, ())])


def _is_own(text: str, addresses: Collection[str]) -> bool:
    try:
        meant = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    own = {ipaddress.ip_address(item.partition("%")[0]) for item in addresses if is_ip(item.partition("%")[0])}
    return meant.is_loopback or meant.is_unspecified or meant in own
