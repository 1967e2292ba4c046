# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several modules in one call: all arguments first, then one after the other, until one fails."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._carried import CARRIED
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._module import HIDDEN, Call, Module, always, never
from ansible_collections.relocate.django.plugins.module_utils._modules import batch
from ansible_collections.relocate.django.plugins.module_utils._record.lease import Lease
from tests.unit import sources
from tests.unit.fakes import refused

CANARY = "c4n%ry 'é"
WORK = {
    "directory": {"type": "path", "default": "/none"},
    "site": {"type": "str", "default": "shop"},
    "run": {"type": "str", "default": ""},
    "release": {"type": "bool", "default": False},
    "login_password": {"type": "str", "no_log": True},
    "label": {"type": "str"},
    "count": {"type": "int", "default": 1},
}


class World:
    """Modules that note what they were called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.warned: list[str] = []

    def module(self, name: str) -> Module:
        def work(call: Call) -> dict[str, Any]:
            self.calls.append((name, dict(call.params)))
            if call.params["label"] == "fails":
                raise RelocateError("program_failed", f"it said {call.params['login_password']}", "run again", {"a": 1})
            call.warn(f"\x1b[1m{name}{call.params['login_password'] or ''}")
            return {"changed": name == "backup", "label": call.params["label"], "checked": call.check_mode}

        spec = WORK if name != "services" else {key: item for key, item in WORK.items() if key != "label"}
        return Module({"argument_spec": {"label": {"type": "str"}, **spec}} if name != "none" else {}, work, never)

    def run(
        self, *steps: Mapping[str, Any], check_mode: bool = False, state: str = "done", **common: Any
    ) -> dict[str, Any]:
        call = SimpleNamespace(
            params={"steps": list(steps), "common": common, "state": state},
            check_mode=check_mode,
            warn=self.warned.append,
        )
        return batch.work_on(call)


@pytest.fixture(name="world")
def _world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    monkeypatch.setitem(WORK, "directory", {"type": "path", "default": str(tmp_path)})
    world = World()
    monkeypatch.setattr(batch, "module_of", world.module)
    return world


def step(name: str, module: str = "backup", **arguments: Any) -> dict[str, Any]:
    return {"name": name, "module": module, "arguments": arguments}


def test_one_after_the_other(world: World) -> None:
    found = world.run(step("first", "verify", count="3"), step("second"), label="l1")
    assert [(name, call["label"], call["count"]) for name, call in world.calls] == [
        ("verify", "l1", 3),
        ("backup", "l1", 1),
    ]
    assert found["changed"] is True
    assert {name: (item["changed"], item["label"]) for name, item in found["returned"].items()} == {
        "first": (False, "l1"),
        "second": (True, "l1"),
    }
    assert all(item["elapsed"] >= 0 for item in found["returned"].values())
    assert world.warned == ["\\x1b[1mverify", "\\x1b[1mbackup"]


def test_check_mode_is_that_of_each(world: World) -> None:
    assert world.run(step("only"), check_mode=True)["returned"]["only"]["checked"] is True


def test_what_is_common_replaces_what_a_step_was_given_where_it_has_the_option(world: World) -> None:
    world.run(step("a", "verify", label="of the step"), step("b", "verify"), label="common", unknown="passed over")
    assert [call["label"] for _name, call in world.calls] == ["common", "common"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"lable": "x"}, "lable"), ({"count": "many"}, "count"), ({"count": [CANARY], "login_password": CANARY}, "count")],
)
def test_wrong_arguments_are_refused_before_anything_is_done(
    world: World, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(RelocateError) as caught:
        world.run(step("first"), step("second", **arguments))
    assert caught.value.code == "bad_option" and said in caught.value.msg
    assert world.calls == [] and CANARY not in str(caught.value)


class Asked(World):
    """Modules that open their project."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, ...], Any] = {}
        self.topics = {"restore": ("history",), "migrate": ("migrations",), "verify": ("history", "counts")}

    def before(self, params: dict[str, Any], topics: tuple[str, ...]) -> dict[str, Any]:
        self.calls.append(("asked", {"run": params["run"], "topics": topics}))
        return {"of": "x"}

    def module(self, name: str) -> Module:
        found = super().module(name)
        asks = self.topics.get(name)
        return dataclasses.replace(found, asks=(lambda _params: asks) if asks else None)


@pytest.fixture(name="asked")
def _asked(monkeypatch: pytest.MonkeyPatch, world: World) -> Asked:
    asked = Asked()
    ahead = SimpleNamespace(
        expected=(),
        use=lambda kept: asked.calls.append(("used", kept)),
        changed=lambda: asked.calls.append(("changed", {})),
    )
    monkeypatch.setattr(batch, "module_of", asked.module)
    monkeypatch.setattr(batch, "AHEAD", ahead)
    monkeypatch.setattr(batch, "ask_before", asked.before)
    monkeypatch.setattr(batch.kept, "keep", lambda *args: asked.kept.update({args[1:3]: args[3]}))
    monkeypatch.setattr(batch.kept, "take", lambda *args: asked.kept.pop(args[1:3], {}))
    return asked


def test_what_steps_will_ask_of_code_is_asked_before(asked: Asked) -> None:
    steps = [step("r", "restore", run="mine"), step("m", "migrate", run="mine"), step("v", "verify", run="mine")]
    assert asked.run(*steps, state="prepared") == {"changed": False, "returned": {}}
    # What verify asks is of the databases too, which are not there yet.
    assert asked.calls == [("asked", {"run": "mine", "topics": ["history"]})]
    assert asked.kept == {("shop", "mine"): {"of": "x"}}
    asked.calls.clear()
    asked.run(*steps)
    assert [name for name, _args in asked.calls] == ["used", "restore", "migrate", "verify"]
    assert asked.calls[0][1] == {"of": "x"} and asked.kept == {}


