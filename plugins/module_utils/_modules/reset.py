# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``reset`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._fixtures import load
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module, tell
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name
from ansible_collections.relocate.django.plugins.module_utils._site import SiteOptions, open_site
from ansible_collections.relocate.django.plugins.module_utils._steps import reset


def work_on(module: Call) -> Dict[str, Any]:
    """Open the one database, then empty it or make it anew."""
    options = reset.Options.of(module.params)
    check_site_name(options.site)
    reset.check_options(options)
    with open_site(SiteOptions.of(module.params).only(options.alias)) as site:
        done = reset.work(site, options, module.check_mode)
    tell(module, list(done.failures))
    return {
        "changed": done.changed,
        "lost": dict(done.rows),
        **done.told,
        "diff": done.diff(options.alias),
        "seconds": site.stopwatch.seconds(),
        "notes": site.notes,
    }


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.project(),
            _argspec.login(),
            _argspec.work(),
            {
                "alias": {"type": "str", "default": "default"},
                "state": {"type": "str", "choices": [reset.FLUSHED, reset.RESET], "required": True},
                "src": {"type": "list", "elements": "path", "default": []},
                "format": {"type": "str", "choices": list(load.FORMS)},
                "confirm": {"type": "str", "required": True},
                "accept": {
                    "type": "list",
                    "elements": "str",
                    "choices": [reset.SERVING, reset.UNSAVED],
                    "default": [],
                },
            },
        ),
    },
    work_on,
)
