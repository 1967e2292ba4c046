# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Administrators who are no superusers, on servers that no test can start here."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import admin, managed
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import Findings
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts


class Asked:
    """A session, played: the first words that a question holds decide the answer."""

    def __init__(self, major: int, answers: dict[str, Any]) -> None:
        self.major, self.answers, self.ran = major, answers, []  # type: ignore[var-annotated]

    def value(self, sql: str) -> Any:
        return next((answer for words, answer in self.answers.items() if words in sql), None)

    def rows(self, sql: str) -> Any:
        return self.value(sql)

    def run(self, *sql: str) -> None:
        self.ran += sql


class Server:
    """The settings' role, and no more."""

    acts_as = "shop"


@pytest.mark.parametrize(
    ("major", "kinds"), [(13, ["MEMBER"]), (15, ["MEMBER"]), (16, ["SET", "USAGE"]), (18, ["SET", "USAGE"])]
)
def test_from_16_on_a_maker_of_roles_grants_them_to_himself(
    monkeypatch: pytest.MonkeyPatch, major: int, kinds: list[str]
) -> None:
    """He is a member from the start, who may neither act as the role nor rename its databases (seen with 17)."""
    asked: list[str] = []
    session = Asked(major, {"rolsuper OR": False})
    real: Callable[[str], Any] = session.value
    monkeypatch.setattr(session, "value", lambda sql: asked.append(sql) or real(sql))
    server: Any = Server()
    admin._join_role(server, session)  # type: ignore[arg-type]
    assert session.ran == ['GRANT "shop" TO CURRENT_USER']
    assert [kind for kind in ("MEMBER", "SET", "USAGE") if f"'shop', '{kind}'" in asked[0]] == kinds


@pytest.mark.parametrize(
    ("settings", "refused"),
    [
        ({}, ["earthdistance"]),
        ({"rds.extensions": "cube, citext"}, ["earthdistance", "hstore"]),
        ({"rds.extensions": "cube, citext, hstore, earthdistance", "rds.allowed_extensions": "*"}, []),
        (
            {"rds.extensions": "cube, citext, hstore", "rds.allowed_extensions": "cube"},
            ["citext", "earthdistance", "hstore"],
        ),
        ({"azure.extensions": "CITEXT,CUBE,HSTORE"}, ["earthdistance"]),
        ({"azure.extensions": ""}, ["citext", "cube", "earthdistance", "hstore"]),
        ({"supautils.privileged_extensions": "earthdistance"}, []),
        ({"cloudsqlsuperuser": True}, []),
    ],
)
def test_extensions_by_each_providers_list(settings: dict[str, Any], refused: list[str]) -> None:
    available = [("plpgsql", True, []), ("citext", True, []), ("hstore", True, []), ("cube", True, [])]
    answers = {"FROM pg_available_extension_versions": [*available, ("earthdistance", False, ["cube"])], **settings}
    recorded = DatabaseFacts(
        "postgresql",
        "PostgreSQL 15",
        150018,
        "15",
        extensions=dict.fromkeys(("citext", "hstore", "earthdistance", "gone"), "1"),
    )
    for there in (frozenset(), frozenset(refused)):
        findings = Findings("default")
        managed.check_extensions(Asked(15, answers), recorded, there, findings)  # type: ignore[arg-type]
        assert [item.msg.split()[1] for item in findings.found] == [name for name in refused if name not in there]
        assert {item.code for item in findings.found} <= {"right_missing"}
