# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the addresses that servers bind, as ``Starter.listens`` has them: ``tcp:*:8000``, ``tcp:[::1]:8000``."""

from __future__ import annotations

from ansible_collections.relocate.django.plugins.module_utils._discover.texts import is_number

_ANY = frozenset(("", "*", "0.0.0.0", "[::]"))  # noqa: S104  nothing is bound to them here


def tcp(host: str, port: str) -> str:
    """Return an address of TCP; "" when the port is no number, such as a variable."""
    if not is_number(port):
        return ""
    host = "[{0}]".format(host) if ":" in host and not host.startswith("[") else host
    return "tcp:{0}:{1}".format("*" if host in _ANY else {"localhost": "127.0.0.1"}.get(host, host), port)
