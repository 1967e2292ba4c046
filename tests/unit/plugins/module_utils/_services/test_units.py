# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done with units: plans as tables, and carrying them out against a systemd that is played."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._record.record import read_record
from ansible_collections.relocate.django.plugins.module_utils._services import checks
from ansible_collections.relocate.django.plugins.module_utils._services import freeze as services_freeze
from ansible_collections.relocate.django.plugins.module_utils._services import plan as services_plan
from ansible_collections.relocate.django.plugins.module_utils._services import units as services_units
from ansible_collections.relocate.django.plugins.module_utils._services.plan import Action, Wish, plan
from ansible_collections.relocate.django.plugins.module_utils._services.systemd import Systemd, Unit
from tests.unit.fakes import refused

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
PLANS: list[tuple[str, dict[str, Unit], dict[str, Any], bool, str]] = [
    ("frozen", units(up=True), {}, False, "record, arm, stop clear.timer, stop web.service"),
    ("frozen", units(up=False), {"freeze": freeze()}, True, ""),
    ("frozen", units(up=False), {"freeze": freeze()}, False, "arm"),
    ("frozen", units(up=False), {"freeze": freeze(run="another")}, True, "record, arm"),
    ("frozen", units(up=False), {"freeze": freeze(held=True)}, False, "record, arm"),
    ("frozen", units(up=True), {"freeze": freeze()}, True, "record, arm, stop clear.timer, stop web.service"),
    ("frozen", units(up=False), {"freeze": freeze(held=True), "retired": {"at": 1}}, False, ""),
    ("held", units(up=False), {"freeze": freeze()}, True, "disarm, hold, disable web.service, disable clear.timer"),
    ("held", units(up=False), {"freeze": freeze(held=True)}, False, "disable web.service, disable clear.timer"),
    ("held", units(up=False, enabled=False), {"freeze": freeze(held=True)}, False, ""),
    (
        "frozen",
        units(up=False, enabled=False),
        {"freeze": freeze(held=True)},
        False,
        "record, arm, enable web.service, enable clear.timer",
    ),
    # Nothing was active: there is nothing that a switch could start.
    ("frozen", units(up=False), {}, False, "record"),
    # A retired site that another run freezes is not brought to life by a switch, nor by putting that run back.
    ("frozen", units(up=False, enabled=False), {"freeze": freeze(run="x"), "retired": {"at": 1}}, False, "record"),
    ("thawed", units(up=False, enabled=False), {"freeze": freeze(held=True), "retired": {"at": 1}}, False, ""),
    (
        "thawed",
        units(up=False, enabled=False),
        {"freeze": freeze(held=True)},
        False,
        "start web.service, start clear.timer, enable web.service, enable clear.timer, forget",
    ),
    ("thawed", units(up=False), {"freeze": freeze()}, True, "start web.service, start clear.timer, disarm, forget"),
    ("thawed", units(up=True), {}, False, ""),
    (
        "started",
        units(up=False, enabled=False),
        {},
        False,
        "start web.service, start clear.timer, enable web.service, enable clear.timer",
    ),
    ("started", units(up=True), {}, False, ""),
    (
        "stopped",
        units(up=True),
        {},
        False,
        "stop clear.timer, stop web.service, disable web.service, disable clear.timer",
    ),
    ("stopped", units(up=False, enabled=False), {}, False, ""),
    (
        "retired",
        units(up=False),
        {"freeze": freeze(held=True)},
        False,
        "disable web.service, disable clear.timer, retire",
    ),
    ("retired", units(up=False, enabled=False), {"freeze": freeze(), "retired": {"at": 1}}, False, ""),
    (
        "retired",
        units(up=True),
        {},
        False,
        "record, stop clear.timer, stop web.service, disable web.service, disable clear.timer, retire",
    ),
]


def words(actions: list[Action]) -> str:
    return ", ".join(f"{action.verb} {action.unit}".strip() for action in actions)


@pytest.mark.parametrize(("state", "now", "record", "armed", "expected"), PLANS)
def test_plans(state: str, now: dict[str, Unit], record: dict[str, Any], armed: bool, expected: str) -> None:
    assert words(plan(Wish(state, NAMES, run="me"), now, record, armed)) == expected


