# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells for how long resolvers may remember where a site's names lead: the TTL of their records in DNS.

The name servers of the zone say what is set. A resolver between, which counts down, says how much is left at least.
Nothing of it is an obstacle: where nobody can be asked, that is said.
"""

from __future__ import annotations

import time
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._host import dns
from ansible_collections.relocate.django.plugins.module_utils._host.dns import Record, Reply

_MOST_NAMES, _ONCE, _IN_ALL = 5, 1.5, 6.0  # names, seconds of one question, seconds of all
_SHORT = 300  # seconds that nobody has to lower

Ask = Callable[..., Optional[Reply]]


class Asking:
    """Asks for one host's names, within some seconds.

    :param servers: the resolvers of this host
    :param ask: sends one question; tests put their own in its place
    """

    def __init__(self, servers: Sequence[str], ask: Ask = dns.ask) -> None:
        self._servers, self._ask = servers, ask
        self._deadline = time.monotonic() + _IN_ALL

    def ttl(self, name: str) -> Tuple[Optional[int], bool, str]:
        """Return the seconds, whether the zone's own servers say so, and why there are none."""
        reply = self._resolve(name, dns.A)
        if reply is None or reply.missing:
            return None, False, "the name is not in DNS" if reply else "no name server answered"
        if not _ttls(reply.answers):
            reply = self._resolve(name, dns.AAAA) or reply
        left = _ttls(reply.answers)
        if not left:
            return None, False, "the name has no address"
        exact = self._as_set(name, dns.AAAA if _has(reply, dns.AAAA) else dns.A)
        return exact or max(left), bool(exact), ""

    def _as_set(self, name: str, kind: int) -> int:
        """Return the seconds as the zone's own servers have them; 0 where none of them says."""
        for server in self._of_zone(name):
            said = self._question(server, name, kind, False)
            if said is not None and said.authoritative and _ttls(said.answers):
                return max(_ttls(said.answers))
        return 0

    def _resolve(self, name: str, kind: int) -> Optional[Reply]:
        replies = (self._question(server, name, kind, True) for server in self._servers)
        return next((reply for reply in replies if reply is not None), None)

    def _of_zone(self, name: str) -> Iterator[str]:
        """Give addresses of the name servers of the zone that a name is in."""
        told = self._resolve(name, dns.SOA)
        records = (*told.answers, *told.authority) if told else ()
        zone = next((item.name for item in records if item.kind == dns.SOA), "")
        servers = self._resolve(zone, dns.NS) if zone else None
        for record in servers.answers[:2] if servers else ():
            if record.kind == dns.NS:
                yield from self._addresses(record.target)[:1]

    def _addresses(self, name: str) -> List[str]:
        """Return the addresses of a name server; asked for here, since the system's own way may take half a minute."""
        told = self._resolve(name, dns.A)
        return [record.target for record in told.answers if record.kind == dns.A and record.target] if told else []

    def _question(self, server: str, name: str, kind: int, recurse: bool) -> Optional[Reply]:
        if time.monotonic() > self._deadline:
            return None
        try:
            return self._ask(server, name, kind, _ONCE, recurse)
        except ValueError:
            return None


def _ttls(records: Iterable[Record]) -> List[int]:
    """Return the TTLs of the way to the addresses: each of its records may be remembered by itself."""
    return [record.ttl for record in records if record.kind in (dns.A, dns.AAAA, dns.CNAME)]


def _has(reply: Reply, kind: int) -> bool:
    return any(record.kind == kind for record in reply.answers)


def told(names: Sequence[str], asking: Optional[Asking] = None) -> List[str]:
    """Return one note about the names of a site; nothing for a site without one."""
    given = [name for name in dict.fromkeys(names) if name not in ("", "_")]  # nginx' own word for no name
    if not given:
        return []
    distinct = list(filter(_can_be_asked, given))
    asking = asking or Asking(_resolvers())
    answers = {name: asking.ttl(name) for name in distinct[:_MOST_NAMES]}
    parts = ["{0} {1}".format(name, _said(*answer)) for name, answer in answers.items()]
    more = len(distinct) - len(answers)
    parts += ["{0} more names were not asked".format(more)] if more else []
    patterns = len(given) - len(distinct)
    parts += ["nobody can be asked about {0} that are patterns".format(patterns)] if patterns else []
    return ["TTL in DNS: {0}{1}".format("; ".join(parts), _advice(answers))]


def _can_be_asked(name: str) -> bool:
    try:
        return bool(dns.question(name, dns.A, 0, True))
    except ValueError:
        return False


def _said(seconds: Optional[int], exact: bool, why: str) -> str:
    if seconds is None:
        return "is not known ({0})".format(why)
    return "{0} s".format(seconds) if exact else "{0} s or more (a resolver counts it down)".format(seconds)


def _advice(answers: Dict[str, Tuple[Optional[int], bool, str]]) -> str:
    longest = max((seconds or 0 for seconds, _exact, _why in answers.values()), default=0)
    if longest <= _SHORT:
        return ""
    return ". Visitors may come to old for so long after DNS was changed; lower it well before the move"


def _resolvers() -> List[str]:
    try:
        with open(dns.RESOLV_CONF, encoding="utf-8", errors="replace") as stream:
            return dns.name_servers(stream.read(64 * 1024))
    except OSError:
        return []
