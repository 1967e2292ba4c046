# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server prints in two ways is one definition, and what differs is two."""

from __future__ import annotations

import datetime
from typing import Any, cast

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.compare import compare_schemas
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import schema as schemas
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.schema import normal_table
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import Flavor


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        # MySQL shows the character set of a column only where it, or the collation, was once written.
        ("`a` text CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,", "`a` text COLLATE utf8mb4_bin,", True),
        ("`a` text CHARACTER SET utf8 COLLATE utf8_bin,", "`a` text COLLATE utf8mb3_bin,", True),
        ("`a` text CHARACTER SET latin1,", "`a` text,", False),
        ("`a` text CHARACTER SET latin1 COLLATE latin1_bin,", "`a` text COLLATE utf8mb4_bin,", False),
        (
            "`a` text COMMENT ' CHARACTER SET utf8mb4 COLLATE utf8mb4_bin'",
            "`a` text COMMENT ' COLLATE utf8mb4_bin'",
            False,
        ),
        (") ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4", ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4", True),
    ],
)
def test_what_is_one_definition(one: str, other: str, equal: bool) -> None:
    assert (normal_table(one) == normal_table(other)) == equal


class _Told:
    """A session that knows its version."""

    def __init__(self, version: str) -> None:
        self.flavor = Flavor(True, version)

    def rows(self, _sql: str) -> list[Any]:
        return [("utf8mb4", "utf8mb4_general_ci", "")]


@pytest.mark.parametrize(("version", "refused"), [("10.6.11-MariaDB", ["table gone"]), ("10.6.7-MariaDB-log", None)])
def test_patch_levels_print_a_table_in_other_words(version: str, refused: list[str] | None) -> None:
    """10.6.11 names every collation, 10.6.7 did not; what is gone is gone."""
    words = {"t": "CREATE TABLE `t` (\n  `a` text\n)", "gone": "CREATE TABLE `gone` (\n  `a` int\n)"}
    now = {"t": "CREATE TABLE `t` (\n  `a` text COLLATE utf8mb4_general_ci\n)"}
    before = schemas.describe(cast("Any", _Told("10.6.7-MariaDB")), "shop", words, (), ())
    after = schemas.describe(cast("Any", _Told(version)), "shop", now, (), ())
    moment = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    found, named = schemas.judge(compare_schemas(before, after), moment)
    assert [item.name for item in found] == (refused or ["table gone", "table t"])
    assert len(named) == (1 if refused else 0)
