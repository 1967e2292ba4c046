# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings without any helper: plain dictionaries out of the process environment, which somebody must have filled."""

import os

from awkward.base import *
from awkward.base import VAR_DIR, names_of

SECRET_KEY = os.environ["SECRET_KEY"]
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")

DATABASES = {
    "default": {
        "ENGINE": os.environ.get("DB_ENGINE", "django.db.backends.sqlite3"),
        "NAME": os.environ.get("DB_NAME", str(VAR_DIR / "db.sqlite3")),
        "USER": os.environ.get("DB_USER", ""),
        "PASSWORD": os.environ.get("DB_PASSWORD", ""),
        "HOST": os.environ.get("DB_HOST", ""),
        "PORT": os.environ.get("DB_PORT", ""),
    },
    "archive": {
        "ENGINE": os.environ.get("ARCHIVE_DB_ENGINE", "django.db.backends.sqlite3"),
        "NAME": os.environ.get("ARCHIVE_DB_NAME", str(VAR_DIR / "archive.sqlite3")),
        "USER": os.environ.get("DB_USER", ""),
        "PASSWORD": os.environ.get("DB_PASSWORD", ""),
        "HOST": os.environ.get("DB_HOST", ""),
        "PORT": os.environ.get("DB_PORT", ""),
    },
}
for config in DATABASES.values():
    if config["ENGINE"].endswith(".mysql"):
        config["OPTIONS"] = {"charset": "utf8mb4"}  # Django 4.2's default has no emoji
DATABASES["replica"] = names_of(DATABASES["default"], TEST={"MIRROR": "default"})
