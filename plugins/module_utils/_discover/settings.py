# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds out how a project's settings are imported as its server imports them: which module, with which environment.

Settings often import with less than the server gives them, and then mean another database. So the first environment
with which they import is only taken when it holds every variable that they ask for and that a unit of the site sets.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import UNITS, Guess, Starter, WebSite
from ansible_collections.relocate.django.plugins.module_utils._discover.shell import unwrapped
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import answers, env_units
from ansible_collections.relocate.django.plugins.module_utils._project.env_sources import read_env_files
from ansible_collections.relocate.django.plugins.module_utils._project.project import (
    Project,
    find_owner,
    find_project,
    named_settings,
    settings_in,
)
from ansible_collections.relocate.django.plugins.module_utils._project.venv_opened import EVERYWHERE

_VARIABLE = "DJANGO_SETTINGS_MODULE"
_OWN = ".env"
#: Endings of files whose variables are read, by the kind of starter.
_KNOWN: Mapping[str, Tuple[str, ...]] = {"supervisor": (".conf", ".ini"), "uwsgi": (".ini",)}
_OF_USERS = "/systemd/user/"
_TRIES = 4  # each starts Python
_TIMEOUT = 30.0  # seconds of a try
_DOTTED = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\Z")
_APPLICATION = re.compile(r"^([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?::[A-Za-z_][\w.]*(?:\(.*\))?)?\Z")
#: Errors that no other environment would heal.
_FINAL = ("project_not_found", "owner_missing", "runs_as_root", "interpreter_not_found", "interpreter_unusable")


@dataclass(frozen=True)
class Environment:
    """Files that give the settings their variables, as ``relocate_env_files`` names them."""

    env_files: Tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Imported:
    """Says how the settings were imported, or why they were not."""

    project: Optional[Project] = None
    environment: Optional[Environment] = None
    answers: Mapping[str, Any] = field(default_factory=dict, repr=False)  # of the probe, by topic
    settings: Optional[Guess] = None  # for relocate_settings, where it has to be set
    lacking: Tuple[str, ...] = ()  # variables that the settings ask for and a starter sets, but this environment lacks
    error: str = ""  # the last line of what was raised, without secrets


# --- what there is to try


def environments(path: str, starters: Sequence[Starter]) -> List[Environment]:
    """Return the environments that a project may need, the least first.

    :param path: of the project
    :param starters: those that belong to it
    """
    files = _unique(starters, lambda item: item.env_files)
    units = _unique(starters, lambda item: _definitions(item) if item.environment else ())
    # A unit file names its own files of variables.
    whole = units + _unique(starters, lambda item: () if item.environment else item.env_files) if units else files
    found = [Environment((), "nothing")]
    if files:
        found.append(Environment(files, "EnvironmentFile of " + _names(starters, "env_files")))
    if units:
        found.append(Environment(whole, "environment of " + _names(starters, "environment")))
    own = os.path.join(path, _OWN)
    if os.path.isfile(own) and own not in files:
        found.append(Environment((_OWN, *whole), "a file beside manage.py"))
    return found


def _without_others(starter: Starter, owner: str) -> Starter:
    """Return a starter without the files that somebody else than root and the project's owner can write.

    Their variables become those of a Python that runs as the owner. Where root wrote the unit, a script of its user's
    may still have led it to another one's project.
    """
    files = ConfigFiles()
    safe = ("", owner)
    return replace(
        starter,
        files=tuple(name for name in starter.files if files.writer(name) in safe),
        env_files=tuple(
            name
            for name in starter.env_files
            if all(files.writer(path) in safe for path in files.expand(name.lstrip("-")))
        ),
    )


def _unique(starters: Sequence[Starter], names: Callable[[Starter], Iterable[str]]) -> Tuple[str, ...]:
    return tuple(dict.fromkeys(name for item in starters for name in names(item)))


def _definitions(starter: Starter) -> Iterator[str]:
    """The files of a starter that our reader of variables knows: by their links, since those stay when it is moved.

    A user's unit may run any file as a script, one of root's units too: only what he could have written defines his.
    """
    seen: Set[str] = set()
    files = ConfigFiles()
    for name in starter.files:
        known = env_units.unit_of(name) if starter.kind in UNITS else name.endswith(_KNOWN.get(starter.kind, ()))
        real = os.path.realpath(name)
        his = not starter.by or files.writer(name) == starter.by or _OF_USERS in name
        if known and his and real not in seen:
            seen.add(real)
            yield name


