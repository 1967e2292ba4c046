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
from ansible_collections.relocate.django.plugins.modules import preflight
from tests.unit.fakes import FakeEngine, fake_site, project_params


def test_an_old_site_that_cannot_be_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(_self: object) -> Any:
        raise RelocateError("server_unreachable", "the server does not answer", "start it")

    @contextlib.contextmanager
    def opened(*_args: Any, **_more: Any) -> Iterator[Any]:
        yield fake_site(tmp_path, FakeEngine())

    monkeypatch.setattr(preflight, "open_site", opened)
    monkeypatch.setattr(preflight.preflight, "obstacles_on_old", lambda *_args: [])
    monkeypatch.setattr(FakeEngine, "describe", refusing)
    params = {"side": "old", "site": "shop", "directory": str(tmp_path), "run": "", "media": True, "media_skip": []}
    lists = ("files", "files_ignored", "requirements", "command", "pip_extra", "pip_ignored", "units", "answers")
    params.update({name: [] for name in lists}, **project_params(tmp_path))
    params.update(answers_timeout=1, compression="none", allow_dirty=False, allow_unapplied=False)
    module: Any = SimpleNamespace(params=params, check_mode=False)
    found = preflight.look(module)
    assert [item["code"] for item in found["obstacles"]] == ["server_unreachable"]
    assert found["obstacles"][0]["host"] == found["info"]["host"]["name"]
    assert "databases" not in found["info"]
