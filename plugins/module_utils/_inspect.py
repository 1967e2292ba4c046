# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking at a site without changing anything: facts for project_info, obstacles for preflight."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from functools import partial
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils import (
    _host,
    _logs,
    _media,
    _media_owners,
    _owner,
    _restored,
    _services,
    _unversioned,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.base import Engine, EngineContext
from ansible_collections.relocate.django.plugins.module_utils._engines.registry import ENGINES, open_engine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import scan
from ansible_collections.relocate.django.plugins.module_utils._model import (
    DatabaseConfig,
    DatabaseFacts,
    Obstacle,
    SystemUser,
    as_plain,
    facts_from_plain,
)
from ansible_collections.relocate.django.plugins.module_utils._process import (
    Command,
    acting_as,
    find_program,
    lookup_user,
    run,
)
from ansible_collections.relocate.django.plugins.module_utils._project import history, packages, untracked, vcs
from ansible_collections.relocate.django.plugins.module_utils._project.python_support import python_obstacle
from ansible_collections.relocate.django.plugins.module_utils._relocation import between
from ansible_collections.relocate.django.plugins.module_utils._same_server import place_here, place_of, same_database
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from ansible_collections.relocate.django.plugins.module_utils._site import (
    Site,
    collect,
    owner_facts,
    project_paths,
)

#: What the probe is asked for by default; "counts" and "checks" cost time and are asked for by name.
TOPICS = ("django", "migrations", "packages", "history")
_SLACK = 64 * 1024 * 1024  # bytes that must stay free whatever is written


def describe_site(site: Site, media_skip: Sequence[str] = ()) -> Dict[str, Any]:
    """Everything worth knowing about a site, JSON-serialisable and without secrets."""
    revision: Optional[Any]
    prefix = ""
    try:
        revision = as_plain(vcs.revision(site.project.path, site.project.owner))
        prefix = vcs.prefix(site.project.path, site.project.owner)
    except RelocateError as error:
        if error.code != "not_a_checkout":
            raise
        revision = None
    return {
        "host": _host.describe_host(),
        "project": dict(project_paths(site.project), prefix=prefix),
        "owner": owner_facts(site.project),
        "revision": revision,
        "databases": {
            alias: dict(
                engine.config.public(),
                facts=as_plain(engine.describe()),
                scanned=site.scanned.get(alias, {}),
                machine_id=_host.machine_id(),
            )
            for alias, engine in site.engines.items()
        },
        "media": _describe_media(site, media_skip),
        "unit_users": [],
        **site.facts,
    }


def _describe_media(site: Site, skip: Sequence[str]) -> Dict[str, Any]:
    root = str(site.facts.get("django", {}).get("media_root") or "")
    try:
        return _media.inventory(root, site.project.owner, skip) if os.path.isdir(root) else {}
    except RelocateError as error:  # an obstacle only for those who move it
        return {"error": as_plain(Obstacle(error.code, error.msg, error.hint))}


def media_obstacles(found: Mapping[str, Any]) -> List[Obstacle]:
    """What is in the way of copying MEDIA whole, by :func:`describe_site`."""
    if "error" in found:
        return [Obstacle(**found["error"])]
    error = _media.left_behind(found)
    return [Obstacle(error.code, error.msg, error.hint)] if error is not None else []


def obstacles_on_old(site: Site, params: Mapping[str, Any]) -> List[Obstacle]:
    """Every obstacle on the host that the site leaves."""
    found = obstacles_of_set(site, params)
    for alias, target in sorted(params["engines"].items()):
        found += _conversion_obstacles(site, alias, target, params["left_behind"], found)
    collect(found, lambda: _services.require(params["units"]))
    path, left = site.project.path, params["services_left"]
    found += collect(found, lambda: _services.unnamed(path, params["units"], left)) or []
    return found


def refuse_set(site: Site, params: Mapping[str, Any]) -> None:
    """Write no set of which a site could not be restored whole. Raises obstacles, or the code of the only one."""
    found = list({(item.code, item.alias, item.msg): item for item in obstacles_of_set(site, params)}.values())
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
        found[0].hint if len(found) == 1 else "remove them, then back up again",
        {"obstacles": as_plain(found)},
    )


