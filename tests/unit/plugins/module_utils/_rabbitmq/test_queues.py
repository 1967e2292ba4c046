# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What waits in RabbitMQ, as rabbitmqctl says."""

from __future__ import annotations

import json

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import Completed
from ansible_collections.relocate.django.plugins.module_utils._rabbitmq import queues
from tests.unit.plugins.module_utils._rabbitmq.played_ctl import Played

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
    assert queues.parse(text) == expected


@pytest.mark.parametrize("text", ["Error", "{}", "[1]", "[" * 100_000])
def test_what_is_no_list(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Played(monkeypatch, list_queues=Completed((), 0, text.encode()))
    with pytest.raises(RelocateError) as caught:
        queues.waiting("/")
    assert caught.value.code == "neighbour_failed"


def test_how_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch, list_queues=Completed((), 0, json.dumps(LISTED).encode()))
    assert queues.waiting("--eval=x") == [("celery", 7), ("mail", 2)]
    assert "--vhost=--eval=x" in played.asked[0].argv
    for name in ("a\0b", "a\nb", "x" * 256):
        with pytest.raises(RelocateError, match="could not list the queues of virtual host"):
            queues.waiting(name)
    assert len(played.asked) == 1
    Played(monkeypatch, list_queues=Completed((), 69, b"", b"no such vhost"))
    with pytest.raises(RelocateError, match="could not list the queues of virtual host shop"):
        queues.waiting("shop")
