# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes to a host, and what comes back; and a host that is lost while a task is at work there."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action.normal import ActionModule as NormalAction

from ansible_collections.relocate.django.plugins.action import on_host
from ansible_collections.relocate.django.plugins.module_utils._standby import place


def run(monkeypatch: pytest.MonkeyPatch, delegate_to: str | None) -> dict[str, Any]:
    def lost(*_args: Any, **_more: Any) -> None:
        raise AnsibleConnectionFailure("no route\x1b to it")

    monkeypatch.setattr(NormalAction, "run", lost)
    task = MagicMock(delegate_to=delegate_to, async_val=0, args={})
    plugin = on_host.ActionModule(task, MagicMock(), MagicMock(), MagicMock(), MagicMock(), MagicMock())
    found: dict[str, Any] = plugin.run(None, {"inventory_hostname": "new1"})
    return found


def test_a_delegated_task_fails_where_a_rescue_can_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    found = run(monkeypatch, "old1")
    assert (found["failed"], found["code"], "unreachable" in found) == (True, "host_unreachable", False)
    assert found["msg"].startswith("[host_unreachable] old1 cannot be reached: ") and "\x1b" not in found["msg"]


@pytest.mark.parametrize("delegate_to", [None, "new1"])
def test_the_host_of_the_play_is_unreachable_as_ever(monkeypatch: pytest.MonkeyPatch, delegate_to: str | None) -> None:
    with pytest.raises(AnsibleConnectionFailure):
        run(monkeypatch, delegate_to)


def sent(
    monkeypatch: pytest.MonkeyPatch, action: str, answer: dict[str, Any], **more: Any
) -> tuple[list[tuple[Any, Any]], dict[str, Any]]:
    """What Ansible was told to run, and what came of its answer."""
    asked: list[tuple[Any, Any]] = []

    def run_it(_self: Any, name: Any = None, args: Any = None, **_more: Any) -> dict[str, Any]:
        asked.append((name, args))
        return answer

    monkeypatch.setattr(NormalAction, "_execute_module", run_it)
    task = MagicMock(delegate_to=None, async_val=0, args={"site": "shop"}, action=action)
    plugin = on_host.ActionModule(task, MagicMock(), MagicMock(), MagicMock(), MagicMock(), MagicMock())
    found = plugin._execute_module(task_vars={}, **more)
    return asked, found


