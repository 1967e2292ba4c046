# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each step of an attempt notes, and what the report makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.modules import attempt
from ansible_collections.relocate.django.plugins.plugin_utils import _attempt, _report
from tests.unit import sources

LABEL = "20261120T193000Z-1a2b3c4d5e6f"
UNITS = [
    {"name": "web", "active": True, "was_active": True},
    {"name": "job", "active": False, "was_active": False},
]
FAILED = {
    "ansible_failed_task": {"name": "Restore"},
    "ansible_failed_result": {"code": "load_failed", "msg": "[load_failed] a", "details": {"broken": ["rows"]}},
}


def after(*steps: str | tuple[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    """The variables after steps, each with what was returned before it; a second apart from each other."""
    known: dict[str, Any] = {
        "inventory_hostname": "new1",
        "groups": {"old": ["old1"], "new": ["new1"]},
        "hostvars": {"old1": {"relocate_directory": "/d-old"}},
        "relocate_run": "run",
        "relocate_from": "old1",
        "relocate_current": {"name": "shop"},
        "relocate_sites": [{"name": "shop", "environment": {"KEY": "secret"}, "services": ["a"]}],
        "relocate_site": "site",
        "relocate_directory": "/d",
        "relocate_services": ["web"],
        **more,
    }
    for now, item in enumerate(steps, 1):
        step, found = (item, {}) if isinstance(item, str) else item
        known.update(found)
        known["relocate_attempt"] = _attempt.advance(step, known, lambda value: value, float(now))
    return known


SET = {"backup_result": {"label": "l1", "elapsed": 3}, "preflight_result": {"old_path": "/srv"}}
ARRIVED = {"verify": {"proven": True, "measured": {"still": "made up"}}, "restore": {"elapsed": 1.5}}
LEFT = {"window_left": {"returned": {"freeze": {"units": UNITS, "elapsed": 0.5}, "backup": {"elapsed": 1}}}}
HELD = {"window_held": {"returned": {"still": {"measured": {"still": "unchanged"}, "elapsed": 0.25}}}}
MOVED: list[Any] = [
    "begun",
    ("prepared", SET),
    "freezing",
    ("starting", {**LEFT, "window_arrived": {"returned": ARRIVED}, **HELD}),
    ("serving", {"window_started": {"returned": {"start": {"units": UNITS, "answers": [{"url": "u"}]}}}}),
    "settled",
]


def test_the_downtime_is_from_the_first_stop_to_the_first_answer() -> None:
    """What a call does before it stops anything is no downtime, nor what it does once new has answered."""
    steps = list(MOVED)
    left = {"freeze": {"units": UNITS, "elapsed": 0.5, "until_stop": 0.4}, "backup": {"elapsed": 1}}
    start = {"units": UNITS, "answers": [{"url": "u"}], "elapsed": 2.5, "answered_since": 1.75}
    steps[3] = ("starting", {"window_left": {"returned": left}})
    steps[4] = ("serving", {"window_started": {"returned": {"start": start}}})
    known = after(*steps)
    state = known["relocate_attempt"]
    assert (state["frozen_at"], state["served_at"]) == (3.4, 3.4), "never before it was frozen"
    late = after(*steps[:3], "prepared", *steps[3:])["relocate_attempt"]
    assert (late["frozen_at"], late["served_at"]) == (3.4, 4.25)
    window = _attempt.outcome_of(known, lambda value: value)["window"]
    assert (window["freeze"], window["start"]) == (0.1, 0.75)


@pytest.mark.parametrize("value", [-5, "soon", 1e9, float("nan"), None])
def test_a_host_cannot_make_the_downtime_negative(value: Any) -> None:
    steps = list(MOVED)
    steps[3] = ("starting", {"window_left": {"returned": {"freeze": {"units": UNITS, "until_stop": value}}}})
    steps[4] = ("serving", {"window_started": {"returned": {"start": {"answered_since": value}}}})
    state = after(*steps)["relocate_attempt"]
    assert 3.0 <= state["frozen_at"] <= state["served_at"] <= 5.0


def test_a_move() -> None:
    known = after(*MOVED)
    state = known["relocate_attempt"]
    assert (state["phase"], state["frozen_at"], state["served_at"], state["label"]) == ("serving", 3.0, 5.0, "l1")
    assert (state["frozen"], state["still"], state["running"]) == ({}, "unchanged", ["web"])
    found = _attempt.outcome_of(known, lambda value: value)
    assert (found["old"], found["new"], found["stopped"], found["proven"]) == ("old1", "new1", ["web"], True)
    assert found["steps"]["backup (code, files)"] == 3.0 and "failed" not in found
    assert {name: took for name, took in found["window"].items() if took} == {
        "freeze": 0.5,
        "backup": 1.0,
        "restore": 1.5,
        "last look at old": 0.25,
    }
    assert _report.enrich({**found, "site": "shop"}, 9.0)["status"] == "moved"


def test_what_new_says_of_old_is_no_answer() -> None:
    """Where old was not looked at again, the last proof is new's own."""
    known = ("starting", {**LEFT, "window_arrived": {"returned": ARRIVED}})
    assert after(*MOVED[:3], known)["relocate_attempt"]["still"] == ""


def test_what_the_window_returned_before_it_failed_is_noted() -> None:
    failed = {**FAILED, **LEFT, "window_arrived": {"returned": ARRIVED}}
    state = after(*MOVED[:3], ("failed", failed))["relocate_attempt"]
    assert (state["units"], state["proof"]["proven"], state["frozen_at"]) == (UNITS, True, 3.0)
    assert after(*MOVED[:3], ("failed", FAILED))["relocate_attempt"]["units"] == []
    assert after("begun", ("failed", failed))["relocate_attempt"]["units"] == []


def test_old_is_known_to_the_next_play_until_it_was_put_back() -> None:
    frozen = after(*MOVED[:3])["relocate_attempt"]["frozen"]
    assert frozen == {
        "old": "old1",
        "site": "shop",
        "run": "run",
        "label": "l1",
        "path": "/srv",
        "directory": "/d-old",
    }
    assert after(*MOVED[:3], ("failed", FAILED), "settled")["relocate_attempt"]["frozen"] == {}
    lost = after(*MOVED[:3], ("failed", FAILED), ("not_put_back", FAILED), "settled", "begun")
    assert lost["relocate_attempt"]["frozen"] == frozen


@pytest.mark.parametrize("phase", ["freezing", "starting"])
def test_what_goes_wrong_leaves_the_attempt_in_its_phase(phase: str) -> None:
    thawed = ("thawed", {"services_result": {"units": UNITS, "frozen": False}})
    known = after(
        "begun",
        ("prepared", SET),
        "freezing",
        *([phase] if phase == "starting" else []),
        ("failed", FAILED),
        thawed,
        ("key_left", FAILED),
        "set_left",
    )
    state = known["relocate_attempt"]
    assert state["phase"] == phase
    assert state["outcome"] == {
        "failed": True,
        "task": "Restore",
        "code": "load_failed",
        "msg": "[load_failed] a",
        "broken": ["rows"],
        "old_serves": True,
        "old_units": ["web"],
        "old_rests": False,
        "key_left": "[load_failed] a",
        "set_left": "l1: [load_failed] a",
    }
    assert _attempt.outcome_of(known, lambda value: value)["starting"] is (phase == "starting")


def test_visitors_who_are_not_sent_on_put_nothing_back() -> None:
    state = after(*MOVED, ("forward_failed", FAILED))["relocate_attempt"]
    assert (state["outcome"]["unfinished"], state["outcome"]["forward_left"]) == (True, "[load_failed] a")
    assert "shop: the site serves, but old does not send visitors on to it" in state["failures"][0]


def test_what_sends_visitors_on_is_told() -> None:
    known = after(*MOVED)
    assert _attempt.outcome_of(known, lambda value: value)["forward"] == ""
    sent = {"forwards": True, "to": "192.0.2.7", "by": "a file of nginx, ports 80", "notes": ["mind this"]}
    found = _attempt.outcome_of({**known, "forward_result": sent}, lambda value: value)
    assert found["forward"] == "192.0.2.7 (a file of nginx, ports 80)" and "mind this" in found["notes"]


def test_a_hook_that_fails_once_a_site_serves_puts_nothing_back() -> None:
    left = "Restore: [load_failed] a"
    served = after(*MOVED, ("hook_failed", FAILED))["relocate_attempt"]["outcome"]
    assert (served["unfinished"], served["hook_left"]) == (True, left)
    # A move that had failed before that has failed for its own reason.
    failed = after(*MOVED[:3], ("failed", FAILED), ("hook_failed", FAILED))["relocate_attempt"]["outcome"]
    assert failed["failed"] and "unfinished" not in failed and failed["hook_left"] == left
    undone = after(*MOVED[:1], "asked", "stopping", "undone", ("hook_failed", FAILED))["relocate_attempt"]
    assert undone["phase"] == "undone", "old took over"
    assert len(undone["failures"]) == 1 and "shop: the site serves, but a hook failed" in undone["failures"][0]


def test_the_next_site_begins_anew_and_failures_are_kept() -> None:
    state = after(*MOVED[:3], ("failed", FAILED), "settled", "begun")["relocate_attempt"]
    assert (state["phase"], state["begun"], state["units"], state["outcome"]) == ("begun", 6.0, [], {})
    assert state["failures"] == ["shop: [load_failed] a"]
    another = after(*MOVED[:3], ("failed", FAILED), ("begun", {"relocate_run": "another"}))["relocate_attempt"]
    assert (another["failures"], another["frozen"]) == ([], {})


def test_an_undo() -> None:
    state = after("undoing")["relocate_attempt"]
    assert state["undo"] == {
        "old": "old1",
        "sites": [{"name": "shop", "services": ["a"]}],
        "run": "run",
        "directory": "/d-old",
        "site": "shop",
        "services": ["web"],
    }
    assert after("undoing", "begun")["relocate_attempt"]["undo"] == state["undo"]
    asked = ("asked", {"services_result": {"units": UNITS, "label": "l1"}})
    state = after("undoing", "begun", asked, "stopping", ("failed", FAILED), "serves_on")["relocate_attempt"]
    assert (state["undo"], state["before"]["label"], state["phase"]) == ({}, "l1", "stopping")
    assert state["failures"] == ["shop: [load_failed] a", "the site serves on new1 again"]
    state = after("begun", ("serves_nowhere", FAILED))["relocate_attempt"]
    assert state["failures"] == ["CHECK BOTH HOSTS: [load_failed] a"]


JUNK: list[Any] = [
    None,
    7,
    "junk",
    ["junk"],
    {"returned": {"restore": 7, "verify": [1], "start": {"units": 3}}},
    {"units": 7, "measured": [], "label": {}, "notes": 3, "elapsed": "x"},
]
RESULTS = "backup preflight services verify restore migrate transfer checkout database media".split()


@pytest.mark.parametrize("junk", JUNK, ids=str)
@pytest.mark.parametrize("step", _attempt.STEPS)
def test_junk_is_no_crash(step: str, junk: Any) -> None:
    found = {f"{name}_result": junk for name in RESULTS}
    found |= {f"window_{name}": junk for name in ("left", "arrived", "held", "started")}
    known = after("begun", (step, {**found, "ansible_failed_result": junk, "ansible_failed_task": junk}))
    _report.as_text(_report.enrich({**_attempt.outcome_of(known, lambda value: value), "site": "shop"}, 9.0))


def test_the_module_documents_every_step() -> None:
    assert sources.documentation(sources.PLUGINS / "modules" / "attempt.py")["options"]["step"]["choices"] == list(
        _attempt.STEPS
    )
    assert attempt.RETURN


@pytest.mark.parametrize(("checked", "said"), [(True, "Django's check"), (False, ""), (None, "")])
def test_only_what_was_tried_before_the_freeze_is_named(checked: bool | None, said: str) -> None:
    tried = _attempt._tried({"units": 4, "tests": ["nginx.service"], "checked": checked})
    assert tried[:4] == ["4 units can start", "configuration of nginx.service", "imports of a first request", said]
    assert tried[4:] == ["but no request with the data"]
    assert _attempt._tried({}) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            {"set": LABEL, "requests": [{"path": "/"}, {}]},
            f"2 requests with the data of 2026-11-20 19:30 UTC, set {LABEL}",
        ),
        ({"set": LABEL, "requests": []}, "but no request with the data"),
        ({"set": "x\x1b", "requests": [{}]}, "1 requests with the data of x\\x1b"),
        ({"requests": 7}, "but no request with the data"),
    ],
)
def test_requests_before_the_freeze_are_counted(found: dict[str, Any], said: str) -> None:
    assert _attempt._tried({"units": 0, **found})[-1] == said