def obstacles_of_set(site: Site, params: Mapping[str, Any]) -> List[Obstacle]:
    """What keeps a set from being written, or a site from being restored whole from it."""
    found: List[Obstacle] = []
    for alias, engine in site.engines.items():
        found += collect(found, partial(engine.preflight, "old"), alias) or []
    for answer in site.facts.values():
        if isinstance(answer, dict) and "error" in answer:
            found.append(Obstacle(**answer["error"]))
    found += _code_obstacles(site, params) + _migration_obstacles(site, params)
    collect(found, lambda: _refuse_older(site, params))
    found += _files_of_others(site)
    collect(found, lambda: _refuse_unnamed(site, params))
    found += collect(found, lambda: _untracked(site, params)) or []
    collect(found, lambda: _unversioned.expand(params["files"], site.project.path, site.project.owner))
    found += _files_outside(site, [*params["files"], *params["files_left"]])
    found += _programs(("git",) + (("zstd",) if params["compression"] == "zstd" else ()), params)
    needed = sum(_size(site, alias) for alias in site.engines)
    found += _space(params["directory"], needed, "the backup set")
    return found


def _files_outside(site: Site, named: Sequence[str]) -> List[Obstacle]:
    """Directories of models' files that neither MEDIA nor the user's list brings: only their rows would arrive."""
    try:
        spared = [os.path.realpath(path) for path in _unversioned.absolute(named, site.project.path)]
    except RelocateError:
        return []  # told of already
    django = site.facts.get("django", {})
    media = os.path.realpath(str(django["media_root"])) if django.get("media_root") else ""
    return [
        Obstacle(
            "files_outside",
            "{0} keeps files in {1}, which is not below MEDIA_ROOT".format(item["field"], item["path"]),
            "name it in relocate_files, or in relocate_files_left when you carry it yourself or it may stay behind",
        )
        for item in django.get("file_stores", ())
        if _holds_a_file(item["path"], media, site.project.owner)
        and not any((item["path"] + "/").startswith(path.rstrip("/") + "/") for path in spared)
    ]


def _holds_a_file(path: str, media: str, owner: Optional[SystemUser]) -> bool:
    """Whether a directory holds files besides those of MEDIA, when that lies within; as far as the owner may look."""
    with acting_as(owner):
        for directory, below, files in os.walk(path):
            below[:] = [name for name in below if os.path.join(directory, name) != media]
            if files:
                return True
    return False


def _conversion_obstacles(
    site: Site, alias: str, target: str, left_behind: Sequence[str], found: List[Obstacle]
) -> List[Obstacle]:
    """What keeps a database from getting another engine. Every row is read."""
    engine, names = site.engines.get(alias), sorted(kind.name for kind in ENGINES)
    if engine is None or target not in names:
        known = "aliases: {0}; engines: {1}".format(", ".join(sorted(site.engines)), ", ".join(names))
        return [Obstacle("bad_option", "relocate_engines: {0}: {1} is not known".format(alias, target), known)]
    if engine.name == target:
        return []
    looked = collect(found, lambda: scan.scan(site, engine, target, left_behind), alias)
    if not looked:
        return []
    site.scanned[alias] = {key: looked[key] for key in ("schema", "migrations")}
    return scan.obstacles(alias, looked, target)


def _size(site: Site, alias: str) -> int:
    try:
        return site.engines[alias].describe().size_bytes
    except RelocateError:
        return 0  # its preflight has said why


def _code_obstacles(site: Site, params: Mapping[str, Any]) -> List[Obstacle]:
    found: List[Obstacle] = []
    revision = collect(found, lambda: vcs.revision(site.project.path, site.project.owner))
    if revision is not None and revision.dirty and not params["allow_dirty"]:
        shown = ", ".join(revision.changes[:5]) + (", ..." if len(revision.changes) > 5 else "")
        found.append(
            Obstacle(
                "dirty_tree",
                "the checkout holds uncommitted changes: {0}".format(shown),
                "commit them, or set relocate_allow_dirty to carry them as a patch",
            )
        )
    return found