def test_a_module_is_sent_by_the_one_that_runs_others(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = {"steps": [{"name": "verify", "module": "verify", "arguments": {"site": "shop"}}], "common": {}}
    told = {"changed": False, "proven": True, "elapsed": 1.5}
    answer = {"changed": False, "elapsed": 2, "returned": {"verify": told}, "invocation": {"module_args": shown}}
    asked, found = sent(monkeypatch, "relocate.django.verify", answer)
    assert asked == [
        ("relocate.django.batch", {"steps": [{"name": "verify", "module": "verify", "arguments": {"site": "shop"}}]})
    ]
    assert found == {**told, "invocation": {"module_args": {"site": "shop"}}}


def test_its_refusal_is_that_of_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    details = {"table": "t", "step": "restore", "done": {}}
    answer = {"failed": True, "code": "locked", "msg": "[locked] ...", "details": details, "elapsed": 1}
    _asked, found = sent(monkeypatch, "relocate.django.restore", answer)
    assert found == {**answer, "details": {"table": "t"}}


@pytest.mark.parametrize(
    ("action", "more"),
    [
        ("relocate.django.discover", {}),
        ("relocate.django.batch", {}),
        ("relocate.django.verify", {"wrap_async": True}),
        ("relocate.django.verify", {"module_name": "ansible.legacy.async_status"}),
    ],
)
def test_others_go_by_themselves(monkeypatch: pytest.MonkeyPatch, action: str, more: dict[str, Any]) -> None:
    answer = {"changed": False, "returned": {"verify": {"changed": True}}}
    asked, found = sent(monkeypatch, action, answer, **more)
    assert asked == [(more.get("module_name"), None)] and found == answer


@pytest.mark.parametrize("returned", [None, [], "x", {"verify": ["x"]}, {"other": {"changed": True}}])
def test_a_host_that_answers_otherwise_says_nothing(monkeypatch: pytest.MonkeyPatch, returned: Any) -> None:
    for odd in ({}, {"invocation": "x"}, {"invocation": {"module_args": {"steps": ["x"]}}}, {"details": []}):
        _asked, found = sent(monkeypatch, "relocate.django.verify", {"returned": returned, **odd})
        assert "changed" not in found and "returned" not in found


STEPS = [{"name": "backup", "module": "backup", "arguments": {"directory": "/d", "site": "shop", "run": "mine"}}]
WHERE = place.place_of("/d", "shop", "mine")


SU_OF_2_18, SUDO_OF_2_18 = MagicMock(spec=["name"]), MagicMock(spec=["name"])
SU_OF_2_18.name, SUDO_OF_2_18.name = "su", "sudo"


def called(
    monkeypatch: pytest.MonkeyPatch, said: str, steps: Any = STEPS, state: str = "done", **connection: Any
) -> tuple[list[str], dict[str, Any]]:
    """How a call of several steps went to its host, and what came of it."""
    ways: list[str] = []

    def usual(_self: Any, _name: Any = None, _args: Any = None, **_more: Any) -> dict[str, Any]:
        ways.append("as every module")
        return {"usual": True}

    def command(_self: Any, text: str, **more: Any) -> dict[str, Any]:
        assert json.loads(more["in_data"]) == {"arguments": {"steps": steps, "state": state}, "check_mode": False}
        ways.append(text)
        return {"stdout": said, "stderr": "", "rc": 0}

    monkeypatch.setattr(NormalAction, "_execute_module", usual)
    monkeypatch.setattr(NormalAction, "_low_level_execute_command", command)
    task = MagicMock(args={"steps": steps, "state": state}, action="relocate.django.batch", check_mode=False)
    link = MagicMock(**{"has_pipelining": True, "become": None, **connection})
    plugin = on_host.ActionModule(task, link, MagicMock(), MagicMock(), MagicMock(), MagicMock())
    return ways, plugin._execute_module(task_vars={})


def test_a_call_of_the_window_is_taken_by_the_process_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"changed": True, "returned": {}, "_ansible_no_log": False, "warnings": ["w"]}
    ways, found = called(monkeypatch, f"some banner\n{place.TAKEN}\n{json.dumps(answer)}")
    assert ways == [f"sh {WHERE}/call"]
    assert found == {"changed": True, "returned": {}, "warnings": ["w"]}


@pytest.mark.parametrize("become", [None, MagicMock(pipelining=True), SUDO_OF_2_18])
def test_it_takes_the_call_of_another_user(monkeypatch: pytest.MonkeyPatch, become: Any) -> None:
    ways, _found = called(monkeypatch, f"{place.TAKEN}\n{{}}", become=become)
    assert ways == [f"sh {WHERE}/call"]


def test_a_call_that_nobody_took_goes_as_every_module(monkeypatch: pytest.MonkeyPatch) -> None:
    ways, found = called(monkeypatch, "sh: 0: cannot open it")
    assert ways == [f"sh {WHERE}/call", "as every module"] and found == {"usual": True}


@pytest.mark.parametrize("said", ["", "{", "[1]", "killed"])
def test_a_call_that_was_taken_is_never_made_again(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    """Whoever took it may have done the work."""
    ways, found = called(monkeypatch, f"{place.TAKEN}\n{said}")
    assert ways == [f"sh {WHERE}/call"]
    assert (found["failed"], found["module_stdout"]) == (True, said) and "without an answer" in found["msg"]


@pytest.mark.parametrize(
    "given",
    [
        {"has_pipelining": False},
        {"become": MagicMock(pipelining=False)},
        {"become": SU_OF_2_18},
        {"steps": [{"name": "b", "module": "backup", "arguments": {"directory": "/d", "site": "shop"}}]},
        {"steps": [*STEPS, {**STEPS[0], "arguments": {**STEPS[0]["arguments"], "site": "blog"}}]},
    ],
)
def test_what_cannot_be_handed_over_goes_as_every_module(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any]
) -> None:
    assert called(monkeypatch, place.TAKEN, **given)[0] == ["as every module"]


