# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes addresses in one way, as ``Starter.listens`` does: ``unix:/run/shop.sock``, ``tcp:127.0.0.1:8000``."""

from __future__ import annotations

import posixpath
import re
from typing import Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.texts import is_number

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?\Z")
_LOCAL = ("localhost", "0.0.0.0", "*")  # noqa: S104 who connects to 0.0.0.0 reaches himself


def unix_target(path: str) -> Optional[str]:
    """Return the target of a socket; None for a path that is not absolute, or that depends on a request."""
    if not path.startswith("/") or "$" in path or "%{" in path:
        return None
    return "unix:" + plain_path(path)


def tcp_target(host: str, port: Optional[int]) -> Optional[str]:
    """Return the target of a host and port; None for a host that depends on a request, or without a port."""
    host = "127.0.0.1" if host.lower() in _LOCAL else host.lower()
    if host.strip("[]") == "::":
        host = "[::1]"
    if port is None or not 0 < port < 65536 or not (_HOST.match(host) or is_ipv6(host)):
        return None
    return "tcp:{0}:{1}".format(host, port)


def is_ipv6(host: str) -> bool:
    """Tell whether this is an address of IPv6 in brackets."""
    return re.match(r"\[[0-9A-Fa-f:.]+\]\Z", host) is not None


def split_port(text: str) -> Tuple[str, Optional[int]]:
    """Split ``host:port``, ``[::1]:port`` or a host alone."""
    host, colon, port = text.rpartition(":")
    if colon and is_number(port) and len(port) < 6 and (":" not in host or host.endswith("]")):
        return host, int(port)
    return text, None


def is_host_name(text: str) -> bool:
    """Tell whether a name is a host's, and not a pattern, an expression or a placeholder such as ``_``."""
    return len(text) < 256 and _HOST.match(text) is not None


def plain_path(path: str) -> str:
    """Return an absolute path without doubled slashes and dots."""
    return "/" + posixpath.normpath(path).lstrip("/")


def fixed_part(path: str, marks: Tuple[str, ...] = ("$",)) -> str:
    """Return the directories of a path before the first that depends on a request: /srv/media of /srv/media/$1."""
    for mark in marks:
        before, found, _after = path.partition(mark)
        path = before.rpartition("/")[0] if found else path
    return plain_path(path) if path.strip("/") else ""
