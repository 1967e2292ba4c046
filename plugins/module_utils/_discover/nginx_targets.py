# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells whom a server of nginx passes requests on to."""

from __future__ import annotations

import itertools
import re
from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.addresses import (
    split_port,
    tcp_target,
    unix_target,
)
from ansible_collections.relocate.django.plugins.module_utils._discover.directives import Directive, flat

#: Directives that pass requests on, with the ports that schemes stand for.
PASSES: Mapping[str, Mapping[str, int]] = {
    "proxy_pass": {"http": 80, "https": 443},
    "grpc_pass": {"": 80, "grpc": 80, "grpcs": 443},
    "uwsgi_pass": {},
    "fastcgi_pass": {},
    "scgi_pass": {},
}
#: Blocks that give a variable one of several values.
CHOICES = ("map", "geo", "split_clients")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_PORT = re.compile(r"([^$]*:\d+)\$")
_MOST = 50  # values that one directive may lead to


def variables(text: str) -> List[str]:
    """Return the names of the variables in a text."""
    return [braced or plain for braced, plain in _VARIABLE.findall(text)]


def mounts(
    server: Directive, everything: Iterable[Directive], shared: Sequence[Directive]
) -> Tuple[Tuple[str, str], ...]:
    """Return whom a server passes requests on to, each with the path of the URL; not where that depends on the request.

    :param everything: the directives of the server, at any depth
    :param shared: those of its http block
    """
    upstreams = {item.args[0]: item for item in shared if item.name == "upstream" and item.args}
    known = _values(everything, shared)
    found = [
        (path, target)
        for path, item in _placed(server.block, "/")
        for value in _expanded(item.args[0], known)
        for target in _pass_targets(value, PASSES[item.name], upstreams)
    ]
    return tuple(dict.fromkeys(found))


def _placed(directives: Optional[Sequence[Directive]], path: str) -> Iterator[Tuple[str, Directive]]:
    """Give each directive that passes requests on, with the path of its location; "" for one by an expression."""
    for item in flat(directives):
        if item.name in PASSES and item.args:
            yield path, item
        elif item.block is not None:
            yield from _placed(item.block, _path_of(item) if item.name == "location" else path)


def _path_of(location: Directive) -> str:
    word = location.args[-1] if location.args else ""
    if word.startswith("@"):
        return "/"  # what try_files of another location leads to, nearly always of the whole site
    return word if word.startswith("/") and not location.args[0].startswith("~") else ""


def authority(value: str) -> str:
    """Return the host, or the name of an upstream, of what a directive passes requests on to."""
    return re.split(r"[/:$]", _split_scheme(value)[1])[0]


def _values(everything: Iterable[Directive], shared: Iterable[Directive]) -> Dict[str, List[str]]:
    """Return all values that variables are given by ``set``, and by ``map`` and its kind."""
    found: Dict[str, List[str]] = {}
    for item in everything:
        if item.name == "set" and len(item.args) == 2:
            found.setdefault(item.args[0].lstrip("$"), []).append(item.args[1])
    for item in shared:
        if item.name in CHOICES and item.args:
            values = [choice.args[0] for choice in flat(item.block) if len(choice.args) == 1]
            found.setdefault(item.args[-1].lstrip("$"), []).extend(values)
    return found


def _expanded(text: str, known: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Give what a text may become, with each value of the variables in it; an unknown one stays as it is."""
    names = [name for name in dict.fromkeys(variables(text)) if known.get(name)]
    for values in itertools.islice(itertools.product(*(known[name] for name in names)), _MOST):
        yield _filled(text, dict(zip(names, values)))


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda one: values.get(one.group(1) or one.group(2), one.group()), text)


def _pass_targets(value: str, ports: Mapping[str, int], upstreams: Mapping[str, Directive]) -> List[str]:
    scheme, rest = _split_scheme(value)
    if rest.startswith("unix:"):
        target = unix_target(rest[5:].partition(":")[0])
        return [target] if target else []
    place = rest.partition("/")[0]
    match = _PORT.match(place)
    place = match.group(1) if match else place
    if place in upstreams:
        return _servers(upstreams[place])
    host, port = split_port(place)
    target = tcp_target(host, port or ports.get(scheme))
    return [target] if target else []


def _split_scheme(value: str) -> Tuple[str, str]:
    scheme, mark, rest = value.partition("://")
    return (scheme.lower(), rest) if mark and scheme.isalnum() and scheme != "unix" else ("", value)


def _servers(upstream: Directive) -> List[str]:
    found: List[str] = []
    for item in flat(upstream.block):
        if item.name != "server" or not item.args or "down" in item.args[1:]:
            continue
        if item.args[0].startswith("unix:"):
            target = unix_target(item.args[0][5:])
        else:
            host, port = split_port(item.args[0])
            target = tcp_target(host, port or 80)
        found += [target] if target else []
    return found
