# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Statements as tokens; taken apart and put together; what a hostile set says is refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import objects as stored
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import statement as statements
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import text
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import ident, literal
from tests.unit.fakes import refused

pytestmark = pytest.mark.slow

OWN = "`shop`@`localhost`"


@given(
    st.text(alphabet="ab`'\"\\ \n-#/*!;.(é", max_size=40), st.sampled_from(["", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES"])
)
def test_tokens_are_the_whole_statement(statement: str, mode: str) -> None:
    found = text.tokens(statement, mode)
    assert "".join(token.text for token in found) == statement
    assert [token.start for token in found] == [len(statement[: token.start]) for token in found]


@given(st.text(max_size=20), st.text(max_size=20))
def test_names_and_strings_are_one_token_each(name: str, value: str) -> None:
    found = text.significant(text.tokens(f"SELECT {ident(name)} = {literal(value)}"))
    assert [token.kind for token in found] == ["word", "name", "other", "string"]
    assert found[1].name == name


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        # A table that is named like its database: nothing here names the database.
        ("AS select `shop`.`id` AS `id` from (`shop` join `o` on(`o`.`id` = `shop`.`id`))", None),
        # The same, told by three names, beside another database.
        ("AS select `shop`.`shop`.`id` AS `id` from (`shop`.`shop` join `x2`.`shop` `a`)",
         "AS select `new`.`shop`.`id` AS `id` from (`new`.`shop` join `x2`.`shop` `a`)"),
        ("AS select `shop`.`f`(`shop`.`t`.`x`) AS `shop`,`a`.`id` from ((`shop`.`t` join `shop`.`u`) join `x`.`y` `a`)",
         "AS select `new`.`f`(`new`.`t`.`x`) AS `shop`,`a`.`id` from ((`new`.`t` join `new`.`u`) join `x`.`y` `a`)"),
        ("AS select '`shop`.`t`' AS `it's ``shop``.`,\"`shop`.\" from `shop`.`t`",
         "AS select '`shop`.`t`' AS `it's ``shop``.`,\"`shop`.\" from `new`.`t`"),
        # FROM of EXTRACT and TRIM is none of a SELECT.
        ("AS select extract(year from `shop`.`d`) AS `y`,trim(both 'a' from (`shop`.`c`)) from `shop`", None),
        ("AS select 1 where exists(select 1 from `shop`.`o` where `shop`.`o`.`id` = `shop`.`id`)",
         "AS select 1 where exists(select 1 from `new`.`o` where `new`.`o`.`id` = `shop`.`id`)"),
        ("AS select `shops`.`t`.`a` from `shops`.`t`", None),
    ],
)  # fmt: skip
def test_a_view_is_led_to_another_database(statement: str, expected: str | None) -> None:
    assert text.requalified(statement, "shop", "new") == (expected or statement)
    assert text.requalified(text.requalified(statement, "shop", "new"), "new", "shop") == statement


@pytest.mark.parametrize(
    ("statement", "mode", "names"),
    [
        ("INSERT INTO shop.log VALUES (1)", "", True),
        ("INSERT INTO `shop` . `log` VALUES (1)", "", True),
        ("INSERT INTO Shop.log VALUES (1)", "", True),
        ("INSERT INTO /* here */ shop/**/.log VALUES (1)", "", True),
        ('SELECT "shop"."log"', "ANSI_QUOTES", True),
        ("PREPARE s FROM 'DELETE FROM shop.log'", "", True),
        ("INSERT INTO log VALUES ('the shop is closed')", "", False),
        ("SELECT a.shop, shop FROM log -- shop.log", "", False),
        ("SELECT myshop.x, 'myshop.x'", "", False),
    ],
)
def test_who_names_a_database(statement: str, mode: str, names: bool) -> None:
    assert text.naming(statement, "shop", mode) is names


