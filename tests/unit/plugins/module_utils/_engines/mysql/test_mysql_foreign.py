# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A script of mysqldump, read statement by statement, and what is thought of each."""

from __future__ import annotations

import io
import random
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import foreign
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.foreign_script import Script, Statement
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

SCRIPT = rb"""/*M!999999\- enable the sandbox mode */
-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: shop
-- ------------------------------------------------------
-- Server version	10.11.6-MariaDB-0+deb12u1
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET TIME_ZONE='+00:00' */;
/* a comment; of nobody */
CREATE TABLE `a;b` (
  `x` varchar(9) DEFAULT 'it\'s; -- "x' COMMENT "y;"
) ENGINE=InnoDB /*!50100 PARTITION BY HASH (id) */;
LOCK TABLES `a;b` WRITE;
INSERT INTO `a;b` VALUES ('1;''\\'),(_binary '\0\n;');
UNLOCK TABLES;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER t BEFORE INSERT ON `a;b` FOR EACH ROW BEGIN
  SET @x = '*/;;'; -- one; two
END */;;
DELIMITER ;
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=`root`@`%` SQL SECURITY DEFINER */
/*!50001 VIEW `v` AS select 1 AS `1` */;
-- Dump completed on 2026-11-30
"""
BEGINS = [
    b"/*!40101 SET @OLD",
    b"/*!40101 SET NAMES",
    b"/*!40103 SET TIME_ZONE",
    b"CREATE TABLE `a;b`",
    b"LOCK TABLES",
    b"INSERT INTO `a;b` VALUES ('1;''\\\\'),(_binary '\\0\\n;')",
    b"UNLOCK TABLES",
    b"/*!50003 CREATE*/ /*!50017",
    b"/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`root`@`%` SQL SECURITY DEFINER */\n/*!50001 VIEW",
]


class Slow(io.BytesIO):
    """Gives a few bytes at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        super().__init__(data)
        self._step = step

    def read(self, size: Any = -1) -> bytes:
        return super().read(self._step)


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64, 1 << 20])
def test_statements(step: int) -> None:
    found = list(Script(Slow(SCRIPT, step)).statements())
    assert [item.text[: len(begins)] for item, begins in zip(found, BEGINS, strict=True)] == BEGINS
    assert found[-2].text.endswith(b"END */")


def test_objects_are_taken_apart() -> None:
    policy = foreign.Policy("shop")
    said = [policy.judge(item) for item in Script(io.BytesIO(SCRIPT)).statements()]
    assert said == ["-", "-", "-", "", "-", "", "-", "object", "object"]
    assert {key: item.definer for key, item in policy.objects.items()} == {
        ("trigger", "t"): "`root`@`localhost`",
        ("view", "v"): "`root`@`%`",
    }


def test_a_survey() -> None:
    found = foreign.survey(io.BytesIO(SCRIPT))
    assert (found.made_by, found.database, found.server) == (
        "MariaDB 10.19 10.11.6-MariaDB",
        "shop",
        "10.11.6-MariaDB-0+deb12u1",
    )
    assert (found.tables, found.inserts, found.has_zone) == (1, 1, True)


def test_a_script_that_was_cut_is_refused_or_ends_between_two_statements() -> None:
    for place in random.Random(2).sample(range(60, len(SCRIPT)), 60):
        try:
            assert len(list(Script(io.BytesIO(SCRIPT[:place])).statements())) <= len(BEGINS)
        except RelocateError as error:
            assert error.code == "dump_truncated"
    with pytest.raises(RelocateError):
        list(Script(io.BytesIO(SCRIPT[: SCRIPT.index(b"_binary")])).statements())


@pytest.mark.parametrize("part", ["TIME_ZONE", "INSERT", "CREATE TABLE"])
def test_a_dump_without_what_it_needs_is_refused(part: str) -> None:
    text = "/*!40103 SET TIME_ZONE='+00:00' */;\nCREATE TABLE t (a int);\nINSERT INTO t VALUES (1);\n"
    foreign.survey(io.BytesIO(text.encode()))
    with pytest.raises(RelocateError) as refusal:
        foreign.survey(io.BytesIO("\n".join(line for line in text.splitlines() if part not in line).encode()))
    assert refusal.value.code == "dump_refused"


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE other.t (a int)",
        "CREATE TABLE t LIKE other.t",
        "CREATE OR REPLACE TABLE t (a int)",
        "CREATE TABLE t (a int) /*!50003 SELECT * FROM other.t */",
        "CREATE USER x",
        "CREATE ROLE x",
        "CREATE SERVER x FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h')",
        "CREATE DEFINER=root@localhost TRIGGER other.t BEFORE INSERT ON other.x FOR EACH ROW SET @a = 1",
        "CREATE AGGREGATE FUNCTION f RETURNS STRING SONAME 'x.so'",
        "DROP USER x",
        "ALTER USER x IDENTIFIED BY 'y'",
        "ALTER TABLE t RENAME other.t",
        "INSERT INTO t SELECT * FROM other.t",
        "INSERT INTO other.t VALUES (1)",
        "SELECT SLEEP(1)",
        "DO SLEEP(1)",
        "LOAD DATA INFILE 'x' INTO TABLE t",
        "CALL p()",
        "GRANT ALL ON *.* TO x",
        "RENAME TABLE t TO other.t",
        "TRUNCATE t",
        "DELETE FROM t",
        "HANDLER t OPEN",
        "PREPARE s FROM 'DROP DATABASE x'",
        "EXECUTE IMMEDIATE 'DROP DATABASE x'",
        "BACKUP STAGE START",
        "SHUTDOWN",
        "KILL 1",
        "INSTALL PLUGIN x SONAME 'y'",
    ],
)
def test_what_leads_out_is_refused(text: str) -> None:
    with pytest.raises(RelocateError) as refusal:
        foreign.Policy("shop").judge(Statement(text.encode(), 1))
    assert refusal.value.code == "dump_refused"


def test_what_takes_over_a_value_runs_nothing() -> None:
    for text in (
        "SET PASSWORD = 'x'",
        "SET GLOBAL log_bin_trust_function_creators = 1",
        "SET @@GLOBAL.GTID_PURGED='x'",
    ):
        assert foreign.Policy("").judge(Statement(text.encode(), 1)) == "-"


def test_line_ends_in_values_of_a_rewritten_file_are_refused() -> None:
    with pytest.raises(RelocateError) as refusal:
        list(Script(io.BytesIO(b"INSERT INTO t VALUES ('a\nb');\n"), rewrapped=True).statements())
    assert refusal.value.code == "dump_encoding"
