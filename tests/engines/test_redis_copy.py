# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys of a real Redis, copied by way of a file and compared."""

from __future__ import annotations

import io
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._redis import copy, resp
from ansible_collections.relocate.django.plugins.module_utils._redis.client import Client, Database, connected
from tests.engines import redis_server

pytestmark = pytest.mark.skipif(redis_server.program() is None, reason="no redis-server")


@pytest.fixture(scope="module", name="servers")
def _servers() -> Iterator[tuple[Database, Database]]:
    """Two: what one has hashed lies in another order in the other."""
    with redis_server.running() as old, redis_server.running() as new:
        yield old, new


@pytest.fixture(name="both")
def _both(servers: tuple[Database, Database]) -> Iterator[tuple[Client, Client]]:
    with (
        connected(servers[0], None, 60, limit=resp.LARGE) as old,
        connected(servers[1], None, 60, limit=resp.LARGE) as new,
    ):
        old.ask("FLUSHALL")
        new.ask("FLUSHALL")
        yield old, new


def fill(client: Client) -> int:
    """Make keys of every type, small and large, of odd names and values; returns how many."""
    rng = random.Random(1)
    commands: list[tuple[Any, ...]] = [
        ("SET", "text", "x"),
        ("SET", "empty", ""),
        ("SET", b"\x00\xff\r\n", bytes(range(256))),
        ("SET", "number", "12345"),
        ("SET", "large", rng.randbytes(9_000_000)),
        ("SETEX", "session", "3600", "x"),
        ("RPUSH", "celery", *(f"m{number}" for number in range(3000))),
        ("SADD", "set", *(f"m{number}" for number in range(3000))),
        ("SADD", "numbers", "1", "2", "3"),
        ("HSET", "hash", *(f"w{number}" for number in range(4000))),
        ("HSET", "unacked", "a", "b"),
        ("ZADD", "zset", *(str(word) for number in range(1000) for word in (number / 7, f"m{number}"))),
        ("ZADD", "odd", "inf", "a", "-inf", "b", "0.1", "c", "1e300", "d"),
        ("XADD", "stream", "1-1", "a", "b", "c", "d"),
        ("XADD", "stream", "1-2", "a", "b"),
        ("PFADD", "log", "a", "b"),
        ("SETBIT", "bits", "7000", "1"),
    ]
    for words in commands:
        client.ask(words[0], *words[1:])
    client.ask_all([resp.command("SET", f"k{number}", f"v{number}") for number in range(2000)])
    return len({words[1] for words in commands}) + 2000


def saved(client: Client) -> io.BytesIO:
    stream = io.BytesIO()
    copy.save(client, stream)
    return io.BytesIO(stream.getvalue())


def test_what_arrives(both: tuple[Client, Client]) -> None:
    old, new = both
    count = fill(old)
    stream = io.BytesIO()
    assert copy.save(old, stream) == count == old.number("DBSIZE")
    assert copy.load(new, io.BytesIO(stream.getvalue())) == count
    assert copy.compare(new, io.BytesIO(stream.getvalue())) == copy.Compared(count, 0)
    assert new.number("DBSIZE") == count
    assert new.ask("GET", b"\x00\xff\r\n") == bytes(range(256)) and new.number("LLEN", "celery") == 3000
    assert 3_500_000 < new.number("PTTL", "session") <= 3_600_000 and new.number("PTTL", "text") == -1
    assert new.ask("ZSCORE", "odd", "a") == b"inf" and new.number("PFCOUNT", "log") == 2
    assert copy.compare(old, io.BytesIO(stream.getvalue())).equal == count  # nothing was written


def test_an_empty_database(both: tuple[Client, Client]) -> None:
    assert copy.load(both[1], saved(both[0])) == 0
    assert copy.compare(both[1], saved(both[0])) == copy.Compared(0, 0)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("SET", "text", "y"), "key text differs"),
        (("SET", "session", "x"), "key session differs"),  # it no longer expires
        (("EXPIRE", "text", "1000"), "key text differs"),
        (("DEL", "text"), "key text differs"),
        (("SREM", "set", "m5"), "key set differs"),
        (("HSET", "hash", "w0", "w2"), "key hash differs"),
        (("ZADD", "zset", "0.2", "m1"), "key zset differs"),
        (("LSET", "celery", "5", "x"), "key celery differs"),
        (("XDEL", "stream", "1-2"), "key stream differs"),
        (("SET", "more", "x"), "it holds 2017 keys, and the set 2016"),
    ],
)
def test_every_difference_is_seen(both: tuple[Client, Client], change: tuple[Any, ...], expected: str) -> None:
    old, new = both
    fill(old)
    stream = saved(old)
    copy.load(new, stream)
    new.ask(change[0], *change[1:])
    stream.seek(0)
    assert copy.compare(new, stream).differences == (expected,)


def test_what_expires_meanwhile(both: tuple[Client, Client]) -> None:
    old, new = both
    old.ask("SET", "a", "x", "PX", "150")
    old.ask("SET", "b", "x", "PX", "60000")
    old.ask("SET", "c", "x")
    stream = saved(old)
    time.sleep(0.2)
    assert copy.load(new, stream) == 2
    stream.seek(0)
    assert copy.compare(new, stream) == copy.Compared(2, 1)


def test_a_file_that_was_cut(both: tuple[Client, Client]) -> None:
    old, new = both
    fill(old)
    whole = saved(old).getvalue()
    for end in (0, 10, 40, len(whole) // 2, len(whole) - 1):
        new.ask("FLUSHALL")
        with pytest.raises(RelocateError) as caught:
            copy.load(new, io.BytesIO(whole[:end]))
        assert caught.value.code == "file_differs"
    new.ask("FLUSHALL")
    with pytest.raises(RelocateError, match="another number of keys"):
        copy.load(new, io.BytesIO(whole + b"x"))


def test_a_key_that_is_there_already(both: tuple[Client, Client]) -> None:
    old, new = both
    old.ask("SET", "a", "x")
    new.ask("SET", "a", "y")
    with pytest.raises(RelocateError, match="refused to restore a key: BUSYKEY"):
        copy.load(new, saved(old))
    assert new.ask("GET", "a") == b"y"


def test_a_value_of_a_later_version(both: tuple[Client, Client]) -> None:
    old, new = both
    old.ask("SET", "a", "x")
    data = saved(old).getvalue()
    value = old.ask("DUMP", "a")
    later = value[:-10] + (99).to_bytes(2, "little") + value[-8:]
    with pytest.raises(RelocateError, match="refused to restore a key: ERR") as caught:
        copy.load(new, io.BytesIO(data.replace(value, later)))
    assert "version is no older" in caught.value.hint


def test_versions(both: tuple[Client, Client]) -> None:
    (version, old), (same, new) = (copy.server(client) for client in both)
    assert version == same and old != new and version.reads(same)
    assert copy.from_plain(copy.as_plain(version)) == version


def test_memory_is_flat(servers: tuple[Database, Database], tmp_path: Path) -> None:
    """Sixty megabytes of values pass through a few."""
    import tracemalloc

    with connected(servers[0], None, 60, limit=resp.LARGE) as client:
        client.ask("FLUSHALL")
        for number in range(60):
            client.ask("SET", f"v{number}", random.Random(number).randbytes(1_000_000))
        tracemalloc.start()
        with (tmp_path / "keys").open("wb") as stream:
            assert copy.save(client, stream) == 60
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        client.ask("FLUSHALL")
    assert (tmp_path / "keys").stat().st_size > 60_000_000 and peak < 45_000_000
