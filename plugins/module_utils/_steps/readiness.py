# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds what new needs for a site besides code and databases: old says what, and new is looked at for it.

Users of the files that go along, units that are only reloaded, ports, servers that the settings name.
"""

from __future__ import annotations

import grp
import os
import pwd
import socket
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover import here, listening, sites
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Neighbour
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import CronTable, Obstacle, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._process import find_program
from ansible_collections.relocate.django.plugins.module_utils._services import checks
from ansible_collections.relocate.django.plugins.module_utils._services.names import (
    by_hand,
    qualified,
    reload_name,
    split,
    unit_name,
)
from ansible_collections.relocate.django.plugins.module_utils._set import unversioned
from ansible_collections.relocate.django.plugins.module_utils._site import collect
from ansible_collections.relocate.django.plugins.module_utils._steps import belongings, cron_lines
from ansible_collections.relocate.django.plugins.module_utils._steps.belongings import Host

_SECONDS = 2.0  # for a server to accept a connection
_SECONDS_IN_ALL = 30.0
_MOST = 20  # servers that are asked
_MOST_PATHS = 200
_ALL = "*"
_DATAGRAMS = ("syslog", "statsd")  # nobody answers these


@dataclass(frozen=True)
class Server:
    """A server that the settings name, and that answers old."""

    setting: str
    kind: str
    host: str
    port: int  # 0 for a socket
    path: str
    local: bool  # it is on old itself, so that new must have its own


@dataclass(frozen=True)
class Placed:
    """A file or directory of a package of the system that the settings name, such as a program or a library."""

    path: str
    setting: str
    package: str


@dataclass(frozen=True)
class Bound:
    """An address of TCP, and the unit that listens there on old; "" for no unit."""

    address: str
    unit: str = ""


@dataclass(frozen=True)
class Needs:
    """What old says of a site."""

    users: Tuple[str, ...] = ()  # owners of files that go along
    groups: Tuple[str, ...] = ()
    units: Tuple[str, ...] = ()  # that serve it, its web server among them
    listens: Tuple[Bound, ...] = ()  # where the site and its web server listen
    servers: Tuple[Server, ...] = ()
    cron_users: Tuple[str, ...] = ()  # whom lines of cron run as that go along
    paths: Tuple[Placed, ...] = ()


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds what is set for new."""

    units: Sequence[str]
    reload: Sequence[str]
    files: Sequence[str]
    packages: Sequence[str]  # that are installed before the site needs them
    neighbours_ignored: Sequence[str]  # settings whose servers need not answer; "*": all
    installs: bool
    allow_same_host: bool


Answers = Callable[[str, int, str], bool]


def needs_of(
    site: Optional[sites.FoundSite],
    files: Iterable[str],
    owner: SystemUser,
    told: Mapping[str, Any],
    host: Host,
    tables: Sequence[CronTable] = (),
    paths: Sequence[Placed] = (),
) -> Needs:
    """Return what a site on this host needs elsewhere.

    :param files: absolute paths of all files that go along
    :param told: what the probe answered
    :param tables: lines of cron that go along
    :param paths: those of packages that the settings name
    """
    users, groups = _people(files, ("root", owner.name))
    return Needs(
        users=users,
        groups=groups,
        units=tuple(_units(site)) if site is not None else (),
        listens=tuple(_listens(site)) if site is not None else (),
        servers=tuple(servers(belongings.neighbours_of(told), belongings.this_host(host.files))),
        cron_users=cron_lines.users_of(tables),
        paths=tuple(paths),
    )


def _units(site: sites.FoundSite) -> List[str]:
    """The system units that serve a site, once."""
    units = [item.unit for item in site.place.starters] + [web.unit for web in site.place.webs]
    return list(dict.fromkeys(unit for unit in units if unit))


def _listens(site: sites.FoundSite) -> List[Bound]:
    """The addresses of TCP on which a site listens, once."""
    running = [item for item in site.place.starters if item.runs]
    found = [Bound(address, _unit_of(item.manager, item.unit)) for item in running for address in item.listens]
    for web in site.place.webs:
        found += [Bound("tcp:{0}:{1}".format(address, port), web.unit or "") for address, port, _tls in web.ports]
    return list(dict.fromkeys(one for one in found if one.address.startswith("tcp:")))


def _unit_of(manager: str, unit: str) -> str:
    return qualified(manager, unit) if unit else ""


def _people(files: Iterable[str], there: Sequence[str]) -> Tuple[Tuple[str, ...], Tuple[str, ...]]:
    """The names of users and groups whose files these are; numbers without a name are passed over.

    :param there: names that every host has, or that the move makes
    """
    users, groups = set(), set()
    for path in files:
        try:
            status = os.lstat(path)
        except OSError:
            continue
        users.add(unversioned.name_of(pwd.getpwuid, status.st_uid))
        groups.add(unversioned.name_of(grp.getgrgid, status.st_gid))
    return _named(users, there), _named(groups, there)


