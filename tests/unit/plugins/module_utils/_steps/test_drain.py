# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for empty queues: who works on them, and what is said of what is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._services.plan import Action, with_drain
from ansible_collections.relocate.django.plugins.module_utils._steps import drain
from tests.unit.fakes import me, refused
from tests.unit.plugins.module_utils._discover.played_units import Played


@pytest.mark.parametrize(
    ("command", "works"),
    [
        ("/srv/shop/venv/bin/celery -A shop worker -l info", True),
        ("/srv/shop/venv/bin/python -m celery -A shop worker", True),
        ("/srv/shop/venv/bin/python manage.py rqworker default", True),
        ("/usr/bin/rq worker", True),
        ("python manage.py run_huey", True),
        ("/srv/x/bin/huey_consumer.py shop.huey", True),
        ("manage.py qcluster", True),
        ("celery -A shop beat", False),
        ("celery -A shop flower", False),
        ("gunicorn shop.wsgi --worker-class gthread", False),
        ("uvicorn --workers 4 shop.asgi", False),
    ],
)
def test_who_works_on_queues(command: str, works: bool) -> None:
    assert drain.is_working(command.split()) is works
    assert drain.is_working(["/bin/sh", "-c", command]) is works


def test_the_units_that_work_on_queues(tmp_path: Path) -> None:
    systemd = Played(tmp_path)
    systemd.add("web.service", "[Service]\nExecStart=/v/bin/gunicorn shop.wsgi\n")
    systemd.add("work.service", "[Service]\nExecStart=/v/bin/celery -A shop worker\n")
    assert drain.workers(systemd.systemd, ["web", "work", "gone", "~ada/work"]) == ["work.service"]


def test_workers_stop_last_and_queues_are_looked_at_before_and_after() -> None:
    record, web, work, timer = Action("record"), Action("stop", "web"), Action("stop", "work"), Action("stop", "timer")
    drained = Action("drain")
    assert with_drain([record, work, timer, web], {"work"}) == [record, timer, web, drained, work, drained]
    assert with_drain([record, timer, web], {"work"}) == [record, timer, web, drained]
    assert with_drain([record], {"work"}) == [record]


class Looks(drain.Waiting):
    """Queues that empty from look to look."""

    def __init__(self, seconds: float, *looks: list[tuple[str, int]]) -> None:
        super().__init__((), ("shop",), me(), seconds)
        self.looks = list(looks)

    def patched(self, monkeypatch: pytest.MonkeyPatch) -> Looks:
        monkeypatch.setattr(drain.rabbitmq, "waiting", self.look)
        monkeypatch.setattr(drain, "_PAUSE", 0.01)
        return self

    def look(self, vhost: str) -> list[tuple[str, int]]:
        assert vhost == "shop"
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]


def test_queues_that_empty_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = Looks(5, [("a", 2)], [("a", 1)], []).patched(monkeypatch)
    looks.wait()
    looks.wait()
    assert looks.looks == [[]]


def test_what_is_left_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = Looks(0.05, [("a", 2), ("b", 1)]).patched(monkeypatch)
    with refused("queues_not_empty", "within 0.05 s: 3 messages wait in queues a .2., b .1. of rabbitmq, virtual host"):
        looks.wait()


def test_a_worker_that_puts_its_task_back_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = Looks(0.05, [], [("a", 1)]).patched(monkeypatch)
    looks.wait()
    with refused("queues_not_empty", "1 message waits in queue a"):
        looks.wait()


def test_a_server_that_cannot_be_asked_ends_the_freeze(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_vhost: str) -> Any:
        raise RelocateError("neighbour_failed", "rabbitmqctl could not", "x")

    monkeypatch.setattr(drain.rabbitmq, "waiting", broken)
    with refused("neighbour_failed", "rabbitmqctl could not"):
        Looks(5, []).wait()


@pytest.mark.parametrize(("state", "seconds"), [("frozen", 0), ("started", 5), ("retired", 5), ("thawed", 5)])
def test_nothing_is_asked_where_nothing_is_waited_for(state: str, seconds: int) -> None:
    options = drain.Options(state, ("web",), seconds)
    assert drain.prepare(options, None) is None  # type: ignore[arg-type]
