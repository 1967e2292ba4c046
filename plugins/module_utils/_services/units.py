# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out on this host what ``plan`` wants of a site's units.

Stopping the old site is the one thing that we alter there, so it is written down before it happens and undone from
that record. A timer of systemd's own, the dead man's switch, starts the units again when nobody comes back.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, replace
from typing import Callable, Collection, Dict, FrozenSet, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Event, Freeze, UnitBefore
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record, read_record, update_record
from ansible_collections.relocate.django.plugins.module_utils._services import freeze as services_freeze
from ansible_collections.relocate.django.plugins.module_utils._services import spans
from ansible_collections.relocate.django.plugins.module_utils._services.checks import (
    check_none_stray,
    check_stays_stopped,
    started_by,
)
from ansible_collections.relocate.django.plugins.module_utils._services.names import by_user, unit_name
from ansible_collections.relocate.django.plugins.module_utils._services.plan import (
    STARTS,
    STILL,
    Action,
    Request,
    start_order,
    switch_name,
)
from ansible_collections.relocate.django.plugins.module_utils._services.systemd import Systemd, switch_of
from ansible_collections.relocate.django.plugins.module_utils._services.unit import Unit, check_known

_SETTLE = 1.5  # seconds for which a started unit must stay up before it counts as started


@dataclass(frozen=True)
class Queues:
    """Holds who takes tasks out of the site's queues, and what waits until they are empty; it may raise."""

    workers: FrozenSet[str]
    wait: Callable[[], None]


