# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``owner_info`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils._host import owner
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module, never


def look(module: Call) -> Dict[str, Any]:
    """Nothing is written, so there is no plan."""
    params = module.params
    exists = owner.check_owner(params["name"], params["wanted"], params["home"], params["allow_root"])
    return {"changed": False, "exists": exists, "comment": owner.MADE_BY_US}


MODULE = Module(
    {
        "argument_spec": {
            "name": {"type": "str", "required": True},
            "wanted": {"type": "str", "default": ""},
            "home": {"type": "str", "default": ""},
            "allow_root": {"type": "bool", "default": False},
        },
    },
    look,
    writes=never,
)
