# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``conversion_scan`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._engines.registry import ENGINES
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import scan
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module, never
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name
from ansible_collections.relocate.django.plugins.module_utils._site import SiteOptions, engine_of, open_site


def work_on(module: Call) -> Dict[str, Any]:
    """Scan one alias; whatever is found is one error."""
    params = module.params
    check_site_name(params["site"])
    with open_site(SiteOptions.of(params).only(params["alias"])) as site:
        engine = engine_of(site, params["alias"])
        current = engine.config.engine
        found: Dict[str, Any] = {"findings": [], "rows": 0}
        needed = current != params["engine"]
        if needed:
            found = scan.scan(site, engine, params["engine"], params["excluded_models"])
        seconds = site.stopwatch.seconds()
    if found["findings"]:
        lines = [scan.sentence(item) for item in found["findings"]]
        raise RelocateError(
            "not_convertible",
            "{0} would not take everything: {1}{2}".format(
                params["engine"], "; ".join(lines[:10]), "; ..." if len(lines) > 10 else ""
            ),
            found["findings"][0]["remedy"],
            {"findings": found["findings"]},
        )
    result = {"findings": [], "current": current, "needed": needed, "rows": found["rows"]}
    return {"changed": False, **result, "seconds": seconds}


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.project(),
            _argspec.work(),
            {
                "alias": {"type": "str", "default": "default"},
                "engine": {"type": "str", "choices": [kind.name for kind in ENGINES], "required": True},
                "excluded_models": {"type": "list", "elements": "str", "default": []},
            },
        ),
    },
    work_on,
    writes=never,
)
