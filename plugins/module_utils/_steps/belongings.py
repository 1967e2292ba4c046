# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds what belongs to a site on its host: units, files, certificates, servers that its settings name.

Discovery writes it into an inventory; preflight looks whether the inventory at hand names all of it.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field, replace
from typing import Any, Collection, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover import (
    apache,
    certificates,
    here,
    named,
    neighbours,
    nginx,
    opened,
    packaged,
    places,
    processes,
    sites,
    starters,
    system_files,
)
from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import (
    Guess,
    Neighbour,
    Notice,
    Starter,
    WebSite,
)
from ansible_collections.relocate.django.plugins.module_utils._discover.host_files import is_of_the_host
from ansible_collections.relocate.django.plugins.module_utils._discover.places import Place
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import facts
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import untracked
from ansible_collections.relocate.django.plugins.module_utils._steps import logs

#: Directories that are empty until something has started: nothing in them goes along.
PASSING = ("/run/", "/var/run/")
#: What the probe is asked for besides a site's usual topics.
TOPICS = ("opened", "named", "neighbours", "logins")
_SEEN_BY = {
    "opened": "the files that the settings open",
    "named": "the files and programs that the settings name",
    "neighbours": "the caches, queues and other servers that the settings name",
    "logins": "the logins of servers that the settings name",
}
_UNNAMED = "add what new needs to relocate_files, and see to the servers on new"


@dataclass
class Values:
    """What is found for one site, by variable without its prefix."""

    values: Dict[str, List[Any]] = field(default_factory=dict)
    seen: Set[Tuple[str, str]] = field(default_factory=set)
    notices: List[Notice] = field(default_factory=list)

    def add(self, variable: str, value: Any, why: str) -> None:
        """Add a value, once."""
        key = (variable, str(value))
        if value and key not in self.seen:
            self.seen.add(key)
            self.values.setdefault(variable, []).append({"value": value, "why": why})

    def add_all(self, variable: str, guesses: Iterable[Guess]) -> None:
        """Add several."""
        for guess in guesses:
            self.add(variable, guess.value, guess.why)

    def tell(self, what: str, hint: str) -> None:
        """Add what is left to the reader."""
        self.notices.append(Notice(what, hint))

    def named(self, variable: str) -> List[str]:
        """Return the values of a variable so far."""
        return [str(item["value"]) for item in self.values.get(variable, ())]


@dataclass(frozen=True)
class Host:
    """What the readers of a host told, read once for all of its sites."""

    files: ConfigFiles
    starters: Sequence[Starter]
    webs: Sequence[WebSite]
    system: system_files.SystemFiles

    @classmethod
    def read(cls) -> Host:
        """Read this host."""
        files = ConfigFiles()
        webs = [*nginx.find(), *apache.find()]
        return cls(files, starters.read(files), webs, system_files.SystemFiles(files))

    def sites(self, kept: Collection[str] = ()) -> List[sites.FoundSite]:
        """Return the sites that something here serves.

        :param kept: units that are left out with all that is theirs; ``*`` for all
        """
        found = places.find(self.starters, self.webs, processes.places())
        whole = [_without(place, kept) for place in sites.complete(found, self.starters, self.webs)]
        paths = {path for place in whole for web in place.webs for path in web.files}
        paths.update(path for place in whole for item in place.starters for path in item.files)
        return sites.join(whole, packaged.untouched(paths))


def _without(place: Place, kept: Collection[str]) -> Place:
    """The place without what some units run and serve."""
    if not kept:
        return place
    if "*" in kept:
        return replace(place, starters=(), strangers=(), webs=())
    return replace(
        place,
        starters=tuple(item for item in place.starters if not {item.unit, item.name, sites.named(item)} & set(kept)),
        strangers=tuple(item for item in place.strangers if not {item.unit, item.name, sites.named(item)} & set(kept)),
        webs=tuple(web for web in place.webs if web.unit not in kept),
    )


