# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Obstacles on the host that the site goes to; nothing is changed."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Collection, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._code import new as new_code
from ansible_collections.relocate.django.plugins.module_utils._engines.base import Engine, EngineContext
from ansible_collections.relocate.django.plugins.module_utils._engines.registry import open_engine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import facts as host_facts
from ansible_collections.relocate.django.plugins.module_utils._host import owner as host_owner
from ansible_collections.relocate.django.plugins.module_utils._media import owners
from ansible_collections.relocate.django.plugins.module_utils._model import (
    DatabaseConfig,
    DatabaseFacts,
    Obstacle,
    SystemUser,
    facts_from_plain,
)
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions, texts
from ansible_collections.relocate.django.plugins.module_utils._process import Command, find_program, run
from ansible_collections.relocate.django.plugins.module_utils._project import interpreters, vcs
from ansible_collections.relocate.django.plugins.module_utils._project.python_support import Django, python_obstacle
from ansible_collections.relocate.django.plugins.module_utils._record.record import read_record
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore, secret_base
from ansible_collections.relocate.django.plugins.module_utils._services import checks
from ansible_collections.relocate.django.plugins.module_utils._set import placement
from ansible_collections.relocate.django.plugins.module_utils._set.relocation import STAYS, Relocation, between
from ansible_collections.relocate.django.plugins.module_utils._site import (
    LoginOptions,
    ProjectOptions,
    collect,
    gather,
)
from ansible_collections.relocate.django.plugins.module_utils._steps import logs, old_info, origin
from ansible_collections.relocate.django.plugins.module_utils._steps.needs import missing_programs, missing_space
from ansible_collections.relocate.django.plugins.module_utils._steps.same_server import (
    place_here,
    place_of,
    same_database,
)
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds the options of a look at new."""

    project: ProjectOptions  # as it is to be here
    login: LoginOptions
    directory: str  # ours
    site: str
    compression: str  # of the set: zstd, none
    definers: Mapping[str, str]  # MySQL: a definer on old -> the one here
    units: Sequence[str]  # the site's units
    services_kept_running: Sequence[str]  # units that may run meanwhile
    python: str  # the program that makes the environment, or the version of one that uv or pyenv brings
    python_from: str  # system, uv, pyenv
    revision: Optional[str]  # the one that new gets; None: the one that old runs
    remote: Optional[str]  # where it is fetched from; None: from where old got it; "none": from nowhere
    installs: bool  # programs that are missing are installed before they are needed
    engines: Mapping[str, str]  # by alias: the engine that new has instead
    media: bool  # MEDIA is moved
    files: Sequence[str]  # those that git does not hold and that travel
    overridden: bool  # variables of env files get other values here: the settings may name other databases
    replace: bool  # a live database that must be kept may be put aside
    allow_same_host: bool  # the machine may be old's


def obstacles_on_new(
    options: Options, old: Mapping[str, Any], secrets: SecretStore, brought: Collection[str] = ()
) -> List[Obstacle]:
    """Every obstacle on the host that the site goes to.

    :param old: what preflight told of old, or what a set tells (``described_set``): which may be of this host
    :param brought: databases whose server is not here yet and will be installed
    """
    found: List[Obstacle] = []
    itself = _is_old(options, old)
    if itself:
        msg = "refusing: this is the OLD host ({0})".format(old["host"]["name"])
        found.append(Obstacle("same_host", msg, "correct the inventory: old and new must be two machines"))
    found += missing_programs(options.compression, options.installs, _vcs(old))
    user = _owner_here(options, old, found)
    gather(found, partial(_python_obstacles, options, old, user))
    found += _occupied(options.project.path, _prefix(old), _vcs(old))
    if _vcs(old) == "git":  # of others the checkout asks, before the freeze too
        collect(found, partial(_refuse_unreachable, options, old, user))
    gather(found, partial(_paths_of_old, options, old))
    collect(found, partial(_refuse_unnamed, options, old))
    if not itself and not _serves_here(options, old):
        gather(found, partial(checks.running, options.project.path, options.services_kept_running))
    if options.media:
        rights = old.get("media", {}).get("rights") or {}
        found += owners.obstacles(rights, users_to_make(options.units, old), str(old["owner"]["name"]))
    found += _database_obstacles(options, old, secrets, user, brought)
    found += _space(options, old)
    if options.units and not os.path.isdir("/run/systemd/system"):
        found.append(Obstacle("program_missing", "systemd does not run here", "leave relocate_services empty"))
    return list(dict.fromkeys(found))  # two checks may meet the same one


def _prefix(old: Mapping[str, Any]) -> str:
    """Return where in its repository the project lies."""
    return str(old["project"].get("prefix") or "")


def _vcs(old: Mapping[str, Any]) -> str:
    """Return what holds the code on old. Raises answer_refused for what nobody knows."""
    found = str((old.get("revision") or {}).get("vcs") or "git")
    if found not in new_code.MARKS:
        raise RelocateError(
            "answer_refused", "old reports a version control that nobody knows", "upgrade relocate.django"
        )
    return found


def _is_old(options: Options, old: Mapping[str, Any]) -> bool:
    """Tell whether this is the old host, and the user did not allow another directory of it. A set is no host."""
    same = not old.get("set") and old["host"]["machine_id"] == host_facts.machine_id()
    return same and not (options.allow_same_host and old["project"]["path"] != options.project.path)


def _serves_here(options: Options, old: Mapping[str, Any]) -> bool:
    """Tell whether the site was moved here, so that its units run by right. Before a restore none may."""
    return not old.get("set") and bool(read_record(options.directory, options.site).moved)


def _owner_here(options: Options, old: Mapping[str, Any], found: List[Obstacle]) -> Optional[SystemUser]:
    """The project's owner on this host; None when he is not there yet, or may not be the owner."""
    owner, home = str(old["owner"]["name"]), str(old["owner"].get("home") or "")
    wanted = str(options.project.owner or "")
    exists = collect(found, lambda: host_owner.check_owner(owner, wanted, home, options.project.allow_root))
    if exists is False and not options.installs:
        found.append(Obstacle("owner_missing", "there is no user {0}".format(owner), host_owner.how_to_make(owner)))
    return lookup_user(owner) if exists else None


