# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A refusal that is told at the end of the run: short where it happens, whole where it is told."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.plugin_utils import _told

LATER = {"relocate_told_later": True}
REFUSED = {
    "failed": True,
    "changed": False,
    "code": "x",
    "msg": "[x] no way: Traceback (most recent call last):\n|  File\nNext: go",
    "hint": "go",
    "details": {"step": "start"},
    "exception": "(traceback unavailable)",
    "invocation": {"module_args": {"a": 1}},
}


def test_a_refusal_is_short_now_and_whole_later() -> None:
    found = _told.shortened(REFUSED, LATER)
    assert found["msg"] == "[x] no way (in full at the end of this run)"
    shown = {key: value for key, value in found.items() if key != "invocation"}  # Ansible shows it from -vvv on
    assert set(shown) == {"failed", "changed", "code", "msg"}
    assert found["invocation"]["module_args"] == {"a": 1}
    whole = _told.whole(found)
    assert {key: whole[key] for key in ("msg", "hint", "details", "code")} == {
        key: REFUSED[key] for key in ("msg", "hint", "details", "code")
    }


@pytest.mark.parametrize(
    ("found", "variables"),
    [
        (REFUSED, {}),
        (REFUSED, {"relocate_told_later": False}),
        ({"changed": True, "msg": "fine"}, LATER),
        ({"failed": True, "msg": "a crash, whose traceback Ansible shows", "exception": "x"}, LATER),
    ],
)
def test_all_else_is_left_as_it_is(found: dict[str, Any], variables: dict[str, Any]) -> None:
    assert _told.shortened(found, variables) == found
    assert _told.whole(found) == found


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("[x] a. Next: b", "[x] a"),
        ("a\nb", "a"),
        ("a" * 200, "a" * 100 + " ..."),
        ("\x1b", "\\x1b"),
        (None, ""),
        ({"a": 1}, "{'a': 1}"),
    ],
)
def test_the_first_line_is_one_that_a_terminal_can_show(message: Any, line: str) -> None:
    assert _told.first_line(message) == line


@pytest.mark.parametrize("junk", [None, 1, "x", [], {"invocation": 3}, {"invocation": {"refused": "x"}}])
def test_what_is_whole_already_is_read_all_the_same(junk: Any) -> None:
    assert _told.whole(junk) == (junk if isinstance(junk, dict) else {})
