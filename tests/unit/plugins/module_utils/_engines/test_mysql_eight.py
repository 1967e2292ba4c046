# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What MySQL 8 and 9 print, which MariaDB does not: taken, compared, and changed into nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import admin, grants
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import objects as stored
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import schema as schemas
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import state as states
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import statement as statements
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import Flavor
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState

END = "\n) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci"
#: What SHOW CREATE TABLE prints between the parentheses, and behind the last.
PRINTED = {
    "functional indexes": "  `name` varchar(40) DEFAULT NULL,\n  KEY `f` ((lower(`name`))),\n"
    "  UNIQUE KEY `g` ((cast(json_extract(`doc`,_utf8mb4'$.id') as unsigned array)))",
    "invisible columns": "  `my_row_id` bigint unsigned NOT NULL AUTO_INCREMENT /*!80023 INVISIBLE */,\n"
    "  `parent` varchar(32) DEFAULT NULL /*!80023 INVISIBLE */ COMMENT 'it''s',\n  PRIMARY KEY (`my_row_id`)",
    "checks that are not enforced": "  `i` int DEFAULT NULL,\n  CONSTRAINT `t_chk_1` CHECK ((`i` <> 0)),\n"
    "  CONSTRAINT `t_chk_2` CHECK ((`i` > 1)) /*!80016 NOT ENFORCED */",
    "generated columns": "  `doc` json DEFAULT NULL,\n"
    "  `_id` varbinary(32) GENERATED ALWAYS AS (json_unquote(json_extract(`doc`,_utf8mb4'$._id'))) STORED NOT NULL,\n"
    '  `s` json GENERATED ALWAYS AS (_utf8mb4\'{"type":"select (table)"}\') VIRTUAL',
    "reference systems": "  `geo` point NOT NULL /*!80003 SRID 4326 */,\n"
    "  `l` geometry /*!80003 SRID 0 */ DEFAULT NULL,\n  SPATIAL KEY `geo` (`geo`)",
    "defaults that are expressions": "  `u` binary(16) NOT NULL DEFAULT (uuid_to_bin(uuid())),\n"
    "  `j` json DEFAULT (json_array()),\n  `d` date DEFAULT (curdate()),\n  `t` text DEFAULT (_utf8mb4'select')",
    "invisible and descending keys": "  `a` int DEFAULT NULL,\n  KEY `d` (`a` DESC),\n"
    "  KEY `i` (`a`) /*!80000 INVISIBLE */,\n  FULLTEXT KEY `n` (`t`) /*!50100 WITH PARSER `ngram` */ ",
    "column formats and engines": "  `a` int /*!50606 STORAGE DISK */ /*!50606 COLUMN_FORMAT FIXED */ DEFAULT NULL,\n"
    '  `b` int DEFAULT NULL /*!80021 ENGINE_ATTRIBUTE \'{"key": "value"}\' */',
    "vectors": "  `v` vector(3) DEFAULT NULL",
}
#: What stands behind the parenthesis.
TAILS = [
    "",
    " /*!80016 ENCRYPTION='Y' */",
    " COMMENT='it''s AUTO_INCREMENT=9 /*!80016 '",
    " STATS_PERSISTENT=0 ROW_FORMAT=DYNAMIC /*!80021 SECONDARY_ENGINE_ATTRIBUTE '{}' */",
    "\n/*!50100 PARTITION BY RANGE (`a`)\n(PARTITION p0 VALUES LESS THAN (10) COMMENT = 'x' ENGINE = InnoDB) */",
    "\n/*!50500 PARTITION BY LIST  COLUMNS(a)\n(PARTITION p VALUES IN ('select') ENGINE = InnoDB) */",
    "\n/*!50100 PARTITION BY LINEAR KEY /*!50611 ALGORITHM = 2 */ (a)\nPARTITIONS 3 */",
]


@pytest.mark.parametrize("label", PRINTED)
@pytest.mark.parametrize("tail", TAILS)
def test_a_table_is_taken_and_compared_as_it_is_printed(label: str, tail: str) -> None:
    statement = "CREATE TABLE `t` (\n" + PRINTED[label] + END + tail
    assert statements.checked_table("t", statement) == statement
    normal = schemas.normal_table(statement)
    assert normal == statement.replace(" AUTO_INCREMENT=7", "", 1)
    assert states.next_numbers({"t": statement}) == {"t": 7}
    for word in ("INVISIBLE", "NOT ENFORCED", "SRID 4326", "ENCRYPTION='Y'", "STORED", "DESC"):
        assert word not in statement or schemas.normal_table(statement.replace(word, "")) != normal


VIEW = (
    "CREATE ALGORITHM=UNDEFINED DEFINER=`root`@`%` SQL SECURITY DEFINER VIEW `v` AS select `t`.`a` AS `a`,"
    "row_number() OVER (PARTITION BY `t`.`b` ORDER BY `t`.`a` )  AS `r` from `t`"
)


