# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a proof tells besides that it holds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import LIVE
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.modules import verify
from tests.unit.fakes import LABEL, FakeEngine, entry, fake_site, manifest, me, project_params, state


@pytest.mark.parametrize("frozen", [False, True])
def test_a_difference_that_is_no_loss_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frozen: bool) -> None:
    engine = FakeEngine(databases={LIVE: state(objects={})})
    site = fake_site(tmp_path, engine)

    def lenient(_recorded: DatabaseState, found: DatabaseState) -> list[Any]:
        assert not found.objects
        site.notes.append("an event has passed")
        return []

    @contextlib.contextmanager
    def opened(*_args: Any, **_more: Any) -> Iterator[Any]:
        yield site

    monkeypatch.setattr(engine, "differences", lenient)
    monkeypatch.setattr(verify, "open_site", opened)
    made = BackupSet.create(str(tmp_path), "shop", LABEL, me())
    Path(made.file("databases/default.fakedump")).write_text("dump")
    made.finish(manifest(LABEL, databases={"default": entry()}))
    params = {"directory": str(tmp_path), "site": "shop", "label": LABEL, "manifest_sha256": None, "aliases": []}
    params.update(project_params(tmp_path), frozen=frozen, fingerprints=True, models=False, checks=False, media=False)
    module: Any = SimpleNamespace(params=params, check_mode=False, warn=lambda _text: None)
    assert verify.work_on(module)["notes"] == ["an event has passed"]
