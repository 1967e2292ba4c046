# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``preflight`` takes, and does it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._engines.registry import ENGINES
from ansible_collections.relocate.django.plugins.module_utils._host import facts
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle, as_plain
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module, never, tell
from ansible_collections.relocate.django.plugins.module_utils._project import held, interpreters
from ansible_collections.relocate.django.plugins.module_utils._record.lease import GRACE, Lease
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record, check_site_name, read_record
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore, secret_base
from ansible_collections.relocate.django.plugins.module_utils._services import answers, checks
from ansible_collections.relocate.django.plugins.module_utils._site import collect
from ansible_collections.relocate.django.plugins.module_utils._steps import (
    install_also,
    old_info,
    old_site,
    preflight_new,
    readiness,
)
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user


def ask_old(params: Mapping[str, Any], record: Record) -> List[Obstacle]:
    """Ask old, while it serves, what new must answer: else a wrong expectation shows only during the downtime."""
    if record.is_stopped():
        return []  # it does not serve
    questions = [answers.Question(**item) for item in params["answers"]]
    errors = answers.asked_before(questions, params["answers_timeout"])
    return [Obstacle(error.code, error.msg, error.hint) for error in errors]


def look_at(params: Mapping[str, Any], obstacles: List[Obstacle]) -> Dict[str, Any]:
    """Look at the side that this host is."""
    if params["side"] == "old":
        return old_site.look(old_site.Options.of(params), obstacles)
    return look_at_new(params, obstacles)


def look_at_new(params: Mapping[str, Any], obstacles: List[Obstacle]) -> Dict[str, Any]:
    """The host's facts; the site is not there yet."""
    old, brought = params["old"] or {}, install_also.Lacking()
    if old:
        old_info.by_old(old, [kind.name for kind in ENGINES])
        look_for = install_also.Options.of(params)
        brought = collect(obstacles, lambda: install_also.look(look_for, old)) or brought
        obstacles += brought.obstacles
        with SecretStore(secret_base(params["directory"])) as secrets:
            options = preflight_new.Options.of(params)
            obstacles += preflight_new.obstacles_on_new(options, old, secrets, brought.aliases)
    else:
        obstacles += checks.running(params["path"], params["services_kept_running"])
    owner = params["owner"] or old.get("owner", {}).get("name")
    made = collect(obstacles, lambda: preflight_new.users_to_make(params["units"], old)) or []
    obstacles += _unready(params, old, str(owner), made, list(brought.packages))
    return {
        "host": facts.describe_host(),
        "owner_exists": bool(owner and lookup_user(owner)),
        "users_missing": [name for name in made if name != owner],
        "installs": brought.told(),
    }


def _unready(
    params: Mapping[str, Any], old: Mapping[str, Any], owner: str, made: Sequence[str], brought: Sequence[str]
) -> List[Obstacle]:
    """List what else the site needs and this host lacks. No set records that.

    :param brought: packages that relocate_install_also brings
    """
    if not old or "set" in old:
        return []
    options = readiness.Options.of(params)
    if brought:
        options = replace(options, packages=(*options.packages, *brought), installs=True)
    return readiness.obstacles(old_info.needs(old), options, owner, made)


def _not_asked(params: Mapping[str, Any]) -> List[str]:
    """Say what no look at this host can tell before a restore."""
    old = {} if params["side"] == "old" else params["old"] or {}
    if "set" not in old or not preflight_new.may_name_others(preflight_new.Options.of(params), old):
        return []
    why = "the settings, the environment or relocate_env_overrides of this host may name other databases than the set"
    return ["no database server was asked: " + why]


def look(module: Call) -> Dict[str, Any]:
    """Nothing is written, so there is no plan."""
    params = module.params
    obstacles: List[Obstacle] = []
    site = check_site_name(params["site"])
    other = Lease.holder(params["directory"], site, params["run"])
    if other:
        hint = "wait for it to end; after a crash the site is free again within {0} s".format(GRACE)
        obstacles.append(Obstacle("locked", "another run is at work on this site: {0}".format(other), hint))
    record = collect(obstacles, lambda: read_record(params["directory"], site)) or Record()
    if record.is_stopped():
        params = dict(params, pages=None)
    info = collect(obstacles, lambda: look_at(params, obstacles)) or {"host": facts.describe_host()}
    if params["side"] == "old":
        obstacles += ask_old(params, record)
    unique = {(item.code, item.alias, item.msg): item for item in obstacles}
    listed = [dict(as_plain(item), host=info["host"]["name"]) for item in unique.values()]
    tell(module, [*info.get("held", ()), *info.get("installs", ()), *held.told(), *_not_asked(params)])
    return {"changed": False, "obstacles": listed, "info": info, "past": record.told()}


#: Options that are lists of names.
_LISTS = (
    "units reload packages neighbours_ignored neighbours_carried services_kept_running files files_ignored"
    " requirements command pip_extra pip_ignored excluded_models media_skip orphans"
).split()


_NAMES: Dict[str, Any] = {"type": "list", "elements": "str", "default": []}

MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.project(),
            _argspec.code(),
            _argspec.login(),
            _argspec.aliases(),
            _argspec.work(),
            _argspec.sequences(),
            _argspec.definers(),
            _argspec.answers(),
            {
                "side": {"type": "str", "choices": ["old", "new"], "required": True},
                "old": {"type": "dict"},
                **dict.fromkeys(_LISTS, _NAMES),
                "cron": {"type": "str", "choices": ["refuse", "leave", "carry"], "default": "refuse"},
                "maintenance": {"type": "path"},
                "forward": {"type": "bool", "default": False},
                "forward_to": {"type": "str", "default": ""},
                "pages": {"type": "int"},
                "python": {"type": "str", "default": "python3"},
                "python_from": {"type": "str", "default": "system", "choices": list(interpreters.SOURCES)},
                "revision": {"type": "str"},
                "remote": {"type": "str"},
                "installs": {"type": "bool", "default": False},
                "allow_dirty": {"type": "bool", "default": False},
                "allow_unapplied": {"type": "bool", "default": False},
                "engines": {"type": "dict", "default": {}},
                "media": {"type": "bool", "default": True},
                "replicate": {"type": "bool", "default": False},
                "install_also": dict(_NAMES, choices=list(install_also.CHOICES)),
                "overridden": {"type": "bool", "default": False},
                "replace": {"type": "bool", "default": False},
                "allow_same_host": {"type": "bool", "default": False},
            },
        ),
    },
    look,
    writes=never,
)
