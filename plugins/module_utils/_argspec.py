# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One function per option group; the documentation fragment of the same name describes it."""

from __future__ import annotations

import contextlib
import errno
import time
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Tuple

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils._engines.base import EngineContext, default_jobs
from ansible_collections.relocate.django.plugins.module_utils._errors import AS_ROOT, RelocateError
from ansible_collections.relocate.django.plugins.module_utils._lease import Lease
from ansible_collections.relocate.django.plugins.module_utils._model import Login
from ansible_collections.relocate.django.plugins.module_utils._openat import check_work
from ansible_collections.relocate.django.plugins.module_utils._project.probe import Project, find_project
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from ansible_collections.relocate.django.plugins.module_utils._stopwatch import Stopwatch

Spec = Dict[str, Dict[str, Any]]


def project() -> Spec:
    """Where the project is and how its settings are read."""
    return {
        "path": {"type": "path", "required": True},
        "interpreter": {"type": "path"},
        "settings": {"type": "str"},
        "environment": {"type": "dict", "default": {}, "no_log": True},
        "env_files": {"type": "list", "elements": "path", "default": []},
        "owner": {"type": "str"},
        "allow_root": {"type": "bool", "default": False},
    }


def login() -> Spec:
    """How to reach the database server as its administrator."""
    return {
        "login_user": {"type": "str"},
        "login_password": {"type": "str", "no_log": True},
        "login_host": {"type": "str"},
        "login_port": {"type": "int"},
        "login_unix_socket": {"type": "path"},
    }


def work() -> Spec:
    """Our own directory on the host, and which run the task belongs to."""
    return {
        "directory": {"type": "path", "default": "/var/lib/relocate"},
        "site": {"type": "str", "required": True},
        "run": {"type": "str", "default": ""},
        "release": {"type": "bool", "default": False},
    }


def aliases() -> Spec:
    """Which databases take part, and how wide the work is."""
    return {
        "aliases": {"type": "list", "elements": "str", "default": []},
        "jobs": {"type": "int"},
        "compression": {"type": "str", "choices": ["zstd", "none"], "default": "zstd"},
    }


def backup_set() -> Spec:
    """Which backup set, and the digest that proves its manifest."""
    return {
        "label": {"type": "str"},
        "manifest_sha256": {"type": "str"},
    }


def answers() -> Spec:
    """What the site must answer, and how long it may take."""
    options = {
        "url": {"type": "str", "required": True},
        "host": {"type": "str", "default": ""},
        "status": {"type": "int", "default": 200},
        "contains": {"type": "str", "default": ""},
        "headers": {"type": "dict", "default": {}, "no_log": True},
        "validate_certs": {"type": "bool", "default": True},
        "old": {"type": "bool", "default": True},
    }
    return {
        "answers": {"type": "list", "elements": "dict", "default": [], "options": options},
        "answers_timeout": {"type": "int", "default": 60},
    }


def merged(*groups: Mapping[str, Any]) -> Spec:
    """Option groups as one argument specification; an option may be in one group only."""
    spec: Spec = {}
    for group in groups:
        twice = set(spec) & set(group)
        if twice:
            raise ValueError("options in two groups: " + ", ".join(sorted(twice)))
        spec.update(group)
    return spec


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
    """What the engines are given, out of the option groups login, aliases and project."""
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


Answer = Tuple[bool, Dict[str, Any]]


def answer(module: AnsibleModule, work_on: Callable[[AnsibleModule], Dict[str, Any]], writes: bool = True) -> None:
    """Run a module's work and turn its one kind of error into fail_json: the only exit of every module.

    :param writes: whether the module ever writes; one that only looks does not take the site's lease
    """
    began = time.monotonic()
    try:
        if module.params.get("directory"):
            check_work(module.params["directory"])
        with _lease_of(module) if writes else contextlib.nullcontext():
            result = work_on(module)
    except RelocateError as error:
        module.fail_json(elapsed=round(time.monotonic() - began, 2), **error.as_result())
    except OSError as exc:
        module.fail_json(elapsed=round(time.monotonic() - began, 2), **_named(exc).as_result())
    module.exit_json(elapsed=round(time.monotonic() - began, 2), **result)


def _named(exc: OSError) -> RelocateError:
    """The error for what this host refused, in words that hold no secret."""
    text = "{0}: {1}".format(exc.filename or "this host", exc.strerror or type(exc).__name__)
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return RelocateError("disk_full", text, "free space there, then run again")
    if isinstance(exc, PermissionError):
        return RelocateError("right_missing", text, AS_ROOT)
    return RelocateError("program_failed", text, "see what is wrong there, then run again")


@contextlib.contextmanager
def _lease_of(module: AnsibleModule) -> Iterator[Optional[Lease]]:
    """Hold the site's lease while a module writes: two runs at once must not share a site."""
    params = module.params
    if module.check_mode or not params.get("run"):
        yield None
        return
    with Lease(params["directory"], params["site"], params["run"]) as lease:
        yield lease
        if params["release"]:
            lease.release()
