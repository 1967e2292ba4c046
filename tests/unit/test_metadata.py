# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions and lists that are written in more than one place agree."""

from __future__ import annotations

import yaml

from ansible_collections.relocate.django.plugins.module_utils._set import manifest
from tests.unit import sources

# In two parts, or the linter of licences reads the test's own line.
_TAG = "SPDX-License-" + "Identifier:"
GALAXY = yaml.safe_load((sources.ROOT / "galaxy.yml").read_text())


def test_version_is_the_manifests() -> None:
    assert f"{GALAXY['namespace']}.{GALAXY['name']} {GALAXY['version']}" == manifest.TOOL


def test_the_licence_is_there() -> None:
    assert (sources.ROOT / "COPYING").read_bytes() == (sources.ROOT / "LICENSES" / "GPL-3.0-or-later.txt").read_bytes()


def test_every_plugin_says_its_licence() -> None:
    for path in sources.files("plugins/**/*.py"):
        if path.stat().st_size:
            assert f"{_TAG} GPL-3.0-or-later" in path.read_text()[:400], sources.name_of(path)


def test_first_steps_are_where_people_look() -> None:
    for name in ("CONTRIBUTING.md", "docs/architecture.md"):
        assert "Start here." in (sources.ROOT / name).read_text()
    assert len((sources.ROOT / "README.md").read_text().splitlines()) <= 70, "the README is one screen"
