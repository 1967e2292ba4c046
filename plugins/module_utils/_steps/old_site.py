# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks at the site on old: what is in the way, and what new has to know of it; nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._discover import here, sites
from ansible_collections.relocate.django.plugins.module_utils._engines.base import Engine
from ansible_collections.relocate.django.plugins.module_utils._media import stores as media_stores
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle, Software, SystemUser, as_plain
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._services import checks
from ansible_collections.relocate.django.plugins.module_utils._set import unversioned
from ansible_collections.relocate.django.plugins.module_utils._site import (
    Site,
    SiteOptions,
    code_of,
    collect,
    open_site,
)
from ansible_collections.relocate.django.plugins.module_utils._steps import (
    belongings,
    carry,
    cron_lines,
    describe,
    forward,
    maintenance,
    old_pages,
    preflight,
    readiness,
    site_code,
    software,
    stores,
    unnamed,
)
from ansible_collections.relocate.django.plugins.module_utils._steps.belongings import Host

_PAGES = "pages"


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds the options of a look at old."""

    site: SiteOptions
    preflight: preflight.Options
    named: unnamed.Options
    media: bool  # MEDIA is moved
    media_skip: Sequence[str]  # what of it stays
    maintenance: Optional[str]  # a page on this host that is shown while the site is frozen
    sends_on: forward.Wish
    neighbours_carried: Sequence[str]  # of Redis and RabbitMQ, what goes along
    install_also: Sequence[str] = ()  # what new gets of all that old has: it is looked for when anything is
    pages: Optional[int] = None  # ask for pages, and at most so many out of the log; None for none at all


def look(options: Options, obstacles: List[Obstacle]) -> Dict[str, Any]:
    """Return the site's facts, as far as it could be opened; what is in the way is added to the list."""
    host = Host.read()
    served = unnamed.find(host, options.named.path, options.named.services_kept_running)
    # The project may not open, as without its environment: what else is in the way is found all the same.
    info = collect(obstacles, lambda: _open(options, obstacles, host, served))
    if options.maintenance:
        collect(obstacles, partial(maintenance.read, options.maintenance))
    if info is None:
        obstacles += unnamed.obstacles(served, host, options.named, None, {})
    sent_on = collect(obstacles, lambda: forward.look_ahead(options.sends_on, served, host)) or []
    if info:
        info["held"] = [*info.get("held", ()), *sent_on]
    return info or {}


def _open(options: Options, obstacles: List[Obstacle], host: Host, served: Optional[sites.FoundSite]) -> Dict[str, Any]:
    """Look at the project and its databases."""
    topics = (*describe.TOPICS, *belongings.TOPICS, *(() if options.pages is None else (_PAGES,)))
    with open_site(options.site, topics, partial=True) as site:
        told, named = _taken(site), options.named
        spoken = (*named.files, *named.files_ignored)
        site_code.attach(site, options.preflight.vcs, named.directory, spoken, options.preflight.compression)
        obstacles += preflight.obstacles_on_old(site, options.preflight)
        usual = site.facts.pop(_PAGES, {})
        obstacles += unnamed.obstacles(served, host, options.named, site.project.owner, told)
        if any("error" in answer for answer in site.facts.values()):
            return {}
        info: Optional[Dict[str, Any]] = collect(obstacles, lambda: describe.describe_site(site, options.media_skip))
        if info is None:
            return {}
        info.update(_for_new(options, site, info, obstacles))
        owner, project = site.project.owner, site.project
        files = collect(obstacles, lambda: unversioned.expand(options.named.files, project.path, owner)) or []
        tables = cron_lines.of_site(served, host.files, options.named.cron)
        placed = _placed(served, host, told)
        info.update(_software(options, served, host, site, told, obstacles))
        info["needs"] = as_plain(readiness.needs_of(served, files, owner, told, host, tables, placed))
        info.update(_of_neighbours(options, told, belongings.this_host(host.files), owner, obstacles))
        obstacles += preflight.media_obstacles(info.get("media") or {}) if options.media else []
        if options.pages is not None and not obstacles:  # a list of obstacles is there the sooner
            info[_PAGES] = as_plain(old_pages.ask(served, host, owner, usual, options.pages))
        info["held"] += _unclean(options) + _objects(options, site)
        return info


def _software(
    options: Options,
    served: Optional[sites.FoundSite],
    host: Host,
    site: Site,
    told: Mapping[str, Any],
    obstacles: List[Obstacle],
) -> Dict[str, Any]:
    """Return what the site uses of its system, when any of it is to be installed on new."""
    if not options.install_also:
        return {}
    used = collect(obstacles, lambda: software.of_site(served, host, site.project, told))
    return {"software": as_plain(used or Software())}


def _objects(options: Options, site: Site) -> List[str]:
    """Say what lies in object storage; nothing where MEDIA stays behind anyway."""
    return media_stores.of_old(media_stores.of_facts(site.facts["django"])) if options.media else []


def _unclean(options: Options) -> List[str]:
    """What may keep the site's units from stopping whole; of units that are unknown the list of obstacles tells."""
    hint = "correct the unit, then systemctl daemon-reload; systemctl cat shows in which file the line is"
    found = collect([], lambda: checks.unclean_stops(options.preflight.units)) or []
    return ["{0}. Next: {1}".format(text, hint) for text in found]


def _placed(served: Optional[sites.FoundSite], host: Host, told: Mapping[str, Any]) -> List[readiness.Placed]:
    """What the settings name of packages of the system."""
    if served is None:
        return []
    found = belongings.paths_of_packages(served.place, host, told)
    return [readiness.Placed(path, setting, package) for path, (setting, package) in sorted(found.items())]


def _of_neighbours(
    options: Options, told: Mapping[str, Any], this: here.Host, owner: SystemUser, obstacles: List[Obstacle]
) -> Dict[str, Any]:
    """What other servers on this host hold, and what of it new will be given."""
    found = stores.that_are_kept(told, this)
    picked, carried = carry.look_on_old(found, options.neighbours_carried, owner, obstacles)
    held = [*belongings.unseen(told), *stores.notices(told, this, owner, picked)]
    return {"held": ["{0}. Next: {1}".format(item.what, item.hint) for item in held], "carried": carried}


def _taken(site: Site) -> Dict[str, Any]:
    """What the probe told for these checks alone, taken out of the facts that go to new."""
    told: Dict[str, Any] = {name: site.facts.pop(name, None) for name in belongings.TOPICS}
    # Those that are files are carried as databases, whatever variable names them.
    databases = [_database(alias, engine) for alias, engine in site.engines.items()]
    return {**told, "databases": databases, "django": site.facts.get("django")}


def _database(alias: str, engine: Engine) -> Dict[str, Any]:
    """Return what the probe tells of a database, as far as these checks go by it."""
    config = engine.config
    return {"alias": alias, "vendor": engine.name, "name": config.name, "host": config.host, "port": config.port}


def _for_new(options: Options, site: Site, info: Mapping[str, Any], obstacles: List[Obstacle]) -> Dict[str, Any]:
    """Whether old can bring the revision that is wanted, and whom its units run as."""
    wanted = options.preflight.revision
    found: Dict[str, Any] = {}
    if wanted and info["revision"]:
        brought = collect(obstacles, lambda: code_of(site).brings(wanted))
        found["revision_brought"] = brought is not False  # what cannot be asked is in the list already
    found["unit_users"] = collect(obstacles, lambda: checks.users(options.preflight.units)) or []
    return found