def test_without_a_limit_no_switch_is_armed() -> None:
    assert words(plan(Wish("frozen", (WEB,), freeze_limit=0), units(up=True), {})) == "record, stop web.service"


def test_a_reload_follows_a_change_only() -> None:
    now = {**units(up=True), "nginx.service": unit("nginx.service")}
    wish = Wish("started", (WEB,), reload=("nginx.service",))
    assert plan(wish, now, {}) == []
    now[WEB] = unit(WEB, up=False)
    assert words(plan(wish, now, {})) == "start web.service, reload nginx.service"
    now["nginx.service"] = unit("nginx.service", up=False)
    assert words(plan(wish, now, {})) == "start web.service, start nginx.service"


def test_only_the_named_units_are_enabled() -> None:
    now = units(up=True, enabled=False)
    assert plan(Wish("started", NAMES, enable=()), now, {}) == []
    assert words(plan(Wish("started", NAMES, enable=(WEB,)), now, {})) == "enable web.service"


@pytest.mark.parametrize(
    ("names", "stops", "starts"),
    [
        (["a.service", "b.service"], ["a.service", "b.service"], ["b.service", "a.service"]),
        ([WEB, SOCKET], [SOCKET, WEB], [SOCKET, WEB]),
        ([JOB, "x.service", TIMER], [TIMER, JOB, "x.service"], ["x.service", JOB, TIMER]),
    ],
)
def test_orders(names: list[str], stops: list[str], starts: list[str]) -> None:
    assert services_plan.stop_order(names) == stops
    assert services_plan.start_order(names) == starts


@pytest.mark.parametrize(
    ("now", "record", "armed", "boot", "expected"),
    [
        (units(up=False), {"freeze": freeze()}, True, "b", []),
        (units(up=False), {"freeze": freeze(limit=0)}, False, "b", []),
        (units(up=False), {"freeze": freeze(held=True)}, False, "b", []),
        (units(up=False), {}, True, "b", ["this host has no record of a freeze"]),
        (units(up=False), {"freeze": freeze()}, False, "b", ["the 60 s of freeze_limit are over"]),
        (units(up=False), {"freeze": freeze()}, True, "c", ["the host was started anew"]),
        ({**units(up=False), WEB: unit(WEB)}, {"freeze": freeze()}, True, "b", ["web.service is active"]),
        ({**units(up=False), JOB: unit(JOB)}, {"freeze": freeze()}, True, "b", ["clear.service is active"]),
        (
            {**units(up=False), JOB: unit(JOB, up=False, entered=101)},
            {"freeze": freeze()},
            True,
            "b",
            ["clear.service was active in between"],
        ),
        (
            {**units(up=False), WEB: unit(WEB, up=False, entered=101)},
            {"freeze": freeze()},
            True,
            "b",
            ["web.service was active in between"],
        ),
    ],
)
def test_a_lost_freeze(
    now: dict[str, Unit], record: dict[str, Any], armed: bool, boot: str, expected: list[str]
) -> None:
    assert services_freeze.lost(record, now, armed, boot) == expected


def test_the_first_states_are_kept() -> None:
    record = {"freeze": freeze()}
    before = {item["name"]: item for item in services_freeze.states_before(units(up=False, enabled=False), record)}
    assert before[WEB]["active"] and before[WEB]["enabled"]
    assert not before[JOB]["active"]


def test_a_diff_names_units_and_states() -> None:
    after = services_plan.after([Action("stop", WEB), Action("disable", WEB)], {WEB: unit(WEB)})
    assert services_plan.as_text(after) == "web.service: inactive, disabled\n"


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
            up = {"start": True, "stop": False}.get(verb, old.up)
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


def carry_out(systemd: Played, directory: Path, wish: Wish) -> list[Action]:
    host = services_units.Services(systemd, str(directory), "shop")
    wish = host.whole(wish)
    now, record, armed = host.look(wish)
    host.check(wish, now, record, armed)
    actions = plan(wish, now, record, armed)
    host.apply(wish, actions)
    return actions


