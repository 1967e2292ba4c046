# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings a site's units to a state: decides by the request and the record, then acts and notes what becomes of it.

What is to be done with single units is decided in ``plan``, and done by ``units``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._record.record import (
    Change,
    Record,
    read_record,
    update_record,
)
from ansible_collections.relocate.django.plugins.module_utils._services import freeze, plan
from ansible_collections.relocate.django.plugins.module_utils._services.answers import Asking, Question
from ansible_collections.relocate.django.plugins.module_utils._services.names import reload_name, unit_name
from ansible_collections.relocate.django.plugins.module_utils._services.unit import Unit
from ansible_collections.relocate.django.plugins.module_utils._services.units import Services
from ansible_collections.relocate.django.plugins.module_utils._services.warm import Warmed, warm

#: What a request comes to: its units are looked at; only the answers are asked for; nothing is left to do, since no
#: unit is named, or since another host serves the site.
UNITS, ANSWERS, NOTHING, ELSEWHERE = "units", "answers", "nothing", "elsewhere"


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds the options of the module ``services``."""

    directory: str  # ours
    site: str
    run: str  # the run that the task belongs to
    state: str  # one of plan.STATES
    units: Sequence[str]
    named: Sequence[str]  # what units may be among, when another host said what ran there; "*": all
    reload: Sequence[str]  # units that reload once the site has started
    enable: Optional[Sequence[str]]  # units that start with the host; None: all of them
    freeze_limit: int  # seconds until old starts by itself; 0: never
    timeout: int  # seconds for a unit to start or stop
    abandoned: bool  # thawed: a site that another host may serve is left alone
    retired: bool  # thawed: a retired site is brought back too
    allow_unfrozen: bool  # a freeze without units
    label: str  # the set that the site serves from
    path: Optional[str]  # the project's directory
    answers: Sequence[Mapping[str, Any]] = field(repr=False)  # questions to the site that started
    answers_timeout: int  # seconds until they must be answered
    warm: Sequence[Mapping[str, Any]] = field(repr=False)  # pages that are asked for before

    def request(self) -> plan.Request:
        """The options as the planner takes them."""
        return plan.Request(
            state=self.state,
            units=tuple(dict.fromkeys(unit_name(name) for name in self.units)),
            reload=tuple(reload_name(name) for name in self.reload) if self.state == "started" else (),
            enable=None if self.enable is None else tuple(unit_name(name) for name in self.enable),
            freeze_limit=max(0, self.freeze_limit),
            timeout=self.timeout,
            label=self.label,
            run=self.run,
            retired=self.retired,
            path=self.path or "",
        )

    def asking(self) -> First:
        """Return what asks for the first pages, once it has begun."""
        return First(self)

    def ask(self) -> Started:
        """Ask for the first pages. Raises site_silent."""
        return self.asking().started()


@dataclass(frozen=True)
class Started:
    """Holds what a site that was started answered, and when the last of that was right; 0 where nothing was asked."""

    answers: List[Dict[str, Any]]
    at: float  # by the monotonic clock
    warmed: Sequence[Warmed] = ()

    def result(self) -> Dict[str, Any]:
        """Return it as the module does."""
        return {"answers": self.answers, "warmed": [page.result() for page in self.warmed]}

    def warnings(self) -> List[str]:
        """Return what the user should know of the pages that were asked for first."""
        return [text for text in (page.told() for page in self.warmed) if text]


class First(Asking):
    """Asks a site that starts for its first pages: those that warm it, then those that must be right."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._warmed: List[Warmed] = []
        super().__init__([Question(**item) for item in options.answers], options.answers_timeout, self._warm)

    def _warm(self, given_up: Callable[[], bool]) -> bool:
        pages = [Question(**item) for item in self._options.warm]
        self._warmed = warm(pages, self._options.answers_timeout, given_up)
        return any(page.status for page in self._warmed)

    def started(self) -> Started:
        """Wait for the pages. Raises site_silent."""
        return Started(self.finish(), self.at, self._warmed)


