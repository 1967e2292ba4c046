# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``repository`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module
from ansible_collections.relocate.django.plugins.module_utils._steps import repository


def work_on(module: Call) -> Dict[str, Any]:
    """Push, bring, note or check."""
    options = repository.Options.of(module.params)
    if options.state == "checked":
        return repository.check(options)
    does = {"pushed": repository.push, "pulled": repository.pull, "noted": repository.note}
    return does[options.state](options, module.check_mode)


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.work(),
            _argspec.backup_set(),
            _argspec.retention(),
            _argspec.repository(),
            {
                "state": {"type": "str", "choices": ["pushed", "pulled", "noted", "checked"], "default": "pushed"},
                "read_parts": {"type": "int", "default": 20},
            },
        ),
        "required_if": [("state", "noted", ["label"])],
    },
    work_on,
)
