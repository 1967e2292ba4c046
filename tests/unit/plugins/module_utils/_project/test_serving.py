# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server would meet at its first request, found without one, in a real interpreter."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._project import probe

pytestmark = pytest.mark.slow

MANAGE = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
SETTINGS = """
from pathlib import Path
BASE = Path(__file__).resolve().parent.parent
SECRET_KEY = "x"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions",
                  "django.contrib.staticfiles"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [], "APP_DIRS": True}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE / "db.sqlite3"}}
STATIC_URL = "/static/"
STATIC_ROOT = BASE / "static"
"""
WSGI = "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"


def asked(tmp_path: Path, more: str = "", urls: str = "urlpatterns = []\n") -> list[dict[str, Any]]:
    """What the topic tells of a project with these settings."""
    files = {"manage.py": MANAGE, "shop/__init__.py": "", "shop/settings.py": SETTINGS + more, "shop/urls.py": urls,
             "shop/wsgi.py": WSGI}  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    project = probe.find_project(str(tmp_path), interpreter=sys.executable, allow_root=True)
    found: list[dict[str, Any]] = probe.ask(project, ["serving"])["serving"]
    return found


def test_a_site_that_works(tmp_path: Path) -> None:
    assert asked(tmp_path) == []


def test_a_project_that_serves_nothing(tmp_path: Path) -> None:
    assert asked(tmp_path, "INSTALLED_APPS = []\ndel ROOT_URLCONF, WSGI_APPLICATION, MIDDLEWARE, TEMPLATES\n") == []


#: What is wrong, all at once; one start of an interpreter tells of it all.
WRONG = """
MIDDLEWARE += ['whitenoise_x.WhiteNoise']
WSGI_APPLICATION = 'shop.nothing.application'
CACHES = {'default': {'BACKEND': 'django_redis_x.Cache'}}
EMAIL_BACKEND = 'anymail_x.Backend'
SESSION_ENGINE = 'redis_sessions_x.session'
AUTHENTICATION_BACKENDS = ['allauth_x.Backend']
CHANNEL_LAYERS = {'default': {'BACKEND': 'channels_redis_x.Core'}}
TEMPLATES[0]['OPTIONS'] = {'libraries': {'x': 'tags_x'}}
COMPRESS_ENABLED = COMPRESS_OFFLINE = True
WEBPACK_LOADER = {'DEFAULT': {'STATS_FILE': '/x/stats.json'}}
DJANGO_VITE = {'default': {'dev_mode': False}}
STORAGES = {
    'default': {'BACKEND': 'django.core.files.storage.FileSystemStorage'},
    'staticfiles': {'BACKEND': 'django.contrib.staticfiles.storage.ManifestStaticFilesStorage'},
}
"""


@pytest.fixture(scope="module")
def all_wrong(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the topic tells of all of it."""
    return asked(tmp_path_factory.mktemp("wrong"), WRONG)


@pytest.mark.parametrize(
    ("where", "kind", "said"),
    [
        ("MIDDLEWARE", "ModuleNotFoundError", "whitenoise_x"),
        ("CACHES['default']", "", "django_redis_x"),
        ("EMAIL_BACKEND", "ModuleNotFoundError", "anymail_x"),
        ("SESSION_ENGINE", "", "redis_sessions_x"),
        ("AUTHENTICATION_BACKENDS", "", "allauth_x"),
        ("CHANNEL_LAYERS['default']", "", "redis_x"),
        ("TEMPLATES", "", "tags_x"),
        ("COMPRESS_OFFLINE", "FileNotFoundError", "static/CACHE/manifest.json"),
        ("WEBPACK_LOADER['DEFAULT']", "FileNotFoundError", "/x/stats.json"),
        ("DJANGO_VITE['default']", "FileNotFoundError", "static/manifest.json"),
        ("STATICFILES_STORAGE", "FileNotFoundError", "static/staticfiles.json"),
    ],
)
def test_what_fails_at_a_request(all_wrong: list[dict[str, Any]], where: str, kind: str, said: str) -> None:
    [one] = [item for item in all_wrong if item["where"] == where]
    assert said in one["msg"] and one["kind"].startswith(kind)


def test_a_package_that_only_views_import(tmp_path: Path) -> None:
    [one] = asked(tmp_path, urls="import not_there\nurlpatterns = []\n")
    assert one == {"where": "ROOT_URLCONF", "kind": "ModuleNotFoundError", "msg": "No module named 'not_there'"}


def test_the_message_holds_no_secret(tmp_path: Path) -> None:
    urls = "from django.conf import settings\nraise ValueError('refused: ' + settings.API_PASSWORD)\n"
    [one] = asked(tmp_path, "API_PASSWORD = 'k7\"Canary s3cret'\n", urls)
    assert "refused: " in one["msg"] and "Canary" not in one["msg"]


def test_code_that_asks_a_blank_database_as_it_is_imported_is_passed_over(tmp_path: Path) -> None:
    """On old its tables are there; a query that Django wraps or that a project turns into another error is one too."""
    urls = (
        "from django.contrib.auth.models import User\n"
        "try:\n    names = [user.name for user in User.objects.all()]\n"
        "except Exception as error:\n    raise RuntimeError('no users') from error\nurlpatterns = []\n"
    )
    found = asked(tmp_path, urls=urls)
    assert found == []
