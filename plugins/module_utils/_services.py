# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The systemd units of a site: what to do with them (:func:`plan`), and doing it (:class:`Services`).

Stopping the old site is the one thing that we alter there, so it is written down before it happens and undone from
that record. A timer of systemd's own, the dead man's switch, starts the units again when nobody comes back.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils import _freeze
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import check_site_name, read_record, update_record
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle
from ansible_collections.relocate.django.plugins.module_utils._systemd import (
    RUNNING,
    Systemd,
    Unit,
    check_known,
    unit_name,
)

STATES = ("frozen", "held", "thawed", "started", "stopped", "retired")
_TRIGGERS = (".timer", ".socket", ".path")
#: States in which nothing of the site may run.
_STILL = ("frozen", "held", "retired", "stopped")
#: The host's own: they are not a site's to stop.
_TARGETS = ("multi-user.target", "graphical.target", "default.target", "basic.target", "sysinit.target")
#: Where enabling a unit makes links.
_OWN = ("/etc/systemd/system", "/run/systemd/system")
_SETTLE = 1.5  # seconds for which a started unit must stay up before it counts as started


@dataclass(frozen=True)
class Wish:
    """What the module's options ask for. ``units`` are in the order in which they stop."""

    state: str
    units: Tuple[str, ...]
    reload: Tuple[str, ...] = ()
    enable: Optional[Tuple[str, ...]] = None  # None: every unit that can be
    freeze_limit: int = 14400  # seconds; 0 means no dead man's switch
    timeout: int = 60  # seconds for one unit, and for all to stay up
    label: str = ""
    run: str = ""
    retired: bool = False  # whether thawed brings back a retired site too
    woken: Tuple[str, ...] = ()  # those of the units that a timer or path starts, and that the user did not name


@dataclass(frozen=True)
class Action:
    """One step: a verb of systemctl, or arm, disarm, record, hold, retire, forget."""

    verb: str
    unit: str = ""


def switch_name(site: str) -> str:
    """The dead man's switch of a site, without suffix."""
    return "relocate-thaw-" + check_site_name(site)


def stop_order(units: Iterable[str]) -> List[str]:
    """As listed, but what triggers others (timers, sockets, paths) first: a stopped service must not be woken."""
    return sorted(units, key=lambda name: not name.endswith(_TRIGGERS))


def start_order(units: Iterable[str]) -> List[str]:
    """The reverse, but sockets first: systemd refuses to start one whose service already runs."""
    return sorted(reversed(stop_order(units)), key=lambda name: not name.endswith(".socket"))


def plan(wish: Wish, units: Mapping[str, Unit], record: Mapping[str, Any], armed: bool = False) -> List[Action]:
    """The steps from the present states to the wanted one; empty when there is nothing to do. Reads nothing.

    :param units: present state of every unit of the wish and of the record
    :param record: the site's record on this host
    :param armed: whether the dead man's switch waits
    """
    makers: Dict[str, Callable[[Wish, Mapping[str, Unit], Mapping[str, Any], bool], List[Action]]] = {
        "frozen": _plan_frozen,
        "held": _plan_held,
        "thawed": _plan_thawed,
        "started": _plan_started,
        "stopped": _plan_stopped,
        "retired": _plan_retired,
    }
    return makers[wish.state](wish, units, record, armed)


def _stops(wish: Wish, units: Mapping[str, Unit]) -> List[Action]:
    return [Action("stop", name) for name in stop_order(wish.units) if not units[name].down]


def _disables(wish: Wish, units: Mapping[str, Unit]) -> List[Action]:
    return [Action("disable", name) for name in wish.units if units[name].enabled]


