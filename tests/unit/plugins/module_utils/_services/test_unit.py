# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Units as systemctl shows them, and as a user's own systemd may lie about them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._services import unit as services_unit
from ansible_collections.relocate.django.plugins.module_utils._services.unit import (
    Unit,
    check_known,
    of_user,
    parse_show,
)
from tests.unit.fakes import ROOT_ONLY, nobody, reachable, refused

SHOWN = """Id=web.service
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
Result=success
TriggeredBy=web.socket web.path
FragmentPath=/etc/systemd/system/web.service
ControlGroup=/system.slice/web.service
NRestarts=2
InvocationID=abc
InactiveExitTimestampMonotonic=123
WantedBy=multi-user.target
RequiredBy=shop.target
Type=notify
RemainAfterExit=no

Id=mariadb.service
LoadState=not-found
ActiveState=inactive
SubState=dead
UnitFileState=
NRestarts=[not set]
"""


def test_show_is_read_by_the_order_of_the_question() -> None:
    timer = "Id=a.timer\nTriggers=a.service\n\n"
    first, web, alias = parse_show(["a.timer", "web.service", "mysql.service"], timer + SHOWN).values()
    assert (first.triggers, web.triggers) == (("a.service",), ())
    assert web.up
    assert web.enabled
    assert (web.triggered_by, web.restarts, web.entered) == (("web.socket", "web.path"), 2, 123)
    assert web.wanted_by == ("multi-user.target", "shop.target")
    assert (alias.name, alias.load, alias.up, alias.restarts) == ("mysql.service", "not-found", False, 0)


@pytest.mark.parametrize(
    ("file_state", "wanted", "enabled", "can_enable"),
    [
        ("enabled", True, True, False),
        ("disabled", False, False, True),
        ("static", True, False, False),
        ("generated.late", True, True, False),
        ("generated.late", False, False, True),
        ("generated", True, False, False),
        ("generated", False, False, False),
    ],
)
def test_what_starts_with_the_host(file_state: str, wanted: bool, enabled: bool, can_enable: bool) -> None:
    """Units out of /etc/init.d are disabled and enabled like others, but their state is always the same word."""
    state, _dot, late = file_state.partition(".")
    fragment = "/run/systemd/generator{0}/x.service".format("." + late if late else "")
    wanted_by = ("multi-user.target",) if wanted else ()
    found = Unit("x.service", file_state=state, wanted_by=wanted_by, fragment=fragment)
    assert (found.enabled, found.can_enable) == (enabled, can_enable)


@pytest.mark.parametrize(
    ("kind", "remains", "job"), [("oneshot", False, True), ("oneshot", True, False), ("simple", False, False)]
)
def test_jobs(kind: str, remains: bool, job: bool) -> None:
    assert Unit("x", kind=kind, remains=remains).job is job


TOP = "/user.slice/user-1000.slice/user@1000.service"
TOLD = Unit(
    "web.service",
    active="active",
    file_state="enabled",
    triggers=("job.service",),
    triggered_by=("web.socket",),
    fragment="/home/shop/.config/systemd/user/web.service",
    group=TOP + "/app.slice/web.service",
    kind="simple",
    wanted_by=("default.target",),
    real="web.service",
)


def test_a_unit_of_a_user_has_names_of_its_own() -> None:
    found = of_user("shop", TOLD, TOP)
    assert (found.name, found.real, found.up, found.enabled) == ("~shop/web.service", "~shop/web.service", True, True)
    assert (found.triggers, found.triggered_by) == (("~shop/job.service",), ("~shop/web.socket",))
    assert found.wanted_by == ("~shop/default.target",) and found.group == TOLD.group


@pytest.mark.parametrize(
    ("lie", "seen"),
    [
        ({"group": "/system.slice/nginx.service"}, {"group": ""}),
        ({"group": TOP + "/../../../system.slice"}, {"group": ""}),
        ({"group": TOP + "0/x"}, {"group": ""}),
        (
            {"triggers": ("/etc/x.service", "a/../b.service", "--now", "ok.service")},
            {"triggers": ("~shop/ok.service",)},
        ),
        ({"triggered_by": ("~root/x.service",)}, {"triggered_by": ()}),
        ({"wanted_by": ("../../x.target",)}, {"wanted_by": ()}),
        ({"real": "../x"}, {"real": ""}),
        ({"active": "inactive\x1b[2J"}, {"active": "unknown", "up": False, "down": False}),
        ({"load": "loaded {{ x }}"}, {"load": "unknown"}),
        ({"fragment": "/home/\x1bx"}, {"fragment": ""}),
    ],
)
def test_what_he_says_of_others_is_not_believed(lie: dict[str, Any], seen: dict[str, Any]) -> None:
    found = of_user("shop", replace(TOLD, **lie), TOP)
    assert {key: getattr(found, key) for key in seen} == seen


def test_units_that_are_not_there() -> None:
    check_known([Unit("a.service")])
    with refused("unit_unknown", "unit ~shop/b.service: shop's own systemd does not run"):
        check_known([Unit("a.service"), Unit("~shop/b.service", load="shop's own systemd does not run")])


@ROOT_ONLY
def test_a_link_that_only_root_can_read_is_not_read_for_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reachable(tmp_path)
    hidden, open_to_all = tmp_path / "hidden", tmp_path / "open"
    for place, mode in ((hidden, 0o700), (open_to_all, 0o755)):
        place.mkdir()
        place.chmod(mode)
        (place / "web.service").symlink_to("/srv/secret/web.service")
    monkeypatch.setattr(services_unit, "lookup_user", lambda _name: nobody())
    assert Unit("web.service", fragment=str(hidden / "web.service")).linked_from == "/srv/secret/web.service"
    assert Unit("~shop/web.service", fragment=str(hidden / "web.service")).linked_from == ""
    assert Unit("~shop/web.service", fragment=str(open_to_all / "web.service")).linked_from == "/srv/secret/web.service"


@pytest.mark.parametrize(("said", "stale"), [("yes", True), ("no", False), ("", False)])
def test_a_unit_whose_files_systemd_has_not_read(said: str, stale: bool) -> None:
    [found] = parse_show(["web.service"], f"Id=web.service\nLoadState=loaded\nNeedDaemonReload={said}\n").values()
    assert found.stale is stale
