# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the callback phases prints."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.plugin_utils import _phases


@pytest.mark.parametrize(
    ("name", "variables", "expected"),
    [
        ("Move each site", {}, "Move each site"),
        ("Move each site", {"_ansible_item_label": "shop"}, "Move each site: shop"),
        ("Move\x1b[2J each site", {"_ansible_item_label": "a\nb"}, "Move\\x1b[2J each site: a\\nb"),
        # Of a loop without a label, the item itself: it may hold passwords.
        ("Move each site", {"_ansible_item_label": {"name": "shop", "key": "x"}}, "Move each site"),
        ("Move each site", {"_ansible_item_label": ["x"]}, "Move each site"),
        ("Move each site", None, "Move each site"),
        ("Tell each", {"_ansible_item_label": "secret", "_ansible_no_log": True}, "Tell each"),
    ],
)
def test_a_heading(name: str, variables: Any, expected: str) -> None:
    assert _phases.heading(name, variables) == expected


@pytest.mark.parametrize(
    ("shown", "path", "expected"),
    [
        ([], [], []),
        ([], ["a", "b"], [(0, "a"), (1, "b")]),
        (["a", "b"], ["a", "b"], []),
        (["a", "b"], ["a"], []),
        (["a", "b"], ["a", "c"], [(1, "c")]),
        (["a", "b"], ["c", "b"], [(0, "c"), (1, "b")]),
        (["a"], ["a", "b", "c"], [(1, "b"), (2, "c")]),
    ],
)
def test_only_headings_that_are_not_shown_yet(shown: list[str], path: list[str], expected: list[Any]) -> None:
    assert _phases.fresh(shown, path, "") == expected
    alone = [(0, f"[new1] {' > '.join(name for _depth, name in expected)}")] if expected else []
    assert _phases.fresh(shown, path, "new1") == alone


@pytest.mark.parametrize(
    ("changed", "seconds", "expected"),
    [(False, 2, "2.0 s"), (True, 0.06, "changed, 0.1 s"), (True, 61, "changed, 61.0 s")],
)
def test_what_came_of_a_task(changed: bool, seconds: float, expected: str) -> None:
    assert _phases.done(changed, seconds) == expected


def test_why_a_task_failed() -> None:
    assert _phases.failed("[x] no\nmore\x1b") == "FAILED: [x] no\n      | more\\x1b"
