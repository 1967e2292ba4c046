# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``fixture_dump`` takes, and does it."""

from __future__ import annotations

import os
from typing import Any, Dict, List

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._age import age
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import dump
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name
from ansible_collections.relocate.django.plugins.module_utils._site import Site, SiteOptions, engine_of, open_site
from ansible_collections.relocate.django.plugins.module_utils._steps import sanitise

#: What a dump that follows references tells besides.
_OF_FOLLOWED = ("selected", "cut", "loose", "not_followed", "models_left_out", "masked", "unrecognised")
#: The widest indentation: each level of JSON has so many spaces.
_WIDEST = 16


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


def write(module: Call, site: Site, path: str) -> Dict[str, Any]:
    """Write the fixture, unless in check mode; one that is there and is the same is left as it is."""
    params = module.params
    if module.check_mode:
        return {"changed": True}
    before = dump.sha256_of(path, site.project.owner)
    engine = engine_of(site, params["alias"])
    private = private_of(params)
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


def private_of(params: Dict[str, Any]) -> Dict[str, Any]:
    """Return what no list of processes may show. Raises bad_option."""
    rules = sanitise.rules_of(params["rules"] or {}, [params["alias"]]) if params["anonymised"] else None
    return {"where": params["where"] or {}, "anonymise": rules}


def work_on(module: Call) -> Dict[str, Any]:
    """Open the one database and write."""
    params = module.params
    check_site_name(params["site"])
    check_indent(params)
    check_followed(params)
    age.check_recipients(params["age_recipients"])
    path = target(params)
    check_encrypted(params, path)
    with open_site(SiteOptions.of(params).only(params["alias"])) as site:
        result = write(module, site, path)
        notes = site.notes + notes_on(result) + notes_on_followed(result)
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


def check_followed(params: Dict[str, Any]) -> None:
    """Refuse what does not go with the rest. Raises bad_option."""
    needing = [name for name in ("where", "anonymised") if params[name]]
    if needing and not params["follow"]:
        raise RelocateError(
            "bad_option", "{0} needs follow: true".format(" and ".join(needing)), "set follow, or leave it out"
        )
    if params["follow"] and params["format"] == dump.LINES:
        raise RelocateError(
            "bad_option",
            "what is followed is written in one of Django's formats, and format is {0}".format(dump.LINES),
            "set format to json, jsonl, xml or yaml",
        )
    if params["rules"] is not None and not params["anonymised"]:
        raise RelocateError("bad_option", "rules are given, and nothing is masked", "set anonymised: true too")
    unfit = [name for name in ("sql", "command") if (params["rules"] or {}).get(name)]
    if unfit:
        raise RelocateError(
            "bad_option",
            "{0} of rules changes a database, and a fixture's objects are masked on their way".format(unfit[0]),
            "name the columns in columns of rules instead, and leave {0} out".format(" and ".join(unfit)),
        )
    if params["max_objects"] < 1:
        raise RelocateError("bad_option", "max_objects is {0}".format(params["max_objects"]), "write 1 or more")


def check_encrypted(params: Dict[str, Any], path: str) -> None:
    """Refuse a name that says something else than what the file is. Raises bad_option."""
    if bool(params["age_recipients"]) == path.endswith(age.SUFFIX):
        return
    if params["age_recipients"]:
        raise RelocateError(
            "bad_option",
            "the fixture is encrypted, and the name {0} does not say so".format(os.path.basename(path)),
            "let dest end in {0}".format(age.SUFFIX),
        )
    raise RelocateError(
        "bad_option",
        "the name {0} says that the fixture is encrypted".format(os.path.basename(path)),
        "set age_recipients, or another dest",
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


def notes_on_followed(result: Dict[str, Any]) -> List[str]:
    """Return what whoever had references followed should know."""
    if "selected" not in result:
        return []
    notes = [] if result["objects"] else ["no object was chosen"]
    for name, text in (
        ("cut", "references that are empty in the fixture, since what they refer to is left out"),
        ("loose", "references to no object that the fixture could hold, written as they are"),
    ):
        if result[name]:
            told = ["{0} ({1})".format(field, count) for field, count in sorted(result[name].items())]
            notes.append("{0}: {1}".format(text, ", ".join(told)))
    if result["not_followed"]:
        notes.append("fields of a kind that is not known, and not followed: " + ", ".join(result["not_followed"]))
    if result["unrecognised"]:
        told = ["{table}.{column} ({looks_like}, {rows})".format(**one) for one in result["unrecognised"]]
        notes.append("no rule names these: {0}".format(", ".join(told)))
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