def _plan_frozen(wish: Wish, units: Mapping[str, Unit], record: Mapping[str, Any], armed: bool) -> List[Action]:
    stops = _stops(wish, units)
    freeze = _freeze.freeze_of(record)
    own = _freeze.is_of(freeze, wish.label, wish.run)
    if record.get("retired") and own and not stops:
        return []  # a switch would bring a retired site back to life beside the new one
    known = {item["name"] for item in freeze.get("units", ())}
    same = freeze and own and not stops and not freeze.get("held") and known >= set(wish.units)
    actions = [] if same else [Action("record")]
    before = _freeze.states_to_keep({name: units[name] for name in wish.units}, record)
    if wish.freeze_limit and (not armed or actions) and any(item["active"] for item in before):
        actions.append(Action("arm"))
    if freeze.get("held") and not record.get("retired"):
        # Until new is about to serve, a reboot brings old back.
        actions += [Action("enable", item["name"]) for item in before if _to_enable(item, units)]
    return actions + stops


def _to_enable(item: Mapping[str, Any], units: Mapping[str, Unit]) -> bool:
    return bool(item["enabled"]) and not units[item["name"]].enabled


def _plan_held(wish: Wish, units: Mapping[str, Unit], record: Mapping[str, Any], armed: bool) -> List[Action]:
    actions = [Action("disarm")] if armed else []
    actions += [] if _freeze.freeze_of(record).get("held") else [Action("hold")]
    # Disabling a unit that is only linked would remove it: that waits until the site is retired.
    return actions + [item for item in _disables(wish, units) if not units[item.unit].linked_from]


def _plan_thawed(wish: Wish, units: Mapping[str, Unit], record: Mapping[str, Any], armed: bool) -> List[Action]:
    if _freeze.rests(record) and not wish.retired:
        return []  # another host may have taken over
    before = _freeze.recorded(record, all_of_it=wish.retired)
    actions = [Action("start", name) for name in start_order(before) if before[name]["active"] and not units[name].up]
    actions += [Action("enable", name) for name, item in before.items() if _to_enable(item, units)]
    actions += [Action("disarm")] if armed else []
    return actions + ([Action("forget")] if record.get("freeze") or record.get("retired") else [])


def _plan_started(wish: Wish, units: Mapping[str, Unit], record: Mapping[str, Any], armed: bool) -> List[Action]:
    wanted = wish.units if wish.enable is None else wish.enable
    actions = [Action("start", name) for name in start_order(wish.units) if not units[name].up and not units[name].job]
    actions += [Action("enable", name) for name in wanted if units[name].can_enable]
    changed = bool(actions)
    actions += [Action("start", name) for name in wish.reload if not units[name].up]
    return actions + [Action("reload", name) for name in wish.reload if units[name].up and changed]


def _plan_stopped(wish: Wish, units: Mapping[str, Unit], record: Mapping[str, Any], armed: bool) -> List[Action]:
    return _stops(wish, units) + _disables(wish, units)


def _plan_retired(wish: Wish, units: Mapping[str, Unit], record: Mapping[str, Any], armed: bool) -> List[Action]:
    actions = [] if set(_freeze.recorded(record)) >= set(wish.units) else [Action("record")]
    actions += [Action("disarm")] if armed else []
    actions += _plan_stopped(wish, units, record, armed)
    return actions + ([] if _freeze.rests(record) and not actions else [Action("retire")])


def after(actions: Sequence[Action], units: Mapping[str, Unit]) -> Dict[str, Tuple[bool, bool]]:
    """Whether each unit is up and enabled once the actions are done."""
    state = {name: (unit.up, unit.enabled) for name, unit in units.items()}
    for action in actions:
        up, enabled = state.get(action.unit, (False, False))
        if action.verb in ("start", "stop"):
            state[action.unit] = (action.verb == "start", enabled)
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


