# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells whom a virtual host of Apache passes requests on to."""

from __future__ import annotations

from typing import Dict, Iterable, Iterator, List, Mapping, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.addresses import (
    split_port,
    tcp_target,
    unix_target,
)
from ansible_collections.relocate.django.plugins.module_utils._discover.directives import Directive, flat
from ansible_collections.relocate.django.plugins.module_utils._discover.nginx_redirects import fits_any_path

_PORTS = {"http": 80, "ws": 80, "h2c": 80, "https": 443, "wss": 443, "h2": 443}
_PORTS.update({"uwsgi": 3031, "fcgi": 8000, "scgi": 4000, "ajp": 8009})
_BALANCER = "balancer://"
#: Directives that pass requests on.
NAMES = ("proxypass", "proxypassmatch", "rewriterule", "sethandler", "balancermember")


def mounts(
    directives: Iterable[Directive], known: Mapping[str, Sequence[Directive]], path: str = "/"
) -> Iterator[Tuple[str, str]]:
    """Give whom these directives pass requests on to, each with the path of the URL; "" for one by an expression.

    :param known: the members of balancers, by name
    :param path: of the section that they stand in
    """
    for item in flat(list(directives)):
        for url in _urls([item]):
            yield from ((_path_of(item, path), target) for target in _targets(url, known))
        if item.block is not None:
            yield from mounts(item.block, known, _path_of(item, path))


def _path_of(item: Directive, path: str) -> str:
    """Return the path of a ``ProxyPass``, or of a ``Location``; one by an expression has none."""
    if item.name in ("proxypassmatch", "rewriterule", "locationmatch"):
        return path if fits_any_path(item.args[0]) else ""
    named = item.name in ("proxypass", "location") and item.args[:1] and item.args[0].startswith("/")
    return item.args[0] if named else path


def _targets(url: str, known: Mapping[str, Sequence[Directive]]) -> List[str]:
    if not url.startswith(_BALANCER):
        return _target(url)
    return [target for item in known.get(_balancer(url), ()) for word in item.args for target in _target(word)]


def used(everything: Sequence[Directive]) -> List[str]:
    """Return the names of the balancers that these directives pass requests on to."""
    return [_balancer(url) for url in _urls(everything) if url.startswith(_BALANCER)]


def balancers(everything: Iterable[Directive]) -> Dict[str, List[Directive]]:
    """Return the members of each balancer, as ``<Proxy balancer://name>`` or a line by itself adds them."""
    found: Dict[str, List[Directive]] = {}
    for item in everything:
        name = next((word for word in item.args if word.startswith(_BALANCER)), "")
        if name and item.name == "proxy":
            members = [inner for inner in flat(item.block) if inner.name == "balancermember"]
            found.setdefault(_balancer(name), []).extend(members)
        elif name and item.name == "balancermember":
            found.setdefault(_balancer(name), []).append(item)
    return found


def _balancer(url: str) -> str:
    return url[len(_BALANCER) :].partition("/")[0].lower()


def _urls(everything: Iterable[Directive]) -> Iterator[str]:
    for item in everything:
        if item.name in ("proxypass", "proxypassmatch"):
            yield from [word for word in item.args[:2] if _is_url(word)][:1]
        elif item.name == "rewriterule":
            yield from item.args[1:2] if _proxies(item) else ()
        elif item.name == "sethandler":
            yield from (word[len("proxy:") :] for word in item.args[:1] if word.startswith("proxy:"))


def _is_url(word: str) -> bool:
    return "://" in word or word.startswith("unix:")


def _proxies(rule: Directive) -> bool:
    flags = "".join(rule.args[2:3]).strip("[]").lower().split(",")
    return bool({"p", "proxy"} & {flag.strip() for flag in flags})


def _target(url: str) -> List[str]:
    """Return the one target of a URL; nothing where it depends on the request."""
    if url.startswith("unix:"):
        found = unix_target(url[len("unix:") :].partition("|")[0])
        return [found] if found else []
    scheme, mark, rest = url.partition("://")
    scheme = scheme.lower()
    if not mark or scheme not in _PORTS:
        return []
    # Of http://127.0.0.1:8000%{REQUEST_URI} and http://127.0.0.1:8000$1 the host is known.
    authority = rest.partition("/")[0].partition("%{")[0].partition("$")[0]
    host, port = split_port(authority.rpartition("@")[2])
    found = tcp_target(host, port or _PORTS[scheme])
    return [found] if found else []
