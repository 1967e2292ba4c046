# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""systemd: what it says, read; what we say, quoted; what it must not say, left out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils import _secrets
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed
from ansible_collections.relocate.django.plugins.module_utils._services import systemd as services_systemd
from ansible_collections.relocate.django.plugins.module_utils._services.systemd import Systemd
from tests.unit.fakes import refused


@pytest.mark.parametrize(
    "line",
    [
        "password=hunter2",
        "PGPASSWORD: x",
        "connecting to postgres://u:hunter2@db/x",
        "SECRET_KEY is too short: abc",
        "pwd=x",
        "Authorization: Basic abc",
    ],
)
def test_lines_that_look_secret_are_left_out(line: str) -> None:
    assert _secrets.without_secrets(f"one\n{line}\ntwo") == "one\ntwo"


@pytest.mark.parametrize("line", ["ImportError: no module named shop", "http://db:5432/x", "compass=3"])
def test_other_lines_stay(line: str) -> None:
    assert _secrets.without_secrets(line) == line


def test_a_line_of_a_journal_over_which_a_search_could_take_hours() -> None:
    began = time.process_time()
    assert len(_secrets.without_secrets("://:" * 200_000)) == 2000
    assert time.process_time() - began < 3


def test_a_host_without_systemd_says_so(tmp_path: Path) -> None:
    with refused("program_missing", "systemd does not run on this host"):
        Systemd(running=str(tmp_path / "none"))


class Script:
    """Answers systemctl from a list of states, one for each question."""

    def __init__(self, *states: str) -> None:
        self._states, self.asked = list(states), 0

    def __call__(self, command: Command, **_more: Any) -> Completed:
        if "show" not in command.argv:
            return Completed(tuple(command.argv), 0)
        self.asked += 1
        text = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        return Completed(tuple(command.argv), 0, text.encode())


def shown(active: str, restarts: int = 0, invocation: str = "a") -> str:
    return f"LoadState=loaded\nActiveState={active}\nNRestarts={restarts}\nInvocationID={invocation}\nType=simple\n"


def test_a_unit_that_stays_up(tmp_path: Path) -> None:
    script = Script(shown("activating"), shown("active"))
    begun = time.monotonic()
    Systemd(script, str(tmp_path)).confirm_started(["x.service"], 0.5, 5)
    assert time.monotonic() - begun >= 0.5


@pytest.mark.parametrize(
    "states",
    [
        (shown("active"), shown("failed")),
        (shown("active"), shown("activating", 1), shown("activating", 2, "b")),
        (shown("active"), shown("inactive")),
    ],
)
def test_a_unit_that_does_not_stay_up(tmp_path: Path, states: tuple[str, ...]) -> None:
    with refused("unit_failed", "x.service did not stay up.*journalctl -u x.service"):
        Systemd(Script(*states), str(tmp_path)).confirm_started(["x.service"], 0.3, 1)


def test_a_unit_that_does_not_stop(tmp_path: Path) -> None:
    with refused("unit_failed", "deactivating after its stop"):
        Systemd(Script(shown("deactivating")), str(tmp_path)).confirm_stopped(["x.service"], {})


CELERY = "/srv/shop/app/.venv/bin/celery"
UNITS = {
    "shop-web.service": "WorkingDirectory=/srv/shop/app\nExecStart={ path=/usr/bin/gunicorn }",
    "shop-queue.service": f"ExecStart={{ path={CELERY} ; argv[]={CELERY} worker }}",
    "shop-env.service": "EnvironmentFiles=/etc/default/x (x)\nEnvironmentFiles=/srv/shop/app/.env (ignore_errors=no)",
    "shop-tidy.timer": "Triggers=shop-tidy.service",
    "shop-tidy.service": "WorkingDirectory=!/srv/shop/app",
    "other.service": "WorkingDirectory=/srv/shop/app2\nExecStart={ path=/mnt/srv/shop/app/x }",
    "nginx.service": "ExecStart={ path=/usr/sbin/nginx }",
}


def answers(command: Command, **_options: Any) -> Completed:
    """systemctl, with three questions that it can answer; a job rests until its timer starts it."""
    argv = list(command.argv)
    if "list-units" in argv:
        up = [name for name in UNITS if name != "shop-tidy.service"]
        return Completed(tuple(argv), 0, "".join(f"{name} loaded active running x\n" for name in up).encode())
    names = argv[argv.index("--") + 1 :]
    if "--property=Id,WorkingDirectory,ExecStart,EnvironmentFiles,Triggers" in argv:
        return Completed(tuple(argv), 0, "\n\n".join(f"Id={name}\n{UNITS[name]}" for name in names).encode())
    said = "\n\n".join(f"Id={name}\nLoadState=loaded\nActiveState=active" for name in names)
    return Completed(tuple(argv), 0, said.encode())


def test_units_that_run_a_project(tmp_path: Path) -> None:
    found = Systemd(answers, str(tmp_path)).running_below("/srv/shop/app")
    assert [unit.name for unit in found] == [
        "shop-web.service",
        "shop-queue.service",
        "shop-env.service",
        "shop-tidy.timer",
    ]


def test_a_host_where_nothing_runs(tmp_path: Path) -> None:
    silent = Systemd(lambda command, **_options: Completed(tuple(command.argv), 0), str(tmp_path))
    assert silent.running_below("/srv/shop/app") == []


def test_a_switch_that_has_just_fired_is_taken_back_too(tmp_path: Path) -> None:
    asked: list[Any] = []
    systemd = Systemd(lambda command, **_options: asked.append(command.argv) or Completed(("x",), 0), str(tmp_path))
    systemd.disarm("relocate-thaw-shop")
    assert asked[0][-4:-2] == ["relocate-thaw-shop.timer", "relocate-thaw-shop.service"]
    assert asked[0][-2:] == ["relocate-thaw-shop:*.timer", "relocate-thaw-shop:*.service"]


def test_nothing_is_asked_for_no_units(tmp_path: Path) -> None:
    """systemctl would tell of itself."""
    assert Systemd(lambda *_what, **_options: pytest.fail("asked"), str(tmp_path)).states([]) == {}


@pytest.mark.parametrize(
    ("units", "command", "what"),
    [
        (["web.socket", "web.service"], (), ["start", "web.socket", "web.service"]),
        ((), ["/usr/bin/sed", "--expression=s/^#relocate-shop: //", "x"], ["--expression=s/^#relocate-shop: //", "x"]),
    ],
)
def test_what_a_timer_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, units: Any, command: Any, what: Any
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(services_systemd, "require_program", lambda name, _hint: f"/usr/bin/{name}")
    systemd = Systemd(lambda done, **_options: asked.append(list(done.argv)) or Completed(("x",), 0), str(tmp_path))
    systemd.arm("relocate-x", 60, units, "why", command)
    [argv] = asked
    after = argv[argv.index("--") + 1 :]
    assert argv[0] == "/usr/bin/systemd-run" and {"--unit=relocate-x.service", "--on-active=60s"} < set(argv)
    assert "--property=Type=oneshot" in argv and after[1:] == what
    assert after[0] == (command[0] if command else after[0]) and (command or after[0].endswith("systemctl"))
