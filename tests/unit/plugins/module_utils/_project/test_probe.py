# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils import _site
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import (
    answers,
    management,
    probe,
    venv_held,
    venv_probe,
)
from tests.unit.plugins.module_utils._project.asked import CANARY, add_settings, found

from .conftest import digest, give

pytestmark = pytest.mark.slow


def rows(site: Path, statement: str) -> None:
    with sqlite3.connect(site / "db.sqlite3") as connection:
        connection.execute(statement)


def test_nothing_is_written_and_a_missing_database_is_not_made(site: Path, python: str) -> None:
    before = digest(site)
    answer = probe.ask(found(site, python), probe.TOPICS)
    assert digest(site) == before
    assert answer["databases"][0]["name"] == str(site / "db.sqlite3")
    assert answer["counts"] == {"default": {"exists": False, "models": {}, "without_table": []}}
    assert answer["migrations"]["aliases"]["default"]["unapplied"][-1] == "shop.0001_initial"
    assert answer["migrations"]["missing"] == [] and answer["migrations"]["conflicts"] == {}
    assert answer["django"]["media_root"] == str(site / "media")
    assert re.fullmatch(r">=3\.\d+", answer["django"]["requires_python"])  # of the Django that is installed
    assert answer["django"]["apps"] == ["contenttypes", "auth", "shop"]
    assert any(line.lower().startswith("django==") for line in answer["packages"]["lines"])
    assert {check["level"] for check in answer["checks"]} <= {"WARNING"}
    by_label = {model["label"]: model for model in answer["models"]}
    assert by_label["shop.Newer"]["proxy"] and not by_label["shop.Foreign"]["managed"]
    assert by_label["shop.Item"]["default_manager"] == "shop.models.Shown"


def test_migrate_and_count(site: Path, python: str) -> None:
    project = found(site, python)
    lines: list[str] = []
    applied = probe.migrate(project, "default", on_line=lines.append)
    assert applied[-1] == "shop.0001_initial" and any("Applying shop.0001" in line for line in lines)
    assert probe.migrate(project, "default") == []
    rows(site, "insert into shop_item (name, shown) values ('a', 1), ('b', 0), ('c', 0)")
    answer = probe.ask(project, ["counts"])["counts"]["default"]
    assert answer["models"]["shop.Item"] == {"table": "shop_item", "rows": 3, "visible": 1}
    assert answer["without_table"] == ["shop.Foreign"] and "shop.Newer" not in answer["models"]
    plan = probe.ask(project, ["migrations"])["migrations"]["aliases"]["default"]
    assert plan["unapplied"] == [] and "shop.0001_initial" in plan["applied"] and plan["recorded"]
    rows(site, "insert into django_migrations (app, name, applied) values ('gone', '0001_x', '2020-01-01')")
    rows(site, "delete from django_migrations where name = '0002_remove_content_type_name'")
    plan = probe.ask(project, ["migrations"])["migrations"]["aliases"]["default"]
    assert plan["unknown"] == ["gone.0001_x"] and "is applied before its dependency" in plan["inconsistent"]


def test_later_steps_are_answered_once_nothing_is_to_be_applied(site: Path, python: str) -> None:
    project = found(site, python)
    told = answers.ask_ahead(project, ["migrations"], ["counts"], [])
    assert set(told) == {"migrations"}, "they will be another after the migration"
    probe.migrate(project, "default")
    told = answers.ask_ahead(project, ["databases", "migrations"], ["counts", "history"], [])
    assert set(told) == {"databases", "migrations", "counts", "history"}
    add_settings(site, "ROOT_URLCONF = 'not.there'\n")
    assert set(answers.ask_ahead(project, ["migrations"], ["pages"], [])) == {"migrations"}
    with pytest.raises(RelocateError) as caught:
        answers.ask_ahead(project, ["pages"], [], [])
    assert caught.value.code == "probe_failed"