def _named(names: Iterable[str], there: Sequence[str]) -> Tuple[str, ...]:
    return tuple(sorted(name for name in names if not name.isdigit() and name not in there))


def answers(host: str, port: int, path: str) -> bool:
    """Tell whether a server accepts a connection; nothing is sent."""
    try:
        if path:
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(_SECONDS)
                link.connect(path)
        else:
            socket.create_connection((host or "localhost", port), _SECONDS).close()
    except (OSError, ValueError, OverflowError):
        return False
    return True


def servers(found: Sequence[Neighbour], this: here.Host, ask: Answers = answers) -> List[Server]:
    """Return the neighbours that answer here: what does not answer old need not answer new."""
    unique = {
        (item.host, item.port or 0, item.path): item
        for item in reversed(found)
        if (item.port or item.path) and item.kind not in _DATAGRAMS
    }
    return [
        Server(item.setting, item.kind, host, port, path, here.is_here(item, this))
        for (host, port, path), item in list(unique.items())[::-1][:_MOST]
        if ask(host, port, path)
    ]


# --- on new


def _is_askable(item: Server, brought: bool) -> bool:
    """Tell whether new can be asked: what packages bring is not here yet, and old may say anything."""
    if item.local and brought:
        return False
    return item.local if item.path else 0 < item.port < 65536


def obstacles(
    needs: Needs, options: Options, owner: str, made: Sequence[str], ask: Answers = answers
) -> List[Obstacle]:
    """Return what this host lacks.

    :param owner: the project's, whom the move makes
    :param made: further users whom the move makes
    """
    brought = bool(options.packages) and options.installs  # what packages bring is not here yet
    found = [] if brought else brought_by_packages(needs, options, [owner, *made])
    return found + asked_here(needs, options, brought, ask)


def brought_by_packages(needs: Needs, options: Options, made: Sequence[str]) -> List[Obstacle]:
    """Return what this host lacks of all that a package may bring.

    :param made: the users whom the move will make
    """
    found = missing_people(needs, made) + unknown_reload(options) + missing_paths(needs)
    return found + without_cron(needs, made)


def asked_here(needs: Needs, options: Options, brought: bool, ask: Answers) -> List[Obstacle]:
    """Return which ports are taken here, and which servers do not answer.

    :param brought: whether packages may bring servers that are not here yet
    """
    known = replace(needs, servers=()) if _ALL in options.neighbours_ignored else needs
    taken = [] if options.allow_same_host else ports_taken(known, options, listening.read())
    return users_reload(options) + taken + silent_servers(known, brought, options.neighbours_ignored, ask)


def missing_people(needs: Needs, made: Sequence[str]) -> List[Obstacle]:
    """One obstacle for users and groups of files that this host does not have."""
    if os.geteuid() != 0:  # then all that is placed is this user's
        return []
    lacking = ["user " + name for name in needs.users if name not in made and not _is_known(pwd.getpwnam, name)]
    lacking += ["group " + name for name in needs.groups if name not in made and not _is_known(grp.getgrnam, name)]
    if not lacking:
        return []
    return [
        Obstacle(
            "owner_missing",
            "files of relocate_files belong to {0}, and new has no such name".format(", ".join(lacking)),
            "make them on new, or name the package that makes them in relocate_packages",
        )
    ]


def without_cron(needs: Needs, made: Sequence[str]) -> List[Obstacle]:
    """One obstacle for each thing that lines of cron need here: their users, and cron itself."""
    found = [
        Obstacle(
            "owner_missing",
            "lines of cron run as {0}, and new has no such user".format(name),
            "make the user on new, or name the package that makes it in relocate_packages",
        )
        for name in needs.cron_users
        if name not in made and not _is_known(pwd.getpwnam, name)
    ]
    if needs.cron_users and find_program("crontab") is None:
        text = "lines of cron go along, and new has no cron"
        found.append(Obstacle("program_missing", text, "add cron (cronie on Red Hat) to relocate_packages"))
    return found


def _is_known(lookup: Callable[[str], Any], name: str) -> bool:
    try:
        lookup(name)
    except KeyError:
        return False
    return True


