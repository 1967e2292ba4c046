# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the record holds of a freeze: how units were before, whose it is, and what loses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._services import freeze as services_freeze
from ansible_collections.relocate.django.plugins.module_utils._services.plan import Request
from ansible_collections.relocate.django.plugins.module_utils._services.unit import Unit
from tests.unit.fakes import refused
from tests.unit.plugins.module_utils._services.played import (
    JOB,
    NAMES,
    TIMER,
    WEB,
    Played,
    carry_out,
    freeze,
    move_away,
    unit,
    units,
)
from tests.unit.records import given, noted


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
    assert services_freeze.lost(given(**record), now, armed, boot) == expected


def test_the_first_states_are_kept() -> None:
    record = given(freeze=freeze())
    before = {item.name: item for item in services_freeze.states_before(units(up=False, enabled=False), record)}
    assert before[WEB].active and before[WEB].enabled
    assert not before[JOB].active


def test_a_freeze_that_was_lost_is_refused(tmp_path: Path) -> None:
    systemd = Played(units(up=True))
    carry_out(systemd, tmp_path, Request("frozen", NAMES))
    systemd.units[WEB] = unit(WEB)
    with refused("freeze_lost", "web.service is active"):
        carry_out(systemd, tmp_path, Request("held", NAMES))


def test_a_held_site_stays_down_through_a_reboot_and_a_thaw_enables_it_again(tmp_path: Path) -> None:
    systemd = Played(units(up=True))
    carry_out(systemd, tmp_path, Request("frozen", NAMES))
    assert systemd.units[WEB].enabled, "a reboot before the cutover brings the site back"
    carry_out(systemd, tmp_path, Request("held", NAMES))
    assert not systemd.units[WEB].enabled
    carry_out(systemd, tmp_path, Request("thawed", ()))
    assert (systemd.units[WEB].up, systemd.units[WEB].enabled) == (True, True)


@pytest.mark.parametrize(
    ("label", "run", "why"),
    [("l2", "r1", "r1 has frozen it since, for set l1"), ("l1", "r2", "r1 has frozen it since"), ("l1", "r1", "")],
)
def test_only_the_run_that_froze_a_site_holds_it(tmp_path: Path, label: str, run: str, why: str) -> None:
    systemd = Played(units(up=True))
    carry_out(systemd, tmp_path, Request("frozen", NAMES, label="l1", run="r1"))
    if not why:
        assert carry_out(systemd, tmp_path, Request("held", NAMES, label=label, run=run))
        return
    with refused("freeze_lost", why):
        carry_out(systemd, tmp_path, Request("held", NAMES, label=label, run=run))
    assert "held" not in noted(tmp_path)["freeze"]
    assert systemd.units["relocate-thaw-shop.timer"].up
    assert systemd.units[WEB].enabled


def test_a_site_that_was_stopped_already_can_be_held(tmp_path: Path) -> None:
    systemd = Played(units(up=False))
    carry_out(systemd, tmp_path, Request("frozen", NAMES))
    assert "relocate-thaw-shop.timer" not in systemd.units
    assert carry_out(systemd, tmp_path, Request("frozen", NAMES)) == []
    assert carry_out(systemd, tmp_path, Request("held", NAMES))


@pytest.mark.parametrize("held", [False, True])
def test_a_run_that_goes_on_from_another_one_is_not_held_up_by_a_reboot(tmp_path: Path, held: bool) -> None:
    systemd = Played(units(up=True))
    for state in ("frozen", "held")[: 1 + held]:
        carry_out(systemd, tmp_path, Request(state, NAMES, label="l1", run="r1"))
    systemd.boot = lambda: "c"  # type: ignore[method-assign]
    carry_out(systemd, tmp_path, Request("frozen", NAMES, label="l2", run="r2"))
    assert systemd.units[WEB].enabled
    assert carry_out(systemd, tmp_path, Request("held", NAMES, label="l2", run="r2"))


def test_putting_a_move_of_a_retired_site_back_leaves_it_retired(tmp_path: Path) -> None:
    systemd = Played(units(up=True))
    move_away(systemd, tmp_path)
    before = noted(tmp_path)
    for state in ("frozen", "held"):
        assert carry_out(systemd, tmp_path, Request(state, NAMES, label="l2", run="r2"))
    assert carry_out(systemd, tmp_path, Request("thawed", ()))
    assert not any(systemd.units[name].up or systemd.units[name].enabled for name in NAMES)
    assert noted(tmp_path) == before


def test_undo_brings_back_what_ran_before_the_first_of_two_moves(tmp_path: Path) -> None:
    systemd = Played(units(up=True))
    move_away(systemd, tmp_path)
    move_away(systemd, tmp_path, "l2", "r2")
    assert noted(tmp_path)["retired"]["label"] == "l2"
    assert carry_out(systemd, tmp_path, Request("thawed", (), retired=True))
    assert (systemd.units[WEB].up, systemd.units[WEB].enabled) == (True, True)
    assert noted(tmp_path) == {}


@pytest.mark.parametrize("retired", [False, True])
def test_a_site_that_serves_beside_new_is_not_silently_retired(tmp_path: Path, retired: bool) -> None:
    systemd = Played(units(up=True))
    for state in ("frozen", "held", "retired")[: 2 + retired]:
        carry_out(systemd, tmp_path, Request(state, NAMES))
    systemd.units[WEB] = unit(WEB)
    before, systemd.calls = noted(tmp_path), []
    with refused("freeze_lost", "serving beside the new one.*web.service active.*nothing was stopped"):
        carry_out(systemd, tmp_path, Request("retired", NAMES))
    assert systemd.units[WEB].up
    assert (systemd.calls, noted(tmp_path)) == ([], before)
    systemd.units[WEB] = unit(WEB, up=False)  # somebody looked, and stopped it
    carry_out(systemd, tmp_path, Request("retired", NAMES))
    assert not systemd.units[WEB].enabled


def test_an_undo_is_refused_where_nothing_could_be_brought_back(tmp_path: Path) -> None:
    with refused("not_undoable", "no record of what ran here"):
        carry_out(Played(units(up=False)), tmp_path, Request("thawed", NAMES, retired=True))
    assert carry_out(Played(units(up=True)), tmp_path, Request("thawed", NAMES, retired=True)) == []
    systemd = Played(units(up=True))
    move_away(systemd, tmp_path)
    del systemd.units[WEB]
    with refused("unit_unknown", "web.service"):
        carry_out(systemd, tmp_path, Request("thawed", (), retired=True))
    assert not systemd.units[TIMER].up


@pytest.mark.parametrize("state", ["frozen", "held", "retired"])
def test_a_site_without_units_is_not_called_stopped(state: str) -> None:
    with refused("no_services", "relocate_services is empty.*relocate_services"):
        services_freeze.check_named(state, ())
    services_freeze.check_named(state, (WEB,))
    services_freeze.check_named("started", ())