class Services:
    """Carries actions out on this host.

    :param systemd: how to reach systemd
    :param directory: our work directory, which holds the site's record
    :param site: the site's name
    """

    def __init__(self, systemd: Systemd, directory: str, site: str) -> None:
        self.systemd, self._directory, self._site = systemd, directory, site
        self.switch = switch_name(site)

    def whole(self, wish: Wish) -> Wish:
        """The wish with what its timers, sockets and paths start: stopping these leaves that running."""
        if wish.state not in _STILL or not wish.units:
            return wish
        wakers = started_by(self.systemd, self.systemd.states(list(wish.units)))
        woken = tuple(name for name, waker in wakers.items() if not waker.endswith(".socket"))
        return replace(wish, units=(*wish.units, *wakers), woken=woken)

    def within(self, wish: Wish, named: Sequence[str]) -> Tuple[Wish, List[str]]:
        """The wish without units that the user did not name, and that none which he named starts here; and these.

        What ran on old is old's word: it must not start whatever else this host has.
        """
        known = {unit_name(name) for name in named}
        known.update(*(unit.triggers for unit in self.systemd.states(sorted(known)).values()))
        asked = dict.fromkeys([*wish.units, *(wish.enable or ())])
        enable = None if wish.enable is None else tuple(name for name in wish.enable if name in known)
        units = tuple(name for name in wish.units if name in known)
        return replace(wish, units=units, enable=enable), [name for name in asked if name not in known]

    def look(self, wish: Wish) -> Tuple[Dict[str, Unit], Dict[str, Any], bool]:
        """Units of the wish and of the record, the record, and whether the switch is armed."""
        record = read_record(self._directory, self._site)
        own = list(wish.units) if wish.state != "thawed" or wish.retired else []
        recorded = _freeze.recorded(record, all_of_it=True)
        names = own + [name for name in [*recorded, *(wish.enable or ()), *wish.reload] if name not in own]
        timer = self.switch + ".timer"
        units = self.systemd.states([*dict.fromkeys(names), timer])
        units.update({name: replace(units[name], woken=True) for name in wish.woken})
        return {name: unit for name, unit in units.items() if name != timer}, record, units[timer].up

    def check(self, wish: Wish, units: Mapping[str, Unit], record: Mapping[str, Any], armed: bool) -> None:
        """Refuse before anything is altered: unknown units, triggers that were not named, a freeze that was lost."""
        if wish.state in ("frozen", "started", "retired"):
            check_known(units[name] for name in [*wish.units, *wish.reload])
        if wish.state in ("frozen", "retired"):
            own = {name: units[name] for name in wish.units}
            check_lasting(self.systemd, own, reboot=wish.state == "frozen")
        if wish.state == "held" and wish.units:
            self._check_lost(wish, record, units, armed)
        if wish.state == "retired":
            _freeze.check_still(record, {name: units[name] for name in wish.units})
        if wish.state == "thawed" and wish.retired:
            _freeze.check_undoable(record, units, wish.units)

    def _check_lost(self, wish: Wish, record: Mapping[str, Any], units: Mapping[str, Unit], armed: bool) -> None:
        reasons = _freeze.lost(record, units, armed, self.systemd.boot(), wish.label, wish.run)
        if reasons:
            raise RelocateError(
                "freeze_lost",
                "the old site may have been serving again ({0}): its data may be newer than the backup set".format(
                    ", ".join(reasons)
                ),
                "run the move again; it freezes the site and takes a new backup set",
                {"reasons": reasons},
            )

    def apply(self, wish: Wish, actions: Sequence[Action]) -> None:
        """Carry the actions out; what a failed freeze, start or undo did so far is taken back."""
        units, record, _armed = self.look(wish)
        thaws = wish.state == "thawed"
        done: List[Action] = []
        try:
            if wish.state == "started" and actions:
                self.systemd.call("daemon-reload")
            if thaws:
                self._set_enabled(actions, record, check=False)  # until then systemd may not know a unit
            for action in actions:
                if action.verb in ("disarm", "forget") and thaws:
                    continue  # not before the units are known to be up
                done.append(action)
                if action.verb not in ("enable", "disable"):
                    self._do(action, wish, units, record)
            self._set_enabled(self._not_enabled(actions) if thaws else actions, record)
            self._confirm(wish, actions, units)
        except RelocateError as error:
            raise self.taken_back(error, wish, done, units, record) from error
        for action in actions[len(done) :]:
            self._do(action, wish, units, record)
        if wish.state == "frozen" and any(action.verb == "stop" for action in actions):
            # What started between the record and its stop wrote before anything was dumped.
            freeze = _freeze.freeze_of(read_record(self._directory, self._site))
            update_record(self._directory, self._site, {"freeze": {**freeze, "monotonic": _microseconds()}})
        if wish.state == "held" and wish.units:
            # The switch may have fired between the first look and the disarming.
            self._check_lost(wish, read_record(self._directory, self._site), self.look(wish)[0], True)

    def _do(self, action: Action, wish: Wish, units: Mapping[str, Unit], record: Mapping[str, Any]) -> None:
        verb = action.verb
        if verb in ("record", "hold", "retire", "forget"):
            update_record(self._directory, self._site, self._entry(verb, wish, units, record))
        elif verb == "arm":
            self._arm(wish, _freeze.states_to_keep(units, record))
        elif verb == "disarm":
            self.systemd.disarm(self.switch)
        elif verb == "start" and wish.state == "thawed":
            self.systemd.call("start", action.unit, timeout=wish.timeout, check=False)  # go on with the others
        else:
            self.systemd.call(verb, action.unit, timeout=wish.timeout)

    def _not_enabled(self, actions: Sequence[Action]) -> List[Action]:
        wanted = [action.unit for action in actions if action.verb == "enable"]
        found = self.systemd.states(wanted)
        return [Action("enable", name) for name, unit in found.items() if not unit.enabled]

    def _set_enabled(self, actions: Sequence[Action], record: Mapping[str, Any], check: bool = True) -> None:
        """Enable or disable all at once: systemd reads every unit again for each call."""
        sources = {name: item.get("source") for name, item in _freeze.recorded(record, all_of_it=True).items()}
        for verb in ("enable", "disable"):
            names = [action.unit for action in actions if action.verb == verb]
            if verb == "enable":
                names = self.systemd.enable_names(names, sources)
            if names:
                self.systemd.call(verb, *names, check=check)

    def _entry(
        self, verb: str, wish: Wish, units: Mapping[str, Unit], record: Mapping[str, Any]
    ) -> Dict[str, Optional[Dict[str, Any]]]:
        if verb == "forget":
            if record.get("retired") and not wish.retired:
                return {"freeze": _freeze.freeze_of(record)["earlier"] or None}
            return {"freeze": None, "retired": None}
        own = {name: units[name] for name in wish.units}
        now = {
            "at": int(time.time()),
            "boot": self.systemd.boot(),
            "monotonic": _microseconds(),
            "limit": wish.freeze_limit,
        }
        latest = read_record(self._directory, self._site)
        if verb == "retire":
            retired = {"label": wish.label, "run": wish.run, "at": now["at"]}
            return {"retired": retired, "freeze": _freeze.retired_entry(latest) if latest.get("freeze") else None}
        if verb == "hold":
            return {"freeze": {**_freeze.freeze_of(latest), "held": True}}
        if wish.state == "retired":  # units that the freeze did not know
            own_now = {**now, "label": wish.label, "run": wish.run, **_freeze.freeze_of(record)}
            return {"freeze": {**own_now, "units": _freeze.states_before(own, record)}}
        return {"freeze": _freeze.frozen_entry(record, own, wish.label, wish.run, now)}

    def _arm(self, wish: Wish, before: Sequence[Mapping[str, Any]]) -> None:
        names = [item["name"] for item in before if item["active"]]
        self.systemd.disarm(self.switch)
        if names:
            self.systemd.arm(
                self.switch, wish.freeze_limit, start_order(names), "Start site {0} again".format(self._site)
            )

    def _confirm(self, wish: Wish, actions: Sequence[Action], units: Mapping[str, Unit]) -> None:
        stopped = [action.unit for action in actions if action.verb == "stop"]
        # Whether new serves nothing decides whether old may start: there the units are looked at again in any case.
        # So they are where the site has to be still: of a unit that failed earlier, processes may be left.
        self.systemd.confirm_stopped(list(wish.units) if wish.state in _STILL else stopped, units)
        started = [action.unit for action in actions if action.verb == "start"]
        self.systemd.confirm_started(started, _SETTLE, wish.timeout)

    def taken_back(
        self,
        error: RelocateError,
        wish: Wish,
        done: Sequence[Action],
        units: Mapping[str, Unit],
        record: Mapping[str, Any],
    ) -> RelocateError:
        """Take back what a failed freeze, start or undo has done; the error then says how that went."""
        # Old is thawed whatever comes of it, except for an undo: there new can serve on.
        started = wish.state == "started" or (wish.state == "thawed" and wish.retired and _freeze.new_serves(record))
        opposite = {"start": "stop", "enable": "disable"} if started else {}
        opposite = {"stop": "start"} if wish.state == "frozen" else opposite
        touched = [action for action in done if opposite.get(action.verb)]
        for action in reversed(touched):
            verb = opposite[action.verb]
            if not (verb == "start" and units[action.unit].job):
                self.systemd.call(verb, action.unit, timeout=wish.timeout, check=False)
        remaining = self._remaining([action.unit for action in touched if action.verb in ("start", "stop")], units)
        if wish.state == "frozen" and not remaining:  # else the record and the switch are needed still
            self.systemd.disarm(self.switch)
            update_record(self._directory, self._site, {key: record.get(key) for key in ("freeze", "retired")})
        if not touched:
            return error
        words = "taking it back FAILED: " + ", ".join(remaining) if remaining else "what was done so far was taken back"
        return RelocateError(
            error.code, "{0}; {1}".format(error.msg, words), error.hint, {**error.details, "remaining": remaining}
        )

    def _remaining(self, names: Sequence[str], before: Mapping[str, Unit]) -> List[str]:
        """Which units are not as they were, in words; asked anew, for a verb of systemctl may come to nothing."""
        try:
            now = self.systemd.states(list(names))
        except RelocateError as error:
            return ["the units' states are unknown ({0})".format(error.msg)]
        wrong = [
            unit
            for name, unit in now.items()
            if not (unit.job or before[name].job) and (not unit.up if before[name].up else not unit.down)
        ]
        return ["{0} is {1}".format(unit.name, unit.active) for unit in wrong]


