# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings: the database and what sends mail come from variables."""

import environ

env = environ.Env()
SECRET_KEY = "only-for-tests"
ROOT_URLCONF = "people.urls"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.sites",
    "rest_framework.authtoken",
    "oauth2_provider",
    "django_celery_beat",
    "people",
]
AUTH_USER_MODEL = "people.Member"
DATABASES = {"default": env.db("DATABASE_URL")}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "kept_pages"}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
SITE_ID = 1
EMAIL_BACKEND = env("EMAIL_BACKEND", default="django.core.mail.backends.smtp.EmailBackend")
