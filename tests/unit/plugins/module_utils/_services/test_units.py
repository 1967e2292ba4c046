# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans of units carried out against a systemd that is played, and taken back."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._services import plan as services_plan
from ansible_collections.relocate.django.plugins.module_utils._services import units as services_units
from ansible_collections.relocate.django.plugins.module_utils._services.plan import Request, plan, with_drain
from ansible_collections.relocate.django.plugins.module_utils._services.unit import Unit
from tests.unit.fakes import refused
from tests.unit.plugins.module_utils._services.played import (
    JOB,
    NAMES,
    SOCKET,
    TIMER,
    WEB,
    Played,
    carry_out,
    move_away,
    unit,
    units,
    words,
)
from tests.unit.records import noted


def test_a_freeze_there_and_back(tmp_path: Path) -> None:
    systemd = Played(units(up=True))
    assert carry_out(systemd, tmp_path, Request("frozen", NAMES))
    assert not systemd.units[WEB].up
    assert systemd.units["relocate-thaw-shop.timer"].up
    assert "arm web.service clear.timer" in systemd.calls  # in the order of starting
    assert carry_out(systemd, tmp_path, Request("frozen", NAMES)) == []
    assert carry_out(systemd, tmp_path, Request("held", NAMES))
    assert carry_out(systemd, tmp_path, Request("held", NAMES)) == []
    carry_out(systemd, tmp_path, Request("retired", NAMES))
    assert not systemd.units[WEB].enabled
    assert carry_out(systemd, tmp_path, Request("retired", NAMES)) == []
    assert carry_out(systemd, tmp_path, Request("thawed", ())) == [], "another host serves"
    carry_out(systemd, tmp_path, Request("thawed", (), retired=True))
    assert (systemd.units[WEB].up, systemd.units[WEB].enabled, systemd.units[JOB].up) == (True, True, False)
    assert noted(tmp_path) == {}
    assert carry_out(systemd, tmp_path, Request("thawed", ())) == []


@pytest.mark.parametrize("broken", ["stop web.service", "stay web.service"])
def test_a_freeze_that_fails_is_taken_back(tmp_path: Path, broken: str) -> None:
    systemd = Played(units(up=True), (broken,))
    with refused("unit_failed", "web.service"):
        carry_out(systemd, tmp_path, Request("frozen", NAMES))
    assert systemd.units[TIMER].up
    assert systemd.units[WEB].up
    assert not systemd.units["relocate-thaw-shop.timer"].up
    assert noted(tmp_path) == {}


def test_a_start_that_fails_is_taken_back(tmp_path: Path) -> None:
    systemd = Played(units(up=False, enabled=False), ("stay web.service",))
    with refused("unit_failed", "web.service"):
        carry_out(systemd, tmp_path, Request("started", NAMES))
    assert not any(item.up or item.enabled for item in systemd.units.values())


def test_a_thaw_that_fails_keeps_the_record(tmp_path: Path) -> None:
    systemd = Played(units(up=True))
    carry_out(systemd, tmp_path, Request("frozen", NAMES))
    systemd.broken = ("stay web.service",)
    with refused("unit_failed", "web.service"):
        carry_out(systemd, tmp_path, Request("thawed", ()))
    assert noted(tmp_path)["freeze"]
    assert systemd.units["relocate-thaw-shop.timer"].up
    assert systemd.units[TIMER].up, "the others are started all the same"


def test_units_that_are_unknown_are_told_together(tmp_path: Path) -> None:
    with refused("unit_unknown", "no.service: not-found; unit nor.timer"):
        carry_out(Played(units(up=True)), tmp_path, Request("frozen", (WEB, "no.service", "nor.timer")))


def test_processes_of_a_unit_that_failed_earlier_are_looked_for(tmp_path: Path) -> None:
    systemd = Played({WEB: unit(WEB), "queue.service": unit("queue.service", up=False)}, ("stay queue.service",))
    with refused("unit_failed", "queue.service"):
        carry_out(systemd, tmp_path, Request("frozen", (WEB, "queue.service")))
    assert systemd.units[WEB].up


