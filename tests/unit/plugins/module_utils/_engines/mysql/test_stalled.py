# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a dump is ended because others wait for it; the server itself is asked in tests/engines."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import stalled
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._together import Together

ALTER, READ = ("7", "ALTER TABLE shop ADD COLUMN secret"), ("8", "SELECT /*!40001 SQL_NO_CACHE */ * FROM shop")


class Server:
    """Answers one look after the other; the last answer stays."""

    def __init__(self, looks: list[list[tuple[str, str]]]) -> None:
        self.looks, self.asked = looks, 0

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def rows(self, query: str) -> list[tuple[str, str]]:
        assert "metadata lock" in query and "'shop'" in query
        self.asked += 1
        return self.looks[min(self.asked, len(self.looks)) - 1]


def cause(monkeypatch: pytest.MonkeyPatch, looks: list[list[tuple[str, str]]], paused: bool) -> Any:
    monkeypatch.setattr(stalled, "_LOOK", 0.005)
    server, together = Server(looks), Together()
    with stalled.Stalls(lambda: server, "shop", together) as stalls:  # type: ignore[arg-type, return-value]
        stalls.paused = paused
        until = time.monotonic() + 20
        while together.cause is None and server.asked < 30 and time.monotonic() < until:
            time.sleep(0.002)
    return together.cause


@pytest.mark.parametrize(
    ("looks", "paused", "ends"),
    [
        ([[]], False, False),
        ([[ALTER]], False, True),
        ([[READ]], True, True),
        ([[ALTER]], True, False),  # writers wait while writes are paused
        ([[ALTER, READ]], True, True),
        ([[ALTER], []] * 20, False, False),  # never for long
        ([[(str(number), "ALTER")] for number in range(40)], False, False),  # each another one
        ([[ALTER]] * 4 + [[]], False, False),
        ([[("9", None)]], False, True),  # type: ignore[list-item]
    ],
)
def test_who_waits_for_long_ends_the_dump(
    monkeypatch: pytest.MonkeyPatch, looks: list[list[tuple[str, str]]], paused: bool, ends: bool
) -> None:
    found = cause(monkeypatch, looks, paused)
    assert (found is not None) is ends
    if ends:
        assert found.code == "lock_timeout" and "no backup written" in found.msg and "migrate" in found.hint
        assert "secret" not in found.msg


def test_a_server_that_is_gone_is_told_by_the_dump() -> None:
    def connect() -> Any:
        raise RelocateError("server_unreachable", "gone")

    together = Together()
    with stalled.Stalls(connect, "shop", together):
        pass
    assert together.cause is None
