# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A systemd that is played, and a site of a service, a timer, its job and a socket."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._services import units as services_units
from ansible_collections.relocate.django.plugins.module_utils._services.plan import Action, Request, plan
from ansible_collections.relocate.django.plugins.module_utils._services.systemd import Systemd
from ansible_collections.relocate.django.plugins.module_utils._services.unit import Unit

WEB, TIMER, JOB, SOCKET = "web.service", "clear.timer", "clear.service", "web.socket"


def unit(name: str, up: bool = True, enabled: bool = True, **more: Any) -> Unit:
    kind = {"kind": "oneshot"} if name == JOB else {}
    state = {"active": "active" if up else "inactive", "file_state": "enabled" if enabled else "disabled"}
    return Unit(name, **{**state, **kind, **more})


def units(*, up: bool, enabled: bool = True) -> dict[str, Unit]:
    return {
        WEB: unit(WEB, up, enabled),
        TIMER: unit(TIMER, up, enabled),
        JOB: unit(JOB, False, False, file_state="static"),
    }


def freeze(**more: Any) -> dict[str, Any]:
    rows = [(WEB, True, True), (TIMER, True, True), (JOB, False, False)]
    known = [{"name": name, "active": active, "enabled": enabled, "source": ""} for name, active, enabled in rows]
    return {"at": 5, "boot": "b", "monotonic": 100, "limit": 60, "run": "me", "label": "", "units": known, **more}


NAMES = (WEB, JOB, TIMER)


def words(actions: list[Action]) -> str:
    return ", ".join(f"{action.verb} {action.unit}".strip() for action in actions)


class Played(Systemd):
    """A systemd in memory; what cannot start or stop is named."""

    def __init__(self, present: dict[str, Unit], broken: tuple[str, ...] = ()) -> None:
        self.units, self.broken, self.calls = dict(present), broken, []  # type: ignore[var-annotated]

    def states(self, names: Any) -> dict[str, Unit]:
        return {name: self.units.get(name, Unit(name, load="not-found")) for name in names}

    def call(self, verb: str, *names: str, timeout: float | None = None, check: bool = True) -> Any:
        self.calls.append(" ".join((verb, *names)))
        for name in names:
            if f"{verb} {name}" in self.broken and check:
                raise RelocateError("unit_failed", f"{verb} {name}")
            old = self.units.get(name, Unit(name))
            up = {"start": True, "restart": True, "stop": False}.get(verb, old.up)
            enabled = {"enable": True, "disable": False}.get(verb, old.enabled)
            now = unit(name, up, enabled)
            kind = old.kind or now.kind
            self.units[name] = dataclasses.replace(old, active=now.active, file_state=now.file_state, kind=kind)

    def arm(self, name: str, seconds: int, names: Any, why: str) -> None:
        self.calls.append("arm " + " ".join(names))
        self.units[name + ".timer"] = unit(name + ".timer")

    def boot(self) -> str:
        return "b"

    def confirm_started(self, names: Any, settle: float, timeout: float) -> None:
        for name in names:
            if f"stay {name}" in self.broken:
                raise RelocateError("unit_failed", name)

    def confirm_stopped(self, names: Any, before: Any) -> None:
        self.confirm_started(names, 0, 0)


def carry_out(systemd: Played, directory: Path, request: Request) -> list[Action]:
    host = services_units.Services(systemd, str(directory), "shop")
    request = host.whole(request)
    now, record, armed = host.look(request)
    host.check(request, now, record, armed)
    actions = plan(request, now, record, armed)
    host.apply(request, actions)
    return actions


def move_away(systemd: Played, directory: Path, label: str = "l1", run: str = "r1") -> None:
    """All that a move does on old."""
    for state in ("frozen", "held", "retired"):
        carry_out(systemd, directory, Request(state, NAMES, label=label, run=run))
