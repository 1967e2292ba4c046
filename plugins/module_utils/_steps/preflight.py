# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Obstacles on the host that the site leaves, and to writing a backup set; nothing is changed."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import partial
from typing import Any, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._code.old import Code
from ansible_collections.relocate.django.plugins.module_utils._engines.registry import ENGINES
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import scan
from ansible_collections.relocate.django.plugins.module_utils._media import inventory
from ansible_collections.relocate.django.plugins.module_utils._model import (
    Obstacle,
    SystemUser,
    as_plain,
)
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._project import history, packages, untracked
from ansible_collections.relocate.django.plugins.module_utils._services import checks
from ansible_collections.relocate.django.plugins.module_utils._set import unversioned
from ansible_collections.relocate.django.plugins.module_utils._site import (
    Site,
    code_of,
    collect,
    gather,
    never_migrated,
)
from ansible_collections.relocate.django.plugins.module_utils._steps import belongings
from ansible_collections.relocate.django.plugins.module_utils._steps.needs import missing_programs, missing_space
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as, lookup_user


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds the options of a look at old; a backup, which looks before it writes, has only some of them."""

    directory: str  # ours
    compression: str  # of the set: zstd, none
    files: Sequence[str]  # files besides git's that are carried
    files_ignored: Sequence[str]  # files that may stay behind, or that the user carries
    allow_dirty: bool  # uncommitted changes are carried as a patch
    allow_unapplied: bool  # migrations that old has not applied are applied on new
    requirements: Sequence[str]  # files of the project that name its packages
    command: Sequence[str]  # installs them instead
    pip_extra: Sequence[str]  # packages that are installed besides
    pip_ignored: Sequence[str]  # packages that new need not have
    installs: bool = False  # programs that are missing are installed before they are needed
    revision: Optional[str] = None  # the one that new gets; None: the one that old runs
    units: Sequence[str] = ()  # the site's units, by which it is stopped
    services_kept_running: Sequence[str] = ()  # units that may run meanwhile
    engines: Mapping[str, str] = field(default_factory=dict)  # by alias: the engine that new has instead
    excluded_models: Sequence[str] = ()  # models whose rows a conversion leaves out
    replicate: bool = False  # changes are followed from a first copy on
    vcs: str = "git"  # what holds the code: git, hg, svn, none


def media_obstacles(found: Mapping[str, Any]) -> List[Obstacle]:
    """Return what is in the way of copying MEDIA whole, by :func:`describe_site`."""
    if "error" in found:
        return [Obstacle(**found["error"])]
    error = inventory.unmovable(found)
    return [Obstacle(error.code, error.msg, error.hint)] if error is not None else []


def obstacles_on_old(site: Site, options: Options) -> List[Obstacle]:
    """Every obstacle on the host that the site leaves."""
    found = obstacles_of_set(site, options)
    for alias, target in sorted(options.engines.items()):
        found += _conversion_obstacles(site, alias, target, options.excluded_models, found)
    if options.replicate:
        found += _replication_obstacles(site)
    collect(found, partial(checks.require, options.units))
    gather(found, partial(checks.unnamed, site.project.path, options.units, options.services_kept_running))
    return found


def _replication_obstacles(site: Site) -> List[Obstacle]:
    """Return what stands in the way of replication; engines that know none beside one that does need none."""
    found: List[Obstacle] = []
    able = {alias: engine for alias, engine in site.engines.items() if engine.replicates}
    for alias, engine in (able or site.engines).items():
        gather(found, engine.check_replication, alias)
    return found


def refuse_set(site: Site, options: Options) -> None:
    """Write no set of which a site could not be restored whole. Raises obstacles, or the code of the only one."""
    found = list({(item.code, item.alias, item.msg): item for item in obstacles_of_set(site, options)}.values())
    if not found:
        return
    lines = ["database {0}: {1}".format(item.alias, item.msg) if item.alias else item.msg for item in found]
    if len(found) > 1:
        lines = [
            "{0}. [{1}] {2}. Next: {3}".format(number, item.code, line, item.hint)
            for number, (item, line) in enumerate(zip(found, lines), 1)
        ]
    raise RelocateError(
        found[0].code if len(found) == 1 else "obstacles",
        "no backup written: " + "; ".join(lines),
        found[0].hint if len(found) == 1 else "fix them, then back up again",
        {"obstacles": as_plain(found)},
    )


def obstacles_of_set(site: Site, options: Options) -> List[Obstacle]:
    """Return what keeps a set from being written, or a site from being restored whole from it."""
    found: List[Obstacle] = []
    for alias, engine in site.engines.items():
        gather(found, partial(engine.preflight, "old"), alias)
    for answer in site.facts.values():
        if isinstance(answer, dict) and "error" in answer:
            found.append(Obstacle(**answer["error"]))
    found += _code_obstacles(site, options) + _migration_obstacles(site, options)
    collect(found, partial(_refuse_older, site, options))
    found += _files_of_others(site)
    collect(found, partial(_refuse_unnamed, site, options))
    gather(found, partial(_untracked, site, options))
    collect(found, partial(unversioned.expand, options.files, site.project.path, site.project.owner))
    found += _files_outside(site, [*options.files, *options.files_ignored])
    found += missing_programs(options.compression, options.installs, options.vcs)
    needed = sum(_size(site, alias) for alias in site.engines)
    found += missing_space(options.directory, needed, "the backup set")
    return found


def _files_outside(site: Site, named: Sequence[str]) -> List[Obstacle]:
    """Directories of models' files that neither MEDIA nor the user's list brings: only their rows would arrive."""
    try:
        spared = [os.path.realpath(path) for path in unversioned.absolute(named, site.project.path)]
    except RelocateError:
        return []  # told of already
    django = site.facts.get("django", {})
    media = os.path.realpath(str(django["media_root"])) if django.get("media_root") else ""
    return [
        Obstacle(
            "files_outside",
            "{0} keeps files in {1}, which is not below MEDIA_ROOT".format(item["field"], item["path"]),
            "name it in relocate_files, or in relocate_files_ignored when you carry it yourself or it may stay behind",
        )
        for item in django.get("file_stores", ())
        if _holds_a_file(item["path"], media, site.project.owner)
        and not any((item["path"] + "/").startswith(path.rstrip("/") + "/") for path in spared)
    ]


def _holds_a_file(path: str, media: str, owner: Optional[SystemUser]) -> bool:
    """Tell whether a directory holds files besides those of MEDIA, when that lies within.

    What the owner cannot look into may hold some, and so may what a link leads to.
    """
    unseen: List[OSError] = []
    with acting_as(owner):
        for directory, below, files in os.walk(path, onerror=unseen.append):
            below[:] = [name for name in below if os.path.join(directory, name) != media]
            if files or any(_leads_out(os.path.join(directory, name), media) for name in below):
                return True
    return any(not isinstance(error, FileNotFoundError) for error in unseen)


def _leads_out(directory: str, media: str) -> bool:
    """Tell whether a directory is a link to another place than MEDIA."""
    return os.path.islink(directory) and not (os.path.realpath(directory) + "/").startswith((media or "//") + "/")


def _conversion_obstacles(
    site: Site, alias: str, target: str, excluded_models: Sequence[str], found: List[Obstacle]
) -> List[Obstacle]:
    """Return what keeps a database from getting another engine. Every row is read."""
    engine, names = site.engines.get(alias), sorted(kind.name for kind in ENGINES)
    if engine is None or target not in names:
        known = "aliases: {0}; engines: {1}".format(", ".join(sorted(site.engines)), ", ".join(names))
        return [Obstacle("bad_option", "relocate_engines: {0}: {1} is not known".format(alias, target), known)]
    if engine.name == target:
        return []
    if "error" not in site.facts["migrations"] and never_migrated(site, alias):
        return [
            Obstacle(
                "unapplied_migrations",
                "it has never been migrated, so the models can make no fixture of it, and its engine stays",
                "take the alias out of relocate_engines, or, when its tables are the models', fake their migrations "
                "on old: manage.py migrate --fake --database {0}".format(alias),
                alias,
            )
        ]
    looked = collect(found, lambda: scan.scan(site, engine, target, excluded_models), alias)
    if not looked:
        return []
    site.scanned[alias] = {key: looked[key] for key in ("schema", "migrations")}
    return scan.obstacles(alias, looked, target)


def _size(site: Site, alias: str) -> int:
    try:
        return site.engines[alias].describe().size_bytes
    except RelocateError:
        return 0  # its preflight has said why


def _code_obstacles(site: Site, options: Options) -> List[Obstacle]:
    found: List[Obstacle] = []
    code = code_of(site)
    revision = collect(found, code.revision)
    if revision is not None:
        collect(found, code.check_whole)
    if revision is not None and revision.dirty and not options.allow_dirty:
        shown = ", ".join(revision.changes[:5]) + (", ..." if len(revision.changes) > 5 else "")
        found.append(
            Obstacle(
                "dirty_tree",
                "the checkout holds uncommitted changes: {0}".format(shown),
                "commit them, or set relocate_allow_dirty: true to carry them as a patch",
            )
        )
    return found


def _held(code: Code) -> Optional[untracked.Held]:
    """Return what lies beside code that git does not hold."""
    beside = code.beside()
    return None if beside is None else untracked.Held(code.top(), beside)


def _untracked(site: Site, options: Options) -> List[Obstacle]:
    """Files beside the code that git does not hold and the site may need, unless they travel or may stay."""
    django = site.facts.get("django", {})
    if "used_paths" not in django:
        return []
    accepted = [*options.files, *options.files_ignored]
    databases = [engine.config.name for engine in site.engines.values() if engine.is_file]
    apart = belongings.carried_otherwise(django, databases, options.directory)
    code = code_of(site)
    try:
        missed = untracked.find(
            site.project.path, site.project.owner, django["used_paths"], apart, accepted, _held(code)
        )
    except RelocateError as error:
        if error.code == "not_a_checkout":
            return []  # told of already
        raise
    if not missed:
        return []
    names = ", ".join("{0} ({1})".format(item.path, item.what) for item in missed[:10])
    lines = ", ".join(json.dumps(item.path) for item in missed[:10])
    return [
        Obstacle(
            "files_untracked",
            "{0} does not track files that the site may need: {1}{2}".format(
                code.name, names, ", ..." if len(missed) > 10 else ""
            ),
            "set relocate_files: [{0}] to carry them, or list in relocate_files_ignored what may stay behind".format(
                lines
            ),
        )
    ]


def _refuse_older(site: Site, options: Options) -> None:
    """Another revision than old's that lacks applied migrations, where this host's repository holds it.

    Raises unknown_migration. Once it is checked out on new, the code itself is asked.
    """
    # A backup names none: it takes the one that is checked out.
    revision = str(options.revision or "")
    there = site.facts.get("history", {})
    code = code_of(site)
    names = code.files_at(revision) if revision and "files" in there else None
    if names is None:
        return
    recorded = history.record(site.facts.get("migrations", {}), there)
    later = history.at_revision(there, os.path.realpath(code.top()), names)
    history.check(recorded, later, lambda: code.comes_after(revision), list(site.engines))


def _files_of_others(site: Site) -> List[Obstacle]:
    """SQLite files that another user than the project's owner writes: on new they would be the owner's."""
    found, owner = [], site.project.owner
    for alias, engine in sorted(site.engines.items()):
        name = engine.config.name
        status = os.stat(name) if engine.is_file and os.path.isfile(name) else None
        if status is None or status.st_uid in (owner.uid, 0):
            continue
        user = lookup_user(status.st_uid)
        who = user.name if user is not None else "uid {0}".format(status.st_uid)
        msg = "the database {0} is {1}'s: on new it would be {2}'s, and what runs as {1} could not write it"
        hint = "set relocate_owner: {0}, or chown it on old to {1} and run the site as that user"
        found.append(Obstacle("right_missing", msg.format(name, who, owner.name), hint.format(who, owner.name), alias))
    return found


def _refuse_unnamed(site: Site, options: Options) -> None:
    """Packages that a new environment would lack. Where only an installer knows, the checkout on new compares.

    Raises packages_unlisted.
    """
    project = site.project
    plain = packages.installed(project.interpreter, project.owner, project.environment(), project.path)
    there = packages.from_plain(plain)
    with acting_as(project.owner):
        roots = None if options.command else packages.named(project.path, options.requirements, there)
    if roots is not None:
        found = packages.unaccounted(packages.unnamed(there, roots), options.pip_extra, options.pip_ignored)
        if found:
            raise packages.refusal(found, "the project")


def _migration_obstacles(site: Site, options: Options) -> List[Obstacle]:
    found = []
    migrations = site.facts.get("migrations", {})
    for alias, item in sorted(migrations.get("aliases", {}).items()):
        unapplied = item["unapplied"]
        # A database that has never been migrated is data: a move leaves it as it is.
        if unapplied and not never_migrated(site, alias) and alias in site.engines and not options.allow_unapplied:
            found.append(
                Obstacle(
                    "unapplied_migrations",
                    "{0} migrations are not applied: {1}".format(len(unapplied), ", ".join(unapplied[:5])),
                    "run manage.py migrate on old, or set relocate_allow_unapplied: true to apply them on new",
                    alias,
                )
            )
    for app, names in sorted(migrations.get("conflicts", {}).items()):
        found.append(
            Obstacle(
                "migration_conflict",
                "conflicting migrations in {0}: {1}".format(app, ", ".join(names)),
                "merge them with manage.py makemigrations --merge",
            )
        )
    return found
