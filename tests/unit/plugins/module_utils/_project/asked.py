# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A project that is asked, and its settings."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.relocate.django.plugins.module_utils._project import probe

CANARY = "pa'ss w\u00f6rd%:\\$1\"x"


def found(site: Path, python: str, **options: object) -> probe.Project:
    return probe.find_project(str(site), python, **options)  # type: ignore[arg-type]


def add_settings(site: Path, text: str) -> None:
    with open(site / "site1" / "settings.py", "a", encoding="utf-8") as stream:
        stream.write("\n" + text)