class Services:
    """Carries actions out on this host.

    :param systemd: how to reach systemd
    :param directory: our work directory, which holds the site's record
    :param site: the site's name
    :param queues: that must be empty before the site is frozen
    """

    def __init__(self, systemd: Systemd, directory: str, site: str, queues: Optional[Queues] = None) -> None:
        self.queues = queues
        self.systemd, self._directory, self._site = systemd, directory, site
        self.switch = switch_name(site)
        self.first_stop = 0.0  # when the first unit began to stop, by the monotonic clock

    def whole(self, request: Request) -> Request:
        """Add the units that its timers, sockets and paths start: stopping those leaves these running."""
        if request.state not in STILL or not request.units:
            return request
        wakers = started_by(self.systemd, self.systemd.states(list(request.units)))
        woken = tuple(name for name, waker in wakers.items() if not waker.endswith(".socket"))
        return replace(request, units=(*request.units, *wakers), woken=woken)

    def within(self, request: Request, named: Sequence[str]) -> Tuple[Request, List[str]]:
        """Leave out units that the user neither named nor starts by one that he named; returns the rest, and those.

        What ran on old is old's word: it must not start whatever else this host has.
        """
        known = {unit_name(name) for name in named}
        known.update(*(unit.triggers for unit in self.systemd.states(sorted(known)).values()))
        asked = dict.fromkeys([*request.units, *(request.enable or ())])
        enable = None if request.enable is None else _among(known, request.enable)
        rest = replace(request, units=_among(known, request.units), enable=enable)
        return rest, [name for name in asked if name not in known]

    def look(self, request: Request) -> Tuple[Dict[str, Unit], Record, bool]:
        """Read the units of the request and of the record, the record, and whether the switch is armed."""
        record = read_record(self._directory, self._site)
        own = list(request.units) if request.state != "thawed" or request.retired else []
        recorded = record.units_before(all_of_it=True)
        names = own + [name for name in [*recorded, *(request.enable or ()), *request.reload] if name not in own]
        timers = [switch_of(self.switch, user) + ".timer" for user in {"": (), **by_user(names)}]
        units = self.systemd.states([*dict.fromkeys(names), *timers])
        units.update({name: replace(units[name], woken=True) for name in request.woken})
        armed = any(units.pop(name).up for name in timers if name not in names)
        return units, record, armed

    def wake(self, request: Request) -> None:
        """Start users' own systemd that have units of the request, or of the record; what does not is no one's unit."""
        names = [*request.units, *read_record(self._directory, self._site).units_before(all_of_it=True)]
        for name in names:
            with contextlib.suppress(RelocateError):  # the units' states say it
                self.systemd.wake([name])

    def check(self, request: Request, units: Mapping[str, Unit], record: Record, armed: bool) -> None:
        """Refuse before anything is altered: unknown units, triggers that were not named, a freeze that was lost."""
        if request.state in ("frozen", "started", "retired"):
            check_known(units[name] for name in [*request.units, *request.reload])
        if request.state in ("frozen", "retired"):
            check_stays_stopped(self.systemd, request.own(units), reboot=request.state == "frozen")
        if request.state == "held" and request.units:
            self._check_lost(request, record, units, armed)
        if request.state == "retired":
            services_freeze.check_still(record, request.own(units))
        if request.state == "thawed" and request.retired:
            services_freeze.check_undoable(record, units, request.units)

    def _check_lost(self, request: Request, record: Record, units: Mapping[str, Unit], armed: bool) -> None:
        reasons = services_freeze.lost(record, units, armed, self.systemd.boot(), request.label, request.run)
        if reasons:
            raise RelocateError(
                "freeze_lost",
                "the old site may have been serving again ({0}): its data may be newer than the backup set".format(
                    ", ".join(reasons)
                ),
                "run the move again; it freezes the site and takes a new backup set",
                {"reasons": reasons},
            )

    def apply(self, request: Request, actions: Sequence[Action], begun: Callable[[], None] = lambda: None) -> None:
        """Carry the actions out; what a failed freeze, start or undo did so far is taken back.

        :param begun: is called when all that starts has been started, before it is known to stay up
        """
        units, record, _armed = self.look(request)
        done: List[Action] = []
        try:
            self._carry_out(request, actions, done, units, record, begun)
        except RelocateError as error:
            raise self.taken_back(error, request, done, units, record) from error
        for action in actions[len(done) :]:
            self._do(action, request, units, record)
        if request.state == "frozen" and any(action.verb == "stop" for action in actions):
            # What started between the record and its stop wrote before anything was dumped.
            self._update_freeze(lambda freeze: replace(freeze, monotonic=_microseconds()))
        if request.state == "held" and request.units:
            # The switch may have fired between the first look and the disarming.
            self._check_lost(request, read_record(self._directory, self._site), self.look(request)[0], True)

    def _carry_out(
        self,
        request: Request,
        actions: Sequence[Action],
        done: List[Action],
        units: Mapping[str, Unit],
        record: Record,
        begun: Callable[[], None],
    ) -> None:
        """Do what can be taken back, and see that the units are as they should be; ``done`` takes each step begun."""
        thaws = request.state == "thawed"
        if request.state == "started" and actions:
            self._read_again(request, units)
        if thaws:
            self._set_enabled(actions, record, check=False)  # until then systemd may not know a unit
        for action in actions:
            if action.verb in ("disarm", "forget") and thaws:
                continue  # not before the units are known to be up
            done.append(action)
            if action.verb not in ("enable", "disable"):
                self._do(action, request, units, record)
        begun()
        self._set_enabled(self._not_enabled(actions) if thaws else actions, record)
        self._confirm(request, actions, units)

    def _read_again(self, request: Request, units: Mapping[str, Unit]) -> None:
        """Let systemd read unit files that are not those it has read: to read all takes long where there are many."""
        asked = [units[name] for name in (*request.units, *request.reload)]
        asked += self.systemd.states([name for unit in asked for name in unit.triggers]).values()
        if any(unit.stale for unit in asked) or any(user for user in by_user(list(request.units))):
            self.systemd.read_again(request.units, stays=True)

    def _do(self, action: Action, request: Request, units: Mapping[str, Unit], record: Record) -> None:
        verb = action.verb
        if verb in ("record", "hold", "retire", "forget"):
            self._note(verb, request, units, record)
        elif verb == "arm":
            self._arm(request, services_freeze.states_to_keep(units, record))
        elif verb == "disarm":
            self.systemd.disarm(self.switch)
        elif verb == "drain":
            if self.queues is not None:
                self.queues.wait()
        elif verb == "start" and request.state == "thawed":
            self.systemd.call("start", action.unit, timeout=request.timeout, check=False)  # go on with the others
        else:
            self._note_stop(verb)
            self.systemd.call(verb, action.unit, timeout=_patience(action, units, request.timeout))

    def _note_stop(self, verb: str) -> None:
        if verb == "stop" and not self.first_stop:
            self.first_stop = time.monotonic()

    def _not_enabled(self, actions: Sequence[Action]) -> List[Action]:
        wanted = [action.unit for action in actions if action.verb == "enable"]
        found = self.systemd.states(wanted)
        return [Action("enable", name) for name, unit in found.items() if not unit.enabled]

    def _set_enabled(self, actions: Sequence[Action], record: Record, check: bool = True) -> None:
        """Enable or disable all at once: systemd reads every unit again for each call."""
        sources = {name: item.source for name, item in record.units_before(all_of_it=True).items()}
        for verb in ("enable", "disable"):
            names = [action.unit for action in actions if action.verb == verb]
            if verb == "enable":
                names = self.systemd.enable_names(names, sources)
            if names:
                self.systemd.call(verb, *names, check=check)

    def _note(self, verb: str, request: Request, units: Mapping[str, Unit], record: Record) -> None:
        """Write down what a step does to the site."""
        own = request.own(units)
        at, boot, monotonic = int(time.time()), self.systemd.boot(), _microseconds()
        now = Freeze(request.label, request.run, at, boot, monotonic, request.freeze_limit)
        if verb == "forget":
            self._forget(record, None if request.retired else record.retired)
        elif verb == "retire":
            self._update_freeze(services_freeze.retired_entry, Event(request.label, request.run, at))
        elif verb == "hold":
            self._update_freeze(lambda freeze: replace(freeze, held=True))
        elif request.state == "retired":  # units that the freeze did not know
            known = tuple(services_freeze.states_before(own, record))
            entry = replace(record.freeze or now, units=known)
            update_record(self._directory, self._site, lambda latest: replace(latest, freeze=entry))
        else:
            entry = services_freeze.frozen_entry(record, own, now)
            update_record(self._directory, self._site, lambda latest: replace(latest, freeze=entry))

    def _forget(self, record: Record, retired: Optional[Event]) -> None:
        """Note that the site is not frozen now; where it stays retired, the freeze before that is kept for an undo."""
        earlier = record.freeze.earlier if retired and record.freeze else None
        kept = earlier if earlier != Freeze() else None
        update_record(self._directory, self._site, lambda latest: replace(latest, freeze=kept, retired=retired))

    def _update_freeze(self, change: Callable[[Freeze], Freeze], retired: Optional[Event] = None) -> None:
        """Change the freeze that the record holds by now, and note when that retires the site."""

        def changed(latest: Record) -> Record:
            freeze = change(latest.freeze or Freeze())
            return replace(latest, freeze=freeze if freeze != Freeze() else None, retired=retired or latest.retired)

        update_record(self._directory, self._site, changed)

    def _arm(self, request: Request, before: Sequence[UnitBefore]) -> None:
        names = [item.name for item in before if item.active]
        self.systemd.disarm(self.switch)
        if names:
            self.systemd.arm(
                self.switch, request.freeze_limit, start_order(names), "Start site {0} again".format(self._site)
            )

    def _confirm(self, request: Request, actions: Sequence[Action], units: Mapping[str, Unit]) -> None:
        stopped = [action.unit for action in actions if action.verb == "stop"]
        # Whether new serves nothing decides whether old may start: there the units are looked at again in any case.
        # So they are where the site has to be still: of a unit that failed earlier, processes may be left.
        self.systemd.confirm_stopped(list(request.units) if request.state in STILL else stopped, units)
        if request.state in STILL and request.path:
            check_none_stray(self.systemd, request.units, request.path)
        started = [action.unit for action in actions if action.verb in STARTS]
        self.systemd.confirm_started(started, _SETTLE, request.timeout)

    def taken_back(
        self,
        error: RelocateError,
        request: Request,
        done: Sequence[Action],
        units: Mapping[str, Unit],
        record: Record,
    ) -> RelocateError:
        """Take back what a failed freeze, start or undo has done; the error then says how that went."""
        opposite = self._opposites(request, record)
        touched = [action for action in done if opposite.get(action.verb)]
        for action in reversed(touched):
            self._reverse(Action(opposite[action.verb], action.unit), units, request.timeout)
        moved = {action.unit: opposite[action.verb] for action in touched if action.verb in (*STARTS, "stop")}
        remaining = self._remaining(moved, units)
        if request.state == "frozen" and not remaining:  # else the record and the switch are needed still
            self.systemd.disarm(self.switch)
            freeze, retired = record.freeze, record.retired
            update_record(self._directory, self._site, lambda latest: replace(latest, freeze=freeze, retired=retired))
        if not touched:
            return error
        words = "taking it back FAILED: " + ", ".join(remaining) if remaining else "what was done so far was taken back"
        return RelocateError(
            error.code, "{0}; {1}".format(error.msg, words), error.hint, {**error.details, "remaining": remaining}
        )

    def _reverse(self, action: Action, units: Mapping[str, Unit], timeout: float) -> None:
        if action.verb != "start" or not units[action.unit].job:  # a job that was cut is not begun anew
            self.systemd.call(action.verb, action.unit, timeout=_patience(action, units, timeout), check=False)

    @staticmethod
    def _opposites(request: Request, record: Record) -> Dict[str, str]:
        """Which verbs are taken back, and by what."""
        if request.state == "frozen":
            return {"stop": "start"}
        # Old is thawed whatever comes of it, except for an undo: there new can serve on.
        undoes = request.state == "thawed" and request.retired and record.serves_elsewhere()
        taken_back = {**dict.fromkeys(STARTS, "stop"), "enable": "disable"}
        return taken_back if request.state == "started" or undoes else {}

    def _remaining(self, done: Mapping[str, str], before: Mapping[str, Unit]) -> List[str]:
        """Describe the units that are not as they should be; asked again, since a command may have no effect.

        :param done: unit -> the verb by which it was taken back; what was stopped is down, what was started as before
        """
        try:
            now = self.systemd.states(list(done))
        except RelocateError as error:
            return ["the units' states are unknown ({0})".format(error.msg)]
        wrong = [unit for name, unit in now.items() if not _is_taken_back(unit, before[name], done[name])]
        return ["{0} is {1}".format(unit.name, unit.active) for unit in wrong]


def _patience(action: Action, units: Mapping[str, Unit], timeout: float) -> float:
    """Return the seconds to wait: a worker ends its task first, and who waits for less would call that a failure."""
    unit = units.get(action.unit) if action.verb == "stop" else None
    return spans.to_stop(unit, timeout) if unit is not None else timeout


def _is_taken_back(now: Unit, before: Unit, verb: str) -> bool:
    """Tell whether a unit is as it should be after a verb; a job has run to its end, or has not begun."""
    if now.job or before.job:
        return True
    return now.up if verb == "start" and before.up else now.down


def _among(known: Collection[str], names: Iterable[str]) -> Tuple[str, ...]:
    return tuple(name for name in names if name in known)


def _microseconds() -> int:
    """Now, by the clock of systemd's timestamps."""
    return int(time.monotonic() * 1e6)