@pytest.mark.parametrize(("steps", "check_mode"), [([step("b")], False), ([step("r", "restore")], True), ([], False)])
def test_nothing_is_asked_for_steps_that_open_no_project(
    asked: Asked, steps: list[dict[str, Any]], check_mode: bool
) -> None:
    asked.run(*steps, state="prepared", check_mode=check_mode)
    assert asked.calls == [] and asked.kept == {}


@pytest.mark.parametrize("fails", [None, RelocateError("transfer_failed", "x", "y"), OSError("x")])
@pytest.mark.parametrize("answers", [True, False])
def test_who_answers_the_next_call_gets_ready_for_it(
    asked: Asked, answers: bool, fails: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else: what he opens is gone with him. Without it the call takes longer, and nothing is refused."""
    opened: list[str] = []

    def ready(params: Any) -> None:
        opened.append(params["site"])
        if fails:
            raise fails

    monkeypatch.setattr(batch._window, "stand_ready", lambda *_: answers)
    whole = batch.module_of
    monkeypatch.setattr(
        batch, "module_of", lambda name: dataclasses.replace(whole(name), ready=ready if name == "restore" else None)
    )
    asked.run(step("b"), step("r", "restore"), state="prepared")
    asked.run(step("b"), step("r", "restore"), state="prepared", check_mode=True)
    assert opened == (["shop"] if answers else [])


def test_what_is_prepared_is_looked_at(asked: Asked) -> None:
    with refused("bad_option", "lable"):
        asked.run(step("r", "restore"), step("b", lable="x"), state="prepared")
    assert asked.calls == []


def test_each_step_knows_what_those_after_it_will_ask(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(
        batch, "perform", lambda *_args: (seen.append(list(batch.AHEAD.expected)), ({"changed": False}, None))[1]
    )
    asked.run(step("m", "migrate"), step("b"), step("v", "verify"))
    assert seen == [["history", "counts"], ["history", "counts"], []]


def test_what_a_step_changed_is_asked_anew(asked: Asked) -> None:
    asked.run(step("b"), step("v", "verify"))
    assert [name for name, _args in asked.calls] == ["used", "backup", "changed", "verify"]


def test_a_warning_holds_no_secret(world: World) -> None:
    world.run(step("only", login_password=CANARY))
    assert len(world.warned) == 1 and CANARY not in world.warned[0]


def test_the_invocation_shows_of_each_step_what_its_module_would(world: World) -> None:
    steps = [step("first", login_password=CANARY, label="l1", unknown=CANARY), step("second", "services", count=3)]
    found = batch.shown({"steps": steps, "common": {}}, {})
    assert [item["arguments"] for item in found["steps"]] == [
        {"login_password": HIDDEN, "label": "l1"},
        {"count": 3},
    ]
    assert world.calls == []


def test_the_first_failure_ends_it_and_says_which_step(world: World) -> None:
    with pytest.raises(RelocateError) as caught:
        world.run(step("first"), step("second", label="fails", login_password=CANARY), step("third"))
    error = caught.value
    assert (error.code, error.hint) == ("program_failed", "run again") and CANARY not in error.msg
    assert error.details["step"] == "second" and error.details["a"] == 1 and list(error.details["done"]) == ["first"]
    assert len(world.calls) == 2
    assert world.warned == ["\\x1b[1mbackup"]


def test_each_step_holds_the_lease_of_its_site(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def writing(name: str) -> Module:
        found = world.module(name)
        return Module(found.arguments, found.work_on, always)

    monkeypatch.setattr(batch, "module_of", writing)
    with Lease(str(tmp_path), "shop", "another run"), refused("locked", "another run"):
        world.run(step("only", run="mine"))
    assert world.calls == []


def test_what_can_be_run_is_brought_along_and_documented() -> None:
    """Ansible brings to a host what is imported by name; what is loaded by name must be among it."""
    path = sources.UTILS / "_modules/batch.py"
    [block] = [node for node in sources.tree(path).body if isinstance(node, ast.If)]
    [brought] = [node for node in ast.walk(block) if isinstance(node, ast.ImportFrom)]
    assert {alias.name for alias in brought.names} == set(CARRIED)
    options = sources.documentation(sources.PLUGINS / "modules/batch.py")["options"]
    assert options["steps"]["suboptions"]["module"]["choices"] == list(CARRIED)
    for name in CARRIED:
        assert batch.module_of(name).arguments["argument_spec"]


@pytest.mark.parametrize(
    ("given", "on"),
    [
        ([("backup", {})], True),
        ([("verify", {})], False),  # it only looks
        ([("backup", {}), ("verify", {})], True),
        ([("services", {"release": True})], False),
        ([("backup", {}), ("services", {"release": True})], False),
    ],
)
def test_what_leaves_the_run_with_the_site(given: list[tuple[str, dict[str, Any]]], on: bool) -> None:
    steps = [
        batch.Step(name, batch.module_of(name), {"unused": "", "release": False, **params}, False, [])
        for name, params in given
    ]
    assert batch.goes_on(steps) is on
    for step in steps:
        step.check_mode = True
    assert not batch.goes_on(steps)
