# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The dress rehearsal on new, while old serves: whatever would fail at the cutover, and can be tried before the freeze.

One error lists all that does not work. Nothing of the site is started.
"""

from __future__ import annotations

import contextlib
import glob
import grp
import os
from dataclasses import dataclass
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._discover import units as unit_reader
from ansible_collections.relocate.django.plugins.module_utils._discover import user_units
from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._discover.texts import is_number
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle, SystemUser, as_plain
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._project import held, probe
from ansible_collections.relocate.django.plugins.module_utils._record.record import read_record
from ansible_collections.relocate.django.plugins.module_utils._services import config_test
from ansible_collections.relocate.django.plugins.module_utils._services.names import (
    by_hand,
    by_user,
    qualified,
    split,
    unit_name,
)
from ansible_collections.relocate.django.plugins.module_utils._services.systemd import Systemd
from ansible_collections.relocate.django.plugins.module_utils._services.unit import Unit
from ansible_collections.relocate.django.plugins.module_utils._site import ProjectOptions, collect, gather
from ansible_collections.relocate.django.plugins.module_utils._steps import (
    carry,
    rehearse_certificates,
    rehearse_kept,
    rehearse_needs,
    rehearse_requests,
    repository,
)
from ansible_collections.relocate.django.plugins.module_utils._steps.verify import checks
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as, lookup_user

_NEEDS_ROWS = ("query_failed", "database_missing")
_PASSING = ("/run", "/var/run")  # empty until something has started
_TOPICS = ("django", "checks", "serving")


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds the options of a rehearsal."""

    project: ProjectOptions
    units: Sequence[str]  # the site's units, which the cutover starts
    reload: Sequence[str]  # units that the cutover only reloads
    created: Sequence[str]  # files that this run has brought, and that were not there before
    certificates: rehearse_certificates.Options
    pages: rehearse_requests.Options  # what is asked of the application
    needs: rehearse_needs.Options
    directory: str  # ours
    site: str
    carried: Sequence[Any]  # databases of Redis on old whose keys will be restored here
    kept: repository.Options  # where the set is that is to be proven


def rehearse(options: Options, systemd: Optional[Systemd] = None) -> Dict[str, Any]:
    """Try what can be tried. Raises the code of what does not work, or rehearsal_failed when there are several.

    Returns ``units``, how many were tried; ``tests``, the units whose configuration was tested; ``certificates``, how
    many were looked at; ``checked``, whether Django's checks could be run; ``warnings_of_check``; ``set``, with whose
    data requests were made, and ``requests``, what each got; ``notes``.
    """
    found: List[Obstacle] = []
    # First of all: what a server refuses is taken away again, and names no certificate any more.
    looked = rehearse_certificates.look(options.certificates)
    found += looked.obstacles
    gather(found, lambda: rehearse_needs.look(options.needs))
    tried, tested = 0, []
    if options.units or options.reload:
        manager = systemd or Systemd()
        gather(found, lambda: _read_again(manager, _names(options.units)))
        tried = _try_units(options, manager, found)
        tested = _test_configurations(options, found)
    outside = len(found)
    warnings = collect(found, lambda: _check_project(options.project, options.pages.where, found))
    asked = rehearse_requests.Outcome()
    # What does not import fails on each page; whether a set can be restored is another question.
    if options.pages.proves or len(found) == outside:
        asked = collect(found, lambda: _ask(options, found)) or asked
    gather(found, lambda: _check_neighbours(options))
    if found:
        raise _refusal(found, options.pages)
    return {
        "units": tried,
        "tests": tested,
        "certificates": looked.certificates,
        "checked": warnings is not None,
        "warnings_of_check": warnings or [],
        "set": asked.label,
        "requests": asked.shown(),
        "migrations": asked.migrations,
        "measured": asked.measured,
        "seconds": asked.seconds,
        "notes": [*looked.notes, *asked.notes, *held.told()],
    }


