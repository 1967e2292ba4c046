# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backup sets with something in them."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from tests.unit.fakes import (
    manifest,
    me,
)


def made(directory: Path, label: str, finished: bool = True) -> BackupSet:
    found = BackupSet.create(str(directory), "shop", label, me())
    if finished:
        found.finish(manifest(label))
    return found