def test_a_freeze_there_and_back(tmp_path: Path) -> None:
    systemd = Played(units(up=True))
    assert carry_out(systemd, tmp_path, Wish("frozen", NAMES))
    assert not systemd.units[WEB].up
    assert systemd.units["relocate-thaw-shop.timer"].up
    assert "arm web.service clear.timer" in systemd.calls  # in the order of starting
    assert carry_out(systemd, tmp_path, Wish("frozen", NAMES)) == []
    assert carry_out(systemd, tmp_path, Wish("held", NAMES))
    assert carry_out(systemd, tmp_path, Wish("held", NAMES)) == []
    carry_out(systemd, tmp_path, Wish("retired", NAMES))
    assert not systemd.units[WEB].enabled
    assert carry_out(systemd, tmp_path, Wish("retired", NAMES)) == []
    assert carry_out(systemd, tmp_path, Wish("thawed", ())) == [], "another host serves"
    carry_out(systemd, tmp_path, Wish("thawed", (), retired=True))
    assert (systemd.units[WEB].up, systemd.units[WEB].enabled, systemd.units[JOB].up) == (True, True, False)
    assert read_record(str(tmp_path), "shop") == {}
    assert carry_out(systemd, tmp_path, Wish("thawed", ())) == []


@pytest.mark.parametrize("broken", ["stop web.service", "stay web.service"])
def test_a_freeze_that_fails_is_taken_back(tmp_path: Path, broken: str) -> None:
    systemd = Played(units(up=True), (broken,))
    with refused("unit_failed", "web.service"):
        carry_out(systemd, tmp_path, Wish("frozen", NAMES))
    assert systemd.units[TIMER].up
    assert systemd.units[WEB].up
    assert not systemd.units["relocate-thaw-shop.timer"].up
    assert read_record(str(tmp_path), "shop") == {}


def test_a_start_that_fails_is_taken_back(tmp_path: Path) -> None:
    systemd = Played(units(up=False, enabled=False), ("stay web.service",))
    with refused("unit_failed", "web.service"):
        carry_out(systemd, tmp_path, Wish("started", NAMES))
    assert not any(item.up or item.enabled for item in systemd.units.values())


def test_a_thaw_that_fails_keeps_the_record(tmp_path: Path) -> None:
    systemd = Played(units(up=True))
    carry_out(systemd, tmp_path, Wish("frozen", NAMES))
    systemd.broken = ("stay web.service",)
    with refused("unit_failed", "web.service"):
        carry_out(systemd, tmp_path, Wish("thawed", ()))
    assert read_record(str(tmp_path), "shop")["freeze"]
    assert systemd.units["relocate-thaw-shop.timer"].up
    assert systemd.units[TIMER].up, "the others are started all the same"


def test_units_that_are_unknown_are_told_together(tmp_path: Path) -> None:
    with refused("unit_unknown", "no.service: not-found; unit nor.timer"):
        carry_out(Played(units(up=True)), tmp_path, Wish("frozen", (WEB, "no.service", "nor.timer")))


def test_a_trigger_that_is_not_named_is_refused(tmp_path: Path) -> None:
    present = {WEB: unit(WEB, triggered_by=(SOCKET,)), SOCKET: unit(SOCKET)}
    with refused("bad_option", "web.socket can start it again.*name web.socket"):
        carry_out(Played(present), tmp_path, Wish("frozen", (WEB,)))
    present[SOCKET] = unit(SOCKET, up=False)
    assert carry_out(Played(present), tmp_path, Wish("frozen", (WEB,)))


TARGET = "shop.target"


