# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``upgrade`` takes, and does it."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module
from ansible_collections.relocate.django.plugins.module_utils._project import interpreters
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name
from ansible_collections.relocate.django.plugins.module_utils._steps import upgrade, upgrade_switch

STATES: Mapping[str, Callable[[upgrade.Options], Dict[str, Any]]] = {
    "planned": upgrade.planned,
    "staged": upgrade.staged,
    "begun": upgrade_switch.begun,
    "switched": upgrade_switch.switched,
    "checked": upgrade_switch.checked,
    "done": upgrade_switch.done,
    "asked": upgrade_switch.asked,
    "back": upgrade_switch.back,
    "rolled_back": upgrade_switch.back,
}
READS = ("planned", "asked")


def work_on(module: Call) -> Dict[str, Any]:
    """Do what the state stands for; in check mode only what reads."""
    check_site_name(module.params["site"])
    state = module.params["state"]
    if module.check_mode and state not in READS:
        return {"changed": True}
    found = STATES[state](upgrade.Options.of(module.params))
    return {**found, "changed": False} if state in READS else found


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.project(),
            _argspec.login(),
            _argspec.aliases(),
            _argspec.work(),
            {
                "state": {"type": "str", "choices": list(STATES), "required": True},
                "label": {"type": "str"},
                "revision": {"type": "str"},
                "remote": {"type": "str"},
                "python": {"type": "str", "default": "python3"},
                "python_from": {"type": "str", "default": "system", "choices": list(interpreters.SOURCES)},
                "requirements": {"type": "list", "elements": "str", "default": []},
                "command": {"type": "list", "elements": "str", "default": []},
                "pip_extra": {"type": "list", "elements": "str", "default": []},
                "pip_ignored": {"type": "list", "elements": "str", "default": []},
                "rows_lost": {"type": "list", "elements": "str", "default": []},
                "refuse_written": {"type": "bool", "default": False},
            },
        ),
    },
    work_on,
    writes=lambda params: params["state"] not in READS,
)
