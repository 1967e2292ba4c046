# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says which request on its own host reaches a site: what ``relocate_answers`` asks of old and of new. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Collection, Iterable, List, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter, WebSite

#: Where a program of the host itself reaches what listens there.
_LOOPBACK = {"*": "127.0.0.1", "localhost": "127.0.0.1", "::": "[::1]", "[::1]": "[::1]"}
_PLAIN = re.compile(r"/[A-Za-z0-9._~/-]*\Z")


@dataclass(frozen=True)
class Request:
    """A request to a site.

    :param url: such as http://127.0.0.1/ or https://127.0.0.1:8443/
    :param host: the name to ask for; "" where the site answers to any
    :param validate_certs: whether its certificate can be validated for that name
    """

    url: str
    host: str = ""
    validate_certs: bool = True


def asks(site: WebSite, trusted: Collection[str] = (), reaching: Collection[str] = ()) -> Optional[Request]:
    """Return the request that reaches a server block; None for one that listens on sockets only, or has no plain name.

    :param trusted: certificates that this host's authorities vouch for (``certificates.trusted``)
    :param reaching: targets and scripts that the request should come to, of several; by default any
    """
    if not site.ports or not (site.names or site.default):
        return None
    address, port, tls = min(site.ports, key=_distance)
    place = _LOOPBACK.get(address, address) + _suffix(port, tls)
    url = "http{0}://{1}{2}".format("s" if tls else "", place, _path(site, reaching))
    host = site.names[0] if site.names else ""
    valid = bool(host and site.certificates) and set(site.certificates) <= set(trusted)
    return Request(url, host, valid or not tls)


def reaching(starters: Iterable[Starter], webs: Iterable[WebSite]) -> List[str]:
    """Return what a server block leads to when it leads to the project: where it listens, and scripts of mod_wsgi."""
    listens = [re.sub(r"^tcp:\*:", "tcp:127.0.0.1:", address) for item in starters for address in item.listens]
    return listens + [script for web in webs for script in web.scripts]


def comes_to(path: str, sites: Iterable[WebSite], reaching: Collection[str]) -> bool:
    """Tell whether a path of a URL comes to the project, rather than to another program behind the same server.

    :param reaching: targets and scripts of the project; without any, each is one
    """
    mounts = [mount for site in sites for mount in site.mounts if _is_below(path, mount[0])]
    longest = max((len(mount[0]) for mount in mounts), default=0)
    targets = {target for found, target in mounts if len(found) == longest}
    return not targets or not reaching or bool(targets & set(reaching))


def _is_below(path: str, top: str) -> bool:
    return path == top or path.startswith(top if top.endswith("/") else top + "/")


def best(sites: Iterable[WebSite], trusted: Collection[str] = (), reaching: Collection[str] = ()) -> Optional[Request]:
    """Return the request that reaches the site itself, of several server blocks of one project.

    A block that only redirects is the last to be asked; plain http on the loopback is preferred.
    """
    reachable = [site for site in sites if asks(site)]
    chosen = min(reachable, key=_preference, default=None)
    return asks(chosen, trusted, reaching) if chosen else None


def _path(site: WebSite, reaching: Collection[str]) -> str:
    """Return the shortest path below which the site answers: elsewhere something else does."""
    paths = [path for path, target in site.mounts if target in reaching] or [path for path, _target in site.mounts]
    found = min(paths, key=len, default="/")
    return found if _PLAIN.match(found) else "/"


def _preference(site: WebSite) -> Tuple[bool, Tuple[bool, bool, bool, int], bool]:
    return site.redirects, min(map(_distance, site.ports)), not site.names


def _distance(port: Tuple[str, int, bool]) -> Tuple[bool, bool, bool, int]:
    address, number, tls = port
    local = _LOOPBACK.get(address, address)
    # Another address is another one on new: the request would not mean the same there.
    return not local.startswith(("127.", "[::1]")), tls, local == "[::1]", number


def _suffix(port: int, tls: bool) -> str:
    return "" if port == (443 if tls else 80) else ":{0}".format(port)
