# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds what a site uses of its host's operating system, and has its set say so: old may be gone when it is needed."""

from __future__ import annotations

import os
from typing import Any, Collection, Dict, List, Mapping, Optional

from ansible_collections.relocate.django.plugins.module_utils._discover import (
    extensions,
    installed,
    package_names,
    packaged,
    packages,
    sites,
)
from ansible_collections.relocate.django.plugins.module_utils._discover.installed import Installed
from ansible_collections.relocate.django.plugins.module_utils._discover.places import Place
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import Software
from ansible_collections.relocate.django.plugins.module_utils._project import probe
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project
from ansible_collections.relocate.django.plugins.module_utils._project.requirements import canonical
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import PREPARED
from ansible_collections.relocate.django.plugins.module_utils._site import Site
from ansible_collections.relocate.django.plugins.module_utils._steps import belongings, unnamed
from ansible_collections.relocate.django.plugins.module_utils._steps.belongings import Host

#: Kinds of servers that ``relocate_install_also`` names by one word; what else a site uses is a package among others.
CLASSES: Mapping[str, Collection[str]] = {
    "database": ("postgresql", "mysql"),
    "web": ("nginx", "apache", "mod_wsgi"),
    "cache": ("redis", "redis sentinel", "memcached"),
    "queue": ("rabbitmq",),
}
_SERVERS = frozenset(kind for kinds in CLASSES.values() for kind in kinds)
_TOPICS = ("databases", "django", "named", "neighbours")


def needs(
    place: Place, project: Project, host: Host, told: Mapping[str, Any], distributions: Collection[str] = ()
) -> packages.Needs:
    """Return what a site uses, for which packages are looked up.

    :param told: answers of the probe: databases, django, named, neighbours; as far as there are
    :param distributions: canonical names of Python packages
    """
    return packages.Needs(
        interpreter=project.interpreter,
        programs={
            **{path: setting for path, (setting, _package) in belongings.paths_of_packages(place, host, told).items()},
            **packages.programs(place.starters, place.path, place.environments),
            **packages.modules(place.webs),
        },
        extensions=extensions.find(project.interpreter, project.owner),
        distributions={*distributions, *(belongings.topic(told, "django") or {}).get("apps", ())},
        servers=belongings.servers_here(place, told, host),
    )


def of_needs(used: packages.Needs, here: Installed, libraries: Mapping[str, str]) -> Software:
    """Return the packages that bring what a site uses, and the servers by their kinds.

    :param here: the packages that are installed
    :param libraries: where the loader finds each library
    """
    servers = {kind: package_names.server(kind, here) for kind in sorted(_SERVERS & set(used.servers))}
    others = {kind: why for kind, why in used.servers.items() if kind not in _SERVERS}
    rest = packages.Needs(used.interpreter, used.programs, used.extensions, used.distributions, others)
    found = set(packages.system(rest, here, libraries, packaged.owners_of).packages)
    if "postgresql" in servers:
        found.update(package_names.extensions_of_server(here))
    return Software(here.manager, servers, tuple(sorted(found - set(servers.values()))))


def of_site(
    served: Optional[sites.FoundSite],
    host: Host,
    project: Project,
    told: Mapping[str, Any],
    distributions: Collection[str] = (),
) -> Software:
    """Return what a site on this host uses of its system.

    :param served: None when nothing on the host serves the project
    """
    place = served.place if served is not None else Place(project.path, "")
    return of_needs(needs(place, project, host, told, distributions), installed.read(), installed.libraries())


def recorded(site: Site, backup: BackupSet, frozen: bool) -> Software:
    """Look at a site that serves. Once it is frozen that would be downtime, and what its set says by then stays."""
    if not frozen:
        return _looked(site)
    return backup.read_prepared().software if os.path.isfile(backup.file(PREPARED)) else Software()


def _looked(site: Site) -> Software:
    """Look at the site; what cannot be told keeps no set from being written."""
    try:
        host = Host.read()
        told = probe.ask(site.project, _TOPICS, partial=True)
        return of_site(unnamed.find(host, site.project.path), host, site.project, told, _distributions(site.facts))
    except (OSError, ValueError, RecursionError, RelocateError) as error:
        why = error.msg if isinstance(error, RelocateError) else type(error).__name__
        text = "the set does not say which packages of the system the site uses ({0}): name them in relocate_packages"
        site.notes.append(text.format(why))
        return Software()


def _distributions(told: Dict[str, Any]) -> List[str]:
    """Return the canonical names of what is installed for the project, when it was asked."""
    lines = (told.get("packages") or {}).get("lines") or ()
    return [canonical(line.partition("==")[0]) for line in lines if "==" in line]
