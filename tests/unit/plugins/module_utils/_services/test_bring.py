# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a request comes to, by its units and the record; the module's test has what is done and noted."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._services import bring
from ansible_collections.relocate.django.plugins.module_utils._services.plan import Action, Request
from tests.unit.plugins.module_utils._services.played import JOB, WEB, unit
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
