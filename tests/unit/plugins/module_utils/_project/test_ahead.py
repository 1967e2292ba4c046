# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A project is asked once for what several steps want to know, and anew for what a step has changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import ahead, answers
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project

PROJECT = Project(
    "/srv/shop", "/srv/shop/.venv/bin/python", "shop.settings", SystemUser("app", 1, 1, "/", "x"), {"A": "b"}
)


class World:
    """Answers that are numbered, so that one can see which start of the interpreter gave them."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[str], list[str]]] = []

    def ask(
        self, _project: Project, what: Sequence[str], later: Sequence[str], _aliases: Sequence[str]
    ) -> dict[str, Any]:
        self.asked.append((list(what), list(later)))
        told = [*what, *later] if "migrations" in what else what
        return {topic: {"start": len(self.asked)} for topic in told}


@pytest.fixture(name="world")
def _world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(answers, "ask_ahead", world.ask)
    return world


def shared() -> ahead.Ahead:
    call = ahead.Ahead()
    call.shared = True
    return call


def starts(found: dict[str, Any]) -> dict[str, int]:
    return {topic: item["start"] for topic, item in found.items()}


def test_what_is_known_is_not_asked_again(world: World) -> None:
    call = shared()
    assert starts(call.ask(PROJECT, ["databases", "history"], [])) == {"databases": 1, "history": 1}
    call.expected = ["counts", "checks", "history"]
    assert starts(call.ask(PROJECT, ["databases", "migrations"], [])) == {"databases": 1, "migrations": 2}
    assert starts(call.ask(PROJECT, ["counts", "checks", "history"], [])) == {"counts": 2, "checks": 2, "history": 1}
    assert world.asked == [(["databases", "history"], []), (["migrations"], ["counts", "checks"])]


def test_what_databases_said_is_asked_anew_when_they_have_changed(world: World) -> None:
    call = shared()
    call.expected = ["counts"]
    call.ask(PROJECT, ["databases", "migrations"], [])
    call.changed()
    assert starts(call.ask(PROJECT, ["databases", "counts", "migrations"], [])) == {
        "databases": 1,
        "counts": 2,
        "migrations": 2,
    }


@pytest.mark.parametrize(
    ("other", "aliases"),
    [
        (dataclasses.replace(PROJECT, env={"A": "c"}), []),
        (dataclasses.replace(PROJECT, settings="shop.other"), []),
        (dataclasses.replace(PROJECT, owner=SystemUser("other", 1, 1, "/", "x")), []),
        (PROJECT, ["default"]),
    ],
)
def test_another_project_is_asked_for_itself(world: World, other: Project, aliases: list[str]) -> None:
    call = shared()
    call.ask(PROJECT, ["databases"], [])
    assert starts(call.ask(other, ["databases"], aliases)) == {"databases": 2}
    assert starts(call.ask(PROJECT, ["databases"], [])) == {"databases": 3}


def test_an_answer_is_the_callers_own(world: World) -> None:
    call = shared()
    call.ask(PROJECT, ["databases"], [])["databases"].clear()
    assert starts(call.ask(PROJECT, ["databases"], [])) == {"databases": 1}


def test_what_code_and_settings_say_is_kept_for_another_call(world: World) -> None:
    call = shared()
    call.ask(PROJECT, ["databases", "history", "migrations"], [])
    kept = call.kept()
    assert set(kept["known"]) == {"databases", "history"}
    later = shared()
    later.use({})
    later.use(kept)
    later.use({})
    assert starts(later.ask(PROJECT, ["databases", "history"], [])) == {"databases": 1, "history": 1}
    assert len(world.asked) == 1
    later.use(kept)
    assert starts(later.ask(PROJECT, ["databases"], ["default"])) == {"databases": 2}


def test_a_step_alone_asks_anew_each_time(world: World) -> None:
    call = ahead.Ahead()
    assert starts(call.ask(PROJECT, ["databases"], [])) == {"databases": 1}
    assert starts(call.ask(PROJECT, ["databases"], [])) == {"databases": 2}
