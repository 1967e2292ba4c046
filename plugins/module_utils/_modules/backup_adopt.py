# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``backup_adopt`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name
from ansible_collections.relocate.django.plugins.module_utils._site import SiteOptions, open_site
from ansible_collections.relocate.django.plugins.module_utils._steps import backup_adopt


def work_on(module: Call) -> Dict[str, Any]:
    """Look at what is given, and make a set of it unless in check mode."""
    options = backup_adopt.Options.of(module.params)
    check_site_name(options.site)
    with open_site(SiteOptions.of(module.params), backup_adopt.TOPICS) as site:
        plan = backup_adopt.plan(site, options, module.check_mode)
        result: Dict[str, Any] = {
            "changed": True,
            "label": plan.label,
            "revision": plan.revision.commit,
            "kinds": {alias: looked.kind for alias, looked in plan.looked.items()},
            "notes": plan.notes,
        }
        return result if module.check_mode else {**result, **backup_adopt.apply(site, options, plan)}


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.project(),
            _argspec.login(),
            _argspec.aliases(),
            _argspec.work(),
            {
                "dumps": {"type": "dict", "required": True},
                "media": {"type": "path"},
                "media_skip": {"type": "list", "elements": "str", "default": []},
                "revision": {"type": "str"},
                "files": {"type": "list", "elements": "str", "default": []},
                "orphans": {"type": "list", "elements": "str", "default": []},
                "allow_dirty": {"type": "bool", "default": False},
            },
        ),
    },
    work_on,
    asks=lambda params: backup_adopt.TOPICS,
)
