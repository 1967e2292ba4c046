# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._project import native


def test_the_table_is_sound() -> None:
    for names in native._NEEDED.values():
        assert set(names) <= set(native.THINGS)
    signs = [sign for thing in native.THINGS.values() for sign in thing.signs]
    assert len(signs) == len(set(signs))
    for thing in native.THINGS.values():
        re.compile(thing.said)
        assert thing.packages and thing.signs and not any(" " in name for name in (*thing.packages, *thing.signs))


@pytest.mark.parametrize(
    ("package", "compiled", "expected"),
    [
        ("psycopg2", False, ("compiler", "python", "postgresql")),
        ("uwsgi", True, ("compiler", "python")),
        ("odd", True, ("compiler", "python")),
        ("odd", False, ()),
        ("pyyaml", True, ()),
    ],
)
def test_what_a_package_is_built_with(package: str, compiled: bool, expected: tuple[str, ...]) -> None:
    assert native.needed(package, compiled) == expected


def test_what_is_lacking(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    there = {"cc"}
    monkeypatch.setattr(native, "find_program", lambda name: name if name in there else None)
    monkeypatch.setattr(native, "_has_header", lambda name: name == "zlib.h")
    things = ["compiler", "python", "postgresql", "zlib", "jpeg", "jpeg"]
    assert native.lacking(things, python_header=True) == ["postgresql", "jpeg"]
    assert native.lacking(things, python_header=False) == ["python", "postgresql", "jpeg"]
    there.add("pg_config")
    assert native.lacking(things, python_header=True) == ["jpeg"]
    assert native.packages(["python", "postgresql", "compiler"]) == ["python3-dev", "libpq-dev", "build-essential"]
    assert native.packages(["python"], "3.12") == ["python3.12-dev"]


@pytest.mark.parametrize(
    ("sign", "thing"),
    [("gcc", "compiler"), ("/usr/bin/gcc", "compiler"), ("g++", "compiler"), ("libpq-fe.h", "postgresql"),
     ("postgresql/libpq-fe.h", "postgresql"), ("sasl/sasl.h", "ldap"), ("libxml/xpath.h", "xml"), ("odd.h", ""),
     ("", "")],
)  # fmt: skip
def test_whose_sign_it_is(sign: str, thing: str) -> None:
    assert native.named_by(sign) == thing
