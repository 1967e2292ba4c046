# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the settings log in to Redis: by the names that the neighbours have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._project import probe, venv_logins
from tests.unit.plugins.module_utils._project.asked import add_settings, found

SETTINGS = """
CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://127.0.0.1:6379/1",
    "OPTIONS": {"PASSWORD": "one"}}, "other": {"BACKEND": "x", "LOCATION": "rediss://u:t%40o@127.0.0.1/2"}}
CELERY_BROKER_URL = "redis://:three@127.0.0.1/0"
RQ_QUEUES = {"default": {"HOST": "localhost", "PORT": 6379, "DB": 0, "PASSWORD": "four", "SSL": True,
    "SSL_CERT_REQS": None}}
REDIS_HOST = "127.0.0.1"
REDIS_PASSWORD = "five"
SESSION_REDIS_PASSWORD = "six"
SESSION_ENGINE = "redis_sessions.session"
BROKER_URL = "amqp://u:seven@127.0.0.1"
BROKER_HOST = "127.0.0.1"
BROKER_USER = "old"
BROKER_PASSWORD = "eight"
"""


def test_settings(site: Path, python: str) -> None:
    add_settings(site, SETTINGS)
    told = probe.ask(found(site, python), ["logins"])["logins"]
    kept = {(item["setting"], item["address"]): item for item in told if item["password"]}
    assert {key: (item["user"], item["password"], item["tls"], item["verify"]) for key, item in kept.items()} == {
        ("CACHES['default']", "redis://127.0.0.1:6379/1"): ("", "one", False, True),
        ("CACHES['default']", ""): ("", "one", False, True),
        ("CACHES['other']", "rediss://127.0.0.1/2"): ("u", "t@o", True, True),
        ("CELERY_BROKER_URL", "redis://127.0.0.1/0"): ("", "three", False, True),
        ("RQ_QUEUES['default']", ""): ("", "four", True, False),
        ("REDIS_HOST", ""): ("", "five", False, True),
        ("SESSION_REDIS", ""): ("", "six", False, True),
        ("BROKER_URL", "amqp://127.0.0.1"): ("u", "seven", False, True),
        ("BROKER_HOST", ""): ("old", "eight", False, True),
        ("BROKER_HOST", "amqp://127.0.0.1"): ("u", "seven", False, True),
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("redis://h/0", []),
        ("rediss://h/0?ssl_cert_reqs=none&ssl_ca_certs=/ca.pem", [("rediss://h/0", "", "", True, False, "/ca.pem")]),
        ("redis://h/0?password=p&username=u", [("redis://h/0", "u", "p", False, True, "")]),
        ("unix://:p%3A@/run/r.sock?db=3", [("unix:///run/r.sock?db=3", "", "p:", False, True, "")]),
        (
            ["redis://:a@h/0", {"address": "redis://g/0", "password": "b"}],
            [
                ("redis://h/0", "", "a", False, True, ""),
                ("redis://g/0", "", "b", False, True, ""),
                ("", "", "b", False, True, ""),
            ],
        ),
        (
            "redis://:a@h/0;redis://:b@g/0",
            [("redis://h/0", "", "a", False, True, ""), ("redis://g/0", "", "b", False, True, "")],
        ),
        ("amqp://u:p%40@h/shop", [("amqp://h/shop", "u", "p@", False, True, "")]),
        ("amqps://u:p@h//", [("amqps://h//", "u", "p", True, True, "")]),
        ({"password": 3, "ssl": "yes", "user": None, "a": {"b": {"c": object()}}}, []),
        (None, []),
        ("://", []),
        ({"a": [[[[[[[["redis://:a@h/0"]]]]]]]]}, []),
    ],
)
def test_values(value: Any, expected: list[Any]) -> None:
    rows = [
        (item["address"], item["user"], item["password"], item["tls"], item["verify"], item["ca"])
        for item in venv_logins.logins_of("X", value)
    ]
    assert rows == expected
