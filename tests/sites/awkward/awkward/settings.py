# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The usual settings: everything out of `.env`, through django-environ."""

import environ

from awkward.base import *
from awkward.base import BASE_DIR, VAR_DIR, names_of

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

SECRET_KEY = env("SECRET_KEY")
EMAIL_HOST_PASSWORD = env("EMAIL_HOST_PASSWORD", default="")

DATABASES = {
    "default": env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR}/db.sqlite3"),
    "archive": env.db("ARCHIVE_URL", default=f"sqlite:///{VAR_DIR}/archive.sqlite3"),
}
# The same database under a second name: one dump, one count, not two.
DATABASES["replica"] = names_of(DATABASES["default"], TEST={"MIRROR": "default"})
