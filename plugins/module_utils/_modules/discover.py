# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``discover`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module, never
from ansible_collections.relocate.django.plugins.module_utils._steps import discover


def look(module: Call) -> Dict[str, Any]:
    """Nothing is written, so there is no plan."""
    return {"changed": False, **discover.discover(module.params["directory"])}


MODULE = Module(
    {
        "argument_spec": {"directory": {"type": "path", "default": "/var/lib/relocate"}},
    },
    look,
    writes=never,
)
