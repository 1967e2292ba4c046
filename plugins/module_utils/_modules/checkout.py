# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``checkout`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module
from ansible_collections.relocate.django.plugins.module_utils._project import interpreters
from ansible_collections.relocate.django.plugins.module_utils._steps import checkout


def work_on(module: Call) -> Dict[str, Any]:
    """Code first, then the environment that it needs."""
    return checkout.checkout(checkout.Options.of(module.params), module.check_mode)


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.work(),
            _argspec.identity(),
            {
                "path": {"type": "path", "required": True},
                "owner": {"type": "str", "required": True},
                "allow_root": {"type": "bool", "default": False},
                "label": {"type": "str", "required": True},
                "revision": {"type": "str"},
                "remote": {"type": "str"},
                "python": {"type": "str", "default": "python3"},
                "python_from": {"type": "str", "default": "system", "choices": list(interpreters.SOURCES)},
                "environment_path": {"type": "str"},
                "requirements": {"type": "list", "elements": "str", "default": []},
                "command": {"type": "list", "elements": "str", "default": []},
                "pip_extra": {"type": "list", "elements": "str", "default": []},
                "pip_ignored": {"type": "list", "elements": "str", "default": []},
                "environment": {"type": "dict", "default": {}, "no_log": True},
            },
        ),
    },
    work_on,
)
