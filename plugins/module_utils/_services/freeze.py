# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads from a site's record whether its freeze still holds. Pure functions of the record and the units.

The record's ``freeze`` holds the states before the site was frozen. ``held`` says that new is about to serve. A site
that was retired may be frozen once more, to move its old data elsewhere: ``earlier`` then keeps the freeze before
that, so that putting this run back leaves the site retired.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Event, Freeze, UnitBefore
from ansible_collections.relocate.django.plugins.module_utils._record.record import Change, Record
from ansible_collections.relocate.django.plugins.module_utils._services.unit import Unit, check_known


def states_before(units: Mapping[str, Unit], record: Record) -> List[UnitBefore]:
    """Return how each unit was before the site was first frozen: from the record, else as it is now."""
    before = record.units_before()
    for name, unit in units.items():
        known = before.get(name)
        if known is None:
            before[name] = UnitBefore(name, unit.up and not unit.job, unit.enabled, unit.linked_from)
        elif not record.is_retired():
            before[name] = replace(known, active=known.active or (unit.up and not unit.job))
    return list(before.values())


def states_to_keep(units: Mapping[str, Unit], record: Record) -> List[UnitBefore]:
    """Return what a freeze writes down: a retired site is put back to being retired, whatever it was before that."""
    return states_before(units, Record() if record.is_retired() else record)


def lost(
    record: Record, units: Mapping[str, Unit], armed: bool, boot: str, label: str = "", run: str = ""
) -> List[str]:
    """Return why the freeze cannot be relied on, one reason each; empty when the old site has been still since then."""
    freeze = record.freeze
    if freeze is None:
        return ["this host has no record of a freeze"]
    reasons = []
    if not freeze.is_of(label, run):
        reasons.append("{0} has frozen it since, for set {1}".format(freeze.run or "somebody", freeze.label))
    for item in freeze.units:
        reasons += _up_since(freeze, units[item.name], boot)
    if freeze.boot != boot:
        reasons.append("the host was started anew")
    if freeze.limit and not freeze.held and not armed:
        reasons.append("the {0} s of freeze_limit are over".format(freeze.limit))
    return reasons


def _up_since(freeze: Freeze, unit: Unit, boot: str) -> List[str]:
    if unit.up:  # whether it ran before or not: a job that somebody started writes too
        return ["{0} is active".format(unit.name)]
    if freeze.boot == boot and unit.entered > freeze.monotonic:
        return ["{0} was active in between".format(unit.name)]
    return []


def frozen_entry(record: Record, own: Mapping[str, Unit], now: Freeze) -> Freeze:
    """Return what a run writes down when it freezes the site.

    :param own: the units that the user named, as they are now
    :param now: the set, the run, this moment and the limit
    """
    known = record.freeze or Freeze()
    states = tuple(states_to_keep(own, record))
    entry = replace(now, units=states)
    if not any(item.active for item in states):
        entry = replace(entry, limit=0)  # no switch is armed: there is nothing that it could start
    if record.retired:
        return replace(entry, earlier=known if known.earlier is None else known.earlier)
    if record.freeze and all(unit.down for unit in own.values()):
        # Frozen already, by a run that ended early; only its own set goes back to before this moment.
        entry = replace(entry, at=known.at)
        if known.is_of(now.label, now.run):
            entry = replace(entry, boot=known.boot, monotonic=known.monotonic)
    return entry


def retired_entry(freeze: Freeze) -> Freeze:
    """The freeze of a site that is now retired: all that undo is to bring back."""
    return replace(freeze, units=tuple(freeze.before(all_of_it=True).values()), earlier=None)


def noted(record: Record, state: str, label: str, run: str) -> Change:
    """Return what to write down of a site that is served here (moved), was (served), or no longer is (retired).

    ``moved`` and ``retired`` of one set make a second move a no-op. ``served`` is left of ``moved`` when the site is
    stopped: what it took in meanwhile must not be replaced without a word.
    """
    if state == "stopped" and record.moved:
        return Change(record, replace(record, moved=None, served=record.moved))
    known = {"started": record.moved, "retired": record.retired, "thawed": record.served}
    if not label or state not in known or _is_of(known[state], label):
        return Change(record, record)
    event = Event(label, run, int(time.time()))
    if state == "retired":
        return Change(record, replace(record, retired=event))
    if state == "thawed":  # it serves from the set, but that is not the end of the run yet
        return Change(record, replace(record, served=event))
    # An undo that came to nothing is no longer one.
    served = None if _is_of(record.served, label) else record.served
    return Change(record, replace(record, moved=event, served=served))


def _is_of(event: Optional[Event], label: str) -> bool:
    return event is not None and event.label == label


def check_named(state: str, units: Sequence[str]) -> None:
    """Refuse to call a site frozen of which no unit is named: it would go on writing."""
    if state in ("frozen", "held", "retired") and not units:
        raise RelocateError(
            "no_services",
            "relocate_services is empty: nothing would stop the old site, and what it writes from now on would be lost",
            "add its units to relocate_services, or set relocate_allow_unfrozen: true if something else stops writes",
        )


def check_still(record: Record, units: Mapping[str, Unit]) -> None:
    """Refuse to retire a site that serves beside the new one: what it took in since is nowhere else."""
    serving = [name for name, unit in units.items() if unit.up and not unit.job] if record.serves_elsewhere() else []
    if serving:
        raise RelocateError(
            "freeze_lost",
            "the old site has been serving beside the new one since the cutover ({0} active): what it took in is not "
            "on new; nothing was stopped".format(", ".join(serving)),
            "check what data old has received, stop its units, then run the same command again",
            {"reasons": ["{0} is active".format(name) for name in serving]},
        )


def check_undoable(record: Record, units: Mapping[str, Unit], named: Sequence[str]) -> None:
    """Refuse an undo that could not bring the site back, before new is stopped for it."""
    before = record.units_before(all_of_it=True)
    if record.serves_elsewhere():
        check_known(units[name] for name, item in before.items() if item.active and not item.source)
    if named and not before and not any(units[name].up for name in named):
        raise RelocateError(
            "not_undoable",
            "this host has no record of what ran here, and no unit of the site is active",
            "start the units by hand, then run undo again",
        )