def listed(label: str = LABEL, created: str = "2026-11-20T19:30:00+00:00", size: Any = 5_000_000) -> dict[str, Any]:
    """What backup_info returns; the last set is the newest."""
    newest = {"label": label, "created": created, "bytes": size, "manifest_sha256": "5ha"}
    return {"sets": [{"label": "older"}, newest]}


@pytest.mark.parametrize(
    ("old", "new", "limit", "copy"),
    [
        (listed(), {"sets": []}, 5, {"label": LABEL, "manifest_sha256": "5ha", "of_old": True}),
        (listed(), {"failed": True}, 5, {"label": LABEL, "manifest_sha256": "5ha", "of_old": True}),
        (
            listed(),
            listed(created="2026-11-20T19:29:00+00:00"),
            5,
            {"label": LABEL, "manifest_sha256": "5ha", "of_old": True},
        ),
        (listed(), listed(), 5, {}),
        (
            listed(size=5_000_001),
            {},
            5,
            {"refused": f"old's newest set, {LABEL}, has 5 MB, and relocate_rehearse_megabytes is 5"},
        ),
        ({"sets": []}, {}, 5, {"refused": ""}),
        ({"failed": True}, {}, 5, {"refused": "old's backup sets cannot be read"}),
        # What a host says is not believed.
        ({"sets": "x"}, {}, 5, {"refused": ""}),
        (listed(label="../../etc"), {}, 5, {"refused": ""}),
        ({"sets": [{"label": LABEL}]}, {}, 5, {"refused": ""}),
    ],
)
def test_which_set_requests_are_made_with(old: Any, new: Any, limit: int, copy: dict[str, Any]) -> None:
    known = after("begun", ("set_chosen", {"sets_on_old": old, "sets_on_new": new}), relocate_rehearse_megabytes=limit)
    assert known["relocate_attempt"]["first_copy"] == copy


def test_a_set_that_cannot_be_brought_is_removed_and_not_used() -> None:
    known = after(
        "begun",
        ("set_chosen", {"sets_on_old": listed(), "sets_on_new": {}}),
        ("copy_failed", {"ansible_failed_result": {"msg": "[file_differs] a\x1b\nb"}}),
        relocate_rehearse_megabytes=5,
    )
    assert known["relocate_attempt"]["first_copy"] == {
        "label": LABEL,
        "manifest_sha256": "5ha",
        "of_old": True,
        "refused": "old's newest set cannot be brought: [file_differs] a\\x1b",
    }
