# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a real Redis holds besides a site's databases, and what preflight says of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import here
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._redis.client import Database, Login, connected
from ansible_collections.relocate.django.plugins.module_utils._redis.held import Held, held, scan
from ansible_collections.relocate.django.plugins.module_utils._steps import drain, stores
from ansible_collections.relocate.django.plugins.module_utils._users import current_user, lookup_user
from tests.engines import redis_server
from tests.unit.fakes import refused

pytestmark = pytest.mark.skipif(redis_server.program() is None, reason="no redis-server")
PASSWORD = "canary ö:@%'\"\r\n$9"


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[Database]:
    with redis_server.running() as found:
        yield found


@pytest.fixture(name="empty")
def _empty(server: Database) -> Database:
    with redis_server.client(server) as client:
        client.ask("FLUSHALL")
    return server


def fill(database: Database, *commands: tuple[Any, ...]) -> None:
    with redis_server.client(database) as client:
        for words in commands:
            client.ask(*words)


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        ([], Held(0)),
        ([("SET", "x", "1")], Held(1)),
        # Celery: a list for each queue and each priority of it; taken messages in a hash.
        (
            [
                ("RPUSH", "celery", "a", "b", "c"),
                ("RPUSH", "celery\x06\x163", "d"),
                ("RPUSH", "mail", "e"),
                ("SADD", "_kombu.binding.celery", "celery\x06\x16\x06\x16celery"),
                ("HSET", "unacked", "tag", "m"),
                ("ZADD", "unacked_index", "1", "tag"),
                ("SET", "celery-task-meta-1", "{}"),
            ],
            Held(7, (("celery", 4), ("mail", 1), ("unacked", 1))),
        ),
        # RQ: jobs are hashes, queues are lists of their ids.
        (
            [
                ("RPUSH", "rq:queue:default", "1", "2"),
                ("HSET", "rq:job:1", "status", "queued"),
                ("ZADD", "rq:scheduled:default", "1", "3"),
                ("ZADD", "rq:finished:default", "1", "0"),
            ],
            Held(4, (("rq:queue:default", 2), ("rq:scheduled:default", 1))),
        ),
        # Huey: a list, or a sorted set with priorities; a sorted set of what is scheduled.
        (
            [("ZADD", "huey.redis.shop", "1", "a"), ("ZADD", "huey.schedule.shop", "1", "b"), ("ZADD", "z", "1", "c")],
            Held(3, (("huey.redis.shop", 1), ("huey.schedule.shop", 1))),
        ),
    ],
)
def test_what_a_database_holds(empty: Database, commands: list[tuple[Any, ...]], expected: Held) -> None:
    fill(empty, *commands)
    with redis_server.client(empty) as client:
        assert held(client, queues=True) == expected
        assert held(client, queues=False) == Held(expected.keys)
        assert client.number("DBSIZE") == expected.keys


def test_many_keys(empty: Database) -> None:
    with redis_server.client(empty) as client:
        for start in range(0, 3000, 1000):
            client.ask("MSET", *[word for number in range(start, start + 1000) for word in (f"k{number}", "v")])
        assert {name for names in scan(client) for name in names} == {b"k%d" % number for number in range(3000)}
        assert held(client, queues=True) == Held(3000)


def told(database: Database, **more: Any) -> dict[str, Any]:
    """Answers of the probe of a site whose queue is in a database, and its sessions in the next one."""
    queue, sessions = (f"unix://{database.path}?db={number}" for number in (0, 1))
    cache = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": sessions}
    settings = {
        "CELERY_BROKER_URL": queue,
        "CELERY_RESULT_BACKEND": queue,
        "SESSION_ENGINE": "django.contrib.sessions.backends.cache",
        "CACHES": {"default": cache, "other": dict(cache, LOCATION=f"unix://{database.path}?db=5")},
    }
    return {"neighbours": settings, "databases": [], **more}


