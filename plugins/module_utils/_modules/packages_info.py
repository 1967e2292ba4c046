# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``packages_info`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._engines.registry import ENGINES
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import as_plain
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module, never, tell
from ansible_collections.relocate.django.plugins.module_utils._steps import install_also, old_info


def look(module: Call) -> Dict[str, Any]:
    """Nothing is written, so there is no plan."""
    params = module.params
    old_info.by_old(params["old"], [kind.name for kind in ENGINES])
    found = install_also.look(install_also.Options.of(params), params["old"])
    for item in found.obstacles:  # preflight has listed them all; what apt has read since may have added one
        raise RelocateError(item.code, item.msg, item.hint, {"obstacles": as_plain(found.obstacles)})
    tell(module, found.notes)
    return {
        "changed": False,
        "packages": list(found.packages),
        "units": found.units,
        "welcome": found.welcome,
        "aliases": found.aliases,
        "lacks": bool(found.packages or found.unknown),
    }


_NAMES: Dict[str, Any] = {"type": "list", "elements": "str", "default": []}

MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.login(),
            {
                "old": {"type": "dict", "required": True},
                "install_also": dict(_NAMES, choices=list(install_also.CHOICES)),
                **dict.fromkeys(("units", "reload", "files"), _NAMES),
                "engines": {"type": "dict", "default": {}},
            },
        ),
    },
    look,
    writes=never,
)