def _untracked(site: Site, params: Mapping[str, Any]) -> List[Obstacle]:
    """Files beside the code that git does not hold and the site may need, unless they travel or may stay."""
    django = site.facts.get("django", {})
    if "used_paths" not in django:
        return []
    databases = [engine.config.name for engine in site.engines.values() if engine.is_file]
    apart = [django.get("media_root"), django.get("static_root"), os.path.realpath(params["directory"])]
    apart += [item["path"] for item in django.get("file_stores", ())]
    apart += [name + end for name in databases for end in ("", "-wal", "-shm", "-journal")]
    accepted = [*params["files"], *params["files_left"]]
    try:
        left = untracked.find(site.project.path, site.project.owner, django["used_paths"], apart, accepted)
    except RelocateError as error:
        if error.code == "not_a_checkout":
            return []  # told of already
        raise
    if not left:
        return []
    names = ", ".join("{0} ({1})".format(item.path, item.what) for item in left[:10])
    lines = ", ".join(json.dumps(item.path) for item in left[:10])
    return [
        Obstacle(
            "files_untracked",
            "git does not hold what the site may need: {0}{1}".format(names, ", ..." if len(left) > 10 else ""),
            "carry it with relocate_files: [{0}], or name what may stay behind in relocate_files_left".format(lines),
        )
    ]


def _refuse_older(site: Site, params: Mapping[str, Any]) -> None:
    """Another revision than old's that lacks applied migrations, where this host's repository holds it.

    Raises unknown_migration. Once it is checked out on new, the code itself is asked.
    """
    # A backup names none: it takes the one that is checked out.
    path, owner, revision = site.project.path, site.project.owner, str(params.get("revision") or "")
    there = site.facts.get("history", {})
    names = vcs.files_at(path, owner, revision) if revision and "files" in there else None
    if names is None:
        return
    recorded = history.record(site.facts.get("migrations", {}), there)
    later = history.at_revision(there, os.path.realpath(vcs.toplevel(path, owner)), names)
    history.check(recorded, later, lambda: vcs.comes_after(path, owner, revision), list(site.engines))


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


def _refuse_unnamed(site: Site, params: Mapping[str, Any]) -> None:
    """Packages that a new environment would lack. Where only an installer knows, the checkout on new compares.

    Raises packages_unlisted.
    """
    project = site.project
    plain = packages.installed(project.interpreter, project.owner, project.environment(), project.path)
    there = packages.from_plain(plain)
    with acting_as(project.owner):
        roots = None if params["command"] else packages.named(project.path, params["requirements"], there)
    if roots is not None:
        found = packages.left_over(packages.unnamed(there, roots), params["pip_extra"], params["pip_left"])
        if found:
            raise packages.refusal(found, "the project")


def _migration_obstacles(site: Site, params: Mapping[str, Any]) -> List[Obstacle]:
    found = []
    migrations = site.facts.get("migrations", {})
    for alias, item in sorted(migrations.get("aliases", {}).items()):
        unapplied = item["unapplied"]
        # A database that has never been migrated is data: a move leaves it as it is.
        if unapplied and item["applied"] and alias in site.engines and not params["allow_unapplied"]:
            found.append(
                Obstacle(
                    "unapplied_migrations",
                    "{0} migrations are not applied: {1}".format(len(unapplied), ", ".join(unapplied[:5])),
                    "run migrate on old, or set relocate_allow_unapplied to have them applied on new",
                    alias,
                )
            )
    for app, names in sorted(migrations.get("conflicts", {}).items()):
        found.append(
            Obstacle(
                "migration_conflict",
                "conflicting migrations in {0}: {1}".format(app, ", ".join(names)),
                "merge them with makemigrations --merge",
            )
        )
    return found