def _ask(options: Options, found: List[Obstacle]) -> rehearse_requests.Outcome:
    if options.pages.proves:
        return rehearse_kept.prove(options.pages, options.kept, found)
    return rehearse_requests.ask(options.pages, found)


def _try_units(options: Options, systemd: Systemd, found: List[Obstacle]) -> int:
    """Look at the units that the cutover starts, and at what these start; returns how many."""
    named = _names(options.units)
    reload = [name for name in _names(options.reload) if not split(name)[0]]  # what is needed says it of the others
    states = systemd.states([*named, *reload])
    found += unknown_units("relocate_services", [states[name] for name in named])
    found += unknown_units("relocate_reload", [states[name] for name in reload])
    mine = _starters(systemd, [states[name] for name in named])
    for item in mine:
        found += unit_problems(item)
    found += [_refused_by_systemd(line) for line in _verified(mine)]
    return len(mine)


def _verified(starters: Sequence[Starter]) -> Iterator[str]:
    """What systemd says of unit files: the system's of its own, that of a user, with his rights, of his."""
    for user in dict.fromkeys(item.manager for item in starters):
        paths = [path for item in starters if item.manager == user for path in _unit_files(item)]
        yield from config_test.verified(paths, user=user)


def _read_again(systemd: Systemd, names: Sequence[str]) -> List[Obstacle]:
    """Let systemd see the unit files that a move brought; a user's own is started for it, and nothing of the site is.

    Raises unit_failed, unit_unknown.
    """
    early = [unit for user, units in by_user(names).items() if user for unit in _would_start(systemd, user, units)]
    if not early:
        systemd.read_again(names)
    return [
        Obstacle(
            "unit_incomplete",
            "{0} is enabled on new already, and would start before its data is there".format(", ".join(early)),
            "{0}; take links of .config/systemd/user out of relocate_files: the cutover makes them".format(
                by_hand("disable", early)
            ),
        )
    ] * bool(early)


def _would_start(systemd: Systemd, user: str, units: Sequence[str]) -> List[str]:
    """Return those of a user's units that start when his systemd does; it runs already, or it would be none of ours."""
    if systemd.manager(user).group():
        return []
    return [qualified(user, item.name) for item in _of_user(user) if item.at_boot and item.name in units]


def _of_user(name: str) -> List[Starter]:
    user = lookup_user(name)
    return user_units.of_user(user, user_units.Place().shared, True, ConfigFiles()) if user is not None else []


def _names(units: Sequence[str]) -> List[str]:
    return list(dict.fromkeys(unit_name(name) for name in units))


def _starters(systemd: Systemd, units: Sequence[Unit]) -> List[Starter]:
    """Read those of these units that are there, by their own names, and what they start."""
    found: List[Starter] = []
    for user, real in by_user(unit.real or unit.name for unit in units if unit.load == "loaded").items():
        known = {item.name: item for item in (_of_user(user) if user else unit_reader.read(systemd, more=real))}
        found += [known[name] for name in _started(real, known)]
    return found


def _unit_files(item: Starter) -> List[str]:
    """The unit's own file among all of its files, or that of its template; the last is what a link leads to.

    What a package brought is as it is everywhere.
    """
    if item.packaged:
        return []
    base, _at, rest = item.name.partition("@")
    names = {item.name, "{0}@.{1}".format(base, rest.rpartition(".")[2])}
    return [path for path in item.files if os.path.basename(path) in names][-1:]


def _started(units: Sequence[str], known: Mapping[str, Starter]) -> List[str]:
    """Return the units that a start of these starts, as far as they are there."""
    names = dict.fromkeys(units)
    for name in units:
        if name in known:
            names.update(dict.fromkeys(known[name].starts))
    return [name for name in names if name in known]


def unknown_units(variable: str, units: Iterable[Unit]) -> List[Obstacle]:
    """One obstacle for each unit that systemd does not load."""
    hint = "carry its file by relocate_files, install its package by relocate_packages, or take it out of {0}"
    return [
        Obstacle(
            "unit_unknown",
            "{0} names {1}, which new does not have ({2})".format(variable, unit.name, unit.load or "unknown"),
            hint.format(variable),
        )
        for unit in units
        if unit.load != "loaded"
    ]


