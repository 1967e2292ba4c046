# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user's own systemd: asked as him, started by the system's, never believed about more than his units."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed
from ansible_collections.relocate.django.plugins.module_utils._services import user_manager
from ansible_collections.relocate.django.plugins.module_utils._services.systemd import Systemd
from ansible_collections.relocate.django.plugins.module_utils._services.user_manager import UserManager
from tests.unit.fakes import nobody, refused

TOP = "/user.slice/user-65534.slice/user@65534.service"
RUNS = f"ActiveState=active\nControlGroup={TOP}\n"
WEB = f"Id=web.service\nLoadState=loaded\nActiveState=active\nControlGroup={TOP}/app.slice/web.service\n"


class Host:
    """Answers for both: what the system's systemd says of that of the user, and what this says of its units."""

    def __init__(self, runs: bool = True, shown: str = WEB, starts: bool = True, rc: int = 0) -> None:
        self.runs, self.shown, self.starts, self.rc = runs, shown, starts, rc
        self.commands: list[Command] = []

    def __call__(self, command: Command, **_more: Any) -> Completed:
        self.commands.append(command)
        argv, text, rc = list(command.argv), "", 0
        if argv[-1] == "user@65534.service" and "show" in argv:
            text = RUNS if self.runs else "ActiveState=inactive\nControlGroup=\n"
        elif argv[-1] == "user@65534.service":
            rc, self.runs = (0, True) if self.starts else (1, False)
        elif "show" in argv:
            text, rc = self.shown, self.rc
        return Completed(tuple(argv), rc, text.encode(), b"Access to journal" if rc else b"")

    @property
    def as_him(self) -> list[Command]:
        return [one for one in self.commands if "--user" in one.argv]


@pytest.fixture(autouse=True)
def user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_manager, "lookup_user", lambda name: nobody() if name == "shop" else None)


def systemd(host: Host, tmp_path: Path) -> Systemd:
    return Systemd(host, str(tmp_path))


def test_units_of_both_are_asked_for_at_once(tmp_path: Path) -> None:
    host = Host()
    found = systemd(host, tmp_path).states(["web.service", "~shop/web.service"])
    assert list(found) == ["web.service", "~shop/web.service"]
    assert found["~shop/web.service"].up and found["~shop/web.service"].group == TOP + "/app.slice/web.service"
    [asked] = host.as_him
    assert asked.user == nobody() and asked.env == {"XDG_RUNTIME_DIR": "/run/user/65534"}
    assert all(one.user is None for one in host.commands if one is not asked)
    assert asked.argv[-2:] == ["--", "web.service"]


def test_units_of_a_systemd_that_does_not_run_are_down(tmp_path: Path) -> None:
    host = Host(runs=False)
    found = systemd(host, tmp_path).states(["~shop/web.service", "~eve/x.service"])
    assert all(unit.down and not unit.enabled for unit in found.values())
    assert [unit.load for unit in found.values()] == [
        "shop's own systemd does not run",
        "there is no user eve on this host",
    ]
    assert host.as_him == []


@pytest.mark.parametrize("host", [Host(shown=""), Host(rc=1)])
def test_answers_to_another_question_are_refused(host: Host, tmp_path: Path) -> None:
    with refused("program_failed", "systemctl show, as shop, exited"):
        systemd(host, tmp_path).states(["~shop/web.service"])


@pytest.mark.parametrize(
    ("verb", "runs", "started"), [("start", False, 1), ("start", True, 0), ("stop", False, 0), ("enable", False, 1)]
)
def test_it_is_started_for_what_needs_it(tmp_path: Path, verb: str, runs: bool, started: int) -> None:
    host = Host(runs=runs)
    systemd(host, tmp_path).call(verb, "~shop/web.service")
    starts = [one for one in host.commands if "start" in one.argv and one.argv[-1] == "user@65534.service"]
    assert len(starts) == started and all(one.user is None for one in starts)
    assert list(host.as_him[-1].argv[-3:]) == [verb, "--", "web.service"]


def test_one_that_does_not_start(tmp_path: Path) -> None:
    with refused("unit_failed", "shop's own systemd does not start.*install libpam-systemd"):
        systemd(Host(runs=False, starts=False), tmp_path).wake(["~shop/web.service", "a.service"])
    with refused("unit_unknown", "there is no user eve"):
        systemd(Host(), tmp_path).wake(["~eve/web.service"])


def test_files_are_read_again_by_both(tmp_path: Path) -> None:
    host = Host()
    systemd(host, tmp_path).read_again(["a.service", "~shop/web.service", "~shop/b.timer"])
    assert [one.argv[-1] for one in host.commands if "daemon-reload" in one.argv] == ["daemon-reload"] * 2
    assert len(host.as_him) == 1


def test_it_starts_with_the_host_from_now_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host()
    monkeypatch.setattr(user_manager, "require_program", lambda name: "/usr/bin/" + name)
    UserManager("shop", "systemctl", host).linger(str(tmp_path))
    assert host.commands[0].argv == ["/usr/bin/loginctl", "enable-linger", "--", "shop"]
    (tmp_path / "shop").touch()
    UserManager("shop", "systemctl", host).linger(str(tmp_path))
    assert len(host.commands) == 1


def test_a_timer_for_each_brings_the_site_back(tmp_path: Path) -> None:
    host = Host()
    systemd(host, tmp_path).arm("relocate-thaw-shop", 60, ["a.service", "~shop/web.service"], "why")
    system, his = (list(one.argv) for one in host.commands)
    assert "--unit=relocate-thaw-shop.service" in system and system[-2:] == ["start", "a.service"]
    assert "--unit=relocate-thaw-shop:shop.service" in his and his[-3:] == ["--user", "start", "web.service"]
    assert {"--uid=shop", "--property=After=user@65534.service", "--setenv=XDG_RUNTIME_DIR=/run/user/65534"} < set(his)


def test_one_that_never_answers(tmp_path: Path) -> None:
    def hangs(command: Command, timeout: float | None = None, **_more: Any) -> Completed:
        if "--user" not in command.argv:
            return Completed(tuple(command.argv), 0, RUNS.encode())
        assert timeout
        raise RelocateError("timed_out", "systemctl did not end")

    with refused("timed_out", "did not end"):
        Systemd(hangs, str(tmp_path)).states(["~shop/web.service"])


def test_whom_units_run_as(tmp_path: Path) -> None:
    assert systemd(Host(), tmp_path).users(["~shop/web.service"]) == ["shop"]
    assert systemd(Host(), tmp_path).users([]) == []


def test_what_of_him_runs_in_a_directory(tmp_path: Path) -> None:
    class Listing(Host):
        def __call__(self, command: Command, **more: Any) -> Completed:
            if "list-units" in command.argv:
                self.commands.append(command)
                return Completed(tuple(command.argv), 0, b"web.service loaded active running\n")
            return super().__call__(command, **more)

    host = Listing(shown=WEB + "WorkingDirectory=/srv/shop\n")
    assert [unit.name for unit in systemd(host, tmp_path).running_below("/srv/shop", "shop")] == ["~shop/web.service"]
    assert [one.argv for one in host.as_him if "list-units" in one.argv]
    assert systemd(host, tmp_path).running_below("/srv/other", "shop") == []
    assert systemd(Listing(runs=False), tmp_path).running_below("/srv/shop", "shop") == []
