# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the servers on this host that hold what is in no database of the site, and tells how much that is now.

Messages in queues of Redis and RabbitMQ, sessions and other keys in Redis. Caches are left out: they fill themselves.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover import here, rabbitmq
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Neighbour, Notice
from ansible_collections.relocate.django.plugins.module_utils._discover.servers import PORTS, address
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._redis.client import Database, Login, connected
from ansible_collections.relocate.django.plugins.module_utils._redis.held import Held, held
from ansible_collections.relocate.django.plugins.module_utils._steps import belongings

#: Roles of what nobody can make anew.
_KEPT = ("task queue", "task results", "sessions", "store")
_QUEUE = "task queue"
_REDIS = "redis"
NUMBER = re.compile(r"^[0-9]{0,5}\Z")
_SECONDS = 10.0  # to ask one database
_SECONDS_IN_ALL = 40.0
_SHOWN = 8  # queues by name


@dataclass(frozen=True)
class Store:
    """A database of Redis on this host, and who uses it for what."""

    database: Database
    settings: Tuple[str, ...] = ()
    roles: Tuple[str, ...] = ()

    @property
    def is_queue(self) -> bool:
        """Tell whether tasks wait in it."""
        return _QUEUE in self.roles


def of_redis(told: Mapping[str, Any], this: here.Host) -> List[Store]:
    """Return the databases of Redis on this host that hold something of the site's, each once.

    :param told: what the probe answered: its topics neighbours and logins
    """
    found: Dict[Tuple[Any, ...], Store] = {}
    logins = belongings.topic(told, "logins") or []
    for item in belongings.neighbours_of(told):
        if item.role not in _KEPT or not here.is_here(item, this) or not _is_database(item):
            continue
        port, number = item.port or PORTS[_REDIS], int(item.database or 0)
        key = (port, item.path, number)  # by localhost and by 127.0.0.1 it is the same one
        known = found.get(key) or Store(Database(item.host, port, item.path, number, _login(item, logins)))
        found[key] = replace(known, settings=(*known.settings, item.setting), roles=(*known.roles, item.role))
    return list(found.values())


def _is_database(item: Neighbour) -> bool:
    """Tell whether a neighbour is a database of Redis that has a number, or is the first."""
    return item.kind == _REDIS and bool(NUMBER.match(item.database))


def _login(item: Neighbour, logins: List[Mapping[str, Any]]) -> Login:
    """How the setting that names a server logs in to it: by its own address first."""
    own = [login for login in logins if login["setting"] == item.setting]
    for login in [*(one for one in own if one["address"]), *(one for one in own if not one["address"])]:
        where = address(login["address"], item.setting, item.role, _REDIS)
        if where is None or (where.host, where.port, where.path) == (item.host, item.port, item.path):
            return Login(login["user"], login["password"], login["tls"], login["verify"], login["ca"])
    return Login()


def notices(
    told: Mapping[str, Any], this: here.Host, owner: Optional[SystemUser], carried: Sequence[Store] = ()
) -> List[Notice]:
    """Say what servers on this host hold that no move brings along; each is asked, and nothing is written.

    :param owner: with whose rights they are asked, since his settings name them
    :param carried: those that a move does bring along
    """
    deadline = time.monotonic() + _SECONDS_IN_ALL
    found: List[Notice] = []
    for store in of_redis(told, this):
        if store not in carried and time.monotonic() < deadline:
            found += _of_store(store, owner)
    vhosts = {
        item.database: item.setting
        for item in belongings.neighbours_of(told)
        if item.kind == "rabbitmq" and here.is_here(item, this)
    }
    for vhost, setting in vhosts.items():
        if time.monotonic() < deadline:
            found += _of_rabbitmq(vhost, setting)
    return found


def _of_store(store: Store, owner: Optional[SystemUser]) -> Iterator[Notice]:
    try:
        with connected(store.database, owner, in_all=_SECONDS) as client:
            holds = held(client, store.is_queue)
    except RelocateError as error:
        yield Notice("nobody can tell what {0} names holds: {1}".format(store.settings[0], error.msg), error.hint)
        return
    text = _sentence(holds, store)
    if text:
        first = "let the workers empty the queues before the move" if holds.queues else "see whether new can do without"
        yield Notice(text, "{0}, or set relocate_neighbours_carried: [{1}]".format(first, store.database.place))


def _sentence(holds: Held, store: Store) -> str:
    """Say what is in a database; nothing for an empty one."""
    place, who = store.database.place, ", ".join(store.settings[:3])
    if holds.queues:
        return "{0} of {1} ({2}) when it was asked: they stay behind".format(
            waiting(holds.queues, "" if holds.whole else "at least "), place, who
        )
    if not holds.keys:
        return ""
    roles = ", ".join(dict.fromkeys(store.roles))
    return "{0} {1} in {2} ({3}, as {4}): they stay behind".format(
        holds.keys, "key is" if holds.keys == 1 else "keys are", place, who, roles
    )


def waiting(queues: Any, prefix: str = "") -> str:
    """Say how many messages wait, and where."""
    count = sum(length for _name, length in queues)
    names = [name if len(queues) == 1 else "{0} ({1})".format(name, length) for name, length in queues[:_SHOWN]]
    return "{0}{1} in {2} {3}{4}".format(
        prefix,
        "1 message waits" if count == 1 else "{0} messages wait".format(count),
        "queue" if len(queues) == 1 else "queues",
        ", ".join(names),
        ", ..." if len(queues) > _SHOWN else "",
    )


def _of_rabbitmq(vhost: str, setting: str) -> Iterator[Notice]:
    try:
        queues = rabbitmq.waiting(vhost)
    except RelocateError as error:
        yield Notice("nobody can tell what {0} names holds: {1}".format(setting, error.msg), error.hint)
        return
    if queues:
        text = "{0} of rabbitmq, virtual host {1} ({2}): they stay behind".format(waiting(queues), vhost, setting)
        yield Notice(text, "let the workers empty the queues before the move")
