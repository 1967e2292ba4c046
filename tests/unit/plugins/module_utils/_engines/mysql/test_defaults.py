# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""OPTIONS["read_default_file"]: what the settings leave out is in the client library's own file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import EngineContext
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import defaults
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.engine import MysqlEngine
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig
from ansible_collections.relocate.django.plugins.module_utils._project import venv_probe
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore

FILE = r"""
# a comment
[mysqld]
user=never
[client]
user = shop   # who
password="p\"w # \\x"
host=db.example.org
port=3307
database=shop_live
ssl_ca=/ca.pem
[other]
host = elsewhere
!include /etc/never
"""


def config(path: Path, **fields: Any) -> DatabaseConfig:
    values: dict[str, Any] = {"name": "", "options": {"read_default_file": str(path)}, **fields}
    return DatabaseConfig(alias="default", engine="mysql", backend="", **values)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my.cnf"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_the_file_says_what_the_settings_leave_out(file: Path) -> None:
    found = defaults.resolved(config(file), None)
    assert (found.name, found.user, found.password) == ("shop_live", "shop", 'p"w # \\x')
    assert (found.host, found.port, found.options["ssl"]) == ("db.example.org", 3307, {"ca": "/ca.pem"})
    found = defaults.resolved(config(file, name="mine", host="127.0.0.1", port=1, user="me", password="x"), None)
    assert (found.name, found.host, found.port, found.user, found.password) == ("mine", "127.0.0.1", 1, "me", "x")


def test_another_group_counts_more(file: Path) -> None:
    options = {"read_default_file": str(file), "read_default_group": "other"}
    assert defaults.resolved(config(file, options=options), None).host == "elsewhere"


def test_what_is_no_file_says_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("absent", "pipe", "."):
        assert defaults.resolved(config(tmp_path / name), None).user == ""
    assert defaults.resolved(DatabaseConfig("a", "mysql", "", "n"), None).user == ""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a", "a"),
        ("a # b", "a"),
        ("'a # b'", "a # b"),
        (r"a\sb", "a b"),
        (r'"a\"b"', 'a"b'),
        (r"C:\x", r"C:\x"),
        ("", ""),
    ],
)
def test_values(text: str, value: str) -> None:
    assert defaults.parsed("[client]\nhost=" + text)["host"] == value


def test_the_engine_uses_it_and_keeps_its_password_secret(tmp_path: Path, file: Path) -> None:
    with SecretStore(str(tmp_path / "work")) as store:
        engine = MysqlEngine(config(file), EngineContext(store))
        assert engine.config.name == "shop_live"
        assert engine._server.user == "shop"
        assert 'p"w' not in store.scrub('it was p"w # \\x')


def test_a_relative_file_is_the_projects() -> None:
    options = {"read_default_file": "conf/my.cnf", "passfile": "/abs", "timeout": 5}
    assert venv_probe._in_place(options, "/srv/app") == {
        "read_default_file": "/srv/app/conf/my.cnf", "passfile": "/abs", "timeout": 5,
    }  # fmt: skip
