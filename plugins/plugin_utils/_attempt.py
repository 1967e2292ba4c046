# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far the attempt at a site has come, and what each step of it notes: pure functions.

The playbooks say which step was reached; what a host answered is kept as it came, and given types by the report.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping

from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.plugin_utils import _options, _received

State = Dict[str, Any]
#: What a step reads: the task's variables, what gives a template's value, and the time.
Known = Mapping[str, Any]
Template = Callable[[Any], Any]

_FRESH: Mapping[str, Any] = {
    "begun": 0.0,
    "frozen_at": 0.0,
    "served_at": 0.0,
    "label": "",  # of the set that the freeze is about
    "early": {},  # seconds of the steps before the freeze, whose results those after it replace
    "units": [],  # as the freeze found them on old
    "proof": {},
    "still": "",  # what says that nobody wrote to old since its dump
    "answers": [],
    "running": [],
    "outcome": {},  # what went wrong, and how both hosts were left
    "before": {},  # what ran on new before an undo
}
#: What outlives a site: for the play that follows when new was lost, and for the end of the run.
_KEPT: Mapping[str, Any] = {"frozen": {}, "undo": {}, "failures": []}


def advance(step: str, known: Known, template: Template, now: float) -> State:
    """Return the state of the attempt after a step, one of :data:`STEPS`.

    :param known: the task's variables: ``relocate_attempt`` as it was, and what the modules before this step returned
    """
    before = _received.mapping(known.get("relocate_attempt"))
    run = str(known.get("relocate_run") or "")
    kept = before if before.get("run") == run else {}
    state = {"run": run, "phase": "", **_FRESH, **_KEPT, **{key: kept[key] for key in _EVERY if key in kept}}
    noted = STEPS[step](state, known, template, now)
    return {**state, **({"phase": step} if step in PHASES else {}), **noted}


def _begun(_state: State, _known: Known, _template: Template, now: float) -> State:
    return {**_FRESH, "begun": now}


#: What starting a site on old reads in its entry: the state is shown by ``-v``, and other keys may hold passwords.
_OF_ENTRY = ("name", "services", "reload", "allow_unfrozen", "freeze_limit")


def _without_secrets(entry: Any) -> State:
    found = _received.mapping(entry)
    return {key: found[key] for key in _OF_ENTRY if key in found}


def _undoing(_state: State, known: Known, template: Template, _now: float) -> State:
    old = template(known.get("relocate_from"))
    return {
        "undo": {
            "old": old,
            "sites": [_without_secrets(item) for item in _received.items(template(known.get("relocate_sites")))],
            "run": known.get("relocate_run"),
            # What is set for new alone is not known to the play of old.
            "directory": _options.value_of("directory", old, known, template),
            "site": _options.value_of("site", "", known, template),
            "services": _options.value_of("services", "", known, template),
        }
    }


def _freezing(_state: State, known: Known, template: Template, now: float) -> State:
    old, label = template(known.get("relocate_from")), _of(known, "backup_result").get("label", "")
    return {
        "frozen_at": now,
        "label": label,
        "early": {
            "backup (code, files)": _elapsed(known, "backup_result"),
            "transfer (code, files)": _elapsed(known, "transfer_result"),
            "media (first pass)": _elapsed(known, "media_result"),
        },
        "frozen": {
            "old": old,
            "site": _options.value_of("site", "", known, template),
            "run": known.get("relocate_run"),
            "label": label,
            "path": _of(known, "preflight_result").get("old_path", ""),
            # What is set for new alone is not known to the play of old that puts it back.
            "directory": _options.value_of("directory", old, known, template),
        },
    }


def _frozen(_state: State, known: Known, _template: Template, _now: float) -> State:
    return {"units": _of(known, "services_result").get("units", [])}


def _compared(_state: State, known: Known, _template: Template, _now: float) -> State:
    return {"proof": dict(_of(known, "verify_result"))}


def _starting(state: State, known: Known, _template: Template, _now: float) -> State:
    found = dict(_of(known, "verify_result"))
    # New's own proof says nothing of old: then nobody asked.
    measured = _received.mapping(found.get("measured")) if found != state["proof"] else {}
    return {"still": measured.get("still", "")}


