# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What else would start a unit, units that nobody named, and a site that runs where its data comes to."""

from __future__ import annotations

import dataclasses
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._services import checks
from ansible_collections.relocate.django.plugins.module_utils._services.plan import Request
from ansible_collections.relocate.django.plugins.module_utils._services.unit import Unit
from ansible_collections.relocate.django.plugins.module_utils._users import current_user
from tests.unit.fakes import nobody, refused
from tests.unit.plugins.module_utils._services.played import SOCKET, WEB, Played, carry_out, unit


def test_a_trigger_that_is_not_named_is_refused(tmp_path: Path) -> None:
    present = {WEB: unit(WEB, triggered_by=(SOCKET,)), SOCKET: unit(SOCKET)}
    with refused("bad_option", "web.socket can start it again.*add web.socket to relocate_services"):
        carry_out(Played(present), tmp_path, Request("frozen", (WEB,)))
    present[SOCKET] = unit(SOCKET, up=False)
    assert carry_out(Played(present), tmp_path, Request("frozen", (WEB,)))


TARGET = "shop.target"


@pytest.mark.parametrize(
    ("file_state", "wanted_by", "words"),
    [
        ("static", TARGET, "web.service would start again after a reboot.*shop.target wants it.*Next: add shop.target"),
        ("static", "multi-user.target", "web.service would start again.*Next: give web.service an .Install. section"),
        ("static", "gone.target", ""),
        ("enabled", "linked.target", ""),  # disabling it takes the link away
        ("enabled", "alias.target", ""),
        ("enabled", TARGET, "web.service would start again after a reboot.*even when it is disabled Next: add shop"),
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
            carry_out(Played(present), tmp_path, Request("frozen", (WEB,)))
        assert present[WEB].up
    else:
        assert carry_out(Played(present), tmp_path, Request("frozen", (WEB,)))
    if wanted_by == TARGET:
        carry_out(Played(present), tmp_path, Request("retired", (WEB,)))  # new serves: refusing is of no use
        assert carry_out(Played(present), tmp_path, Request("frozen", (WEB, TARGET)))


def test_what_a_freeze_would_refuse_is_refused_in_preflight(monkeypatch: pytest.MonkeyPatch) -> None:
    present = {WEB: unit(WEB, file_state="static", wanted_by=(TARGET,)), TARGET: unit(TARGET)}
    monkeypatch.setattr(checks, "Systemd", lambda: Played(present))
    with refused("bad_option", "add shop.target to relocate_services"):
        checks.require(["web"])
    checks.require(["web", TARGET])
    checks.require([])
    with refused("unit_unknown", "nor.service"):
        checks.require(["nor"])


def test_what_would_not_stop_whole_is_said_of_what_a_timer_starts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Unit("job.service", kills=("none", "yes"))
    present = {WEB: unit(WEB, stops_within="infinity"), "tidy.timer": unit("tidy.timer", triggers=(job.name,))}
    monkeypatch.setattr(checks, "Systemd", lambda: Played({**present, job.name: job}))
    assert [line.partition(":")[0] for line in checks.unclean_stops(["web", "tidy.timer"])] == [
        "unit web.service has TimeoutStopSec=infinity",
        "unit job.service has KillMode=none",
    ]
    assert checks.unclean_stops([]) == []


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
    monkeypatch.setattr(
        checks, "Systemd", lambda: SimpleNamespace(running_below=lambda _path, user: [] if user else running)
    )
    found = checks.unnamed("/srv/shop/app", units, left)
    assert [item.code for item in found] == ["unit_unnamed"] * len(told)
    assert [item.msg.split()[1] for item in found] == told
    assert all("relocate_services_kept_running" in item.hint for item in found)


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
    monkeypatch.setattr(
        checks, "Systemd", lambda: SimpleNamespace(running_below=lambda path, user: [] if user else below[path])
    )
    found = checks.running("/srv/shop/app", left)
    assert [item.msg.partition(", and")[0] for item in found] == ([told] if told else [])
    assert all(item.hint.startswith("systemctl stop web.service") for item in found)


def test_no_site_runs_where_systemd_does_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(checks, "RUNNING", str(tmp_path / "none"))
    assert checks.running("/srv/shop/app") == []


class Owners(Played):
    """A systemd beside which the user shop has one of his own."""

    def manager(self, user: str) -> Any:
        return SimpleNamespace(group=lambda: f"/{user}", user=nobody())

    def wake(self, names: Any) -> None:
        pass


@pytest.mark.parametrize("state", ["frozen", "stopped"])
def test_a_process_of_no_service_ends_a_freeze(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state: str) -> None:
    """What was stopped is started again: the program would go on writing."""
    name, asked = "~shop/web.service", []
    monkeypatch.setattr(checks, "acting_as", lambda user: nullcontext(asked.append(user.name)))
    monkeypatch.setattr(checks.groups, "stray", lambda group, path: asked.append((group, path)) or [41, 42])
    systemd = Owners({name: unit(name), WEB: unit(WEB)})
    with refused("unit_failed", "processes of no service still run in /srv/shop/app: 41, 42.*kill 41 42"):
        carry_out(systemd, tmp_path, Request(state, (WEB, name), path="/srv/shop/app"))
    assert asked == [nobody().name, ("/shop", "/srv/shop/app")]
    assert systemd.units[name].up == systemd.units[WEB].up == (state == "frozen")
    monkeypatch.setattr(checks.groups, "stray", lambda _group, _path: [])
    carry_out(systemd, tmp_path, Request(state, (WEB, name), path="/srv/shop/app"))
    assert not systemd.units[name].up and not systemd.units[WEB].up


def test_units_of_the_projects_owner_are_looked_for_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    below = {"": [Unit("web.service")], "shop": [Unit("~shop/beat.service"), Unit("~shop/kept.timer")]}
    monkeypatch.setattr(checks, "RUNNING", str(tmp_path))
    monkeypatch.setattr(checks, "lookup_user", lambda _uid: SimpleNamespace(name="shop", uid=7))
    monkeypatch.setattr(checks, "Systemd", lambda: SimpleNamespace(running_below=lambda _path, user: below[user]))
    [one] = checks.running(str(tmp_path), ["~shop/kept.timer"])
    assert one.hint.startswith(
        "systemctl stop web.service and systemctl --user --machine=shop@ stop beat.service, then"
    )
    [two] = checks.unnamed(str(tmp_path), ["web"], ["~shop/kept.timer"])
    assert "unit ~shop/beat.service runs the project" in two.msg


@pytest.mark.parametrize(("linked", "goes"), [(True, True), (False, False)])
def test_what_a_user_enabled_goes_with_disabling(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, linked: bool, goes: bool
) -> None:
    wants = tmp_path / ".config/systemd/user/default.target.wants"
    wants.mkdir(parents=True)
    if linked:
        (wants / "web.service").symlink_to("../web.service")
    monkeypatch.setattr(checks, "lookup_user", lambda _name: dataclasses.replace(current_user(), home=str(tmp_path)))
    web = unit("~shop/web.service", wanted_by=("~shop/default.target",))
    assert checks.goes_with_disabling(web, "~shop/default.target") is goes
