# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``transfer`` takes, and does it."""

from __future__ import annotations

import functools
from typing import Any, Dict, Mapping

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name
from ansible_collections.relocate.django.plugins.module_utils._steps import fetch_media as steps_fetch_media
from ansible_collections.relocate.django.plugins.module_utils._steps import transfer
from ansible_collections.relocate.django.plugins.module_utils._users import current_user


def work_on(module: Call) -> Dict[str, Any]:
    """Do what the state asks for."""
    options = transfer.Options.of(module.params)
    check_site_name(options.site)
    if options.state == "ready":
        return transfer.make_ready(options, module.check_mode)
    if options.state == "absent":
        return transfer.remove_key(options, module.check_mode)
    return transfer.fetch_set(options, module.check_mode) if options.what == "set" else fetch_media(module, options)


def ready(params: Mapping[str, Any]) -> None:
    """Open the connection that the window needs."""
    transfer.make_open(transfer.Options.of(params))


def fetch_media(module: Call, options: transfer.Options) -> Dict[str, Any]:
    """Fetch what is new in MEDIA."""
    fetch = None if module.check_mode else functools.partial(transfer.fetch_of, options)
    owner = transfer.owner_of(options) or current_user()
    return steps_fetch_media.fetch_media(steps_fetch_media.Options.of(module.params), owner, fetch)


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.work(),
            _argspec.backup_set(),
            {
                "state": {"type": "str", "choices": ["ready", "fetched", "absent"], "default": "fetched"},
                "what": {"type": "str", "choices": ["set", "media"], "default": "set"},
                "method": {"type": "str", "choices": ["ssh", "local"], "default": "ssh"},
                "host": {"type": "list", "elements": "str", "default": []},
                "port": {"type": "int", "default": 22},
                "host_keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
                "login": {"type": "str", "default": "root"},
                "owner": {"type": "str"},
                "group": {"type": "str"},
                "media": {"type": "path"},
                "delete": {"type": "bool", "default": False},
                "replace": {"type": "bool", "default": False},
                "skip": {"type": "list", "elements": "str", "default": []},
                "compress": {"type": "list", "elements": "str", "default": []},
                "source_directory": {"type": "path"},
                "media_source": {"type": "path"},
            },
        ),
        "required_if": [("what", "media", ["media"])],
    },
    work_on,
    ready=ready,
)