def _serving(_state: State, known: Known, _template: Template, now: float) -> State:
    found = _of(known, "services_result")
    return {"served_at": now, "answers": found.get("answers", []), "running": _active(found)}


def _asked(_state: State, known: Known, _template: Template, _now: float) -> State:
    return {"before": dict(_of(known, "services_result")), "undo": {}}


def _failed(state: State, known: Known, template: Template, _now: float) -> State:
    site = _options.value_of("site", "", known, template)
    broken = _received.mapping(_why(known).get("details")).get("broken") or []
    return {
        "outcome": {"failed": True, **_ended(known), "broken": broken},
        "failures": [*state["failures"], "{0}: {1}".format(site, _msg(known, "unknown"))],
    }


def _unfinished(_state: State, known: Known, _template: Template, _now: float) -> State:
    return {"outcome": {"unfinished": True, **_ended(known)}}


def _thawed(state: State, known: Known, _template: Template, _now: float) -> State:
    found = _of(known, "services_result")
    frozen = _received.yes(found.get("frozen"))  # a site that was retired before this run still is
    return _more(state, old_serves=not frozen, old_units=_active(found), old_rests=frozen)


def _not_put_back(state: State, known: Known, _template: Template, _now: float) -> State:
    return _more(state, put_back="{0}: {1}".format(_ended(known)["task"], _msg(known)))


def _stopped(state: State, known: Known, _template: Template, _now: float) -> State:
    return _more(state, taken_in=_received.items(_of(known, "verify_result").get("taken_in")))


def _stopped_unseen(state: State, known: Known, _template: Template, _now: float) -> State:
    return _more(state, taken_in=["what is there was not compared: " + _msg(known, "unknown")])


def _key_left(state: State, known: Known, _template: Template, _now: float) -> State:
    return _more(state, key_left=_msg(known, "unknown"))


def _set_left(state: State, known: Known, _template: Template, _now: float) -> State:
    label = state["label"] or _of(known, "backup_result").get("label", "")
    return _more(state, set_left="{0}: {1}".format(label, _msg(known, "unknown")))


def _rehearsed(state: State, _known: Known, _template: Template, _now: float) -> State:
    return _more(state, rehearsed=True)


def _settled(state: State, _known: Known, _template: Template, _now: float) -> State:
    return {} if "put_back" in state["outcome"] else {"frozen": {}}


def _serves_on(state: State, known: Known, _template: Template, _now: float) -> State:
    text = "the site serves on {0} again".format(known["inventory_hostname"])
    return {"failures": [*state["failures"], text]}


def _serves_nowhere(state: State, known: Known, _template: Template, _now: float) -> State:
    return {"failures": [*state["failures"], "CHECK BOTH HOSTS: " + _msg(known, "unknown")]}


def _no_note(_state: State, _known: Known, _template: Template, _now: float) -> State:
    return {}


#: The steps that are phases: until the next of them, the attempt is there. What goes wrong in a phase leaves it there.
PHASES: Mapping[str, Callable[[State, Known, Template, float], State]] = {
    "begun": _begun,
    "freezing": _freezing,
    "frozen": _frozen,
    "compared": _compared,
    "switching": _no_note,  # a conversion changes the settings
    "starting": _starting,
    "serving": _serving,
    "asked": _asked,
    "stopping": _no_note,  # an undo stops new
    "undone": _no_note,
}
STEPS: Mapping[str, Callable[[State, Known, Template, float], State]] = {
    **PHASES,
    "undoing": _undoing,
    "failed": _failed,
    "unfinished": _unfinished,
    "thawed": _thawed,
    "not_put_back": _not_put_back,
    "stopped": _stopped,
    "stopped_unseen": _stopped_unseen,
    "key_left": _key_left,
    "set_left": _set_left,
    "rehearsed": _rehearsed,
    "settled": _settled,
    "serves_on": _serves_on,
    "serves_nowhere": _serves_nowhere,
}
_EVERY = ("phase", *_FRESH, *_KEPT)


def _of(known: Known, name: str) -> Mapping[str, Any]:
    return _received.mapping(known.get(name))


def _elapsed(known: Known, name: str) -> float:
    return _received.number(_of(known, name).get("elapsed"))


