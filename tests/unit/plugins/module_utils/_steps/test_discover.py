# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of a host's answers: values of our variables. Whole hosts are looked at in the lab."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import system_files
from ansible_collections.relocate.django.plugins.module_utils._discover.asking import Request
from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter, WebSite
from ansible_collections.relocate.django.plugins.module_utils._discover.places import Place
from ansible_collections.relocate.django.plugins.module_utils._services.answers import Answer
from ansible_collections.relocate.django.plugins.module_utils._steps import belongings, discover
from ansible_collections.relocate.django.plugins.module_utils._steps.belongings import Host, Values

pytestmark = pytest.mark.slow

MANAGE = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
SETTINGS = """
import os
from pathlib import Path
BASE = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ["SECRET_KEY"]
INSTALLED_APPS = ["django.contrib.contenttypes"]
MIDDLEWARE = []
(BASE / "conf" / "keys.json").read_text()
STATIC_ROOT = BASE / "static"
(STATIC_ROOT / "staticfiles.json").read_text()  # as a storage with a manifest does
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE / "db.sqlite3"}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache",
                      "LOCATION": "redis://:c4nary-secret@cache.example.org:6380/1"}}
"""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host with one site: a unit that runs it with an env file, behind nginx."""
    files = {"manage.py": MANAGE, "shop/__init__.py": "", "shop/settings.py": SETTINGS, "conf/keys.json": "{}",
             "static/staticfiles.json": "{}",
             "prod.env": "SECRET_KEY=c4nary-key\n", "shop.service": "x"}  # fmt: skip
    for name, text in files.items():
        path = tmp_path / "app" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    bin_ = tmp_path / "app" / ".venv" / "bin"
    bin_.mkdir(parents=True)
    (bin_ / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
    (bin_ / "python").chmod(0o755)
    (bin_.parent / "pyvenv.cfg").touch()
    unit = Starter("service", "shop.service", "shop.service", directory=str(tmp_path / "app"), runs=True, at_boot=True,
                   commands=((str(bin_ / "gunicorn"), "shop.wsgi"),), env_files=(str(tmp_path / "app/prod.env"),),
                   listens=("tcp:127.0.0.1:8000",), files=(str(tmp_path / "app/shop.service"),))  # fmt: skip
    nginx = WebSite("nginx", "nginx.service", ("shop.example.org",), ports=(("*", 80, False),),
                    targets=("tcp:127.0.0.1:8000",))  # fmt: skip
    config = ConfigFiles()
    monkeypatch.setattr(discover.places, "unserved", lambda _known: ["/srv/other"])
    monkeypatch.setattr(belongings.processes, "places", dict)
    page = Answer(200, "<html><title>\n  The shop </title>")
    monkeypatch.setattr(discover.answers, "ask", lambda _question, _seconds: page)
    # Root would not run the code of a project that is root's.
    monkeypatch.setattr(discover, "ALLOW_ROOT", True)
    return Host(config, [unit], [nginx], system_files.SystemFiles(config))


def test_a_host_with_one_site(host: Host, tmp_path: Path) -> None:
    told = discover.discover(str(tmp_path / "work"), host)
    [site] = told["sites"]
    values = {name: [item["value"] for item in items] for name, items in site["values"].items()}
    app = tmp_path / "app"
    assert values["path"] == [str(app)]
    assert values["services"] == ["shop.service"] and values["reload"] == ["nginx.service"]
    assert values["env_files"] == [str(app / "prod.env")]
    assert {"conf/keys.json", "prod.env", "shop.service"} <= set(values["files"])
    assert "static/staticfiles.json" not in values["files"]  # new collects its own
    assert values["answers"] == [{"url": "http://127.0.0.1/", "host": "shop.example.org", "contains": "The shop"}]
    assert all(item["why"] for items in site["values"].values() for item in items)
    [cache] = [item for item in site["notices"] if "CACHES" in item["what"]]
    assert "redis at cache.example.org:6380" in cache["what"] and "see that new reaches it" in cache["hint"]
    assert told["notices"][0]["what"].startswith("/srv/other holds a Django project")
    assert "c4nary" not in repr(told)


def test_settings_that_do_not_import_are_told(host: Host, tmp_path: Path) -> None:
    (tmp_path / "app" / "prod.env").write_text("OTHER=c4nary-key\n", encoding="utf-8")
    [site] = discover.discover(str(tmp_path / "work"), host)["sites"]
    [one] = [item for item in site["notices"] if "do not import" in item["what"]]
    assert "SECRET_KEY" in one["what"] and "relocate_env_files" in one["hint"]
    assert site["values"]["services"][0]["value"] == "shop.service"
    assert "c4nary" not in repr(site)


@pytest.mark.parametrize(
    ("answer", "request_", "expected"),
    [
        (Answer(200, "<title>Shop</title>"), {}, {"contains": "Shop"}),
        (Answer(200, "no title"), {"host": "x.org"}, {"host": "x.org"}),
        (Answer(302), {"validate_certs": False}, {"status": 302, "validate_certs": False}),
        (Answer(200, "<title>\x1b[2J</title>"), {}, {}),
    ],
)
def test_what_new_must_answer(answer: Answer, request_: dict[str, Any], expected: dict[str, Any]) -> None:
    request = Request("https://127.0.0.1/", **request_)
    assert discover._expected(request, answer) == {"url": "https://127.0.0.1/", **expected}


@pytest.mark.parametrize("answer", [Answer(500), Answer(0, why="connection refused")])
def test_a_site_that_does_not_answer_is_told(host: Host, monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    monkeypatch.setattr(discover.answers, "ask", lambda _question, _seconds: answer)
    values = Values()
    place = Place("/srv/shop", "", starters=tuple(host.starters), webs=tuple(host.webs))
    discover._expect_answer(place, host, values)
    assert values.values == {} and "relocate_answers" in values.notices[0].hint


def test_servers_on_the_host_are_packages_to_have(host: Host) -> None:
    supervised = Starter("supervisor", "worker", "supervisor.service")
    nightly = Starter("cron", "/etc/cron.d/shop:3")
    place = Place("/srv/shop", "", starters=(*host.starters, supervised, nightly), webs=tuple(host.webs))
    databases = [
        {"alias": "default", "vendor": "postgresql", "host": ""},
        {"alias": "far", "vendor": "mysql", "host": "db.example.org", "port": None},
        {"alias": "file", "vendor": "sqlite", "host": ""},
    ]
    found = belongings.servers_here(place, {"databases": databases}, host)
    assert set(found) == {"nginx", "supervisor", "postgresql", "cron"}
