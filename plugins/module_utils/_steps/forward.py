# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides how old sends visitors on to new, by what serves them there now, and sees that they get new's answers.

A web server that is not stopped with the site goes on for others, so it gets a file of ours. Of one that is, and of
units that serve by themselves, the ports are free, and systemd listens at them. Whatever else leads visitors to a site
is refused before the move: it would be known only when they come.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import re
import socket
import time
import urllib.parse
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover import asking, certificates
from ansible_collections.relocate.django.plugins.module_utils._discover.addresses import is_host_name, split_port
from ansible_collections.relocate.django.plugins.module_utils._discover.found import WebSite
from ansible_collections.relocate.django.plugins.module_utils._discover.sites import FoundSite
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import facts
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._process import find_program
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Forward
from ansible_collections.relocate.django.plugins.module_utils._services import answers, forward, maintenance
from ansible_collections.relocate.django.plugins.module_utils._services.answers import Answer, Question
from ansible_collections.relocate.django.plugins.module_utils._services.forward import Forwarding
from ansible_collections.relocate.django.plugins.module_utils._services.forward_texts import Port, bracketed
from ansible_collections.relocate.django.plugins.module_utils._services.names import unit_name
from ansible_collections.relocate.django.plugins.module_utils._services.systemd import Systemd
from ansible_collections.relocate.django.plugins.module_utils._steps import forward_ports, ttl, unnamed
from ansible_collections.relocate.django.plugins.module_utils._steps.belongings import Host
from ansible_collections.relocate.django.plugins.module_utils._steps.maintenance import block_of, read_first

_PROXY = "systemd-socket-proxyd"
_PROXY_PLACES = ("/usr/lib/systemd", "/lib/systemd")
_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
_INCLUDED = re.compile(r"^\s*include\s+[\"']?(?:/etc/nginx/)?conf\.d/\*(?:\.conf)?[\"']?\s*;", re.M)
_BY_ADDRESS = re.compile(r"^\s*(?:allow|deny)\s+(?!all\s*;)", re.M)
_REAL_ADDRESS = re.compile(r"^\s*set_real_ip_from\s", re.M)
_LOOPBACK = re.compile(r"127\.|localhost\Z|\[::1\]\Z")
_SECONDS, _PAUSE, _KNOCK = 8.0, 0.2, 4.0

Ask = Callable[[Question, float], Answer]


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds what the decision goes by."""

    path: str  # the project's directory
    units: Sequence[str]  # those that are stopped with the site
    to: str  # new, by its address or name


@dataclass(frozen=True)
class Wish(ModuleOptions):
    """Holds what preflight on old is asked for."""

    directory: str  # ours
    site: str
    path: str  # the project's directory
    units: Sequence[str]
    forward: bool = False  # whether visitors will be sent on
    forward_to: str = ""


@dataclass(frozen=True)
class Way:
    """Says how visitors are sent on, and what they reach by it."""

    forward: Forward
    webs: Tuple[WebSite, ...]
    ports: Tuple[int, ...]
    notes: Tuple[str, ...] = ()
    listened: Tuple[Port, ...] = ()  # by sockets of systemd

    def said(self) -> str:
        """Return it in a few words."""
        by = "a file of nginx" if self.forward.server else "sockets of systemd"
        return "{0}, ports {1}".format(by, ", ".join(map(str, self.ports)))


def address(to: str, own: Callable[[], Iterable[str]] = facts.addresses) -> str:
    """Return the IP address of new. Raises bad_option, forward_impossible where it is this host's own."""
    name = to.strip().strip("[]")
    found = name if _is_ip(name) else _resolved(name)
    meant = ipaddress.ip_address(found)
    mine = {ipaddress.ip_address(text) for text in own() if _is_ip(text)}
    if meant.is_loopback or meant.is_unspecified or meant in mine:
        raise _impossible("{0} is this host itself".format(to), "set relocate_forward_to to new's address")
    if meant.is_link_local or meant.is_multicast:
        raise _impossible("{0} is no address that leads to one host".format(to), "set relocate_forward_to")
    return str(meant)


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _resolved(name: str) -> str:
    if not is_host_name(name):
        raise RelocateError("bad_option", "relocate_forward_to: {0!r} is no host".format(name), "give new's address")
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError as exc:
        why = "this host does not know {0}: {1}".format(name, exc.strerror or type(exc).__name__)
        raise _impossible(why, "set relocate_forward_to to new's address as old reaches it") from exc
    addresses = [str(item[4][0]) for item in sorted(found, key=lambda item: item[0] != socket.AF_INET)]
    return next((text for text in addresses if _is_ip(text)), "0.0.0.0")  # noqa: S104  which is refused


