# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A project together with its databases on this host: what most modules work on."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._engines.base import Engine, EngineContext, default_jobs
from ansible_collections.relocate.django.plugins.module_utils._engines.registry import engine_name, open_engine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, Login, Obstacle
from ansible_collections.relocate.django.plugins.module_utils._project import history, probe, vcs
from ansible_collections.relocate.django.plugins.module_utils._project.probe import Project, find_project
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore, secret_base
from ansible_collections.relocate.django.plugins.module_utils._stopwatch import Stopwatch


@dataclass
class Site:
    """A project, what its interpreter answered, and an engine for each database that is moved."""

    project: probe.Project
    secrets: SecretStore
    facts: Dict[str, Any]
    engines: Dict[str, Engine]
    stopwatch: Stopwatch
    notes: List[str]
    scanned: Dict[str, Any] = field(default_factory=dict)  # by alias: the models whose rows another engine would take


def in_memory(raw: Mapping[str, Any]) -> bool:
    """Tell whether an alias, as the probe tells it, is a SQLite database that dies with the process that made it."""
    known = raw["vendor"] == "sqlite" or raw["backend"].rsplit(".", 1)[-1] in ("sqlite3", "spatialite")
    return known and raw["name"] == ":memory:"


def config_of(raw: Mapping[str, Any]) -> DatabaseConfig:
    """One alias as the probe tells it. Raises unsupported_engine."""
    return probe.to_config(raw, engine_name(raw["backend"], raw["vendor"]))


@contextlib.contextmanager
def open_site(params: Mapping[str, Any], topics: Sequence[str] = (), partial: bool = False) -> Iterator[Site]:
    """Read the settings in the project's interpreter and make the engines; secrets are gone when the block ends.

    :param params: the module's parameters (groups project, login, aliases, work)
    :param topics: what else the probe shall tell, see ``venv_probe``
    :param partial: a topic that fails is told in its place instead of raising
    """
    project, stopwatch = project_of(params), Stopwatch()
    with SecretStore(secret_base(params["directory"]), project.owner) as secrets:
        asked = ["databases"] + list(topics)
        with stopwatch.step("settings"):
            facts = probe.ask(project, asked, secrets=True, aliases=params["aliases"], partial=partial)
        raw = facts.pop("databases")
        if "error" in raw:
            raise RelocateError(**raw["error"])
        secrets.remember(*[item.get("password") for item in raw])
        context = engine_context(params, secrets, project, stopwatch)
        chosen = probe.select_aliases(raw, params["aliases"])
        context.notes.extend(
            "database {0} is in memory: there is nothing to move, and nothing of it is proven".format(item["alias"])
            for item in chosen
            if in_memory(item)
        )
        engines = {item["alias"]: open_engine(config_of(item), context) for item in chosen if not in_memory(item)}
        yield Site(project, secrets, facts, engines, stopwatch, context.notes)


def never_migrated(site: Site, alias: str) -> bool:
    """Tell whether no migration was ever applied to a database: what it holds is not for Django to change.

    Needs the topic ``migrations``.
    """
    return not site.facts["migrations"]["aliases"].get(alias, {}).get("applied")


def engine_of(site: Site, alias: str) -> Engine:
    """The engine of the one database that a module works on. Raises unsupported_engine for one in memory."""
    if alias not in site.engines:
        raise RelocateError(
            "unsupported_engine",
            "database {0} is in memory: it is gone with the process that made it".format(alias),
            "leave it out of relocate_aliases, or give it a file as NAME",
        )
    return site.engines[alias]


def collect(obstacles: List[Obstacle], check: Callable[[], Any], alias: str = "") -> Optional[Any]:
    """Run a check; a refusal becomes an obstacle in the list instead of ending the run."""
    try:
        return check()
    except RelocateError as error:
        obstacles.append(Obstacle(error.code, error.msg, error.hint, alias))
        return None


def check_code(site: Site, code: Mapping[str, Any]) -> List[str]:
    """Refuse code that is older than the databases of a set; returns notes. Needs the topic ``history``.

    :param code: the set's words on the code of old
    Raises unknown_migration.
    """

    def newer() -> bool:
        return vcs.descends(site.project.path, site.project.owner, str(code["commit"]))

    return history.check(code.get("migrations") or {}, site.facts["history"], newer, list(site.engines))


def owner_facts(site_project: probe.Project) -> Dict[str, Any]:
    """Return who owns the project, as the new host needs it to make the same user."""
    owner = site_project.owner
    try:
        home_mode = "{0:04o}".format(os.stat(owner.home).st_mode & 0o7777)
    except OSError:
        home_mode = ""
    return {"name": owner.name, "home": owner.home, "home_mode": home_mode, "uid": owner.uid}


def project_paths(site_project: probe.Project) -> Dict[str, str]:
    """Return where project and interpreter are; the interpreter relative to the project when it lies within."""
    interpreter = site_project.interpreter
    if interpreter.startswith(site_project.path.rstrip("/") + "/"):
        interpreter = os.path.relpath(interpreter, site_project.path)
    return {"path": site_project.path, "interpreter": interpreter, "settings": site_project.settings}


def project_of(params: Mapping[str, Any]) -> Project:
    """The project that the options of :func:`project` name. Raises what find_project raises."""
    return find_project(
        params["path"],
        interpreter=params["interpreter"],
        settings=params["settings"],
        env={str(key): str(value) for key, value in params["environment"].items()},
        env_files=params["env_files"],
        owner=params["owner"],
        allow_root=params["allow_root"],
    )


def login_of(params: Mapping[str, Any]) -> Login:
    """The administrator that the options of :func:`login` name."""
    return Login(
        user=params["login_user"] or "",
        host=params["login_host"] or "",
        port=params["login_port"],
        unix_socket=params["login_unix_socket"] or "",
        password=params["login_password"] or "",
    )


def engine_context(
    params: Mapping[str, Any], secrets: SecretStore, found: Project, stopwatch: Stopwatch
) -> EngineContext:
    """Return what the engines are given, out of the option groups login, aliases and project."""
    return EngineContext(
        secrets=secrets,
        owner=found.owner,
        admin=login_of(params) if "login_user" in params else Login(),
        jobs=params["jobs"] or default_jobs(),
        compression=params["compression"],
        stopwatch=stopwatch,
        orphans=tuple(params.get("orphans") or ()),
        advance_sequences=params.get("sequences") == "advance",
        definers=dict(params.get("definers") or {}),
        project=found.path,
    )
