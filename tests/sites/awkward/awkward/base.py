# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the three settings variants share. DATABASES is the variants' own business.

Importing this does two things on purpose that real settings files do as well: it prints to stdout (a probe must
survive that), and it leaves a trace of the user id that ran it. Project code must run as the owner: while somebody
watches, root fails.
"""

import os
import sys
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"


def record_uid():
    """Append our uid to the log named by AWKWARD_UID_LOG, or to the default one when somebody has made it."""
    path = os.environ.get("AWKWARD_UID_LOG") or "/tmp/awkward-uids.log"
    if "AWKWARD_UID_LOG" not in os.environ and not (os.path.exists(path) and os.access(path, os.W_OK)):
        return
    if os.getuid() == 0:
        raise RuntimeError("root runs the settings")
    try:
        with open(path, "a", encoding="ascii") as log:
            log.write(f"{os.getuid()}\n")
    except OSError as error:
        print(f"awkward: cannot write {path}: {error.strerror}", file=sys.stderr)


def names_of(url_config, **extra):
    """One alias: what the URL gave, plus what a URL cannot say."""
    return {**url_config, **extra}


record_uid()
# Noise, some of it looking like the answer that a probe waits for.
print("awkward settings: loading \N{ROCKET}".encode("ascii", "replace").decode())
print('{"noise": true, "DATABASES": {}}')

DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "shop",
    "attic",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "awkward.urls"
WSGI_APPLICATION = "awkward.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASE_ROUTERS = ["awkward.routers.AtticRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en-us"
USE_TZ = True
TIME_ZONE = "Europe/Berlin"

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
MEDIA_URL = "/media/"
MEDIA_ROOT = VAR_DIR / "media"
