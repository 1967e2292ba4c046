# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server prints in two ways is one definition, and what differs is two."""

from __future__ import annotations

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.schema import normal_table


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
