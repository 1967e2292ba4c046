# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures that public Django applications ship: loaded here, they are equal to what plain loaddata makes of them.

The applications are installed into an environment of their own, so this runs where somebody asks for it:
``RELOCATE_REAL_APPS=1``. The pattern of each that once failed is a small test in ``test_fixture_made.py``.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ansible_collections.relocate.django.plugins.module_utils._fixtures import dump, load
from ansible_collections.relocate.django.plugins.module_utils._site import Site, SiteOptions, open_site
from tests.engines.test_fixture_state import MANAGE

pytestmark = pytest.mark.skipif(
    os.environ.get("RELOCATE_REAL_APPS") != "1", reason="set RELOCATE_REAL_APPS=1 to install public applications"
)
PACKAGES = [
    *("Django~=5.2.0", "wagtail~=8.0.1", "django-helpdesk~=2.6.1", "django-countries-plus~=2.2.0", "sorl-thumbnail"),
    *("django-languages-plus~=2.1.1", "django-newsletter~=1.2.1"),
]
SETTINGS = """
import os
from pathlib import Path
HERE = Path(__file__).resolve().parent
SECRET_KEY = "x"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(HERE / "db.sqlite3")}}
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sites",
    "django.contrib.sessions", "django.contrib.messages", "django.contrib.admin", *APPS]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware", "django.contrib.messages.middleware.MessageMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
    "context_processors": ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages"]}}]
ROOT_URLCONF = "urls"
SITE_ID = 1
STATIC_URL = "/static/"
MEDIA_ROOT = str(HERE / "media")
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
WAGTAIL_SITE_NAME, WAGTAILADMIN_BASE_URL = "x", "http://localhost"
WAGTAIL_LOCKABLE = True
HELPDESK_TEAMS_MODE_ENABLED = False
SILENCED_SYSTEM_CHECKS = ["models.W042", "helpdesk", "urls.W005"]
"""
WAGTAIL = [
    *"wagtail.contrib.forms wagtail.contrib.redirects wagtail.contrib.settings wagtail.embeds wagtail.users".split(),
    *"wagtail.snippets wagtail.documents wagtail.images wagtail.search wagtail.admin wagtail modelcluster".split(),
    *"taggit django_tasks base".split(),
]
#: As the Wagtail demo has it: a snippet whose permissions only Wagtail's own handler of post_migrate makes.
BASE = """
from django.db import models
from wagtail.models import DraftStateMixin, LockableMixin, RevisionMixin, WorkflowMixin
from wagtail.snippets.models import register_snippet

@register_snippet
class Person(WorkflowMixin, DraftStateMixin, LockableMixin, RevisionMixin, models.Model):
    name = models.CharField(max_length=50)
"""
LOCKERS = [
    {"model": "base.person", "pk": 1, "fields": {"name": "Ada"}},
    {"model": "auth.group", "pk": 3, "fields": {"name": "Lockers", "permissions": [
        ["lock_person", "base", "person"], ["publish_person", "base", "person"], ["add_person", "base", "person"]]}},
    {"model": "auth.user", "pk": 1, "fields": {"username": "u", "password": "x", "groups": [["Lockers"], ["Editors"]]}},
]  # fmt: skip


class Case(NamedTuple):
    """One application."""

    apps: list[str]
    fixture: str  # below site-packages, or of the project itself


CASES = {
    "wagtail": Case([*WAGTAIL, "wagtail.test.demosite"], "wagtail/test/demosite/fixtures/demosite.json"),
    "a snippet's permissions": Case(WAGTAIL, "lockers.json"),
    "helpdesk": Case(["django.contrib.humanize", "rest_framework", "helpdesk"], "helpdesk/fixtures/emailtemplate.json"),
    "countries": Case(["countries_plus"], "countries_plus/fixtures/countries_data.json.gz"),
    "languages": Case(["countries_plus", "languages_plus"], "languages_plus/fixtures/languages_data.json.gz"),
    "newsletter": Case(["sorl.thumbnail", "newsletter"], "test_project/test_project/fixtures/test_newsletters.json"),
}


class Shelf(NamedTuple):
    """An environment with all of the applications."""

    python: str
    packages: Path


@pytest.fixture(scope="module", name="shelf")
def _shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    directory = Path(os.environ.get("RELOCATE_REAL_APPS_VENV") or tmp_path_factory.mktemp("apps"))
    python = str(directory / "bin" / "python")
    if not Path(python).exists():
        subprocess.run([sys.executable, "-m", "venv", str(directory)], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
    return Shelf(python, next((directory / "lib").glob("python3*/site-packages")))


def project(directory: Path, apps: list[str]) -> Path:
    (directory / "base" / "migrations").mkdir(parents=True)
    (directory / "work").mkdir()
    for name, text in {
        "manage.py": MANAGE,
        "settings.py": f"APPS = {apps!r}\n" + SETTINGS,
        "urls.py": "urlpatterns = []\n",
        "base/__init__.py": "",
        "base/models.py": BASE if "base" in apps else "",
        "base/migrations/__init__.py": "",
        "lockers.json": json.dumps(LOCKERS),
    }.items():
        (directory / name).write_text(text)
    return directory


def manage(shelf: Shelf, directory: Path, *args: str) -> str:
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [shelf.python, "manage.py", *args], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@contextlib.contextmanager
def opened(shelf: Shelf, directory: Path) -> Iterator[Site]:
    """The site as modules see it."""
    params: dict[str, Any] = {
        **dict.fromkeys("login_user login_password login_host login_port login_unix_socket owner settings".split()),
        "path": str(directory),
        "interpreter": shelf.python,
        "environment": {},
        "env_files": [],
        "allow_root": True,
        "aliases": ["default"],
        "jobs": 1,
        "compression": "zstd",
        "directory": str(directory / "work"),
    }
    with open_site(SiteOptions.of(params)) as site:
        yield site


def counts(shelf: Shelf, directory: Path) -> dict[str, Any]:
    with opened(shelf, directory) as site:
        path = str(directory / "all.jsonl")
        found: dict[str, Any] = dump.dump_fixture(site, site.engines["default"], path)["counts"]
    return found


@pytest.mark.drawn(12)
@pytest.mark.parametrize("case", CASES)
def test_equal_to_loaddata(shelf: Shelf, tmp_path: Path, case: str) -> None:
    """Every model of the fixture has the same rows; what else there is, both have."""
    plain, ours = (project(tmp_path / name, CASES[case].apps) for name in ("plain", "ours"))
    for directory in (plain, ours):
        if "base" in CASES[case].apps:
            manage(shelf, directory, "makemigrations", "base", "-v0")
    shipped = shelf.packages / CASES[case].fixture
    path = shipped if shipped.exists() else ours / CASES[case].fixture
    manage(shelf, plain, "migrate", "-v0")
    manage(shelf, plain, "loaddata", str(path), "-v0")
    with opened(shelf, ours) as site:
        one = site.engines["default"]
        one.create_blank()
        loaded = load.load_fixture(site, one, str(path), choice={"keep_made": True})
        one.swap()
    there, expected = counts(shelf, ours), counts(shelf, plain)
    assert sum(item["objects"] for item in loaded["counts"].values()) > 0
    held = [label for label in loaded["counts"] if "_" not in label.partition(".")[2]]
    assert held and {label: there[label] for label in held} == {label: expected[label] for label in held}
    assert {label for label in expected if expected[label]["objects"]} - {
        label for label in there if there[label]["objects"]
    } <= {"wagtailcore.ReferenceIndex", "wagtailsearch.IndexEntry", "wagtailsearch.SQLiteFTSIndexEntry"}