def obstacles_on_new(params: Mapping[str, Any], old: Mapping[str, Any], secrets: SecretStore) -> List[Obstacle]:
    """Every obstacle on the host that the site goes to, given what preflight told of old."""
    found: List[Obstacle] = []
    same = old["host"]["machine_id"] == _host.machine_id()
    itself = same and not (params["allow_same_host"] and old["project"]["path"] != params["path"])
    if itself:
        found.append(
            Obstacle(
                "same_host",
                "refusing: this is the OLD host ({0})".format(old["host"]["name"]),
                "correct the inventory: old and new must be two machines",
            )
        )
    found += _programs(("git",) + (("zstd",) if params["compression"] == "zstd" else ()), params)
    owner, wanted = str(old["owner"]["name"]), str(params["owner"] or "")
    home = str(old["owner"].get("home") or "")
    exists = collect(found, lambda: _owner.check_owner(owner, wanted, home, params["allow_root"]))
    if exists is False and not params["installs"]:
        found.append(Obstacle("owner_missing", "there is no user {0}".format(owner), "make it"))
    user = lookup_user(owner) if exists else None
    found += collect(found, lambda: _python_obstacles(params, old, user)) or []
    found += _occupied(params, str(old["project"].get("prefix") or ""))
    found += collect(found, lambda: _paths_of_old(params, old)) or []
    if not itself and not _host.read_record(params["directory"], params["site"]).get("moved"):
        found += collect(found, lambda: _services.running(params["path"], params["services_left"])) or []
    if params["media"]:
        rights = old.get("media", {}).get("rights") or {}
        found += _media_owners.obstacles(rights, users_to_make(params, old), owner)
    found += _database_obstacles(params, old, secrets, user)
    sizes = [item["facts"]["size_bytes"] for item in old["databases"].values()]
    found += _space(params["directory"], sum(sizes), "the backup set")
    found += _space(params["path"], int(old.get("media", {}).get("bytes", 0)), "MEDIA and the project")
    if params["units"] and not os.path.isdir("/run/systemd/system"):
        found.append(Obstacle("program_missing", "systemd does not run here", "leave relocate_services empty"))
    return found


def _paths_of_old(params: Mapping[str, Any], old: Mapping[str, Any]) -> List[Obstacle]:
    """What is named by its place on old and will not be found on this host."""
    prefix = str(old["project"].get("prefix") or "")
    relocation = between(str(old["project"]["path"]), params["path"], prefix)
    _within, lacking = _logs.missing(old["django"], relocation, params["path"], prefix)
    found = _logs.obstacles(lacking, str(old["owner"]["name"]))
    for option in ("env_files", "interpreter"):
        value = params[option] or []
        for name in [value] if isinstance(value, str) else value:
            plain = name[1:] if name.startswith("-") else name
            if relocation.moves(os.path.normpath(plain)) and not os.path.lexists(plain):
                msg = "relocate_{0} names {1}, which lies in old's project: on this host it is to be {2}"
                hint = "name it relative to the project, or set relocate_{0} for each host".format(option)
                here = relocation.path(os.path.normpath(plain))
                found.append(Obstacle("bad_option", msg.format(option, plain, here), hint))
    return found


def users_to_make(params: Mapping[str, Any], old: Mapping[str, Any]) -> List[str]:
    """Whom this host lacks and a named unit runs as: here, or on old where files of MEDIA are his."""
    rights = old.get("media", {}).get("rights") or {}
    there = set(old.get("unit_users", ())) & set(rights.get("users", ()))
    here = set(_services.users(params["units"]))
    return [name for name in sorted(there | here) if _media_owners.NAME.match(name) and lookup_user(name) is None]


def _python_obstacles(params: Mapping[str, Any], old: Mapping[str, Any], owner: Optional[SystemUser]) -> List[Obstacle]:
    """Whether the Python runs the project's Django. It may be the owner's own program, so that root does not run it.

    :param owner: None when he is not there yet, and nothing on this host is his
    """
    python = find_program(params["python"])
    if python is None:
        if params["installs"]:
            return []
        return [Obstacle("interpreter_not_found", "{0} is not installed".format(params["python"]), "install it")]
    user = owner or (lookup_user("nobody") if os.geteuid() == 0 else None)
    code = "import platform; print(platform.python_version())"
    try:
        result = run(Command([python, "-c", code], user), timeout=30)
    except RelocateError:
        if owner is None:
            return []  # where nobody else may look; the checkout asks as the owner
        raise
    obstacle = python_obstacle("", str(old["django"]["version"]), result.out.strip())
    return [obstacle] if obstacle else []