def test_migration_that_raises_is_named(site: Path, python: str, owner: SystemUser) -> None:
    (site / "shop" / "migrations" / "0002_boom.py").write_text(
        "from django.db import migrations\n"
        "def boom(apps, schema):\n    raise ValueError('no, says only-for-tests-0123456789')\n"
        "class Migration(migrations.Migration):\n"
        "    dependencies = [('shop', '0001_initial')]\n    operations = [migrations.RunPython(boom)]\n"
    )
    give(site, owner)
    with pytest.raises(RelocateError) as caught:
        probe.migrate(found(site, python), "default")
    assert caught.value.code == "migration_failed"
    assert caught.value.details["migration"] == "shop.0002_boom"
    assert "ValueError: no, says ********" in caught.value.msg and "only-for-tests" not in str(caught.value)
    assert "shop.0001_initial" in caught.value.details["applied"]


def test_conflicts_and_missing_migrations(site: Path, python: str) -> None:
    models = site / "shop" / "models.py"
    models.write_text(models.read_text().replace("max_length=20", "max_length=30"))
    answer = probe.ask(found(site, python), ["migrations"])["migrations"]
    assert answer["missing"] == ["shop: Alter field name on item"]
    for name in ("0002_a", "0002_b"):
        (site / "shop" / "migrations" / f"{name}.py").write_text(
            "from django.db import migrations\nclass Migration(migrations.Migration):\n"
            "    dependencies = [('shop', '0001_initial')]\n"
        )
    answer = probe.ask(found(site, python), ["migrations"])["migrations"]
    assert answer["conflicts"] == {"shop": ["0002_a", "0002_b"]}


def test_passwords_only_when_asked_for(site: Path, python: str) -> None:
    add_settings(
        site,
        f"DATABASES['pg'] = {{'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:', 'PASSWORD': {CANARY!r},"
        f" 'USER': 'u', 'PORT': '5433', 'HOST': 'h', 'OPTIONS': {{'passwd': {CANARY!r}, 'timeout': 3, 'f': print}}}}",
    )
    project = found(site, python)
    public = probe.ask(project, ["databases"])["databases"]
    assert CANARY not in repr(public)
    assert public[1]["options"] == {"timeout": 3} and public[1]["has_password"] and public[1]["port"] == 5433
    private = probe.databases(project)
    assert private[1]["password"] == CANARY and private[1]["options"]["passwd"] == CANARY
    config = probe.to_config(private[1], "sqlite")
    assert config.password == CANARY and CANARY not in repr(config.public())
    assert CANARY in probe.secrets_of(project)


def test_partial_answers(site: Path, python: str, owner: SystemUser) -> None:
    (site / "db.sqlite3").write_text("this is no database file, it only has the name of one" * 9)
    give(site, owner)
    project = found(site, python)
    answer = probe.ask(project, ["django", "counts"], partial=True)
    assert answer["django"]["version"] and answer["counts"]["error"]["code"] == "query_failed"
    with pytest.raises(RelocateError, match=r"query_failed.*not a database"):
        probe.ask(project, ["django", "counts"])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('FATAL:  password authentication failed for user "u"', "login_failed"),
        ("(1045, \"Access denied for user 'u'@'localhost' (using password: YES)\")", "login_failed"),
        ('FATAL:  role "u" does not exist', "login_failed"),
        ('connection to server at "h" (10.0.0.1), port 5432 failed: Connection refused', "server_unreachable"),
        ('connection to server on socket "/run/x" failed: No such file or directory', "server_unreachable"),
        ("(2002, \"Can't connect to server on 'h' (115)\")", "server_unreachable"),
        ('FATAL:  database "d" does not exist', "database_missing"),
        ("(1049, \"Unknown database 'd'\")", "database_missing"),
        ("unable to open database file", "database_missing"),
        ("canceling statement due to statement timeout", "query_failed"),
        ('relation "x" does not exist', "query_failed"),
    ],
)
def test_database_errors(text: str, code: str) -> None:
    types = ["django.db.utils.OperationalError", "django.db.utils.DatabaseError", "django.db.utils.Error"]
    error = {"stage": "counts", "types": types, "lines": ["a.py, line 1, in f", "OperationalError: " + text]}
    told = answers._topic_error("counts", error, ["hunter2-hunter2"])
    assert told.code == code and text in told.msg and "a.py" not in told.msg


