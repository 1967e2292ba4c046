# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who acts as a server's administrator, and what is said when nobody may."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.sql import Logins, session_lost
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import Login


class Ways(Logins[Any]):
    """Every way in either leads in or fails with what is given for it."""

    def __init__(self, given: Login, **refused: RelocateError) -> None:
        self.config: Any = SimpleNamespace(alias="default")
        self.context: Any = SimpleNamespace(admin=given)
        self.refused = refused

    def _go(self, way: str) -> str:
        if way in self.refused:
            raise self.refused[way]
        return way

    def by_login(self, database: str) -> Any:
        return self._go("login")

    def by_root(self, database: str) -> Any:
        return self._go("root")

    def by_creator(self, database: str) -> Any:
        return self._go("creator")

    def by_settings(self) -> Any:
        return self._go("settings")

    def more_ways(self) -> str:
        return "or grant CREATE"


LOGIN = Login(user="mover", password="s3cret-Canary")
SETTINGS = "check USER, PASSWORD and HOST in the settings"


def test_a_login_that_is_refused_is_not_the_settings_user() -> None:
    refusal = RelocateError("login_failed", "user mover: Access denied", SETTINGS)
    for ask in (Ways(LOGIN, login=refusal).admin, Ways(LOGIN, login=refusal).anyone):
        with pytest.raises(RelocateError) as caught:
            ask()
        assert (caught.value.code, caught.value.msg) == ("login_failed", "user mover: Access denied")
        assert "relocate_login" in caught.value.hint and "settings" not in caught.value.hint


def test_what_else_a_login_meets_keeps_its_hint() -> None:
    refusal = RelocateError("server_unreachable", "nobody listens", "start it", {"port": 5432})
    with pytest.raises(RelocateError) as caught:
        Ways(LOGIN, login=refusal).admin()
    assert (caught.value.hint, caught.value.details) == ("start it", {"port": 5432})


def test_without_a_login_root_comes_first_and_the_settings_user_last() -> None:
    no_root = RelocateError("right_missing", "not on this host", "")
    nobody = {"root": no_root, "creator": RelocateError("right_missing", "role shop may not", "")}
    assert Ways(LOGIN).admin() == "login"
    assert Ways(Login()).admin() == "root"
    assert Ways(Login(), root=no_root).admin() == "creator"
    assert Ways(Login(), **nobody).anyone() == "settings"
    with pytest.raises(RelocateError, match=r"server of default: not on this host Next: .*or grant CREATE"):
        Ways(Login(), **nobody).admin()


@pytest.mark.parametrize("way", ["root", "creator"])
def test_a_server_that_dies_meanwhile_lacks_no_right(way: str) -> None:
    lost = session_lost("PostgreSQL ended the session")
    refused = {"root": RelocateError("right_missing", "not on this host", ""), way: lost}
    with pytest.raises(RelocateError) as caught:
        Ways(Login(), **refused).admin()
    assert caught.value is lost
    with pytest.raises(RelocateError) as caught:
        Ways(Login(), **refused).anyone()
    assert caught.value is lost


def test_a_server_that_answers_nobody_lacks_no_right() -> None:
    """Root may have looked for another socket than the settings'; what these reach counts."""
    down = RelocateError("server_unreachable", "Connection refused", "start the server")
    no_root = RelocateError("right_missing", "not on this host", "")
    for root in (down, no_root):
        for ask in (Ways(Login(), root=root, creator=down).admin, Ways(Login(), root=root, creator=down).anyone):
            with pytest.raises(RelocateError) as caught:
                ask()
            assert caught.value is down
    assert Ways(Login(), root=down).admin() == "creator"
    may_not = RelocateError("right_missing", "role shop may not", "")
    with pytest.raises(RelocateError, match=r"\[right_missing\] nobody here may create databases.* Connection refused"):
        Ways(Login(), root=down, creator=may_not).admin()
