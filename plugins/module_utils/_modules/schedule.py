# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``schedule`` takes, and does it. All that a night runs is imported here, so that it travels."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module, validated
from ansible_collections.relocate.django.plugins.module_utils._modules import backup, backup_info, rehearse, repository
from ansible_collections.relocate.django.plugins.module_utils._nightly import main as program
from ansible_collections.relocate.django.plugins.module_utils._nightly.plan import MODULES
from ansible_collections.relocate.django.plugins.module_utils._steps import schedule

_KNOWN = {
    "backup": backup.MODULE,
    "backup_info": backup_info.MODULE,
    "rehearse": rehearse.MODULE,
    "repository": repository.MODULE,
}


def work_on(module: Call) -> Dict[str, Any]:
    """Look at the arguments of all steps now, since nobody sees the first night fail; then install or remove."""
    options = schedule.Options.of(module.params)
    for step in options.calls:
        try:
            validated(_KNOWN[step["module"]].arguments, step["arguments"])
        except RelocateError as error:
            raise RelocateError(error.code, "{0}: {1}".format(step["name"], error.msg), error.hint) from None
    return {**schedule.schedule(options, module.check_mode), "exit_codes": program.EXIT_CODES}


_TEXT: Dict[str, Any] = {"type": "str", "default": ""}
_SECRET: Dict[str, Any] = {**_TEXT, "no_log": True}

MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.work(),
            {
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "calls": {
                    "type": "list",
                    "elements": "dict",
                    "default": [],
                    "options": {
                        "name": {"type": "str", "required": True},
                        "module": {"type": "str", "choices": list(MODULES), "required": True},
                        "arguments": {"type": "dict", "default": {}, "no_log": True},
                        "every": {"type": "int", "default": 1},
                    },
                },
                "check_nights": {"type": "int", "default": 7},
                "calendar": {"type": "str", "default": "*-*-* 02:00:00"},
                "delay": {"type": "int", "default": 3600},
                "limit": {"type": "int", "default": 21600},
                "max_age": {"type": "str", "default": "36h"},
                "group": _TEXT,
                "metrics": _TEXT,
                "mail_to": _TEXT,
                "webhook": _SECRET,
                "ping": _SECRET,
                "command": _SECRET,
            },
        ),
    },
    work_on,
)
