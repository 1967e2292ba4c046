# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A project together with its databases on this host: what most modules work on."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._code.old import Code, code_at, descends
from ansible_collections.relocate.django.plugins.module_utils._engines.base import Engine, EngineContext, default_jobs
from ansible_collections.relocate.django.plugins.module_utils._engines.registry import engine_name, open_engine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, Login, Obstacle
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions, texts
from ansible_collections.relocate.django.plugins.module_utils._progress import PROGRESS
from ansible_collections.relocate.django.plugins.module_utils._project import history, probe
from ansible_collections.relocate.django.plugins.module_utils._project.ahead import AHEAD
from ansible_collections.relocate.django.plugins.module_utils._project.probe import Project, find_project
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore, secret_base
from ansible_collections.relocate.django.plugins.module_utils._stopwatch import Stopwatch


@dataclass(frozen=True)
class ProjectOptions(ModuleOptions):
    """Holds the option group ``project``: where the project is, and how its settings are read."""

    path: str  # the directory of manage.py
    interpreter: Optional[str]  # None: the environment that lies in the project
    settings: Optional[str]  # None: the module that manage.py names
    environment: Mapping[str, Any] = field(repr=False)  # variables for the settings, some of them secret
    env_files: Sequence[str]  # files of such variables
    owner: Optional[str]  # None: whom the directory belongs to
    allow_root: bool  # root may own the project

    def find(self) -> Project:
        """The project on this host. Raises what find_project raises."""
        return find_project(
            self.path,
            interpreter=self.interpreter,
            settings=self.settings,
            env=texts(self.environment),
            env_files=self.env_files,
            owner=self.owner,
            allow_root=self.allow_root,
        )


@dataclass(frozen=True)
class LoginOptions(ModuleOptions):
    """Holds the option group ``login``: how to reach the database server as its administrator."""

    login_user: Optional[str] = None
    login_password: Optional[str] = field(default=None, repr=False)
    login_host: Optional[str] = None
    login_port: Optional[int] = None
    login_unix_socket: Optional[str] = None
    login_database: Optional[str] = None

    def admin(self) -> Login:
        """The administrator as engines know one."""
        return Login(
            user=self.login_user or "",
            host=self.login_host or "",
            port=self.login_port,
            unix_socket=self.login_unix_socket or "",
            database=self.login_database or "",
            password=self.login_password or "",
        )


@dataclass(frozen=True)
class SiteOptions(ModuleOptions):
    """Holds what a site is opened with: project, administrator, databases, and how the engines shall work."""

    project: ProjectOptions
    login: LoginOptions
    directory: str  # ours, where secrets lie meanwhile
    aliases: Sequence[str] = ()  # the databases that take part; all without one
    jobs: Optional[int] = None  # at a time; None: by the processors of this host
    compression: str = "zstd"
    orphans: Sequence[str] = ()  # SQLite: tables whose rows may refer to rows that are missing
    sequences: str = "keep"  # "advance": those that are behind their columns
    definers: Mapping[str, str] = field(default_factory=dict)  # MySQL: a definer on old -> the one on new

    def only(self, alias: str) -> SiteOptions:
        """The same with one database."""
        return replace(self, aliases=(alias,))

    def context(self, secrets: SecretStore, found: Project, stopwatch: Stopwatch) -> EngineContext:
        """Return what the engines are given."""
        return EngineContext(
            secrets=secrets,
            owner=found.owner,
            admin=self.login.admin(),
            jobs=self.jobs or default_jobs(),
            progress=lambda line: PROGRESS.say(secrets.scrub(line)),
            compression=self.compression,
            stopwatch=stopwatch,
            orphans=tuple(self.orphans),
            advance_sequences=self.sequences == "advance",
            definers=dict(self.definers or {}),
            project=found.path,
        )


@dataclass
class Site:
    """A project, what its interpreter answered, and an engine for each database that is moved."""

    project: probe.Project
    secrets: SecretStore
    facts: Dict[str, Any]
    engines: Dict[str, Engine]
    stopwatch: Stopwatch
    notes: List[str]
    others: List[str] = field(default_factory=list)  # aliases of other databases, which take no part
    scanned: Dict[str, Any] = field(default_factory=dict)  # by alias: the models whose rows another engine would take
    code: Optional[Code] = None  # what holds its code; None: git


