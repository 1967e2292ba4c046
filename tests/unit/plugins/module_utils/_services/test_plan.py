# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be done with units: plans as tables."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._services import plan as services_plan
from ansible_collections.relocate.django.plugins.module_utils._services.plan import Action, Request, plan
from ansible_collections.relocate.django.plugins.module_utils._services.unit import Unit
from tests.unit.plugins.module_utils._services.played import JOB, NAMES, SOCKET, TIMER, WEB, freeze, unit, units, words
from tests.unit.records import given

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


@pytest.mark.parametrize(("state", "now", "record", "armed", "expected"), PLANS)
def test_plans(state: str, now: dict[str, Unit], record: dict[str, Any], armed: bool, expected: str) -> None:
    assert words(plan(Request(state, NAMES, run="me"), now, given(**record), armed)) == expected


def test_without_a_limit_no_switch_is_armed() -> None:
    assert words(plan(Request("frozen", (WEB,), freeze_limit=0), units(up=True), given())) == "record, stop web.service"


def test_a_reload_follows_a_change_only() -> None:
    now = {**units(up=True), "nginx.service": unit("nginx.service")}
    request = Request("started", (WEB,), reload=("nginx.service",))
    assert plan(request, now, {}) == []
    now[WEB] = unit(WEB, up=False)
    assert words(plan(request, now, {})) == "start web.service, reload nginx.service"
    now["nginx.service"] = unit("nginx.service", up=False)
    assert words(plan(request, now, {})) == "start web.service, start nginx.service"


def test_what_may_hold_a_port_of_another_one_is_told_first() -> None:
    """A package has started Apache on nginx's port; files that the site brought say another one."""
    now = {"apache2.service": unit("apache2.service"), "nginx.service": unit("nginx.service", up=False)}
    both = ("nginx.service", "apache2.service")
    reloaded = Request("started", (), reload=both, label="l1")
    assert words(plan(reloaded, now, given())) == "reload apache2.service, start nginx.service"
    started = Request("started", both, label="l1")
    assert words(plan(started, now, given())) == "restart apache2.service, start nginx.service"
    sockets = {"a.socket": unit("a.socket", up=False), "a.service": unit("a.service", triggered_by=("a.socket",))}
    assert words(plan(Request("started", tuple(sockets), label="l1"), sockets, given())).startswith("start a.socket")


@pytest.mark.parametrize(
    ("label", "record", "expected"),
    [
        ("l1", {}, "restart web.service, restart clear.timer"),  # as a package has started them
        ("l1", {"moved": {"at": 1, "label": "l1"}}, ""),
        ("l1", {"served": {"at": 1, "label": "l0"}}, ""),
        ("", {}, ""),  # nobody moves a site here
    ],
)
def test_what_runs_before_the_site_has_served_is_started_anew(label: str, record: Any, expected: str) -> None:
    request = Request("started", NAMES, label=label)
    assert words(plan(request, units(up=True), given(**record))) == expected
    down = words(plan(request, units(up=False), given(**record)))
    assert down == "start web.service, start clear.timer"
    assert services_plan.after([Action("restart", WEB)], {WEB: unit(WEB)}) == {WEB: (True, True)}


def test_only_the_named_units_are_enabled() -> None:
    now = units(up=True, enabled=False)
    assert plan(Request("started", NAMES, enable=()), now, {}) == []
    assert words(plan(Request("started", NAMES, enable=(WEB,)), now, {})) == "enable web.service"


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


def test_a_diff_names_units_and_states() -> None:
    after = services_plan.after([Action("stop", WEB), Action("disable", WEB)], {WEB: unit(WEB)})
    assert services_plan.as_text(after) == "web.service: inactive, disabled\n"


def test_units_that_are_only_linked_stay_until_the_site_is_retired() -> None:
    class Linked(Unit):
        linked_from = "/srv/shop/web.service"

    now = {WEB: Linked(WEB, file_state="enabled")}
    record = given(freeze={**freeze(), "units": freeze()["units"][:1]})
    assert words(plan(Request("held", (WEB,)), now, record)) == "hold"
    assert words(plan(Request("retired", (WEB,)), now, record)) == "disable web.service, retire"