@dataclass(frozen=True)
class Plan:
    """What becomes of the units, and how they are before."""

    request: plan.Request
    actions: Tuple[plan.Action, ...]
    units: Mapping[str, Unit]
    record: Record
    others: Tuple[str, ...] = ()  # units that only the other host named: they are left alone

    def result(self) -> Dict[str, Any]:
        """The module's result: the same in check mode and without."""
        after = plan.after(self.actions, self.units)
        before = {item.name: item for item in freeze.states_before(self.units, self.record)}
        return {
            "changed": bool(self.actions),
            "steps": [" ".join(filter(None, (action.verb, action.unit))) for action in self.actions],
            "units": [
                {
                    "name": name,
                    "active": up,
                    "enabled": enabled,
                    "was_active": before[name].active,
                    "was_enabled": before[name].enabled,
                }
                for name, (up, enabled) in after.items()
            ],
            "diff": {"before": plan.as_text(plan.after([], self.units)), "after": plan.as_text(after)},
        }

    def warnings(self) -> List[str]:
        """What the user should know of."""
        cut = " was running and was stopped; nothing starts it again before its time comes"
        other = " ran on old, and relocate_services does not name it: it is left alone"
        return [name + other for name in self.others] + [name + cut for name in plan.jobs_cut(self.actions, self.units)]


def decide(request: plan.Request, record: Record, abandoned: bool = False) -> str:
    """What the request comes to: UNITS, ANSWERS, NOTHING or ELSEWHERE.

    :param abandoned: a site that another host serves, or is about to, is left as it is
    """
    stops_old = request.state in ("frozen", "held", "retired")
    if not request.units and not request.reload and (stops_old or not record.freeze):
        return ANSWERS if request.state == "started" else NOTHING
    return ELSEWHERE if abandoned and record.serves_elsewhere() else UNITS


def plan_units(host: Services, options: Options) -> Plan:
    """Look at the units and decide what is done with each; refuse what must not be done. Nothing is written."""
    request, others = host.whole(options.request()), []  # type: Tuple[plan.Request, List[str]]
    if request.state == "started" and "*" not in options.named:
        request, others = host.within(request, options.named)
    units, record, armed = host.look(request)
    host.check(request, units, record, armed)
    actions = plan.plan(request, units, record, armed)
    if host.queues is not None:
        actions = plan.with_drain(actions, host.queues.workers)
    return Plan(request, tuple(actions), units, record, tuple(others))


def apply(
    host: Services, options: Options, planned: Plan, finish: Callable[[], None] = lambda: None
) -> Optional[Started]:
    """Carry the plan out. Returns what was answered, when the site was started.

    :param finish: what a site that was started needs besides, once it has answered; its failure is one of the start
    """
    if options.state == "started":
        return _start_and_ask(host, options, planned, finish)
    noted = note(options) if options.state == "thawed" else None
    try:
        host.apply(planned.request, planned.actions)
    except RelocateError:
        if noted and not any(unit.up for unit in host.look(planned.request)[0].values()):
            # Nothing served, so nothing was taken in.
            update_record(options.directory, options.site, noted.taken_back())
        raise
    return None


def _start_and_ask(host: Services, options: Options, planned: Plan, finish: Callable[[], None]) -> Started:
    """Start the site and wait for its answers. Note it first: from then on what it takes in must be kept."""
    noted = note(options)
    asking = options.asking()
    try:
        try:
            host.apply(planned.request, planned.actions, asking.begin)
        except BaseException:
            asking.give_up()
            raise
        try:
            answered = asking.started()
            finish()
            return answered
        except RelocateError as error:
            raise host.taken_back(error, planned.request, planned.actions, planned.units, Record()) from error
    except RelocateError as error:
        if noted and not error.details.get("remaining"):
            update_record(options.directory, options.site, _after_failed_start(planned, noted))
        raise


def _after_failed_start(planned: Plan, noted: Change) -> Change:
    """What to write down when the units are down again: since the first of them started the site could take data in."""
    before, event = noted.before, noted.after.moved
    started = any(action.verb in plan.STARTS for action in planned.actions)
    if started and not before.has_served():
        return Change(noted.after, replace(before, served=event))
    return noted.taken_back()


def note(options: Options) -> Change:
    """Write down what becomes of the site here."""
    record = read_record(options.directory, options.site)
    change = freeze.noted(record, options.state, options.label, options.run)
    if change:
        update_record(options.directory, options.site, change)
    return change
