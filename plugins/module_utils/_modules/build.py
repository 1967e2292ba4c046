# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``build`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module
from ansible_collections.relocate.django.plugins.module_utils._project import held
from ansible_collections.relocate.django.plugins.module_utils._steps import build


def work_on(module: Call) -> Dict[str, Any]:
    """Build, or in check mode say what would be collected."""
    result = build.build(build.Options.of(module.params), module.check_mode)
    return {**result, "notes": held.told()}


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.project(), _argspec.work(), {"commands": {"type": "list", "elements": "str", "default": []}}
        ),
    },
    work_on,
)
