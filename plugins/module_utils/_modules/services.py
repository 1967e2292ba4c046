# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``services`` takes, and does it."""

from __future__ import annotations

import time
from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module, tell
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name, read_record
from ansible_collections.relocate.django.plugins.module_utils._services import bring, freeze, units
from ansible_collections.relocate.django.plugins.module_utils._services.plan import STATES
from ansible_collections.relocate.django.plugins.module_utils._services.systemd import Systemd
from ansible_collections.relocate.django.plugins.module_utils._steps import beside, drain
from ansible_collections.relocate.django.plugins.module_utils._steps.beside import Beside


def work_on(module: Call) -> Dict[str, Any]:
    """Bring the site to the state, and keep the record of it."""
    options = bring.Options.of(module.params)
    check_site_name(options.site)
    if not options.allow_unfrozen:
        freeze.check_named(options.state, options.units)
    record = read_record(options.directory, options.site)
    comes_to = bring.decide(options.request(), record, options.abandoned)
    result = {"changed": False, "units": [], "steps": [], "at": 0, "frozen": comes_to == bring.ELSEWHERE}
    result["label"] = record.serves_from()
    if comes_to != bring.ELSEWHERE:
        others = Beside(beside.Options.of(module.params), record, module.check_mode)
        result.update(with_all(module, options, comes_to, others))
    if not module.check_mode:
        bring.note(options)
    return result


def with_all(module: Call, options: bring.Options, comes_to: str, others: Beside) -> Dict[str, Any]:
    """Bring units, and what belongs to the site beside them, to the state."""
    result: Dict[str, Any] = {}
    try:
        others.before()
        if comes_to == bring.UNITS:
            result = with_units(module, options, others)
        else:
            if comes_to == bring.ANSWERS and not module.check_mode:
                started = options.ask()
                result.update(started.result())
                tell(module, started.warnings())
            others.after()
    except RelocateError:
        others.failed()
        raise
    finally:
        tell(module, others.warnings)
    steps = [*result.get("steps", ()), *others.steps]
    return {**result, "steps": steps, "changed": bool(result.get("changed") or others.steps)}


def with_units(module: Call, options: bring.Options, others: Beside) -> Dict[str, Any]:
    """Plan, and carry the plan out unless in check mode."""
    systemd, begun = Systemd(), time.monotonic()
    queues = None if module.check_mode else drain.prepare(drain.Options.of(module.params), systemd)
    host = units.Services(systemd, options.directory, options.site, queues)
    if not module.check_mode and options.state in ("started", "thawed"):
        host.wake(options.request())
    plan = bring.plan_units(host, options)
    result = plan.result()
    tell(module, plan.warnings())
    started = None if module.check_mode else bring.apply(host, options, plan, others.after)
    if started is not None:
        result.update(started.result())
        tell(module, started.warnings())
        result["answered_since"] = round(time.monotonic() - started.at, 2) if started.at else 0.0
    else:
        others.after()
    result["until_stop"] = round(host.first_stop - begun, 2) if host.first_stop else 0.0
    record = read_record(options.directory, options.site)
    return dict(result, at=record.freeze.at if record.freeze else 0, frozen=record.is_stopped())


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.work(),
            _argspec.identity(),
            _argspec.answers(),
            _argspec.warm(),
            {name: spec for name, spec in _argspec.project().items() if name != "path"},
            {
                "state": {"type": "str", "choices": list(STATES), "required": True},
                "units": {"type": "list", "elements": "str", "default": []},
                "named": {"type": "list", "elements": "str", "default": ["*"]},
                "reload": {"type": "list", "elements": "str", "default": []},
                "enable": {"type": "list", "elements": "str"},
                "freeze_limit": {"type": "int", "default": 14400},
                "timeout": {"type": "int", "default": 60},
                "abandoned": {"type": "bool", "default": False},
                "retired": {"type": "bool", "default": False},
                "allow_unfrozen": {"type": "bool", "default": False},
                "path": {"type": "path"},
                "queues_empty_within": {"type": "int", "default": 0},
                "maintenance": {"type": "path"},
                "cron": {"type": "str", "choices": ["refuse", "leave", "carry"], "default": "refuse"},
                "label": {"type": "str", "default": ""},
            },
        ),
    },
    work_on,
)