def test_aliases(site: Path, python: str) -> None:
    add_settings(
        site,
        "S = 'django.db.backends.sqlite3'\n"
        "DATABASES['again'] = {'ENGINE': S, 'NAME': 'link.sqlite3'}\n"
        "DATABASES['replica'] = {'ENGINE': S, 'NAME': 'replica', 'TEST': {'MIRROR': 'again'}}\n"
        "DATABASES['twin'] = {'ENGINE': S, 'NAME': 'db.sqlite3', 'TEST': {'MIRROR': 'again'}}\n"
        "DATABASES['logs'] = {'ENGINE': S, 'NAME': 'file:logs%20x.db?mode=ro', 'OPTIONS': {'uri': True}}\n"
        "DATABASES['broken'] = {'ENGINE': 'no.such.backend', 'NAME': 'x', 'PASSWORD': 'hunter2'}\n",
    )
    (site / "link.sqlite3").symlink_to("db.sqlite3")
    project = found(site, python)
    raw = probe.databases(project)
    assert {item["alias"]: item["same_as"] for item in raw} == {
        "default": "", "again": "default", "replica": "", "twin": "default", "logs": "", "broken": "",
    }  # fmt: skip
    by_alias = {item["alias"]: item for item in raw}
    assert by_alias["logs"]["name"] == str(site / "logs x.db") and "no.such.backend" in by_alias["broken"]["error"]
    assert [item["alias"] for item in probe.select_aliases(raw)] == ["default", "replica", "logs", "broken"]
    assert [item["alias"] for item in probe.select_aliases(raw, ["twin"])] == ["default"]
    with pytest.raises(RelocateError, match=r"unknown_alias.*nothing.*choose from: again, broken"):
        probe.select_aliases(raw, ["nothing"])
    with pytest.raises(RelocateError, match=r"unknown_alias.*nothing"):
        probe.ask(project, ["counts"], aliases=["nothing"])


def _raw(alias: str, name: str = "shop", host: str = "", mirror: str = "", **options: str) -> dict[str, Any]:
    found = {"alias": alias, "vendor": "postgresql", "backend": "x", "name": name, "host": host, "port": None}
    return {**found, "options": options, "test_mirror": mirror}


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (_raw("b", host="replica.example.org", mirror="a"), "a"),
        (_raw("b", "legacy", mirror="a"), ""),  # tests do not make it, which does not make it another's copy
        (_raw("b", host="localhost"), "a"),
        (_raw("b", host="/var/run/postgresql"), "a"),
        (_raw("b", host="/srv/second/socket"), ""),
        (_raw("b", unix_socket="/srv/second/mysqld.sock"), ""),
        (_raw("b", unix_socket="/run/mysqld/mysqld.sock"), "a"),
        (_raw("b", host="db.example.org"), ""),
        (_raw("b", mirror="none"), "a"),
    ],
)
def test_which_alias_is_another_ones_database(other: dict[str, Any], same: str) -> None:
    assert [item["same_as"] for item in venv_probe.mark_same([_raw("a"), other])] == ["", same]


