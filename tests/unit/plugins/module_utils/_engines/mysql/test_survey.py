# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a database depends on its server, and what is said of it."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import admin, facts, preflight, survey
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import schema as schemas
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import Flavor
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import Findings
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts, Difference
from tests.unit.fakes import refused

HERE = {
    "event_scheduler": "ON", "max_allowed_packet": str(16 << 20), "lower_case_table_names": "0", "sql_mode": "STRICT",
    "time_zone_names": "loaded", "log_bin": "OFF",
}  # fmt: skip


class Server:
    """A session that answers questions about its server out of a table."""

    def __init__(
        self, variables: dict[str, str], grants: str = "ALL PRIVILEGES", flavor: str = "10.11.6-MariaDB"
    ) -> None:
        self.variables, self.grants = variables, grants
        self.flavor = Flavor("MariaDB" in flavor, flavor)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        if sql.startswith("SHOW GLOBAL VARIABLES"):
            return [
                (name, value) for name, value in self.variables.items() if name != "time_zone_names" and name in sql
            ]
        return [("GRANT " + self.grants + " ON *.* TO `root`@`localhost`",)] if sql == "SHOW GRANTS" else []

    def value(self, sql: str) -> Any:
        if "CONVERT_TZ" in sql:
            return "14:00" if self.variables["time_zone_names"] == "loaded" else None
        return 0


def told(here: dict[str, str], before: dict[str, str], details: dict[str, Any], **server: str) -> list[tuple[str, str]]:
    findings = Findings("default")
    session: Any = Server({**HERE, **here}, **server)
    details = {"variables": {**HERE, **before}, "max_allowed_packet": 16 << 20, **details}
    preflight._variables(session, details, findings)
    preflight._elsewhere(session, details, findings)
    preflight._functions(session, details, findings)
    preflight._kinds_of_tables(session, details, findings)
    return [(item.code, item.msg + " " + item.hint) for item in findings.found]


@pytest.mark.parametrize(
    ("here", "before", "details", "server", "code", "words"),
    [
        ({"event_scheduler": "OFF"}, {}, {"events": ["nightly"]}, {}, "setting_differs", "event_scheduler = ON"),
        ({"time_zone_names": "missing"}, {}, {}, {}, "setting_differs", "mariadb-tzinfo-to-sql"),
        ({"lower_case_table_names": "1"}, {}, {}, {}, "setting_differs", "lower_case_table_names is 1"),
        ({"max_allowed_packet": "1048576"}, {}, {}, {}, "setting_differs", "max_allowed_packet = 16777216"),
        # Who may not raise it needs room for hexadecimal digits.
        ({}, {}, {}, {"grants": "CREATE"}, "setting_differs", "max_allowed_packet = 33554432"),
        ({}, {}, {"largest_table": 20 << 20}, {"grants": "CREATE"}, "setting_differs", "max_allowed_packet = 33554432"),
        ({"max_allowed_packet": str(4 << 20)}, {"max_allowed_packet": "1024"},
         {"max_allowed_packet": 1024, "largest_table": 9}, {"grants": "CREATE"}, "setting_differs",
         "max_allowed_packet = 8388608"),
        ({"sql_require_primary_key": "ON"}, {}, {"without_key": ["log"]}, {}, "setting_differs", "primary key: log"),
        ({"innodb_force_primary_key": "ON"}, {}, {"without_key": ["log"]}, {}, "setting_differs",
         "innodb_force_primary_key = OFF"),
        ({"log_bin": "ON", "log_bin_trust_function_creators": "OFF"}, {}, {"undeclared": ["f"]}, {}, "setting_differs",
         "log_bin_trust_function_creators = 1"),
        ({}, {}, {"elsewhere": {"other": ["view v"]}}, {}, "unsupported_object", "view v"),
        ({}, {}, {"versioned": ["t"]}, {"flavor": "10.6.4-MariaDB"}, "server_too_old", "history"),
        ({}, {}, {"versioned": ["t"]}, {"flavor": "9.1.0"}, "server_too_old", "history"),
        ({}, {}, {"sequences": ["s"]}, {"flavor": "9.1.0"}, "unsupported_object", "no sequences"),
    ],
)  # fmt: skip
def test_what_new_lacks_is_an_obstacle(
    here: dict[str, str], before: dict[str, str], details: dict[str, Any], server: dict[str, str], code: str, words: str
) -> None:
    found = told(here, before, details, **server)
    assert [item[0] for item in found] == [code]
    assert words in found[0][1]


@pytest.mark.parametrize(
    ("here", "before", "details"),
    [
        ({}, {}, {}),
        ({"event_scheduler": "OFF"}, {}, {"events": []}),
        ({"event_scheduler": "OFF"}, {"event_scheduler": "OFF"}, {"events": ["nightly"]}),
        ({"time_zone_names": "missing"}, {"time_zone_names": "missing"}, {}),
        ({"log_bin": "ON", "log_bin_trust_function_creators": "ON"}, {}, {"undeclared": ["f"]}),
        ({}, {}, {"versioned": ["t"], "sequences": ["s"]}),
        ({}, {}, {"without_key": ["log"]}),
        ({"sql_require_primary_key": "ON"}, {}, {"without_key": []}),
    ],
)
def test_what_does_not_matter_is_none(here: dict[str, str], before: dict[str, str], details: dict[str, Any]) -> None:
    assert told(here, before, details) == []