def _space(options: Options, old: Mapping[str, Any]) -> List[Obstacle]:
    sizes = [item["facts"]["size_bytes"] for item in old["databases"].values()]
    media = int(old.get("media", {}).get("bytes", 0))
    if old.get("set") and (not options.media or read_record(options.directory, options.site).media_restored):
        media = 0  # it stays behind, or lies there
    needed = int(old["set"]["brings"]) if old.get("set") else sum(sizes)
    return (missing_space(options.directory, needed, "the backup set") if needed else []) + missing_space(
        options.project.path, media, "MEDIA and the project", "relocate_path"
    )


def _paths_of_old(options: Options, old: Mapping[str, Any]) -> List[Obstacle]:
    """Return what is named by its place on old and will not be found on this host."""
    project, prefix = options.project, _prefix(old)
    relocation = between(str(old["project"]["path"]), project.path, prefix)
    _within, lacking = logs.missing(old["django"], relocation, project.path, prefix)
    if project.settings and project.settings != old["project"].get("settings"):
        lacking = []  # other settings may log elsewhere: the files module makes what it can
    recorded = relocation.directories(old_info.log_directories(old))
    found = logs.obstacles(lacking, str(old["owner"]["name"]), recorded, users_to_make(options.units, old))
    for name in project.env_files:
        found += _left_on_old("relocate_env_files", name, relocation)
    if project.interpreter:
        found += _left_on_old("relocate_interpreter", project.interpreter, relocation)
    return found


def _refuse_unnamed(options: Options, old: Mapping[str, Any]) -> None:
    """Raise path_refused for a file of the set that the user does not name, so that it would not be placed."""
    if not old.get("set"):
        return
    project = options.project.path
    relocation = between(str(old["project"]["path"]), project, _prefix(old))
    placement.check_named([relocation.path(path) for path in old["set"]["files"]], options.files, project, STAYS)


def may_name_others(options: Options, old: Mapping[str, Any]) -> bool:
    """Tell whether the settings of this host may name other databases than a set does."""
    other = options.project.settings and options.project.settings != old["project"].get("settings")
    return bool(options.overridden or other or options.project.environment)