def started_by(systemd: Systemd, named: Mapping[str, Unit]) -> Dict[str, str]:
    """What timers, sockets and paths among the units start, and nobody named: unit -> what starts it."""
    wakers = {name: unit.name for unit in named.values() for name in unit.triggers if name not in named}
    found = systemd.states(list(wakers))
    # What systemd cannot load cannot run either: the user's own names are checked, not these.
    return {name: wakers[name] for name, unit in found.items() if unit.load == "loaded"}


def check_lasting(systemd: Systemd, units: Mapping[str, Unit], reboot: bool = True) -> None:
    """Refuse units that something else starts again: at once, or with the host although they are disabled.

    :param units: all that is to be stopped, as it is now
    :param reboot: whether to look at the latter too, which is of no use once new serves
    """
    triggers = {waker: name for name, unit in units.items() for waker in unit.triggered_by if waker not in units}
    wanters = {
        waker: name
        for name, unit in units.items()
        if reboot
        for waker in unit.wanted_by
        if waker not in units and waker not in triggers and not goes_with_disabling(unit, waker)
    }
    found = systemd.states([*triggers, *wanters])
    awake = [name for name in triggers if found[name].up]
    if awake:
        raise RelocateError(
            "bad_option",
            "stopping {0} would not last: {1} can start it again".format(triggers[awake[0]], ", ".join(awake)),
            "name {0} in units too".format(", ".join(awake)),
        )
    coming = [name for name in wanters if found[name].up or found[name].enabled]
    if coming:
        own = [name for name in coming if name not in _TARGETS]
        raise RelocateError(
            "bad_option",
            "{0} would start again with the host: {1} wants it, also when it is disabled".format(
                wanters[coming[0]], ", ".join(coming)
            ),
            "name {0} in units too".format(", ".join(own))
            if own
            else "give {0} an [Install] section, then enable it".format(wanters[coming[0]]),
        )


