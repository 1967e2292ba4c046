# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``interpreter`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module, never
from ansible_collections.relocate.django.plugins.module_utils._options import texts
from ansible_collections.relocate.django.plugins.module_utils._project import interpreters


def work_on(module: Call) -> Dict[str, Any]:
    """Install a Python, or in check mode say whether that would be done, and could be."""
    params = module.params
    wanted = interpreters.Wanted(params["python"], params["source"], texts(params["environment"]))
    if not module.check_mode:
        changed = interpreters.install(wanted)
        return {"changed": changed, "path": interpreters.program(wanted)}
    interpreters.refuse(wanted)
    path = interpreters.find(wanted)
    return {"changed": not path, "path": path}


MODULE = Module(
    {
        "argument_spec": {
            "python": {"type": "str", "required": True},
            "source": {"type": "str", "required": True, "choices": [interpreters.UV, interpreters.PYENV]},
            "environment": {"type": "dict", "default": {}, "no_log": True},
        },
    },
    work_on,
    writes=never,  # it is no site's, so no site's lease is taken
)
