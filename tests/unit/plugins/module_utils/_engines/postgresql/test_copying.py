# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many rows a server says it has copied."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import copying
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._progress import ROWS, Amount, Progress


class Asked:
    """A session, played: each question takes the next answer."""

    def __init__(self, *answers: list[tuple[Any, ...]], major: int = 15) -> None:
        self.answers, self.major, self.ran = list(answers), major, []  # type: ignore[var-annotated]

    def rows(self, _sql: str) -> list[tuple[Any, ...]]:
        return self.answers.pop(0)

    def run(self, *sql: str) -> None:
        self.ran += sql


class Server:
    """A server with room for one session, or none."""

    def __init__(self, session: Asked | None) -> None:
        self.session, self.connected = session, 0

    @contextlib.contextmanager
    def connect(self, _database: str) -> Iterator[Asked]:
        self.connected += 1
        if self.session is None:
            raise RelocateError("server_unreachable", "too many connections")
        yield self.session


@pytest.fixture
def progress(monkeypatch: pytest.MonkeyPatch) -> Progress:
    found = Progress()
    found.is_heard = True
    monkeypatch.setattr(copying, "PROGRESS", found)
    return found


def amount(progress: Progress) -> tuple[str, int, int]:
    (one,) = progress.told()["parts"]
    return one["unit"], one["done"], one["total"]


def test_copies_add_up_and_one_that_ended_counts_as_its_whole_table() -> None:
    session: Any = Asked([(1, 7, 50), (2, 8, None)], [(2, 8, 10)], [(1, 9, 5)], [])
    copied = copying.Copied(session, {7: 100, 8: 9})
    assert [copied() for _number in range(4)] == [Amount(50), Amount(110), Amount(115), Amount(115)]


def test_a_big_copy_is_watched(progress: Progress) -> None:
    server: Any = Server(Asked([(1, 7, 300_000)]))
    with progress.part("dump"), copying.watched(server, "shop", {7: 600_000}):
        assert amount(progress) == (ROWS, 300_000, 600_000)
    assert server.session.ran == ["SET statement_timeout = 1000"]


@pytest.mark.parametrize(
    ("session", "rows", "heard", "connected"),
    [
        (Asked(), {7: 199_999}, True, 0),  # it takes less than a second
        (Asked(), {7: 600_000}, False, 0),  # nobody asks
        (Asked(major=13), {7: 600_000}, True, 1),
        (None, {7: 600_000}, True, 1),  # the server has no room
    ],
)
def test_what_cannot_be_watched_goes_on_untold(
    progress: Progress, session: Asked | None, rows: dict[int, int], heard: bool, connected: int
) -> None:
    progress.is_heard = heard
    server: Any = Server(session)
    with progress.part("dump"), copying.watched(server, "shop", rows):
        assert amount(progress) == ("", 0, 0)
    assert server.connected == connected


def test_a_failure_of_the_copy_itself_is_not_hidden(progress: Progress) -> None:
    server: Any = Server(None)
    failure = RelocateError("load_failed", "no")
    with pytest.raises(RelocateError) as caught, progress.part("load"), copying.watched(server, "shop", {1: 10**6}):
        raise failure
    assert caught.value is failure


@pytest.mark.parametrize(("heard", "major", "found"), [(False, 15, {}), (True, 13, {}), (True, 14, {7: 5})])
def test_statistics_are_asked_only_where_they_serve(
    progress: Progress, heard: bool, major: int, found: dict[int, int]
) -> None:
    progress.is_heard = heard
    session: Any = Asked([(7, 5)], major=major)
    assert copying.estimated(session) == found
