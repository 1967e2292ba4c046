# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rebuilds a project's interpreter and packages on new, as its owner.

The checkout says how (``requirements.detect``), the recorded ``pip freeze`` says which versions where the checkout
leaves that open. A stamp in the virtual environment tells what it was built from, so that a second run does nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.directories import make_for_owner
from ansible_collections.relocate.django.plugins.module_utils._host.openat import Rights
from ansible_collections.relocate.django.plugins.module_utils._host.scratch import owned_directory
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import (
    Command,
    find_program,
    last_lines,
    require_program,
    run,
)
from ansible_collections.relocate.django.plugins.module_utils._project import requirements, wheels
from ansible_collections.relocate.django.plugins.module_utils._project.env_files import mask_urls
from ansible_collections.relocate.django.plugins.module_utils._project.installer import (
    Installer,
    Setting,
    series,
    write_as,
)
from ansible_collections.relocate.django.plugins.module_utils._project.packages import Package
from ansible_collections.relocate.django.plugins.module_utils._project.python_support import (
    Django,
    parse_version,
    python_obstacle,
)
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

STAMP = ".relocate-django.json"
_TOOLS = {
    "uv": (("uv", "sync", "--frozen"),),
    "poetry": (("poetry", "install", "--no-interaction", "--no-root"),),
    "pipenv": (("pipenv", "sync"),),
}


@dataclass(frozen=True)
class Wanted:
    """The environment that is wanted.

    :param venv: virtual environment, relative to the project or absolute; as on old
    :param python: program that makes it; by default the python3 of new
    :param requirements: requirement files, relative; by default the checkout is asked
    :param command: an own way of installing, run in the project with the virtual environment's programs first
    :param extra: further packages, as a requirements file would name them
    :param freeze: the recorded lines of ``pip freeze``
    :param python_version: recorded on old
    :param django_requires: the Pythons that the Django on old says it runs on
    :param env: variables for the installer, for instance PIP_INDEX_URL
    :param recorded: what old has, with what each needs
    """

    venv: str = ".venv"
    python: str = ""
    requirements: Tuple[str, ...] = ()
    command: Tuple[str, ...] = ()
    extra: Tuple[str, ...] = ()
    freeze: Tuple[str, ...] = ()
    python_version: str = ""
    django_requires: str = ""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    recorded: Tuple[Package, ...] = ()


@dataclass(frozen=True)
class EnvironmentPlan:
    """The action that :func:`build` will take. ``needed`` is False when the environment is as it should be."""

    path: str
    owner: Optional[SystemUser]
    venv: str  # absolute
    python: str
    python_version: str
    method: str  # command, uv, poetry, pipenv, requirements, project or freeze
    files: Tuple[str, ...]
    constraints: Tuple[str, ...]
    digest: str
    needed: bool
    recreate: bool  # the environment there was made by another Python
    obstacles: Tuple[Obstacle, ...] = ()
    left_out: Tuple[str, ...] = ()  # recorded packages that cannot be installed from anywhere
    wanted: Wanted = field(default_factory=Wanted, repr=False)

    @property
    def interpreter(self) -> str:
        """The Python of the environment."""
        return os.path.join(self.venv, "bin", "python")


def plan(path: str, owner: Optional[SystemUser], wanted: Wanted) -> EnvironmentPlan:
    """Return what has to be done so that the project's packages are there; only reads.

    Raises program_missing when there is no Python to make the environment with, interpreter_unusable, bad_option.
    """
    with acting_as(owner if os.geteuid() == 0 else None):  # what the checkout says is read as the owner could read it
        return _plan(path, owner, wanted)


def _plan(path: str, owner: Optional[SystemUser], wanted: Wanted) -> EnvironmentPlan:
    venv = os.path.normpath(os.path.join(path, wanted.venv))
    python, version = _python(path, owner, wanted)
    method, files = _method(path, owner, wanted)
    texts = requirements.with_included(path, files)
    kept, left_out = requirements.installable(wanted.freeze)
    limits = kept if method == "freeze" else requirements.constraints(texts.values(), kept)
    limits = limits if method in ("requirements", "project", "freeze") else []
    parts = [method, series(version), list(wanted.command), sorted(texts.items()), limits]
    digest = _digest(parts + ([_check_extra(wanted.extra)] if wanted.extra else []))
    stamp = read_stamp(venv)
    there = os.path.exists(os.path.join(venv, "bin", "python"))
    return EnvironmentPlan(
        path=path,
        owner=owner,
        venv=venv,
        python=python,
        python_version=version,
        method=method,
        files=files,
        constraints=tuple(limits),
        digest=digest,
        needed=not there or stamp.get("digest") != digest,
        recreate=os.path.isdir(venv) and bool(_series_of(venv)) and _series_of(venv) != series(version),
        obstacles=_obstacles(path, method, kept, wanted, version),
        left_out=tuple(left_out) if method == "freeze" else (),
        wanted=wanted,
    )