def unit_problems(item: Starter) -> List[Obstacle]:
    """Return what would keep systemd from starting a unit: users, directories, env files and programs that lack."""
    user, root = _user_of(item), os.geteuid() == 0
    with acting_as(user if root and item.manager else None):  # a user's own systemd has no other rights than he
        problems = [*_missing_people(item), *_missing_files(item)]
    if item.user and user is None:  # nobody's rights can be asked for
        return problems + [_no_program(item, program) for program in item.must if not os.path.exists(program)]
    with acting_as(user if root else None):
        problems += _missing_programs(item)
    return problems


def _user_of(item: Starter) -> Optional[SystemUser]:
    if not item.user or item.dynamic or "\0" in item.user:
        return None
    return lookup_user(int(item.user) if is_number(item.user) else item.user)


def _missing_people(item: Starter) -> Iterator[Obstacle]:
    """Users and groups; systemd makes those of DynamicUser itself."""
    hint = "make it on new, or name the package that makes it in relocate_packages"
    if item.user and not item.dynamic and not is_number(item.user) and _user_of(item) is None:
        yield Obstacle("unit_incomplete", "{0} runs as {1}, who is no user of new".format(item.name, item.user), hint)
    if item.group and not item.dynamic and not is_number(item.group) and not _is_group(item.group):
        text = "{0} runs in the group {1}, which new does not have".format(item.name, item.group)
        yield Obstacle("unit_incomplete", text, hint)


