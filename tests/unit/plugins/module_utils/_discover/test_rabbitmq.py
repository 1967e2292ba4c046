# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What waits in RabbitMQ, as rabbitmqctl says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import rabbitmq
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed

LISTED = [{"name": "mail", "messages": 2}, {"name": "celery", "messages": 7}, {"name": "empty", "messages": 0}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (json.dumps(LISTED), [("celery", 7), ("mail", 2)]),
        ("[]", []),
        ("", []),
        ('[{"name": "x"}, {"name": "y", "messages": "3"}, {"name": 4, "messages": 1}]', [("4", 1)]),
    ],
)
def test_queues(text: str, expected: list[tuple[str, int]]) -> None:
    assert rabbitmq.parse(text) == expected


@pytest.mark.parametrize("text", ["Error", "{}", "[1]", "[" * 100_000])
def test_what_is_no_list(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, Completed(("rabbitmqctl",), 0, text.encode()))
    with pytest.raises(RelocateError) as caught:
        rabbitmq.waiting("/")
    assert caught.value.code == "neighbour_failed"


def play(monkeypatch: pytest.MonkeyPatch, answer: Completed, asked: list[Command] | None = None) -> None:
    """Answer in rabbitmqctl's place."""

    def run(command: Command, **_more: Any) -> Completed:
        if asked is not None:
            asked.append(command)
        return answer

    monkeypatch.setattr(rabbitmq, "find_program", lambda name: "/usr/sbin/" + name)
    monkeypatch.setattr(rabbitmq, "run", run)


def test_how_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Command] = []
    play(monkeypatch, Completed(("rabbitmqctl",), 0, json.dumps(LISTED).encode()), asked)
    assert rabbitmq.waiting("--eval=x") == [("celery", 7), ("mail", 2)]
    assert "--vhost=--eval=x" in asked[0].argv
    play(monkeypatch, Completed(("rabbitmqctl",), 69, b"", b"no such vhost"))
    with pytest.raises(RelocateError, match="could not list the queues of virtual host shop"):
        rabbitmq.waiting("shop")
    monkeypatch.setattr(rabbitmq, "find_program", lambda name: None)
    with pytest.raises(RelocateError, match="rabbitmqctl is not installed"):
        rabbitmq.waiting("/")
