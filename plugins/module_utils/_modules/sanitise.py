# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``sanitise`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name, read_record
from ansible_collections.relocate.django.plugins.module_utils._site import SiteOptions, open_site
from ansible_collections.relocate.django.plugins.module_utils._steps import clone_set, sanitise

_NOTHING: Dict[str, Any] = {"tables": {}, "statements": {}, "unrecognised": {}, "notes": []}


def work_on(module: Call) -> Dict[str, Any]:
    """Look, or sanitise what is not sanitised yet unless in check mode."""
    params = module.params
    check_site_name(params["site"])
    record = read_record(params["directory"], params["site"])
    sanitise.refuse_original(record)
    if params["state"] == "asked":
        return {"changed": False, "clone": sanitise.is_clone(record), "sanitised": [], **_NOTHING}
    if params["state"] == "placed":
        place = (params["directory"], params["of"] or "", params["site"], params["label"], params["manifest_sha256"])
        return {
            "clone": sanitise.is_clone(record),
            "sanitised": [],
            **_NOTHING,
            **clone_set.place(*place, module.check_mode),
        }
    told, todo = dict(_NOTHING), []
    with open_site(SiteOptions.of(params)) as site:
        rules = sanitise.rules_of(params["rules"] or {}, sorted(site.engines))
        sanitise.refuse_others(site, rules)
        if params["state"] == "ready":
            sanitise.look(site, rules)
        else:
            todo = sanitise.wanted(site, record)
        if todo and not module.check_mode:
            told = sanitise.apply(site, params["directory"], params["site"], record, todo, rules)
            record = read_record(params["directory"], params["site"])
        return {
            "changed": bool(todo),
            "clone": sanitise.is_clone(record),
            "sanitised": todo,
            **told,
            "notes": site.notes + told["notes"],
            "seconds": site.stopwatch.seconds(),
        }


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.project(),
            _argspec.aliases(),
            _argspec.work(),
            _argspec.backup_set(),
            {
                "of": {"type": "str"},
                "state": {"type": "str", "choices": ["asked", "placed", "ready", "sanitised"], "default": "sanitised"},
                "rules": _argspec.sanitise_rules(),
            },
        ),
        "required_if": [("state", "placed", ("of",))],
    },
    work_on,
)
