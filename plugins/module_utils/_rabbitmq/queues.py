# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks RabbitMQ on this host how many messages wait in its queues. Nothing is written."""

from __future__ import annotations

import json
from typing import Any, List, Tuple

from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.module_utils._rabbitmq import ctl

_SECONDS = 20.0  # a program of Erlang takes seconds to begin
_MOST = 1000  # queues


def waiting(vhost: str) -> List[Tuple[str, int]]:
    """Return the queues of a virtual host that are not empty, with how many messages wait in each.

    Raises neighbour_failed, program_missing.
    """
    words = ["list_queues", "--vhost=" + (vhost or "/"), "--formatter=json", "name", "messages"]
    failure = ctl.failed(
        "list the queues of virtual host {0}".format(printable(vhost or "/")),
        "run rabbitmqctl list_queues as root on that host",
    )
    if not ctl.is_name(vhost or "/"):
        raise failure
    done = ctl.called(words, failure, seconds=_SECONDS)
    if done.rc:
        raise failure
    try:
        return parse(done.out)
    except (ValueError, RecursionError):
        raise failure from None


def parse(text: str) -> List[Tuple[str, int]]:
    """Read what rabbitmqctl wrote, as far as queues are not empty. Raises ValueError."""
    plain: Any = json.loads(text or "[]")
    if not isinstance(plain, list) or not all(isinstance(item, dict) for item in plain):
        raise ValueError("no list of queues")
    found = [(str(item.get("name")), item.get("messages")) for item in plain[:_MOST]]
    return sorted((name, count) for name, count in found if isinstance(count, int) and count > 0)
