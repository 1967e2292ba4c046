# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans what to do with a site's units. Pure functions of the request, the units and the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Collection, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._record.keys import Freeze, UnitBefore
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record, check_site_name
from ansible_collections.relocate.django.plugins.module_utils._services import freeze as services_freeze
from ansible_collections.relocate.django.plugins.module_utils._services.unit import Unit

STATES = ("frozen", "held", "thawed", "started", "stopped", "retired")
_TRIGGERS = (".timer", ".socket", ".path")
#: Verbs after which a unit is up.
STARTS = ("start", "restart")
#: States in which nothing of the site may run.
STILL = ("frozen", "held", "retired", "stopped")


@dataclass(frozen=True)
class Request:
    """The state that the module's options ask for. ``units`` are in the order in which they stop."""

    state: str
    units: Tuple[str, ...]
    reload: Tuple[str, ...] = ()
    enable: Optional[Tuple[str, ...]] = None  # None: every unit that can be
    freeze_limit: int = 14400  # seconds; 0 means no dead man's switch
    timeout: int = 60  # seconds for one unit, and for all to stay up
    label: str = ""
    run: str = ""
    retired: bool = False  # whether thawed brings back a retired site too
    path: str = ""  # the project's directory
    woken: Tuple[str, ...] = ()  # those of the units that a timer or path starts, and that the user did not name

    def own(self, units: Mapping[str, Unit]) -> Dict[str, Unit]:
        """Give the present states of the units that it asks for."""
        return {name: units[name] for name in self.units}


@dataclass(frozen=True)
class Action:
    """One step: a verb of systemctl, or arm, disarm, record, hold, retire, forget, drain."""

    verb: str
    unit: str = ""


def with_drain(actions: Sequence[Action], workers: Collection[str]) -> List[Action]:
    """Have queues seen to be empty before the workers stop, which comes last, and once more after that."""
    ordered = sorted(actions, key=lambda action: (action.verb == "stop") + (action.unit in workers))
    stops = [action for action in ordered if action.verb == "stop"]
    last = [action for action in stops if action.unit in workers]
    if not stops:
        return ordered
    first, drain = ordered[: len(ordered) - len(last)], [Action("drain")]
    return [*first, *drain, *last, *(drain if last else [])]


def switch_name(site: str) -> str:
    """The dead man's switch of a site, without suffix."""
    return "relocate-thaw-" + check_site_name(site)


def stop_order(units: Iterable[str]) -> List[str]:
    """As listed, but what triggers others (timers, sockets, paths) first: a stopped service must not be woken."""
    return sorted(units, key=lambda name: not name.endswith(_TRIGGERS))


def start_order(units: Iterable[str]) -> List[str]:
    """The reverse, but sockets first: systemd refuses to start one whose service already runs."""
    return sorted(reversed(stop_order(units)), key=lambda name: not name.endswith(".socket"))


def plan(request: Request, units: Mapping[str, Unit], record: Record, armed: bool = False) -> List[Action]:
    """The steps from the present states to the wanted one; empty when there is nothing to do. Reads nothing.

    :param units: present state of every unit in the request and in the record
    :param record: the site's record on this host
    :param armed: whether the dead man's switch waits
    """
    makers: Dict[str, Callable[[Request, Mapping[str, Unit], Record, bool], List[Action]]] = {
        "frozen": _plan_frozen,
        "held": _plan_held,
        "thawed": _plan_thawed,
        "started": _plan_started,
        "stopped": _plan_stopped,
        "retired": _plan_retired,
    }
    return makers[request.state](request, units, record, armed)


def _stops(request: Request, units: Mapping[str, Unit]) -> List[Action]:
    return [Action("stop", name) for name in stop_order(request.units) if not units[name].down]


def _disables(request: Request, units: Mapping[str, Unit]) -> List[Action]:
    return [Action("disable", name) for name in request.units if units[name].enabled]


def _plan_frozen(request: Request, units: Mapping[str, Unit], record: Record, armed: bool) -> List[Action]:
    stops = _stops(request, units)
    done = not stops and record.is_frozen_by(request.run, request.label)
    if done and record.retired:
        return []  # a switch would bring a retired site back to life beside the new one
    actions = [] if done and _is_known(request, record.freeze) else [Action("record")]
    before = services_freeze.states_to_keep(request.own(units), record)
    if actions or not armed:
        actions += _arms(request, before)
    # Until new is about to serve, a reboot brings old back.
    comes_back = before if record.is_held() and not record.retired else []
    return actions + _enables(comes_back, units) + stops