def _check_extra(extra: Sequence[str]) -> List[str]:
    """The further packages. Raises bad_option for one that would be taken for an option of pip."""
    for line in extra:
        if not line.strip() or line.lstrip().startswith("-") or any(ord(char) < 32 for char in line):
            raise RelocateError(
                "bad_option",
                "relocate_pip_extra: {0!r} is not a package".format(mask_urls(line)),
                "write them in relocate_pip_extra as in a requirements file, one per entry",
            )
    return list(extra)


def _python(path: str, owner: Optional[SystemUser], wanted: Wanted) -> Tuple[str, str]:
    name = wanted.python or "python3"
    program = require_program(name, "install it, or set relocate_python to another")
    code = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
    result = run(Command([program, "-c", code], owner, cwd=path if os.path.isdir(path) else "/"), timeout=30)
    if result.rc != 0 or not parse_version(result.out):
        raise RelocateError(
            "interpreter_unusable",
            "{0} exits {1}: {2}".format(program, result.rc, last_lines(result.err, 2)),
            "set relocate_python to another",
        )
    return program, result.out.strip()


def _method(path: str, owner: Optional[SystemUser], wanted: Wanted) -> Tuple[str, Tuple[str, ...]]:
    if wanted.command:
        return "command", ()
    found = requirements.detect(path, wanted.requirements)
    if found.method in _TOOLS and _tool(found.method, owner) is None and wanted.freeze:
        return "freeze", ()  # the recorded versions say as much as the lock file
    return found.method, found.files


def _tool(name: str, owner: Optional[SystemUser]) -> Optional[str]:
    home = owner.home if owner else os.path.expanduser("~")
    return find_program(name, [os.path.join(home, ".local", "bin"), os.path.join(home, ".cargo", "bin")])


def _series_of(venv: str) -> str:
    match = re.search(
        r"(?m)^version(?:_info)?\s*=\s*(\d+\.\d+)", requirements.read_text(os.path.join(venv, "pyvenv.cfg"))
    )
    return match.group(1) if match else ""


def _digest(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("ascii")).hexdigest()


def read_stamp(venv: str) -> Dict[str, Any]:
    """Return what an environment was built from; empty when it is not ours or was not finished."""
    try:
        stamp = json.loads(requirements.read_text(os.path.join(venv, STAMP)) or "{}")
    except ValueError:
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _obstacles(path: str, method: str, freeze: Sequence[str], wanted: Wanted, version: str) -> Tuple[Obstacle, ...]:
    found = []
    django = Django(requirements.django_of(freeze) or "", wanted.django_requires)
    obstacle = python_obstacle(requirements.requires_python(path), version, django)
    if obstacle is not None:
        found.append(obstacle)
    if method == "freeze" and not freeze:
        found.append(
            Obstacle(
                "environment_failed",
                "{0} does not say which packages the project needs, and none are recorded".format(path),
                "set relocate_requirements or relocate_command",
            )
        )
    return tuple(found)


def build(
    planned: EnvironmentPlan,
    on_line: Optional[Callable[[str], None]] = None,
    timeout: float = 1800,
    on_note: Optional[Callable[[str], None]] = None,
) -> bool:
    """Make the environment; True when anything was done. A failed build is begun again by the next run.

    Raises the plan's first obstacle; program_missing, build_tools_missing before anything is installed,
    python_too_old, environment_failed, timed_out.
    """
    if not planned.needed:
        return False
    if planned.obstacles:
        first = planned.obstacles[0]
        raise RelocateError(first.code, first.msg, first.hint)
    runner = Installer(_setting(planned), on_line, timeout)
    _forget_stamp(planned)
    with owned_directory(planned.owner) as directory:
        if planned.method != "uv":  # which makes its own
            _make_venv(planned, runner)
        note = _refuse_lacking(planned, runner, directory)
        for argv in _commands(planned, directory) + _extra_commands(planned, directory):
            runner.run(argv)
    if not os.path.exists(planned.interpreter):
        raise RelocateError(
            "environment_failed",
            "{0} was run and made no {1}".format(planned.method, planned.interpreter),
            "set relocate_environment_path to the virtual environment that it makes",
        )
    _write_stamp(planned)
    if note and on_note is not None:
        on_note(note)
    return True


