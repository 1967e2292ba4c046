# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies one database of Redis by way of a file: saved on old, loaded on new, and compared there key by key."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import IO, Any, Dict, Iterable, Iterator, List, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._redis import content, keys, resp
from ansible_collections.relocate.django.plugins.module_utils._redis.client import Client
from ansible_collections.relocate.django.plugins.module_utils._redis.held import scan
from ansible_collections.relocate.django.plugins.module_utils._redis.keys import NEVER, Key
from ansible_collections.relocate.django.plugins.module_utils._redis.resp import Refusal

_BATCH = 200  # keys at a time
_BYTES = 8 * 1024 * 1024  # of values at a time
_VERSION = re.compile(rb"(?m)^(redis|valkey)_version:(\d{1,4})\.(\d{1,4})")
_RUN = re.compile(rb"(?m)^run_id:([0-9a-f]{40})")
#: From this one on, Valkey writes values that no Redis reads.
_VALKEY = 9


@dataclass(frozen=True)
class Version:
    """The version of a server, as far as it tells which values it can read."""

    redis: Tuple[int, int]
    valkey: int = 0  # 0 before 9, which writes as Redis 7.2 does

    def reads(self, other: Version) -> bool:
        """Tell whether it can read what another one has written."""
        return self.redis >= other.redis and self.valkey >= other.valkey

    def __str__(self) -> str:
        """For people."""
        return "valkey {0}".format(self.valkey) if self.valkey else "redis {0}.{1}".format(*self.redis)


def server(client: Client) -> Tuple[Version, str]:
    """Return a server's version, and the id of its process. Raises neighbour_failed."""
    info = client.ask("INFO", "server")
    found = {name: (int(major), int(minor)) for name, major, minor in _VERSION.findall(_bytes(info))}
    run = _RUN.search(_bytes(info))
    if b"redis" not in found or run is None:
        raise client.failed("does not tell its version")
    valkey = found.get(b"valkey", (0, 0))[0]
    return Version(found[b"redis"], valkey if valkey >= _VALKEY else 0), run.group(1).decode("ascii")


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else b""


# --- on old


def save(client: Client, stream: IO[bytes]) -> int:
    """Write all keys of the database; returns how many. Raises neighbour_failed."""
    keys.write_head(stream)
    count = 0
    for name_list in scan(client):
        for batch in _batches(client, list(dict.fromkeys(name_list))):
            for key in _read(client, batch):
                keys.write(stream, key)
                count += 1
    keys.write_end(stream, count)
    return count


def _batches(client: Client, names: List[bytes]) -> Iterator[List[Tuple[bytes, bytes]]]:
    """Give keys with the letters of their types, as many at a time as memory takes."""
    kinds = client.ask_all([resp.command("TYPE", name) for name in names])
    sizes = client.ask_all([resp.command("MEMORY", "USAGE", name) for name in names])
    batch: List[Tuple[bytes, bytes]] = []
    room = _BYTES
    for name, kind, size in zip(names, kinds, sizes):
        if kind == b"none":
            continue  # it has expired
        room -= size if isinstance(size, int) else _BYTES  # where it may not be asked
        if batch and (room < 0 or len(batch) >= _BATCH):
            yield batch
            batch, room = [], _BYTES
        batch.append((name, _letter(client, kind)))
    if batch:
        yield batch


def _letter(client: Client, kind: Any) -> bytes:
    """Return the letter of a type. Raises neighbour_failed for one that modules of the server make."""
    if not isinstance(kind, bytes) or kind not in content.LETTERS:
        raise client.failed("holds a key of a type that is not copied", "carry it over by other means")
    return content.LETTERS[kind]