def test_who_may_not_raise_the_packet_needs_room_for_what_there_is() -> None:
    """Equal defaults on a managed server, and a table of 3 MB."""
    assert told({}, {}, {"largest_table": 3 << 20}, grants="CREATE") == []


def test_other_settings_and_rights_are_named() -> None:
    session: Any = Server({**HERE, "sql_mode": ""})
    details = {
        "variables": HERE,
        "account": "`shop`@`localhost`",
        "rights": {"'shop'@'localhost'": ["ALL"], "'reports'@'%'": ["SELECT on t"]},
    }
    found = survey.sentences(session, details)
    assert len(found) == 2
    assert "sql_mode = STRICT" in found[0]
    assert "'reports'@'%'" in found[1] and "SELECT on t" in found[1]


NOW = datetime.datetime(2026, 11, 29, tzinfo=datetime.UTC)


def test_servers_of_two_releases_are_not_expected_to_print_the_same() -> None:
    line = Difference("schema of", "table t", "a\nb int(11)\nc", "a\nb int\nc")
    gone = Difference("schema of", "trigger x", "definition 1", "absent")
    other = Difference("schema of", "server", "MariaDB 10.5", "MySQL 9.1")
    refused, named = schemas.judge([line, gone], NOW)
    assert [str(item) for item in refused] == [
        "schema of table t: recorded b int(11), found b int",
        "schema of trigger x: recorded definition 1, found absent",
    ]
    assert named == []
    refused, named = schemas.judge([other, line, gone], NOW)
    assert refused == [gone]
    assert len(named) == 1 and "table t" in named[0] and "b int(11)" in named[0]


@pytest.mark.parametrize(("moment", "passed"), [("2026-11-28 23:00:00", True), ("2027-02-01 00:00:00", False)])
def test_an_event_that_was_to_run_once(moment: str, passed: bool) -> None:
    gone = [
        Difference("event", "e v 0123", "present", "absent"),
        Difference("schema of", "event e v", f"once at {moment}, definition 0", "absent"),
    ]
    refused, named = schemas.judge(gone, NOW)
    assert (refused == [], len(named)) == (passed, int(passed))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CREATE TABLE `t` (\n) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8",
         "CREATE TABLE `t` (\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3"),
        ("`a` text COLLATE utf8_bin", "`a` text COLLATE utf8mb3_bin"),
    ],
)  # fmt: skip
def test_what_is_no_property_of_a_table(one: str, other: str) -> None:
    assert schemas.normal_table(one) == schemas.normal_table(other)


def test_what_stands_in_a_comment_of_a_table_is_one() -> None:
    assert schemas.normal_table("COMMENT=' AUTO_INCREMENT=7 utf8'") == "COMMENT=' AUTO_INCREMENT=7 utf8'"


FACTS = DatabaseFacts("mysql", "MariaDB 10.11.6", 101106, "10.11", encoding="utf8mb4", collation="utf8mb4_bin")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("collations", [7]), ("collations", "utf8mb4_bin"), ("elsewhere", ["a"]), ("elsewhere", {"a": "b"}),
        ("definers", {"`a`@`b`": [None]}), ("max_allowed_packet", "lots"), ("max_allowed_packet", True),
        ("max_allowed_packet", -1), ("variables", {"sql_mode": 1}), ("account", {"a": 1}), ("names_itself", {"a": 1}),
    ],
)  # fmt: skip
def test_facts_of_another_form_are_refused_by_name(name: str, value: Any) -> None:
    good = {"collations": ["a"], "elsewhere": {"a": ["view b"]}, "max_allowed_packet": 1 << 24, "more": object()}
    assert facts.received(dataclasses.replace(FACTS, details=good))
    with refused("answer_refused", name):
        facts.received(dataclasses.replace(FACTS, details={**good, name: value}))


@pytest.mark.parametrize("changes", [{"encoding": 7}, {"collation": ["a"]}, {"details": []}, {"major": 10.11}])
def test_facts_that_are_no_texts_are_refused(changes: dict[str, Any]) -> None:
    with refused("answer_refused", ""):
        facts.received(dataclasses.replace(FACTS, **changes))


@pytest.mark.parametrize("charset", ["utf8mb4 COMMENT 'x'", "utf8mb4;", "`utf8mb4`"])
def test_a_recorded_character_set_is_no_sql(charset: str) -> None:
    session: Any = Server({})
    with refused("dump_refused", "character set"):
        admin.create_database(session, "d", charset)
    with refused("dump_refused", "collation"):
        admin.create_database(session, "d", "utf8mb4", charset)
