# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds a project on this host: directory, interpreter, settings module, owner, environment. Runs no project code."""

from __future__ import annotations

import ast
import errno
import glob
import os
import stat
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import Command, last_lines, run
from ansible_collections.relocate.django.plugins.module_utils._project.env_sources import read_env_files
from ansible_collections.relocate.django.plugins.module_utils._project.venv_secrets import collect_secrets
from ansible_collections.relocate.django.plugins.module_utils._secrets import scrub
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as, lookup_user

_RIGHT_PATH = "set relocate_path (relocate_old_path for old alone) to the directory that holds manage.py"
_VENVS = (".venv", "venv", "env", ".virtualenv", "virtualenv")
_SETTINGS = "DJANGO_SETTINGS_MODULE"
_SOURCE_LIMIT = 1024 * 1024  # bytes of manage.py
_LINKS = 40  # as many as the kernel follows


@dataclass(frozen=True)
class Project:
    """A checkout with ``manage.py``, its interpreter, its settings module, its owner (a system user)."""

    path: str
    interpreter: str
    settings: str  # dotted; empty when only running manage.py can tell
    owner: SystemUser
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    manage: str = "manage.py"  # relative to path

    @property
    def manage_path(self) -> str:
        """The absolute path of manage.py."""
        return os.path.join(self.path, self.manage)

    @property
    def directory(self) -> str:
        """Return where manage.py lies: what relative paths in the settings are relative to."""
        return os.path.dirname(self.manage_path)

    def environment(self) -> Dict[str, str]:
        """The variables that the project's programs get."""
        env = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
        bin_directory = os.path.dirname(self.interpreter)
        env["PATH"] = bin_directory + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        if os.path.exists(os.path.join(os.path.dirname(bin_directory), "pyvenv.cfg")):
            env["VIRTUAL_ENV"] = os.path.dirname(bin_directory)
        env.update(self.env)
        if self.settings:
            env[_SETTINGS] = self.settings
        return env

    def env_secrets(self) -> List[str]:
        """Secret-looking values of the environment, for scrubbing."""
        found: "set[str]" = set()
        collect_secrets("", dict(self.env), found)
        return sorted(found)


def find_project(
    path: str,
    interpreter: Optional[str] = None,
    settings: Optional[str] = None,
    env: Optional[Mapping[str, str]] = None,
    env_files: Iterable[str] = (),
    owner: Optional[str] = None,
    allow_root: bool = False,
    manage: str = "manage.py",
) -> Project:
    """Find out everything about a project that can be known without running its code.

    :param interpreter: path of its Python; by default the one in .venv, venv or env, here or one level up
    :param settings: dotted settings module; by default DJANGO_SETTINGS_MODULE of the environment, then manage.py's
    :param env: variables; they win over those of the files
    :param env_files: environment files, later ones win; relative to path; one beginning with "-" may be absent
    :param owner: system user who runs the site; by default manage.py's owner
    :param allow_root: run the code of a project that root owns, as root
    :param manage: path of manage.py, relative to path

    Raises RelocateError: project_not_found, owner_missing, runs_as_root, interpreter_not_found,
    interpreter_unusable, settings_unknown, bad_option.
    """
    path = os.path.abspath(path)
    manage_path = _find_manage(path, manage)
    user = find_owner(manage_path, owner, allow_root)
    variables = read_env_files(path, env_files, user)
    variables.update(env or {})
    python = find_interpreter(path, interpreter, manage)
    module = settings or variables.get(_SETTINGS) or named_settings(manage_path, user)
    project = Project(path, python, module, user, variables, manage)
    _check_starts(project)
    return project


def _find_manage(path: str, manage: str) -> str:
    manage_path = os.path.join(path, manage)
    if os.path.isfile(manage_path):
        return manage_path
    others = sorted(glob.glob(os.path.join(glob.escape(path), "*", "manage.py")))
    if not os.path.isdir(path):
        raise RelocateError("project_not_found", "{0} is not a directory".format(path), _RIGHT_PATH)
    hint = _RIGHT_PATH
    if others:
        hint = "there is {0}: set relocate_path to {1} (relocate_old_path if only old's differs)".format(
            others[0], os.path.dirname(others[0])
        )
    raise RelocateError("project_not_found", "{0} holds no {1}".format(path, manage), hint)


def find_owner(manage_path: str, owner: Optional[str], allow_root: bool) -> SystemUser:
    """Return the system user who runs a project's code. Raises owner_missing, runs_as_root."""
    uid = os.stat(manage_path).st_uid
    user = lookup_user(owner) if owner else lookup_user(uid)
    if user is None:
        raise RelocateError(
            "owner_missing",
            "{0} is not a user of this host".format(owner if owner else "uid {0} of {1}".format(uid, manage_path)),
            "create the user, or set relocate_owner (relocate_old_owner for old alone) to another",
        )
    if user.uid == 0 and not (allow_root and uid == 0):
        raise RelocateError(
            "runs_as_root",
            "the code of {0} would run as root".format(os.path.dirname(manage_path)),
            "set relocate_owner (relocate_old_owner for old alone) to the system user who runs the site"
            + (", or set relocate_allow_root: true" if uid == 0 else "; root is allowed only when it owns manage.py"),
        )
    if not owner:
        _check_whose(manage_path, uid)
    return user