def _occupied(params: Mapping[str, Any], prefix: str) -> List[Obstacle]:
    """Whatever is where the checkout goes. The project may be a directory of a larger repository."""
    found: List[Obstacle] = []
    path = collect(found, lambda: vcs.top_of(params["path"], prefix))
    if path is None:
        return found
    if os.path.isdir(path) and os.listdir(path) and not os.path.lexists(os.path.join(path, ".git")):
        return [Obstacle("checkout_occupied", "{0} holds something else".format(path), "move it away")]
    return []


def _database_obstacles(
    params: Mapping[str, Any], old: Mapping[str, Any], secrets: SecretStore, owner: Optional[SystemUser]
) -> List[Obstacle]:
    """Ask the new servers, with the settings of old: the ones of new are not there before the checkout.

    :param owner: None when he is not there yet: no file is the site's then, and none that old names is opened as root
    """
    found: List[Obstacle] = []
    context = EngineContext(
        secrets=secrets, admin=params["admin"], compression=params["compression"], definers=params["definers"]
    )
    for alias, item in sorted(old["databases"].items()):
        if params["engines"].get(alias, item["engine"]) != item["engine"]:
            continue  # only the settings of new tell where that is: in the database step, before the freeze
        config = DatabaseConfig(
            alias=alias,
            engine=item["engine"],
            backend=item["backend"],
            name=_here(item["name"], str(old["project"]["path"]), params["path"]),
            user=item["user"],
            host=context.admin.host or item["host"],
            port=context.admin.port or item["port"],
        )
        engine = open_engine(config, context)
        facts = facts_from_plain(item["facts"])
        some = collect(found, partial(engine.preflight, "new", facts), alias) or []
        if engine.is_file:
            engine = open_engine(config, replace(context, owner=owner))
        there = not engine.is_file or owner is not None
        if not context.admin.host and there and not _is_olds(engine, old, item, facts):
            some += collect(found, partial(_occupied_database, engine, params), alias) or []
        # What the packages role installs before the freeze is no obstacle.
        installable = ("program_missing", "library_missing") if params["installs"] else ()
        found += [Obstacle(entry.code, entry.msg, entry.hint, alias) for entry in some if entry.code not in installable]
        found[:] = [entry for entry in found if entry.code not in installable]
    return found


def _is_olds(engine: Engine, old: Mapping[str, Any], item: Mapping[str, Any], facts: DatabaseFacts) -> bool:
    """Whether the settings of old lead to old's own live database from here: new's settings will name another."""
    try:
        here = place_here(engine, _host.machine_id())
    except RelocateError:
        return False  # its preflight has said why
    return same_database(place_of(item, facts, str(old["host"]["machine_id"])), here)


def _here(name: str, old_path: str, new_path: str) -> str:
    """A SQLite file below the project, where it will be on new."""
    inside = old_path.rstrip("/") + "/"
    return os.path.join(new_path, name[len(inside) :]) if name.startswith(inside) else name


def _occupied_database(engine: Engine, params: Mapping[str, Any]) -> List[Obstacle]:
    """A live database on new that the restore would refuse to put aside, as far as the settings of old tell."""
    record = _host.read_record(params["directory"], params["site"])
    found: List[Obstacle] = []
    came_from = _restored.origin(engine, record, count=False)
    collect(found, lambda: _restored.aside_for(engine, engine.describe(), came_from, record, params["replace"]))
    return found


def _programs(names: Sequence[str], params: Mapping[str, Any]) -> List[Obstacle]:
    if params["installs"]:
        return []
    return [
        Obstacle("program_missing", "{0} is not installed".format(name), "install {0}".format(name))
        for name in names
        if find_program(name) is None
    ]


def _space(path: str, needed: int, what: str) -> List[Obstacle]:
    free = _host.free_bytes(path)
    if free >= needed + _SLACK:
        return []
    return [
        Obstacle(
            "disk_full",
            "{0} needs {1} MB at {2}, {3} MB are free".format(what, (needed + _SLACK) >> 20, path, free >> 20),
            "free space there, or name another directory",
        )
    ]
