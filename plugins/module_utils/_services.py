# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The systemd units of a site: what to do with them (:func:`plan`), and doing it (:class:`Services`).

Stopping the old site is the one thing that we alter there, so it is written down before it happens and undone from
that record. A timer of systemd's own, the dead man's switch, starts the units again when nobody comes back.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import check_site_name, read_record, update_record
from ansible_collections.relocate.django.plugins.module_utils._systemd import Systemd, Unit, check_known, unit_name

STATES = ("frozen", "held", "thawed", "started", "stopped", "retired")
_TRIGGERS = (".timer", ".socket", ".path")
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
    return [Action("stop", name) for name in stop_order(wish.units) if units[name].up]


def _plan_frozen(wish: Wish, units: Mapping[str, Unit], record: Mapping[str, Any], armed: bool) -> List[Action]:
    stops = _stops(wish, units)
    freeze = record.get("freeze") or {}
    if record.get("retired") and not stops:
        return []  # a switch would bring a retired site back to life beside the new one
    known = {item["name"] for item in freeze.get("units", ())}
    another = bool(freeze) and (freeze.get("held") or (wish.run and freeze.get("run") != wish.run))
    actions = [] if freeze and not stops and not another and known >= set(wish.units) else [Action("record")]
    if wish.freeze_limit and wish.units and (not armed or actions):
        actions.append(Action("arm"))
    return actions + stops


def _plan_held(wish: Wish, units: Mapping[str, Unit], record: Mapping[str, Any], armed: bool) -> List[Action]:
    actions = [Action("disarm")] if armed else []
    return actions if (record.get("freeze") or {}).get("held") else actions + [Action("hold")]


def _plan_thawed(wish: Wish, units: Mapping[str, Unit], record: Mapping[str, Any], armed: bool) -> List[Action]:
    actions: List[Action] = []
    freeze = record.get("freeze") or {"units": []}
    before = {item["name"]: item for item in freeze["units"]}
    actions += [Action("start", name) for name in start_order(before) if before[name]["active"] and not units[name].up]
    if record.get("retired"):
        actions += [Action("enable", name) for name in before if before[name]["enabled"] and not units[name].enabled]
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
    return _stops(wish, units) + [Action("disable", name) for name in wish.units if units[name].enabled]


def _plan_retired(wish: Wish, units: Mapping[str, Unit], record: Mapping[str, Any], armed: bool) -> List[Action]:
    known = {item["name"] for item in (record.get("freeze") or {"units": []})["units"]}
    actions = [] if known >= set(wish.units) else [Action("record")]
    actions += [Action("disarm")] if armed else []
    actions += _plan_stopped(wish, units, record, armed)
    return actions + ([] if record.get("retired") and not actions else [Action("retire")])


