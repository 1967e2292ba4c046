# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds what belongs to a site on old and the inventory neither names nor leaves behind on purpose; nothing is changed.

Each of these would be paid for with a freeze: a unit without its env file, a web server without its certificate, a line
of cron that writes while the databases are dumped.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._discover import opened, sites
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._project.untracked import covers
from ansible_collections.relocate.django.plugins.module_utils._services import checks
from ansible_collections.relocate.django.plugins.module_utils._services.names import split, unit_name
from ansible_collections.relocate.django.plugins.module_utils._set import unversioned
from ansible_collections.relocate.django.plugins.module_utils._steps import belongings, cron_lines
from ansible_collections.relocate.django.plugins.module_utils._steps.belongings import Host, Values

_SHOWN = 12  # files in a message
_ALL = "*"


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds what the inventory names of a site."""

    path: str  # the project's directory
    directory: str  # ours
    units: Sequence[str]
    services_kept_running: Sequence[str]
    reload: Sequence[str]
    files: Sequence[str]
    files_ignored: Sequence[str]
    env_files: Sequence[str]
    cron: str  # leave: lines of cron may stay behind; carry: they go along
    vcs: str = "git"  # what holds the code: git, hg, svn, none


def find(host: Host, path: str, kept: Sequence[str] = ()) -> Optional[sites.FoundSite]:
    """Return the site that something on this host serves from a directory.

    :param kept: units that keep running on purpose: what they run, serve and read is left behind
    """
    real, names = os.path.realpath(path), [name if name == _ALL else unit_name(name) for name in kept]
    return next((site for site in host.sites(names) if os.path.realpath(site.place.path) == real), None)


def obstacles(
    site: Optional[sites.FoundSite], host: Host, options: Options, owner: Optional[SystemUser], told: Mapping[str, Any]
) -> List[Obstacle]:
    """Return what is not named.

    :param site: None when nothing on the host serves the project
    :param owner: of the project; None when that is not clear
    :param told: what the probe answered, as :func:`belongings.of_site` takes it
    """
    values = Values()
    if site is not None:
        values = belongings.of_site(site, host, owner, options.directory, told, beside=False)
    found = files_unnamed(options, owner, values)
    if site is None:
        return found
    found += units_unnamed(options, values) + units_shared(options, site)
    return found + units_of_others(options, site) + lines_of_cron(options, site, host)


def files_unnamed(options: Options, owner: Optional[SystemUser], values: Values) -> List[Obstacle]:
    """One obstacle for all files that nobody carries."""
    wanted = _wanted(options, owner, values)
    try:
        spoken = unversioned.absolute([*options.files, *options.files_ignored], options.path)
    except RelocateError:
        return []  # it is in the list already
    missing = {
        name: why
        for name, why in wanted.items()
        if not any(covers(pattern, os.path.normpath(os.path.join(options.path, name))) for pattern in spoken)
    }
    if not missing:
        return []
    shown = ["{0} ({1})".format(name, why) for name, why in list(missing.items())[:_SHOWN]]
    more = ["and {0} more".format(len(missing) - _SHOWN)] if len(missing) > _SHOWN else []
    return [
        Obstacle(
            "files_unnamed",
            "files belong to the site, and relocate_files does not name them: {0}".format(", ".join(shown + more)),
            "add to relocate_files: [{0}]; or list in relocate_files_ignored what new has already, or may lack".format(
                ", ".join(map(json.dumps, missing))
            ),
        )
    ]


def _wanted(options: Options, owner: Optional[SystemUser], values: Values) -> Dict[str, str]:
    """Return the files that belong to the site, each with why."""
    found = {str(item["value"]): str(item["why"]) for item in values.values.get("files", ())}
    beside = {name: why for name, why in found.items() if not _is_of_the_tree(options, name)}
    return {**_env_files(options, owner), **beside}


def _is_of_the_tree(options: Options, name: str) -> bool:
    """Tell whether a file travels with the code, since no version control leaves it out."""
    full, top = os.path.normpath(os.path.join(options.path, name)), options.path.rstrip("/") + "/"
    return options.vcs == "none" and full.startswith(top)


def _env_files(options: Options, owner: Optional[SystemUser]) -> Dict[str, str]:
    """The files of relocate_env_files that are there, and that git does not hold."""
    paths = {
        os.path.normpath(os.path.join(options.path, name.lstrip("-"))): name.lstrip("-") for name in options.env_files
    }
    there = [path for path in paths if not path.startswith(belongings.PASSING) and os.path.lexists(path)]
    held = opened.held_by_git(options.path, owner, there)
    return {paths[path]: "of relocate_env_files" for path in there if path not in held}


def units_unnamed(options: Options, values: Values) -> List[Obstacle]:
    """One obstacle for each unit that is neither stopped, nor reloaded, nor left on purpose."""
    named = {unit_name(name) for name in (*options.units, *options.services_kept_running)}
    found = []
    for unit in values.named("services"):
        if not _is_named(unit, named):
            found.append(checks.unit_unnamed(unit))
    for item in values.values.get("reload", ()):
        if item["value"] not in named | {unit_name(name) for name in options.reload}:
            text = "unit {0} {1}, and relocate_reload does not name it".format(item["value"], item["why"])
            hint = "add it to relocate_reload, or to relocate_services_kept_running when new needs none of it"
            found.append(Obstacle("unit_unnamed", text, hint))
    return found


def units_shared(options: Options, site: sites.FoundSite) -> List[Obstacle]:
    """One obstacle for each named unit that runs other sites too: they would stop with this one."""
    named = {unit_name(name) for name in options.units}
    return [
        Obstacle(
            "unit_shared",
            "unit {0} is in relocate_services, and also runs {1}, which would stop with it".format(
                unit, ", ".join(others)
            ),
            "give each site a unit of its own before the move; or name {0} in relocate_services_kept_running, and stop "
            "this site within it yourself".format(unit),
        )
        for unit, others in sorted(site.shared.items())
        if unit in named
    ]


def _is_named(unit: str, named: Collection[str]) -> bool:
    """Tell whether a unit is named; one of a user's own systemd also by that of the system which is all of it."""
    user, name = split(unit)
    return unit in named or (bool(user) and (name in named or any(item.startswith("user@") for item in named)))


