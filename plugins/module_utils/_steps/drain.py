# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits until no task waits in the site's queues on old, while its workers run on and nothing else of it does.

Queues of Redis and RabbitMQ that the settings name. Which they are, and how to log in, the project is asked before
anything is stopped.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, fields
from typing import Any, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover import units as unit_reader
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._project import probe
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project
from ansible_collections.relocate.django.plugins.module_utils._rabbitmq import queues as rabbitmq
from ansible_collections.relocate.django.plugins.module_utils._redis.client import connected
from ansible_collections.relocate.django.plugins.module_utils._redis.held import held
from ansible_collections.relocate.django.plugins.module_utils._services.names import unit_name
from ansible_collections.relocate.django.plugins.module_utils._services.systemd import Systemd
from ansible_collections.relocate.django.plugins.module_utils._services.units import Queues
from ansible_collections.relocate.django.plugins.module_utils._site import ProjectOptions
from ansible_collections.relocate.django.plugins.module_utils._steps import belongings, stores
from ansible_collections.relocate.django.plugins.module_utils._steps.stores import Store

_TOPICS = ("neighbours", "logins")
_PAUSE = 0.5  # seconds between two looks
_SECONDS = 10.0  # to ask one server
#: Words of a command that runs tasks; of each row all must be there.
_WORKING = (
    {"celery", "worker"}, {"rq", "worker"}, {"rqworker"}, {"rqworker-pool"}, {"run_huey"}, {"djangohuey"},
    {"huey_consumer"}, {"huey_consumer.py"}, {"dramatiq"}, {"rundramatiq"}, {"qcluster"}, {"db_worker"},
)  # fmt: skip


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds what the module ``services`` is asked for, as far as it is about queues."""

    state: str
    units: Sequence[str]
    queues_empty_within: int = 0  # seconds; 0: queues are not looked at
    path: Optional[str] = None  # the project's directory; what follows says how to ask it
    interpreter: Optional[str] = None
    settings: Optional[str] = None
    environment: Mapping[str, Any] = field(default_factory=dict, repr=False)
    env_files: Sequence[str] = ()
    owner: Optional[str] = None
    allow_root: bool = False

    def project(self) -> Project:
        """Find the project on this host. Raises what find_project raises."""
        names = (one.name for one in fields(ProjectOptions))
        return ProjectOptions(**{**{name: getattr(self, name) for name in names}, "path": self.path or ""}).find()


def prepare(options: Options, systemd: Systemd) -> Optional[Queues]:
    """Find the queues and the workers; None where nothing has to be waited for. Raises what the probe raises."""
    if options.state != "frozen" or options.queues_empty_within <= 0:
        return None
    found = options.project()
    told = probe.ask(found, _TOPICS)
    this = belongings.this_host()
    kept = [store for store in stores.of_redis(told, this) if store.is_queue]
    vhosts = [vhost.name for vhost in stores.of_rabbitmq(told, this)]
    waiting = Waiting(kept, vhosts, found.owner, options.queues_empty_within)
    return Queues(frozenset(workers(systemd, options.units)), waiting.wait)


def workers(systemd: Systemd, units: Sequence[str]) -> List[str]:
    """Return those of these units that take tasks out of queues; of a user's own systemd nobody tells here."""
    names = [name for name in map(unit_name, units) if not name.startswith("~")]
    states = systemd.states(names)
    real = {name: states[name].real or name for name in names}
    known = {item.name: item for item in unit_reader.read(systemd, more=list(real.values()))}
    return [
        name for name in names
        if real[name] in known and any(map(is_working, known[real[name]].commands))
    ]  # fmt: skip


def is_working(command: Sequence[str]) -> bool:
    """Tell whether a command runs tasks of a queue, however its program is called: by path, or as a module."""
    words = {os.path.basename(word) for part in command for word in part.split()}
    return any(row <= words for row in _WORKING)


class Waiting:
    """Waits for queues; the seconds are those of all looks together.

    :param vhosts: of RabbitMQ on this host
    :param owner: with whose rights Redis is asked, since his settings name it
    """

    def __init__(self, kept: Sequence[Store], vhosts: Sequence[str], owner: SystemUser, seconds: float) -> None:
        self._kept, self._vhosts, self._owner, self._seconds = kept, vhosts, owner, seconds
        self._deadline: Optional[float] = None

    def wait(self) -> None:
        """Look until all are empty. Raises queues_not_empty, and neighbour_failed where one cannot be asked."""
        if self._deadline is None:
            self._deadline = time.monotonic() + self._seconds
        while True:
            left = self._left()
            if not left:
                return
            if time.monotonic() + _PAUSE > self._deadline:
                raise _not_empty(left, self._seconds)
            time.sleep(_PAUSE)

    def _left(self) -> List[str]:
        """Say what waits, by server."""
        found: List[Tuple[str, Sequence[Tuple[str, int]]]] = []
        for store in self._kept:
            with connected(store.database, self._owner, in_all=_SECONDS) as client:
                found.append((store.database.place, held(client, queues=True).queues))
        for vhost in self._vhosts:
            found.append(("rabbitmq, virtual host {0}".format(vhost or "/"), rabbitmq.waiting(vhost)))
        return ["{0} of {1}".format(stores.waiting(queues), place) for place, queues in found if queues]


def _not_empty(left: Sequence[str], seconds: float) -> RelocateError:
    return RelocateError(
        "queues_not_empty",
        "queues were not empty within {0:g} s: {1}".format(seconds, "; ".join(left)),
        "see that the workers run and what they wait for, or raise relocate_queues_empty_within; with 0 what waits is"
        " left behind; a task for a later time waits until it comes",
    )
