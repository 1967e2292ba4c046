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
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState
from ansible_collections.relocate.django.plugins.module_utils._modules import verify
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from tests.unit.fakes import LABEL, FakeEngine, entry, fake_site, manifest, me, project_params, state
from tests.unit.records import note, noted


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
    params.update(project_params(tmp_path), frozen=frozen, unused=False)
    params.update(fingerprints=True, models=False, checks=False, media=False)
    module: Any = SimpleNamespace(params=params, check_mode=False, warn=lambda _text: None)
    assert verify.work_on(module)["notes"] == ["an event has passed"]


SERVED = {"label": LABEL, "run": "r1", "at": 1}
HASHED, COUNTED = state(), state(fingerprint="")
MORE, OTHER = state(rows=4, fingerprint="78"), state(fingerprint="78")


@pytest.mark.parametrize(
    ("record", "holds", "media", "check", "says"),
    [
        ({"served": SERVED}, HASHED, {}, False, ""),
        ({"served": SERVED}, HASHED, {}, True, ""),
        ({"served": SERVED}, MORE, {}, False, "table public.b"),
        ({"served": SERVED}, OTHER, {}, False, "table public.b"),
        ({"served": SERVED}, COUNTED, {}, False, "public.b"),
        ({"served": SERVED}, HASHED, {"files": 3, "digest": "d"}, False, "MEDIA_ROOT"),
        ({"served": SERVED}, None, {}, False, "cannot be compared: database default is gone"),
        ({"served": SERVED, "migrated": {"state": "begun"}}, HASHED, {}, False, "cannot be compared: migrations were"),
        # Not a site that this set was served from and that is stopped: nobody opens it.
        ({}, None, {}, False, None),
        ({"moved": SERVED}, None, {}, False, None),
        ({"served": SERVED, "moved": SERVED}, None, {}, False, None),
        ({"served": {**SERVED, "label": "another"}}, None, {}, False, None),
    ],
)
def test_a_site_that_took_nothing_in_was_never_started(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record: dict[str, Any],
    holds: DatabaseState | None,
    media: dict[str, Any],
    check: bool,
    says: str | None,
) -> None:
    site = fake_site(tmp_path, FakeEngine(databases={LIVE: holds or HASHED}))

    @contextlib.contextmanager
    def opened(*_args: Any, **_more: Any) -> Iterator[Any]:
        assert says is not None, "nobody asked for it"
        if holds is None:
            raise RelocateError("database_missing", "database default is gone", "look for it")
        yield site

    monkeypatch.setattr(verify, "open_site", opened)
    made = BackupSet.create(str(tmp_path), "shop", LABEL, me())
    Path(made.file("databases/default.fakedump")).write_text("dump")
    made.finish(manifest(LABEL, databases={"default": entry()}, media=media))
    note(tmp_path, **record)
    before = noted(tmp_path)
    params = {"directory": str(tmp_path), "site": "shop", "label": LABEL, "manifest_sha256": None, "aliases": []}
    params.update(
        project_params(tmp_path), frozen=False, unused=True, media=True, models=True, checks=True, fingerprints=False
    )
    module: Any = SimpleNamespace(params=params, check_mode=check, warn=lambda _text: None)
    found = verify.work_on(module)
    nothing = says == ""
    assert (found["unused"], found["changed"]) == (nothing, nothing)
    assert says in found["taken_in"][0] if says else found["taken_in"] == []
    assert noted(tmp_path) == ({} if nothing and not check else before)
