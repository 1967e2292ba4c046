# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose things become on new is said by the inventory, never by a set; who may do more is refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import definers, grants
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import objects as stored
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from tests.unit.fakes import refused

OWN, FORMER, APP = "`shop`@`localhost`", "`shop`@`%`", "`app`@`%`"
ROOTS = stored.StoredObject(
    "procedure", "p", "CREATE DEFINER=`root`@`localhost` PROCEDURE `p`() SELECT 'DEFINER=`root`@`localhost`'",
    "`root`@`localhost`",
)  # fmt: skip
MINE = dataclasses.replace(ROOTS, name="q", statement=ROOTS.statement.replace("`p`", "`q`"), definer=FORMER)


def test_a_definer_out_of_a_set_never_stays() -> None:
    """Not root's, whom every server knows; and the settings' user on old is the one on new, without a word."""
    told: list[str] = []
    found = definers.settle([ROOTS, MINE], OWN, FORMER, definers.chosen({}), told.append)
    assert [item.definer for item in found] == [OWN, OWN]
    assert all(f"DEFINER={OWN} " in stored.statement_of(item, "d") for item in found)
    assert told == [f"procedure p: its definer was `root`@`localhost`, {OWN} takes its place"]


def test_a_named_account_takes_over() -> None:
    told: list[str] = []
    found = definers.settle([ROOTS, MINE], OWN, FORMER, definers.chosen({"root@localhost": "app@%"}), told.append)
    assert [item.definer for item in found] == [APP, OWN]
    # By the parser: what only looks like a definer, in a text, stays.
    assert stored.statement_of(found[0], "d") == (
        "CREATE DEFINER=`app`@`%` PROCEDURE `d`.`p`() SELECT 'DEFINER=`root`@`localhost`'"
    )
    assert told == [f"procedure p: its definer was `root`@`localhost`, {APP} takes its place"]


def test_one_account_takes_over_from_all_others() -> None:
    """What was the settings' user's stays his, unless he is named himself."""
    told: list[str] = []
    found = definers.settle([ROOTS, MINE], OWN, FORMER, definers.chosen({"*": "app@%"}), told.append)
    assert [item.definer for item in found] == [APP, OWN]
    found = definers.settle([MINE], OWN, FORMER, definers.chosen({"shop@%": "app@%"}), told.append)
    assert [item.definer for item in found] == [APP]


def test_a_definer_that_old_does_not_have_is_told() -> None:
    told: list[str] = []
    definers.settle([MINE], OWN, FORMER, definers.chosen({"rot@localhost": "app@%"}), told.append)
    assert told == ["nothing belonged to `rot`@`localhost`, which relocate_definers names"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("root@localhost", "`root`@`localhost`"),
        ("app@%", APP),
        ("'app'@'%'", APP),
        ("`a``b`@`10.0.0.%`", "`a``b`@`10.0.0.%`"),
        ('"it\'s"@"%"', "`it's`@`%`"),
        ("a@b@localhost", "`a@b`@`localhost`"),
        ("app", None),
        ("app@", None),
        ("@%", None),
        ("", None),
        ("app@% IDENTIFIED BY 'x'", None),
        ("`app`@`%` SQL SECURITY INVOKER", None),
        ("app`@`%", None),
    ],
)
def test_accounts_are_user_and_host(text: str, expected: str | None) -> None:
    if expected is None:
        with refused("bad_option", "is no account"):
            definers.chosen({"*": text})
    else:
        assert definers.chosen({"*": text}).others == expected
        assert definers.chosen({text: "app@%"}).named == {expected: APP}


def test_a_role_may_be_a_definer_on_old() -> None:
    assert definers.chosen({"admins": "app@%"}).named == {"`admins`": APP}


