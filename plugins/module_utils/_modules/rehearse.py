# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``rehearse`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module
from ansible_collections.relocate.django.plugins.module_utils._steps import rehearse


def work_on(module: Call) -> Dict[str, Any]:
    """What is removed goes with a failure, so a success has changed nothing."""
    nothing = {"created": [], "requests": "none", "kind": "move"}
    params = {**module.params, **nothing} if module.check_mode else module.params
    return {"changed": False, **rehearse.rehearse(rehearse.Options.of(params))}


_LISTS = "units reload created files certificates_ignored neighbours_ignored".split()
_NAMES: Dict[str, Any] = {"type": "list", "elements": "str", "default": []}

MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.project(),
            _argspec.work(),
            _argspec.identity(),
            _argspec.login(),
            _argspec.aliases(),
            _argspec.answers(),
            _argspec.backup_set(),
            _argspec.definers(),
            _argspec.sequences(),
            _argspec.repository(),
            {
                **dict.fromkeys(_LISTS, _NAMES),
                "carried": {"type": "list", "elements": "dict", "default": []},
                "requests": {"type": "str", "choices": ["full", "requests", "none"], "default": "none"},
                "needs": {"type": "dict", "default": {}},
                "old_pages": {"type": "dict", "default": {}},
                "without": {"type": "str", "default": ""},
                "allow_same_host": {"type": "bool", "default": False},
                "kind": {"type": "str", "choices": ["move", "set"], "default": "move"},
                "migrate_limit": {"type": "int", "default": 3600},
            },
        ),
    },
    work_on,
)