def woken() -> dict[str, Unit]:
    """A timer, and a socket, with what they start: all of it runs."""
    return {
        TIMER: unit(TIMER, triggers=(JOB, "gone.service")),
        JOB: unit(JOB, active="activating", file_state="static", triggered_by=(TIMER,)),
        SOCKET: unit(SOCKET, triggers=(WEB,)),
        WEB: unit(WEB, triggered_by=(SOCKET,), file_state="disabled"),
    }


@pytest.mark.parametrize("state", ["frozen", "stopped", "retired"])
def test_what_a_timer_or_a_socket_started_is_stopped_with_it(tmp_path: Path, state: str) -> None:
    """A job in its midst, and a service that holds the socket itself, would go on writing."""
    systemd = Played(woken())
    actions = carry_out(systemd, tmp_path, Request(state, (TIMER, SOCKET)))
    assert [name for name, item in systemd.units.items() if item.up and "thaw" not in name] == []
    whole = services_units.Services(systemd, str(tmp_path), "shop").whole(Request(state, (TIMER, SOCKET)))
    assert whole.units == (TIMER, SOCKET, JOB, WEB), "what systemd does not know is left out"
    assert whole.woken == (JOB,)
    assert services_plan.jobs_cut(actions, {**woken(), JOB: unit(JOB, woken=True)}) == [JOB]
    assert carry_out(systemd, tmp_path, Request(state, (TIMER, SOCKET))) == []


@pytest.mark.parametrize("kind", ["oneshot", "simple"])
def test_a_thaw_starts_what_ran_but_no_job(tmp_path: Path, kind: str) -> None:
    """Many jobs are of the type that systemd takes for a daemon: started by us, they would not stay up."""
    present = woken()
    present[JOB] = dataclasses.replace(present[JOB], kind=kind)
    systemd = Played(present)
    carry_out(systemd, tmp_path, Request("frozen", (TIMER, SOCKET)))
    carry_out(systemd, tmp_path, Request("thawed", ()))
    assert {name for name, item in systemd.units.items() if item.up} >= {TIMER, SOCKET, WEB}
    assert not systemd.units[JOB].up


def test_a_job_that_was_cut_is_no_failure_of_the_way_back(tmp_path: Path) -> None:
    """It is not started again, whatever its type; that must not keep the record and the switch."""
    present = woken()
    present[JOB] = dataclasses.replace(present[JOB], kind="simple", active="active")
    systemd = Played(present, ("stop web.service",))
    with refused("unit_failed", "what was done so far was taken back"):
        carry_out(systemd, tmp_path, Request("frozen", (TIMER, SOCKET)))
    assert noted(tmp_path) == {}


def test_what_is_started_on_new_is_what_was_named(tmp_path: Path) -> None:
    request = Request("started", (TIMER, SOCKET))
    assert services_units.Services(Played(woken()), str(tmp_path), "shop").whole(request) == request


def test_old_starts_nothing_on_new_that_the_user_did_not_name(tmp_path: Path) -> None:
    shell = "debug-shell.service"
    systemd = Played({**woken(), shell: unit(shell, up=False, enabled=False)})
    host = services_units.Services(systemd, str(tmp_path), "shop")
    said = Request("started", (SOCKET, WEB, shell), enable=(shell, SOCKET))
    request, others = host.within(said, ["web.socket"])  # which starts the service here
    assert (request.units, request.enable, others) == ((SOCKET, WEB), (SOCKET,), [shell])
    assert host.within(said, []) == (Request("started", (), enable=()), [SOCKET, WEB, shell])
    assert host.within(Request("started", (WEB,)), ["web"]) == (Request("started", (WEB,)), [])


