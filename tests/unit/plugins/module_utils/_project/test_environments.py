# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The path of an environment leads to another one, and back to what it was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._project import environments
from tests.unit.fakes import me

COMMIT = "0123456789abcdef" * 2 + "01234567"


def make(path: Path, word: str) -> Path:
    """Make what looks like an environment, with a script that says which one it is."""
    (path / "bin").mkdir(parents=True)
    (path / "pyvenv.cfg").write_text("version = 3.11.2\n")
    (path / "bin" / "word").write_text(f"#!/bin/sh\necho {word}\n")
    (path / "bin" / "word").chmod(0o755)
    (path / "bin" / "python").symlink_to(sys.executable)
    return path


def word_of(venv: Path) -> str:
    return subprocess.run([venv / "bin" / "word"], check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("link", ["", "envs/first", "absolute"])
def test_there_and_back(tmp_path: Path, link: str) -> None:
    venv = tmp_path / ".venv"
    target = tmp_path / "envs/first" if link == "absolute" else Path(link)
    make(tmp_path / link if link and link != "absolute" else target if link else venv, "first")
    if link:
        venv.symlink_to(target)
    kept = environments.kept_as(str(venv), me())
    built = environments.built_name(str(venv), COMMIT)
    assert built == ".venv.relocate-0123456789ab"
    make(tmp_path / built, "second")
    for _twice in range(2):
        environments.point(str(venv), me(), built)
        assert word_of(venv) == "second" and os.readlink(venv) == built
    (tmp_path / ".venv.relocate-older").mkdir()
    assert environments.left(str(venv), me(), [kept]) == [".venv.relocate-older"]
    for _twice in range(2):
        environments.put_back(str(venv), me(), kept)
        assert word_of(venv) == "first" and venv.is_symlink() is bool(link)
    assert environments.left(str(venv), me(), []) == [built, ".venv.relocate-older"]


def test_killed_between_two_names(tmp_path: Path) -> None:
    """The directory is put aside and no link is there yet; a link of ours lies under its temporary name."""
    venv = make(tmp_path / "venv", "first")
    kept = environments.kept_as(str(venv), me())
    venv.rename(tmp_path / kept)
    (tmp_path / ".venv.relocate-link").symlink_to("nowhere")
    environments.put_back(str(venv), me(), kept)
    assert word_of(venv) == "first"
    environments.point(str(venv), me(), "other")
    assert os.readlink(venv) == "other"


def test_a_python_of_the_system_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RelocateError) as caught:
        environments.place_of(str(tmp_path / "usr/bin/python3"))
    assert caught.value.code == "environment_failed"
    assert environments.place_of(str(make(tmp_path / "v", "x") / "bin" / "python")) == str(tmp_path / "v")


def test_a_package_that_is_used_out_of_its_source_finds_it(tmp_path: Path) -> None:
    packages = tmp_path / "venv/lib/python3.11/site-packages"
    (packages / "shop-1.dist-info").mkdir(parents=True)
    files = {
        "shop.pth": "/srv/.shop.relocate-upgrade/src\n",
        "__editable___shop_finder.py": "MAPPING = {'shop': '/srv/.shop.relocate-upgrade/shop'}\n",
        "shop-1.dist-info/direct_url.json": '{"url": "file:///srv/.shop.relocate-upgrade"}',
        "other.py": "'/srv/.shop.relocate-upgrade'",
    }
    for name, text in files.items():
        (packages / name).write_text(text)
    changed = environments.moved_source(str(tmp_path / "venv"), me(), "/srv/.shop.relocate-upgrade", "/srv/shop")
    assert sorted(Path(name).name for name in changed) == ["__editable___shop_finder.py", "direct_url.json", "shop.pth"]
    assert (packages / "shop.pth").read_text() == "/srv/shop/src\n"
    assert (packages / "other.py").read_text() == files["other.py"]


def test_what_is_removed_is_not_what_a_link_leads_to(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "media/a").write_text("kept")
    (tmp_path / "staged").mkdir()
    (tmp_path / "staged/media").symlink_to(tmp_path / "media")
    (tmp_path / "link").symlink_to(tmp_path / "media")
    for name in ("staged", "link", "absent"):
        environments.remove(str(tmp_path / name), me())
        assert not os.path.lexists(tmp_path / name)
    assert (tmp_path / "media/a").read_text() == "kept"