def _read(client: Client, batch: List[Tuple[bytes, bytes]]) -> Iterator[Key]:
    """Read keys in one transaction, so that what a digest tells is what was dumped."""
    asked = [resp.command("MULTI")]
    for name, letter in batch:
        asked += [resp.command("PTTL", name), resp.command("DUMP", name), content.reading(letter, name)]
    replies = client.ask_all([*asked, resp.command("EXEC")])[-1]
    now = int(time.time() * 1000)
    if not isinstance(replies, list) or len(replies) != 3 * len(batch):
        raise client.failed("did not let its keys be read: {0}".format(getattr(replies, "code", "no answer")))
    for number, (name, letter) in enumerate(batch):
        left, value, held = replies[3 * number : 3 * number + 3]
        if value is None:
            continue  # it has expired
        if not isinstance(value, bytes) or not isinstance(left, int):
            raise client.failed("did not let a key be read: {0}".format(getattr(value, "code", "no answer")))
        yield Key(letter, name, value, _digest(client, letter, held), NEVER if left < 0 else now + left)


def _digest(client: Client, letter: bytes, held: Any) -> bytes:
    try:
        return content.digest(letter, held)
    except ValueError:
        raise client.failed("gave a key another type than it has") from None


# --- on new


def load(client: Client, stream: IO[bytes]) -> int:
    """Restore the keys of a file, but for those that have expired; returns how many.

    Raises neighbour_failed, file_differs.
    """
    count = 0
    for batch in _from_file(stream):
        now = int(time.time() * 1000)
        alive = [key for key in batch if key.expires == NEVER or key.expires > now]
        asked = [
            resp.command("RESTORE", key.name, 0 if key.expires == NEVER else key.expires - now, key.value)
            for key in alive
        ]
        for reply in client.ask_all(asked):
            if isinstance(reply, Refusal):
                hint = "see that its version is no older than the one on old, and that the login may use RESTORE"
                raise client.failed("refused to restore a key: {0}".format(reply.code), hint)
        count += len(alive)
    return count


@dataclass(frozen=True)
class Compared:
    """What a comparison has found."""

    equal: int
    expired: int  # keys that were to expire and have done so
    differences: Tuple[str, ...] = ()  # some of them, in words


def compare(client: Client, stream: IO[bytes]) -> Compared:
    """Hold a database against a file, key by key. Raises neighbour_failed, file_differs."""
    equal = expired = 0
    wrong: List[str] = []
    for batch in _from_file(stream):
        replies = client.ask_all([content.reading(key.letter, key.name) for key in batch])
        lasting = client.ask_all([resp.command("PTTL", key.name) for key in batch])
        for key, held, left in zip(batch, replies, lasting):
            if left == -2 and key.expires != NEVER:
                expired += 1
            elif _is_equal(key, held, left):
                equal += 1
            else:
                wrong.append("key {0} differs".format(key.name[:80].decode("utf-8", "replace")))
    there = client.number("DBSIZE")
    if there > equal + expired + len(wrong):
        wrong.append("it holds {0} keys, and the set {1}".format(there, equal + expired + len(wrong)))
    return Compared(equal, expired, tuple(wrong[:10]))


def _is_equal(key: Key, held: Any, left: Any) -> bool:
    try:
        same = content.digest(key.letter, held) == key.digest
    except ValueError:
        return False
    return same and (left == -1) == (key.expires == NEVER)


def _from_file(stream: IO[bytes]) -> Iterator[List[Key]]:
    """Give the keys of a file, as many at a time as memory takes. Raises file_differs."""
    try:
        yield from _grouped(keys.read(stream))
    except ValueError as exc:
        raise RelocateError(
            "file_differs", "a file with keys of redis cannot be read: {0}".format(exc), "transfer the set again"
        ) from None


def _grouped(found: Iterable[Key]) -> Iterator[List[Key]]:
    batch: List[Key] = []
    used = 0
    for key in found:
        batch.append(key)
        used += len(key.value)
        if used > _BYTES or len(batch) >= _BATCH:
            yield batch
            batch, used = [], 0
    if batch:
        yield batch


def as_plain(version: Version) -> Dict[str, int]:
    """A version as JSON takes it."""
    return {"major": version.redis[0], "minor": version.redis[1], "valkey": version.valkey}


def from_plain(plain: Any) -> Version:
    """The inverse. Raises ValueError."""
    try:
        return Version((int(plain["major"]), int(plain["minor"])), int(plain["valkey"]))
    except (KeyError, TypeError):
        raise ValueError("version") from None
