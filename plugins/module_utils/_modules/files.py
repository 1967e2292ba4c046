# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``files`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module, tell
from ansible_collections.relocate.django.plugins.module_utils._steps import files


def work_on(module: Call) -> Dict[str, Any]:
    """Plan from the set, then place what differs."""
    plan = files.plan(files.Options.of(module.params))
    tell(module, plan.notes)
    result = plan.result()
    if not module.check_mode:
        files.apply(plan)
    return result


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.work(),
            _argspec.identity(),
            {
                "path": {"type": "path", "required": True},
                "old_path": {"type": "path"},
                "owner": {"type": "str", "required": True},
                "label": {"type": "str", "required": True},
                "files": {"type": "list", "elements": "str", "default": []},
                "overrides": {"type": "dict", "default": {}, "no_log": True},
            },
        ),
    },
    work_on,
)
