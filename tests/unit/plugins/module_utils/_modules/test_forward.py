# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module that sends visitors on: what it refuses, what a check says, and when it ends."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._modules import forward as module
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Forward
from ansible_collections.relocate.django.plugins.module_utils._services.forward import Quiet
from ansible_collections.relocate.django.plugins.module_utils._steps.forward import Way
from tests.unit.fakes import refused
from tests.unit.records import note

TO = "192.0.2.7"
FILE = Forward(TO, 5, "nginx.service", {"/etc/nginx/conf.d/x.conf": "text"})


class Forwarding:
    """Notes what it is asked for."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.up, self.known = False, Quiet()

    def is_up(self, _wanted: Forward) -> bool:
        return self.up

    def put_up(self, _wanted: Forward) -> None:
        self.calls.append("up")

    def take_down(self) -> None:
        self.calls.append("down")

    def quiet(self, now: float) -> Quiet:
        return Quiet(now - self.known.since * 3600, broken=self.known.broken)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Forwarding:
    found = Forwarding()
    monkeypatch.setattr(module, "Systemd", lambda: None)
    monkeypatch.setattr(module, "Forwarding", lambda *_what: found)
    monkeypatch.setattr(module, "Page", lambda *_what: SimpleNamespace(hide=lambda: found.calls.append("no page")))
    monkeypatch.setattr(module.forward, "found", lambda *_what: Way(FILE, (), (80,), ("mind this",)))
    monkeypatch.setattr(module.forward, "see", lambda *_what: {"status": 200})
    return found


def run(directory: Path, state: str, check: bool = False, hours: int = 0) -> dict[str, Any]:
    params = {"directory": str(directory), "site": "shop", "state": state, "path": "/srv/shop", "to": TO}
    call: Any = SimpleNamespace(
        params={**params, "units": ["web"], "quiet_hours": hours}, check_mode=check, warn=lambda _text: None
    )
    return module.work_on(call)


def test_visitors_are_sent_on(tmp_path: Path, sent: Forwarding) -> None:
    note(tmp_path, retired={"label": "l"})
    found = run(tmp_path, "present")
    assert sent.calls == ["up", "no page"] and found["changed"] and found["forwards"]
    assert (found["to"], found["by"], found["notes"]) == (TO, "a file of nginx, ports 80", ["mind this"])
    assert found["answers"] == {"status": 200} and found["files"] == ["/etc/nginx/conf.d/x.conf"]
    sent.up, sent.calls = True, []
    assert not run(tmp_path, "present")["changed"] and sent.calls == ["no page"]


def test_a_check_does_nothing(tmp_path: Path, sent: Forwarding) -> None:
    note(tmp_path, retired={"label": "l"})
    assert run(tmp_path, "present", check=True)["changed"] and sent.calls == []


def test_a_host_that_serves_the_site_sends_nobody_on(tmp_path: Path, sent: Forwarding) -> None:
    with refused("forward_impossible", "this host serves the site itself"):
        run(tmp_path, "present")
    assert sent.calls == []


@pytest.mark.parametrize(("there", "calls"), [(False, ["up", "down"]), (True, [])])
def test_what_does_not_lead_to_new_is_taken_away_where_this_run_made_it(
    there: bool, calls: list[str], tmp_path: Path, sent: Forwarding, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second run of a move may meet new at a restart: old goes on sending visitors there."""

    def see(*_what: Any) -> None:
        raise RelocateError("forward_failed", "502")

    note(tmp_path, retired={"label": "l"})
    monkeypatch.setattr(module.forward, "see", see)
    sent.up = there
    with refused("forward_failed", "502"):
        run(tmp_path, "present")
    assert sent.calls == calls


@pytest.mark.parametrize("state", ["told", "absent"])
def test_nothing_to_tell(tmp_path: Path, sent: Forwarding, state: str) -> None:
    assert run(tmp_path, state) == {"changed": False, "forwards": False, "removed": False} and sent.calls == []


@pytest.mark.parametrize(
    ("state", "quiet", "wanted", "check", "removed"),
    [
        ("told", Quiet(100), 0, False, False),
        ("absent", Quiet(0.5), 0, False, True),
        ("absent", Quiet(23.5), 24, False, False),
        ("absent", Quiet(24.5), 24, False, True),
        ("absent", Quiet(24.5), 24, True, True),
        ("absent", Quiet(100, broken="nginx does not run"), 24, False, False),
        ("absent", Quiet(100, broken="nginx does not run"), 0, False, True),
    ],
)
def test_when_it_ends(
    tmp_path: Path, sent: Forwarding, state: str, quiet: Quiet, wanted: int, check: bool, removed: bool
) -> None:
    note(tmp_path, forward={"to": TO, "server": "nginx.service", "files": {"/x": "y"}})
    sent.known = quiet
    found = run(tmp_path, state, check, wanted)
    assert (found["removed"], found["changed"]) == (removed, removed)
    assert sent.calls == (["down"] if removed and not check else [])
    assert found["quiet_hours"] == (0 if quiet.broken else quiet.since) and found["forwards"]


def test_only_who_tells_takes_no_lease() -> None:
    assert [module.MODULE.writes({"state": state}) for state in ("told", "present", "absent")] == [False, True, True]
