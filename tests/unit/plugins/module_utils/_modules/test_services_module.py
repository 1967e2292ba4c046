# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module around the plans: what it refuses at once, and what it notes for later runs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils import basic

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._modules import services
from ansible_collections.relocate.django.plugins.module_utils._services.unit import Unit
from tests.unit.fakes import refused
from tests.unit.records import given, note, noted

L1, L2 = "20261120T193000Z-1a2b3c4d5e6f", "20261121T193000Z-1a2b3c4d5e6f"
MOVED = {"label": L1, "run": "r1", "at": 1}


def work(directory: Path, state: str, check: bool = False, warn: Any = print, **params: Any) -> dict[str, Any]:
    base = {"site": "shop", "directory": str(directory), "run": "r2", "state": state, "units": [], "reload": []}
    base.update(
        enable=None,
        freeze_limit=60,
        timeout=1,
        answers_timeout=1,
        label="",
        abandoned=False,
        retired=False,
        allow_unfrozen=False,
        named=["*"],
        cron="refuse",
        path=None,
    )
    found: dict[str, Any] = services.work_on(
        SimpleNamespace(params={**base, "answers": [], "warm": [], **params}, check_mode=check, warn=warn)  # type: ignore[arg-type]
    )
    return found


@pytest.mark.parametrize("state", ["frozen", "held", "retired"])
@pytest.mark.parametrize("check", [False, True])
def test_no_units_are_refused_before_anything_is_written(tmp_path: Path, state: str, check: bool) -> None:
    note(tmp_path, freeze={"label": L1, "units": []})
    before = noted(tmp_path)
    with refused("no_services", "relocate_services is empty.*relocate_allow_unfrozen"):
        work(tmp_path, state, check, label=L2)
    assert noted(tmp_path) == before


def test_a_site_that_something_else_keeps_still(tmp_path: Path) -> None:
    for state in ("frozen", "held"):
        assert work(tmp_path, state, allow_unfrozen=True, label=L1)["changed"] is False
    assert noted(tmp_path) == {}
    work(tmp_path, "retired", allow_unfrozen=True, label=L1)
    assert noted(tmp_path)["retired"]["label"] == L1


def test_a_site_that_starts_with_a_label_is_noted_as_serving(tmp_path: Path) -> None:
    work(tmp_path, "started", label=L1, check=True)
    assert noted(tmp_path) == {}
    work(tmp_path, "started", label=L1)
    assert noted(tmp_path)["moved"]["label"] == L1
    assert work(tmp_path, "started", label=L2)["label"] == L1
    assert noted(tmp_path)["moved"]["label"] == L2


def test_a_site_that_is_stopped_is_remembered_to_have_served(tmp_path: Path) -> None:
    note(tmp_path, moved=MOVED)
    assert work(tmp_path, "stopped", check=True)["label"] == L1
    assert noted(tmp_path) == {"moved": MOVED}
    work(tmp_path, "stopped")
    work(tmp_path, "stopped")
    assert noted(tmp_path) == {"served": MOVED}
    work(tmp_path, "started", label=L1)  # an undo whose old did not come up
    left = noted(tmp_path)
    assert (left["moved"]["label"], "served" in left) == (L1, False)


def test_a_new_set_does_not_forget_that_the_one_before_served(tmp_path: Path) -> None:
    note(tmp_path, served=MOVED)
    work(tmp_path, "started", label=L2)
    assert noted(tmp_path)["served"] == MOVED, "that is for restore to forget"


class Host:
    """Stands for what carries out: notes what the record said meanwhile, then ends as it is told to."""

    first_stop = 0.0
    queues = None

    def __init__(self, directory: Path, end: BaseException | None) -> None:
        self.directory, self.end, self.said = directory, end, {}  # type: ignore[var-annotated]

    active = "inactive"

    def wake(self, request: Any) -> None:
        pass

    def whole(self, request: Any) -> Any:
        return request

    def look(self, request: Any) -> Any:
        return {name: Unit(name, active=self.active) for name in request.units}, given(), False

    def within(self, request: Any, named: Any) -> Any:
        return dataclasses.replace(request, units=tuple(named)), ["debug-shell.service"]

    def check(self, *_what: Any) -> None:
        """Nothing is in the way."""

    def apply(self, *_what: Any) -> None:
        self.said = noted(self.directory)
        if self.end:
            raise self.end

    def taken_back(self, error: RelocateError, *_what: Any) -> RelocateError:
        return error


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException | None], Host]:
    def made(end: BaseException | None) -> Host:
        one = Host(tmp_path, end)
        monkeypatch.setattr(services, "Systemd", lambda: None)
        monkeypatch.setattr(services.units, "Services", lambda *_what: one)
        return one

    return made


@pytest.mark.parametrize("state", ["started", "stopped"])
def test_what_old_says_that_it_ran_is_held_against_what_was_named(tmp_path: Path, host: Any, state: str) -> None:
    host(None)
    warned: list[str] = []
    found = work(tmp_path, state, units=["web", "debug-shell"], named=["web.service"], warn=warned.append)
    names = [item["name"] for item in found["units"]]
    if state == "started":
        assert names == ["web.service"]
        assert warned == ["debug-shell.service ran on old, and relocate_services does not name it: it is left alone"]
    else:
        assert (names, warned) == (["web.service", "debug-shell.service"], [])