def missing_paths(needs: Needs) -> List[Obstacle]:
    """One obstacle for each path that a package brought on old, that the settings name, and that this host lacks."""
    return [
        Obstacle(
            "path_missing",
            "{0} names {1}, which the package {2} brought on old, and which is not on new".format(
                item.setting, item.path, item.package
            ),
            "name {0}, or the package that brings it on new, in relocate_packages; or let the settings name another "
            "place".format(item.package),
        )
        for item in needs.paths[:_MOST_PATHS]
        if item.path.startswith("/") and "\0" not in item.path and not os.path.lexists(item.path)
    ]


def obstacles_left(needs: Needs, options: Options, ask: Answers = answers) -> List[Obstacle]:
    """Return what this host still lacks once all packages of the system are installed that are named."""
    return brought_by_packages(needs, options, ()) + asked_here(needs, options, False, ask)


def users_reload(options: Options) -> List[Obstacle]:
    """One obstacle for each unit to reload that is a user's own."""
    found: List[Obstacle] = []
    for name in options.reload:
        collect(found, partial(reload_name, name))
    return found


def unknown_reload(options: Options) -> List[Obstacle]:
    """One obstacle for each unit to reload that this host does not have, and whose file does not go along."""
    carried = {os.path.basename(path) for path in options.files}
    names = [unit_name(name) for name in options.reload if not split(name)[0] and unit_name(name) not in carried]
    try:
        states = checks.unit_states(names)
    except RelocateError as error:
        return [Obstacle(error.code, error.msg, error.hint)]
    return [
        Obstacle(
            "unit_unknown",
            "relocate_reload names {0}, and new has no such unit".format(name),
            "name the package that brings it in relocate_packages, or take it out of relocate_reload",
        )
        for name, unit in states.items()
        if unit.load != "loaded"
    ]


def ports_taken(needs: Needs, options: Options, listeners: Sequence[listening.Listener]) -> List[Obstacle]:
    """One obstacle for each address of the site on which something else listens here.

    That may be a unit of the site as well: a server that a package has just brought takes the package's own port.
    """
    started = {unit_name(name) for name in options.units}
    reloaded = ({unit_name(name) for name in options.reload} | set(needs.units)) - started
    found: Dict[Obstacle, None] = {}
    for one in listeners:
        meant = _meant(needs, one.address)
        unit = _unit_of(one.manager, one.unit)
        if unit in reloaded and _is_meant(unit, meant):
            continue
        # What the cutover starts anew gives the port up before others start; what it reloads does so later.
        if meant and unit not in started:
            found[_taken(meant[0], unit or _process(one), unit in reloaded)] = None
    return list(found)


def _process(one: listening.Listener) -> str:
    return "process {0} ({1})".format(one.pid, os.path.basename((*one.words, "?")[0]))


def _meant(needs: Needs, address: str) -> List[Bound]:
    """Return who listens at an address on old."""
    return [item for item in needs.listens if sites.same_address(item.address, address)]


def _is_meant(unit: str, meant: Sequence[Bound]) -> bool:
    """Tell whether a unit listens there on old too, as far as old says who does."""
    return any(item.unit in ("", unit) for item in meant)


def _taken(meant: Bound, who: str, is_own: bool) -> Obstacle:
    address = meant.address[len("tcp:") :]
    if not is_own:
        text = "{0} listens on {1} here, where the site is to".format(who, address)
        return Obstacle("port_taken", text, "stop it and disable it, or give one of them another port")
    return Obstacle(
        "port_taken",
        "{0} listens on {1} here, where {2} does on old: it runs with what its package brought".format(
            who, address, meant.unit
        ),
        "stop it on new ({0}): the cutover starts it with the files that go along; where these leave it that port, "
        "as a default site of its package does, take that away too".format(by_hand("stop", [who])),
    )


def silent_servers(needs: Needs, brought: bool, ignored: Sequence[str], ask: Answers = answers) -> List[Obstacle]:
    """One obstacle for each server that answers old and does not answer new.

    Old says where they are, so they are as few as it finds itself, and sockets are those of its own host.
    """
    deadline = time.monotonic() + _SECONDS_IN_ALL
    asked = [item for item in needs.servers[:_MOST] if item.setting not in ignored and _is_askable(item, brought)]
    return [_silent(item) for item in asked if time.monotonic() < deadline and not ask(item.host, item.port, item.path)]


def _silent(item: Server) -> Obstacle:
    where = item.path or "{0}:{1}".format(item.host or "localhost", item.port)
    text = "{0} names {1} at {2}, which answers old and does not answer new".format(item.setting, item.kind, where)
    hint = "let new reach it: a firewall or its own list of clients may keep it off"
    if item.local:
        hint = "install it on new, as by relocate_packages; what it holds on old is not moved"
    more = "; or name {0} in relocate_neighbours_ignored, when new has another one or can do without"
    return Obstacle("neighbour_missing", text, hint + more.format(item.setting))
