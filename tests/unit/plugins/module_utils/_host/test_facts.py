# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts of the host, and the record of a site on it."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._host import facts, files
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


def test_write_atomically_replaces_links_instead_of_following_them(tmp_path: Path) -> None:
    victim, target = tmp_path / "victim", tmp_path / "target"
    victim.write_text("keep")
    target.symlink_to(victim)
    (tmp_path / "target.new").symlink_to(victim)
    files.write_atomically(str(target), "é\n", 0o640)
    assert victim.read_text() == "keep"
    assert (target.is_symlink(), target.read_text(), stat.S_IMODE(target.stat().st_mode)) == (False, "é\n", 0o640)
    assert sorted(os.listdir(tmp_path)) == ["target", "victim"]


@pytest.mark.parametrize("plant", [os.symlink, os.link])
def test_write_atomically_refuses_what_is_put_in_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant: Callable[[str, str], None]
) -> None:
    """Between the removal of a leftover and the new file somebody may be quicker: neither link is written through."""
    victim, target = tmp_path / "victim", tmp_path / "target"
    victim.write_text("keep")
    real = os.unlink

    def raced(path: str, **how: Any) -> None:
        with contextlib.suppress(FileNotFoundError):
            real(path, **how)
        if str(path).endswith(".new") and not os.path.lexists(path):
            plant(str(victim), str(path))

    monkeypatch.setattr(facts.os, "unlink", raced)
    with pytest.raises(FileExistsError):
        files.write_atomically(str(target), "new")
    assert (victim.read_text(), target.exists()) == ("keep", False)


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


@pytest.mark.parametrize("planted", ["link", "dangling link", "file", "second name"])
def test_what_is_planted_while_a_file_is_written_is_neither_followed_nor_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted: str
) -> None:
    """Between the removal of a leftover and the opening: what is there then was put there by somebody."""
    victim, target, temporary = tmp_path / "victim", tmp_path / "target", tmp_path / "target.new"
    victim.write_text("keep")
    target.write_text("before")
    real = os.unlink

    def unlink(path: str, **kwargs: int) -> None:
        try:
            real(path, **kwargs)
        finally:
            if "link" in planted:
                temporary.symlink_to(victim if planted == "link" else tmp_path / "made")
            elif planted == "file":
                temporary.write_text("theirs")
            else:
                os.link(victim, temporary)

    monkeypatch.setattr(os, "unlink", unlink)
    with pytest.raises(FileExistsError):
        files.write_atomically(str(target), "new")
    assert (victim.read_text(), target.read_text()) == ("keep", "before")
    assert not (tmp_path / "made").exists()
    assert planted != "file" or temporary.read_text() == "theirs"
