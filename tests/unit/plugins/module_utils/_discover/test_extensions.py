# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Extension modules of a virtual environment, and whose they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import extensions
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from tests.unit.fakes import ROOT_ONLY
from tests.unit.plugins.module_utils._discover.test_elf import made
from tests.unit.plugins.module_utils._project.conftest import give

MODULE = made(True, "<")


@pytest.fixture
def venv(home: Path, owner: SystemUser) -> Path:
    """An environment with a compiled distribution, one out of a wheel for many, a pure one, and a module of nobody."""
    place = home / "venv" / "lib" / "python3.11" / "site-packages"
    for name, tags, files in (
        ("psycopg2-2.9.9", ["cp311-cp311-linux_x86_64"], ["psycopg2/_psycopg.cpython-311-x86_64-linux-gnu.so"]),
        (
            "pillow-11.0",
            ["cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64"],
            ["PIL/_imaging.so", "pillow.libs/libpq.so.5"],
        ),
        ("Django-5.2", ["py3-none-any"], ["django/x.py"]),
        ("odd-1", [], ["odd/x.so"]),
    ):
        info = place / f"{name}.dist-info"
        info.mkdir(parents=True)
        (info / "WHEEL").write_text("Wheel-Version: 1.0\n" + "".join(f"Tag: {tag}\n" for tag in tags))
        (info / "RECORD").write_text("".join(f"{file},sha256=x,1\n" for file in files) + f"{name}.dist-info/RECORD,,\n")
        for file in files:
            (place / file).parent.mkdir(exist_ok=True)
            (place / file).write_bytes(MODULE)
    (home / "venv" / "bin").mkdir()
    (home / "venv" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (home / "venv" / "lib64").symlink_to("lib")
    give(home, owner)
    return home / "venv"


def test_what_there_is(venv: Path, owner: SystemUser) -> None:
    os.unlink(venv / "lib" / "python3.11" / "site-packages" / "pillow.libs" / "libpq.so.5")
    found = extensions.find(str(venv / "bin" / "python"), owner)
    linked = ("libc.so.6", "libpq.so.5")
    assert found == [
        extensions.Extension("", True, linked),  # of a distribution that does not say how it was made
        extensions.Extension("pillow", False, linked),
        extensions.Extension("psycopg2", True, linked),
    ]


def test_libraries_that_a_wheel_brings_along(venv: Path, owner: SystemUser) -> None:
    found = extensions.find(str(venv / "bin" / "python"), owner)
    assert {item.name: item.libraries for item in found}["pillow"] == ("libc.so.6",)


def test_a_python_without_environment(venv: Path, owner: SystemUser) -> None:
    os.unlink(venv / "pyvenv.cfg")
    assert extensions.find(str(venv / "bin" / "python"), owner) == []
    assert extensions.find("/usr/bin/python3", owner) == []
    assert extensions.find("/nowhere/bin/python", owner) == []


def test_odd_files(venv: Path, owner: SystemUser) -> None:
    place = venv / "lib" / "python3.11" / "site-packages"
    os.mkfifo(place / "fifo.so")
    (place / "gone.so").symlink_to("/nowhere")
    (place / "text.so").write_text("INPUT(libx.so)")
    (place / "dir.so").mkdir()
    (place / "psycopg2-2.9.9.dist-info" / "RECORD").write_bytes(b'\xff\xfe\n\0,,,\n"../../../../../etc/x.so",,\n')
    found = extensions.find(str(venv / "bin" / "python"), owner)
    assert [item.name for item in found] == ["", "pillow"]


@ROOT_ONLY
def test_it_is_read_with_the_rights_of_the_owner(venv: Path, owner: SystemUser) -> None:
    """He may have put a link to another one's file there."""
    secret = venv.parent / "secret.so"
    secret.write_bytes(MODULE.replace(b"libpq.so.5", b"libzz.so.5"))
    secret.chmod(0o600)
    os.chown(secret, 0, 0)
    (venv / "lib" / "python3.11" / "site-packages" / "link.so").symlink_to(secret)
    found = extensions.find(str(venv / "bin" / "python"), owner)
    assert not any("libzz.so.5" in item.libraries for item in found)


@pytest.mark.parametrize(
    ("platforms", "expected"),
    [
        (["linux_x86_64"], True),
        (["linux_aarch64"], True),
        (["manylinux2014_x86_64"], False),
        (["manylinux_2_17_x86_64.manylinux2014_x86_64"], False),
        (["musllinux_1_1_x86_64"], False),
        (["linux_x86_64", "manylinux1_x86_64"], False),
    ],
)
def test_is_compiled(platforms: list[str], expected: bool) -> None:
    assert extensions.is_compiled(platforms) is expected
