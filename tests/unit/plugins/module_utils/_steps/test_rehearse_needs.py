# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is looked for once more when all packages are there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover.listening import Listener
from ansible_collections.relocate.django.plugins.module_utils._model import as_plain
from ansible_collections.relocate.django.plugins.module_utils._services.unit import Unit
from ansible_collections.relocate.django.plugins.module_utils._steps import readiness, rehearse_needs
from tests.unit.fakes import refused

REDIS = readiness.Server("CACHES['default']", "redis", "localhost", 6379, "", True)


def options(needs: Any = None, **change: Any) -> rehearse_needs.Options:
    plain = as_plain(needs) if isinstance(needs, readiness.Needs) else needs or {}
    given = {"units": ["shop"], "reload": [], "files": [], "neighbours_ignored": [], "allow_same_host": False}
    return rehearse_needs.Options.of({"needs": plain, **given, **change})


@pytest.fixture(autouse=True)
def listeners(monkeypatch: pytest.MonkeyPatch) -> list[Listener]:
    found: list[Listener] = []
    monkeypatch.setattr(readiness.listening, "read", lambda: found)
    return found


def test_what_no_package_brought(tmp_path: Path, listeners: list[Listener]) -> None:
    listeners.append(Listener("tcp:*:80", "apache2.service"))
    there, gone = (readiness.Placed(str(tmp_path / name), "PDF_CMD", "pdftk-java") for name in ("", "pdftk"))
    needs = readiness.Needs(servers=(REDIS,), paths=(there, gone), listens=(readiness.Bound("tcp:*:80"),))
    found = rehearse_needs.look(options(needs), lambda *_where: False)
    assert [item.code for item in found] == ["path_missing", "port_taken", "neighbour_missing"]
    assert "pdftk-java brought on old" in found[0].msg and "relocate_packages" in found[0].hint
    less = options(needs, neighbours_ignored=["*"], allow_same_host=True)
    assert [item.code for item in rehearse_needs.look(less, lambda *_where: False)] == ["path_missing"]
    assert [item.code for item in rehearse_needs.look(options(needs), lambda *_where: True)] == [
        "path_missing",
        "port_taken",
    ]


@pytest.mark.parametrize(
    ("needs", "change", "codes"),
    [
        (readiness.Needs(cron_users=("root",)), {}, ["program_missing"]),
        (readiness.Needs(users=("nobody-here",)), {}, ["owner_missing"] if os.geteuid() == 0 else []),
        (readiness.Needs(), {"reload": ["unknown-to-all"]}, ["unit_unknown"]),
    ],
)
def test_what_was_left_to_packages_is_looked_at_when_they_are_there(
    monkeypatch: pytest.MonkeyPatch, needs: readiness.Needs, change: dict[str, Any], codes: list[str]
) -> None:
    """A crontab cannot be written on a host without cron: seen with a real site, which was frozen for it."""
    monkeypatch.setattr(readiness, "find_program", lambda _name: None)
    monkeypatch.setattr(
        readiness.checks, "unit_states", lambda names: {name: Unit(name, "not-found") for name in names}
    )
    found = rehearse_needs.look(options(needs, **{"reload": [], **change}), lambda *_where: True)
    assert [item.code for item in found] == codes


def test_nothing_told_is_nothing_looked_at() -> None:
    assert rehearse_needs.look(options(), lambda *_where: False) == []


@pytest.mark.parametrize("plain", [{"paths": [1]}, {"paths": [{"path": "/x"}]}, {"more": 1}, {"servers": "x"}])
def test_what_old_says_has_a_type(plain: dict[str, Any]) -> None:
    with refused("answer_refused", "info.needs"):
        rehearse_needs.look(options(plain))
