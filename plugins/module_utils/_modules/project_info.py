# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``project_info`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module, never
from ansible_collections.relocate.django.plugins.module_utils._site import SiteOptions, open_site
from ansible_collections.relocate.django.plugins.module_utils._steps.describe import describe_site


def inspect(module: Call) -> Dict[str, Any]:
    """Nothing is written, so there is no plan."""
    with open_site(SiteOptions.of(module.params), module.params["gather"]) as site:
        return {"changed": False, "info": describe_site(site)}


_PARTS = ["django", "migrations", "history", "models", "counts", "packages", "checks"]
_GATHERED = ["django", "migrations", "packages", "history"]

MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.project(),
            _argspec.login(),
            _argspec.aliases(),
            _argspec.work(),
            {"gather": {"type": "list", "elements": "str", "choices": _PARTS, "default": _GATHERED}},
        ),
    },
    inspect,
    writes=never,
)
