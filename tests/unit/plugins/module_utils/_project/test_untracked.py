# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What git does not hold and a site needs; and all that lies about on servers and is no concern."""

from __future__ import annotations

import os
import subprocess
import time
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._project import untracked
from tests.unit.fakes import ROOT_ONLY, nobody, reachable

from .conftest import Repository

pytestmark = pytest.mark.slow

IGNORE = """
*.mo
*.pyc
.env
local_settings.py
dist/
node_modules/
.venv/
/media/
/static_root/
*.sqlite3
*.log
__pycache__/
*.pem
.cache/
"""
NEEDED = {
    "locale/de/LC_MESSAGES/django.mo": "a compiled translation",
    ".env": "an environment file",
    ".env.production": "an environment file",
    "shop/local_settings.py": "local settings",
    "frontend/dist/": "a front-end build",
    "frontend/webpack-stats.json": "a manifest of a build",
    "shop/static/shop/bundle.js": "a static file",
    "shop/templates/shop/banner.html": "a template",
    "shop/migrations/0009_by_hand.py": "a module of the project",
    "gunicorn.conf.py": "a module of the project",
    "certificates/saml.pem": "a key",
    "google-service-account.json": "credentials",
    "shop/fixtures/countries.json": "a fixture",
    "cache.sqlite3": "a database file that was written lately",
}
FILES = [name for name in NEEDED if not name.endswith("/")]
FILES += ["frontend/dist/a/app.js", "frontend/dist/img/logo.svg", "frontend/dist/manifest.json"]
NO_CONCERN = """
.venv/pyvenv.cfg .venv/lib/python3.11/site-packages/x/locale/de/LC_MESSAGES/django.mo .venv/secrets.py
conda/conda-meta/history conda/lib/local.py node_modules/react/dist/react.js frontend/node_modules/.bin/x.js
shop/__pycache__/models.pyc media/local.py media/upload.pem static_root/js/app.js db.sqlite3 db.sqlite3-wal
logs/django.log shop.log .cache/x.js htmlcov/index.js docs/_build/html/searchtools.js shop.egg-info/SOURCES.txt
build/lib/shop/__init__.py build/lib/shop/models.py .env.example notes.txt scripts/once.py frontend/src/new.js
shop/static/.DS_Store celerybeat-schedule.db .coverage TODO.md manifest.json docs/manifest.json docs/Thumbs.db
""".split()


@pytest.fixture
def checkout(repository: Repository) -> Repository:
    for name in ("shop/__init__.py", "shop/migrations/__init__.py", "locale/de/LC_MESSAGES/django.po"):
        repository.write(name, "")
    repository.commit(".gitignore", IGNORE)
    return repository


def find(repository: Repository, *accepted: str, sub: str = "", **used: Any) -> dict[str, str]:
    path = repository.path
    places = {"static": [str(path / "shop/static")], "templates": [str(path / "shop/templates")], "locale": [], **used}
    apart = [str(path / name) for name in ("media", "static_root", "db.sqlite3", "db.sqlite3-wal")] + [""]
    found = untracked.find(str(path / sub), repository.owner, places, apart, accepted)
    assert len({item.path for item in found}) == len(found)
    return {item.path: item.what for item in found}


def test_what_is_needed_and_nothing_else(checkout: Repository) -> None:
    for name in FILES + NO_CONCERN:
        checkout.write(name, "x")
    stale = checkout.path / "development.sqlite3"
    checkout.write("development.sqlite3", "x")
    checkout.write("blank.sqlite3", "")
    os.utime(stale, (time.time() - 90 * 86400,) * 2)
    assert find(checkout) == NEEDED
    assert find(checkout, *NEEDED) == {}
    assert (
        find(
            checkout,
            "locale/*/LC_MESSAGES/*.mo",
            ".env*",
            str(checkout.path / "frontend"),
            "shop",
            "*.*",
            "certificates",
        )
        == {}
    )


@pytest.mark.parametrize("name", NO_CONCERN)
def test_no_false_alarm(checkout: Repository, name: str) -> None:
    checkout.write(name, "x")
    for mark in (".venv/pyvenv.cfg", "conda/conda-meta/history"):
        checkout.write(mark, "x")
    assert find(checkout) == {}


def test_many_files_of_one_kind_are_one_entry(checkout: Repository) -> None:
    for language in ("de", "fr", "it", "nl"):
        checkout.write(f"locale/{language}/LC_MESSAGES/django.mo", "x")
    for number in range(5):
        checkout.write(f"shop/static/css/{number}.css", "x")
    assert find(checkout) == {
        "locale/*/LC_MESSAGES/*.mo": "a compiled translation",
        "shop/static/css/*.css": "a static file",
    }


def test_a_directory_that_is_served_is_looked_into_whatever_its_name(checkout: Repository) -> None:
    checkout.write("node_modules/bootstrap/dist/bootstrap.css", "x")
    assert find(checkout) == {}
    served = [str(checkout.path / "node_modules" / "bootstrap" / "dist")]
    assert find(checkout, static=served) == {"node_modules/bootstrap/dist/": "a static file"}


def test_a_project_below_the_top_of_its_checkout(checkout: Repository) -> None:
    checkout.write("web/src/local_settings.py", "x")
    checkout.commit("web/manage.py", "x")
    checkout.write(".env", "x")
    assert find(checkout, sub="web") == {
        "src/local_settings.py": "local settings",
        str(checkout.path / ".env"): "an environment file",
    }


def test_a_clean_checkout_has_nothing(checkout: Repository) -> None:
    assert find(checkout) == {}


@ROOT_ONLY
def test_a_directory_that_the_owner_cannot_look_into(checkout: Repository) -> None:
    """Git lists nothing of it; it may hold what another user's process writes and the site needs."""
    reachable(checkout.path)
    for name in ("keys", "data/of/www", "logs", "__pycache__"):
        (checkout.path / name).mkdir(parents=True)
        (checkout.path / name / "x").write_text("x")
        (checkout.path / name).chmod(0o700)
    subprocess.run(["chown", "-R", "nobody", str(checkout.path / ".git")], check=True)
    for directory in (checkout.path, checkout.path / "data", checkout.path / "data/of"):
        os.chown(directory, nobody().uid, -1)
    (checkout.path / "empty").mkdir()
    found = {item.path: item.what for item in untracked.find(str(checkout.path), nobody(), {}, [])}
    what = "a directory that the project's owner cannot look into"
    assert {path: found[path] for path in found if found[path] == what} == {"data/of/www": what, "keys": what}
    left = untracked.find(str(checkout.path), nobody(), {}, [], ["keys", "data"])
    assert what not in [item.what for item in left]