@pytest.mark.parametrize(
    ("file_state", "wanted_by", "words"),
    [
        ("static", TARGET, "web.service would start again with the host.*shop.target wants it.*Next: name shop.target"),
        ("static", "multi-user.target", "web.service would start again.*Next: give web.service an .Install. section"),
        ("static", "gone.target", ""),
        ("enabled", "linked.target", ""),  # disabling it takes the link away
        ("enabled", "alias.target", ""),
        ("enabled", TARGET, "web.service would start again with the host.*also when it is disabled Next: name shop"),
        ("generated", "multi-user.target", ""),
    ],
)
def test_a_unit_that_a_reboot_would_bring_back_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file_state: str, wanted_by: str, words: str
) -> None:
    """As tools make them that put all units of a site below a target: old would serve beside new."""
    (tmp_path / "linked.target.wants").mkdir()
    (tmp_path / "linked.target.wants" / WEB).symlink_to("/nowhere")
    (tmp_path / "alias.target.wants").mkdir()
    (tmp_path / "alias.target.wants" / "gunicorn.service").symlink_to("/nowhere")
    monkeypatch.setattr(checks, "_OWN", ("/nowhere", str(tmp_path)))
    script = "/run/systemd/generator.late/web.service"
    present = {WEB: unit(WEB, file_state=file_state, wanted_by=(wanted_by,), fragment=script)}
    present[WEB] = dataclasses.replace(present[WEB], real="gunicorn.service")
    present.update({name: unit(name) for name in ("linked.target", "alias.target")})
    present.update({name: unit(name) for name in (TARGET, "multi-user.target")})
    if words:
        with refused("bad_option", words):
            carry_out(Played(present), tmp_path, Wish("frozen", (WEB,)))
        assert present[WEB].up
    else:
        assert carry_out(Played(present), tmp_path, Wish("frozen", (WEB,)))
    if wanted_by == TARGET:
        carry_out(Played(present), tmp_path, Wish("retired", (WEB,)))  # new serves: refusing is of no use
        assert carry_out(Played(present), tmp_path, Wish("frozen", (WEB, TARGET)))


def test_what_a_freeze_would_refuse_is_refused_in_preflight(monkeypatch: pytest.MonkeyPatch) -> None:
    present = {WEB: unit(WEB, file_state="static", wanted_by=(TARGET,)), TARGET: unit(TARGET)}
    monkeypatch.setattr(checks, "Systemd", lambda: Played(present))
    with refused("bad_option", "name shop.target in units too"):
        checks.require(["web"])
    checks.require(["web", TARGET])
    checks.require([])
    with refused("unit_unknown", "nor.service"):
        checks.require(["nor"])


def test_processes_of_a_unit_that_failed_earlier_are_looked_for(tmp_path: Path) -> None:
    systemd = Played({WEB: unit(WEB), "queue.service": unit("queue.service", up=False)}, ("stay queue.service",))
    with refused("unit_failed", "queue.service"):
        carry_out(systemd, tmp_path, Wish("frozen", (WEB, "queue.service")))
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
    actions = carry_out(systemd, tmp_path, Wish(state, (TIMER, SOCKET)))
    assert [name for name, item in systemd.units.items() if item.up and "thaw" not in name] == []
    whole = services_units.Services(systemd, str(tmp_path), "shop").whole(Wish(state, (TIMER, SOCKET)))
    assert whole.units == (TIMER, SOCKET, JOB, WEB), "what systemd does not know is left out"
    assert whole.woken == (JOB,)
    assert services_plan.jobs_cut(actions, {**woken(), JOB: unit(JOB, woken=True)}) == [JOB]
    assert carry_out(systemd, tmp_path, Wish(state, (TIMER, SOCKET))) == []


@pytest.mark.parametrize("kind", ["oneshot", "simple"])
def test_a_thaw_starts_what_ran_but_no_job(tmp_path: Path, kind: str) -> None:
    """Many jobs are of the type that systemd takes for a daemon: started by us, they would not stay up."""
    present = woken()
    present[JOB] = dataclasses.replace(present[JOB], kind=kind)
    systemd = Played(present)
    carry_out(systemd, tmp_path, Wish("frozen", (TIMER, SOCKET)))
    carry_out(systemd, tmp_path, Wish("thawed", ()))
    assert {name for name, item in systemd.units.items() if item.up} >= {TIMER, SOCKET, WEB}
    assert not systemd.units[JOB].up


def test_a_job_that_was_cut_is_no_failure_of_the_way_back(tmp_path: Path) -> None:
    """It is not started again, whatever its type; that must not keep the record and the switch."""
    present = woken()
    present[JOB] = dataclasses.replace(present[JOB], kind="simple", active="active")
    systemd = Played(present, ("stop web.service",))
    with refused("unit_failed", "what was done so far was taken back"):
        carry_out(systemd, tmp_path, Wish("frozen", (TIMER, SOCKET)))
    assert read_record(str(tmp_path), "shop") == {}


def test_what_is_started_on_new_is_what_was_named(tmp_path: Path) -> None:
    wish = Wish("started", (TIMER, SOCKET))
    assert services_units.Services(Played(woken()), str(tmp_path), "shop").whole(wish) == wish


