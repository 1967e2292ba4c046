# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Poolers, played: which server session answers whom."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, Callable
from unittest.mock import MagicMock

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import EngineContext
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import connect, pooler
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, Login
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore


class Client:
    """A connection through a pooler: ``answers`` says which process answers it next."""

    def __init__(self, named: int, answers: Callable[[str], int]) -> None:
        self._named, self._answers, self.autocommit, self.closed = named, answers, False, False
        self._pair = socket.socketpair()
        self.description: Any = None
        self.asked: list[str] = []

    def get_backend_pid(self) -> int:
        return self._named

    def fileno(self) -> int:
        return self._pair[0].fileno()

    def close(self) -> None:
        self.closed = True
        for one in self._pair:
            one.close()

    def cursor(self) -> Client:
        return self

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def execute(self, sql: str) -> None:
        assert self.autocommit, "a transaction would hold the session"
        self.asked.append(sql)
        self.answer = self._answers(sql)
        self.description = [sql] if sql.startswith("SELECT") else None

    def fetchone(self) -> tuple[int]:
        return (self.answer,)


def refusing(_sql: str) -> int:
    raise ValueError("no transactions here")


@pytest.mark.parametrize(
    ("mine", "others", "lent"),
    [
        ([7, 7], lambda _sql: 8, False),  # session pooling: each client keeps its own
        ([7], lambda _sql: 7, True),  # the next one gets the session that was just given back
        ([7, 9], lambda _sql: 8, True),  # a busy pool: the first finds another one
        ([7], refusing, True),  # statement pooling knows no transaction
    ],
)
def test_who_gets_which_session_tells_the_mode(mine: list[int], others: Callable[[str], int], lent: bool) -> None:
    second = Client(2, others)
    first = Client(1, lambda _sql: mine.pop(0))
    assert pooler.lends(first, lambda: second) is lent
    assert second.closed and not first.closed and mine == []
    first.close()


def test_a_server_that_is_reached_directly_is_asked_once() -> None:
    first = Client(7, lambda _sql: 7)
    assert pooler.lends(first, lambda: pytest.fail("a second connection")) is False
    assert len(first.asked) == 1
    first.close()
    assert pooler.lends(object(), lambda: pytest.fail("a second connection")) is False


def test_a_pooler_without_room_for_a_second_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused at the login, or never answered: then it keeps the first one for its client."""
    monkeypatch.setattr(pooler, "_PATIENCE", 0.1)

    def full() -> Any:
        raise ConnectionError

    first = Client(1, lambda _sql: 7)
    assert pooler.lends(first, full) is False

    def waits(_sql: str) -> int:
        if not second._pair[1].recv(1):
            raise ConnectionError
        return 0

    second = Client(2, waits)
    assert pooler.lends(first, lambda: second) is False
    first.close()


def test_each_database_and_each_user_is_asked_for_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """PgBouncer has a pool_mode for each of them: one that is direct says nothing of another one."""
    lent = {("site", "shop"): False, ("site__incoming", "shop"): True, ("site", "postgres"): True}
    lent["postgres", "postgres"] = False
    asked: list[tuple[str, str]] = []

    class Driver:
        Error = OSError

        @staticmethod
        def connect(**given: Any) -> Any:
            return MagicMock(given=given)

    def lends(connection: Any, _again: Any) -> bool:
        asked.append((connection.given["dbname"], connection.given["user"]))
        return lent[asked[-1]]

    monkeypatch.setattr(connect, "driver", lambda: Driver)
    monkeypatch.setattr(pooler, "lends", lends)
    config = DatabaseConfig("default", "postgresql", "", "site", "shop", "127.0.0.1", 6432)
    server = connect.Server(config, EngineContext(SecretStore(str(tmp_path)), admin=Login(host="127.0.0.1")))
    for _again in range(2):
        server.connect("site")
    assert asked == [("site", "shop")]
    for way in (lambda: server.connect("site__incoming"), lambda: server.by_login("site")):
        with pytest.raises(RelocateError) as caught:
            way()
        assert caught.value.code == "pooler_between"


class GoneError(Exception):
    """As psycopg2.Error."""


class Dying:
    """A connection that refuses what psycopg2 refuses on one that is lost."""

    def __init__(self, asked: bool) -> None:
        self.asked, self.closed = asked, False
        self.died = GoneError("server closed the connection unexpectedly\n\tThis probably means that it ended")

    def get_backend_pid(self) -> int:
        return 1

    def cursor(self) -> Any:
        raise self.died

    def close(self) -> None:
        self.closed = True

    @property
    def autocommit(self) -> bool:
        return self.asked

    @autocommit.setter
    def autocommit(self, value: bool) -> None:
        raise self.died


@pytest.mark.parametrize("dies_at", ["login", "first question", "settings of the session"])
def test_a_server_that_dies_while_a_session_begins(
    dies_at: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each step of it says what happened, in a code: the move would otherwise end with an error of the driver's."""
    dying = Dying(dies_at == "first question")
    connects = MagicMock(side_effect=dying.died if dies_at == "login" else None, return_value=dying)
    monkeypatch.setattr(connect, "driver", lambda: MagicMock(Error=GoneError, connect=connects))
    if dies_at == "settings of the session":
        monkeypatch.setattr(pooler, "lends", lambda *_given: False)
    config = DatabaseConfig("default", "postgresql", "", "site", "shop", "127.0.0.1")
    with pytest.raises(RelocateError) as caught:
        connect.Server(config, EngineContext(SecretStore(str(tmp_path)))).connect("site")
    assert caught.value.code == "server_unreachable" and caught.value.details == {"session": "lost"}
    assert caught.value.msg.startswith("role shop cannot reach database site: server closed the connection")
    assert dying.closed == (dies_at != "login")