def _check_whose(manage_path: str, uid: int) -> None:
    """Raise owner_missing when somebody else than its owner could have put manage.py there.

    A link to another user's file, or a directory of one's own on the way, would let one's code run as that user. What
    only root and he can change is still so when the code is run.
    """
    for path, status in _way(manage_path):
        if status.st_uid not in (0, uid):
            raise RelocateError(
                "owner_missing",
                "{0} belongs to uid {1}, but manage.py to uid {2}: the owner of the code is unclear".format(
                    path, status.st_uid, uid
                ),
                "set relocate_owner to the system user who runs the site",
            )


def _way(path: str) -> Iterator[Tuple[str, os.stat_result]]:
    """Every directory, link and file on the way to a file, one after the other. Raises OSError."""
    current, pending, links = "/", path.split("/")[::-1], 0
    while pending:
        part = pending.pop()
        if part in ("", "."):
            continue
        full = os.path.join(current, part) if part != ".." else os.path.dirname(current)
        status = os.lstat(full)
        yield full, status
        if not stat.S_ISLNK(status.st_mode):
            current = full
            continue
        target, links = os.readlink(full), links + 1
        if links > _LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        current = "/" if target.startswith("/") else current
        pending += target.split("/")[::-1]


def find_interpreter(path: str, interpreter: Optional[str] = None, manage: str = "manage.py") -> str:
    """The absolute path of the project's Python, not resolved: a virtual environment's is a link.

    Raises interpreter_not_found.
    """
    if interpreter:
        full = os.path.join(path, interpreter)
        if os.path.isdir(full):
            full = os.path.join(full, "bin", "python")
        if _is_program(full):
            return full
        raise RelocateError(
            "interpreter_not_found",
            "{0} is not a program".format(full),
            "set relocate_interpreter (relocate_old_interpreter for old alone) to the Python of the site's virtual"
            " environment",
        )
    parents = [os.path.dirname(os.path.join(path, manage)), path, os.path.dirname(path)]
    for parent in dict.fromkeys(os.path.normpath(item) for item in parents):
        for venv in _VENVS:
            for program in ("python", "python3"):
                full = os.path.join(parent, venv, "bin", program)
                if _is_program(full):
                    return full
    raise RelocateError(
        "interpreter_not_found",
        "neither {0} nor its parent holds one of {1}".format(path, ", ".join(_VENVS[:3])),
        "set relocate_interpreter (relocate_old_interpreter for old alone) to the Python that runs the site, such as"
        " /srv/shop/venv/bin/python",
    )


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def named_settings(manage_path: str, owner: SystemUser) -> str:
    """The settings module that manage.py names; empty when it cannot be told without running it.

    Raises settings_unknown when wsgi.py or asgi.py beside it name another one, because the wrong guess moves the
    wrong database.
    """
    own = settings_in(manage_path, owner)
    directory = glob.escape(os.path.dirname(manage_path))
    with acting_as(owner if os.geteuid() == 0 else None):
        served = sorted(glob.glob(os.path.join(directory, "*", "[aw]sgi.py")))
    for other in served if own else ():
        module = settings_in(other, owner)
        if module and module != own:
            raise RelocateError(
                "settings_unknown",
                "{0} names settings {1}, {2} names {3}".format(manage_path, own, other, module),
                "set relocate_settings (relocate_old_settings for old alone) to the module that the site runs with",
            )
    return own


def settings_in(path: str, owner: SystemUser) -> str:
    """Return the settings module that a file such as wsgi.py sets; empty when it sets none."""
    try:
        with openat.open_file(path, owner) as stream:
            tree = ast.parse(stream.read(_SOURCE_LIMIT))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    for node in ast.walk(tree):
        values = [item.value for item in _key_and_value(node) if isinstance(item, ast.Constant)]
        if len(values) == 2 and values[0] == _SETTINGS and isinstance(values[1], str):
            return values[1]
    return ""


def _key_and_value(node: ast.AST) -> Sequence[ast.AST]:
    """The arguments of a call of setdefault, or the two sides of an assignment to an item; nothing for others."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "setdefault":
        return node.args
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
        key: Any = node.targets[0].slice
        if not isinstance(key, ast.Constant):
            key = getattr(key, "value", key)  # Python 3.8 wraps it in ast.Index
        return key, node.value
    return ()


def _check_starts(project: Project) -> None:
    """Raises interpreter_unusable when the owner cannot start the interpreter."""
    command = Command(
        [project.interpreter, "-c", "import sys"], project.owner, project.environment(), project.directory
    )
    try:
        result = run(command, timeout=30)
    except RelocateError as exc:
        if exc.code == "right_missing":
            raise
        raise RelocateError("interpreter_unusable", exc.msg, "run it by hand as " + project.owner.name) from exc
    if result.rc != 0:
        raise RelocateError(
            "interpreter_unusable",
            "{0} exits {1} as {2}: {3}".format(
                project.interpreter,
                result.rc,
                project.owner.name,
                scrub(last_lines(result.err, 3), project.env_secrets()),
            ),
            "rebuild the virtual environment, or set relocate_interpreter to another Python",
        )