PRINTED = [
    ("view", "v", "CREATE ALGORITHM=MERGE DEFINER=`root`@`%` SQL SECURITY INVOKER VIEW `v` AS select 1 AS `1`", "",
     "CREATE ALGORITHM=MERGE DEFINER=`shop`@`localhost` SQL SECURITY INVOKER VIEW `d`.`v` AS select 1 AS `1`"),
    ("trigger", "t", "CREATE DEFINER=`r`@`%` trigger if not exists src.t before insert on src.`b` for each row set @a",
     "",
     "CREATE DEFINER=`shop`@`localhost` TRIGGER `t` BEFORE INSERT ON `b` for each row set @a"),
    ("function", "a`b", "CREATE DEFINER=root@localhost AGGREGATE FUNCTION `a``b`(x int) RETURNS int\nRETURN 1", "",
     "CREATE DEFINER=`shop`@`localhost` AGGREGATE FUNCTION `d`.`a``b`(x int) RETURNS int\nRETURN 1"),
    ("package body", "p", 'CREATE DEFINER="root"@"localhost" PACKAGE BODY "p" AS x INT; END', "ANSI_QUOTES",
     "CREATE DEFINER=`shop`@`localhost` PACKAGE BODY `d`.`p` AS x INT; END"),
    ("procedure", "p", "CREATE DEFINER=`admins` PROCEDURE `p`() SELECT 'DEFINER=`root`@`localhost` '", "",
     "CREATE DEFINER=`shop`@`localhost` PROCEDURE `d`.`p`() SELECT 'DEFINER=`root`@`localhost` '"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name", "statement", "mode", "expected"), PRINTED, ids=[one[0] for one in PRINTED])
def test_a_statement_is_ours_up_to_its_name(kind: str, name: str, statement: str, mode: str, expected: str) -> None:
    item = stored.StoredObject(kind, name, statement, sql_mode=mode, database="src")
    assert stored.statement_of(stored.with_definer(item, OWN), "d") == expected


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        ("trigger", "GRANT ALL PRIVILEGES ON *.* TO `shop`@`localhost`"),
        ("trigger", "CREATE USER `x`@`%`"),
        ("trigger", "CREATE DEFINER=`root`@`localhost` EVENT `x` ON SCHEDULE EVERY 1 DAY ENABLE DO SELECT 1"),
        ("trigger", "CREATE OR REPLACE TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET @a = 1"),
        ("trigger", "CREATE TRIGGER other.x BEFORE INSERT ON t FOR EACH ROW SET @a = 1"),
        ("trigger", "CREATE TRIGGER x BEFORE INSERT ON other.t FOR EACH ROW SET @a = 1"),
        ("view", "CREATE /*!50001 DEFINER=`root`@`localhost` */ VIEW `x` AS select 1"),
        ("view", "CREATE VIEW `y` AS select 1"),
        ("view", "CREATE VIEW `other`.`x` AS select 1"),
        ("procedure", "CREATE FUNCTION `x`() RETURNS int RETURN 1"),
        ("function", "CREATE FUNCTION `x"),
        ("event", ""),
        ("table", "CREATE TABLE `x` (`a` int)"),
    ],
)
def test_a_statement_that_is_another_is_refused(kind: str, statement: str) -> None:
    plain: dict[str, Any] = dataclasses.asdict(stored.StoredObject(kind, "x", statement, database="src"))
    with refused("dump_refused", ""):
        stored.from_plain([plain])


@pytest.mark.parametrize(
    "statement",
    ["DROP TABLE `x`", "CREATE TABLE `y` (`a` int)", "CREATE TABLE `x` SELECT 1", "CREATE TABLE `x`.`x` (`a` int)",
     "/*!50000 DROP DATABASE shop */", "", "CREATE TABLE `x` (`a` int) AS SELECT * FROM `live`.`t`",
     "CREATE TABLE `x` (`a` int) (SELECT `live`.`f`())", "CREATE TABLE `x` (`a` int) ENGINE=InnoDB /*! select 1 */",
     "CREATE TABLE `x` (`a` int) /*!50100 PARTITION BY KEY () */ /*M!100000 TABLE `live`.`t` */",
     "CREATE TABLE `x` (`a` int) VALUES ROW(`live`.`f`())", "CREATE TABLE `x` (`a` int) IGNORE /**/ SELECT 1",
     "CREATE TABLE `x` (`a` int) ENGINE=MRG_MyISAM INSERT_METHOD=LAST UNION=(`t`,`live`.`t`)",
     "CREATE TABLE `x` (`a` int) ENGINE=MRG_MyISAM /*!40000 UNION=(live.t) */"],
)  # fmt: skip
def test_a_table_that_is_none_is_refused(statement: str) -> None:
    with refused("dump_refused", ""):
        statements.checked_table("x", statement)


@pytest.mark.parametrize(
    "rest",
    [
        "(`select` int DEFAULT 1 COMMENT 'SELECT (TABLE)', `table` int, KEY `values` (`table`)) COMMENT='it''s TABLE'",
        "(`a` int) PARTITION BY RANGE (`a`) (PARTITION `p` VALUES LESS THAN (5), PARTITION `row` VALUES LESS THAN (7))",
        "(`a` int) ENGINE=InnoDB\n/*!50100 PARTITION BY LIST (`a`)\n(PARTITION p VALUES IN (1,2) ENGINE = InnoDB) */",
        "(`a` decimal(5,2) DEFAULT 1.5, FOREIGN KEY (`a`) REFERENCES `other`.`t` (`a`)) ENGINE=X UNION=(`t`,`u`)",
        "(`a` int, FULLTEXT KEY `f` (`a`) /*!50100 WITH PARSER `ngram` */) WITH SYSTEM VERSIONING",
    ],
)
def test_a_table_is_taken_as_servers_print_it(rest: str) -> None:
    statement = "CREATE TABLE `x (` " + rest
    assert statements.checked_table("x (", statement) == statement


