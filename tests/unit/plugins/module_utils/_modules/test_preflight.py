# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever is wrong on a host becomes an obstacle in the list."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle
from ansible_collections.relocate.django.plugins.module_utils._modules import preflight
from ansible_collections.relocate.django.plugins.module_utils._steps import old_site
from tests.unit.fakes import FakeEngine, fake_site, project_params


def test_an_old_site_that_cannot_be_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(_self: object) -> Any:
        raise RelocateError("server_unreachable", "the server does not answer", "start it")

    @contextlib.contextmanager
    def opened(*_args: Any, **_more: Any) -> Iterator[Any]:
        site = fake_site(tmp_path, FakeEngine())
        site.facts["opened"] = {"error": {"code": "probe_failed", "msg": "no", "hint": "no"}}
        yield site

    def seen(site: Any, _options: Any) -> list[Obstacle]:
        assert "opened" not in site.facts, "what could not be looked at is said, and is in nobody's way"
        return []

    monkeypatch.setattr(old_site, "open_site", opened)
    monkeypatch.setattr(old_site.preflight, "obstacles_on_old", seen)
    monkeypatch.setattr(FakeEngine, "describe", refusing)
    params = {"side": "old", "site": "shop", "directory": str(tmp_path), "run": "", "media": True, "media_skip": []}
    params["maintenance"] = None
    lists = "files files_ignored requirements command pip_extra pip_ignored units answers reload".split()
    lists += ["services_kept_running", "neighbours_carried"]
    params.update({name: [] for name in lists}, **project_params(tmp_path))
    params.update(answers_timeout=1, compression="none", allow_dirty=False, allow_unapplied=False, cron="refuse")
    params.update(dict.fromkeys(f"login_{name}" for name in ("user", "password", "host", "port", "unix_socket")))
    module: Any = SimpleNamespace(params=params, check_mode=False)
    found = preflight.look(module)
    assert [item["code"] for item in found["obstacles"]] == ["server_unreachable"]
    assert found["obstacles"][0]["host"] == found["info"]["host"]["name"]
    assert "databases" not in found["info"]


def test_a_project_that_does_not_open_hides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing environment once hid whatever else was in the way."""

    def refused(*_args: Any, **_more: Any) -> Any:
        raise RelocateError("interpreter_not_found", "no environment", "make it")

    def unnamed(served: Any, _host: Any, named: Any, owner: Any, told: Any) -> list[Obstacle]:
        assert (served, owner, told) == (None, None, {}) and named.path == str(tmp_path)
        return [Obstacle("files_unnamed", "files", "name them")]

    monkeypatch.setattr(old_site, "open_site", refused)
    monkeypatch.setattr(old_site.unnamed, "obstacles", unnamed)
    named = SimpleNamespace(path=str(tmp_path), services_kept_running=())
    options = SimpleNamespace(
        site=None,
        named=named,
        maintenance=str(tmp_path / "page.html"),
        pages=None,
        sends_on=SimpleNamespace(forward=False),
    )
    obstacles: list[Obstacle] = []
    assert old_site.look(options, obstacles) == {}  # type: ignore[arg-type]
    assert [item.code for item in obstacles] == ["interpreter_not_found", "bad_option", "files_unnamed"]
    assert "relocate_maintenance: " in obstacles[1].msg and "page.html" in obstacles[1].msg
