# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A project on old, what is told of it on new, and what is in the way there."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import LIVE
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle, as_plain
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from ansible_collections.relocate.django.plugins.module_utils._steps import preflight_new
from tests.unit.fakes import BLANK, FakeEngine, facts, me

GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    path.mkdir()
    (path / "manage.py").write_text("")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*GIT, "-C", str(path), *words], check=True)
    return path


def told(obstacles: list[Obstacle]) -> list[tuple[str, str, str, str]]:
    return [(item.code, item.alias, item.msg, item.hint) for item in obstacles]


def told_of_old(**changes: Any) -> dict[str, Any]:
    database = {"engine": "fake", "backend": "b", "name": "shop", "user": "shop", "host": "", "port": None}
    base: dict[str, Any] = {
        "host": {"name": "old1", "machine_id": "0ld"},
        "project": {"path": "/srv/shop/app"},
        "owner": {"name": me().name},
        "django": {"version": "5.2"},
        "databases": {"default": dict(database, facts=as_plain(facts()))},
        "media": {"bytes": 10},
    }
    return {**base, **changes}


def new_options(directory: Path, **changes: Any) -> preflight_new.Options:
    base = {
        "path": str(directory / "app"),
        "directory": str(directory),
        "site": "shop",
        "owner": me().name,
        "allow_root": True,
        "allow_same_host": False,
        "compression": "none",
        "engines": {},
        "excluded_models": [],
        "files": [],
        "overridden": False,
        "installs": False,
        "python": "python3",
        "python_from": "system",
        "env_files": [],
        "interpreter": None,
        "settings": None,
        "environment": {},
        "revision": None,
        "remote": None,
        "definers": {},
        "units": [],
        "services_kept_running": [],
        "media": True,
        "replace": False,
    }
    return preflight_new.Options.of({**base, **changes})


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    made = FakeEngine(databases={LIVE: BLANK})
    monkeypatch.setattr(preflight_new, "open_engine", lambda config, context: made)
    monkeypatch.setattr(preflight_new, "python_obstacle", lambda *_args: None)
    return made


def on_new(directory: Path, old: dict[str, Any] | None = None, **changes: Any) -> list[tuple[str, str, str, str]]:
    with SecretStore(str(directory / "secrets")) as secrets:
        return told(preflight_new.obstacles_on_new(new_options(directory, **changes), old or told_of_old(), secrets))
