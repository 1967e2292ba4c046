# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``database`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module
from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name
from ansible_collections.relocate.django.plugins.module_utils._site import SiteOptions, open_site
from ansible_collections.relocate.django.plugins.module_utils._steps import database


def work_on(module: Call) -> Dict[str, Any]:
    """Make or drop one database after the other."""
    options = database.Options.of(module.params)
    check_site_name(options.site)
    with open_site(SiteOptions.of(module.params), options.topics()) as site:
        result = database.work(site, options, module.check_mode)
    for note in result["notes"]:
        module.warn(printable(note))
    return result


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.project(),
            _argspec.login(),
            _argspec.aliases(),
            _argspec.work(),
            {
                "state": {"type": "str", "choices": ["present", "blank", "absent"], "default": "present"},
                "recorded": {"type": "dict", "default": {}},
                "engines": {"type": "dict", "default": {}},
                "label": {"type": "str"},
                "replace": {"type": "bool", "default": False},
                "which": {"type": "str", "choices": ["all", "previous"], "default": "all"},
                "confirm": {"type": "str"},
            },
        ),
        "required_if": [("state", "absent", ["confirm"])],
    },
    work_on,
)
