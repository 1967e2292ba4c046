# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts of the host."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._host import facts


def test_free_bytes_looks_at_the_next_directory_that_exists(tmp_path: Path) -> None:
    assert facts.free_bytes(str(tmp_path / "not" / "yet")) > 0
    assert facts.free_bytes("/") > 0


def test_describe_host() -> None:
    found = facts.describe_host()
    assert found["machine_id"] == facts.machine_id() != ""
    assert found["family"] in ("debian", "redhat", "other")
    assert found["cores"] >= 1


@pytest.mark.parametrize(
    ("release", "family"),
    [
        ({"ID": "ubuntu", "ID_LIKE": "debian"}, "debian"),
        ({"ID": "debian"}, "debian"),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, "redhat"),
        ({"ID": "fedora"}, "redhat"),
        ({"ID": "arch"}, "other"),
        ({}, "other"),
    ],
)
def test_family(monkeypatch: pytest.MonkeyPatch, release: dict[str, str], family: str) -> None:
    monkeypatch.setattr(facts, "_os_release", lambda: release)
    assert facts.describe_host()["family"] == family
