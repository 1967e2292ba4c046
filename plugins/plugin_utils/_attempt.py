# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far the attempt at a site has come, and what each step of it notes: pure functions.

The playbooks say which step was reached; what a host answered is kept as it came, and given types by the report.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Mapping, Tuple

from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.plugin_utils import _options, _received, _told

State = Dict[str, Any]
_LABEL = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{12}")
#: What a step reads: the task's variables, what gives a template's value, and the time.
Known = Mapping[str, Any]
Template = Callable[[Any], Any]

_FRESH: Mapping[str, Any] = {
    "begun": 0.0,
    "asked_at": 0.0,  # when old was asked to freeze
    "frozen_at": 0.0,
    "served_at": 0.0,
    "thawed_at": 0.0,  # when old, put back, was up again
    "label": "",  # of the set that the freeze is about
    "first_copy": {},  # of the set that requests are made with before the freeze: label, digest, why it is not used
    "loaded": "",  # digest of the first copy that incoming holds on new, to which the window adds what changed since
    "copy_notes": [],  # why there is none
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


def _copied(_state: State, known: Known, _template: Template, _now: float) -> State:
    found = _of(known, "backup_result")
    return {"first_copy": {key: str(found.get(key) or "") for key in ("label", "manifest_sha256")}}


def _set_chosen(_state: State, known: Known, template: Template, _now: float) -> State:
    """Choose old's newest set, where new has no newer one: its label and digest, or why it is not brought."""
    newest = {name: _newest(_of(known, name)) for name in ("sets_on_old", "sets_on_new")}
    old, new = newest["sets_on_old"], newest["sets_on_new"]
    if not old:
        why = "old's backup sets cannot be read" if "sets" not in _of(known, "sets_on_old") else ""
        return {"first_copy": {"refused": why}}
    label, size = str(old.get("label")), _received.count(old.get("bytes")) or 0
    if str(new.get("created") or "") >= str(old.get("created")):
        return {"first_copy": {}}  # of the same moment, or later: it is the one that the rehearsal takes
    limit = _received.count(_options.value_of("rehearse_megabytes", "", known, template)) or 0
    if size > limit * 1_000_000:
        text = "old's newest set, {0}, has {1:.0f} MB, and relocate_rehearse_megabytes is {2}"
        return {"first_copy": {"refused": text.format(printable(label), size / 1e6, limit)}}
    return {"first_copy": {"label": label, "manifest_sha256": str(old.get("manifest_sha256")), "of_old": True}}


def _newest(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the last of the sets that backup_info lists, if it is one."""
    sets = [_received.mapping(item) for item in _received.items(found.get("sets"))]
    sets = [item for item in sets if not item.get("recipients")]  # what opens those is not asked for in a move
    newest = sets[-1] if sets else {}
    fits = all(isinstance(newest.get(key), str) for key in ("label", "created", "manifest_sha256"))
    return newest if fits and _LABEL.fullmatch(newest["label"]) else {}


def _copy_failed(state: State, known: Known, _template: Template, _now: float) -> State:
    why = _msg(known).split("\n", 1)[0] or "unknown"
    return {"first_copy": {**state["first_copy"], "refused": "old's newest set cannot be brought: {0}".format(why)}}


def _loaded(_state: State, known: Known, _template: Template, _now: float) -> State:
    found = _of(known, "backup_result")
    return {"loaded": str(found.get("first_copy") or ""), "copy_notes": _received.items(found.get("notes"))}


def _copy_removed(_state: State, _known: Known, _template: Template, _now: float) -> State:
    return {"first_copy": {}}


def _prepared(_state: State, known: Known, _template: Template, _now: float) -> State:
    return {
        "label": _of(known, "backup_result").get("label", ""),
        "early": {
            "backup (code, files)": _elapsed(_of(known, "backup_result")),
            "transfer (code, files)": _elapsed(_of(known, "transfer_result")),
            "media (first pass)": _elapsed(_of(known, "media_result")) + _elapsed(_of(known, "media_objects_result")),
        },
    }


def _freezing(state: State, known: Known, template: Template, now: float) -> State:
    old = template(known.get("relocate_from"))
    return {
        "asked_at": now,
        "frozen_at": now,
        "frozen": {
            "old": old,
            "site": _options.value_of("site", "", known, template),
            "run": known.get("relocate_run"),
            "label": state["label"],
            "path": _of(known, "preflight_result").get("old_path", ""),
            # What is set for new alone is not known to the play of old that puts it back.
            "directory": _options.value_of("directory", old, known, template),
        },
    }


def _in_window(state: State, known: Known, now: float) -> State:
    """Note what the calls of the window returned so far: between them there is no task for it, which would be downtime.

    Old's site was up until the first of its units stopped.
    """
    if not state["asked_at"]:
        return {}
    found = _step(known, "window_left", "freeze")
    at = min(now, float(state["asked_at"]) + _received.number(found.get("until_stop")))
    proof = dict(_step(known, "window_arrived", "verify"))
    return {"units": found.get("units", []), "frozen_at": at, "proof": proof}


def _starting(state: State, known: Known, _template: Template, now: float) -> State:
    measured = _received.mapping(_step(known, "window_held", "still").get("measured"))
    return {**_in_window(state, known, now), "still": measured.get("still", "")}


def _serving(state: State, known: Known, _template: Template, now: float) -> State:
    """Note since when the site gives right answers; where none was asked for, it is that its units have settled."""
    found = _step(known, "window_started", "start")
    at = max(float(state["frozen_at"]), now - _received.number(found.get("answered_since")))
    return {"served_at": at, "answers": found.get("answers", []), "running": _active(found)}


def _asked(_state: State, known: Known, _template: Template, _now: float) -> State:
    return {"before": dict(_of(known, "services_result")), "undo": {}}


def _failed(state: State, known: Known, template: Template, now: float) -> State:
    noted = _in_window(state, known, now) if state["phase"] == "freezing" else {}
    site = _options.value_of("site", "", known, template)
    broken = _received.mapping(_why(known).get("details")).get("broken") or []
    return {
        **noted,
        "outcome": {"failed": True, **_ended(known), "broken": broken},
        "failures": [*state["failures"], "{0}: {1}".format(site, _msg(known, "unknown"))],
    }


def _unfinished(_state: State, known: Known, _template: Template, _now: float) -> State:
    return {"outcome": {"unfinished": True, **_ended(known)}}


def _thawed(state: State, known: Known, _template: Template, now: float) -> State:
    found = _of(known, "services_result")
    frozen = _received.yes(found.get("frozen"))  # a site that was retired before this run still is
    noted = _more(state, old_serves=not frozen, old_units=_active(found), old_rests=frozen)
    return {**noted, "thawed_at": 0.0 if frozen else now}


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


def _hook_failed(state: State, known: Known, template: Template, _now: float) -> State:
    """Note a hook that failed once a site served: nothing is put back for it."""
    ended = {} if state["outcome"] else {"unfinished": True, **_ended(known)}
    left = "{0}: {1}".format(_ended(known)["task"], _msg(known, "unknown"))
    site = _options.value_of("site", "", known, template)
    text = "{0}: the site serves, but a hook failed, and does not run again by itself: {1}".format(site, left)
    return {**_more(state, **ended, hook_left=left), "failures": [*state["failures"], text]}


def _forward_failed(state: State, known: Known, template: Template, _now: float) -> State:
    """Note that old does not send visitors on: new serves, and nothing is put back for it."""
    ended = {} if state["outcome"] else {"unfinished": True, **_ended(known)}
    site = _options.value_of("site", "", known, template)
    text = "{0}: the site serves, but old does not send visitors on to it: {1}".format(site, _msg(known, "unknown"))
    noted = _more(state, **ended, forward_left=_msg(known, "unknown"))
    return {**noted, "failures": [*state["failures"], text]}


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
    "switching": _no_note,  # a conversion changes the settings
    "starting": _starting,
    "serving": _serving,
    "asked": _asked,
    "stopping": _no_note,  # an undo stops new
    "undone": _no_note,
}
STEPS: Mapping[str, Callable[[State, Known, Template, float], State]] = {
    **PHASES,
    "copied": _copied,
    "set_chosen": _set_chosen,
    "copy_failed": _copy_failed,
    "copy_removed": _copy_removed,
    "loaded": _loaded,
    "undoing": _undoing,
    "prepared": _prepared,
    "failed": _failed,
    "unfinished": _unfinished,
    "thawed": _thawed,
    "not_put_back": _not_put_back,
    "stopped": _stopped,
    "stopped_unseen": _stopped_unseen,
    "key_left": _key_left,
    "set_left": _set_left,
    "hook_failed": _hook_failed,
    "forward_failed": _forward_failed,
    "rehearsed": _rehearsed,
    "settled": _settled,
    "serves_on": _serves_on,
    "serves_nowhere": _serves_nowhere,
}
_EVERY = ("phase", *_FRESH, *_KEPT)


def _of(known: Known, name: str) -> Mapping[str, Any]:
    return _received.mapping(known.get(name))


def _step(known: Known, call: str, name: str) -> Mapping[str, Any]:
    """Return what one step of a call in the window returned."""
    return _received.mapping(_received.mapping(_of(known, call).get("returned")).get(name))


def _elapsed(found: Mapping[str, Any]) -> float:
    return _received.number(found.get("elapsed"))


def _active(found: Mapping[str, Any]) -> List[Any]:
    units = [_received.mapping(unit) for unit in _received.items(found.get("units"))]
    return [unit.get("name", "") for unit in units if _received.yes(unit.get("active"))]


def _why(known: Known) -> Mapping[str, Any]:
    return _told.whole(known.get("ansible_failed_result"))


def _msg(known: Known, otherwise: str = "") -> str:
    return "\n".join(printable(line) for line in str(_why(known).get("msg") or otherwise).split("\n"))


def _ended(known: Known) -> State:
    task = _of(known, "ansible_failed_task").get("name", "")
    step = _received.name(_received.mapping(_why(known).get("details")).get("step"))
    if step:  # one of several in this task
        task = "{0} ({1})".format(task, step)
    return {"task": task, "code": _why(known).get("code", ""), "msg": _why(known).get("msg", "")}


def _more(state: State, **noted: Any) -> State:
    return {"outcome": {**state["outcome"], **noted}}


#: The steps of the window as the report names them, and the calls and steps that each is.
_WINDOW: Mapping[str, Tuple[str, Tuple[str, ...]]] = {
    "freeze": ("window_left", ("freeze",)),
    "backup": ("window_left", ("backup",)),
    "transfer": ("window_arrived", ("transfer",)),
    "media": ("window_arrived", ("media", "objects")),
    **{name: ("window_arrived", (name,)) for name in ("restore", "migrate", "verify")},
    "last look at old": ("window_held", ("still", "hold")),
    "start": ("window_started", ("start",)),
}


#: What of a step's time is not downtime: old still ran, or new gave its answers already.
_UP = ("until_stop", "answered_since")


def _window_seconds(known: Known) -> Dict[str, float]:
    """Return what each step of the window took of the downtime."""
    return {label: sum(_down(_step(known, call, name)) for name in names) for label, (call, names) in _WINDOW.items()}


def _down(found: Mapping[str, Any]) -> float:
    return max(0.0, round(_elapsed(found) - sum(_received.number(found.get(key)) for key in _UP), 2))


def outcome_of(known: Known, template: Template) -> State:
    """Return how the move of a site went, out of the attempt and of what the modules returned; the report reads it."""
    state = {**_FRESH, **_of(known, "relocate_attempt")}
    proof = _received.mapping(state["proof"])
    preflight, backup = _of(known, "preflight_result"), _step(known, "window_left", "backup")
    arrived = {
        name: _step(known, "window_arrived", name) for name in ("transfer", "media", "objects", "restore", "migrate")
    }
    forward = _of(known, "forward_result")
    restore, migrate, transfer = arrived["restore"], arrived["migrate"], arrived["transfer"]
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
        "notes": _noted(
            *(_of(known, "rehearse_result"), {"notes": state["copy_notes"]}, backup, arrived["objects"]),
            *(restore, proof, forward),
        ),
        "forward": _forwarding(forward),
        "stopped": [unit.get("name", "") for unit in units if _received.yes(unit.get("was_active"))],
        "measured": _measured(state, restore, arrived["objects"]),
        "media_previous": arrived["media"].get("previous", ""),
        "bytes": transfer.get("bytes", 0),
        "seconds": {
            name: step.get("seconds", {})
            for name, step in (("backup", backup), ("transfer", transfer), ("restore", restore), ("verify", proof))
        },
        "steps": {
            **{label: _elapsed(_of(known, name)) for label, name in _BEFORE.items()},
            **state["early"],
        },
        "window": _window_seconds(known),
    }
    kept = {key: state[key] for key in ("begun", "frozen_at", "served_at", "thawed_at", "running")}
    return {**_received.mapping(state["outcome"]), **found, **kept}


def _measured(state: State, restore: Mapping[str, Any], objects: Mapping[str, Any]) -> Dict[str, Any]:
    return {
        "restore": restore.get("measured", {}),
        "verify": _received.mapping(state["proof"]).get("measured", {}),
        "objects": objects.get("copied", []),
        "still": state["still"],
        "answers": state["answers"],
    }


def _forwarding(found: Mapping[str, Any]) -> str:
    """Say where old sends visitors on to, and by what; "" where it does not."""
    if not _received.yes(found.get("forwards")):
        return ""
    return "{0} ({1})".format(_received.text(found.get("to")), _received.text(found.get("by")))


def _noted(*steps: Mapping[str, Any]) -> List[Any]:
    return _unique([note for step in steps for note in _received.items(step.get("notes"))])


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
        _requests(found),
    ]


def _requests(found: Mapping[str, Any]) -> str:
    """Say how many pages were asked for, and with whose data."""
    pages = len(_received.items(found.get("requests")))
    if not pages:
        return "but no request with the data"
    label = printable(str(found.get("set", "")))
    when = re.match(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)", label, re.ASCII)
    day = "{0}-{1}-{2} {3}:{4} UTC, set ".format(*when.groups()) if when else ""
    return "{0} requests with the data of {1}{2}".format(pages, day, label)


#: The steps before the freeze whose seconds the report shows, and the result that holds them.
_BEFORE = {
    "preflight on old": "preflight_on_old",
    "preflight on new": "preflight_on_new",
    "checkout": "checkout_result",
    "blank databases": "database_result",
    "rehearsal": "rehearse_result",
}


def _unique(items: List[Any]) -> List[Any]:
    found: List[Any] = []
    for item in items:
        if item not in found:
            found.append(item)
    return found