def found(forwarding: Forwarding, options: Options) -> Way:
    """Return how visitors of a site on this host are sent on. Raises forward_impossible, bad_option."""
    host = Host.read()
    served = unnamed.find(host, options.path)
    return decide(forwarding, served, host, options, address(options.to))


def look_ahead(wish: Wish, served: Optional[FoundSite], host: Host) -> List[str]:
    """Return what the user should know before visitors are sent on. Raises forward_impossible, bad_option."""
    if not wish.forward:
        return []
    options = Options(wish.path, wish.units, wish.forward_to)
    to = address(wish.forward_to)
    way = decide(Forwarding(wish.directory, wish.site, Systemd()), served, host, options, to)
    why = unreachable(to, way.ports)
    if why:
        raise _impossible(why, "let it through, or set relocate_forward_to to an address that old reaches")
    said = "old will send visitors on to {0} by {1}".format(to, way.said())
    return [said, *way.notes, *ttl.told([name for web in way.webs for name in web.names])]


def decide(forwarding: Forwarding, served: Optional[FoundSite], host: Host, options: Options, to: str) -> Way:
    """Return how visitors are sent on. Raises forward_impossible with the reason.

    :param served: the site, as something on this host serves it; None when nothing does
    :param to: new's IP address
    """
    held = forwarding.held()
    # The page in place of the site is taken away once visitors are sent on.
    ours = {*(held.files if held else ()), forwarding.page()} - {""}
    webs = tuple(web for web in (served.place.webs if served else ()) if not ours & set(web.files))
    stopped = {unit_name(name) for name in options.units}
    going_on = [web for web in webs if web.unit not in stopped]
    if not going_on:
        return _by_sockets(forwarding, served, host, webs, stopped, to)
    if len(going_on) < len(webs):
        raise _impossible("a web server that is stopped serves it, and another that goes on", _SERVE_ALONE)
    return _by_nginx(forwarding, host, webs, to, ours)


_SERVE_ALONE = (
    "where nothing else needs that web server, add it to relocate_services: its ports are then free; else leave "
    "relocate_forward off, and have DNS moved quickly"
)


def _by_nginx(forwarding: Forwarding, host: Host, webs: Tuple[WebSite, ...], to: str, ours: Set[str]) -> Way:
    for web in webs:
        if web.unit != forward.NGINX:
            raise _impossible("{0} serves it, and goes on for other sites".format(web.unit), _SERVE_ALONE)
    _see_blocks(host, webs, ours)
    _see_nginx(forwarding, host)
    _see_addresses(host, webs, kept=True)
    authorities, notes = _authorities(host, webs)
    made = forwarding.by_nginx([block_of(web) for web in webs], to, authorities)
    return Way(made, webs, tuple(port.number for port in _ports_of_webs(webs)), notes)


def _authorities(host: Host, webs: Sequence[WebSite]) -> Tuple[str, Tuple[str, ...]]:
    """Return the file by which new's certificate is checked; "" where none would vouch for it, and what to say then."""
    chains = {path for web in webs for path in web.certificates[:1]}
    if not chains:
        return "", ()
    if os.path.exists(_AUTHORITIES) and chains <= certificates.trusted(webs, host.files):
        return _AUTHORITIES, ()
    note = "old will not check new's certificate when it sends visitors on, since no authority that it knows vouches "
    return "", (note + "for the site's",)