def test_what_is_said(empty: Database) -> None:
    assert stores.notices(told(empty), here.Host(), current_user()) == []
    fill(empty, ("RPUSH", "celery", *"abcdefg"))
    fill(redis_server.numbered(empty, 1), ("SET", "session1", "x"), ("SET", "session2", "x"))
    fill(redis_server.numbered(empty, 5), ("SET", "cached", "x"))
    sessions, queue = [item.what for item in stores.notices(told(empty), here.Host(), current_user())]
    assert sessions == f"2 keys are in unix://{empty.path}?db=1 (CACHES['default'], as sessions): they stay behind"
    place = f"unix://{empty.path}?db=0 (CELERY_BROKER_URL, CELERY_RESULT_BACKEND)"
    assert queue == f"7 messages wait in queue celery of {place} when it was asked: they stay behind"


@pytest.mark.parametrize("user", ["", "shop"])
def test_passwords(user: str) -> None:
    password = PASSWORD.replace("\r\n", "")
    extra = (
        ["--user", "shop", "on", ">canary12", "~*", "+@all", "--user", "default", "off"]
        if user
        else ["--requirepass", password]
    )
    secret = "canary12" if user else password
    with redis_server.running(*extra) as server:
        entry = {"setting": "CELERY_BROKER_URL", "address": f"unix://{server.path}?db=0", "user": user}
        login = {**entry, "password": secret, "ca": "", "tls": False, "verify": True}
        fill(redis_server.numbered(server, 0, secret, user), ("RPUSH", "celery", "a"))
        found = stores.notices(told(server, logins=[login]), here.Host(), current_user())
        assert "1 message waits in queue celery of" in found[-1].what
        wrong = stores.notices(told(server, logins=[dict(login, password=PASSWORD)]), here.Host(), current_user())
        assert "refused AUTH: WRONGPASS" in wrong[-1].what and "canary" not in repr((found, wrong))
        if not user:
            none = stores.notices(told(server), here.Host(), current_user())
            assert "refused DBSIZE: NOAUTH" in none[-1].what


def test_it_is_asked_with_the_owners_rights(empty: Database) -> None:
    other = lookup_user("nobody")
    if current_user().uid != 0 or other is None:
        pytest.skip("root only")
    with connected(empty, other) as client:
        listed = client.ask("CLIENT", "LIST")
        assert b"db=0" in listed


def test_no_such_database(empty: Database) -> None:
    for number, code in ((99, "refused SELECT: ERR"), (10**6, "has no such database")):
        with pytest.raises(RelocateError, match=code), connected(replace(empty, number=number), None):
            pass
    with pytest.raises(RelocateError, match="cannot be reached"), connected(Database(path="/nonexistent"), None):
        pass
    assert "canary" not in repr(Login("u", "canary"))


def test_queues_that_a_worker_empties_are_waited_for(empty: Database) -> None:
    fill(empty, ("RPUSH", "celery", "a", "b"), ("SET", "celery-task-meta-1", "{}"))
    kept = [stores.Store(empty, ("CELERY_BROKER_URL",), ("task queue",))]

    def work() -> None:
        time.sleep(0.3)
        fill(empty, ("LPOP", "celery"), ("HSET", "unacked", "tag", "m"))
        time.sleep(0.3)
        fill(empty, ("LPOP", "celery"), ("DEL", "unacked"))

    worker = threading.Thread(target=work)
    worker.start()
    begun = time.monotonic()
    drain.Waiting(kept, (), current_user(), 20).wait()
    worker.join()
    assert 0.5 < time.monotonic() - begun < 15
    fill(empty, ("ZADD", "rq:scheduled:default", "1", "x"), ("RPUSH", "rq:queue:default", "y"))
    with refused("queues_not_empty", "2 messages wait in queues rq:queue:default .1., rq:scheduled:default .1."):
        drain.Waiting(kept, (), current_user(), 0.6).wait()
