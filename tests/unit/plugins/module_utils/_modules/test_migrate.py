# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is migrated, database by database: one that never was is data."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import LIVE
from ansible_collections.relocate.django.plugins.module_utils._modules import migrate
from tests.unit.fakes import FakeEngine, fake_site, project_params, state
from tests.unit.records import noted

ALIASES = {
    "default": {"recorded": True, "applied": ["shop.0001"], "unapplied": ["shop.0002"]},
    "done": {"recorded": True, "applied": ["shop.0001", "shop.0002"], "unapplied": []},
    "legacy": {"recorded": False, "applied": [], "unapplied": ["shop.0001", "shop.0002"]},
    "emptied": {"recorded": True, "applied": [], "unapplied": ["shop.0001", "shop.0002"]},
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call the module's work on four databases; returns its result and the aliases that Django was called for."""
    engines = [FakeEngine(alias, databases={LIVE: state()}) for alias in ALIASES]
    site = fake_site(tmp_path, *engines, migrations={"aliases": ALIASES, "conflicts": {}, "missing": []})
    called: list[str] = []

    @contextlib.contextmanager
    def opened(*_args: Any) -> Iterator[Any]:
        yield site

    monkeypatch.setattr(migrate, "open_site", opened)
    monkeypatch.setattr(migrate.probe, "migrate", lambda _project, alias, **_more: called.append(alias))

    def call(check_mode: bool = False, **changes: Any) -> tuple[dict[str, Any], list[str]]:
        params = {"site": "shop", "directory": str(tmp_path), "state": "applied", "app": None, "migration": None}
        params.update(project_params(tmp_path))
        params.update(
            {"fake": False, "fake_initial": False, "check_missing": False, "fresh": False, "timeout": 0}, **changes
        )
        del called[:]
        module: Any = SimpleNamespace(params=params, check_mode=check_mode)
        return migrate.work_on(module), list(called)

    return call


def test_a_database_that_was_never_migrated_is_left_as_it_is(run: Any, tmp_path: Path) -> None:
    result, called = run()
    assert called == ["default"] and result["changed"]
    assert result["plan"] == {"default": ["shop.0002"], "done": [], "legacy": [], "emptied": []}
    told = {alias: (item["state"], item["text"]) for alias, item in result["databases"].items()}
    assert told == {
        "default": ("applied", "database default got 1 migrations: shop.0002"),
        "done": ("current", "database done needed no migration"),
        "legacy": ("never_migrated", "database legacy has never been migrated: left as it is"),
        "emptied": ("never_migrated", "database emptied has never been migrated: left as it is"),
    }
    assert list(noted(tmp_path)["migrated"]["states"]) == ["default"]


def test_a_new_project_is_migrated_when_asked_for(run: Any) -> None:
    result, called = run(fresh=True)
    assert called == ["default", "legacy", "emptied"]
    assert result["databases"]["legacy"]["migrations"] == ["shop.0001", "shop.0002"]


def test_an_app_by_name_is_no_way_around(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = SimpleNamespace(rc=0, out="Planned operations:\nshop.0002\n    Add field\n", err="")
    monkeypatch.setattr(migrate.probe, "run_manage", lambda *_args: planned)
    assert run(app="shop")[1] == ["default", "done"]


def test_check_mode_tells_and_does_nothing(run: Any, tmp_path: Path) -> None:
    result, called = run(check_mode=True)
    assert called == [] and result["changed"] and noted(tmp_path) == {}
    assert result["databases"]["default"]["text"] == "database default would get 1 migrations: shop.0002"
    assert run(state="planned")[0]["changed"] is False