def _see_blocks(host: Host, webs: Sequence[WebSite], ours: Set[str]) -> None:
    """Refuse server blocks whose place a file of ours cannot take. Raises forward_impossible."""
    blocks = [block_of(web) for web in webs]
    if not all(block.is_plain() for block in blocks):
        raise _impossible(
            "a server block of nginx has no plain name, address or certificate",
            "give each a server_name; or " + _SERVE_ALONE,
        )
    others = [web for web in host.webs if not ours & set(web.files)]
    why = maintenance.unfit(blocks, read_first(webs, others))
    if why:
        raise _impossible(why.replace("the page", "what sends visitors on"), "correct that in nginx, then reload it")
    name = _claimed(webs, [web for web in others if web not in webs])
    if name:
        hint = "leave that name in server_name of one of them only"
        raise _impossible("a server block of another site answers to {0} too".format(name), hint)


def _see_nginx(forwarding: Forwarding, host: Host) -> None:
    """Refuse where nginx would not read a file of ours. Raises forward_impossible."""
    if not os.path.isdir(forward.CONF_D) or not _INCLUDED.search(host.files.text("/etc/nginx/nginx.conf") or ""):
        hint = "add include {0}/*.conf; to its http block, before other sites".format(forward.CONF_D)
        raise _impossible("nginx.conf does not include {0}/*.conf".format(forward.CONF_D), hint)
    if not forwarding.is_running(forward.NGINX):
        raise _impossible("nginx does not run", "start it, or " + _SERVE_ALONE)


def _claimed(webs: Sequence[WebSite], others: Sequence[WebSite]) -> str:
    """Return a name that a server block of another site has at the same address: ours would be read before both."""
    for web in others:
        places = {port[:2] for port in web.ports}
        for mine in webs:
            if web.unit == mine.unit and places & {port[:2] for port in mine.ports}:
                for name in set(web.names) & set(mine.names):
                    return name
    return ""


def _see_addresses(host: Host, webs: Sequence[WebSite], kept: bool) -> None:
    """Refuse where visitors are let in by their addresses: new would see old's in the place of each of them.

    :param kept: it is sent along, so that new can be told to go by it
    """
    for path in dict.fromkeys(path for web in webs for path in web.files if path not in web.keys):
        text = host.files.text(path) or ""
        if _BY_ADDRESS.search(text) and not (kept and _REAL_ADDRESS.search(text)):
            hint = "write set_real_ip_from with old's address and real_ip_header X-Forwarded-For into it"
            raise _impossible(
                "{0} lets visitors in by their addresses (allow, deny), and new would see old's for all of them".format(
                    path
                ),
                (hint if kept else "only nginx that goes on can send addresses along")
                + "; else leave relocate_forward off",
            )


def _by_sockets(
    forwarding: Forwarding,
    served: Optional[FoundSite],
    host: Host,
    webs: Tuple[WebSite, ...],
    stopped: Iterable[str],
    to: str,
) -> Way:
    found = _ports_of_webs(webs) if webs else _ports_of_units(served, set(stopped))
    if not found:
        raise _impossible(
            "nothing that can be read here leads visitors to it: no server block of nginx or Apache, and no unit of "
            "relocate_services that listens for other hosts",
            "leave relocate_forward off; what stands before the site (haproxy, Caddy, a container) can send them on",
        )
    if not all(port.is_plain() for port in found):
        raise _impossible("it is served at an address that is no IP address", "leave relocate_forward off")
    program = find_program(_PROXY, _PROXY_PLACES)
    if program is None:
        raise _impossible("{0} is not on this host".format(_PROXY), "install systemd's programs")
    if not forward_ports.ends_when_idle(program):
        why = "{0} does not know --exit-idle-time, which tells who came (systemd 246 does)".format(program)
        raise _impossible(why, "leave relocate_forward off, and have DNS moved quickly")
    _see_addresses(host, webs, kept=False)
    ports = tuple(port.number for port in found)
    note = "new will see old's address for each visitor whom old sends on, since systemd passes bytes through"
    return Way(forwarding.by_sockets(found, to, program), webs, ports, (note,), tuple(found))


