# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``media_objects`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name
from ansible_collections.relocate.django.plugins.module_utils._site import SiteOptions, open_site
from ansible_collections.relocate.django.plugins.module_utils._steps import media_objects

TOPICS = ("django",)


def work_on(module: Call) -> Dict[str, Any]:
    """Copy what lies in object storage on old or on this host."""
    options = media_objects.Options.of(module.params)
    check_site_name(options.site)
    with open_site(SiteOptions.of(module.params), TOPICS) as site:
        return media_objects.work(site, options, module.check_mode)


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.project(),
            _argspec.aliases(),
            _argspec.work(),
            {
                "stores": {"type": "list", "elements": "dict", "default": []},
                "machine": {"type": "str", "default": ""},
                "on_disk": {"type": "bool", "default": False},
                "objects": {
                    "type": "str",
                    "choices": [media_objects.REFUSE, media_objects.COPY, media_objects.LEAVE],
                    "default": media_objects.REFUSE,
                },
                "credentials_file": {"type": "path"},
                "delete": {"type": "bool", "default": False},
                "skip": {"type": "list", "elements": "str", "default": []},
            },
        ),
    },
    work_on,
    asks=lambda params: TOPICS,
)