def test_old_starts_nothing_on_new_that_the_user_did_not_name(tmp_path: Path) -> None:
    shell = "debug-shell.service"
    systemd = Played({**woken(), shell: unit(shell, up=False, enabled=False)})
    host = services_units.Services(systemd, str(tmp_path), "shop")
    said = Wish("started", (SOCKET, WEB, shell), enable=(shell, SOCKET))
    wish, others = host.within(said, ["web.socket"])  # which starts the service here
    assert (wish.units, wish.enable, others) == ((SOCKET, WEB), (SOCKET,), [shell])
    assert host.within(said, []) == (Wish("started", (), enable=()), [SOCKET, WEB, shell])
    assert host.within(Wish("started", (WEB,)), ["web"]) == (Wish("started", (WEB,)), [])


def test_a_freeze_that_was_lost_is_refused(tmp_path: Path) -> None:
    systemd = Played(units(up=True))
    carry_out(systemd, tmp_path, Wish("frozen", NAMES))
    systemd.units[WEB] = unit(WEB)
    with refused("freeze_lost", "web.service is active"):
        carry_out(systemd, tmp_path, Wish("held", NAMES))


def test_what_wrote_before_its_stop_does_not_lose_the_freeze(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit in a restart loop may start between the record and its stop; nothing was dumped by then."""
    clock = itertools.count(100, 100)
    monkeypatch.setattr(services_units, "_microseconds", lambda: next(clock))
    systemd = Played(units(up=True))
    carry_out(systemd, tmp_path, Wish("frozen", NAMES))
    assert read_record(str(tmp_path), "shop")["freeze"]["monotonic"] == 200
    systemd.units[WEB] = dataclasses.replace(systemd.units[WEB], entered=150)
    assert carry_out(systemd, tmp_path, Wish("held", NAMES))


def move_away(systemd: Played, directory: Path, label: str = "l1", run: str = "r1") -> None:
    """All that a move does on old."""
    for state in ("frozen", "held", "retired"):
        carry_out(systemd, directory, Wish(state, NAMES, label=label, run=run))


def test_a_held_site_stays_down_through_a_reboot_and_a_thaw_enables_it_again(tmp_path: Path) -> None:
    systemd = Played(units(up=True))
    carry_out(systemd, tmp_path, Wish("frozen", NAMES))
    assert systemd.units[WEB].enabled, "a reboot before the cutover brings the site back"
    carry_out(systemd, tmp_path, Wish("held", NAMES))
    assert not systemd.units[WEB].enabled
    carry_out(systemd, tmp_path, Wish("thawed", ()))
    assert (systemd.units[WEB].up, systemd.units[WEB].enabled) == (True, True)


def test_units_that_are_only_linked_stay_until_the_site_is_retired() -> None:
    class Linked(Unit):
        linked_from = "/srv/shop/web.service"

    now = {WEB: Linked(WEB, file_state="enabled")}
    record = {"freeze": {**freeze(), "units": freeze()["units"][:1]}}
    assert words(plan(Wish("held", (WEB,)), now, record)) == "hold"
    assert words(plan(Wish("retired", (WEB,)), now, record)) == "disable web.service, retire"


@pytest.mark.parametrize(
    ("label", "run", "why"),
    [("l2", "r1", "r1 has frozen it since, for set l1"), ("l1", "r2", "r1 has frozen it since"), ("l1", "r1", "")],
)
def test_only_the_run_that_froze_a_site_holds_it(tmp_path: Path, label: str, run: str, why: str) -> None:
    systemd = Played(units(up=True))
    carry_out(systemd, tmp_path, Wish("frozen", NAMES, label="l1", run="r1"))
    if not why:
        assert carry_out(systemd, tmp_path, Wish("held", NAMES, label=label, run=run))
        return
    with refused("freeze_lost", why):
        carry_out(systemd, tmp_path, Wish("held", NAMES, label=label, run=run))
    assert "held" not in read_record(str(tmp_path), "shop")["freeze"]
    assert systemd.units["relocate-thaw-shop.timer"].up
    assert systemd.units[WEB].enabled


def test_a_site_that_was_stopped_already_can_be_held(tmp_path: Path) -> None:
    systemd = Played(units(up=False))
    carry_out(systemd, tmp_path, Wish("frozen", NAMES))
    assert "relocate-thaw-shop.timer" not in systemd.units
    assert carry_out(systemd, tmp_path, Wish("frozen", NAMES)) == []
    assert carry_out(systemd, tmp_path, Wish("held", NAMES))


@pytest.mark.parametrize("held", [False, True])
def test_a_run_that_goes_on_from_another_one_is_not_held_up_by_a_reboot(tmp_path: Path, held: bool) -> None:
    systemd = Played(units(up=True))
    for state in ("frozen", "held")[: 1 + held]:
        carry_out(systemd, tmp_path, Wish(state, NAMES, label="l1", run="r1"))
    systemd.boot = lambda: "c"  # type: ignore[method-assign]
    carry_out(systemd, tmp_path, Wish("frozen", NAMES, label="l2", run="r2"))
    assert systemd.units[WEB].enabled
    assert carry_out(systemd, tmp_path, Wish("held", NAMES, label="l2", run="r2"))


def test_putting_a_move_of_a_retired_site_back_leaves_it_retired(tmp_path: Path) -> None:
    systemd = Played(units(up=True))
    move_away(systemd, tmp_path)
    before = read_record(str(tmp_path), "shop")
    for state in ("frozen", "held"):
        assert carry_out(systemd, tmp_path, Wish(state, NAMES, label="l2", run="r2"))
    assert carry_out(systemd, tmp_path, Wish("thawed", ()))
    assert not any(systemd.units[name].up or systemd.units[name].enabled for name in NAMES)
    assert read_record(str(tmp_path), "shop") == before


def test_undo_brings_back_what_ran_before_the_first_of_two_moves(tmp_path: Path) -> None:
    systemd = Played(units(up=True))
    move_away(systemd, tmp_path)
    move_away(systemd, tmp_path, "l2", "r2")
    assert read_record(str(tmp_path), "shop")["retired"]["label"] == "l2"
    assert carry_out(systemd, tmp_path, Wish("thawed", (), retired=True))
    assert (systemd.units[WEB].up, systemd.units[WEB].enabled) == (True, True)
    assert read_record(str(tmp_path), "shop") == {}


@pytest.mark.parametrize("retired", [False, True])
def test_a_site_that_serves_beside_new_is_not_silently_retired(tmp_path: Path, retired: bool) -> None:
    systemd = Played(units(up=True))
    for state in ("frozen", "held", "retired")[: 2 + retired]:
        carry_out(systemd, tmp_path, Wish(state, NAMES))
    systemd.units[WEB] = unit(WEB)
    before, systemd.calls = read_record(str(tmp_path), "shop"), []
    with refused("freeze_lost", "serving beside the new one.*web.service active.*nothing was stopped"):
        carry_out(systemd, tmp_path, Wish("retired", NAMES))
    assert systemd.units[WEB].up
    assert (systemd.calls, read_record(str(tmp_path), "shop")) == ([], before)
    systemd.units[WEB] = unit(WEB, up=False)  # somebody looked, and stopped it
    carry_out(systemd, tmp_path, Wish("retired", NAMES))
    assert not systemd.units[WEB].enabled


def test_an_undo_that_fails_leaves_old_as_it_was(tmp_path: Path) -> None:
    systemd = Played(units(up=True))
    move_away(systemd, tmp_path)
    before = read_record(str(tmp_path), "shop")
    systemd.broken = ("stay web.service",)
    with refused("unit_failed", "what was done so far was taken back"):
        carry_out(systemd, tmp_path, Wish("thawed", (), retired=True))
    assert not any(systemd.units[name].up or systemd.units[name].enabled for name in NAMES)
    assert read_record(str(tmp_path), "shop") == before


def test_an_undo_is_refused_where_nothing_could_be_brought_back(tmp_path: Path) -> None:
    with refused("not_undoable", "no record of what ran here"):
        carry_out(Played(units(up=False)), tmp_path, Wish("thawed", NAMES, retired=True))
    assert carry_out(Played(units(up=True)), tmp_path, Wish("thawed", NAMES, retired=True)) == []
    systemd = Played(units(up=True))
    move_away(systemd, tmp_path)
    del systemd.units[WEB]
    with refused("unit_unknown", "web.service"):
        carry_out(systemd, tmp_path, Wish("thawed", (), retired=True))
    assert not systemd.units[TIMER].up


class Stubborn(Played):
    """One whose units stay as they are, when they are to be taken back."""

    def call(self, verb: str, *names: str, timeout: float | None = None, check: bool = True) -> Any:
        if check:
            super().call(verb, *names, timeout=timeout)


def test_what_could_not_be_taken_back_is_told(tmp_path: Path) -> None:
    systemd = Stubborn(units(up=False, enabled=False), ("stay web.service",))
    with refused("unit_failed", "taking it back FAILED: .*web.service is active") as caught:
        carry_out(systemd, tmp_path, Wish("started", NAMES))
    assert "web.service is active" in caught.value.details["remaining"]


def test_a_freeze_that_cannot_be_taken_back_keeps_what_brings_the_site_back_later(tmp_path: Path) -> None:
    systemd = Stubborn(units(up=True), ("stay web.service",))
    with refused("unit_failed", "taking it back FAILED: .*clear.timer is inactive"):
        carry_out(systemd, tmp_path, Wish("frozen", NAMES))
    assert systemd.units["relocate-thaw-shop.timer"].up
    assert read_record(str(tmp_path), "shop")["freeze"]["units"]


def test_stopped_means_that_every_unit_is_down(tmp_path: Path) -> None:
    asked: list[str] = []
    systemd = Played(units(up=False))
    systemd.confirm_stopped = lambda names, before: asked.extend(names)  # type: ignore[method-assign]
    carry_out(systemd, tmp_path, Wish("stopped", NAMES))
    assert asked == list(NAMES)
    now = {**units(up=False), WEB: unit(WEB, active="deactivating")}
    assert words(plan(Wish("stopped", (WEB,)), now, {})) == "stop web.service, disable web.service"


@pytest.mark.parametrize("state", ["frozen", "held", "retired"])
def test_a_site_without_units_is_not_called_stopped(state: str) -> None:
    with refused("no_services", "nothing would stop it on old.*relocate_services"):
        services_freeze.check_named(state, ())
    services_freeze.check_named(state, (WEB,))
    services_freeze.check_named("started", ())


@pytest.mark.parametrize(
    ("units", "left", "told"),
    [
        ([], [], ["web.service", "tidy.timer", "job.service"]),
        (["web"], ["tidy.timer"], []),
        (["web", "tidy.timer"], [], []),
        (["tidy.timer"], [], ["web.service"]),
        (["web"], ["*"], []),
    ],
)
def test_units_that_nobody_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, units: list[str], left: list[str], told: list[str]
) -> None:
    """A job that a named timer starts goes with it."""
    running = [Unit("web.service"), Unit("tidy.timer"), Unit("job.service", triggered_by=("tidy.timer",))]
    monkeypatch.setattr(checks, "RUNNING", str(tmp_path))
    monkeypatch.setattr(checks, "Systemd", lambda: SimpleNamespace(running_below=lambda _path: running))
    found = checks.unnamed("/srv/shop/app", units, left)
    assert [item.code for item in found] == ["unit_unnamed"] * len(told)
    assert [item.msg.split()[1] for item in found] == told
    assert all("relocate_services_left" in item.hint for item in found)


@pytest.mark.parametrize(
    ("left", "told"),
    [
        ([], "web.service, tidy.timer run here"),
        (["tidy.timer"], "web.service runs here"),
        (["web", "tidy.timer"], ""),
        (["*"], ""),
    ],
)
def test_a_site_that_runs_where_its_data_comes_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, left: list[str], told: str
) -> None:
    monkeypatch.setattr(checks, "RUNNING", str(tmp_path))
    below = {"/srv/shop/app": [Unit("web.service"), Unit("tidy.timer")]}
    monkeypatch.setattr(checks, "Systemd", lambda: SimpleNamespace(running_below=below.__getitem__))
    found = checks.running("/srv/shop/app", left)
    assert [item.msg.partition(", and")[0] for item in found] == ([told] if told else [])
    assert all(item.hint.startswith("systemctl stop web.service") for item in found)


def test_no_site_runs_where_systemd_does_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(checks, "RUNNING", str(tmp_path / "none"))
    assert checks.running("/srv/shop/app") == []
