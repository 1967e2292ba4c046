# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers on old that hold what is in no database; a real Redis is asked in tests/engines/test_redis.py."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import here
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._redis.held import Held
from ansible_collections.relocate.django.plugins.module_utils._steps import stores

THIS = here.Host(addresses=["10.0.0.5"], names=["old"])
BROKER = "CELERY_BROKER_URL"


def login(setting: str, address: str, password: str) -> dict[str, Any]:
    """One that the probe tells."""
    given = {"setting": setting, "address": address, "user": "", "password": password}
    return {**given, "ca": "", "tls": False, "verify": True}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, []),
        ({BROKER: "redis://localhost/0"}, [("redis://localhost:6379/0", (BROKER,), ("task queue",))]),
        ({BROKER: "redis://10.0.0.5:7/3"}, [("redis://10.0.0.5:7/3", (BROKER,), ("task queue",))]),
        # Elsewhere: new reaches it as old does.
        ({BROKER: "redis://10.0.0.6/0"}, []),
        ({BROKER: "amqp://localhost"}, []),
        ({BROKER: "redis://localhost/0x1"}, []),
        ({BROKER: "redis://localhost/999999999999"}, []),
        # A cache fills itself.
        ({"CACHES": {"default": {"BACKEND": "redis", "LOCATION": "redis://localhost/1"}}}, []),
        # One database, by two names.
        (
            {BROKER: "redis://localhost/0", "CELERY_RESULT_BACKEND": "redis://127.0.0.1:6379"},
            [("redis://127.0.0.1:6379/0", ("CELERY_RESULT_BACKEND", BROKER), ("task results", "task queue"))],
        ),
    ],
)
def test_which_are_asked(settings: dict[str, Any], expected: list[Any]) -> None:
    found = stores.of_redis({"neighbours": settings}, THIS)
    if len(found) == 1 and len(found[0].settings) == 2:
        assert set(found[0].settings) == set(expected[0][1]) and set(found[0].roles) == set(expected[0][2])
        return
    assert [(item.database.place, item.settings, item.roles) for item in found] == expected


@pytest.mark.parametrize(
    ("logins", "expected"),
    [
        ([], ""),
        ([login(BROKER, "redis://localhost:6379/0", "own")], "own"),
        ([login(BROKER, "", "rest"), login(BROKER, "redis://localhost:6379/0", "own")], "own"),
        ([login(BROKER, "redis://other/0", "other"), login(BROKER, "", "rest")], "rest"),
        ([login("CACHES['x']", "redis://localhost:6379/0", "another's")], ""),
    ],
)
def test_which_login(logins: list[dict[str, Any]], expected: str) -> None:
    told = {"neighbours": {BROKER: "redis://localhost:6379/0"}, "logins": logins}
    [found] = stores.of_redis(told, THIS)
    assert found.database.login.password == expected
    assert not expected or expected not in repr(found)


@pytest.mark.parametrize(
    ("holds", "expected"),
    [
        (Held(0), ""),
        (Held(1), "1 key is in P (S, as task queue): they stay behind"),
        (Held(9, (("celery", 1),)), "1 message waits in queue celery of P (S) when it was asked: they stay behind"),
        (
            Held(9, (("a", 1), ("b", 2)), whole=False),
            "at least 3 messages wait in queues a (1), b (2) of P (S) when it was asked: they stay behind",
        ),
        (
            Held(9, tuple((f"q{number}", 1) for number in range(9))),
            "9 messages wait in queues q0 (1), q1 (1), q2 (1), q3 (1), q4 (1), q5 (1), q6 (1), q7 (1), ...",
        ),
    ],
)
def test_sentences(holds: Held, expected: str) -> None:
    store = stores.Store(stores.Database(path="/s"), ("S",), ("task queue",))
    found = stores._sentence(holds, store).replace("unix:///s?db=0", "P")
    assert found == expected or (expected.endswith(", ...") and found.startswith(expected))


def test_rabbitmq(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def waiting(vhost: str) -> list[tuple[str, int]]:
        asked.append(vhost)
        if vhost == "bad":
            raise RelocateError("neighbour_failed", "no list", "look")
        return [("celery", 2)] if vhost == "shop" else []

    monkeypatch.setattr(stores.rabbitmq, "waiting", waiting)
    settings = {BROKER: "amqp://localhost/shop", "X_BROKER_URL": "amqp://localhost/bad", "Y": "amqp://elsewhere/shop"}
    told = {"neighbours": settings}
    found = stores.notices(told, THIS, None)
    assert asked == ["shop", "bad"]
    assert [item.what for item in found] == [
        "2 messages wait in queue celery of rabbitmq, virtual host shop (CELERY_BROKER_URL): they stay behind",
        "nobody can tell what X_BROKER_URL names holds: no list",
    ]
    assert "relocate_neighbours_carried: [amqp://localhost:5672/shop]" in found[0].hint
    # Messages stay behind where the queues go along as well.
    carried = stores.notices(told, THIS, None, stores.of_rabbitmq(told, THIS))
    assert [item.what for item in carried] == [item.what for item in found]
    assert "relocate_queues_empty_within" in carried[0].hint and "neighbours_carried" not in carried[0].hint


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, []),
        ({BROKER: "amqp://localhost"}, [("amqp://localhost:5672/%2F", "/", "guest", "guest", (BROKER,))]),
        ({BROKER: "amqps://10.0.0.5//"}, [("amqp://10.0.0.5:5671/%2F", "/", "guest", "guest", (BROKER,))]),
        ({BROKER: "pyamqp://127.0.0.1:7/a%2Fb"}, [("amqp://127.0.0.1:7/a%2Fb", "a/b", "guest", "guest", (BROKER,))]),
        ({BROKER: "amqp://10.0.0.6/shop"}, []),
        ({BROKER: "redis://localhost/0"}, []),
        # One virtual host, by two names.
        (
            {BROKER: "amqp://localhost/shop", "CELERY_RESULT_BACKEND": "amqp://127.0.0.1:5672/shop"},
            [("amqp://127.0.0.1:5672/shop", "shop", "guest", "guest", ("CELERY_RESULT_BACKEND", BROKER))],
        ),
    ],
)
def test_virtual_hosts(settings: dict[str, Any], expected: list[Any]) -> None:
    found = stores.of_rabbitmq({"neighbours": settings}, THIS)
    rows = [(item.place, item.name, item.user, item.password, item.settings) for item in found]
    if len(settings) == 2:
        rows = [(expected[0][0], *row[1:4], tuple(sorted(row[4], reverse=True))) for row in rows]
        expected = [(*expected[0][:4], tuple(sorted(expected[0][4], reverse=True)))]
    assert rows == expected


@pytest.mark.parametrize(
    ("logins", "expected"),
    [
        ([], ("guest", "guest")),
        ([{**login(BROKER, "amqp://localhost/shop", "own"), "user": "u"}], ("u", "own")),
        ([{**login(BROKER, "amqp://localhost/other", "x"), "user": "o"}], ("guest", "guest")),
        ([{**login(BROKER, "", "rest"), "user": "r"}], ("r", "rest")),
        ([{**login(BROKER, "", ""), "user": "r"}], ("r", "")),
    ],
)
def test_who_logs_in_to_a_virtual_host(logins: list[dict[str, Any]], expected: tuple[str, str]) -> None:
    [found] = stores.of_rabbitmq({"neighbours": {BROKER: "amqp://localhost/shop"}, "logins": logins}, THIS)
    assert (found.user, found.password) == expected
    assert expected[1] in ("", "guest") or expected[1] not in repr(found)
