# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells what a database of Redis holds: how many keys, and what waits in the queues of Celery, RQ, Huey and others.

Nothing is written, and no value is read: only lengths are asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, Iterator, List, Tuple

from ansible_collections.relocate.django.plugins.module_utils._redis import resp
from ansible_collections.relocate.django.plugins.module_utils._redis.client import Client

_BATCH = 500  # keys at a time
_MOST = 50_000  # keys that are looked at

#: By type, which keys hold messages, and what tells how many. Of lists all do: no task queue has others.
_QUEUES = {
    b"list": (re.compile(rb""), "LLEN"),
    # Celery's messages that a worker has taken and not ended, those with a countdown among them.
    b"hash": (re.compile(rb"^(.*[^a-z])?unacked\Z", re.DOTALL), "HLEN"),
    # Huey's priorities and schedules, RQ's schedules.
    b"zset": (re.compile(rb"^huey\.|^rq:(scheduled|deferred):|^rq:scheduler:scheduled_jobs\Z"), "ZCARD"),
}
#: Celery keeps one list for each priority of a queue.
_PRIORITY = re.compile(rb"\x06\x16\d+\Z")


@dataclass(frozen=True)
class Held:
    """What a database holds."""

    keys: int
    queues: Tuple[Tuple[str, int], ...] = ()  # those that are not empty, by name
    whole: bool = True  # every key was looked at


def held(client: Client, queues: bool) -> Held:
    """Count keys, and what waits in queues when these are asked for. Raises neighbour_failed."""
    keys = client.number("DBSIZE")
    if not keys or not queues:
        return Held(keys)
    waiting: Dict[bytes, int] = {}
    seen = 0
    for names in scan(client):
        seen += len(names)
        for name, length in _lengths(client, names):
            plain = _PRIORITY.sub(b"", name)
            waiting[plain] = waiting.get(plain, 0) + length
        if seen >= _MOST:
            break
    shown = sorted((name.decode("utf-8", "replace"), length) for name, length in waiting.items() if length > 0)
    return Held(keys, tuple(shown), seen < _MOST)


def scan(client: Client) -> Iterator[List[bytes]]:
    """Give all keys, in batches. A key may come twice. Raises neighbour_failed."""
    cursor = b"0"
    while True:
        reply = client.ask("SCAN", cursor, "COUNT", _BATCH)
        if not _is_batch(reply):
            raise client.failed("answered SCAN in an unknown form")
        cursor, names = reply
        yield names
        if cursor == b"0":
            return


def _is_batch(reply: resp.Reply) -> bool:
    if not isinstance(reply, list) or len(reply) != 2 or not isinstance(reply[1], list):
        return False
    return isinstance(reply[0], bytes) and all(isinstance(name, bytes) for name in reply[1])


def _lengths(client: Client, names: List[bytes]) -> Iterator[Tuple[bytes, int]]:
    """Ask for the lengths of those keys that are queues."""
    kinds = client.ask_all([resp.command("TYPE", name) for name in names])
    asked = []
    for name, kind in zip(names, kinds):
        pattern, verb = _QUEUES.get(kind if isinstance(kind, bytes) else b"", (None, ""))
        if pattern is not None and pattern.search(name):
            asked.append((name, verb))
    lengths = client.ask_all([resp.command(verb, name) for name, verb in asked])
    return ((name, length) for (name, _verb), length in zip(asked, lengths) if isinstance(length, int))
