# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Joins what the readers of a host tell into sites: which units, web servers and files belong to which. Pure."""

from __future__ import annotations

import itertools
import os
import re
from dataclasses import dataclass, field, replace
from typing import Collection, Dict, Iterable, List, Mapping, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.found import (
    UNITS,
    Guess,
    Notice,
    Starter,
    WebSite,
)
from ansible_collections.relocate.django.plugins.module_utils._discover.host_files import is_of_the_host
from ansible_collections.relocate.django.plugins.module_utils._discover.places import Place
from ansible_collections.relocate.django.plugins.module_utils._services.names import qualified

#: Names of directories that say nothing of a site.
_GENERIC = frozenset(
    "app apps application backend checkout code current deploy django django_project home html htdocs live main"
    " manage opt prod production project projects public public_html release releases repo server service site sites"
    " source src srv var web webapp webapps website www".split()
)
_NO_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
#: Kinds in the order in which they are stopped: what starts others first, so that nothing begins meanwhile.
_ORDER = ("timer", "path", "socket", "service", "supervisor", "circus", "runit", "uwsgi")


@dataclass(frozen=True)
class FoundSite:
    """A project together with what serves it."""

    name: str
    place: Place
    services: Tuple[Guess, ...] = ()  # units to stop and start, in the order in which to stop them
    reload: Tuple[Guess, ...] = ()  # units that only read their files again
    files: Tuple[Guess, ...] = ()  # of units and web servers
    notices: Tuple[Notice, ...] = ()
    shared: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)  # unit -> other projects that it runs


def complete(places: Sequence[Place], starters: Sequence[Starter], webs: Sequence[WebSite]) -> List[Place]:
    """Add to each place what belongs to it without naming its path: units that start, or pass requests on to, others.

    :param starters: all of the host
    :param webs: all of the host
    """
    return [_with_webs(_with_triggers(place, starters), webs) for place in places]


Unit = Tuple[str, str]  # the user whose own systemd runs it, and its name


def _with_triggers(place: Place, starters: Sequence[Starter]) -> Place:
    """Timers, sockets and paths that start a service of the place, and services that one of its timers starts."""
    mine = {_unit_of(item) for item in place.starters}
    started = {unit for item in place.starters for unit in _started_by(item)}
    known = {_unit_of(item) for item in place.pointing}
    more = [
        item
        for item in starters
        if item.kind in UNITS
        and _unit_of(item) not in known
        and (_unit_of(item) in started or mine & _started_by(item))
    ]
    return replace(
        place,
        starters=(*place.starters, *filter(place.takes, more)),
        strangers=(*place.strangers, *itertools.filterfalse(place.takes, more)),
    )


def _unit_of(item: Starter) -> Unit:
    return item.manager, item.name


def _started_by(item: Starter) -> Set[Unit]:
    return {(item.manager, name) for name in item.starts} if item.kind in UNITS else set()


def _with_webs(place: Place, webs: Sequence[WebSite]) -> Place:
    """Server blocks that pass requests on to where a starter of the place listens, and their redirects."""
    listens = _listens(place)
    found = [web for web in webs if web in place.webs or _reaches(web, listens)]
    names = frozenset(name for web in found for name in web.names)
    return replace(place, webs=tuple(web for web in webs if web in found or _leads_to(web, names)))


def _listens(place: Place) -> List[str]:
    return [address for item in place.starters for address in item.listens]


def _leads_to(web: WebSite, names: Collection[str]) -> bool:
    """Tell whether a block redirects to others, by a name that it shares with them."""
    return web.redirects and not set(names).isdisjoint(web.names)


def _reaches(web: WebSite, listens: Sequence[str]) -> bool:
    return any(same_address(target, address) for target in web.targets for address in listens)


def same_address(one: str, other: str) -> bool:
    """Tell whether two addresses are the same socket: "*" stands for any, and names of this host for the loopback."""
    if one.startswith("unix:") or other.startswith("unix:"):
        return _socket(one) == _socket(other)
    (host, port), (other_host, other_port) = _host_and_port(one), _host_and_port(other)
    return port == other_port and (host == other_host or "*" in (host, other_host))


def _socket(address: str) -> str:
    path = address[len("unix:") :] if address.startswith("unix:") else address
    return re.sub(r"^/var/run/", "/run/", os.path.normpath(path))


_ANY = ("*", "", "0.0.0.0", "::", "[::]")  # noqa: S104  (only compared)
_LOOPBACK = ("localhost", "127.0.0.1", "::1", "[::1]")


def _host_and_port(address: str) -> Tuple[str, str]:
    host, _sep, port = address[len("tcp:") :].rpartition(":") if address.startswith("tcp:") else address.rpartition(":")
    if host in _ANY:
        return "*", port
    return ("loopback" if host in _LOOPBACK else host.lower()), port


def join(places: Sequence[Place], untouched: Collection[str] = ()) -> List[FoundSite]:
    """Return a site for each place that something serves.

    :param untouched: files that came with a package of the system and are as they came
    """
    served = [place for place in places if place.starters or place.webs]
    names = _names([place.path for place in served])
    shared = _shared(served)
    return [_site(names[place.path], place, shared, frozenset(untouched)) for place in served]


def _site(name: str, place: Place, shared: Mapping[str, Set[str]], untouched: Collection[str]) -> FoundSite:
    others = {unit: paths - {place.path} for unit, paths in shared.items()}
    return FoundSite(
        name=name,
        place=place,
        services=tuple(services_of(place)),
        reload=tuple(_reload_of(place)),
        files=tuple(files_of(place, untouched)),
        notices=(
            *_cron_notices(place),
            *_idle_notices(place),
            *_stranger_notices(place),
            *_shared_notices(place, others),
        ),
        shared={unit: tuple(sorted(paths)) for unit, paths in others.items() if paths},
    )


