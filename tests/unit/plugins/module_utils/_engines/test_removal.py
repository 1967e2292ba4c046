# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command that a refusal prints removes what it names, and nothing else, whatever the name."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import PREVIOUS, EngineContext
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import admin
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import admin as postgresql_admin
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite.engine import SqliteEngine
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, Login
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore

CONFIG = DatabaseConfig("default", "postgresql", "b", "shop", "shop", port=5433)


@pytest.mark.parametrize("name", ["db.sqlite3", "it's a db", "$(touch x) `y`", 'a"b', "-rf"])
def test_sqlite(tmp_path: Path, name: str) -> None:
    live, kept = tmp_path / name, tmp_path / (name + "__previous")
    for path in (live, kept, Path(str(kept) + "-wal"), tmp_path / "other"):
        path.touch()
    with SecretStore(str(tmp_path / "secrets")) as secrets:
        engine = SqliteEngine(DatabaseConfig("default", "sqlite", "b", str(live)), EngineContext(secrets))
        assert engine.exists(PREVIOUS)
        subprocess.run(["/bin/sh", "-c", engine.removal(PREVIOUS)], check=True, cwd=tmp_path)
        assert not engine.exists(PREVIOUS)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == sorted([name, "other"])


@pytest.mark.parametrize("name", ["shop__previous", "it's", 'a"b', "a`b", "$(x)"])
def test_servers(name: str) -> None:
    """One word of the shell each, quoted as the server quotes names; a password is asked for, never printed."""
    peer = shlex.split(postgresql_admin.removal(CONFIG, Login(), name))
    quoted = name.replace('"', '""')
    assert peer == ["sudo", "-u", "postgres", "psql", "-d", "postgres", "-p", "5433", "-c", f'DROP DATABASE "{quoted}"']
    login = Login("root", "db.example", 5434, password="s3cret")
    far = shlex.split(postgresql_admin.removal(CONFIG, login, name))
    assert far[:9] == ["psql", "-d", "postgres", "-h", "db.example", "-p", "5434", "-U", "root"]
    local = shlex.split(admin.removal(CONFIG, Login(), name))
    ticked = name.replace("`", "``")
    assert local[1:] == ["-e", f"DROP DATABASE `{ticked}`"]
    away = admin.removal(CONFIG, login, name)
    assert shlex.split(away)[1:8] == ["-h", "db.example", "-P", "5434", "-u", "root", "-p"]
    assert "s3cret" not in away