def _left_on_old(variable: str, named: str, relocation: Relocation) -> List[Obstacle]:
    """Judge one path that a variable names: one of old's project that is not there on this host."""
    plain = named[1:] if named.startswith("-") else named
    there = os.path.normpath(plain)
    if not relocation.moves(there) or os.path.lexists(plain):
        return []
    msg = "{0} names {1}, which lies in old's project: on this host it is to be {2}"
    hint = "write it relative to the project, or set {0} for each host".format(variable)
    return [Obstacle("bad_option", msg.format(variable, plain, relocation.path(there)), hint)]


def users_to_make(units: Sequence[str], old: Mapping[str, Any]) -> List[str]:
    """Whom this host lacks and a named unit runs as: here, or on old where files of MEDIA or logs are his."""
    rights = (old.get("media") or {}).get("rights") or {}
    his = {*rights.get("users", ()), *(item.owner for item in old_info.log_directories(old))}
    there = set(old.get("unit_users") or ()) & his
    here = set(checks.users(units))
    return [name for name in sorted(there | here) if owners.NAME.match(name) and lookup_user(name) is None]


def _python_obstacles(options: Options, old: Mapping[str, Any], owner: Optional[SystemUser]) -> List[Obstacle]:
    """Check that the Python runs the project's Django. Root never runs it: it may be the owner's own program.

    :param owner: None when he is not there yet, and nothing on this host is his
    """
    django = Django(str(old["django"]["version"]), str(old["django"].get("requires_python") or ""))
    if options.python_from != interpreters.SYSTEM:
        return _brought_python(options, django)
    python = find_program(options.python)
    if python is None:
        if options.installs:
            return []
        return [Obstacle("interpreter_not_found", "{0} is not installed".format(options.python), "install it")]
    user = owner or (lookup_user("nobody") if os.geteuid() == 0 else None)
    code = "import platform; print(platform.python_version())"
    try:
        result = run(Command([python, "-c", code], user), timeout=30)
    except RelocateError:
        if owner is None:
            return []  # where nobody else may look; the checkout asks as the owner
        raise
    obstacle = python_obstacle("", result.out.strip(), django)
    return [obstacle] if obstacle else []


def _brought_python(options: Options, django: Django) -> List[Obstacle]:
    """Check a Python that uv or pyenv brings: whether it can be had, and runs the project's Django."""
    found = interpreters.obstacles(
        interpreters.Wanted(options.python, options.python_from, texts(options.project.environment))
    )
    newest = options.python + (".99" if options.python.count(".") == 1 else "")  # of a series, the last one is brought
    obstacle = python_obstacle("", newest, django) and python_obstacle("", options.python, django)
    return found + ([obstacle] if obstacle else [])


def _occupied(project: str, prefix: str, kind: str) -> List[Obstacle]:
    """Whatever is where the checkout goes. The project may be a directory of a larger repository."""
    found: List[Obstacle] = []
    path = collect(found, partial(vcs.top_of, project, prefix))
    if path is None:
        return found
    if os.path.isdir(path) and os.listdir(path) and not os.path.lexists(os.path.join(path, new_code.MARKS[kind])):
        return [Obstacle("checkout_occupied", "{0} holds something else".format(path), "move it away")]
    return []


def _refuse_unreachable(options: Options, old: Mapping[str, Any], owner: Optional[SystemUser]) -> None:
    """A revision that new could get from nowhere. A set brings old's own along, whatever the remote says.

    :param owner: None when he is not there yet; without him or git the checkout asks, before the freeze too
    Raises revision_not_found, revision_refused.
    """
    named, revision = options.remote or "", options.revision or ""
    if named not in ("", "none"):
        vcs.check_remote(named)
    brought = not revision or old.get("revision_brought") is not False
    if brought or owner is None or find_program("git") is None:
        return
    if vcs.holds(vcs.top_of(options.project.path, _prefix(old)), owner, revision):
        return
    reach = _reach(options, old, revision, owner)
    if reach.status != "found":
        raise _unreachable(revision, reach)


def _unreachable(revision: str, reach: vcs.Reach) -> RelocateError:
    return RelocateError(
        "revision_not_found",
        "relocate_revision {0} is not in old's checkout or before it, and new cannot fetch it: {1}".format(
            revision, reach.reason
        ),
        "{0}; or leave relocate_revision empty to move what old runs".format(
            reach.hint or "name a remote that holds it as relocate_remote"
        ),
    )