def services_of(place: Place) -> List[Guess]:
    """Return the units that write, in the order in which to stop them. What a timer or socket starts goes with it."""
    units = [item for item in place.starters if _is_stopped(item)]
    units = [item for item in units if item.at_boot or _unit_of(item) not in _woken(units)]
    units.sort(key=lambda item: (_ORDER.index(item.kind), not item.listens))
    within = [Guess(web.unit, "runs {0}".format(web.scripts[0])) for web in place.webs if web.scripts]
    return _unique([Guess(named(item), _why_unit(item, place)) for item in units] + within)


def named(item: Starter) -> str:
    """Return the unit by which something is stopped, as relocate_services names it; "" for what has none."""
    return qualified(item.manager, item.unit) if item.unit else ""


def _woken(units: Sequence[Starter]) -> Set[Unit]:
    return {unit for item in units for unit in _started_by(item)}


def _is_stopped(item: Starter) -> bool:
    return bool(item.unit) and _serves(item)


def _unique(found: Sequence[Guess]) -> List[Guess]:
    """Return the first guess of each value."""
    return list({item.value: item for item in reversed(found)}.values())[::-1]


def _serves(item: Starter) -> bool:
    return item.runs or item.at_boot


def _why_unit(item: Starter, place: Place) -> str:
    if item.unit != item.name:
        return "runs {0}".format(item.name)
    if item.starts:
        return "starts {0}".format(", ".join(item.starts))
    if item.listens:
        return "listens on {0}".format(", ".join(item.listens))
    return "runs in {0}".format(item.directory or place.path)


def _reload_of(place: Place) -> List[Guess]:
    found: Dict[str, Guess] = {}
    for web in place.webs:
        if not web.scripts:
            found.setdefault(web.unit, Guess(web.unit, "serves {0}".format(", ".join(web.names) or "any name")))
    return list(found.values())


def files_of(place: Place, untouched: Collection[str]) -> List[Guess]:
    """Return the files that define the place's units and web servers, but for those that packages brought."""
    # Lines of cron are reported instead: on new they would run before the data is there.
    found = [guess for item in place.starters if item.kind != "cron" for guess in _files_of_starter(item)]
    for web in place.webs:
        why = "of {0}, for {1}".format(web.server, ", ".join(web.names) or "any name")
        found += [Guess(path, why) for path in web.files]
    return _unique([item for item in found if item.value not in untouched])


def _files_of_starter(item: Starter) -> List[Guess]:
    own = [] if item.packaged else [Guess(path, "of {0}".format(item.name)) for path in item.files]
    why = "EnvironmentFile of {0}".format(item.name)
    found = own + [Guess(name.lstrip("-"), why) for name in item.env_files]
    return [guess for guess in found if not is_of_the_host(guess.value)]


# --- names


def _names(paths: Sequence[str]) -> Dict[str, str]:
    """Return a site's name for each path, each its own."""
    found: Dict[str, str] = {}
    for path in paths:
        name, number = site_name(path), 1
        while name in found.values():
            number += 1
            name = "{0}-{1}".format(site_name(path), number)
        found[path] = name
    return found


def site_name(path: str) -> str:
    """Return a name for the site in a directory: its last part that says something."""
    for part in reversed(path.split("/")):
        if part and part.lower() not in _GENERIC and not part.startswith("."):
            name = _NO_NAME.sub("-", part).strip("-.")
            if name:
                return name
    return "site"


# --- what is told


def _cron_notices(place: Place) -> List[Notice]:
    """Lines of cron go on writing on old after the freeze, and would begin on new before the data is there."""
    return [
        Notice(
            "{0} runs the project by cron, as {1}".format(item.name, item.user or "its owner"),
            "set relocate_cron: carry, by which it is commented out on old and added on new at the cutover; or see to "
            "it yourself",
        )
        for item in place.pointing
        if item.kind == "cron"
    ]


def _stranger_notices(place: Place) -> List[Notice]:
    """What somebody else wrote, and names the project, is nothing to rely on; but it may write."""
    whose = "whose files are {0}'s".format(place.owner or "root")
    return [
        Notice(
            "{0} names {1}, {2}, and {3} can say what it does".format(
                named(item) or item.name, place.path, whose, item.by
            ),
            "if it runs the site, give its files to root, or to the owner of manage.py; else stop it before the move",
        )
        for item in place.strangers
        if item.kind != "cron"
    ]


def _idle_notices(place: Place) -> List[Notice]:
    started = _woken(place.starters)
    idle = [item for item in place.starters if item.kind in UNITS and not _serves(item)]
    names = [named(item) or item.name for item in idle if _unit_of(item) not in started]
    if not names:
        return []
    return [
        Notice(
            "{0} neither {1} nor {2} with the host".format(
                ", ".join(names), *(("runs", "starts") if len(names) == 1 else ("run", "start"))
            ),
            "add to relocate_services what should run on new",
        )
    ]


def _shared(places: Sequence[Place]) -> Dict[str, Set[str]]:
    """Return the projects that each unit runs."""
    found: Dict[str, Set[str]] = {}
    for place in places:
        for unit in services_of(place):
            found.setdefault(unit.value, set()).add(place.path)
    return found


def _shared_notices(place: Place, others: Mapping[str, Set[str]]) -> Iterable[Notice]:
    for unit in services_of(place):
        if others.get(unit.value):
            yield Notice(
                "{0} also runs {1}".format(unit.value, ", ".join(sorted(others[unit.value]))),
                "give each site a unit of its own before the move: they would stop with this one",
            )