@pytest.mark.parametrize("word", ["utf8mb4 COMMENT 'x'", "", "utf8mb4;", "a\n", None])
def test_character_sets_are_names(word: Any) -> None:
    with refused("dump_refused", ""):
        statements.plain(word, "character set")


EVENT = "CREATE DEFINER=`a`@`b` EVENT {0} ON SCHEDULE EVERY 1 DAY ON COMPLETION NOT PRESERVE {1} {2}DO {3}"


@pytest.mark.parametrize("status", statements.STATES)
@pytest.mark.parametrize("comment", ["", "COMMENT 'ENABLE DO ' "])
def test_events_sleep_while_they_are_not_live(status: str, comment: str) -> None:
    said = EVENT.format("`ENABLE DO`", status, comment, "UPDATE t SET a = 'ENABLE DO '")
    event = stored.StoredObject("event", "ENABLE DO", said, definer=OWN, enabled=status)
    asleep = stored.statement_of(stored.disabled(event), "d")
    told = EVENT.replace("`a`@`b`", OWN)
    assert asleep == told.format("`d`.`ENABLE DO`", "DISABLE", comment, "UPDATE t SET a = 'ENABLE DO '")
    assert stored.statement_of(event, "d") == told.format(
        "`d`.`ENABLE DO`", status, comment, "UPDATE t SET a = 'ENABLE DO '"
    )


def test_the_state_of_an_event_is_a_word_and_not_sql() -> None:
    """The owner of a database can write what is noted there of its events."""
    said = EVENT.format("e", "DISABLE", "", "SELECT 1")
    event = stored.StoredObject("event", "e", said, enabled="ENABLE DO GRANT ALL PRIVILEGES ON *.* TO shop #")
    with refused("dump_refused", "unknown state"):
        stored.statement_of(event, "d")


ROOTS = stored.StoredObject(
    "procedure", "p", "CREATE DEFINER=`root`@`localhost` PROCEDURE `p`() GRANT ALL PRIVILEGES ON *.* TO shop",
    "`root`@`localhost`",
)  # fmt: skip


class Maker:
    """A session that notes what it is asked, and may not do everything."""

    def __init__(self, able: bool = True) -> None:
        self.able, self.asked = able, list[str]()
        self.flavor = type("Flavor", (), {"mariadb": True})()

    def use(self, database: str) -> None:
        pass

    def pin(self) -> None:
        pass

    def run(self, *some: str) -> None:
        pass

    def send(self, statement: bytes) -> None:
        self.asked.append(statement.decode("utf-8"))
        if not self.able:
            from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

            raise RelocateError("right_missing", "no")


def test_the_settings_user_makes_what_he_may_and_events_always() -> None:
    """The server works out the times of an event, functions and all, with the rights of whoever makes it."""
    event = stored.StoredObject("event", "e", EVENT.format("e", "ENABLE", "", "SELECT 1"))
    own, root = Maker(), Maker()
    stored.create("d", [ROOTS, event], [own, root])  # type: ignore[list-item]
    assert (len(own.asked), root.asked) == (2, [])
    own, root = Maker(able=False), Maker()
    stored.create("d", [stored.with_definer(ROOTS, OWN)], [own, root])  # type: ignore[list-item]
    assert root.asked == own.asked
    with refused("right_missing", "event e"):
        stored.create("d", [event], [own, root])  # type: ignore[list-item]
    assert len(root.asked) == 1


def test_an_event_of_another_account_is_given_to_it_and_not_made_by_the_administrator() -> None:
    class Own(Maker):
        def send(self, statement: bytes) -> None:
            self.able = b"DEFINER" not in statement
            super().send(statement)

    event = stored.StoredObject("event", "e", EVENT.format("e", "ENABLE", "", "SELECT 1"), enabled="DISABLE")
    own, root = Own(), Maker()
    stored.create("d", [stored.with_definer(event, "`app`@`%`")], [own, root])  # type: ignore[list-item]
    assert "DEFINER" not in own.asked[-1] and own.asked[-1].startswith("CREATE EVENT `d`.`e` ON SCHEDULE")
    assert root.asked == ["ALTER DEFINER=`app`@`%` EVENT `d`.`e` DISABLE"]


def test_a_statement_is_sent_in_its_own_character_set() -> None:
    class Raw(Maker):
        def send(self, statement: bytes) -> None:
            self.asked.append(repr(statement))

    item = stored.StoredObject(
        "procedure", "p", "CREATE PROCEDURE `p`() SELECT 'é'", charset="latin1", collation="latin1_swedish_ci"
    )
    own = Raw()
    stored.create("d", [item], [own])  # type: ignore[list-item]
    assert "\\xe9" in own.asked[0] and "\\xc3" not in own.asked[0]
    with refused("load_failed", "letters"):
        stored.create("d", [dataclasses.replace(item, statement=item.statement.replace("é", "日"))], [own])  # type: ignore[list-item]