def _reach(options: Options, old: Mapping[str, Any], revision: str, owner: SystemUser) -> vcs.Reach:
    """Ask the named remote, or old's, for a revision."""
    olds = str((old.get("revision") or {}).get("remote") or "")
    remote = "" if options.remote == "none" else options.remote or olds
    if not remote:
        return vcs.Reach("absent", "no remote is named")
    with SecretStore(secret_base(options.directory), owner) as secrets:
        return vcs.reachable(remote, revision, owner, texts(options.project.environment), secrets)


def _database_obstacles(
    options: Options,
    old: Mapping[str, Any],
    secrets: SecretStore,
    owner: Optional[SystemUser],
    brought: Collection[str],
) -> List[Obstacle]:
    """Ask the new servers, with the settings of old: the ones of new are not there before the checkout.

    :param owner: None when he is not there yet: no file is the site's then, and none that old names is opened as root
    :param brought: those whose server is not here yet
    """
    if old.get("set") and may_name_others(options, old):
        return []
    context = EngineContext(
        secrets=secrets,
        admin=options.login.admin(),
        compression=options.compression,
        definers=dict(options.definers),
    )
    keeping = sorted(set(_keeping(options, old)) - set(brought))
    found = [entry for alias in keeping for entry in _obstacles_of(alias, options, old, context, owner)]
    # What the packages role installs before the freeze is no obstacle.
    installable = ("program_missing", "library_missing") if options.installs else ()
    return [entry for entry in found if entry.code not in installable]


def _keeping(options: Options, old: Mapping[str, Any]) -> List[str]:
    """Return the databases that keep their engine.

    Where one of another engine is only the settings of new tell: in the database step, before the freeze.
    """
    items = old["databases"].items()
    return [alias for alias, item in items if options.engines.get(alias, item["engine"]) == item["engine"]]


def _obstacles_of(
    alias: str, options: Options, old: Mapping[str, Any], context: EngineContext, owner: Optional[SystemUser]
) -> List[Obstacle]:
    """Ask the new server of one database."""
    found: List[Obstacle] = []
    item = old["databases"][alias]
    engine, facts = open_engine(_config_here(alias, options, old), context), facts_from_plain(item["facts"])
    gather(found, partial(engine.preflight, "new", facts), alias)
    if engine.is_file:
        engine = open_engine(engine.config, replace(context, owner=owner))
    there = not engine.is_file or owner is not None
    # What a restore would replace, it judges itself, with the settings of this host.
    if not (old.get("set") or context.admin.host) and there and not _is_olds(engine, old, item, facts):
        gather(found, partial(_occupied_database, engine, options), alias)
    return [Obstacle(entry.code, entry.msg, entry.hint, alias) for entry in found]


def _config_here(alias: str, options: Options, old: Mapping[str, Any]) -> DatabaseConfig:
    """How old's settings lead to a database from this host."""
    item, admin = old["databases"][alias], options.login.admin()
    return DatabaseConfig(
        alias=alias,
        engine=item["engine"],
        backend=item["backend"],
        name=_here(item["name"], str(old["project"]["path"]), options.project.path),
        user=item["user"],
        host=admin.host or item["host"],
        port=admin.port or item["port"],
    )


def _is_olds(engine: Engine, old: Mapping[str, Any], item: Mapping[str, Any], facts: DatabaseFacts) -> bool:
    """Tell whether the settings of old lead to old's own live database from here: new's settings will name another."""
    try:
        here = place_here(engine, host_facts.machine_id())
    except RelocateError:
        return False  # its preflight has said why
    return same_database(place_of(item, facts, str(old["host"]["machine_id"])), here)


def _here(name: str, old_path: str, new_path: str) -> str:
    """A SQLite file below the project, where it will be on new."""
    inside = old_path.rstrip("/") + "/"
    return os.path.join(new_path, name[len(inside) :]) if name.startswith(inside) else name


def _occupied_database(engine: Engine, options: Options) -> List[Obstacle]:
    """A live database on new that the restore would refuse to put aside, as far as the settings of old tell."""
    record = read_record(options.directory, options.site)
    found: List[Obstacle] = []
    came_from = origin.origin(engine, record, count=False)
    collect(found, lambda: origin.displaced_name(engine, engine.describe(), came_from, record, options.replace))
    return found
