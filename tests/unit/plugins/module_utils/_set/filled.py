# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backup sets with something in them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._model import Software
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import UnversionedFile
from tests.unit.fakes import BLANK, LABEL, entry, facts, manifest, me


def made(directory: Path, label: str, finished: bool = True) -> BackupSet:
    found = BackupSet.create(str(directory), "shop", label, me())
    if finished:
        found.finish(manifest(label))
    return found


ODD = UnversionedFile("/srv/caf\udce9/.env", "files/0000", 0o640, "shop", "www-data")
FULL = manifest(
    databases={
        "default": entry(),
        "a 'quoted\" ☃": replace(entry("x"), state=BLANK, migrations=(), facts=replace(facts(), settings=())),
    },
    media={"files": 2, "bytes": 10},
    unversioned=(ODD, UnversionedFile("/l", "", 0o777, "1234", "1234", "../target")),
    software=Software("dpkg", {"nginx": "nginx"}, ("poppler-utils",)),
)


def fill(made: BackupSet) -> None:
    os.makedirs(made.file("databases/default.fakedump"))
    Path(made.file("databases/default.fakedump/toc")).write_bytes(b"table of contents")
    Path(made.file("databases/default.fakedump/1.dat")).write_bytes(b"rows\n" * 100)
    Path(made.file("code.bundle")).write_bytes(b"bundle")
    Path(os.fsdecode(os.fsencode(made.path) + b"/files/caf\xe9")).write_bytes(b"")


@pytest.fixture
def complete(tmp_path: Path) -> tuple[BackupSet, str]:
    made = BackupSet.create(str(tmp_path), "shop", LABEL, me())
    fill(made)
    return made, made.finish(FULL)


DAT = "databases/default.fakedump/1.dat"
