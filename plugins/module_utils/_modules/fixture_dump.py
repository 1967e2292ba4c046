# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``fixture_dump`` takes, and does it."""

from __future__ import annotations

import os
from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._age import age
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import dump
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name
from ansible_collections.relocate.django.plugins.module_utils._site import Site, SiteOptions, engine_of, open_site
from ansible_collections.relocate.django.plugins.module_utils._steps import fixture_options

#: What a dump that follows references tells besides.
_OF_FOLLOWED = ("selected", "cut", "loose", "not_followed", "models_left_out", "masked", "unrecognised")


def target(params: Dict[str, Any]) -> str:
    """The file to write. Raises bad_option when its directory is not there."""
    path = params["dest"]
    if os.path.isdir(path):
        ending = "jsonl.zst" if params["format"] == dump.LINES else params["format"]
        ending += age.SUFFIX if params["age_recipients"] else ""
        return os.path.join(path, "{0}-{1}.{2}".format(params["site"], params["alias"], ending))
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise RelocateError("bad_option", "there is no directory {0}".format(os.path.dirname(path)), "make it first")
    return str(path)


def write(module: Call, site: Site, path: str, asked: fixture_options.Asked) -> Dict[str, Any]:
    """Write the fixture, unless in check mode; one that is there and is the same is left as it is."""
    params = module.params
    if module.check_mode:
        return {"changed": True}
    before = dump.sha256_of(path, site.project.owner)
    engine = engine_of(site, params["alias"])
    private = fixture_options.private_of(asked)
    answer = dump.dump_fixture(site, engine, path, options_of(params), private, params["age_recipients"])
    counts = answer["counts"]
    return {
        **{name: answer[name] for name in _OF_FOLLOWED if name in answer},
        "changed": dump.sha256_of(path, site.project.owner) != before,
        "objects": {label: item["objects"] for label, item in counts.items()},
        "fingerprints": {label: item["fingerprint"] for label, item in counts.items() if "fingerprint" in item},
        "left_out": answer["left_out"],
        "migrations": answer["migrations"],
        "missing_keys": answer["missing_keys"],
        "needs": answer["needs"],
        "bytes": os.path.getsize(path),
        "sha256": dump.sha256_of(path, site.project.owner),
    }


def options_of(params: Dict[str, Any]) -> Dict[str, Any]:
    """Return what the program is told, by which nothing of a row is told."""
    return {
        "format": params["format"],
        "models": params["models"],
        "exclude": params["excluded_models"],
        "keys": params["primary_keys"],
        "natural_foreign": params["natural_foreign"],
        "natural_primary": params["natural_primary"],
        "indent": params["indent"],
        "follow": params["follow"],
        "limit": params["max_objects"],
    }


def work_on(module: Call) -> Dict[str, Any]:
    """Open the one database and write."""
    params = module.params
    check_site_name(params["site"])
    asked = fixture_options.Asked.of(params)
    fixture_options.check_indent(asked)
    fixture_options.check_followed(asked)
    age.check_recipients(params["age_recipients"])
    path = target(params)
    fixture_options.check_encrypted(asked, path)
    with open_site(SiteOptions.of(params).only(params["alias"])) as site:
        result = write(module, site, path, asked)
        notes = site.notes + fixture_options.notes_on(result) + fixture_options.notes_on_followed(result)
        return dict(result, dest=path, seconds=site.stopwatch.seconds(), notes=notes)


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.project(),
            _argspec.work(),
            {
                "alias": {"type": "str", "default": "default"},
                "dest": {"type": "path", "required": True},
                "format": {"type": "str", "choices": ["lines", "json", "jsonl", "xml", "yaml"], "default": "lines"},
                "models": {"type": "list", "elements": "str", "default": []},
                "excluded_models": {"type": "list", "elements": "str", "default": [], "aliases": ["exclude"]},
                "primary_keys": {"type": "list", "elements": "str", "no_log": False},
                "natural_foreign": {"type": "bool", "default": False},
                "natural_primary": {"type": "bool", "default": False},
                "indent": {"type": "int"},
                "follow": {"type": "bool", "default": False},
                "where": {"type": "dict", "no_log": True},
                "max_objects": {"type": "int", "default": 10000},
                "anonymised": {"type": "bool", "default": False},
                "rules": _argspec.sanitise_rules(),
                "age_recipients": {"type": "list", "elements": "str", "default": []},
            },
        ),
        "required_by": {"primary_keys": ["models"], "where": ["models"]},
    },
    work_on,
)