def _names(starters: Sequence[Starter], attribute: str) -> str:
    return ", ".join(dict.fromkeys(item.name for item in starters if getattr(item, attribute)))


# --- which settings module


def module(path: str, starters: Sequence[Starter], webs: Sequence[WebSite], owner: SystemUser) -> Optional[Guess]:
    """Return the settings module that the site's server runs with; None when only manage.py can tell.

    It is what its environment says, then its command, then the wsgi.py or asgi.py that it loads.
    """
    for starter in sorted(starters, key=_serves, reverse=True):
        found = _of_environment(path, starter, owner) or _of_commands(path, starter, owner)
        if found is not None:
            return found
    for script in (script for web in webs for script in web.scripts):
        name = _named_in(script, owner)
        if name:
            return Guess(name, "{0}, which Apache runs".format(script))
    return None


def _named_in(file: str, owner: SystemUser) -> str:
    try:
        return settings_in(file, owner)
    except RelocateError:  # a link of somebody else's
        return ""


def _serves(starter: Starter) -> Tuple[bool, bool]:
    """Servers first: a worker or a job may run with settings of its own."""
    serves = any(
        re.search(r"gunicorn|uwsgi|daphne|uvicorn|hypercorn|waitress|granian", " ".join(words))
        for words in starter.commands
    )
    return serves, starter.runs


def _of_environment(path: str, starter: Starter, owner: SystemUser) -> Optional[Guess]:
    # What a file says wins, as it does for systemd.
    for names in ([name] for name in reversed(starter.env_files)):
        value = _variables(path, names, owner).get(_VARIABLE, "")
        if _DOTTED.match(value):
            return Guess(value, "{0} of {1}".format(names[0].lstrip("-"), starter.name))
    value = starter.environment.get(_VARIABLE, "")
    return Guess(value, "Environment of {0}".format(starter.name)) if _DOTTED.match(value) else None


def _of_commands(path: str, starter: Starter, owner: SystemUser) -> Optional[Guess]:
    why = "command of {0}".format(starter.name)
    for command in starter.commands:
        script = unwrapped(command, starter.directory, starter.environment)
        given = script.environment.get(_VARIABLE, "")
        for words in script.commands:
            value = _option(words) or given
            if _DOTTED.match(value):
                return Guess(value, why)
            for file in _applications(path, script.directory, words):
                name = _named_in(file, owner)
                if name:
                    return Guess(name, "{0}, which {1} runs".format(os.path.relpath(file, path), starter.name))
    return None


def _option(words: Sequence[str]) -> str:
    """The settings module that a command names: ``--settings X``, ``-e DJANGO_SETTINGS_MODULE=X``, ``env ...``."""
    for at, word in enumerate(words):
        name, equals, value = word.rpartition(_VARIABLE + "=")
        if equals and name in ("", "--env=", "-e"):
            return value
        if word == "--settings":
            return words[at + 1] if at + 1 < len(words) else ""
        if word.startswith(("--settings=", "--ds=")):
            return word.partition("=")[2]
    return ""


def _applications(path: str, directory: str, words: Sequence[str]) -> Iterator[str]:
    """The files of applications that a command loads: of ``shop.wsgi``, ``shop.asgi:application``, ``shop/wsgi.py``."""
    places = [value for at, word in enumerate(words) for value in _place(words, at, word)]
    for word in words[1:]:
        match = _APPLICATION.match(word)
        file = word if word.endswith(".py") else match.group(1).replace(".", "/") + ".py" if match else ""
        if os.path.basename(file) in ("manage.py", ""):
            continue
        for place in [*places, directory, path]:
            full = os.path.normpath(os.path.join(path, place, file))
            if os.path.isfile(full):
                yield full
                break


def _place(words: Sequence[str], at: int, word: str) -> List[str]:
    """The directory that an option of a server names: ``--chdir X``, ``--pythonpath=X``."""
    name, equals, value = word.partition("=")
    if name not in ("--chdir", "--pythonpath", "--app-dir", "--python-path"):
        return []
    return [value] if equals else list(words[at + 1 : at + 2])


# --- trying