def states_before(units: Mapping[str, Unit], record: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """How each unit was before the site was first frozen: from the record, else as it is now."""
    before = {item["name"]: dict(item) for item in (record.get("freeze") or {"units": []})["units"]}
    for name, unit in units.items():
        known = before.get(name)
        if known is None:
            before[name] = {
                "name": name,
                "active": unit.up and not unit.job,
                "enabled": unit.enabled,
                "source": unit.linked_from,
            }
        elif not record.get("retired"):
            known["active"] = known["active"] or (unit.up and not unit.job)
    return list(before.values())


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


def as_text(states: Mapping[str, Tuple[bool, bool]]) -> str:
    """The states of units as the diff shows them, one line each."""
    words = (("inactive", "active"), ("disabled", "enabled"))
    return "".join(
        "{0}: {1}, {2}\n".format(name, words[0][up], words[1][enabled]) for name, (up, enabled) in states.items()
    )


def lost(record: Mapping[str, Any], units: Mapping[str, Unit], armed: bool, boot: str) -> List[str]:
    """Why the freeze cannot be relied on, one reason each; empty when the old site has been still since then."""
    freeze = record.get("freeze")
    if not freeze:
        return ["this host has no record of a freeze"]
    reasons = []
    for item in freeze["units"]:
        unit = units[item["name"]]
        if item["active"] and unit.up:
            reasons.append("{0} is active".format(unit.name))
        elif item["active"] and freeze["boot"] == boot and unit.entered > freeze["monotonic"]:
            reasons.append("{0} was active in between".format(unit.name))
    if freeze["boot"] != boot:
        reasons.append("the host was started anew")
    if freeze["limit"] and not freeze.get("held") and not armed:
        reasons.append("the {0} s of freeze_limit are over".format(freeze["limit"]))
    return reasons


class Services:
    """Carries actions out on this host.

    :param systemd: how to reach systemd
    :param directory: our work directory, which holds the site's record
    :param site: the site's name
    """

    def __init__(self, systemd: Systemd, directory: str, site: str) -> None:
        self.systemd, self._directory, self._site = systemd, directory, site
        self.switch = switch_name(site)

    def look(self, wish: Wish) -> Tuple[Dict[str, Unit], Dict[str, Any], bool]:
        """Units of the wish and of the record, the record, and whether the switch is armed."""
        record = read_record(self._directory, self._site)
        recorded = [item["name"] for item in (record.get("freeze") or {"units": []})["units"]]
        own = list(wish.units) if wish.state != "thawed" else []
        names = own + [name for name in [*recorded, *(wish.enable or ()), *wish.reload] if name not in own]
        timer = self.switch + ".timer"
        units = self.systemd.states([*dict.fromkeys(names), timer])
        return {name: unit for name, unit in units.items() if name != timer}, record, units[timer].up

    def check(self, wish: Wish, units: Mapping[str, Unit], record: Mapping[str, Any], armed: bool) -> None:
        """Refuse before anything is altered: unknown units, triggers that were not named, a freeze that was lost."""
        if wish.state in ("frozen", "started", "retired"):
            check_known(units[name] for name in [*wish.units, *wish.reload])
        if wish.state in ("frozen", "retired"):
            self._check_triggers(units, wish.units)
        if wish.state == "held" and wish.units:
            self._check_lost(record, units, armed)

    def _check_lost(self, record: Mapping[str, Any], units: Mapping[str, Unit], armed: bool) -> None:
        reasons = lost(record, units, armed, self.systemd.boot())
        if reasons:
            raise RelocateError(
                "freeze_lost",
                "the old site may have been serving again ({0}): its data may be newer than the backup set".format(
                    ", ".join(reasons)
                ),
                "run the move again; it freezes the site and takes a new backup set",
                {"reasons": reasons},
            )

    def _check_triggers(self, units: Mapping[str, Unit], names: Sequence[str]) -> None:
        wakers = {waker: name for name in names for waker in units[name].triggered_by if waker not in names}
        awake = [name for name, unit in self.systemd.states(list(wakers)).items() if unit.up] if wakers else []
        if awake:
            raise RelocateError(
                "bad_option",
                "stopping {0} would not last: {1} can start it again".format(wakers[awake[0]], ", ".join(awake)),
                "name {0} in units too".format(", ".join(awake)),
            )

    def apply(self, wish: Wish, actions: Sequence[Action]) -> None:
        """Carry the actions out; what a failed freeze, start or stop did so far is taken back."""
        units, record, _armed = self.look(wish)
        done: List[Action] = []
        try:
            if wish.state == "started" and actions:
                self.systemd.call("daemon-reload")
            for action in actions:
                if action.verb in ("disarm", "forget") and wish.state == "thawed":
                    continue  # not before the units are known to be up
                done.append(action)
                if action.verb not in ("enable", "disable"):
                    self._do(action, wish, units, record)
            self._set_enabled(actions, record)
            self._confirm(actions, units, wish.timeout)
        except RelocateError:
            self._take_back(wish, done, units, record)
            raise
        for action in actions[len(done) :]:
            self._do(action, wish, units, record)
        if wish.state == "held" and wish.units:
            # The switch may have fired between the first look and the disarming.
            self._check_lost(read_record(self._directory, self._site), self.look(wish)[0], True)

    def _do(self, action: Action, wish: Wish, units: Mapping[str, Unit], record: Mapping[str, Any]) -> None:
        verb = action.verb
        if verb in ("record", "hold", "retire", "forget"):
            update_record(self._directory, self._site, self._entry(verb, wish, units, record))
        elif verb == "arm":
            self._arm(wish, states_before(units, record))
        elif verb == "disarm":
            self.systemd.disarm(self.switch)
        elif verb == "start" and wish.state == "thawed":
            self.systemd.call("start", action.unit, timeout=wish.timeout, check=False)  # go on with the others
        else:
            self.systemd.call(verb, action.unit, timeout=wish.timeout)

    def _set_enabled(self, actions: Sequence[Action], record: Mapping[str, Any]) -> None:
        """Enable or disable all at once: systemd reads every unit again for each call."""
        sources = {item["name"]: item.get("source") for item in (record.get("freeze") or {"units": []})["units"]}
        for verb in ("enable", "disable"):
            names = [action.unit for action in actions if action.verb == verb]
            if verb == "enable":
                names = self.systemd.enable_names(names, sources)
            if names:
                self.systemd.call(verb, *names)

    def _entry(
        self, verb: str, wish: Wish, units: Mapping[str, Unit], record: Mapping[str, Any]
    ) -> Dict[str, Optional[Dict[str, Any]]]:
        if verb == "forget":
            return {"freeze": None, "retired": None}
        if verb == "retire":
            return {"retired": {"label": wish.label, "run": wish.run, "at": int(time.time())}}
        if verb == "hold":
            return {"freeze": {**(record.get("freeze") or {}), "held": True}}
        own = {name: units[name] for name in wish.units}
        still = bool(record.get("freeze")) and not any(unit.up for unit in own.values())
        freeze = {
            "label": wish.label,
            "run": wish.run,
            "at": int(time.time()),
            "boot": self.systemd.boot(),
            "monotonic": int(time.monotonic() * 1e6),
            "limit": wish.freeze_limit,
            "units": states_before(own, {} if record.get("retired") and not still else record),
        }
        if still:  # frozen already, by a run that ended early: since then nothing was written
            freeze.update({key: record["freeze"][key] for key in ("at", "boot", "monotonic")})
        return {"freeze": freeze, "retired": record.get("retired") if still else None}

    def _arm(self, wish: Wish, before: Sequence[Mapping[str, Any]]) -> None:
        names = [item["name"] for item in before if item["active"]]
        self.systemd.disarm(self.switch)
        if names:
            self.systemd.arm(
                self.switch, wish.freeze_limit, start_order(names), "Start site {0} again".format(self._site)
            )

    def _confirm(self, actions: Sequence[Action], units: Mapping[str, Unit], timeout: float) -> None:
        stopped = [action.unit for action in actions if action.verb == "stop"]
        self.systemd.confirm_stopped(stopped, units)
        started = [action.unit for action in actions if action.verb == "start"]
        self.systemd.confirm_started(started, _SETTLE, timeout)

    def _take_back(
        self, wish: Wish, done: Sequence[Action], units: Mapping[str, Unit], record: Mapping[str, Any]
    ) -> None:
        """After a failure: a freeze is thawed, a start is undone. Errors in here would hide the first one."""
        opposite = {"frozen": {"stop": "start"}, "started": {"start": "stop", "enable": "disable"}}.get(wish.state, {})
        for action in reversed(done):
            verb = opposite.get(action.verb)
            if verb and not (verb == "start" and units[action.unit].job):
                self.systemd.call(verb, action.unit, timeout=wish.timeout, check=False)
        if wish.state == "frozen":
            self.systemd.disarm(self.switch)
            update_record(self._directory, self._site, {key: record.get(key) for key in ("freeze", "retired")})

    def undo_start(self, wish: Wish, actions: Sequence[Action], units: Mapping[str, Unit]) -> None:
        """Stop and disable what a start began, when the site then does not answer."""
        self._take_back(wish, actions, units, {})


def unit_states(units: Sequence[str]) -> Dict[str, Unit]:
    """How each unit is now, by one question to systemd; names may lack ``.service``."""
    names = [unit_name(name) for name in units]
    return Systemd().states(names) if names else {}


def require(units: Sequence[str]) -> None:
    """Raise unit_unknown, naming all that this host does not have; program_missing where systemd does not run."""
    check_known(unit_states(units).values())