def of_site(
    site: sites.FoundSite,
    host: Host,
    owner: Optional[SystemUser],
    directory: str,
    told: Mapping[str, Any],
    beside: bool = True,
) -> Values:
    """Return what belongs to a site.

    :param owner: who runs the project's code; None when that is not clear
    :param directory: ours, which is no file of a site
    :param told: answers of the probe, by topic: databases, django, opened, named, neighbours; as far as there are
    :param beside: whether to look for files beside the code that git does not hold
    """
    values, place = Values(notices=[*site.notices, *unseen(told)]), site.place
    values.add_all("services", site.services)
    values.add_all("reload", site.reload)
    _carry_files(site, host, owner, values)
    if owner is not None:
        databases = [str(item.get("name") or "") for item in topic(told, "databases") or []]
        apart = carried_otherwise(topic(told, "django") or {}, [name for name in databases if name], directory)
        _carry_opened(place, owner, told, apart, values)
        _carry_named(place, owner, host, told, apart, values)
        if beside:
            _carry_untracked(place, owner, told, apart, values)
    _name_neighbours(told, host, values)
    return values


def _carry_files(site: sites.FoundSite, host: Host, owner: Optional[SystemUser], values: Values) -> None:
    """Files of units, of web servers and of the system, as far as git does not hold them."""
    place = site.place
    wanted = system_files.Wanted(
        paths=(place.path, *place.environments),
        units=tuple(item.name for item in place.starters if item.unit == item.name),
        owner=owner.name if owner is not None else "",
    )
    carried = [*_own_files(site, host), *host.system.naming(wanted)]
    tracked = opened.held_by_git(place.path, owner, sorted(guess.value for guess in carried))
    for guess in carried:
        if guess.value not in tracked and os.path.lexists(guess.value):
            values.add("files", opened.named(place.path, guess.value), guess.why)
    values.notices += host.system.shared(wanted)


def _own_files(site: sites.FoundSite, host: Host) -> List[Guess]:
    """Files of units and web servers, without those of the host itself, and those that a start makes."""
    why = "certificate of {0}".format(names_of(site.place.webs))
    found = [Guess(path, why) for path in certificates.files_of(site.place.webs, host.files)]
    return [
        guess
        for guess in [*found, *site.files]
        if not guess.value.startswith(PASSING) and not is_of_the_host(guess.value)
    ]


def names_of(webs: Iterable[WebSite]) -> str:
    """Return a few of the names that some web sites answer to, for a comment."""
    return ", ".join(list(dict.fromkeys(name for web in webs for name in web.names))[:3]) or "any name"


def unseen(told: Mapping[str, Any]) -> List[Notice]:
    """Say what could not be looked at, because the project's interpreter failed to tell it."""
    found = []
    for name, what in _SEEN_BY.items():
        answer = told.get(name)
        if isinstance(answer, dict) and "error" in answer:
            why = str(answer["error"].get("msg", "")).splitlines()
            text = "nobody looked at {0}: {1}".format(what, why[-1] if why else "no answer")
            found.append(Notice(text, "look for them yourself; " + _UNNAMED))
    return found


def topic(told: Mapping[str, Any], name: str) -> Any:
    """Return an answer of the probe; nothing for one that failed."""
    found = told.get(name)
    return None if isinstance(found, dict) and "error" in found else found


def _carry_opened(
    place: Place, owner: SystemUser, told: Mapping[str, Any], apart: Sequence[str], values: Values
) -> None:
    """Files that the settings open and git does not hold, outside of places that travel, or are made, otherwise."""
    files = topic(told, "opened")
    if files:
        others = [os.path.join(place.path, name) for name in values.named("files")]
        found = opened.guesses(place.path, opened.find(place.path, owner, files["files"]), others)
        brought = packaged.untouched(guess.value for guess in found if guess.value.startswith("/"))
        places_apart = tuple(path.rstrip("/") + "/" for path in apart if path)
        for guess in found:
            full = os.path.join(place.path, guess.value)
            if guess.value not in brought and not (full + "/").startswith(places_apart):
                values.add("files", guess.value, guess.why)


def _carry_named(
    place: Place, owner: SystemUser, host: Host, told: Mapping[str, Any], apart: Sequence[str], values: Values
) -> None:
    """Files and directories that settings, variables and units name, and that neither git nor a package holds."""
    found = named_paths(place, host, told, apart)
    owned = packaged.owners_of(item.path for item in found)
    values.add_all("files", named.guesses(place.path, owner, [item for item in found if item.path not in owned]))


def named_paths(place: Place, host: Host, told: Mapping[str, Any], apart: Sequence[str] = ()) -> List[named.Named]:
    """Return the paths that settings, variables and units name, without what travels, or is made, otherwise."""
    environment = str((topic(told, "django") or {}).get("prefix") or "")
    found = [*named.parse(topic(told, "named")), *named.of_starters(place.starters, host.files)]
    return named.worth(place.path, found, [*apart, *place.environments, environment])