def test_files_outside_media(site: Path, python: str) -> None:
    """Whatever the storage is made of; the default one and those below MEDIA_ROOT are MEDIA."""
    answer = probe.ask(found(site, python), ["django"])["django"]
    assert answer["file_stores"] == []
    models = next(path for path in site.rglob("models.py"))
    stores = ("FileSystemStorage(location='/srv/private')", "FileSystemStorage(location=settings.MEDIA_ROOT + '/in')")
    text = "\n\nfrom django.conf import settings\nfrom django.core.files.storage import FileSystemStorage\n"
    text += f"class Paper(models.Model):\n    a = models.FileField(storage={stores[0]})\n"
    text += f"    b = models.FileField(storage={stores[1]})\n    c = models.FileField(upload_to='x')\n"
    models.write_text(models.read_text() + text)
    add_settings(site, "MEDIA_ROOT = ''")
    answer = probe.ask(found(site, python), ["django"])["django"]
    assert [item["path"] for item in answer["file_stores"]][-1:] == ["/srv/private"]
    assert str(site) not in [item["path"] for item in answer["file_stores"]], "no MEDIA_ROOT, no MEDIA"
    add_settings(site, f"MEDIA_ROOT = {str(site / 'media')!r}")
    answer = probe.ask(found(site, python), ["django"])["django"]
    assert "Paper.c" not in str(answer["file_stores"])
    assert [(item["path"], item["field"].split(".", 1)[1]) for item in answer["file_stores"]] == [
        ("/srv/private", "Paper.a")
    ]


def test_media_is_counted_and_odd_names_survive(site: Path, python: str, owner: SystemUser) -> None:
    odd = os.fsdecode(b"caf\xe9")
    (site / "media" / odd).mkdir(parents=True)
    (site / "media" / odd / "a").write_bytes(b"12345")
    (site / "media" / "link").symlink_to("/etc")
    give(site, owner)
    add_settings(site, f"MEDIA_ROOT = {str(site / 'media' / odd)!r}")
    answer = probe.ask(found(site, python), ["media"])["media"]
    assert (answer["files"], answer["bytes"], answer["path"]) == (1, 5, str(site / "media" / odd))
    add_settings(site, "MEDIA_ROOT = 'media'")
    answer = probe.ask(found(site, python), ["media"])["media"]
    assert (answer["files"], answer["links"], answer["directories"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("name", "memory"),
    [
        (":memory:", True),
        ("file::memory:?cache=shared", True),
        ("file:cache?mode=memory&cache=shared", True),
        ("file:/cache?vfs=memdb", True),
        ("", True),
        ("memory", False),
        ("file:data.db?mode=rwc", False),
        ("file:x?comment=mode=memory", False),
    ],
)
def test_databases_in_memory_are_nothing_to_move(name: str, memory: bool) -> None:
    path = venv_held.sqlite_path(name, "/srv")
    assert (path == ":memory:") is memory
    raw = {"name": path, "vendor": "sqlite", "backend": "django.db.backends.sqlite3"}
    assert _site.in_memory(raw) is memory
    assert not _site.in_memory({"name": ":memory:", "vendor": "mysql", "backend": "django.db.backends.mysql"})


def test_a_site_with_a_database_in_memory_has_an_engine_for_the_others(site: Path, python: str, tmp_path: Path) -> None:
    add_settings(
        site, "DATABASES['cache'] = {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'file::memory:?cache=shared'}"
    )
    params = {
        "path": str(site),
        "owner": None,
        "interpreter": python,
        "settings": None,
        "environment": {},
        "env_files": [],
        "allow_root": True,
        "aliases": [],
        "directory": str(tmp_path / "work"),
        "jobs": 1,
        "compression": "none",
    }
    with _site.open_site(_site.SiteOptions.of(params)) as opened:
        assert list(opened.engines) == ["default"]
        assert opened.notes == ["database cache is in memory: there is nothing to move, and nothing of it is proven"]
        assert _site.engine_of(opened, "default") is opened.engines["default"]
        with pytest.raises(RelocateError, match="database cache is in memory"):
            _site.engine_of(opened, "cache")


def test_what_manage_py_prints_does_not_fill_the_memory(site: Path, python: str) -> None:
    """It is the project's own code, and may print gigabytes without a line break."""
    (site / "manage.py").write_text("import sys\nfor _turn in range(5):\n    sys.stdout.write('x' * (1 << 20))\n")
    project = found(site, python, settings="site1.settings")
    shown: list[int] = []
    done = management.run_manage(project, [], on_line=lambda line: shown.append(len(line)))
    assert (len(done.stdout), sum(shown), max(shown)) == (1 << 20, 5 << 20, 1 << 16)
