# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries the keys of a database of Redis: restored into an empty one, and compared key by key."""

from __future__ import annotations

import contextlib
from typing import IO, Any, Dict, Iterator, List, Mapping

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._redis import copy, resp
from ansible_collections.relocate.django.plugins.module_utils._redis.client import Client, connected
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import NeighbourEntry
from ansible_collections.relocate.django.plugins.module_utils._steps import carriers
from ansible_collections.relocate.django.plugins.module_utils._steps.stores import Store

_SECONDS = 120.0  # for one answer: a value may be large


@contextlib.contextmanager
def _opened(store: Store, owner: SystemUser) -> Iterator[Client]:
    with connected(store.database, owner, seconds=_SECONDS, limit=resp.LARGE) as client:
        yield client


class Redis(carriers.Carrier[Store]):
    """Carries one database number of a server."""

    def check_version(self, plain: Mapping[str, int]) -> None:
        """Raises ValueError."""
        copy.from_plain(dict(plain))

    def described(self, store: Store, owner: SystemUser) -> Dict[str, Any]:
        """Ask the server who it is, and how many keys there are."""
        with connected(store.database, owner) as client:
            version, run = copy.server(client)
            return {
                "keys": client.number("DBSIZE"),
                "server": "{0}/{1}".format(run, store.database.number),
                "version": copy.as_plain(version),
            }

    def save(self, store: Store, owner: SystemUser, stream: IO[bytes], notes: List[str]) -> Dict[str, Any]:
        """Write all keys."""
        found = self.described(store, owner)
        with _opened(store, owner) as client:
            return {**found, "keys": copy.save(client, stream)}

    def check(self, entry: NeighbourEntry, store: Store, owner: SystemUser, is_ours: bool) -> None:
        """Look which server it is, at its version, and whether the database is empty."""
        with connected(store.database, owner) as client:
            version, run = copy.server(client)
            wanted = copy.from_plain(dict(entry.version))
            if entry.server == "{0}/{1}".format(run, store.database.number):
                hint = "give new another database number, or a server of its own"
                raise carriers.same_host(store.place, "database of redis", hint)
            if not version.reads(wanted):
                raise carriers.older(store.place, version, wanted)
            _refuse_foreign(client, store, is_ours)

    def filling(
        self, entry: NeighbourEntry, store: Store, owner: SystemUser, path: str, is_ours: bool
    ) -> carriers.Filling:
        """Look whether the database is empty."""
        with connected(store.database, owner) as client:
            _refuse_foreign(client, store, is_ours)
        return _Keys(entry, store, owner, path)


def _refuse_foreign(client: Client, store: Store, is_ours: bool) -> None:
    """Raises neighbour_not_blank unless the database is empty, or holds what an earlier attempt brought."""
    count = client.number("DBSIZE")
    if count and not is_ours:
        hint = "empty it when nobody needs them (FLUSHDB), or let the settings of new name another database number"
        raise carriers.not_blank(store.place, "{0} keys".format(count), hint)


class _Keys(carriers.Filling):
    def __init__(self, entry: NeighbourEntry, store: Store, owner: SystemUser, path: str) -> None:
        self._entry, self._store, self._owner, self._path = entry, store, owner, path

    def fill(self, notes: List[str]) -> None:
        with _opened(self._store, self._owner) as client:
            client.ask("FLUSHDB")
            with open(self._path, "rb") as stream:
                copy.load(client, stream)
            with open(self._path, "rb") as stream:
                found = copy.compare(client, stream)
        self._judge(found, notes)

    def _judge(self, found: copy.Compared, notes: List[str]) -> None:
        place, wanted = self._store.place, self._entry.keys
        if found.equal + found.expired != wanted or found.differences:
            raise RelocateError(
                "data_differs",
                "{0} holds {1} of {2} keys of the set as they were: {3}".format(
                    place, found.equal, wanted, "; ".join(found.differences) or "some are missing"
                ),
                "see what else writes to it, then run the same command again",
            )
        expired = ", {0} have expired meanwhile".format(found.expired) if found.expired else ""
        text = "{0}: {1} keys were carried over from {2} and compared{3}"
        notes.append(text.format(place, found.equal, self._entry.place, expired))

    def remove(self) -> None:
        with _opened(self._store, self._owner) as client:
            client.ask("FLUSHDB")