def test_what_wrote_before_its_stop_does_not_lose_the_freeze(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit in a restart loop may start between the record and its stop; nothing was dumped by then."""
    clock = itertools.count(100, 100)
    monkeypatch.setattr(services_units, "_microseconds", lambda: next(clock))
    systemd = Played(units(up=True))
    carry_out(systemd, tmp_path, Request("frozen", NAMES))
    assert noted(tmp_path)["freeze"]["monotonic"] == 200
    systemd.units[WEB] = dataclasses.replace(systemd.units[WEB], entered=150)
    assert carry_out(systemd, tmp_path, Request("held", NAMES))


def test_an_undo_that_fails_leaves_old_as_it_was(tmp_path: Path) -> None:
    systemd = Played(units(up=True))
    move_away(systemd, tmp_path)
    before = noted(tmp_path)
    systemd.broken = ("stay web.service",)
    with refused("unit_failed", "what was done so far was taken back"):
        carry_out(systemd, tmp_path, Request("thawed", (), retired=True))
    assert not any(systemd.units[name].up or systemd.units[name].enabled for name in NAMES)
    assert noted(tmp_path) == before


class Stubborn(Played):
    """One whose units stay as they are, when they are to be taken back."""

    def call(self, verb: str, *names: str, timeout: float | None = None, check: bool = True) -> Any:
        if check:
            super().call(verb, *names, timeout=timeout)


def test_what_could_not_be_taken_back_is_told(tmp_path: Path) -> None:
    systemd = Stubborn(units(up=False, enabled=False), ("stay web.service",))
    with refused("unit_failed", "taking it back FAILED: .*web.service is active") as caught:
        carry_out(systemd, tmp_path, Request("started", NAMES))
    assert "web.service is active" in caught.value.details["remaining"]


@pytest.mark.parametrize(
    ("kind", "text"), [(Played, "what was done so far was taken back"), (Stubborn, "FAILED: .*web.service is active")]
)
def test_a_unit_that_was_started_anew_is_down_when_that_is_taken_back(
    tmp_path: Path, kind: type[Played], text: str
) -> None:
    """It was up before, as its package had started it; with the site it must not be."""
    systemd = kind(units(up=True), ("stay web.service",))
    with refused("unit_failed", text):
        carry_out(systemd, tmp_path, Request("started", NAMES, label="l1"))
    assert systemd.units[WEB].up is (kind is Stubborn)
    assert "restart web.service" in systemd.calls


def test_a_freeze_that_cannot_be_taken_back_keeps_what_brings_the_site_back_later(tmp_path: Path) -> None:
    systemd = Stubborn(units(up=True), ("stay web.service",))
    with refused("unit_failed", "taking it back FAILED: .*clear.timer is inactive"):
        carry_out(systemd, tmp_path, Request("frozen", NAMES))
    assert systemd.units["relocate-thaw-shop.timer"].up
    assert noted(tmp_path)["freeze"]["units"]


def test_stopped_means_that_every_unit_is_down(tmp_path: Path) -> None:
    asked: list[str] = []
    systemd = Played(units(up=False))
    systemd.confirm_stopped = lambda names, before: asked.extend(names)  # type: ignore[method-assign]
    carry_out(systemd, tmp_path, Request("stopped", NAMES))
    assert asked == list(NAMES)
    now = {**units(up=False), WEB: unit(WEB, active="deactivating")}
    assert words(plan(Request("stopped", (WEB,)), now, {})) == "stop web.service, disable web.service"


def test_a_freeze_whose_queues_do_not_empty_is_taken_back(tmp_path: Path) -> None:
    """The worker has not been stopped by then."""

    def wait() -> None:
        assert not systemd.units[TIMER].up
        raise RelocateError("queues_not_empty", "1 message waits")

    systemd = Played(units(up=True))
    host = services_units.Services(systemd, str(tmp_path), "shop", services_units.Queues(frozenset({WEB}), wait))
    request = host.whole(Request("frozen", NAMES))
    now, record, armed = host.look(request)
    with refused("queues_not_empty", "1 message waits; what was done so far was taken back"):
        host.apply(request, with_drain(plan(request, now, record, armed), {WEB}))
    assert f"stop {WEB}" not in systemd.calls
    assert systemd.units[WEB].up and systemd.units[TIMER].up
    assert noted(tmp_path) == {}


@pytest.mark.parametrize("stale", [(), (WEB,), (JOB,)])
def test_unit_files_are_read_again_where_others_lie_there(tmp_path: Path, stale: tuple[str, ...]) -> None:
    """The job is named by its timer alone."""
    systemd = Played(
        {WEB: unit(WEB, up=False), TIMER: unit(TIMER, up=False, triggers=(JOB,)), JOB: unit(JOB, up=False)}
    )
    for name in stale:
        systemd.units[name] = dataclasses.replace(systemd.units[name], stale=True)
    carry_out(systemd, tmp_path, Request("started", (WEB, TIMER), label="l1"))
    assert systemd.calls.count("daemon-reload") == len(stale)
    assert systemd.units[WEB].up