def test_views_of_mysql_name_no_database() -> None:
    """It leaves out the name of the database that is in use, where MariaDB writes it."""
    item = stored.StoredObject("view", "v", VIEW, database="shop")
    assert stored.statement_of(item, "new") == VIEW.replace("DEFINER=`root`@`%` ", "").replace("`v`", "`new`.`v`")
    other = VIEW.replace("from `t`", "from (`shop`.`t` join lateral (select 1 AS `one`) `l`)")
    assert "from (`new`.`t` join lateral" in stored.statement_of(
        stored.StoredObject("view", "v", other, database="shop"), "new"
    )


class Session:
    """A MySQL server that notes what it is asked and shows grants."""

    def __init__(self, lines: tuple[str, ...] = (), text: str = "8.4.3") -> None:
        self.lines, self.asked, self.flavor = lines, list[str](), Flavor(False, text)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        self.asked.append(sql)
        return [(line,) for line in self.lines] if sql.startswith("SHOW GRANTS") else []

    def run(self, *some: str) -> None:
        self.asked += some

    def send(self, statement: bytes) -> None:
        self.asked.append(statement.decode("utf-8"))

    def use(self, _database: str) -> None:
        pass

    def pin(self) -> None:
        pass


def test_modes_that_mysql_has_given_up_are_left_out() -> None:
    session: Any = Session()
    item = stored.StoredObject(
        "procedure", "p", "CREATE PROCEDURE `p`() SELECT 1", sql_mode="NO_AUTO_CREATE_USER,STRICT_ALL_TABLES"
    )
    stored.create("shop", [item], [session])
    assert "SET SESSION sql_mode = 'STRICT_ALL_TABLES'" in session.asked


@pytest.mark.parametrize(
    ("password", "socket", "how"),
    [("it's", "", "IDENTIFIED BY 'it''s'"), ("", "/run/s", "IDENTIFIED WITH auth_socket")],
)
def test_a_user_is_made_with_the_method_of_the_server(password: str, socket: str, how: str) -> None:
    session: Any = Session()
    server: Any = type("S", (), {"user": "shop", "socket": socket, "config": type("C", (), {"password": password})})
    admin.make_user(server, session, "%")
    assert session.asked == ["CREATE USER 'shop'@'%' " + how]


ALL = "GRANT ALL PRIVILEGES ON `sh\\_op`.* TO `shop`@`%`"
NOBODY = ("event", "function", "package", "package body", "procedure", "trigger", "view")


@pytest.mark.parametrize(
    ("lines", "hidden"),
    [
        ((ALL,), ()),
        (("GRANT SELECT, RELOAD, EXECUTE, SHOW VIEW, EVENT, TRIGGER ON *.* TO `a`@`%` WITH GRANT OPTION",), ()),
        (("GRANT APPLICATION_PASSWORD_ADMIN,SHOW_ROUTINE ON *.* TO `a`@`%`", "GRANT SELECT ON *.* TO `a`@`%`"),
         ("event", "trigger")),
        # Partial revokes
        (("GRANT ALL PRIVILEGES ON *.* TO `a`@`%`", "REVOKE TRIGGER ON `sh_op`.* FROM `a`@`%`"), ("trigger",)),
        (("GRANT ALL PRIVILEGES ON *.* TO `a`@`%`", "REVOKE TRIGGER ON `other`.* FROM `a`@`%`"), ()),
        # A role tells nothing of what it holds; what is effective of it is printed as lines of its own.
        (("GRANT USAGE ON *.* TO `a`@`%`", "GRANT `reader`@`%` TO `a`@`%`"), NOBODY),
        ((ALL.replace(r"sh\_op", r"sh\_op2"),), NOBODY),
        # Rights on one table do not show the database.
        (("GRANT SELECT, TRIGGER ON `sh_op`.`t` TO `a`@`%`", "GRANT EXECUTE ON PROCEDURE `sh_op`.`p` TO `a`@`%`"),
         NOBODY),
    ],
)  # fmt: skip
def test_what_grants_show_of_a_database(lines: tuple[str, ...], hidden: tuple[str, ...]) -> None:
    session: Any = Session(lines)
    assert grants.hidden(session, "sh_op") == hidden


def test_what_one_reader_is_not_shown_is_not_compared() -> None:
    whole = DatabaseState("m", objects={"trigger": ("t",), "table": ("a innodb",)}, schema={"table a": "x"})
    part = DatabaseState("m", objects={"hidden": ("trigger",), "table": ("a innodb",)})
    for one, other in ((whole, part), (part, whole)):
        found = grants.seen_by_both(one, other)
        assert [(state.schema, dict(state.objects)) for state in found] == [(None, {"table": ("a innodb",)})] * 2
    assert grants.seen_by_both(whole, whole) == (whole, whole)
