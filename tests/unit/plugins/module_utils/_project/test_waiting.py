# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A project that is loaded before it is asked answers as one that is loaded when it is."""

from __future__ import annotations

import dataclasses
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._project import answers, inside, management, waiting
from tests.unit.plugins.module_utils._project.asked import add_settings, found

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _none_left() -> Iterator[None]:
    """What a test leaves waiting ends."""
    yield
    for left in waiting._WAITING.values():
        left.ask({"what": [], "secrets": False, "aliases": []}, 30)
    waiting._WAITING.clear()


@pytest.fixture(name="started")
def _started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The programs that were started to ask."""
    names: list[str] = []
    run = inside.run

    def noted(command: Any, **more: Any) -> Any:
        names.append(command.argv[0])
        return run(command, **more)

    monkeypatch.setattr(inside, "run", noted)
    return names


def test_it_is_asked_once_and_says_the_same(site: Path, python: str, started: list[str]) -> None:
    project = found(site, python)
    topics = ["databases", "django", "migrations", "history"]
    assert answers.get_ready(project)
    early = answers.ask(project, topics, secrets=True)
    assert started == []
    assert answers.ask(project, topics, secrets=True) == early and len(started) == 1


def test_it_holds_no_database_and_sees_what_became_of_it(site: Path, python: str, started: list[str]) -> None:
    project = found(site, python)
    assert answers.get_ready(project)
    holders = subprocess.run(["fuser", str(site / "db.sqlite3")], capture_output=True, check=False)
    assert holders.stdout == b"" and not (site / "db.sqlite3").exists()
    assert management.run_manage(project, ["migrate", "--verbosity=0"]).rc == 0
    told = answers.ask_ahead(project, ["migrations"], ["counts"], [])
    assert told["migrations"]["aliases"]["default"]["unapplied"] == [] and "counts" in told and started == []


def test_another_environment_is_another_project(site: Path, python: str, started: list[str]) -> None:
    project = found(site, python)
    assert answers.get_ready(project)
    other = dataclasses.replace(project, env={**project.env, "MORE": "1"})
    answers.ask(other, ["django"])
    assert len(started) == 1
    answers.ask(project, ["opened"])  # seen only while it is loaded
    assert len(started) == 2


def test_settings_that_fail_are_told_when_asked(site: Path, python: str, started: list[str]) -> None:
    add_settings(site, "raise ValueError('broken')\n")
    project = found(site, python)
    assert answers.get_ready(project)
    with pytest.raises(RelocateError) as caught:
        answers.ask(project, ["django"])
    assert caught.value.code == "settings_failed" and "broken" in caught.value.msg and started == []


def test_an_interpreter_that_ends_is_started_when_asked(site: Path, python: str, started: list[str]) -> None:
    project = found(site, python)
    assert not answers.get_ready(dataclasses.replace(project, interpreter="/bin/false"))
    assert answers.get_ready(project)
    ready = waiting._WAITING[waiting.key_of(project)]
    done = subprocess.run(["pgrep", "-f", ready.marker], capture_output=True, text=True, check=True)
    for pid in done.stdout.split():
        subprocess.run(["kill", "-KILL", pid], check=False)
    deadline = time.monotonic() + 10
    while ready.wait() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert answers.ask(project, ["django"])["django"]["apps"] and len(started) == 1


def test_who_does_not_answer_in_time_is_not_waited_for(site: Path, python: str) -> None:
    add_settings(site, "import time\nfrom django.core import checks\n")
    (site / "shop" / "apps.py").write_text(
        "import time\nfrom django.apps import AppConfig\nfrom django.core import checks\n"
        "class Shop(AppConfig):\n    name = 'shop'\n"
        "    def ready(self):\n        checks.register(lambda app_configs, **more: time.sleep(5) or [])\n"
    )
    project = found(site, python)
    assert answers.get_ready(project)
    with pytest.raises(RelocateError) as caught:
        answers.ask(project, ["checks"], timeout=0.5)
    assert caught.value.code == "timed_out"