def test_a_site_is_noted_as_serving_before_its_first_unit_starts(tmp_path: Path, host: Any) -> None:
    """Killed in between, new has taken in data of which the record must tell."""
    one = host(SystemExit(1))
    with pytest.raises(SystemExit):
        work(tmp_path, "started", units=["web"], label=L1)
    assert one.said["moved"]["label"] == L1
    assert noted(tmp_path)["moved"]["label"] == L1
    work_stopped = host(None)
    work(tmp_path, "stopped", units=["web"])
    assert work_stopped.said["moved"]["label"] == L1, "as long as it may be up"
    assert noted(tmp_path)["served"]["label"] == L1


@pytest.mark.parametrize("before", [{"served": MOVED}, {"served": {**MOVED, "label": L2}}, {"moved": MOVED}])
def test_a_start_that_was_taken_back_leaves_what_was_noted(tmp_path: Path, host: Any, before: dict[str, Any]) -> None:
    note(tmp_path, **before)
    host(RelocateError("unit_failed", "web did not stay up"))
    with refused("unit_failed", "web"):
        work(tmp_path, "started", units=["web"], label=L1)
    assert noted(tmp_path) == before


@pytest.mark.parametrize("active", ["inactive", "active"])
def test_units_that_were_started_may_have_taken_data_in(tmp_path: Path, host: Any, active: str) -> None:
    """A worker does jobs of a queue while the web server beside it fails. What ran before is started anew."""
    one = host(RelocateError("unit_failed", "web did not stay up"))
    one.active = active
    with refused("unit_failed", "web"):
        work(tmp_path, "started", units=["web"], label=L1)
    found = noted(tmp_path)
    assert ("moved" in found, found["served"]["label"]) == (False, L1)


def test_a_start_that_could_not_be_taken_back_stays_noted(tmp_path: Path, host: Any) -> None:
    host(RelocateError("unit_failed", "web", details={"remaining": ["web is active"]}))
    with refused("unit_failed", "web"):
        work(tmp_path, "started", units=["web"], label=L1)
    assert noted(tmp_path)["moved"]["label"] == L1


def test_a_site_that_is_thawed_for_a_set_serves_from_it(tmp_path: Path, host: Any) -> None:
    """As after a conversion in place; without a label it is the old site that comes back."""
    one = host(None)
    note(tmp_path, freeze={"label": L1, "units": []})
    work(tmp_path, "thawed")
    assert "served" not in noted(tmp_path)
    work(tmp_path, "thawed", label=L1)
    assert one.said["served"]["label"] == L1


@pytest.mark.parametrize(("active", "kept"), [("inactive", False), ("active", True)])
def test_a_thaw_that_failed_is_noted_when_anything_serves(tmp_path: Path, host: Any, active: str, kept: bool) -> None:
    note(tmp_path, freeze={"label": L1, "units": []})
    one = host(RelocateError("unit_failed", "web did not stay up"))
    one.active = active
    with refused("unit_failed", "web"):
        work(tmp_path, "thawed", units=["web"], label=L1)
    assert ("served" in noted(tmp_path)) is kept


def test_headers_are_secret(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    answers = [{"url": "http://127.0.0.1/", "headers": {"Authorization": "Basic s3cret-Canary"}}]
    arguments = {"ANSIBLE_MODULE_ARGS": {"site": "shop", "state": "started", "answers": answers}}
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps(arguments).encode())
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
    with pytest.raises(SystemExit):
        _module.answer(basic.AnsibleModule(**services.MODULE.arguments), lambda _module: {"changed": False})
    said = capsys.readouterr().out
    assert "module_args" in said
    assert "Canary" not in said


class Cron:
    """Stands for what belongs to a site beside its units: notes what is asked of it, and fails where it is told to."""

    def __init__(self, fails: str = "") -> None:
        self.fails, self.said, self.steps, self.warnings = fails, [], [], []  # type: ignore[var-annotated]

    def _say(self, what: str) -> None:
        self.said.append(what)
        if what == self.fails:
            raise RelocateError("cron_failed", what)

    def before(self) -> None:
        self._say("before")

    def after(self) -> None:
        self._say("after")
        self.steps.append("add lines of the crontab of shop")

    def failed(self) -> None:
        self._say("failed")
        self.warnings.append("its lines stay")


@pytest.mark.parametrize(
    ("state", "units", "end", "fails", "said"),
    [
        ("started", ["web"], None, "", "before after"),
        ("started", [], None, "", "before after"),
        ("thawed", [], None, "", "before after"),
        ("started", ["web"], None, "after", "before after failed"),
        ("started", ["web"], RelocateError("unit_failed", "web"), "", "before failed"),
        ("frozen", ["web"], RelocateError("unit_failed", "web"), "", "before failed"),
        ("frozen", ["web"], None, "before", "before failed"),
    ],
)
def test_what_belongs_to_the_site_besides(
    tmp_path: Path,
    host: Any,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
    units: list[str],
    end: Any,
    fails: str,
    said: str,
) -> None:
    one, warned = Cron(fails), []  # type: ignore[var-annotated]
    monkeypatch.setattr(services, "Beside", lambda *_what: one)
    host(end)
    if "failed" in said:
        with refused("unit_failed" if end else "cron_failed", "web" if end else fails):
            work(tmp_path, state, units=units, label=L1, warn=warned.append)
        assert warned == ["its lines stay"]
        assert "moved" not in noted(tmp_path)
    else:
        found = work(tmp_path, state, units=units, label=L1)
        assert found["changed"] and found["steps"][-1] == "add lines of the crontab of shop"
    assert " ".join(one.said) == said


def test_another_host_that_serves_keeps_the_lines_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Cron()
    monkeypatch.setattr(services, "Beside", lambda *_what: one)
    note(tmp_path, retired={"label": L1}, freeze={"label": L1})
    assert work(tmp_path, "thawed", abandoned=True)["frozen"] and one.said == []