def code_of(site: Site) -> Code:
    """Return the code of a site."""
    return site.code or code_at("git", site.project.path, site.project.owner)


def in_memory(raw: Mapping[str, Any]) -> bool:
    """Tell whether an alias, as the probe tells it, is a SQLite database that dies with the process that made it."""
    known = raw["vendor"] == "sqlite" or raw["backend"].rsplit(".", 1)[-1] in ("sqlite3", "spatialite")
    return known and raw["name"] == ":memory:"


def _others(raw: Sequence[Mapping[str, Any]], chosen: Sequence[Mapping[str, Any]]) -> List[str]:
    """Return the aliases of databases that are none of the chosen ones; a replica on another host is one of its own."""
    taken = {item["alias"]: (item["host"], item["port"], item["name"]) for item in chosen}

    def is_taken(item: Mapping[str, Any]) -> bool:
        place = taken.get(item.get("same_as") or item["alias"])
        return bool(place) and (not item.get("test_mirror") or place == (item["host"], item["port"], item["name"]))

    return [item["alias"] for item in raw if not (is_taken(item) or in_memory(item))]


def config_of(raw: Mapping[str, Any]) -> DatabaseConfig:
    """One alias as the probe tells it. Raises unsupported_engine."""
    return probe.to_config(raw, engine_name(raw["backend"], raw["vendor"]))


@contextlib.contextmanager
def open_site(options: SiteOptions, topics: Sequence[str] = (), partial: bool = False) -> Iterator[Site]:
    """Read the settings in the project's interpreter and make the engines; secrets are gone when the block ends.

    :param topics: what else the probe shall tell, see ``venv_probe``
    :param partial: a topic that fails is told in its place instead of raising
    """
    project, stopwatch = options.project.find(), Stopwatch()
    with SecretStore(secret_base(options.directory), project.owner) as secrets:
        asked = ["databases"] + list(topics)
        with stopwatch.step("settings"):
            if partial:
                facts = probe.ask(project, asked, secrets=True, aliases=options.aliases, partial=True)
            else:
                facts = AHEAD.ask(project, asked, options.aliases)
        raw = facts.pop("databases")
        if "error" in raw:
            raise RelocateError(**raw["error"])
        secrets.remember(*[item.get("password") for item in raw])
        context = options.context(secrets, project, stopwatch)
        chosen = probe.select_aliases(raw, options.aliases)
        context.notes.extend(
            "database {0} is in memory: there is nothing to move, and nothing of it is proven".format(item["alias"])
            for item in chosen
            if in_memory(item)
        )
        engines = {item["alias"]: open_engine(config_of(item), context) for item in chosen if not in_memory(item)}
        yield Site(project, secrets, facts, engines, stopwatch, context.notes, _others(raw, chosen))


def ask_before(params: Mapping[str, Any], topics: Sequence[str]) -> Dict[str, Any]:
    """Ask a project what its code and settings say, for a step that opens it in a later call of the run.

    :param params: of that step's module
    :returns: the answers, for ``AHEAD.use``; they hold the passwords of databases
    """
    options = SiteOptions.of(params)
    AHEAD.ask(options.project.find(), ["databases", *topics], options.aliases)
    return AHEAD.kept()


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


def gather(obstacles: List[Obstacle], check: Callable[[], Iterable[Obstacle]], alias: str = "") -> None:
    """Run a check that lists obstacles and add them to the list; a refusal becomes one of them."""
    obstacles.extend(collect(obstacles, check, alias) or ())


def check_code(site: Site, code: Mapping[str, Any]) -> List[str]:
    """Refuse code that is older than the databases of a set; returns notes. Needs the topic ``history``.

    :param code: the set's words on the code of old
    Raises unknown_migration.
    """

    def newer() -> bool:
        kind = str(code.get("vcs") or "git")
        return descends(kind, site.project.path, site.project.owner, str(code["commit"]))

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
