# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``fixture_load`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict, List

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import load
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module, tell
from ansible_collections.relocate.django.plugins.module_utils._record.record import RecordFile, check_site_name
from ansible_collections.relocate.django.plugins.module_utils._site import Site, SiteOptions, engine_of, open_site
from ansible_collections.relocate.django.plugins.module_utils._steps import fixture_files, origin, proof, swap
from ansible_collections.relocate.django.plugins.module_utils._steps.fixture_files import Files

#: The options that say what of a file is taken.
_CHOICE = ("excluded_models", "ignore_unknown", "allow_partial", "keep_made", "skip_leading")


def work_on(module: Call) -> Dict[str, Any]:
    """Open the one database and load into it."""
    params = module.params
    check_site_name(params["site"])
    fixture_files.check_there(params["src"])
    with open_site(SiteOptions.of(params).only(params["alias"])) as site:
        files = fixture_files.find(site, params["src"], params["format"] or "")
        work = merge if params["mode"] == "merge" else plan_and_load
        result = work(module, site, files)
        told = {"files": list(files.paths), "sha256": files.digest, **files.pinned}
        return dict(result, **told, seconds=site.stopwatch.seconds(), notes=site.notes)


def merge(module: Call, site: Site, files: Files) -> Dict[str, Any]:
    """Merge into the live database; in check mode everything is taken back."""
    params = module.params
    given = [name for name in ("state", "signals", "replace", "allow_partial", "keep_made") if params[name]]
    if given:
        raise RelocateError(
            "bad_option",
            "merging uses the live schema and bypasses the models, so these do not apply: {0}".format(", ".join(given)),
            "leave these out, or mode",
        )
    engine = engine_of(site, params["alias"])
    merged = load.merge_fixture(site, engine, files.given, params["format"] or "", module.check_mode, choice_of(params))
    return {
        **left_of(merged),
        "changed": any(sum(item.values()) > item["left"] for item in merged["counts"].values()),
        "merged": merged["counts"],
        "rows": merged["rows"],
        "untold": merged["untold"],
    }


def plan_and_load(module: Call, site: Site, files: Files) -> Dict[str, Any]:
    """Decide what becomes of the live database; then load, prove and swap unless in check mode."""
    params = module.params
    engine = engine_of(site, params["alias"])
    kept = RecordFile.read(params["directory"], params["site"])
    known = origin.settled(site.engines, kept.record)
    live, came_from = engine.describe(), origin.origin(engine, known)
    if live.exists and live.tables and came_from == files.digest:
        return {"changed": False}
    origin.displaced_name(engine, live, came_from, known, params["replace"])
    if module.check_mode:
        return {"changed": True}
    kept.write(known)
    with swap.incoming_dropped_on_failure([engine]):
        loaded = load.load_fixture(
            site,
            engine,
            files.given,
            params["forward"],
            params["format"] or "",
            params["state"],
            params["signals"],
            choice_of(params),
        )
        if params["replace"] and live.tables and not params["allow_partial"]:
            refuse_loss(load.models_lost(site, engine, loaded, params["excluded_models"]))
        state = proof.state_of(engine, "incoming", "")
        target = swap.Target(params["alias"], came_from, True)
        failures = swap.make_live(site, [target], {target.alias: state}, files.digest, kept, params["replace"])
    tell(module, failures)
    site.notes += notes_on(loaded)
    return {
        "changed": True,
        "objects": {label: item["objects"] for label, item in loaded["counts"].items()},
        "migrated": loaded["migrated"],
        "made": loaded["made"],
        **left_of(loaded),
    }


def choice_of(params: Dict[str, Any]) -> Dict[str, Any]:
    """Return what of a fixture is taken."""
    return {name: params[name] for name in _CHOICE}


def left_of(answer: Dict[str, Any]) -> Dict[str, Any]:
    """Return what of a fixture was not taken, and what went for it."""
    return {name: answer.get(name) or {} for name in ("excluded", "ignored", "replaced")}


def refuse_loss(lost: Dict[str, int]) -> None:
    """Refuse a fixture that would leave models empty that live has rows of. Raises fixture_partial."""
    if not lost:
        return
    named = ["{0} ({1})".format(label, rows) for label, rows in sorted(lost.items())]
    raise RelocateError(
        "fixture_partial",
        "the fixture holds nothing of models that the live database has rows of: {0}{1}".format(
            ", ".join(named[:10]), ", ..." if len(named) > 10 else ""
        ),
        "use mode: merge, list in excluded_models what may be empty, or accept it all with allow_partial",
        {"lost": lost},
    )


def notes_on(loaded: Dict[str, Any]) -> List[str]:
    """Return what a person should know of a load that went well."""
    made = ["{0} {1}".format(item["objects"], label) for label, item in sorted(loaded["made"].items())]
    notes = []
    if made:
        notes.append("made by migrations and handlers, and not in the fixture: {0}".format(", ".join(made)))
    gone = ["{0} {1}".format(len(keys), label) for label, keys in sorted((loaded.get("replaced") or {}).items())]
    if gone:
        notes.append("made by migrations and handlers, and gone for the fixture's objects: {0}".format(", ".join(gone)))
    failed = loaded.get("handlers_failed")
    if failed:
        notes.append("post_migrate handlers failed before the load: {0}".format(", ".join(failed)))
    return notes


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.project(),
            _argspec.login(),
            _argspec.work(),
            _argspec.identity(),
            {
                "alias": {"type": "str", "default": "default"},
                "src": {"type": "list", "elements": "path", "required": True},
                "format": {"type": "str", "choices": list(load.FORMS)},
                "state": {"type": "dict", "default": {}},
                "signals": {"type": "bool", "default": False},
                "skip_leading": {"type": "bool", "default": False},
                "mode": {"type": "str", "choices": ["blank", "merge"], "default": "blank"},
                "forward": {"type": "bool", "default": True},
                "replace": {"type": "bool", "default": False},
                "excluded_models": {"type": "list", "elements": "str", "default": [], "aliases": ["exclude"]},
                "ignore_unknown": {"type": "bool", "default": False},
                "allow_partial": {"type": "bool", "default": False},
                "keep_made": {"type": "bool", "default": False},
            },
        ),
    },
    work_on,
)