def _microseconds() -> int:
    """Now, by the clock of systemd's timestamps."""
    return int(time.monotonic() * 1e6)


def goes_with_disabling(unit: Unit, waker: str) -> bool:
    """Whether it is but a link of the administrator's by which a unit starts with another, as enabling makes it."""
    if not unit.enabled:
        return False  # it will not be disabled either
    if unit.file_state == "generated":
        return True
    kinds = ("wants", "requires", "upholds")
    return any(
        os.path.islink("{0}/{1}.{2}/{3}".format(top, waker, kind, name))
        for top in _OWN
        for kind in kinds
        for name in (unit.name, unit.real)
    )


def unit_states(units: Sequence[str]) -> Dict[str, Unit]:
    """How each unit is now, by one question to systemd; names may lack ``.service``."""
    names = [unit_name(name) for name in units]
    return Systemd().states(names) if names else {}


def require(units: Sequence[str]) -> None:
    """Raise what a freeze would: unit_unknown, naming all that this host does not have; program_missing; bad_option."""
    found = unit_states(units)
    check_known(found.values())
    if found:
        systemd = Systemd()
        check_lasting(systemd, {**found, **systemd.states(list(started_by(systemd, found)))})


def running(path: str, left: Sequence[str] = ()) -> List[Obstacle]:
    """One obstacle when the site runs on the host that its data comes to: it would write while that is replaced.

    :param path: the project's directory; what runs in it counts, not others of its units, such as nginx
    :param left: what may run all the same; ``*`` is everything
    """
    if "*" in left or not os.path.isdir(RUNNING):
        return []
    spared = {unit_name(name) for name in left}
    up = [unit.name for unit in Systemd().running_below(path) if unit.name not in spared]
    if not up:
        return []
    return [
        Obstacle(
            "site_running",
            "{0} {1} here, and would write while the data of the site is replaced".format(
                ", ".join(up), "runs" if len(up) == 1 else "run"
            ),
            "systemctl stop {0}, then run again; the site is started when its data is proven. What is not the site "
            "itself can be named in relocate_services_left".format(" ".join(up)),
        )
    ]


def unnamed(path: str, units: Sequence[str], left: Sequence[str]) -> List[Obstacle]:
    """One obstacle for each unit that runs the project on this host and that nobody named: it would go on writing.

    :param path: the project's directory
    :param units: what the move stops; what one of these starts goes with it
    :param left: what goes on running on purpose; ``*`` is everything
    """
    if "*" in left or not os.path.isdir(RUNNING):
        return []
    named = {unit_name(name) for name in (*units, *left)}
    found = []
    for unit in Systemd().running_below(path):
        if unit.name not in named and not named & set(unit.triggered_by):
            found.append(
                Obstacle(
                    "unit_unnamed",
                    "unit {0} runs the project, and relocate_services does not name it".format(unit.name),
                    "add it to relocate_services, or to relocate_services_left when it may go on running on old",
                )
            )
    return found


def users(units: Sequence[str]) -> List[str]:
    """Return the users in the User= lines of units that this host has."""
    if not units or not os.path.isdir(RUNNING):
        return []
    return Systemd().users([unit_name(name) for name in units])
