# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A look at a host on which the repository's program is still to be installed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils import _process
from ansible_collections.relocate.django.plugins.module_utils._modules import repository
from tests.unit.fakes import refused

PLACES = {
    "rsync": {"type": "directory", "address": "/srv/vault"},
    "restic": {"type": "restic", "address": "/srv/vault", "password_file": "/etc/vault.password"},
}


@pytest.mark.parametrize("program", sorted(PLACES))
def test_a_check_says_that_it_knows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Who installs nothing, and who is at work, is refused as ever."""
    monkeypatch.setattr(_process.shutil, "which", lambda *_name, **_more: None)
    said: list[str] = []
    params: dict[str, Any] = {"directory": str(tmp_path), "site": "shop", "state": "pulled", "label": ""}
    params.update(manifest_sha256=None, repository=PLACES[program], keep=0, retention={}, read_parts=1, installs=True)
    module: Any = SimpleNamespace(params=params, check_mode=True, warn=said.append)
    assert repository.work_on(module) == {"changed": True, "label": "", "unread": True}
    assert len(said) == 1 and f"install {program} there, then check again" in said[0]
    for installs, check in ((False, True), (True, False)):
        module = SimpleNamespace(params={**params, "installs": installs}, check_mode=check)
        with refused("program_missing", f"{program} is not on this host"):
            repository.work_on(module)
