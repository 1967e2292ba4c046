# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a request comes to, by its units and the record; the module's test has what is done and noted."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._services import answers, bring
from ansible_collections.relocate.django.plugins.module_utils._services import units as services_units
from ansible_collections.relocate.django.plugins.module_utils._services.plan import Action, Request
from tests.unit.fakes import refused
from tests.unit.plugins.module_utils._services.played import JOB, WEB, Played, unit
from tests.unit.records import given

FROZEN = {"label": "l"}


@pytest.mark.parametrize(
    ("state", "named", "record", "abandoned", "expected"),
    [
        ("frozen", (WEB,), {}, False, bring.UNITS),
        ("frozen", (), {}, False, bring.NOTHING),
        ("frozen", (), {"freeze": FROZEN}, False, bring.NOTHING),
        ("retired", (), {"freeze": FROZEN}, False, bring.NOTHING),
        ("thawed", (), {"freeze": FROZEN}, False, bring.UNITS),  # the record names the units
        ("thawed", (), {}, False, bring.NOTHING),
        ("started", (), {}, False, bring.ANSWERS),
        ("started", (WEB,), {}, False, bring.UNITS),
        ("stopped", (), {}, False, bring.NOTHING),
        ("thawed", (), {"freeze": FROZEN}, True, bring.UNITS),
        ("thawed", (), {"freeze": {**FROZEN, "held": True}}, True, bring.ELSEWHERE),
        ("thawed", (), {"freeze": {**FROZEN, "held": True}}, False, bring.UNITS),
        ("thawed", (WEB,), {"retired": FROZEN}, True, bring.ELSEWHERE),
    ],
)
def test_what_a_request_comes_to(
    state: str, named: tuple[str, ...], record: dict[str, Any], abandoned: bool, expected: str
) -> None:
    assert bring.decide(Request(state, named), given(**record), abandoned) == expected


def test_only_services_that_are_started_are_reloaded_for() -> None:
    assert bring.decide(Request("started", (), reload=("nginx.service",)), given()) == bring.UNITS


def test_what_is_warned_of() -> None:
    actions = (Action("stop", WEB), Action("stop", JOB))
    plan = bring.Plan(
        Request("frozen", (WEB, JOB)), actions, {WEB: unit(WEB), JOB: unit(JOB)}, given(), ("other.timer",)
    )
    assert plan.warnings() == [
        "other.timer ran on old, and relocate_services does not name it: it is left alone",
        "clear.service was running and was stopped; nothing starts it again before its time comes",
    ]
    assert plan.result()["steps"] == [f"stop {WEB}", f"stop {JOB}"]
    assert bring.Plan(Request("frozen", ()), (), {}, given()).result()["changed"] is False


def started(directory: Path, broken: tuple[str, ...] = (), **more: Any) -> tuple[Played, bring.Started | None]:
    """Start a site that has one question to answer."""
    wanted: dict[str, Any] = dict.fromkeys(("abandoned", "retired", "allow_unfrozen"), False)
    wanted.update(directory=str(directory), site="shop", run="me", state="started", label="l1", path=None)
    wanted.update(units=[WEB], named=["*"], reload=[], enable=None, freeze_limit=0, timeout=1)
    wanted.update(answers=[{"url": "http://127.0.0.1:9/"}], answers_timeout=1, warm=[])
    systemd = Played({WEB: unit(WEB, up=False)}, broken)
    host = services_units.Services(systemd, str(directory), "shop")
    options = bring.Options.of({**wanted, **more})
    try:
        return systemd, bring.apply(host, options, bring.plan_units(host, options))
    except RelocateError as error:
        error.details["calls"] = systemd.calls
        raise


def test_answers_are_asked_for_before_the_units_have_settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(answers, "ask", lambda *_args: told.append("asked") or answers.Answer(200))  # type: ignore[func-returns-value]

    def settles(_self: Any, _names: Any, _settle: float, _timeout: float) -> None:
        time.sleep(0.3)
        told.append("settled")

    monkeypatch.setattr(Played, "confirm_started", settles)
    _systemd, found = started(tmp_path)
    assert told == ["asked", "settled", "settled"]  # nothing was to be stopped, and what was started has settled
    assert found is not None and found.answers[0]["status"] == 200
    assert time.monotonic() - found.at > 0.2, "the first right answer is what ends the downtime"


def test_pages_that_warm_come_before_the_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def ask(question: answers.Question, _timeout: float) -> answers.Answer:
        told.append(question.url)
        return answers.Answer(500 if question.url == "http://127.0.0.1:9/b" else 200)

    monkeypatch.setattr(answers, "ask", ask)
    pages: list[dict[str, Any]] = [{"url": f"http://127.0.0.1:9/{name}", "host": "shop.example"} for name in "ab"]
    _systemd, found = started(tmp_path, warm=pages)
    assert sorted(told[:2]) == [page["url"] for page in pages] and told[2:] == ["http://127.0.0.1:9/"]
    assert found is not None and [page["status"] for page in found.result()["warmed"]] == [200, 500]
    assert found.warnings() == ["relocate_warm: http://127.0.0.1:9/b answers 500; it was left as cold as it is"]
    assert found.at > 0


def test_units_that_do_not_stay_up_are_not_asked_any_longer(tmp_path: Path) -> None:
    began = time.monotonic()
    with refused("unit_failed", WEB) as caught:
        started(tmp_path, (f"stay {WEB}",), answers_timeout=60)
    assert time.monotonic() - began < 10
    assert f"stop {WEB}" in caught.value.details["calls"]


def test_a_site_that_answers_wrongly_is_stopped_again(tmp_path: Path) -> None:
    with refused("site_silent", "does not answer.*what was done so far was taken back") as caught:
        started(tmp_path)
    assert f"stop {WEB}" in caught.value.details["calls"]


def test_the_first_stop_is_noted(tmp_path: Path) -> None:
    host = services_units.Services(Played({WEB: unit(WEB)}), str(tmp_path), "shop")
    before = time.monotonic()
    wanted = Request("frozen", (WEB,), label="l1", run="me")
    host.apply(wanted, [Action("record"), Action("arm"), Action("stop", WEB)])
    assert before <= host.first_stop <= time.monotonic()
