# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings through dj-database-url; `.env` is read by hand, and an environment that is already filled wins."""

import os
import re

import dj_database_url

from awkward.base import *
from awkward.base import BASE_DIR, VAR_DIR, names_of


def read_env(path):
    """Read NAME=value lines, values bare or in double quotes with backslash escapes."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        name, separator, value = line.partition("=")
        if separator and not name.startswith("#"):
            if value[:1] == '"':
                value = re.sub(r"\\(.)", r"\1", value[1:-1])
            os.environ.setdefault(name.strip(), value)


read_env(BASE_DIR / ".env")

SECRET_KEY = os.environ["SECRET_KEY"]
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")

DATABASES = {
    "default": dj_database_url.config("DATABASE_URL", default=f"sqlite:///{VAR_DIR}/db.sqlite3"),
    "archive": dj_database_url.config("ARCHIVE_URL", default=f"sqlite:///{VAR_DIR}/archive.sqlite3"),
}
DATABASES["replica"] = names_of(DATABASES["default"], TEST={"MIRROR": "default"})
