# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The longest tests come first: one that began last would keep two of three labs idle."""

from __future__ import annotations

import pytest

#: By what a test's name begins with, as the figures of `make test` have it.
LONGEST = [
    "test_one_failure_after_the_other_on_postgresql",
    "test_new_is_lost",
    "test_a_site_out_of_its_nightly_sets",
    "test_undo_and_move_again",
    "test_one_failure_after_the_other_on_mariadb",
    "test_mariadb_is_killed",
    "test_no_canary_shows",
    "test_the_first_fails",
    "test_sqlite_to_postgresql_in_place",
    "test_wagtail",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort, and leave the rest as it is."""

    def rank(item: pytest.Item) -> int:
        return next((number for number, name in enumerate(LONGEST) if item.name.startswith(name)), len(LONGEST))

    items.sort(key=rank)
