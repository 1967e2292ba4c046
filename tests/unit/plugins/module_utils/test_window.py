# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""For which tasks a process is begun, and what it is told before; the test of ``_standby.begin`` asks one."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils import _module, _window
from ansible_collections.relocate.django.plugins.module_utils._carried import CARRIED
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._standby import begin, place

RUN = ("/d", "shop", "mine")
PARAMS = {"path": "/srv/shop"}


def step(module: str, **more: str) -> dict[str, Any]:
    arguments = {**dict(zip(("directory", "site", "run"), RUN, strict=True)), **more}
    return {"name": module, "module": module, "arguments": arguments}


@pytest.fixture(name="done")
def _done(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    done: list[Any] = []
    monkeypatch.setattr(begin, "begin", lambda *args: not done.append(args))  # type: ignore[func-returns-value]
    monkeypatch.setattr(begin, "say", lambda where, request: done.append((where, json.loads(request))))
    return done


def test_a_process_stands_ready_for_steps_of_one_site_and_run(done: list[Any]) -> None:
    steps = [step("verify"), step("backup"), step("verify")]
    _window.stand_ready(steps, RUN, [PARAMS, {"path": "/other"}])
    where = place.place_of(*RUN)
    assert done == [(where, "/d", "shop", ["backup", "verify"]), (where, {"load": PARAMS})]


def test_a_project_that_is_not_asked_is_not_loaded(done: list[Any]) -> None:
    assert not _window.stand_ready([step("services")], RUN, [])
    assert len(done) == 1


@pytest.mark.parametrize("steps", [[], [step("backup", run="")], [step("backup"), step("verify", site="blog")]])
def test_there_is_none_for_others(done: list[Any], steps: list[dict[str, Any]]) -> None:
    _window.stand_ready(steps, RUN, [PARAMS])
    assert done == []


def test_the_process_that_waits_gets_ready_itself(done: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers the next call too. A project that cannot be loaded is loaded by who asks it."""
    loaded: list[Any] = []
    monkeypatch.setattr(_window, "_HERE", [place.place_of(*RUN)])
    monkeypatch.setattr(_window.answers, "get_ready", loaded.append)
    project = SimpleNamespace(project=SimpleNamespace(find=lambda: "found"))
    monkeypatch.setattr(_window.SiteOptions, "of", lambda _params: project)
    assert _window.stand_ready([step("verify")], RUN, [PARAMS, {"path": "/other"}])
    assert (done, loaded) == ([], ["found"])
    _window.stand_ready([step("verify")], RUN, [])
    assert (done, loaded) == ([], ["found"])

    def lacking() -> None:
        raise RelocateError("interpreter_unusable", "gone")

    project.project.find = lacking
    _window.stand_ready([step("verify")], RUN, [PARAMS])
    assert (done, loaded) == ([], ["found"])


@pytest.mark.parametrize(("state", "goes_on"), [("prepared", True), ("done", False)])
def test_who_got_ready_answers_the_next_call(done: list[Any], state: str, goes_on: bool) -> None:
    told = _window.answer(json.dumps({"arguments": {"steps": [], "state": state}, "check_mode": False}).encode())
    assert (json.loads(told.text)["changed"], told.goes_on, done) == (False, goes_on, [])


def test_what_breaks_is_told_as_of_a_module() -> None:
    told = _window.answer(b"no JSON")
    found = json.loads(told.text)
    assert found["failed"] and found["details"]["error"] == "JSONDecodeError" and not told.goes_on


@pytest.mark.parametrize(("given", "token"), [({}, ""), ({"progress": None}, ""), ({"progress": "a" * 32}, "a" * 32)])
def test_a_call_is_told_where_to_write_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], token: str
) -> None:
    """By the call alone: the environment is that of the task which began the process."""
    monkeypatch.setenv("RELOCATE_PROGRESS", "f" * 32)
    seen: list[str] = []

    def telling(_directory: str, told: str) -> contextlib.AbstractContextManager[list[Any]]:
        seen.append(told)
        return contextlib.nullcontext([{"name": "dump"}])

    monkeypatch.setattr(_module, "telling", telling)
    told = _window.answer(json.dumps({"arguments": {"steps": []}, "check_mode": False, **given}).encode())
    assert json.loads(told.text)["progress"] == [{"name": "dump"}] and seen == [token]


def test_one_stays_for_the_calls_of_a_run(done: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(place, "BASE", str(tmp_path))
    monkeypatch.setattr(begin, "begin", lambda *args, **more: done.append((args, more)))
    where = place.place_of(*RUN)
    _window.stay([step("backup")], RUN)
    assert done == [], "nobody said that the next calls have the same environment"
    monkeypatch.setenv(place.VARIABLE, "1")
    _window.stay([step("backup"), step("verify", site="blog")], RUN)
    assert done == []
    _window.stay([step("backup")], RUN)
    assert done == [((where, "/d", "shop", CARRIED), {"waits": False})]
    Path(where).mkdir()
    _window.stay([step("backup")], RUN)
    assert len(done) == 1, "there is one"