def paths_of_packages(place: Place, host: Host, told: Mapping[str, Any]) -> Dict[str, Tuple[str, str]]:
    """Return the paths of packages of the system that settings and units name: who does, and the package."""
    found = {item.path: item.setting for item in named_paths(place, host, told)}
    owned = packaged.owners_of(found)
    return {path: (setting, owned[path].partition(":")[0]) for path, setting in found.items() if path in owned}


def _carry_untracked(
    place: Place, owner: SystemUser, told: Mapping[str, Any], apart: Sequence[str], values: Values
) -> None:
    """Files beside the code that git does not hold and the site may need."""
    django = topic(told, "django")
    if django is None:
        return
    try:
        left = untracked.find(place.path, owner, django["used_paths"], apart, values.named("files"))
    except RelocateError as error:
        values.tell(error.msg, error.hint)
        return
    values.add_all("files", (Guess(item.path, "git does not hold it: {0}".format(item.what)) for item in left))


def carried_otherwise(django: Mapping[str, Any], databases: Sequence[str], directory: str) -> List[str]:
    """Return places of a project that are no matter of its files: MEDIA, static files, logs, databases, and ours.

    :param databases: those that are files
    """
    return [
        str(django.get("media_root") or ""),
        str(django.get("static_root") or ""),
        os.path.realpath(directory),
        *(item["path"] for item in django.get("file_stores", ())),
        *logs.directories(django),
        *(name + end for name in databases for end in ("", "-wal", "-shm", "-journal")),
    ]


def neighbours_of(told: Mapping[str, Any]) -> List[Neighbour]:
    """Return the servers that the settings name, besides the databases that are moved."""
    plain, databases = topic(told, "neighbours"), topic(told, "databases") or []
    if plain is None:
        return []
    return neighbours.parse(plain, databases, [item["alias"] for item in databases])


def this_host(files: Optional[ConfigFiles] = None) -> here.Host:
    """Return what this host is told by from others.

    :param files: those that were read already
    """
    hosts = here.parse_hosts((files or ConfigFiles()).text("/etc/hosts") or "")
    return here.Host(addresses=facts.addresses(), names=[socket.gethostname()], hosts=hosts)


def servers_here(place: Place, told: Mapping[str, Any], host: Host) -> Dict[str, str]:
    """Return the servers on this host that a site uses, by kind, each with who uses it."""
    this = this_host(host.files)
    pairs = [(web.server, "serves {0}".format(names_of([web]))) for web in place.webs]
    pairs += [pair for item in place.starters for pair in _runners(item)]
    pairs += [
        (str(raw["vendor"]), "database {0}".format(raw["alias"]))
        for raw in topic(told, "databases") or []
        if _is_local_server(raw, this)
    ]
    pairs += [(item.kind, item.setting) for item in neighbours_of(told) if here.is_here(item, this)]
    return dict(reversed(pairs))


def _runners(item: Starter) -> Iterator[Tuple[str, str]]:
    """What of this host runs something: a supervisor, cron, a user's own systemd."""
    if item.unit != item.name:
        yield item.kind, "runs {0}".format(item.name)
    if item.manager:
        yield "user systemd", "runs {0}".format(sites.named(item))


def _is_local_server(raw: Mapping[str, Any], this: here.Host) -> bool:
    """Tell whether a database is one of a server on this host."""
    if raw.get("vendor") not in ("postgresql", "mysql"):
        return False
    name = str(raw.get("host") or "")
    return name.startswith("/") or here.is_here(Neighbour("", "", "", name, raw.get("port")), this)


def _name_neighbours(told: Mapping[str, Any], host: Host, values: Values) -> None:
    """Servers that the settings name and no move brings along."""
    known = this_host(host.files)
    values.notices += neighbours.beside(topic(told, "neighbours") or {})
    for item in neighbours_of(told):
        what = "{0} names {1} at {2}, as {3}".format(item.setting, item.kind, address_of(item), item.role)
        if here.is_here(item, known):
            values.tell(what, "install it on new (relocate_packages); what it holds is not moved")
        else:
            values.tell(what, "see that new reaches it")


def address_of(item: Neighbour) -> str:
    """Return where a neighbour is, for people."""
    return item.path or (item.host + (":{0}".format(item.port) if item.port else "")) or "this host"