@pytest.mark.parametrize(
    ("text", "place", "rights"),
    [
        ("GRANT USAGE ON *.* TO `app`@`%` IDENTIFIED BY PASSWORD '*94BD'", "*.*", set()),
        ("GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` IDENTIFIED VIA unix_socket WITH GRANT OPTION", "*.*",
         {"ALL PRIVILEGES", "GRANT OPTION"}),
        ("GRANT SELECT, INSERT (`a`, `b`) ON `x TO y`.`ON` TO `app`@`%`", "`x TO y`.`ON`",
         {"SELECT", "INSERT (`a`, `b`)"}),
        # MySQL 8: static and dynamic privileges, roles, partial revokes
        ("GRANT BACKUP_ADMIN,SET_USER_ID,SYSTEM_USER ON *.* TO `app`@`%` WITH GRANT OPTION", "*.*",
         {"BACKUP_ADMIN", "SET_USER_ID", "SYSTEM_USER", "GRANT OPTION"}),
        ("GRANT `app_read`@`%`,`app_write`@`%` TO `app`@`%`", "", {"`app_read`@`%`,`app_write`@`%`"}),
        ("REVOKE INSERT ON `mysql`.* FROM `app`@`%`", "`mysql`.*", {"INSERT"}),
        ("GRANT EXECUTE ON PROCEDURE `shop`.`p` TO `app`@`%`", "PROCEDURE `shop`.`p`", {"EXECUTE"}),
        ("GRANT PROXY ON ''@'%' TO 'root'@'localhost' WITH GRANT OPTION", "''@'%'", {"PROXY", "GRANT OPTION"}),
        ("SET DEFAULT ROLE `r` FOR `app`@`%`", "", set()),
    ],
)  # fmt: skip
def test_lines_of_show_grants(text: str, place: str, rights: set[str]) -> None:
    given = not text.startswith("REVOKE")
    assert grants.line(text) == (given, place, rights)


class Grants:
    """A server that knows some accounts."""

    def __init__(self, known: dict[str, list[str]]) -> None:
        self.known = known

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        account = sql[len("SHOW GRANTS FOR ") :]
        if account not in self.known:
            raise RelocateError("query_failed", "no such grant", details={"number": 1141})
        return [(line + " TO " + account,) for line in self.known[account]]


LIVE = r"GRANT ALL PRIVILEGES ON `sh\_op`.*"
WANTED = {"root@localhost": "app@%"}


@pytest.mark.parametrize(
    ("theirs", "option", "expected"),
    [
        (None, WANTED, [("bad_option", "does not know")]),
        ([LIVE], WANTED, []),
        ([LIVE], {"*": "app@%"}, []),
        ([LIVE, "GRANT SELECT ON `sh_op`.`t`"], {"*": "app@%"}, []),
        (["GRANT USAGE ON *.*"], WANTED, [("right_missing", "no rights on database sh_op")]),
        ([r"GRANT ALL PRIVILEGES ON `sh\_op2`.*"], WANTED, [("right_missing", "no rights on database sh_op")]),
        # More than the settings' user: only from a definer that is named in full.
        ([LIVE, "GRANT SUPER ON *.*"], WANTED, []),
        ([LIVE, "GRANT SUPER ON *.*"], {"*": "app@%"}, [("bad_option", "SUPER on *.*")]),
        ([LIVE, "GRANT `dba`@`%`"], {"*": "app@%"}, [("bad_option", "`dba`@`%`")]),
        ([LIVE, "GRANT SELECT ON `other`.*"], {"*": "app@%"}, [("bad_option", "SELECT on `other`.*")]),
        ([LIVE, "GRANT SELECT ON `common`.*"], {"*": "app@%"}, []),
        # Nobody on old whose place it would take.
        (None, {"nobody@%": "app@%"}, []),
    ],
)
def test_who_may_become_a_definer(
    theirs: list[str] | None, option: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    known = {OWN: [LIVE, "GRANT SELECT ON `common`.*"]}
    known.update({APP: theirs} if theirs is not None else {})
    found = definers.refusals(
        Grants(known),
        definers.chosen(option),
        (OWN, FORMER),
        "sh_op",
        {FORMER, "`root`@`localhost`"},  # type: ignore[arg-type]
    )
    assert [item.code for item in found] == [code for code, _text in expected]
    assert all(text in item.msg for item, (_code, text) in zip(found, expected, strict=True))
