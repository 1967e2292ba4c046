# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings that name other servers leave the project's interpreter without credentials."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._project import probe, venv_neighbours
from tests.unit.plugins.module_utils._project.asked import add_settings, found

pytestmark = pytest.mark.slow

SETTINGS = """
import pathlib
CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://:canary1@10.0.0.5:6379/1",
    "OPTIONS": {"PASSWORD": "canary2", "CLIENT_CLASS": "x.Client", "CONNECTION_POOL_KWARGS": {"password": "canary3"}}}}
CELERY_BROKER_URL = "amqp://user:canary4@mq.example.org:5672/shop"
CELERY_TASK_ROUTES = {"a": "b"}
ELASTICSEARCH_DSL = {"default": {"hosts": "es:9200", "http_auth": ("elastic", "canary5")}}
LOGGING = {"version": 1, "handlers": {"mail": {"class": "logging.handlers.SMTPHandler", "mailhost": ("m", 25),
    "fromaddr": "a@b", "toaddrs": [], "subject": "s", "credentials": ("u", "canary6")}}}
EVENTS_OPTIONS = {"url": "amqp://u:canary14@events:5672/taiga", "password": "canary15"}
MY_OWN_STORE = "rediss://default:canary7@store.example.org:6380/0?ssl_cert_reqs=none&password=canary8&db=4"
CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {
    "hosts": [("127.0.0.1", 6379), {"address": "redis://:canary9@h:1/0"}], "symmetric_encryption_keys": [b"canary10"]}}}
SENTRY_DSN = "https://canary11:canary12@o1.ingest.sentry.io/42"
EMAIL_HOST = "smtp.example.org"
EMAIL_HOST_PASSWORD = "canary13"
MEDIA_ROOT = pathlib.Path("media")
"""


def test_settings(site: Path, python: str) -> None:
    add_settings(site, SETTINGS)
    plain = probe.ask(found(site, python), ["neighbours"])["neighbours"]
    assert "canary" not in json.dumps(plain)
    assert plain == {
        "CACHES": {
            "default": {
                "BACKEND": "django_redis.cache.RedisCache",
                "LOCATION": "redis://10.0.0.5:6379/1",
                "OPTIONS": {"CLIENT_CLASS": "x.Client", "CONNECTION_POOL_KWARGS": {}},
            }
        },
        "CELERY_BROKER_URL": "amqp://mq.example.org:5672/shop",
        "CHANNEL_LAYERS": {
            "default": {
                "BACKEND": "channels_redis.core.RedisChannelLayer",
                "CONFIG": {
                    "hosts": [["127.0.0.1", 6379], {"address": "redis://h:1/0"}],
                    "symmetric_encryption_keys": [None],
                },
            }
        },
        "ELASTICSEARCH_DSL": {"default": {"hosts": "es:9200"}},
        "EMAIL_HOST": "smtp.example.org",
        "EVENTS_OPTIONS": {"url": "amqp://events:5672/taiga"},
        "LOGGING": {
            "handlers": {
                "mail": {
                    "class": "logging.handlers.SMTPHandler",
                    "fromaddr": "b",
                    "mailhost": ["m", 25],
                    "subject": "s",
                    "toaddrs": [],
                }
            },
            "version": 1,
        },
        "MEDIA_ROOT": "media",
        "MY_OWN_STORE": "rediss://store.example.org:6380/0?db=4",
        "SENTRY_DSN": "https://o1.ingest.sentry.io/42",
    }


CELERY = """
import sys, types
class App:
    main = "shop"
    conf = {"broker_url": "redis://:canary@127.0.0.1/3", "result_backend": "db+postgresql://u:canary@db/x"}
class Default:
    main = None
sys.modules["celery._state"] = types.SimpleNamespace(_get_active_apps=lambda: [App(), Default()])
"""


def test_apps_of_celery(site: Path, python: str) -> None:
    add_settings(site, CELERY)
    plain = probe.ask(found(site, python), ["neighbours"])["neighbours"]
    assert plain["celery"] == {"shop": {"broker_url": "redis://127.0.0.1/3", "result_backend": "db+postgresql://db/x"}}


@pytest.mark.parametrize(("more", "expected"), [("", True), ("import sys; sys.modules['configurations'] = sys", False)])
def test_defaults_of_django(site: Path, python: str, more: str, expected: bool) -> None:
    """They are the project's choice only where it sets them by itself."""
    add_settings(site, f"{more}\nEMAIL_HOST = 'localhost'\nEMAIL_PORT = 26\n")
    plain = probe.ask(found(site, python), ["neighbours"])["neighbours"]
    assert ("EMAIL_HOST" in plain) is expected and plain["EMAIL_PORT"] == 26


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("redis://127.0.0.1:6379/1", "redis://127.0.0.1:6379/1"),
        ("redis://:p@ss/w@h:6379/1", "redis://h:6379/1"),
        ("redis://:p?x@h/1", "redis://h/1"),
        ("redis://h/1?password=canary", "redis://h/1"),
        ("unix:///run/redis.sock?db=2", "unix:///run/redis.sock?db=2"),
        ("unix://:canary@/run/redis.sock?virtual_host=2", "unix:///run/redis.sock?virtual_host=2"),
        ("amqp://a:b@h1:5672//;amqp://a:b@h2:5672//", "amqp://h1:5672//;amqp://h2:5672//"),
        ("amqp://a:b,c://d@h1", "amqp://,c://h1"),
        ("10.0.0.1:11211,10.0.0.2:11211", "10.0.0.1:11211,10.0.0.2:11211"),
        ("user:canary@h:5672", "h:5672"),
        ("redis://[::1]:6379/0", "redis://[::1]:6379/0"),
        ("redis://[::1]/0", "redis://[::1]/0"),
        ("ldap://a ldap://b:636", "ldap://a ldap://b:636"),
        ("", ""),
        ("://", "://"),
    ],
)
def test_credentials_go(text: str, expected: str) -> None:
    assert venv_neighbours.without_credentials(text) == expected


def test_odd_values() -> None:
    held: list[object] = []
    held.append(held)
    assert "canary" not in json.dumps(
        venv_neighbours.plain({"a": held, 3: {1.5, None}, "token": "canary", "o": object})
    )
    assert venv_neighbours.plain({"big": list(range(1000))})["big"][-1] == 499
