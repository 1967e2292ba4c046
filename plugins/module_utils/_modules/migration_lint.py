# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``migration_lint`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils import _argspec, _site
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module, never
from ansible_collections.relocate.django.plugins.module_utils._project import lint

_SHOWN = 10
_FATAL = {"error": ("error",), "warning": ("error", "warning"), "nothing": ()}


def work_on(module: Call) -> Dict[str, Any]:
    """Lint, and fail with all findings at once when one of them is of a level that is fatal."""
    params = module.params
    found = lint.lint(_site.ProjectOptions.of(params).find(), params["apps"], params["large"])
    chosen = set(params["migrations"])
    findings = [
        item
        for item in found
        if not lint.ignored(item, params["ignore"])
        and (not chosen or "{0}.{1}".format(item["app"], item["migration"]) in chosen)
    ]
    fatal = [item for item in findings if item["level"] in _FATAL[params["fail_on"]]]
    if fatal:
        lines = [lint.sentence(item) for item in fatal]
        raise RelocateError(
            "migration_faulty",
            "{0} findings in migrations: {1}{2}".format(
                len(lines), "; ".join(lines[:_SHOWN]), "; ..." if len(lines) > _SHOWN else ""
            ),
            fatal[0]["remedy"],
            {"findings": findings},
        )
    return {"changed": False, "findings": findings}


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.project(),
            {
                "apps": {"type": "list", "elements": "str", "default": []},
                "ignore": {"type": "list", "elements": "str", "default": []},
                "migrations": {"type": "list", "elements": "str", "default": []},
                "large": {"type": "list", "elements": "str", "default": []},
                "fail_on": {"type": "str", "choices": ["error", "warning", "nothing"], "default": "error"},
            },
        ),
    },
    work_on,
    writes=never,
)
