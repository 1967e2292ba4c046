# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the servers on this host that hold what is in no database of the site, and tells how much that is now.

Messages in queues of Redis and RabbitMQ, sessions and other keys in Redis. Caches are left out: they fill themselves.
"""

from __future__ import annotations

import re
import time
import urllib.parse
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from ansible_collections.relocate.django.plugins.module_utils._discover import here
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Neighbour, Notice
from ansible_collections.relocate.django.plugins.module_utils._discover.servers import PORTS, address
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.module_utils._rabbitmq import queues as rabbitmq
from ansible_collections.relocate.django.plugins.module_utils._redis.client import Database, Login, connected
from ansible_collections.relocate.django.plugins.module_utils._redis.held import Held, held
from ansible_collections.relocate.django.plugins.module_utils._steps import belongings

#: Roles of what nobody can make anew.
_KEPT = ("task queue", "task results", "sessions", "store")
_QUEUE = "task queue"
_REDIS, _RABBITMQ = "redis", "rabbitmq"
_USUAL_USER = "guest"  # as whom clients of RabbitMQ log in when the settings name nobody
NUMBER = re.compile(r"^[0-9]{0,5}\Z")
_SECONDS = 10.0  # to ask one database
_SECONDS_IN_ALL = 40.0
_SHOWN = 8  # queues by name


@dataclass(frozen=True)
class Store:
    """A database of Redis on this host, and who uses it for what."""

    kind: ClassVar[str] = _REDIS
    database: Database
    settings: Tuple[str, ...] = ()
    roles: Tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Return its address, without credentials."""
        return self.database.place

    def is_at(self, meant: Neighbour) -> bool:
        """Tell whether an address of this host means it."""
        named = replace(
            self.database,
            host=self.database.host if not meant.path else "",
            port=meant.port or self.database.port,
            path=meant.path,
            number=int(meant.database) if _is_database(meant) and meant.database else 0,
        )
        return named.place == self.place

    @property
    def is_queue(self) -> bool:
        """Tell whether tasks wait in it."""
        return _QUEUE in self.roles


@dataclass(frozen=True)
class VirtualHost:
    """A virtual host of RabbitMQ on this host, and who uses it for what."""

    kind: ClassVar[str] = _RABBITMQ
    name: str
    host: str = ""
    port: int = PORTS[_RABBITMQ]
    user: str = _USUAL_USER
    password: str = field(default="", repr=False)
    settings: Tuple[str, ...] = ()
    roles: Tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Return its address, without credentials."""
        host = "[{0}]".format(self.host) if ":" in self.host else self.host
        return "amqp://{0}:{1}/{2}".format(host or "localhost", self.port, urllib.parse.quote(self.name, safe=""))

    def is_at(self, meant: Neighbour) -> bool:
        """Tell whether an address of this host means it."""
        return (meant.database or "/", meant.port or PORTS[_RABBITMQ]) == (self.name, self.port)


#: What can be carried, of either kind.
Kept = Union[Store, VirtualHost]


def that_are_kept(told: Mapping[str, Any], this: here.Host) -> List[Kept]:
    """Return what servers on this host hold of the site's and a move can bring along.

    :param told: what the probe answered: its topics neighbours and logins
    """
    return [*of_redis(told, this), *of_rabbitmq(told, this)]


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


def of_rabbitmq(told: Mapping[str, Any], this: here.Host) -> List[VirtualHost]:
    """Return the virtual hosts of RabbitMQ on this host that the settings name, each once.

    rabbitmqctl asks one server, so a name means the same one whatever the port.
    """
    found: Dict[str, VirtualHost] = {}
    logins = belongings.topic(told, "logins") or []
    for item in belongings.neighbours_of(told):
        if item.kind != _RABBITMQ or not here.is_here(item, this):
            continue
        name, login = item.database or "/", _login(item, logins)
        if not login.user:
            login = replace(login, user=_USUAL_USER, password=login.password or _USUAL_USER)
        port = item.port or PORTS[_RABBITMQ]
        known = found.get(name) or VirtualHost(name, item.host, port, login.user, login.password)
        found[name] = replace(known, settings=(*known.settings, item.setting), roles=(*known.roles, item.role))
    return list(found.values())


def _is_database(item: Neighbour) -> bool:
    """Tell whether a neighbour is a database of Redis that has a number, or is the first."""
    return item.kind == _REDIS and bool(NUMBER.match(item.database))


def _login(item: Neighbour, logins: List[Mapping[str, Any]]) -> Login:
    """How the setting that names a server logs in to it: by its own address first."""
    own = [login for login in logins if login["setting"] == item.setting]
    for login in [*(one for one in own if one["address"]), *(one for one in own if not one["address"])]:
        where = address(login["address"], item.setting, item.role, item.kind)
        if where is None or _server(where) == _server(item):
            return Login(login["user"], login["password"], login["tls"], login["verify"], login["ca"])
    return Login()


def _server(item: Neighbour) -> Tuple[Any, ...]:
    """What an address has to say for a login to be meant: of RabbitMQ the virtual host too."""
    return (item.kind, item.host, item.port, item.path, item.database if item.kind == _RABBITMQ else "")


def notices(
    told: Mapping[str, Any], this: here.Host, owner: Optional[SystemUser], carried: Sequence[Kept] = ()
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
    for vhost in of_rabbitmq(told, this):
        if time.monotonic() < deadline:
            found += _of_vhost(vhost, vhost in carried)
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


def _of_vhost(vhost: VirtualHost, is_carried: bool) -> Iterator[Notice]:
    """Say what waits: where definitions are carried, messages are not."""
    try:
        text = waiting_in(vhost)
    except RelocateError as error:
        yield Notice("nobody can tell what {0} names holds: {1}".format(vhost.settings[0], error.msg), error.hint)
        return
    if text:
        first = "let the workers empty the queues before the move (relocate_queues_empty_within)"
        more = (
            ""
            if is_carried
            else "; relocate_neighbours_carried: [{0}] carries the queues themselves".format(vhost.place)
        )
        yield Notice(text, first + more)


def waiting_in(vhost: VirtualHost) -> str:
    """Say how many messages wait in a virtual host; nothing when none does. Raises as rabbitmqctl is asked."""
    queues = rabbitmq.waiting(vhost.name)
    if not queues:
        return ""
    return "{0} of rabbitmq, virtual host {1} ({2}): they stay behind".format(
        waiting(queues), printable(vhost.name), ", ".join(vhost.settings[:3])
    )