def _setting(planned: EnvironmentPlan) -> Setting:
    return Setting(
        path=planned.path,
        owner=planned.owner,
        venv=planned.venv,
        python=planned.python,
        python_version=planned.python_version,
        old_version=planned.wanted.python_version,
        env=planned.wanted.env,
    )


def _refuse_lacking(planned: EnvironmentPlan, runner: Installer, directory: str) -> str:
    """Look for what packages are built with, before minutes of building. Raises build_tools_missing."""
    with acting_as(planned.owner if os.geteuid() == 0 else None):
        texts = requirements.with_included(planned.path, planned.files) if planned.method == "requirements" else {}
    before = planned.wanted.recorded
    return wheels.refuse_lacking(wheels.Wanted(planned.interpreter, planned.method, texts, before, directory), runner)


def _make_venv(planned: EnvironmentPlan, runner: Installer) -> None:
    """A directory of the owner, then ``python -m venv``; one that another Python made is emptied first."""
    owner = planned.owner
    mine = Rights(owner.uid, owner.gid) if owner else Rights()  # 0755: the service may run as another user

    def rights(path: str) -> Rights:
        return mine if path == planned.venv else Rights()

    try:
        make_for_owner(planned.venv, owner, rights, "the virtual environment")
    except OSError as exc:
        raise RelocateError(
            "environment_failed",
            "{0} cannot be made: {1}".format(planned.venv, exc.strerror),
            "create it for the project's owner, or set relocate_environment_path to another path",
        ) from exc
    if os.path.exists(planned.interpreter) and not planned.recreate:
        return
    runner.run([planned.python, "-m", "venv"] + (["--clear"] if planned.recreate else []) + [planned.venv])


def _commands(planned: EnvironmentPlan, directory: str) -> List[List[str]]:
    if planned.method == "command":
        return [list(planned.wanted.command)]
    if planned.method in _TOOLS:
        tool = _tool(planned.method, planned.owner)
        if tool is None:
            raise RelocateError(
                "program_missing",
                "{0} is not on new, and {1} needs it".format(planned.method, planned.files[0]),
                "install {0} for the owner, or set relocate_requirements or relocate_command".format(planned.method),
            )
        return [[tool] + list(argv[1:]) for argv in _TOOLS[planned.method]]
    argv = [planned.interpreter, "-m", "pip", "install"]
    if planned.constraints:
        limits = write_as(planned.owner, os.path.join(directory, "recorded.txt"), "\n".join(planned.constraints) + "\n")
        argv += ["-r" if planned.method == "freeze" else "-c", limits]
    for name in planned.files if planned.method == "requirements" else ():
        argv += ["-r", os.path.join(planned.path, name)]
    return [argv + (["."] if planned.method == "project" else [])]


def _extra_commands(planned: EnvironmentPlan, directory: str) -> List[List[str]]:
    """Install the further packages at their recorded versions, where the user names none."""
    extra = list(planned.wanted.extra)
    if not extra:
        return []
    lines = requirements.recorded_versions(extra, planned.wanted.freeze)
    limits = (
        ["-c", write_as(planned.owner, os.path.join(directory, "extra.txt"), "\n".join(lines) + "\n")] if lines else []
    )
    tool = _tool("uv", planned.owner) if planned.method == "uv" else None
    start = [tool, "pip", "install", "--python"] if tool else [planned.interpreter, "-m", "pip", "install"]
    return [start + ([planned.interpreter] if tool else []) + limits + ["--"] + extra]


def _forget_stamp(planned: EnvironmentPlan) -> None:
    with acting_as(planned.owner), contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(planned.venv, STAMP))


def _write_stamp(planned: EnvironmentPlan) -> None:
    stamp = {"digest": planned.digest, "method": planned.method, "python": planned.python_version}
    with acting_as(planned.owner):
        temporary = os.path.join(planned.venv, "{0}.{1}".format(STAMP, secrets.token_hex(8)))
        write_as(None, temporary, json.dumps(stamp) + "\n")
        os.replace(temporary, os.path.join(planned.venv, STAMP))
