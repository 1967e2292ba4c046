# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``fixture_dump`` takes, and does it."""

from __future__ import annotations

import os
from typing import Any, Dict, List

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import dump
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name
from ansible_collections.relocate.django.plugins.module_utils._site import Site, SiteOptions, engine_of, open_site

#: The widest indentation: each level of JSON has so many spaces.
_WIDEST = 16


def target(params: Dict[str, Any]) -> str:
    """The file to write. Raises bad_option when its directory is not there."""
    path = params["dest"]
    if os.path.isdir(path):
        ending = "jsonl.zst" if params["format"] == dump.LINES else params["format"]
        return os.path.join(path, "{0}-{1}.{2}".format(params["site"], params["alias"], ending))
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise RelocateError("bad_option", "there is no directory {0}".format(os.path.dirname(path)), "make it first")
    return str(path)


def write(module: Call, site: Site, path: str) -> Dict[str, Any]:
    """Write the fixture, unless in check mode; one that is there and is the same is left as it is."""
    params = module.params
    if module.check_mode:
        return {"changed": True}
    before = dump.sha256_of(path, site.project.owner)
    options = {
        "format": params["format"],
        "models": params["models"],
        "exclude": params["excluded_models"],
        "keys": params["primary_keys"],
        "natural_foreign": params["natural_foreign"],
        "natural_primary": params["natural_primary"],
        "indent": params["indent"],
    }
    answer = dump.dump_fixture(site, engine_of(site, params["alias"]), path, options)
    counts = answer["counts"]
    return {
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


def work_on(module: Call) -> Dict[str, Any]:
    """Open the one database and write."""
    params = module.params
    check_site_name(params["site"])
    check_indent(params)
    path = target(params)
    with open_site(SiteOptions.of(params).only(params["alias"])) as site:
        result = write(module, site, path)
        notes = site.notes + notes_on(result)
        return dict(result, dest=path, seconds=site.stopwatch.seconds(), notes=notes)


def check_indent(params: Dict[str, Any]) -> None:
    """Refuse to lay out what is written line by line. Raises bad_option."""
    indent, laid_out = params["indent"], ("json", "xml", "yaml")
    if indent is None:
        return
    if params["format"] not in laid_out:
        raise RelocateError(
            "bad_option",
            "the format {0} has an object a line, so there is nothing to indent".format(params["format"]),
            "leave out indent, or set format to one of: {0}".format(", ".join(laid_out)),
        )
    if not 0 <= indent <= _WIDEST:
        raise RelocateError(
            "bad_option", "indent is {0}, not a number of spaces".format(indent), "write 0 to {0}".format(_WIDEST)
        )


def notes_on(result: Dict[str, Any]) -> List[str]:
    """Return what whoever chose models and keys should know."""
    notes = []
    if result.get("missing_keys"):
        notes.append("no object has these keys: {0}".format(", ".join(result["missing_keys"])))
    if result.get("needs"):
        notes.append(
            "what was written can be loaded only where rows of these parents are: {0}".format(
                ", ".join(result["needs"])
            )
        )
    return notes


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
            },
        ),
        "required_by": {"primary_keys": ["models"]},
    },
    work_on,
)
