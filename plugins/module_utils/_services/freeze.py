# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a site's record says of a freeze, and what that is worth: pure functions of the record and the units.

The record's ``freeze`` holds the states before the site was frozen. ``held`` says that new is about to serve. A site
that was retired may be frozen once more, to move its old data elsewhere: ``earlier`` then keeps the freeze before
that, so that putting this run back leaves the site retired.
"""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._services.systemd import Unit, check_known

Record = Mapping[str, Any]


def freeze_of(record: Record) -> Dict[str, Any]:
    """The record's freeze; empty when there is none."""
    return dict(record.get("freeze") or {})


def is_retired(record: Record) -> bool:
    """Whether the site is retired, and no run has frozen it since."""
    return bool(record.get("retired")) and "earlier" not in freeze_of(record)


def new_serves(record: Record) -> bool:
    """Whether another host serves the site, or is about to."""
    return bool(freeze_of(record).get("held") or record.get("retired"))


def recorded(record: Record, all_of_it: bool = False) -> Dict[str, Dict[str, Any]]:
    """The recorded states by unit; with ``all_of_it`` those from before the site was retired too."""
    freeze = freeze_of(record)
    known = {item["name"]: dict(item) for item in freeze.get("units", ())}
    for item in (freeze.get("earlier") or {}).get("units", ()) if all_of_it else ():
        own = known.setdefault(item["name"], dict(item))
        own.update({key: own[key] or item[key] for key in ("active", "enabled", "source")})
    return known


def states_before(units: Mapping[str, Unit], record: Record) -> List[Dict[str, Any]]:
    """How each unit was before the site was first frozen: from the record, else as it is now."""
    before = recorded(record)
    for name, unit in units.items():
        known = before.get(name)
        if known is None:
            before[name] = {
                "name": name,
                "active": unit.up and not unit.job,
                "enabled": unit.enabled,
                "source": unit.linked_from,
            }
        elif not is_retired(record):
            known["active"] = known["active"] or (unit.up and not unit.job)
    return list(before.values())


def states_to_keep(units: Mapping[str, Unit], record: Record) -> List[Dict[str, Any]]:
    """What a freeze writes down: a retired site is put back to being retired, whatever it was before that."""
    return states_before(units, {} if is_retired(record) else record)


def is_of(freeze: Mapping[str, Any], label: str, run: str) -> bool:
    """Whether a freeze was made for this set, by this run; an empty one of the two is not compared."""
    return label in ("", freeze.get("label", "")) and run in ("", freeze.get("run", ""))


def lost(
    record: Record, units: Mapping[str, Unit], armed: bool, boot: str, label: str = "", run: str = ""
) -> List[str]:
    """Why the freeze cannot be relied on, one reason each; empty when the old site has been still since then."""
    freeze = freeze_of(record)
    if not freeze:
        return ["this host has no record of a freeze"]
    reasons = []
    if not is_of(freeze, label, run):
        reasons.append("{0} has frozen it since, for set {1}".format(freeze["run"] or "somebody", freeze["label"]))
    for item in freeze["units"]:
        unit = units[item["name"]]
        if unit.up:  # whether it ran before or not: a job that somebody started writes too
            reasons.append("{0} is active".format(unit.name))
        elif freeze["boot"] == boot and unit.entered > freeze["monotonic"]:
            reasons.append("{0} was active in between".format(unit.name))
    if freeze["boot"] != boot:
        reasons.append("the host was started anew")
    if freeze["limit"] and not freeze.get("held") and not armed:
        reasons.append("the {0} s of freeze_limit are over".format(freeze["limit"]))
    return reasons


def frozen_entry(
    record: Record, own: Mapping[str, Unit], label: str, run: str, now: Mapping[str, Any]
) -> Dict[str, Any]:
    """The ``freeze`` that a run writes down.

    :param own: the units that the user named, as they are now
    :param now: ``at``, ``boot`` and ``monotonic`` of this moment, and ``limit``
    """
    known = freeze_of(record)
    states = states_to_keep(own, record)
    entry = {"label": label, "run": run, **now, "units": states}
    if not any(item["active"] for item in states):
        entry["limit"] = 0  # no switch is armed: there is nothing that it could start
    if record.get("retired"):
        entry["earlier"] = known.get("earlier", known)
    elif known and all(unit.down for unit in own.values()):
        # Frozen already, by a run that ended early; only its own set goes back to before this moment.
        kept = ("at", "boot", "monotonic") if is_of(known, label, run) else ("at",)
        entry.update({key: known[key] for key in kept})
    return entry


def retired_entry(record: Record) -> Dict[str, Any]:
    """The ``freeze`` of a site that is now retired: all that undo is to bring back."""
    freeze = freeze_of(record)
    freeze["units"] = list(recorded(record, all_of_it=True).values())
    freeze.pop("earlier", None)
    return freeze


def noted(record: Record, state: str, label: str, run: str) -> Dict[str, Any]:
    """The changes to a record by which the site is served here (moved), was (served), or no longer is (retired).

    ``moved`` and ``retired`` of one set make a second move a no-op. ``served`` is left of ``moved`` when the site is
    stopped: what it took in meanwhile must not be replaced without a word.
    """
    changes: Dict[str, Any] = {}
    if state == "stopped" and record.get("moved"):
        changes = {"moved": None, "served": record["moved"]}
    # A site that is thawed for a set serves from it, but that is not the end of the run yet.
    key = {"started": "moved", "retired": "retired", "thawed": "served"}.get(state)
    if key and label and (record.get(key) or {}).get("label") != label:
        changes = {key: {"label": label, "run": run, "at": int(time.time())}}
        if key == "moved" and (record.get("served") or {}).get("label") == label:
            changes["served"] = None  # an undo that came to nothing
    return changes


def check_named(state: str, units: Sequence[str]) -> None:
    """Refuse to call a site frozen of which no unit is named: it would go on writing."""
    if state in ("frozen", "held", "retired") and not units:
        raise RelocateError(
            "no_services",
            "no unit of the site is named: nothing would stop it on old, and what it writes from now on would be lost",
            "name its units in relocate_services, or set relocate_allow_unfrozen when something else stops its writes",
        )


def check_still(record: Record, units: Mapping[str, Unit]) -> None:
    """Refuse to retire a site that serves beside the new one: what it took in since is nowhere else."""
    serving = [name for name, unit in units.items() if unit.up and not unit.job] if new_serves(record) else []
    if serving:
        raise RelocateError(
            "freeze_lost",
            "the old site has been serving beside the new one since the cutover ({0} active): what it took in is not "
            "on new; nothing was stopped".format(", ".join(serving)),
            "see what old has taken in, stop its units, then run the same command again",
            {"reasons": ["{0} is active".format(name) for name in serving]},
        )


def check_undoable(record: Record, units: Mapping[str, Unit], named: Sequence[str]) -> None:
    """Refuse an undo that could not bring the site back, before new is stopped for it."""
    before = recorded(record, all_of_it=True)
    if new_serves(record):
        check_known(units[name] for name, item in before.items() if item["active"] and not item.get("source"))
    if named and not before and not any(units[name].up for name in named):
        raise RelocateError(
            "not_undoable",
            "this host has no record of what ran here, and no unit of the site is active",
            "start the units by hand, then run undo again",
        )