def _active(found: Mapping[str, Any]) -> List[Any]:
    units = [_received.mapping(unit) for unit in _received.items(found.get("units"))]
    return [unit.get("name", "") for unit in units if _received.yes(unit.get("active"))]


def _why(known: Known) -> Mapping[str, Any]:
    return _of(known, "ansible_failed_result")


def _msg(known: Known, otherwise: str = "") -> str:
    return "\n".join(printable(line) for line in str(_why(known).get("msg") or otherwise).split("\n"))


def _ended(known: Known) -> State:
    task = _of(known, "ansible_failed_task").get("name", "")
    return {"task": task, "code": _why(known).get("code", ""), "msg": _why(known).get("msg", "")}


def _more(state: State, **noted: Any) -> State:
    return {"outcome": {**state["outcome"], **noted}}


def outcome_of(known: Known, template: Template) -> State:
    """Return how the move of a site went, out of the attempt and of what the modules returned; the report reads it."""
    state = {**_FRESH, **_of(known, "relocate_attempt")}
    proof = _received.mapping(state["proof"])
    preflight, backup, restore = (_of(known, name + "_result") for name in ("preflight", "backup", "restore"))
    migrate, transfer = _of(known, "migrate_result"), _of(known, "transfer_result")
    units = [_received.mapping(unit) for unit in _received.items(state["units"])]
    found = {
        "old": template(known.get("relocate_from")),
        "new": known.get("inventory_hostname"),
        "run": known.get("relocate_run", ""),
        "starting": state.get("phase") in ("starting", "serving"),
        "unfrozen": not _options.value_of("services", "", known, template),
        "next": preflight.get("next", ""),
        "done": preflight.get("done", False),
        "label": state["label"] or preflight.get("label", ""),
        "manifest_sha256": backup.get("manifest_sha256", ""),
        "revision": _of(known, "checkout_result").get("revision", ""),
        "tried": _tried(_of(known, "rehearse_result")),
        "tables": restore.get("tables", {}),
        "migrations": migrate.get("plan", {}),
        "migrated": migrate.get("databases", {}),
        "warnings": proof.get("warnings_of_check", []),
        "proven": proof.get("proven", False),
        "notes": _unique(_received.items(restore.get("notes")) + _received.items(proof.get("notes"))),
        "stopped": [unit.get("name", "") for unit in units if _received.yes(unit.get("was_active"))],
        "measured": {
            "restore": restore.get("measured", {}),
            "verify": proof.get("measured", {}),
            "still": state["still"],
            "answers": state["answers"],
        },
        "media_previous": _of(known, "media_result").get("previous", ""),
        "bytes": transfer.get("bytes", 0),
        "seconds": {
            "backup": backup.get("seconds", {}),
            "transfer": transfer.get("seconds", {}),
            "restore": restore.get("seconds", {}),
            "verify": proof.get("seconds", {}),
        },
        "steps": {**state["early"], **{label: _elapsed(known, name) for label, name in _STEPS_SHOWN.items()}},
    }
    found["steps"]["verify"] = _received.number(proof.get("elapsed"))
    kept = {key: state[key] for key in ("begun", "frozen_at", "served_at", "running")}
    return {**_received.mapping(state["outcome"]), **found, **kept}


def _tried(found: Mapping[str, Any]) -> List[str]:
    """Say what was tried on new before the freeze."""
    if "units" not in found:
        return []
    tests = _received.items(found.get("tests"))
    return [
        "{0} units can start".format(_received.count(found["units"]) or 0) if found["units"] else "",
        "configuration of {0}".format(", ".join(map(str, tests))) if tests else "",
        "imports of a first request",
        "Django's check" if _received.yes(found.get("checked")) else "",
    ]


#: The steps whose seconds the report shows, and the result that holds them.
_STEPS_SHOWN = {
    "preflight on old": "preflight_on_old",
    "preflight on new": "preflight_on_new",
    "checkout": "checkout_result",
    "blank databases": "database_result",
    "rehearsal": "rehearse_result",
    "backup": "backup_result",
    "transfer": "transfer_result",
    "media": "media_result",
    "restore": "restore_result",
    "migrate": "migrate_result",
}


def _unique(items: List[Any]) -> List[Any]:
    found: List[Any] = []
    for item in items:
        if item not in found:
            found.append(item)
    return found