def _is_group(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except (KeyError, ValueError):
        return False
    return True


def _missing_files(item: Starter) -> Iterator[Obstacle]:
    """What systemd itself looks for, with its own rights. What it makes is not there yet, nor what others write."""
    made = item.made + _PASSING
    if item.directory.startswith("/") and not _is_below(item.directory, made) and not os.path.isdir(item.directory):
        text = "{0} runs in {1}, which is not there".format(item.name, item.directory)
        yield Obstacle("unit_incomplete", text, "carry it by relocate_files, or correct the unit")
    for name in item.env_files:
        if name.startswith("/") and not _is_below(name, _PASSING) and not _is_there(name):
            text = "{0} reads {1}, which is not there".format(item.name, name)
            yield Obstacle("unit_incomplete", text, "carry it by relocate_files")


def _is_below(path: str, tops: Sequence[str]) -> bool:
    return any(path == top or path.startswith(top.rstrip("/") + "/") for top in tops)


def _missing_programs(item: Starter) -> Iterator[Obstacle]:
    """Called with the rights of the unit's user."""
    for program in item.must:
        if "\0" in program or not os.access(program, os.X_OK, effective_ids=True):
            yield _no_program(item, program)


def _no_program(item: Starter, program: str) -> Obstacle:
    text = "{0} runs {1}, which {2} cannot execute here".format(item.name, program, item.user or "root")
    hint = "install it: by relocate_packages, or by relocate_pip_extra when it is a program of the environment"
    return Obstacle("unit_incomplete", text, hint)


def _is_there(pattern: str) -> bool:
    """Tell whether an EnvironmentFile is there, which may be a pattern."""
    return bool(glob.glob(pattern)) if glob.has_magic(pattern) else os.path.lexists(pattern)


def _refused_by_systemd(line: str) -> Obstacle:
    return Obstacle("unit_incomplete", "systemd says of a unit: {0}".format(line), "correct the unit's file on old")


def _test_configurations(options: Options, found: List[Obstacle]) -> List[str]:
    names = [unit_name(name) for name in (*options.reload, *options.units)]
    tested = [name for name in dict.fromkeys(names) if name in config_test.TESTS]
    for name in tested:
        why = config_test.refused(name)
        if why:
            found.append(_config_refused(name, why, _take_away(name, options.created)))
    return tested


def _take_away(unit: str, created: Sequence[str]) -> List[str]:
    """Remove what this run has brought of a server's configuration: its next reload would fail, for every site.

    Returns the paths. The next run brings them again.
    """
    top = config_test.DIRECTORIES[unit] + "/"
    gone = []
    for path in created:
        if os.path.normpath(path).startswith(top):
            with contextlib.suppress(OSError, RelocateError), openat.parent(path, None) as (place, name):
                os.unlink(name, dir_fd=place.handle)
                gone.append(path)
    return gone


def _config_refused(unit: str, why: str, gone: Sequence[str]) -> Obstacle:
    text = "{0} refuses its configuration on new: {1}".format(unit, why)
    if gone:
        text += "; {0} was removed again, so that {1} can still be reloaded".format(", ".join(gone), unit)
    hint = "correct its files on old, carry what they name by relocate_files, or correct what new has already"
    return Obstacle("config_refused", text, hint)


def _check_project(options: ProjectOptions, where: str, found: List[Obstacle]) -> Optional[List[str]]:
    """Import all that a server would, and run Django's own checks; returns the warnings of these.

    None where they ask the databases, which are blank: verify runs them again.
    """
    project = options.find()
    answer = probe.ask(project, _TOPICS, partial=True)
    errors_of = {topic: answer[topic]["error"] for topic in _TOPICS if _is_error(answer[topic])}
    failures = [] if _is_error(answer["serving"]) else answer["serving"]
    told = _is_told(errors_of.get("checks", {}), failures)
    found += [Obstacle(**error) for topic, error in errors_of.items() if not (topic == "checks" and told)]
    found += [_failure(item, where) for item in failures]
    if errors_of:
        return None
    errors: List[str] = []
    warned = checks(answer["checks"], errors)
    hint = "run manage.py check in {0} {1} to see all of it".format(project.path, where)
    found += [Obstacle("check_failed", "Django's check {0}: {1}".format(where, text), hint) for text in errors]
    return warned


def _check_neighbours(options: Options) -> List[Obstacle]:
    """Ask the servers that will be given the keys of old."""
    if not options.carried:
        return []
    record = read_record(options.directory, options.site)
    return carry.obstacles_on_new(options.project.find(), options.carried, record)


def _is_error(answer: Any) -> bool:
    return isinstance(answer, dict) and "error" in answer


def _is_told(error: Mapping[str, str], failures: Sequence[Mapping[str, str]]) -> bool:
    """Tell whether what keeps Django's checks from running needs no words: rows, or what fails at a request too."""
    if error.get("code") in _NEEDS_ROWS:
        return True
    return any(item["msg"] and item["msg"] in error.get("msg", "") for item in failures)


def _failure(item: Mapping[str, str], where: str) -> Obstacle:
    """What fails at a request, in the words of the exception."""
    text = "{0} fails {1}: {2}: {3}".format(item["where"], where, item["kind"], item["msg"])
    hints = {
        "ModuleNotFoundError": "add its package to relocate_pip_extra, or to the project's requirements",
        "FileNotFoundError": "make it by a command in relocate_build, or carry it by relocate_files",
    }
    hint = hints.get(item["kind"], "fix it on old, where it may work for a reason that new lacks")
    return Obstacle("request_fails", text, hint)


def _refusal(found: Sequence[Obstacle], pages: rehearse_requests.Options) -> RelocateError:
    """The one error for all that does not work."""
    unique = list(dict.fromkeys(found))
    if len(unique) == 1:
        return RelocateError(unique[0].code, unique[0].msg, unique[0].hint)
    lines = ["{0}. [{1}] {2}\n   Next: {3}".format(number, item.code, item.msg, item.hint)
             for number, item in enumerate(unique, 1)]  # fmt: skip
    what = "{0} things do not work on new, and old was not stopped"
    if pages.proves:
        what = "{0} things do not work here with the set"
    return RelocateError(
        "rehearsal_failed",
        "{0}:\n{1}".format(what.format(len(unique)), "\n".join(lines)),
        "fix them, then run the same command again",
        {"obstacles": as_plain(unique)},
    )
