# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``backup`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name, read_record
from ansible_collections.relocate.django.plugins.module_utils._site import Site, SiteOptions, open_site
from ansible_collections.relocate.django.plugins.module_utils._steps import backup, preflight, retain


def work_on(module: Call) -> Dict[str, Any]:
    """Decide what is missing, then make or remove it."""
    options = backup.Options.of(module.params)
    check_site_name(options.site)
    if options.state == "absent":
        return backup.remove(options, module.check_mode)
    there = backup.known(options)
    if there is not None:
        return there
    if options.whole and not options.frozen:
        retain.refuse_retired(read_record(options.directory, options.site))
    if options.access.is_restic:  # which compresses by itself, and finds nothing again in what others compressed
        module.params = {**module.params, "compression": "none"}
        options = backup.Options.of(module.params)
    with open_site(SiteOptions.of(module.params), options.topics) as site:
        return make(module, site, options)


def make(module: Call, site: Site, options: backup.Options) -> Dict[str, Any]:
    """Plan, and make the set unless in check mode."""
    plan = backup.plan(site, options, preflight.Options.of(module.params))
    result: Dict[str, Any] = {"changed": True, "label": plan.label, "revision": plan.revision.commit}
    if module.check_mode:
        return {**result, **backup.foreseen(options, plan)}
    return {**result, **backup.apply(site, options, plan)}


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.project(),
            _argspec.code(),
            _argspec.login(),
            _argspec.aliases(),
            _argspec.work(),
            _argspec.sequences(),
            _argspec.retention(),
            _argspec.proof(),
            _argspec.repository(),
            {
                "state": {"type": "str", "choices": ["prepared", "present", "absent"], "default": "present"},
                "label": {"type": "str"},
                "files": {"type": "list", "elements": "str", "default": []},
                "media": {"type": "bool", "default": True},
                "media_skip": {"type": "list", "elements": "str", "default": []},
                "orphans": {"type": "list", "elements": "str", "default": []},
                "frozen": {"type": "bool", "default": False},
                "first_copy": {"type": "str", "choices": ["never", "auto", "always"], "default": "never"},
                "replicate": {"type": "bool", "default": False},
                "replicate_limit": {"type": "int", "default": 4096},
                "fixtures": {"type": "bool", "default": False},
                "excluded_models": {"type": "list", "elements": "str", "default": []},
                "checked": {"type": "bool", "default": False},
                "files_ignored": {"type": "list", "elements": "str", "default": []},
                "requirements": {"type": "list", "elements": "str", "default": []},
                "command": {"type": "list", "elements": "str", "default": []},
                "pip_extra": {"type": "list", "elements": "str", "default": []},
                "pip_ignored": {"type": "list", "elements": "str", "default": []},
                "allow_unapplied": {"type": "bool", "default": False},
                "allow_dirty": {"type": "bool", "default": False},
                "age_recipients": {"type": "list", "elements": "str", "default": []},
                "neighbours_carried": {"type": "list", "elements": "str", "default": []},
                "cron": {"type": "str", "choices": ["refuse", "leave", "carry"], "default": "refuse"},
            },
        ),
        "required_if": [("state", "absent", ["label"])],
    },
    work_on,
    asks=lambda params: backup.Options.of(params).topics,
)
