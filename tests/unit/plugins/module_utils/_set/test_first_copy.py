# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a first copy says of itself is held against its digest."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._set import first_copy
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from tests.unit.fakes import LABEL, manifest, me, refused


@pytest.fixture(name="backup")
def _backup(tmp_path: Path) -> BackupSet:
    return BackupSet.create(str(tmp_path), "shop", LABEL, me())


def test_what_is_written_is_read(backup: BackupSet) -> None:
    digest = first_copy.write(backup, manifest(LABEL), {"default": {"horizon": 7}})
    assert first_copy.read(backup, digest) == manifest(LABEL) and first_copy.digest(backup) == digest
    assert first_copy.bases(backup) == {"default": {"horizon": 7}}
    first_copy.forget_bases(backup)
    first_copy.forget_bases(backup)
    assert first_copy.bases(backup) == {} and first_copy.digest(backup) == digest


def test_a_set_without_one(backup: BackupSet) -> None:
    assert (first_copy.digest(backup), first_copy.bases(backup)) == ("", {})
    with refused("set_not_found", "no first copy"):
        first_copy.read(backup)


def test_another_one_is_refused(backup: BackupSet) -> None:
    first_copy.write(backup, manifest(LABEL), {})
    with refused("manifest_edited", "is not what was written"):
        first_copy.read(backup, "0" * 64)
    path = Path(backup.file(first_copy.FIRST_COPY))
    path.write_text(path.read_text().replace('"old1"', '"old2"'))
    with refused("manifest_edited", "its checksum differs"):
        first_copy.read(backup)


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_bases_that_are_none(backup: BackupSet, text: str) -> None:
    Path(backup.file(first_copy.BASES)).write_text(text)
    assert first_copy.bases(backup) == {}