def one(
    monkeypatch: pytest.MonkeyPatch, said: str, environment: str = "", **task: Any
) -> tuple[list[str], dict[str, Any]]:
    """How a module went to its host, and what came of it."""
    ways: list[str] = []

    def usual(self: Any, name: Any = None, args: Any = None, **_more: Any) -> dict[str, Any]:
        assert (name, args) == ("relocate.django.batch", {"steps": STEPS})
        ways.append(self._compute_environment_string())
        return {"returned": {"backup": {"way": "as every module"}}}

    def command(_self: Any, text: str, **more: Any) -> dict[str, Any]:
        assert json.loads(more["in_data"]) == {"arguments": {"steps": STEPS}, "check_mode": False}
        ways.append(text)
        return {"stdout": said, "stderr": "", "rc": 0}

    def given(_self: Any, raw: Any = None) -> str:
        if raw is not None and environment:
            raw["PROXY"] = environment
        return environment

    monkeypatch.setattr(NormalAction, "_execute_module", usual)
    monkeypatch.setattr(NormalAction, "_low_level_execute_command", command)
    monkeypatch.setattr(NormalAction, "_compute_environment_string", given)
    args = dict(STEPS[0]["arguments"])
    asked = MagicMock(**{"args": args, "action": "relocate.django.backup", "check_mode": False, **task})
    link = MagicMock(has_pipelining=True, become=None)
    link._shell.env_prefix = lambda **names: " ".join(f"{name}={value}" for name, value in names.items())
    plugin = on_host.ActionModule(asked, link, MagicMock(), MagicMock(), MagicMock(), MagicMock())
    return ways, plugin._execute_module(task_vars={"relocate_progress": False})


@pytest.fixture(name="quiet")
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_host.ActionModule, "_shows_progress", lambda *_args: False)


@pytest.mark.usefixtures("quiet")
def test_a_module_is_run_by_the_process_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"changed": True, "returned": {"backup": {"changed": True, "label": "L"}}, "warnings": []}
    ways, found = one(monkeypatch, f"{place.TAKEN}\n{json.dumps(answer)}")
    assert ways == [f"sh {WHERE}/call"] and found == {"changed": True, "label": "L", "warnings": []}


@pytest.mark.usefixtures("quiet")
def test_without_one_the_module_is_told_to_leave_one(monkeypatch: pytest.MonkeyPatch) -> None:
    ways, found = one(monkeypatch, "sh: 0: cannot open it")
    assert found["way"] == "as every module"
    assert ways == [f"sh {WHERE}/call", f"{place.VARIABLE}=1 "]


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("given", [{"environment": "http://proxy"}, {"check_mode": True}])
def test_what_another_process_would_not_know_goes_as_every_module(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any]
) -> None:
    """A process that waits has the environment of the task that began it; and a check leaves nothing behind."""
    ways, found = one(monkeypatch, place.TAKEN, **given)
    assert found["way"] == "as every module" and ways == [given.get("environment", "")]


@pytest.mark.parametrize(
    ("args", "refused"),
    [
        ({"age_identity": "AGE-SECRET-KEY-1X"}, True),
        ({"steps": [{"arguments": {"age_identity": "AGE-SECRET-KEY-1X"}}]}, True),
        ({"calls": [{"arguments": {"age_identity": "AGE-SECRET-KEY-1X"}}]}, True),
        ({"calls": [{"arguments": {"age_identity": "/etc/identity"}}]}, False),
    ],
)
@pytest.mark.usefixtures("quiet")
def test_the_text_of_an_identity_is_piped_or_stays(
    monkeypatch: pytest.MonkeyPatch, args: dict[str, Any], refused: bool
) -> None:
    """Wherever it is in the arguments: those of the task, of steps that it runs, and of calls that it plans."""
    monkeypatch.setattr(NormalAction, "_execute_module", lambda *_words, **_more: {"sent": True})
    task = MagicMock(args=args, action="relocate.django.schedule", check_mode=False)
    link = MagicMock(has_pipelining=False, become=None)
    plugin = on_host.ActionModule(task, link, MagicMock(), MagicMock(), MagicMock(), MagicMock())
    found = plugin._execute_module(task_vars={"relocate_progress": False})
    assert ("sent" not in found and found["code"] == "bad_option") == refused
