# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sees that sockets of systemd lead to new, by a connection to each of them on old.

That a socket listens says nothing of the service behind it: where that cannot start, or may not connect, systemd resets
whoever comes, while new answers well.
"""

from __future__ import annotations

import socket
from typing import Callable, Iterable, List, Tuple

from ansible_collections.relocate.django.plugins.module_utils._host import facts
from ansible_collections.relocate.django.plugins.module_utils._process import Command, run
from ansible_collections.relocate.django.plugins.module_utils._services.forward import Forwarding, service_of
from ansible_collections.relocate.django.plugins.module_utils._services.forward_texts import Port, bracketed

_KNOCK, _HOLD = 4.0, 1.0  # seconds for a connection, and for which it must stay open
_IDLE = "--exit-idle-time"
_ANY = ("*", "::", "0.0.0.0")  # noqa: S104  read, not listened at


def ends_when_idle(program: str) -> bool:
    """Tell whether systemd-socket-proxyd ends when nobody is connected: by that it is known who came."""
    return _IDLE in run(Command([program, "--help"]), timeout=10).out


def shut(to: str, port: int) -> str:
    """Return why a port of new cannot be reached; "" when it can."""
    try:
        socket.create_connection((to, port), _KNOCK).close()
    except OSError as exc:
        return "new does not listen for old at port {0}: {1}".format(port, exc.strerror or "no answer")
    return ""


def dead(
    port: Port,
    sockets: Iterable[str],
    forwarding: Forwarding,
    own: Callable[[], Iterable[str]] = facts.addresses,
) -> str:
    """Return why who comes to a port of this host does not reach new by it; "" when he does.

    :param sockets: those of systemd that send visitors on
    """
    name = next((name for name in sockets if name.endswith("-{0}.socket".format(port.number))), "")
    for address in _tried(port, own):
        place = "{0}:{1}".format(bracketed(address), port.number)
        try:
            with socket.create_connection((address, port.number), _KNOCK) as link:
                if not _stays(link):
                    return "{0} closes a connection to {1} at once: journalctl -u {0}".format(service_of(name), place)
                if not forwarding.is_running(service_of(name)):
                    return "{0} does not run, though somebody is connected to {1}".format(service_of(name), place)
        except OSError as exc:
            return "{0} does not take a connection to {1}: {2}".format(name, place, exc.strerror or "no answer")
    return ""


def _tried(port: Port, own: Callable[[], Iterable[str]]) -> List[str]:
    """Return where to come to a port. An address that this host does not have now may be another host's."""
    if set(_ANY) & set(port.addresses):
        return ["127.0.0.1"]
    listened: Tuple[str, ...] = tuple(address.strip("[]") for address in port.addresses)
    here = set(own())
    return [address for address in listened if address in here]


def _stays(link: socket.socket) -> bool:
    """Tell whether a connection stays open for a moment; a server may say something first."""
    link.settimeout(_HOLD)
    try:
        return bool(link.recv(1))
    except socket.timeout:
        return True
