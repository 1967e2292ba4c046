# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import held, probe, venv_held
from tests.unit.plugins.module_utils._project.asked import add_settings, found

from .conftest import digest, give

pytestmark = pytest.mark.slow

SECRET = "only-for-tests-hush-7731"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", False),
        ("  (select 1) union (select 2)", False),
        ("/* insert */ -- update\n select 1", False),
        ("PRAGMA table_info(x)", False),
        ("SET search_path = x", False),
        ("SAVEPOINT a", False),
        ("WITH a AS (SELECT 1) SELECT * FROM a FOR UPDATE", False),
        (b"SHOW TABLES", False),
        ("", False),
        ("WITH a AS (DELETE FROM b RETURNING 1) SELECT * FROM a", True),
        ("-- select\ninsert into a values (1)", True),
        ("UPDATE a SET b = 1", True),
        ("CREATE TABLE a (b int)", True),
        ("CALL a()", True),
        (b"truncate a", True),
        (("Composed", "DELETE FROM a"), True),
        (("Composed", "SELECT"), False),
    ],
)
def test_statements_that_write(sql: Any, expected: bool) -> None:
    assert venv_held.writes(sql) is expected


@pytest.mark.parametrize(
    ("databases", "ports", "places"),
    [
        ({}, [], []),
        ({"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/srv/a/db"}}, [], ["/srv/a"]),
        ({"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}, [], []),
        ({"a": {"ENGINE": "django.contrib.gis.db.backends.postgis"}, "b": {"ENGINE": "x.mysql"}}, [5432, 3306], []),
        ({"a": {"ENGINE": "django.db.backends.postgresql", "PORT": "6432"}}, [6432], []),
        ({"a": {"ENGINE": "django.db.backends.postgresql", "PORT": "1,2"}}, None, []),
        ({"a": {"ENGINE": "django.db.backends.postgresql", "OPTIONS": {"service": "x"}}}, None, []),
        ({"a": {"ENGINE": "mssql"}}, None, []),
    ],
)
def test_where_databases_are_reached(databases: Any, ports: Any, places: list[str]) -> None:
    assert venv_held._used(databases) == (ports, places)


@pytest.mark.parametrize(
    ("what", "named"),
    [
        ("connect to 10.0.0.5:6379", True),  # a usual port
        ("connect to 127.0.0.1:6399", True),  # in an address
        ("connect to 127.0.0.1:2600", True),  # a port of its own
        ("connect to /run/redis.sock", True),
        ("look up queue.internal", True),
        ("connect to 10.0.0.9:8200", False),
        ("look up vault.internal", False),
        ("run aws", False),
        ("write /tmp/x", False),
    ],
)
def test_servers_that_settings_name_tell_them_nothing(what: str, named: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {
        "CACHES": {"default": {"LOCATION": ["redis://127.0.0.1:6399/0", "unix:///run/redis.sock"]}},
        "EMAIL_PORT": 2600,
        "BROKER_HOST": "queue.internal",
    }
    monkeypatch.setattr(venv_held, "_neighbours", lambda: settings)
    assert venv_held._is_named(what) is named


def test_a_start_is_held_and_the_project_goes_on(site: Path, python: str, owner: SystemUser) -> None:
    """The rest of an app's start is left out; what is told of it has no secret."""
    held.told()
    (site / "shop" / "apps.py").write_text(
        "from django.apps import AppConfig\nclass Shop(AppConfig):\n    name = 'shop'\n    default = True\n"
        f"    def ready(self):\n        open('/tmp/{SECRET}-left', 'w').close()\n        raise ValueError('never')\n"
    )
    add_settings(site, f"API_TOKEN = {SECRET!r}\n")
    give(site, owner)
    before = digest(site)
    assert probe.ask(found(site, python), ["django"])["django"]["apps"] == ["contenttypes", "auth", "shop"]
    assert digest(site) == before and not Path(f"/tmp/{SECRET}-left").exists()
    [told] = held.told()
    assert "was not let do this: write /tmp/********" in told and SECRET not in told
    assert held.told() == []


def test_a_row_is_not_written(site: Path, python: str, owner: SystemUser) -> None:
    held.told()
    probe.migrate(found(site, python), "default")
    (site / "shop" / "apps.py").write_text(
        "from django.apps import AppConfig\nclass Shop(AppConfig):\n    name = 'shop'\n    default = True\n"
        "    def ready(self):\n        from shop.models import Item\n        list(Item.objects.all())\n"
        "        Item.objects.create(name='x')\n"
    )
    give(site, owner)
    counted = probe.ask(found(site, python), ["counts"])["counts"]["default"]["models"]["shop.Item"]["rows"]
    assert counted == 0
    assert "was not let do this: write to the database" in held.told()[0]


def test_a_project_that_ends_for_being_held_is_let(site: Path, python: str, owner: SystemUser, tmp_path: Path) -> None:
    held.told()
    add_settings(
        site, f"import os\ntry:\n    os.mkdir({str(site / 'made')!r})\nexcept PermissionError:\n    os._exit(3)\n"
    )
    give(site, owner)
    project = found(site, python)
    assert probe.ask(project, ["django"])["django"]["version"]
    assert (site / "made").is_dir()
    assert held.told() == [f"{project.path} answers only when it is held to nothing, as by each manage.py"]


def test_a_project_that_does_not_load_is_asked_once(site: Path, python: str, owner: SystemUser) -> None:
    """A second start would only cost its time: it is for what was refused."""
    add_settings(site, f"open({str(site / 'count')!r}).read()\n")
    give(site, owner)
    asked = []
    project = found(site, python)

    def ask(more: Any) -> Any:
        asked.append(more)
        return {"again": []}

    held.asked(project, ask)
    assert [bool(more["place"]) for more in asked] == [True]
    with pytest.raises(RelocateError, match="settings_failed"):
        probe.ask(project, ["django"])