def read(
    path: str,
    starters: Sequence[Starter],
    webs: Sequence[WebSite] = (),
    topics: Sequence[str] = (),
    interpreter: Optional[str] = None,
    owner: Optional[str] = None,
    allow_root: bool = False,
) -> Imported:
    """Import a project's settings in its interpreter, as its owner, with the least environment that is enough.

    :param path: of the project
    :param starters: those that belong to it
    :param webs: the same of web servers
    :param topics: what else the probe shall tell; a topic that fails is told in its place
    :param interpreter: its Python, or its virtual environment; by default one that lies in it
    :param owner: the system user who runs it; by default manage.py's
    """
    try:
        user = find_owner(os.path.join(path, "manage.py"), owner, allow_root)
    except (RelocateError, OSError) as exc:
        return Imported(error=_last_line(exc))
    if any(item.by not in ("", user.name) for item in starters):
        return Imported(error="{0} has changed its owner meanwhile".format(path))
    wanted = module(path, starters, webs, user)
    starters = [_without_others(item, user.name) for item in starters]
    run = _Run(path, user, wanted, tuple(dict.fromkeys(["opened", *topics])), interpreter, allow_root)
    run.given = {name for item in starters for name in item.environment}
    run.given.update(name for item in starters for name in _variables(path, item.env_files, user))
    return run.choose(environments(path, starters))


@dataclass
class _Run:
    """Tries to import the settings of one project."""

    path: str
    owner: SystemUser
    wanted: Optional[Guess]
    topics: Tuple[str, ...]
    interpreter: Optional[str]
    allow_root: bool
    given: Set[str] = field(default_factory=set)  # variables that starters set
    hopeless: bool = False  # no environment would change the error

    def choose(self, tries: Sequence[Environment]) -> Imported:
        """Return the first of some environments that is enough, else the one that lacks least."""
        offered = [set(_variables(self.path, item.env_files, self.owner)) for item in tries]
        best, number = Imported(), 0
        while number < min(len(tries), _TRIES) and not self.hopeless:
            found = self.attempt(tries[number])
            if _is_better(found, best):
                best = found
            if found.project is not None and not found.lacking:
                break
            number = _next(number, offered, set(found.lacking))
        return best

    def attempt(self, environment: Environment) -> Imported:
        """Start Python once with an environment."""
        try:
            project = find_project(
                self.path,
                interpreter=self.interpreter,
                settings=self.wanted.value if self.wanted else None,
                env_files=environment.env_files,
                owner=self.owner.name,
                allow_root=self.allow_root,
            )
            told = answers.ask(project, self.topics, timeout=_TIMEOUT, partial=True)
        except RelocateError as exc:
            self.hopeless = exc.code in _FINAL
            return Imported(environment=environment, error=_last_line(exc))
        lacking = _lacking(told["opened"], self._others(told["opened"]) - set(project.env))
        return Imported(project, environment, told, self._to_set(project), tuple(sorted(lacking)))

    def _others(self, opened: Mapping[str, Any]) -> Set[str]:
        """The variables that might be given: those of a file that the project reads by itself are not needed twice."""
        own: Set[str] = set()
        if os.path.join(self.path, _OWN) not in opened.get("files", ()):
            own = set(_variables(self.path, ["-" + _OWN], self.owner))
        return {name for name in self.given | own if not EVERYWHERE.match(name)}

    def _to_set(self, project: Project) -> Optional[Guess]:
        """Return the settings module that the inventory must name: what environment and manage.py do not say."""
        if self.wanted is None or project.env.get(_VARIABLE) == self.wanted.value:
            return None
        try:
            own = "" if _VARIABLE in project.env else named_settings(project.manage_path, project.owner)
        except RelocateError:  # settings_unknown: the files disagree
            own = ""
        return None if own == self.wanted.value else self.wanted


def _is_better(found: Imported, best: Imported) -> bool:
    if found.project is None:
        return best.project is None
    return best.project is None or len(found.lacking) < len(best.lacking)


def _next(number: int, offered: Sequence[Set[str]], lacking: Set[str]) -> int:
    """Return the next environment to try: after a success, one that gives a variable which was lacking."""
    number += 1
    while lacking and number < len(offered) and not offered[number] & lacking:
        number += 1
    return number


def _last_line(exc: Exception) -> str:
    text = exc.msg if isinstance(exc, RelocateError) else str(exc)
    return (text.strip().splitlines() or [""])[-1].strip("| ")


def _lacking(opened: Mapping[str, Any], others: Set[str]) -> Set[str]:
    """The variables that were asked for and not found, out of those that somebody sets.

    Where the environment is read as a whole, any of them may be needed.
    """
    if "error" in opened:
        return set()
    missed = {name for name, is_set in opened["variables"].items() if not is_set}
    return others if opened["whole"] else others & missed


def _variables(path: str, names: Sequence[str], owner: SystemUser) -> Dict[str, str]:
    """The variables of files; none where one of them cannot be read: the try says why."""
    try:
        return read_env_files(path, names, owner)
    except RelocateError:
        return {}