def units_of_others(options: Options, site: sites.FoundSite) -> List[Obstacle]:
    """One obstacle for each unit of another user's own systemd that names the project: it may write."""
    named = {unit_name(name) for name in (*options.units, *options.services_kept_running)}
    text = "{0} names the project, and is a unit of {1}'s own systemd, who is not the project's owner"
    hint = (
        "make it a unit of the system (a file in /etc/systemd/system with User={1}), or one of the owner's; or name "
        "{0} in relocate_services_kept_running, and stop it yourself"
    )
    return [
        Obstacle("unit_unnamed", text.format(unit, manager), hint.format(unit, manager))
        for unit, manager in ((sites.named(item), item.manager) for item in site.place.strangers if item.manager)
        if not _is_named(unit, named)
    ]


def lines_of_cron(options: Options, site: sites.FoundSite, host: Host) -> List[Obstacle]:
    """One obstacle for all lines of cron that run the project and would neither stay nor go along."""
    lines = [item for item in site.place.pointing if item.kind == "cron"]
    if not lines or options.cron == "leave":
        return []
    if options.cron == "carry":
        return _not_carried(cron_lines.of_place(site.place, host.files)[1])
    names = ["{0} (as {1})".format(item.name, item.user or "its owner") for item in lines]
    return [
        Obstacle(
            "cron_runs",
            "cron runs the project, and would write while its databases are moved: {0}".format(", ".join(names)),
            "set relocate_cron: carry to have the lines commented out on old and added on new at the cutover; or "
            "comment them out yourself; or set relocate_cron: leave when they only read",
        )
    ]


def _not_carried(refused: Sequence[str]) -> List[Obstacle]:
    if not refused:
        return []
    return [
        Obstacle(
            "cron_runs",
            "cron runs the project by what relocate_cron: carry cannot take along: {0}".format(", ".join(refused)),
            "comment it out, or turn it off, on old before the move, and see to it on new afterwards",
        )
    ]
