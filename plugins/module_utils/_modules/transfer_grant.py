# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``transfer_grant`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module
from ansible_collections.relocate.django.plugins.module_utils._steps import transfer_grant


def work_on(module: Call) -> Dict[str, Any]:
    """Grant or withdraw."""
    return transfer_grant.work(transfer_grant.Options.of(module.params), module.check_mode)


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.work(),
            {
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "public_key": {"type": "str", "no_log": False},
                "addresses": {"type": "list", "elements": "str", "default": []},
                "login": {"type": "str", "default": "root"},
                "label": {"type": "str"},
                "media": {"type": "path"},
                "owner": {"type": "str"},
                "valid_for": {"type": "int", "default": 86400},
            },
        ),
        "required_if": [("state", "present", ["public_key", "label"])],
        "required_by": {"media": "owner"},
    },
    work_on,
)
