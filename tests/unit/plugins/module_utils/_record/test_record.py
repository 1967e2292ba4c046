# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of a site on its host."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._record import record
from tests.unit.fakes import refused


@pytest.mark.parametrize("name", ["shop", "a", "Shop-1.example_x", "1", "a" * 64])
def test_site_names(name: str) -> None:
    assert record.check_site_name(name) == name


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "-a", "a b", "a\n", "é", "a" * 65, "$x", ".x", "a\0"])
def test_site_names_that_are_refused(name: str) -> None:
    with refused("bad_option", "cannot be a site's name.*use letters, digits"):
        record.check_site_name(name)


def test_record_is_merged_and_private(tmp_path: Path) -> None:
    directory = str(tmp_path / "work")
    assert record.read_record(directory, "shop") == {}
    record.update_record(directory, "shop", {"restored": {"default": "x"}, "moved": {"label": "l"}})
    record.update_record(directory, "shop", {"moved": None, "retired": {}})
    assert record.read_record(directory, "shop") == {"restored": {"default": "x"}, "retired": {}}
    assert record.read_record(directory, "other") == {}
    assert stat.S_IMODE(os.stat(f"{directory}/shop.json").st_mode) == 0o600
    assert os.listdir(directory) == ["shop.json"]


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe"])
def test_a_broken_record_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "shop.json").write_bytes(content)
    with refused("work_directory", "record of site shop.*cannot be read.*then remove it"):
        record.read_record(str(tmp_path), "shop")


def test_a_record_of_another_shape_is_empty(tmp_path: Path) -> None:
    (tmp_path / "shop.json").write_text("[1]")
    assert record.read_record(str(tmp_path), "shop") == {}
    (tmp_path / "file").write_text("")
    assert record.read_record(str(tmp_path / "file"), "shop") == {}