def _arms(request: Request, before: Iterable[UnitBefore]) -> List[Action]:
    """Arm the dead man's switch where there is a limit, and something that it could start."""
    return [Action("arm")] if request.freeze_limit and any(item.active for item in before) else []


def _is_known(request: Request, freeze: Optional[Freeze]) -> bool:
    """Whether a freeze that is not held yet has every unit of the request."""
    return freeze is not None and not freeze.held and {item.name for item in freeze.units} >= set(request.units)


def _enables(before: Iterable[UnitBefore], units: Mapping[str, Unit]) -> List[Action]:
    return [Action("enable", item.name) for item in before if _to_enable(item, units)]


def _to_enable(item: UnitBefore, units: Mapping[str, Unit]) -> bool:
    return item.enabled and not units[item.name].enabled


def _plan_held(request: Request, units: Mapping[str, Unit], record: Record, armed: bool) -> List[Action]:
    actions = [Action("disarm")] if armed else []
    actions += [] if record.is_held() else [Action("hold")]
    # Disabling a unit that is only linked would remove it: that waits until the site is retired.
    return actions + [item for item in _disables(request, units) if not units[item.unit].linked_from]


def _plan_thawed(request: Request, units: Mapping[str, Unit], record: Record, armed: bool) -> List[Action]:
    if record.is_retired() and not request.retired:
        return []  # another host may have taken over
    before = record.units_before(all_of_it=request.retired)
    actions = [Action("start", name) for name in start_order(before) if before[name].active and not units[name].up]
    actions += _enables(before.values(), units)
    actions += [Action("disarm")] if armed else []
    return actions + ([Action("forget")] if record.is_stopped() else [])


def _plan_started(request: Request, units: Mapping[str, Unit], record: Record, armed: bool) -> List[Action]:
    wanted = request.units if request.enable is None else request.enable
    # What a package brought runs since it was installed, and knows nothing of the site: supervisor, or Apache.
    fresh = bool(request.label) and not record.has_served()
    actions = _starts(request, units, fresh)
    actions += [Action("enable", name) for name in wanted if units[name].can_enable]
    return actions + _reloads(request, units, changed=bool(actions))


def _starts(request: Request, units: Mapping[str, Unit], fresh: bool) -> List[Action]:
    """Start what is down, and of what is fresh anew what is up: first, since it may hold the port of another one."""
    due = [name for name in start_order(request.units) if not units[name].job and (fresh or not units[name].up)]
    due.sort(key=lambda name: (not name.endswith(".socket"), not units[name].up))
    return [Action("restart" if units[name].up else "start", name) for name in due]


def _reloads(request: Request, units: Mapping[str, Unit], changed: bool) -> List[Action]:
    """Tell what is up of a change, and start the others: what is told may give up a port that they need."""
    up = [name for name in request.reload if units[name].up]
    starts = [Action("start", name) for name in request.reload if name not in up]
    return [Action("reload", name) for name in up if changed or starts] + starts


def _plan_stopped(request: Request, units: Mapping[str, Unit], record: Record, armed: bool) -> List[Action]:
    return _stops(request, units) + _disables(request, units)


def _plan_retired(request: Request, units: Mapping[str, Unit], record: Record, armed: bool) -> List[Action]:
    actions = [] if set(record.units_before()) >= set(request.units) else [Action("record")]
    actions += [Action("disarm")] if armed else []
    actions += _plan_stopped(request, units, record, armed)
    return actions + ([] if record.is_retired() and not actions else [Action("retire")])


def after(actions: Sequence[Action], units: Mapping[str, Unit]) -> Dict[str, Tuple[bool, bool]]:
    """Tell whether each unit is up and enabled once the actions are done."""
    state = {name: (unit.up, unit.enabled) for name, unit in units.items()}
    for action in actions:
        up, enabled = state.get(action.unit, (False, False))
        if action.verb in ("start", "restart", "stop"):
            state[action.unit] = (action.verb != "stop", enabled)
        elif action.verb in ("enable", "disable"):
            state[action.unit] = (up, action.verb == "enable")
    return state


def jobs_cut(actions: Sequence[Action], units: Mapping[str, Unit]) -> List[str]:
    """The services that run to their end and are stopped before it: only the user knows what that means."""
    return [item.unit for item in actions if item.verb == "stop" and units[item.unit].job]


def as_text(states: Mapping[str, Tuple[bool, bool]]) -> str:
    """The states of units as the diff shows them, one line each."""
    words = (("inactive", "active"), ("disabled", "enabled"))
    return "".join(
        "{0}: {1}, {2}\n".format(name, words[0][up], words[1][enabled]) for name, (up, enabled) in states.items()
    )