def _ports_of_webs(webs: Iterable[WebSite]) -> List[Port]:
    places: Dict[int, List[str]] = {}
    for web in webs:
        for where, number, _tls in web.ports:
            if not _LOOPBACK.match(where):
                places.setdefault(number, []).append(where)
    return _as_ports(places)


def _ports_of_units(served: Optional[FoundSite], stopped: Iterable[str]) -> List[Port]:
    """Return where units that are stopped with the site listen for other hosts."""
    places: Dict[int, List[str]] = {}
    for starter in served.place.starters if served else ():
        if not {starter.unit, starter.name} & set(stopped):
            continue
        for listened in starter.listens:
            kind, _colon, rest = listened.partition(":")
            where, number = split_port(rest)
            if kind == "tcp" and number and not _LOOPBACK.match(where):
                places.setdefault(number, []).append("::" if where == "[::]" else where)
    return _as_ports(places)


def _as_ports(places: Mapping[int, Sequence[str]]) -> List[Port]:
    return [Port(number, tuple(dict.fromkeys(found))) for number, found in sorted(places.items())]


def unreachable(to: str, ports: Iterable[int], knock: Callable[..., Any] = socket.create_connection) -> str:
    """Return why old would not reach new; "" when it does, or would once something listens there."""
    for port in ports:
        try:
            knock((to, port), _KNOCK).close()
        except OSError as exc:
            if exc.errno != errno.ECONNREFUSED:
                return "old does not reach {0}:{1}: {2}".format(bracketed(to), port, exc.strerror or "no answer")
    return ""


def see(way: Way, forwarding: Forwarding, ask: Ask = answers.ask) -> Dict[str, Any]:
    """See that old gives the answer of new, within some seconds. Raises forward_failed.

    :returns: the url and the status
    """
    for port in way.listened:
        _see_port(port, way, forwarding)
    request = asking.best(way.webs)
    if request is None:
        return {"url": "", "host": "", "status": 0}
    here = Question(request.url, request.host, validate_certs=False)
    there = replace(here, url=_at(request.url, way.forward.to))
    deadline = time.monotonic() + _SECONDS
    while True:
        of_new, of_old = ask(there, _SECONDS), ask(here, _SECONDS)
        told = _differs(here, of_new, of_old)
        if not told and way.forward.server and not forwarding.was_asked():
            told = "another server block than ours answered {0}".format(here.url)
        if not told:
            return {"url": here.url, "host": here.host, "status": of_old.status}
        if time.monotonic() > deadline:
            hint = "let old reach new there, then run the same command again"
            raise RelocateError("forward_failed", told, hint)
        time.sleep(_PAUSE)


def _differs(asked: Question, of_new: Answer, of_old: Answer) -> str:
    """Return why old's answer is not that of new; "" when it is."""
    if not of_new.status or of_new.status in answers.HEALING:
        return "new does not answer old as it answers {0}: {1}".format(asked.url, of_new.why or of_new.status)
    if of_new.status != of_old.status:
        return "{0} answers {1} on old, and {2} on new".format(asked.url, of_old.status or of_old.why, of_new.status)
    return ""


def _see_port(port: Port, way: Way, forwarding: Forwarding) -> None:
    """See that whoever comes to a port of old gets through to that of new, within some seconds."""
    deadline = time.monotonic() + _SECONDS
    while True:
        told = forward_ports.shut(way.forward.to, port.number)
        hint = "let old reach it, then run the same command again"
        if not told:
            told = forward_ports.dead(port, way.forward.sockets, forwarding)
            hint = "see what the service said, such as a denial of SELinux, then run the same command again"
        if not told:
            return
        if time.monotonic() > deadline:
            raise RelocateError("forward_failed", told, hint)
        time.sleep(_PAUSE)


def _at(url: str, to: str) -> str:
    parts = urllib.parse.urlsplit(url)
    port = ":{0}".format(parts.port) if parts.port else ""
    return urllib.parse.urlunsplit(parts._replace(netloc=bracketed(to) + port))


def _impossible(why: str, hint: str) -> RelocateError:
    return RelocateError("forward_impossible", "old cannot send visitors on to new: {0}".format(why), hint)
